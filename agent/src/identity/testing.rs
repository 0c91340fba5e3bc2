//! An organisation, its agents and failing disks, for this crate's tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use certs::hierarchy::{Issuing, LEAF_LIFE, Root};
use certs::join_state::JoinState;
use certs::{Identity, Key, Name, TrustBundle, request};
use proto::{Organisation, Timestamp};
use zeroize::Zeroizing;

use super::{Folder, Granted, Member, Slot};
use crate::store::{DurableFile, StoreError};

/// A root, an issuing authority and what they issue.
#[derive(Debug)]
pub struct Acme {
    pub root: Root,
    pub issuing: Issuing,
    pub organisation: Organisation,
    pub now: Timestamp,
}

/// Seconds since 1970 at which the tests take place.
pub const START: i64 = 1_800_000_000;

impl Acme {
    pub fn new() -> Self {
        Self::at(START)
    }

    pub fn at(seconds: i64) -> Self {
        let now = Timestamp::from_unix(seconds);
        let organisation: Organisation = "acme".parse().unwrap();
        let root = Root::make(&organisation, now).unwrap();
        let issuing = root.issuing(&organisation, now).unwrap();
        Self { root, issuing, organisation, now }
    }

    pub fn identity(&self, name: &Name, now: Timestamp) -> Identity {
        self.certify(name, Key::generate().unwrap(), now)
    }

    pub fn certify(&self, name: &Name, key: Key, now: Timestamp) -> Identity {
        let request = request::verify(&request::make(&key).unwrap()).unwrap();
        let issued = self.issuing.issue(name, &request, now, LEAF_LIFE).unwrap();
        Identity::new(issued.chain, key).unwrap()
    }

    pub fn trust(&self) -> TrustBundle {
        TrustBundle { generation: 1, roots: vec![self.root.certificate().clone()] }
    }

    pub fn agent(&self) -> Name {
        Name::Agent(self.organisation.clone(), "00ff".parse().unwrap())
    }

    pub fn controller(&self) -> Name {
        Name::Controller(self.organisation.clone())
    }

    pub fn member(&self) -> Member {
        let agent: proto::AgentId = "00ff".parse().unwrap();
        Member {
            organisation: self.organisation.clone(),
            site: "harbour".parse().unwrap(),
            agent: agent.clone(),
            addresses: vec!["127.0.0.1:1".to_owned()],
            identity: Arc::new(self.identity(&self.agent(), self.now)),
            recovery: Arc::new(Key::generate().unwrap()),
            trust: self.trust(),
            join: JoinState::sign(agent, 1, self.now, self.issuing.key()).unwrap(),
            jitter: 0.0,
        }
    }

    pub fn granted(&self, key: &Key, now: Timestamp) -> Granted {
        let key = Key::from_pkcs8(key.pkcs8()).unwrap();
        Granted { identity: Arc::new(self.certify(&self.agent(), key, now)), trust: self.trust() }
    }
}

/// A disk that fails at one write: before anything was done, or after all of it was.
#[derive(Debug)]
pub struct Faulty {
    file: DurableFile,
    writes: Arc<AtomicUsize>,
    fails: usize,
}

impl Slot for Faulty {
    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Slot::read(&self.file)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let crash = || Err(StoreError::Closed);
        let number = self.writes.fetch_add(1, Ordering::SeqCst);
        if number > self.fails / 2 {
            return crash();
        }
        if number == self.fails / 2 && self.fails.is_multiple_of(2) {
            return crash();
        }
        DurableFile::write(&self.file, bytes)?;
        if number == self.fails / 2 { crash() } else { Ok(()) }
    }
}

/// The identity on a disk that crashes at its `fails`-th chance: each write gives two, before and after it.
pub fn faulty(data: &std::path::Path, fails: usize) -> Folder {
    let writes = Arc::new(AtomicUsize::new(0));
    let folder = data.join("identity");
    let journal = Folder::within(data).journal().clone();
    let files = ["member", "next", "applicant"].map(|name| -> Box<dyn Slot> {
        let file = DurableFile::new(&folder, name, super::stored::MOST);
        Box::new(Faulty { file, writes: writes.clone(), fails })
    });
    Folder::of(files, journal)
}
