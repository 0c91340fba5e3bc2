//! One visit as a task of its own: with what it may log in, and what came of it.
//!
//! Whom it logs in as is told by the vault as soon as the vault knows, else by the site file. Refuses to log in where the
//! budget is spent, where the device refused the same before, and while it is in doubt what the device takes.

use std::sync::Arc;

use certs::{Clock as _, Pin};
use proto::{DeviceName, Secret, SecretId, Timestamp};

use super::backups::{self, Archive};
use super::credentials::{Access, Adoptable, Claims, Keyring, marked};
use super::loaded::{Loaded, mark};
use super::lookout::Looked;
use super::yardstick::Yardstick;
use crate::clock::AgentClock;
use crate::config::{PasswordSource, SiteDevice, SiteSource, read};
use crate::device::{Fault, Limits, Snapshot, Trials};
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
    pub archive: Option<Arc<dyn Archive>>,
}

/// A visit that was paid.
pub(super) struct Paid {
    pub name: DeviceName,
    pub look: Observation,
    /// The device's configuration, where a backup is due.
    pub configuration: Option<Snapshot>,
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
        let wanted = match &self.device.source {
            SiteSource::Live { pin, .. } => *pin,
            SiteSource::File(_) | SiteSource::Declared => None,
        };
        let head = head(&self.device);
        let observed_at = self.clock.now();
        let (Built { mark, call, access, pin }, leave) = self.ready(observed_at).await;
        let (name, rules) = (self.device.name.clone(), self.yardstick.policy.backup);
        let bring = backups::bring(self.archive.as_deref(), &name, rules, observed_at).await;
        let mut paid = Paid {
            name,
            look: not_begun(head, observed_at, String::new()),
            configuration: None,
            mark,
            manner: Manner::Offline,
            wanted: pin.or(wanted),
            trials: self.trials,
            adoptable: None,
            vaulted: access == Entry::Vault,
            _taken: self.taken,
        };
        let mut call = match call {
            Ok(call) => call,
            Err(why) => {
                paid.look.outcome = Err(Failure { class: FailureClass::Unsupported, message: why });
                return paid;
            }
        };
        paid.manner = prepare(&mut call, leave, self.accepted, self.trials);
        if access == Entry::Doubt && paid.manner != Manner::Offline {
            paid.manner = Manner::InDoubt;
        }
        if let (Entry::SiteFile, Way::Live(target), Manner::AsListed { .. }) =
            (access, &call.way, paid.manner)
        {
            let password = target.login.as_ref().map(|login| &login.password);
            paid.adoptable = Adoptable::of(&self.device, &self.yardstick.policy, password);
        }
        (paid.look, paid.configuration) =
            visit::visit_and_bring(call, &self.equipment, bring).await;
        paid.look.observed_at = observed_at;
        let refused = matches!(&paid.look.outcome, Err(it) if it.class == FailureClass::Refused);
        if let (true, false, Manner::AsListed { .. }) = (paid.vaulted, refused, paid.manner) {
            note_admitted(self.keyring, &paid.name).await;
        }
        paid
    }

    /// Looks at the device's log alone.
    pub(super) async fn look_at_log(self) -> Looked {
        let (name, at) = (self.device.name.clone(), self.clock.now());
        let (Built { mark, call, access, .. }, leave) = self.ready(at).await;
        let mut looked = Looked { name, mark, at, outcome: None, _taken: self.taken };
        let Ok(mut call) = call else { return looked };
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
        if access == Entry::Vault && !matches!(read, Err(Fault::Refused(_))) {
            note_admitted(self.keyring, &looked.name).await;
        }
        looked.outcome = Some(read);
        looked
    }

    /// The call to the device, with what it is logged in with, and whether it may be paid with a log-in.
    async fn ready(&self, now: Timestamp) -> (Built, Leave) {
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
        let built = built.unwrap_or_else(|_| Built::failed("preparing the visit failed"));
        let mut leave = self.logins.leave(&built.mark, self.occasion, now);
        let by_vault = built.access == Entry::Vault && built.call.is_ok();
        let vault = self.keyring.clone().filter(|_| by_vault);
        if built.access == Entry::Doubt {
            leave = Leave::Refused;
        } else if let (Leave::Granted, Some(keyring)) = (leave, vault) {
            let name = self.device.name.clone();
            let asked = tokio::task::spawn_blocking(move || keyring.may_log_in(&name, now)).await;
            leave = if asked.unwrap_or_default() { Leave::Granted } else { Leave::Spent };
        }
        (built, leave)
    }
}

/// Should this fail, the log-in counts as failed, which is on the safe side.
async fn note_admitted(keyring: Option<Arc<Keyring>>, name: &DeviceName) {
    let Some(keyring) = keyring else { return };
    let name = name.clone();
    let _ = tokio::task::spawn_blocking(move || keyring.admitted(&name)).await;
}

/// Whose log-in it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    SiteFile,
    Vault,
    Doubt,
}

/// A call, and what it is logged in with.
struct Built {
    mark: Mark,
    call: Result<Call, String>,
    access: Entry,
    /// The certificate that the agent gave the device.
    pin: Option<Pin>,
}

impl Built {
    fn failed(why: &str) -> Self {
        let call = Err(why.to_owned());
        Self { mark: Mark::default(), call, access: Entry::Doubt, pin: None }
    }
}

fn build(
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
