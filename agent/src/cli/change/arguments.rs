//! What `plan` and `apply` take.

use std::path::PathBuf;

use certs::seal::Recipient;
use clap::Args;
use proto::DeviceName;

use crate::cli::arguments::{Audit, Color, Printing, TextFormat, Yardstick};
use crate::report::Format;

/// `plan`
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// Only these devices of the site file
    #[arg(value_name = "DEVICE")]
    pub devices: Vec<DeviceName>,
    /// The site file
    #[arg(long, value_name = "FILE")]
    pub inventory: PathBuf,
    /// How devices are reached and judged.
    #[command(flatten)]
    pub reach: Reach,
    /// For a person or a script
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: TextFormat,
    /// Write the plan (JSON) to this file, for `apply`
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// `apply`
#[derive(Debug, Args)]
pub struct ApplyArguments {
    /// The file that `plan --output` wrote
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// The site file (default: the one the plan was made with)
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
    /// How devices are reached and judged.
    #[command(flatten)]
    pub reach: Reach,
    /// Keep backups of the configurations and the web server logs in this folder
    #[arg(long, value_name = "DIR")]
    pub keep: PathBuf,
    /// Seal the backups to this age recipient (age1...); may be repeated
    #[arg(long, value_name = "RECIPIENT", required_unless_present = "backup_in_clear")]
    pub recipient: Vec<Recipient>,
    /// Keep the backups readable, although a configuration holds passwords
    #[arg(long, conflicts_with = "recipient")]
    pub backup_in_clear: bool,
    /// For a person or a script
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: TextFormat,
}

/// How devices are reached and judged.
#[derive(Debug, Args)]
pub struct Reach {
    /// Longest time for one look at one device, in seconds (default 90)
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub timeout: Option<u16>,
    /// A dialect file that `learn` wrote; may be repeated
    #[arg(long, value_name = "FILE")]
    pub dialect: Vec<PathBuf>,
    /// Log in with what the agent in this data folder has put in place of the site file's passwords
    #[arg(long, value_name = "DIR")]
    pub agent_data: Option<PathBuf>,
    /// What to judge by.
    #[command(flatten)]
    pub yardstick: Yardstick,
}

impl Reach {
    /// The same devices as an audit reaches and judges them.
    pub fn as_audit(&self, inventory: PathBuf, only: Vec<DeviceName>) -> Audit {
        Audit {
            target: None,
            inventory: Some(inventory),
            only,
            concurrency: None,
            user: None,
            password_file: None,
            agent_data: self.agent_data.clone(),
            pin: None,
            basic_in_clear: false,
            vms: Vec::new(),
            name: None,
            timeout: self.timeout,
            dialect: self.dialect.clone(),
            save_facts: None,
            yardstick: Yardstick {
                policy: self.yardstick.policy.clone(),
                advisories: self.yardstick.advisories.clone(),
            },
            printing: Printing {
                format: Format::default(),
                output: None,
                unknown_ok: false,
                verbose: false,
                color: Color::default(),
            },
        }
    }
}
