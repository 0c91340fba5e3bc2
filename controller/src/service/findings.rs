//! Findings and devices: asked for by filter, or watched as they change.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use certs::random::digest;
use futures::{Stream, stream};
use proto::wire::finding::About;
use proto::{DeviceName, SiteName};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{self, error::RecvError};

use super::{News, Refusal, Service};
use crate::store::devices::Device;
use crate::store::findings::{Filter, FindingRow};

/// Most rows of one answer.
pub const MAX_ROWS: u32 = 10_000;
/// Most people who watch at a time.
pub(super) const MAX_WATCHERS: usize = 32;

/// Findings that match, by site, device and measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// At most as many as were asked for.
    pub rows: Vec<FindingRow>,
    /// Whether more match.
    pub more: bool,
}

impl Service {
    /// Devices of one site, or of all if none is named.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn devices(&self, site: Option<&SiteName>) -> Result<Vec<Device>, Refusal> {
        if let Some(site) = site {
            self.known_site(site).await?;
        }
        Ok(self.store.devices(site).await?)
    }

    /// Findings that match: at most `limit`, or [`MAX_ROWS`] for 0.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], when there is no such site; [`Refusal::Invalid`], when the limit is too high.
    pub async fn findings(&self, filter: &Filter, limit: u32) -> Result<Rows, Refusal> {
        if limit > MAX_ROWS {
            return Err(Refusal::Invalid(format!("at most {MAX_ROWS} rows are given at a time")));
        }
        if let Some(site) = &filter.site {
            self.known_site(site).await?;
        }
        let limit = if limit == 0 { MAX_ROWS } else { limit };
        let mut rows = self.store.findings(filter, limit + 1).await?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        Ok(Rows { rows, more })
    }

    /// The findings that match now, then each that changes: as it is then, even when it does not match any more, so that
    /// a watcher sees what was cured. It goes on until it is dropped.
    ///
    /// # Errors
    /// As [`Self::findings`]; [`Refusal::Precondition`], when more than [`MAX_ROWS`] match; [`Refusal::Exhausted`], when
    /// 32 watch.
    pub async fn watch_findings(
        self: &Arc<Self>,
        filter: Filter,
    ) -> Result<impl Stream<Item = Result<FindingRow, Refusal>> + Send + use<>, Refusal> {
        let permit =
            self.watchers.clone().try_acquire_owned().map_err(|_| Refusal::Exhausted(60))?;
        // First the ear, then the look: what changes in between is heard.
        let ear = self.news();
        let mut watch = Watch {
            service: self.clone(),
            filter,
            ear,
            shown: BTreeMap::new(),
            waiting: VecDeque::new(),
            _permit: permit,
        };
        watch.look().await?;
        Ok(stream::try_unfold(watch, |mut watch| async move {
            let row = watch.next().await?;
            Ok(row.map(|row| (row, watch)))
        }))
    }
}

/// One finding's place.
type Place = (SiteName, DeviceName, About);

/// One who watches.
struct Watch {
    service: Arc<Service>,
    filter: Filter,
    ear: broadcast::Receiver<News>,
    /// What the watcher was shown last, by digest; only of what matched.
    shown: BTreeMap<Place, [u8; 32]>,
    waiting: VecDeque<FindingRow>,
    _permit: OwnedSemaphorePermit,
}

impl Watch {
    /// Everything that matches; and what matched before and does not any more.
    async fn look(&mut self) -> Result<(), Refusal> {
        let Rows { rows, more } = self.service.findings(&self.filter, 0).await?;
        if more {
            return Err(Refusal::Precondition(format!(
                "more than {MAX_ROWS} findings match; watch fewer of them"
            )));
        }
        let matching: BTreeSet<Place> = rows.iter().map(place).collect();
        let gone: BTreeSet<(SiteName, DeviceName)> = self
            .shown
            .keys()
            .filter(|place| !matching.contains(place))
            .map(|(site, device, _)| (site.clone(), device.clone()))
            .collect();
        rows.into_iter().for_each(|row| self.show(row));
        for (site, device) in gone {
            self.look_at(site, device).await?;
        }
        Ok(())
    }

    async fn look_at(&mut self, site: SiteName, device: DeviceName) -> Result<(), Refusal> {
        let all = Filter {
            site: Some(site.clone()),
            device: Some(device.clone()),
            about: self.filter.about.clone(),
            judgments: BTreeSet::new(),
            ignored: true,
        };
        let rows = self.service.store.findings(&all, MAX_ROWS).await?;
        let there: BTreeSet<About> = rows.iter().map(|row| row.found.about).collect();
        rows.into_iter().for_each(|row| self.show(row));
        self.shown
            .retain(|(at, of, about), _| (at, of) != (&site, &device) || there.contains(about));
        Ok(())
    }

    /// Puts a row in line if it is news to the watcher.
    fn show(&mut self, row: FindingRow) {
        let (place, now) = (place(&row), digest(format!("{:?}", row.found).as_bytes()));
        let is_news = if self.filter.matches(&row) {
            self.shown.insert(place, now) != Some(now)
        } else {
            self.shown.remove(&place).is_some()
        };
        if is_news {
            self.waiting.push_back(row);
        }
    }

    async fn next(&mut self) -> Result<Option<FindingRow>, Refusal> {
        loop {
            if let Some(row) = self.waiting.pop_front() {
                return Ok(Some(row));
            }
            match self.ear.recv().await {
                Ok(news) if self.concerns(&news) => self.look_at(news.site, news.device).await?,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.look().await?,
                Err(RecvError::Closed) => return Ok(None),
            }
        }
    }

    fn concerns(&self, news: &News) -> bool {
        self.filter.site.as_ref().is_none_or(|site| *site == news.site)
            && self.filter.device.as_ref().is_none_or(|name| *name == news.device)
    }
}

fn place(row: &FindingRow) -> Place {
    (row.site.clone(), row.device.clone(), row.found.about)
}
