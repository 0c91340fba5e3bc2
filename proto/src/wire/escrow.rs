//! Secrets in escrow and whom they are sealed to, between the wire and checked words.

use super::malformed::{self, Malformed};
use super::v1;
use super::words::word;
use crate::escrow::{EscrowRecord, SealedCopy, SecretId};

/// Most sealed copies of one secret.
pub const MAX_COPIES: usize = 35;
/// Most recovery recipients.
pub const MAX_RECIPIENTS: usize = 16;
/// Longest age recipient, in bytes.
const MAX_RECIPIENT: usize = 128;
/// Largest sealed copy, in bytes: a certificate with its chain and key in a handful of age layers.
pub const MAX_SEALED: usize = 64 << 10;
/// Largest record, in bytes of its sealed copies together: it travels as one entry of an upload.
pub const MAX_RECORD: usize = 192 << 10;
/// Longest name of an account, in bytes.
const MAX_ACCOUNT: usize = 64;

impl From<&EscrowRecord> for v1::EscrowRecord {
    fn from(record: &EscrowRecord) -> Self {
        Self {
            secret_id: record.id.0.to_vec(),
            device: record.device.as_ref().map_or_else(String::new, ToString::to_string),
            kind: v1::SecretKind::from(record.kind).into(),
            account: record.account.clone(),
            made_at: record.made_at.unix(),
            recipients_generation: record.recipients_generation,
            copies: record.copies.iter().map(v1::SealedCopy::from).collect(),
        }
    }
}

impl From<&SealedCopy> for v1::SealedCopy {
    fn from(copy: &SealedCopy) -> Self {
        let layer = |recipients: &Vec<String>| v1::SealedLayer { recipients: recipients.clone() };
        Self { layers: copy.layers.iter().map(layer).collect(), sealed: copy.sealed.clone() }
    }
}

impl TryFrom<v1::EscrowRecord> for EscrowRecord {
    type Error = Malformed;

    fn try_from(record: v1::EscrowRecord) -> Result<Self, Malformed> {
        malformed::within(record.copies.len(), "sealed copies", MAX_COPIES)?;
        if record.copies.is_empty() {
            return Err(Malformed::Missing("sealed copy"));
        }
        let sealed = record.copies.iter().map(|copy| copy.sealed.len()).sum();
        malformed::within(sealed, "escrow record", MAX_RECORD)?;
        let id = record.secret_id.try_into().map_err(|_| Malformed::Bad("name of a secret"))?;
        let device = match record.device.as_str() {
            "" => None,
            _ => Some(malformed::device(record.device)?),
        };
        Ok(Self {
            id: SecretId(id),
            device,
            kind: word::<v1::SecretKind, _>(record.kind, "kind of secret")?,
            account: malformed::text(record.account, "account", MAX_ACCOUNT)?,
            made_at: malformed::time(record.made_at, "time of making")?,
            recipients_generation: record.recipients_generation,
            copies: record.copies.into_iter().map(copy).collect::<Result<_, _>>()?,
        })
    }
}

pub(super) fn copy(copy: v1::SealedCopy) -> Result<SealedCopy, Malformed> {
    malformed::within(copy.sealed.len(), "sealed copy", MAX_SEALED)?;
    malformed::within(copy.layers.len(), "layers of a sealed copy", MAX_RECIPIENTS)?;
    if copy.sealed.is_empty() || copy.layers.is_empty() {
        return Err(Malformed::Missing("sealed copy"));
    }
    let layer = |layer: v1::SealedLayer| recipients(layer.recipients);
    let layers = copy.layers.into_iter().map(layer).collect::<Result<_, _>>()?;
    Ok(SealedCopy { layers, sealed: copy.sealed })
}

/// Some age recipients, at least one. Whether they are age's is for whoever seals to them to say.
///
/// # Errors
/// None at all, too many, or texts that are too long or not printable.
pub fn recipients(texts: Vec<String>) -> Result<Vec<String>, Malformed> {
    malformed::within(texts.len(), "recipients", MAX_RECIPIENTS)?;
    if texts.is_empty() {
        return Err(Malformed::Missing("recipient"));
    }
    texts.into_iter().map(|text| malformed::words(text, "recipient", MAX_RECIPIENT)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SecretKind, Timestamp};

    fn record() -> EscrowRecord {
        EscrowRecord {
            id: SecretId([7; 16]),
            device: Some("cam-1".parse().unwrap()),
            kind: SecretKind::DevicePassword,
            account: "admin2".to_owned(),
            made_at: Timestamp::from_unix(1_800_000_000),
            recipients_generation: 3,
            copies: vec![SealedCopy {
                layers: vec![vec!["age1a".to_owned(), "age1b".to_owned()]],
                sealed: b"age".to_vec(),
            }],
        }
    }

    #[test]
    fn a_record_crosses_the_wire_unchanged() {
        let wire = v1::EscrowRecord::from(&record());
        assert_eq!(EscrowRecord::try_from(wire), Ok(record()));
        let shared = EscrowRecord { device: None, account: String::new(), ..record() };
        assert_eq!(EscrowRecord::try_from(v1::EscrowRecord::from(&shared)), Ok(shared));
    }

    #[test]
    fn what_no_agent_would_send_is_refused() {
        let bad: [fn(&mut v1::EscrowRecord); 12] = [
            |record| record.secret_id.clear(),
            |record| record.device = "a b".to_owned(),
            |record| record.kind = 0,
            |record| record.kind = 99,
            |record| record.account = "a\u{1b}[2J".to_owned(),
            |record| record.account = "a".repeat(65),
            |record| record.made_at = -1,
            |record| record.copies.clear(),
            |record| record.copies[0].sealed.clear(),
            |record| record.copies[0].layers.clear(),
            |record| record.copies[0].layers[0].recipients.clear(),
            |record| record.copies[0].sealed = vec![0; MAX_SEALED + 1],
        ];
        for (place, spoil) in bad.into_iter().enumerate() {
            let mut wire = v1::EscrowRecord::from(&record());
            spoil(&mut wire);
            assert!(EscrowRecord::try_from(wire).is_err(), "{place}");
        }
        let mut wire = v1::EscrowRecord::from(&record());
        wire.copies = vec![wire.copies[0].clone(); MAX_COPIES + 1];
        assert!(EscrowRecord::try_from(wire).is_err());
    }
}
