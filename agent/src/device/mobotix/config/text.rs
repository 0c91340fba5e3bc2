//! Bytes as text: on access only, and without ever failing.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// The bytes as text: UTF-8 if they are that, else Latin-1, in which every byte is a character.
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// The bytes as text with their percent escapes decoded; an escape that is none stays as it stands.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match Cow::from(percent_decode(bytes)) {
        Cow::Borrowed(bytes) => text(bytes),
        Cow::Owned(bytes) => Cow::Owned(text(&bytes).into_owned()),
    }
}
