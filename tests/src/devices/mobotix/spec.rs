//! What a pretend camera is to be.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use proto::Secret;

use super::auth::DigestSettings;
use super::faults::Faults;
use super::weblog::LogRow;

/// A product line, told by the first number of its firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// P3, firmware MX-V4.
    P3,
    /// Mx6, firmware MX-V5.
    Mx6,
    /// MOBOTIX 7, firmware MX-V7.
    Mobotix7,
}

impl Line {
    /// A model of the line.
    pub fn model(self) -> &'static str {
        match self {
            Self::P3 => "M15",
            Self::Mx6 => "M16",
            Self::Mobotix7 => "M73",
        }
    }

    /// A firmware of the line.
    pub fn firmware(self) -> &'static str {
        match self {
            Self::P3 => "MX-V4.7.3.11-r4",
            Self::Mx6 => "MX-V5.4.9.4-r3",
            Self::Mobotix7 => "MX-V7.3.0.54",
        }
    }
}

/// Which versions of TLS are spoken. What real cameras speak is unknown: INVENTED.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    Both,
    /// 1.2, whose handshake takes two flights.
    Only12,
}

/// A certificate with its key, PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate, and what stands above it.
    pub certificate_pem: String,
    /// The key.
    pub private_key_pem: Secret,
}

/// What a pretend camera is to be.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its product line.
    pub line: Line,
    /// Its name, as an operator would call it.
    pub name: String,
    /// Where it listens: any loopback address.
    pub ip: IpAddr,
    /// The HTTP port; 0 for any that is free, `None` for no HTTP.
    pub http_port: Option<u16>,
    /// The HTTPS port; 0 for any that is free, `None` for no HTTPS.
    pub https_port: Option<u16>,
    /// What flash holds; `None` for the line's factory configuration.
    pub config: Option<Vec<u8>>,
    /// What each round trip costs: one for the TCP connection, one per flight of the TLS handshake, one per request.
    pub latency: Duration,
    /// How long a reboot takes, during which connections are refused. A real one takes two minutes.
    pub reboot_time: Duration,
    /// What it does wrong.
    pub faults: Faults,
    /// Its clock minus the real time, in seconds.
    pub clock_offset_s: i64,
    /// Rows that its web server log begins with.
    pub log: Vec<LogRow>,
    /// Whether a request without any log-in, answered with a challenge, is a `Failed` row with user `-`. Unknown on
    /// real cameras.
    pub logs_challenges: bool,
    /// How its challenges look.
    pub digest: DigestSettings,
    /// Which versions of TLS it speaks.
    pub tls: TlsVersions,
    /// The custom certificate in its slot; `None` for the factory certificate.
    pub certificate: Option<Certificate>,
}

impl Spec {
    /// A healthy camera of that line, on a loopback address of its own so that nobody takes its ports while it
    /// reboots; HTTP and HTTPS on free ports, factory configuration, no latency, quick to reboot.
    pub fn new(line: Line, name: &str) -> Self {
        Self {
            line,
            name: name.to_owned(),
            ip: own_address(),
            http_port: Some(0),
            https_port: Some(0),
            config: None,
            latency: Duration::ZERO,
            reboot_time: Duration::from_millis(50),
            faults: Faults::none(),
            clock_offset_s: 0,
            log: Vec::new(),
            logs_challenges: false,
            digest: DigestSettings::default(),
            tls: TlsVersions::Both,
            certificate: None,
        }
    }
}

/// 127, a number per process, and two that count the cameras in it.
fn own_address() -> IpAddr {
    static CAMERAS: AtomicU16 = AtomicU16::new(1);
    let [high, low] = CAMERAS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let process = u8::try_from(std::process::id() % 200).unwrap_or(0) + 50;
    IpAddr::V4(Ipv4Addr::new(127, process, high, low))
}
