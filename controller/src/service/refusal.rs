//! Why something was not done, classed by what the caller may conclude. What a stranger may read of it is decided in
//! `api/status.rs` alone.

use crate::store::StoreError;

/// Why something was not done. The messages say what was wrong and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// What was asked makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Nothing of that name.
    #[error("{0}")]
    NotFound(String),
    /// It is there already, or has changed meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// Who asks may not.
    #[error("{0}")]
    Denied(String),
    /// Not now, but it may succeed after what the message says was done.
    #[error("{0}")]
    Precondition(String),
    /// Too often or too many; try again after so many seconds.
    #[error("too many requests; try again in {0} s")]
    Exhausted(u32),
    /// The controller itself failed. Its log has the cause.
    #[error("the controller could not do it; its log says why")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl Refusal {
    /// The controller itself failed, for this reason.
    pub(super) fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}
