//! `palisade policy`: what the sites should be. A file is checked here before it goes anywhere.

mod apply;
mod diff;
mod rollout;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use proto::text::printable;
use proto::wire::v1;
use proto::{Policy, SiteName, Timestamp};
use serde::Serialize;

use super::console::Console;
use super::files;
use super::session::{Connection, Session};
use super::stop::{BAD, GOOD, Stop};
use super::table::{self, Format, Printing, Row};
use crate::config::Span;

/// The help page's example.
pub const EXAMPLE: &str = "\
Examples:
  palisade policy diff policy.toml
  palisade policy apply policy.toml --comment 'longer passwords' --wait";

/// `policy`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Check a policy file, without a controller
    #[command(after_help = "Example:\n  palisade policy validate policy.toml")]
    Validate(File),
    /// Compare a policy file with the policy in force; the exit code is 1 if they differ
    #[command(after_help = "Example:\n  palisade policy diff policy.toml --site harbour")]
    Diff(Diff),
    /// Put a policy file in force
    #[command(after_help = "\
Examples:
  palisade policy apply policy.toml --comment 'longer passwords'
  palisade policy apply harbour.toml --site harbour --expect 12 --wait")]
    Apply(Apply),
    /// List the versions that were in force
    #[command(after_help = "Example:\n  palisade policy history --site harbour")]
    History(History),
    /// Print the policy in force, or an earlier version
    #[command(after_help = "Example:\n  palisade policy show --version 11 > policy.toml")]
    Show(Show),
    /// Put an earlier version in force again, as a new version
    #[command(after_help = "Example:\n  palisade policy rollback 11")]
    Rollback(Rollback),
    /// Drop a site's own policy, so that the organisation's holds there again
    #[command(
        after_help = "Example:\n  palisade policy drop harbour --comment 'as all others' --wait"
    )]
    Drop(Drop),
    /// List the agents that do not hold what their site should be; the exit code is 1 if there are any
    #[command(after_help = "Example:\n  palisade policy rollout")]
    Rollout(Printing),
}

/// `policy validate`
#[derive(Debug, Args)]
pub struct File {
    /// The policy file, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// `policy diff`
#[derive(Debug, Args)]
pub struct Diff {
    /// The policy file, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The site's own policy instead of the organisation's
    #[arg(long, value_name = "SITE")]
    pub site: Option<SiteName>,
}

/// `policy apply`
#[derive(Debug, Args)]
pub struct Apply {
    /// The policy file, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// For this site alone instead of all that have none of their own
    #[arg(long, value_name = "SITE")]
    pub site: Option<SiteName>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
    /// Only if this version is in force
    #[arg(long, value_name = "VERSION", conflicts_with = "force")]
    pub expect: Option<u64>,
    /// Even if somebody else applies one at the same time
    #[arg(long)]
    pub force: bool,
    /// How to wait.
    #[command(flatten)]
    pub waiting: Waiting,
}

/// Whether to wait for the agents.
#[derive(Clone, Copy, Debug, Args)]
pub struct Waiting {
    /// Wait until every agent that is online holds it
    #[arg(long)]
    pub wait: bool,
    /// How long to wait at most
    #[arg(long, value_name = "TIME", default_value = "10m", requires = "wait")]
    pub timeout: Span,
}

/// `policy history`
#[derive(Debug, Args)]
pub struct History {
    /// The site's own policy instead of the organisation's
    #[arg(long, value_name = "SITE")]
    pub site: Option<SiteName>,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `policy show`
#[derive(Debug, Args)]
pub struct Show {
    /// The site's own policy instead of the organisation's
    #[arg(long, value_name = "SITE")]
    pub site: Option<SiteName>,
    /// An earlier version
    #[arg(long, value_name = "VERSION", value_parser = clap::value_parser!(u64).range(1..))]
    pub version: Option<u64>,
    /// How to print it.
    #[command(flatten)]
    pub printing: Printing,
}

/// `policy rollback`
#[derive(Debug, Args)]
pub struct Rollback {
    /// The version to go back to
    #[arg(value_name = "VERSION", value_parser = clap::value_parser!(u64).range(1..))]
    pub version: u64,
    /// The site's own policy instead of the organisation's
    #[arg(long, value_name = "SITE")]
    pub site: Option<SiteName>,
    /// How to wait.
    #[command(flatten)]
    pub waiting: Waiting,
}

/// `policy drop`
#[derive(Debug, Args)]
pub struct Drop {
    /// The site
    #[arg(value_name = "SITE")]
    pub site: SiteName,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
    /// How to wait.
    #[command(flatten)]
    pub waiting: Waiting,
}

/// A version, as listed.
#[derive(Debug, Serialize)]
pub struct VersionRow {
    version: u64,
    site: Option<String>,
    applied_at: Option<Timestamp>,
    by: String,
    comment: String,
    /// No policy, but the end of a site's own.
    dropped: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
}

impl From<v1::PolicyVersion> for VersionRow {
    fn from(version: v1::PolicyVersion) -> Self {
        Self {
            version: version.version,
            site: Some(version.site).filter(|site| !site.is_empty()),
            applied_at: table::time(version.applied_at),
            by: version.by,
            comment: version.comment,
            dropped: version.dropped,
            text: version.text,
        }
    }
}

impl Row for VersionRow {
    const TITLES: &'static [&'static str] = &["VERSION", "APPLIED", "BY", "COMMENT"];

