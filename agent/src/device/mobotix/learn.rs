//! From two exports, before and after a person set a value once in the camera's own page, to a dialect entry.

/// Writes the dialect file (TOML) that says which key `setting` is, from what changed between two exports.
/// `key`, as `section/KEY`, chooses among several changed keys.
///
/// # Errors
/// A message that says what is wrong: an export that cannot be read, another firmware, an unknown setting name (with
/// the list), nothing changed, or several keys changed (with the list).
pub fn learn(
    before: &[u8],
    after: &[u8],
    setting: &str,
    key: Option<&str>,
) -> Result<String, String> {
    let _ = (before, after, setting, key);
    Err(String::new())
}
