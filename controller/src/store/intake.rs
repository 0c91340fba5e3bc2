//! What agents report: which uploads are committed, their audit chains, and the latest of each device.

use certs::audit::{ChainHead, Record};
use certs::random::digest;
use prost::Message as _;
use proto::wire::finding::{About, Report, Unchanged, digest_form};
use proto::wire::v1;
use proto::{AgentId, DeviceName, SiteName, Stance, Timestamp, Verdict};

use super::cells::{Cells as _, whole};
use super::{Change, Deed, Intake, StoreError, while_doing};

impl Intake {
    /// Everything of this life of the agent's outbox up to here is committed; 0 for nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn committed(&mut self, agent: &AgentId, epoch: &str) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT committed FROM uploads WHERE agent = $1 AND epoch = $2")
            .bind(agent.as_str())
            .bind(epoch)
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(while_doing("looking how far an upload is"))?;
        row.map_or(Ok(0), |row| row.count("committed"))
    }

    /// Notes how far an upload is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_committed(
        &mut self,
        agent: &AgentId,
        epoch: &str,
        committed: u64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO uploads (agent, epoch, committed) VALUES ($1, $2, $3) \
             ON CONFLICT (agent, epoch) DO UPDATE SET committed = excluded.committed",
        )
        .bind(agent.as_str())
        .bind(epoch)
        .bind(whole(committed))
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(while_doing("noting how far an upload is"))
    }

    /// The last record of an agent's audit chain that is here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn chain_head(&mut self, agent: &AgentId) -> Result<ChainHead, StoreError> {
        let row = sqlx::query("SELECT audit_length, audit_hash FROM agents WHERE id = $1")
            .bind(agent.as_str())
            .fetch_one(&mut *self.tx)
            .await
            .map_err(while_doing("looking for an agent's chain"))?;
        Ok(ChainHead { length: row.count("audit_length")?, hash: row.hash("audit_hash")? })
    }

    /// Notes the last record of an agent's audit chain.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_chain_head(
        &mut self,
        agent: &AgentId,
        head: ChainHead,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE agents SET audit_length = $2, audit_hash = $3 WHERE id = $1")
            .bind(agent.as_str())
            .bind(whole(head.length))
            .bind(head.hash.to_vec())
            .execute(&mut *self.tx)
            .await
            .map(drop)
            .map_err(while_doing("noting an agent's chain"))
    }

    /// The hash of a record of an agent's chain that is here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn chain_hash(
        &mut self,
        agent: &AgentId,
        number: u64,
    ) -> Result<Option<[u8; 32]>, StoreError> {
        let row = sqlx::query("SELECT hash FROM agent_audit WHERE agent = $1 AND number = $2")
            .bind(agent.as_str())
            .bind(whole(number))
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(while_doing("looking for a record of an agent"))?;
        row.map(|row| row.hash("hash")).transpose()
    }

    /// Keeps a record of an agent's chain with the hash that came with it. One that is here already stays as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_agent_record(
        &mut self,
        agent: &AgentId,
        record: &Record,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO agent_audit (agent, number, time, deed, subject, detail, hash, arrived_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(agent.as_str())
        .bind(whole(record.number))
        .bind(record.time.unix())
        .bind(&record.deed)
        .bind(&record.subject)
        .bind(&record.detail)
        .bind(hash.to_vec())
        .bind(now.unix())
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(while_doing("keeping a record of an agent"))
    }

    /// How many devices of a site are known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn device_count(&mut self, site: &SiteName) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT COUNT(*) AS known FROM devices WHERE site = $1")
            .bind(site.as_str())
            .fetch_one(&mut *self.tx)
            .await
            .map_err(while_doing("counting devices"))?;
        row.count("known")
    }

    /// Puts a report in the place of whatever was known of the device.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_report(
        &mut self,
        site: &SiteName,
        report: &Report,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let failed = while_doing("keeping a report");
        let mut wire = v1::DeviceReport::from(report);
        let digest = digest(&digest_form(&wire));
        let findings = std::mem::take(&mut wire.findings);
        let count = |verdict: Verdict| {
            let of_measure = report.findings.iter().filter(|found| {
                matches!(found.about, About::Measure(_)) && found.judgment == verdict
            });
            whole(of_measure.count() as u64)
        };
        sqlx::query(
            "INSERT INTO devices (site, device, observed_at, generation, digest, met, unmet, unknown, body, \
             arrived_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (site, device) DO UPDATE SET \
             observed_at = excluded.observed_at, arrived_at = excluded.arrived_at, generation = excluded.generation, digest = excluded.digest, \
             met = excluded.met, unmet = excluded.unmet, unknown = excluded.unknown, body = excluded.body",
        )
        .bind(site.as_str())
        .bind(report.device.as_str())
        .bind(report.observed_at.unix())
        .bind(whole(report.generation))
        .bind(digest.to_vec())
        .bind(count(Verdict::Met))
        .bind(count(Verdict::Unmet))
        .bind(count(Verdict::Unknown))
        .bind(wire.encode_to_vec())
        .bind(now.unix())
        .execute(&mut *self.tx)
        .await
        .map_err(&failed)?;
        sqlx::query("DELETE FROM findings WHERE site = $1 AND device = $2")
            .bind(site.as_str())
            .bind(report.device.as_str())
            .execute(&mut *self.tx)
            .await
            .map_err(&failed)?;
        for (found, wire) in report.findings.iter().zip(findings) {
            sqlx::query(
                "INSERT INTO findings (site, device, about, judgment, stance, waived, body) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(site.as_str())
            .bind(report.device.as_str())
            .bind(found.about.as_str())
            .bind(found.judgment.as_str())
            .bind(word(found.stance))
            .bind(i64::from(found.waived))
            .bind(wire.encode_to_vec())
            .execute(&mut *self.tx)
            .await
            .map_err(&failed)?;
        }
        Ok(())
    }

    /// Notes that a device was looked at again and is as it was; `false` if the report with this digest is not here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn touch_device(
        &mut self,
        site: &SiteName,
        unchanged: &Unchanged,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE devices SET observed_at = $4, generation = $5, arrived_at = $6 \
             WHERE site = $1 AND device = $2 AND digest = $3",
        )
        .bind(site.as_str())
        .bind(unchanged.device.as_str())
        .bind(unchanged.digest.to_vec())
        .bind(unchanged.observed_at.unix())
        .bind(whole(unchanged.generation))
        .bind(now.unix())
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("noting a look at a device"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets a device, what was found on it and where its credentials stood; `false` if it was not known.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_device(
        &mut self,
        site: &SiteName,
        device: &DeviceName,
    ) -> Result<bool, StoreError> {
        let failed = while_doing("forgetting a device");
        sqlx::query("DELETE FROM rotations WHERE site = $1 AND device = $2")
            .bind(site.as_str())
            .bind(device.as_str())
            .execute(&mut *self.tx)
            .await
            .map_err(&failed)?;
        let done = sqlx::query("DELETE FROM devices WHERE site = $1 AND device = $2")
            .bind(site.as_str())
            .bind(device.as_str())
            .execute(&mut *self.tx)
            .await
            .map_err(&failed)?;
        Ok(done.rows_affected() == 1)
    }

    /// Makes it so and leaves records of what of it has to be seen by a person.
    ///
    /// # Errors
    /// [`StoreError`]; then nothing was written.
    pub async fn commit_noting(self, deeds: Vec<Deed>) -> Result<(), StoreError> {
        let mut change = Change { tx: self.tx };
        for deed in deeds {
            change.note(deed).await?;
        }
        Self { tx: change.tx }.commit().await
    }
}

fn word(stance: Stance) -> &'static str {
    match stance {
        Stance::Ignore => "ignore",
        Stance::Report => "report",
        Stance::Enforce => "enforce",
    }
}
