//! `palisade site`: which sites there are.

use std::path::PathBuf;

use certs::ticket::TicketKind;
use clap::{Args, Subcommand};
use proto::wire::v1;
use proto::{SiteName, Timestamp};
use serde::Serialize;

use super::agent::halted::{self, Halted};
use super::console::Console;
use super::session::{Connection, Session};
use super::stop::{GOOD, Stop};
use super::table::{self, Format, Printing, Row};
use super::ticket::{Tray, ticket};
use super::token;
use super::words;
use crate::config::Span;

/// The help page's example.
pub const EXAMPLE: &str = "\
Examples:
  palisade site add harbour --token-file harbour.token
  palisade site list";

/// `site`
#[derive(Debug, Subcommand)]
pub enum SiteCommand {
    /// Add a site, and make a token for its agent if --token-file says where to
    #[command(after_help = "\
Example:
  palisade site add harbour --title 'Harbour, quay 3' --token-file harbour.token
then on the site's box:
  palisade-agent enroll --token-file harbour.token")]
    Add(Add),
    /// List the sites
    #[command(after_help = "Example:\n  palisade site list --format json")]
    List(Printing),
    /// Remove a site with everything that is known about it
    #[command(after_help = "Example:\n  palisade site remove harbour")]
    Remove(Remove),
    /// Make a token for a new box in place of the site's old one, which is revoked when the new one joins
    #[command(
        after_help = "Example:\n  palisade site replace harbour --reason 'card died' --token-file harbour.token"
    )]
    Replace(Replace),
}

/// `site add`
#[derive(Debug, Args)]
pub struct Add {
    /// The site's name: lower-case letters, digits and dashes
    #[arg(value_name = "NAME")]
    pub name: SiteName,
    /// What people call it
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub title: String,
    /// Write a one-time token for its agent to this file (- for standard output)
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// How long the token is good, such as 24h (default: as the controller is configured)
    #[arg(long, value_name = "TIME", requires = "token_file")]
    pub life: Option<Span>,
}

/// `site remove`
#[derive(Debug, Args)]
pub struct Remove {
    /// The site
    #[arg(value_name = "NAME")]
    pub name: SiteName,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// `site replace`
#[derive(Debug, Args)]
pub struct Replace {
    /// The site
    #[arg(value_name = "NAME")]
    pub name: SiteName,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Write the one-time token to this file (- for standard output)
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// How long the token is good, such as 24h (default: as the controller is configured)
    #[arg(long, value_name = "TIME")]
    pub life: Option<Span>,
}

/// One site, as listed.
#[derive(Debug, Serialize)]
pub struct SiteRow {
    site: String,
    title: String,
    created_at: Option<Timestamp>,
    generation: u64,
    agent: Option<String>,
    agent_state: Option<&'static str>,
    devices: u32,
    unmet: u32,
    unknown: u32,
    halted: Option<Halted>,
}

impl TryFrom<v1::Site> for SiteRow {
    type Error = Stop;

    fn try_from(site: v1::Site) -> Result<Self, Stop> {
        let has_agent = !site.agent_id.is_empty();
        Ok(Self {
            site: site.name,
            title: site.title,
            created_at: table::time(site.created_at),
            generation: site.generation,
            agent_state: has_agent.then(|| words::agent_state(site.agent_state)).transpose()?,
            agent: has_agent.then_some(site.agent_id),
            devices: site.devices,
            unmet: site.unmet,
            unknown: site.unknown,
            halted: Halted::read(site.halted)?,
        })
    }
}

impl Row for SiteRow {
    const TITLES: &'static [&'static str] =
        &["SITE", "AGENT", "DEVICES", "UNMET", "UNKNOWN", "GENERATION", "TITLE"];

    fn cells(&self, _: Timestamp) -> Vec<String> {
        vec![
            self.site.clone(),
            match (self.agent_state, &self.halted) {
                (Some(state), Some(_)) => format!("{state}, halted"),
                (state, _) => state.unwrap_or("none").to_owned(),
            },
            self.devices.to_string(),
            self.unmet.to_string(),
            self.unknown.to_string(),
            self.generation.to_string(),
            self.title.clone(),
        ]
    }
}

/// Does it.
///
/// # Errors
/// See the functions below.
pub fn run(
    command: &SiteCommand,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    match command {
        SiteCommand::Add(it) => add(it, connection, console),
        SiteCommand::List(it) => list(*it, connection, console),
        SiteCommand::Remove(it) => remove(it, connection, console),
        SiteCommand::Replace(it) => replace(it, connection, console),
    }
}

fn add(add: &Add, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let file = add.token_file.as_deref();
    let tray = file.map(|file| Tray::check(Some(file), "--token-file", console)).transpose()?;
    let mut session = Session::open(connection, console)?;
    let request = v1::AddSiteRequest { name: add.name.to_string(), title: add.title.clone() };
    session.ask(request)?;
    console.note(&format!("added the site {}", add.name));
    match tray {
        Some(tray) => token::make(&mut session, &add.name, add.life, tray, console)?,
        None => {
            console.note(&format!("next: palisade token create {} --token-file FILE", add.name));
        }
    }
    Ok(GOOD)
}

fn list(
    printing: Printing,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let reply = Session::open(connection, console)?.ask(v1::ListSitesRequest {})?;
    let rows = reply.sites.into_iter().map(SiteRow::try_from).collect::<Result<Vec<_>, Stop>>()?;
    table::list(&rows, printing.format, console)?;
    if printing.format == Format::Text {
        let halts = rows.iter().map(|row| (row.site.as_str(), row.halted.as_ref()));
        halted::tell(halts, console);
    }
    Ok(GOOD)
}

fn remove(remove: &Remove, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let name = &remove.name;
    if !remove.yes {
        console
            .confirm(&format!("This removes the site {name} and all that is known about it."))?;
    }
    let request = v1::RemoveSiteRequest { name: name.to_string() };
    Session::open(connection, console)?.ask(request)?;
    console.note(&format!("removed the site {name}"));
    Ok(GOOD)
}

fn replace(
    replace: &Replace,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    let tray = Tray::check(replace.token_file.as_deref(), "--token-file", console)?;
    let mut session = Session::open(connection, console)?;
    let reply = session.ask(v1::ReplaceSiteRequest {
        name: replace.name.to_string(),
        reason: replace.reason.clone(),
        token_life: replace.life.map_or(0, Span::as_seconds),
    })?;
    let ends = Timestamp::from_unix(reply.expires_at);
    let parts = (reply.addresses, reply.root_pin, reply.secret);
    tray.put(&ticket(TicketKind::Agent, &session.organisation, parts)?, console)?;
    console.note(&format!(
        "token {} is good until {ends}; the old box of {} serves on until the new one joins",
        reply.id, replace.name
    ));
    Ok(GOOD)
}
