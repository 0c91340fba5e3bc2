//! What may be asked for on the command line. Never a secret: a command line is public to every user of the machine.
//! Each noun declares its own arguments in its own file.

use clap::{Parser, Subcommand};

use super::session::Connection;
use super::{
    agent, audit, authority, backup, device, escrow, events, findings, init, login, operator, plan,
    policy, recovery, reference, restore, rotation, serve, settings, site, token, vouch,
};

/// What every help page of a check ends with.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    done; a check found nothing
  1    a check found something: audit verify, policy diff, policy rollout, findings --check
  2    it could not be done: the controller is not reached or refuses, a file cannot be written
  3    the request itself is wrong
  130  interrupted";

/// Steers the hardening of security cameras, storage and video workstations on all sites.
#[derive(Debug, Parser)]
#[command(
    name = "palisade",
    version,
    max_term_width = 100,
    after_help = EXIT_CODES,
    infer_subcommands = false,
    subcommand_required = true
)]
pub struct Arguments {
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
    /// Where and as whom the controller is asked.
    #[command(flatten, next_help_heading = "Connection")]
    pub connection: Connection,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make an organisation: its root of trust, its database, its settings and the first administrator
    #[command(after_help = init::EXAMPLE)]
    Init(init::Init),
    /// Run the controller
    #[command(after_help = serve::EXAMPLE)]
    Serve(serve::Serve),
    /// Look at the controller's settings
    #[command(subcommand, after_help = settings::EXAMPLE)]
    Config(settings::ConfigCommand),
    /// Become an operator on this machine with a one-time code
    #[command(after_help = login::EXAMPLE)]
    Login(login::Login),
    /// Forget who is logged in on this machine
    #[command(after_help = "Example:\n  palisade logout")]
    Logout,
    /// Say who is logged in on this machine, and ask the controller
    #[command(after_help = "Example:\n  palisade whoami")]
    Whoami(login::Whoami),
    /// Add, list, remove and replace sites
    #[command(subcommand, after_help = site::EXAMPLE)]
    Site(site::SiteCommand),
    /// One-time tokens that agents join with
    #[command(subcommand, after_help = token::EXAMPLE)]
    Token(token::TokenCommand),
    /// The agents of the sites
    #[command(subcommand, after_help = agent::EXAMPLE)]
    Agent(agent::AgentCommand),
    /// The devices that agents see
    #[command(subcommand, after_help = device::EXAMPLE)]
    Device(device::DeviceCommand),
    /// What is known about the devices, and what is wrong with them
    #[command(after_help = findings::EXAMPLE)]
    Findings(findings::Findings),
    /// What the web server logs of the cameras showed together
    #[command(after_help = events::EXAMPLE)]
    Events(events::Events),
    /// Have a site's agent say what it would do to its devices, and show a plan again
    #[command(after_help = plan::EXAMPLE)]
    Plan(plan::Plan),
    /// List plans, and what became of them
    #[command(after_help = "Example:\n  palisade plans harbour")]
    Plans(plan::Plans),
    /// Have exactly this plan carried out
    #[command(after_help = "Example:\n  palisade apply 5b1e2a90 --wait 30m")]
    Apply(plan::Apply),
    /// Have credentials of a site's devices replaced
    #[command(after_help = rotation::ROTATE_EXAMPLE)]
    Rotate(rotation::Rotate),
    /// Where each credential of the devices stands
    #[command(after_help = rotation::ROTATIONS_EXAMPLE)]
    Rotations(rotation::Rotations),
    /// What the sites should be
    #[command(subcommand, after_help = policy::EXAMPLE)]
    Policy(policy::PolicyCommand),
    /// Vouch for a measure that no program can see, until a date
    #[command(after_help = vouch::ATTEST_EXAMPLE)]
    Attest(vouch::Attest),
    /// Accept an unmet measure, until a date
    #[command(after_help = vouch::WAIVE_EXAMPLE)]
    Waive(vouch::Waive),
    /// List attestations and waivers
    #[command(after_help = "Example:\n  palisade vouches --site harbour")]
    Vouches(vouch::Vouches),
    /// Withdraw an attestation or a waiver
    #[command(after_help = "Example:\n  palisade withdraw 0f3a9c...")]
    Withdraw(vouch::Withdraw),
    /// The people who steer
    #[command(subcommand, after_help = operator::EXAMPLE)]
    Operator(operator::OperatorCommand),
    /// The controller's audit log
    #[command(subcommand, after_help = audit::EXAMPLE)]
    Audit(audit::AuditCommand),
    /// Turn over the root of trust
    #[command(subcommand, after_help = authority::EXAMPLE)]
    Authority(authority::AuthorityCommand),
    /// Whom secrets are sealed to
    #[command(subcommand, after_help = recovery::EXAMPLE)]
    Recovery(recovery::RecoveryCommand),
    /// Secrets in escrow: passwords, certificates and keys of devices
    #[command(subcommand, after_help = escrow::EXAMPLE)]
    Secret(escrow::SecretCommand),
    /// Fetch a sealed backup of the controller
    #[command(after_help = backup::EXAMPLE)]
    Backup(backup::Backup),
    /// Make a controller's data folder from a backup
    #[command(after_help = restore::EXAMPLE)]
    Restore(restore::Restore),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  palisade completions bash > ~/.local/share/bash-completion/completions/palisade"
    )]
    Completions(reference::Completions),
}
