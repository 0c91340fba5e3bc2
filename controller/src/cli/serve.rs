//! `palisade serve`: the controller itself, until SIGTERM or Ctrl-C.

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use super::console::Console;
use super::process::{Privacy, raise_file_limit};
use super::settings::{self, ConfigFile};
use super::stop::{GOOD, Stop};
use crate::api;
use crate::config::{Log, LogFormat};

/// The help page's example.
pub const EXAMPLE: &str = "Example:\n  palisade serve --config /var/lib/palisade/palisade.toml";

/// Files that are open besides connections: the database, the local socket and its callers, the log.
const OTHER_FILES: u64 = 64;

/// `serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// The settings file.
    #[command(flatten)]
    pub file: ConfigFile,
}

/// Serves until it is told to stop.
///
/// # Errors
/// Settings that are wrong, a port or a database that cannot be had.
pub fn run(serve: &Serve, console: &mut Console<'_>) -> Result<u8, Stop> {
    let _privacy = Privacy::begin();
    let config = settings::load(&serve.file, console)?.config;
    let fancy = console.terminals.errors && console.variable("NO_COLOR").is_none();
    begin_log(config.log, fancy);
    let (files, connections) = (raise_file_limit(), config.limits.connections);
    if is_short(files, connections) {
        tracing::warn!(
            files,
            connections,
            "fewer files may be open than limits.connections takes; raise the limit (LimitNOFILE of a systemd unit, \
             ulimit -n of a shell) or lower that setting"
        );
    }
    let clock = console.clock.clone();
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = built.map_err(|error| Stop::Failed(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let watched = stop.clone();
        let mut terminate = signal(SignalKind::terminate())
            .map_err(|error| Stop::Failed(format!("cannot listen to signals: {error}")))?;
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            tracing::info!("stopping");
            watched.cancel();
        });
        api::serve(config, clock, stop).await.map_err(|error| Stop::failed(&error))
    })?;
    Ok(GOOD)
}

/// Whether a limit of open files lets fewer connections be open than are wanted.
fn is_short(files: Option<u64>, connections: u32) -> bool {
    files.is_some_and(|files| files < u64::from(connections) + OTHER_FILES)
}

/// The log goes to standard error. Libraries are heard from warnings up, whatever the level.
fn begin_log(log: Log, fancy: bool) {
    let level = log.level.as_str();
    let filter = EnvFilter::new(format!("warn,controller={level},certs={level}"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(fancy)
        .with_writer(std::io::stderr);
    // An error means that a log stands already, which only a test can bring about.
    let _ = match log.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_files_has_to_hold_the_connections_and_a_few_more() {
        assert!(is_short(Some(1024), 20_000));
        assert!(is_short(Some(20_000), 20_000));
        assert!(!is_short(Some(20_064), 20_000));
        assert!(!is_short(None, 20_000));
    }
}
