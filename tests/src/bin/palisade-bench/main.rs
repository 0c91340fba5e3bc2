//! Measures the programs beside it. Standard output has one `name: value` row a line and nothing else; what was done, and
//! how the figures came about, goes to standard error. It judges no figure.

mod audit;
mod fleet;
mod harden;
mod rest;

use std::io::Write as _;

use anyhow::Context as _;
use clap::Parser;

/// Measures Palisade's programs against pretend ones.
#[derive(Parser)]
enum Bench {
    /// Audits a site over HTTP and HTTPS, 5, 50 and 200 cameras at a time.
    Audit {
        /// A short run that prints counts instead of times: 20 cameras, 2 ms, 5 at a time.
        #[arg(long, conflicts_with_all = ["runs", "only"])]
        quick: bool,
        /// How often each case is run; the best ratio counts, and the worst memory.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
        /// Only these cases, such as http_200.
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
    /// A controller with thousands of agents on their streams, and then what `rest` does.
    Fleet {
        /// How many agents.
        #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u16).range(1..))]
        agents: u16,
        /// How long the idle controller is watched, in seconds.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
        idle: u16,
    },
    /// The memory of one agent with twenty cameras, a while after it has reported them all.
    Rest {
        /// How long it is left alone before its memory is read, in seconds.
        #[arg(long, default_value_t = REST, value_parser = clap::value_parser!(u16).range(1..))]
        idle: u16,
    },
    /// A neglected site, planned for and hardened.
    Harden(harden::Arguments),
}

/// Seconds until an agent that has reported is at rest: it gives back a connection or a thread only after a while.
const REST: u16 = 20;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // Bad usage is 3 in all programs of ours; the parser's own code for it is 2.
    let bench = Bench::try_parse().unwrap_or_else(|error| {
        let _ = error.print();
        std::process::exit(if error.use_stderr() { 3 } else { 0 });
    });
    match bench {
        Bench::Audit { quick, runs, only } => audit::run(quick, runs, &only).await,
        Bench::Fleet { agents, idle } => {
            fleet::run(agents, idle).await?;
            rest::run(REST).await
        }
        Bench::Rest { idle } => rest::run(idle).await,
        Bench::Harden(arguments) => harden::run(arguments).await,
    }
}

fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn row(name: &str, value: impl std::fmt::Display) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{name}: {value}").context("printing a figure failed")
}

fn tell(text: &str) {
    // Nobody may be listening, which is no reason to stop.
    let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end());
}
