//! Text from outside: settings files read strictly, and hostile strings made fit for a terminal or a page.

use serde::de::DeserializeOwned;

/// A settings file larger than this is refused, in bytes.
pub const MAX_TOML: usize = 1 << 20;

/// Why a settings file was refused. The message says where and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TomlError {
    /// More than [`MAX_TOML`] bytes.
    #[error("the file has {0} bytes; a settings file has at most {MAX_TOML}")]
    TooLarge(usize),
    /// Not TOML, an unknown key, or a value of the wrong kind.
    #[error("{0}")]
    Invalid(String),
    /// A value out of its range.
    #[error("{0}")]
    Range(String),
}

/// Reads a settings file into `T`. `T` and every table in it should carry `deny_unknown_fields`.
///
/// # Errors
/// See [`TomlError`]; for an unknown key the message names the nearest key that exists there.
pub fn parse_toml<T: DeserializeOwned>(text: &str) -> Result<T, TomlError> {
    if text.len() > MAX_TOML {
        return Err(TomlError::TooLarge(text.len()));
    }
    toml::from_str(text).map_err(|error| {
        let line =
            error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let place = line.map_or(String::new(), |line| format!("line {line}: "));
        TomlError::Invalid(format!(
            "{place}{}{}",
            printable(error.message(), 400),
            suggestion(error.message())
        ))
    })
}

/// For serde's "unknown field `a`, expected one of `b`, `c`": the candidate nearest to `a`.
fn suggestion(message: &str) -> String {
    if !message.starts_with("unknown field") && !message.starts_with("unknown variant") {
        return String::new();
    }
    let mut words = message.split('`').skip(1).step_by(2);
    let Some(written) = words.next() else { return String::new() };
    let nearest = words.min_by_key(|known| strsim::damerau_levenshtein(written, known));
    nearest.map_or(String::new(), |known| format!("; did you mean `{known}`?"))
}

/// Makes a hostile string fit for a terminal: control characters and direction overrides become `\u{..}` escapes,
/// and what is beyond `most` characters is cut with an ellipsis.
pub fn printable(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most * 4));
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push('\u{2026}');
            break;
        }
        if is_harmful(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

/// Whether a character drives terminals (control characters) or makes text read as what it is not (direction
/// overrides, zero-width and tag characters).
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeviceName, Measure, Policy, Stance};

    fn refused(text: &str) -> String {
        Policy::from_toml(text).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_file_is_the_default_policy() {
        assert_eq!(Policy::from_toml(""), Ok(Policy::default()));
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one_and_the_line() {
        let message = refused("[passwords]\nmin_lenght = 9\n");
        assert!(
            message.contains("line 2") && message.contains("did you mean `min_length`"),
            "{message}"
        );
        assert!(refused("[pasword]\n").contains("did you mean `passwords`"));
        assert!(refused("[stances]\nC07 = \"enforced\"\n").contains("did you mean `enforce`"));
    }

    #[test]
    fn ranges_and_measures_are_checked() {
        assert!(refused("[passwords]\nmin_length = 0\n").contains("min_length"));
        assert!(refused("[stances]\nC77 = \"report\"\n").contains("C77"));
        assert!(
            refused("[[waivers]]\nmeasure='C15'\nreason=' '\nowner='x'\nexpires='2027-01-01'\n")
                .contains("reason")
        );
        assert_eq!(
            Policy::from_toml(&" ".repeat(MAX_TOML + 1)),
            Err(TomlError::TooLarge(MAX_TOML + 1))
        );
    }

    #[test]
    fn a_waiver_holds_for_its_devices_until_it_ends() {
        let text = "[[waivers]]\nmeasure='C15'\ndevices=['yard']\nreason='VMS'\nowner='Kim'\nexpires='2027-01-01'\n";
        let policy = Policy::from_toml(text).unwrap();
        let (c15, c07): (Measure, Measure) = ("C15".parse().unwrap(), "C07".parse().unwrap());
        let (yard, gate): (DeviceName, DeviceName) =
            ("yard".parse().unwrap(), "gate".parse().unwrap());
        let (before, after) =
            ("2027-01-01T20:00:00Z".parse().unwrap(), "2027-01-02T00:00:00Z".parse().unwrap());
        assert!(policy.waiver(c15, &yard, before).is_some());
        assert!(policy.waiver(c15, &yard, after).is_none());
        assert!(policy.waiver(c15, &gate, before).is_none());
        assert!(policy.waiver(c07, &yard, before).is_none());
        assert_eq!(policy.stance(c15), Stance::Report);
    }

    #[test]
    fn weak_passwords_are_told_apart_without_repeating_them() {
        let rules = crate::policy::PasswordRules::default();
        assert!(rules.shortfalls(&crate::Secret::new("Tr1cky-Enough")).is_empty());
        let broken = rules.shortfalls(&crate::Secret::new("meinsm"));
        assert_eq!(broken.len(), 5, "{broken:?}");
        assert!(broken.iter().all(|clause| !clause.contains("meinsm")));
    }

    proptest::proptest! {
        #[test]
        fn printable_text_drives_no_terminal(text in ".{0,200}", most in 0usize..100) {
            let shown = printable(&text, most);
            assert!(!shown.chars().any(is_harmful));
        }

        #[test]
        fn no_text_makes_the_policy_reader_panic(text in "(?s).{0,200}") {
            let _ = Policy::from_toml(&text);
        }
    }
}
