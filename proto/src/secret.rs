//! A secret cannot be printed, compared by accident or written to a file; its memory is zeroed when it is dropped.

use secrecy::{ExposeSecret, SecretString};

/// A password or key in text form. `Debug` shows only that it is one; there is no `Display` and no serialisation.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text over; the caller's copy is the caller's to wipe.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The secret itself, for the one place that must use it. Never format what this returns.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_does_not_hold_the_secret() {
        let secret = Secret::new("correct horse");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(..) Some(Secret(..))");
        assert_eq!(secret.expose(), "correct horse");
    }
}
