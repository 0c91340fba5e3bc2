//! Sealed secrets on their way to the controller: a real vault, a real outbox, and a line that comes and goes.

use std::sync::Mutex;

use certs::SharedClock;
use certs::escrow::{Quorum, open};
use certs::seal::Opener;
use proto::wire::v1::entry::What;
use proto::{EscrowRecord, Secret, SecretId};

use super::super::desk::EscrowDesk;
use super::*;
use crate::rotate::devices::Devices;
use crate::rotate::hands::{About, Desk as _, HandedOver, Recovery};
use crate::rotate::reseal::reseal;
use crate::rotation::Rotation;
use crate::rotation::due::Why;
use crate::store::Drawer;
use crate::store::journal::{Entry, Journal};
use crate::store::subject::{Kind, Subject};
use crate::store::vault::{Escrowed, Role, Vault};

type Seen = Arc<Mutex<Vec<EscrowRecord>>>;

/// A controller that commits all, and what it was handed of secrets.
fn commits(rig: &Rig) -> Seen {
    let seen = Seen::default();
    let notes = seen.clone();
    hook(&rig.fake.report, move |request: v1::ReportRequest| {
        let committed = request.entries.last().unwrap().sequence;
        notes.lock().unwrap().extend(escrows(request));
        Ok(v1::ReportReply { committed, resend: Vec::new(), refused: Vec::new() })
    });
    seen
}

fn escrows(request: v1::ReportRequest) -> Vec<EscrowRecord> {
    let escrow = |entry: v1::Entry| match entry.what {
        Some(What::Escrow(record)) => Some(EscrowRecord::try_from(record).unwrap()),
        _ => None,
    };
    request.entries.into_iter().filter_map(escrow).collect()
}

fn subject() -> Subject {
    let kind = Kind::Password { account: "admin".to_owned() };
    Subject { device: Some("cam-1".parse().unwrap()), kind }
}

/// A camera's password in the vault, and how it comes into escrow.
struct Safe {
    id: SecretId,
    key: Opener,
    recovery: Arc<Recovery>,
}

impl Safe {
    fn new(rig: &Rig) -> Self {
        let key = Opener::generate();
        let quorum = Quorum::new(1, &[key.recipient().to_string()]).unwrap();
        let vault = Vault::open(rig.data.path()).unwrap();
        let now = Timestamp::from_unix(START);
        let fresh = [(Role::Main, Secret::new("Tr0ub4dor&3"))];
        let id = vault.keep(&subject(), &fresh, now).unwrap()[0];
        let rotation = Rotation::adopt(id, Timestamp::from_unix(START + 1_000_000));
        let entry = Entry { subject: subject(), rotation, why: Why::Command, changed: None };
        Journal::new(rig.data.path()).record(&entry).unwrap();
        Self { id, key, recovery: Arc::new(Recovery { generation: 1, quorum }) }
    }

    /// Gives how many secrets the controller does not have.
    async fn hand_over(&self, rig: &Rig) -> usize {
        let (vault, journal) =
            (Vault::open(rig.data.path()).unwrap(), Journal::new(rig.data.path()));
        let clock: SharedClock = rig.clock.clone();
        let about = About {
            organisation: "acme".parse().unwrap(),
            site: "harbour".parse().unwrap(),
            subject: subject(),
            recovery: Some(self.recovery.clone()),
            clock,
        };
        let mut desk = EscrowDesk::new(rig.link.clone());
        let taken = Devices::default().take(subject().device.as_ref()).unwrap();
        let entry = journal.read(&subject()).unwrap().unwrap().entry;
        let done = reseal(entry, &about, (&vault, &journal), &mut desk, &taken).await;
        done.unwrap().left
    }

    fn escrowed(&self, rig: &Rig) -> Escrowed {
        let vault = Vault::open(rig.data.path()).unwrap();
        vault.escrowed(&subject(), self.id).unwrap()
    }

