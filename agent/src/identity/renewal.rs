//! What a renewal does next. The machine of `crate::rotation` decides, as for every other credential; here stands what
//! its words mean for the agent's own key, and what the papers on the disk say about it. Pure.
//!
//! The machine's names are names of keys; the keys themselves lie in `identity/`, as passwords lie in the vault.
//!
//! - *Mint*: a new key is on disk (`next`) before anybody is asked to certify it. One that was begun is used up first.
//! - *Escrow*: the controller certifies it. No copy of the key is sealed to anybody, since it never leaves the box: what
//!   makes its loss bearable is that the controller knows the agent, and a fresh key can be had by the recovery key or
//!   by enrolling anew. So the old key counts as safe, and the new one does once its certificate is on the disk.
//! - *Install*: nothing but the doubt, made durable. The certificate lies beside the old one.
//! - *Probe*: a real connection with the new one. The old one is still there whoever refuses the new one, and whether the
//!   controller takes it is not the renewal's to judge, but the link's, which knows the way back.
//! - *Save*: the new one becomes `member`; or, when the change was given up, it is forgotten.
//!
//! Where the papers and the journal differ (the way back took the key, a certificate lapsed), the papers are right.

use proto::{SecretId, Timestamp};

use super::{Member, Next};
use crate::rotation::{
    Change, Effect, Escrow, Held, Outcome, Proof, Rotation, Rules, Safe, Second,
};

/// How the agent's own key is renewed, whatever a site's policy says.
pub const RULES: Rules =
    Rules { escrow: Escrow::Acknowledged, second: Second::None, proof: Proof::Word };

/// What lies on the disk, by the names of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Papers<C> {
    /// Who the box is.
    pub live: C,
    /// Who it is about to be.
    pub next: Option<Staged<C>>,
}

/// A key that is to replace the one in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Staged<C> {
    /// The key.
    pub key: C,
    /// What was given for it.
    pub given: Given,
}

/// What was given for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Given {
    /// Nothing, or what has lapsed since. The key stays as it is: it may have been sent on the way back, where a second
    /// one would look like a second box.
    Nothing,
    /// A certificate that is good now.
    Certificate,
}

/// What is to be done for an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Make a key, and keep it as the next one.
    MakeKey,
    /// Have the next key certified, and keep the certificate beside it.
    Ask,
    /// Connect with the next certificate.
    Connect,
    /// From now on the box is the next one; then nothing is next.
    Become,
    /// Nothing is next.
    Forget,
}

/// What an effect comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan<C> {
    /// It is known without doing anything.
    Known(Outcome<C>),
    /// This is to be done first.
    Do(Work),
}

/// How the journal names a key: by the first half of its SHA-256.
pub fn name(key: &certs::Key) -> SecretId {
    let hash = key.hash().0;
    SecretId(std::array::from_fn(|place| hash[place]))
}

impl Papers<SecretId> {
    /// What member and next say at `now`.
    pub fn of(member: &Member, next: Option<&Next>, now: Timestamp) -> Self {
        let staged = |next: &Next| {
            let good =
                next.granted.as_ref().is_some_and(|granted| granted.identity.not_after() > now);
            let given = if good { Given::Certificate } else { Given::Nothing };
            Staged { key: name(&next.key), given }
        };
        Self { live: name(member.identity.key()), next: next.map(staged) }
    }
}

impl<C: Clone + PartialEq> Papers<C> {
    /// Whether what is next is in force already, so that it is to be forgotten before anything else.
    pub fn is_over(&self) -> bool {
        self.next.as_ref().is_some_and(|next| next.key == self.live)
    }

    /// Where the renewal stands: as the journal has it if the papers bear that out, else as they have it. `due` is when
    /// the key in use is to be replaced.
    pub fn standing(&self, journal: Option<Rotation<C>>, due: Timestamp) -> Rotation<C> {
        let Some(next) = self.next.as_ref().filter(|next| next.key != self.live) else {
            return Rotation::Settled { live: safe(self.live.clone()), older: Vec::new(), due };
        };
        let borne_out = |rotation: &Rotation<C>| {
            let same = rotation.change().is_some_and(|change| {
                change.live.credential == self.live && change.next.credential == next.key
            });
            let far = next.given == Given::Certificate || matches!(rotation, Rotation::Minted(_));
            same && far
        };
        journal.filter(borne_out).unwrap_or_else(|| {
            let (live, next) = (safe(self.live.clone()), Held::new(next.key.clone()));
            Rotation::Minted(Change { live, next, second: None, older: Vec::new(), tries: 0 })
        })
    }

    /// What an effect comes to with these papers. One that is about a key they do not have any more was overtaken by the
    /// way back, and does nothing.
    pub fn plan(&self, effect: &Effect<C>) -> Plan<C> {
        let is_live = |key: &C| *key == self.live;
        let given = |key: &C| self.next.as_ref().filter(|next| next.key == *key).map(|it| it.given);
        match effect {
            Effect::Mint(_) => match &self.next {
                Some(next) if !is_live(&next.key) => {
                    Plan::Known(Outcome::Minted { next: next.key.clone(), second: None })
                }
                Some(_) | None => Plan::Do(Work::MakeKey),
            },
            Effect::Escrow(key) => match given(key) {
                _ if is_live(key) => Plan::Known(Outcome::Done),
                Some(Given::Certificate) => Plan::Known(Outcome::Done),
                Some(Given::Nothing) => Plan::Do(Work::Ask),
                None => Plan::Known(Outcome::NotSent),
            },
            Effect::Install { new, .. } => match given(new) {
                Some(Given::Certificate) => Plan::Known(Outcome::Done),
                Some(Given::Nothing) | None => Plan::Known(Outcome::NotSent),
            },
            Effect::Probe(key) => match given(key) {
                _ if is_live(key) => Plan::Known(Outcome::Done),
                Some(Given::Certificate) => Plan::Do(Work::Connect),
                Some(Given::Nothing) | None => Plan::Known(Outcome::NotSent),
            },
            Effect::Save { auth } => match (&self.next, given(auth)) {
                // Given up: the certificate was refused. A key that was never certified is kept for the next change.
                (Some(Staged { given: Given::Certificate, .. }), _) if is_live(auth) => {
                    Plan::Do(Work::Forget)
                }
                _ if is_live(auth) => Plan::Known(Outcome::Done),
                (_, Some(Given::Certificate)) => Plan::Do(Work::Become),
                (_, Some(Given::Nothing) | None) => Plan::Known(Outcome::NotSent),
            },
            // A key of ours has no second administrator, and nothing of it is lost by a reboot.
            Effect::Raise { .. } | Effect::Lower { .. } | Effect::Reboot { .. } => {
                Plan::Known(Outcome::Rejected)
            }
        }
    }
}

fn safe<C>(credential: C) -> Held<C> {
    Held { credential, safe: Safe::Controller }
}
