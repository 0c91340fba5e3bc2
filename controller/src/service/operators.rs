//! The people who steer sites: added with a role, given one-time codes, removed. At least one administrator stays.

use certs::ticket::{fresh_secret, secret_hash};
use proto::{OperatorName, Role, Secret, Timestamp};

use super::sites::later;
use super::tokens::Handout;
use super::{OperatorPeer, Refusal, Service};
use crate::store::operators::Operator;

/// Most people at a time.
const MAX_PEOPLE: u64 = 1000;

/// What an operator is told of themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhoAmI {
    /// Who.
    pub name: OperatorName,
    /// What they may do.
    pub role: Role,
    /// When the certificate that they came with ends.
    pub certificate_ends: Timestamp,
}

impl Service {
    /// Everybody, by name.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn operators(&self) -> Result<Vec<Operator>, Refusal> {
        Ok(self.store.operators().await?)
    }

    /// Who asks.
    pub fn who_am_i(&self, who: &OperatorPeer) -> WhoAmI {
        let certificate_ends = who.certificate.not_after;
        WhoAmI { name: who.name.clone(), role: who.role, certificate_ends }
    }

    /// Adds a person; gives the code with which they log in.
    ///
    /// # Errors
    /// [`Refusal::Conflict`], when somebody of that name is there, or was and may still hold a certificate;
    /// [`Refusal::Precondition`], when there are 1000 people.
    pub async fn add_operator(
        &self,
        who: &OperatorPeer,
        name: &OperatorName,
        role: Role,
    ) -> Result<Handout, Refusal> {
        let now = self.now();
        let (secret, expires_at) = self.fresh_code()?;
        let mut change = self.store.change().await?;
        match change.operator(name).await? {
            Some(Operator { removed_at: None, .. }) => {
                return Err(Refusal::Conflict(format!(
                    "there is an operator {name}; palisade operator code gives them a new code"
                )));
            }
            Some(gone) if gone.certificate_ends > now => {
                return Err(Refusal::Conflict(format!(
                    "{name} was removed, and a certificate of that name ends only at {}; \
                     choose another name or wait",
                    gone.certificate_ends
                )));
            }
            Some(_) | None => {}
        }
        if change.count_operators().await?.0 >= MAX_PEOPLE {
            return Err(Refusal::Precondition(format!("there are {MAX_PEOPLE} operators")));
        }
        change.add_operator(name, role, now).await?;
        change.set_code(name, &secret_hash(&secret), expires_at).await?;
        change.commit(self.deed_of(who, "operator_added", name, role.as_str())).await?;
        self.standings.set_operator(name.clone(), role);
        Ok(self.handout(name.to_string(), secret, expires_at))
    }

    /// A new code for a person, in place of one that was not used.
    ///
    /// # Errors
    /// [`Refusal::NotFound`].
    pub async fn renew_code(
        &self,
        who: &OperatorPeer,
        name: &OperatorName,
    ) -> Result<Handout, Refusal> {
        let (secret, expires_at) = self.fresh_code()?;
        let mut change = self.store.change().await?;
        there(change.operator(name).await?, name)?;
        change.set_code(name, &secret_hash(&secret), expires_at).await?;
        let detail = format!("good until {expires_at}");
        change.commit(self.deed_of(who, "operator_code_renewed", name, detail)).await?;
        Ok(self.handout(name.to_string(), secret, expires_at))
    }

    /// Removes a person with their codes; what they have open ends.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Precondition`], for the last administrator.
    pub async fn remove_operator(
        &self,
        who: &OperatorPeer,
        name: &OperatorName,
    ) -> Result<(), Refusal> {
        let mut change = self.store.change().await?;
        let operator = there(change.operator(name).await?, name)?;
        let (_, administrators) = change.count_operators().await?;
        if operator.role == Role::Administrator && administrators <= 1 {
            return Err(Refusal::Precondition(format!(
                "{name} is the last administrator; add another one first"
            )));
        }
        change.remove_operator(name, self.now()).await?;
        change.commit(self.deed_of(who, "operator_removed", name, operator.role.as_str())).await?;
        self.standings.remove_operator(name);
        Ok(())
    }

    fn fresh_code(&self) -> Result<(Secret, Timestamp), Refusal> {
        let secret = fresh_secret().map_err(Refusal::failed)?;
        Ok((secret, later(self.now(), self.settings.code_life)))
    }
}

/// Refuses somebody who is not there or was removed.
fn there(operator: Option<Operator>, name: &OperatorName) -> Result<Operator, Refusal> {
    operator
        .filter(|operator| operator.removed_at.is_none())
        .ok_or_else(|| Refusal::NotFound(format!("there is no operator {name}")))
}
