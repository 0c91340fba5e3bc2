//! `palisade token`: what agents join with, once.

use std::path::PathBuf;

use certs::ticket::TicketKind;
use clap::{Args, Subcommand};
use proto::wire::v1;
use proto::{SiteName, Timestamp};
use serde::Serialize;

use super::console::Console;
use super::session::{Connection, Session};
use super::stop::{GOOD, Stop};
use super::table::{self, Printing, Row};
use super::ticket::{Tray, ticket};
use super::words;
use crate::config::Span;

/// The help page's example.
pub const EXAMPLE: &str = "Example:\n  palisade token create harbour --token-file harbour.token";

/// `token`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a one-time token for a site's agent
    #[command(
        after_help = "Example:\n  palisade token create harbour --life 2h --token-file harbour.token"
    )]
    Create(Create),
    /// List the tokens, without their secrets
    #[command(after_help = "Example:\n  palisade token list")]
    List(Printing),
    /// Make a token useless
    #[command(after_help = "Example:\n  palisade token revoke 0f3a9c...")]
    Revoke(Revoke),
}

/// `token create`
#[derive(Debug, Args)]
pub struct Create {
    /// The site
    #[arg(value_name = "SITE")]
    pub site: SiteName,
    /// Write the token to this file (- for standard output)
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// How long it is good, such as 24h (default: as the controller is configured)
    #[arg(long, value_name = "TIME")]
    pub life: Option<Span>,
}

/// `token revoke`
#[derive(Debug, Args)]
pub struct Revoke {
    /// The token's id, as token list shows it
    #[arg(value_name = "ID")]
    pub id: String,
}

#[derive(Debug, Serialize)]
struct TokenRow {
    token: String,
    site: String,
    state: &'static str,
    created_at: Option<Timestamp>,
    created_by: String,
    expires_at: Option<Timestamp>,
    agent: Option<String>,
}

impl TryFrom<v1::TokenView> for TokenRow {
    type Error = Stop;

    fn try_from(token: v1::TokenView) -> Result<Self, Stop> {
        Ok(Self {
            token: token.id,
            site: token.site,
            state: words::token_state(token.state)?,
            created_at: table::time(token.created_at),
            created_by: token.created_by,
            expires_at: table::time(token.expires_at),
            agent: Some(token.agent_id).filter(|id| !id.is_empty()),
        })
    }
}

impl Row for TokenRow {
    const TITLES: &'static [&'static str] = &["TOKEN", "SITE", "STATE", "EXPIRES", "BY", "AGENT"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        vec![
            self.token.clone(),
            self.site.clone(),
            self.state.to_owned(),
            table::ago(self.expires_at, now),
            self.created_by.clone(),
            self.agent.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    }
}

/// Does it.
///
/// # Errors
/// A controller that is not reached or refuses.
pub fn run(
    command: &TokenCommand,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    match command {
        TokenCommand::Create(create) => {
            let tray = Tray::check(create.token_file.as_deref(), "--token-file", console)?;
            let mut session = Session::open(connection, console)?;
            make(&mut session, &create.site, create.life, tray, console)?;
        }
        TokenCommand::List(printing) => {
            let reply = Session::open(connection, console)?.ask(v1::ListTokensRequest {})?;
            let rows = reply.tokens.into_iter().map(TokenRow::try_from);
            let rows = rows.collect::<Result<Vec<_>, Stop>>()?;
            table::list(&rows, printing.format, console)?;
        }
        TokenCommand::Revoke(revoke) => {
            let request = v1::RevokeTokenRequest { id: revoke.id.clone() };
            Session::open(connection, console)?.ask(request)?;
            console.note(&format!("revoked the token {}", revoke.id));
        }
    }
    Ok(GOOD)
}

/// Makes a token and hands it out.
///
/// # Errors
/// A controller that refuses, output that cannot be written to.
pub fn make(
    session: &mut Session,
    site: &SiteName,
    life: Option<Span>,
    tray: Tray,
    console: &mut Console<'_>,
) -> Result<(), Stop> {
    let life = life.map_or(0, Span::as_seconds);
    let reply = session.ask(v1::CreateTokenRequest { site: site.to_string(), life })?;
    let ends = Timestamp::from_unix(reply.expires_at);
    let parts = (reply.addresses, reply.root_pin, reply.secret);
    tray.put(&ticket(TicketKind::Agent, &session.organisation, parts)?, console)?;
    console.note(&format!("token {} for {site} is good once, until {ends}", reply.id));
    Ok(())
}
