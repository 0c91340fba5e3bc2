//! `palisade device`: what agents see.

use clap::{Args, Subcommand};
use proto::wire::v1;
use proto::{DeviceName, SiteName, Timestamp};
use serde::Serialize;

use super::console::Console;
use super::device_backups::{self, Backups, Diff, FetchBackup};
use super::finding::FindingRow;
use super::session::{Connection, Session};
use super::stop::{GOOD, Stop};
use super::table::{self, Format, Printing, Row};
use super::words;

/// The help page's example.
pub const EXAMPLE: &str =
    "Examples:\n  palisade device list --site harbour\n  palisade device show harbour yard";

/// `device`
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// List the devices
    #[command(after_help = "Example:\n  palisade device list --site harbour")]
    List(List),
    /// Show everything about one device, with its findings
    #[command(after_help = "Example:\n  palisade device show harbour yard")]
    Show(Show),
    /// List the backups of a device's configuration
    #[command(after_help = "Example:\n  palisade device backups harbour yard")]
    Backups(Backups),
    /// Show what changed from one backup to another, secrets hidden
    #[command(
        after_help = "Example:\n  palisade device diff harbour yard --from 0f3a9c --to 77b2e1"
    )]
    Diff(Diff),
    /// Fetch a backup, sealed to the recovery recipients
    #[command(
        after_help = "Example:\n  palisade device fetch-backup harbour yard --output yard.cfg.age"
    )]
    FetchBackup(FetchBackup),
}

/// `device list`
#[derive(Debug, Args)]
pub struct List {
    /// Only this site's
    #[arg(long, value_name = "SITE")]
    pub site: Option<SiteName>,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `device show`
#[derive(Debug, Args)]
pub struct Show {
    /// The site
    #[arg(value_name = "SITE")]
    pub site: SiteName,
    /// The device
    #[arg(value_name = "DEVICE")]
    pub device: DeviceName,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

#[derive(Debug, Serialize)]
struct DeviceRow {
    site: String,
    device: String,
    kind: &'static str,
    address: String,
    product: String,
    model: String,
    firmware: String,
    serial: String,
    pin: String,
    observed_at: Option<Timestamp>,
    failure: Option<Failure>,
    met: u32,
    unmet: u32,
    unknown: u32,
}

#[derive(Debug, Serialize)]
struct Failure {
    class: &'static str,
    message: String,
}

#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    device: DeviceRow,
    findings: Vec<FindingRow>,
}

impl TryFrom<v1::DeviceView> for DeviceRow {
    type Error = Stop;

    fn try_from(device: v1::DeviceView) -> Result<Self, Stop> {
        let failure = device.failure.map(|it| {
            let class = words::failure_class(it.class)?;
            Ok::<_, Stop>(Failure { class, message: it.message })
        });
        Ok(Self {
            site: device.site,
            device: device.device,
            kind: words::device_kind(device.kind)?,
            address: device.address,
            product: device.product,
            model: device.model,
            firmware: device.firmware,
            serial: device.serial,
            pin: device.pin,
            observed_at: table::time(device.observed_at),
            failure: failure.transpose()?,
            met: device.met,
            unmet: device.unmet,
            unknown: device.unknown,
        })
    }
}

impl DeviceRow {
    fn state(&self) -> &'static str {
        self.failure.as_ref().map_or("seen", |failure| failure.class)
    }
}

impl Row for DeviceRow {
    const TITLES: &'static [&'static str] = &[
        "SITE", "DEVICE", "KIND", "STATE", "SEEN", "MET", "UNMET", "UNKNOWN", "FIRMWARE", "ADDRESS",
    ];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        vec![
            self.site.clone(),
            self.device.clone(),
            self.kind.to_owned(),
            self.state().to_owned(),
            table::ago(self.observed_at, now),
            self.met.to_string(),
            self.unmet.to_string(),
            self.unknown.to_string(),
            or_dash(&self.firmware),
            or_dash(&self.address),
        ]
    }
}

/// Does it.
///
/// # Errors
/// A controller that is not reached or refuses; a device that is not there.
pub fn run(
    command: &DeviceCommand,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    match command {
        DeviceCommand::List(list) => {
            let site = list.site.as_ref().map_or(String::new(), ToString::to_string);
            let mut session = Session::open(connection, console)?;
            let rows = devices(&mut session, site)?;
            table::list(&rows, list.printing.format, console)?;
        }
        DeviceCommand::Show(it) => show(it, connection, console)?,
        DeviceCommand::Backups(it) => device_backups::list(it, connection, console)?,
        DeviceCommand::Diff(it) => device_backups::diff(it, connection, console)?,
        DeviceCommand::FetchBackup(it) => device_backups::fetch_sealed(it, connection, console)?,
    }
    Ok(GOOD)
}

fn devices(session: &mut Session, site: String) -> Result<Vec<DeviceRow>, Stop> {
    let reply = session.ask(v1::ListDevicesRequest { site })?;
    reply.devices.into_iter().map(DeviceRow::try_from).collect()
}

fn show(show: &Show, connection: &Connection, console: &mut Console<'_>) -> Result<(), Stop> {
    let mut session = Session::open(connection, console)?;
    let wanted = show.device.as_str();
    let device = devices(&mut session, show.site.to_string())?
        .into_iter()
        .find(|row| row.device == wanted)
        .ok_or_else(|| {
            Stop::Usage(format!("there is no device {wanted} at {}; see device list", show.site))
        })?;
    let reply = session.ask(v1::ListFindingsRequest {
        site: show.site.to_string(),
        device: wanted.to_owned(),
        ignored: true,
        ..v1::ListFindingsRequest::default()
    })?;
    let findings =
        reply.rows.into_iter().map(FindingRow::try_from).collect::<Result<Vec<_>, _>>()?;
    match show.printing.format {
        Format::Json => table::object(&Shown { device, findings }, console),
        Format::Text => {
            let now = console.clock.now();
            let text = details(&device, now);
            console.result(&(text + "\n"))?;
            table::list(&findings, Format::Text, console)
        }
    }
}

fn details(row: &DeviceRow, now: Timestamp) -> String {
    let failure = row.failure.as_ref();
    let failure = failure.map_or(String::new(), |it| format!("{}: {}", it.class, it.message));
    let seen = format!("{} ({})", table::shown(row.observed_at), table::ago(row.observed_at, now));
    table::details(&[
        ("device", format!("{} at {}", row.device, row.site)),
        ("kind", row.kind.to_owned()),
        ("address", row.address.clone()),
        ("product", row.product.clone()),
        ("model", row.model.clone()),
        ("firmware", row.firmware.clone()),
        ("serial", row.serial.clone()),
        ("pin", row.pin.clone()),
        ("looked at", seen),
        ("failure", failure),
    ])
}
