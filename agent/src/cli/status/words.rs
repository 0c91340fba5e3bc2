//! The status as a person reads it: one thing a line, with what to do.

use std::fmt::Write as _;

use proto::Timestamp;
use proto::text::printable;
use proto::wire::rotation::Standing as CredentialState;

use crate::link::Standing;
use crate::service::Status;
use crate::service::status::{
    ClockStatus, CredentialStatus, IdentityStatus, OutboxStatus, RoundsStatus,
};

/// So many failing devices are named.
const MAX_FAILING: usize = 10;
/// Longest line, in characters.
const MAX_LINE: usize = 400;
/// A clock that is off by less is good, in seconds.
const CLOCK_SLACK: i64 = 5;

/// Lines with a name each; one without a name goes on about the one before.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn say(&mut self, name: &str, text: &str) {
        let _ = writeln!(self.0, "{name:<12} {}", printable(text, MAX_LINE));
    }
}

/// The whole text.
pub fn text(status: &Status) -> String {
    let mut lines = Lines::default();
    let state = match status.state.as_str() {
        "unenrolled" => "not enrolled; run palisade-agent enroll",
        "identity_damaged" => "the identity cannot be used; restore it, or enrol anew",
        "starting" => "starting",
        "stopping" => "stopping",
        _ => "serving",
    };
    lines.say("agent", &format!("{state} (version {})", status.version));
    if let Some(trouble) = &status.trouble {
        lines.say("", trouble);
    }
    if let Some(identity) = &status.identity {
        about_identity(&mut lines, identity);
    }
    if let Some(link) = &status.link {
        about_link(&mut lines, link);
    }
    lines.say("time", &about_clock(&status.clock, status.clock.time));
    about_outbox(&mut lines, &status.outbox);
    let disk = status.store.trouble.as_ref();
    let disk = disk.map(|why| format!("{why}; the agent goes on from memory"));
    lines.say("disk", disk.as_deref().unwrap_or("good"));
    if let Some(rounds) = &status.rounds {
        about_rounds(&mut lines, rounds);
    }
    lines.0
}

fn about_identity(lines: &mut Lines, identity: &IdentityStatus) {
    let IdentityStatus { organisation, site, agent, .. } = identity;
    lines.say("identity", &format!("agent {agent} of site {site} of {organisation}"));
    let hours = identity.offline_life_seconds / 3600;
    let ends = identity.certificate_ends;
    lines.say("certificate", &format!("until {ends}; {hours} h left without the controller"));
}

fn about_link(lines: &mut Lines, link: &Standing) {
    lines.say("controller", &format!("{}, since {}", link.state.words(), link.since));
    let Some(trouble) = &link.trouble else { return };
    lines.say("", trouble);
    if let Some(last) = link.last_contact {
        lines.say("", &format!("last heard at {last}"));
    }
}

fn about_clock(clock: &ClockStatus, now: Timestamp) -> String {
    match clock.offset_seconds.filter(|offset| offset.abs() >= CLOCK_SLACK) {
        _ if !clock.known => "unknown; the controller will tell".to_owned(),
        Some(offset) => format!("{now}; this machine's clock is {offset:+} s off"),
        None => now.to_string(),
    }
}

fn about_outbox(lines: &mut Lines, outbox: &OutboxStatus) {
    let oldest = outbox.oldest.map_or(String::new(), |oldest| format!(", the oldest of {oldest}"));
    lines.say("to upload", &format!("{} records{oldest}", outbox.records));
    let lost = outbox.dropped_audit + outbox.dropped_status;
    if lost > 0 {
        lines.say("", &format!("{lost} records were dropped for want of room"));
    }
}

