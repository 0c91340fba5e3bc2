//! Secrets in escrow: what agents hand over, sealed to the recovery recipients. The controller opens none of them. It
//! keeps them, hands the sealed copies to an administrator who says why, and remembers that it did: what was shown is
//! replaced (`shown`).
//!
//! An agent hands over its own site's secrets and no others, within bounds; it cannot replace a secret that is here by
//! another, only have the same one sealed to newer recipients.

use std::sync::Arc;

use futures::{Stream, stream};
use proto::{DeviceName, EscrowRecord, SiteName, Timestamp};

use super::bounds::{Bound, Fill, Kept, MAX_BYTES, MAX_SECRETS, Room};
use super::sites::no_site;
use super::words::plain;
use super::{OperatorPeer, Refusal, Service};
use crate::store::Intake;
use crate::store::escrow::{Held, Wanted, size_of};
use crate::store::recipients::Recipients;

/// Most secrets that are listed at a time.
pub const MAX_LISTED: u32 = 100_000;
/// Most secrets of one device that are shown at a time.
const MAX_SHOWN: u32 = 200;
/// Secrets that are read for a kit at a time.
const PAGE: u32 = 32;
/// Longest reason, in characters.
const MAX_REASON: usize = 500;

/// Sealed copies that somebody asked for.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The newest first.
    pub records: Vec<EscrowRecord>,
    /// When their replacement begins, which is ordered; `None` if nothing replaces them by itself.
    pub rotate_at: Option<Timestamp>,
}

/// Keeps what an agent handed over; gives whether it is here now, and what is odd about it. Copies that are here are
/// replaced by none that is odd.
///
/// # Errors
/// [`Refusal::Failed`].
pub(super) async fn take(
    intake: &mut Intake,
    room: &mut Room,
    site: &SiteName,
    record: &EscrowRecord,
    now: Timestamp,
) -> Result<(Kept, Option<String>), Refusal> {
    let sealed_to = intake.recipients_of(record.recipients_generation).await?;
    let odd = match &sealed_to {
        Some(set) => stranger(record, set),
        None => Some("is sealed to recovery recipients that are not known here"),
    };
    let said = odd.map(|odd| format!("secret {} {odd}", record.id));
    let (count, bytes) = room.escrow(intake, site).await?;
    let size = size_of(record);
    match intake.secret(site, record.id).await? {
        None if count >= MAX_SECRETS || bytes + size > MAX_BYTES => {
            return Ok((Kept::Full(Bound::Secrets), said));
        }
        None => {
            intake.add_secret(site, record, now).await?;
            room.escrow_is(count + 1, bytes + size);
        }
        Some(held) if !is_same(&held, record) => {
            let odd = format!("secret {} came again and is another one", record.id);
            return Ok((Kept::No, Some(odd)));
        }
        Some(held) if held.recipients_generation >= record.recipients_generation => {
            return Ok((Kept::Yes, None));
        }
        Some(_) if odd.is_some() => return Ok((Kept::No, said)),
        Some(held) => {
            let without = bytes.saturating_sub(held.size);
            if without + size > MAX_BYTES && size > held.size {
                return Ok((Kept::Full(Bound::Secrets), None));
            }
            intake.reseal_secret(site, record).await?;
            room.escrow_is(count, without + size);
        }
    }
    Ok((Kept::Yes, said))
}

/// Whether a record that came before is here. The answer to the upload that brought it may have been lost, and whoever
/// hears nothing of a refusal takes it for kept.
pub(super) async fn is_here(
    intake: &mut Intake,
    site: &SiteName,
    record: &EscrowRecord,
) -> Result<bool, Refusal> {
    let held = intake.secret(site, record.id).await?;
    Ok(held.is_some_and(|held| {
        is_same(&held, record) && held.recipients_generation >= record.recipients_generation
    }))
}

/// Whether somebody is among those it says it is sealed to whom the root did not name.
fn stranger(record: &EscrowRecord, set: &Recipients) -> Option<&'static str> {
    let mut named = record.copies.iter().flat_map(|copy| copy.layers.iter().flatten());
    named.any(|name| !set.recipients.contains(name)).then_some("is sealed to a stranger")
}

fn is_same(held: &Held, record: &EscrowRecord) -> bool {
    (&held.device, held.kind, &held.account, held.made_at)
        == (&record.device, record.kind, &record.account, record.made_at)
}

