//! Checks what the controller gives before anything of it is kept: sizes, names, keys, that the chain leads to the
//! roots, that the roots are the ones that were promised or follow from those we have, and the join state's signature.

use std::sync::Arc;

use certs::join_state::JoinState;
use certs::mutual::leads;
use certs::trust::{RootPin, spki};
use certs::{Identity, Key, Name, TrustBundle};
use proto::wire::v1;
use proto::{AgentId, Organisation, Timestamp};
use rustls::pki_types::CertificateDer;

use crate::identity::{Applicant, Granted, Member};

/// What is wrong with a reply. Nothing of it was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the controller's reply cannot be used: {0}")]
pub struct BadReply(&'static str);

/// What an enrolment asked for.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Whose agent it is to be.
    pub organisation: &'a Organisation,
    /// The root that the ticket promised.
    pub pin: RootPin,
    /// Where the controller was found.
    pub addresses: &'a [String],
    /// The keys.
    pub applicant: &'a Applicant,
    /// When to renew, between -1 and 1.
    pub jitter: f64,
}

/// A new agent.
///
/// # Errors
/// [`BadReply`].
pub fn enrolled(joined: v1::Joined, asked: &Asked<'_>) -> Result<Member, BadReply> {
    let trust = bundle(joined.trust)?;
    if !trust.holds(asked.pin) {
        return Err(BadReply("its roots do not hold the one that the ticket names"));
    }
    if joined.organisation != asked.organisation.as_str() {
        return Err(BadReply("it is of another organisation"));
    }
    let agent: AgentId =
        joined.agent_id.parse().map_err(|_| BadReply("the agent's name is none"))?;
    let name = Name::Agent(asked.organisation.clone(), agent.clone());
    let at = Timestamp::from_unix(joined.controller_time);
    let identity = identity(joined.chain, &asked.applicant.key, &name, &trust, at)?;
    let join = state(joined.join_state, &agent, &identity)?;
    Ok(Member {
        organisation: asked.organisation.clone(),
        site: joined.site.parse().map_err(|_| BadReply("the site's name is none"))?,
        agent,
        addresses: asked.addresses.to_vec(),
        identity: Arc::new(identity),
        recovery: asked.applicant.recovery.clone(),
        trust,
        join,
        jitter: asked.jitter,
    })
}

/// The same agent, back.
///
/// # Errors
/// [`BadReply`].
pub fn recovered(joined: v1::Joined, member: &Member, key: &Key) -> Result<Member, BadReply> {
    let trust = following(joined.trust, member)?;
    let same = joined.organisation == member.organisation.as_str()
        && joined.agent_id == member.agent.as_str()
        && joined.site == member.site.as_str();
    if !same {
        return Err(BadReply("it is for another agent"));
    }
    let at = Timestamp::from_unix(joined.controller_time);
    let identity = identity(joined.chain, key, &member.name(), &trust, at)?;
    let join = state(joined.join_state, &member.agent, &identity)?;
    if join.sequence <= member.join.sequence {
        return Err(BadReply("the number of the join does not go on from the last one"));
    }
    let mut back = member.renewed(Arc::new(identity), trust);
    back.join = join;
    Ok(back)
}

/// A new certificate for the same agent.
///
/// # Errors
/// [`BadReply`].
pub fn renewed(reply: v1::RenewReply, member: &Member, key: &Key) -> Result<Granted, BadReply> {
    let trust = following(reply.trust, member)?;
    let at = Timestamp::from_unix(reply.controller_time);
    let identity = identity(reply.chain, key, &member.name(), &trust, at)?;
    Ok(Granted { identity: Arc::new(identity), trust })
}

/// A bundle that came over an authenticated line, if it is newer than the one at hand.
///
/// # Errors
/// [`BadReply`].
pub fn newer_trust(
    trust: v1::TrustBundle,
    member: &Member,
) -> Result<Option<TrustBundle>, BadReply> {
    let trust = bundle(Some(trust))?;
    Ok((trust.generation > member.trust.generation).then_some(trust))
}

/// The bundle that holds after a reply: ours, unless theirs is newer.
fn following(trust: Option<v1::TrustBundle>, member: &Member) -> Result<TrustBundle, BadReply> {
    let Some(trust) = trust else { return Ok(member.trust.clone()) };
    Ok(newer_trust(trust, member)?.unwrap_or_else(|| member.trust.clone()))
}

fn bundle(trust: Option<v1::TrustBundle>) -> Result<TrustBundle, BadReply> {
    let trust = trust.ok_or(BadReply("it has no roots"))?;
    TrustBundle::new(trust.generation, trust.roots)
        .map_err(|_| BadReply("its roots cannot be read"))
}

fn identity(
    chain: Vec<Vec<u8>>,
    key: &Key,
    name: &Name,
    trust: &TrustBundle,
    at: Timestamp,
) -> Result<Identity, BadReply> {
    let chain: Vec<_> = chain.into_iter().map(CertificateDer::from).collect();
    leads(&chain, trust, at).map_err(|_| BadReply("its certificate does not lead to its roots"))?;
    let own = Key::from_pkcs8(key.pkcs8()).map_err(|_| BadReply("our own key cannot be read"))?;
    let identity = Identity::new(chain, own)
        .map_err(|_| BadReply("its certificate is not for the key that was sent"))?;
    if identity.name() != name {
        return Err(BadReply("its certificate is for somebody else"));
    }
    Ok(identity)
}

/// The join state is signed by the authority that issued the certificate beside it.
fn state(
    state: Option<v1::JoinState>,
    agent: &AgentId,
    identity: &Identity,
) -> Result<JoinState, BadReply> {
    let state = state.ok_or(BadReply("it has no join state"))?;
    if state.agent_id != agent.as_str() || state.sequence == 0 {
        return Err(BadReply("its join state is for somebody else"));
    }
    let state = JoinState {
        agent: agent.clone(),
        sequence: state.sequence,
        issued_at: Timestamp::from_unix(state.issued_at),
        signature: state.signature,
    };
    let issuer = identity.chain().get(1).and_then(|issuer| spki(issuer));
    let issuer = issuer.ok_or(BadReply("its certificate comes without its issuer's"))?;
    state.verify(&issuer).map_err(|_| BadReply("its join state is not signed by its issuer"))?;
    Ok(state)
}
