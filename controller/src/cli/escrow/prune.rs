//! `palisade secret prune`: has sealed copies removed that newer ones took the place of, and tells how full a site's
//! escrow is. What may go is decided by the controller.

use clap::Args;
use proto::wire::v1;
use proto::{SiteName, Timestamp};

use crate::cli::console::Console;
use crate::cli::session::{Connection, Session};
use crate::cli::stop::{GOOD, Stop};

/// The help page's example.
pub const EXAMPLE: &str = "\
Example:
  palisade secret prune harbour --keep 8 --before 2026-01-01T00:00:00Z --reason 'at 85 %'

Removed for good are copies of device passwords and certificates behind the newest so many of
each account. What the agent says a device takes stays, and so does everything of a device whose
credential is not settled, and every recording key. An old backup of a device may bring back an
old password: keep a kit (palisade secret export) before you prune.";

/// `secret prune`
#[derive(Debug, Args)]
pub struct Prune {
    /// The site
    #[arg(value_name = "SITE")]
    pub site: SiteName,
    /// How many of the newest of each account and kind stay
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: u32,
    /// Only what came to the controller before then, such as 2026-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub before: Option<Timestamp>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// Does it.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn prune(
    prune: &Prune,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let request = v1::PruneSecretsRequest {
        site: prune.site.to_string(),
        keep: prune.keep,
        before: prune.before.map_or(0, Timestamp::unix),
        reason: prune.reason.clone(),
    };
    let reply = Session::open(connection, console)?.ask(request)?;
    console.note(&format!("{} sealed copies removed", reply.removed));
    if !reply.spared.is_empty() {
        console.note(&format!(
            "nothing removed of {}: where their credentials stand is not settled; palisade rotations {}",
            reply.spared.join(", "),
            prune.site
        ));
    }
    if let Some(fill) = &reply.fill {
        console.note(&words(fill));
    }
    Ok(GOOD)
}

/// How full an escrow is, in words.
fn words(fill: &v1::EscrowFill) -> String {
    format!(
        "{}: {} secrets and {} MiB are in escrow, {} % of what is kept of a site",
        fill.site,
        fill.secrets,
        fill.bytes.div_ceil(1 << 20),
        fill.percent
    )
}

/// Says of each site whose escrow is nearly full what to do about it.
pub fn warn(fills: &[v1::EscrowFill], console: &mut Console<'_>) {
    for fill in fills.iter().filter(|fill| fill.high) {
        let todo = "beyond it nothing new is kept, and no device is touched that needs it: palisade secret prune";
        console.note(&format!("{}; {todo}", words(fill)));
    }
}
