//! How much of one site is kept here, so that an agent that was taken over fills no disk, and what becomes of the rest.
//!
//! What is beyond a bound is refused by itself: the agent is told which entry, keeps what it holds, and goes on with the
//! rest of its outbox. A secret that is not kept is not acknowledged, so the device that it is for is not touched. At
//! four fifths of a bound, and when something was refused, a person is told, once: by the audit log and the program's.
//!
//! Nothing makes room by itself, and no agent can: one that was taken over would have the copies destroyed that help
//! against it. An administrator does (`prune`).

use std::collections::BTreeSet;

use proto::SiteName;

use crate::store::{Intake, StoreError};

/// Most devices of a site.
pub const MAX_DEVICES: u64 = 10_000;
/// Most credentials of a site whose standing is kept.
pub const MAX_CREDENTIALS: u64 = 2 * MAX_DEVICES;
/// Most secrets of one site.
pub const MAX_SECRETS: u64 = 20_000;
/// Most bytes that one site's sealed copies take.
pub const MAX_BYTES: u64 = 256 << 20;
/// From so many percent on a person is told.
const WARN: u64 = 80;

/// Of what there is so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bound {
    Secrets,
    Devices,
    Credentials,
}

impl Bound {
    const ALL: [Self; 3] = [Self::Secrets, Self::Devices, Self::Credentials];

    fn as_str(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::Devices => "devices",
            Self::Credentials => "credentials",
        }
    }
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is here.
    Yes,
    /// It is odd, and what was here before stays.
    No,
    /// There is no room.
    Full(Bound),
}

/// How full one site's escrow is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Which site.
    pub site: SiteName,
    /// Secrets of [`MAX_SECRETS`].
    pub secrets: u64,
    /// Bytes of [`MAX_BYTES`].
    pub bytes: u64,
}

impl Fill {
    /// The fuller of the two, in percent, rounded down.
    pub fn percent(&self) -> u64 {
        (self.secrets * 100 / MAX_SECRETS).max(self.bytes.saturating_mul(100) / MAX_BYTES)
    }

    /// Whether a person should do something about it.
    pub fn is_high(&self) -> bool {
        self.percent() >= WARN
    }
}

/// How much of a site is here, read once an upload and counted on.
#[derive(Debug, Default)]
pub(super) struct Room {
    escrow: Option<(u64, u64)>,
    devices: Option<u64>,
    credentials: Option<u64>,
    refused: BTreeSet<Bound>,
}

impl Room {
    /// Secrets and bytes.
    pub async fn escrow(
        &mut self,
        intake: &mut Intake,
        site: &SiteName,
    ) -> Result<(u64, u64), StoreError> {
        match self.escrow {
            Some(known) => Ok(known),
            None => Ok(*self.escrow.insert(intake.escrow_size(site).await?)),
        }
    }

    /// The escrow holds so much from now on.
    pub fn escrow_is(&mut self, secrets: u64, bytes: u64) {
        self.escrow = Some((secrets, bytes));
    }

    /// Whether there is room for this device.
    pub async fn device(
        &mut self,
        intake: &mut Intake,
        site: &SiteName,
        device: &str,
    ) -> Result<Kept, StoreError> {
        let known = self.device_count(intake, site).await?;
        let is_new = !intake.knows_device(site, device).await?;
        if is_new && known >= MAX_DEVICES {
            return Ok(Kept::Full(Bound::Devices));
        }
        self.devices = Some(known + u64::from(is_new));
        Ok(Kept::Yes)
    }

    /// Whether there is room for one more device.
    pub async fn device_fits(
        &mut self,
        intake: &mut Intake,
        site: &SiteName,
    ) -> Result<bool, StoreError> {
        Ok(self.device_count(intake, site).await? < MAX_DEVICES)
    }

    async fn device_count(
        &mut self,
        intake: &mut Intake,
        site: &SiteName,
    ) -> Result<u64, StoreError> {
        match self.devices {
            Some(known) => Ok(known),
            None => Ok(*self.devices.insert(intake.device_count(site).await?)),
        }
    }