    /// The recovery key alone opens what the controller was handed, which is this secret once.
    fn check(&self, seen: &Seen) {
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "exactly one record arrives");
        let keys = [Opener::parse(&self.key.to_text()).unwrap()];
        let sheet = open(&seen[0].copies[0], &keys).unwrap();
        assert_eq!((seen[0].id, sheet.id), (self.id, self.id));
        assert_eq!(sheet.secret.expose(), "Tr0ub4dor&3");
    }
}

async fn until_empty(rig: &Rig) {
    while rig.store.waiting().await.unwrap().records > 0 {
        tokio::task::yield_now().await;
    }
}

const ACKNOWLEDGED: Escrowed = Escrowed::Acknowledged { generation: 1 };

#[tokio::test]
async fn a_secret_that_was_sealed_while_the_line_was_down_arrives_once() {
    let rig = Rig::start().await;
    let (seen, safe) = (commits(&rig), Safe::new(&rig));
    for _ in 0..3 {
        assert_eq!(safe.hand_over(&rig).await, 1);
    }
    assert_eq!(rig.store.waiting().await.unwrap().records, 1);
    assert!(matches!(safe.escrowed(&rig), Escrowed::Sealed { generation: 1, .. }));
    rig.go();
    until_empty(&rig).await;
    assert_eq!(safe.hand_over(&rig).await, 0);
    assert_eq!(safe.escrowed(&rig), ACKNOWLEDGED);
    safe.check(&seen);
}

#[tokio::test]
async fn with_a_line_one_turn_is_enough() {
    let mut rig = Rig::start().await;
    let (seen, safe) = (commits(&rig), Safe::new(&rig));
    rig.go();
    let _stream = rig.stream().await;
    wait(rig.link.line.subscribe(), Option::is_some).await;
    assert_eq!(safe.hand_over(&rig).await, 0);
    assert_eq!(safe.escrowed(&rig), ACKNOWLEDGED);
    safe.check(&seen);
}

#[tokio::test]
async fn killed_between_the_outbox_and_the_vaults_note_it_is_not_sent_twice() {
    let rig = Rig::start().await;
    let (seen, safe) = (commits(&rig), Safe::new(&rig));
    assert_eq!(safe.hand_over(&rig).await, 1);
    let rig = rig.again(None).await;
    assert_eq!(safe.hand_over(&rig).await, 1);
    let running = rig.go();
    until_empty(&rig).await;
    // Committed; and killed before anybody could note it.
    let rig = rig.again(Some(running)).await;
    assert!(matches!(safe.escrowed(&rig), Escrowed::Sealed { .. }));
    assert_eq!(safe.hand_over(&rig).await, 0);
    assert_eq!(safe.escrowed(&rig), ACKNOWLEDGED);
    assert_eq!(rig.store.waiting().await.unwrap().records, 0);
    safe.check(&seen);
}

fn record(number: u8) -> EscrowRecord {
    EscrowRecord {
        id: SecretId([number; 16]),
        device: Some("cam-1".parse().unwrap()),
        kind: proto::SecretKind::DevicePassword,
        account: "admin".to_owned(),
        made_at: Timestamp::from_unix(START),
        recipients_generation: 1,
        copies: vec![proto::SealedCopy {
            layers: vec![vec!["age1a".to_owned()]],
            sealed: vec![number; 60_000],
        }],
    }
}

