//! The one place that asks what time it is.

use proto::Timestamp;

/// The present, by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "the one clock")]
pub fn now() -> Timestamp {
    Timestamp::from_unix(jiff::Timestamp::now().as_second())
}
