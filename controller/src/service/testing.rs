//! A founded controller in a folder of its own, with a clock that tests move.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use certs::audit::{ChainHead, Record};
use certs::request;
use certs::seal::{Opener, Work};
use certs::ticket::Ticket;
use certs::{Clock, Key, Name, VerifiedPeer};
use proto::wire::finding::{About, DeviceKind, Found, Report};
use proto::{
    DeviceName, Disruption, LockoutRisk, OperatorName, Organisation, Proof as Proven, Role, Secret,
    SiteName, Stance, Timestamp, Verdict,
};

use super::caller::Proof;
use super::enrollment::{Asking, Joined};
use super::found::{found, open};
use super::reports::{Entry, Item, Upload};
use super::{AgentPeer, OperatorPeer, Service, Settings, Source};

pub const NOW: i64 = 1_800_000_000;
pub const DAY: i64 = 86_400;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }
}

impl Hand {
    pub fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// A controller and what a test needs to drive it.
pub struct World {
    pub service: Arc<Service>,
    pub clock: Arc<Hand>,
    pub data: PathBuf,
    pub ticket: Ticket,
    pub opener: Opener,
    pub kim: OperatorPeer,
    _folder: Option<tempfile::TempDir>,
}

pub fn organisation() -> Organisation {
    "acme".parse().unwrap()
}

pub fn name(text: &str) -> OperatorName {
    text.parse().unwrap()
}

pub fn site(text: &str) -> SiteName {
    text.parse().unwrap()
}

pub fn device(text: &str) -> DeviceName {
    text.parse().unwrap()
}

pub fn source() -> Source {
    Source("192.0.2.7".parse().unwrap())
}

/// Somebody with this role, whether they are in the books or not.
pub fn somebody(text: &str, role: Role) -> OperatorPeer {
    let certificate = VerifiedPeer {
        name: Name::Operator(organisation(), name(text)),
        serial: "01".to_owned(),
        key: Key::generate().unwrap().hash(),
        not_after: Timestamp::from_unix(NOW + DAY),
    };
    OperatorPeer::new(name(text), role, certificate, Proof::made_by_peer())
}

/// What a box asks with, and its key.
pub fn asking() -> (Asking, Key) {
    let (key, recovery) = (Key::generate().unwrap(), Key::generate().unwrap());
    let request = request::make(&key).unwrap();
    let binding = certs::join_state::binding_message(&request);
    let asking = Asking {
        recovery_proof: recovery.sign(&binding).unwrap(),
        recovery_key: recovery.spki().to_vec(),
        request,
        version: "1".to_owned(),
        host: "box".to_owned(),
    };
    (asking, key)
}

impl World {
    /// Founded a moment ago; the first administrator is kim.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let ticket = found(
            &data,
            organisation(),
            vec!["127.0.0.1:7443".to_owned()],
            Secret::new("correct horse battery"),
            Work::Little,
            name("kim"),
            Timestamp::from_unix(NOW),
        );
        let ticket = ticket.await.unwrap();
        let clock = Arc::new(Hand(AtomicI64::new(NOW)));
        let opener = Opener::generate();
        let service = serve(data.clone(), clock.clone(), &opener).await;
        let kim = somebody("kim", Role::Administrator);
        Self { service, clock, data, ticket, opener, kim, _folder: Some(folder) }
    }

    /// The word of each record of the audit log.
    pub async fn deeds(&self) -> Vec<String> {
        let records = self.service.store.audit_records(1, 10_000).await.unwrap();
        records.into_iter().map(|(record, _)| record.deed).collect()
    }

    pub async fn add_site(&self, text: &str) {
        self.service.add_site(&self.kim, &site(text), "").await.unwrap();
    }

    /// A box that joins a site with a token.
    pub async fn join(&self, text: &str) -> (AgentPeer, Joined, Key) {
        let handout = self.service.create_token(&self.kim, &site(text), 0).await.unwrap();
        self.join_with(text, &handout.secret).await
    }

    pub async fn join_with(&self, text: &str, secret: &Secret) -> (AgentPeer, Joined, Key) {
        let (asking, key) = asking();
        let joined = self.service.enroll(source(), secret, asking).await.unwrap();
        let certificate = certs::peer::read(&joined.answer.chain).unwrap();
        let id = joined.answer.agent.clone();
        let peer = AgentPeer::new(id, site(text), certificate, source().0, Proof::made_by_peer());
        (peer, joined, key)
    }

    /// The agent reports that many records of its own chain, which are its first; gives the last.
    pub async fn records(&self, peer: &AgentPeer, count: u64) -> ChainHead {
        self.records_from(peer, ChainHead::default(), count).await
    }

    /// The agent reports that many records behind this one.
    pub async fn records_from(
        &self,
        peer: &AgentPeer,
        mut head: ChainHead,
        count: u64,
    ) -> ChainHead {
        let each = (head.length + 1..=head.length + count).map(|number| {
            let record = Record {
                number,
                time: Timestamp::from_unix(NOW),
                actor: self.service.actor_of(&peer.id),
                deed: "visit_failed".to_owned(),
                subject: "yard".to_owned(),
                detail: String::new(),
            };
            head = head.extended(&record);
            Entry { sequence: number, item: Item::Audit(record, head.hash) }
        });
        let entries: Vec<_> = each.collect();
        let epoch = format!("audit-{}", self.service.now().unix());
        let mut entries = entries.into_iter().peekable();
        while entries.peek().is_some() {
            let entries = entries.by_ref().take(256).collect();
            let upload = Upload { epoch: epoch.clone(), entries, takes_refusals: true };
            self.service.take_report(peer, upload).await.unwrap();
        }
        head
    }

    /// The agent reports a device with these findings.
    pub async fn report(&self, peer: &AgentPeer, sequence: u64, report: Report) {
        let item = Item::Device(Box::new(report));
        let entries = vec![Entry { sequence, item }];
        let upload = Upload { epoch: "e".to_owned(), entries, takes_refusals: true };
        self.service.take_report(peer, upload).await.unwrap();
    }
}

