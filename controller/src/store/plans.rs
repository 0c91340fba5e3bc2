//! Plans that agents made, to be shown, and what became of them.

use prost::Message as _;
use proto::wire::plan::{Applied, PlanPart};
use proto::wire::policy::OrderId;
use proto::wire::v1;
use proto::{SiteName, Timestamp};
use sqlx::any::AnyRow;

use super::cells::{Cells as _, nonsense, whole};
use super::{Change, Intake, Store, StoreError, while_doing};

/// Plans of one site that are kept; the oldest goes for a new one.
const MOST_OF_SITE: i64 = 200;
/// Devices of one plan of which it is kept what became.
const MOST_RESULTS: u64 = 2000;

/// A plan, without what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub id: OrderId,
    /// Where.
    pub site: SiteName,
    /// Who ordered it; empty for what the policy had done unattended.
    pub ordered_by: String,
    /// What is known once all of it has come.
    pub made: Option<Made>,
    /// Who ordered that it be carried out, and when.
    pub applied: Option<(String, Timestamp)>,
    /// Whether anything of what became of it has come.
    pub begun: bool,
    /// Whether something went wrong; nothing until it ended.
    pub failed: Option<bool>,
}

/// A plan that has come whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// When it was made, by the agent's clock.
    pub at: Timestamp,
    /// Afterwards it is not carried out any more.
    pub expires_at: Timestamp,
    /// Over the plan as the agent keeps it.
    pub digest: [u8; 32],
    /// Devices with steps.
    pub devices: u64,
    /// Steps of all.
    pub steps: u64,
}

const SELECT: &str = "SELECT p.id, p.site, p.ordered_by, p.digest, p.made_at, p.expires_at, p.parts, p.applied_by, \
     p.applied_at, p.failed, (SELECT COUNT(*) FROM plan_parts a WHERE a.plan = p.id) AS came, \
     (SELECT COUNT(*) FROM plan_results r WHERE r.plan = p.id) AS results, \
     (SELECT COALESCE(SUM(a.devices), 0) FROM plan_parts a WHERE a.plan = p.id) AS devices, \
     (SELECT COALESCE(SUM(a.steps), 0) FROM plan_parts a WHERE a.plan = p.id) AS steps FROM plans p";

fn plan(row: &AnyRow) -> Result<Plan, StoreError> {
    let parts = row.count("parts")?;
    let made = if parts > 0 && row.count("came")? == parts {
        Some(Made {
            at: row.time("made_at")?,
            expires_at: row.time("expires_at")?,
            digest: row.hash("digest")?,
            devices: row.count("devices")?,
            steps: row.count("steps")?,
        })
    } else {
        None
    };
    let by = row.text("applied_by")?;
    Ok(Plan {
        id: row.word("id")?,
        site: row.word("site")?,
        ordered_by: row.text("ordered_by")?,
        made,
        applied: row.maybe_time("applied_at")?.map(|at| (by, at)),
        begun: row.count("results")? > 0,
        failed: row.maybe_int("failed")?.map(|failed| failed != 0),
    })
}

impl Store {
    /// Plans, the newest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn plans(
        &self,
        site: Option<&SiteName>,
        limit: u32,
    ) -> Result<Vec<Plan>, StoreError> {
        let sql = format!(
            "{SELECT} WHERE ($1 = '' OR p.site = $1) ORDER BY p.created_at DESC, p.id LIMIT $2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(site.map_or("", SiteName::as_str))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(while_doing("listing plans"))?;
        rows.iter().map(plan).collect()
    }

    /// The plans whose name begins so, at most two.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn plans_named(&self, beginning: &str) -> Result<Vec<Plan>, StoreError> {
        let sql = format!("{SELECT} WHERE p.id LIKE $1 || '%' ORDER BY p.id LIMIT 2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(beginning)
            .fetch_all(&self.readers)
            .await
            .map_err(while_doing("looking for a plan"))?;
        rows.iter().map(plan).collect()
    }

    /// What is in a plan, part by part.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn plan_parts(&self, id: &OrderId) -> Result<Vec<v1::PlanReport>, StoreError> {
        let rows = sqlx::query("SELECT body FROM plan_parts WHERE plan = $1 ORDER BY number")
            .bind(id.as_str())
            .fetch_all(&self.readers)
            .await
            .map_err(while_doing("reading a plan"))?;
        let read = |row: &AnyRow| {
            v1::PlanReport::decode(&*row.bytes("body")?).map_err(|_| nonsense("body"))
        };
        rows.iter().map(read).collect()
    }

    /// What became of a plan's devices, by name, and of the whole before them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn plan_results(&self, id: &OrderId) -> Result<Vec<v1::AppliedReport>, StoreError> {
        let rows = sqlx::query("SELECT body FROM plan_results WHERE plan = $1 ORDER BY device")
            .bind(id.as_str())
            .fetch_all(&self.readers)
            .await
            .map_err(while_doing("reading what became of a plan"))?;
        let read = |row: &AnyRow| {
            v1::AppliedReport::decode(&*row.bytes("body")?).map_err(|_| nonsense("body"))
        };
        rows.iter().map(read).collect()
    }
}

