//! A device's certificate with its chain and key, as one text: what a rotation mints, the vault keeps and a driver
//! uploads. PEM blocks in this order: the device's own certificate, those above it, and the key in PKCS #8 (RFC 7468).
//!
//! The key is EC P-256; nothing else is made here, and nothing else is read.

use proto::{Secret, Timestamp};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{PemObject as _, SectionKind};
use zeroize::{Zeroize as _, Zeroizing};

use crate::Pin;
use crate::key::Key;
use crate::random::hex;
use crate::trust::{self, MAX_CERTIFICATE};

/// Longest text, in bytes.
pub const MAX_TEXT: usize = 32 << 10;
/// Most certificates: the device's, its site's issuer and the issuing authority above that, and one to spare.
pub const MAX_CHAIN: usize = 4;
/// Bytes in a line of a PEM block (RFC 7468 section 2).
const LINE: usize = 64;

/// Why a text or its parts are no device's certificate. None of the text is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadDeviceCertificate {
    /// Longer than [`MAX_TEXT`].
    #[error("a device's certificate with chain and key has at most {MAX_TEXT} bytes")]
    TooLong,
    /// Not the blocks in their order.
    #[error(
        "a device's certificate is 1 to {MAX_CHAIN} PEM blocks CERTIFICATE, the device's own first, and then one PRIVATE KEY"
    )]
    Blocks,
    /// A certificate that cannot be read, or is too large.
    #[error("a certificate of a device, or one above it, cannot be read")]
    Unreadable,
    /// The key cannot be read, or is of another kind.
    #[error("a device's key is EC P-256 in PKCS #8, and this is none")]
    Key,
    /// The certificate is for another key.
    #[error("the device's certificate and the key beside it do not belong together")]
    OtherKey,
}

/// See the module. Its parts belong together; whether the chain leads to anybody is not said.
#[derive(Debug)]
pub struct DeviceCertificate {
    /// The device's own first.
    chain: Vec<CertificateDer<'static>>,
    key: Key,
    serial: String,
    from: Timestamp,
    until: Timestamp,
}

impl DeviceCertificate {
    /// Puts the parts together; `chain` has the device's own certificate first.
    ///
    /// # Errors
    /// [`BadDeviceCertificate`].
    pub fn from_parts(
        chain: Vec<CertificateDer<'static>>,
        key: Key,
    ) -> Result<Self, BadDeviceCertificate> {
        if !(1..=MAX_CHAIN).contains(&chain.len()) {
            return Err(BadDeviceCertificate::Blocks);
        }
        let is_sound =
            |der: &CertificateDer<'_>| der.len() <= MAX_CERTIFICATE && trust::read(der).is_some();
        if !chain.iter().all(is_sound) {
            return Err(BadDeviceCertificate::Unreadable);
        }
        let leaf = trust::read(&chain[0]).ok_or(BadDeviceCertificate::Unreadable)?;
        if leaf.public_key().raw != key.spki() {
            return Err(BadDeviceCertificate::OtherKey);
        }
        let serial = hex(leaf.raw_serial());
        let (from, until) = trust::lifetime(&chain[0]).ok_or(BadDeviceCertificate::Unreadable)?;
        Ok(Self { chain, key, serial, from, until })
    }

    /// Reads the text that [`Self::to_pem`] wrote. What stands between the blocks is passed over.
    ///
    /// # Errors
    /// [`BadDeviceCertificate`].
    pub fn parse(text: &Secret) -> Result<Self, BadDeviceCertificate> {
        let text = text.expose().as_bytes();
        if text.len() > MAX_TEXT {
            return Err(BadDeviceCertificate::TooLong);
        }
        let (mut chain, mut key) = (Vec::new(), None);
        for block in <(SectionKind, Vec<u8>)>::pem_slice_iter(text) {
            let (kind, mut bytes) = block.map_err(|_| BadDeviceCertificate::Blocks)?;
            match kind {
                SectionKind::Certificate if key.is_none() && chain.len() < MAX_CHAIN => {
                    chain.push(CertificateDer::from(bytes));
                }
                SectionKind::PrivateKey if key.is_none() => {
                    let read = Key::from_pkcs8(&bytes);
                    bytes.zeroize();
                    key = Some(read.map_err(|_| BadDeviceCertificate::Key)?);
                }
                _ => {
                    bytes.zeroize();
                    return Err(BadDeviceCertificate::Blocks);
                }
            }
        }
        Self::from_parts(chain, key.ok_or(BadDeviceCertificate::Blocks)?)
    }

    /// All of it as one text.
    pub fn to_pem(&self) -> Secret {
        let key = self.key_pem();
        let chain = self.chain_pem();
        let mut text = Zeroizing::new(String::with_capacity(chain.len() + key.expose().len()));
        text.push_str(&chain);
        text.push_str(key.expose());
        Secret::new(text.as_str())
    }

    /// The device's own certificate (DER).
    pub fn leaf_der(&self) -> &[u8] {
        &self.chain[0]
    }

    /// The certificates above the device's own (DER), the nearest first; the root is not among them.
    pub fn above(&self) -> &[CertificateDer<'static>] {
        &self.chain[1..]
    }

