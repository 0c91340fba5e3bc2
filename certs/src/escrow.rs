//! Sealing secrets to the people who can bring a site back: the recovery recipients. A sealed copy opens with the
//! recovery keys alone, with the age tool alone, when agent and controller are gone.
//!
//! Where several people must come together, age files lie within age files, one copy for each sufficient group: any two
//! of three people are three copies of two layers. That needs nothing but age to open, which is why it is not a secret
//! sharing scheme; the groups are bounded by [`MOST_COPIES`].
//!
//! The recipients are signed by the organisation's root. A controller hands them on, but cannot put itself among them.

mod file;
mod peel;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};

use proto::{
    DeviceName, Organisation, SealedCopy, Secret, SecretId, SecretKind, SiteName, Timestamp,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::key::{self, Key, KeyError};
use crate::seal::{self, MAX_OPENED, Opener, Recipient, SealError};

pub use file::{SealedFile, open_file, seal_file};
pub use peel::{lacking, peel};

/// Most recipients.
pub const MOST_RECIPIENTS: usize = proto::wire::escrow::MAX_RECIPIENTS;
/// Most copies of one secret, each for a group that is enough: 4 of 7 are 35.
pub const MOST_COPIES: usize = proto::wire::escrow::MAX_COPIES;
/// What a sealed sheet begins with.
const FORM: &str = "palisade escrow 1";

/// Why nothing was sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum EscrowError {
    /// None, too many, or the same one twice.
    #[error("escrow needs 1 to {MOST_RECIPIENTS} different recipients")]
    Recipients,
    /// More than there are, none, or too many ways to choose.
    #[error(
        "so many recipients cannot be asked to come together; choose 1 up to their number, and at most {MOST_COPIES} groups"
    )]
    Threshold,
    /// age would not.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The keys at hand do not open it; those of other recipients are needed.
    #[error("these recovery keys do not open it; it needs one key of each of its layers")]
    KeysMissing,
    /// What is inside is no sheet.
    #[error("what was opened is no sheet of this program")]
    NoSheet,
}

/// Whom secrets are sealed to, and how many of them must come together.
#[derive(Clone, Debug)]
pub struct Quorum {
    threshold: usize,
    recipients: Vec<(String, Recipient)>,
}

/// What is sealed: a secret, and what one has to know to use it. As JSON, which a person can read.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Whose devices.
    pub organisation: Organisation,
    /// Where.
    pub site: SiteName,
    /// Which secret.
    pub id: SecretId,
    /// Which device; `None` if the whole site shares it.
    pub device: Option<DeviceName>,
    /// What it is for.
    pub kind: SecretKind,
    /// The account on the device; empty if it is of none.
    pub account: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// The secret: a password, a key, or a certificate and its key in PEM.
    pub secret: Secret,
}

/// The sheet as it is written. Its text is wiped by whoever makes it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    form: &'a str,
    organisation: Organisation,
    site: SiteName,
    id: SecretId,
    device: Option<DeviceName>,
    kind: SecretKind,
    account: String,
    made_at: Timestamp,
    secret: Plain,
}

/// A secret on its way into or out of a sealed sheet.
struct Plain(Secret);

impl Serialize for Plain {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Secret::new(text)))
    }
}

impl Quorum {
    /// Any `threshold` of these age recipients.
    ///
    /// # Errors
    /// [`EscrowError::Recipients`], [`EscrowError::Threshold`], [`SealError::BadRecipient`].
    pub fn new(threshold: usize, recipients: &[String]) -> Result<Self, EscrowError> {
        let distinct: BTreeSet<_> = recipients.iter().map(|text| text.trim()).collect();
        let count = recipients.len();
        if !(1..=MOST_RECIPIENTS).contains(&count) || distinct.len() != count {
            return Err(EscrowError::Recipients);
        }
        let groups = if threshold == 1 { 1 } else { choices(count, threshold) };
        if !(1..=count).contains(&threshold) || groups > MOST_COPIES {
            return Err(EscrowError::Threshold);
        }
        let read = |text: &String| Ok((text.trim().to_owned(), text.parse()?));
        let recipients = recipients.iter().map(read).collect::<Result<_, SealError>>()?;
        Ok(Self { threshold, recipients })
    }

