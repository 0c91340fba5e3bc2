//! Many pretend cameras at once, with the site file that lists them: what the bench measures against.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::devices::mobotix::{Camera, Counts, Line, Spec, configs};

/// Whether the cameras are reached over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Plain HTTP.
    Http,
    /// HTTPS, each camera with a certificate of its own.
    Https,
}

/// Running cameras and their site file. Dropped, both are gone.
#[derive(Debug)]
pub struct Fleet {
    cameras: Vec<Camera>,
    folder: TempDir,
}

/// Product lines, as they come in a site that grew over the years.
const LINES: [Line; 5] = [Line::P3, Line::Mx6, Line::P3, Line::Mx6, Line::Mobotix7];

/// Hardened cameras whose configurations are as long as real ones, on 127.1.0.1, 127.1.0.2, …, on any free port, with a
/// `site.toml` that lists them as `cam-001`, `cam-002`, … and the auditor's password beside it.
///
/// # Errors
/// When a port is taken, the files cannot be written, or `count` is more than 60 000.
pub async fn fleet(count: u16, latency: Duration, transport: Transport) -> io::Result<Fleet> {
    if count > 60_000 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there are 60 000 addresses"));
    }
    let folder = tempfile::tempdir()?;
    let (mut cameras, mut site) = (Vec::new(), String::new());
    for (number, line) in (1..=count).zip(LINES.into_iter().cycle()) {
        let name = format!("cam-{number:03}");
        let camera = Camera::start(spec(number, line, &name, latency, transport)).await?;
        let (scheme, address) = match transport {
            Transport::Http => ("http", camera.http_address()),
            Transport::Https => ("https", camera.https_address()),
        };
        let address = address.ok_or_else(|| io::Error::other("a camera has no address"))?;
        site.push_str(&format!(
            "[[devices]]\nname = \"{name}\"\nkind = \"mobotix\"\naddress = \"{scheme}://{address}\"\n\
             user = \"{}\"\npassword_file = \"pw\"\n",
            configs::AUDITOR.0,
        ));
        if transport == Transport::Https {
            site.push_str(&format!("pin = \"{}\"\n", camera.pin()));
        }
        cameras.push(camera);
    }
    std::fs::write(folder.path().join("site.toml"), site)?;
    // The agent takes a password only from a file that nobody else may read.
    let mut password = OpenOptions::new();
    let password = password.write(true).create_new(true).mode(0o600);
    writeln!(password.open(folder.path().join("pw"))?, "{}", configs::AUDITOR.1)?;
    Ok(Fleet { cameras, folder })
}

fn spec(number: u16, line: Line, name: &str, latency: Duration, transport: Transport) -> Spec {
    let [high, low] = number.to_be_bytes();
    let serial = IpAddr::V4(Ipv4Addr::new(10, 1, high, low));
    let config = configs::padded(&configs::hardened(line, serial), 41_000);
    let only = |wanted| (transport == wanted).then_some(0);
    let (http_port, https_port) = (only(Transport::Http), only(Transport::Https));
    let ip = IpAddr::V4(Ipv4Addr::new(127, 1, high, low));
    let spec = Spec::new(line, name);
    Spec { ip, http_port, https_port, config: Some(config), latency, ..spec }
}

impl Fleet {
    /// The site file.
    pub fn site_file(&self) -> PathBuf {
        self.folder.path().join("site.toml")
    }

    /// Where the site file lies; other files may be put beside it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The cameras, in the order of the site file.
    pub fn cameras(&self) -> &[Camera] {
        &self.cameras
    }

    /// The cameras' counts: added up, but for `most_open`, which is that of the worst.
    pub fn counts(&self) -> Counts {
        self.cameras.iter().map(Camera::counts).fold(Counts::default(), |all, one| Counts {
            connections: all.connections + one.connections,
            most_open: all.most_open.max(one.most_open),
            requests: all.requests + one.requests,
            round_trips: all.round_trips + one.round_trips,
            delayed: all.delayed + one.delayed,
            failed_logins: all.failed_logins + one.failed_logins,
            dark: all.dark + one.dark,
            writes: all.writes + one.writes,
        })
    }

    /// The least time that all round trips so far could have taken: one connection at a time per camera, so many
    /// cameras at once, each round trip exactly `latency` and nothing else taking any time.
    pub fn limit(&self, latency: Duration, at_once: u32) -> Duration {
        let at_once =
            at_once.clamp(1, u32::try_from(self.cameras.len()).unwrap_or(u32::MAX).max(1));
        latency.mul_f64(self.counts().round_trips as f64) / at_once
    }
}
