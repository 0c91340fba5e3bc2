//! `palisade agent`: the agents of the sites, and what they are ordered to do.

mod find;
pub mod halted;
mod rows;

use clap::{Args, Subcommand};
use proto::wire::v1;
use proto::wire::v1::send_order_request::What;
use proto::{DeviceName, SiteName};

use super::console::Console;
use super::session::{Connection, Session};
use super::stop::{FAILED, GOOD, Stop};
use super::table::{self, Format, Printing};
use crate::config::Span;

pub use find::{Candidate, pick};
pub use rows::AgentRow;
use rows::PendingRow;

/// The help page's example.
pub const EXAMPLE: &str = "Examples:\n  palisade agent list\n  palisade agent order visit harbour";

/// `agent`
#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// List the agents: state, version, last seen, certificate life, outbox, clock
    #[command(after_help = "Example:\n  palisade agent list --site harbour")]
    List(List),
    /// Show everything about one agent
    #[command(after_help = "Example:\n  palisade agent show harbour")]
    Show(Show),
    /// List the boxes that ask to become an agent
    #[command(after_help = "Example:\n  palisade agent pending")]
    Pending(Printing),
    /// Let a box that shows this code become a site's agent
    #[command(after_help = "Example:\n  palisade agent approve 7K3F-9QXM --site harbour")]
    Approve(Approve),
    /// End an agent's rights; its connection is cut at once
    #[command(after_help = "Example:\n  palisade agent revoke 0f3a9c... --reason 'box was stolen'")]
    Revoke(Decide),
    /// Let an agent back in that was locked because two boxes claimed to be it
    #[command(
        after_help = "Example:\n  palisade agent unlock 0f3a9c... --reason 'clone destroyed'"
    )]
    Unlock(Decide),
    /// Have a site's agent do something now
    #[command(subcommand, after_help = "Example:\n  palisade agent order visit harbour yard gate")]
    Order(Order),
}

