//! Policies: checked, applied under a version, shown, rolled back by applying an older text anew, and followed until
//! every agent holds them.

use std::collections::BTreeMap;

use proto::{Policy, SiteName};

use super::agents::AgentView;
use super::sites::no_site;
use super::words::plain;
use super::{OperatorPeer, Refusal, Service};
use crate::store::Standing;
use crate::store::policies::{PolicyVersion, Scope};

/// Longest comment, in characters.
const MAX_COMMENT: usize = 500;

/// How far what should be has reached those who should be it.
#[derive(Clone, Debug, Default)]
pub struct Rollout {
    /// Agents that hold the generation of their site.
    pub current: u32,
    /// Those that do not.
    pub stragglers: Vec<AgentView>,
}

impl Service {
    /// Applies a policy. It takes the place of the scope's last one, and the generation of every site that it concerns
    /// grows. `expected` is the version that must be in force, 0 for any.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], when it is no policy; [`Refusal::NotFound`], when there is no such site;
    /// [`Refusal::Conflict`], when another version is in force.
    pub async fn apply_policy(
        &self,
        who: &OperatorPeer,
        scope: &Scope,
        text: &str,
        comment: &str,
        expected: u64,
    ) -> Result<PolicyVersion, Refusal> {
        Policy::from_toml(text).map_err(|error| Refusal::Invalid(error.to_string()))?;
        let mut policy = PolicyVersion {
            version: 0,
            scope: scope.clone(),
            text: text.to_owned(),
            by: who.name.to_string(),
            applied_at: self.now(),
            comment: plain(comment, "comment", MAX_COMMENT)?,
        };
        let mut change = self.store.change().await?;
        if let Scope::Site(site) = scope
            && !change.has_site(site).await?
        {
            return Err(no_site(site));
        }
        let in_force = change.policy_version(scope).await?;
        if expected != 0 && expected != in_force {
            return Err(Refusal::Conflict(format!(
                "version {in_force} is in force and not {expected}: somebody applied another one \
                 meanwhile; look at it, and apply yours again"
            )));
        }
        policy.version = change.add_policy(&policy).await?;
        let concerned = match scope {
            Scope::Site(site) => {
                change.bump_site(site).await?;
                vec![site.clone()]
            }
            Scope::Organisation => change.bump_sites_without_policy().await?,
        };
        let subject = match scope {
            Scope::Site(site) => site.to_string(),
            Scope::Organisation => self.organisation.to_string(),
        };
        let detail = format!("version {}; {}", policy.version, policy.comment);
        change.commit(self.deed_of(who, "policy_applied", subject, detail)).await?;
        self.desired_changed(&concerned);
        Ok(policy)
    }

    /// Drops a site's own policy, so that the organisation's holds there again; gives that.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Precondition`], when the site has none of its own.
    pub async fn drop_policy(
        &self,
        who: &OperatorPeer,
        site: &SiteName,
        comment: &str,
    ) -> Result<PolicyVersion, Refusal> {
        let comment = plain(comment, "comment", MAX_COMMENT)?;
        let drop = PolicyVersion::drop_of(site.clone(), who.name.to_string(), self.now(), comment);
        let mut change = self.store.change().await?;
        if !change.has_site(site).await? {
            return Err(no_site(site));
        }
        if !change.has_own_policy(site).await? {
            return Err(Refusal::Precondition(format!(
                "{site} has no policy of its own; the organisation's holds there"
            )));
        }
        let version = change.add_policy(&drop).await?;
        change.bump_site(site).await?;
        let detail = format!("version {version}; {}", drop.comment);
        change.commit(self.deed_of(who, "policy_dropped", site, detail)).await?;
        self.desired_changed(std::slice::from_ref(site));
        self.policy_in_force(&Scope::Site(site.clone())).await
    }

    /// What was applied to a scope, the newest first, without the texts.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], when there is no such site.
    pub async fn policy_history(&self, scope: &Scope) -> Result<Vec<PolicyVersion>, Refusal> {
        self.known(scope).await?;
        Ok(self.store.policy_history(scope).await?)
    }

    /// The policy in force: a site's own or else the organisation's; version 0, with an empty text, for the defaults.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], when there is no such site.
    pub async fn policy_in_force(&self, scope: &Scope) -> Result<PolicyVersion, Refusal> {
        self.known(scope).await?;
        let found = match scope {
            Scope::Site(site) => self.store.policy_in_force(site).await?,
            Scope::Organisation => self.store.policy(scope).await?,
        };
        Ok(found.unwrap_or_else(|| PolicyVersion {
            version: 0,
            scope: Scope::Organisation,
            text: String::new(),
            by: String::new(),
            applied_at: proto::Timestamp::from_unix(0),
            comment: "the defaults; none was applied".to_owned(),
        }))
    }

    /// One version that was applied to this scope.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], also when it was applied to another scope.
    pub async fn policy_version(
        &self,
        scope: &Scope,
        version: u64,
    ) -> Result<PolicyVersion, Refusal> {
        self.known(scope).await?;
        let found = self.store.policy_version(version).await?;
        found.filter(|policy| policy.scope == *scope).ok_or_else(|| {
            Refusal::NotFound(format!("version {version} was not applied here; see its history"))
        })
    }

    async fn known(&self, scope: &Scope) -> Result<(), Refusal> {
        match scope {
            Scope::Organisation => Ok(()),
            Scope::Site(site) => self.known_site(site).await,
        }
    }

    /// Refuses a site that is not there.
    pub async fn known_site(&self, site: &SiteName) -> Result<(), Refusal> {
        self.store.site(site).await?.map(|_| ()).ok_or_else(|| no_site(site))
    }

    /// Which agents hold the generation that their site should be at.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn policy_rollout(&self) -> Result<Rollout, Refusal> {
        let sites = self.store.sites().await?;
        let wanted: BTreeMap<_, _> =
            sites.into_iter().map(|site| (site.name, site.generation)).collect();
        Ok(rollout(&wanted, self.agents(None).await?))
    }
}

/// Agents that are revoked or replaced need hold nothing.
fn rollout(wanted: &BTreeMap<SiteName, u64>, agents: Vec<AgentView>) -> Rollout {
    let mut rollout = Rollout::default();
    for view in agents {
        match view.agent.standing {
            Standing::Revoked | Standing::Replaced => continue,
            Standing::Active | Standing::Locked => {}
        }
        let held = view.agent.told.generation;
        if wanted.get(&view.agent.site).is_some_and(|generation| held < *generation) {
            rollout.stragglers.push(view);
        } else {
            rollout.current += 1;
        }
    }
    rollout
}
