//! What to make durable and then to do: the half of the machine that looks forward.

use proto::Timestamp;

use super::{Ask, Change, Effect, Escrow, Held, Next, Proof, Rotation, Rules, Safe, Second};

impl<C: Clone + PartialEq> Rotation<C> {
    /// What to make durable, and then what to do.
    pub fn next(&self, rules: &Rules, now: Timestamp) -> Next<C> {
        match self {
            Self::Settled { live, due, .. } => self.settled(live, *due, rules, now),
            Self::Minted(change) | Self::Escrowed(change) => ready(change, rules),
            Self::Raising(change) => match &change.second {
                Some(second) => self.doing(Effect::Probe(second.credential.clone())),
                None => ready(change, rules),
            },
            Self::Raised(change) => match &change.second {
                Some(second) => install(change, second),
                None => ready(change, rules),
            },
            Self::InDoubt(change, ask) => {
                let asked = match ask {
                    Ask::Next => &change.next,
                    Ask::Live => &change.live,
                    Ask::Second => change.second.as_ref().unwrap_or(&change.live),
                };
                self.doing(Effect::Probe(asked.credential.clone()))
            }
            Self::Rescuing(change) => rescue(change),
            Self::Returning(change) => self.doing(Effect::Probe(change.live.credential.clone())),
            Self::Leaving(change) => self.lower(change, &change.live),
            Self::Unsaved(change) => self.lower(change, &change.next),
            Self::Lowered(change) => self.save(&change.next),
            Self::Saved(change) => match rules.proof {
                Proof::Reboot => {
                    self.doing(Effect::Reboot { auth: change.next.credential.clone() })
                }
                Proof::Word => self.doing(Effect::Probe(change.next.credential.clone())),
            },
            Self::Rebooted(change) => self.doing(Effect::Probe(change.next.credential.clone())),
            Self::Stranded { again, .. } if now < *again => Next::Sleep { until: *again },
            Self::Stranded { change, ask, .. } => {
                let known: Vec<_> = change.known().collect();
                let asked = known[usize::from(*ask) % known.len()];
                self.doing(Effect::Probe(asked.credential.clone()))
            }
        }
    }

    /// An effect that leaves the state as it is.
    fn doing(&self, effect: Effect<C>) -> Next<C> {
        Next::Do { state: self.clone(), effect }
    }

    fn settled(&self, live: &Held<C>, due: Timestamp, rules: &Rules, now: Timestamp) -> Next<C> {
        let escrow = || self.doing(Effect::Escrow(live.credential.clone()));
        if !is_safe(live, rules) {
            escrow()
        } else if due <= now {
            self.doing(Effect::Mint(rules.second))
        } else if live.safe < Safe::Controller {
            escrow()
        } else {
            Next::Sleep { until: due }
        }
    }

    /// The second administrator goes before anything is saved, so that it is never in flash. Saved it is in any case:
    /// when a change is given up after a doubt, even the old credential may be in memory only.
    fn lower(&self, change: &Change<C>, auth: &Held<C>) -> Next<C> {
        match &change.second {
            Some(second) => self.doing(Effect::Lower {
                auth: auth.credential.clone(),
                second: second.credential.clone(),
            }),
            None => self.save(auth),
        }
    }

    fn save(&self, auth: &Held<C>) -> Next<C> {
        self.doing(Effect::Save { auth: auth.credential.clone() })
    }
}

/// The device takes `live` and is touched as soon as what it is to take is safe.
fn ready<C: Clone + PartialEq>(change: &Change<C>, rules: &Rules) -> Next<C> {
    let new = std::iter::once(&change.next).chain(&change.second);
    if let Some(unsafe_yet) = new.into_iter().find(|held| !is_safe(held, rules)) {
        let effect = Effect::Escrow(unsafe_yet.credential.clone());
        return Next::Do { state: Rotation::Minted(change.clone()), effect };
    }
    match (&change.second, rules.second) {
        (Some(second), Second::Stands) => Next::Do {
            state: Rotation::Raising(tried(change)),
            effect: Effect::Raise {
                auth: change.live.credential.clone(),
                second: second.credential.clone(),
            },
        },
        (None, _) | (Some(_), Second::None) => install(&tried(change), &change.live),
    }
}

fn is_safe<C>(held: &Held<C>, rules: &Rules) -> bool {
    match rules.escrow {
        Escrow::Acknowledged => held.safe >= Safe::Controller,
        Escrow::VaultWillDo => held.safe >= Safe::Vault,
    }
}

/// Where a second administrator stands, it is the one that logs in: should a reboot have taken it away unseen, the
/// device refuses, and nothing is written that only it could mend.
fn install<C: Clone + PartialEq>(change: &Change<C>, auth: &Held<C>) -> Next<C> {
    let (auth, new) = (auth.credential.clone(), change.next.credential.clone());
    let effect = Effect::Install { auth, new };
    Next::Do { state: Rotation::InDoubt(change.clone(), Ask::Next), effect }
}

fn tried<C: Clone + PartialEq>(change: &Change<C>) -> Change<C> {
    Change { tries: change.tries.saturating_add(1), ..change.clone() }
}

/// What was written is not what we think; the old one is written back, which the second administrator can.
fn rescue<C: Clone + PartialEq>(change: &Change<C>) -> Next<C> {
    let auth = change.second.as_ref().unwrap_or(&change.live).credential.clone();
    let effect = Effect::Install { auth, new: change.live.credential.clone() };
    Next::Do { state: Rotation::Returning(change.clone()), effect }
}
