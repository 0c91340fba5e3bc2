//! What no plan may hold: the rules once as they bind the drawing of a plan, and once as they are asked of a finished
//! one, before anything is done to a device.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{DevicePlan, Step, Subject, TaskKind};
use crate::change::{Change, Credential, Door};
use crate::facts::{Fact, PortSighting};

/// Why a change is not proposed.
pub(super) struct Forbidden;

impl Forbidden {
    /// Why `change` must not follow `before`, as a clause; none if it may.
    pub(super) fn of(
        change: &Change,
        before: &[Step],
        subject: &Subject<'_>,
        must_admit: &BTreeSet<IpAddr>,
    ) -> Option<String> {
        match change {
            Change::RestrictAddresses(list) => {
                if let Some(why) = subject.facts.own_address.seen().is_none().then_some(
                    "the address that our connections come from could not be told, and a list without it would lock \
                     us out",
                ) {
                    return Some(why.to_owned());
                }
                let left_out = must_admit.iter().find(|address| !list.admits(**address));
                match left_out {
                    Some(address) => Some(format!(
                        "the list would lock {address} out, which must get in; how a camera writes an IPv6 rule is not \
                         known"
                    )),
                    None if list.is_void() => {
                        Some("the list would let everybody in, or nobody".to_owned())
                    }
                    None => None,
                }
            }
            Change::DetectIntrusion { .. } => {
                let planned =
                    before.iter().any(|it| matches!(it.change, Change::RestrictAddresses(_)));
                let is_on =
                    subject.facts.ip_access.seen().is_some_and(|access| access.value.enabled);
                (!planned && !is_on).then(|| {
                    "intrusion detection blocks an address only while the IP access list is on, which comes first (C07)"
                        .to_owned()
                })
            }
            Change::MoveAccount { name, .. } | Change::RemoveAccount { name } => {
                own_account(name, subject)
            }
            Change::SetGroups(groups) => own_group(groups.keys(), subject),
            Change::MoveWebPort { door, to } => way_back(*door, *to, before, subject),
            Change::ClosePublicAccess
            | Change::ForbidCrawling
            | Change::RequireDigest
            | Change::ReportErrors { .. }
            | Change::DetectStorageFailure
            | Change::StopVpn
            | Change::RequireDot1x => None,
        }
    }
}

fn own_account(name: &str, subject: &Subject<'_>) -> Option<String> {
    let Some(user) = subject.user else {
        return Some("nobody logged in, so that whose account this is cannot be told".to_owned());
    };
    if user == name {
        return Some(format!("{name:?} is the account that we log in as; use another one first"));
    }
    match subject.facts.administrator(user) {
        Fact::Seen(true) => None,
        Fact::Seen(false) | Fact::Absent | Fact::Unreadable(_) => Some(format!(
            "the account that we log in as, {user:?}, is not known to be an administrator, of whom one must be left"
        )),
    }
}

fn own_group<'g>(
    mut groups: impl Iterator<Item = &'g String>,
    subject: &Subject<'_>,
) -> Option<String> {
    let accounts = subject.facts.accounts.seen();
    let own = accounts
        .zip(subject.user)
        .and_then(|(all, user)| all.iter().find(|account| account.name == user));
    let Some(own) = own else {
        return Some("the group of the account that we log in as could not be told".to_owned());
    };
    let touched = groups.any(|group| *group == own.group);
    touched.then(|| format!("{:?} is the group of the account that we log in as", own.group))
}

/// A port that does not answer after the reboot is only put right through the other door.
fn way_back(door: Door, to: u16, before: &[Step], subject: &Subject<'_>) -> Option<String> {
    let open = |port: &PortSighting| port.open == Some(true);
    let sightings = subject.facts.web_ports.seen().map_or(&[][..], Vec::as_slice);
    if sightings.iter().any(|seen| seen.port == to) {
        return Some(format!("port {to} is in use or a standard port"));
    }
    let moved = before.iter().find_map(|step| match step.change {
        Change::MoveWebPort { door, to } => Some((door, to)),
        _ => None,
    });
    if moved.is_some_and(|(_, taken)| taken == to) {
        return Some(format!("port {to} is the other door's"));
    }
    let doors = sightings.iter().filter(|seen| open(seen)).count();
    (doors < 2).then(|| {
        let other = if door == Door::Https { "HTTP" } else { "HTTPS" };
        format!("a port only moves at a reboot, and {other} does not answer as the way back; do it at the camera")
    })
}

/// The rules that a finished plan breaks, as sentences; none if it may be carried out. `own` is the address of ours that
/// the device sees now; `must_admit` is who must get in now.
pub fn violations(
    plan: &DevicePlan,
    own: Option<IpAddr>,
    must_admit: &BTreeSet<IpAddr>,
) -> Vec<String> {
    let mut broken = Vec::new();
    let mut last = 0;
    for step in &plan.steps {
        if step.change.rank() < last {
            broken.push(format!(
                "Step {} comes too late: what may break more goes last.",
                step.number
            ));
        }
        last = step.change.rank();
        match &step.change {
            Change::RestrictAddresses(list) => {
                let everybody = must_admit.iter().chain(&plan.must_admit).copied().chain(own);
                for address in everybody.filter(|address| !list.admits(*address)) {
                    broken.push(format!("Step {} would lock {address} out.", step.number));
                }
                if list.is_void() || own.is_none() {
                    broken.push(format!(
                        "Step {} has no list that is known to hold us.",
                        step.number
                    ));
                }
            }
            Change::MoveAccount { name, .. } | Change::RemoveAccount { name }
                if plan.user.as_ref() == Some(name) || plan.user.is_none() =>
            {
                broken.push(format!("Step {} touches the account that we log in as.", step.number));
            }
            _ => {}
        }
        if step.edit.lines.is_empty() || step.measure != step.change.measure() {
            broken.push(format!("Step {} does not say what it does.", step.number));
        }
    }
    broken.extend(mixed_windows(plan));
    broken
}

fn mixed_windows(plan: &DevicePlan) -> Option<String> {
    let windows = |wanted: fn(&Credential) -> bool| -> BTreeSet<u32> {
        let rotations = plan.tasks.iter().filter_map(|task| match &task.kind {
            TaskKind::Rotate { credential, window } => wanted(credential).then_some(*window),
            TaskKind::Person | TaskKind::Learn => None,
        });
        rotations.collect()
    };
    let certificate = windows(|it| *it == Credential::Certificate);
    let password = windows(|it| matches!(it, Credential::Password { .. }));
    let steps = !plan.steps.is_empty() && certificate.union(&password).any(|window| *window == 1);
    let late = certificate.last().zip(password.first()).is_some_and(|(one, two)| one >= two);
    (steps || late).then(|| {
        "Certificate, passwords and settings want windows of their own, the certificate before the passwords.".to_owned()
    })
}
