//! From the bytes of an exported configuration to facts. Pure, but slow where a password hash must be computed: keep
//! it off the async runtime.

use super::Dialects;
use crate::device::{Fault, Identity};
use crate::facts::CameraFacts;

/// What an exported configuration tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Which camera.
    pub identity: Identity,
    /// The facts. What a file cannot show is unreadable, for that reason.
    pub facts: CameraFacts,
}

/// Reads an exported configuration.
///
/// # Errors
/// [`Fault::Nonsense`] if it is no MOBOTIX configuration or is damaged (with the line), [`Fault::Unsupported`] if it
/// is one of a product line that no dialect covers.
pub fn read(bytes: &[u8], dialects: &Dialects) -> Result<Export, Fault> {
    let _ = (bytes, dialects);
    Err(Fault::Unsupported(String::new()))
}
