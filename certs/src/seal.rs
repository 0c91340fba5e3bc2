//! Sealing with age: the root's key under a passphrase, backups to recipients. People can open both with the age tool
//! alone (age-encryption.org/v1).

use std::io::{self, Read, Write};

use age::secrecy::SecretString;
use proto::Secret;
use zeroize::Zeroizing;

/// Most bytes that are opened into memory.
pub const MAX_OPENED: usize = 1 << 20;
/// Hardest passphrase work that is accepted when opening, as a power of two: about a minute on a small machine.
const MAX_WORK: u8 = 22;

/// Why nothing was sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The passphrase does not open it, or none of the keys does.
    #[error("it does not open: wrong passphrase or key")]
    WrongKey,
    /// It was altered, cut off, or is no age file.
    #[error("it is damaged, or no age file")]
    Damaged,
    /// More than [`MAX_OPENED`] bytes inside.
    #[error("there is more in it than is read: {MAX_OPENED} bytes")]
    TooLarge,
    /// Not `age1…`.
    #[error("{0:?} is no recipient; one begins with age1")]
    BadRecipient(String),
    /// Not `AGE-SECRET-KEY-1…`.
    #[error("this is no age identity; one begins with AGE-SECRET-KEY-1")]
    BadIdentity,
    /// Nobody to seal to.
    #[error("sealing needs at least one recipient")]
    NoRecipient,
    /// Writing failed.
    #[error("sealing failed")]
    Io(#[from] io::Error),
}

/// How much work a passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// About a second on this machine. For keys that are kept.
    Full,
    /// Next to none. For demonstrations and tests, whose keys are worth nothing.
    Little,
}

/// Seals bytes with a passphrase.
///
/// # Errors
/// [`SealError::Io`].
pub fn with_passphrase(
    bytes: &[u8],
    passphrase: &Secret,
    work: Work,
) -> Result<Vec<u8>, SealError> {
    let mut recipient = age::scrypt::Recipient::new(secret(passphrase));
    match work {
        Work::Full => {}
        Work::Little => recipient.set_work_factor(4),
    }
    age::encrypt(&recipient, bytes).map_err(|error| SealError::Io(io::Error::other(error)))
}

/// Opens what [`with_passphrase`], or the age tool, sealed.
///
/// # Errors
/// [`SealError::WrongKey`], [`SealError::Damaged`], [`SealError::TooLarge`].
pub fn open_with_passphrase(
    sealed: &[u8],
    passphrase: &Secret,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let mut identity = age::scrypt::Identity::new(secret(passphrase));
    identity.set_max_work_factor(MAX_WORK);
    let reader = open(sealed, &identity)?;
    let mut bytes = Zeroizing::new(Vec::new());
    let most = u64::try_from(MAX_OPENED).unwrap_or(u64::MAX);
    reader.take(most + 1).read_to_end(&mut bytes).map_err(|_| SealError::Damaged)?;
    if bytes.len() > MAX_OPENED { Err(SealError::TooLarge) } else { Ok(bytes) }
}

/// Somebody who can open what is sealed to them.
#[derive(Clone, Debug)]
pub struct Recipient(age::x25519::Recipient);

impl std::str::FromStr for Recipient {
    type Err = SealError;

    fn from_str(text: &str) -> Result<Self, SealError> {
        let bad = |_| SealError::BadRecipient(text.chars().take(80).collect());
        text.trim().parse().map(Self).map_err(bad)
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// The key that opens what was sealed to its recipient.
pub struct Opener(age::x25519::Identity);

impl std::fmt::Debug for Opener {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Opener(..)")
    }
}

impl Opener {
    /// Makes one.
    pub fn generate() -> Self {
        Self(age::x25519::Identity::generate())
    }

    /// Reads an age identity file: the first line that is neither empty nor a comment.
    ///
    /// # Errors
    /// [`SealError::BadIdentity`].
    pub fn parse(text: &Secret) -> Result<Self, SealError> {
        let mut lines = text.expose().lines().map(str::trim);
        let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
        line.and_then(|line| line.parse().ok()).map(Self).ok_or(SealError::BadIdentity)
    }

    /// As an age identity file has it.
    pub fn to_text(&self) -> Secret {
        use age::secrecy::ExposeSecret as _;
        Secret::new(self.0.to_string().expose_secret())
    }

