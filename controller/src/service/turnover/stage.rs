//! How far a turnover of the authority is: three phases, and the steps between them. Pure.
//!
//! ```text
//!            prepare                 activate                 retire
//!  Settled ───────────> Prepared ────────────────> Activated ────────> Settled (under the new root)
//!     ^    roll back       │  ^      roll back          │
//!     └────────────────────┘  └────────────────────────┘
//! ```
//!
//! Both authorities' certificates are taken and both roots are to be trusted from `prepare` until one of them goes, and
//! none goes while a certificate under it lives. So every step can be undone until the last, and nobody is cut off.

use certs::RootPin;
use proto::Timestamp;
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// One authority.
    Settled,
    /// Two, and the older one issues.
    Prepared,
    /// Two, and the newer one issues.
    Activated,
}

impl Phase {
    /// The word on the wire and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Prepared => "prepared",
            Self::Activated => "activated",
        }
    }
}

/// What the database remembers of a turnover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// How far it is.
    pub phase: Phase,
    /// The root of the authority that lies in the main folder.
    pub root: RootPin,
    /// When the last certificate ends that the authority issued which does not issue now.
    pub idle_ends: Timestamp,
}

/// Why a step cannot be taken. The messages say what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotStep {
    /// Not from this phase.
    #[error("{0}")]
    Wrong(&'static str),
    /// Certificates live under the authority that would go.
    #[error("certificates under the authority that would go live until {0}; wait for it")]
    Alive(Timestamp),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    phase: Phase,
    root: String,
    idle_ends: i64,
}

impl Stage {
    /// One authority with this root, and nothing under way.
    pub fn settled(root: RootPin) -> Self {
        Self { phase: Phase::Settled, root, idle_ends: Timestamp::from_unix(0) }
    }

    /// As the database has it.
    pub fn to_text(self) -> String {
        let (root, idle_ends) = (self.root.to_string(), self.idle_ends.unix());
        let written = Written { phase: self.phase, root, idle_ends };
        serde_json::to_string(&written).expect("plain words are always JSON")
    }

    /// As the database had it; `None` if no version of this program wrote it.
    pub fn from_text(text: &str) -> Option<Self> {
        let Written { phase, root, idle_ends } = serde_json::from_str(text).ok()?;
        let root = root.parse().ok()?;
        Some(Self { phase, root, idle_ends: Timestamp::from_unix(idle_ends) })
    }

    /// A second authority is there.
    ///
    /// # Errors
    /// [`CannotStep`].
    pub fn prepare(self) -> Result<Self, CannotStep> {
        match self.phase {
            Phase::Settled => {
                Ok(Self { phase: Phase::Prepared, idle_ends: Timestamp::from_unix(0), ..self })
            }
            Phase::Prepared | Phase::Activated => Err(CannotStep::Wrong(
                "a turnover is under way; end it (activate and retire, or roll back) before the next",
            )),
        }
    }

    /// The newer authority issues. `ends` is when the last certificate ends that was issued so far.
    ///
    /// # Errors
    /// [`CannotStep`].
    pub fn activate(self, ends: Timestamp) -> Result<Self, CannotStep> {
        match self.phase {
            Phase::Prepared => {
                Ok(Self { phase: Phase::Activated, idle_ends: ends.max(self.idle_ends), ..self })
            }
            Phase::Settled => {
                Err(CannotStep::Wrong("nothing is prepared; prepare a turnover first"))
            }
            Phase::Activated => {
                Err(CannotStep::Wrong("it is active already; retire the old one next"))
            }
        }
    }

    /// The older authority goes; `next` is the root of the one that stays.
    ///
    /// # Errors
    /// [`CannotStep`].
    pub fn retire(self, next: RootPin, now: Timestamp) -> Result<Self, CannotStep> {
        match self.phase {
            Phase::Activated if now < self.idle_ends => Err(CannotStep::Alive(self.idle_ends)),
            Phase::Activated => Ok(Self::settled(next)),
            Phase::Settled | Phase::Prepared => {
                Err(CannotStep::Wrong("the new authority is not active; activate it first"))
            }
        }
    }

    /// One step back. `ends` is when the last certificate ends that was issued so far.
    ///
    /// # Errors
    /// [`CannotStep`].
    pub fn roll_back(self, ends: Timestamp, now: Timestamp) -> Result<Self, CannotStep> {
        match self.phase {
            Phase::Activated => {
                Ok(Self { phase: Phase::Prepared, idle_ends: ends.max(self.idle_ends), ..self })
            }
            Phase::Prepared if now < self.idle_ends => Err(CannotStep::Alive(self.idle_ends)),
            Phase::Prepared => Ok(Self::settled(self.root)),
            Phase::Settled => Err(CannotStep::Wrong("nothing is under way, so nothing to undo")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    const OLD: RootPin = RootPin([1; 32]);
    const NEW: RootPin = RootPin([2; 32]);

    #[test]
    fn the_way_through_ends_under_the_new_root() {
        let prepared = Stage::settled(OLD).prepare().unwrap();
        let active = prepared.activate(at(100)).unwrap();
        assert_eq!(active.retire(NEW, at(99)), Err(CannotStep::Alive(at(100))));
        assert_eq!(active.retire(NEW, at(100)), Ok(Stage::settled(NEW)));
    }

    #[test]
    fn the_way_back_ends_under_the_old_root_once_nothing_lives_under_the_new() {
        let prepared = Stage::settled(OLD).prepare().unwrap();
        assert_eq!(prepared.roll_back(at(50), at(0)), Ok(Stage::settled(OLD)));
        let active = prepared.activate(at(100)).unwrap();
        let back = active.roll_back(at(200), at(150)).unwrap();
        assert_eq!(back.phase, Phase::Prepared);
        assert_eq!(back.roll_back(at(200), at(199)), Err(CannotStep::Alive(at(200))));
        assert_eq!(back.roll_back(at(200), at(200)), Ok(Stage::settled(OLD)));
        assert_eq!(back.activate(at(150)).unwrap().idle_ends, at(200));
    }

    #[test]
    fn steps_out_of_order_are_refused() {
        let settled = Stage::settled(OLD);
        let prepared = settled.prepare().unwrap();
        let active = prepared.activate(at(0)).unwrap();
        let wrong = |step: Result<Stage, CannotStep>| matches!(step, Err(CannotStep::Wrong(_)));
        assert!(wrong(settled.activate(at(0))) && wrong(settled.retire(NEW, at(0))));
        assert!(wrong(settled.roll_back(at(0), at(0))) && wrong(prepared.prepare()));
        assert!(wrong(prepared.retire(NEW, at(0))) && wrong(active.prepare()));
        assert!(wrong(active.activate(at(0))));
    }

    #[test]
    fn a_stage_reads_back() {
        for stage in [Stage::settled(OLD), Stage::settled(OLD).prepare().unwrap()] {
            assert_eq!(Stage::from_text(&stage.to_text()), Some(stage));
        }
        assert_eq!(Stage::from_text("{}"), None);
    }
}
