//! `palisade operator`: the people who steer.

mod recover;

use std::path::{Path, PathBuf};

use certs::ticket::TicketKind;
use clap::{Args, Subcommand, ValueEnum};
use proto::wire::v1;
use proto::{OperatorName, Timestamp};
use serde::Serialize;

use super::console::Console;
use super::session::{Connection, Session};
use super::stop::{GOOD, Stop};
use super::table::{self, Printing, Row};
use super::ticket::{Tray, ticket};
use super::words;
use crate::api::client::Ask;

/// The help page's example.
pub const EXAMPLE: &str =
    "Example:\n  palisade operator add sam --role viewer --code-file sam.code";

/// `operator`
#[derive(Debug, Subcommand)]
pub enum OperatorCommand {
    /// Add a person, and make their one-time code
    #[command(
        after_help = "Example:\n  palisade operator add sam --role operator --code-file sam.code"
    )]
    Add(Add),
    /// List the people
    #[command(after_help = "Example:\n  palisade operator list")]
    List(Printing),
    /// Make a new one-time code for somebody who lost their certificate or uses another machine
    #[command(after_help = "Example:\n  palisade operator code sam --code-file sam.code")]
    Code(Code),
    /// On the controller's machine, make a one-time code for an administrator when nobody can log in any more
    #[command(after_help = recover::EXAMPLE)]
    Recover(recover::Recover),
    /// Remove a person; their certificates are refused at once
    #[command(after_help = "Example:\n  palisade operator remove sam")]
    Remove(Remove),
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Reads
    Viewer,
    /// Also steers sites: policy, tokens, orders, attestations and waivers
    Operator,
    /// Also decides about people, trust, removal and replacement
    Administrator,
}

/// `operator add`
#[derive(Debug, Args)]
pub struct Add {
    /// Their name: lower-case letters, digits and dashes
    #[arg(value_name = "NAME")]
    pub name: OperatorName,
    /// What they may do
    #[arg(long, value_enum, value_name = "ROLE")]
    pub role: Role,
    /// Write their one-time code to this file (- for standard output)
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
}

/// `operator code`
#[derive(Debug, Args)]
pub struct Code {
    /// Who
    #[arg(value_name = "NAME")]
    pub name: OperatorName,
    /// Write their one-time code to this file (- for standard output)
    #[arg(long, value_name = "FILE")]
    pub code_file: Option<PathBuf>,
}

/// `operator remove`
#[derive(Debug, Args)]
pub struct Remove {
    /// Who
    #[arg(value_name = "NAME")]
    pub name: OperatorName,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Serialize)]
struct OperatorRow {
    operator: String,
    role: &'static str,
    created_at: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    certificate_ends: Option<Timestamp>,
}

impl TryFrom<v1::OperatorView> for OperatorRow {
    type Error = Stop;

    fn try_from(operator: v1::OperatorView) -> Result<Self, Stop> {
        Ok(Self {
            operator: operator.name,
            role: words::role(operator.role)?,
            created_at: table::time(operator.created_at),
            last_seen: table::time(operator.last_seen),
            certificate_ends: table::time(operator.certificate_ends),
        })
    }
}

impl Row for OperatorRow {
    const TITLES: &'static [&'static str] = &["OPERATOR", "ROLE", "LAST SEEN", "CERTIFICATE ENDS"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let ends = self.certificate_ends.map_or("none".to_owned(), |it| table::ago(Some(it), now));
        let seen = table::ago(self.last_seen, now);
        vec![self.operator.clone(), self.role.to_owned(), seen, ends]
    }
}

/// Does it.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn run(
    command: &OperatorCommand,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    match command {
        OperatorCommand::Add(add) => {
            let role = match add.role {
                Role::Viewer => v1::Role::Viewer,
                Role::Operator => v1::Role::Operator,
                Role::Administrator => v1::Role::Administrator,
            };
            let request = v1::AddOperatorRequest { name: add.name.to_string(), role: role.into() };
            code(request, add.code_file.as_deref(), connection, console)?;
        }
        OperatorCommand::Code(it) => {
            let request = v1::RenewCodeRequest { name: it.name.to_string() };
            code(request, it.code_file.as_deref(), connection, console)?;
        }
        OperatorCommand::Recover(it) => return recover::run(it, console),
        OperatorCommand::List(printing) => {
            let reply = Session::open(connection, console)?.ask(v1::ListOperatorsRequest {})?;
            let rows = reply.operators.into_iter().map(OperatorRow::try_from);
            let rows = rows.collect::<Result<Vec<_>, Stop>>()?;
            table::list(&rows, printing.format, console)?;
        }
        OperatorCommand::Remove(remove) => {
            let name = &remove.name;
            if !remove.yes {
                console.confirm(&format!("This removes {name}, who is logged out everywhere."))?;
            }
            let request = v1::RemoveOperatorRequest { name: name.to_string() };
            Session::open(connection, console)?.ask(request)?;
            console.note(&format!("removed {name}"));
        }
    }
    Ok(GOOD)
}

/// Asks for a one-time code and hands it out.
fn code(
    request: impl Ask<Reply = v1::LogInCode>,
    file: Option<&Path>,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    let tray = Tray::check(file, "--code-file", console)?;
    let mut session = Session::open(connection, console)?;
    let reply = session.ask(request)?;
    let (name, ends) = (reply.operator, Timestamp::from_unix(reply.expires_at));
    let parts = (reply.addresses, reply.root_pin, reply.secret);
    tray.put(&ticket(TicketKind::Operator, &session.organisation, parts)?, console)?;
    console.note(&format!(
        "the code is good once, until {ends}; {name} runs: palisade login --code-file FILE"
    ));
    Ok(())
}
