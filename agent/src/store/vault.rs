//! The vault: the secrets themselves, sealed at rest, one durable file per credential with its history.
//!
//! They are sealed with age to a key of this agent, `vault.key`, which only its user may read. It lies in the data
//! folder unless it is given from elsewhere (a credential of the service manager, say one that a TPM opens). Beside the
//! data it protects what is copied without it: a backup of the vault, a support bundle, a card read in part; it does not
//! protect against whoever has the whole box. What protects against the loss of the box are the copies sealed to the
//! recovery recipients, which are kept here too until the controller has acknowledged them.
//!
//! A secret is written into both generations of its file before anybody may name it, so that no single damage loses
//! one. Refuses to make a new key where secrets lie that the lost one sealed. All calls block.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use certs::random::{self, NoRandomness};
use certs::seal::{self, Opener, Recipient, SealError};
use proto::stored::{self, Stored, StoredError};
use proto::{SealedCopy, Secret, SecretId, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::StoreError;
use super::files::DurableFile;
use super::journal::Journal;
use super::subject::{Kind, Subject};

/// Largest file of one credential, in bytes.
const LARGEST: usize = 4 << 20;
/// Longest secret, in bytes: a certificate with its chain and key in PEM.
pub const LONGEST_SECRET: usize = 32 << 10;
/// Secrets that nobody needs any more are kept until there are so many newer ones.
const KEPT_BEYOND_NEED: usize = 4;
/// Most old keys of recordings that are kept. One a month for ten years.
const MOST_RECORDING_KEYS: usize = 120;

/// Why the vault does not do it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The disk would not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file of one credential is not readable.
    #[error("{} is not readable; its secrets are in escrow", path.display())]
    Unreadable {
        /// Its folder.
        path: PathBuf,
        /// What is wrong with it.
        source: StoredError,
    },
    /// The key is gone, or another one.
    #[error(
        "the vault's key does not open what lies in it; put the right vault.key back, or bring the secrets back from escrow"
    )]
    WrongKey,
    /// There is no such secret.
    #[error("the vault has no secret {0}; it can be brought back from escrow")]
    Missing(SecretId),
    /// No secret is so long, or empty.
    #[error("a secret has 1 to {LONGEST_SECRET} bytes")]
    Length,
    /// More keys of recordings than are kept.
    #[error(
        "{MOST_RECORDING_KEYS} keys of recordings are kept; remove those whose recordings are gone"
    )]
    Full,
    /// Sealing failed.
    #[error("cannot seal a secret")]
    Seal(#[source] SealError),
    /// Sealing to the recovery recipients failed.
    #[error("cannot seal a secret to the recovery recipients")]
    Escrow(#[source] certs::escrow::EscrowError),
    /// The system gave no random bytes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A secret's place in the vault, as it lies on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    id: SecretId,
    role: Role,
    made_at: Timestamp,
    #[serde(with = "proto::stored::bytes")]
    sealed: Vec<u8>,
    escrow: Escrowed,
}

/// Whose a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Of the credential that is rotated.
    Main,
    /// Of the administrator that stands during its change.
    Second,
}

/// What was looked up.
#[derive(Clone, Debug)]
pub struct Found {
    /// The secret.
    pub secret: Secret,
    /// Whose it is.
    pub role: Role,
    /// When it was made.
    pub made_at: Timestamp,
}

/// How far a secret's escrow is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Escrowed {
    /// Not sealed to the recovery recipients yet.
    No,
    /// Sealed; the controller has not acknowledged it.
    Sealed {
        /// Which recipients it is sealed to.
        generation: u64,
        /// The sealed copies.
        copies: Vec<SealedCopy>,
    },
    /// The controller has it.
    Acknowledged {
        /// Which recipients it is sealed to.
        generation: u64,
    },
}

/// Every secret of one credential, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shelf {
    secrets: Vec<Kept>,
}

impl Stored for Shelf {
    const WHAT: &'static str = "a vault file";
    const VERSION: u8 = 1;
}

/// The vault. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Vault {
    journal: Journal,
    key: Arc<Opener>,
    /// Held while values that several devices share are agreed on.
    agreeing: Arc<Mutex<()>>,
}

impl Vault {
    /// Opens the vault in the agent's data folder with the key beside it, which is made if there is no vault yet.
    ///
    /// # Errors
    /// [`VaultError::WrongKey`] if there is a vault and no key; otherwise what the system refused.
    pub fn open(data: &Path) -> Result<Self, VaultError> {
        let file = DurableFile::new(data, "vault.key", 4 << 10);
        if let Some(content) = file.read()? {
            let text = std::str::from_utf8(&content.bytes).map_err(|_| VaultError::WrongKey)?;
            return Self::with_key(data, &Secret::new(text));
        }
        let (entries, troubles) = Journal::new(data).all().map_err(|_| VaultError::WrongKey)?;
        if !entries.is_empty() || !troubles.is_empty() {
            return Err(VaultError::WrongKey);
        }
        let key = Opener::generate();
        // Both generations: no single damage may lose what opens all the rest.
        file.write(key.to_text().expose().as_bytes())?;
        file.write(key.to_text().expose().as_bytes())?;
        Ok(Self { journal: Journal::new(data), key: key.into(), agreeing: Arc::default() })
    }

