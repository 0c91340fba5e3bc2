//! Rotation: replacing a credential so that no crash loses it. The one algorithm that can brick a site, so it is alone
//! here, pure, and explored exhaustively (`explore`).
//!
//! ```text
//! Settled ──due: Mint──> Minted ──Escrow──> Escrowed ══Install══> InDoubt ──Probe(next) ok──> Unsaved ──Save──> Settled
//!    ^                                        ^  doubt is durable     │ refused                  │ refused (it rebooted)
//!    └── Returning: device will not have it   │  before we act        v                          v
//!                                             └── Probe(live) ok ── InDoubt(asked) ─refused─> Stranded ──> InDoubt
//! ```
//!
//! Where the device can have one, a second administrator is raised and proven between `Escrowed` and `Install`, which
//! also proves that our way of writing accounts works before the only account is touched, and is lowered between
//! `Unsaved` and `Save`. Where policy asks, `Saved ──Reboot──> Rebooted ──Probe(next) ok──> Settled` comes last.
//!
//! **Invariant.** Whatever the device accepts now, or would accept after a reboot, is in the journal and in escrow; and
//! so it is in the journal's previous generation, should the newest be unreadable.
//!
//! **Rules.** A state is made durable before its effect is performed (`store::journal` makes the proof). No reply to an
//! effect that writes is believed: only a probe settles it, so the path after a crash is the everyday path. What may
//! still be on its way is never forgotten while it can arrive.
//!
//! **What is taken for granted.** A request that is late is late by less than the device's count of failed log-ins
//! lasts; one request is on its way at a time; a log-in with a credential the device does not take is answered
//! [`Outcome::Refused`], and nothing else is (not a wrong clock, not a blocked source). A device that acknowledges
//! `Save` and does not save is found by [`Proof::Reboot`], else by [`Rotation::doubt`] at the first refused log-in.

pub mod attempts;
pub mod due;
mod effect;
mod learn;
mod next;
pub mod password;

use proto::Timestamp;
use serde::{Deserialize, Serialize};

pub use effect::{Effect, Outcome};

/// How many credentials from before are remembered, so that a device that went back to one can be helped.
pub const MOST_OLDER: usize = 6;
/// How often one change is tried on a device that takes the old credential still.
pub const MOST_TRIES: u8 = 3;

/// Where one credential stands. This is exactly what the journal stores. `C` names a secret; nothing here looks inside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation<C> {
    /// The device takes `live`, and would after a reboot.
    Settled {
        /// What it takes.
        live: Held<C>,
        /// What it took before, the latest first; what was offered in vain; a second administrator that may be left.
        older: Vec<Held<C>>,
        /// When `live` is to be replaced.
        due: Timestamp,
    },
    /// `next` was made, and exists only here.
    Minted(Change<C>),
    /// `next` is safe with the controller too; the device takes `live`.
    Escrowed(Change<C>),
    /// The second administrator may stand.
    Raising(Change<C>),
    /// The second administrator was let in.
    Raised(Change<C>),
    /// The device may take either, and is being asked.
    InDoubt(Change<C>, Ask),
    /// The device takes neither, but the second administrator: `live` is to be written back.
    Rescuing(Change<C>),
    /// The change is given up, and the device asked whether it takes `live`.
    Returning(Change<C>),
    /// It does; the second administrator, if any, is to go, and that be saved.
    Leaving(Change<C>),
    /// The device takes `next`, but a reboot would undo that.
    Unsaved(Change<C>),
    /// The same, and the second administrator is gone.
    Lowered(Change<C>),
    /// The device says it is saved; policy asks for proof.
    Saved(Change<C>),
    /// The device came back from a reboot, and is to be asked.
    Rebooted(Change<C>),
    /// The device took nothing we know: a person is called, and it is asked slowly for ever.
    Stranded {
        /// What was under way.
        change: Change<C>,
        /// Which of the known credentials is asked next.
        ask: u8,
        /// When.
        again: Timestamp,
    },
}

/// A change under way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Change<C> {
    /// What the device takes, or took last.
    pub live: Held<C>,
    /// What it is to take.
    pub next: Held<C>,
    /// A second administrator that stands during the change.
    pub second: Option<Held<C>>,
    /// As in [`Rotation::Settled`].
    pub older: Vec<Held<C>>,
    /// How often the change was tried.
    pub tries: u8,
}

/// A credential, and where it is safe besides the journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Held<C> {
    /// The credential.
    pub credential: C,
    /// Where it is safe.
    pub safe: Safe,
}

/// Where a credential is safe against the loss of the agent's box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Safe {
    /// Nowhere yet.
    Nowhere,
    /// A copy sealed to the recovery recipients lies in the vault; the controller does not have it.
    Vault,
    /// The controller has acknowledged the sealed copy.
    Controller,
}

/// Whom the device is asked for in [`Rotation::InDoubt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// The new one.
    Next,
    /// The old one; it refused the new one.
    Live,
    /// The second administrator; it refused both.
    Second,
}

/// What policy asks of a rotation. It may change while one is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Where a credential must be safe before the device is touched.
    pub escrow: Escrow,
    /// Whether a second administrator stands during the change.
    pub second: Second,
    /// What proves that a device has saved.
    pub proof: Proof,
}