    /// The device's own certificate in PEM.
    pub fn leaf_pem(&self) -> String {
        block("CERTIFICATE", &self.chain[0]).as_str().to_owned()
    }

    /// What a server presents, in PEM: the device's own certificate first, then those above it.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|one| block("CERTIFICATE", one).as_str().to_owned()).collect()
    }

    /// The key, PKCS #8 in PEM.
    pub fn key_pem(&self) -> Secret {
        Secret::new(block("PRIVATE KEY", self.key.pkcs8()).as_str())
    }

    /// The fingerprint of the device's own certificate: what a handshake is compared with.
    pub fn pin(&self) -> Pin {
        Pin::of(&self.chain[0])
    }

    /// Its serial number in hex, as it stands in the certificate.
    pub fn serial(&self) -> &str {
        &self.serial
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

/// A PEM block, in a buffer that does not move and is wiped.
pub(crate) fn block(label: &str, der: &[u8]) -> Zeroizing<String> {
    use base64::Engine as _;
    let room = der.len().div_ceil(3) * 4;
    let mut digits = Zeroizing::new(vec![0; room]);
    let written = base64::engine::general_purpose::STANDARD
        .encode_slice(der, &mut digits)
        .expect("there is room for four digits for every three bytes");
    let mut text = Zeroizing::new(String::with_capacity(room + room / LINE + 2 * label.len() + 64));
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    for line in digits[..written].chunks(LINE) {
        text.extend(line.iter().map(|digit| char::from(*digit)));
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, SubjectPublicKeyInfo};

    use super::*;

    fn made() -> DeviceCertificate {
        let (issuer, key) = (rcgen::KeyPair::generate().unwrap(), Key::generate().unwrap());
        let above = CertificateParams::new(vec!["above".to_owned()]).unwrap();
        let root = above.self_signed(&issuer).unwrap().der().clone();
        let issuer = rcgen::Issuer::new(above, issuer);
        let public = SubjectPublicKeyInfo::from_der(key.spki()).unwrap();
        let leaf = CertificateParams::new(vec!["yard".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&public, &issuer).unwrap().der().clone();
        DeviceCertificate::from_parts(vec![leaf, root], key).unwrap()
    }

    #[test]
    fn the_text_reads_back_as_it_was_written() {
        let made = made();
        let text = made.to_pem();
        let read = DeviceCertificate::parse(&text).unwrap();
        assert_eq!(read.to_pem().expose(), text.expose());
        assert_eq!((read.leaf_der(), read.above()), (made.leaf_der(), made.above()));
        assert_eq!((read.pin(), read.serial()), (made.pin(), made.serial()));
        assert!(read.not_before() < read.not_after());
        assert_eq!(text.expose(), format!("{}{}", made.chain_pem(), made.key_pem().expose()));
        assert!(made.chain_pem().starts_with(&made.leaf_pem()));
        assert!(!made.chain_pem().contains("PRIVATE"));
    }

    #[test]
    fn blocks_in_another_order_or_number_are_refused() {
        let made = made();
        let (chain, key) = (made.chain_pem(), made.key_pem());
        let key = key.expose();
        let many = format!("{}{key}", made.leaf_pem().repeat(MAX_CHAIN + 1));
        let other = format!("{chain}{}", key.replace("PRIVATE KEY", "EC PRIVATE KEY"));
        let torn = format!("{chain}{}", &key[..key.len() / 2]);
        for bad in [
            "",
            "nothing",
            &chain,
            key,
            &format!("{key}{chain}"),
            &format!("{chain}{key}{key}"),
            &many,
            &other,
            &torn,
        ] {
            let refused = DeviceCertificate::parse(&Secret::new(bad)).unwrap_err();
            assert_eq!(refused, BadDeviceCertificate::Blocks, "{bad}");
        }
        let long = format!("{chain}{key}{}", " ".repeat(MAX_TEXT));
        let refused = DeviceCertificate::parse(&Secret::new(long)).unwrap_err();
        assert_eq!(refused, BadDeviceCertificate::TooLong);
    }

    #[test]
    fn parts_that_do_not_belong_together_are_refused() {
        let (one, other) = (made(), made());
        let mixed = format!("{}{}", one.chain_pem(), other.key_pem().expose());
        let refused = DeviceCertificate::parse(&Secret::new(mixed)).unwrap_err();
        assert_eq!(refused, BadDeviceCertificate::OtherKey);
        let swapped = one.chain_pem().replacen(&one.leaf_pem(), "", 1) + &one.leaf_pem();
        let swapped = format!("{swapped}{}", one.key_pem().expose());
        let refused = DeviceCertificate::parse(&Secret::new(swapped)).unwrap_err();
        assert_eq!(refused, BadDeviceCertificate::OtherKey);
        let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
        let refused = DeviceCertificate::parse(&Secret::new(one.chain_pem() + &other));
        assert_eq!(refused.unwrap_err(), BadDeviceCertificate::Key);
    }

    #[test]
    fn neither_text_nor_parts_are_shown() {
        let made = made();
        let key = made.key_pem();
        let line = key.expose().lines().nth(1).unwrap();
        assert!(!format!("{made:?} {:?}", made.to_pem()).contains(line));
    }
}
