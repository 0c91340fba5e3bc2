//! What went wrong with a call, classed by what the caller may do about it. The controller's words are passed on; they
//! are made printable where they are printed.

use tonic::{Code, Status};

use super::DialError;

/// Longest message of the controller's that is passed on, in characters.
const MAX_MESSAGE: usize = 1000;

/// What went wrong with a call.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No connection came about.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The connection was lost, or nothing came back in time.
    #[error("the connection to the controller was lost: {0}")]
    Unreachable(String),
    /// What was asked makes no sense, or names something that is not there.
    #[error("{0}")]
    Wrong(String),
    /// It has changed meanwhile, or something else has to happen first.
    #[error("{0}")]
    NotNow(String),
    /// Who asks may not, or is nobody there any more.
    #[error("{0}")]
    Denied(String),
    /// The controller itself failed, or answers what makes no sense.
    #[error("the controller failed: {0}")]
    Failed(String),
}

impl From<&Status> for CallError {
    fn from(status: &Status) -> Self {
        let said: String = status.message().chars().take(MAX_MESSAGE).collect();
        let or = |instead: &str| if said.is_empty() { instead.to_owned() } else { said.clone() };
        match status.code() {
            Code::InvalidArgument | Code::OutOfRange => Self::Wrong(or("the request is wrong")),
            Code::NotFound => Self::Wrong(or("there is no such thing")),
            Code::AlreadyExists | Code::Aborted => Self::NotNow(or("it has changed meanwhile")),
            Code::FailedPrecondition => Self::NotNow(or("something has to happen first")),
            Code::ResourceExhausted => Self::NotNow(or("too much at once; try again later")),
            Code::PermissionDenied => Self::Denied(or("your role does not allow this")),
            Code::Unauthenticated => Self::Denied(or("the controller does not know you")),
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => {
                Self::Unreachable(or("it does not answer"))
            }
            Code::Unimplemented => Self::Failed(
                "it does not know this request; is it older than this program?".to_owned(),
            ),
            Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => {
                Self::Failed(or("its log says why"))
            }
        }
    }
}
