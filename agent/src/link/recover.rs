//! The way back for an agent whose certificate has lapsed: a challenge, answered with the recovery key that was bound at
//! enrolment and the state of the last join. The key to be certified is on disk before it is sent and stays the same
//! until an answer came, since a second key for the same join looks like a second box.

use std::sync::Arc;

use certs::join_state::recovery_message;
use certs::key::KeyError;
use certs::{Clock as _, Key, request};
use proto::wire::v1;

use super::deed::Deed;
use super::dial::DialFault;
use super::enroll::on_disk;
use super::fault::CallFault;
use super::line::patient;
use super::reach::Absurd;
use super::reply::{BadReply, recovered};
use super::{Link, State};
use crate::identity::{Granted, IdentityError, Member, Next};

/// Length of a challenge, in bytes.
const NONCE: usize = 32;

#[derive(Debug, thiserror::Error)]
enum RecoverFault {
    #[error(transparent)]
    Dial(#[from] DialFault),
    #[error(transparent)]
    Call(#[from] CallFault),
    #[error(transparent)]
    Absurd(#[from] Absurd),
    #[error(transparent)]
    Reply(#[from] BadReply),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("a key cannot be used")]
    Key(#[from] KeyError),
    #[error("the controller's challenge has the wrong length")]
    BadChallenge,
}

/// Why the way back is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lapse {
    /// Our clock says so, and may be wrong.
    ByTheClock,
    /// The controller does not take our certificate.
    Told,
}

impl Link {
    /// Tries the way back once; says what the link is at then. `Online` stands for an identity that is good again.
    pub(super) async fn find_back(&self, lapse: Lapse) -> State {
        let fault = match self.recover(lapse).await {
            Ok(()) => return State::Online,
            Err(fault) => fault,
        };
        let state = match &fault {
            RecoverFault::Call(CallFault::Held(_)) => State::Locked,
            RecoverFault::Call(CallFault::Refused(_)) => State::Refused,
            RecoverFault::Dial(DialFault::Untrusted(_) | DialFault::OutOfTime)
            | RecoverFault::Absurd(_) => State::Untrusted,
            RecoverFault::Dial(_)
            | RecoverFault::Call(CallFault::Later(_))
            | RecoverFault::Reply(_)
            | RecoverFault::Identity(_)
            | RecoverFault::Key(_)
            | RecoverFault::BadChallenge => State::Recovering,
        };
        self.fail(state, &fault);
        state
    }

    async fn recover(&self, lapse: Lapse) -> Result<(), RecoverFault> {
        // A renewal may have come so far that only its proof is missing.
        if let Some((key, granted)) = self.unproven().await? {
            match self.connect(&granted).await {
                Ok(()) => match self.become_granted(granted).await {
                    Ok(()) => return Ok(()),
                    Err(fault) => tracing::warn!(%fault, "the new certificate cannot be kept"),
                },
                // The way back with its key, and no answer, would leave a key in use that two joins know.
                Err(fault @ DialFault::Unreachable(_)) => return Err(fault.into()),
                Err(_) => {
                    self.keep_next(Some(Next { key, granted: None })).await?;
                }
            }
        }
        let member = self.member.borrow().clone();
        let line = self.reach(&member, None).await?;
        let asked = v1::ChallengeRequest { agent_id: member.agent.to_string() };
        let reply = line.enrollment().challenge(patient(asked)).await.map_err(CallFault::from)?;
        let v1::ChallengeReply { nonce, controller_time } = reply.into_inner();
        self.hear_first(&line, controller_time)?;
        if lapse == Lapse::ByTheClock && !self.has_lapsed() {
            // Only our clock was wrong; recoveries are counted, and this would be one for nothing.
            return Ok(());
        }
        if nonce.len() != NONCE {
            return Err(RecoverFault::BadChallenge);
        }
        let _alone = self.papers.lock().await;
        let key = self.key_to_certify().await?.key;
        let request = proof(&member, &nonce, request::make(&key)?)?;
        let reply = line.enrollment().recover(patient(request)).await.map_err(CallFault::from)?;
        let joined = reply.into_inner().joined.unwrap_or_default();
        self.hear(joined.controller_time)?;
        let back = recovered(joined, &member, &key)?;
        let (join, ends) = (back.join.sequence, back.identity.not_after());
        // The old certificate is over, so there is nothing that this has to prove itself against.
        self.become_member(|_| back).await?;
        let folder = self.folder.clone();
        on_disk(move || folder.keep_next(None)).await?;
        tracing::warn!(join, %ends, "the certificate had lapsed; the agent found its way back");
        self.record(Deed::Recovered, &format!("join {join}")).await;
        Ok(())
    }

    /// A new certificate that was not tried, with its key.
    async fn unproven(&self) -> Result<Option<(Arc<Key>, Granted)>, IdentityError> {
        let (folder, now) = (self.folder.clone(), self.clock.now());
        let next = on_disk(move || folder.next()).await?;
        let known = self.member.borrow().identity.key().hash();
        let untried = |granted: &Granted| granted.identity.not_after() > now;
        Ok(next.filter(|next| next.key.hash() != known).and_then(|Next { key, granted }| {
            granted.filter(untried).map(|granted| (key, granted))
        }))
    }

    /// The key of a renewal that was begun, or a new one, on disk. Who calls holds the papers.
    pub(super) async fn key_to_certify(&self) -> Result<Next, IdentityError> {
        let (folder, known) = (self.folder.clone(), self.member.borrow().identity.key().hash());
        on_disk(move || {
            if let Some(next) = folder.next()?.filter(|next| next.key.hash() != known) {
                return Ok(next);
            }
            let next = Next::fresh()?;
            folder.keep_next(Some(&next))?;
            Ok(next)
        })
        .await
    }
}

fn proof(
    member: &Arc<Member>,
    nonce: &[u8],
    certificate_request: Vec<u8>,
) -> Result<v1::RecoverRequest, KeyError> {
    let message = recovery_message(nonce, &member.agent, &certificate_request, &member.join);
    Ok(v1::RecoverRequest {
        agent_id: member.agent.to_string(),
        nonce: nonce.to_vec(),
        proof: member.recovery.sign(&message)?,
        certificate_request,
        join_state: Some(v1::JoinState {
            agent_id: member.join.agent.to_string(),
            sequence: member.join.sequence,
            issued_at: member.join.issued_at.unix(),
            signature: member.join.signature.clone(),
        }),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
