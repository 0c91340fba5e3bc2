//! The wire: what prost makes of `palisade/v1/*.proto`, and the one place where it is turned into checked words.
//!
//! Nothing behind this module sees an unknown enum value, an over-long text or an `Option` that must be there.

mod codec;
pub mod escrow;
pub mod finding;
pub mod halt;
mod malformed;
pub mod plan;
pub mod policy;
pub mod record;
pub mod rotation;
mod words;

pub use codec::Codec;
pub use malformed::Malformed;

/// The messages and services as generated.
#[allow(missing_docs, clippy::all, clippy::pedantic, clippy::too_many_lines)]
pub mod v1 {
    tonic::include_proto!("palisade.v1");
}
