//! A certificate that was taken on trust is pointed out, with what holds the camera to it the next time.

use super::*;
use crate::cli::audit::tell_pins;
use crate::clock;
use crate::facts::{Device, Facts, Kind, NasFacts, Observation, Source};

fn seen(name: &str, pin: Option<&str>) -> Observation {
    let device = Device {
        name: name.parse().unwrap(),
        kind: Kind::Mobotix,
        source: Source::Live,
        address: format!("https://{name}:443"),
        product: None,
        model: None,
        firmware: None,
        serial: None,
        pin: pin.map(str::to_owned),
    };
    Observation {
        device,
        observed_at: clock::now(),
        outcome: Ok(Facts::Nas(NasFacts::unread("it is a test"))),
        attestations: Vec::new(),
        vms_addresses: Vec::new(),
    }
}

fn told(observations: &[Observation], single: bool) -> String {
    let mut errors = Vec::new();
    let mut console = Console {
        input: &mut io::empty(),
        output: &mut io::sink(),
        errors: &mut errors,
        variable: &|_| None,
        ask: &|_| Ok(String::new()),
        terminals: Terminals::default(),
    };
    tell_pins(observations.iter(), single, &mut console);
    String::from_utf8(errors).unwrap()
}

#[test]
fn the_pin_of_one_camera_is_told_as_an_option() {
    let told = told(&[seen("yard", Some("sha256:ab"))], true);
    assert!(told.ends_with("--pin sha256:ab\n") && told.lines().count() == 1, "{told}");
}

#[test]
fn the_pins_of_a_site_are_told_as_lines_for_its_file() {
    let cameras =
        [seen("yard", Some("sha256:ab")), seen("plain", None), seen("gate", Some("sha256:cd"))];
    let told = told(&cameras, false);
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(lines[0].contains("yard") && lines[0].ends_with("pin = \"sha256:ab\""), "{told}");
    assert!(lines[1].contains("gate") && lines[1].ends_with("pin = \"sha256:cd\""), "{told}");
}

#[test]
fn over_http_no_pin_is_advised_that_would_be_refused_next_time() {
    let mut observation = seen("yard", Some("sha256:ab"));
    observation.device.address = "http://yard:80".to_owned();
    assert_eq!(told(&[observation], true), "");
}
