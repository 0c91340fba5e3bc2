//! `palisade rotate` and `palisade rotations`: has credentials of devices replaced, and tells where each stands.

use clap::{Args, Subcommand, ValueEnum};
use proto::wire::v1;
use proto::wire::v1::send_order_request::What;
use proto::{DeviceName, SiteName, Timestamp};
use serde::Serialize;

use super::agent::{order, waiting};
use super::console::Console;
use super::session::{Connection, Session};
use super::stop::{GOOD, Stop};
use super::table::{self, Printing, Row};
use super::words;
use crate::config::Span;

/// The help page's example of `rotate`.
pub const ROTATE_EXAMPLE: &str = "\
Example:
  palisade rotate harbour yard gate --what password --reason person-left

Only what the policy's [rotation] switches on is replaced. Reasons other than device-moved do not
wait for a window; after secret-shown, the policy's grace passes first.";
/// The help page's example of `rotations`.
pub const ROTATIONS_EXAMPLE: &str = "Example:\n  palisade rotations harbour";

/// `rotate`
#[derive(Debug, Args)]
pub struct Rotate {
    /// The site
    #[arg(value_name = "SITE")]
    pub site: SiteName,
    /// The devices; all of them if none is named
    #[arg(value_name = "DEVICE")]
    pub devices: Vec<DeviceName>,
    /// What is replaced
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    pub what: Kind,
    /// Why, for the audit log; it also says whether a window is waited for
    #[arg(long, value_enum, value_name = "REASON")]
    pub reason: Reason,
    /// How long to wait for it to be done, up to 120s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = waiting)]
    pub wait: Span,
}

/// What is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The password that the agent logs in with.
    #[default]
    Password,
    /// The certificate that the device presents, with its key.
    Certificate,
    /// The key of recordings, the same on all cameras; costs a reboot of each.
    RecordingKey,
    /// The key of the messages between cameras, the same on all of them.
    MessageKey,
}

/// Why it is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Reason {
    /// Because you say so.
    Command,
    /// Somebody who knew it left.
    PersonLeft,
    /// It was shown to somebody.
    SecretShown,
    /// A backup that holds it, or a form of it, got out.
    BackupExposed,
    /// The device is in another place.
    DeviceMoved,
}

/// `rotations`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Rotations {
    /// What else.
    #[command(subcommand)]
    pub command: Option<RotationsCommand>,
    /// Only this site's
    #[arg(value_name = "SITE")]
    pub site: Option<SiteName>,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `rotations …`
#[derive(Debug, Subcommand)]
pub enum RotationsCommand {
    /// Have the agent forget a credential that a device does not take any more, after a person has reset it
    #[command(after_help = FORGET_EXAMPLE)]
    Forget(Forget),
}

/// The help page's example of `rotations forget`.
const FORGET_EXAMPLE: &str = "\
Example:
  palisade rotations forget harbour yard --what password --reason 'reset to factory by Sam'

Only one that is stranded. The agent looks at the device at once, with the password that the site
file names, and begins anew. Nothing goes from its vault or from escrow.";

/// `rotations forget`
#[derive(Debug, Args)]
pub struct Forget {
    /// The site
    #[arg(value_name = "SITE")]
    pub site: SiteName,
    /// The device
    #[arg(value_name = "DEVICE")]
    pub device: DeviceName,
    /// What is forgotten
    #[arg(long, value_enum, value_name = "KIND")]
    pub what: Kind,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Also one that is being replaced or in doubt: the device may take it yet
    #[arg(long)]
    pub even_unsettled: bool,
    /// How long to wait for it to be done, up to 120s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = waiting)]
    pub wait: Span,
}

impl Kind {
    fn wire(self) -> v1::CredentialKind {
        match self {
            Self::Password => v1::CredentialKind::Password,
            Self::Certificate => v1::CredentialKind::Certificate,
            Self::RecordingKey => v1::CredentialKind::RecordingKey,
            Self::MessageKey => v1::CredentialKind::MessageKey,
        }
    }
}

impl Reason {
    fn wire(self) -> v1::RotateReason {
        match self {
            Self::Command => v1::RotateReason::Command,
            Self::PersonLeft => v1::RotateReason::PersonLeft,
            Self::SecretShown => v1::RotateReason::SecretShown,
            Self::BackupExposed => v1::RotateReason::BackupExposed,
            Self::DeviceMoved => v1::RotateReason::DeviceMoved,
        }
    }
}

/// Has credentials replaced.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn rotate(
    rotate: &Rotate,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let what = What::Rotate(v1::RotateOrder {
        devices: rotate.devices.iter().map(ToString::to_string).collect(),
        what: rotate.what.wire().into(),
        reason: rotate.reason.wire().into(),
    });
    let code = order(&rotate.site, rotate.wait, what, connection, console)?;
    if code != GOOD {
        console.note(&format!("palisade rotations {} tells where each stands", rotate.site));
    }
    Ok(code)
}

#[derive(Debug, Serialize)]
struct RotationRow {
    site: String,
    device: String,
    credential: &'static str,
    account: String,
    state: &'static str,
    secret: String,
    due: Option<Timestamp>,
    since: Option<Timestamp>,
    trouble: String,
    told_at: Option<Timestamp>,
}

impl TryFrom<v1::RotationRow> for RotationRow {
    type Error = Stop;

    fn try_from(row: v1::RotationRow) -> Result<Self, Stop> {
        let state = row.state.unwrap_or_default();
        Ok(Self {
            site: row.site,
            device: state.device,
            credential: words::credential_kind(state.kind)?,
            account: state.account,
            state: words::standing(state.standing)?,
            secret: certs::random::hex(&state.secret_id),
            due: table::time(state.due),
            since: table::time(state.since),
            trouble: state.trouble,
            told_at: table::time(row.told_at),
        })
    }
}

impl Row for RotationRow {
    const TITLES: &'static [&'static str] =
        &["SITE", "DEVICE", "CREDENTIAL", "STATE", "DUE", "SINCE", "TROUBLE"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let credential = match self.account.as_str() {
            "" => self.credential.to_owned(),
            account => format!("{} of {account}", self.credential),
        };
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let due = self.due.map_or("-".to_owned(), |due| {
            if due <= now { "now".to_owned() } else { due.to_string() }
        });
        vec![
            self.site.clone(),
            self.device.clone(),
            credential,
            self.state.to_owned(),
            due,
            table::ago(self.since, now),
            or_dash(&self.trouble),
        ]
    }
}

/// Lists where credentials stand.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn list(
    rotations: &Rotations,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    if let Some(RotationsCommand::Forget(it)) = &rotations.command {
        return forget(it, connection, console);
    }
    let site = rotations.site.as_ref().map_or(String::new(), ToString::to_string);
    let reply = Session::open(connection, console)?.ask(v1::ListRotationsRequest { site })?;
    let rows = reply.rows.into_iter().map(RotationRow::try_from).collect::<Result<Vec<_>, _>>()?;
    table::list(&rows, rotations.printing.format, console)?;
    Ok(GOOD)
}

fn forget(forget: &Forget, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let what = What::Forget(v1::ForgetOrder {
        device: forget.device.to_string(),
        what: forget.what.wire().into(),
        even_unsettled: forget.even_unsettled,
        reason: forget.reason.clone(),
    });
    let code = order(&forget.site, forget.wait, what, connection, console)?;
    console.note(&format!(
        "palisade audit log --agent {} tells whether it was forgotten: credential_forgotten",
        forget.site
    ));
    Ok(code)
}
