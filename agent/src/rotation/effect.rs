//! What the machine asks for, and what may come of it. Who performs it decides nothing.

use super::Second;

/// What is to be done outside. Each is done once at most per time it is asked for, and may be repeated after a crash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect<C> {
    /// Make a fresh credential, and one for the second administrator; keep them in the vault.
    Mint(Second),
    /// Seal it to the recovery recipients, keep that, and hand it to the controller.
    Escrow(C),
    /// Make the second administrator, unsaved.
    Raise {
        /// Whom to log in as.
        auth: C,
        /// The second administrator's credential.
        second: C,
    },
    /// Set the credential, unsaved.
    Install {
        /// Whom to log in as.
        auth: C,
        /// What to set.
        new: C,
    },
    /// Log in on a fresh connection, or compare what the device serves.
    Probe(C),
    /// Remove the second administrator, unsaved; done only if a fresh look does not show it any more.
    Lower {
        /// Whom to log in as.
        auth: C,
        /// The second administrator's credential.
        second: C,
    },
    /// Save what is set.
    Save {
        /// Whom to log in as.
        auth: C,
    },
    /// Reboot and wait until the device is back; done only if it surely rebooted.
    Reboot {
        /// Whom to log in as.
        auth: C,
    },
}

/// What came of an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<C> {
    /// [`Effect::Mint`]: they are made and in the vault.
    Minted {
        /// The new credential.
        next: C,
        /// The second administrator's, if one was asked for.
        second: Option<C>,
    },
    /// [`Effect::Escrow`]: the sealed copy is in the vault, the controller has not acknowledged it.
    Kept,
    /// It is done; for [`Effect::Probe`]: let in.
    Done,
    /// The device did not let us in with the credential used.
    Refused,
    /// The device let us in and would not do it, or we cannot do it on this device and have touched nothing.
    Rejected,
    /// Nothing was sent, for sure.
    NotSent,
    /// Nobody knows: no answer, not in time, or nonsense.
    Unknown,
}

impl<C> Effect<C> {
    /// The credential the device is asked to let in.
    pub fn auth(&self) -> Option<&C> {
        match self {
            Self::Mint(_) | Self::Escrow(_) => None,
            Self::Probe(auth)
            | Self::Raise { auth, .. }
            | Self::Install { auth, .. }
            | Self::Lower { auth, .. }
            | Self::Save { auth }
            | Self::Reboot { auth } => Some(auth),
        }
    }

    /// A word for logs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Mint(_) => "mint",
            Self::Escrow(_) => "escrow",
            Self::Raise { .. } => "raise",
            Self::Install { .. } => "install",
            Self::Probe(_) => "probe",
            Self::Lower { .. } => "lower",
            Self::Save { .. } => "save",
            Self::Reboot { .. } => "reboot",
        }
    }
}

impl<C> Outcome<C> {
    /// Whether the device surely has not counted a failed log-in for the effect.
    pub fn spares_the_count(&self) -> bool {
        match self {
            Self::Done | Self::Rejected | Self::NotSent => true,
            Self::Minted { .. } | Self::Kept | Self::Refused | Self::Unknown => false,
        }
    }

    /// A word for logs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Minted { .. } => "minted",
            Self::Kept => "kept",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::NotSent => "not sent",
            Self::Unknown => "unknown",
        }
    }
}
