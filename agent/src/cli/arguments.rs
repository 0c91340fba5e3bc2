//! What may be asked for on the command line. Never a password: a command line is public to every user of the machine.

mod unattended;

use std::net::IpAddr;
use std::path::PathBuf;

use certs::Pin;
use clap::{Args, Parser, Subcommand, ValueEnum};
use proto::{DeviceName, Measure};

use super::backup::{self, BackupCommand};
use super::change::{self, ApplyArguments, PlanArguments, RestoreArguments};
use super::rotate::{self, RotateArguments};
use crate::report::Format;
use unattended::{ENROLL_EXAMPLES, RUN_EXAMPLE};

pub use unattended::{Data, Enroll, LogFormat, Run, Status};

const EXIT_CODES: &str = "\
Exit codes:
  0  everything is met, attested, waived or not applicable
  1  something is unmet, or could not be seen (unless --unknown-ok)
  2  a device could not be audited, or the result could not be written
  3  the request itself is wrong";

/// Judges security cameras, storage and video workstations by 32 measures; only `apply` changes anything on them.
#[derive(Debug, Parser)]
#[command(name = "palisade-agent", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge a camera, a configuration file it exported, or a whole site
    #[command(
        override_usage = "palisade-agent audit [OPTIONS] TARGET\n       palisade-agent audit [OPTIONS] --inventory FILE",
        after_help = format!("{AUDIT_EXAMPLES}\n\n{EXIT_CODES}")
    )]
    Audit(Box<Audit>),
    /// Show what would be changed on the devices of a site, and what it may break
    #[command(after_help = PLAN_EXAMPLE)]
    Plan(Box<PlanArguments>),
    /// Carry a plan out, and prove every step
    #[command(after_help = APPLY_EXAMPLE)]
    Apply(Box<ApplyArguments>),
    /// Bring a camera's configuration back from a backup of this agent, to the same firmware only
    #[command(after_help = change::RESTORE_EXAMPLE)]
    Restore(Box<RestoreArguments>),
    /// Replace the cameras' passwords or certificates by hand, while no agent runs on the data
    #[command(after_help = rotate::EXAMPLE)]
    Rotate(Box<RotateArguments>),
    /// Judge facts that an audit saved, again
    #[command(
        after_help = "Example:\n  palisade-agent judge facts.json --policy policy.toml --format html --output report.html"
    )]
    Judge(Judge),
    /// Explain a measure: why it matters, what is expected, and what to do
    #[command(after_help = "Example:\n  palisade-agent explain C07")]
    Explain(Explain),
    /// List the 32 measures
    #[command(after_help = "Example:\n  palisade-agent measures --format json")]
    Measures(Measures),
    /// Learn what a firmware calls a setting, from two exported configurations
    #[command(after_help = LEARN_EXAMPLE)]
    Learn(Learn),
    /// Check a policy file
    #[command(subcommand, after_help = "Example:\n  palisade-agent policy check policy.toml")]
    Policy(PolicyCommand),
    /// Print a JSON Schema
    #[command(subcommand, after_help = "Example:\n  palisade-agent schema report")]
    Schema(SchemaCommand),
    /// Make this box a site's agent
    #[command(after_help = ENROLL_EXAMPLES)]
    Enroll(Enroll),
    /// Serve the site until told to stop: visits, reports, renewals
    #[command(after_help = RUN_EXAMPLE)]
    Run(Run),
    /// Tell how the agent on this box does
    #[command(after_help = "Example:\n  palisade-agent status --format json")]
    Status(Status),
    /// The backups of configurations that this agent keeps
    #[command(subcommand, after_help = backup::EXAMPLES)]
    Backup(BackupCommand),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  palisade-agent completions bash > ~/.local/share/bash-completion/completions/palisade-agent"
    )]
    Completions(Completions),
}

const AUDIT_EXAMPLES: &str = "\
Examples:
  palisade-agent audit camera.cfg
  palisade-agent audit https://192.0.2.10 --user auditor --pin sha256:...
  palisade-agent audit --inventory site.toml --format html --output report.html

The password is asked for on the terminal, or comes from --password-file or from the environment
variable PALISADE_PASSWORD; it is never an argument.";

const PLAN_EXAMPLE: &str = "\
Example: say in the policy what to enforce, then
  palisade-agent plan --inventory site.toml --policy policy.toml --output plan.json

Exit codes:
  0  there is nothing to do
  1  there is something to do, for us or for somebody else
  2  a device could not be looked at
  3  the request itself is wrong";

const APPLY_EXAMPLE: &str = "\
Example:
  palisade-agent apply plan.json --keep backups --recipient age1...

Exit codes:
  0  everything was done
  2  something went wrong, and the roll-out halted
  3  the request itself is wrong";

const LEARN_EXAMPLE: &str = "\
Example: export the configuration, switch one setting in the camera's own page, export it again, then
  palisade-agent learn before.cfg after.cfg --setting SETTING --output site-dialect.toml
  palisade-agent audit after.cfg --dialect site-dialect.toml";

