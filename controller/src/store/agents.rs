//! Agents: who they are, whether they are welcome, and what they last told of themselves.

use proto::wire::halt::Halt;
use proto::{AgentId, OperatorName, Role, SiteName, Timestamp};
use sqlx::any::AnyRow;

use super::cells::{Cells as _, nonsense, whole};
use super::{Change, Store, StoreError, while_doing};

/// Whether an agent is welcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    Active,
    /// Two boxes claimed to be it: neither is let in until an operator decides.
    Locked,
    /// Never again.
    Revoked,
    /// Another box took its place.
    Replaced,
}

impl Standing {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Locked => "locked",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
        }
    }
}

impl std::str::FromStr for Standing {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        [Self::Active, Self::Locked, Self::Revoked, Self::Replaced]
            .into_iter()
            .find(|standing| standing.as_str() == word)
            .ok_or(())
    }
}

/// An agent as the books have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its name.
    pub id: AgentId,
    /// The site it serves.
    pub site: SiteName,
    /// Whether it is welcome.
    pub standing: Standing,
    /// Why it is not, in an operator's or the controller's words.
    pub reason: String,
    /// What its machine calls itself.
    pub host: String,
    /// When it joined.
    pub enrolled_at: Timestamp,
    /// Its recovery key (SubjectPublicKeyInfo, DER).
    pub recovery_key: Vec<u8>,
    /// The number of its last join.
    pub join_sequence: u64,
    /// How often it came back by its recovery key.
    pub recoveries: u64,
    /// SHA-256 of the key that the last recovery was for; `None` if there was none.
    pub recovered_key: Option<[u8; 32]>,
    /// When its newest certificate ends.
    pub certificate_ends: Timestamp,
    /// The last record of its own audit chain that it reported.
    pub reported: certs::audit::ChainHead,
    /// What it last told.
    pub told: Told,
}

/// What an agent tells of itself, and when it was last heard of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its version.
    pub version: String,
    /// When it was last connected; `None` for never.
    pub last_seen: Option<Timestamp>,
    /// Generation of the desired state it holds.
    pub generation: u64,
    /// Generation of the trust bundle it holds.
    pub trust_generation: u64,
    /// Records waiting in its outbox.
    pub outbox_records: u64,
    /// Time of the oldest of them.
    pub outbox_oldest: Option<Timestamp>,
    /// Its clock minus ours, in seconds.
    pub clock_offset: i64,
    /// Whether it believes its clock.
    pub time_known: bool,
    /// When it was last started.
    pub started_at: Option<Timestamp>,
    /// How much of our audit log it has seen.
    pub witnessed: certs::audit::ChainHead,
    /// Why it changes nothing unattended, if that is halted.
    pub halted: Option<Halt>,
}

/// A site's place for one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// There is no such site.
    NoSite,
    /// Nobody serves it.
    Free,
    /// This agent does, or is locked.
    Taken(AgentId),
}

/// An agent that joins.
#[derive(Clone, Debug)]
pub struct NewAgent {
    /// Its name.
    pub id: AgentId,
    /// The site it is to serve.
    pub site: SiteName,
    /// What its machine calls itself.
    pub host: String,
    /// Its version.
    pub version: String,
    /// When it joins.
    pub enrolled_at: Timestamp,
    /// Its recovery key (SubjectPublicKeyInfo, DER).
    pub recovery_key: Vec<u8>,
    /// When its certificate ends.
    pub certificate_ends: Timestamp,
}

/// A join by the recovery key.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    /// The number of the join before it.
    pub from: u64,
    /// The number of this join.
    pub to: u64,
    /// SHA-256 of the key that it is for.
    pub key: [u8; 32],
    /// When the new certificate ends.
    pub certificate_ends: Timestamp,
}

