//! Renews the certificate at half its life, for ever. The machine of [`crate::rotation`] decides, turn by turn, and its
//! journal stands beside the identity's files; what its words mean for the agent's own key is in
//! [`crate::identity::renewal`]. A new certificate replaces the old one only after a real connection with it.

use std::sync::Arc;
use std::time::Duration;

use certs::Clock as _;
use proto::Timestamp;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Link;
use super::backoff::Backoff;
use super::dice;
use super::enroll::on_disk;
use super::renew_hands::{RenewFault, RenewHands};
use crate::clock::wait_until;
use crate::identity::renewal::{Papers, RULES};
use crate::identity::{IdentityError, Next};
use crate::rotate::devices::Devices;
use crate::rotate::{Ended, Job, Turned, turn};
use crate::rotation::attempts::Limit;
use crate::rotation::due::Why;
use crate::store::journal::{Entry, Journal, JournalError};
use crate::store::pooled;
use crate::store::subject::{Kind, Subject};

/// How often it is looked whether the time is known by now.
const TIME_UNKNOWN: Duration = Duration::from_secs(30);

impl Link {
    pub(super) async fn renew(self: &Arc<Self>, stop: &CancellationToken) {
        let mut backoff = Backoff::new(self.pace.first, self.pace.cap);
        loop {
            let taken = tokio::select! {
                taken = self.take_a_turn() => taken,
                () = stop.cancelled() => return,
            };
            let Err(fault) = taken else {
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

    async fn take_a_turn(self: &Arc<Self>) -> Result<(), RenewFault> {
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
        let entry = self.standing_of_the_key().await?;
        let journal = self.folder.journal().clone();
        let clock: certs::SharedClock = self.clock.clone();
        // What is given up is tried again after the link's own waits, which grow.
        let job = Job { retry: 0, ..Job::new(RULES, Limit::default()) };
        // Nobody else takes turns at the agent's key.
        let taken = Devices::default().take(None).expect("the list is new");
        let mut hands = RenewHands::new(self.clone());
        let turned = turn(entry, &job, &mut hands, &journal, &clock, &taken).await?;
        let Turned { ended, steps, .. } = turned;
        tracing::debug!(?ended, ?steps, "took a turn at the certificate's renewal");
        match (ended, hands.fault) {
            (Ended::Settled(until), _) => {
                self.rest(until).await;
                Ok(())
            }
            (_, Some(fault)) => Err(fault),
            (_, None) => Err(RenewFault::Overtaken),
        }
    }

    fn why(&self) -> Why {
        if self.hurry.borrow().is_some() { Why::Command } else { Why::Schedule }
    }

    /// Where the renewal stands by the papers and the journal.
    async fn standing_of_the_key(&self) -> Result<Entry, RenewFault> {
        let papers = self.papers_now().await?;
        if papers.is_over() {
            self.keep_next(None).await?;
        }
        let subject = Subject { device: None, kind: Kind::AgentIdentity };
        let found = recorded(self.folder.journal().clone(), subject.clone()).await;
        let changed = found.as_ref().and_then(|entry| entry.changed);
        let due = self.member.borrow().renew_at();
        let rotation = papers.standing(found.map(|entry| entry.rotation), due);
        let why = self.why();
        let rotation = match why {
            Why::Command => rotation.hurry(self.clock.now()),
            _ => rotation,
        };
        Ok(Entry { subject, rotation, why, changed })
    }

    /// What lies on the disk, by name.
    pub(super) async fn papers_now(&self) -> Result<Papers<proto::SecretId>, IdentityError> {
        let folder = self.folder.clone();
        let next = on_disk(move || folder.next()).await?;
        Ok(Papers::of(&self.member.borrow(), next.as_ref(), self.clock.now()))
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

    pub(super) async fn keep_next(&self, next: Option<Next>) -> Result<(), IdentityError> {
        let _alone = self.papers.lock().await;
        let folder = self.folder.clone();
        on_disk(move || folder.keep_next(next.as_ref())).await
    }
}

/// What the journal says. What it cannot tell is no loss: the papers say enough to go on.
async fn recorded(journal: Journal, subject: Subject) -> Option<Entry> {
    let read = pooled(move || Ok(journal.read(&subject))).await;
    match read.map_err(JournalError::from).and_then(|read| read) {
        Ok(read) => read.map(|read| read.entry),
        Err(error) => {
            tracing::warn!(%error, "where the renewal stood is told by the identity's files");
            None
        }
    }
}
