//! What a site should be and what is to be done once, between the wire and checked words.
//!
//! A desired state with anything in it that this version does not understand is refused whole: half of one would judge
//! a site by something nobody wrote.

use std::fmt;
use std::str::FromStr;

use prost::Message;

use super::malformed::{self, Malformed};
use super::rotation::{Forget, Rotate};
use super::v1;
use crate::finding::{Attestation, Waiver};
use crate::text::MAX_TOML;
use crate::{DeviceName, Policy, Timestamp};

/// A larger desired state is refused, in encoded bytes: a policy of the largest size and room for what people say.
pub const MAX_DESIRED: usize = MAX_TOML + (1 << 20);
/// Most attestations, and most waivers, beside those in the policy.
pub const MAX_STATEMENTS: usize = 2000;
/// Most devices that one attestation, waiver or order names.
pub const MAX_DEVICES: usize = 2000;
/// Longest text of a person in an attestation or a waiver, in bytes.
pub const MAX_WORDS: usize = 2 << 10;
/// Most orders outstanding for a site.
pub const MAX_ORDERS: usize = 256;

/// What a site should be, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// Grows with every change.
    pub generation: u64,
    /// The policy as it was written; empty for the defaults.
    pub policy_text: String,
    /// The same, read.
    pub policy: Policy,
    /// What operators vouch for.
    pub attestations: Vec<Attestation>,
    /// What operators accept, beside the policy's own waivers.
    pub waivers: Vec<Waiver>,
}

/// The name of an order: 32 hex digits drawn at random.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(String);

impl OrderId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrderId {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        let good = text.len() == 32 && text.chars().all(is_hex);
        if good { Ok(Self(text.to_owned())) } else { Err(Malformed::Bad("order's name")) }
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Something to be done once, until it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its name.
    pub id: OrderId,
    /// Afterwards it is not begun any more.
    pub expires_at: Timestamp,
    /// What is to be done.
    pub what: Work,
}

/// What may be ordered. Closed on purpose: there is no order that carries a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// Look at these devices now; at all of the site's if none is named.
    Visit(Vec<DeviceName>),
    /// Renew the agent's certificate now.
    Renew,
    /// Replace credentials.
    Rotate(Rotate),
    /// Look at these cameras, all of the site's if none is named, and say what would be done to them. The order names
    /// the plan.
    Plan(Vec<DeviceName>),
    /// Carry out a plan that the agent made.
    Apply(Application),
    /// Go on with unattended changes that halted.
    Resume,
    /// Forget where a credential stands.
    Forget(Forget),
}

/// Which plan is carried out, by everything that it may touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The order that the plan was made for.
    pub plan: OrderId,
    /// Over the plan as the agent keeps it.
    pub digest: [u8; 32],
    /// Every device with steps.
    pub devices: Vec<DeviceName>,
}

impl From<&Desired> for v1::DesiredState {
    fn from(desired: &Desired) -> Self {
        Self {
            generation: desired.generation,
            policy: desired.policy_text.clone(),
            attestations: desired.attestations.iter().map(v1::Attestation::from).collect(),
            waivers: desired.waivers.iter().map(v1::Waiver::from).collect(),
        }
    }
}

impl TryFrom<v1::DesiredState> for Desired {
    type Error = Malformed;

    fn try_from(desired: v1::DesiredState) -> Result<Self, Malformed> {
        malformed::within(desired.encoded_len(), "desired state", MAX_DESIRED)?;
        malformed::within(desired.attestations.len(), "attestations", MAX_STATEMENTS)?;
        malformed::within(desired.waivers.len(), "waivers", MAX_STATEMENTS)?;
        let policy =
            Policy::from_toml(&desired.policy).map_err(|_| Malformed::Bad("policy's text"))?;
        let attestations: Result<_, _> =
            desired.attestations.into_iter().map(Attestation::try_from).collect();
        let waivers: Result<_, _> = desired.waivers.into_iter().map(Waiver::try_from).collect();
        Ok(Self {
            generation: desired.generation,
            policy_text: desired.policy,
            policy,
            attestations: attestations?,
            waivers: waivers?,
        })
    }
}

pub(super) fn devices(names: Vec<String>) -> Result<Vec<DeviceName>, Malformed> {
    malformed::within(names.len(), "devices", MAX_DEVICES)?;
    names.into_iter().map(malformed::device).collect()
}

