//! `palisade-agent backup`: the backups of configurations that this agent keeps: listed, compared, and one of them opened
//! into a file, for whoever has to bring a dead camera back without a controller. Changes nothing on any device.

use std::path::Path;

use clap::{Args, Subcommand};
use proto::DeviceName;
use proto::record::BackupId;
use serde::Serialize;

use super::arguments::{Data, TextFormat};
use super::console::Console;
use super::files::{Place, Readers};
use super::stop::{GOOD, Stop};
use crate::device;
use crate::store::backups::{BackupError, Backups, Head};
use crate::store::vault::Vault;

/// The help page's examples.
pub const EXAMPLES: &str = "\
Examples:
  palisade-agent backup list yard
  palisade-agent backup diff yard --from 0f3a9c --to 77b2e1
  palisade-agent backup open yard --backup 0f3a9c --output yard.cfg";

/// `backup`
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// List the backups of one device, or of all
    #[command(after_help = "Example:\n  palisade-agent backup list --format json")]
    List(List),
    /// Show what changed from one backup to another, secrets hidden
    #[command(after_help = "Example:\n  palisade-agent backup diff yard")]
    Diff(Diff),
    /// Write a backup, readable, to a file of your own
    #[command(
        after_help = "Example:\n  palisade-agent backup open yard --backup 0f3a9c --output yard.cfg"
    )]
    Open(Open),
}

/// `backup list`
#[derive(Debug, Args)]
pub struct List {
    /// The device; all of them if none is named
    #[arg(value_name = "DEVICE")]
    pub device: Option<DeviceName>,
    /// For a person or a script
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: TextFormat,
    /// Where the data are.
    #[command(flatten)]
    pub data: Data,
}

/// `backup diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// The device
    #[arg(value_name = "DEVICE")]
    pub device: DeviceName,
    /// The older backup, or the beginning of its name; by default the one before --to
    #[arg(long, value_name = "ID")]
    pub from: Option<String>,
    /// The newer backup, or the beginning of its name; by default the newest
    #[arg(long, value_name = "ID")]
    pub to: Option<String>,
    /// Where the data are.
    #[command(flatten)]
    pub data: Data,
}

/// `backup open`
#[derive(Debug, Args)]
pub struct Open {
    /// The device
    #[arg(value_name = "DEVICE")]
    pub device: DeviceName,
    /// The backup, or the beginning of its name; by default the newest
    #[arg(long, value_name = "ID")]
    pub backup: Option<String>,
    /// The file; it will hold passwords, and only you may read it
    #[arg(long, short, value_name = "FILE")]
    pub output: std::path::PathBuf,
    /// Where the data are.
    #[command(flatten)]
    pub data: Data,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    device: &'a DeviceName,
    id: BackupId,
    made_at: proto::Timestamp,
    reason: &'static str,
    product: &'a str,
    firmware: &'a str,
    size: u32,
}

/// Does it.
///
/// # Errors
/// Backups that are not there or do not open; a file that cannot be written.
pub fn run(command: &BackupCommand, console: &mut Console<'_>) -> Result<u8, Stop> {
    match command {
        BackupCommand::List(list) => self::list(list, console)?,
        BackupCommand::Diff(diff) => self::diff(diff, console)?,
        BackupCommand::Open(open) => self::open(open, console)?,
    }
    Ok(GOOD)
}

/// A vault is never made for who only looks.
pub(super) fn backups(data: &Path) -> Result<Backups, Stop> {
    if !data.join("backups").is_dir() {
        return Err(Stop::Usage(format!("there are no backups in {}", data.display())));
    }
    let vault = Vault::open(data).map_err(|error| Stop::Failed(error.to_string()))?;
    Ok(Backups::new(data, vault.key()))
}

pub(super) fn failed(error: BackupError) -> Stop {
    match error {
        BackupError::Missing(_) => Stop::Usage(error.to_string()),
        other => Stop::Failed(other.to_string()),
    }
}

