//! The form in which an account's password is stored: proven by reproducing it from a password that is known, and only
//! then used to write another one.
//!
//! The crypt hash says itself how it was made. The digest secret does not: that it is MD5(user:realm:password) is
//! inferred, and over which realm is not known. So each realm that the device itself names is tried, and where none
//! reproduces it, there is no form and nothing is written. Nor is there one where passwords are cut off (DES keeps 8
//! characters), since a new one would be weaker than it looks.

use proto::Secret;
use pwhash::{md5_crypt, sha512_crypt};
use zeroize::Zeroizing;

use super::{Scheme, digest_secret, scheme};

/// The letters of a salt, in the order of their values.
const SALT: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How an account's password is stored, proven with one that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    scheme: Scheme,
    /// What stands before the salt: `$1$`, `$6$` or `$6$rounds=…$`.
    prefix: String,
    /// Characters in the salt.
    salt: usize,
    realm: String,
    /// Whether the digest secret is written in capitals.
    capitals: bool,
}

/// Why a stored form could not be reproduced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// The hash is of a kind that is not made here.
    #[error("how its password is stored cannot be reproduced: {0}")]
    Scheme(&'static str),
    /// The hash is of another password.
    #[error(
        "its stored hash is not the one of the password that we log in with, so what is stored there is not understood"
    )]
    Hash,
    /// The fourth field is something else.
    #[error(
        "the fourth field of its line is not MD5 over account, realm and password with any realm that the camera \
         names, so it is not known how to write one; change the password in the camera's own page"
    )]
    Digest,
}

impl Form {
    /// Reproduces what is stored for `user` from its password. `realms` are those of the device's own challenges.
    ///
    /// # Errors
    /// [`Unproven`].
    pub fn prove(
        user: &[u8],
        hash: &[u8],
        digest: &[u8],
        password: &Secret,
        realms: &[String],
    ) -> Result<Self, Unproven> {
        let hash =
            std::str::from_utf8(hash).map_err(|_| Unproven::Scheme("the hash is no text"))?;
        let scheme = scheme(hash).map_err(Unproven::Scheme)?;
        let holds = match scheme {
            Scheme::Md5 => md5_crypt::verify(password.expose(), hash),
            Scheme::Sha512 => sha512_crypt::verify(password.expose(), hash),
            Scheme::Des => {
                return Err(Unproven::Scheme(
                    "it is hashed with DES, which keeps 8 characters of a password; update the firmware first",
                ));
            }
        };
        if !holds {
            return Err(Unproven::Hash);
        }
        let (prefix, salt) = setting(hash).ok_or(Unproven::Scheme("the hash has no salt"))?;
        let made = |realm: &&String| {
            let lower = digest_secret(user, realm, password.expose());
            lower.as_bytes() == digest || lower.to_ascii_uppercase().as_bytes() == digest
        };
        let realm = realms.iter().find(made).ok_or(Unproven::Digest)?.clone();
        let capitals = digest.iter().any(u8::is_ascii_uppercase);
        Ok(Self { scheme, prefix: prefix.to_owned(), salt: salt.len(), realm, capitals })
    }

    /// The third and fourth field of a line for `user`, with a salt made of `random` bytes.
    ///
    /// # Errors
    /// [`Unproven::Scheme`] if what was made is not what the scheme writes.
    pub fn write(
        &self,
        user: &[u8],
        password: &Secret,
        random: &[u8; 16],
    ) -> Result<Zeroizing<String>, Unproven> {
        let salt = random.iter().map(|byte| char::from(SALT[usize::from(byte % 64)]));
        let setting: String = self.prefix.chars().chain(salt.take(self.salt)).collect();
        let password = password.expose();
        let made = match self.scheme {
            #[expect(deprecated, reason = "the camera reads nothing newer")]
            Scheme::Md5 => md5_crypt::hash_with(setting.as_str(), password),
            Scheme::Sha512 => sha512_crypt::hash_with(setting.as_str(), password),
            Scheme::Des => return Err(Unproven::Scheme("it is hashed with DES")),
        };
        let hash = made.map_err(|_| Unproven::Scheme("a hash of the same kind was not made"))?;
        if scheme(&hash) != Ok(self.scheme) || !hash.starts_with(&setting) {
            return Err(Unproven::Scheme("a hash of the same kind was not made"));
        }
        let digest = digest_secret(user, &self.realm, password);
        let digest =
            if self.capitals { Zeroizing::new(digest.to_ascii_uppercase()) } else { digest };
        Ok(Zeroizing::new(format!("{hash}:{}", *digest)))
    }
}

