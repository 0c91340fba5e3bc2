//! Where a rotation by hand leaves what it has to tell: a box that is an agent's keeps its audit log, and everything
//! else is told by the agent when it runs again. What can be observed again is kept for the run alone.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use certs::{Clock as _, DeviceCertificate};
use proto::DeviceName;
use proto::record::SiteEvent;
use proto::wire::rotation::RotationState;

use crate::clock::AgentClock;
use crate::identity::Member;
use crate::rotate::certificates::Register;
use crate::rounds::{Deed, Entry, NotStored, Outlet, Shelf, Told};
use crate::store::{Draft, Store};

/// See the module.
pub(super) struct Slip {
    store: Store,
    /// Who keeps an audit log, if anybody.
    actor: Option<String>,
    clock: Arc<AgentClock>,
    shelf: Mutex<BTreeMap<String, Vec<u8>>>,
    failures: Mutex<BTreeMap<String, String>>,
}

impl fmt::Debug for Slip {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Slip")
    }
}

impl Slip {
    pub fn new(store: Store, member: Option<&Member>, clock: Arc<AgentClock>) -> Self {
        let actor = member.map(|member| member.name().to_string());
        Self { store, actor, clock, shelf: Mutex::default(), failures: Mutex::default() }
    }

    /// Devices that could not be looked at, or whose change went wrong, and why.
    pub fn failures(&self) -> BTreeMap<String, String> {
        lock(&self.failures).clone()
    }

    async fn record(&self, deed: &str, subject: &str, detail: &str) -> Result<(), NotStored> {
        let Some(actor) = self.actor.clone() else { return Ok(()) };
        let draft = Draft {
            time: self.clock.now(),
            actor,
            deed: deed.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
        };
        self.store.audit(vec![draft]).await.map(drop).map_err(|_| NotStored)
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Outlet for Slip {
    async fn report(&self, _: Entry) -> Result<(), NotStored> {
        Ok(())
    }

    async fn event(&self, _: &SiteEvent) -> Result<(), NotStored> {
        Ok(())
    }

    async fn rotated(&self, _: RotationState) -> Result<(), NotStored> {
        Ok(())
    }

    async fn plan(&self, _: Told) -> Result<(), NotStored> {
        Ok(())
    }

    async fn audit(&self, deed: Deed, subject: &str, detail: &str) -> Result<(), NotStored> {
        if matches!(deed, Deed::DeviceFailed | Deed::LoginRefused | Deed::RotationFailed) {
            lock(&self.failures).insert(subject.to_owned(), detail.to_owned());
        }
        self.record(deed.as_str(), subject, detail).await
    }
}

#[async_trait]
impl Shelf for Slip {
    async fn fetch(&self, key: &str) -> Option<Vec<u8>> {
        lock(&self.shelf).get(key).cloned()
    }

    async fn put(&self, key: &str, bytes: Option<Vec<u8>>) -> Result<(), NotStored> {
        let mut shelf = lock(&self.shelf);
        match bytes {
            Some(bytes) => drop(shelf.insert(key.to_owned(), bytes)),
            None => drop(shelf.remove(key)),
        }
        Ok(())
    }
}

#[async_trait]
impl Register for Slip {
    async fn made(&self, device: &DeviceName, certificate: &DeviceCertificate) {
        let (serial, pin) = (certificate.serial(), certificate.pin());
        let detail = format!("serial {serial} {pin} until {}", certificate.not_after());
        if self.record("certificate_made", device.as_str(), &detail).await.is_err() {
            tracing::error!(%device, "a certificate that was made is not in the audit log");
        }
    }
}
