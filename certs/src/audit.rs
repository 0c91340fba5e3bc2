//! Hash-chained audit logs: each record's hash covers the hash before it, so that a record that is changed, removed or
//! put elsewhere breaks the chain from there on. That the end was cut off shows only against a head that somebody else
//! kept: agents witness the controller's head, and the controller the agents'.
//!
//! Pure: no storage, no clock.

use serde::{Deserialize, Serialize};

use proto::Timestamp;

use crate::random::digest;

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Place in the chain, from 1.
    pub number: u64,
    /// When, by the clock of whoever keeps the log.
    pub time: Timestamp,
    /// Who: a name such as `palisade://acme/operator/kim`, or a source address for somebody without a certificate.
    pub actor: String,
    /// What was done: a word of a closed list.
    pub deed: String,
    /// To what: a site, an agent, a person, a device.
    pub subject: String,
    /// The rest in words. Never a secret.
    pub detail: String,
}

/// The last record of a chain: all that is needed to add to it, or to prove that none was cut off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// How many records there are.
    pub length: u64,
    /// The hash of the last one; zeroes while there is none.
    pub hash: [u8; 32],
}

impl ChainHead {
    /// The head after a record was added.
    pub fn extended(&self, record: &Record) -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(b"palisade audit 1\0");
        bytes.extend_from_slice(&self.hash);
        bytes.extend_from_slice(&record.number.to_be_bytes());
        bytes.extend_from_slice(&record.time.unix().to_be_bytes());
        for text in [&record.actor, &record.deed, &record.subject, &record.detail] {
            // Lengths, so that no two different records have the same bytes.
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Self { length: record.number, hash: digest(&bytes) }
    }
}

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// A record is missing, stands elsewhere, or was put in.
    #[error("record {wanted} was expected and record {found} stands there")]
    OutOfPlace {
        /// The number that should come.
        wanted: u64,
        /// The number that came.
        found: u64,
    },
    /// A record, or one before it, is not what was written.
    #[error("record {0} does not fit the one before it: it was changed, or taken from elsewhere")]
    Changed(u64),
    /// The log ends before a head that somebody kept.
    #[error(
        "the log ends with record {found}, and record {kept} was seen by {by}: the end was cut off"
    )]
    CutOff {
        /// The last record there is.
        found: u64,
        /// The one that was seen.
        kept: u64,
        /// Who saw it.
        by: String,
    },
    /// The log is another one than the one whose head somebody kept.
    #[error("record {number} is not the one that was seen by {by}: the log was written anew")]
    Rewritten {
        /// Whose hash differs.
        number: u64,
        /// Who saw it.
        by: String,
    },
}

/// A head that somebody kept, and who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Such as `agent 00ff`.
    pub by: String,
    /// The head.
    pub head: ChainHead,
}

/// Walks a log from its first record and compares it with heads that others kept.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    head: ChainHead,
    witnesses: Vec<Witness>,
}

impl Verifier {
    /// A verifier that knows these heads; those of length 0 say nothing.
    pub fn new(witnesses: impl IntoIterator<Item = Witness>) -> Self {
        let witnesses = witnesses.into_iter().filter(|witness| witness.head.length > 0).collect();
        Self { head: ChainHead::default(), witnesses }
    }

    /// A verifier that takes up behind a record that it believes, because those before it are kept no longer.
    pub fn behind(head: ChainHead, witnesses: impl IntoIterator<Item = Witness>) -> Self {
        Self { head, ..Self::new(witnesses) }
    }

    /// Takes the next record with the hash that stands beside it.
    ///
    /// # Errors
    /// [`BrokenChain`].
    pub fn take(&mut self, record: &Record, hash: &[u8]) -> Result<(), BrokenChain> {
        let wanted = self.head.length + 1;
        if record.number != wanted {
            return Err(BrokenChain::OutOfPlace { wanted, found: record.number });
        }
        let head = self.head.extended(record);
        if head.hash != hash {
            return Err(BrokenChain::Changed(record.number));
        }
        self.head = head;
        let here = self.witnesses.iter().filter(|witness| witness.head.length == head.length);
        match here.into_iter().find(|witness| witness.head.hash != head.hash) {
            Some(witness) => {
                Err(BrokenChain::Rewritten { number: record.number, by: witness.by.clone() })
            }
            None => Ok(()),
        }
    }

