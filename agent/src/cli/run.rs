//! `palisade-agent run`: the agent as a service, until a signal ends it.

use std::path::Path;
use std::sync::Arc;

use certs::SystemClock;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use super::arguments::{LogFormat, Run};
use super::console::Console;
use super::process;
use super::stop::{GOOD, Stop};
use crate::link::Pace;
use crate::service::{self, Settings};

/// Threads for what blocks; each that the allocator comes to know costs megabytes.
const BLOCKING_THREADS: usize = 2;
/// What is logged, in place of the usual.
const VARIABLE: &str = "PALISADE_LOG";

/// Runs until told to stop.
///
/// # Errors
/// An agent that cannot be started.
pub fn run(arguments: Run, console: &mut Console<'_>) -> Result<u8, Stop> {
    log_to_errors(arguments.log, console)?;
    let data = arguments.data.data;
    let socket = arguments.socket.unwrap_or_else(|| data.join(SOCKET));
    let reload = Arc::new(Notify::new());
    let settings = Settings {
        data,
        socket,
        site: arguments.site,
        environment: Arc::new(process::variable),
        pace: Pace::USUAL,
        reload: reload.clone(),
    };
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let stop = CancellationToken::new();
        let signals = heed_signals(&stop, &reload)
            .map_err(|error| Stop::Failed(format!("cannot heed signals: {error}")))?;
        let running = service::run(settings, Arc::new(SystemClock), stop.clone());
        tokio::select! {
            ended = running => ended.map_err(|error| Stop::Failed(error.to_string())),
            () = signals => Ok(()),
        }
    });
    // What is still stuck in a system call must not keep systemd waiting.
    runtime.shutdown_background();
    ended.map(|()| GOOD)
}

/// The socket's name in the data folder.
pub(super) const SOCKET: &str = "agent.sock";
/// The socket of the service as it is packaged.
pub(super) fn packaged_socket() -> &'static Path {
    Path::new("/run/palisade-agent/agent.sock")
}

/// The runtime of everything that waits: one thread, and two for what blocks.
pub(super) fn runtime() -> Result<Runtime, Stop> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(|error| Stop::Failed(format!("cannot start the runtime: {error}")))
}

/// The first signal to stop is heeded in order; the second one at once, by ending this future.
fn heed_signals(
    stop: &CancellationToken,
    reload: &Arc<Notify>,
) -> std::io::Result<impl Future<Output = ()>> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (stop, reload) = (stop.clone(), reload.clone());
    Ok(async move {
        loop {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {
                    reload.notify_one();
                    continue;
                }
            }
            if stop.is_cancelled() {
                return;
            }
            stop.cancel();
        }
    })
}

fn log_to_errors(format: LogFormat, console: &Console<'_>) -> Result<(), Stop> {
    let wanted =
        console.set_variable(VARIABLE).unwrap_or_else(|| "warn,agent=info,certs=info".into());
    let filter = wanted.to_str().and_then(|text| text.parse::<Targets>().ok());
    let filter = filter.ok_or_else(|| {
        Stop::Usage(format!("{VARIABLE} makes no sense; it is like info or agent::link=debug"))
    })?;
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(console.terminals.errors);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    // A second log in one process can only be a test's.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    Ok(())
}
