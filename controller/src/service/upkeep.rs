//! Once a day, what is kept no longer is removed: findings of devices that nobody reports any more, old records of agents'
//! chains, old orders and plans, requests that nobody approved. The controller's own audit log is kept for ever, and says what was
//! removed of what agents reported.

use std::sync::Arc;
use std::time::Duration;

use certs::Name;
use proto::Timestamp;

use super::background::chain;
use super::{Refusal, Service};
use crate::clock::wait_until;
use crate::store::Deed;
use crate::store::forget::Old;

/// How often, in seconds.
const EVERY: i64 = 86_400;
/// The same by a clock that nobody can set back.
const AT_LEAST_EVERY: Duration = Duration::from_secs(86_400);
/// How long to wait after a failure, in seconds.
const RETRY: i64 = 600;
/// How long orders are kept, in seconds.
const KEEP_ORDERS: i64 = 30 * 86_400;
/// How long plans are kept, with what became of them, in seconds.
const KEEP_PLANS: i64 = 365 * 86_400;

impl Service {
    pub(super) async fn keep_house(self: Arc<Self>) {
        loop {
            let begun = self.now();
            for words in self.ending() {
                tracing::warn!("{words}");
            }
            let pause = match self.forget_old().await {
                Ok(()) => EVERY,
                Err(error) => {
                    tracing::error!(
                        error = chain(&error),
                        "what is kept no longer was not removed"
                    );
                    RETRY
                }
            };
            let until = Timestamp::from_unix(begun.unix().saturating_add(pause));
            tokio::select! {
                () = wait_until(&*self.clock, until) => {}
                () = tokio::time::sleep(AT_LEAST_EVERY) => {}
            }
        }
    }

    /// Removes what is kept no longer. What it is stands in the audit log before anything is gone.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn forget_old(&self) -> Result<(), Refusal> {
        let now = self.now();
        let before = |life: i64| Timestamp::from_unix(now.unix().saturating_sub(life));
        let devices = before(self.settings.keep_findings);
        let records = before(self.settings.keep_agent_audit);
        let old = self.store.old(devices, records).await?;
        if old != Old::default() {
            let deed = self.removal(&old, (devices, records));
            self.store.change().await?.commit(deed).await?;
        }
        // One table at a time, and a bounded number of rows: nobody waits long behind it.
        for chain in &old.chains {
            while self.store.forget_agent_records(&chain.agent, chain.last).await? > 0 {}
        }
        while self.store.forget_devices(devices).await? {}
        while self.store.forget_orders(before(KEEP_ORDERS)).await? {}
        while self.store.forget_plans(before(KEEP_PLANS)).await? {}
        while self.store.forget_pending(now).await? {}
        Ok(())
    }

    fn removal(&self, old: &Old, (devices, records): (Timestamp, Timestamp)) -> Deed {
        let count: u64 = old.chains.iter().map(|chain| chain.records).sum();
        Deed {
            time: self.now(),
            actor: Name::Controller(self.organisation.clone()).to_string(),
            deed: "old_reports_removed",
            subject: self.organisation.to_string(),
            detail: format!(
                "{} devices not reported since {devices}; {count} audit records of {} agents from before {records}",
                old.devices,
                old.chains.len()
            ),
        }
    }
}
