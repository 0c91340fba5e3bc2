//! `palisade-agent enroll`: makes this box a site's agent, with a token that somebody carried here or with a code that
//! an operator approves.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::sync::Arc;

use certs::ticket::{MAX_TICKET, Ticket, TicketKind};
use certs::{SharedClock, SystemClock};
use proto::Secret;
use zeroize::Zeroizing;

use super::arguments::Enroll;
use super::console::Console;
use super::files;
use super::inputs::usage;
use super::run::runtime;
use super::stop::{GOOD, Stop};
use crate::identity::{Applicant, Folder};
use crate::link::enroll::{Application, EnrollFault, USUAL_PACE, Word, ask, keep};
use crate::link::entry;
use crate::store::{Options, Store, StoreError, make_private_folder};

/// The environment variable that may hold the ticket.
const VARIABLE: &str = "PALISADE_TICKET";

/// Makes this box an agent.
///
/// # Errors
/// A request that is wrong, a controller that refuses or cannot be reached, a disk that will not do.
pub fn run(arguments: &Enroll, console: &mut Console<'_>) -> Result<u8, Stop> {
    let data = &arguments.data.data;
    let application = application(arguments, console)?;
    let failed = |error: StoreError| Stop::Failed(format!("cannot keep an identity: {error}"));
    make_private_folder(data).map_err(failed)?;
    let folder = Arc::new(Folder::within(data));
    let former = former(&folder, arguments)?;
    let clock: SharedClock = Arc::new(SystemClock);
    let mut tell = |word| show(&word, console);
    let member = runtime()?.block_on(async {
        let alone = match &former {
            Former::None => None,
            Former::Agent(_) => Some(alone(data).await?),
        };
        let member = ask(&folder, &application, &clock, &mut tell).await.map_err(stop)?;
        if let (Former::Agent(former), Some(store)) = (&former, alone) {
            store.close().await;
            set_aside(data, former)?;
        }
        keep(&folder, member).await.map_err(|error| stop(error.into()))
    })?;
    hand_over(data).map_err(|error| {
        Stop::Failed(format!(
            "the box is enrolled, but its identity cannot be given to the service's user: {error}"
        ))
    })?;
    console.result(&format!(
        "This box is agent {} of site {} of {}.\n",
        member.agent, member.site, member.organisation
    ))?;
    Ok(GOOD)
}

fn show(word: &Word, console: &mut Console<'_>) {
    match word {
        Word::Approve(code, until) => console.note(&format!(
            "the code of this box is {code}; within the time until {until} an operator has to run: palisade agent \
             approve {code} --site SITE"
        )),
        Word::Again(why) => console.note(&format!("{why}; trying again")),
    }
}

fn stop(fault: EnrollFault) -> Stop {
    Stop::Failed(format!("this box was not enrolled: {fault}"))
}

fn application(arguments: &Enroll, console: &mut Console<'_>) -> Result<Application, Stop> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim().to_owned();
    if let (Some(organisation), Some(pin)) = (&arguments.organisation, arguments.pin) {
        return Ok(Application {
            organisation: organisation.clone(),
            addresses: arguments.controller.clone(),
            pin,
            token: None,
            purpose: Applicant::by_approval(organisation, pin),
            host,
            pace: USUAL_PACE,
        });
    }
    let ticket = ticket(arguments.token_file.as_deref(), console)?;
    let purpose = Applicant::by_ticket(&ticket);
    match ticket.kind {
        TicketKind::Agent => Ok(Application {
            organisation: ticket.organisation,
            addresses: ticket.addresses,
            pin: ticket.pin,
            token: Some(ticket.secret),
            purpose,
            host,
            pace: USUAL_PACE,
        }),
        TicketKind::Operator => {
            Err(usage("this token is for an operator: use it with palisade login"))
        }
    }
}

