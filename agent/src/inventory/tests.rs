//! Devices that go, change and appear, by clocks that cannot be trusted.

use proptest::prelude::*;
use proto::Evidence;
use proto::wire::finding::{About, Sign};

use super::*;

const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
const GONE_AFTER_DAYS: u32 = 3;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds)
}

fn name(text: &str) -> DeviceName {
    text.parse().unwrap()
}

fn pin(byte: u8) -> Pin {
    Pin::of(&[byte])
}

fn look(seconds: i64, answered: bool) -> Look {
    Look { at: at(seconds), answered, pin: None, wanted: None }
}

fn presents(seconds: i64, seen: Pin, wanted: Option<Pin>) -> Look {
    Look { pin: Some(seen), wanted, ..look(seconds, true) }
}

fn signs(inventory: &Inventory, of: &str) -> Vec<Sign> {
    let about = |found: proto::wire::finding::Found| match found.about {
        About::Sign(sign) => sign,
        About::Measure(measure) => panic!("{measure} is no sign"),
    };
    inventory.signs(&name(of), GONE_AFTER_DAYS).into_iter().map(about).collect()
}

/// Hourly looks at `gate`, which answers, and at `yard`, which answered once.
fn three_days(gate_answers: bool) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.looked(&name("yard"), look(0, true));
    for hour in 1..=72 {
        assert_eq!(signs(&inventory, "yard"), [], "hour {hour}");
        inventory.looked(&name("gate"), look(hour * HOUR - 1, gate_answers));
        inventory.looked(&name("yard"), look(hour * HOUR, false));
    }
    inventory
}

#[test]
fn a_device_is_gone_after_three_days_of_silence_and_back_with_one_answer() {
    let mut inventory = three_days(true);
    assert_eq!(signs(&inventory, "yard"), [Sign::GoneDevice]);
    assert_eq!(signs(&inventory, "gate"), []);
    inventory.looked(&name("yard"), look(73 * HOUR, true));
    assert_eq!(signs(&inventory, "yard"), []);
}

#[test]
fn a_network_that_is_down_makes_nobody_gone() {
    assert_eq!(signs(&three_days(false), "yard"), []);
}

#[test]
fn the_only_device_of_a_site_can_be_gone_and_one_that_never_answered_is_not() {
    let mut inventory = Inventory::default();
    inventory.looked(&name("yard"), look(0, true));
    (1..=9).for_each(|third| inventory.looked(&name("yard"), look(third * 8 * HOUR, false)));
    assert_eq!(signs(&inventory, "yard"), [Sign::GoneDevice]);
    let mut inventory = Inventory::default();
    (0..=99).for_each(|third| inventory.looked(&name("yard"), look(third * 8 * HOUR, false)));
    assert_eq!(signs(&inventory, "yard"), []);
}

#[test]
fn a_clock_that_jumps_makes_nobody_gone() {
    let mut inventory = Inventory::default();
    inventory.looked(&name("yard"), look(0, true));
    for seconds in [HOUR, 90 * DAY, -300 * DAY, 90 * DAY] {
        inventory.looked(&name("yard"), look(seconds, false));
        assert_eq!(signs(&inventory, "yard"), []);
    }
}

#[test]
fn another_certificate_is_a_sign_until_the_first_is_back_or_the_site_file_names_it() {
    let mut inventory = Inventory::default();
    let yard = name("yard");
    inventory.looked(&yard, presents(0, pin(1), None));
    assert_eq!(inventory.known(&yard).unwrap().accepted(), Some(pin(1)));
    inventory.looked(&yard, presents(1, pin(2), None));
    assert_eq!(signs(&inventory, "yard"), [Sign::ChangedCertificate]);
    inventory.looked(&yard, look(2, false));
    assert_eq!(signs(&inventory, "yard"), [Sign::ChangedCertificate], "silence accepts nothing");
    let mut back = inventory.clone();
    back.looked(&yard, presents(3, pin(1), None));
    assert_eq!(signs(&back, "yard"), []);
    inventory.looked(&yard, Look { wanted: Some(pin(2)), ..look(3, false) });
    assert_eq!(signs(&inventory, "yard"), [], "the site file names it");
    inventory.looked(&yard, presents(4, pin(3), Some(pin(2))));
    assert_eq!(signs(&inventory, "yard"), [Sign::ChangedCertificate]);
}

#[test]
fn a_log_in_refused_for_the_certificate_is_tried_again_when_the_certificate_is_back() {
    let (mut inventory, yard) = (Inventory::default(), name("yard"));
    inventory.looked(&yard, presents(0, pin(1), None));
    inventory.entry(&yard).logins.refused([1; 16], at(1));
    inventory.looked(&yard, presents(2, pin(1), None));
    let leave = |inventory: &Inventory| {
        inventory.known(&yard).unwrap().logins.leave(&[1; 16], Occasion::Turn, at(9))
    };
    assert_eq!(leave(&inventory), Leave::Refused, "the certificate was not why");
    inventory.looked(&yard, presents(3, pin(2), None));
    assert_eq!(leave(&inventory), Leave::Refused);
    inventory.looked(&yard, presents(4, pin(1), None));
    assert_eq!(leave(&inventory), Leave::Granted);
}

