//! Who signs whom: the root (10 years, its key sealed, off the network if wanted) signs issuing authorities (1 year),
//! which sign controllers, agents and operators (7 days) and, per site, a device issuer that can only name the site's
//! own names and addresses.
//!
//! Names come from the caller, who verified them; of a request only the key is used. It reads no clock.

use std::net::IpAddr;

use ipnet::IpNet;
use proto::{Organisation, SiteName, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyIdMethod, KeyUsagePurpose,
    NameConstraints, SanType, SubjectPublicKeyInfo,
};
use rustls_pki_types::CertificateDer;

use crate::authority::{AuthorityError, dated};
use crate::key::{self, Key, KeyError, KeyHash};
use crate::name::{Name, server_name};
use crate::random::{digest, hex};
use crate::request::VerifiedRequest;
use crate::trust::{self, RootPin};

const DAY: i64 = 86_400;
/// Certificates begin so many seconds before they are made, for clocks that are a little slow.
pub const BACKDATE: i64 = 600;
/// Life of a root, in seconds.
pub const ROOT_LIFE: i64 = 3653 * DAY;
/// Life of an issuing authority, in seconds.
pub const ISSUING_LIFE: i64 = 365 * DAY;
/// Life of a controller's, an agent's or an operator's certificate, in seconds, unless configured otherwise.
pub const LEAF_LIFE: i64 = 7 * DAY;
/// Life of a site's device issuer, in seconds: it has to outlast long outages.
pub const DEVICE_ISSUER_LIFE: i64 = 180 * DAY;

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
pub enum HierarchyError {
    /// The authority's own time is over or has not come.
    #[error("the issuing authority is valid from {0} to {1} and cannot sign now")]
    OutOfTime(Timestamp, Timestamp),
    /// The certificate is not one that this key could have been given.
    #[error("the authority's certificate and its key do not belong together")]
    Mismatch,
    /// The certificate was not signed by the root beside it.
    #[error("the authority's certificate was not signed by its root")]
    Foreign,
    /// The certificate of an authority cannot be read.
    #[error("the authority's certificate cannot be read")]
    Unreadable,
    /// A device issuer without anything to name.
    #[error("a device issuer needs at least one name or network of its site")]
    Unconstrained,
    /// Making it failed.
    #[error("making a certificate failed")]
    Certificate(#[from] AuthorityError),
    /// Making a key failed.
    #[error("making a key failed")]
    Key(#[from] KeyError),
    /// Signing failed.
    #[error("signing a certificate failed")]
    Signing(#[from] rcgen::Error),
}

/// A certificate that was just issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate first, then its issuing authority, then the root.
    pub chain: Vec<CertificateDer<'static>>,
    /// The serial number in hex.
    pub serial: String,
    /// When it ends.
    pub not_after: Timestamp,
    /// SHA-256 of its key.
    pub key: KeyHash,
}

/// The root with its private key; only in memory while something is signed with it.
#[derive(Debug)]
pub struct Root {
    certificate: CertificateDer<'static>,
    key: Key,
}

/// An issuing authority with its private key.
#[derive(Debug)]
pub struct Issuing {
    certificate: CertificateDer<'static>,
    root: CertificateDer<'static>,
    key: Key,
    from: Timestamp,
    until: Timestamp,
}

/// What a device issuer may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceNames {
    /// DNS names; a name also covers what is below it (RFC 5280 section 4.2.1.10).
    pub names: Vec<String>,
    /// Networks of addresses.
    pub networks: Vec<IpNet>,
}

impl Root {
    /// Makes a root of that organisation.
    ///
    /// # Errors
    /// [`HierarchyError`], when the system gives no randomness.
    pub fn make(organisation: &Organisation, now: Timestamp) -> Result<Self, HierarchyError> {
        let key = Key::generate()?;
        let mut params = authority_params(organisation, "root", (now, ROOT_LIFE), 2)?;
        params.key_identifier_method = key_identifier(key.spki())?;
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(key.pair())?.der().clone();
        Ok(Self { certificate, key })
    }