/// The token from that file, else from the environment, else from the person at the terminal.
fn ticket(file: Option<&Path>, console: &mut Console<'_>) -> Result<Ticket, Stop> {
    let text = match file {
        Some(path) if path == Path::new("-") => {
            let read = files::read_stream(console.input, MAX_TICKET as u64);
            text(read.map_err(|fault| usage(format!("reading the token: {fault}")))?)?
        }
        Some(path) => of_file(path)?,
        None => match console.set_variable(VARIABLE) {
            Some(value) => {
                let odd = |_| usage(format!("the token in {VARIABLE} is not UTF-8"));
                Secret::new(value.into_string().map_err(odd)?)
            }
            None if console.terminals.input => {
                let asked = (console.ask)("Token: ");
                Secret::new(
                    asked.map_err(|error| usage(format!("cannot ask for the token: {error}")))?,
                )
            }
            None => {
                return Err(usage(format!(
                    "no token, and no terminal to ask on: use --token-file FILE or set {VARIABLE}"
                )));
            }
        },
    };
    Ticket::parse(text.expose()).map_err(usage)
}

fn of_file(path: &Path) -> Result<Secret, Stop> {
    let refuse = |why: String| usage(format!("reading the token file {}: {why}", path.display()));
    let bytes = files::read(path, MAX_TICKET as u64).map_err(|fault| refuse(fault.to_string()))?;
    let bytes = Zeroizing::new(bytes);
    let open =
        fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o077 != 0);
    if open {
        return Err(refuse(format!(
            "others than its owner may read or change it; run: chmod 600 '{}'",
            path.display()
        )));
    }
    text(bytes.to_vec())
}

fn text(bytes: Vec<u8>) -> Result<Secret, Stop> {
    let bytes = Zeroizing::new(bytes);
    let text = std::str::from_utf8(&bytes).map_err(|_| usage("the token is not UTF-8"))?;
    Ok(Secret::new(text.trim()))
}

/// Who the box was.
enum Former {
    None,
    /// This agent, or one whose name cannot be read any more.
    Agent(String),
}

fn former(folder: &Folder, arguments: &Enroll) -> Result<Former, Stop> {
    match (folder.member(), arguments.anew) {
        (Ok(None), _) => Ok(Former::None),
        (Ok(Some(member)), true) => Ok(Former::Agent(member.agent.to_string())),
        (Err(_), true) => Ok(Former::Agent("unknown".to_owned())),
        (Ok(Some(member)), false) => Err(Stop::Usage(format!(
            "this box is agent {} of site {} already; --anew enrols it anew",
            member.agent, member.site
        ))),
        (Err(error), false) => Err(Stop::Failed(format!("{error}; --anew enrols the box anew"))),
    }
}

/// Only who has the store open knows that no agent uses it.
async fn alone(data: &Path) -> Result<Store, Stop> {
    let options = Options::new(data.to_owned(), entry::audit);
    let failed = |error: StoreError| Stop::Failed(format!("{error}; stop the agent first"));
    Store::open(options).await.map_err(failed)
}

/// What the former agent gathered cannot be uploaded by another one: it stays for people to look at.
fn set_aside(data: &Path, former: &str) -> Result<(), Stop> {
    let place = data.join(format!("former-{former}"));
    let moved = || {
        fs::create_dir_all(&place)?;
        for name in ["cache", "durable"] {
            match fs::rename(data.join(name), place.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    };
    moved().map_err(|error: io::Error| {
        let place = place.display();
        Stop::Failed(format!("cannot set the former agent's data aside in {place}: {error}"))
    })
}

/// Enrolled by root for a service that runs as somebody else: the identity becomes that user's.
fn hand_over(data: &Path) -> io::Result<()> {
    let owner = fs::metadata(data)?;
    if !rustix::process::geteuid().is_root() || owner.uid() == 0 {
        return Ok(());
    }
    let identity = data.join("identity");
    for entry in fs::read_dir(&identity)? {
        chown(entry?.path(), Some(owner.uid()), Some(owner.gid()))?;
    }
    chown(identity, Some(owner.uid()), Some(owner.gid()))
}