    fn cells(&self, _: Timestamp) -> Vec<String> {
        let applied = table::shown(self.applied_at);
        let comment = match (self.dropped, self.comment.as_str()) {
            (false, comment) => comment.to_owned(),
            (true, "") => "dropped".to_owned(),
            (true, comment) => format!("dropped: {comment}"),
        };
        vec![self.version.to_string(), applied, self.by.clone(), comment]
    }
}

/// Does it.
///
/// # Errors
/// A file that is wrong; a controller that is not reached or refuses.
pub fn run(
    command: &PolicyCommand,
    connection: &Connection,
    console: &mut Console<'_>,
) -> Result<u8, Stop> {
    match command {
        PolicyCommand::Validate(it) => {
            read(&it.file, console)?;
            console.note(&format!("{} is a sound policy", it.file.display()));
            Ok(GOOD)
        }
        PolicyCommand::Diff(it) => compare(it, connection, console),
        PolicyCommand::Apply(it) => apply::apply(it, connection, console),
        PolicyCommand::Rollback(it) => apply::roll_back(it, connection, console),
        PolicyCommand::Drop(it) => apply::drop(it, connection, console),
        PolicyCommand::Rollout(it) => rollout::list(*it, connection, console),
        PolicyCommand::History(it) => {
            let site = name(it.site.as_ref());
            let reply =
                Session::open(connection, console)?.ask(v1::PolicyHistoryRequest { site })?;
            let rows: Vec<_> = reply.versions.into_iter().map(VersionRow::from).collect();
            table::list(&rows, it.printing.format, console)?;
            Ok(GOOD)
        }
        PolicyCommand::Show(it) => {
            let request = v1::ShowPolicyRequest {
                site: name(it.site.as_ref()),
                version: it.version.unwrap_or(0),
            };
            let version = Session::open(connection, console)?.ask(request)?;
            if version.version == 0 {
                console.note("no policy was applied; the defaults hold, as an empty file has them");
            }
            match it.printing.format {
                Format::Json => table::object(&VersionRow::from(version), console)?,
                Format::Text if console.terminals.output => {
                    console.result(&on_a_terminal(&version.text))?;
                }
                Format::Text => console.result(&version.text)?,
            }
            Ok(GOOD)
        }
    }
}

fn compare(it: &Diff, connection: &Connection, console: &mut Console<'_>) -> Result<u8, Stop> {
    let text = read(&it.file, console)?;
    let site = name(it.site.as_ref());
    let mut session = Session::open(connection, console)?;
    let in_force = session.ask(v1::ShowPolicyRequest { site: site.clone(), version: 0 })?;
    let whose = if in_force.site == site { "" } else { " of the organisation" };
    let old = format!("in force (version {}{whose})", in_force.version);
    let new = it.file.display().to_string();
    let shown = diff::unified((&old, &in_force.text), (&new, &text));
    console.result(&on_a_terminal(&shown))?;
    Ok(if shown.is_empty() { GOOD } else { BAD })
}

/// The text of a policy file, if it is one. Waivers that are over are pointed out.
///
/// # Errors
/// A file that cannot be read, or is wrong.
pub fn read(path: &Path, console: &mut Console<'_>) -> Result<String, Stop> {
    let most = proto::text::MAX_TOML as u64;
    let text = files::text("the policy", path, most, console)?;
    let policy = Policy::from_toml(&text)
        .map_err(|error| Stop::Usage(format!("the policy in {}: {error}", path.display())))?;
    let now = console.clock.now();
    for waiver in policy.waivers.iter().filter(|waiver| waiver.expires.is_over(now)) {
        let (measure, expires) = (waiver.measure, waiver.expires);
        console.note(&format!("the waiver for {measure} ended with {expires}"));
    }
    Ok(text)
}

/// A site's name on the wire; empty for the organisation's policy.
pub fn name(site: Option<&SiteName>) -> String {
    site.map_or(String::new(), ToString::to_string)
}

/// Lines that others wrote, as a terminal may see them.
fn on_a_terminal(text: &str) -> String {
    // Tabs are harmless, and TOML is full of them.
    let line = |line: &str| {
        let parts: Vec<_> = line.split('\t').map(|part| printable(part, 4000)).collect();
        parts.join("\t") + "\n"
    };
    text.lines().map(line).collect()
}
