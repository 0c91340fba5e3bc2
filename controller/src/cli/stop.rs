//! Why a command ends early, classed by the exit code it deserves.

/// The command did what it was asked; a check found nothing.
pub const GOOD: u8 = 0;
/// A check found something: a finding that is unmet, a difference, a broken chain, an agent that is behind.
pub const BAD: u8 = 1;
/// It could not be done: the controller is not reached, refuses, or a result cannot be delivered.
pub const FAILED: u8 = 2;
/// The request itself is wrong: an argument, a file, a name that does not exist.
pub const USAGE: u8 = 3;
/// Somebody pressed Ctrl-C, as shells number it.
pub const INTERRUPTED: u8 = 130;

/// Why a command ends early. The message says what we were doing, what was wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The request was sound and could not be carried out.
    #[error("{0}")]
    Failed(String),
    /// The request itself is wrong; nothing was changed.
    #[error("{0}")]
    Usage(String),
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl Stop {
    /// What the program exits with.
    pub fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => FAILED,
            Self::Usage(_) => USAGE,
            Self::Interrupted => INTERRUPTED,
        }
    }

    /// For what went wrong on the way.
    pub fn failed(error: &dyn std::error::Error) -> Self {
        Self::Failed(chain(error))
    }

    /// For what is wrong with the request.
    pub fn usage(error: &dyn std::error::Error) -> Self {
        Self::Usage(chain(error))
    }
}

/// An error and what caused it, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
