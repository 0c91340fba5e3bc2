//! What a cure needs to know besides what is judged.

use serde::{Deserialize, Serialize};

use super::Fact;

/// A notification profile of a camera.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyProfile {
    /// The section it stands in: `ipnotify` or `mail`.
    pub section: String,
    /// The id by which other settings name it.
    pub id: String,
    /// The name people see, if it has one.
    pub name: Option<String>,
    /// Why it reaches nobody elsewhere, if that can be seen.
    pub dead_end: Option<String>,
}

/// For records of before the fact was gathered.
pub(super) fn not_gathered<T>() -> Fact<T> {
    Fact::unreadable("the agent that looked did not ask for it yet; audit again")
}
