//! What a change may break on this device, as far as its own log and settings tell.

use std::collections::BTreeSet;
use std::net::IpAddr;

use proto::Disruption;
use proto::text::printable;

use super::Harm;
use crate::change::{Change, Edit, Risk, Takes};
use crate::facts::{CameraFacts, Fact, SourceSummary};

/// Seconds that a camera is gone while it reboots: about two minutes, as public tools wait for it.
const REBOOT_S: u32 = 120;
/// Seconds that a client may need to come back after it was shut out or asked for another log-in.
const GAP_S: u32 = 10;
/// Most addresses that are named.
const MOST: usize = 20;

/// What `change` may break.
pub fn of(change: &Change, edit: &Edit, facts: &CameraFacts) -> Harm {
    let reboot = edit.takes == Takes::Reboot;
    let disruption = change.disruption();
    let video_s = match disruption {
        _ if reboot => REBOOT_S,
        Disruption::None => 0,
        Disruption::VideoGap | Disruption::Reboot | Disruption::LinkLoss => GAP_S,
    };
    let risk = change.risk();
    Harm {
        risk,
        disruption: if reboot { disruption.max(Disruption::Reboot) } else { disruption },
        lockout_risk: change.lockout_risk(),
        reboot,
        video_s,
        others: others(change, facts),
        way_back: (risk == Risk::CutOff).then(|| way_back(change, facts)),
    }
}

/// Whether somebody who connects from an address, and did what the log sums up, is touched.
type Touched<'c> = Box<dyn Fn(IpAddr, &SourceSummary) -> bool + 'c>;

/// Who else would feel it, as the camera's web server log tells since its last reboot.
fn others(change: &Change, facts: &CameraFacts) -> Vec<String> {
    let (what, is_touched): (&str, Touched<'_>) = match change {
        Change::RestrictAddresses(list) => (
            "gets in today and would be shut out",
            Box::new(|address, seen| seen.successful > 0 && !list.admits(address)),
        ),
        Change::MoveAccount { name, .. } | Change::RemoveAccount { name } => {
            ("logs in with this account", Box::new(move |_, seen| seen.users.contains(name)))
        }
        Change::ClosePublicAccess => (
            "gets in without a log-in that is seen",
            Box::new(|_, seen| seen.successful > 0 && seen.users.is_empty()),
        ),
        Change::RequireDigest => {
            ("logs in, and must be able to do digest", Box::new(|_, seen| !seen.users.is_empty()))
        }
        Change::MoveWebPort { .. } => {
            ("connects, and must be told the new port", Box::new(|_, seen| seen.successful > 0))
        }
        Change::StopVpn => ("connects, perhaps by the tunnel", Box::new(|_, s| s.successful > 0)),
        Change::SetGroups(_)
        | Change::DetectIntrusion { .. }
        | Change::ForbidCrawling
        | Change::ReportErrors { .. }
        | Change::DetectStorageFailure
        | Change::RequireDot1x => return Vec::new(),
    };
    let log = match &facts.web_log {
        Fact::Seen(log) => log,
        Fact::Absent => return Vec::new(),
        Fact::Unreadable(_) => {
            return vec!["who else is touched is not known: the log could not be read".to_owned()];
        }
    };
    let own: BTreeSet<IpAddr> =
        log.own.iter().chain(facts.own_address.seen()).map(IpAddr::to_canonical).collect();
    let found = log.sources.iter().filter(|(address, seen)| {
        !own.contains(&address.to_canonical()) && is_touched(**address, seen)
    });
    let mut clauses: Vec<String> =
        found.map(|(address, seen)| format!("{address} {what}{}", users(seen))).collect();
    if clauses.len() > MOST {
        let more = clauses.len() - MOST;
        clauses.truncate(MOST);
        clauses.push(format!("and {more} more"));
    }
    clauses
}

fn users(seen: &SourceSummary) -> String {
    let names: Vec<String> = seen.users.iter().take(5).map(|user| printable(user, 40)).collect();
    if names.is_empty() { String::new() } else { format!(" (as {})", names.join(", ")) }
}

/// What brings a camera back that no longer lets us in. Until it is saved, a change does not outlive a reboot.
fn way_back(change: &Change, facts: &CameraFacts) -> String {
    if let Change::MoveWebPort { .. } = change {
        return "through the other port of its web server, which stays as it is".to_owned();
    }
    match &facts.own_reboots {
        Fact::Seen(times) if !times.is_empty() => format!(
            "until it is saved, any reboot brings the camera back; it reboots by itself at {}",
            times.join(" and ")
        ),
        Fact::Seen(_) | Fact::Absent => {
            "until it is saved, any reboot brings the camera back; it does not reboot by \
                                         itself, so its power would have to be cut"
                .to_owned()
        }
        Fact::Unreadable(_) => {
            "until it is saved, any reboot brings the camera back; whether it reboots by itself is \
                                not known, so that its power may have to be cut"
                .to_owned()
        }
    }
}
