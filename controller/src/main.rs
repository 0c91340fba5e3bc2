//! `palisade`: hands the process's streams and environment to the command line room, and does nothing else.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use certs::SystemClock;
use controller::cli::{self, Console, Terminals};

fn main() -> ExitCode {
    cli::harden();
    // An error means that a provider stands already, and this program has but one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut console = Console {
        input: &mut io::stdin(),
        output: &mut io::stdout(),
        errors: &mut io::stderr(),
        variables: &|| std::env::vars_os().collect(),
        ask: &cli::ask_secret,
        terminals: Terminals::detect(),
        clock: Arc::new(SystemClock),
    };
    let run = || cli::run(std::env::args_os(), &mut console);
    let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    ExitCode::from(ended.unwrap_or(cli::FAILED))
}