    /// The same with a key from elsewhere: an age identity.
    ///
    /// # Errors
    /// [`VaultError::WrongKey`] if it is none.
    pub fn with_key(data: &Path, key: &Secret) -> Result<Self, VaultError> {
        let key = Opener::parse(key).map_err(|_| VaultError::WrongKey)?;
        Ok(Self { journal: Journal::new(data), key: key.into(), agreeing: Arc::default() })
    }

    /// What opens the vault, for what else of this agent is sealed at rest.
    pub fn key(&self) -> Arc<Opener> {
        self.key.clone()
    }

    /// Whom the vault's key is for: what is sealed to it opens on this box alone.
    pub fn recipient(&self) -> Recipient {
        self.key.recipient()
    }

    /// Keeps fresh secrets durably and names them, in their order.
    ///
    /// # Errors
    /// [`VaultError`]; none is kept then, and none may be used.
    pub fn keep(
        &self,
        subject: &Subject,
        fresh: &[(Role, Secret)],
        made_at: Timestamp,
    ) -> Result<Vec<SecretId>, VaultError> {
        let mut shelf = self.shelf(subject)?;
        let full = shelf.secrets.len() + fresh.len() > MOST_RECORDING_KEYS;
        if subject.kind == Kind::RecordingKey && full {
            return Err(VaultError::Full);
        }
        let mut ids = Vec::new();
        for (role, secret) in fresh {
            if !(1..=LONGEST_SECRET).contains(&secret.expose().len()) {
                return Err(VaultError::Length);
            }
            let (id, role) = (SecretId(random::bytes()?), *role);
            let sealed = self.seal(secret).map_err(VaultError::Seal)?;
            shelf.secrets.push(Kept { id, role, made_at, sealed, escrow: Escrowed::No });
            ids.push(id);
        }
        // Twice, so that both generations have it. What is written later takes no secret away that is still needed, so
        // once is enough there.
        self.write(subject, &shelf)?;
        self.write(subject, &shelf)?;
        Ok(ids)
    }

