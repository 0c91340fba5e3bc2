//! Certificates at a camera. The secret is a device's certificate with its chain and key as `certs` writes it, or, for
//! one whose key we do not have, its fingerprint (see [`known_by`](super::known_by)).
//!
//! Only a MOBOTIX 7 is known to take one from a program: key and certificate go into its file store, and come into force
//! at the next reboot. Elsewhere it is not known how, and a person does it in the camera's own page.
//!
//! What a camera "accepts" is the leaf it presents, so a probe is a handshake and costs no log-in. Since nothing can be
//! told of a new certificate before it is in force, installing one includes the reboot, and the file store keeps files as
//! they are: there is nothing left to save. At every moment what the camera presents, or would after a reboot, is the
//! old leaf or the new one. The one exception is a reboot of the camera's own between the upload of the key and that of
//! the certificate: what one presents whose key and certificate do not fit is not known. So nothing is asked in between,
//! where the certificate is not taken the old key is put back, and a camera that presents one it had before, such as
//! the factory's, is found by the machine, which asks for those too. From any other a person has to bring it back.
//!
//! No order of the two uploads closes that gap, since each is a request of its own and neither is in force without the
//! other; the key goes first because no other order was seen. Where the line breaks in between and the camera stays up,
//! it presents the old leaf, and the next turn, within a minute at first, uploads both again. Only where the change is
//! given up after several such breaks may a key and a certificate that do not fit be left behind, for the next reboot:
//! a rotation that is ordered again mends that.
//!
//! Only the leaf is uploaded, since nobody has seen a camera take a chain. There is no second administrator here.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use certs::Pin;
use certs::device_certificate::DeviceCertificate;
use proto::{Secret, SecretId};

use super::inside::Inside;
use super::media::File;
use super::{Reboots, Workplace, leaf};
use crate::device::mobotix::Dialects;
use crate::device::mobotix::config::Document;
use crate::device::mobotix::model::Configuration;
use crate::device::{self, Fault, Target, probe};
use crate::firmware::Version;
use crate::rotate::LogsIn;
use crate::rotate::hands::{Device, Login, Trouble};
use crate::rotation::Effect;

/// The first number of the firmware of the one line that is known to take certificates from a program.
const MOBOTIX_7: u32 = 7;

/// The certificate of a camera's web server.
pub struct Certificate {
    place: Workplace,
    login: device::Login,
    /// The fingerprints that were heard of as ours, to tell a stranger's from.
    known: BTreeSet<Pin>,
}

impl Certificate {
    /// The certificate of the camera at `target`, which is entered with `login`. `known` are the fingerprints of all the
    /// certificates that the camera may present according to the journal; another one is called foreign in the log.
    pub fn new(
        target: Target,
        login: device::Login,
        dialects: Arc<Dialects>,
        known: impl IntoIterator<Item = Pin>,
        reboots: Reboots,
    ) -> Self {
        Self {
            place: Workplace { target, dialects, reboots },
            login,
            known: known.into_iter().collect(),
        }
    }

    /// The camera as it is to present that certificate, which we vouch for.
    fn presenting(&self, pin: Pin) -> Workplace {
        let mut place = self.place.clone();
        (place.target.pin, place.target.seen_before) = (Some(pin), None);
        place
    }

    /// The fingerprint in a secret.
    fn told(&mut self, secret: &Secret) -> Result<Pin, Trouble> {
        let pin = leaf(secret).ok_or_else(|| {
            let address = &self.place.target.address;
            let why = "what is kept for it is no certificate, so there is nothing to compare with";
            Fault::Unsupported(format!("the certificate of {address}: {why}; nothing was touched"))
        })?;
        self.known.insert(pin);
        Ok(pin)
    }

    /// Compares what is presented with what is to be.
    async fn compare(&self, wanted: Pin) -> Result<(), Trouble> {
        let served = probe::presented(&self.place.target).await?;
        if served == wanted {
            return Ok(());
        }
        let device = &self.place.target.name;
        if self.known.contains(&served) {
            tracing::info!(%device, %served, %wanted, "it presents another one of our certificates");
        } else {
            tracing::warn!(
                %device, %served, %wanted,
                "it presents a certificate that is none of ours; somebody replaced it, or somebody else answers"
            );
        }
        let address = &self.place.target.address;
        Err(Fault::Refused(format!("{address} presents the certificate {served}, not {wanted}"))
            .into())
    }

    /// Uploads a certificate and brings it into force.
    async fn replace(
        &self,
        place: &Workplace,
        new: &DeviceCertificate,
        old: Option<&DeviceCertificate>,
    ) -> Result<(), Trouble> {
        const DOING: &str = "uploading a certificate to";
        let device::Login { user, password, .. } = &self.login;
        let mut inside = place.enter(user, password, DOING).await?;
        self.takes_certificates(&mut inside).await?;
        inside.leave().await;
        // The log first: once the files are there, only the reboot is left.
        let log = place.collect(user, password).await?;
        let mut inside = place.enter(user, password, DOING).await?;
        self.upload(&mut inside, new, old).await?;
        inside.leave().await;
        let rebooted = place.reboot(user, password, log, Some(new.pin())).await;
        rebooted.map_err(|trouble| match trouble {
            // The files are there: something was sent.
            Trouble::NotSent => Fault::Unreachable(format!(
                "rebooting {}: it took the certificate, and could not be asked to reboot",
                self.place.target.address
            ))
            .into(),
            fault @ Trouble::Fault(_) => fault,
        })
    }

