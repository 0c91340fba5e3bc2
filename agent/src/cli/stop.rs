//! Why a command ends early, classed by the exit code it deserves.

/// Everything that concerns the devices is met, attested or waived; or the command did what it was asked.
pub const GOOD: u8 = 0;
/// Something is unmet, or could not be seen.
pub const BAD: u8 = 1;
/// A device could not be audited, or a result could not be delivered.
pub const FAILED: u8 = 2;
/// The request itself is wrong: an argument, a policy, a site file, a missing password.
pub const USAGE: u8 = 3;

/// Why a command ends early. The message says what we were doing, what was wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The request was sound and could not be carried out.
    #[error("{0}")]
    Failed(String),
    /// The request itself is wrong; nothing was attempted.
    #[error("{0}")]
    Usage(String),
}

impl Stop {
    /// What the program exits with.
    pub fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => FAILED,
            Self::Usage(_) => USAGE,
        }
    }
}