/// Where a credential must be safe before the device is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escrow {
    /// With the controller. While the link is down nothing is rotated.
    Acknowledged,
    /// A sealed copy in the vault will do; the controller gets it when it can.
    VaultWillDo,
}

/// Whether a second administrator stands during the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Second {
    /// The device cannot have one, or the credential is none of an account.
    None,
    /// One is raised before the change and lowered before it is saved.
    Stands,
}

/// What proves that a device has saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Its word. A device that lies is found at the next refused log-in.
    Word,
    /// A log-in after a reboot, which costs some seconds of video.
    Reboot,
}

/// What to make durable, and then what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<C> {
    /// Make `state` durable, then perform `effect`, then learn.
    Do {
        /// The state in which the effect is performed.
        state: Rotation<C>,
        /// The effect.
        effect: Effect<C>,
    },
    /// Nothing before then.
    Sleep {
        /// When to ask again.
        until: Timestamp,
    },
}

/// Times that the machine is given, since it draws nothing and has no clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// When a credential that is settled now is due for replacement.
    pub due: Timestamp,
    /// When a change that was given up is tried again, with a fresh credential.
    pub retry: Timestamp,
    /// When a stranded device is asked again.
    pub again: Timestamp,
}

impl<C> Held<C> {
    /// A credential that is safe nowhere yet.
    pub fn new(credential: C) -> Self {
        Self { credential, safe: Safe::Nowhere }
    }
}

impl<C: Clone + PartialEq> Change<C> {
    /// What the device may take, the likeliest first.
    pub fn known(&self) -> impl Iterator<Item = &Held<C>> {
        [&self.next, &self.live].into_iter().chain(&self.second).chain(&self.older)
    }
}

impl<C: Clone + PartialEq> Rotation<C> {
    /// A credential that is in use already: it is escrowed first, and replaced at `due`.
    pub fn adopt(live: C, due: Timestamp) -> Self {
        Self::Settled { live: Held::new(live), older: Vec::new(), due }
    }

    /// The change under way, if any.
    pub fn change(&self) -> Option<&Change<C>> {
        match self {
            Self::Settled { .. } => None,
            Self::Minted(change)
            | Self::Escrowed(change)
            | Self::Raising(change)
            | Self::Raised(change)
            | Self::InDoubt(change, _)
            | Self::Rescuing(change)
            | Self::Returning(change)
            | Self::Leaving(change)
            | Self::Unsaved(change)
            | Self::Lowered(change)
            | Self::Saved(change)
            | Self::Rebooted(change)
            | Self::Stranded { change, .. } => Some(change),
        }
    }

    /// Every credential the device may take now, after a reboot, or when what is on its way arrives. The vault keeps
    /// these whatever else it forgets.
    pub fn known(&self) -> Vec<&Held<C>> {
        match (self, self.change()) {
            (Self::Settled { live, older, .. }, _) => std::iter::once(live).chain(older).collect(),
            (_, Some(change)) => change.known().collect(),
            (_, None) => Vec::new(),
        }
    }

    /// What to log in with outside a rotation; `None` while that is in doubt.
    pub fn trusted(&self) -> Option<&C> {
        match self {
            Self::Settled { live, .. } => Some(&live.credential),
            Self::Minted(change)
            | Self::Escrowed(change)
            | Self::Raised(change)
            | Self::Leaving(change) => Some(&change.live.credential),
            Self::Unsaved(change) | Self::Lowered(change) | Self::Saved(change) => {
                Some(&change.next.credential)
            }
            Self::Raising(_)
            | Self::InDoubt(..)
            | Self::Rescuing(_)
            | Self::Returning(_)
            | Self::Rebooted(_)
            | Self::Stranded { .. } => None,
        }
    }

    /// When it is due; `None` while a change is under way.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self {
            Self::Settled { due, .. } => Some(*due),
            _ => None,
        }
    }

    /// Due now at the latest: a person left, a secret was shown, somebody asked.
    pub fn hurry(mut self, now: Timestamp) -> Self {
        if let Self::Settled { due, .. } = &mut self {
            *due = now.min(*due);
        }
        self
    }

    /// The recovery recipients are others now: what is in use goes into escrow again, before anything else. A change
    /// under way is brought to its end first.
    pub fn reseal(mut self) -> Self {
        if let Self::Settled { live, .. } = &mut self {
            live.safe = Safe::Nowhere;
        }
        self
    }

    /// A word for status and logs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Settled { .. } => "settled",
            Self::Minted(_) => "minted",
            Self::Escrowed(_) => "escrowed",
            Self::Raising(_) => "raising",
            Self::Raised(_) => "raised",
            Self::InDoubt(..) => "in doubt",
            Self::Rescuing(_) => "rescuing",
            Self::Returning(_) => "returning",
            Self::Leaving(_) => "leaving",
            Self::Unsaved(_) => "unsaved",
            Self::Lowered(_) => "lowered",
            Self::Saved(_) => "saved",
            Self::Rebooted(_) => "rebooted",
            Self::Stranded { .. } => "stranded",
        }
    }
}

#[cfg(test)]
mod explore;
#[cfg(test)]
mod tests;