fn list(list: &List, console: &mut Console<'_>) -> Result<(), Stop> {
    let backups = backups(&list.data.data)?;
    let devices = match &list.device {
        Some(device) => vec![device.clone()],
        None => backups.devices().map_err(failed)?,
    };
    let mut all = Vec::new();
    for device in &devices {
        let history = backups.history(device).map_err(failed)?;
        all.extend(history.backups.into_iter().rev().map(|head| (device, head)));
    }
    let rows: Vec<Row<'_>> = all.iter().map(|(device, head)| row(device, head)).collect();
    let text = match list.format {
        TextFormat::Json => {
            serde_json::to_string_pretty(&rows).expect("a list of backups is JSON") + "\n"
        }
        TextFormat::Text => rows.iter().map(line).collect(),
    };
    console.result(&text)
}

fn row<'a>(device: &'a DeviceName, head: &'a Head) -> Row<'a> {
    Row {
        device,
        id: head.id,
        made_at: head.made_at,
        reason: head.reason.as_str(),
        product: &head.product,
        firmware: &head.firmware,
        size: head.size,
    }
}

fn line(row: &Row<'_>) -> String {
    let Row { device, id, made_at, reason, firmware, size, .. } = row;
    format!("{device}  {id}  {made_at}  {reason}  {firmware}  {size} bytes\n")
}

fn diff(diff: &Diff, console: &mut Console<'_>) -> Result<(), Stop> {
    let backups = backups(&diff.data.data)?;
    let heads = backups.history(&diff.device).map_err(failed)?.backups;
    let to = find(&heads, diff.to.as_deref())?;
    let before = to.checked_sub(1).ok_or_else(|| {
        Stop::Usage("it is the first backup; there is none before it to compare with".to_owned())
    });
    let from = match &diff.from {
        Some(wanted) => find(&heads, Some(wanted))?,
        None => before?,
    };
    let read = |head: &Head| {
        let bytes = backups.open(&diff.device, head.id).map_err(failed)?;
        device::kept_configuration(bytes.to_vec()).map_err(|why| Stop::Failed(why.to_string()))
    };
    let lines = device::told_between(&read(&heads[from])?, &read(&heads[to])?);
    let lines = lines.map_err(|why| Stop::Failed(why.to_string()))?;
    let lines = lines.iter().map(|line| proto::text::printable(line, 400) + "\n");
    console.result(&lines.collect::<String>())
}

fn open(open: &Open, console: &mut Console<'_>) -> Result<(), Stop> {
    let place = Place::check(&open.output)?;
    let backups = backups(&open.data.data)?;
    let heads = backups.history(&open.device).map_err(failed)?.backups;
    let head = &heads[find(&heads, open.backup.as_deref())?];
    let bytes = backups.open(&open.device, head.id).map_err(failed)?;
    place.write(Readers::OwnerOnly, |file| file.write_all(&bytes))?;
    console.note(&format!(
        "the backup of {} is in {}; it holds passwords, and goes back to firmware {} alone",
        head.made_at,
        open.output.display(),
        head.firmware
    ));
    Ok(())
}

/// The place of the backup that is meant; the newest for none.
pub(super) fn find(heads: &[Head], wanted: Option<&str>) -> Result<usize, Stop> {
    let Some(wanted) = wanted else {
        let none = || Stop::Usage("there are no backups of that device here".to_owned());
        return heads.len().checked_sub(1).ok_or_else(none);
    };
    let is_it = |(_, head): &(usize, &Head)| head.id.to_string().starts_with(wanted);
    let mut found = heads.iter().enumerate().filter(is_it);
    match (found.next(), found.next()) {
        (Some((place, _)), None) => Ok(place),
        (None, _) => Err(Stop::Usage(format!("there is no backup {wanted}; see backup list"))),
        (Some(_), Some(_)) => {
            Err(Stop::Usage(format!("more than one backup begins with {wanted}; write more of it")))
        }
    }
}
