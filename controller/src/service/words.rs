//! What people write, checked where it comes in.

use proto::text::is_harmful;

use super::Refusal;

/// A text of at most `most` characters that drives no terminal.
pub(super) fn plain(text: &str, what: &str, most: usize) -> Result<String, Refusal> {
    let text = text.trim();
    if text.chars().count() > most {
        return Err(Refusal::Invalid(format!("the {what} is longer than {most} characters")));
    }
    if text.chars().any(is_harmful) {
        return Err(Refusal::Invalid(format!("the {what} holds a control character")));
    }
    Ok(text.to_owned())
}
