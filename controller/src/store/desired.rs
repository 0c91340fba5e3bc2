//! What sites should be, whole: the policy in force and what people vouch for, of many sites with one query each.

use std::collections::HashMap;
use std::sync::Arc;

use certs::random::digest;
use prost::Message as _;
use proto::SiteName;
use proto::finding::{Attestation, Waiver};
use proto::wire::v1;

use super::cells::{Cells as _, nonsense, whole};
use super::{Change, Store, StoreError, while_doing};

/// What one site should be.
#[derive(Clone, Debug)]
pub struct DesiredState {
    /// Grows with every change of it.
    pub generation: u64,
    /// The policy as TOML; empty for the defaults. Sites under the same policy share the text.
    pub policy: Arc<str>,
    /// What people vouch for.
    pub attestations: Vec<Attestation>,
    /// What operators accept, besides the waivers in the policy.
    pub waivers: Vec<Waiver>,
    /// SHA-256 of it as it travels.
    pub digest: [u8; 32],
}

/// Which sites.
#[derive(Clone, Copy, Debug)]
pub enum Sites<'a> {
    /// Every one.
    All,
    /// These.
    Only(&'a [SiteName]),
}

impl Sites<'_> {
    fn wants(&self, site: &SiteName) -> bool {
        match self {
            Self::All => true,
            Self::Only(sites) => sites.contains(site),
        }
    }
}

impl DesiredState {
    fn sealed(mut self) -> Self {
        let attestations = self.attestations.iter().map(v1::Attestation::from).collect();
        let waivers = self.waivers.iter().map(v1::Waiver::from).collect();
        let wire = v1::DesiredState {
            generation: self.generation,
            policy: self.policy.to_string(),
            attestations,
            waivers,
        };
        self.digest = digest(&wire.encode_to_vec());
        self
    }
}

impl Store {
    /// What these sites should be. Names of sites that are not there are passed over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn desired_states(
        &self,
        sites: Sites<'_>,
    ) -> Result<HashMap<SiteName, DesiredState>, StoreError> {
        let failed = while_doing("reading what sites should be");
        // One snapshot, so that a generation never goes with what came after it.
        let mut tx = self.readers.begin().await.map_err(&failed)?;
        let generations = match sites {
            Sites::Only([site]) => {
                sqlx::query("SELECT name, generation FROM sites WHERE name = $1")
                    .bind(site.to_string())
            }
            _ => sqlx::query("SELECT name, generation FROM sites"),
        };
        let generations = generations.fetch_all(&mut *tx).await.map_err(&failed)?;
        let policies = sqlx::query(
            "SELECT site, text FROM policies WHERE version IN \
             (SELECT MAX(version) FROM policies GROUP BY site)",
        );
        let policies = policies.fetch_all(&mut *tx).await.map_err(&failed)?;
        let vouches = match sites {
            Sites::Only([site]) => sqlx::query(
                "SELECT site, kind, body FROM vouches WHERE site = $1 ORDER BY entered_at, id",
            )
            .bind(site.to_string()),
            _ => sqlx::query("SELECT site, kind, body FROM vouches ORDER BY entered_at, id"),
        };
        let vouches = vouches.fetch_all(&mut *tx).await.map_err(&failed)?;
        drop(tx);
        let mut texts: HashMap<String, Arc<str>> = HashMap::new();
        for row in &policies {
            texts.insert(row.text("site")?, row.text("text")?.into());
        }
        let mut states = HashMap::new();
        for row in &generations {
            let site: SiteName = row.word("name")?;
            if !sites.wants(&site) {
                continue;
            }
            let policy = texts.get(site.as_str()).or_else(|| texts.get("")).cloned();
            let state = DesiredState {
                generation: row.count("generation")?,
                policy: policy.unwrap_or_default(),
                attestations: Vec::new(),
                waivers: Vec::new(),
                digest: [0; 32],
            };
            states.insert(site, state);
        }
        for row in &vouches {
            let Some(state) = states.get_mut(&row.word::<SiteName>("site")?) else { continue };
            let body = row.text("body")?;
            match row.text("kind")?.as_str() {
                "attestation" => state.attestations.push(read(&body)?),
                "waiver" => state.waivers.push(read(&body)?),
                _ => return Err(nonsense("kind")),
            }
        }
        Ok(states.into_iter().map(|(site, state)| (site, state.sealed())).collect())
    }
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|_| nonsense("body"))
}

impl Change {
    /// Brings a site's generation to a value, never below where it stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn raise_generation(&mut self, site: &SiteName, to: u64) -> Result<(), StoreError> {
        sqlx::query("UPDATE sites SET generation = $2 WHERE name = $1 AND generation < $2")
            .bind(site.as_str())
            .bind(whole(to))
            .execute(&mut *self.tx)
            .await
            .map(drop)
            .map_err(while_doing("raising a site's generation"))
    }
}
