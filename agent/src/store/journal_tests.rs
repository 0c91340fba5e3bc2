use std::fs;

use super::*;
use crate::rotation::{Change, Held, Next, Outcome, Pace, Safe};
use crate::store::subject::Kind;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds)
}

fn subject() -> Subject {
    let kind = Kind::Password { account: "admin".to_owned() };
    Subject { device: Some("cam-1".parse().unwrap()), kind }
}

fn entry(rotation: Rotation<SecretId>) -> Entry {
    Entry { subject: subject(), rotation, why: Why::Schedule, changed: Some(at(0)) }
}

fn id(byte: u8) -> SecretId {
    SecretId([byte; 16])
}

fn held(byte: u8, safe: Safe) -> Held<SecretId> {
    Held { credential: id(byte), safe }
}

/// A change as the first version stored it.
const CHANGE: &str = concat!(
    "{\"live\":{\"credential\":\"01010101010101010101010101010101\",\"safe\":\"controller\"},",
    "\"next\":{\"credential\":\"02020202020202020202020202020202\",\"safe\":\"vault\"},",
    "\"second\":{\"credential\":\"03030303030303030303030303030303\",\"safe\":\"nowhere\"},",
    "\"older\":[{\"credential\":\"04040404040404040404040404040404\",\"safe\":\"controller\"}],",
    "\"tries\":2}",
);

fn change() -> Change<SecretId> {
    Change {
        live: held(1, Safe::Controller),
        next: held(2, Safe::Vault),
        second: Some(held(3, Safe::Nowhere)),
        older: vec![held(4, Safe::Controller)],
        tries: 2,
    }
}

#[test]
fn what_the_first_version_stored_decodes_for_ever() {
    use crate::rotation::{Ask, Rotation::*};
    let live = "{\"credential\":\"01010101010101010101010101010101\",\"safe\":\"controller\"}";
    let time = "\"2027-01-15T08:00:00Z\"";
    let one = |word: &str| format!("{{\"{word}\":{CHANGE}}}");
    let ask = |word: &str| format!("{{\"in_doubt\":[{CHANGE},\"{word}\"]}}");
    let golden = [
        (
            Settled { live: held(1, Safe::Controller), older: vec![], due: at(0) },
            format!("{{\"settled\":{{\"live\":{live},\"older\":[],\"due\":{time}}}}}"),
        ),
        (Minted(change()), one("minted")),
        (Escrowed(change()), one("escrowed")),
        (Raising(change()), one("raising")),
        (Raised(change()), one("raised")),
        (InDoubt(change(), Ask::Next), ask("next")),
        (InDoubt(change(), Ask::Live), ask("live")),
        (InDoubt(change(), Ask::Second), ask("second")),
        (Rescuing(change()), one("rescuing")),
        (Returning(change()), one("returning")),
        (Leaving(change()), one("leaving")),
        (Unsaved(change()), one("unsaved")),
        (Lowered(change()), one("lowered")),
        (Saved(change()), one("saved")),
        (Rebooted(change()), one("rebooted")),
        (
            Stranded { change: change(), ask: 1, again: at(0) },
            format!("{{\"stranded\":{{\"change\":{CHANGE},\"ask\":1,\"again\":{time}}}}}"),
        ),
    ];
    let subject = "{\"device\":\"cam-1\",\"kind\":{\"password\":{\"account\":\"admin\"}}}";
    for (rotation, json) in golden {
        let bytes = format!(
            "\u{1}{{\"subject\":{subject},\"rotation\":{json},\"why\":\"schedule\",\"changed\":{time}}}"
        );
        let entry = entry(rotation);
        assert_eq!(stored::decode::<Entry>(bytes.as_bytes()).unwrap(), entry);
        assert_eq!(stored::encode(&entry).unwrap(), bytes.as_bytes());
    }
    let logins = b"\x01{\"attempts\":[\"2027-01-15T08:00:00Z\"]}";
    let count = stored::decode::<Logins>(logins).unwrap().attempts;
    assert_eq!(count.count(&Limit::default(), at(1)), 1);
}

#[test]
fn an_entry_reads_back_and_an_unchanged_one_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::new(folder.path());
    assert_eq!(journal.read(&subject()).unwrap(), None);
    let first = entry(Rotation::adopt(id(1), at(0)));
    journal.record(&first).unwrap();
    journal.record(&first).unwrap();
    assert_eq!(journal.read(&subject()).unwrap().unwrap().entry, first);
    let path = subject().folder(&folder.path().join("rotations"));
    assert!(path.join("entry.0").exists() && !path.join("entry.1").exists());
    let (all, troubles) = journal.all().unwrap();
    assert_eq!((all.len(), troubles.len()), (1, 0));
}

