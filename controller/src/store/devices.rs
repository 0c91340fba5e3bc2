//! The latest of what is known about each device, as its agent reported it.

use prost::Message as _;
use proto::wire::finding::Report;
use proto::wire::v1::DeviceReport;
use proto::{DeviceName, SiteName, Timestamp};

use super::cells::{Cells as _, nonsense};
use super::{Change, Store, StoreError, while_doing};

/// A device, without its findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Where it is.
    pub site: SiteName,
    /// The report with no findings in it; its `observed_at` is that of the last look.
    pub report: Report,
    /// Measures that are met.
    pub met: u32,
    /// Measures that are not.
    pub unmet: u32,
    /// Measures that could not be judged.
    pub unknown: u32,
}

impl Store {
    /// Devices of one site, or of all if none is named, by site and name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn devices(&self, site: Option<&SiteName>) -> Result<Vec<Device>, StoreError> {
        let rows = sqlx::query(
            "SELECT site, device, observed_at, met, unmet, unknown, body FROM devices \
             WHERE $1 = '' OR site = $1 ORDER BY site, device",
        )
        .bind(site.map_or("", SiteName::as_str))
        .fetch_all(&self.readers)
        .await
        .map_err(while_doing("reading the devices"))?;
        let each = rows.iter().map(|row| {
            Ok(Device {
                site: row.word("site")?,
                report: report(&row.bytes("body")?, row.time("observed_at")?)?,
                met: small(row.count("met")?),
                unmet: small(row.count("unmet")?),
                unknown: small(row.count("unknown")?),
            })
        });
        each.collect()
    }
}

impl Change {
    /// The names of a site's devices.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn device_names(&mut self, site: &SiteName) -> Result<Vec<DeviceName>, StoreError> {
        let rows = sqlx::query("SELECT device FROM devices WHERE site = $1 ORDER BY device")
            .bind(site.as_str())
            .fetch_all(&mut *self.tx)
            .await
            .map_err(while_doing("reading the names of devices"))?;
        rows.iter().map(|row| row.word("device")).collect()
    }
}

/// A stored report, with the time of the last look, which is kept beside it.
pub(super) fn report(body: &[u8], observed_at: Timestamp) -> Result<Report, StoreError> {
    let wire = DeviceReport::decode(body).map_err(|_| nonsense("body"))?;
    let report = Report::try_from(wire).map_err(|_| nonsense("body"))?;
    Ok(Report { observed_at, ..report })
}

/// A count as messages have it; what is beyond every real count is the largest.
pub(super) fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
