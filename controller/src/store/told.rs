//! What live agents tell of themselves, written many at a time.

use proto::wire::halt::Halt;
use proto::{AgentId, DeviceName, Timestamp};

use super::cells::whole;
use super::{Intake, StoreError, Told, while_doing};

impl Intake {
    /// Notes what an agent told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn agent_told(&mut self, id: &AgentId, told: &Told) -> Result<(), StoreError> {
        let seconds = |time: Option<Timestamp>| time.map_or(0, Timestamp::unix);
        sqlx::query(
            "UPDATE agents SET version = $2, last_seen = $3, generation = $4, trust_generation = $5, \
             outbox_records = $6, outbox_oldest = $7, clock_offset = $8, time_known = $9, started_at = $10, \
             witnessed_length = $11, witnessed_hash = $12 WHERE id = $1",
        )
        .bind(id.as_str())
        .bind(&told.version)
        .bind(seconds(told.last_seen))
        .bind(whole(told.generation))
        .bind(whole(told.trust_generation))
        .bind(whole(told.outbox_records))
        .bind(seconds(told.outbox_oldest))
        .bind(told.clock_offset)
        .bind(i64::from(told.time_known))
        .bind(seconds(told.started_at))
        .bind(whole(told.witnessed.length))
        .bind(told.witnessed.hash.to_vec())
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("noting what an agent told"))?;
        self.agent_halted(id, told.halted.as_ref()).await
    }

    async fn agent_halted(&mut self, id: &AgentId, halt: Option<&Halt>) -> Result<(), StoreError> {
        let query = match halt {
            None => sqlx::query("DELETE FROM halts WHERE agent = $1").bind(id.as_str()),
            Some(halt) => sqlx::query(
                "INSERT INTO halts (agent, device, why, since) VALUES ($1, $2, $3, $4) ON CONFLICT (agent) \
                 DO UPDATE SET device = excluded.device, why = excluded.why, since = excluded.since",
            )
            .bind(id.as_str())
            .bind(halt.device.as_ref().map_or("", DeviceName::as_str))
            .bind(&halt.why)
            .bind(halt.since.unix()),
        };
        let done = query.execute(&mut *self.tx).await;
        done.map(drop).map_err(while_doing("noting that an agent halted"))
    }
}
