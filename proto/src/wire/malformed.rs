//! Why a message was refused, and the checks that refuse it. What came is never repeated: it is the other side's text.

use crate::text::is_harmful;
use crate::{Day, DeviceName, Measure, Timestamp};

/// What came over the wire is not what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A field that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value of a closed list that this version does not know.
    #[error("{0} has a value that this version does not know")]
    Unknown(&'static str),
    /// A text, a list or a message beyond its bound, in bytes or elements.
    #[error("{0} is larger than {1}")]
    TooLarge(&'static str, usize),
    /// A value that cannot be what it should be.
    #[error("{0} is not well formed")]
    Bad(&'static str),
}

/// Refuses a text beyond `most` bytes, and one with characters that drive a terminal: senders make theirs printable.
pub(super) fn text(text: String, field: &'static str, most: usize) -> Result<String, Malformed> {
    within(text.len(), field, most)?;
    if text.chars().any(is_harmful) { Err(Malformed::Bad(field)) } else { Ok(text) }
}

/// The same, and refuses one that says nothing.
pub(super) fn words(text: String, field: &'static str, most: usize) -> Result<String, Malformed> {
    let text = self::text(text, field, most)?;
    if text.trim().is_empty() { Err(Malformed::Missing(field)) } else { Ok(text) }
}

pub(super) fn within(size: usize, field: &'static str, most: usize) -> Result<(), Malformed> {
    if size > most { Err(Malformed::TooLarge(field, most)) } else { Ok(()) }
}

pub(super) fn device(text: String) -> Result<DeviceName, Malformed> {
    DeviceName::try_from(text).map_err(|_| Malformed::Bad("device name"))
}

pub(super) fn measure(text: &str) -> Result<Measure, Malformed> {
    text.parse().map_err(|_| Malformed::Unknown("measure"))
}

pub(super) fn day(text: &str, field: &'static str) -> Result<Day, Malformed> {
    // What a day looks like is shorter than this; the parser is spared the rest.
    within(text.len(), field, 16)?;
    text.parse().map_err(|_| Malformed::Bad(field))
}

/// A time from 1970 on; what no calendar has is refused rather than moved.
pub(super) fn time(seconds: i64, field: &'static str) -> Result<Timestamp, Malformed> {
    let time = Timestamp::from_unix(seconds);
    if seconds >= 0 && time.unix() == seconds { Ok(time) } else { Err(Malformed::Bad(field)) }
}

/// Words of ours and numbers of the wire, one for one. Each direction is an exhaustive `match`.
macro_rules! one_for_one {
    ($($field:literal $name:ident { $($variant:ident),* $(,)? })*) => { $(
        impl From<$name> for v1::$name {
            fn from(word: $name) -> Self {
                match word { $($name::$variant => Self::$variant),* }
            }
        }

        impl TryFrom<v1::$name> for $name {
            type Error = Malformed;

            fn try_from(word: v1::$name) -> Result<Self, Malformed> {
                match word {
                    v1::$name::Unspecified => Err(Malformed::Missing($field)),
                    $(v1::$name::$variant => Ok(Self::$variant)),*
                }
            }
        }
    )* };
}
pub(super) use one_for_one;