fn about_rounds(lines: &mut Lines, rounds: &RoundsStatus) {
    let last = rounds.last_visit.map_or("none yet".to_owned(), |last| last.to_string());
    let RoundsStatus { devices, failing, strangers, generation, .. } = rounds;
    lines.say("devices", &format!("{devices}, {failing} failing, last visit {last}"));
    let soonest = rounds.turns.iter().filter_map(|(name, turn)| Some((turn.next_visit?, name)));
    if let Some((next, name)) = soonest.min() {
        lines.say("", &format!("next visit {next}, to {name}"));
    }
    let failing = rounds.turns.iter().filter(|(_, turn)| turn.failures > 0);
    for (name, turn) in failing.take(MAX_FAILING) {
        lines.say("", &format!("{name}: {} visits in a row failed", turn.failures));
    }
    if *strangers > 0 {
        lines.say("", &format!("{strangers} cameras are on the network and in no site file"));
    }
    if rounds.waits_for_time {
        lines.say("", "nobody is visited until the time is known");
    }
    about_credentials(lines, &rounds.credentials);
    for trouble in &rounds.troubles {
        lines.say("", trouble);
    }
    if *generation > 0 {
        lines.say("policy", &format!("generation {generation}"));
    }
}

/// How many there are, and those that somebody should look at.
fn about_credentials(lines: &mut Lines, all: &[CredentialStatus]) {
    if all.is_empty() {
        return;
    }
    let settled = all.iter().filter(|it| it.state == CredentialState::Settled).count();
    let next = all.iter().filter_map(|it| it.due).min();
    let next = next.map_or(String::new(), |due| format!(", the next is due {due}"));
    lines.say("credentials", &format!("{} are the agent's, {settled} settled{next}", all.len()));
    let rank = |it: &&CredentialStatus| std::cmp::Reverse(it.state);
    let mut odd: Vec<_> = all
        .iter()
        .filter(|it| it.state != CredentialState::Settled || !it.trouble.is_empty())
        .collect();
    odd.sort_by_key(rank);
    for it in odd.into_iter().take(MAX_FAILING) {
        let CredentialStatus { device, credential, state, trouble, .. } = it;
        let why = if trouble.is_empty() { String::new() } else { format!(": {trouble}") };
        lines.say("", &format!("{device}: {} {}{why}", credential.as_str(), state.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use proto::wire::rotation::CredentialKind;

    use super::*;

    #[test]
    fn credentials_that_somebody_should_look_at_are_named_the_worst_first() {
        let credential = |device: &str, state, trouble: &str| CredentialStatus {
            device: device.to_owned(),
            credential: CredentialKind::Password,
            account: "admin".to_owned(),
            state,
            due: (state == CredentialState::Settled).then(|| Timestamp::from_unix(1_800_000_000)),
            since: None,
            trouble: trouble.to_owned(),
        };
        let all = [
            credential("yard", CredentialState::Settled, ""),
            credential("gate", CredentialState::InDoubt, "no answer"),
            credential("dock", CredentialState::Stranded, "somebody has to look"),
        ];
        let mut lines = Lines::default();
        about_credentials(&mut lines, &all);
        let said: Vec<_> = lines.0.lines().map(str::trim).collect();
        let expected = [
            "credentials  3 are the agent's, 1 settled, the next is due 2027-01-15T08:00:00Z",
            "dock: password stranded: somebody has to look",
            "gate: password in_doubt: no answer",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn what_others_wrote_cannot_drive_a_terminal() {
        let status = r#"{"palisade_status":1,"version":"0.1.0","started_at":"2026-11-26T08:00:00Z",
            "state":"identity_damaged","trouble":"\u001b[2Jgone","identity":null,"link":null,"rounds":null,
            "clock":{"time":"2026-11-26T08:00:00Z","known":true,"offset_seconds":-90},
            "outbox":{"records":3,"bytes":9,"oldest":"2026-11-26T07:00:00Z","dropped_audit":0,"dropped_status":2},
            "audit":{"length":0,"hash":""},
            "store":{"trouble":"disk full","real_syncs":false}}"#;
        let text = text(&serde_json::from_str(status).unwrap());
        assert!(!text.contains('\u{1b}'), "{text:?}");
        for words in ["enrol anew", "-90 s off", "3 records", "2 records were dropped", "disk full"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
