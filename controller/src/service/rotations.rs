//! Where the credentials of the devices stand, as their agents told last. Secrets are not here: they are in escrow.

use proto::SiteName;

use super::{Refusal, Service};
use crate::store::rotations::Rotation;

impl Service {
    /// The credentials of one site, or of all if none is named.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn rotations(&self, site: Option<&SiteName>) -> Result<Vec<Rotation>, Refusal> {
        if let Some(site) = site {
            self.known_site(site).await?;
        }
        Ok(self.store.rotations(site).await?)
    }
}
