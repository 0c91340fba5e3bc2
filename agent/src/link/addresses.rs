//! Where the controller is, as it says itself: kept beside the identity and tried in order from then on. An address is
//! never trusted, only what answers there with a certificate under our roots; so the worst that a wrong one costs is the
//! time to try it. Those that were known stay behind the new ones, for the new ones may not answer yet.

use super::Link;
use super::deed::Deed;
use crate::identity::MAX_ADDRESSES;

/// Longest address, in bytes.
const LONGEST: usize = 260;

impl Link {
    /// Takes the controller's addresses over. No addresses: nothing is said about them.
    pub(super) async fn take_addresses(&self, told: Vec<String>) {
        if told.is_empty() {
            return;
        }
        if told.len() > MAX_ADDRESSES || !told.iter().all(|address| is_one(address)) {
            tracing::error!("the controller's own addresses make no sense, and were refused");
            return;
        }
        let _alone = self.papers.lock().await;
        let Some(addresses) = merged(&told, &self.member.borrow().addresses) else { return };
        let detail = told.join(", ");
        let taken = self.become_member(|member| {
            let mut member = member.clone();
            member.addresses = addresses;
            member
        });
        match taken.await {
            Ok(()) => {
                tracing::info!(addresses = detail, "the controller's addresses are known");
                self.record(Deed::AddressesTaken, &detail).await;
            }
            Err(error) => tracing::error!(%error, "the controller's addresses cannot be kept"),
        }
    }
}

/// `host:port`, in letters that may stand in a log.
fn is_one(address: &str) -> bool {
    let parts = address.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    address.len() <= LONGEST
        && address.chars().all(|c| c.is_ascii_graphic())
        && parts.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// What was told, then what was known; nothing if that is what is held.
fn merged(told: &[String], held: &[String]) -> Option<Vec<String>> {
    let mut merged: Vec<String> = Vec::new();
    for address in told.iter().chain(held) {
        if merged.len() < MAX_ADDRESSES && !merged.contains(address) {
            merged.push(address.clone());
        }
    }
    (merged != held).then_some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_told_comes_first_and_what_was_known_stays_behind() {
        assert_eq!(merged(&list("b:1 c:1"), &list("a:1 b:1")), Some(list("b:1 c:1 a:1")));
        assert_eq!(merged(&list("a:1"), &list("a:1 b:1")), None);
        let many = list("a:1 b:1 c:1 d:1 e:1 f:1 g:1 h:1");
        assert_eq!(merged(&list("z:1"), &many), Some([list("z:1"), many[..7].to_vec()].concat()));
    }

    #[test]
    fn only_a_host_and_a_port_is_an_address() {
        for good in ["controller.example:7443", "10.1.2.3:1", "[fd00::1]:65535"] {
            assert!(is_one(good), "{good}");
        }
        let long = format!("{}:1", "a".repeat(LONGEST));
        for bad in ["", "a", ":1", "a:0", "a:65536", "a b:1", "a\u{1b}:1", &long] {
            assert!(!is_one(bad), "{bad:?}");
        }
    }
}