/// `agent list`
#[derive(Debug, Args)]
pub struct List {
    /// Only this site's
    #[arg(long, value_name = "SITE")]
    pub site: Option<SiteName>,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `agent show`
#[derive(Debug, Args)]
pub struct Show {
    /// The site, or the agent's id or the beginning of it
    #[arg(value_name = "AGENT")]
    pub agent: String,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `agent approve`
#[derive(Debug, Args)]
pub struct Approve {
    /// The code that the box shows
    #[arg(value_name = "CODE")]
    pub code: String,
    /// The site it is to serve
    #[arg(long, value_name = "SITE")]
    pub site: SiteName,
}

/// `agent revoke`, `agent unlock`
#[derive(Debug, Args)]
pub struct Decide {
    /// The agent's id
    #[arg(value_name = "ID")]
    pub id: String,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// `agent order`
#[derive(Debug, Subcommand)]
pub enum Order {
    /// Look at devices now
    #[command(after_help = "Example:\n  palisade agent order visit harbour yard --wait 90s")]
    Visit(Visit),
    /// Renew the agent's certificate now
    #[command(after_help = "Example:\n  palisade agent order renew harbour")]
    Renew(Renew),
    /// Go on with unattended changes that halted
    #[command(after_help = "Example:\n  palisade agent order resume harbour")]
    Resume(Renew),
}

/// `agent order visit`
#[derive(Debug, Args)]
pub struct Visit {
    /// The site
    #[arg(value_name = "SITE")]
    pub site: SiteName,
    /// The devices; all of them if none is named
    #[arg(value_name = "DEVICE")]
    pub devices: Vec<DeviceName>,
    /// How long to wait for it to be done, up to 120s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = waiting)]
    pub wait: Span,
}

/// `agent order renew`, `agent order resume`
#[derive(Debug, Args)]
pub struct Renew {
    /// The site
    #[arg(value_name = "SITE")]
    pub site: SiteName,
    /// How long to wait for it to be done, up to 120s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = waiting)]
    pub wait: Span,
}

/// How long to wait for an order, up to 120 s.
///
/// # Errors
/// A text that is no span, or a longer one.
pub fn waiting(text: &str) -> Result<Span, String> {
    let span: Span = text.parse().map_err(|error: crate::config::BadSpan| error.to_string())?;
    if span.as_seconds() > 120 { Err("want at most 120s".to_owned()) } else { Ok(span) }
}

/// Does it.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn run(
    command: &AgentCommand,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    match command {
        AgentCommand::List(it) => list(it, connection, console),
        AgentCommand::Show(it) => show(it, connection, console),
        AgentCommand::Pending(printing) => {
            let reply = Session::open(connection, console)?.ask(v1::ListPendingRequest {})?;
            let rows: Vec<_> = reply.pending.into_iter().map(PendingRow::from).collect();
            table::list(&rows, printing.format, console)?;
            Ok(GOOD)
        }
        AgentCommand::Approve(approve) => {
            let (code, site) = (approve.code.trim().to_owned(), approve.site.to_string());
            let agent =
                Session::open(connection, console)?.ask(v1::ApproveAgentRequest { code, site })?;
            console.note(&format!("{} ({}) may join {}", agent.id, agent.host, approve.site));
            Ok(GOOD)
        }
        AgentCommand::Revoke(it) => {
            agreed(it, "ends the rights of", console)?;
            let (id, reason) = (it.id.clone(), it.reason.clone());
            Session::open(connection, console)?.ask(v1::RevokeAgentRequest { id, reason })?;
            console.note(&format!("revoked {}", it.id));
            Ok(GOOD)
        }
        AgentCommand::Unlock(it) => {
            agreed(it, "lets back in", console)?;
            let (id, reason) = (it.id.clone(), it.reason.clone());
            Session::open(connection, console)?.ask(v1::UnlockAgentRequest { id, reason })?;
            console.note(&format!("unlocked {}", it.id));
            Ok(GOOD)
        }
        AgentCommand::Order(order) => send(order, connection, console),
    }
}

fn agreed(it: &Decide, does: &str, console: &mut Console<'_>) -> Result<(), Stop> {
    if it.yes { Ok(()) } else { console.confirm(&format!("This {does} the agent {}.", it.id)) }
}

fn list(list: &List, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let site = list.site.as_ref().map_or(String::new(), ToString::to_string);
    let reply = Session::open(connection, console)?.ask(v1::ListAgentsRequest { site })?;
    let rows = reply.agents.into_iter().map(AgentRow::try_from).collect::<Result<Vec<_>, _>>()?;
    table::list(&rows, list.printing.format, console)?;
    if list.printing.format == Format::Text {
        halted::tell(rows.iter().map(AgentRow::halt), console);
    }
    Ok(GOOD)
}

fn show(show: &Show, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let mut session = Session::open(connection, console)?;
    let row = AgentRow::try_from(find(&show.agent, &mut session)?)?;
    match show.printing.format {
        Format::Json => table::object(&row, console)?,
        Format::Text => {
            let text = row.details(console.clock.now());
            console.result(&text)?;
        }
    }
    Ok(GOOD)
}

/// The agent that is meant by a site's name, an id or the beginning of one.
///
/// # Errors
/// None or more than one; a controller that is not reached or refuses.
pub fn find(wanted: &str, session: &mut Session) -> Result<v1::AgentView, Stop> {
    let mut agents = session.ask(v1::ListAgentsRequest { site: String::new() })?.agents;
    let gone = [v1::AgentState::Revoked.into(), v1::AgentState::Replaced.into()];
    let candidates = agents.iter().map(|agent| Candidate {
        id: agent.id.clone(),
        site: agent.site.clone(),
        is_gone: gone.contains(&agent.state),
        enrolled_at: agent.enrolled_at,
    });
    let place = pick(wanted, &candidates.collect::<Vec<_>>())?;
    Ok(agents.swap_remove(place))
}

fn send(order: &Order, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let (site, wait, what) = match order {
        Order::Visit(visit) => {
            let devices = visit.devices.iter().map(ToString::to_string).collect();
            (&visit.site, visit.wait, What::Visit(v1::VisitOrder { devices }))
        }
        Order::Renew(renew) => (&renew.site, renew.wait, What::Renew(v1::RenewOrder {})),
        Order::Resume(resume) => (&resume.site, resume.wait, What::Resume(v1::ResumeOrder {})),
    };
    self::order(site, wait, what, connection, console)
}

/// Gives a site's agent an order, and waits.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn order(
    site: &SiteName,
    wait: Span,
    what: What,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let reply = Session::open(connection, console)?.ask(v1::SendOrderRequest {
        site: site.to_string(),
        wait: wait.as_seconds(),
        what: Some(what),
    })?;
    if reply.done {
        console.note(&format!("{site} has done order {}", reply.id));
        return Ok(GOOD);
    }
    let text = format!("order {} is given, and {site} has not done it within {wait}", reply.id);
    if wait.as_seconds() == 0 {
        console.note(&text);
        return Ok(GOOD);
    }
    console.complain(&text);
    Ok(FAILED)
}