    /// How many must come together.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// The recipients as text.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.recipients.iter().map(|(text, _)| text.as_str())
    }

    /// What the root signs: this quorum, of this organisation and generation.
    pub fn canonical(&self, organisation: &Organisation, generation: u64) -> Vec<u8> {
        let mut message = b"palisade recovery recipients 1\0".to_vec();
        let mut part = |bytes: &[u8]| {
            message.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            message.extend_from_slice(bytes);
        };
        part(organisation.as_str().as_bytes());
        part(&generation.to_be_bytes());
        part(&(self.threshold as u64).to_be_bytes());
        self.recipients().for_each(|text| part(text.as_bytes()));
        message
    }

    /// Signs the quorum with a root's key.
    ///
    /// # Errors
    /// [`KeyError::Failed`].
    pub fn sign(
        &self,
        organisation: &Organisation,
        generation: u64,
        root: &Key,
    ) -> Result<Vec<u8>, KeyError> {
        root.sign(&self.canonical(organisation, generation))
    }

    /// Whether the root with this SubjectPublicKeyInfo signed it.
    ///
    /// # Errors
    /// [`KeyError::BadSignature`], [`KeyError::WrongKind`].
    pub fn verify(
        &self,
        organisation: &Organisation,
        generation: u64,
        signature: &[u8],
        root_spki: &[u8],
    ) -> Result<(), KeyError> {
        key::verify(root_spki, &self.canonical(organisation, generation), signature)
    }

    /// The layers of each copy. One person who is enough is one of the recipients of a single layer.
    fn groups(&self) -> Vec<Vec<Vec<&(String, Recipient)>>> {
        if self.threshold == 1 {
            return vec![vec![self.recipients.iter().collect()]];
        }
        let count = self.recipients.len();
        (0_u32..1 << count)
            .filter(|group| group.count_ones() as usize == self.threshold)
            .map(|group| {
                let members = self.recipients.iter().enumerate();
                let members = members.filter(|(place, _)| group & 1 << place != 0);
                members.map(|(_, recipient)| vec![recipient]).collect()
            })
            .collect()
    }
}

/// In how many ways `of` can be chosen among `count`.
fn choices(count: usize, of: usize) -> usize {
    (0..of).fold(1_usize, |ways, step| ways.saturating_mul(count.saturating_sub(step)) / (step + 1))
}

/// Seals a sheet, in as many copies as there are groups that are enough.
///
/// # Errors
/// [`EscrowError::Seal`].
pub fn seal(sheet: &Sheet, quorum: &Quorum) -> Result<Vec<SealedCopy>, EscrowError> {
    seal_text(&written(sheet)?, quorum)
}

/// A text, in as many copies as there are groups that are enough.
fn seal_text(text: &[u8], quorum: &Quorum) -> Result<Vec<SealedCopy>, EscrowError> {
    let copy = |layers: Vec<Vec<&(String, Recipient)>>| {
        let mut sealed = Zeroizing::new(text.to_vec());
        for layer in layers.iter().rev() {
            let recipients: Vec<_> = layer.iter().map(|(_, recipient)| recipient.clone()).collect();
            let mut writer = seal::sealing(&recipients, Vec::new())?;
            writer.write_all(&sealed).map_err(SealError::Io)?;
            sealed = Zeroizing::new(writer.finish().map_err(SealError::Io)?);
        }
        let names = layers.iter().map(|layer| layer.iter().map(|(name, _)| name.clone()).collect());
        Ok(SealedCopy { layers: names.collect(), sealed: sealed.to_vec() })
    };
    quorum.groups().into_iter().map(copy).collect()
}

/// Opens a copy with those of the keys that fit.
///
/// # Errors
/// [`EscrowError::KeysMissing`], [`EscrowError::Seal`], [`EscrowError::NoSheet`].
pub fn open(copy: &SealedCopy, keys: &[Opener]) -> Result<Sheet, EscrowError> {
    if copy.layers.is_empty() || copy.layers.len() > MOST_RECIPIENTS {
        return Err(EscrowError::NoSheet);
    }
    let opened = open_layers(copy, keys)?;
    let sheet: Written<'_> = serde_json::from_slice(&opened).map_err(|_| EscrowError::NoSheet)?;
    if sheet.form != FORM {
        return Err(EscrowError::NoSheet);
    }
    let Written { organisation, site, id, device, kind, account, made_at, secret, .. } = sheet;
    Ok(Sheet { organisation, site, id, device, kind, account, made_at, secret: secret.0 })
}

fn open_layers(copy: &SealedCopy, keys: &[Opener]) -> Result<Zeroizing<Vec<u8>>, EscrowError> {
    let mut opened = Zeroizing::new(copy.sealed.clone());
    for _ in &copy.layers {
        opened = layer(&opened, keys)?;
    }
    Ok(opened)
}

fn layer(sealed: &[u8], keys: &[Opener]) -> Result<Zeroizing<Vec<u8>>, EscrowError> {
    for key in keys {
        let reader = match seal::opening(sealed, key) {
            Err(SealError::WrongKey) => continue,
            other => other?,
        };
        // As large as what is sealed, so that the buffer never moves and leaves a copy behind.
        let mut opened = Zeroizing::new(Vec::with_capacity(sealed.len() + 1));
        let most = u64::try_from(MAX_OPENED).unwrap_or(u64::MAX);
        reader.take(most + 1).read_to_end(&mut opened).map_err(|_| SealError::Damaged)?;
        return if opened.len() > MAX_OPENED {
            Err(SealError::TooLarge.into())
        } else {
            Ok(opened)
        };
    }
    Err(EscrowError::KeysMissing)
}