    /// Keeps a fresh secret if the newest one is still `after`, and gives the one that is the newest then: of several
    /// clones of this vault that try at once, one wins, and the others take over what it kept.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn keep_after(
        &self,
        subject: &Subject,
        after: Option<SecretId>,
        fresh: &Secret,
        made_at: Timestamp,
    ) -> Result<Secret, VaultError> {
        let _alone = self.agreeing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.history(subject)?.first() {
            Some((newest, _)) if Some(*newest) != after => {
                Ok(self.secret(subject, *newest)?.secret)
            }
            Some(_) | None => {
                self.keep(subject, &[(Role::Main, fresh.clone())], made_at)?;
                self.tidy(subject, &[])?;
                Ok(fresh.clone())
            }
        }
    }

    /// A secret.
    ///
    /// # Errors
    /// [`VaultError::Missing`], and the others.
    pub fn secret(&self, subject: &Subject, id: SecretId) -> Result<Found, VaultError> {
        let shelf = self.shelf(subject)?;
        let kept = find(&shelf, id)?;
        let secret = self.opened(&kept.sealed)?;
        Ok(Found { secret, role: kept.role, made_at: kept.made_at })
    }

    /// Every secret of a credential that is still kept, the newest first: a device that was restored from an old backup
    /// may want an old one, and old recordings do.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn history(&self, subject: &Subject) -> Result<Vec<(SecretId, Timestamp)>, VaultError> {
        let shelf = self.shelf(subject)?;
        Ok(shelf.secrets.iter().rev().map(|kept| (kept.id, kept.made_at)).collect())
    }

    /// Whether a text is one of the credential's secrets, so that none is ever used twice.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn is_used(
        &self,
        subject: &Subject,
    ) -> Result<impl Fn(&str) -> bool + Send + Sync + use<>, VaultError> {
        let shelf = self.shelf(subject)?;
        let secrets: Vec<Secret> =
            shelf.secrets.iter().map(|kept| self.opened(&kept.sealed)).collect::<Result<_, _>>()?;
        Ok(move |text: &str| secrets.iter().any(|secret| secret.expose() == text))
    }

    /// How far a secret's escrow is.
    ///
    /// # Errors
    /// [`VaultError::Missing`], and the others.
    pub fn escrowed(&self, subject: &Subject, id: SecretId) -> Result<Escrowed, VaultError> {
        Ok(find(&self.shelf(subject)?, id)?.escrow.clone())
    }

    /// Notes, durably, how far a secret's escrow is. One that is acknowledged is not put back by a sealing to the same
    /// recipients.
    ///
    /// # Errors
    /// [`VaultError::Missing`], and the others.
    pub fn note_escrow(
        &self,
        subject: &Subject,
        id: SecretId,
        escrow: Escrowed,
    ) -> Result<(), VaultError> {
        let mut shelf = self.shelf(subject)?;
        let kept = shelf.secrets.iter_mut().find(|kept| kept.id == id);
        let kept = kept.ok_or(VaultError::Missing(id))?;
        let known_better = match (&kept.escrow, &escrow) {
            (
                Escrowed::Acknowledged { generation: known },
                Escrowed::Sealed { generation, .. } | Escrowed::Acknowledged { generation },
            ) => generation <= known,
            (Escrowed::Acknowledged { .. } | Escrowed::Sealed { .. }, Escrowed::No) => true,
            (Escrowed::No | Escrowed::Sealed { .. }, _) => false,
        };
        if known_better {
            return Ok(());
        }
        kept.escrow = escrow;
        self.write(subject, &shelf)
    }

    /// Forgets what is neither `known` to the journal nor among the newest few. Keys of recordings that a device may have
    /// had are never forgotten; of one that was tried several times the newest copy is enough.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn tidy(&self, subject: &Subject, known: &[SecretId]) -> Result<(), VaultError> {
        let mut shelf = self.shelf(subject)?;
        let count = shelf.secrets.len();
        if subject.kind == Kind::RecordingKey && subject.device.is_some() {
            return self.tidy_keys(subject, shelf, known);
        }
        let mut place = 0;
        shelf.secrets.retain(|kept| {
            place += 1;
            known.contains(&kept.id) || place + KEPT_BEYOND_NEED > count
        });
        if shelf.secrets.len() == count { Ok(()) } else { self.write(subject, &shelf) }
    }

    fn tidy_keys(
        &self,
        subject: &Subject,
        mut shelf: Shelf,
        known: &[SecretId],
    ) -> Result<(), VaultError> {
        let texts = shelf.secrets.iter().map(|kept| self.opened(&kept.sealed));
        let texts = texts.collect::<Result<Vec<Secret>, _>>()?;
        let (count, mut newer) = (texts.len(), texts.as_slice());
        shelf.secrets.retain(|kept| {
            let [own, rest @ ..] = newer else { return true };
            newer = rest;
            known.contains(&kept.id) || rest.iter().all(|one| one.expose() != own.expose())
        });
        if shelf.secrets.len() == count { Ok(()) } else { self.write(subject, &shelf) }
    }

    fn shelf(&self, subject: &Subject) -> Result<Shelf, VaultError> {
        let Some(content) = self.file(subject).read()? else { return Ok(Shelf::default()) };
        let unreadable =
            |source| VaultError::Unreadable { path: self.journal.folder_of(subject), source };
        stored::decode(&content.bytes).map_err(unreadable)
    }

    fn write(&self, subject: &Subject, shelf: &Shelf) -> Result<(), VaultError> {
        let unreadable =
            |source| VaultError::Unreadable { path: self.journal.folder_of(subject), source };
        let bytes = stored::encode(shelf).map_err(unreadable)?;
        self.file(subject).write(&bytes)?;
        Ok(())
    }

    fn file(&self, subject: &Subject) -> DurableFile {
        DurableFile::new(&self.journal.folder_of(subject), "vault", LARGEST)
    }

    fn seal(&self, secret: &Secret) -> Result<Vec<u8>, SealError> {
        let mut writer = seal::sealing(&[self.key.recipient()], Vec::new())?;
        writer.write_all(secret.expose().as_bytes())?;
        Ok(writer.finish()?)
    }

    fn opened(&self, sealed: &[u8]) -> Result<Secret, VaultError> {
        let reader = seal::opening(sealed, &self.key).map_err(|_| VaultError::WrongKey)?;
        let mut text = Zeroizing::new(String::with_capacity(LONGEST_SECRET));
        let read = reader.take(LONGEST_SECRET as u64).read_to_string(&mut text);
        read.map_err(|_| VaultError::WrongKey)?;
        Ok(Secret::new(text.as_str()))
    }
}

fn find(shelf: &Shelf, id: SecretId) -> Result<&Kept, VaultError> {
    shelf.secrets.iter().find(|kept| kept.id == id).ok_or(VaultError::Missing(id))
}

#[cfg(test)]
#[path = "vault_tests.rs"]
mod tests;
