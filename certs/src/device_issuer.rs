//! A site's device issuer, where it is used: at the site. It signs the certificates of the site's devices, also while
//! the controller is away, and can sign nothing else: its own certificate, by the organisation's issuing authority,
//! names the names and networks that it may put into one.
//!
//! Refuses an issuer that could sign more than that, or that does not lead to a trusted root, before it is used; and
//! refuses to make a certificate that a verifier would refuse. Keys are EC P-256. It reads no clock.

mod bounds;

use std::net::IpAddr;

use proto::Timestamp;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose, SanType,
    SubjectPublicKeyInfo,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::certificate::X509Certificate;

use crate::authority::{AuthorityError, dated};
use crate::device_certificate::{BadDeviceCertificate, DeviceCertificate, block};
use crate::hierarchy::{BACKDATE, HierarchyError, after, distinguished, key_identifier};
use crate::key::{Key, KeyError};
use crate::random::hex;
use crate::trust::{self, MAX_CERTIFICATE, TrustBundle};
use bounds::Bounds;

const DAY: i64 = 86_400;
/// Life of a device's certificate unless configured otherwise, in seconds. A new one costs a reboot, at two thirds of
/// its life: so some six reboots a year. The issuer is renewed with 90 days left, so that a controller may be away for
/// that long before a camera gets a shorter one.
pub const DEVICE_LIFE: i64 = 90 * DAY;
/// A certificate that would end sooner than this, in seconds, because its issuer does, is not worth a reboot.
pub const LEAST_DEVICE_LIFE: i64 = 7 * DAY;
/// Longest common name (RFC 5280 appendix A.1, ub-common-name), in characters.
const LONGEST_COMMON_NAME: usize = 64;
/// Most names and addresses of one device.
pub const MAX_HOST: usize = 32;

/// Why a chain and a key are no device issuer that is used.
#[derive(Debug, thiserror::Error)]
pub enum BadIssuer {
    /// Too few or many certificates, or one that cannot be read.
    #[error("the device issuer's chain cannot be read")]
    Unreadable,
    /// It is for another key.
    #[error("the device issuer's certificate is for another key than the one that was sent")]
    OtherKey,
    /// It is no authority that signs servers' certificates and nothing below it.
    #[error(
        "the device issuer's certificate is not one for signing servers alone, with a path length of 0"
    )]
    Powers,
    /// It may name whatever it wants.
    #[error("the device issuer's certificate does not say what it may name")]
    Unconstrained,
    /// It does not lead to a trusted root, or is out of its time.
    #[error("the device issuer's certificate does not lead to a trusted root now: {0}")]
    Untrusted(String),
    /// A trial certificate could not be made.
    #[error("the device issuer cannot sign")]
    CannotSign(#[source] Box<IssueError>),
}

