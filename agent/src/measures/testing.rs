//! What the measures' tests share: surroundings, a camera of which nothing was read, and one `check`.

use std::net::IpAddr;

use proto::finding::Attestation;
use proto::{DeviceName, Policy, Proof, Timestamp, Verdict};

use super::Judgment;
use crate::facts::{Account, CameraFacts, Confidence, EvidenceBook, Fact, Setting, VmsFacts};
use crate::firmware::Advisories;
use crate::site::Site;

/// A verdict and how far it is proven.
pub(super) type Outcome = (Verdict, Proof);

pub(super) const MET: Outcome = (Verdict::Met, Proof::Observed);
pub(super) const MET_PARTLY: Outcome = (Verdict::Met, Proof::Partial);
pub(super) const UNMET: Outcome = (Verdict::Unmet, Proof::Observed);
pub(super) const UNMET_PARTLY: Outcome = (Verdict::Unmet, Proof::Partial);
pub(super) const UNKNOWN: Outcome = (Verdict::Unknown, Proof::Partial);
pub(super) const NOT_APPLICABLE: Outcome = (Verdict::NotApplicable, Proof::Observed);

/// The reason everything is unreadable for unless a test says otherwise.
pub(super) const UNREAD: &str = "nobody looked";

/// What a [`Site`] borrows.
pub(super) struct Around {
    pub policy: Policy,
    pub advisories: Advisories,
    pub device: DeviceName,
    pub now: Timestamp,
    pub attestations: Vec<Attestation>,
    pub vms_addresses: Vec<IpAddr>,
}

impl Default for Around {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            advisories: nothing_known(),
            device: "yard".parse().unwrap(),
            now: "2026-11-24T08:00:00Z".parse().unwrap(),
            attestations: Vec::new(),
            vms_addresses: Vec::new(),
        }
    }
}

fn nothing_known() -> Advisories {
    Default::default()
}

impl Around {
    pub fn site(&self) -> Site<'_> {
        Site {
            policy: &self.policy,
            advisories: &self.advisories,
            device: &self.device,
            now: self.now,
            attestations: &self.attestations,
            vms_addresses: &self.vms_addresses,
        }
    }

    /// Judges a camera of which only what `set` sets was read.
    #[track_caller]
    pub fn check(
        &self,
        judge: fn(&CameraFacts, &Site<'_>) -> Judgment,
        set: impl FnOnce(&mut CameraFacts),
        outcome: Outcome,
        says: &[&str],
    ) -> Judgment {
        let mut camera = CameraFacts::unread(UNREAD);
        set(&mut camera);
        let judgment = judge(&camera, &self.site());
        assert_is(&judgment, outcome, says);
        judgment
    }
}

/// [`Around::check`] under the default policy.
#[track_caller]
pub(super) fn check(
    judge: fn(&CameraFacts, &Site<'_>) -> Judgment,
    set: impl FnOnce(&mut CameraFacts),
    outcome: Outcome,
    says: &[&str],
) -> Judgment {
    Around::default().check(judge, set, outcome, says)
}

/// [`Around::check`] under a policy of its own.
#[track_caller]
pub(super) fn check_under(
    policy: impl FnOnce(&mut Policy),
    judge: fn(&CameraFacts, &Site<'_>) -> Judgment,
    set: impl FnOnce(&mut CameraFacts),
    outcome: Outcome,
    says: &[&str],
) -> Judgment {
    let mut around = Around::default();
    policy(&mut around.policy);
    around.check(judge, set, outcome, says)
}

/// The judgment is of this kind, and what it observed holds each of the phrases.
#[track_caller]
pub(super) fn assert_is(judgment: &Judgment, outcome: Outcome, says: &[&str]) {
    assert_eq!((judgment.verdict, judgment.proof), outcome, "{}", judgment.observed);
    for phrase in says {
        assert!(judgment.observed.contains(phrase), "{phrase:?} in {:?}", judgment.observed);
    }
}

/// A workstation of which nothing is known.
pub(super) fn unread_vms() -> VmsFacts {
    VmsFacts { camera_logins: Fact::unreadable(UNREAD), evidence: EvidenceBook::default() }
}

/// A setting whose meaning is known from a real configuration.
pub(super) fn sure<T>(value: T) -> Fact<Setting<T>> {
    Fact::Seen(Setting { value, confidence: Confidence::Observed })
}

/// A setting whose meaning is only inferred.
pub(super) fn inferred<T>(value: T) -> Fact<Setting<T>> {
    Fact::Seen(Setting { value, confidence: Confidence::Inferred })
}

/// An account that does not keep the factory password.
pub(super) fn account(name: &str, group: &str) -> Account {
    Account { name: name.to_owned(), group: group.to_owned(), factory_password: Fact::Seen(false) }
}

/// Addresses from text.
pub(super) fn addresses<const N: usize>(texts: [&str; N]) -> Vec<IpAddr> {
    texts.map(|text| text.parse().unwrap()).to_vec()
}
