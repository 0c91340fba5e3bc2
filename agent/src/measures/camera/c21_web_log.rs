//! C21: Web server log is reviewed.
//!
//! The visit is the review: strangers and hammering are the finding. Without the policy's networks nobody can be called
//! a stranger, and a log that was not read whole acquits nobody.
//!
//! A browser's first request names no user and may stand in the log as refused, so that such rows accuse nobody of
//! guessing. They acquit nobody either, since how a camera enters a wrong password is not known; only those of this
//! agent, which looks at pages without a login itself, are passed over.

use std::net::IpAddr;

use proto::{Disruption, LockoutRisk};

use crate::facts::{CameraFacts, SourceSummary, WebLogSummary};
use crate::measures::words::{counted, list};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "The log shows who tries to get in, but only to those who read it, and a reboot wipes it.",
    expected: "Only addresses of the policy's networks in the log, and none with many failed \
               log-ins.",
    remedy: "Find out who stands behind each address named (Admin Menu > Security > Web Server \
             Logfile); add those that belong to networks.allowed in the policy, and shut the others \
             out.",
    disruption: Disruption::None,
    lockout_risk: LockoutRisk::None,
    reads: &["web_log"],
};

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    camera.web_log.judge(|log| {
        let against = accusations(log, site);
        if against.is_empty() { acquit(log, site) } else { Judgment::unmet(against.join("; ")) }
    })
}

fn accusations(log: &WebLogSummary, site: &Site<'_>) -> Vec<String> {
    let limit = site.policy.web_log.failed_logins;
    let knows_networks = !site.policy.networks.allowed.is_empty();
    let strangers: Vec<String> = log
        .sources
        .iter()
        .filter(|(address, _)| knows_networks && !belongs(**address, log, site))
        .map(|(address, did)| {
            format!("{address} ({} successful, {} failed)", did.successful, did.failed)
        })
        .collect();
    let hammering: Vec<String> = log
        .sources
        .iter()
        .filter(|(_, did)| did.failed_logins() >= limit)
        .map(|(address, did)| {
            let ours = if is_own(*address, log) { ", this agent's own address" } else { "" };
            format!("{address} ({}{ours})", did.failed_logins())
        })
        .collect();
    let mut against = Vec::new();
    if !strangers.is_empty() {
        against.push(format!("outside the policy's networks: {}", list(strangers)));
    }
    if !hammering.is_empty() {
        against.push(format!("{limit} or more failed log-ins: {}", list(hammering)));
    }
    against
}

fn acquit(log: &WebLogSummary, site: &Site<'_>) -> Judgment {
    let sources = counted(log.sources.len(), "source");
    let limit = site.policy.web_log.failed_logins;
    if log.rows == 0 || log.sources.is_empty() {
        return Judgment::unknown("the log is empty, although our own visit should stand in it");
    }
    if log.cut || log.odd_rows > 0 {
        let cut = log.cut.then(|| "it was longer than could be read".to_owned());
        let odd = (log.odd_rows > 0)
            .then(|| format!("{} could not be understood", counted(log.odd_rows as usize, "row")));
        return Judgment::unknown(format!(
            "what was read of the log shows nothing worrying, but {}",
            list(cut.into_iter().chain(odd))
        ));
    }
    if site.policy.networks.allowed.is_empty() {
        return Judgment::unknown(format!(
            "no address failed {limit} times, but who is a stranger cannot be told: name your \
             networks in the policy (networks.allowed); seen: {}",
            list(log.sources.keys())
        ));
    }
    if let Some(doubt) = doubt(log, limit) {
        return Judgment::unknown(doubt);
    }
    let since =
        log.oldest.map_or(String::new(), |oldest| format!(" since {oldest} by the camera's clock"));
    let rows = counted(log.rows as usize, "row");
    Judgment::met(format!(
        "{rows}{since} from {sources}, all of the policy's networks, none with {limit} or \
         more failed log-ins"
    ))
}

/// Why refusals that do not accuse do not acquit either.
fn doubt(log: &WebLogSummary, limit: u32) -> Option<String> {
    let others = || log.sources.iter().filter(|(address, _)| !is_own(**address, log));
    let named = |did: &SourceSummary| !log.counted && did.failed_logins() > 0;
    let many: Vec<_> = others().filter(|(_, did)| named(did)).map(|(address, _)| address).collect();
    if !many.is_empty() {
        return Some(format!(
            "the log shows failed log-ins of {} and does not count them, so that one row may stand for many",
            list(many)
        ));
    }
    let nameless: Vec<String> = others()
        .filter(|(_, did)| did.failed >= limit)
        .map(|(address, did)| format!("{address} ({})", did.failed))
        .collect();
    (!nameless.is_empty()).then(|| {
        format!(
            "{limit} or more refusals without a user name, which may be browsers before they log in, or guesses: {}",
            list(nameless)
        )
    })
}

fn is_own(address: IpAddr, log: &WebLogSummary) -> bool {
    log.own.is_some_and(|own| own.to_canonical() == address.to_canonical())
}

/// A loopback address is the camera itself: nobody else can come from there. This agent is no stranger either.
fn belongs(address: IpAddr, log: &WebLogSummary, site: &Site<'_>) -> bool {
    if is_own(address, log) {
        return true;
    }
    let address = address.to_canonical();
    let allowed = &site.policy.networks.allowed;
    address.is_loopback()
        || site.is_vms(address)
        || allowed.iter().any(|net| net.contains(&address))
}

#[cfg(test)]
mod tests {
    use proto::Policy;

