//! `palisade login`, `whoami` and `logout`: becoming an operator on this machine.

use std::path::PathBuf;

use certs::key::Key;
use certs::mutual::Trusting;
use certs::request;
use certs::ticket::{Ticket, TicketKind};
use clap::Args;
use proto::Timestamp;
use proto::wire::v1;
use serde::Serialize;

use super::console::Console;
use super::home::{Home, Operator};
use super::secrets;
use super::session::{self, Connection, Session, dial, runtime, taken, wait};
use super::stop::{GOOD, Stop};
use super::table::{self, Format, Printing};
use super::words;
use crate::api::client;

/// The help page's example.
pub const EXAMPLE: &str = "\
Example:
  palisade login --code-file kim.code

The code is asked for on the terminal, or comes from --code-file or from the environment variable
PALISADE_CODE; it is never an argument.";

/// `login`
#[derive(Debug, Args)]
pub struct Login {
    /// Read the one-time code from this file, which only its owner may read, or from - for standard input
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
    /// Take the place of who is logged in here
    #[arg(long)]
    pub replace: bool,
}

/// `whoami`
#[derive(Debug, Args)]
pub struct Whoami {
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// Turns a one-time code into a certificate.
///
/// # Errors
/// A code that is none, is used up or over; a controller that is not reached.
pub fn login(
    login: &Login,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let home = Home::find(connection.home.as_deref(), console)?;
    if home.is_taken() && !login.replace {
        let who = home.load().map_or("somebody".to_owned(), |it| it.identity.name().to_string());
        return Err(Stop::Usage(format!(
            "{who} is logged in here; use --replace to take their place, or --home DIR for another folder"
        )));
    }
    let code = secrets::code(login.code_file.as_deref(), console)?;
    let ticket = Ticket::parse(code.expose()).map_err(|error| Stop::usage(&error))?;
    if ticket.kind != TicketKind::Operator {
        let text = "this token is for an agent: use it with palisade-agent enroll";
        return Err(Stop::Usage(text.to_owned()));
    }
    let operator = ask(&ticket, connection, console)?;
    home.save(&operator)?;
    let (name, ends) = (operator.identity.name(), operator.identity.not_after());
    console.note(&format!("logged in as {name}, certificate until {ends}, renewed by use"));
    Ok(GOOD)
}

fn ask(ticket: &Ticket, connection: &Connection, console: &Console<'_>) -> Result<Operator, Stop> {
    let key = Key::generate().map_err(|error| Stop::failed(&error))?;
    let certificate_request = request::make(&key).map_err(|error| Stop::failed(&error))?;
    let addresses = match connection.controller.as_slice() {
        [] => ticket.addresses.clone(),
        given => given.iter().map(ToString::to_string).collect(),
    };
    let trusting = Trusting::Pin(ticket.pin);
    let clock = console.clock.clone();
    let dial = dial(&ticket.organisation, addresses.clone(), &trusting, None, clock)?;
    let code_secret = ticket.secret.expose().to_owned();
    let request = v1::LogInRequest { code_secret, certificate_request };
    let reply = wait(&runtime()?, client::log_in(dial, request))?.map_err(session::stop)?;
    let (identity, trust) = taken(reply.chain, reply.trust, key)?;
    if !trust.holds(ticket.pin) {
        let text = "the roots that the controller sent lack the one in the code";
        return Err(Stop::Failed(text.to_owned()));
    }
    let operator = Operator::new(addresses, identity, trust)
        .map_err(|why| Stop::Failed(format!("the controller sent what makes no sense: {why}")))?;
    if operator.organisation != ticket.organisation {
        let text = "the controller sent a certificate of another organisation";
        return Err(Stop::Failed(text.to_owned()));
    }
    Ok(operator)
}

/// Forgets who is logged in here.
///
/// # Errors
/// A file that cannot be removed.
pub fn logout(connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let home = Home::find(connection.home.as_deref(), console)?;
    let text = if home.forget()? { "logged out" } else { "nobody was logged in here" };
    console.note(text);
    Ok(GOOD)
}

#[derive(Serialize)]
struct Who {
    organisation: String,
    operator: String,
    role: &'static str,
    certificate_ends: Timestamp,
    controller_version: String,
    clock_offset: i64,
}

/// Says who is logged in here, as the controller sees it.
///
/// # Errors
/// Nobody; a controller that is not reached.
pub fn whoami(
    whoami: &Whoami,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let mut session = Session::open(connection, console)?;
    let reply = session.ask(v1::WhoAmIRequest {})?;
    let now = console.clock.now();
    let who = Who {
        organisation: reply.organisation,
        operator: reply.operator,
        role: words::role(reply.role)?,
        certificate_ends: Timestamp::from_unix(reply.certificate_ends),
        controller_version: reply.controller_version,
        clock_offset: now.unix().saturating_sub(reply.controller_time),
    };
    match whoami.printing.format {
        Format::Json => table::object(&who, console)?,
        Format::Text => {
            let ends = who.certificate_ends;
            let text = table::details(&[
                ("operator", format!("{} of {}", who.operator, who.organisation)),
                ("role", who.role.to_owned()),
                ("certificate", format!("until {ends} ({})", table::ago(Some(ends), now))),
                ("controller", format!("version {}", who.controller_version)),
                ("clock", format!("{} s ahead of the controller's", who.clock_offset)),
            ]);
            console.result(&text)?;
        }
    }
    Ok(GOOD)
}
