//! The short code that an agent without a token shows, and that an operator reads from its screen and types in to
//! approve it. Both ends make it of the key in the agent's request, so it never travels before the operator types it.
//!
//! Forty bits are few, so each guess is made dear: whoever wants a key of their own with the same code has to hash
//! thousands of times for every key they try, within the time that the request waits.

use std::fmt;
use std::str::FromStr;

use crate::key::KeyHash;
use crate::random::digest;

/// Without letters that are taken for digits.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 8;
/// Hashes per code: about two milliseconds of one core.
const ROUNDS: usize = 8192;

/// Eight letters and digits, shown as `K7QD-2MXA`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code([u8; LENGTH]);

/// The text is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a code has 8 letters and digits, such as K7QD-2MXA; read it again from the agent's screen"
)]
pub struct BadCode;

impl Code {
    /// The code of the key in a certificate request.
    pub fn of(key: KeyHash) -> Self {
        let mut bytes = b"palisade approval code 1\0".to_vec();
        bytes.extend_from_slice(&key.0);
        let hash = (0..ROUNDS).fold(digest(&bytes), |hash, _| digest(&hash));
        let mut bits = hash[..5].iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let mut code = [0; LENGTH];
        for place in code.iter_mut().rev() {
            *place = ALPHABET[usize::try_from(bits & 31).unwrap_or_default()];
            bits >>= 5;
        }
        Self(code)
    }

    /// What is kept of a code to find the request by.
    pub fn hash(self) -> [u8; 32] {
        digest(&self.0)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, letter) in self.0.iter().enumerate() {
            if place == LENGTH / 2 {
                out.write_str("-")?;
            }
            write!(out, "{}", char::from(*letter))?;
        }
        Ok(())
    }
}

impl FromStr for Code {
    type Err = BadCode;

    /// Forgiving about case, dashes, spaces and letters that look like digits.
    fn from_str(text: &str) -> Result<Self, BadCode> {
        if text.len() > 32 {
            return Err(BadCode);
        }
        let mut code = [0; LENGTH];
        let mut places = code.iter_mut();
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                c => c,
            };
            let letter = ALPHABET.iter().find(|letter| char::from(**letter) == c);
            *places.next().ok_or(BadCode)? = *letter.ok_or(BadCode)?;
        }
        if places.next().is_none() { Ok(Self(code)) } else { Err(BadCode) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_at_both_ends_and_differs_by_key() {
        let code = Code::of(KeyHash([7; 32]));
        assert_eq!(code, Code::of(KeyHash([7; 32])));
        assert_ne!(code, Code::of(KeyHash([8; 32])));
        assert_eq!(code.to_string(), "1Z8S-WXKB");
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code: Code = "K0QD-1MXA".parse().unwrap();
        for typed in ["k0qd1mxa", "KOQD LMXA", "koqd-imxa", " K0QD-1MXA "] {
            assert_eq!(typed.parse(), Ok(code), "{typed}");
        }
        for bad in ["", "K0QD-1MX", "K0QD-1MXAA", "K0QD-1MXU", "K0QD_1MXA", &"-".repeat(40)] {
            assert_eq!(bad.parse::<Code>(), Err(BadCode), "{bad}");
        }
    }
}
