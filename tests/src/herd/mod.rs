//! Thousands of agents in one process, each with a certificate of its own, for measuring a controller: they enrol, dial,
//! hold their streams open, take what should be, and say that orders are done. They look at no device.

pub mod bare;
pub mod bench;
pub mod dial;
pub mod joins;
pub mod operator;
pub mod raw;
pub mod slow;
pub mod stand;

use std::sync::Arc;

use anyhow::{Context as _, bail};
use certs::ticket::Ticket;
use certs::{Identity, Key, TrustBundle, join_state, request};
use proto::wire::v1;
use proto::wire::v1::enroll_reply::Outcome;
use proto::wire::v1::enrollment_client::EnrollmentClient;
use rustls::ClientConfig;
use tonic::transport::Channel;

use dial::{Place, first_contact};

/// So many join at a time.
const AT_ONCE: usize = 64;

/// What an agent of the herd was given when it enrolled.
#[derive(Debug)]
pub struct Pass {
    /// Its name.
    pub agent: String,
    /// Its site.
    pub site: String,
    /// Settings that present its certificate.
    pub tls: Arc<ClientConfig>,
    /// The identity itself.
    pub identity: Identity,
    /// What it trusts.
    pub trust: TrustBundle,
}

/// Joins with a ticket, as an agent does.
///
/// # Errors
/// When the controller refuses, or does not answer as it should.
pub async fn enroll(place: &Place, ticket: &Ticket) -> anyhow::Result<Pass> {
    enroll_over(dial::channel(place.clone(), first_contact(ticket)?).await?, ticket).await
}

/// The same over a connection that is there already.
///
/// # Errors
/// As [`enroll`].
pub async fn enroll_over(stranger: Channel, ticket: &Ticket) -> anyhow::Result<Pass> {
    let (key, recovery) = (Key::generate()?, Key::generate()?);
    let certificate_request = request::make(&key)?;
    let asked = v1::EnrollRequest {
        token_secret: ticket.secret.expose().to_owned(),
        recovery_key: recovery.spki().to_vec(),
        recovery_proof: recovery.sign(&join_state::binding_message(&certificate_request))?,
        certificate_request,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: "herd".to_owned(),
    };
    let reply = EnrollmentClient::new(stranger).enroll(asked).await.context("enrolling")?;
    let Some(Outcome::Joined(joined)) = reply.into_inner().outcome else {
        bail!("the controller did not take the ticket");
    };
    let chain = joined.chain.into_iter().map(Into::into).collect();
    let trust = joined.trust.context("no trust bundle")?;
    let trust = TrustBundle::new(trust.generation, trust.roots)?;
    let identity = Identity::new(chain, key)?;
    let tls = dial::enrolled(ticket.organisation.clone(), &trust, &identity)?;
    Ok(Pass { agent: joined.agent_id, site: joined.site, tls, identity, trust })
}
