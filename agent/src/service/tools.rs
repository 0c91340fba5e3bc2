//! What an enrolled agent changes credentials with: the drivers, the site's own issuer, the recipients that the link
//! brought, the desk that hands over by the outbox, and the keeper of logs.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use certs::device_issuer::{DEVICE_LIFE, Host};
use certs::{Pin, SharedClock};
use proto::{DeviceName, Organisation, Policy, Secret, SiteName};

use super::keeper::Keeper;
use crate::apply::{Keeper as _, Kept};
use crate::config::{SiteDevice, SiteSource};
use crate::device::Target;
use crate::device::mobotix::Dialects;
use crate::device::mobotix::credential::{
    Certificate, GroupKey, LogKeeper, Password, Patience, Reboots, leaf,
};
use crate::link::Link;
use crate::link::desk::EscrowDesk;
use crate::rotate::certificates::Certificates;
use crate::rotate::hands::{Desk, Device, Maker, Recovery};
use crate::rounds::credentials::{Keyring, Tools};
use crate::store::journal::Journal;
use crate::store::pooled;
use crate::store::subject::Kind;
use crate::store::vault::Vault;

/// The second administrator that stands while a password is replaced. A camera that has somebody else of that name gets
/// none (3 to 16 characters, as its help says).
const SECOND: &str = "palisade.second";

/// See the module.
pub(super) struct SiteTools {
    link: Arc<Link>,
    logs: Arc<Logs>,
    clock: SharedClock,
}

/// Web server logs go where those of changes go.
pub(super) struct Logs(pub Keeper);

#[async_trait]
impl LogKeeper for Logs {
    async fn keep(&self, device: &DeviceName, log: Vec<u8>) -> Result<(), String> {
        self.0.keep(device, Kept::WebLog, log).await
    }
}

/// Opens the vault and puts the tools together.
pub(super) async fn keyring(
    data: &Path,
    link: &Arc<Link>,
    keeper: Keeper,
    clock: SharedClock,
) -> Arc<Keyring> {
    let folder = data.to_owned();
    let opened = pooled(move || Ok(Vault::open(&folder))).await;
    let vault = match opened {
        Ok(opened) => opened.map_err(|error| super::words(&error)),
        Err(error) => Err(super::words(&error)),
    };
    let tools = SiteTools { link: link.clone(), logs: Arc::new(Logs(keeper)), clock };
    Arc::new(Keyring { journal: Journal::new(data), vault, tools: Arc::new(tools) })
}

impl Tools for SiteTools {
    fn site(&self) -> (Organisation, SiteName) {
        let member = self.link.member();
        let member = member.borrow();
        (member.organisation.clone(), member.site.clone())
    }

    fn recovery(&self) -> Option<Arc<Recovery>> {
        self.link.recovery().borrow().clone()
    }

    fn desk(&self) -> Box<dyn Desk> {
        Box::new(EscrowDesk::new(self.link.clone()))
    }

    fn device(
        &self,
        kind: &Kind,
        target: Target,
        dialects: &Arc<Dialects>,
        _: &Policy,
    ) -> Result<Box<dyn Device>, String> {
        driver(kind, target, dialects, &self.logs)
    }

    fn certificates(&self, device: &SiteDevice, jitter: f64) -> Result<Box<dyn Maker>, String> {
        let host = host(device).ok_or("it is not reached over TLS")?;
        Ok(Box::new(Certificates {
            issuer: self.link.issuer(),
            device: device.name.clone(),
            host,
            life: DEVICE_LIFE,
            jitter,
            clock: self.clock.clone(),
            register: self.link.clone(),
            good: None,
        }))
    }

    fn certify(&self, devices: &[SiteDevice]) {
        let hosts = devices.iter().filter_map(|one| Some((one.name.clone(), host(one)?)));
        self.link.certify(hosts.collect());
    }

    fn authorities(&self) -> Vec<String> {
        self.link.issuer().borrow().as_ref().map_or_else(Vec::new, |issuer| issuer.chain_pem())
    }

    fn pin(&self, certificate: &Secret) -> Option<Pin> {
        leaf(certificate)
    }
}

/// Who changes that credential on a device.
///
/// # Errors
/// Why nobody can, in words.
pub(super) fn driver(
    kind: &Kind,
    target: Target,
    dialects: &Arc<Dialects>,
    logs: &Arc<Logs>,
) -> Result<Box<dyn Device>, String> {
    let reboots = Reboots { logs: logs.clone(), patience: Patience::default() };
    let dialects = dialects.clone();
    match kind {
        Kind::Password { .. } => {
            Ok(Box::new(Password::new(target, dialects, SECOND.to_owned(), reboots)))
        }
        Kind::Certificate => {
            let login = target.login.clone();
            let login = login.ok_or("nobody is named to log in as in the site file")?;
            let known = target.pin;
            Ok(Box::new(Certificate::new(target, login, dialects, known, reboots)))
        }
        Kind::RecordingKey => Ok(Box::new(GroupKey::recording(target, dialects, reboots))),
        Kind::MessageKey => Ok(Box::new(GroupKey::message(target, dialects, reboots))),
        Kind::AgentIdentity => Err("nobody can change this kind of credential yet".to_owned()),
    }
}

/// As what a device is reached over TLS.
pub(super) fn host(device: &SiteDevice) -> Option<Host> {
    match &device.source {
        SiteSource::Live { address, .. } if address.tls => Some(Host::of(&address.host)),
        SiteSource::Live { .. } | SiteSource::File(_) | SiteSource::Declared => None,
    }
}
