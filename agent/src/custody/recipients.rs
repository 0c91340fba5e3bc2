//! The recovery recipients: whom secrets are sealed to. The organisation's root has signed them, so that whoever takes
//! over a controller cannot have secrets sealed to themselves, nor bring back those who were taken off the list.

use std::fmt;

use certs::escrow::{EscrowError, Quorum};
use certs::trust::{TrustBundle, spki};
use proto::Organisation;
use proto::stored::Stored;
use proto::wire::Malformed;
use proto::wire::escrow as wire;
use proto::wire::v1;
use serde::{Deserialize, Serialize};

/// Recipients that were believed, as they lie on the disk.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Recipients {
    /// Grows with every change.
    pub generation: u64,
    /// Who they are.
    pub quorum: Quorum,
    signature: Vec<u8>,
}

impl fmt::Debug for Recipients {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Recipients(generation {})", self.generation)
    }
}

impl Stored for Recipients {
    const WHAT: &'static str = "the file of recovery recipients";
    const VERSION: u8 = 1;
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    generation: u64,
    threshold: usize,
    recipients: Vec<String>,
    #[serde(with = "proto::stored::bytes")]
    signature: Vec<u8>,
}

impl From<Recipients> for Written {
    fn from(believed: Recipients) -> Self {
        Self {
            generation: believed.generation,
            threshold: believed.quorum.threshold(),
            recipients: believed.quorum.recipients().map(str::to_owned).collect(),
            signature: believed.signature,
        }
    }
}

impl TryFrom<Written> for Recipients {
    type Error = EscrowError;

    fn try_from(written: Written) -> Result<Self, EscrowError> {
        let quorum = Quorum::new(written.threshold, &written.recipients)?;
        Ok(Self { generation: written.generation, quorum, signature: written.signature })
    }
}

/// Why recipients were refused; those from before stay in force.
#[derive(Debug, thiserror::Error)]
pub enum BadRecipients {
    /// The message is not well formed.
    #[error("the message is not well formed: {0}")]
    Malformed(#[from] Malformed),
    /// They make no sense together.
    #[error("they cannot be sealed to: {0}")]
    Quorum(#[from] EscrowError),
    /// No trusted root signed them.
    #[error("no trusted root has signed them for this organisation")]
    NotSigned,
    /// A generation before the one that is held.
    #[error("generation {0} is older than generation {1}, which is held")]
    Older(u64, u64),
    /// The generation that is held, with other recipients.
    #[error("generation {0} is held already, with other recipients")]
    Changed(u64),
}

/// What becomes of recipients that were offered.
#[derive(Debug)]
pub enum Verdict {
    /// They are the ones that are held.
    AsHeld,
    /// They are new, and believed.
    New(Recipients),
}

/// Judges what a controller offers against what is held.
///
/// # Errors
/// [`BadRecipients`].
pub fn judge(
    offered: v1::RecoveryRecipients,
    held: Option<&Recipients>,
    organisation: &Organisation,
    trust: &TrustBundle,
) -> Result<Verdict, BadRecipients> {
    let (generation, signature) = (offered.generation, offered.signature);
    let threshold = usize::try_from(offered.threshold).map_err(|_| EscrowError::Threshold)?;
    let quorum = Quorum::new(threshold, &wire::recipients(offered.recipients)?)?;
    let signed = trust
        .roots
        .iter()
        .filter_map(|root| spki(root))
        .any(|root| quorum.verify(organisation, generation, &signature, &root).is_ok());
    if !signed || generation == 0 {
        return Err(BadRecipients::NotSigned);
    }
    let offered = Recipients { generation, quorum, signature };
    match held {
        Some(held) if generation < held.generation => {
            Err(BadRecipients::Older(generation, held.generation))
        }
        Some(held) if generation == held.generation => {
            let content = |one: &Recipients| one.quorum.canonical(organisation, generation);
            if content(held) == content(&offered) {
                Ok(Verdict::AsHeld)
            } else {
                Err(BadRecipients::Changed(generation))
            }
        }
        _ => Ok(Verdict::New(offered)),
    }
}
