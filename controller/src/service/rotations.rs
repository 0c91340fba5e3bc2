//! Where the credentials of the devices stand, as their agents told last. Secrets are not here: they are in escrow.

use proto::SiteName;
use proto::wire::rotation::Forget;

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

    /// Whether the agent may be asked to forget where a credential stands, as far as it told. The agent looks again.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if it told nothing of it, [`Refusal::Precondition`] while the device may take it.
    pub(super) async fn may_forget(&self, site: &SiteName, order: &Forget) -> Result<(), Refusal> {
        let (device, what) = (&order.device, order.what.as_str());
        let all = self.store.rotations(Some(site)).await?;
        let of = |one: &&Rotation| one.state.device == *device && one.state.kind == order.what;
        let told = all.iter().find(of).ok_or_else(|| {
            Refusal::NotFound(format!("{site} has told of no {what} of {device} that is replaced"))
        })?;
        match order.refused(told.state.standing) {
            None => Ok(()),
            Some(why) => Err(Refusal::Precondition(format!(
                "the {what} of {device} is not forgotten: {why}"
            ))),
        }
    }
}
