//! Findings, asked for by filter.

use std::collections::BTreeSet;

use prost::Message as _;
use proto::wire::finding::{About, Found, Report};
use proto::wire::v1;
use proto::{DeviceName, SiteName, Timestamp, Verdict};

use super::cells::{Cells as _, nonsense};
use super::devices::report;
use super::{Store, StoreError, while_doing};

/// Which findings. What is empty or `None` matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this site.
    pub site: Option<SiteName>,
    /// Of devices of this name.
    pub device: Option<DeviceName>,
    /// About one of these.
    pub about: BTreeSet<About>,
    /// With one of these conclusions.
    pub judgments: BTreeSet<Verdict>,
    /// Also those whose stance is `ignore`.
    pub ignored: bool,
}

/// A finding about one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRow {
    /// Where the device is.
    pub site: SiteName,
    /// Which device.
    pub device: DeviceName,
    /// When the look was that it rests on.
    pub observed_at: Timestamp,
    /// What was found.
    pub found: Found,
}

impl Filter {
    /// Whether a finding of a site's device is one of those.
    pub fn matches(&self, row: &FindingRow) -> bool {
        let any = |set_is_empty: bool, inside: bool| set_is_empty || inside;
        self.site.as_ref().is_none_or(|site| *site == row.site)
            && self.device.as_ref().is_none_or(|device| *device == row.device)
            && any(self.about.is_empty(), self.about.contains(&row.found.about))
            && any(self.judgments.is_empty(), self.judgments.contains(&row.found.judgment))
            && (self.ignored || row.found.stance != proto::Stance::Ignore)
    }
}

/// `,C07,C15,`; empty for an empty list. The words are of closed lists and hold neither comma nor `%`.
fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let text: String = words.map(|word| format!("{word},")).collect();
    if text.is_empty() { text } else { format!(",{text}") }
}

impl Store {
    /// Findings that match, by site, device and measure: at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn findings(
        &self,
        filter: &Filter,
        limit: u32,
    ) -> Result<Vec<FindingRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT f.site, f.device, f.body, d.observed_at, d.body AS report FROM findings f \
             JOIN devices d ON d.site = f.site AND d.device = f.device \
             WHERE ($1 = '' OR f.site = $1) AND ($2 = '' OR f.device = $2) \
             AND ($3 = '' OR $3 LIKE '%,' || f.about || ',%') \
             AND ($4 = '' OR $4 LIKE '%,' || f.judgment || ',%') \
             AND ($5 = 1 OR f.stance <> 'ignore') \
             ORDER BY f.site, f.device, f.about LIMIT $6",
        )
        .bind(filter.site.as_ref().map_or("", SiteName::as_str))
        .bind(filter.device.as_ref().map_or("", DeviceName::as_str))
        .bind(listed(filter.about.iter().map(|about| about.as_str())))
        .bind(listed(filter.judgments.iter().map(|judgment| judgment.as_str())))
        .bind(i64::from(filter.ignored))
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(while_doing("reading the findings"))?;
        let mut found: Vec<FindingRow> = Vec::with_capacity(rows.len());
        for row in &rows {
            let (site, device) = (row.word("site")?, row.word("device")?);
            let observed_at = match found.last() {
                Some(last) if last.site == site && last.device == device => last.observed_at,
                _ => looked_at(&report(&row.bytes("report")?, row.time("observed_at")?)?),
            };
            let wire = v1::Finding::decode(&*row.bytes("body")?).map_err(|_| nonsense("body"))?;
            let one = Found::try_from(wire).map_err(|_| nonsense("body"))?;
            found.push(FindingRow { site, device, observed_at, found: one });
        }
        Ok(found)
    }
}

/// While a device cannot be looked at, its findings are as old as the last look that worked.
fn looked_at(report: &Report) -> Timestamp {
    match report.failure {
        Some(_) => report.found_at.unwrap_or(report.observed_at),
        None => report.observed_at,
    }
}
