//! `palisade serve`: the controller itself, until SIGTERM or Ctrl-C.

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{fmt, registry};

use super::console::Console;
use super::process::{Privacy, raise_file_limit};
use super::settings::{self, ConfigFile};
use super::stop::{GOOD, Stop};
use crate::api;
use crate::config::{Log, LogFormat, LogLevel};

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

/// The log goes to standard error.
fn begin_log(log: Log, fancy: bool) {
    // An error means that a log stands already, which only a test can bring about.
    let _ = tracing::subscriber::set_global_default(subscriber(log, fancy, std::io::stderr));
}

/// What writes the log. Libraries are heard from warnings up, whatever the level.
fn subscriber<W>(log: Log, fancy: bool, to: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let ours = [("controller", level), ("certs", level)];
    let filter = Targets::new().with_default(LevelFilter::WARN).with_targets(ours);
    let lines = fmt::layer().with_ansi(fancy).with_writer(to);
    match log.format {
        LogFormat::Text => Box::new(registry().with(filter).with(lines)),
        LogFormat::Json => Box::new(registry().with(filter).with(lines.json().flatten_event(true))),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: LogFormat, level: LogLevel) -> Vec<String> {
        let page = Page::default();
        let to = page.clone();
        let log = subscriber(Log { format, level }, false, move || to.clone());
        tracing::subscriber::with_default(log, || {
            tracing::debug!("how");
            tracing::info!(count = 3, "what");
            tracing::warn!(target: "hyper", "a library warns");
            tracing::info!(target: "hyper", "a library talks");
        });
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_log_has_the_form_and_the_level_of_the_settings() {
        let text = written(LogFormat::Text, LogLevel::Info);
        assert_eq!(text.len(), 2, "{text:?}");
        assert!(text[0].contains("INFO") && text[0].ends_with("what count=3"), "{text:?}");
        assert_eq!(written(LogFormat::Text, LogLevel::Debug).len(), 3);
        let json = written(LogFormat::Json, LogLevel::Warn);
        let json: Vec<serde_json::Value> =
            json.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(json.len() == 1 && json[0]["message"] == "a library warns", "{json:?}");
    }

    #[test]
    fn a_limit_of_files_has_to_hold_the_connections_and_a_few_more() {
        assert!(is_short(Some(1024), 20_000));
        assert!(is_short(Some(20_000), 20_000));
        assert!(!is_short(Some(20_064), 20_000));
        assert!(!is_short(None, 20_000));
    }
}