    use super::*;
    use crate::facts::Fact;
    use crate::measures::testing::*;

    fn log(sources: &[(&str, u32)]) -> WebLogSummary {
        let source = |&(address, failed): &(&str, u32)| {
            let did = SourceSummary { successful: 1, failed, ..SourceSummary::default() };
            (address.parse().unwrap(), did)
        };
        let sources = sources.iter().map(source).collect();
        WebLogSummary { rows: 9, counted: true, sources, ..WebLogSummary::default() }
    }

    /// The same log, where so many of each address's refusals named no user.
    fn nameless(count: u32, mut log: WebLogSummary) -> WebLogSummary {
        log.sources.values_mut().for_each(|did| did.nameless = count);
        log
    }

    #[test]
    fn this_agent_is_no_stranger_and_its_looks_without_a_login_are_no_guesses() {
        let own = "172.16.0.5".parse().ok();
        let visited = nameless(60, log(&[("172.16.0.5", 61)]));
        check_log(WebLogSummary { own, ..visited.clone() }, MET, &["1 source"]);
        check_log(visited, UNMET, &["172.16.0.5 (1 successful, 61 failed)"]);
        let hammering = WebLogSummary { own, ..log(&[("172.16.0.5", 5)]) };
        check_log(hammering, UNMET, &["172.16.0.5 (5, this agent's own address)"]);
    }

    #[test]
    fn refusals_without_a_name_neither_accuse_nor_acquit() {
        check_log(nameless(50, log(&[("10.1.0.9", 50)])), UNKNOWN, &["10.1.0.9 (50)", "guesses"]);
        check_log(nameless(4, log(&[("10.1.0.9", 4)])), MET, &[]);
        check_log(nameless(50, log(&[("10.1.0.9", 55)])), UNMET, &["10.1.0.9 (5)"]);
    }

    #[test]
    fn a_row_that_may_stand_for_many_acquits_nobody() {
        let uncounted = |failed| WebLogSummary { counted: false, ..log(&[("10.1.0.9", failed)]) };
        check_log(uncounted(1), UNKNOWN, &["10.1.0.9", "one row may stand for many"]);
        check_log(uncounted(0), MET, &[]);
        let own = "10.1.0.9".parse().ok();
        check_log(WebLogSummary { own, ..uncounted(1) }, MET, &[]);
    }

    fn ten_one(policy: &mut Policy) {
        policy.networks.allowed = vec!["10.1.0.0/16".parse().unwrap()];
        policy.networks.vms = addresses(["192.168.7.7"]);
    }

    #[track_caller]
    fn check_log(log: WebLogSummary, outcome: Outcome, says: &[&str]) -> Judgment {
        check_under(ten_one, judge, |c| c.web_log = Fact::Seen(log), outcome, says)
    }

    #[test]
    fn strangers_are_named_and_others_are_not() {
        let judgment = check_log(
            log(&[("10.1.0.9", 0), ("10.2.0.9", 1)]),
            UNMET,
            &["10.2.0.9 (1 successful, 1 failed)"],
        );
        assert!(!judgment.observed.contains("10.1.0.9"));
    }

    #[test]
    fn hammering_from_inside_is_named_from_the_policys_count_on() {
        check_log(log(&[("10.1.0.9", 5)]), UNMET, &["10.1.0.9 (5)"]);
        check_log(log(&[("10.1.0.9", 4)]), MET, &["9 rows"]);
    }

    #[test]
    fn a_clean_log_of_known_addresses_is_met() {
        check_log(
            log(&[("10.1.0.9", 0), ("192.168.7.7", 0), ("127.0.0.1", 0), ("::ffff:10.1.0.8", 0)]),
            MET,
            &["4 sources"],
        );
    }

    #[test]
    fn without_networks_strangers_cannot_be_told_but_hammering_can() {
        check(
            judge,
            |c| c.web_log = Fact::Seen(log(&[("10.1.0.9", 0)])),
            UNKNOWN,
            &["networks.allowed", "10.1.0.9"],
        );
        check(
            judge,
            |c| c.web_log = Fact::Seen(log(&[("10.1.0.9", 50)])),
            UNMET,
            &["10.1.0.9 (50)"],
        );
    }

    #[test]
    fn a_log_that_was_not_read_whole_acquits_nobody() {
        check_log(WebLogSummary { cut: true, ..log(&[("10.1.0.9", 0)]) }, UNKNOWN, &["longer"]);
        check_log(WebLogSummary { odd_rows: 2, ..log(&[("10.1.0.9", 0)]) }, UNKNOWN, &["2 rows"]);
        check_log(WebLogSummary { cut: true, ..log(&[("10.2.0.9", 0)]) }, UNMET, &["10.2.0.9"]);
    }

    #[test]
    fn an_empty_log_is_silence() {
        check_log(WebLogSummary::default(), UNKNOWN, &["empty"]);
        check_under(ten_one, judge, |_| (), UNKNOWN, &[UNREAD]);
    }

    #[test]
    fn only_what_kept_the_log_from_acquitting_is_named() {
        let of = |log: WebLogSummary| acquit(&log, &Around::default().site()).observed;
        let one = || log(&[("10.1.0.9", 0)]);
        let cut = of(WebLogSummary { cut: true, ..one() });
        assert!(cut.ends_with("but it was longer than could be read"), "{cut}");
        let odd = of(WebLogSummary { odd_rows: 1, ..one() });
        assert!(odd.ends_with("but 1 row could not be understood"), "{odd}");
    }
}