    /// Whether there is room for where this credential stands.
    pub async fn credential(
        &mut self,
        intake: &mut Intake,
        site: &SiteName,
        (device, kind): (&str, &str),
    ) -> Result<Kept, StoreError> {
        let known = match self.credentials {
            Some(known) => known,
            None => *self.credentials.insert(intake.rotation_count(site).await?),
        };
        let is_new = !intake.knows_credential(site, device, kind).await?;
        if is_new && known >= MAX_CREDENTIALS {
            return Ok(Kept::Full(Bound::Credentials));
        }
        self.credentials = Some(known + u64::from(is_new));
        Ok(Kept::Yes)
    }

    /// A device is gone.
    pub fn forget(&mut self) {
        (self.devices, self.credentials) = (None, None);
    }

    /// Something was refused.
    pub fn refuse(&mut self, bound: Bound) {
        self.refused.insert(bound);
    }

    /// What a person is to be told now, who was not told yet.
    pub async fn news(
        &self,
        intake: &mut Intake,
        site: &SiteName,
    ) -> Result<Vec<String>, StoreError> {
        let mut news = Vec::new();
        let (secrets, bytes) = self.escrow.unwrap_or_default();
        let fill = Fill { site: site.clone(), secrets, bytes };
        let percent = |count: Option<u64>, most| count.map(|count| count * 100 / most);
        let fills = [
            self.escrow.map(|_| fill.percent()),
            percent(self.devices, MAX_DEVICES),
            percent(self.credentials, MAX_CREDENTIALS),
        ];
        for (bound, percent) in Bound::ALL.into_iter().zip(fills) {
            let Some(percent) = percent else { continue };
            let told = intake.told_bound(site, bound.as_str()).await?;
            let level = level(percent, self.refused.contains(&bound), told);
            if level != told {
                intake.tell_bound(site, bound.as_str(), level).await?;
            }
            if level > told {
                news.push(words(bound, level, percent));
            }
        }
        Ok(news)
    }
}

/// 0 for nothing to say, 1 for nearly full, 2 for something that was refused. What was said is not said again before
/// there was room in between.
fn level(percent: u64, refused: bool, told: u64) -> u64 {
    match (percent >= WARN, refused) {
        (_, true) => 2,
        (true, false) => told.max(1),
        (false, false) => 0,
    }
}

fn words(bound: Bound, level: u64, percent: u64) -> String {
    let (what, most) = match bound {
        Bound::Secrets => ("escrow", format!("{MAX_SECRETS} secrets or {} MiB", MAX_BYTES >> 20)),
        Bound::Devices => ("devices", format!("{MAX_DEVICES} devices")),
        Bound::Credentials => ("credentials", format!("{MAX_CREDENTIALS} credentials")),
    };
    let todo = match bound {
        Bound::Secrets => "; nothing new is rotated without room: palisade secret prune",
        Bound::Devices | Bound::Credentials => "",
    };
    match level {
        2 => format!("{what}: {most} are kept of a site, and one more was refused{todo}"),
        _ => format!("{what}: {percent} % of {most} that are kept of a site{todo}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_told_once_and_again_only_after_there_was_room() {
        assert_eq!(level(79, false, 0), 0);
        assert_eq!(level(80, false, 0), 1);
        assert_eq!(level(95, false, 2), 2, "it was refused before, and nothing was pruned");
        assert_eq!(level(100, true, 1), 2);
        assert_eq!(level(40, false, 2), 0);
        // A reseal that grew is refused below the count of secrets.
        assert_eq!(level(99, true, 0), 2);
    }

    #[test]
    fn the_fuller_of_count_and_bytes_counts() {
        let site: SiteName = "harbour".parse().unwrap();
        let fill = |secrets, bytes| Fill { site: site.clone(), secrets, bytes };
        assert_eq!(fill(16_000, 0).percent(), 80);
        assert_eq!(fill(1, 255 << 20).percent(), 99);
        assert!(fill(16_000, 0).is_high() && !fill(15_999, 1).is_high());
    }
}
