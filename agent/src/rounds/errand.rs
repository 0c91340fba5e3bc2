//! One visit as a task of its own: with what it may log in, and what came of it.
//!
//! Whom it logs in as is told by the vault as soon as the vault knows, else by the site file. Refuses to log in where the
//! budget is spent, where the device refused the same before, and while it is in doubt what the device takes.

use std::sync::Arc;

use certs::{Clock as _, Pin};
use proto::{DeviceName, Secret, SecretId, Timestamp};

use super::credentials::{Access, Adoptable, Claims, Keyring, marked};
use super::loaded::{Loaded, mark};
use super::lookout::Looked;
use super::yardstick::Yardstick;
use crate::clock::AgentClock;
use crate::config::{PasswordSource, SiteDevice, SiteSource, read};
use crate::device::{Fault, Limits, Snapshot, Trials, shown};
use crate::facts::{Device, Failure, FailureClass, Observation, Source};
use crate::inventory::{Leave, Logins, Mark, Occasion};
use crate::rotate::devices::Taken;
use crate::visit::{self, Call, Equipment, Terms, Way};

/// What a visit needs to know of the visits before it.
pub(super) struct Errand {
    pub claims: Claims,
    pub keyring: Option<Arc<Keyring>>,
    /// Keeps others off the device.
    pub taken: Taken,
    pub device: SiteDevice,
    pub site: Arc<Loaded>,
    pub yardstick: Arc<Yardstick>,
    pub limits: Limits,
    pub environment: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>,
    pub equipment: Equipment,
    pub clock: Arc<AgentClock>,
    pub occasion: Occasion,
    pub logins: Logins,
    pub accepted: Option<Pin>,
    pub trials: Trials,
}

/// A visit that was paid.
pub(super) struct Paid {
    pub name: DeviceName,
    pub look: Observation,
    pub mark: Mark,
    pub manner: Manner,
    /// The certificate that the site file holds it to.
    pub wanted: Option<Pin>,
    /// Whether questions were allowed that may cost a failed log-in.
    pub trials: Trials,
    /// The password of the site file that was logged in with, if policy wants it changed.
    pub adoptable: Option<Adoptable>,
    /// Whether the password was the vault's.
    pub vaulted: bool,
    /// Its configuration's lines, secrets hidden.
    pub lines: Option<Vec<String>>,
    /// Its configuration, for a backup. It holds passwords.
    pub configuration: Option<Snapshot>,
    /// Keeps others off the device until it is entered what was seen.
    _taken: Taken,
}

/// How a visit was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// To a device that is reached over the network, as the site file says.
    AsListed {
        /// Whether the site file vouches for its certificate.
        vouched: bool,
    },
    /// To one that refused us: as a stranger who holds it to no certificate, to see whether it is there and what it
    /// presents.
    AsStranger {
        /// Whether somebody would log in to it.
        has_login: bool,
    },
    /// As a stranger, because it is in doubt which password it takes.
    InDoubt,
    /// Not over the network.
    Offline,
}

impl Errand {
    pub(super) async fn pay(self) -> Paid {
        let name = self.device.name.clone();
        let wanted = match &self.device.source {
            SiteSource::Live { pin, .. } => *pin,
            SiteSource::File(_) | SiteSource::Declared => None,
        };
        let head = head(&self.device);
        let observed_at = self.clock.now();
        let Built { mark, call, access, pin } = self.built().await;
        let (trials, _taken) = (self.trials, self.taken);
        let mut paid = Paid {
            name,
            look: not_begun(head, observed_at, String::new()),
            mark,
            manner: Manner::Offline,
            wanted: pin.or(wanted),
            trials,
            adoptable: None,
            vaulted: access == Entry::Vault,
            lines: None,
            configuration: None,
            _taken,
        };
        let mut call = match call {
            Ok(call) => call,
            Err(why) => {
                paid.look.outcome = Err(Failure { class: FailureClass::Unsupported, message: why });
                return paid;
            }
        };
        let managed = self.keyring.filter(|_| paid.vaulted);
        let granted = self.logins.leave(&mark, self.occasion, observed_at);
        let leave = leave_of(access, granted, managed.as_ref(), &paid.name, observed_at).await;
        paid.manner = prepare(&mut call, leave, self.accepted, trials);
        if access == Entry::Doubt && paid.manner != Manner::Offline {
            paid.manner = Manner::InDoubt;
        }
        if let (Entry::SiteFile, Way::Live(target), Manner::AsListed { .. }) =
            (access, &call.way, paid.manner)
        {
            let password = target.login.as_ref().map(|login| &login.password);
            paid.adoptable = Adoptable::of(&self.device, &self.yardstick.policy, password);
        }
        paid.look_by(call, &self.equipment, observed_at).await;
        paid.count(managed).await;
        paid
    }

