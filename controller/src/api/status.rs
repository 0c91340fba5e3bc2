//! What somebody may read of a refusal: the one place where it is decided.

use tonic::Status;

use crate::service::Refusal;
use crate::service::background::chain;

/// The name under which a refusal says how many seconds to wait.
pub const RETRY_AFTER: &str = "retry-after";

/// A refusal as it goes out. What failed inside is logged here and not told.
pub fn status(refusal: Refusal) -> Status {
    match refusal {
        Refusal::Invalid(text) => Status::invalid_argument(text),
        Refusal::NotFound(text) => Status::not_found(text),
        Refusal::Conflict(text) => Status::already_exists(text),
        Refusal::Denied(text) => Status::permission_denied(text),
        Refusal::Precondition(text) => Status::failed_precondition(text),
        Refusal::Exhausted(seconds) => {
            let mut status = Status::resource_exhausted(refusal.to_string());
            status.metadata_mut().insert(RETRY_AFTER, seconds.into());
            status
        }
        Refusal::Failed(ref cause) => {
            tracing::error!(error = chain(&**cause), "a call failed");
            Status::internal(refusal.to_string())
        }
    }
}

/// A message that is not well formed.
pub fn malformed(error: impl std::fmt::Display) -> Status {
    Status::invalid_argument(error.to_string())
}
