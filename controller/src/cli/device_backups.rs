//! `palisade device backups|diff|fetch-backup`: the configurations that agents keep of a device. The controller
//! cannot read them; what changed from one to the next is told with every secret hidden.

use std::path::PathBuf;

use clap::Args;
use proto::record::BackupId;
use proto::wire::v1;
use proto::{DeviceName, SiteName, Timestamp};
use serde::Serialize;

use super::console::Console;
use super::files::{Place, Readers};
use super::session::{Connection, Session};
use super::stop::Stop;
use super::table::{self, Format, Printing, Row};
use super::words;

/// `device backups`
#[derive(Debug, Args)]
pub struct Backups {
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

/// `device diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// The site
    #[arg(value_name = "SITE")]
    pub site: SiteName,
    /// The device
    #[arg(value_name = "DEVICE")]
    pub device: DeviceName,
    /// The older backup, or the beginning of its name; by default the one before --to
    #[arg(long, value_name = "ID")]
    pub from: Option<String>,
    /// The newer backup, or the beginning of its name; by default the newest
    #[arg(long, value_name = "ID")]
    pub to: Option<String>,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `device fetch-backup`
#[derive(Debug, Args)]
pub struct FetchBackup {
    /// The site
    #[arg(value_name = "SITE")]
    pub site: SiteName,
    /// The device
    #[arg(value_name = "DEVICE")]
    pub device: DeviceName,
    /// The backup, or the beginning of its name; by default the newest
    #[arg(long, value_name = "ID")]
    pub backup: Option<String>,
    /// The file, which must not be there yet; beside it come files with its keys
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

#[derive(Debug, Serialize)]
struct BackupRow {
    id: String,
    made_at: Option<Timestamp>,
    reason: &'static str,
    product: String,
    firmware: String,
    size: u32,
    /// Of the recovery recipients; 0 if only the agent has it.
    recipients_generation: u64,
    previous: Option<String>,
    changes: Vec<String>,
    more_changes: bool,
}

impl TryFrom<v1::ConfigurationBackup> for BackupRow {
    type Error = Stop;