impl Service {
    /// What is in escrow; at most [`MAX_LISTED`], and whether there is more.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn secrets(&self, wanted: &Wanted) -> Result<(Vec<Held>, bool), Refusal> {
        if let Some(site) = &wanted.site {
            self.known_site(site).await?;
        }
        let mut held = self.store.secrets(wanted, MAX_LISTED + 1).await?;
        let most = usize::try_from(MAX_LISTED).unwrap_or(usize::MAX);
        let more = held.len() > most;
        held.truncate(most);
        Ok((held, more))
    }

    /// How full the escrow of each site is, or of one.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn escrow_fills(&self, site: Option<&SiteName>) -> Result<Vec<Fill>, Refusal> {
        let all = self.store.escrow_sizes().await?.into_iter();
        let fills = all.map(|(site, secrets, bytes)| Fill { site, secrets, bytes });
        Ok(fills.filter(|fill| site.is_none_or(|site| *site == fill.site)).collect())
    }

    /// Sealed copies of a device's secrets, or of those that the whole site shares. From now on they count as shown.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] without a reason, [`Refusal::NotFound`] if nothing of it is in escrow.
    pub async fn show_secrets(
        &self,
        who: &OperatorPeer,
        (site, device): (&SiteName, Option<&DeviceName>),
        history: bool,
        reason: &str,
    ) -> Result<Shown, Refusal> {
        let (reason, now) = (reasonable(reason)?, self.now());
        let mut change = self.store.change().await?;
        if !change.has_site(site).await? {
            return Err(no_site(site));
        }
        let records = change.show_secrets(site, device, (history, MAX_SHOWN), now).await?;
        let whose = device.map_or("the whole site".to_owned(), ToString::to_string);
        if records.is_empty() {
            return Err(Refusal::NotFound(format!(
                "nothing of {whose} at {site} is in escrow; palisade secret list {site} shows what is"
            )));
        }
        let detail = format!("{whose}: {} secrets: {reason}", records.len());
        change.commit(self.deed_of(who, "secret_shown", site, detail)).await?;
        let actor = who.actor(&self.organisation);
        let rotate_at = self.replace_shown(&actor, site, &records).await;
        Ok(Shown { records, rotate_at })
    }

    /// Sealed copies of everything in escrow at a site, or at all, for a break-glass kit. They are read as they are taken.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] without a reason, [`Refusal::NotFound`], [`Refusal::Precondition`] if nothing is in escrow.
    pub async fn export_secrets(
        self: &Arc<Self>,
        who: &OperatorPeer,
        site: Option<SiteName>,
        reason: &str,
    ) -> Result<impl Stream<Item = Result<(SiteName, EscrowRecord), Refusal>> + Send + use<>, Refusal>
    {
        let (reason, now) = (reasonable(reason)?, self.now());
        let mut change = self.store.change().await?;
        if let Some(site) = &site
            && !change.has_site(site).await?
        {
            return Err(no_site(site));
        }
        let count = change.export_secrets(site.as_ref(), now).await?;
        if count == 0 {
            return Err(Refusal::Precondition("nothing is in escrow there".to_owned()));
        }
        let subject = site.as_ref().map_or(self.organisation.as_str(), SiteName::as_str);
        let detail = format!("{count} secrets: {reason}");
        change.commit(self.deed_of(who, "secrets_exported", subject, detail)).await?;
        let begin = (self.clone(), site, (String::new(), 0), Vec::new().into_iter());
        Ok(stream::try_unfold(begin, |(service, site, mut at, mut page)| async move {
            if page.len() == 0 {
                let (after, number) = (at.0.as_str(), at.1);
                let next = service.store.exported_after(site.as_ref(), (after, number), PAGE);
                page = next.await?.into_iter();
            }
            let Some((of, number, record)) = page.next() else { return Ok(None) };
            at = (of.to_string(), number);
            Ok(Some(((of, record), (service, site, at, page))))
        }))
    }
}

pub(super) fn reasonable(reason: &str) -> Result<String, Refusal> {
    let reason = plain(reason, "reason", MAX_REASON)?;
    if reason.is_empty() {
        return Err(Refusal::Invalid("say why: the audit log keeps it".to_owned()));
    }
    Ok(reason)
}
