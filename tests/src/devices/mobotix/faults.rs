//! What a pretend camera can do wrong. Faults combine, and each can be confined to the paths that begin with a prefix.

use std::time::Duration;

/// One way to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Reads the request and never answers.
    Hang,
    /// Sends its answer a byte at a time, one per interval.
    Drip(Duration),
    /// Answers 200 with an HTML page, whatever was asked.
    HtmlPage,
    /// Streams a body that claims to be 10 GB long.
    EndlessBody,
    /// Streams a chunked body that never ends and names no length.
    EndlessChunks,
    /// Sends `Content-Encoding: gzip` and a stream that unpacks to 159 times its size, without end.
    GzipBomb,
    /// Redirects, and redirects again from there.
    RedirectLoop,
    /// Claims 100 bytes more than it sends, then closes.
    LengthTooLong,
    /// Claims half of what it sends.
    LengthTooShort,
    /// Answers 500.
    ServerError,
    /// Sends bytes that are no HTTP.
    Garbage,
    /// Closes the connection after every answer, saying so.
    CloseEachTime,
    /// Closes connections that were idle for as long, without a word.
    CloseIdle(Duration),
    /// Is another vendor's camera: other realm, other pages, no remote configuration.
    OtherProduct,
    /// Answers writes, updates and stores as if all were well, and does nothing.
    Lies,
    /// Answers `store` as if all were well, and keeps flash as it was.
    ForgetsOnStore,
    /// Answers writes to this section as if all were well, and does not do them.
    Ignores(&'static str),
    /// Takes what is written into RAM and answers `update` as if all were well, and goes on as before.
    NeverUpdates,
    /// Changes a line that nobody named whenever something is written.
    Meddles,
    /// Takes an IP access list that was not stored yet as one that names nobody.
    MisreadsAddressList,
    /// Refuses every log-in while something is in force that is not stored.
    LosesLogins,
    /// Does what it is told to change, and loses the answer.
    LosesReplies,
    /// What it is told to change reaches it only when [`super::Camera::late_arrives`], or never if it reboots first.
    ComesLate,
    /// Reboots right after it did what it was told to change, before it answers.
    RebootsTooSoon,
    /// Calls every nonce stale, as one whose clock jumps might (INVENTED).
    CallsNoncesStale,
    /// Takes a key into its certificate slot, and passes over the certificate as over a malformed one.
    IgnoresCertificates,
    /// Takes a key into its certificate slot, and answers 500 to a certificate (INVENTED).
    FailsOnCertificates,
    /// Does not listen on a port that it was moved to.
    LosesMovedPorts,
    /// Takes the TLS connection, sends half a `ServerHello` and stalls.
    HalfHandshake,
    /// Answers the TLS handshake with a `ServerHello` of TLS 1.0.
    Tls10Hello,
    /// Answers the TLS handshake with the alert `protocol_version`.
    ProtocolVersionAlert,
}

/// The faults of one camera.
#[derive(Clone, Debug, Default)]
pub struct Faults(Vec<(&'static str, Fault)>);

impl Faults {
    /// None at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a fault, everywhere.
    #[must_use]
    pub fn with(self, fault: Fault) -> Self {
        self.on("", fault)
    }

    /// Adds a fault on the paths that begin with `prefix`. TLS faults know no paths.
    #[must_use]
    pub fn on(mut self, prefix: &'static str, fault: Fault) -> Self {
        self.0.push((prefix, fault));
        self
    }

    /// Whether the camera has that fault on that path.
    pub fn has(&self, path: &str, fault: Fault) -> bool {
        self.at(path).any(|one| one == fault)
    }

    /// The faults on that path.
    pub fn at<'a>(&'a self, path: &'a str) -> impl Iterator<Item = Fault> + 'a {
        self.0.iter().filter(move |(prefix, _)| path.starts_with(prefix)).map(|(_, fault)| *fault)
    }

    /// The fault that spoils the TLS handshake, if any.
    pub fn handshake(&self) -> Option<Fault> {
        self.at("").find(|fault| {
            matches!(fault, Fault::HalfHandshake | Fault::Tls10Hello | Fault::ProtocolVersionAlert)
        })
    }

    /// After how long without a request a connection is closed.
    pub fn idle(&self) -> Duration {
        let idle = self.at("").find_map(|fault| match fault {
            Fault::CloseIdle(after) => Some(after),
            _ => None,
        });
        idle.unwrap_or(Duration::from_secs(60))
    }
}

/// The first bytes of a gzip stream that never ends: the header, and a deflate block with fixed codes that begins
/// with one zero byte and one copy of it (258 bytes from 1 byte back). Ends on a byte boundary.
pub const BOMB_START: [u8; 13] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x62, 0x18, 0x05];

/// Eight more copies of 258 bytes, 13 bits each, again and again.
pub const BOMB_MORE: [u8; 13] =
    [0xa3, 0x60, 0x14, 0x8c, 0x82, 0x51, 0x30, 0x0a, 0x46, 0xc1, 0x28, 0x18, 0x05];

/// A TLS record with a whole `ServerHello` of TLS 1.0 (RFC 2246 section 7.4.1.3), cipher `RSA_WITH_AES_128_CBC_SHA`.
pub fn tls10_server_hello() -> Vec<u8> {
    let mut hello = vec![2, 0, 0, 38, 3, 1];
    hello.extend((0..32_u8).map(|byte| byte.wrapping_mul(73)));
    hello.extend([0, 0, 0x2f, 0]);
    let mut record = vec![22, 3, 1, 0, 42];
    record.extend(hello);
    record
}

/// A TLS record with the fatal alert `protocol_version`.
pub const PROTOCOL_VERSION_ALERT: [u8; 7] = [21, 3, 1, 0, 2, 2, 70];
