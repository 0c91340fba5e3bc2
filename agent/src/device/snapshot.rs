//! A device's configuration at one moment, held so that it can be compared, kept as a backup and written back.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::change::Digest;

/// A configuration as the device showed it. Only drivers make one. Cheap to clone; wiped when the last one goes, because
/// a configuration holds passwords.
#[derive(Clone)]
pub struct Snapshot {
    bytes: Arc<Zeroizing<Vec<u8>>>,
    digest: Digest,
}

impl Snapshot {
    /// A configuration, and the digest over what of it does not change by itself.
    pub(in crate::device) fn new(bytes: Vec<u8>, digest: Digest) -> Self {
        Self { bytes: Arc::new(Zeroizing::new(bytes)), digest }
    }

    /// Over the configuration without comments and without what the device writes into it by itself.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The whole of it, passwords included.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Snapshot({} bytes, {})", self.bytes.len(), self.digest)
    }
}