    /// Looks at the device's log alone.
    pub(super) async fn look_at_log(self) -> Looked {
        let (name, at) = (self.device.name.clone(), self.clock.now());
        let Built { mark, call, access, .. } = self.built().await;
        let mut looked = Looked { name, mark, at, outcome: None, _taken: self.taken };
        let Ok(mut call) = call else { return looked };
        let managed = self.keyring.filter(|_| access == Entry::Vault);
        let granted = self.logins.leave(&mark, self.occasion, at);
        let leave = leave_of(access, granted, managed.as_ref(), &looked.name, at).await;
        prepare(&mut call, leave, self.accepted, Trials::Spared);
        let (Way::Live(target), Leave::Granted) = (call.way, leave) else { return looked };
        if target.login.is_none() {
            return looked;
        }
        let mut driver = (self.equipment.open)(*target, self.equipment.dialects);
        let read = tokio::time::timeout(call.limit, driver.read_log()).await;
        let read = read.unwrap_or_else(|_| {
            Err(Fault::Unreachable("looking at its log was not done in time".to_owned()))
        });
        if let (Some(keyring), false) = (managed, matches!(read, Err(Fault::Refused(_)))) {
            note_admitted(keyring, &looked.name).await;
        }
        looked.outcome = Some(read);
        looked
    }

    /// The call to the device, and what it is logged in with.
    async fn built(&self) -> Built {
        let (device, site, limits) = (self.device.clone(), self.site.clone(), self.limits);
        let (yardstick, environment) = (self.yardstick.clone(), self.environment.clone());
        let (claims, keyring) = (self.claims.clone(), self.keyring.clone());
        // Password files and their dates are on disk, and so is the vault.
        let build = move || {
            let access = keyring.map_or(Access::SiteFile, |keyring| keyring.access(&claims));
            let terms = Terms { site: &site.file, policy: &yardstick.policy, limits };
            build(&device, &terms, access, |name| environment(name))
        };
        let built = tokio::task::spawn_blocking(build).await;
        built.unwrap_or_else(|_| Built::failed("preparing the visit failed"))
    }
}

/// Whether a log-in may be made. One with the vault's password counts as failed from here on, until it was let in.
async fn leave_of(
    access: Entry,
    granted: Leave,
    managed: Option<&Arc<Keyring>>,
    name: &DeviceName,
    now: Timestamp,
) -> Leave {
    match (access, granted, managed) {
        (Entry::Doubt, ..) => Leave::Refused,
        (_, Leave::Granted, Some(keyring)) => {
            let (keyring, name) = (keyring.clone(), name.clone());
            let asked = tokio::task::spawn_blocking(move || keyring.may_log_in(&name, now)).await;
            if asked.unwrap_or_default() { Leave::Granted } else { Leave::Spent }
        }
        (_, granted, _) => granted,
    }
}

impl Paid {
    async fn look_by(&mut self, call: Call, equipment: &Equipment, observed_at: Timestamp) {
        let (look, seen) = visit::visit_keeping(call, equipment).await;
        self.look = Observation { observed_at, ..look };
        self.configuration.clone_from(&seen);
        let lines = tokio::task::spawn_blocking(move || shown(&seen?)).await;
        self.lines = lines.unwrap_or_default();
    }