    /// Puts a root together again.
    ///
    /// # Errors
    /// [`HierarchyError::Mismatch`], [`HierarchyError::Unreadable`].
    pub fn from_parts(
        certificate: CertificateDer<'static>,
        key: Key,
    ) -> Result<Self, HierarchyError> {
        belongs(&certificate, &key)?;
        Ok(Self { certificate, key })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its key, to be sealed.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// What the first contact is held to.
    pub fn pin(&self) -> RootPin {
        RootPin::of_key(self.key.spki())
    }

    /// Makes an issuing authority under this root.
    ///
    /// # Errors
    /// [`HierarchyError`].
    pub fn issuing(
        &self,
        organisation: &Organisation,
        now: Timestamp,
    ) -> Result<Issuing, HierarchyError> {
        let key = Key::generate()?;
        let mut params = authority_params(organisation, "issuing", (now, ISSUING_LIFE), 1)?;
        params.key_identifier_method = key_identifier(key.spki())?;
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_ca_cert_der(&self.certificate, self.key.pair())?;
        let certificate = params.signed_by(key.pair(), &issuer)?.der().clone();
        Issuing::from_parts(certificate, self.certificate.clone(), key)
    }

    /// Certifies the issuing authority of another root of the organisation, so that whoever only trusts this root follows
    /// what that authority signs, until the earlier end of the two.
    ///
    /// # Errors
    /// [`HierarchyError`].
    pub fn bridge(
        &self,
        to: &Issuing,
        now: Timestamp,
    ) -> Result<CertificateDer<'static>, HierarchyError> {
        let read = trust::read(&to.certificate).ok_or(HierarchyError::Unreadable)?;
        let organisation =
            trust::organisation(&to.certificate).ok_or(HierarchyError::Unreadable)?;
        let common = read.subject().iter_common_name().next();
        let common = common.and_then(|name| name.as_str().ok());
        let (_, ends) = trust::lifetime(&self.certificate).ok_or(HierarchyError::Unreadable)?;
        let mut params = dated(after(now, -BACKDATE), to.until.min(ends))?;
        // The name is what leads from a certificate to its issuer's.
        params.distinguished_name =
            distinguished(&organisation, common.ok_or(HierarchyError::Unreadable)?);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
        params.key_identifier_method = key_identifier(to.key.spki())?;
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::from_ca_cert_der(&self.certificate, self.key.pair())?;
        Ok(params.signed_by(to.key.pair(), &issuer)?.der().clone())
    }
}

/// Whether that root's key signed the certificate, whatever the time.
pub fn is_under(certificate: &CertificateDer<'_>, root: &CertificateDer<'_>) -> bool {
    let (Some(above), Some(below)) = (trust::read(root), trust::read(certificate)) else {
        return false;
    };
    below.issuer() == above.subject() && below.verify_signature(Some(above.public_key())).is_ok()
}

impl Issuing {
    /// Puts an issuing authority together again.
    ///
    /// # Errors
    /// [`HierarchyError::Mismatch`], [`HierarchyError::Foreign`], [`HierarchyError::Unreadable`].
    pub fn from_parts(
        certificate: CertificateDer<'static>,
        root: CertificateDer<'static>,
        key: Key,
    ) -> Result<Self, HierarchyError> {
        belongs(&certificate, &key)?;
        if !is_under(&certificate, &root) {
            return Err(HierarchyError::Foreign);
        }
        let (from, until) = trust::lifetime(&certificate).ok_or(HierarchyError::Unreadable)?;
        Ok(Self { certificate, root, key, from, until })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// The certificate of the root it is under.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// Its key, for the one file it is kept in, and for join states.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// When it ends.
    pub fn not_after(&self) -> Timestamp {
        self.until
    }

    /// Issues a certificate for `name` with the key of the request, for `life` seconds from now, but never beyond the
    /// authority's own end.
    ///
    /// # Errors
    /// [`HierarchyError`].
    pub fn issue(
        &self,
        name: &Name,
        request: &VerifiedRequest,
        now: Timestamp,
        life: i64,
    ) -> Result<Issued, HierarchyError> {
        let mut params = self.leaf_params(now, life)?;
        params.distinguished_name = distinguished(name.organisation(), name.short());
        let uri = name.to_string();
        let uri = uri.as_str().try_into().map_err(|_| AuthorityError::BadName(uri.clone()))?;
        params.subject_alt_names.push(SanType::URI(uri));
        params.extended_key_usages = match name {
            Name::Controller(organisation) => {
                let dns = server_name(organisation);
                let dns =
                    dns.as_str().try_into().map_err(|_| AuthorityError::BadName(dns.clone()))?;
                params.subject_alt_names.push(SanType::DnsName(dns));
                vec![ExtendedKeyUsagePurpose::ServerAuth]
            }
            Name::Agent(..) | Name::Operator(..) => vec![ExtendedKeyUsagePurpose::ClientAuth],
        };
        self.sign(params, request)
    }

    /// Issues a certificate for a site's device issuer, which may sign servers with the given names and addresses and
    /// nothing else.
    ///
    /// # Errors
    /// [`HierarchyError`].
    pub fn device_issuer(
        &self,
        organisation: &Organisation,
        site: &SiteName,
        may_name: &DeviceNames,
        request: &VerifiedRequest,
        now: Timestamp,
    ) -> Result<Issued, HierarchyError> {
        if may_name.names.is_empty() && may_name.networks.is_empty() {
            return Err(HierarchyError::Unconstrained);
        }
        let mut params = self.leaf_params(now, DEVICE_ISSUER_LIFE)?;
        params.distinguished_name = distinguished(organisation, &format!("{site} device issuer"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.name_constraints = Some(constraints(may_name));
        self.sign(params, request)
    }

    fn leaf_params(&self, now: Timestamp, life: i64) -> Result<CertificateParams, HierarchyError> {
        if now < self.from || now >= self.until {
            return Err(HierarchyError::OutOfTime(self.from, self.until));
        }
        let end = after(now, life).min(self.until);
        let mut params = dated(after(now, -BACKDATE).max(self.from), end)?;
        // Says that it is no authority, and has a key identifier as RFC 5280 section 4.2.1.2 wishes.
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        Ok(params)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        request: &VerifiedRequest,
    ) -> Result<Issued, HierarchyError> {
        params.key_identifier_method = key_identifier(request.spki())?;
        let issuer = Issuer::from_ca_cert_der(&self.certificate, self.key.pair())?;
        let public = SubjectPublicKeyInfo::from_der(request.spki())?;
        let certificate = params.signed_by(&public, &issuer)?.der().clone();
        let serial = params.serial_number.map(|serial| hex(&serial.to_bytes())).unwrap_or_default();
        let (_, not_after) = trust::lifetime(&certificate).ok_or(HierarchyError::Unreadable)?;
        let chain = vec![certificate, self.certificate.clone(), self.root.clone()];
        Ok(Issued { chain, serial, not_after, key: request.hash() })
    }
}

fn authority_params(
    organisation: &Organisation,
    role: &str,
    (now, life): (Timestamp, i64),
    path: u8,
) -> Result<CertificateParams, HierarchyError> {
    let mut params = dated(after(now, -BACKDATE), after(now, life))?;
    let day = now.day();
    params.distinguished_name =
        distinguished(organisation, &format!("{organisation} {role} authority {day}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path));
    Ok(params)
}

pub(crate) fn distinguished(organisation: &Organisation, common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, organisation.as_str());
    name.push(DnType::CommonName, common);
    name
}

/// What is not permitted by kind would be allowed, so a kind without an entry is excluded whole.
fn constraints(may_name: &DeviceNames) -> NameConstraints {
    let mut permitted: Vec<_> =
        may_name.names.iter().cloned().map(GeneralSubtree::DnsName).collect();
    let subnet = |net: &IpNet| {
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(net.network(), net.prefix_len()))
    };
    permitted.extend(may_name.networks.iter().map(subnet));
    let mut excluded = vec![GeneralSubtree::DnsName("palisade.internal".to_owned())];
    if may_name.names.is_empty() {
        excluded.push(GeneralSubtree::DnsName(String::new()));
    }
    let everything =
        |address: IpAddr| GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, 0));
    if !may_name.networks.iter().any(|net| matches!(net, IpNet::V4(_))) {
        excluded.push(everything(IpAddr::from([0_u8; 4])));
    }
    if !may_name.networks.iter().any(|net| matches!(net, IpNet::V6(_))) {
        excluded.push(everything(IpAddr::from([0_u8; 16])));
    }
    NameConstraints { permitted_subtrees: permitted, excluded_subtrees: excluded }
}

/// RFC 7093 section 2, method 1: the first 160 bits of the SHA-256 of the public key's bits.
pub(crate) fn key_identifier(spki: &[u8]) -> Result<KeyIdMethod, KeyError> {
    Ok(KeyIdMethod::PreSpecified(digest(key::point(spki)?)[..20].to_vec()))
}

pub(crate) fn belongs(certificate: &CertificateDer<'_>, key: &Key) -> Result<(), HierarchyError> {
    let spki = trust::spki(certificate).ok_or(HierarchyError::Unreadable)?;
    if spki == key.spki() { Ok(()) } else { Err(HierarchyError::Mismatch) }
}

pub(crate) fn after(time: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_unix(time.unix().saturating_add(seconds))
}