const COLUMNS: &str = "SELECT id, site, standing, reason, host, version, enrolled_at, recovery_key, join_sequence, \
                       recoveries, recovered_key, certificate_ends, last_seen, generation, trust_generation, \
                       outbox_records, outbox_oldest, clock_offset, time_known, started_at, witnessed_length, \
                       witnessed_hash, audit_length, audit_hash, COALESCE(h.device, '') AS halt_device, \
                       COALESCE(h.why, '') AS halt_why, COALESCE(h.since, 0) AS halt_since \
                       FROM agents LEFT JOIN halts h ON h.agent = agents.id";

fn halt(row: &AnyRow) -> Result<Option<Halt>, StoreError> {
    let (why, device) = (row.text("halt_why")?, row.text("halt_device")?);
    if why.is_empty() {
        return Ok(None);
    }
    let device = (!device.is_empty()).then(|| device.parse()).transpose();
    let device = device.map_err(|_| nonsense("device"))?;
    Ok(Some(Halt { why, since: row.time("halt_since")?, device }))
}

fn agent(row: &AnyRow) -> Result<Agent, StoreError> {
    let recovered_key = row.bytes("recovered_key")?;
    let is_set = |time: Timestamp| time.unix() != 0;
    let told = Told {
        version: row.text("version")?,
        last_seen: Some(row.time("last_seen")?).filter(|time| is_set(*time)),
        generation: row.count("generation")?,
        trust_generation: row.count("trust_generation")?,
        outbox_records: row.count("outbox_records")?,
        outbox_oldest: Some(row.time("outbox_oldest")?).filter(|time| is_set(*time)),
        clock_offset: row.int("clock_offset")?,
        time_known: row.yes("time_known")?,
        started_at: Some(row.time("started_at")?).filter(|time| is_set(*time)),
        witnessed: certs::audit::ChainHead {
            length: row.count("witnessed_length")?,
            hash: row.hash("witnessed_hash")?,
        },
        halted: halt(row)?,
    };
    Ok(Agent {
        id: row.word("id")?,
        site: row.word("site")?,
        standing: row.word("standing")?,
        reason: row.text("reason")?,
        host: row.text("host")?,
        enrolled_at: row.time("enrolled_at")?,
        recovery_key: row.bytes("recovery_key")?,
        join_sequence: row.count("join_sequence")?,
        recoveries: row.count("recoveries")?,
        recovered_key: match recovered_key.as_slice() {
            [] => None,
            key => Some(key.try_into().map_err(|_| nonsense("recovered_key"))?),
        },
        certificate_ends: row.time("certificate_ends")?,
        reported: certs::audit::ChainHead {
            length: row.count("audit_length")?,
            hash: row.hash("audit_hash")?,
        },
        told,
    })
}

impl Store {
    /// Every agent, or those that serve or served one site; by site, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn agents(&self, site: Option<&SiteName>) -> Result<Vec<Agent>, StoreError> {
        const ORDER: &str = "ORDER BY site, enrolled_at DESC, id";
        let sql = match site {
            Some(_) => format!("{COLUMNS} WHERE site = $1 {ORDER}"),
            None => format!("{COLUMNS} {ORDER}"),
        };
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        if let Some(site) = site {
            query = query.bind(site.to_string());
        }
        let rows = query.fetch_all(&self.readers).await;
        rows.map_err(while_doing("listing agents"))?.iter().map(agent).collect()
    }

    /// One agent.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn agent(&self, id: &AgentId) -> Result<Option<Agent>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = $1"));
        let row = sqlx::query(sql).bind(id.to_string()).fetch_optional(&self.readers).await;
        row.map_err(while_doing("looking for an agent"))?.as_ref().map(agent).transpose()
    }

    /// The agents that hold their site's place: active and locked ones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn standings(&self) -> Result<Vec<(AgentId, SiteName, Standing)>, StoreError> {
        let sql = "SELECT id, site, standing FROM agents WHERE standing IN ('active', 'locked')";
        let rows = sqlx::query(sql).fetch_all(&self.readers).await;
        let rows = rows.map_err(while_doing("listing who is welcome"))?;
        rows.iter()
            .map(|row| Ok((row.word("id")?, row.word("site")?, row.word("standing")?)))
            .collect()
    }

    /// Operators who were not removed, and what they may do.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn operator_roles(&self) -> Result<Vec<(OperatorName, Role)>, StoreError> {
        let sql = "SELECT name, role FROM operators WHERE removed_at IS NULL";
        let rows = sqlx::query(sql).fetch_all(&self.readers).await;
        let rows = rows.map_err(while_doing("listing operators"))?;
        let role = |word: &str| Role::ALL.into_iter().find(|role| role.as_str() == word);
        rows.iter()
            .map(|row| {
                Ok((row.word("name")?, role(&row.text("role")?).ok_or_else(|| nonsense("role"))?))
            })
            .collect()
    }
}

