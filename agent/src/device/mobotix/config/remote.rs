//! The configuration inside a camera's answer to `view configfile` (`POST /admin/remoteconfig`).
//!
//! Public tools take the answer minus its first 4 and last 3 lines. What those lines say is not known, so they are not
//! counted: the configuration is what lies between its own first line and its own last `ENDSECTION`.

use super::{ConfigError, HEAD, MAX_BYTES};

/// What every answer begins with.
const MARK: &[u8] = b"#read::";

/// The configuration inside an answer to `view configfile`, ready for [`super::Document::parse`].
///
/// # Errors
/// If the answer does not begin with `#read::`, holds no configuration, or ends inside one.
pub fn from_remote(body: &[u8]) -> Result<&[u8], ConfigError> {
    if body.len() > MAX_BYTES {
        return Err(ConfigError::TooLarge(body.len()));
    }
    if body.trim_ascii().is_empty() {
        return Err(ConfigError::Empty);
    }
    if !body.starts_with(MARK) {
        return Err(ConfigError::Answer(
            "what came back to `view configfile` does not begin with #read::, so it is not the answer of a MOBOTIX \
             camera's remote configuration; check the address, and that the account may use the Admin Menu",
        ));
    }
    let mut start = None;
    let mut end = None;
    let mut open_behind = None;
    let mut position = 0;
    for raw in body.split_inclusive(|byte| *byte == b'\n') {
        let line = raw.trim_ascii();
        if start.is_none() && line.starts_with(HEAD) {
            start = Some(position);
        }
        position += raw.len();
        if start.is_some() && line.starts_with(b"ENDSECTION") {
            (end, open_behind) = (Some(position), None);
        } else if end.is_some() && line.starts_with(b"SECTION ") {
            open_behind = Some(position);
        }
    }
    let Some(start) = start else {
        return Err(ConfigError::Answer(
            "the camera answered `view configfile` without a configuration (no line begins with #:MXCFG); check that \
             the account belongs to a group with the right to the Admin Menu",
        ));
    };
    match (end, open_behind) {
        (Some(end), None) => Ok(body.get(start..end).unwrap_or_default()),
        // A section begins behind the last ENDSECTION, or there is none: the transfer broke off.
        _ => Err(ConfigError::Answer(
            "the camera's answer to `view configfile` breaks off inside a section; ask again",
        )),
    }
}
