//! Lines made fit for a report: passwords, keys and hashes are taken out, the rest stays readable.
//!
//! Two lists with two purposes. [`redact`] takes out too much rather than too little. [`is_password_name`] counts
//! what is a password in clear, and must not call a counter or a pin of a connector one.

use std::borrow::Cow;

use super::{decode, text};

/// What stands in place of a secret.
const GONE: &str = "[redacted]";

/// A line of a configuration as it may be shown. Of a log-in, name and group stay; of a profile, the harmless fields.
pub fn redact(line: &[u8]) -> String {
    let line = text(line.trim_ascii());
    let Some((key, value)) = line.split_once('=') else {
        return if holds_secret(&line) { GONE.to_owned() } else { line.into_owned() };
    };
    match key.trim() {
        "usr" => format!("usr={}", redact_login(value, 2)),
        "onvif_user" => format!("onvif_user={}", redact_login(value, 2)),
        key => format!("{key}={}", redact_value(key, value)),
    }
}

/// A line that was made fit for a report, as it may leave the site for whoever may not read configurations: what is no
/// plain `key=value`, such as a line of a certificate's key, is hidden, and so is a value with a long run of letters
/// and digits, which may be a key in base64.
pub fn redact_further(line: &str) -> String {
    const LONGEST_RUN: usize = 23;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let Some((key, value)) = line.split_once('=') else { return GONE.to_owned() };
    if key.is_empty() || key.len() > 40 || !key.chars().all(plain) {
        return GONE.to_owned();
    }
    let part_of_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let runs = value.split(|c: char| !part_of_key(c));
    if runs.map(str::len).max().unwrap_or_default() > LONGEST_RUN {
        return format!("{key}={GONE}");
    }
    line.to_owned()
}

/// The value of `key` as it may be shown.
pub fn redact_value<'v>(key: &str, value: &'v str) -> Cow<'v, str> {
    if matches!(value, "" | "\"\"") {
        return Cow::Borrowed(value);
    }
    if is_secret_name(key) {
        return Cow::Borrowed(GONE);
    }
    if is_profile(value) {
        return Cow::Owned(value.split(':').map(redact_field).collect::<Vec<_>>().join(":"));
    }
    if holds_secret(value) { Cow::Borrowed(GONE) } else { Cow::Borrowed(value) }
}

/// Whether the value of a key or profile field of that name is a password in clear, or a key, by its name.
pub fn is_password_name(name: &str) -> bool {
    const ENDS: &[&str] = &[
        "pass",
        "passwd",
        "password",
        "passphrase",
        "pwd",
        "_pw",
        "pwdcopy",
        "secret",
        "httpauth",
        "setuppin",
        "cin_pin",
    ];
    let name = name.to_ascii_lowercase();
    ENDS.iter().any(|end| name.ends_with(end))
}

/// Whether text betrays a secret by what it looks like or talks about, escapes decoded.
pub fn holds_secret(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "passw",
        "pwd=",
        "pass=",
        "\"pass\"",
        "secret",
        "token",
        "authorization",
        "httpauth",
        "private key",
        "_pin=",
        "apikey",
        "api_key",
        "credential",
        "meinsm",
    ];
    let plain = decode(value.as_bytes()).to_ascii_lowercase();
    WORDS.iter().any(|word| plain.contains(word))
        || has_hash(value)
        || plain.split_once("://").is_some_and(|(_, rest)| has_user(rest))
}

/// Whether the rest of an address, behind `://`, begins with a user.
fn has_user(rest: &str) -> bool {
    let host = rest.split(['/', '?', '#', ' ']).next().unwrap_or_default();
    host.contains('@')
}

/// A crypt hash, an OpenSSL-salted text, or 32 and more hexadecimal digits in a row.
fn has_hash(value: &str) -> bool {
    let marks = ["$1$", "$2", "$5$", "$6$", "$y$", "U2FsdGVkX1"];
    if marks.iter().any(|mark| value.contains(mark)) {
        return true;
    }
    value.split(|c: char| !c.is_ascii_hexdigit()).any(|run| run.len() >= 32)
}

fn is_secret_name(name: &str) -> bool {
    const PARTS: &[&str] = &[
        "pass",
        "pwd",
        "secret",
        "token",
        "httpauth",
        "private",
        "credential",
        "psk",
        "hash",
        "digest",
    ];
    const ENDS: &[&str] = &["_pin", "pin", "_pw", "key", "community"];
    let name = name.trim().to_ascii_lowercase();
    PARTS.iter().any(|part| name.contains(part)) || ENDS.iter().any(|end| name.ends_with(end))
}

/// `id:_profilename=...:k=v`.
fn is_profile(value: &str) -> bool {
    value.split(':').skip(1).any(|field| field.contains('='))
}

fn redact_field(field: &str) -> String {
    match field.split_once('=') {
        Some((key, "")) => format!("{key}="),
        Some((key, value)) if is_secret_name(key) || holds_secret(value) => format!("{key}={GONE}"),
        None if holds_secret(field) => GONE.to_owned(),
        Some(_) | None => field.to_owned(),
    }
}

/// Keeps the first `open` fields of a log-in and how its hash begins; with fewer fields than that, nothing.
fn redact_login(value: &str, open: usize) -> String {
    let fields: Vec<&str> = value.split(':').collect();
    if fields.len() <= open {
        return GONE.to_owned();
    }
    let shown = fields.iter().enumerate().map(|(index, field)| match *field {
        field if index < open && !has_hash(field) => field.to_owned(),
        // A placeholder is no secret, and which scheme a hash uses is none either.
        "*" | "" => (*field).to_owned(),
        field if field.starts_with("$1$") => format!("$1${GONE}"),
        field if field.starts_with("$6$") => format!("$6${GONE}"),
        _ => GONE.to_owned(),
    });
    shown.collect::<Vec<_>>().join(":")
}
