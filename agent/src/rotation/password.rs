//! New passwords: within what the device takes and what policy asks, every one as likely as the next, none used twice.
//!
//! Pure: the random bytes are an argument. Refuses to make a password that breaks a rule, rather than bend the rule.

use proto::Secret;
use proto::policy::PasswordRules;
use zeroize::Zeroizing;

/// As long as a password is made where the limits allow it: 145 bits.
pub const LENGTH: usize = 24;
/// Upper and lower case and digits, without those that are mistaken for each other when a person reads them out of the
/// safe (`I`, `l`, `1`, `O`, `o`, `0`).
const PLAIN: &str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
/// Printable, and harmless in a URL, a form, a configuration line and a shell's double quotes.
const SPECIAL: &str = "()*,-._^~";
/// After so many drawn passwords that break a rule, the rules cannot be met. With the guide's rules and the fewest
/// characters more than half of them are good.
const MOST_DRAWN: usize = 10_000;

/// What a device takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fewest characters.
    pub shortest: usize,
    /// Most characters.
    pub longest: usize,
}

impl Limits {
    /// A MOBOTIX camera's accounts: 8 to 99 characters (guide, measure 3).
    pub const CAMERA: Self = Self { shortest: 8, longest: 99 };
    /// The key of MxMessage: at least 6 characters (guide, measure 12).
    pub const MESSAGE_KEY: Self = Self { shortest: 6, longest: 99 };
}

/// Why no password was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The device and the policy leave no length.
    #[error(
        "policy asks for passwords of a length that the device does not take; change passwords.min_length or max_length"
    )]
    NoLength,
    /// No password that was drawn keeps the rules.
    #[error("no password keeps the policy's rules; look at passwords.forbidden_words")]
    NoneIsGood,
    /// There were not enough random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
}

/// Draws passwords from `random` until one keeps the device's limits and the policy's rules and was not `used`. Among
/// those every one is as likely as the next.
///
/// # Errors
/// [`PasswordError`].
pub fn make(
    limits: Limits,
    rules: &PasswordRules,
    used: impl Fn(&str) -> bool,
    random: &mut dyn Iterator<Item = u8>,
) -> Result<Secret, PasswordError> {
    let shortest = limits.shortest.max(rules.min_length).max(1);
    let longest = limits.longest.min(rules.max_length);
    if shortest > longest {
        return Err(PasswordError::NoLength);
    }
    let length = LENGTH.clamp(shortest, longest);
    let alphabet: Vec<char> = PLAIN.chars().chain(SPECIAL.chars()).collect();
    for _ in 0..MOST_DRAWN {
        let mut text = Zeroizing::new(String::with_capacity(length));
        for _ in 0..length {
            text.push(draw(&alphabet, random).ok_or(PasswordError::NoRandomness)?);
        }
        let secret = Secret::new(text.as_str());
        if rules.shortfalls(&secret).is_empty() && !used(secret.expose()) {
            return Ok(secret);
        }
    }
    Err(PasswordError::NoneIsGood)
}

/// One of the alphabet, which has at most 256. A byte beyond the last whole multiple is thrown away, since it would
/// make the first few characters likelier.
fn draw(alphabet: &[char], random: &mut dyn Iterator<Item = u8>) -> Option<char> {
    let whole = 256 - 256 % alphabet.len();
    let byte = random.map(usize::from).find(|byte| *byte < whole)?;
    alphabet.get(byte % alphabet.len()).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A stream that is different for each seed; what is tested here is what is made of it.
    fn stream(seed: u64) -> impl Iterator<Item = u8> {
        let mut state = seed | 1;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
    }

    #[test]
    fn every_character_is_as_likely_as_the_next() {
        let alphabet: Vec<char> = PLAIN.chars().chain(SPECIAL.chars()).collect();
        let mut bytes = 0..=u8::MAX;
        let mut counts: BTreeMap<char, usize> = BTreeMap::new();
        while let Some(c) = draw(&alphabet, &mut bytes) {
            *counts.entry(c).or_default() += 1;
        }
        assert_eq!(counts.len(), alphabet.len());
        assert!(counts.values().all(|count| *count == 256 / alphabet.len()), "{counts:?}");
    }

    #[test]
    fn one_that_was_used_is_drawn_again() {
        let rules = PasswordRules::default();
        let first = make(Limits::CAMERA, &rules, |_| false, &mut stream(7)).unwrap();
        let again = make(Limits::CAMERA, &rules, |text| text == first.expose(), &mut stream(7));
        assert_ne!(again.unwrap().expose(), first.expose());
    }

    #[test]
    fn rules_that_cannot_be_kept_end_in_an_error() {
        let rules = PasswordRules { max_length: 7, ..PasswordRules::default() };
        let made = |rules| make(Limits::CAMERA, rules, |_| false, &mut stream(1)).map(|_| ());
        assert_eq!(made(&rules), Err(PasswordError::NoLength));
        let everything = PLAIN.chars().map(String::from).collect();
        let rules = PasswordRules { forbidden_words: everything, ..PasswordRules::default() };
        assert_eq!(made(&rules), Err(PasswordError::NoneIsGood));
        let short =
            make(Limits::CAMERA, &PasswordRules::default(), |_| false, &mut [1, 2].into_iter());
        assert_eq!(short.map(|_| ()), Err(PasswordError::NoRandomness));
    }

    proptest! {
        #[test]
        fn a_password_keeps_the_limits_and_the_rules(
            seed: u64,
            shortest in 1_usize..40,
            more in 0_usize..60,
            min_length in 1_usize..99,
        ) {
            let limits = Limits { shortest, longest: shortest + more };
            let rules = PasswordRules { min_length, ..PasswordRules::default() };
            match make(limits, &rules, |_| false, &mut stream(seed)) {
                Ok(secret) => {
                    let text = secret.expose();
                    prop_assert!(rules.shortfalls(&secret).is_empty());
                    prop_assert!((limits.shortest..=limits.longest).contains(&text.len()));
                    prop_assert!(text.chars().all(|c| c.is_ascii_graphic()));
                }
                Err(PasswordError::NoLength) => prop_assert!(limits.longest < min_length),
                // Fewer characters than classes.
                Err(error) => prop_assert!(limits.longest < 4, "{error}"),
            }
        }

        #[test]
        fn no_two_are_alike(seed: u64) {
            let rules = PasswordRules::default();
            let mut random = stream(seed);
            let mut make = || make(Limits::CAMERA, &rules, |_| false, &mut random).unwrap();
            let made: std::collections::BTreeSet<_> =
                (0..50).map(|_| make().expose().to_owned()).collect();
            prop_assert_eq!(made.len(), 50);
        }
    }
}