/// What stands before the salt, and the salt.
fn setting(hash: &str) -> Option<(&str, &str)> {
    let (head, _) = hash.rsplit_once('$')?;
    let start = head.rfind('$')? + 1;
    Some((head.get(..start)?, head.get(start..)?))
}

#[cfg(test)]
mod tests {
    use super::super::REALM;
    use super::*;

    const SHA: &str = "$6$Yt3.kQv9/bN2xWcR$PjVRe8Z1RVtfdn8lg9COt.jCJiF2DFVD72HKtBd.6MTmMFcyjs41wMjooLcWsTm5326GJG2LrC5EQg642j9Yo.";
    const ROUNDS: &str = "$6$rounds=6000$Yt3.kQv9$OQfVeWTvrT5o7JUTQty5.m/Q/37UO.6x2HkV1sqDu.1l.NYVXMM/WGfladfCZKhyL3ZqT4FPuXhMqC8VLi0el0";
    const MD5: &str = "$1$q7Lw0aZe$LoyA1alWdBCdPjoskuJ3h.";
    const DIGEST: &str = "1b9dd076f2de4b208547cc40eca00357";

    fn prove(hash: &str, digest: &str, password: &str, realms: &[&str]) -> Result<Form, Unproven> {
        let realms: Vec<String> = realms.iter().map(|realm| (*realm).to_owned()).collect();
        let password = Secret::new(password);
        Form::prove(b"admin", hash.as_bytes(), digest.as_bytes(), &password, &realms)
    }

    #[test]
    fn what_is_written_in_a_proven_form_proves_again_with_another_salt() {
        for (hash, prefix) in [
            (SHA, "$6$/./././././././.$"),
            (ROUNDS, "$6$rounds=6000$/./././.$"),
            (MD5, "$1$/./././.$"),
        ] {
            for digest in [DIGEST.to_owned(), DIGEST.to_ascii_uppercase()] {
                let form = prove(hash, &digest, "meinsm", &["other", REALM]).unwrap();
                let random = std::array::from_fn(|place| u8::try_from(1 - place % 2).unwrap() + 64);
                let new = Secret::new("Plum-Cedar7+orbit");
                let written = form.write(b"admin", &new, &random).unwrap();
                let (made, secret) = written.split_once(':').unwrap();
                assert!(made.starts_with(prefix), "{made}");
                assert_eq!(prove(made, secret, new.expose(), &[REALM]), Ok(form));
            }
        }
    }

    #[test]
    fn both_fields_must_reproduce() {
        assert_eq!(prove(SHA, DIGEST, "meinsn", &[REALM]), Err(Unproven::Hash));
        assert_eq!(prove(SHA, DIGEST, "meinsm", &["other"]), Err(Unproven::Digest));
        assert_eq!(prove(SHA, DIGEST, "meinsm", &[]), Err(Unproven::Digest));
        assert_eq!(prove(SHA, "", "meinsm", &[REALM]), Err(Unproven::Digest));
        let mixed = DIGEST.replace('b', "B");
        assert_eq!(prove(SHA, &mixed, "meinsm", &[REALM]), Err(Unproven::Digest));
        for hash in ["qLZyujD06Q61A", "*", "", "$5$ab$cd"] {
            let told = prove(hash, DIGEST, "meinsm", &[REALM]);
            assert!(matches!(told, Err(Unproven::Scheme(_))), "{hash}");
        }
    }
}