    /// To whom to seal, for it to open.
    pub fn recipient(&self) -> Recipient {
        Recipient(self.0.to_public())
    }
}

/// Seals whatever is written, to `out`. Ended by `finish`.
///
/// # Errors
/// [`SealError::NoRecipient`], [`SealError::Io`].
pub fn sealing<W: Write>(recipients: &[Recipient], out: W) -> Result<SealingWriter<W>, SealError> {
    let each = recipients.iter().map(|one| &one.0 as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(each).map_err(|error| match error {
        age::EncryptError::MissingRecipients => SealError::NoRecipient,
        other => SealError::Io(io::Error::other(other)),
    })?;
    Ok(SealingWriter(encryptor.wrap_output(out)?))
}

/// See [`sealing`]. Without [`SealingWriter::finish`] what was written cannot be opened whole.
pub struct SealingWriter<W: Write>(age::stream::StreamWriter<W>);

impl<W: Write> SealingWriter<W> {
    /// Writes the end.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> std::fmt::Debug for SealingWriter<W> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("SealingWriter")
    }
}

impl<W: Write> Write for SealingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Opens what was sealed to the opener's recipient, piece by piece. A file that was cut off ends in an error.
///
/// # Errors
/// [`SealError::WrongKey`], [`SealError::Damaged`].
pub fn opening<'a, R: Read + 'a>(
    sealed: R,
    opener: &Opener,
) -> Result<Box<dyn Read + 'a>, SealError> {
    Ok(Box::new(open(sealed, &opener.0)?))
}

fn open<R: Read>(
    sealed: R,
    identity: &dyn age::Identity,
) -> Result<age::stream::StreamReader<R>, SealError> {
    let decryptor = age::Decryptor::new(sealed).map_err(|_| SealError::Damaged)?;
    decryptor.decrypt(std::iter::once(identity)).map_err(|error| match error {
        age::DecryptError::DecryptionFailed
        | age::DecryptError::NoMatchingKeys
        | age::DecryptError::KeyDecryptionFailed => SealError::WrongKey,
        _ => SealError::Damaged,
    })
}

fn secret(passphrase: &Secret) -> SecretString {
    SecretString::from(passphrase.expose().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_passphrase_opens_and_another_does_not() {
        let (right, wrong) = (Secret::new("correct horse"), Secret::new("battery staple"));
        let mut sealed = with_passphrase(b"the key", &right, Work::Little).unwrap();
        assert_eq!(&**open_with_passphrase(&sealed, &right).unwrap(), b"the key");
        assert!(matches!(open_with_passphrase(&sealed, &wrong), Err(SealError::WrongKey)));
        let last = sealed.len() - 1;
        sealed[last] ^= 1;
        assert!(matches!(open_with_passphrase(&sealed, &right), Err(SealError::Damaged)));
        assert!(matches!(open_with_passphrase(b"what?", &right), Err(SealError::Damaged)));
    }

    #[test]
    fn a_recipient_opens_and_a_cut_file_is_noticed() {
        let opener = Opener::parse(&Opener::generate().to_text()).unwrap();
        let recipient: Recipient = opener.recipient().to_string().parse().unwrap();
        let mut writer = sealing(&[recipient], Vec::new()).unwrap();
        writer.write_all(&[7; 200_000]).unwrap();
        let sealed = writer.finish().unwrap();
        let mut opened = Vec::new();
        opening(&*sealed, &opener).unwrap().read_to_end(&mut opened).unwrap();
        assert_eq!(opened, [7; 200_000]);
        let cut = &sealed[..sealed.len() - 100_000];
        assert!(opening(cut, &opener).unwrap().read_to_end(&mut Vec::new()).is_err());
        let other = Opener::generate();
        assert!(matches!(opening(&*sealed, &other), Err(SealError::WrongKey)));
    }

    #[test]
    fn wrong_words_are_named() {
        assert!("age1x".parse::<Recipient>().is_err());
        assert!(matches!(
            Opener::parse(&Secret::new("# a comment\n")),
            Err(SealError::BadIdentity)
        ));
        assert!(matches!(sealing(&[], Vec::new()), Err(SealError::NoRecipient)));
    }
}
