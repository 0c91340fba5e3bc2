//! Renews the certificate at half its life, for ever: one step after the other, each decided from what is on disk
//! ([`crate::identity::renewal`]). A new certificate replaces the old one only after a real connection with it.

use std::sync::Arc;
use std::time::Duration;

use certs::{Clock as _, request};
use proto::Timestamp;
use proto::wire::v1;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Link;
use super::backoff::Backoff;
use super::deed::Deed;
use super::dial::DialFault;
use super::dice;
use super::enroll::on_disk;
use super::fault::CallFault;
use super::line::{Line, patient};
use super::reach::Absurd;
use super::reply::{BadReply, renewed};
use crate::clock::wait_until;
use crate::identity::renewal::{Hurry, Step, step};
use crate::identity::{Granted, IdentityError, Next};

/// How often it is looked whether the time is known by now.
const TIME_UNKNOWN: Duration = Duration::from_secs(30);

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
    #[error("the new certificate has no connection yet: {0}")]
    Unproven(DialFault),
    #[error("the new certificate was not accepted, and is given up: {0}")]
    NotAccepted(DialFault),
    #[error("a key cannot be used")]
    Key(#[from] certs::key::KeyError),
}

impl Link {
    pub(super) async fn renew(self: &Arc<Self>, stop: &CancellationToken) {
        let mut backoff = Backoff::new(self.pace.first, self.pace.cap);
        loop {
            let stepped = tokio::select! {
                stepped = self.one_step() => stepped,
                () = stop.cancelled() => return,
            };
            let Err(fault) = stepped else {
                backoff.reset();
                continue;
            };
            tracing::warn!(%fault, "the certificate could not be renewed; it is tried again");
            tokio::select! {
                () = sleep(backoff.next(dice())) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn one_step(self: &Arc<Self>) -> Result<(), RenewFault> {
        // Before the look at the clock: what moves it in between is heard.
        let moved = self.clock.moved();
        if !self.clock.is_known() {
            tokio::select! {
                () = moved => {}
                () = sleep(TIME_UNKNOWN) => {}
            }
            return Ok(());
        }
        drop(moved);
        let folder = self.folder.clone();
        let next = on_disk(move || folder.next()).await?;
        let member = self.member.borrow().clone();
        let ordered = self.hurry.borrow().is_some();
        let hurry = if ordered { Hurry::Ordered } else { Hurry::None };
        match step(&member, next.as_ref(), hurry, self.clock.now()) {
            Step::Wait(until) => self.rest(until).await,
            Step::MakeKey => self.keep_next(Some(Next::fresh()?)).await?,
            Step::Ask(next) => {
                let line = self.some_line().await;
                let granted = self.ask(&line, &next).await?;
                self.keep_next(Some(Next { granted: Some(granted), ..next })).await?;
            }
            Step::Prove(granted) => self.prove(granted).await?,
            Step::Forget => self.keep_next(None).await?,
        }
        Ok(())
    }

    /// Until then, or until something else decides.
    async fn rest(&self, until: Timestamp) {
        let (mut hurry, mut member) = (self.hurry.subscribe(), self.member.subscribe());
        hurry.mark_unchanged();
        member.mark_unchanged();
        tokio::select! {
            () = wait_until(&*self.clock, until) => {}
            _ = hurry.changed() => {}
            _ = member.changed() => {}
        }
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

    pub(super) async fn prove(&self, granted: Granted) -> Result<(), RenewFault> {
        let member = self.member.borrow().clone();
        let candidate = member.renewed(granted.identity.clone(), granted.trust.clone());
        match self.reach(&candidate, Some(&granted.identity)).await {
            Ok(_) => {}
            Err(fault @ DialFault::Unreachable(_)) => return Err(RenewFault::Unproven(fault)),
            Err(fault) => {
                self.keep_next(None).await?;
                return Err(RenewFault::NotAccepted(fault));
            }
        }
        let ends = granted.identity.not_after();
        {
            let _alone = self.papers.lock().await;
            self.become_member(|member| member.renewed(granted.identity, granted.trust)).await?;
        }
        if let Some(order) = self.hurry.send_replace(None) {
            self.done(order);
        }
        tracing::info!(%ends, "the certificate was renewed");
        self.record(Deed::Renewed, &format!("until {ends}")).await;
        Ok(())
    }

    async fn keep_next(&self, next: Option<Next>) -> Result<(), IdentityError> {
        let _alone = self.papers.lock().await;
        let folder = self.folder.clone();
        on_disk(move || folder.keep_next(next.as_ref())).await
    }
}
