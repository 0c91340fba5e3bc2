//! What people say about measures: attestations and waivers, each in JSON as a site file or a policy would have it.

use proto::finding::Attestation;
use proto::{SiteName, Timestamp, Waiver};

use super::cells::{Cells as _, nonsense};
use super::{Change, Store, StoreError, while_doing};

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// Vouches for a measure.
    Attestation(Attestation),
    /// Accepts an unmet one.
    Waiver(Waiver),
}

/// What a person said about a site's devices, and who entered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouch {
    /// 32 hex digits.
    pub id: String,
    /// Where it holds.
    pub site: SiteName,
    /// What was said.
    pub what: Statement,
    /// The operator who entered it.
    pub entered_by: String,
    /// When.
    pub entered_at: Timestamp,
}

impl Statement {
    /// As the column has it.
    fn kind(&self) -> &'static str {
        match self {
            Self::Attestation(_) => "attestation",
            Self::Waiver(_) => "waiver",
        }
    }

    /// In JSON.
    pub fn to_json(&self) -> String {
        let json = match self {
            Self::Attestation(attestation) => serde_json::to_string(attestation),
            Self::Waiver(waiver) => serde_json::to_string(waiver),
        };
        json.expect("plain texts and days are always JSON")
    }
}

const SELECT: &str = "SELECT id, site, kind, body, entered_by, entered_at FROM vouches \
     WHERE $1 = '' OR site = $1 ORDER BY site, entered_at, id";

impl Store {
    /// What was said about every site.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn vouches(&self) -> Result<Vec<Vouch>, StoreError> {
        let rows = sqlx::query(SELECT).bind("").fetch_all(&self.readers).await;
        rows.map_err(while_doing("reading what people vouch for"))?.iter().map(read).collect()
    }

    /// What was said about one site, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn vouches_of(&self, site: &SiteName) -> Result<Vec<Vouch>, StoreError> {
        let rows = sqlx::query(SELECT).bind(site.as_str()).fetch_all(&self.readers).await;
        rows.map_err(while_doing("reading what people vouch for"))?.iter().map(read).collect()
    }
}

impl Change {
    /// What was said about one site.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn vouches_of(&mut self, site: &SiteName) -> Result<Vec<Vouch>, StoreError> {
        let rows = sqlx::query(SELECT).bind(site.as_str()).fetch_all(&mut *self.tx).await;
        rows.map_err(while_doing("reading what people vouch for"))?.iter().map(read).collect()
    }

    /// Adds what was said.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn add_vouch(&mut self, vouch: &Vouch) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO vouches (id, site, kind, body, entered_by, entered_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(vouch.id.as_str())
        .bind(vouch.site.as_str())
        .bind(vouch.what.kind())
        .bind(vouch.what.to_json())
        .bind(vouch.entered_by.as_str())
        .bind(vouch.entered_at.unix())
        .execute(&mut *self.tx)
        .await
        .map_err(while_doing("adding what somebody vouches for"))?;
        Ok(())
    }

    /// Takes back what was said; gives it. `None`: there is nothing of that name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withdraw(&mut self, id: &str) -> Result<Option<Vouch>, StoreError> {
        let row = sqlx::query(
            "DELETE FROM vouches WHERE id = $1 \
             RETURNING id, site, kind, body, entered_by, entered_at",
        )
        .bind(id)
        .fetch_optional(&mut *self.tx)
        .await;
        row.map_err(while_doing("withdrawing what somebody vouched for"))?
            .as_ref()
            .map(read)
            .transpose()
    }
}

fn read(row: &sqlx::any::AnyRow) -> Result<Vouch, StoreError> {
    let body = row.text("body")?;
    let what = match row.text("kind")?.as_str() {
        "attestation" => serde_json::from_str(&body).map(Statement::Attestation),
        "waiver" => serde_json::from_str(&body).map(Statement::Waiver),
        _ => return Err(nonsense("kind")),
    };
    Ok(Vouch {
        id: row.text("id")?,
        site: row.word("site")?,
        what: what.map_err(|_| nonsense("body"))?,
        entered_by: row.text("entered_by")?,
        entered_at: row.time("entered_at")?,
    })
}
