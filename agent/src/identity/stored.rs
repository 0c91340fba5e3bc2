//! How an identity lies in its file: JSON with the binary parts in base 64. Everything is checked when it is read, since
//! a file may come from a copy, a newer version or a hand. Buffers with keys are wiped.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::join_state::JoinState;
use certs::{Identity, Key, TrustBundle};
use proto::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::{Applicant, Granted, MAX_ADDRESSES, Member, Next};

/// Larger than any of the files, so that the text never moves and leaves a copy behind.
pub(super) const MOST: usize = 128 << 10;
const VERSION: u32 = 1;

/// What is wrong with a file, without its content.
#[derive(Debug)]
pub struct Wrong(pub String);

impl Wrong {
    fn say(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Secret bytes in base 64; wiped when dropped.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Hidden(String);

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredMember {
    version: u32,
    organisation: String,
    site: String,
    agent: String,
    addresses: Vec<String>,
    key: Hidden,
    chain: Vec<String>,
    recovery_key: Hidden,
    trust: StoredTrust,
    join_sequence: u64,
    join_issued_at: i64,
    join_signature: String,
    jitter: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTrust {
    generation: u64,
    roots: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredNext {
    version: u32,
    key: Hidden,
    granted: Option<StoredGranted>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredGranted {
    chain: Vec<String>,
    trust: StoredTrust,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredApplicant {
    version: u32,
    purpose: String,
    key: Hidden,
    recovery_key: Hidden,
}

type Bytes = Zeroizing<Vec<u8>>;

pub(super) fn write_member(member: &Member) -> Bytes {
    written(&StoredMember {
        version: VERSION,
        organisation: member.organisation.to_string(),
        site: member.site.to_string(),
        agent: member.agent.to_string(),
        addresses: member.addresses.clone(),
        key: hide(member.identity.key()),
        chain: member.identity.chain().iter().map(|one| STANDARD.encode(one)).collect(),
        recovery_key: hide(&member.recovery),
        trust: StoredTrust::of(&member.trust),
        join_sequence: member.join.sequence,
        join_issued_at: member.join.issued_at.unix(),
        join_signature: STANDARD.encode(&member.join.signature),
        jitter: member.jitter,
    })
}

pub(super) fn read_member(bytes: &[u8]) -> Result<Member, Wrong> {
    let stored: StoredMember = parsed(bytes)?;
    current(stored.version)?;
    let name = |text: &str| Wrong(format!("{text} is not a name"));
    let agent: proto::AgentId = stored.agent.parse().map_err(|_| name("the agent"))?;
    let count = stored.addresses.len();
    if !(1..=MAX_ADDRESSES).contains(&count) {
        return Err(Wrong(format!("it has {count} addresses")));
    }
    if !stored.jitter.is_finite() || stored.jitter.abs() > 1.0 {
        return Err(Wrong::say("its jitter is out of range"));
    }
    let member = Member {
        organisation: stored.organisation.parse().map_err(|_| name("the organisation"))?,
        site: stored.site.parse().map_err(|_| name("the site"))?,
        agent: agent.clone(),
        addresses: stored.addresses,
        identity: identity(&stored.chain, &stored.key)?,
        recovery: Arc::new(shown(&stored.recovery_key)?),
        trust: stored.trust.read()?,
        join: JoinState {
            agent,
            sequence: stored.join_sequence,
            issued_at: Timestamp::from_unix(stored.join_issued_at),
            signature: decoded(&stored.join_signature)?,
        },
        jitter: stored.jitter,
    };
    if *member.identity.name() == member.name() {
        Ok(member)
    } else {
        Err(Wrong::say("its certificate is somebody else's"))
    }
}

pub(super) fn write_next(next: Option<&Next>) -> Bytes {
    written(&next.map(|next| StoredNext {
        version: VERSION,
        key: hide(&next.key),
        granted: next.granted.as_ref().map(|granted| StoredGranted {
            chain: granted.identity.chain().iter().map(|one| STANDARD.encode(one)).collect(),
            trust: StoredTrust::of(&granted.trust),
        }),
    }))
}

pub(super) fn read_next(bytes: &[u8]) -> Result<Option<Next>, Wrong> {
    let Some(stored) = parsed::<Option<StoredNext>>(bytes)? else { return Ok(None) };
    current(stored.version)?;
    let granted = match &stored.granted {
        Some(granted) => Some(Granted {
            identity: identity(&granted.chain, &stored.key)?,
            trust: granted.trust.read()?,
        }),
        None => None,
    };
    Ok(Some(Next { key: Arc::new(shown(&stored.key)?), granted }))
}

pub(super) fn write_applicant(applicant: Option<&Applicant>) -> Bytes {
    written(&applicant.map(|applicant| StoredApplicant {
        version: VERSION,
        purpose: STANDARD.encode(applicant.purpose),
        key: hide(&applicant.key),
        recovery_key: hide(&applicant.recovery),
    }))
}

pub(super) fn read_applicant(bytes: &[u8]) -> Result<Option<Applicant>, Wrong> {
    let Some(stored) = parsed::<Option<StoredApplicant>>(bytes)? else { return Ok(None) };
    current(stored.version)?;
    let purpose = decoded(&stored.purpose)?;
    Ok(Some(Applicant {
        purpose: purpose.try_into().map_err(|_| Wrong::say("its purpose cannot be read"))?,
        key: Arc::new(shown(&stored.key)?),
        recovery: Arc::new(shown(&stored.recovery_key)?),
    }))
}

impl StoredTrust {
    fn of(trust: &TrustBundle) -> Self {
        let roots = trust.roots.iter().map(|root| STANDARD.encode(root)).collect();
        Self { generation: trust.generation, roots }
    }

    fn read(&self) -> Result<TrustBundle, Wrong> {
        let roots = self.roots.iter().map(|root| decoded(root)).collect::<Result<_, _>>()?;
        Ok(TrustBundle::new(self.generation, roots)?)
    }
}

fn identity(chain: &[String], key: &Hidden) -> Result<Arc<Identity>, Wrong> {
    let chain = chain.iter().map(|one| decoded(one).map(Into::into)).collect::<Result<_, _>>()?;
    Ok(Arc::new(Identity::new(chain, shown(key)?)?))
}

fn hide(key: &Key) -> Hidden {
    Hidden(STANDARD.encode(key.pkcs8()))
}

fn shown(hidden: &Hidden) -> Result<Key, Wrong> {
    let bytes = Zeroizing::new(decoded(&hidden.0)?);
    Ok(Key::from_pkcs8(&bytes)?)
}

fn decoded(text: &str) -> Result<Vec<u8>, Wrong> {
    STANDARD.decode(text).map_err(|_| Wrong::say("it holds what is not base 64"))
}

fn current(version: u32) -> Result<(), Wrong> {
    if version == VERSION {
        return Ok(());
    }
    Err(Wrong(format!("it is of version {version}, and this agent reads version {VERSION}")))
}

fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Wrong> {
    // The parser's own words may quote what stands there.
    serde_json::from_slice(bytes).map_err(|error| {
        Wrong(format!("line {} column {} cannot be read", error.line(), error.column()))
    })
}

fn written<T: Serialize>(value: &T) -> Bytes {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MOST));
    serde_json::to_writer(&mut *bytes, value).expect("plain fields always become JSON");
    bytes
}
