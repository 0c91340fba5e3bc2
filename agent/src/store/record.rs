//! How one record lies in sled: a version, a CRC-32 over its key and content, the content. sled returns wrong content
//! after some kinds of damage instead of an error, so what does not add up is never returned.

const VERSION: u8 = 1;
const HEADER: usize = 1 + 4;

/// The bytes to store under `key`.
pub(super) fn seal(key: &[u8], content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + content.len());
    out.push(VERSION);
    out.extend_from_slice(&checksum(key, content).to_be_bytes());
    out.extend_from_slice(content);
    out
}

/// The content that was stored under `key`; `None` if it is damaged, of another key or of another version.
pub(super) fn unseal(key: &[u8], stored: &[u8]) -> Option<Vec<u8>> {
    let (header, content) = stored.split_at_checked(HEADER)?;
    let sound = header[0] == VERSION && header[1..] == checksum(key, content).to_be_bytes();
    sound.then(|| content.to_vec())
}

fn checksum(key: &[u8], content: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&[VERSION]);
    crc.update(&(key.len() as u64).to_be_bytes());
    crc.update(key);
    crc.update(content);
    crc.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_bit_anywhere_is_found() {
        let stored = seal(b"key", b"content");
        assert_eq!(unseal(b"key", &stored).as_deref(), Some(b"content".as_slice()));
        for at in 0..stored.len() * 8 {
            let mut changed = stored.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert_eq!(unseal(b"key", &changed), None, "bit {at}");
        }
    }

    #[test]
    fn a_record_under_another_key_is_none() {
        assert_eq!(unseal(b"kez", &seal(b"key", b"content")), None);
        assert_eq!(unseal(b"keyc", &seal(b"key", b"content")), None);
    }

    #[test]
    fn a_cut_record_is_none() {
        let stored = seal(b"key", b"content");
        assert!((0..stored.len()).all(|end| unseal(b"key", &stored[..end]).is_none()));
    }
}
