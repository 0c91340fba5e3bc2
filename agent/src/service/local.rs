//! Credentials replaced by hand, on the box itself: the same rounds that an enrolled agent goes, for some devices and one
//! order, without a controller. Whoever does it says whom secrets are sealed to, unless the box holds recipients that the
//! organisation's root has signed.
//!
//! It refuses to run beside the agent, where policy does not switch it on or waits for a controller, and to a camera that
//! nobody vouches for: this run has seen no certificate before.

mod slip;
mod tools;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certs::{Clock as _, SharedClock};
use proto::policy::EscrowRule;
use proto::wire::rotation::{CredentialKind, Rotate, Standing};
use proto::{DeviceName, Policy, SiteName, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::slip::Slip;
use self::tools::LocalTools;
use super::keeper::Keeper;
use super::status::CredentialStatus;
use super::upkeep::Remembered;
use crate::clock::{AgentClock, monotonic};
use crate::config::{SiteDevice, SiteFile, SiteSource, read};
use crate::custody::Custody;
use crate::device::{self, Limits};
use crate::discovery::Survey;
use crate::facts::Kind as DeviceKind;
use crate::identity::{Folder, Member};
use crate::link::entry;
use crate::rotate::hands::Recovery;
use crate::rounds::credentials::{Keyring, held};
use crate::rounds::{Handle, Progress, Rounds, Supplies};
use crate::store::journal::Journal;
use crate::store::vault::Vault;
use crate::store::{Options, Store, StoreError, make_private_folder, pooled};

/// What is to be replaced, where, and by what.
pub struct Wish {
    /// The agent's data folder; it is made if it is not there.
    pub data: PathBuf,
    /// The site file.
    pub site: PathBuf,
    /// Looks an environment variable up: a site file may name one for a password.
    pub environment: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>,
    /// What, and of which devices.
    pub order: Rotate,
    /// Whom secrets are sealed to, on a box that holds nobody.
    pub recipients: Option<Recovery>,
    /// It is given up after so long; what is under way then is taken up by the next run, or by the agent.
    pub patience: Duration,
}

/// Why nothing was begun.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// Another agent runs on the data, or they cannot be used.
    #[error(
        "the agent's data cannot be used: {0}; where the agent runs, palisade rotate orders it"
    )]
    Store(#[from] StoreError),
    /// The request cannot be met as it stands.
    #[error("{0}")]
    Wish(String),
    /// What lies on the box cannot be used.
    #[error("{0}")]
    Box(String),
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Whether each device takes another credential than before.
    pub is_done: bool,
    /// Where each credential stands.
    pub credentials: Vec<CredentialStatus>,
    /// Devices that could not be looked at, and why.
    pub failures: BTreeMap<String, String>,
}

/// Has credentials replaced, and tells what changes meanwhile.
///
/// # Errors
/// [`NotBegun`]. A device that fails is part of the result.
pub async fn rotate(
    wish: Wish,
    system: SharedClock,
    told: impl FnMut(&CredentialStatus),
) -> Result<Ended, NotBegun> {
    let (data, site) = (wish.data.clone(), wish.site.clone());
    let read = move || {
        make_private_folder(&data)?;
        let here = OnTheBox::read(&data, &site);
        Remembered::read(&data).map(|remembered| (here, remembered))
    };
    let (here, remembered) = pooled(read).await?;
    let here = here?;
    let meant = here.meant(&wish)?;
    let clock = Arc::new(AgentClock::new(system, monotonic(), remembered.floor));
    if !clock.is_known() {
        return Err(NotBegun::Box("this machine does not know what time it is".to_owned()));
    }
    let store = Store::open(Options::new(wish.data.clone(), entry::audit)).await?;
    let ended = with_store(wish, here, meant, &clock, &store, told).await;
    store.close().await;
    ended
}

