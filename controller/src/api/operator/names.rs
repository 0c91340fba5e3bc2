//! Names that an operator writes.

use proto::SiteName;
use tonic::Status;

use super::malformed;

/// A site that must be named.
pub(super) fn site(name: &str) -> Result<SiteName, Status> {
    name.parse().map_err(malformed)
}

/// A site that may be named.
pub(super) fn maybe_site(name: &str) -> Result<Option<SiteName>, Status> {
    if name.is_empty() { Ok(None) } else { site(name).map(Some) }
}