#[test]
fn damage_to_the_newest_entry_gives_the_one_before_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::new(folder.path());
    let (first, second) =
        (entry(Rotation::adopt(id(1), at(0))), entry(Rotation::adopt(id(1), at(9))));
    journal.record(&first).unwrap();
    journal.record(&second).unwrap();
    let path = subject().folder(&folder.path().join("rotations")).join("entry.1");
    fs::write(&path, b"rubbish").unwrap();
    let read = journal.read(&subject()).unwrap().unwrap();
    assert_eq!((read.entry, read.damaged), (first, Some(path)));
}

#[test]
fn an_entry_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::new(folder.path());
    let path = subject().folder(&folder.path().join("rotations"));
    DurableFile::new(&path, "entry", LARGEST).write(b"\x02{}").unwrap();
    assert!(matches!(journal.read(&subject()), Err(JournalError::Unreadable { .. })));
    let (all, troubles) = journal.all().unwrap();
    assert_eq!((all.len(), troubles.len()), (0, 1));
}

#[test]
fn a_log_in_is_on_the_disk_before_the_effect_may_be_performed() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::new(folder.path());
    let limit = Limit::default();
    let device = subject().device;
    let settled = entry(Rotation::adopt(id(1), at(0)));
    let durable =
        journal.commit(&settled, Effect::Probe(id(1)), Cost::Login(&limit, at(0))).unwrap();
    assert_eq!(durable.get(), &Effect::Probe(id(1)));
    let again = Journal::new(folder.path());
    assert_eq!(again.attempts(device.as_ref(), at(1)).unwrap().count(&limit, at(1)), 1);
    again.refund(device.as_ref()).unwrap();
    assert_eq!(again.attempts(device.as_ref(), at(1)).unwrap(), Attempts::default());
}

#[test]
fn a_damaged_count_of_log_ins_is_taken_for_one_more() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::new(folder.path());
    let (limit, device) = (Limit::default(), subject().device);
    journal.charge(device.as_ref(), &limit, at(0)).unwrap();
    journal.charge(device.as_ref(), &limit, at(1)).unwrap();
    fs::write(folder.path().join("rotations/cam-1/logins.1"), b"rubbish").unwrap();
    assert_eq!(journal.attempts(device.as_ref(), at(2)).unwrap().count(&limit, at(2)), 2);
    journal.rebase(at(2)).unwrap();
    assert_eq!(journal.attempts(device.as_ref(), at(2)).unwrap().count(&limit, at(2)), 2);
}

#[test]
fn a_clock_set_back_blocks_for_a_window_and_not_for_years() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::new(folder.path());
    let (limit, device) = (Limit::default(), subject().device);
    (0..3).for_each(|_| journal.charge(device.as_ref(), &limit, at(900_000_000)).unwrap());
    let free = |now| journal.attempts(device.as_ref(), now).unwrap().free_at(&limit, now);
    assert_eq!(free(at(0)), at(3600));
    assert_eq!(free(at(1800)), at(3600));
    assert_eq!(free(at(3600)), at(3600));
}

#[test]
fn every_state_on_the_good_way_fits_its_file() {
    let rules = crate::rotation::Rules {
        escrow: crate::rotation::Escrow::Acknowledged,
        second: crate::rotation::Second::Stands,
        proof: crate::rotation::Proof::Reboot,
    };
    let mut rotation = Rotation::adopt(id(0), at(0));
    let mut made = 0;
    for _ in 0..100 {
        let bytes = stored::encode(&entry(rotation.clone())).unwrap();
        assert!(bytes.len() < LARGEST / 8, "{}", bytes.len());
        assert_eq!(stored::decode::<Entry>(&bytes).unwrap().rotation, rotation);
        let Next::Do { state, effect } = rotation.next(&rules, at(0)) else { break };
        let outcome = match effect {
            Effect::Mint(_) => {
                made += 2;
                Outcome::Minted { next: id(made), second: Some(id(made - 1)) }
            }
            _ => Outcome::Done,
        };
        let pace = Pace { due: at(0), retry: at(0), again: at(0) };
        rotation = state.learn(&effect, outcome, &rules, &pace);
    }
    assert!(made > 12);
}
