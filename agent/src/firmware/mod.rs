//! Firmware versions and what vendors say about them.

mod version;

pub use version::Version;

/// What is known about firmware: our own small table, and the vendor's CSAF files.
#[derive(Clone, Debug, Default)]
pub struct Advisories;
