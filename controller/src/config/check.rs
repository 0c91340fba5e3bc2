//! Whether the settings make sense together and lie in their ranges. The first that does not is named with its key.

use std::os::unix::ffi::OsStrExt;

use super::{Config, Span};

/// A Unix socket's path has room for so many bytes, with the zero behind it.
const MAX_SOCKET_PATH: usize = 107;

impl Config {
    /// Checks every value. The error is a clause that names the key.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let days = Span::days;
        let minute = Span::minutes(1);
        span("lives.token", self.lives.token, minute, days(30))?;
        span("lives.code", self.lives.code, minute, days(7))?;
        span("lives.pending", self.lives.pending, minute, days(7))?;
        span("lives.certificate", self.lives.certificate, Span::hours(1), days(90))?;
        span("limits.handshake_time", self.limits.handshake_time, Span::seconds(1), minute)?;
        span("keep.findings", self.keep.findings, days(1), days(3650))?;
        span("keep.agent_audit", self.keep.agent_audit, days(30), days(3650))?;
        let limits = &self.limits;
        number("limits.connections", limits.connections, 16, 1_000_000)?;
        number("limits.handshakes", limits.handshakes, 1, 4096)?;
        number("limits.enrollments_per_minute", limits.enrollments_per_minute, 1, 100_000)?;
        number("limits.pending", limits.pending, 1, 10_000)?;
        // A report holds up to 1 MiB, and what wraps it.
        number("limits.message_bytes", limits.message_bytes, (1 << 20) + (1 << 17), 16 << 20)?;
        self.check_server()?;
        self.check_recipients()
    }

    fn check_server(&self) -> Result<(), (&'static str, String)> {
        let server = &self.server;
        if server.data.as_os_str().is_empty() {
            return Err(("server.data", "it is empty; name the data folder".to_owned()));
        }
        if !(1..=8).contains(&server.addresses.len()) {
            let count = server.addresses.len();
            let text = format!(
                "want 1 to 8 addresses that agents reach, such as \
                                controller.example.org:7443; there are {count}"
            );
            return Err(("server.addresses", text));
        }
        let length = self.socket().as_os_str().as_bytes().len();
        if server.socket.as_os_str().is_empty() || length > MAX_SOCKET_PATH {
            let text = format!(
                "want a path of 1 to {MAX_SOCKET_PATH} bytes with the data folder; it has {length}"
            );
            return Err(("server.socket", text));
        }
        Ok(())
    }

    fn check_recipients(&self) -> Result<(), (&'static str, String)> {
        let recipients = &self.backup.recipients;
        if recipients.len() > 20 {
            return Err((
                "backup.recipients",
                format!("want at most 20; there are {}", recipients.len()),
            ));
        }
        let plain = |text: &str| {
            text.starts_with("age1")
                && text.len() == 62
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        match recipients.iter().find(|text| !plain(text)) {
            Some(text) if text.starts_with("AGE-SECRET-KEY-") => Err((
                "backup.recipients",
                "that is a secret key; write the public one (age1...), and make a new pair"
                    .to_owned(),
            )),
            Some(text) => {
                let text = proto::text::printable(text, 80);
                Err(("backup.recipients", format!("\"{text}\" is no age public key (age1...)")))
            }
            None => Ok(()),
        }
    }
}

fn span(
    key: &'static str,
    value: Span,
    least: Span,
    most: Span,
) -> Result<(), (&'static str, String)> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err((key, format!("want {least} to {most}; it is {value}")))
}

fn number(
    key: &'static str,
    value: u32,
    least: u32,
    most: u32,
) -> Result<(), (&'static str, String)> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err((key, format!("want {least} to {most}; it is {value}")))
}
