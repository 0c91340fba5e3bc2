//! A whole file for the recovery recipients: sealed once to a key of its own, and that key sealed to each group that is
//! enough. A large file is not repeated for every group, and age alone still opens it: first the key, then the file.

use std::io::{Read as _, Write as _};

use proto::{SealedCopy, Secret};
use zeroize::Zeroizing;

use super::{EscrowError, MOST_RECIPIENTS, Quorum, open_layers, seal_text};
use crate::seal::{self, MAX_OPENED, Opener, SealError};

/// A sealed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedFile {
    /// An age file.
    pub body: Vec<u8>,
    /// The age identity that opens it, sealed once for each group of recipients that is enough.
    pub keys: Vec<SealedCopy>,
}

/// Seals a file.
///
/// # Errors
/// [`EscrowError::Seal`].
pub fn seal_file(bytes: &[u8], quorum: &Quorum) -> Result<SealedFile, EscrowError> {
    let key = Opener::generate();
    let mut writer = seal::sealing(&[key.recipient()], Vec::new())?;
    writer.write_all(bytes).map_err(SealError::Io)?;
    let body = writer.finish().map_err(SealError::Io)?;
    Ok(SealedFile { body, keys: seal_text(key.to_text().expose().as_bytes(), quorum)? })
}

/// Opens a sealed file with one of its keys and those of the recovery keys that fit.
///
/// # Errors
/// [`EscrowError::KeysMissing`], [`EscrowError::Seal`], [`EscrowError::NoSheet`].
pub fn open_file(
    body: &[u8],
    key: &SealedCopy,
    keys: &[Opener],
) -> Result<Zeroizing<Vec<u8>>, EscrowError> {
    if key.layers.is_empty() || key.layers.len() > MOST_RECIPIENTS {
        return Err(EscrowError::NoSheet);
    }
    let text = open_layers(key, keys)?;
    let text = std::str::from_utf8(&text).map_err(|_| EscrowError::NoSheet)?;
    let opener = Opener::parse(&Secret::new(text))?;
    let mut opened = Zeroizing::new(Vec::with_capacity(body.len()));
    let most = u64::try_from(MAX_OPENED).unwrap_or(u64::MAX);
    let reader = seal::opening(body, &opener)?;
    reader.take(most + 1).read_to_end(&mut opened).map_err(|_| SealError::Damaged)?;
    if opened.len() > MAX_OPENED { Err(SealError::TooLarge.into()) } else { Ok(opened) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_two_of_three_open_a_file_and_one_alone_does_not() {
        let people: Vec<Opener> = (0..3).map(|_| Opener::generate()).collect();
        let names: Vec<String> = people.iter().map(|it| it.recipient().to_string()).collect();
        let quorum = Quorum::new(2, &names).unwrap();
        let text = vec![7; 100 << 10];
        let sealed = seal_file(&text, &quorum).unwrap();
        assert!(sealed.body.len() < (110 << 10), "{}", sealed.body.len());
        let [one, two, three] = <[Opener; 3]>::try_from(people).unwrap();
        let open = |keys: &[Opener]| {
            sealed.keys.iter().find_map(|key| open_file(&sealed.body, key, keys).ok())
        };
        assert!(open(&[one]).is_none());
        assert_eq!(**open(&[two, three]).unwrap(), text);
    }
}
