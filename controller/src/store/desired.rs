//! What sites should be, whole: the policy in force and what people vouch for, of many sites with one query each.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use certs::random::digest;
use prost::Message as _;
use proto::SiteName;
use proto::finding::{Attestation, Waiver};
use proto::wire::v1;

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::cells::{Cells as _, nonsense, whole};
use super::policies::DROPPED;
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
    Only(&'a HashSet<SiteName>),
}

impl Sites<'_> {
    /// The names to ask for, filled up with names of nobody to one of a few numbers, so that there are few statements to
    /// prepare. `None` where reading every site costs less.
    fn names(&self) -> Option<Vec<&str>> {
        let Self::Only(sites) = self else { return None };
        let count = PLACES.into_iter().find(|places| sites.len() <= *places)?;
        let names = sites.iter().map(SiteName::as_str).chain(std::iter::repeat(NOBODY));
        Some(names.take(count).collect())
    }

    fn wants(&self, site: &SiteName) -> bool {
        match self {
            Self::All => true,
            Self::Only(sites) => sites.contains(site),
        }
    }
}

impl DesiredState {
    fn seal(&mut self) {
        let attestations = self.attestations.iter().map(v1::Attestation::from).collect();
        let waivers = self.waivers.iter().map(v1::Waiver::from).collect();
        let wire = v1::DesiredState {
            generation: self.generation,
            policy: self.policy.to_string(),
            attestations,
            waivers,
        };
        self.digest = digest(&wire.encode_to_vec());
    }
}

/// So many sites are asked for by name, at most: agents come back by the dozen, and each dozen must not cost a look at
/// thousands of sites.
const PLACES: [usize; 4] = [1, 8, 64, 512];
/// No site's name, and in the books of policies the name of all of them.
const NOBODY: &str = "";

/// So many sites are put together without letting others do something.
const AT_A_TIME: usize = 64;

impl Store {
    /// What these sites should be. Names of sites that are not there are passed over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn desired_states(
        &self,
        sites: Sites<'_>,
    ) -> Result<HashMap<SiteName, DesiredState>, StoreError> {
        let [generations, policies, vouches] = self.desired_rows(sites.names().as_deref()).await?;
        let mut texts: HashMap<String, Arc<str>> = HashMap::new();
        for row in &policies {
            let text = row.text("text")?;
            if text != DROPPED {
                texts.insert(row.text("site")?, text.into());
            }
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
        for (count, state) in states.values_mut().enumerate() {
            state.seal();
            if count % AT_A_TIME == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok(states)
    }

    /// Rows of sites, of policies in force and of vouches, of the named sites or of all; from one snapshot, so that a
    /// generation never goes with what came after it.
    async fn desired_rows(&self, sites: Option<&[&str]>) -> Result<[Vec<AnyRow>; 3], StoreError> {
        let failed = while_doing("reading what sites should be");
        let (named, of_site, or_all) = match sites.map(|names| places(names.len())) {
            None => Default::default(),
            Some(places) => (
                format!("WHERE name IN ({places})"),
                format!("WHERE site IN ({places})"),
                format!("WHERE site IN ('', {places})"),
            ),
        };
        let asked = [
            format!("SELECT name, generation FROM sites {named}"),
            format!(
                "SELECT site, text FROM policies WHERE text <> '{DROPPED}' AND version IN \
                 (SELECT MAX(version) FROM policies {or_all} GROUP BY site)"
            ),
            format!("SELECT site, kind, body FROM vouches {of_site} ORDER BY entered_at, id"),
        ];
        let mut tx = self.readers.begin().await.map_err(&failed)?;
        let mut rows = [const { Vec::new() }; 3];
        for (rows, sql) in rows.iter_mut().zip(asked) {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for name in sites.unwrap_or_default() {
                query = query.bind(*name);
            }
            *rows = query.fetch_all(&mut *tx).await.map_err(&failed)?;
        }
        Ok(rows)
    }
}

/// `$1, $2, …`
fn places(count: usize) -> String {
    let places: Vec<_> = (1..=count).map(|place| format!("${place}")).collect();
    places.join(", ")
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