    /// The end of the log. Without a witness, that its end was cut off cannot be seen.
    ///
    /// # Errors
    /// [`BrokenChain::CutOff`].
    pub fn finish(self) -> Result<ChainHead, BrokenChain> {
        let found = self.head.length;
        match self.witnesses.into_iter().max_by_key(|witness| witness.head.length) {
            Some(Witness { by, head }) if head.length > found => {
                Err(BrokenChain::CutOff { found, kept: head.length, by })
            }
            _ => Ok(self.head),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(length: u64) -> Vec<(Record, [u8; 32])> {
        let mut head = ChainHead::default();
        let record = |number| Record {
            number,
            time: Timestamp::from_unix(1_800_000_000 + number as i64),
            actor: "palisade://acme/operator/kim".to_owned(),
            deed: "site_added".to_owned(),
            subject: format!("site-{number}"),
            detail: String::new(),
        };
        let each = (1..=length).map(record).map(|record| {
            head = head.extended(&record);
            (record, head.hash)
        });
        each.collect()
    }

    fn verify(log: &[(Record, [u8; 32])], kept: Option<ChainHead>) -> Result<u64, BrokenChain> {
        let witness = kept.map(|head| Witness { by: "agent 00ff".to_owned(), head });
        let mut verifier = Verifier::new(witness);
        for (record, hash) in log {
            verifier.take(record, hash)?;
        }
        verifier.finish().map(|head| head.length)
    }

    fn head(log: &[(Record, [u8; 32])]) -> ChainHead {
        let (record, hash) = log.last().unwrap();
        ChainHead { length: record.number, hash: *hash }
    }

    #[test]
    fn an_untouched_log_verifies_with_every_head_that_was_kept() {
        let log = log(9);
        assert_eq!(verify(&log, None), Ok(9));
        for length in 1..=9 {
            assert_eq!(verify(&log, Some(head(&log[..length]))), Ok(9));
        }
    }

    #[test]
    fn each_changed_field_is_found() {
        for change in [
            (|record: &mut Record| record.time = Timestamp::from_unix(0)) as fn(&mut Record),
            |record| record.actor.push('x'),
            |record| record.deed.push('x'),
            |record| record.subject.clear(),
            |record| record.detail.push('x'),
        ] {
            let mut log = log(5);
            change(&mut log[2].0);
            assert_eq!(verify(&log, None), Err(BrokenChain::Changed(3)));
        }
    }

    #[test]
    fn removed_and_reordered_records_are_found() {
        let whole = log(5);
        let mut removed = whole.clone();
        removed.remove(2);
        assert_eq!(verify(&removed, None), Err(BrokenChain::OutOfPlace { wanted: 3, found: 4 }));
        let mut swapped = whole.clone();
        swapped.swap(1, 3);
        assert_eq!(verify(&swapped, None), Err(BrokenChain::OutOfPlace { wanted: 2, found: 4 }));
        let mut renumbered = removed;
        for (place, (record, _)) in renumbered.iter_mut().enumerate() {
            record.number = place as u64 + 1;
        }
        assert_eq!(verify(&renumbered, None), Err(BrokenChain::Changed(3)));
    }

    #[test]
    fn a_cut_end_shows_against_a_kept_head() {
        let whole = log(5);
        assert_eq!(verify(&whole[..3], None), Ok(3));
        assert!(matches!(
            verify(&whole[..3], Some(head(&whole))),
            Err(BrokenChain::CutOff { found: 3, kept: 5, .. })
        ));
    }

    #[test]
    fn what_is_left_of_a_log_verifies_behind_its_first_record_and_no_other_follows_it() {
        let whole = log(9);
        let verify = |left: &[(Record, [u8; 32])]| {
            let witness = Witness { by: "agent 00ff".to_owned(), head: head(&whole[..8]) };
            let mut verifier = Verifier::behind(head(&left[..1]), [witness]);
            left[1..].iter().try_for_each(|(record, hash)| verifier.take(record, hash))?;
            verifier.finish().map(|head| head.length)
        };
        assert_eq!(verify(&whole[4..]), Ok(9));
        assert!(matches!(verify(&whole[4..7]), Err(BrokenChain::CutOff { .. })));
        let mut changed = whole.clone();
        changed[5].0.subject.push('x');
        assert_eq!(verify(&changed[4..]), Err(BrokenChain::Changed(6)));
    }

    #[test]
    fn a_log_written_anew_shows_against_a_kept_head() {
        let (old, mut head_now) = (log(5), ChainHead::default());
        let mut forged = old.clone();
        for (record, hash) in &mut forged {
            record.actor = "palisade://acme/operator/mallory".to_owned();
            head_now = head_now.extended(record);
            *hash = head_now.hash;
        }
        assert_eq!(verify(&forged, None), Ok(5));
        assert!(matches!(
            verify(&forged, Some(head(&old[..4]))),
            Err(BrokenChain::Rewritten { number: 4, .. })
        ));
    }
}