fn stranger(mac: &str, address: &str) -> Sighting {
    let evidence =
        vec![Evidence { source: "GET /".to_owned(), text: "publisher MOBOTIX AG".to_owned() }];
    Sighting { mac: mac.parse().unwrap(), address: address.parse().unwrap(), evidence }
}

const CAMERA: &str = "00:03:c5:0c:9f:25";

fn survey(inventory: &mut Inventory, own: &[&str], seconds: i64) -> Vec<DeviceName> {
    let own = own.iter().map(|address| address.parse().unwrap()).collect();
    let seen = vec![stranger(CAMERA, "10.1.2.77")];
    inventory.surveyed(seen, &own, &BTreeSet::new(), at(seconds))
}

#[test]
fn a_stranger_is_new_until_the_site_file_names_it() {
    let mut inventory = Inventory::default();
    assert_eq!(survey(&mut inventory, &[], 0), []);
    assert_eq!(survey(&mut inventory, &[], HOUR), []);
    let (shown, mac, known) = inventory.strangers().next().unwrap();
    assert_eq!(shown, name("new-00:03:c5:0c:9f:25"));
    assert_eq!((known.first_seen, known.last_seen), (at(0), at(HOUR)));
    let found = signs::new_device(mac, known);
    assert_eq!(found.about, About::Sign(Sign::NewDevice));
    assert_eq!(found.evidence.len(), 2);
    assert_eq!(survey(&mut inventory, &["10.1.2.77"], 2 * HOUR), [shown]);
    assert_eq!(inventory.strangers().count(), 0);
}

#[test]
fn a_camera_of_the_site_is_known_by_its_serial_number_wherever_it_moves() {
    let mut inventory = Inventory::default();
    let serials = BTreeSet::from(["10.12.159.37".to_owned()]);
    let seen = vec![stranger(CAMERA, "10.9.9.9")];
    inventory.surveyed(seen, &BTreeSet::new(), &serials, at(0));
    assert_eq!(inventory.strangers().count(), 0);
}

#[test]
fn a_stranger_that_left_is_forgotten_after_a_week_of_looking() {
    let mut inventory = Inventory::default();
    survey(&mut inventory, &[], 0);
    let mut looks = 0;
    while inventory.strangers().count() == 1 {
        looks += 1;
        inventory.surveyed(Vec::new(), &BTreeSet::new(), &BTreeSet::new(), at(looks * HOUR));
    }
    assert_eq!(looks, 7 * 24);
}

#[test]
fn strangers_are_bounded() {
    let mut inventory = Inventory::default();
    let many = (0..1000_u32).map(|number| {
        let [_, _, high, low] = number.to_be_bytes();
        stranger(&format!("02:00:00:00:{high:02x}:{low:02x}"), "10.1.2.3")
    });
    inventory.surveyed(many.collect(), &BTreeSet::new(), &BTreeSet::new(), at(0));
    assert_eq!(inventory.strangers().count(), MAX_STRANGERS);
}

#[test]
fn an_inventory_survives_a_restart_and_nonsense_does_not() {
    let mut inventory = three_days(true);
    survey(&mut inventory, &[], 0);
    inventory.entry(&name("yard")).logins.refused([7; 16], at(0));
    inventory.entry(&name("yard")).reported = Some([9; 32]);
    inventory.looked(&name("gate"), presents(0, pin(1), None));
    assert_eq!(Inventory::from_bytes(&inventory.to_bytes()), Ok(inventory));
    for bad in [&b"{}"[..], b"", b"[]", br#"{"version":2,"devices":{},"strangers":{}}"#] {
        assert_eq!(Inventory::from_bytes(bad), Err(NoInventory));
    }
}

#[test]
fn devices_that_left_the_site_file_are_forgotten() {
    let mut inventory = three_days(true);
    let gate = name("gate");
    assert_eq!(inventory.keep_only(&BTreeSet::from([&gate])), [name("yard")]);
    assert!(inventory.known(&name("yard")).is_none());
}

proptest! {
    #[test]
    fn hardware_addresses_read_back_and_nothing_makes_the_reader_panic(text in "[0-9a-fA-F:xé]{0,20}") {
        if let Ok(mac) = text.parse::<Mac>() {
            prop_assert_eq!(mac.to_string(), text.to_ascii_lowercase());
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Inventory::from_bytes(&bytes);
    }
}