/// Opens the folder as the server would.
pub async fn serve(data: PathBuf, clock: Arc<Hand>, opener: &Opener) -> Arc<Service> {
    let (store, organisation, authorities) = open(&data).await.unwrap();
    let settings = Settings {
        addresses: vec!["127.0.0.1:7443".to_owned()],
        token_life: DAY,
        code_life: DAY,
        certificate_life: 7 * DAY,
        pending_life: 3600,
        pending_most: 10,
        keep_findings: 400 * 86_400,
        keep_agent_audit: 400 * 86_400,
        data,
        recipients: vec![opener.recipient()],
    };
    let service = Service::new(store, clock, organisation, authorities, settings);
    service.load().await.unwrap();
    service
}

pub fn finding(about: &str, judgment: Verdict, stance: Stance) -> Found {
    Found {
        about: About::Measure(about.parse().unwrap()),
        judgment,
        waived: false,
        stance,
        proof: Proven::Observed,
        expected: "a list".to_owned(),
        observed: "'; DROP TABLE findings; --".to_owned(),
        remedy: String::new(),
        disruption: Disruption::None,
        lockout_risk: LockoutRisk::None,
        evidence: Vec::new(),
    }
}

pub fn report(text: &str, findings: Vec<Found>) -> Report {
    Report {
        device: device(text),
        kind: DeviceKind::Mobotix,
        address: "https://192.0.2.9".to_owned(),
        product: "MOBOTIX P3".to_owned(),
        model: "M16".to_owned(),
        firmware: "MX-V4.7.3.11-r6".to_owned(),
        serial: "10.22.7.12".to_owned(),
        pin: String::new(),
        observed_at: Timestamp::from_unix(NOW - 60),
        failure: None,
        found_at: Some(Timestamp::from_unix(NOW - 60)),
        findings,
        generation: 1,
    }
}