fn written(sheet: &Sheet) -> Result<Zeroizing<Vec<u8>>, EscrowError> {
    let Sheet { organisation, site, id, device, kind, account, made_at, secret } = sheet.clone();
    let room = 512 + account.len() + 2 * secret.expose().len();
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    let secret = Plain(secret);
    let sheet =
        Written { form: FORM, organisation, site, id, device, kind, account, made_at, secret };
    serde_json::to_writer_pretty(&mut *text, &sheet).map_err(|_| EscrowError::NoSheet)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(count: usize) -> (Vec<Opener>, Vec<String>) {
        let keys: Vec<_> = (0..count).map(|_| Opener::generate()).collect();
        let names = keys.iter().map(|key| key.recipient().to_string()).collect();
        (keys, names)
    }

    fn sheet() -> Sheet {
        Sheet {
            organisation: "acme".parse().unwrap(),
            site: "harbour".parse().unwrap(),
            id: SecretId([9; 16]),
            device: Some("cam-1".parse().unwrap()),
            kind: SecretKind::DevicePassword,
            account: "keeper".to_owned(),
            made_at: Timestamp::from_unix(1_800_000_000),
            secret: Secret::new("C0rrect\"horse\\"),
        }
    }

    fn opens(copies: &[SealedCopy], keys: &[Opener]) -> bool {
        copies.iter().any(|copy| match open(copy, keys) {
            Ok(opened) => {
                assert_eq!(opened.secret.expose(), sheet().secret.expose());
                assert_eq!((opened.id, opened.device), (sheet().id, sheet().device));
                true
            }
            Err(EscrowError::KeysMissing) => false,
            Err(error) => panic!("{error}"),
        })
    }

    #[test]
    fn any_one_of_several_opens_one_copy() {
        let (keys, names) = people(3);
        let copies = seal(&sheet(), &Quorum::new(1, &names).unwrap()).unwrap();
        assert_eq!(copies.len(), 1);
        assert!(keys.chunks(1).all(|key| opens(&copies, key)));
        assert!(!opens(&copies, &[Opener::generate()]) && !opens(&copies, &[]));
    }

    #[test]
    fn any_two_of_four_open_it_and_no_one_does() {
        let (keys, names) = people(4);
        let copies = seal(&sheet(), &Quorum::new(2, &names).unwrap()).unwrap();
        assert_eq!(copies.len(), 6);
        assert!(keys.chunks(1).all(|key| !opens(&copies, key)));
        for (first, one) in keys.iter().enumerate() {
            for other in keys.iter().skip(first + 1) {
                let two = [one, other].map(|key| Opener::parse(&key.to_text()).unwrap());
                assert!(opens(&copies, &two));
            }
        }
    }

    #[test]
    fn a_quorum_that_makes_no_sense_is_refused() {
        let (_, names) = people(8);
        assert!(matches!(Quorum::new(1, &[]), Err(EscrowError::Recipients)));
        let twice = [names[0].clone(), names[0].clone()];
        assert!(matches!(Quorum::new(1, &twice), Err(EscrowError::Recipients)));
        for threshold in [0, 9, 4] {
            assert!(matches!(Quorum::new(threshold, &names), Err(EscrowError::Threshold)));
        }
        assert!(Quorum::new(8, &names).is_ok() && Quorum::new(2, &names).is_ok());
        assert!(matches!(
            Quorum::new(1, &["age1nobody".to_owned()]),
            Err(EscrowError::Seal(SealError::BadRecipient(_)))
        ));
    }

    #[test]
    fn a_quorum_holds_for_its_organisation_generation_and_root_alone() {
        let (_, names) = people(2);
        let (root, acme) = (Key::generate().unwrap(), "acme".parse().unwrap());
        let quorum = Quorum::new(1, &names).unwrap();
        let signature = quorum.sign(&acme, 3, &root).unwrap();
        quorum.verify(&acme, 3, &signature, root.spki()).unwrap();
        assert!(quorum.verify(&acme, 4, &signature, root.spki()).is_err());
        assert!(quorum.verify(&"other".parse().unwrap(), 3, &signature, root.spki()).is_err());
        assert!(quorum.verify(&acme, 3, &signature, Key::generate().unwrap().spki()).is_err());
        let stricter = Quorum::new(2, &names).unwrap();
        assert!(stricter.verify(&acme, 3, &signature, root.spki()).is_err());
        let fewer = Quorum::new(1, &names[..1]).unwrap();
        assert!(fewer.verify(&acme, 3, &signature, root.spki()).is_err());
    }

    #[test]
    fn what_is_sealed_says_nothing_and_what_is_damaged_does_not_open() {
        let (keys, names) = people(1);
        let mut copies = seal(&sheet(), &Quorum::new(1, &names).unwrap()).unwrap();
        let clear = b"C0rrect";
        assert!(!copies[0].sealed.windows(clear.len()).any(|part| part == clear));
        let last = copies[0].sealed.len() - 1;
        copies[0].sealed[last] ^= 1;
        assert!(matches!(open(&copies[0], &keys), Err(EscrowError::Seal(SealError::Damaged))));
    }
}
