//! What the agent was entrusted with so that it can go on alone: whom secrets are sealed to, and the site's device
//! issuer. Kept in the folder `custody/` of the agent's data, each in two generations.
//!
//! Decides what of it may be believed and when it is asked for again; reaches nobody. All calls of [`Custody`] block.

pub mod issuer;
pub mod recipients;

use std::path::{Path, PathBuf};

use certs::DeviceIssuer;
use proto::stored::{self, StoredError};
use zeroize::Zeroizing;

use crate::store::{DurableFile, StoreError};
use recipients::Recipients;

/// Largest of the files.
const LARGEST: usize = 64 << 10;

/// Why a file could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// The disk would not, or both generations are damaged.
    #[error("what the agent was entrusted with cannot be read or kept")]
    Store(#[from] StoreError),
    /// A file of ours that says something impossible, or is of a newer version.
    #[error("the file {} makes no sense", path.display())]
    Nonsense {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: StoredError,
    },
}

/// The folder.
#[derive(Clone, Debug)]
pub struct Custody {
    folder: PathBuf,
    recipients: DurableFile,
    issuer: DurableFile,
}

impl Custody {
    /// The folder within the agent's data. Nothing is touched yet.
    pub fn within(data: &Path) -> Self {
        let folder = data.join("custody");
        let file = |name| DurableFile::new(&folder, name, LARGEST);
        Self { recipients: file("recipients"), issuer: file("device-issuer"), folder }
    }

    /// Whom secrets are sealed to; `None` if nobody was ever named.
    ///
    /// # Errors
    /// [`CustodyError`].
    pub fn recipients(&self) -> Result<Option<Recipients>, CustodyError> {
        let Some(content) = self.recipients.read()? else { return Ok(None) };
        stored::decode(&content.bytes).map(Some).map_err(self.nonsense("recipients"))
    }

    /// From now on, secrets are sealed to these.
    ///
    /// # Errors
    /// [`CustodyError`]; then they are sealed to whom they were.
    pub fn keep_recipients(&self, recipients: &Recipients) -> Result<(), CustodyError> {
        let bytes = stored::encode(recipients).map_err(self.nonsense("recipients"))?;
        self.recipients.write(&bytes)?;
        Ok(())
    }

    /// The site's device issuer; `None` if there is none yet.
    ///
    /// # Errors
    /// [`CustodyError`].
    pub fn issuer(&self) -> Result<Option<DeviceIssuer>, CustodyError> {
        let Some(content) = self.issuer.read()? else { return Ok(None) };
        let read = issuer::read(&content.bytes);
        read.map(Some).map_err(self.nonsense("device-issuer"))
    }

    /// From now on, this is the site's device issuer.
    ///
    /// # Errors
    /// [`CustodyError`]; then it is the one it was.
    pub fn keep_issuer(&self, issuer: &DeviceIssuer) -> Result<(), CustodyError> {
        let bytes: Zeroizing<Vec<u8>> =
            issuer::written(issuer).map_err(self.nonsense("device-issuer"))?;
        self.issuer.write(&bytes)?;
        Ok(())
    }

    fn nonsense(&self, file: &str) -> impl Fn(StoredError) -> CustodyError + use<> {
        let path = self.folder.join(file);
        move |source| CustodyError::Nonsense { path: path.clone(), source }
    }
}

#[cfg(test)]
mod tests;
