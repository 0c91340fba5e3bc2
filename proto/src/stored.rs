//! How our own small records lie on the disk: a version byte, then JSON. Golden bytes in the tests of each kind must
//! decode for ever.
//!
//! Whoever changes a kind so that old bytes would not decode raises its version and reads the older one in
//! [`Stored::older`]. A newer version than ours is refused, never guessed at: it may hold what must not be lost.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of record.
pub trait Stored: Serialize + DeserializeOwned {
    /// What it is, for errors.
    const WHAT: &'static str;
    /// The version that is written, 1 or more.
    const VERSION: u8;

    /// Reads what an older version wrote.
    fn older(_version: u8, _json: &[u8]) -> Option<Self> {
        None
    }
}

/// Why a record is not readable.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// Written by a newer version of this program.
    #[error("{what} was written by a newer version of this program ({version}); use that one")]
    Newer {
        /// What it was.
        what: &'static str,
        /// The version of its form.
        version: u8,
    },
    /// Not what this kind looks like.
    #[error("{what} is damaged")]
    Damaged {
        /// What it was.
        what: &'static str,
    },
    /// It holds something that has no form on the disk.
    #[error("{what} cannot be written")]
    Unwritable {
        /// What it was.
        what: &'static str,
    },
}

/// The bytes to store.
///
/// # Errors
/// [`StoredError::Unwritable`].
pub fn encode<T: Stored>(record: &T) -> Result<Vec<u8>, StoredError> {
    let mut bytes = vec![T::VERSION];
    // The text of serde's errors may quote a record, so it goes nowhere.
    serde_json::to_writer(&mut bytes, record)
        .map_err(|_| StoredError::Unwritable { what: T::WHAT })?;
    Ok(bytes)
}

/// The record that was stored. How long the bytes are is bounded by whoever read them.
///
/// # Errors
/// [`StoredError::Newer`], [`StoredError::Damaged`].
pub fn decode<T: Stored>(bytes: &[u8]) -> Result<T, StoredError> {
    let what = T::WHAT;
    let (version, json) = bytes.split_first().ok_or(StoredError::Damaged { what })?;
    let record = match version.cmp(&T::VERSION) {
        std::cmp::Ordering::Equal => serde_json::from_slice(json).ok(),
        std::cmp::Ordering::Less => T::older(*version, json),
        std::cmp::Ordering::Greater => {
            return Err(StoredError::Newer { what, version: *version });
        }
    };
    record.ok_or(StoredError::Damaged { what })
}

/// Bytes as base64 text, for `#[serde(with = "proto::stored::bytes")]`.
pub mod bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes them.
    ///
    /// # Errors
    /// Those of the form.
    pub fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&STANDARD.encode(bytes))
    }

    /// Reads them.
    ///
    /// # Errors
    /// Text that is not base64.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(|_| D::Error::custom("it is not base64"))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        count: u32,
        #[serde(with = "super::bytes")]
        bytes: Vec<u8>,
    }

    impl Stored for Thing {
        const WHAT: &'static str = "a thing";
        const VERSION: u8 = 2;

        fn older(version: u8, json: &[u8]) -> Option<Self> {
            let count = (version == 1).then(|| serde_json::from_slice(json).ok())??;
            Some(Self { count, bytes: Vec::new() })
        }
    }

    #[test]
    fn what_is_stored_reads_back_and_so_does_what_an_older_version_stored() {
        let thing = Thing { count: 7, bytes: vec![1, 2, 255] };
        let stored = encode(&thing).unwrap();
        assert_eq!(stored, b"\x02{\"count\":7,\"bytes\":\"AQL/\"}");
        assert_eq!(decode::<Thing>(&stored).unwrap(), thing);
        assert_eq!(decode::<Thing>(b"\x017").unwrap(), Thing { count: 7, bytes: vec![] });
    }

    #[test]
    fn what_is_newer_or_damaged_is_refused() {
        assert!(matches!(decode::<Thing>(b"\x03{}"), Err(StoredError::Newer { version: 3, .. })));
        for bad in [&b""[..], b"\x02", b"\x02{}", b"\x00{}", b"\x02{\"count\":7,\"bytes\":\"?\"}"] {
            assert!(matches!(decode::<Thing>(bad), Err(StoredError::Damaged { .. })), "{bad:?}");
        }
    }
}
