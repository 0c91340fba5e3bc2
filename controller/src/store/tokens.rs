//! One-time tokens: only a hash of the secret is kept, and a token is used by one conditional write, so that of many who
//! bring it at the same moment exactly one becomes the site's agent.

use proto::{AgentId, SiteName, Timestamp};
use sqlx::any::AnyRow;

use super::cells::Cells as _;
use super::{Answer, Change, Store, StoreError, while_doing};

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What operators call it.
    pub id: String,
    /// Whose agent it makes.
    pub site: SiteName,
    /// Whether who joins with it takes the place of the site's agent.
    pub replaces: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom: an operator's name as it stands in certificates.
    pub created_by: String,
    /// Afterwards nobody joins with it.
    pub expires_at: Timestamp,
    /// When an operator took it back.
    pub revoked_at: Option<Timestamp>,
    /// Who used it.
    pub used: Option<Used>,
}

/// The use of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// When.
    pub at: Timestamp,
    /// SHA-256 of the key that used it.
    pub key: [u8; 32],
    /// What that key became.
    pub agent: AgentId,
}

const COLUMNS: &str = "SELECT id, site, replaces, created_at, created_by, expires_at, revoked_at, used_at, used_key, \
                       agent FROM tokens";

fn token(row: &AnyRow) -> Result<Token, StoreError> {
    let (at, key) = (row.maybe_time("used_at")?, row.maybe_hash("used_key")?);
    let used = match (at, key, row.maybe_word("agent")?) {
        (Some(at), Some(key), Some(agent)) => Some(Used { at, key, agent }),
        _ => None,
    };
    Ok(Token {
        id: row.text("id")?,
        site: row.word("site")?,
        replaces: row.yes("replaces")?,
        created_at: row.time("created_at")?,
        created_by: row.text("created_by")?,
        expires_at: row.time("expires_at")?,
        revoked_at: row.maybe_time("revoked_at")?,
        used,
    })
}

impl Store {
    /// Every token, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} ORDER BY created_at DESC, id"));
        let rows = sqlx::query(sql).fetch_all(&self.readers).await;
        rows.map_err(while_doing("listing tokens"))?.iter().map(token).collect()
    }

    /// The token with this secret.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn token_of(&self, secret_hash: [u8; 32]) -> Result<Option<Token>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE secret_hash = $1"));
        let row = sqlx::query(sql).bind(secret_hash.to_vec()).fetch_optional(&self.readers).await;
        row.map_err(while_doing("looking for a token"))?.as_ref().map(token).transpose()
    }

    /// What the key that used this token was told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn token_answer(&self, id: &str) -> Result<Option<Answer>, StoreError> {
        let row = sqlx::query("SELECT answer FROM tokens WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.readers)
            .await
            .map_err(while_doing("looking for an answer"))?;
        let bytes = row.map(|row| row.maybe_bytes("answer")).transpose()?.flatten();
        bytes.as_deref().map(Answer::from_bytes).transpose()
    }
}

impl Change {
    /// Keeps a new token.
    ///
    /// # Errors
    /// [`StoreError`], also when the site is not there.
    pub async fn add_token(
        &mut self,
        token: &Token,
        secret_hash: [u8; 32],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO tokens (id, site, secret_hash, replaces, created_at, created_by, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&token.id)
        .bind(token.site.as_str())
        .bind(secret_hash.to_vec())
        .bind(i64::from(token.replaces))
        .bind(token.created_at.unix())
        .bind(&token.created_by)
        .bind(token.expires_at.unix())
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(while_doing("keeping a token"))
    }

    /// Takes a token back; `false` if it is not there, was used or was taken back before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn revoke_token(&mut self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL AND used_at IS NULL",
        )
        .bind(id)
        .bind(now.unix())
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("taking a token back"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Uses a token up; `false` if somebody else was faster, or it is not open any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn use_token(
        &mut self,
        id: &str,
        key: [u8; 32],
        answer: &Answer,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE tokens SET used_at = $2, used_key = $3, agent = $4, answer = $5 \
             WHERE id = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2",
        )
        .bind(id)
        .bind(now.unix())
        .bind(key.to_vec())
        .bind(answer.agent.as_str())
        .bind(answer.to_bytes())
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("using a token"))?;
        Ok(done.rows_affected() == 1)
    }
}