    /// Uploads a key and its certificate, and the old ones again if the camera answers that it did not take them.
    async fn upload(
        &self,
        inside: &mut Inside,
        new: &DeviceCertificate,
        old: Option<&DeviceCertificate>,
    ) -> Result<(), Trouble> {
        let uploaded = self.put(inside, new).await;
        // It answered, and may have the new key beside the old certificate. A log-in that was refused is not made again.
        if let (Err(Trouble::Fault(Fault::Nonsense(_))), Some(old)) = (&uploaded, old)
            && let Err(trouble) = self.put(inside, old).await
        {
            let device = &self.place.target.name;
            tracing::warn!(%device, ?trouble, "the old key and certificate may not be back in its file store");
        }
        uploaded
    }

    /// Uploads a key and its certificate, and reads the certificate back.
    async fn put(&self, inside: &mut Inside, pair: &DeviceCertificate) -> Result<(), Trouble> {
        inside.upload(File::Key, pair.key_pem().expose()).await?;
        inside.upload(File::Certificate, &pair.leaf_pem()).await?;
        if inside.slot().await? == Some(Some(pair.pin())) {
            return Ok(());
        }
        let address = &self.place.target.address;
        Err(Fault::Nonsense(format!(
            "uploading a certificate to {address}: it answered as if all were well, and did not take it; it was not \
             rebooted"
        ))
        .into())
    }

    /// Whether the camera is one that is known to take certificates from a program.
    async fn takes_certificates(&self, inside: &mut Inside) -> Result<(), Trouble> {
        const BY_HAND: &str = "a person uploads key and certificate in the camera's own page, Admin Menu, Web Server, \
                               and reboots it";
        let config = inside.configuration().await?;
        let document = Document::parse(&config)
            .map_err(|error| Fault::Nonsense(format!("reading its configuration: {error}")))?;
        let firmware =
            Configuration::new(document).head_firmware().unwrap_or_default().into_owned();
        let major = firmware.parse::<Version>().ok().map(|version| version.line().major());
        if major != Some(MOBOTIX_7) {
            let firmware = proto::text::printable(&firmware, 60);
            return Err(inside.unsupported(format!(
                "how a program uploads a certificate is known for MOBOTIX 7 only, and its firmware is {firmware:?}; {BY_HAND}"
            )));
        }
        match inside.slot().await? {
            Some(_) => Ok(()),
            None => {
                Err(inside.unsupported(format!("it has no file store for certificates; {BY_HAND}")))
            }
        }
    }
}

/// The secret of a log-in; certificates have no second administrator, so that it does not matter whose it is said to be.
fn secret<'a>(login: &Login<'a>) -> &'a Secret {
    match login {
        Login::Main(secret) | Login::Second(secret) => secret,
    }
}

/// A log-in that was refused tells nothing of the certificate, and counts.
fn not_the_certificate(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Fault(Fault::Refused(why)) => {
            Fault::Nonsense(format!("{why}; that is the password's doing, not the certificate's"))
                .into()
        }
        other => other,
    }
}

#[async_trait]
impl Device for Certificate {
    async fn raise(&mut self, _: &Secret, _: &Secret) -> Result<(), Trouble> {
        Err(Fault::Unsupported("a certificate has no second administrator".to_owned()).into())
    }

    async fn install(&mut self, auth: &Login<'_>, new: &Secret) -> Result<(), Trouble> {
        let address = &self.place.target.address;
        let cannot = |why: &str| {
            Fault::Unsupported(format!("the certificate of {address}: {why}; nothing was touched"))
        };
        if !address.tls {
            return Err(
                cannot("a key would cross the network readable; reach it by https://").into()
            );
        }
        let new = DeviceCertificate::parse(new).map_err(|why| cannot(&why.to_string()))?;
        let old = self.told(secret(auth))?;
        self.known.insert(new.pin());
        self.compare(old).await?;
        let place = self.presenting(old);
        let ours = DeviceCertificate::parse(secret(auth)).ok();
        self.replace(&place, &new, ours.as_ref()).await.map_err(not_the_certificate)
    }

    async fn probe(&mut self, with: &Login<'_>) -> Result<(), Trouble> {
        let wanted = self.told(secret(with))?;
        self.compare(wanted).await
    }

    async fn lower(&mut self, _: &Login<'_>, _: &Secret) -> Result<(), Trouble> {
        Ok(())
    }

    async fn save(&mut self, _: &Login<'_>) -> Result<(), Trouble> {
        Ok(())
    }

    async fn reboot(&mut self, auth: &Login<'_>) -> Result<(), Trouble> {
        let pin = self.told(secret(auth))?;
        let place = self.presenting(pin);
        let device::Login { user, password, .. } = &self.login;
        let rebooted = async {
            let log = place.collect(user, password).await?;
            place.reboot(user, password, log, None).await
        };
        rebooted.await.map_err(not_the_certificate)
    }

    fn logs_in(&self, effect: &Effect<SecretId>) -> LogsIn {
        match effect {
            Effect::Install { .. } | Effect::Reboot { .. } => LogsIn::Yes,
            Effect::Mint(_)
            | Effect::Escrow(_)
            | Effect::Raise { .. }
            | Effect::Probe(_)
            | Effect::Lower { .. }
            | Effect::Save { .. } => LogsIn::No,
        }
    }
}
