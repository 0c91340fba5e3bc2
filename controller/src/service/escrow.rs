//! Secrets in escrow: what agents hand over, sealed to the recovery recipients. The controller opens none of them. It
//! keeps them, hands the sealed copies to an administrator who says why, and remembers that it did: what was shown is
//! replaced (`shown`).
//!
//! An agent hands over its own site's secrets and no others, within bounds; it cannot replace a secret that is here by
//! another, only have the same one sealed to newer recipients.

use std::sync::Arc;

use futures::{Stream, stream};
use proto::{DeviceName, EscrowRecord, SiteName, Timestamp};

use super::sites::no_site;
use super::words::plain;
use super::{OperatorPeer, Refusal, Service};
use crate::store::Intake;
use crate::store::escrow::{Held, Wanted};
use crate::store::recipients::Recipients;

/// Most secrets that are listed at a time.
pub const MAX_LISTED: u32 = 100_000;
/// Most secrets of one device that are shown at a time.
const MAX_SHOWN: u32 = 200;
/// Most secrets of one site.
const MAX_SECRETS: u64 = 20_000;
/// Most bytes that one site's sealed copies take.
const MAX_BYTES: u64 = 256 << 20;
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

/// Keeps what an agent handed over; gives what is odd about it. Refusing what is odd would keep the rest of the outbox
/// from coming, but copies that are here are replaced by none that is odd.
///
/// # Errors
/// [`Refusal::Precondition`] beyond the site's bounds.
pub(super) async fn take(
    intake: &mut Intake,
    site: &SiteName,
    record: &EscrowRecord,
    now: Timestamp,
) -> Result<Option<String>, Refusal> {
    let sealed_to = intake.recipients_of(record.recipients_generation).await?;
    let odd = match &sealed_to {
        Some(set) => stranger(record, set),
        None => Some("is sealed to recovery recipients that are not known here"),
    };
    match intake.secret(site, record.id).await? {
        None => intake.add_secret(site, record, now).await?,
        Some(held) if !is_same(&held, record) => {
            return Ok(Some(format!("secret {} came again and is another one", record.id)));
        }
        Some(held) if held.recipients_generation >= record.recipients_generation => {
            return Ok(None);
        }
        Some(_) if odd.is_some() => {}
        Some(_) => intake.reseal_secret(site, record).await?,
    }
    let (count, bytes) = intake.escrow_size(site).await?;
    if count > MAX_SECRETS || bytes > MAX_BYTES {
        return Err(Refusal::Precondition(format!(
            "{site} has {MAX_SECRETS} secrets or {MAX_BYTES} bytes in escrow, and no more are kept"
        )));
    }
    Ok(odd.map(|odd| format!("secret {} {odd}", record.id)))
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

fn reasonable(reason: &str) -> Result<String, Refusal> {
    let reason = plain(reason, "reason", MAX_REASON)?;
    if reason.is_empty() {
        return Err(Refusal::Invalid("say why: the audit log keeps it".to_owned()));
    }
    Ok(reason)
}
