//! What the cameras' web server logs tell about the site's workstations, kept small. Pure.
//!
//! Of each camera's last look only what concerns the workstations' addresses stays in memory.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proto::DeviceName;

use crate::facts::{CameraFacts, Facts, Observation, VmsFacts};
use crate::visit::workstation;

/// The cameras' last looks, as far as they concern workstations.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    cameras: BTreeMap<DeviceName, Observation>,
}

impl Logs {
    /// Takes over a camera's look. `addresses` are those of all workstations.
    pub fn note(&mut self, look: &Observation, addresses: &[IpAddr]) {
        self.cameras.insert(look.device.name.clone(), slim(look, addresses));
    }

    /// Whether anything is known of the camera.
    pub fn knows(&self, name: &DeviceName) -> bool {
        self.cameras.contains_key(name)
    }

    /// Forgets the cameras that are not among these.
    pub fn keep_only(&mut self, is_there: impl Fn(&DeviceName) -> bool) {
        self.cameras.retain(|name, _| is_there(name));
    }

    /// The facts about the workstation at these addresses.
    pub fn workstation(&self, addresses: &[IpAddr]) -> VmsFacts {
        workstation::facts(addresses, self.cameras.values())
    }
}

/// The look without what does not concern these addresses.
fn slim(look: &Observation, addresses: &[IpAddr]) -> Observation {
    let outcome = match &look.outcome {
        Ok(Facts::Camera(camera)) => {
            let mut slim = CameraFacts::unread("not kept");
            slim.accounts = camera.accounts.clone();
            slim.groups = camera.groups.clone();
            slim.web_log = camera.web_log.clone();
            if let crate::facts::Fact::Seen(log) = &mut slim.web_log {
                let concerns = |of: &IpAddr| {
                    addresses.iter().any(|address| address.to_canonical() == of.to_canonical())
                };
                log.sources.retain(|address, _| concerns(address));
            }
            Ok(Facts::Camera(Box::new(slim)))
        }
        other => other.clone(),
    };
    Observation { outcome, attestations: Vec::new(), vms_addresses: Vec::new(), ..look.clone() }
}
