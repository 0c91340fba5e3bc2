//! What a call on an open line may end in, by what the caller may conclude. What the controller wrote is made printable
//! and short before anybody sees it.

use proto::text::printable;
use tonic::{Code, Status};

/// Longest text of the controller's that is passed on, in characters.
const MAX_WORDS: usize = 300;

/// Why a call gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallFault {
    /// The line broke, or the controller cannot do it at the moment: try again later.
    #[error("the controller did not answer: {0}")]
    Later(String),
    /// The controller will not do it while things are as they are: somebody has to act there.
    #[error("the controller holds this back: {0}")]
    Held(String),
    /// The controller refuses.
    #[error("the controller refuses: {0}")]
    Refused(String),
}

impl From<Status> for CallFault {
    fn from(status: Status) -> Self {
        let words = words(&status);
        match status.code() {
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => Self::Later(words),
            Code::FailedPrecondition => Self::Held(words),
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated => Self::Refused(words),
        }
    }
}

fn words(status: &Status) -> String {
    match status.message() {
        "" => format!("{:?}", status.code()),
        message => printable(message, MAX_WORDS),
    }
}
