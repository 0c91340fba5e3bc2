//! C07: Only listed addresses may connect.
//!
//! The list is judged as it is written. A rule by host name cannot be compared with networks, so that it leaves the
//! rest to a person.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use proto::{Disruption, LockoutRisk};

use crate::change::{AddressList, Change};
use crate::facts::{CameraFacts, IpAccess};
use crate::measures::words::{counted, list, quoted};
use crate::measures::{Guidance, Judgment, Remedy};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "An address that may not connect cannot even try a password.",
    expected: "IP access control is on, refuses addresses that no rule names, and allows only \
               networks of the policy.",
    remedy: "Allow this agent, the video workstations and the storage first, try the list with \
             temporary rules, then refuse the rest (Admin Menu > Security > IP-Level Access \
             Control).",
    disruption: Disruption::LinkLoss,
    lockout_risk: LockoutRisk::Severe,
    reads: &["ip_access"],
};

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    match wanted(site) {
        Ok(list) => seen(camera, site).change(Change::RestrictAddresses(list)),
        Err(why) => seen(camera, site).cure(Remedy::Person(why.to_owned())),
    }
}

/// The networks of the policy, and the workstations and storage that it and the site file name. The plan adds what
/// else must get in, this agent first of all.
fn wanted(site: &Site<'_>) -> Result<AddressList, &'static str> {
    let networks = &site.policy.networks;
    let hosts = networks.vms.iter().chain(&networks.nas).chain(site.vms_addresses);
    let hosts = hosts.map(|host| IpNet::from(host.to_canonical()));
    if networks.allowed.is_empty() {
        return Err("Say in the policy which networks may use the cameras (networks.allowed).");
    }
    let mut list = Vec::new();
    for network in networks.allowed.iter().copied().chain(hosts) {
        match network {
            IpNet::V4(network) => list.push(network),
            IpNet::V6(_) => {
                return Err(
                    "Set the list in the camera's own page: the policy or the site file names IPv6 addresses, and how \
                     a camera writes a rule for them is not known.",
                );
            }
        }
    }
    Ok(AddressList::new(list))
}

fn seen(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    camera.ip_access.judge(|setting| {
        let access = &setting.value;
        let unmet = |observed: String| Judgment::unmet_by(setting.confidence, observed);
        if !access.enabled {
            return unmet("IP access control is off".to_owned());
        }
        let wide: Vec<String> = access
            .rules
            .iter()
            .filter(|rule| allowed(rule).is_some_and(|reach| is_too_wide(reach, camera, site)))
            .map(|rule| quoted(rule))
            .collect();
        if !wide.is_empty() {
            return unmet(format!(
                "rules that let in more than the policy's networks: {}",
                list(wide)
            ));
        }
        match access.refuses_others {
            Some(false) => unmet(
                "IP access control is on, but lets in addresses that no rule \
                                  names"
                    .to_owned(),
            ),
            None => Judgment::unknown(
                "IP access control is on; what happens to addresses that no \
                                       rule names could not be read",
            ),
            // A list without rules would have refused us as well.
            Some(true) if access.rules.is_empty() => {
                Judgment::unknown("IP access control is on, but its rules could not be read")
            }
            Some(true) => {
                let judgment = Judgment::met_if_sure(setting.confidence, describe(access, site));
                if is_fully_compared(access, site) { judgment } else { judgment.partial() }
            }
        }
    })
}

fn describe(access: &IpAccess, site: &Site<'_>) -> String {
    let rules = counted(access.rules.len(), "rule");
    let rest = if site.policy.networks.allowed.is_empty() {
        "; the policy names no networks (networks.allowed), so a person must judge the list"
    } else if is_fully_compared(access, site) {
        ", all within the policy's networks"
    } else {
        "; rules by host name cannot be compared with the policy's networks, so a person must \
         judge them"
    };
    format!("IP access control is on with {rules} and refuses other addresses{rest}")
}

fn is_fully_compared(access: &IpAccess, site: &Site<'_>) -> bool {
    let compared = |rule: &String| !matches!(allowed(rule), Some(Reach::Named));
    !site.policy.networks.allowed.is_empty() && access.rules.iter().all(compared)
}

/// What an allow rule lets in.
#[derive(Clone, Copy)]
enum Reach {
    Network(IpNet),
    Named,
}

/// Beside the policy's networks, single addresses belong that must get in: workstations, storage, and ours.
fn is_too_wide(reach: Reach, camera: &CameraFacts, site: &Site<'_>) -> bool {
    let Reach::Network(network) = reach else { return false };
    let allowed = &site.policy.networks.allowed;
    let is_known = |host: IpAddr| {
        let storage = site.policy.networks.nas.iter();
        let mut known = storage.chain(camera.own_address.seen());
        site.is_vms(host) || known.any(|known| known.to_canonical() == host.to_canonical())
    };
    let is_host = network.prefix_len() == network.max_prefix_len();
    let within = allowed.is_empty()
        || allowed.iter().any(|wide| wide.contains(&network))
        || (is_host && is_known(network.addr()));
    network.prefix_len() == 0 || !within
}

/// What a rule lets in; nothing if it is no rule that allows, such as `deny ...` or an inactive one.
fn allowed(rule: &str) -> Option<Reach> {
    let mut words = rule.split_whitespace();
    let mode = words.next()?.to_ascii_lowercase();
    let target = words.next_back()?;
    let allows =
        mode == "allow" || (mode == "temporary" && rule.to_ascii_lowercase().contains(" allow "));
    allows.then(|| network(target).map_or(Reach::Named, Reach::Network))
}

/// `10.1.2.3`, `10.1.0.0/16`, `10.1.0.0/255.255.0.0` or the same in IPv6.
fn network(text: &str) -> Option<IpNet> {
    if let Ok(network) = text.parse::<IpNet>() {
        return Some(network.trunc());
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(IpNet::from(address));
    }
    let (address, mask) = text.split_once('/')?;
    let (address, mask): (Ipv4Addr, Ipv4Addr) = (address.parse().ok()?, mask.parse().ok()?);
    Ipv4Net::with_netmask(address, mask).ok().map(|network| IpNet::V4(network.trunc()))
}

#[cfg(test)]
mod tests {
    use proto::Policy;

    use super::*;
    use crate::measures::testing::*;

    fn list_of(rules: &[&str], refuses_others: Option<bool>) -> IpAccess {
        let rules = rules.iter().map(|rule| (*rule).to_owned()).collect();
        IpAccess { enabled: true, rules, refuses_others }
    }

    fn ten_one(policy: &mut Policy) {
        policy.networks.allowed = vec!["10.1.0.0/16".parse().unwrap()];
        policy.networks.vms = addresses(["192.168.7.7"]);
    }

    #[test]
    fn a_list_that_is_off_is_unmet() {
        let off = IpAccess { enabled: false, rules: Vec::new(), refuses_others: Some(true) };
        check(judge, |c| c.ip_access = sure(off.clone()), UNMET, &["off"]);
        check(judge, |c| c.ip_access = inferred(off), UNMET_PARTLY, &["off"]);
    }

    #[test]
    fn a_list_that_lets_the_rest_in_is_unmet() {
        check(
            judge,
            |c| c.ip_access = sure(list_of(&["deny 10.9.9.9"], Some(false))),
            UNMET,
            &["no rule names"],
        );
    }

    #[test]
    fn a_rule_for_everyone_is_unmet_under_any_policy() {
        for rule in
            ["allow 0.0.0.0/0", "Allow ::/0", "allow 0.0.0.0/0.0.0.0", "temporary allow 0.0.0.0/0"]
        {
            check(judge, |c| c.ip_access = sure(list_of(&[rule], Some(true))), UNMET, &[rule]);
        }
    }

    #[test]
    fn rules_are_held_against_the_policys_networks() {
        for wide in [
            "allow 10.0.0.0/8",
            "allow 10.2.0.1",
            "allow 10.1.0.0/255.254.0.0",
            "allow 192.168.7.0/24",
        ] {
            check_under(
                ten_one,
                judge,
                |c| c.ip_access = sure(list_of(&[wide], Some(true))),
                UNMET,
                &[wide],
            );
        }
        let good = [
            "allow 10.1.4.0/255.255.255.0",
            "allow 10.1.0.9",
            "allow 192.168.7.7",
            "deny 0.0.0.0/0",
        ];
        check_under(
            ten_one,
            judge,
            |c| c.ip_access = sure(list_of(&good, Some(true))),
            MET,
            &["4 rules"],
        );
    }

    #[test]
    fn what_cannot_be_compared_is_left_to_a_person() {
        let named = list_of(&["allow .example.com"], Some(true));
        check_under(ten_one, judge, |c| c.ip_access = sure(named), MET_PARTLY, &["host name"]);
        let plain = list_of(&["allow 10.0.0.0/8"], Some(true));
        check(judge, |c| c.ip_access = sure(plain), MET_PARTLY, &["networks.allowed"]);
    }

    #[test]
    fn half_a_reading_is_unknown() {
        check(
            judge,
            |c| c.ip_access = sure(list_of(&["allow 10.1.0.0/16"], None)),
            UNKNOWN,
            &["no rule names"],
        );
        check(
            judge,
            |c| c.ip_access = sure(list_of(&[], Some(true))),
            UNKNOWN,
            &["rules could not be read"],
        );
        let good = list_of(&["allow 10.1.0.0/16"], Some(true));
        check_under(ten_one, judge, |c| c.ip_access = inferred(good), UNKNOWN, &["inferred"]);
        check(judge, |_| (), UNKNOWN, &[UNREAD]);
    }
}