impl Change {
    /// Notes a plan that was ordered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn add_plan(
        &mut self,
        site: &SiteName,
        id: &OrderId,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO plans (id, site, ordered_by, created_at, parts, applied_by) VALUES ($1, $2, $3, $4, 0, '')",
        )
        .bind(id.as_str())
        .bind(site.as_str())
        .bind(by)
        .bind(now.unix())
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(while_doing("noting a plan"))
    }

    /// Notes who ordered that a plan be carried out; `false` if somebody did before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn plan_applied(
        &mut self,
        id: &OrderId,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE plans SET applied_by = $2, applied_at = $3 WHERE id = $1 AND applied_at IS NULL AND failed IS NULL",
        )
        .bind(id.as_str())
        .bind(by)
        .bind(now.unix())
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("noting that a plan is carried out"))?;
        Ok(done.rows_affected() == 1)
    }
}

impl Intake {
    /// Keeps a part of a plan. `false` if a plan of that name is another site's, or another one: then nothing is kept.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_plan_part(
        &mut self,
        site: &SiteName,
        part: &PlanPart,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let failed = while_doing("keeping a plan");
        let body = part.body();
        if body.unattended {
            sqlx::query(
                "INSERT INTO plans (id, site, ordered_by, created_at, parts, applied_by) VALUES ($1, $2, '', $3, 0, '') \
                 ON CONFLICT DO NOTHING",
            )
            .bind(part.id.as_str())
            .bind(site.as_str())
            .bind(now.unix())
            .execute(&mut *self.tx)
            .await
            .map_err(&failed)?;
            self.forget_plans_beyond(site).await?;
        }
        let known = sqlx::query(
            "UPDATE plans SET digest = $3, made_at = $4, expires_at = $5, parts = $6 WHERE id = $1 AND site = $2 \
             AND (parts = 0 OR (digest = $3 AND parts = $6)) AND (ordered_by = '') = ($7 = 1)",
        )
        .bind(part.id.as_str())
        .bind(site.as_str())
        .bind(part.digest.to_vec())
        .bind(part.made_at.unix())
        .bind(part.expires_at.unix())
        .bind(i64::from(body.of))
        .bind(i64::from(body.unattended))
        .execute(&mut *self.tx)
        .await
        .map_err(&failed)?;
        if known.rows_affected() != 1 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO plan_parts (plan, number, devices, steps, body) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT DO NOTHING",
        )
        .bind(part.id.as_str())
        .bind(i64::from(body.number))
        .bind(whole(part.devices().count() as u64))
        .bind(whole(part.steps() as u64))
        .bind(body.encode_to_vec())
        .execute(&mut *self.tx)
        .await
        .map_err(&failed)?;
        Ok(true)
    }

    /// Keeps what became of a plan or of one of its devices; the first that is told counts. `false` if the site has no
    /// such plan, or nothing more is kept of it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn put_applied(
        &mut self,
        site: &SiteName,
        applied: &Applied,
    ) -> Result<bool, StoreError> {
        let failed = while_doing("keeping what became of a plan");
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM plans WHERE id = $1 AND site = $2) AS known, \
             (SELECT COUNT(*) FROM plan_results WHERE plan = $1) AS results",
        )
        .bind(applied.plan.as_str())
        .bind(site.as_str())
        .fetch_one(&mut *self.tx)
        .await
        .map_err(&failed)?;
        if row.count("known")? != 1 || row.count("results")? > MOST_RESULTS {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO plan_results (plan, device, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(applied.plan.as_str())
        .bind(applied.device.as_ref().map_or("", proto::DeviceName::as_str))
        .bind(applied.body().encode_to_vec())
        .execute(&mut *self.tx)
        .await
        .map_err(&failed)?;
        if let Some(went_wrong) = applied.failed() {
            sqlx::query("UPDATE plans SET failed = $2 WHERE id = $1 AND failed IS NULL")
                .bind(applied.plan.as_str())
                .bind(i64::from(went_wrong))
                .execute(&mut *self.tx)
                .await
                .map_err(&failed)?;
        }
        Ok(true)
    }

    async fn forget_plans_beyond(&mut self, site: &SiteName) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM plans WHERE site = $1 AND id NOT IN \
             (SELECT id FROM plans WHERE site = $1 ORDER BY created_at DESC, id LIMIT $2)",
        )
        .bind(site.as_str())
        .bind(MOST_OF_SITE)
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(while_doing("removing old plans"))
    }
}