#[tokio::test]
async fn only_what_was_committed_counts_as_committed() {
    let rig = Rig::start().await;
    let mut desk = EscrowDesk::new(rig.link.clone());
    for number in [1, 2] {
        assert_eq!(desk.hand_over(record(number)).await, HandedOver::NotYet);
    }
    let calls = Arc::new(Mutex::new(0));
    let notes = calls.clone();
    hook(&rig.fake.report, move |_| {
        *notes.lock().unwrap() += 1;
        match *notes.lock().unwrap() {
            1 => Err(Status::unavailable("its disk is full")),
            2 => Ok(v1::ReportReply { committed: 0, resend: Vec::new(), refused: Vec::new() }),
            3 => Ok(v1::ReportReply { committed: 1, resend: Vec::new(), refused: Vec::new() }),
            _ => Err(Status::unavailable("its disk is full")),
        }
    });
    let running = rig.go();
    wait(rig.link.receipts.subscribe(), |count| *count > 0).await;
    assert!(*calls.lock().unwrap() >= 3);
    let rig = rig.again(Some(running)).await;
    let mut desk = EscrowDesk::new(rig.link.clone());
    assert_eq!(desk.hand_over(record(1)).await, HandedOver::Committed);
    assert_eq!(desk.hand_over(record(2)).await, HandedOver::NotYet);
    let resealed = EscrowRecord { recipients_generation: 2, ..record(1) };
    assert_eq!(desk.hand_over(resealed).await, HandedOver::NotYet);
    assert_eq!(rig.store.all(Drawer::Receipts).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_no_controller_would_take_does_not_stop_what_waits() {
    let rig = Rig::start().await;
    let seen = commits(&rig);
    let mut desk = EscrowDesk::new(rig.link.clone());
    let mut large = record(1);
    large.copies[0].sealed = vec![1; 70_000];
    assert_eq!(desk.hand_over(large).await, HandedOver::NotYet);
    assert_eq!(desk.hand_over(record(2)).await, HandedOver::NotYet);
    rig.go();
    until_empty(&rig).await;
    assert_eq!(*seen.lock().unwrap(), [record(2)]);
}

#[tokio::test]
async fn a_long_queue_of_secrets_is_bounded_and_arrives_whole() {
    let rig = Rig::start().await;
    let seen = commits(&rig);
    let mut desk = EscrowDesk::new(rig.link.clone());
    for number in 0..200 {
        assert_eq!(desk.hand_over(record(number)).await, HandedOver::NotYet);
    }
    let waiting = rig.store.waiting().await.unwrap();
    assert!(waiting.bytes <= 8 << 20 && waiting.records > 120, "{waiting:?}");
    rig.go();
    until_empty(&rig).await;
    assert_eq!(seen.lock().unwrap().len() as u64, waiting.records);
    // What had no room is handed over after all.
    assert_eq!(desk.hand_over(record(199)).await, HandedOver::Committed);
}

#[tokio::test]
async fn a_secret_that_the_controller_refuses_counts_as_refused_and_holds_up_nothing() {
    let mut rig = Rig::start().await;
    let seen = Seen::default();
    let notes = seen.clone();
    // Full: it keeps what is of the site, and no secret.
    hook(&rig.fake.report, move |request: v1::ReportRequest| {
        assert!(request.takes_refusals, "it would not be told");
        let committed = request.entries.last().unwrap().sequence;
        let secret = |entry: &&v1::Entry| matches!(entry.what, Some(What::Escrow(_)));
        let refused = request.entries.iter().filter(secret).map(|entry| entry.sequence).collect();
        notes.lock().unwrap().extend(escrows(request));
        Ok(v1::ReportReply { committed, resend: Vec::new(), refused })
    });
    let safe = Safe::new(&rig);
    rig.go();
    let _stream = rig.stream().await;
    wait(rig.link.line.subscribe(), Option::is_some).await;
    assert_eq!(safe.hand_over(&rig).await, 1);
    until_empty(&rig).await;
    let mut desk = EscrowDesk::new(rig.link.clone());
    let record = seen.lock().unwrap()[0].clone();
    assert_eq!(desk.hand_over(record).await, HandedOver::Refused);
    assert!(matches!(safe.escrowed(&rig), Escrowed::Sealed { .. }), "its copy stays here");
    assert!(rig.store.all(Drawer::Receipts).await.unwrap().is_empty());
    assert_eq!(safe.hand_over(&rig).await, 1);
    assert_eq!(seen.lock().unwrap().len(), 1, "it is not asked again before an hour is over");
    let journal = Journal::new(rig.data.path());
    let Rotation::Settled { live, .. } = journal.read(&subject()).unwrap().unwrap().entry.rotation
    else {
        panic!("nothing was rotated");
    };
    assert_eq!(live.safe, crate::rotation::Safe::Nowhere);
}
