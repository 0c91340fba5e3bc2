//! Does a stored log-in keep the password the camera left the factory with? Computed offline, so that nobody has to
//! try it on the camera, where it would count as a failed log-in.
//!
//! The hash libraries are handed only what has the exact form of a hash: the input is a stranger's file.

mod form;

use md5::{Digest, Md5};
use pwhash::{md5_crypt, sha512_crypt, unix_crypt};
use zeroize::Zeroizing;

use crate::facts::Fact;

pub use form::{Form, Unproven};

/// The account and password every MOBOTIX camera leaves the factory with, as its documentation says.
pub const FACTORY_PASSWORD: &str = "meinsm";

/// The realm a camera names in its log-in challenge.
pub const REALM: &str = "MOBOTIX Camera User";

/// Most rounds of SHA-512-crypt that are computed (the usual count is 5,000): about 50 ms on a small box.
const MAX_ROUNDS: u32 = 20_000;

/// How a password is stored, as far as the form tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Md5,
    Sha512,
    Des,
}

/// Whether `password` is the password of `user`, by the crypt hash and the digest secret that are stored with it.
///
/// The digest secret is believed to be MD5(user:realm:password). That is inferred, but nobody can meet it by accident:
/// a match is proof. A mismatch proves nothing, so then the crypt hash, which is slow to compute, decides.
/// Unreadable if neither tells.
pub fn keeps_password(user: &[u8], hash: &[u8], digest: &[u8], password: &str) -> Fact<bool> {
    if digest_secret(user, REALM, password).as_bytes().eq_ignore_ascii_case(digest) {
        return Fact::Seen(true);
    }
    let Ok(hash) = std::str::from_utf8(hash) else {
        return Fact::unreadable("the stored password hash is no text");
    };
    match scheme(hash) {
        Ok(Scheme::Md5) => Fact::Seen(md5_crypt::verify(password, hash)),
        Ok(Scheme::Sha512) => Fact::Seen(sha512_crypt::verify(password, hash)),
        Ok(Scheme::Des) => Fact::Seen(unix_crypt::verify(password, hash)),
        Err(reason) => Fact::unreadable(reason),
    }
}

/// MD5(user:realm:password) in lower-case hexadecimal.
fn digest_secret(user: &[u8], realm: &str, password: &str) -> Zeroizing<String> {
    let mut md5 = Md5::new();
    for part in [user, b":", realm.as_bytes(), b":", password.as_bytes()] {
        md5.update(part);
    }
    Zeroizing::new(md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Tells the scheme by the exact form; the reason if it is none that can be computed.
fn scheme(hash: &str) -> Result<Scheme, &'static str> {
    let parts: Vec<&str> = hash.split('$').collect();
    match parts.as_slice() {
        ["" | "*" | "!" | "x"] => Err("no password hash is stored"),
        ["", "1", salt, sum] if is_hash(salt, 8, sum, 22) => Ok(Scheme::Md5),
        ["", "6", salt, sum] if is_hash(salt, 16, sum, 86) => Ok(Scheme::Sha512),
        ["", "6", rounds, salt, sum] if is_hash(salt, 16, sum, 86) => {
            match rounds.strip_prefix("rounds=") {
                Some(rounds) => check_rounds(rounds).map(|()| Scheme::Sha512),
                None => Err("the stored password hash is malformed"),
            }
        }
        [sum] if sum.len() == 13 && is_hash64(sum) => Ok(Scheme::Des),
        ["", "1" | "6", ..] => Err("the stored password hash is malformed"),
        _ => Err("the password is stored in a way that is not known here"),
    }
}

fn check_rounds(text: &str) -> Result<(), &'static str> {
    let rounds = text.parse::<u32>().map_err(|_| "the stored password hash is malformed")?;
    if rounds > MAX_ROUNDS {
        Err("the stored password hash asks for more rounds of computing than any camera would do")
    } else if rounds < 1000 || rounds.to_string() != text {
        // The scheme's own limits: such a text is not what the scheme writes.
        Err("the stored password hash is malformed")
    } else {
        Ok(())
    }
}

/// A salt of 1 to `most` characters and a checksum of exactly `length`.
fn is_hash(salt: &str, most: usize, sum: &str, length: usize) -> bool {
    (1..=most).contains(&salt.len()) && is_hash64(salt) && sum.len() == length && is_hash64(sum)
}

