//! What people say about measures: attestations and waivers, entered and withdrawn. Both end on a day, so that somebody
//! looks again.

use std::collections::BTreeSet;

use proto::finding::Attestation;
use proto::wire::policy::MAX_STATEMENTS;
use proto::{Day, DeviceName, SiteName, Timestamp, Waiver};

use super::sites::{later, no_site};
use super::words::plain;
use super::{OperatorPeer, Refusal, Service};
use crate::store::vouches::{Statement, Vouch};

/// Longest time until the last day, in seconds: three years.
const MAX_LIFE: i64 = 3 * 366 * 86_400;
/// What a site's statements may take together, in bytes of JSON, which is more than they take on the wire.
const MAX_BYTES: usize = 1_000_000;

impl Service {
    /// Somebody vouches for a measure.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], when there is no such site; [`Refusal::Invalid`], when the last day is over or more than
    /// three years away, or a device is not of the site; [`Refusal::Precondition`], when there are too many.
    pub async fn attest(
        &self,
        who: &OperatorPeer,
        site: &SiteName,
        attestation: Attestation,
    ) -> Result<Vouch, Refusal> {
        check_day(attestation.until, self.now())?;
        let detail = format!(
            "{} until {}, {}, {}",
            attestation.measure,
            attestation.until,
            attestation.by,
            devices_in_words(&attestation.devices)
        );
        let devices = attestation.devices.clone();
        let what = Statement::Attestation(attestation);
        self.enter(who, site, what, devices, ("attested", detail)).await
    }

    /// Somebody accepts that a measure is unmet.
    ///
    /// # Errors
    /// As [`Self::attest`].
    pub async fn waive(
        &self,
        who: &OperatorPeer,
        site: &SiteName,
        waiver: Waiver,
    ) -> Result<Vouch, Refusal> {
        check_day(waiver.expires, self.now())?;
        let detail = format!(
            "{} until {}, {}, {}",
            waiver.measure,
            waiver.expires,
            waiver.owner,
            devices_in_words(&waiver.devices)
        );
        let devices = waiver.devices.clone();
        let what = Statement::Waiver(waiver);
        self.enter(who, site, what, devices, ("waived", detail)).await
    }

    async fn enter(
        &self,
        who: &OperatorPeer,
        site: &SiteName,
        what: Statement,
        devices: Vec<DeviceName>,
        (deed, detail): (&'static str, String),
    ) -> Result<Vouch, Refusal> {
        let vouch = Vouch {
            id: certs::random::id().map_err(Refusal::failed)?,
            site: site.clone(),
            what,
            entered_by: who.name.to_string(),
            entered_at: self.now(),
        };
        let mut change = self.store.change().await?;
        if !change.has_site(site).await? {
            return Err(no_site(site));
        }
        check_devices(&change.device_names(site).await?, &devices)?;
        check_room(&change.vouches_of(site).await?, &vouch.what)?;
        change.add_vouch(&vouch).await?;
        change.bump_site(site).await?;
        change.commit(self.deed_of(who, deed, site, format!("{}: {detail}", vouch.id))).await?;
        self.desired_changed(std::slice::from_ref(site));
        Ok(vouch)
    }

    /// What people said about one site, or about all if none is named, the oldest first.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn vouches(&self, site: Option<&SiteName>) -> Result<Vec<Vouch>, Refusal> {
        match site {
            None => Ok(self.store.vouches().await?),
            Some(site) => {
                self.known_site(site).await?;
                Ok(self.store.vouches_of(site).await?)
            }
        }
    }

    /// Takes back what somebody said.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn withdraw(&self, who: &OperatorPeer, id: &str) -> Result<(), Refusal> {
        let id = plain(id, "name", 64)?;
        let mut change = self.store.change().await?;
        let Some(vouch) = change.withdraw(&id).await? else {
            return Err(Refusal::NotFound(format!("there is no attestation or waiver {id}")));
        };
        change.bump_site(&vouch.site).await?;
        let detail = format!("{id}: {}", vouch.what.to_json());
        change.commit(self.deed_of(who, "withdrawn", &vouch.site, detail)).await?;
        self.desired_changed(std::slice::from_ref(&vouch.site));
        Ok(())
    }
}

fn devices_in_words(devices: &[DeviceName]) -> String {
    match devices {
        [] => "all devices".to_owned(),
        [one] => one.to_string(),
        [first, ..] => format!("{first} and {} more", devices.len() - 1),
    }
}

fn check_day(last: Day, now: Timestamp) -> Result<(), Refusal> {
    if last.is_over(now) {
        return Err(Refusal::Invalid(format!("{last} is over; name a day to come")));
    }
    let most = later(now, MAX_LIFE).day();
    if last > most {
        return Err(Refusal::Invalid(format!(
            "{last} is too far away: somebody has to look again by {most}"
        )));
    }
    Ok(())
}

/// Where the site's devices are known, one that is not among them is a slip; before its agent's first report nothing is
/// known.
fn check_devices(known: &[DeviceName], named: &[DeviceName]) -> Result<(), Refusal> {
    let known: BTreeSet<_> = known.iter().collect();
    let stranger = named.iter().find(|device| !known.is_empty() && !known.contains(device));
    stranger.map_or(Ok(()), |device| {
        Err(Refusal::Invalid(format!(
            "the site has no device {device}; palisade device list shows them"
        )))
    })
}

fn check_room(others: &[Vouch], new: &Statement) -> Result<(), Refusal> {
    let is_same_kind =
        |other: &&Vouch| std::mem::discriminant(&other.what) == std::mem::discriminant(new);
    let size: usize = others.iter().map(|other| other.what.to_json().len()).sum();
    let full = others.iter().filter(is_same_kind).count() >= MAX_STATEMENTS
        || size + new.to_json().len() > MAX_BYTES;
    if full {
        return Err(Refusal::Precondition(
            "the site has no room for more; withdraw those that have ended".to_owned(),
        ));
    }
    Ok(())
}
