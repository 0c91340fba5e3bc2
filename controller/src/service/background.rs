//! What the controller does by itself: it writes down what agents told, sends what should be to whoever lacks it, and
//! keeps its own audit log's head at hand. What is kept no longer is removed by `upkeep`.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::backup::BACKUP_TAKEN;
use super::{Refusal, Service};

/// How often what agents told is written.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// Writes of one transaction: nobody else waits for longer than these take.
const BATCH: usize = 200;
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// Rounds of writing between looks at who has not heard of our audit log for long.
const SPREAD_EVERY: u32 = 60;
/// Nobody goes without our audit log's head for longer than about this, in seconds.
const SILENCE: i64 = 3600;
/// Rounds of writing between notes that those who are connected were seen.
const SEEN_EVERY: u32 = 300;

impl Service {
    /// Learns from the books what has to be answered from memory. To be done once, before anybody is let in.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn load(&self) -> Result<(), Refusal> {
        for (id, site, standing) in self.store.standings().await? {
            self.standings.set_agent(id, site, standing);
        }
        for (name, role) in self.store.operator_roles().await? {
            self.standings.set_operator(name, role);
        }
        self.load_desired().await?;
        self.load_orders().await?;
        self.load_recipients().await?;
        self.live.set_head(self.store.audit_head().await?);
        if let Some(at) = self.store.last_deed(BACKUP_TAKEN).await? {
            self.meters.backed_up(at);
        }
        Ok(())
    }

    /// Works until it is stopped, and writes down what is left then.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let sender = self.clone().send_desired();
        let writer = self.clone().write_told();
        let trust = self.clone().spread_trust();
        let keeper = self.clone().keep_house();
        let shown = self.clone().watch_shown();
        tokio::select! {
            () = stop.cancelled() => {}
            () = sender => {}
            () = writer => {}
            () = trust => {}
            () = keeper => {}
            () = shown => {}
        }
        if let Err(error) = self.write_once().await {
            tracing::error!(error = chain(&error), "what agents told last could not be written");
        }
    }

    async fn send_desired(self: Arc<Self>) {
        loop {
            self.desired.wanted().await;
            while let Err(error) = self.send_wanted().await {
                tracing::error!(error = chain(&error), "what sites should be could not be read");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn spread_trust(self: Arc<Self>) {
        let mut changes = self.authorities.changes();
        // The service holds the other end as long as it lives.
        while changes.changed().await.is_ok() {
            self.trust_changed();
        }
    }

    async fn write_told(self: Arc<Self>) {
        let mut round = 0_u32;
        loop {
            tokio::time::sleep(WRITE_EVERY).await;
            if let Err(error) = self.write_once().await {
                tracing::error!(error = chain(&error), "what agents told could not be written");
                tokio::time::sleep(PAUSE).await;
            }
            round = round.wrapping_add(1);
            if round.is_multiple_of(SPREAD_EVERY) {
                self.live.spread_head(self.now(), SILENCE);
            }
            if round.is_multiple_of(SEEN_EVERY) {
                self.live.note_seen(self.now());
            }
        }
    }

    /// Writes down what agents told since the last time.
    ///
    /// # Errors
    /// [`Refusal::Failed`]; what was not written is kept.
    pub async fn write_once(&self) -> Result<(), Refusal> {
        self.live.set_head(self.store.audit_head().await?);
        let done = self.orders.take_unwritten();
        if let Err(error) = self.write_done(&done).await {
            self.orders.put_back(done);
            return Err(error);
        }
        let mut rest: Vec<_> = self.live.take_unwritten().into_iter().collect();
        while !rest.is_empty() {
            let batch = rest.split_off(rest.len().saturating_sub(BATCH));
            if let Err(error) = self.write_batch(&batch).await {
                self.live.put_back(batch.into_iter().chain(rest));
                return Err(error);
            }
        }
        Ok(())
    }

    async fn write_done(
        &self,
        done: &[(proto::wire::policy::OrderId, proto::Timestamp)],
    ) -> Result<(), Refusal> {
        if done.is_empty() {
            return Ok(());
        }
        let mut intake = self.store.intake().await?;
        for (id, at) in done {
            intake.order_done(id.as_str(), *at).await?;
        }
        Ok(intake.commit().await?)
    }

    async fn write_batch(
        &self,
        batch: &[(proto::AgentId, crate::store::Told)],
    ) -> Result<(), Refusal> {
        let mut intake = self.store.intake().await?;
        for (agent, told) in batch {
            intake.agent_told(agent, told).await?;
        }
        Ok(intake.commit().await?)
    }
}

/// An error and what caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
