//! A small pretend site: cameras that somebody cared for and cameras that somebody forgot, a workstation, a storage,
//! and the files an integrator would have written for them. All of it on loopback, every value made up.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use certs::authority::Authority;
use jiff::ToSpan as _;
use proto::Timestamp;

use crate::devices::mobotix::{Camera, Certificate, Line, LogRow, Outcome, Spec, configs};

/// The workstation's address in the cameras' web server logs.
const WORKSTATION: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 20, 0, 9));
/// Somebody from outside, in the log of the forgotten camera.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 77));

/// A running site. Dropped, its cameras are gone; its files stay.
#[derive(Debug)]
pub struct PretendSite {
    cameras: Vec<(&'static str, Camera, (&'static str, &'static str))>,
    folder: PathBuf,
}

impl PretendSite {
    /// Starts the cameras and writes `site.toml`, `policy.toml`, an exported configuration, the authority's certificate
    /// and password files into `folder`, which must exist.
    ///
    /// # Errors
    /// When a camera cannot listen or a file cannot be written.
    pub async fn start(folder: &Path, now: Timestamp) -> io::Result<Self> {
        let standard = StandardPorts::free().await?;
        let day = |days: i64| Timestamp::from_unix(now.unix() + days * 86_400);
        let authority =
            Authority::new("Harbour devices", day(-30), day(3650)).map_err(io::Error::other)?;
        fs::write(folder.join("authority.pem"), authority.certificate_pem())?;

        let mut cameras = Vec::new();
        for (name, spec, login) in
            [gate(), lobby(&authority, day(-1), day(365))?, yard(standard), dock(standard)]
        {
            cameras.push((name, Camera::start(spec).await?, login));
        }
        let site = Self { cameras, folder: folder.to_owned() };
        site.write_files(standard, now)?;
        Ok(site)
    }

    /// The cameras by name, each with the login an audit uses.
    pub fn cameras(&self) -> impl Iterator<Item = (&'static str, &Camera, &'static str)> {
        self.cameras.iter().map(|(name, camera, (user, _))| (*name, camera, *user))
    }

    /// The site file.
    pub fn site_file(&self) -> PathBuf {
        self.folder.join("site.toml")
    }

