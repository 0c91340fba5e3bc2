//! What a box was told when it joined, kept so that the same key is told the same again when the reply was lost.

use certs::join_state::JoinState;
use prost::Message as _;
use proto::wire::v1;
use proto::{AgentId, SiteName, Timestamp};
use rustls::pki_types::CertificateDer;

use super::StoreError;

/// What makes a box a site's agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The site it serves.
    pub site: SiteName,
    /// Who it is from now on.
    pub agent: AgentId,
    /// Its certificate, then its issuing authority's.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its place among its joins.
    pub state: JoinState,
}

impl Answer {
    /// As it is kept.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let state = v1::JoinState {
            agent_id: self.state.agent.to_string(),
            sequence: self.state.sequence,
            issued_at: self.state.issued_at.unix(),
            signature: self.state.signature.clone(),
        };
        v1::Joined {
            site: self.site.to_string(),
            agent_id: self.agent.to_string(),
            chain: self.chain.iter().map(|one| one.to_vec()).collect(),
            join_state: Some(state),
            ..v1::Joined::default()
        }
        .encode_to_vec()
    }

    /// As it was kept.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, StoreError> {
        let nonsense = || StoreError::Nonsense("an answer to an agent".to_owned());
        let joined = v1::Joined::decode(bytes).map_err(|_| nonsense())?;
        let state = joined.join_state.ok_or_else(nonsense)?;
        Ok(Self {
            site: joined.site.parse().map_err(|_| nonsense())?,
            agent: joined.agent_id.parse().map_err(|_| nonsense())?,
            chain: joined.chain.into_iter().map(CertificateDer::from).collect(),
            state: JoinState {
                agent: state.agent_id.parse().map_err(|_| nonsense())?,
                sequence: state.sequence,
                issued_at: Timestamp::from_unix(state.issued_at),
                signature: state.signature,
            },
        })
    }
}