impl Change {
    /// Who holds a site's place.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn place(&mut self, site: &SiteName) -> Result<Place, StoreError> {
        let row = sqlx::query(
            "SELECT a.id AS id FROM sites s LEFT JOIN agents a ON a.site = s.name \
             AND a.standing IN ('active', 'locked') WHERE s.name = $1",
        )
        .bind(site.as_str())
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(while_doing("looking for a site's agent"))?;
        let Some(row) = row else { return Ok(Place::NoSite) };
        Ok(row.maybe_word("id")?.map_or(Place::Free, Place::Taken))
    }

    /// Takes an agent in.
    ///
    /// # Errors
    /// [`StoreError`], also when the site has one or is not there.
    pub async fn add_agent(&mut self, agent: &NewAgent) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO agents (id, site, standing, reason, host, version, enrolled_at, recovery_key, join_sequence, \
             recoveries, recovered_key, certificate_ends, last_seen, generation, trust_generation, outbox_records, \
             outbox_oldest, clock_offset, time_known, started_at, audit_length, audit_hash, witnessed_length, \
             witnessed_hash) VALUES ($1, $2, 'active', '', $3, $4, $5, $6, 1, 0, $9, $7, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
             $8, 0, $8)",
        )
        .bind(agent.id.as_str())
        .bind(agent.site.as_str())
        .bind(&agent.host)
        .bind(&agent.version)
        .bind(agent.enrolled_at.unix())
        .bind(agent.recovery_key.clone())
        .bind(agent.certificate_ends.unix())
        .bind(vec![0_u8; 32])
        .bind(Vec::<u8>::new())
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(while_doing("taking an agent in"))
    }

    /// Moves an agent from one standing to another; `false` if it did not stand there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn set_standing(
        &mut self,
        id: &AgentId,
        (from, to): (Standing, Standing),
        reason: &str,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE agents SET standing = $3, reason = $4 WHERE id = $1 AND standing = $2";
        let done = sqlx::query(sql)
            .bind(id.as_str())
            .bind(from.as_str())
            .bind(to.as_str())
            .bind(reason)
            .execute(&mut *self.tx)
            .await
            .map_err(while_doing("changing an agent's standing"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes a join by the recovery key; `false` if the last join was not the one it starts from.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn recover_agent(
        &mut self,
        id: &AgentId,
        recovery: Recovery,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE agents SET join_sequence = $3, recoveries = recoveries + 1, recovered_key = $4, \
             certificate_ends = $5 WHERE id = $1 AND join_sequence = $2 AND standing = 'active'",
        )
        .bind(id.as_str())
        .bind(whole(recovery.from))
        .bind(whole(recovery.to))
        .bind(recovery.key.to_vec())
        .bind(recovery.certificate_ends.unix())
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("noting a recovery"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes when an agent's newest certificate ends.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn certificate_ends(
        &mut self,
        id: &AgentId,
        ends: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE agents SET certificate_ends = $2 WHERE id = $1")
            .bind(id.as_str())
            .bind(ends.unix())
            .execute(&mut *self.tx)
            .await
            .map(drop)
            .map_err(while_doing("noting a certificate"))
    }
}
