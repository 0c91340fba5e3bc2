//! `palisade-agent restore`: brings a device's configuration back from a backup of this agent, without a controller.
//! First it shows the differences; only with the digest that it showed does it bring exactly those back.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use certs::seal::Recipient;
use clap::Args;
use proto::DeviceName;

use super::arguments::Reach;
use super::kept::{Folder, Nowhere};
use super::{changeable, runtime, shop};
use crate::apply::{self, DeviceResult, Found, Keeper, Outcome, Restore};
use crate::change::Digest;
use crate::cli::arguments::Data;
use crate::cli::backup;
use crate::cli::console::Console;
use crate::cli::inputs;
use crate::cli::order;
use crate::cli::stop::{BAD, FAILED, GOOD, Stop};
use crate::config::read as settings;
use crate::device;

/// The help page's example.
pub const RESTORE_EXAMPLE: &str = "\
Example, while no agent runs on the data: see what would come back, then bring exactly that back
  palisade-agent restore yard --backup 0f3a9c --inventory site.toml
  palisade-agent restore yard --backup 0f3a9c --inventory site.toml --confirm DIGEST --keep DIR --recipient age1...

Exit codes:
  0  there is nothing to bring back, or it was brought back
  1  there is something to bring back
  2  the device could not be looked at, or it did not come back
  3  the request itself is wrong";

/// `restore`
#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// The device of the site file
    #[arg(value_name = "DEVICE")]
    pub device: DeviceName,
    /// The backup, or the beginning of its name; see `backup list`
    #[arg(long, value_name = "ID")]
    pub backup: String,
    /// The site file
    #[arg(long, value_name = "FILE")]
    pub inventory: PathBuf,
    /// Bring it back, if the device is still as it was when this digest was shown with the differences
    #[arg(long, value_name = "DIGEST", requires = "keep")]
    pub confirm: Option<Digest>,
    /// Keep the configuration of before and the web server log in this folder
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Seal what is kept to this age recipient (age1...); may be repeated
    #[arg(long, value_name = "RECIPIENT")]
    pub recipient: Vec<Recipient>,
    /// Keep it readable, although a configuration holds passwords
    #[arg(long, conflicts_with = "recipient")]
    pub backup_in_clear: bool,
    /// How devices are reached and judged.
    #[command(flatten)]
    pub reach: Reach,
    /// Where the backups are.
    #[command(flatten)]
    pub data: Data,
}

/// Shows the differences, or brings a backup back.
///
/// # Errors
/// A request that is wrong, or a backup that is not there or does not open.
pub fn restore(arguments: &RestoreArguments, console: &mut Console<'_>) -> Result<u8, Stop> {
    let keeper: Arc<dyn Keeper> = match &arguments.keep {
        Some(_) if arguments.recipient.is_empty() && !arguments.backup_in_clear => {
            let what = "say for whom what is kept is sealed: --recipient, or --backup-in-clear";
            return Err(Stop::Usage(what.to_owned()));
        }
        Some(folder) => Arc::new(Folder::open(folder, arguments.recipient.clone())?),
        None => Arc::new(Nowhere),
    };
    let site = settings::site(&arguments.inventory).map_err(inputs::usage)?;
    let backups = backup::backups(&arguments.data.data)?;
    let heads = backups.history(&arguments.device).map_err(backup::failed)?.backups;
    let head = &heads[backup::find(&heads, Some(&arguments.backup))?];
    let bytes = backups.open(&arguments.device, head.id).map_err(backup::failed)?;
    let configuration = device::kept_configuration(bytes.to_vec())
        .map_err(|why| Stop::Failed(format!("the backup cannot be read: {why}")))?;
    let only = vec![arguments.device.clone()];
    let audit = arguments.reach.as_audit(arguments.inventory.clone(), only);
    let (shop, calls) = shop(order::take(&audit, console)?, &site, keeper);
    let (mut reached, failed) = changeable(calls);
    let Some(reached) = reached.pop() else {
        let why = failed.into_iter().next().map(|it| it.why);
        let why = why.unwrap_or_else(|| "it is no camera on the network".to_owned());
        return Err(Stop::Usage(format!("device {}: {why}", arguments.device)));
    };
    let target = reached.target;
    let runtime = runtime()?;
    let code = match arguments.confirm {
        None => {
            let found =
                runtime.block_on(apply::look(&target, &configuration, &head.product, &shop));
            show(&found.map_err(Stop::Failed)?, console)
        }
        Some(shown) => {
            let restore = Restore {
                target,
                shown,
                pin: None,
                backup: configuration,
                product: head.product.clone(),
                words: format!("bring back the backup of {}", head.made_at),
            };
            tell(&runtime.block_on(apply::restore(restore, shop)), console)
        }
    };
    runtime.shutdown_background();
    code
}

fn show(found: &Found, console: &mut Console<'_>) -> Result<u8, Stop> {
    let restoration = &found.restoration;
    let lines = restoration.lines.iter().map(|line| proto::text::printable(line, 400) + "\n");
    console.result(&lines.collect::<String>())?;
    for left in restoration.left.iter().collect::<BTreeSet<_>>() {
        console.note(&proto::text::printable(left, 600));
    }
    if restoration.lines.is_empty() {
        console.note("there is nothing to bring back");
        return Ok(GOOD);
    }
    console.note(&format!(
        "nothing was changed; the same with --confirm {} --keep DIR brings exactly this back",
        found.configuration
    ));
    Ok(BAD)
}

fn tell(result: &DeviceResult, console: &mut Console<'_>) -> Result<u8, Stop> {
    console.result(&apply::write_one(result))?;
    let good = result
        .steps
        .iter()
        .all(|step| matches!(step.outcome, Outcome::Proven { .. } | Outcome::Already));
    match &result.stopped {
        None if good => Ok(GOOD),
        stopped => {
            console.complain(stopped.as_deref().unwrap_or("it was not brought back"));
            Ok(FAILED)
        }
    }
}