    fn try_from(backup: v1::ConfigurationBackup) -> Result<Self, Stop> {
        let id = |bytes: Vec<u8>| {
            let bytes = bytes.try_into().map_err(|_| words::nonsense("the name of a backup"))?;
            Ok::<_, Stop>(BackupId(bytes).to_string())
        };
        let previous = Some(backup.previous).filter(|bytes| !bytes.is_empty());
        Ok(Self {
            id: id(backup.backup_id)?,
            made_at: table::time(backup.made_at),
            reason: words::backup_reason(backup.reason)?,
            product: backup.product,
            firmware: backup.firmware,
            size: backup.size,
            recipients_generation: backup.recipients_generation,
            previous: previous.map(id).transpose()?,
            changes: backup.changes,
            more_changes: backup.more_changes,
        })
    }
}

impl Row for BackupRow {
    const TITLES: &'static [&'static str] =
        &["BACKUP", "MADE", "REASON", "FIRMWARE", "BYTES", "CHANGES", "COPY"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let more = if self.more_changes { "+" } else { "" };
        let copy = if self.recipients_generation > 0 { "sealed" } else { "agent only" };
        vec![
            self.id.clone(),
            table::ago(self.made_at, now),
            self.reason.to_owned(),
            self.firmware.clone(),
            self.size.to_string(),
            format!("{}{more}", self.changes.len()),
            copy.to_owned(),
        ]
    }
}

fn fetch(
    session: &mut Session,
    site: &SiteName,
    device: &DeviceName,
) -> Result<Vec<BackupRow>, Stop> {
    let (site, device) = (site.to_string(), device.to_string());
    let reply = session.ask(v1::ListBackupsRequest { site, device })?;
    reply.backups.into_iter().map(BackupRow::try_from).collect()
}

/// The place of the backup that is meant.
fn find(rows: &[BackupRow], wanted: &str) -> Result<usize, Stop> {
    let mut found = rows.iter().enumerate().filter(|(_, row)| row.id.starts_with(wanted));
    match (found.next(), found.next()) {
        (Some((place, _)), None) => Ok(place),
        (None, _) => Err(Stop::Usage(format!("there is no backup {wanted}; see device backups"))),
        (Some(_), Some(_)) => {
            Err(Stop::Usage(format!("more than one backup begins with {wanted}; write more of it")))
        }
    }
}

/// `device backups`
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn list(ask: &Backups, connection: &Connection, console: &mut Console<'_>) -> Result<(), Stop> {
    let mut session = Session::open(connection, console)?;
    let rows = fetch(&mut session, &ask.site, &ask.device)?;
    table::list(&rows, ask.printing.format, console)
}

/// `device diff`: what each backup changed, from one to another.
///
/// # Errors
/// A controller that is not reached or refuses; a backup that is not there.
pub fn diff(ask: &Diff, connection: &Connection, console: &mut Console<'_>) -> Result<(), Stop> {
    let mut session = Session::open(connection, console)?;
    let mut rows = fetch(&mut session, &ask.site, &ask.device)?;
    // The newest first: what lies between is between these places.
    let to = ask.to.as_deref().map_or(Ok(0), |wanted| find(&rows, wanted))?;
    let from = ask.from.as_deref().map_or(Ok(to + 1), |wanted| find(&rows, wanted))?;
    if to >= rows.len() || (ask.from.is_some() && from <= to) {
        return Err(Stop::Usage(
            "--from has to be an older backup than --to; see device backups".to_owned(),
        ));
    }
    rows.truncate(from);
    rows.drain(..to);
    rows.reverse();
    if ask.printing.format == Format::Json {
        return table::list(&rows, Format::Json, console);
    }
    let mut text = String::new();
    for row in &rows {
        let made = table::shown(row.made_at);
        text.push_str(&match &row.previous {
            Some(previous) => format!("{} of {made}, since {}\n", short(&row.id), short(previous)),
            None => format!("{} of {made}, the first\n", short(&row.id)),
        });
        for line in &row.changes {
            text.push_str(&proto::text::printable(line, 400));
            text.push('\n');
        }
        if row.more_changes {
            text.push_str("(more changed than is told here)\n");
        }
    }
    console.result(&text)
}

fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// `device fetch-backup`: the sealed body, and beside it each of its sealed keys.
///
/// # Errors
/// A controller that is not reached or refuses; a backup that only the agent has; a file that cannot be written.
pub fn fetch_sealed(
    ask: &FetchBackup,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    let place = Place::new_file(&ask.output, Readers::OwnerOnly)?;
    let mut session = Session::open(connection, console)?;
    let rows = fetch(&mut session, &ask.site, &ask.device)?;
    let at = ask.backup.as_deref().map_or(Ok(0), |wanted| find(&rows, wanted))?;
    let row = rows.get(at).ok_or_else(|| Stop::Usage("it has no backups here".to_owned()))?;
    let id: BackupId = row.id.parse().map_err(|_| words::nonsense("the name of a backup"))?;
    let backup = session.ask(v1::FetchBackupRequest {
        site: ask.site.to_string(),
        device: ask.device.to_string(),
        backup_id: id.0.to_vec(),
    })?;
    if backup.sealed.is_empty() {
        return Err(Stop::Failed(
            "only the agent has this backup: there were no recovery recipients, or it was too large to travel"
                .to_owned(),
        ));
    }
    place.write(&backup.sealed)?;
    let mut first = None;
    for (number, key) in (1..).zip(&backup.keys) {
        let mut path = ask.output.clone().into_os_string();
        path.push(format!(".key{number}"));
        let place = Place::new_file(&PathBuf::from(path), Readers::OwnerOnly)?;
        place.write(&key.sealed)?;
        let layers = key.layers.iter().map(|layer| layer.recipients.join(" or "));
        let people = layers.collect::<Vec<_>>().join(", then ");
        console.note(&format!("{} opens with the key of {people}", place.path().display()));
        first.get_or_insert_with(|| place.path().display().to_string());
    }
    let key = first.unwrap_or_default();
    console.note(&format!(
        "open a key first, layer by layer: age -d -i RECOVERY-KEY {key} > key; then: age -d -i key {} > configuration",
        place.path().display()
    ));
    Ok(())
}
