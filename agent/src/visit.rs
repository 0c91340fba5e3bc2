//! One visit: one look at one device, and many of them at a time. It observes and changes nothing.
//!
//! A device that hangs, lies or brings its driver down costs its own slot for its own time and nothing else: the
//! others are looked at all the same. It refuses to judge: what comes out is facts, or why there are none.

mod call;
#[cfg(test)]
mod tests;
pub mod workstation;

use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use proto::DeviceName;
use proto::finding::Attestation;

use crate::clock;
use crate::device::mobotix::{Dialects, export};
use crate::device::{Driver, Fault, Identity, Snapshot, Target};
use crate::facts::{Device, Facts, Failure, Kind, NasFacts, Observation, Source};

pub use call::{NoCall, Terms, call, workstation_addresses};

/// A device to be looked at.
pub struct Call {
    /// Its name in the site.
    pub name: DeviceName,
    /// Address or file name as it was given; never with credentials.
    pub address: String,
    /// How it is looked at.
    pub way: Way,
    /// How long it may take.
    pub limit: Duration,
    /// What people vouch for about it.
    pub attestations: Vec<Attestation>,
    /// Addresses of the site's video management workstations.
    pub vms_addresses: Vec<IpAddr>,
}

/// How a device is looked at.
pub enum Way {
    /// A camera, over the network.
    Live(Box<Target>),
    /// A camera, by the configuration it exported. Called where it may block.
    Export(Box<dyn FnOnce() -> Result<Vec<u8>, Fault> + Send>),
    /// A video management workstation at these addresses, by what the cameras' logs tell.
    Workstation(Vec<IpAddr>),
    /// Storage, which no driver reads yet.
    Storage,
}

/// What every visit shares.
#[derive(Clone)]
pub struct Equipment {
    /// What firmware calls its settings.
    pub dialects: Arc<Dialects>,
    /// Opens a device on the network.
    pub open: fn(Target, Arc<Dialects>) -> Box<dyn Driver>,
    /// How many devices are looked at at the same time.
    pub concurrency: NonZeroUsize,
}

/// Looks at every device and tells `on_done` of each as it is done. The observations come in the order of `calls`.
/// Workstations are told of last, because the cameras tell about them.
pub async fn visit_all(
    calls: Vec<Call>,
    equipment: &Equipment,
    mut on_done: impl FnMut(&Observation),
) -> Vec<Observation> {
    let mut workstations = Vec::new();
    let mut seen = Vec::with_capacity(calls.len());
    {
        let mut visits = futures::stream::iter(calls.into_iter().enumerate())
            .map(|(place, call)| async move {
                let addresses = call.way.workstation_addresses();
                (place, addresses, visit(call, equipment).await)
            })
            .buffer_unordered(equipment.concurrency.get());
        while let Some((place, addresses, observation)) = visits.next().await {
            match addresses {
                Some(addresses) => workstations.push((place, addresses, observation)),
                None => {
                    on_done(&observation);
                    seen.push((place, observation));
                }
            }
        }
    }
    seen.sort_by_key(|(place, _)| *place);
    let told: Vec<_> = workstations
        .into_iter()
        .map(|(place, addresses, mut observation)| {
            let cameras = seen.iter().map(|(_, observation)| observation);
            observation.outcome = Ok(Facts::Vms(workstation::facts(&addresses, cameras)));
            on_done(&observation);
            (place, observation)
        })
        .collect();
    seen.extend(told);
    seen.sort_by_key(|(place, _)| *place);
    seen.into_iter().map(|(_, observation)| observation).collect()
}

/// Looks at one device. A workstation by itself is an unread one: see [`visit_all`].
pub async fn visit(call: Call, equipment: &Equipment) -> Observation {
    visit_keeping(call, equipment).await.0
}

/// The same, with the device's configuration where it could be read. It holds passwords.
pub async fn visit_keeping(call: Call, equipment: &Equipment) -> (Observation, Option<Snapshot>) {
    let Call { name, address, way, limit, attestations, vms_addresses } = call;
    let observed_at = clock::now();
    let (kind, source) = (way.kind(), way.source());
    // A task of its own, so that a panic in a driver ends there.
    let look = tokio::spawn(look(way, limit, equipment.clone()));
    let outcome = look.await.unwrap_or_else(|_| Err(bug()));
    let (identity, outcome, configuration) = match outcome {
        Ok((identity, facts, configuration)) => (identity, Ok(facts), configuration),
        Err(fault) => {
            let (class, message) = (fault.class(), fault.to_string());
            (Identity::default(), Err(Failure { class, message }), None)
        }
    };
    let Identity { product, model, firmware, serial, pin } = identity;
    let pin = pin.map(|pin| pin.to_string());
    let device = Device { name, kind, source, address, product, model, firmware, serial, pin };
    (Observation { device, observed_at, outcome, attestations, vms_addresses }, configuration)
}

/// What a look brings back.
type Looked = (Identity, Facts, Option<Snapshot>);

async fn look(way: Way, limit: Duration, equipment: Equipment) -> Result<Looked, Fault> {
    let late = || {
        Fault::Unreachable(format!(
            "it was not done within {} s; is it slow or stuck? --timeout allows more",
            limit.as_secs()
        ))
    };
    match way {
        Way::Live(target) => {
            let mut driver = (equipment.open)(*target, equipment.dialects);
            tokio::time::timeout(limit, driver.look()).await.unwrap_or_else(|_| Err(late()))
        }
        Way::Export(bytes) => {
            let dialects = equipment.dialects;
            // Reading a file blocks, and password hashes are slow on purpose.
            let work = tokio::task::spawn_blocking(move || export::read(&bytes()?, &dialects));
            match tokio::time::timeout(limit, work).await {
                Ok(Ok(export)) => {
                    let facts = |facts| Facts::Camera(Box::new(facts));
                    export.map(|export| (export.identity, facts(export.facts), None))
                }
                Ok(Err(_)) => Err(bug()),
                Err(_) => Err(late()),
            }
        }
        Way::Workstation(addresses) => {
            let facts = workstation::facts(&addresses, std::iter::empty());
            Ok((Identity::default(), Facts::Vms(facts), None))
        }
        Way::Storage => {
            let reason = "no driver reads storage yet; a person can vouch for it in the site file";
            Ok((Identity::default(), Facts::Nas(NasFacts::unread(reason)), None))
        }
    }
}

fn bug() -> Fault {
    Fault::Nonsense("the driver failed (this is a bug; please report it)".to_owned())
}

impl Way {
    fn kind(&self) -> Kind {
        match self {
            Self::Live(_) | Self::Export(_) => Kind::Mobotix,
            Self::Workstation(_) => Kind::Vms,
            Self::Storage => Kind::Nas,
        }
    }

    fn source(&self) -> Source {
        match self {
            Self::Live(_) => Source::Live,
            Self::Export(_) => Source::File,
            Self::Workstation(_) | Self::Storage => Source::Declared,
        }
    }

    fn workstation_addresses(&self) -> Option<Vec<IpAddr>> {
        match self {
            Self::Workstation(addresses) => Some(addresses.clone()),
            Self::Live(_) | Self::Export(_) | Self::Storage => None,
        }
    }
}