/// `audit`
#[derive(Debug, Args)]
pub struct Audit {
    /// A camera, a file, or standard input.
    #[arg(
        value_name = "TARGET",
        required_unless_present = "inventory",
        conflicts_with = "inventory",
        help = "A camera (https://HOST[:PORT] or http://...), an exported configuration (FILE), or - for one on \
                standard input"
    )]
    pub target: Option<String>,
    /// Audit every device of a site file
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
    /// Only these devices of the site file; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',', conflicts_with = "target")]
    pub only: Vec<DeviceName>,
    /// How many devices to look at at the same time (default: what the site file says, or 8)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), conflicts_with = "target")]
    pub concurrency: Option<u16>,
    /// The account to log in as; without one, only what a stranger sees is looked at
    #[arg(long, value_name = "NAME", conflicts_with = "inventory")]
    pub user: Option<String>,
    /// Read the password from the first line of this file, which only its owner may read
    #[arg(long, value_name = "FILE", conflicts_with = "inventory")]
    pub password_file: Option<PathBuf>,
    /// The certificate the camera must present
    #[arg(long, value_name = "sha256:...", conflicts_with = "inventory")]
    pub pin: Option<Pin>,
    /// Send the password readable if the camera takes nothing better, over plain HTTP and without --pin, too
    #[arg(long, requires = "user", conflicts_with = "inventory")]
    pub basic_in_clear: bool,
    /// Address of a video management workstation; may be repeated
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', conflicts_with = "inventory")]
    pub vms: Vec<IpAddr>,
    /// What to call the device in the report
    #[arg(long, value_name = "NAME", conflicts_with = "inventory")]
    pub name: Option<DeviceName>,
    /// Longest time for one device, in seconds (default 90)
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub timeout: Option<u16>,
    /// A dialect file that `learn` wrote; may be repeated
    #[arg(long, value_name = "FILE")]
    pub dialect: Vec<PathBuf>,
    /// Log in with what the agent in this data folder has put in place of the site file's passwords
    #[arg(long, value_name = "DIR", requires = "inventory")]
    pub agent_data: Option<PathBuf>,
    /// Save what was seen, for `judge`
    #[arg(long, value_name = "FILE")]
    pub save_facts: Option<PathBuf>,
    /// What to judge by.
    #[command(flatten)]
    pub yardstick: Yardstick,
    /// What to print.
    #[command(flatten)]
    pub printing: Printing,
}

/// `judge`
#[derive(Debug, Args)]
pub struct Judge {
    /// The file that `audit --save-facts` wrote, or - for standard input
    #[arg(value_name = "FACTS")]
    pub facts: PathBuf,
    /// What to judge by.
    #[command(flatten)]
    pub yardstick: Yardstick,
    /// What to print.
    #[command(flatten)]
    pub printing: Printing,
}

/// What to judge by.
#[derive(Debug, Args)]
pub struct Yardstick {
    /// The policy file; without one, the guide's own values
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// A directory of CSAF advisories (.json) of the vendor
    #[arg(long, value_name = "DIR")]
    pub advisories: Option<PathBuf>,
}

/// What to print, and where.
#[derive(Debug, Args)]
pub struct Printing {
    /// The report's form
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Write the report to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Exit with 0 even if something could not be seen
    #[arg(long)]
    pub unknown_ok: bool,
    /// Show every measure with its evidence, not only what needs attention
    #[arg(long, short)]
    pub verbose: bool,
    /// Whether the table is coloured; auto honours NO_COLOR
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
}

/// Whether the table is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// The measure, such as C07
    #[arg(value_name = "MEASURE", required_unless_present = "all", conflicts_with = "all")]
    pub measure: Option<Measure>,
    /// Explain all 32
    #[arg(long)]
    pub all: bool,
    /// For a person or a script
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: TextFormat,
}

/// `measures`
#[derive(Debug, Args)]
pub struct Measures {
    /// For a person or a script
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: TextFormat,
}

/// For a person or a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// For a person.
    #[default]
    Text,
    /// For a script.
    Json,
}

/// `learn`
#[derive(Debug, Args)]
pub struct Learn {
    /// The configuration exported before the setting was changed
    #[arg(value_name = "BEFORE")]
    pub before: PathBuf,
    /// The configuration exported after it
    #[arg(value_name = "AFTER")]
    pub after: PathBuf,
    /// The setting that was changed; needed unless a dialect knows the key, and without it they are listed
    #[arg(long, value_name = "NAME")]
    pub setting: Option<String>,
    /// Which of several changed keys it is
    #[arg(long, value_name = "SECTION/KEY")]
    pub key: Option<String>,
    /// Write the dialect to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `policy`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Check a policy file and print the policy in force, every default filled in
    #[command(after_help = "Example:\n  palisade-agent policy check policy.toml")]
    Check(PolicyCheck),
}

/// `policy check`
#[derive(Debug, Args)]
pub struct PolicyCheck {
    /// The policy file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The form to print it in
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: PolicyFormat,
}

/// The form a policy is printed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PolicyFormat {
    /// As a policy file.
    #[default]
    Toml,
    /// For a script.
    Json,
}

/// `schema`
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// The schema of `audit --format json`
    #[command(after_help = "Example:\n  palisade-agent schema report > report.schema.json")]
    Report,
}

/// `completions`
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}
