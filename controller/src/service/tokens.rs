//! Enrolment tokens: created, listed, revoked. Their secret is shown once; only its hash is kept.

use certs::RootPin;
use certs::ticket::{fresh_secret, secret_hash};
use proto::{Secret, SiteName, Timestamp};

use super::sites::{later, no_site};
use super::words::plain;
use super::{OperatorPeer, Refusal, Service};
use crate::store::agents::Place;
use crate::store::tokens::Token;

/// Shortest life of a token, in seconds.
const MIN_LIFE: i64 = 60;
/// Longest life of a token, in seconds.
const MAX_LIFE: i64 = 30 * 86_400;
/// Most tokens of a site that are open at a time.
const MAX_OPEN: u64 = 20;
/// Longest reason, in characters.
const MAX_REASON: usize = 500;

/// What a new box needs to join, or a person to log in; shown once.
#[derive(Clone, Debug)]
pub struct Handout {
    /// The token's name; for a person's code, the person's.
    pub id: String,
    /// The one-time secret.
    pub secret: Secret,
    /// From then on it is not taken.
    pub expires_at: Timestamp,
    /// The root that the controller's certificate leads to.
    pub pin: RootPin,
    /// Where the controller is reached, the preferred first.
    pub addresses: Vec<String>,
}

/// Why a token is made.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    /// For the site's first box.
    First,
    /// For one that takes the place of another, for this reason.
    Instead(String),
}

impl Service {
    /// Tokens, the newest first.
    ///
    /// # Errors
    /// [`Refusal::Failed`].
    pub async fn tokens(&self) -> Result<Vec<Token>, Refusal> {
        Ok(self.store.tokens().await?)
    }

    /// A token for a site's first box. `life` is in seconds, 0 for the configured one.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Precondition`], while the site has an agent or 20 open tokens;
    /// [`Refusal::Invalid`], when the life is not 60 seconds to 30 days.
    pub async fn create_token(
        &self,
        who: &OperatorPeer,
        site: &SiteName,
        life: u32,
    ) -> Result<Handout, Refusal> {
        self.new_token(who, site, life, Why::First).await
    }

    /// A token for a box that takes the place of the site's. What the site should be stays; the old box's agent is
    /// revoked when the new one joins.
    ///
    /// # Errors
    /// As [`Self::create_token`]; [`Refusal::Precondition`], when the site has no agent.
    pub async fn replace_site(
        &self,
        who: &OperatorPeer,
        site: &SiteName,
        reason: &str,
        life: u32,
    ) -> Result<Handout, Refusal> {
        let reason = plain(reason, "reason", MAX_REASON)?;
        if reason.is_empty() {
            return Err(Refusal::Invalid("say why the box is replaced".to_owned()));
        }
        self.new_token(who, site, life, Why::Instead(reason)).await
    }

    async fn new_token(
        &self,
        who: &OperatorPeer,
        site: &SiteName,
        life: u32,
        why: Why,
    ) -> Result<Handout, Refusal> {
        let life = self.token_life(life)?;
        let secret = fresh_secret().map_err(Refusal::failed)?;
        let now = self.now();
        let token = Token {
            id: certs::random::id().map_err(Refusal::failed)?,
            site: site.clone(),
            replaces: why != Why::First,
            created_at: now,
            created_by: who.actor(&self.organisation),
            expires_at: later(now, life),
            revoked_at: None,
            used: None,
        };
        let mut change = self.store.change().await?;
        check_place(site, &change.place(site).await?, &why)?;
        if change.open_tokens(site, now).await? >= MAX_OPEN {
            return Err(Refusal::Precondition(format!(
                "{site} has {MAX_OPEN} open tokens; revoke those that nobody needs"
            )));
        }
        change.add_token(&token, secret_hash(&secret)).await?;
        let until = format!("token {}, good until {}", token.id, token.expires_at);
        let (deed, detail) = match why {
            Why::First => ("token_created", until),
            Why::Instead(reason) => ("replacement_ordered", format!("{until}; {reason}")),
        };
        change.commit(self.deed_of(who, deed, site, detail)).await?;
        Ok(self.handout(token.id, secret, token.expires_at))
    }

    fn token_life(&self, life: u32) -> Result<i64, Refusal> {
        let life = if life == 0 { self.settings.token_life } else { i64::from(life) };
        if (MIN_LIFE..=MAX_LIFE).contains(&life) {
            return Ok(life);
        }
        Err(Refusal::Invalid(format!("a token is good for 1 minute to 30 days, not for {life} s")))
    }

    /// Revokes a token that nobody used.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], when there is none, or it was used or revoked before.
    pub async fn revoke_token(&self, who: &OperatorPeer, id: &str) -> Result<(), Refusal> {
        let id = plain(id, "token's name", 64)?;
        let mut change = self.store.change().await?;
        if !change.revoke_token(&id, self.now()).await? {
            return Err(Refusal::NotFound(format!(
                "there is no open token {id}; palisade token list shows them"
            )));
        }
        change.commit(self.deed_of(who, "token_revoked", &id, String::new())).await?;
        Ok(())
    }

    /// Puts a secret together with what makes it usable.
    pub(super) fn handout(&self, id: String, secret: Secret, expires_at: Timestamp) -> Handout {
        let pin = RootPin::of(self.authorities.now().issuing.root());
        let pin = pin.expect("the root was read when the authority was opened");
        Handout { id, secret, expires_at, pin, addresses: self.settings.addresses.clone() }
    }
}

/// A token that nobody could use is not made.
fn check_place(site: &SiteName, place: &Place, why: &Why) -> Result<(), Refusal> {
    match (place, why) {
        (Place::NoSite, _) => Err(no_site(site)),
        (Place::Taken(_), Why::First) => Err(Refusal::Precondition(format!(
            "{site} has an agent; palisade site replace makes a token for a new box"
        ))),
        (Place::Free, Why::Instead(_)) => Err(Refusal::Precondition(format!(
            "{site} has no agent to replace; palisade token create makes a token for its first box"
        ))),
        (Place::Free, Why::First) | (Place::Taken(_), Why::Instead(_)) => Ok(()),
    }
}
