//! What a site file says to an agent that runs by itself: how often devices are visited, when one counts as gone, and
//! which networks are searched for cameras that nobody listed. An audit by hand passes it over.

use ipnet::IpNet;
use serde::Deserialize;

use super::SiteError;

/// So many networks may be searched.
const MAX_NETWORKS: usize = 16;
/// A device counts as gone after so many days if nothing else is said.
const GONE_AFTER_DAYS: u32 = 3;
/// A network with a shorter prefix is a typing error.
const SHORTEST_PREFIX: u8 = 8;

/// How an agent that runs by itself looks after the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unattended {
    /// How often each device is visited, in minutes, 1 to 43,200 (a month).
    pub visit_minutes: u32,
    /// How long a device may not answer before it counts as gone, in days, 1 to 365.
    pub gone_days: u32,
    /// Which networks are searched; without it, none.
    pub discovery: Option<Discovery>,
}

/// `[discovery]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// The networks, at least one.
    pub networks: Vec<IpNet>,
    /// How often they are searched, in minutes, 1 to 43,200.
    pub minutes: u32,
}

/// The table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    networks: Vec<IpNet>,
    #[serde(default = "hour")]
    minutes: u32,
}

fn hour() -> u32 {
    60
}

impl Unattended {
    pub(super) fn check(
        visit_minutes: Option<u32>,
        gone_days: Option<u32>,
        discovery: Option<Written>,
    ) -> Result<Self, SiteError> {
        let visit_minutes = visit_minutes.unwrap_or_else(hour);
        check_minutes("visit_minutes", visit_minutes)?;
        let gone_days = gone_days.unwrap_or(GONE_AFTER_DAYS);
        if !(1..=365).contains(&gone_days) {
            return Err(SiteError::Site(format!("gone_days is {gone_days}; want 1 to 365 days")));
        }
        let discovery = discovery.map(Written::check).transpose()?;
        Ok(Self { visit_minutes, gone_days, discovery })
    }
}

impl Written {
    fn check(self) -> Result<Discovery, SiteError> {
        let Self { networks, minutes } = self;
        let refuse = |what: String| Err(SiteError::Site(format!("discovery: {what}")));
        check_minutes("discovery.minutes", minutes)?;
        if networks.is_empty() || networks.len() > MAX_NETWORKS {
            return refuse(format!(
                "it names {} networks; want 1 to {MAX_NETWORKS}, or leave the table out",
                networks.len()
            ));
        }
        for network in &networks {
            match network {
                IpNet::V4(net) if net.prefix_len() >= SHORTEST_PREFIX => {}
                IpNet::V4(_) => {
                    return refuse(format!(
                        "{network} is half the Internet; name the networks your cameras are in"
                    ));
                }
                IpNet::V6(_) => {
                    return refuse(format!("{network}: only IPv4 networks are searched so far"));
                }
            }
        }
        Ok(Discovery { networks, minutes })
    }
}

fn check_minutes(key: &str, minutes: u32) -> Result<(), SiteError> {
    if (1..=30 * 24 * 60).contains(&minutes) {
        return Ok(());
    }
    Err(SiteError::Site(format!("{key} is {minutes}; want 1 to 43200 minutes")))
}