/// Why no certificate was made for a device.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The issuer's time is over, has not come, or is over within [`LEAST_DEVICE_LIFE`].
    #[error(
        "the site's device issuer is good from {0} to {1}, which leaves too little for a device's certificate; it is renewed once the controller can be reached"
    )]
    OutOfTime(Timestamp, Timestamp),
    /// The device has a name or an address that the issuer may not name.
    #[error(
        "the site's device issuer may not name {0}; add it to the site's names and networks at the controller"
    )]
    NotCovered(String),
    /// Nothing, or too much, to put into the certificate.
    #[error("a device's certificate is for 1 to {MAX_HOST} names and addresses")]
    HowMany,
    /// Making it failed.
    #[error("making a device's certificate failed")]
    Certificate(#[from] AuthorityError),
    /// Making a key failed.
    #[error("making a device's key failed")]
    Key(#[from] KeyError),
    /// Signing failed.
    #[error("signing a device's certificate failed")]
    Signing(#[from] rcgen::Error),
    /// What was made cannot be read.
    #[error("what was made for a device is no certificate")]
    Made(#[from] BadDeviceCertificate),
}

impl From<HierarchyError> for IssueError {
    fn from(error: HierarchyError) -> Self {
        match error {
            HierarchyError::Key(error) => Self::Key(error),
            HierarchyError::Signing(error) => Self::Signing(error),
            HierarchyError::Certificate(error) => Self::Certificate(error),
            _ => Self::Made(BadDeviceCertificate::Unreadable),
        }
    }
}

/// As what a device is reached: what its certificate is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Host {
    /// DNS names.
    pub names: Vec<String>,
    /// Addresses.
    pub addresses: Vec<IpAddr>,
}

impl Host {
    /// As a person writes it: an address, or else a name.
    pub fn of(text: &str) -> Self {
        match text.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(address) => Self { names: Vec::new(), addresses: vec![address] },
            Err(_) => Self { names: vec![text.to_ascii_lowercase()], addresses: Vec::new() },
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct DeviceIssuer {
    /// Its own certificate, then those above it but for the root.
    chain: Vec<CertificateDer<'static>>,
    key: Key,
    bounds: Bounds,
    from: Timestamp,
    until: Timestamp,
}

impl DeviceIssuer {
    /// Takes a chain that was given for `key`, its own certificate first, and checks all but whom it leads to: that is
    /// for [`Self::leads`].
    ///
    /// # Errors
    /// [`BadIssuer`].
    pub fn new(chain: Vec<CertificateDer<'static>>, key: Key) -> Result<Self, BadIssuer> {
        if !(2..=3).contains(&chain.len()) || chain.iter().any(|one| one.len() > MAX_CERTIFICATE) {
            return Err(BadIssuer::Unreadable);
        }
        let read = trust::read(&chain[0]).ok_or(BadIssuer::Unreadable)?;
        if read.public_key().raw != key.spki() {
            return Err(BadIssuer::OtherKey);
        }
        if !signs_servers_alone(&read).ok_or(BadIssuer::Unreadable)? {
            return Err(BadIssuer::Powers);
        }
        let bounds = Bounds::of(&read).ok_or(BadIssuer::Unconstrained)?;
        let (from, until) = trust::lifetime(&chain[0]).ok_or(BadIssuer::Unreadable)?;
        let chain = chain.into_iter().take(2).collect();
        Ok(Self { chain, key, bounds, from, until })
    }

    /// Whether what it signs leads to a root of the bundle at that time: a certificate is made on trial.
    ///
    /// # Errors
    /// [`BadIssuer::Untrusted`], [`BadIssuer::CannotSign`].
    pub fn leads(&self, bundle: &TrustBundle, at: Timestamp) -> Result<(), BadIssuer> {
        let untrusted = |error: webpki::Error| {
            BadIssuer::Untrusted(proto::text::printable(&format!("{error:?}"), 200))
        };
        let host = self.bounds.example().ok_or(BadIssuer::Unconstrained)?;
        let trial = self
            .signed("trial", &host, (self.from, self.until))
            .map_err(|error| BadIssuer::CannotSign(Box::new(error)))?;
        let anchors = bundle.roots.iter().map(anchor_from_trusted_cert);
        let anchors = anchors.collect::<Result<Vec<_>, _>>().map_err(untrusted)?;
        let leaf = CertificateDer::from(trial.leaf_der());
        let seconds = std::time::Duration::from_secs(u64::try_from(at.unix()).unwrap_or(0));
        EndEntityCert::try_from(&leaf)
            .and_then(|leaf| {
                leaf.verify_for_usage(
                    webpki::ALL_VERIFICATION_ALGS,
                    &anchors,
                    trial.above(),
                    UnixTime::since_unix_epoch(seconds),
                    KeyUsage::server_auth(),
                    None,
                    None,
                )
                .map(|_| ())
            })
            .map_err(untrusted)
    }

    /// What of a device it may not name; nothing if it may sign for it.
    pub fn not_covered(&self, host: &Host) -> Vec<String> {
        self.bounds.outside(host)
    }

    /// Makes a key, and a certificate for it, for the device called `device`, which is reached as `host`. It begins ten
    /// minutes before `now`, ends `life` seconds after it, but never after the issuer itself, and has 128 random bits for
    /// a serial number.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue(
        &self,
        device: &str,
        host: &Host,
        now: Timestamp,
        life: i64,
    ) -> Result<DeviceCertificate, IssueError> {
        if let Some(outside) = self.not_covered(host).into_iter().next() {
            return Err(IssueError::NotCovered(outside));
        }
        let until = after(now, life).min(self.until);
        let least = life.min(LEAST_DEVICE_LIFE);
        if now < self.from || until < after(now, least) {
            return Err(IssueError::OutOfTime(self.from, self.until));
        }
        self.signed(device, host, (after(now, -BACKDATE).max(self.from), until))
    }

    fn signed(
        &self,
        device: &str,
        host: &Host,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<DeviceCertificate, IssueError> {
        let key = Key::generate()?;
        let mut params = dated(from, until)?;
        // With a space in it, nobody takes it for a DNS name, which the issuer's constraints would be held against.
        let common: String = format!("device {device}").chars().take(LONGEST_COMMON_NAME).collect();
        match trust::organisation(&self.chain[0]) {
            Some(organisation) => {
                params.distinguished_name = distinguished(&organisation, &common);
            }
            None => params.distinguished_name.push(DnType::CommonName, common),
        }
        params.subject_alt_names = alternative_names(host)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_identifier_method = key_identifier(key.spki())?;
        let leaf = self.sign(&params, &key)?;
        let chain = std::iter::once(leaf).chain(self.chain.iter().cloned()).collect();
        Ok(DeviceCertificate::from_parts(chain, key)?)
    }

    fn sign(
        &self,
        params: &CertificateParams,
        key: &Key,
    ) -> Result<CertificateDer<'static>, IssueError> {
        let issuer = Issuer::from_ca_cert_der(&self.chain[0], self.key.pair())?;
        let public = SubjectPublicKeyInfo::from_der(key.spki())?;
        Ok(params.signed_by(&public, &issuer)?.der().clone())
    }

    /// Its own certificate first, then the one above it; the root is not among them.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The same in PEM, each by itself.
    pub fn chain_pem(&self) -> Vec<String> {
        self.chain.iter().map(|one| block("CERTIFICATE", one).as_str().to_owned()).collect()
    }

    /// Its key, for the one file it is kept in.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Its serial number in hex.
    pub fn serial(&self) -> String {
        trust::read(&self.chain[0]).map(|read| hex(read.raw_serial())).unwrap_or_default()
    }

    /// When it begins.
    pub fn not_before(&self) -> Timestamp {
        self.from
    }

    /// When it ends.
    pub fn not_after(&self) -> Timestamp {
        self.until
    }
}

fn alternative_names(host: &Host) -> Result<Vec<SanType>, IssueError> {
    if !(1..=MAX_HOST).contains(&(host.names.len() + host.addresses.len())) {
        return Err(IssueError::HowMany);
    }
    let mut names = Vec::new();
    for name in &host.names {
        let text = name.as_str().try_into().map_err(|_| AuthorityError::BadName(name.clone()))?;
        names.push(SanType::DnsName(text));
    }
    names.extend(host.addresses.iter().copied().map(SanType::IpAddress));
    Ok(names)
}

/// Whether it is an authority of path length 0 for servers alone; `None` if it cannot be read.
fn signs_servers_alone(read: &X509Certificate<'_>) -> Option<bool> {
    let basic = read.basic_constraints().ok()?;
    let is_last =
        basic.is_some_and(|basic| basic.value.ca && basic.value.path_len_constraint == Some(0));
    let signs = read.key_usage().ok()?.is_some_and(|usage| usage.value.key_cert_sign());
    let servers = read.extended_key_usage().ok()?.is_some_and(|usage| {
        let usage = usage.value;
        usage.server_auth && !usage.client_auth && !usage.any && usage.other.is_empty()
    });
    Some(is_last && signs && servers)
}

#[cfg(test)]
mod tests;