async fn with_store(
    wish: Wish,
    here: OnTheBox,
    meant: BTreeSet<DeviceName>,
    clock: &Arc<AgentClock>,
    store: &Store,
    told: impl FnMut(&CredentialStatus),
) -> Result<Ended, NotBegun> {
    let recovery = here.recovery(wish.recipients)?;
    let slip = Arc::new(Slip::new(store.clone(), here.member.as_ref(), clock.clone()));
    let keeper = Arc::new(Keeper::new(&wish.data, clock.clone()));
    let tools = LocalTools {
        organisation: here.organisation()?,
        site: here.site_name(),
        recovery,
        issuer: watch::channel(here.issuer).0,
        logs: Arc::new(super::tools::Logs(Keeper::new(&wish.data, clock.clone()))),
        register: slip.clone(),
        clock: clock.clone(),
    };
    let vault = here.vault;
    let keyring = Keyring { journal: Journal::new(&wish.data), vault, tools: Arc::new(tools) };
    let supplies = Supplies {
        site: wish.site,
        clock: clock.clone(),
        outlet: slip.clone(),
        shelf: slip.clone(),
        archive: None,
        keeper,
        desired: watch::channel(None).1,
        environment: wish.environment,
        open: device::open,
        limits: Limits::default(),
        survey: Survey::nowhere(),
        draw: crate::rounds::draw,
        keyring: Some(Arc::new(keyring)),
        only: meant.clone(),
    };
    let (rounds, handle) = Rounds::new(supplies);
    let stop = CancellationToken::new();
    let watching = async {
        let watch = Watch { meant: &meant, what: wish.order.what, slip: &slip, clock };
        let is_done = watch.until_done(&handle, wish.order.clone(), wish.patience, told).await;
        stop.cancel();
        is_done
    };
    let ((), is_done) = tokio::join!(Box::pin(rounds.run(stop.clone())), watching);
    let credentials =
        handle.progress().borrow().credentials.iter().map(CredentialStatus::from).collect();
    Ok(Ended { is_done, credentials, failures: slip.failures() })
}

/// What lies on the box.
struct OnTheBox {
    file: SiteFile,
    policy: Policy,
    data: PathBuf,
    member: Option<Member>,
    recipients: Option<Arc<Recovery>>,
    issuer: Option<Arc<certs::DeviceIssuer>>,
    vault: Result<Vault, String>,
}

impl OnTheBox {
    /// Blocks.
    fn read(data: &std::path::Path, site: &std::path::Path) -> Result<Self, NotBegun> {
        let of_box = |error: &dyn std::error::Error| NotBegun::Box(super::words(error));
        let of_wish = |error: &dyn std::error::Error| NotBegun::Wish(super::words(error));
        let file = read::site(site).map_err(|error| of_wish(&error))?;
        let policy = match &file.policy {
            Some(path) => read::policy(path).map_err(|error| of_wish(&error))?,
            None => Policy::default(),
        };
        let member = Folder::within(data).member().map_err(|error| of_box(&error))?;
        let custody = Custody::within(data);
        let recipients = custody.recipients().map_err(|error| of_box(&error))?.map(|held| {
            Arc::new(Recovery { generation: held.generation, quorum: held.quorum.clone() })
        });
        let issuer = custody.issuer().map_err(|error| of_box(&error))?.map(Arc::new);
        let vault = Vault::open(data).map_err(|error| super::words(&error));
        let data = data.to_owned();
        Ok(Self { file, policy, data, member, recipients, issuer, vault })
    }

    /// The devices that are meant.
    fn meant(&self, wish: &Wish) -> Result<BTreeSet<DeviceName>, NotBegun> {
        let refused = |why: String| Err(NotBegun::Wish(why));
        let Rotate { devices, what, .. } = &wish.order;
        let (is_on, switch) = what.switch(&self.policy.rotation);
        if !is_on {
            return refused(format!("the site's policy says [rotation] {switch} = false"));
        }
        if self.policy.rotation.escrow != EscrowRule::VaultWillDo {
            return refused(
                "no controller is asked here, and the site's policy waits for one: it wants [rotation] escrow = \
                 \"vault_will_do\""
                    .to_owned(),
            );
        }
        if let Some(stranger) =
            devices.iter().find(|name| !self.file.devices.iter().any(|it| it.name == **name))
        {
            return refused(format!("the site file names no device {stranger}"));
        }
        let chosen = self.file.devices.iter().filter(|it| match devices.as_slice() {
            [] => it.kind == DeviceKind::Mobotix && matches!(it.source, SiteSource::Live { .. }),
            named => named.contains(&it.name),
        });
        let mut meant = BTreeSet::new();
        for device in chosen {
            self.check(device)?;
            meant.insert(device.name.clone());
        }
        if meant.is_empty() {
            return refused("the site file names no camera on the network".to_owned());
        }
        Ok(meant)
    }

