//! Sites: added, listed, removed, and given a new box.

use proto::{SiteName, Timestamp};

use super::words::plain;
use super::{OperatorPeer, Refusal, Service};
use crate::store::agents::Place;
use crate::store::sites::Site;

/// Longest title, in characters.
const MAX_TITLE: usize = 100;

impl Service {
    /// Every site, by name.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn sites(&self) -> Result<Vec<Site>, Refusal> {
        Ok(self.store.sites().await?)
    }

    /// Adds a site. Without a title it is called by its name.
    ///
    /// # Errors
    /// [`Refusal::Conflict`], when there is one of that name; [`Refusal::Invalid`], when the title is too long.
    pub async fn add_site(
        &self,
        who: &OperatorPeer,
        name: &SiteName,
        title: &str,
    ) -> Result<Site, Refusal> {
        let title = match plain(title, "title", MAX_TITLE)? {
            title if title.is_empty() => name.to_string(),
            title => title,
        };
        let mut change = self.store.change().await?;
        if !change.add_site(name, &title, self.now()).await? {
            return Err(Refusal::Conflict(format!("there is a site {name} already")));
        }
        change.commit(self.deed_of(who, "site_added", name, title)).await?;
        self.store.site(name).await?.ok_or_else(|| no_site(name))
    }

    /// Removes a site that has no agent any more, with everything that is kept about it. What its agents' audit logs
    /// ended with stays in ours.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Precondition`], while it has an agent, or secrets in escrow that are in no kit.
    pub async fn remove_site(&self, who: &OperatorPeer, name: &SiteName) -> Result<(), Refusal> {
        let mut change = self.store.change().await?;
        match change.place(name).await? {
            Place::NoSite => return Err(no_site(name)),
            Place::Taken(agent) => {
                return Err(Refusal::Precondition(format!(
                    "{name} has the agent {agent}; revoke it first (palisade agent revoke)"
                )));
            }
            Place::Free => {}
        }
        let secrets = change.secrets_in_no_kit(name).await?;
        if secrets > 0 {
            return Err(Refusal::Precondition(format!(
                "{name} has {secrets} secrets in escrow that would be lost with it; export them first (palisade secret \
                 export {name})"
            )));
        }
        let chains = change.agent_chains(name).await?.join("; ");
        change.remove_site(name).await?;
        change.commit(self.deed_of(who, "site_removed", name, chains)).await?;
        Ok(())
    }
}

/// There is no such site.
pub(super) fn no_site(name: &SiteName) -> Refusal {
    Refusal::NotFound(format!("there is no site {name}; palisade site list shows them"))
}

/// So many seconds later.
pub(super) fn later(now: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_unix(now.unix().saturating_add(seconds))
}
