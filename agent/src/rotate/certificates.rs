//! Makes certificates for one device, signed by its site's own issuer, so that they go on being replaced while the
//! controller is away. What is minted is one text: the device's certificate, those above it and the key
//! ([`certs::device_certificate`]).
//!
//! Keys are EC P-256. No dialect that ships states that its cameras want RSA, so none is made. A device for which the
//! issuer may not sign gets none, and says so.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use certs::device_issuer::Host;
use certs::hierarchy::BACKDATE;
use certs::{DeviceCertificate, DeviceIssuer, SharedClock};
use proto::{DeviceName, Secret, Timestamp};
use tokio::sync::watch;

use super::hands::{IsUsed, Maker};
use crate::device::Fault;
use crate::rotation::{Second, due};

/// Where every certificate that is made is entered, so that controller and agent agree on serial numbers.
#[async_trait]
pub trait Register: fmt::Debug + Send + Sync {
    /// A certificate was made. It may still come to nothing.
    async fn made(&self, device: &DeviceName, certificate: &DeviceCertificate);
}

/// See the module.
#[derive(Debug)]
pub struct Certificates {
    /// The site's issuer, as it changes.
    pub issuer: watch::Receiver<Option<Arc<DeviceIssuer>>>,
    /// Whose certificates these are.
    pub device: DeviceName,
    /// As what it is reached.
    pub host: Host,
    /// How many seconds one is good; usually [`certs::device_issuer::DEVICE_LIFE`].
    pub life: i64,
    /// From -1 to 1, drawn once per credential and stored.
    pub jitter: f64,
    /// The present.
    pub clock: SharedClock,
    /// Where they are entered.
    pub register: Arc<dyn Register>,
    /// From when until when the one at hand is good: the device's own at first, then the one that was made.
    pub good: Option<(Timestamp, Timestamp)>,
}

impl Certificates {
    /// Takes note of the certificate that the device serves, if the vault has it: when the next one is due is told by
    /// its dates.
    #[must_use]
    pub fn knowing(mut self, served: &DeviceCertificate) -> Self {
        self.good = Some((served.not_before(), served.not_after()));
        self
    }

    fn issued(&self) -> Result<DeviceCertificate, String> {
        let issuer = self.issuer.borrow().clone();
        let issuer = issuer.ok_or(
            "the site has no device issuer yet; the controller gives one while it can be reached",
        )?;
        let (device, now) = (self.device.as_str(), self.clock.now());
        issuer.issue(device, &self.host, now, self.life).map_err(|error| error.to_string())
    }
}

#[async_trait]
impl Maker for Certificates {
    async fn make(
        &mut self,
        _: Second,
        is_used: &IsUsed,
    ) -> Result<(Secret, Option<Secret>), Fault> {
        let made = self.issued().map_err(Fault::Unsupported)?;
        let text = made.to_pem();
        if is_used(text.expose()) {
            return Err(Fault::Unsupported("a certificate came out that was used before".into()));
        }
        self.register.made(&self.device, &made).await;
        self.good = Some((made.not_before(), made.not_after()));
        Ok((text, None))
    }

    /// At two thirds of the life of the one at hand. Of a device that was never given one by us that is not known: it
    /// counts as made now.
    fn due(&self, now: Timestamp) -> Timestamp {
        let later = |seconds: i64| Timestamp::from_unix(now.unix().saturating_add(seconds));
        let made_now = (later(-BACKDATE), later(self.life));
        let (from, until) = self.good.unwrap_or(made_now);
        due::by_age(from, until, self.jitter)
    }
}