    fn check(&self, device: &SiteDevice) -> Result<(), NotBegun> {
        let refused = |why: &str| Err(NotBegun::Wish(format!("device {}: {why}", device.name)));
        let SiteSource::Live { address, login, pin } = &device.source else {
            return refused("it is not reached over the network");
        };
        if !address.tls {
            return refused("it is reached without TLS, and TLS comes before passwords");
        }
        if login.is_none() {
            return refused("the site file names nobody to log in as");
        }
        // What is in doubt is what a turn is for.
        let given = held(&self.data, device).is_ok_and(|held| held.pin.is_some());
        if pin.is_none() && !given {
            return refused("nobody vouches for its certificate; write its pin into the site file");
        }
        Ok(())
    }

    /// Whom secrets are sealed to. What the root has signed is not overruled by an argument.
    fn recovery(&self, given: Option<Recovery>) -> Result<Arc<Recovery>, NotBegun> {
        match (&self.recipients, given) {
            (Some(held), None) => Ok(held.clone()),
            (None, Some(given)) => Ok(Arc::new(given)),
            (Some(_), Some(_)) => Err(NotBegun::Wish(
                "this box holds recovery recipients that the organisation has signed; leave --recipients out"
                    .to_owned(),
            )),
            (None, None) => Err(NotBegun::Wish(
                "this box holds no recovery recipients: say with --recipients whom secrets are sealed to".to_owned(),
            )),
        }
    }

    fn organisation(&self) -> Result<proto::Organisation, NotBegun> {
        match &self.member {
            Some(member) => Ok(member.organisation.clone()),
            None => Ok("local".parse().expect("a name of an organisation")),
        }
    }

    fn site_name(&self) -> SiteName {
        let named = self.file.name.as_deref().and_then(|name| name.parse().ok());
        let own = self.member.as_ref().map(|member| member.site.clone());
        own.or(named).unwrap_or_else(|| "local".parse().expect("a name of a site"))
    }
}

/// Who waits.
struct Watch<'a> {
    meant: &'a BTreeSet<DeviceName>,
    what: CredentialKind,
    slip: &'a Slip,
    clock: &'a AgentClock,
}

impl Watch<'_> {
    /// Gives the order and waits until it is done, or nothing more will come of it.
    async fn until_done(
        &self,
        handle: &Handle,
        order: Rotate,
        patience: Duration,
        mut told: impl FnMut(&CredentialStatus),
    ) -> bool {
        let Ok(id) = certs::random::id() else { return false };
        let Ok(id) = id.parse() else { return false };
        let life = i64::try_from(patience.as_secs()).unwrap_or(i64::MAX);
        let now = self.clock.now();
        let until = Timestamp::from_unix(now.unix().saturating_add(life).saturating_add(60));
        // Named one by one, so that a stranded neighbour holds up nothing that a person asked for.
        let devices = self.meant.iter().cloned().collect();
        let order = Rotate { devices, ..order };
        let Ok(mut done) = handle.rotate(id, until, order).await else { return false };
        let mut progress = handle.progress();
        let mut shown = Vec::new();
        let end = tokio::time::sleep(patience);
        tokio::pin!(end);
        loop {
            tokio::select! {
                ended = &mut done => return ended.is_ok(),
                () = &mut end => return false,
                changed = progress.changed() => if changed.is_err() { return false },
            }
            let now = progress.borrow_and_update().clone();
            for state in now.credentials.iter().filter(|state| !shown.contains(*state)) {
                told(&CredentialStatus::from(state));
            }
            let is_stuck = self.is_stuck(&now);
            shown = now.credentials;
            if is_stuck {
                return false;
            }
        }
    }

    /// Whether no device will get any further without somebody.
    fn is_stuck(&self, progress: &Progress) -> bool {
        let failures = self.slip.failures();
        let state_of = |name: &DeviceName| {
            let mut all = progress.credentials.iter();
            all.find(|state| state.device == *name && state.kind == self.what)
        };
        let one_is_given_up = progress.turned.contains_key("given_up");
        let mut all = self.meant.iter();
        all.all(|name| match state_of(name) {
            None => failures.contains_key(name.as_str()),
            Some(state) => match state.standing {
                Standing::Stranded => true,
                // Given up, or changed already; what the order did not reach yet is due.
                Standing::Settled => {
                    one_is_given_up && state.due.is_some_and(|due| due > self.clock.now())
                }
                Standing::Prepared | Standing::Changing | Standing::InDoubt => false,
            },
        })
    }
}
