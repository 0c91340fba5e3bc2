//! The site's device issuer: how it lies on the disk, which one is taken from a controller, and when another is asked
//! for. Pure.
//!
//! An answer is taken if it leads to a trusted root, lasts, and may name at least as many of the site's devices as the
//! issuer that is held, and at least one. One that leaves out a device is better than none, since the certificates of
//! the others go on; what is left out is said, and asked for again once a day and when the list of devices changes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::device_issuer::{BadIssuer, Host, LEAST_DEVICE_LIFE};
use certs::renewal::renew_at;
use certs::{DeviceIssuer, Key, TrustBundle};
use proto::stored::{self, Stored, StoredError};
use proto::{DeviceName, Timestamp};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

/// What is left out is asked for again after so many seconds.
const ASK_AGAIN: i64 = 86_400;
/// Larger than the file, so that its text never moves and leaves a copy of the key behind.
const ROOM: usize = 64 << 10;

/// The devices that get certificates, and as what they are reached.
pub type Hosts = BTreeMap<DeviceName, Host>;

/// As it lies on the disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    key: Hidden,
    chain: Vec<String>,
}

impl Stored for Written {
    const WHAT: &'static str = "the file of the site's device issuer";
    const VERSION: u8 = 1;
}

/// A key in base 64; wiped when dropped.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Hidden(String);

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The bytes to store, in a buffer that is wiped.
pub(super) fn written(issuer: &DeviceIssuer) -> Result<Zeroizing<Vec<u8>>, StoredError> {
    let chain = issuer.chain().iter().map(|one| STANDARD.encode(one)).collect();
    let record = Written { key: Hidden(STANDARD.encode(issuer.key().pkcs8())), chain };
    let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM));
    bytes.push(Written::VERSION);
    serde_json::to_writer(&mut *bytes, &record)
        .map_err(|_| StoredError::Unwritable { what: Written::WHAT })?;
    Ok(bytes)
}

/// What was stored.
pub(super) fn read(bytes: &[u8]) -> Result<DeviceIssuer, StoredError> {
    let damaged = || StoredError::Damaged { what: Written::WHAT };
    let record: Written = stored::decode(bytes)?;
    let key = Zeroizing::new(STANDARD.decode(&record.key.0).map_err(|_| damaged())?);
    let key = Key::from_pkcs8(&key).map_err(|_| damaged())?;
    let chain = record.chain.iter().map(|one| STANDARD.decode(one).map(CertificateDer::from));
    let chain = chain.collect::<Result<_, _>>().map_err(|_| damaged())?;
    DeviceIssuer::new(chain, key).map_err(|_| damaged())
}

/// Why an answer was refused; the issuer from before stays in force.
#[derive(Debug, thiserror::Error)]
pub enum BadAnswer {
    /// It is no device issuer of ours.
    #[error(transparent)]
    Issuer(#[from] BadIssuer),
    /// It is over soon.
    #[error("it ends at {0}, which is too soon for any device's certificate")]
    EndsSoon(Timestamp),
    /// It may name none of the site's devices.
    #[error(
        "it may name none of the site's devices, such as {0}; state the site's names and networks at the controller"
    )]
    CoversNothing(String),
    /// The one that is held may name more of them.
    #[error("it may not name {0}, which the one that is held may")]
    CoversLess(String),
}

/// Judges a chain that was given for `key`.
///
/// # Errors
/// [`BadAnswer`].
pub fn judge(
    chain: Vec<Vec<u8>>,
    key: Key,
    (held, hosts): (Option<&DeviceIssuer>, &Hosts),
    trust: &TrustBundle,
    now: Timestamp,
) -> Result<DeviceIssuer, BadAnswer> {
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    let fresh = DeviceIssuer::new(chain, key)?;
    fresh.leads(trust, now)?;
    if fresh.not_after().seconds_since(now) < LEAST_DEVICE_LIFE {
        return Err(BadAnswer::EndsSoon(fresh.not_after()));
    }
    let left_out = not_covered(&fresh, hosts);
    if let Some(first) = left_out.first()
        && left_out.len() == hosts.len()
    {
        return Err(BadAnswer::CoversNothing(first.to_string()));
    }
    let held = held.filter(|held| held.not_after() > now && held.leads(trust, now).is_ok());
    let lost = |device: &&DeviceName| {
        held.is_some_and(|held| hosts.get(*device).is_some_and(|it| covers(held, it)))
    };
    match left_out.iter().find(lost) {
        Some(device) => Err(BadAnswer::CoversLess(device.to_string())),
        None => Ok(fresh),
    }
}

/// The devices that an issuer may not sign for.
pub fn not_covered(issuer: &DeviceIssuer, hosts: &Hosts) -> Vec<DeviceName> {
    let left_out = hosts.iter().filter(|(_, host)| !covers(issuer, host));
    left_out.map(|(device, _)| device.clone()).collect()
}

fn covers(issuer: &DeviceIssuer, host: &Host) -> bool {
    issuer.not_covered(host).is_empty()
}

/// What to do about the issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: no device gets certificates.
    Rest,
    /// Nothing, until then.
    Wait(Timestamp),
    /// Ask the controller for one.
    Ask,
}

/// Decides. `asked` is when the last answer for these very devices and roots was taken; `jitter` lies between -1 and 1.
pub fn step(
    held: Option<&DeviceIssuer>,
    (hosts, trust): (&Hosts, &TrustBundle),
    asked: Option<Timestamp>,
    jitter: f64,
    now: Timestamp,
) -> Step {
    if hosts.is_empty() {
        return Step::Rest;
    }
    let Some(held) = held else { return Step::Ask };
    let renewal = renew_at(held.not_before(), held.not_after(), jitter);
    if now >= renewal {
        return Step::Ask;
    }
    let will_do = not_covered(held, hosts).is_empty() && held.leads(trust, now).is_ok();
    let again = asked.map(|asked| Timestamp::from_unix(asked.unix().saturating_add(ASK_AGAIN)));
    match again {
        _ if will_do => Step::Wait(renewal),
        Some(again) if now < again => Step::Wait(again.min(renewal)),
        _ => Step::Ask,
    }
}
