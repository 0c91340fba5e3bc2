//! What is fuzzed beside the cameras' files: each function eats any bytes as a stranger would send them, and holds what was
//! taken in to a promise. The targets in `fuzz/` call these, and the ordinary tests feed them the corpora; so a crash that
//! was found once stays found.
//!
//! Each gives whether the bytes were taken in. None may panic, whatever it is given.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use agent::discovery::neighbours;
use agent::identity::Folder;
use agent::store::DurableFile;
use certs::ticket::Ticket;
use certs::{Leaf, Name, peer, request, trust};
use controller::config::Loaded;
use prost::Message as _;
use proto::EscrowRecord;
use proto::record::{ConfigurationBackup, SiteEvent};
use proto::wire::finding::{Report, Unchanged, digest_form};
use proto::wire::plan::{Applied, PlanPart};
use proto::wire::policy::{Desired, Order};
use proto::wire::rotation::RotationState;
use proto::wire::v1;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;

/// Longest identity file that is eaten, in bytes.
const MOST_IDENTITY: usize = 128 << 10;

/// A name, and what eats its corpus.
pub type Target = (&'static str, fn(&[u8]) -> bool);

/// Every target, by the name of its corpus.
pub const TARGETS: &[Target] = &[
    ("desired", desired),
    ("durable", durable),
    ("neighbours", arp_table),
    ("peer", certificate),
    ("report", report),
    ("request", certificate_request),
    ("settings", settings),
    ("ticket", ticket),
];

/// A ticket that somebody types in: what is read is written so that it reads back the same.
pub fn ticket(bytes: &[u8]) -> bool {
    let Ok(ticket) = Ticket::parse(&String::from_utf8_lossy(bytes)) else { return false };
    let again = Ticket::parse(ticket.to_text().expose()).expect("what was written reads back");
    assert_eq!((again.kind, &again.organisation), (ticket.kind, &ticket.organisation));
    assert_eq!((&again.addresses, again.pin), (&ticket.addresses, ticket.pin));
    assert!(again.secret.expose() == ticket.secret.expose());
    true
}

/// A certificate request: a key is taken from it only if that key has signed it.
pub fn certificate_request(bytes: &[u8]) -> bool {
    let Ok(verified) = request::verify(bytes) else { return false };
    assert!(bytes.windows(verified.spki().len()).any(|part| part == verified.spki()));
    true
}

/// A certificate that a peer presents, and the name in it: a name is printed as it was read.
pub fn certificate(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(name) = text.parse::<Name>() {
        assert_eq!(name.to_string(), text);
    }
    let _ = (trust::lifetime(bytes), trust::spki(bytes), trust::organisation(bytes));
    let _ = Leaf::read(bytes, &[bytes]);
    let Ok(peer) = peer::read(&[CertificateDer::from(bytes)]) else { return false };
    assert_eq!(peer.name.to_string().parse::<Name>().as_ref(), Ok(&peer.name));
    true
}

/// An upload of an agent: what is taken in of it goes out again as it came.
pub fn report(bytes: &[u8]) -> bool {
    use v1::entry::What;
    let Ok(request) = v1::ReportRequest::decode(bytes) else { return false };
    let mut taken = !request.entries.is_empty();
    for entry in request.entries {
        taken &= match entry.what {
            Some(What::Device(wire)) => match Report::try_from(wire.clone()) {
                Ok(report) => {
                    let again = v1::DeviceReport::from(&report);
                    assert_eq!(digest_form(&again), digest_form(&wire));
                    again == wire
                }
                Err(_) => false,
            },
            Some(What::Unchanged(wire)) => match Unchanged::try_from(wire.clone()) {
                Ok(unchanged) => v1::DeviceUnchanged::from(&unchanged) == wire,
                Err(_) => false,
            },
            Some(What::Escrow(wire)) => match EscrowRecord::try_from(wire.clone()) {
                Ok(record) => v1::EscrowRecord::from(&record) == wire,
                Err(_) => false,
            },
            Some(What::Backup(wire)) => match ConfigurationBackup::try_from(wire.clone()) {
                Ok(backup) => v1::ConfigurationBackup::from(&backup) == wire,
                Err(_) => false,
            },
            Some(What::Event(wire)) => match SiteEvent::try_from(wire.clone()) {
                Ok(event) => v1::SiteEvent::from(&event).devices == wire.devices,
                Err(_) => false,
            },
            Some(What::Rotated(wire)) => match RotationState::try_from(wire.clone()) {
                Ok(state) => v1::RotationState::from(&state) == wire,
                Err(_) => false,
            },
            Some(What::Plan(wire)) => match PlanPart::try_from(wire.clone()) {
                Ok(part) => *part.body() == wire,
                Err(_) => false,
            },
            Some(What::Applied(wire)) => match Applied::try_from(wire.clone()) {
                Ok(applied) => *applied.body() == wire,
                Err(_) => false,
            },
            Some(What::Audit(_) | What::Forgotten(_)) => true,
            None => false,
        };
    }
    taken
}

/// An instruction of the controller: a desired state and orders that are taken in go out again as they came.
pub fn desired(bytes: &[u8]) -> bool {
    let Ok(instruction) = v1::Instruction::decode(bytes) else { return false };
    for wire in instruction.orders {
        if let Ok(order) = Order::try_from(wire.clone()) {
            assert_eq!(v1::Order::from(&order), wire);
        }
    }
    let Some(wire) = instruction.desired else { return false };
    let Ok(desired) = Desired::try_from(wire.clone()) else { return false };
    assert_eq!(v1::DesiredState::from(&desired), wire);
    true
}

/// The kernel's table of neighbours: each address at most once, in their order.
pub fn arp_table(bytes: &[u8]) -> bool {
    let found = neighbours(&String::from_utf8_lossy(bytes));
    assert!(found.is_sorted_by(|one, next| one.address < next.address));
    !found.is_empty()
}

/// The bytes as they lie in a durable file after a cut or a bad sector, and as an identity that a copy or a newer version
/// may have written: a file that is no file is damaged, and what was sound before is found.
///
/// # Panics
/// When no temporary file can be written, besides what is looked for.
pub fn durable(bytes: &[u8]) -> bool {
    let place = folder();
    let file = DurableFile::new(place.path(), "member", MOST_IDENTITY);
    let raw = place.path().join("member.0");
    fs::write(&raw, bytes).expect("a temporary file");
    let alone = file.read().ok().flatten();
    let before = alone.map_or(0, |content| content.generation);
    let written = file.write(b"sound").expect("a small file is written");
    assert!(written > before || before == u64::MAX);
    let whole = file.read().expect("one generation is sound").expect("it is there");
    assert!(before == u64::MAX || whole.bytes.as_slice() == b"sound");
    identity(bytes)
}

fn identity(bytes: &[u8]) -> bool {
    let place = folder();
    let within = place.path().join("identity");
    if DurableFile::new(&within, "member", MOST_IDENTITY).write(bytes).is_err() {
        return false;
    }
    let kept = Folder::within(place.path());
    let Ok(Some(member)) = kept.member() else { return false };
    kept.keep_member(&member).expect("what was read is kept");
    let again = kept.member().expect("it is read").expect("it is there");
    assert_eq!(again.name(), member.name());
    true
}

/// The controller's settings: those in force, printed, are the same settings.
pub fn settings(bytes: &[u8]) -> bool {
    let (text, here) = (String::from_utf8_lossy(bytes), Path::new("/srv/palisade"));
    let none = BTreeMap::new();
    let variables = BTreeMap::from([("PALISADE_SERVER_ADDRESSES".to_owned(), text.to_string())]);
    let _ = Loaded::read("", here, &variables);
    let Ok(loaded) = Loaded::read(&text, here, &none) else { return false };
    let again = Loaded::read(&loaded.to_toml(), here, &none).expect("what is printed is sound");
    assert_eq!(again.config, loaded.config);
    true
}

/// In memory where the system has such a place: the fuzzer makes thousands a second.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
    made.expect("a temporary folder")
}
