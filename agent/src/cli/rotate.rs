//! `palisade-agent rotate`: credentials replaced by hand on the box itself, while no agent runs on its data. Without a
//! controller the sealed copies stay in the vault, for the agent to hand over when it runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use certs::SystemClock;
use certs::escrow::Quorum;
use clap::{Args, ValueEnum};
use proto::DeviceName;
use proto::wire::rotation::{CredentialKind, Rotate, RotateReason, Standing};
use serde::Serialize;

use super::arguments::{Data, TextFormat};
use super::console::Console;
use super::stop::{FAILED, GOOD, Stop};
use super::{files, process};
use crate::rotate::hands::Recovery;
use crate::service::local::{Ended, NotBegun, Wish, rotate};
use crate::service::status::CredentialStatus;

/// The help page's example.
pub const EXAMPLE: &str = "\
Example:
  palisade-agent rotate yard gate --site site.toml --data agent-data --recipients recovery.txt

The site's policy has to switch it on under [rotation] (passwords, certificates, message_keys or recording_keys
= true) and to say escrow = \"vault_will_do\". The file of recipients holds age recipients (age1...), one a
line; keep the keys to them somewhere else: together with the data folder they open every camera. From then on
the passwords are in the data folder, and the site file's are used no more.

Exit codes:
  0  each device takes another credential than before
  2  at least one does not; what was under way is taken up by the next run, or by the agent
  3  the request itself is wrong";

/// Largest file of recipients, in bytes.
const MAX_RECIPIENTS: u64 = 64 << 10;

/// `rotate`
#[derive(Debug, Args)]
pub struct RotateArguments {
    /// The devices; all cameras of the site file if none is named
    #[arg(value_name = "DEVICE")]
    pub devices: Vec<DeviceName>,
    /// The site file: its devices, its policy, and where their passwords are until they are replaced
    #[arg(long, value_name = "FILE")]
    pub site: PathBuf,
    /// What is replaced
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    pub what: Kind,
    /// Seal secrets to the age recipients in this file, on a box that holds no recovery recipients
    #[arg(long, value_name = "FILE")]
    pub recipients: Option<PathBuf>,
    /// So many of the recipients have to come together to open a secret
    #[arg(long, value_name = "N", default_value_t = 1, requires = "recipients")]
    pub threshold: u8,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub wait: u16,
    /// For a person or a script
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: TextFormat,
    /// Where the data are.
    #[command(flatten)]
    pub data: Data,
}

/// What is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// The password that the agent logs in with.
    #[default]
    Password,
    /// The certificate that the device presents; only on a box that holds its site's issuer.
    Certificate,
    /// The key of recordings, the same on all cameras; costs a reboot of each.
    RecordingKey,
    /// The key of the messages between cameras, the same on all of them.
    MessageKey,
}

#[derive(Serialize)]
struct Told<'a> {
    done: bool,
    credentials: &'a [CredentialStatus],
    failures: Vec<Failure<'a>>,
}

#[derive(Serialize)]
struct Failure<'a> {
    device: &'a str,
    why: &'a str,
}

/// Does it.
///
/// # Errors
/// A request that is wrong, or data that cannot be used. A device that fails is part of the result.
pub fn run(arguments: &RotateArguments, console: &mut Console<'_>) -> Result<u8, Stop> {
    let recipients = match &arguments.recipients {
        Some(path) => Some(recovery(path, arguments.threshold)?),
        None => None,
    };
    let what = match arguments.what {
        Kind::Password => CredentialKind::Password,
        Kind::Certificate => CredentialKind::Certificate,
        Kind::RecordingKey => CredentialKind::RecordingKey,
        Kind::MessageKey => CredentialKind::MessageKey,
    };
    let devices = arguments.devices.clone();
    let wish = Wish {
        data: arguments.data.data.clone(),
        site: arguments.site.clone(),
        environment: Arc::new(process::variable),
        order: Rotate { devices, what, reason: RotateReason::Command },
        recipients,
        patience: Duration::from_secs(arguments.wait.into()),
    };
    let runtime = super::run::runtime()?;
    let told = |state: &CredentialStatus| console.note(&line(state));
    let ended = runtime.block_on(Box::pin(rotate(wish, Arc::new(SystemClock), told)));
    runtime.shutdown_background();
    let ended = ended.map_err(|why| match why {
        NotBegun::Wish(why) => Stop::Usage(why),
        NotBegun::Store(_) | NotBegun::Box(_) => Stop::Failed(why.to_string()),
    })?;
    tell(&ended, arguments.format, console)
}

fn recovery(path: &std::path::Path, threshold: u8) -> Result<Recovery, Stop> {
    let wrong = |why: String| Stop::Usage(format!("{}: {why}", path.display()));
    let bytes = files::read(path, MAX_RECIPIENTS).map_err(|why| wrong(why.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| wrong("it is no text".to_owned()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let all: Vec<String> = lines.filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    if all.iter().any(|line| line.starts_with("AGE-SECRET")) {
        return Err(wrong("it holds a key; only its recipient (age1...) belongs here".to_owned()));
    }
    let quorum =
        Quorum::new(usize::from(threshold), &all).map_err(|error| wrong(error.to_string()))?;
    // Below every generation that an organisation signs, so that its recipients take their place.
    Ok(Recovery { generation: 0, quorum })
}

fn line(state: &CredentialStatus) -> String {
    let CredentialStatus { device, credential, state, trouble, .. } = state;
    let what = match state {
        Standing::Settled => "settled",
        Standing::Prepared => "the next one is made",
        Standing::Changing => "being replaced",
        Standing::InDoubt => "being asked what it takes",
        Standing::Stranded => "takes nothing that is known",
    };
    let why = if trouble.is_empty() { String::new() } else { format!(" ({trouble})") };
    format!("{device}: {}: {what}{why}", credential.as_str())
}

fn tell(ended: &Ended, format: TextFormat, console: &mut Console<'_>) -> Result<u8, Stop> {
    let Ended { is_done, credentials, failures } = ended;
    match format {
        TextFormat::Json => {
            let failures = failures.iter().map(|(device, why)| Failure { device, why }).collect();
            let told = Told { done: *is_done, credentials, failures };
            let text = serde_json::to_string_pretty(&told)
                .map_err(|error| Stop::Failed(format!("cannot write the result: {error}")))?;
            console.result(&(text + "\n"))?;
        }
        TextFormat::Text => {
            for state in credentials {
                let due = state.due.map_or(String::new(), |due| format!(", due {due}"));
                console.result(&format!("{}{due}\n", line(state)))?;
            }
        }
    }
    if *is_done {
        return Ok(GOOD);
    }
    for (device, why) in failures {
        console.complain(&format!("{device}: {why}"));
    }
    console.complain("not every device takes another credential than before");
    Ok(FAILED)
}