pub(super) fn names(devices: &[DeviceName]) -> Vec<String> {
    devices.iter().map(DeviceName::to_string).collect()
}

impl From<&Attestation> for v1::Attestation {
    fn from(attestation: &Attestation) -> Self {
        Self {
            measure: attestation.measure.code().to_owned(),
            devices: names(&attestation.devices),
            by: attestation.by.clone(),
            until: attestation.until.to_string(),
            evidence: attestation.evidence.clone(),
        }
    }
}

impl TryFrom<v1::Attestation> for Attestation {
    type Error = Malformed;

    fn try_from(attestation: v1::Attestation) -> Result<Self, Malformed> {
        Ok(Self {
            measure: malformed::measure(&attestation.measure)?,
            devices: devices(attestation.devices)?,
            by: malformed::words(attestation.by, "who attests", MAX_WORDS)?,
            until: malformed::day(&attestation.until, "attestation's last day")?,
            evidence: malformed::words(attestation.evidence, "attestation's evidence", MAX_WORDS)?,
        })
    }
}

impl From<&Waiver> for v1::Waiver {
    fn from(waiver: &Waiver) -> Self {
        Self {
            measure: waiver.measure.code().to_owned(),
            devices: names(&waiver.devices),
            reason: waiver.reason.clone(),
            owner: waiver.owner.clone(),
            expires: waiver.expires.to_string(),
        }
    }
}

impl TryFrom<v1::Waiver> for Waiver {
    type Error = Malformed;

    fn try_from(waiver: v1::Waiver) -> Result<Self, Malformed> {
        Ok(Self {
            measure: malformed::measure(&waiver.measure)?,
            devices: devices(waiver.devices)?,
            reason: malformed::words(waiver.reason, "waiver's reason", MAX_WORDS)?,
            owner: malformed::words(waiver.owner, "waiver's owner", MAX_WORDS)?,
            expires: malformed::day(&waiver.expires, "waiver's last day")?,
        })
    }
}

impl From<&Order> for v1::Order {
    fn from(order: &Order) -> Self {
        let what = match &order.what {
            Work::Visit(devices) => {
                v1::order::What::Visit(v1::VisitOrder { devices: names(devices) })
            }
            Work::Renew => v1::order::What::Renew(v1::RenewOrder {}),
            Work::Plan(devices) => v1::order::What::Plan(v1::PlanOrder { devices: names(devices) }),
            Work::Apply(it) => v1::order::What::Apply(v1::ApplyOrder {
                plan: it.plan.to_string(),
                digest: it.digest.to_vec(),
                devices: names(&it.devices),
            }),
            Work::Resume => v1::order::What::Resume(v1::ResumeOrder {}),
            Work::Rotate(rotate) => v1::order::What::Rotate(rotate.into()),
            Work::Forget(forget) => v1::order::What::Forget(forget.into()),
        };
        Self { id: order.id.to_string(), expires_at: order.expires_at.unix(), what: Some(what) }
    }
}

impl TryFrom<v1::Order> for Order {
    type Error = Malformed;

