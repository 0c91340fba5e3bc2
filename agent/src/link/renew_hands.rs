//! The hands of a renewal: they do what [`crate::identity::renewal`] says an effect comes to, and decide nothing.

use std::sync::Arc;

use async_trait::async_trait;
use certs::request;
use proto::wire::v1;
use proto::{SecretId, Timestamp};

use super::Link;
use super::deed::Deed;
use super::dial::DialFault;
use super::enroll::on_disk;
use super::fault::CallFault;
use super::line::{Line, patient};
use super::reach::Absurd;
use super::reply::{BadReply, renewed};
use crate::identity::renewal::{Plan, Work, name};
use crate::identity::{Granted, IdentityError, Next};
use crate::rotate::{Hands, LogsIn};
use crate::rotation::{Effect, Outcome};
use crate::store::journal::{Durable, JournalError};

#[derive(Debug, thiserror::Error)]
pub(super) enum RenewFault {
    #[error(transparent)]
    Call(#[from] CallFault),
    #[error(transparent)]
    Absurd(#[from] Absurd),
    #[error(transparent)]
    Reply(#[from] BadReply),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the new certificate has no connection yet: {0}")]
    Unproven(DialFault),
    #[error("the new certificate was not accepted: {0}")]
    NotAccepted(DialFault),
    #[error("a key cannot be used")]
    Key(#[from] certs::key::KeyError),
    #[error("something else changed the agent's identity meanwhile")]
    Overtaken,
}

/// Hands for one turn.
pub(super) struct RenewHands {
    link: Arc<Link>,
    /// What went wrong last.
    pub(super) fault: Option<RenewFault>,
}

impl RenewHands {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link, fault: None }
    }
}

#[async_trait]
impl Hands for RenewHands {
    async fn perform(&mut self, effect: &Durable<Effect<SecretId>>) -> Outcome<SecretId> {
        match self.link.renewing(effect.get()).await {
            Ok(outcome) => outcome,
            Err(fault) => {
                let outcome = concluded(&fault);
                self.fault = Some(fault);
                outcome
            }
        }
    }

    fn logs_in(&self, _: &Effect<SecretId>) -> LogsIn {
        // Nobody counts certificates that are refused.
        LogsIn::No
    }

    fn due(&self, _: Timestamp) -> Timestamp {
        self.link.member.borrow().renew_at()
    }
}

fn concluded(fault: &RenewFault) -> Outcome<SecretId> {
    match fault {
        RenewFault::NotAccepted(_) => Outcome::Refused,
        RenewFault::Call(_)
        | RenewFault::Absurd(_)
        | RenewFault::Reply(_)
        | RenewFault::Identity(_)
        | RenewFault::Journal(_)
        | RenewFault::Unproven(_)
        | RenewFault::Key(_)
        | RenewFault::Overtaken => Outcome::Unknown,
    }
}

impl Link {
    async fn renewing(&self, effect: &Effect<SecretId>) -> Result<Outcome<SecretId>, RenewFault> {
        let work = match self.papers_now().await?.plan(effect) {
            Plan::Known(outcome) => return Ok(outcome),
            Plan::Do(work) => work,
        };
        match work {
            Work::MakeKey => {
                let _alone = self.papers.lock().await;
                let next = self.key_to_certify().await?;
                return Ok(Outcome::Minted { next: name(&next.key), second: None });
            }
            Work::Ask => {
                let line = self.some_line().await;
                // The way back may have led to that line, and taken the key.
                if self.papers_now().await?.plan(effect) != Plan::Do(Work::Ask) {
                    return Ok(Outcome::NotSent);
                }
                let next = self.next().await?;
                let granted = self.ask(&line, &next).await?;
                self.keep_next(Some(Next { granted: Some(granted), ..next })).await?;
            }
            Work::Connect => {
                let granted = self.granted().await?;
                self.connect(&granted).await.map_err(|fault| match fault {
                    DialFault::Unreachable(_) => RenewFault::Unproven(fault),
                    fault => RenewFault::NotAccepted(fault),
                })?;
            }
            Work::Become => self.become_granted(self.granted().await?).await?,
            Work::Forget => self.keep_next(None).await?,
        }
        Ok(Outcome::Done)
    }

    async fn next(&self) -> Result<Next, RenewFault> {
        let folder = self.folder.clone();
        on_disk(move || folder.next()).await?.ok_or(RenewFault::Overtaken)
    }

    async fn granted(&self) -> Result<Granted, RenewFault> {
        self.next().await?.granted.ok_or(RenewFault::Overtaken)
    }

    /// Waits for a line.
    pub(super) async fn some_line(&self) -> Line {
        let mut lines = self.line.subscribe();
        loop {
            if let Some(line) = lines.borrow_and_update().clone() {
                return line;
            }
            if lines.changed().await.is_err() {
                // The link itself is gone; whoever waits is stopped in a moment.
                std::future::pending::<()>().await;
            }
        }
    }

    async fn ask(&self, line: &Line, next: &Next) -> Result<Granted, RenewFault> {
        let certificate_request = request::make(&next.key)?;
        let asked = v1::RenewRequest { certificate_request };
        let reply = line.agent().renew(patient(asked)).await.map_err(CallFault::from)?;
        let reply = reply.into_inner();
        self.hear(reply.controller_time)?;
        let member = self.member.borrow().clone();
        Ok(renewed(reply, &member, &next.key)?)
    }

    /// A real connection with it, which is let go at once.
    pub(super) async fn connect(&self, granted: &Granted) -> Result<(), DialFault> {
        let member = self.member.borrow().clone();
        let candidate = member.renewed(granted.identity.clone(), granted.trust.clone());
        self.reach(&candidate, Some(&granted.identity)).await.map(drop)
    }

    /// From now on the box is that, and nothing is next.
    pub(super) async fn become_granted(&self, granted: Granted) -> Result<(), RenewFault> {
        let ends = granted.identity.not_after();
        let alone = self.papers.lock().await;
        self.become_member(|member| member.renewed(granted.identity, granted.trust)).await?;
        // At once, so that the new line's first word tells it.
        if let Some(order) = self.hurry.send_replace(None) {
            self.done(order);
        }
        let folder = self.folder.clone();
        on_disk(move || folder.keep_next(None)).await?;
        drop(alone);
        tracing::info!(%ends, "the certificate was renewed");
        self.record(Deed::Renewed, &format!("until {ends}")).await;
        Ok(())
    }
}
