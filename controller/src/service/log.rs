//! The audit log, or what an agent reported of its own, read from a record on.

use std::sync::Arc;

use certs::Name;
use certs::audit::Record;
use futures::{Stream, stream};
use proto::AgentId;

use super::{OperatorPeer, Refusal, Service};
use crate::store::Deed;
use crate::store::audit::PAGE;

/// Whose log is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// The controller's own.
    Controller,
    /// The one of which this agent reported the records.
    Agent(AgentId),
}

impl Service {
    /// A record of something that this person did.
    pub(super) fn deed_of(
        &self,
        who: &OperatorPeer,
        deed: &'static str,
        subject: impl ToString,
        detail: impl Into<String>,
    ) -> Deed {
        let actor = who.actor(&self.organisation);
        Deed { time: self.now(), actor, deed, subject: subject.to_string(), detail: detail.into() }
    }

    /// Every record from this number on, counted from 1, with its hash; up to the last one there is when it is reached.
    /// Records are read in pages as they are taken. Those of an agent are as it reported them, gaps and all; the oldest
    /// are not kept for ever.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for an agent that never was.
    pub async fn audit_log(
        self: &Arc<Self>,
        keeper: Keeper,
        from: u64,
    ) -> Result<impl Stream<Item = Result<(Record, Vec<u8>), Refusal>> + Send + use<>, Refusal>
    {
        if let Keeper::Agent(id) = &keeper {
            self.agent(id).await?;
        }
        let begin = (self.clone(), keeper, from.max(1), Vec::new().into_iter());
        Ok(stream::try_unfold(begin, |(service, keeper, mut next, mut page)| async move {
            if page.len() == 0 {
                page = service.page(&keeper, next).await?.into_iter();
            }
            let Some((record, hash)) = page.next() else { return Ok(None) };
            next = record.number + 1;
            Ok(Some(((record, hash), (service, keeper, next, page))))
        }))
    }

    async fn page(&self, keeper: &Keeper, next: u64) -> Result<Vec<(Record, Vec<u8>)>, Refusal> {
        let page = match keeper {
            Keeper::Controller => self.store.audit_records(next, PAGE).await,
            Keeper::Agent(id) => {
                let actor = self.actor_of(id);
                self.store.agent_records((id, &actor), next, PAGE).await
            }
        };
        Ok(page?)
    }

    /// The name that an agent's own audit records are by.
    pub fn actor_of(&self, agent: &AgentId) -> String {
        Name::Agent(self.organisation.clone(), agent.clone()).to_string()
    }
}
