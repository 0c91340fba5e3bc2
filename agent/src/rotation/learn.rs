//! What an outcome means: the half of the machine that looks back.

use super::{
    Ask, Change, Effect, Held, MOST_OLDER, MOST_TRIES, Outcome, Pace, Proof, Rotation, Rules, Safe,
};

impl<C: Clone + PartialEq> Rotation<C> {
    /// What the outcome of `effect`, which [`Rotation::next`] chose for this state, means. An outcome that the effect
    /// cannot have changes nothing.
    pub fn learn(
        self,
        effect: &Effect<C>,
        outcome: Outcome<C>,
        rules: &Rules,
        pace: &Pace,
    ) -> Self {
        match effect {
            Effect::Mint(_) => self.minted(outcome, pace),
            Effect::Escrow(credential) => self.escrowed(credential, &outcome),
            Effect::Raise { .. } => self.raised(&outcome),
            Effect::Install { .. } => self.installed(&outcome),
            Effect::Probe(credential) => match outcome {
                Outcome::Done => self.let_in(credential, rules, pace),
                Outcome::Refused => self.refused(pace),
                // A device that cannot be asked has told nothing.
                Outcome::Rejected | Outcome::NotSent | Outcome::Unknown => self,
                Outcome::Minted { .. } | Outcome::Kept => self,
            },
            Effect::Lower { .. } => self.lowered(&outcome),
            Effect::Save { .. } => self.saved(&outcome, rules, pace),
            Effect::Reboot { .. } => self.rebooted(&outcome),
        }
    }

    /// The credential was brought into escrow outside a turn; while a change is under way, its own turn notes that.
    pub fn in_escrow(self, credential: &C, outcome: &Outcome<C>) -> Self {
        match self {
            Self::Settled { .. } => self.escrowed(credential, outcome),
            under_way => under_way,
        }
    }

    /// The device refused what [`Rotation::trusted`] gave, outside a rotation: it forgot, or a person restored it.
    /// While a change is under way the machine asks anyway.
    pub fn doubt(self) -> Self {
        let Self::Settled { live, mut older, .. } = self else { return self };
        let (before, ask) =
            if older.is_empty() { (live.clone(), Ask::Next) } else { (older.remove(0), Ask::Live) };
        Self::InDoubt(Change { live: before, next: live, second: None, older, tries: 0 }, ask)
    }

    fn minted(self, outcome: Outcome<C>, pace: &Pace) -> Self {
        match (self, outcome) {
            (Self::Settled { live, older, due: _ }, Outcome::Minted { next, second }) => {
                let spent = std::iter::once(&live).chain(&older).any(|held| {
                    held.credential == next || second.as_ref() == Some(&held.credential)
                });
                if spent || second.as_ref() == Some(&next) {
                    // A credential is used once. This one is none.
                    return Self::Settled { live, older, due: pace.retry };
                }
                let (next, second) = (Held::new(next), second.map(Held::new));
                Self::Minted(Change { live, next, second, older, tries: 0 })
            }
            (state, _) => state,
        }
    }

    fn escrowed(mut self, credential: &C, outcome: &Outcome<C>) -> Self {
        let safe = match outcome {
            Outcome::Done => Safe::Controller,
            Outcome::Kept => Safe::Vault,
            _ => return self,
        };
        let mark = |held: &mut Held<C>| {
            if held.credential == *credential {
                held.safe = held.safe.max(safe);
            }
        };
        match &mut self {
            Self::Settled { live, .. } => mark(live),
            Self::Minted(change) | Self::Escrowed(change) => {
                mark(&mut change.next);
                change.second.iter_mut().for_each(mark);
                return change.clone().ready();
            }
            _ => {}
        }
        self
    }

    fn raised(self, outcome: &Outcome<C>) -> Self {
        match (self, outcome) {
            (Self::Raising(change), Outcome::NotSent) => change.untried().ready(),
            (Self::Raising(change), Outcome::Refused) => Self::InDoubt(change, Ask::Next),
            // It can have no second administrator; an earlier request for one may still be on its way.
            (Self::Raising(change), Outcome::Rejected) => change.without_second().ready(),
            (state, _) => state,
        }
    }

    fn installed(self, outcome: &Outcome<C>) -> Self {
        match (self, outcome) {
            (Self::InDoubt(change, _), Outcome::NotSent) => change.untried().ready(),
            (Self::InDoubt(change, _), Outcome::Rejected) => Self::Returning(change),
            (Self::Returning(change), Outcome::Refused) => Self::InDoubt(change, Ask::Next),
            (state, _) => state,
        }
    }

    fn let_in(self, credential: &C, rules: &Rules, pace: &Pace) -> Self {
        match self {
            Self::Raising(change) => Self::Raised(change),
            Self::InDoubt(change, Ask::Next) => Self::Unsaved(change),
            Self::InDoubt(change, Ask::Live) => change.still_old(),
            Self::InDoubt(change, Ask::Second) => Self::Rescuing(change),
            Self::Returning(change) => Self::Leaving(change),
            Self::Rebooted(change) => change.settle(pace),
            Self::Saved(change) if rules.proof == Proof::Word => change.settle(pace),
            Self::Stranded { change, .. } => change.found(credential, pace),
            state => state,
        }
    }

