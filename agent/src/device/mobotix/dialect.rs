//! Dialects: what a firmware line calls a setting, as data.

/// The built-in dialects, and those a site brought.
#[derive(Clone, Debug)]
pub struct Dialects;

impl Dialects {
    /// The built-in dialects: P3, Mx6, MOBOTIX 7.
    pub fn builtin() -> Self {
        Self
    }

    /// Adds a site's own dialect file; its entries go before ours.
    ///
    /// # Errors
    /// A message that says which line is wrong and why.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        Err(text.to_owned())
    }
}
