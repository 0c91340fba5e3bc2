//! What a rotation by hand changes credentials with: the same drivers as the agent's, and a desk with nobody behind it:
//! sealed copies stay in the vault until the agent runs and hands them over.

use std::sync::Arc;

use async_trait::async_trait;
use certs::device_issuer::DEVICE_LIFE;
use certs::{DeviceIssuer, Pin, SharedClock};
use proto::{EscrowRecord, Organisation, Policy, Secret, SiteName};
use tokio::sync::watch;

use super::super::tools::{Logs, driver, host};
use crate::config::SiteDevice;
use crate::device::Target;
use crate::device::mobotix::Dialects;
use crate::device::mobotix::credential::leaf;
use crate::rotate::certificates::{Certificates, Register};
use crate::rotate::hands::{Desk, Device, HandedOver, Maker, Recovery};
use crate::rounds::credentials::Tools;
use crate::store::subject::Kind;

/// See the module.
pub(super) struct LocalTools {
    pub organisation: Organisation,
    pub site: SiteName,
    pub recovery: Arc<Recovery>,
    pub issuer: watch::Sender<Option<Arc<DeviceIssuer>>>,
    pub logs: Arc<Logs>,
    pub register: Arc<dyn Register>,
    pub clock: SharedClock,
}

struct Nobody;

#[async_trait]
impl Desk for Nobody {
    async fn hand_over(&mut self, _: EscrowRecord) -> HandedOver {
        HandedOver::NotYet
    }
}

impl Tools for LocalTools {
    fn site(&self) -> (Organisation, SiteName) {
        (self.organisation.clone(), self.site.clone())
    }

    fn recovery(&self) -> Option<Arc<Recovery>> {
        Some(self.recovery.clone())
    }

    fn desk(&self) -> Box<dyn Desk> {
        Box::new(Nobody)
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
            issuer: self.issuer.subscribe(),
            device: device.name.clone(),
            host,
            life: DEVICE_LIFE,
            jitter,
            clock: self.clock.clone(),
            register: self.register.clone(),
            good: None,
        }))
    }

    fn certify(&self, _: &[SiteDevice]) {}

    fn authorities(&self) -> Vec<String> {
        self.issuer.borrow().as_ref().map_or_else(Vec::new, |issuer| issuer.chain_pem())
    }

    fn pin(&self, certificate: &Secret) -> Option<Pin> {
        leaf(certificate)
    }
}
