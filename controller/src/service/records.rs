//! Backups of configurations and events: listed, fetched sealed as they are, and watched.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::{Stream, stream};
use proto::record::BackupId;
use proto::wire::v1::ConfigurationBackup;
use proto::{DeviceName, SiteName, Timestamp};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{self, error::RecvError};

use super::findings::MAX_ROWS;
use super::{OperatorPeer, Refusal, Service};
use crate::store::Deed;
use crate::store::records::EventRow;

/// Events that match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// The oldest first.
    pub rows: Vec<EventRow>,
    /// Whether older ones match, too.
    pub more: bool,
}

impl Service {
    /// A device's backups, the newest first, without what is sealed.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn device_backups(
        &self,
        site: &SiteName,
        device: &DeviceName,
    ) -> Result<Vec<ConfigurationBackup>, Refusal> {
        self.known_site(site).await?;
        Ok(self.store.device_backups(site, device).await?)
    }

    /// One backup, sealed as it is. That it was handed out stands in the audit log.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn fetch_backup(
        &self,
        who: &OperatorPeer,
        site: &SiteName,
        device: &DeviceName,
        id: BackupId,
    ) -> Result<ConfigurationBackup, Refusal> {
        self.known_site(site).await?;
        let backup = self.store.device_backup(site, device, id).await?;
        let backup = backup
            .ok_or_else(|| Refusal::NotFound(format!("{device} at {site} has no backup {id}")))?;
        let deed = Deed {
            time: self.now(),
            actor: who.actor(&self.organisation),
            deed: "device_backup_fetched",
            subject: site.to_string(),
            detail: format!("{device}: {id}"),
        };
        self.store.change().await?.commit(deed).await?;
        Ok(backup)
    }

    /// Events of one site, or of all, that were last seen at that time or later: the newest `limit`, or [`MAX_ROWS`] for
    /// 0.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], when there is no such site; [`Refusal::Invalid`], when the limit is too high.
    pub async fn events(
        &self,
        site: Option<&SiteName>,
        since: Timestamp,
        limit: u32,
    ) -> Result<Events, Refusal> {
        if limit > MAX_ROWS {
            return Err(Refusal::Invalid(format!("at most {MAX_ROWS} rows are given at a time")));
        }
        if let Some(site) = site {
            self.known_site(site).await?;
        }
        let limit = if limit == 0 { MAX_ROWS } else { limit };
        let mut rows = self.store.events(site, since, 0, limit + 1).await?;
        let more = rows.len() > limit as usize;
        if more {
            rows.remove(0);
        }
        Ok(Events { rows, more })
    }

    /// The events that match now, then each new one. It goes on until it is dropped.
    ///
    /// # Errors
    /// As [`Self::events`]; [`Refusal::Exhausted`], when 32 watch.
    pub async fn watch_events(
        self: &Arc<Self>,
        site: Option<SiteName>,
        since: Timestamp,
        limit: u32,
    ) -> Result<impl Stream<Item = Result<EventRow, Refusal>> + Send + use<>, Refusal> {
        let permit =
            self.watchers.clone().try_acquire_owned().map_err(|_| Refusal::Exhausted(60))?;
        // First the ear, then the look: what comes in between is heard.
        let ear = self.event_news.subscribe();
        let waiting: VecDeque<EventRow> =
            self.events(site.as_ref(), since, limit).await?.rows.into();
        let shown = waiting.back().map_or(0, |row| row.number);
        let service = self.clone();
        let watch = Watch { service, site, ear, waiting, shown, _permit: permit };
        Ok(stream::try_unfold(watch, |mut watch| async move {
            let row = watch.next().await?;
            Ok(row.map(|row| (row, watch)))
        }))
    }
}

/// One who watches.
struct Watch {
    service: Arc<Service>,
    site: Option<SiteName>,
    ear: broadcast::Receiver<()>,
    waiting: VecDeque<EventRow>,
    /// The number of the last one in line.
    shown: u64,
    _permit: OwnedSemaphorePermit,
}

impl Watch {
    async fn next(&mut self) -> Result<Option<EventRow>, Refusal> {
        loop {
            if let Some(row) = self.waiting.pop_front() {
                return Ok(Some(row));
            }
            match self.ear.recv().await {
                Ok(()) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(None),
            }
            let ever = Timestamp::from_unix(0);
            let store = &self.service.store;
            let rows = store.events(self.site.as_ref(), ever, self.shown, MAX_ROWS).await?;
            self.shown = rows.last().map_or(self.shown, |row| row.number);
            self.waiting.extend(rows);
        }
    }
}