    fn refused(self, pace: &Pace) -> Self {
        match self {
            // Writing an account did not work, so the account that matters is not touched.
            Self::Raising(change) => Self::InDoubt(change, Ask::Live),
            Self::Rebooted(change) => Self::Returning(change),
            Self::InDoubt(change, Ask::Next)
                if change.live.credential == change.next.credential =>
            {
                change.stranded(0, pace)
            }
            Self::InDoubt(change, Ask::Next) => Self::InDoubt(change, Ask::Live),
            Self::InDoubt(change, Ask::Live) if change.second.is_some() => {
                Self::InDoubt(change, Ask::Second)
            }
            Self::InDoubt(change, Ask::Live | Ask::Second) => change.stranded(0, pace),
            Self::Returning(change) => Self::InDoubt(change, Ask::Next),
            Self::Saved(change) => Self::InDoubt(change, Ask::Live),
            Self::Stranded { change, ask, .. } => {
                let round = usize::from(ask) + 1 >= change.known().count();
                change.stranded(if round { 0 } else { ask + 1 }, pace)
            }
            state => state,
        }
    }

    fn lowered(self, outcome: &Outcome<C>) -> Self {
        match (self, outcome) {
            (Self::Unsaved(change), Outcome::Done) => Self::Lowered(change),
            (Self::Unsaved(change), Outcome::Rejected) => Self::Unsaved(change.without_second()),
            (Self::Unsaved(change), Outcome::Refused) => Self::InDoubt(change, Ask::Live),
            (Self::Leaving(change), Outcome::Done | Outcome::Rejected) => {
                Self::Leaving(change.without_second())
            }
            (Self::Leaving(change), Outcome::Refused) => Self::InDoubt(change, Ask::Next),
            (state, _) => state,
        }
    }

    fn saved(self, outcome: &Outcome<C>, rules: &Rules, pace: &Pace) -> Self {
        match (self, outcome) {
            (Self::Unsaved(change) | Self::Lowered(change), Outcome::Done) => match rules.proof {
                Proof::Word => change.settle(pace),
                Proof::Reboot => Self::Saved(change),
            },
            (Self::Leaving(change), Outcome::Done) => change.back(pace),
            (Self::Leaving(change), Outcome::Refused) => Self::InDoubt(change, Ask::Next),
            // It has rebooted since, and taken up what it had before.
            (Self::Unsaved(change) | Self::Lowered(change), Outcome::Refused) => {
                Self::InDoubt(change, Ask::Live)
            }
            (state, _) => state,
        }
    }

    fn rebooted(self, outcome: &Outcome<C>) -> Self {
        match (self, outcome) {
            (Self::Saved(change), Outcome::Done) => Self::Rebooted(change),
            (Self::Saved(change), Outcome::Refused) => Self::Returning(change),
            (state, _) => state,
        }
    }
}

impl<C: Clone + PartialEq> Change<C> {
    /// The device takes `live`, as far as anybody knows.
    fn ready(self) -> Rotation<C> {
        let safe = |held: &Held<C>| held.safe == Safe::Controller;
        if safe(&self.next) && self.second.iter().all(safe) {
            Rotation::Escrowed(self)
        } else {
            Rotation::Minted(self)
        }
    }

    /// Nothing was sent after all.
    fn untried(self) -> Self {
        Self { tries: self.tries.saturating_sub(1), ..self }
    }

    /// The device takes `live` although it was sent something else.
    fn still_old(self) -> Rotation<C> {
        if self.tries < MOST_TRIES { self.ready() } else { Rotation::Leaving(self) }
    }

    /// The second administrator is to be none any more, but a late request may bring it back.
    fn without_second(mut self) -> Self {
        self.older.splice(0..0, self.second.take());
        self
    }

    fn back(self, pace: &Pace) -> Rotation<C> {
        let Self { live, next, mut older, .. } = self.without_second();
        older.insert(0, next);
        settled(live, older, pace.retry)
    }

    fn settle(self, pace: &Pace) -> Rotation<C> {
        let Self { live, next, mut older, .. } = self.without_second();
        older.insert(0, live);
        settled(next, older, pace.due)
    }

    fn stranded(self, ask: u8, pace: &Pace) -> Rotation<C> {
        Rotation::Stranded { change: self, ask, again: pace.again }
    }

    /// A stranded device takes `credential` after all.
    fn found(mut self, credential: &C, pace: &Pace) -> Rotation<C> {
        if self.next.credential == *credential {
            Rotation::Unsaved(self)
        } else if self.live.credential == *credential {
            self.still_old()
        } else if self.second.as_ref().is_some_and(|second| second.credential == *credential) {
            Rotation::Rescuing(self)
        } else if let Some(older) =
            self.older.iter_mut().find(|held| held.credential == *credential)
        {
            std::mem::swap(older, &mut self.live);
            self.still_old()
        } else {
            self.stranded(0, pace)
        }
    }
}

fn settled<C: PartialEq>(live: Held<C>, older: Vec<Held<C>>, due: proto::Timestamp) -> Rotation<C> {
    let mut kept: Vec<Held<C>> = Vec::new();
    for held in older {
        let known = held.credential == live.credential
            || kept.iter().any(|one| one.credential == held.credential);
        if !known && kept.len() < MOST_OLDER {
            kept.push(held);
        }
    }
    Rotation::Settled { live, older: kept, due }
}
