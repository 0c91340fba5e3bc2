//! What a renewal does next, from what is on disk alone, so that the way after a crash is the everyday way. Pure.
//!
//! A key is on disk before anybody is asked to certify it; what is given for it is on disk before it is tried; it has to
//! prove itself in a real connection before it replaces what the box has; and what the box has stays until that moment.

use proto::Timestamp;

use super::{Granted, Member, Next};

/// The next thing to do.
#[derive(Clone, Debug)]
pub enum Step {
    /// Nothing, until then.
    Wait(Timestamp),
    /// Make a key, and keep it.
    MakeKey,
    /// Ask the controller to certify the key that is kept.
    Ask(Next),
    /// Connect with what was given.
    Prove(Granted),
    /// What was given is in force, or has lapsed before it was proven: forget that it was ever about to be.
    Forget,
}

/// Decides. `hurry` is an order to renew now.
pub fn step(member: &Member, next: Option<&Next>, hurry: Hurry, now: Timestamp) -> Step {
    match next {
        Some(next) if next.key.hash() == member.identity.key().hash() => Step::Forget,
        Some(Next { granted: Some(granted), .. }) if granted.identity.not_after() <= now => {
            Step::Forget
        }
        Some(Next { granted: Some(granted), .. }) => Step::Prove(granted.clone()),
        Some(next) => Step::Ask(next.clone()),
        None if hurry == Hurry::Ordered || now >= member.renew_at() => Step::MakeKey,
        None => Step::Wait(member.renew_at()),
    }
}

/// Whether to wait for the time of renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hurry {
    /// The time decides.
    None,
    /// An operator wants it now.
    Ordered,
}
