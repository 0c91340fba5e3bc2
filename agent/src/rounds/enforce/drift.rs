//! After each look: whether somebody changed back what the policy enforces, and who was there.

use proto::DeviceName;

use super::proven::{Looks, Proven};
use crate::facts::Observation;
use crate::rounds::Rounds;
use crate::rounds::kept::Kept;
use crate::rounds::outlet::Deed;

impl Rounds {
    /// Compares a look that worked with the last proven configuration. `before` is what was kept of the device until now.
    pub(in crate::rounds) async fn look_for_drift(
        &mut self,
        look: &Observation,
        before: Option<&Kept>,
        lines: Option<Vec<String>>,
    ) {
        let (Some(site), Some(yardstick)) = (self.site.clone(), self.yardstick.clone()) else {
            return;
        };
        let Ok(facts_now) = &look.outcome else { return };
        let name = &look.device.name;
        let judge = |kept: &Kept| kept.judge(&site.file, &yardstick).0;
        let now = judge(&Kept::after(look.clone(), None));
        let then = before.map(judge).unwrap_or_default();
        let known = self.supplies.shelf.fetch(&key(name)).await;
        let known = known.and_then(|bytes| Proven::from_bytes(&bytes));
        let looks = Looks {
            at: look.observed_at,
            lines,
            then: &then,
            now: &now,
            facts_then: before.and_then(Kept::seen).and_then(|seen| seen.outcome.as_ref().ok()),
            facts_now,
        };
        let (learnt, is_news) = Proven::learn(known.clone(), looks);
        let sign = learnt.as_ref().and_then(Proven::sign);
        if is_news && let Some(told) = learnt.as_ref().and_then(Proven::told) {
            tracing::warn!(device = %name, "what the policy enforces was changed back: {told}");
            self.audit(Deed::DriftFound, name.as_str(), &told).await;
        }
        match sign {
            Some(sign) => self.enforcement.signs.insert(name.clone(), sign),
            None => self.enforcement.signs.remove(name),
        };
        if learnt != known
            && let Some(learnt) = learnt
        {
            self.put(&key(name), Some(learnt.to_bytes())).await;
        }
    }
}

fn key(name: &DeviceName) -> String {
    format!("proven/{name}")
}