    fn write_files(&self, standard: StandardPorts, now: Timestamp) -> io::Result<()> {
        let mut site = String::from("name = \"Harbour\"\npolicy = \"policy.toml\"\n");
        for (name, camera, (user, password)) in &self.cameras {
            let address = match (camera.https_address(), camera.http_address()) {
                (Some(address), _) => format!("https://{address}"),
                (None, Some(address)) => format!("http://{address}"),
                (None, None) => continue,
            };
            let _ = write!(
                site,
                "\n[[devices]]\nname = \"{name}\"\nkind = \"mobotix\"\naddress = \"{address}\"\n\
                 user = \"{user}\"\npassword_file = \"{name}.pw\"\npin = \"{}\"\n",
                camera.pin()
            );
            let file = self.folder.join(format!("{name}.pw"));
            fs::write(&file, format!("{password}\n"))?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        }
        let ramp = configs::neglected(Line::P3, IpAddr::V4(Ipv4Addr::new(10, 20, 0, 41)));
        fs::write(self.folder.join("ramp.cfg"), ramp)?;
        site.push_str("\n[[devices]]\nname = \"ramp\"\nkind = \"mobotix\"\nfile = \"ramp.cfg\"\n");
        let _ = write!(
            site,
            "\n[[devices]]\nname = \"control-room\"\nkind = \"vms\"\naddresses = [\"{WORKSTATION}\"]\n\
             \n[[devices]]\nname = \"archive\"\nkind = \"nas\"\n"
        );
        site.push_str(&attestations(now));
        fs::write(self.folder.join("site.toml"), site)?;
        fs::write(self.folder.join("policy.toml"), policy(standard, now))
    }
}

/// The ports that the policy calls standard: 80 and 443 belong to whoever runs the machine.
#[derive(Clone, Copy, Debug)]
struct StandardPorts {
    http: u16,
    https: u16,
}

impl StandardPorts {
    async fn free() -> io::Result<Self> {
        let any = (Ipv4Addr::LOCALHOST, 0);
        let (http, https) =
            (tokio::net::TcpListener::bind(any).await?, tokio::net::TcpListener::bind(any).await?);
        Ok(Self { http: http.local_addr()?.port(), https: https.local_addr()?.port() })
    }
}

type Placed = (&'static str, Spec, (&'static str, &'static str));

fn row(seconds_ago: i64, address: IpAddr, user: Option<&str>, outcome: Outcome) -> LogRow {
    LogRow { seconds_ago, address, host: None, user: user.map(str::to_owned), outcome }
}

/// Cared for, on ports of its own; the workstation logs in with an account that is no administrator.
fn gate() -> Placed {
    let spec = Spec::new(Line::Mx6, "gate");
    let config = configs::hardened(Line::Mx6, IpAddr::V4(Ipv4Addr::new(10, 20, 0, 11)));
    let log = vec![row(7200, WORKSTATION, Some("recorder"), Outcome::Successful)];
    ("gate", Spec { config: Some(config), http_port: None, log, ..spec }, configs::AUDITOR)
}

/// Cared for, with a certificate that the site's own authority issued.
fn lobby(authority: &Authority, from: Timestamp, until: Timestamp) -> io::Result<Placed> {
    let spec = Spec::new(Line::Mobotix7, "lobby");
    let issued = authority
        .issue(&["lobby.harbour.example"], &[spec.ip], from, until)
        .map_err(io::Error::other)?;
    let certificate = Certificate {
        certificate_pem: issued.certificate_pem,
        private_key_pem: issued.private_key_pem,
    };
    let config = configs::hardened(Line::Mobotix7, IpAddr::V4(Ipv4Addr::new(10, 20, 0, 12)));
    let log = vec![row(5400, WORKSTATION, Some("recorder"), Outcome::Successful)];
    let spec =
        Spec { config: Some(config), http_port: None, certificate: Some(certificate), log, ..spec };
    Ok(("lobby", spec, configs::AUDITOR))
}

/// Forgotten: factory login, public pages, standard ports, and somebody is guessing passwords.
fn yard(standard: StandardPorts) -> Placed {
    let spec = Spec::new(Line::P3, "yard");
    let config = configs::neglected(Line::P3, IpAddr::V4(Ipv4Addr::new(10, 20, 0, 21)));
    let log = vec![
        row(9000, WORKSTATION, Some("admin"), Outcome::Successful),
        row(4000, STRANGER, Some("root"), Outcome::Failed),
        row(300, STRANGER, Some("admin"), Outcome::Failed),
    ];
    let (http_port, https_port) = (Some(standard.http), Some(standard.https));
    let spec = Spec { config: Some(config), http_port, https_port, log, ..spec };
    ("yard", spec, ("admin", configs::FACTORY_PASSWORD))
}

/// Fresh from the box.
fn dock(standard: StandardPorts) -> Placed {
    let spec = Spec::new(Line::Mobotix7, "dock");
    let (http_port, https_port) = (Some(standard.http), Some(standard.https));
    ("dock", Spec { http_port, https_port, ..spec }, ("admin", configs::FACTORY_PASSWORD))
}

fn day_after(now: Timestamp, months: i32) -> String {
    let day = jiff::Timestamp::from_second(now.unix()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let day = jiff::tz::Offset::UTC.to_datetime(day).date();
    day.checked_add(months.months()).unwrap_or(day).to_string()
}

fn attestations(now: Timestamp) -> String {
    let (soon, past) = (day_after(now, 6), day_after(now, -1));
    let rack = "locked rack in the server room, seen at the last round";
    let mut text = String::new();
    for (measure, until, evidence) in [
        ("C19", &soon, "switch configuration: VLAN 40 holds cameras and storage only"),
        ("V01", &soon, "list of accounts of the workstation, checked with the shift leader"),
        ("V05", &past, "seen in the VMS options: log-off after 10 minutes"),
        ("N01", &soon, rack),
        ("N04", &soon, "storage console: both volumes show as encrypted"),
        ("N05", &soon, "storage console: RAID 6 over six disks, healthy"),
    ] {
        let _ = write!(
            text,
            "\n[[attestations]]\nmeasure = \"{measure}\"\nby = \"Kim Berg\"\nuntil = \"{until}\"\n\
             evidence = \"{evidence}\"\n"
        );
    }
    text
}

fn policy(standard: StandardPorts, now: Timestamp) -> String {
    format!(
        "# The pretend site's standard ports stand in for 80 and 443, which belong to this machine.\n\
         [web_ports]\nhttp = {}\nhttps = {}\n\n\
         [networks]\nallowed = [\"10.20.0.0/16\", \"127.0.0.0/8\"]\n\n\
         [certificates]\nauthorities = [\"authority.pem\"]\n\n\
         [remote_access]\nby = \"camera_vpn\"\n\n\
         [[waivers]]\nmeasure = \"C15\"\ndevices = [\"yard\"]\n\
         reason = \"The old gate controller only knows the standard port; it is replaced in spring.\"\n\
         owner = \"Kim Berg\"\nexpires = \"{}\"\n",
        standard.http,
        standard.https,
        day_after(now, 4)
    )
}