    /// A log-in with the vault's password that was not refused does not count as failed.
    async fn count(&self, managed: Option<Arc<Keyring>>) {
        let class = self.look.outcome.as_ref().err().map(|failure| failure.class);
        let was_refused = class == Some(FailureClass::Refused);
        if let (Some(keyring), false, Manner::AsListed { .. }) = (managed, was_refused, self.manner)
        {
            note_admitted(keyring, &self.name).await;
        }
    }
}

/// Should this fail, the log-in counts as failed, which is on the safe side.
async fn note_admitted(keyring: Arc<Keyring>, name: &DeviceName) {
    let name = name.clone();
    let _ = tokio::task::spawn_blocking(move || keyring.admitted(&name)).await;
}

/// Whose log-in it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    SiteFile,
    Vault,
    Doubt,
}

/// A call, and what it is logged in with.
pub(super) struct Built {
    pub mark: Mark,
    pub call: Result<Call, String>,
    pub access: Entry,
    /// The certificate that the agent gave the device.
    pub pin: Option<Pin>,
}

impl Built {
    pub fn failed(why: &str) -> Self {
        let call = Err(why.to_owned());
        Self { mark: Mark::default(), call, access: Entry::Doubt, pin: None }
    }
}

/// Prepares a call with what the device is logged in to with. Blocks.
pub(super) fn build(
    device: &SiteDevice,
    terms: &Terms<'_>,
    access: Access,
    environment: impl Fn(&str) -> Option<String>,
) -> Built {
    let mark = mark(device, terms.policy);
    let (password, pin, whose) = match access {
        Access::SiteFile => (None, None, Entry::SiteFile),
        Access::Vault { password: None, pin } => (None, pin, Entry::SiteFile),
        Access::Vault { password, pin } => (password, pin, Entry::Vault),
        // It is taken away again before anybody is asked.
        Access::Doubt => (Some((Secret::new(""), SecretId([0; 16]))), None, Entry::Doubt),
    };
    let mark = password.as_ref().map_or(mark, |(_, id)| marked(mark, *id));
    let fetch = |source: &PasswordSource| match password {
        Some((password, _)) => Ok(password),
        None => read::password(source, environment),
    };
    let mut call = visit::call(device, terms, fetch).map_err(|why| why.to_string());
    if let Ok(Call { way: Way::Live(target), .. }) = &mut call {
        target.pin = pin.or(target.pin);
    }
    Built { mark, call, access: whose, pin }
}

/// Makes the call one that may be paid.
fn prepare(call: &mut Call, leave: Leave, accepted: Option<Pin>, trials: Trials) -> Manner {
    let Way::Live(target) = &mut call.way else { return Manner::Offline };
    match leave {
        Leave::Granted => {
            target.seen_before = accepted.filter(|_| target.address.tls);
            target.trials = trials;
            Manner::AsListed { vouched: target.pin.is_some() }
        }
        Leave::Refused | Leave::Spent => {
            let has_login = target.login.is_some();
            (target.login, target.pin, target.seen_before) = (None, None, None);
            Manner::AsStranger { has_login }
        }
    }
}

pub(super) fn head(device: &SiteDevice) -> Device {
    let (source, address) = match &device.source {
        SiteSource::Live { address, .. } => (Source::Live, address.to_string()),
        SiteSource::File(path) => (Source::File, path.display().to_string()),
        SiteSource::Declared => (Source::Declared, String::new()),
    };
    Device {
        name: device.name.clone(),
        kind: device.kind,
        source,
        address,
        product: None,
        model: None,
        firmware: None,
        serial: None,
        pin: None,
    }
}

fn not_begun(device: Device, observed_at: Timestamp, message: String) -> Observation {
    let outcome = Err(Failure { class: FailureClass::Unsupported, message });
    let (attestations, vms_addresses) = (Vec::new(), Vec::new());
    Observation { device, observed_at, outcome, attestations, vms_addresses }
}
