//! Why a file is no usable configuration, and what else it looks like. No message repeats the file's content beyond
//! section names: whoever passes a password file by mistake must not find it in a log.

use super::{HEAD, MAX_BYTES};

/// What a person can do about all of these.
const AGAIN: &str =
    "export it again from the camera with Admin Menu > Configuration > Save current configuration";

/// Why a file could not be read as a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No bytes, or blanks only.
    #[error("the configuration is empty; {AGAIN}")]
    Empty,
    /// More than [`MAX_BYTES`].
    #[error(
        "the file has {0} bytes, and a camera's configuration at most {MAX_BYTES}: this is something else; {AGAIN}"
    )]
    TooLarge(usize),
    /// It does not begin as a configuration does.
    #[error(
        "this looks like {0}, not like the configuration of a MOBOTIX camera, whose first line begins with #:MXCFG; {AGAIN}"
    )]
    OtherKind(&'static str),
    /// It begins as one, and then something is wrong.
    #[error("line {line}: {problem}; the file was cut off or changed: {AGAIN}")]
    Damaged {
        /// Line number, from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// What a camera answered over the network holds no configuration.
    #[error("{0}")]
    Answer(&'static str),
}

impl ConfigError {
    pub(super) fn damaged(line: usize, problem: String) -> Self {
        Self::Damaged { line, problem }
    }
}

/// Refuses what is no configuration at first sight.
pub(super) fn check_kind(bytes: &[u8]) -> Result<(), ConfigError> {
    if bytes.len() > MAX_BYTES {
        return Err(ConfigError::TooLarge(bytes.len()));
    }
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if start.starts_with(HEAD) {
        return Ok(());
    }
    if start.trim_ascii().is_empty() {
        return Err(ConfigError::Empty);
    }
    Err(ConfigError::OtherKind(kind(start)))
}

/// What a file looks like by how it begins.
fn kind(bytes: &[u8]) -> &'static str {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"\xff\xfe", "text that was saved as UTF-16"),
        (b"\xfe\xff", "text that was saved as UTF-16"),
        (b"\x1f\x8b", "a gzip archive (unpack it first)"),
        (b"PK\x03\x04", "a zip archive (unpack it first)"),
        (b"7z\xbc\xaf", "a 7z archive (unpack it first)"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"\x89PNG", "a PNG image"),
        (b"%PDF", "a PDF document"),
        (b"\x7fELF", "a program"),
        (b"MZ", "a program"),
        (b"#read::", "a camera's answer over the network rather than a saved file"),
        (b"SECTION ", "a configuration whose first lines are missing"),
        (b"#:MX", "a MOBOTIX file of another kind"),
        (b"-----BEGIN", "a certificate or key"),
    ];
    if let Some((_, kind)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return kind;
    }
    let sample = bytes.get(..bytes.len().min(4096)).unwrap_or(bytes);
    if sample.contains(&0) {
        return "a binary file";
    }
    match sample.trim_ascii_start() {
        [b'<', ..] => "a web page or XML (perhaps the log-in page was saved instead of the file)",
        [b'{', ..] => "JSON",
        [b'[', ..] => "another product's settings file or JSON",
        _ => "text of another kind",
    }
}