    fn try_from(order: v1::Order) -> Result<Self, Malformed> {
        let what = match order.what.ok_or(Malformed::Unknown("order"))? {
            v1::order::What::Visit(visit) => Work::Visit(devices(visit.devices)?),
            v1::order::What::Renew(v1::RenewOrder {}) => Work::Renew,
            v1::order::What::Plan(plan) => Work::Plan(devices(plan.devices)?),
            v1::order::What::Apply(it) => Work::Apply(Application {
                plan: it.plan.parse()?,
                digest: it.digest.try_into().map_err(|_| Malformed::Bad("plan's digest"))?,
                devices: devices(it.devices)?,
            }),
            v1::order::What::Resume(v1::ResumeOrder {}) => Work::Resume,
            v1::order::What::Rotate(rotate) => Work::Rotate(rotate.try_into()?),
            v1::order::What::Forget(forget) => Work::Forget(forget.try_into()?),
        };
        Ok(Self {
            id: order.id.parse()?,
            expires_at: malformed::time(order.expires_at, "order's end")?,
            what,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desired() -> v1::DesiredState {
        v1::DesiredState {
            generation: 7,
            policy: "[stances]\nC07 = \"enforce\"\n".to_owned(),
            attestations: vec![v1::Attestation {
                measure: "C19".to_owned(),
                devices: vec!["yard".to_owned()],
                by: "Kim".to_owned(),
                until: "2027-03-31".to_owned(),
                evidence: "Switch configuration".to_owned(),
            }],
            waivers: vec![v1::Waiver {
                measure: "C15".to_owned(),
                devices: Vec::new(),
                reason: "VMS".to_owned(),
                owner: "Kim".to_owned(),
                expires: "2027-01-01".to_owned(),
            }],
        }
    }

    fn refused(change: impl FnOnce(&mut v1::DesiredState)) -> Malformed {
        let mut state = desired();
        change(&mut state);
        Desired::try_from(state).unwrap_err()
    }

    #[test]
    fn a_desired_state_reads_back_the_same() {
        let read = Desired::try_from(desired()).unwrap();
        assert_eq!(v1::DesiredState::from(&read), desired());
        assert_eq!(read.policy.stances.len(), 1);
        assert_eq!(Desired::try_from(v1::DesiredState::default()), Ok(Desired::default()));
    }

    #[test]
    fn a_desired_state_with_one_wrong_word_is_refused_whole() {
        let bad = Malformed::Bad;
        assert_eq!(refused(|it| it.policy = "x = 1".to_owned()), bad("policy's text"));
        assert_eq!(
            refused(|it| it.attestations[0].measure = "C99".to_owned()),
            Malformed::Unknown("measure")
        );
        assert_eq!(
            refused(|it| it.attestations[0].by = " ".to_owned()),
            Malformed::Missing("who attests")
        );
        assert_eq!(
            refused(|it| it.waivers[0].expires = "tomorrow".to_owned()),
            bad("waiver's last day")
        );
        assert_eq!(
            refused(|it| it.waivers[0].reason = "\u{1b}[2J".to_owned()),
            bad("waiver's reason")
        );
        assert_eq!(
            refused(|it| it.waivers[0].devices = vec!["a b".to_owned()]),
            bad("device name")
        );
    }

    #[test]
    fn what_is_too_much_is_refused() {
        assert_eq!(
            refused(|it| it.policy = " ".repeat(MAX_DESIRED)),
            Malformed::TooLarge("desired state", MAX_DESIRED)
        );
        assert_eq!(
            refused(|it| it.waivers = vec![it.waivers[0].clone(); MAX_STATEMENTS + 1]),
            Malformed::TooLarge("waivers", MAX_STATEMENTS)
        );
        assert_eq!(
            refused(|it| it.waivers[0].owner = "x".repeat(MAX_WORDS + 1)),
            Malformed::TooLarge("waiver's owner", MAX_WORDS)
        );
    }

    #[test]
    fn an_order_reads_back_and_one_of_a_newer_kind_is_unknown() {
        let id = "0123456789abcdef0123456789abcdef".to_owned();
        let visit = v1::VisitOrder { devices: vec!["yard".to_owned()] };
        let devices = vec!["yard".to_owned()];
        let apply =
            v1::ApplyOrder { plan: id.clone(), digest: vec![7; 32], devices: devices.clone() };
        for what in [
            v1::order::What::Visit(visit),
            v1::order::What::Renew(v1::RenewOrder::default()),
            v1::order::What::Plan(v1::PlanOrder { devices }),
            v1::order::What::Apply(apply.clone()),
            v1::order::What::Resume(v1::ResumeOrder::default()),
        ] {
            let wire = v1::Order { id: id.clone(), expires_at: 9, what: Some(what) };
            let order = Order::try_from(wire.clone()).unwrap();
            assert_eq!(v1::Order::from(&order), wire);
        }
        let short = v1::order::What::Apply(v1::ApplyOrder { digest: vec![7; 31], ..apply });
        let short = v1::Order { id: id.clone(), expires_at: 9, what: Some(short) };
        assert_eq!(Order::try_from(short), Err(Malformed::Bad("plan's digest")));
        let newer = v1::Order { id: id.clone(), expires_at: 9, what: None };
        assert_eq!(Order::try_from(newer), Err(Malformed::Unknown("order")));
        for bad in ["", "xyz", &id.to_uppercase(), &"a".repeat(33)] {
            assert!(bad.parse::<OrderId>().is_err(), "{bad:?}");
        }
        let what = Some(v1::order::What::Renew(v1::RenewOrder::default()));
        let never = v1::Order { id, expires_at: -1, what };
        assert_eq!(Order::try_from(never), Err(Malformed::Bad("order's end")));
    }
}
