//! The identity's files. Every call blocks; every write is durable when it returns.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use super::stored::{self, Wrong};
use super::{Applicant, IdentityError, Member, Next};
use crate::store::journal::Journal;
use crate::store::{DurableFile, StoreError};

/// One durable file, as the identity needs it. A test puts faults in between.
pub trait Slot: fmt::Debug + Send + Sync {
    /// The newest sound generation; `None` if it was never written.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if no generation is sound, or what the system refused.
    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// Makes this the content, durably.
    ///
    /// # Errors
    /// What the system refused; then the content from before is still there.
    fn write(&self, bytes: &[u8]) -> Result<(), StoreError>;
}

impl Slot for DurableFile {
    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let content = DurableFile::read(self)?;
        if let Some(damaged) = content.as_ref().and_then(|content| content.damaged.as_ref()) {
            tracing::warn!(file = %damaged.display(), "one of two generations is damaged; the other is used");
        }
        Ok(content.map(|content| content.bytes))
    }

    fn write(&self, bytes: &[u8]) -> Result<(), StoreError> {
        DurableFile::write(self, bytes).map(drop)
    }
}

/// The folder `identity/`.
#[derive(Debug)]
pub struct Folder {
    member: Box<dyn Slot>,
    next: Box<dyn Slot>,
    applicant: Box<dyn Slot>,
    journal: Journal,
}

impl Folder {
    /// The identity within the agent's data. Nothing is touched yet.
    pub fn within(data: &Path) -> Self {
        let folder = data.join("identity");
        let file =
            |name| -> Box<dyn Slot> { Box::new(DurableFile::new(&folder, name, stored::MOST)) };
        let [member, next, applicant] = ["member", "next", "applicant"].map(file);
        Self { member, next, applicant, journal: Journal::within(folder.join("journal")) }
    }

    /// These files, in the order `member`, `next`, `applicant`.
    #[cfg(test)]
    pub fn of([member, next, applicant]: [Box<dyn Slot>; 3], journal: Journal) -> Self {
        Self { member, next, applicant, journal }
    }

    /// Where the renewal of the key stands; beside it, not among the devices' rotations, whose secrets are in the vault.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Who the box is; `None` before it was enrolled.
    ///
    /// # Errors
    /// [`IdentityError::Store`], [`IdentityError::Nonsense`].
    pub fn member(&self) -> Result<Option<Member>, IdentityError> {
        let Some(bytes) = self.member.read()? else { return Ok(None) };
        stored::read_member(&bytes).map(Some).map_err(nonsense("member"))
    }

    /// From now on, the box is this.
    ///
    /// # Errors
    /// [`IdentityError::Store`]; then it is who it was.
    pub fn keep_member(&self, member: &Member) -> Result<(), IdentityError> {
        Ok(self.member.write(&stored::write_member(member))?)
    }

    /// Who the box is about to be. What cannot be read is no loss: a renewal begins anew.
    ///
    /// # Errors
    /// [`IdentityError::Store`], if the system refuses to read.
    pub fn next(&self) -> Result<Option<Next>, IdentityError> {
        expendable("next", self.next.read(), stored::read_next)
    }

    /// Keeps who the box is about to be; `None` when there is nobody.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub fn keep_next(&self, next: Option<&Next>) -> Result<(), IdentityError> {
        if next.is_none() {
            // Over both generations, so that no key that is not needed stays on the disk.
            self.next.write(&stored::write_next(None))?;
        }
        Ok(self.next.write(&stored::write_next(next))?)
    }

    /// The keys of an enrolment that was begun. What cannot be read is no loss but for the answer to it.
    ///
    /// # Errors
    /// [`IdentityError::Store`], if the system refuses to read.
    pub fn applicant(&self) -> Result<Option<Applicant>, IdentityError> {
        expendable("applicant", self.applicant.read(), stored::read_applicant)
    }

    /// Keeps the keys of an enrolment; `None` when it is over.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub fn keep_applicant(&self, applicant: Option<&Applicant>) -> Result<(), IdentityError> {
        if applicant.is_none() {
            self.applicant.write(&stored::write_applicant(None))?;
        }
        Ok(self.applicant.write(&stored::write_applicant(applicant))?)
    }
}

fn expendable<T>(
    file: &'static str,
    read: Result<Option<Zeroizing<Vec<u8>>>, StoreError>,
    parse: impl Fn(&[u8]) -> Result<Option<T>, Wrong>,
) -> Result<Option<T>, IdentityError> {
    let parsed = match read {
        Ok(None) => return Ok(None),
        Ok(Some(bytes)) => parse(&bytes).map_err(|Wrong(why)| why),
        Err(StoreError::Damaged(_)) => Err("both generations are damaged".to_owned()),
        Err(error) => return Err(error.into()),
    };
    Ok(parsed.unwrap_or_else(|why| {
        tracing::warn!(file, why, "what was begun cannot be read, and begins anew");
        None
    }))
}

fn nonsense(file: &'static str) -> impl Fn(Wrong) -> IdentityError {
    move |Wrong(why)| IdentityError::Nonsense { file, why }
}