fn is_hash64(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made with `openssl passwd -1/-6` and crypt(3); the digest with md5sum.
    const MD5_FACTORY: &str = "$1$q7Lw0aZe$LoyA1alWdBCdPjoskuJ3h.";
    const MD5_OTHER: &str = "$1$q7Lw0aZe$w8qCgP2zJHJDbpdoo/nSK/";
    const SHA_FACTORY: &str = "$6$Yt3.kQv9/bN2xWcR$PjVRe8Z1RVtfdn8lg9COt.jCJiF2DFVD72HKtBd.6MTmMFcyjs41wMjooLcWsTm5326GJG2LrC5EQg642j9Yo.";
    const SHA_OTHER: &str = "$6$Yt3.kQv9/bN2xWcR$a6wg0g3k0EJXj0hE0bJgkbV.meILCJoi0Z2Lrsgnw7Hb71vYsCOCYVTN20poD.erjmQ2Rjq6SpDgY9/bhF.v9.";
    const SHA_ROUNDS: &str = "$6$rounds=6000$Yt3.kQv9$OQfVeWTvrT5o7JUTQty5.m/Q/37UO.6x2HkV1sqDu.1l.NYVXMM/WGfladfCZKhyL3ZqT4FPuXhMqC8VLi0el0";
    const SHA_FEWEST: &str = "$6$rounds=1000$ab$W9J6XrGbbiFI8GhRGN655wcO8UuQmadNgjggE.y./60gTzkwyiF3ZoNV5D9nTW.9.TCmWUHgzJ2KtcaKUZc2u/";
    const ADMIN_FACTORY: &str = "1b9dd076f2de4b208547cc40eca00357";
    const ADMIN_OTHER: &str = "f928f22b60267e73e5b474ce911130a3";

    fn factory(hash: &str, digest: &str) -> Fact<bool> {
        keeps_password(b"admin", hash.as_bytes(), digest.as_bytes(), FACTORY_PASSWORD)
    }

    #[test]
    fn every_scheme_knows_the_factory_password_from_another() {
        for hash in [MD5_FACTORY, SHA_FACTORY, SHA_ROUNDS, SHA_FEWEST, "qLZyujD06Q61A"] {
            assert_eq!(factory(hash, ADMIN_OTHER), Fact::Seen(true), "{hash}");
        }
        for hash in [MD5_OTHER, SHA_OTHER, "qLG4Arcvgh4rc"] {
            assert_eq!(factory(hash, ADMIN_OTHER), Fact::Seen(false), "{hash}");
        }
    }

    #[test]
    fn a_matching_digest_secret_is_proof_whatever_the_hash() {
        for hash in ["*", "$y$unknown", MD5_OTHER] {
            assert_eq!(factory(hash, ADMIN_FACTORY), Fact::Seen(true), "{hash}");
            assert_eq!(factory(hash, &ADMIN_FACTORY.to_uppercase()), Fact::Seen(true), "{hash}");
        }
    }

    #[test]
    fn a_digest_that_does_not_match_proves_nothing() {
        for hash in ["*", "", "!", "$y$j9T$abc$def", "$5$ab$cd", "short", "$2b$12$xyz"] {
            assert!(matches!(factory(hash, ADMIN_OTHER), Fact::Unreadable(_)), "{hash}");
        }
    }

    #[test]
    fn a_hash_that_would_take_for_ever_or_is_malformed_is_not_computed() {
        let sum = "a".repeat(86);
        let hostile = ["999999999", "20001", "4294967296", "999", "05000", "-1", "+5000", ""]
            .map(|rounds| format!("$6$rounds={rounds}$ab${sum}"));
        let malformed = [
            format!("$6$seventeen.letters${sum}"),
            "$6$ab$short".to_owned(),
            format!("$6$\u{80}${sum}"),
            "$1$$u1k/C.7N0sETv8rOr0MOX/".to_owned(),
            "$1$\u{7}$aaaaaaaaaaaaaaaaaaaaaa".to_owned(),
            "$1$".to_owned(),
            "$$$$$$$".to_owned(),
        ];
        for hash in hostile.iter().chain(&malformed) {
            assert!(matches!(factory(hash, ""), Fact::Unreadable(_)), "{hash}");
        }
        assert!(matches!(keeps_password(b"\xff", b"\xff\xfe", b"", "x"), Fact::Unreadable(_)));
    }

    proptest::proptest! {
        #[test]
        fn no_stored_text_panics(hash in "([$]([16]|rounds=[0-9]{0,4})?|[./a-zA-Z0-9]|.){0,120}", digest in ".{0,40}") {
            let _ = factory(&hash, &digest);
        }
    }
}
