//! The box at the site: its clocks, which anybody may set and every start sets to 0, and its agent, which may be ended in
//! order or have its plug pulled.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agent::link::Pace;
use agent::service::{Settings, Status, run_by};
use anyhow::{Context as _, bail};
use proto::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::manual_clock::ManualClock;

/// What has not happened by then never will.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked.
pub const LOOK: Duration = Duration::from_millis(5);
/// The agent's own haste: the days here are short.
const PACE: Pace = Pace {
    first: Duration::from_millis(20),
    cap: Duration::from_millis(200),
    unwelcome: Duration::from_millis(200),
    upload: Duration::from_millis(200),
    tell: Duration::from_millis(200),
    ..Pace::USUAL
};

/// See the module.
#[derive(Debug)]
pub struct SiteBox {
    /// The agent's data.
    pub data: PathBuf,
    site_file: PathBuf,
    /// The machine's clock.
    pub wall: ManualClock,
    /// Seconds that have passed, whatever the clock says.
    passed: Arc<AtomicU64>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    stop: CancellationToken,
    plug: CancellationToken,
    thread: std::thread::JoinHandle<anyhow::Result<()>>,
}

impl SiteBox {
    /// A box that is switched off.
    pub fn new(data: &Path, site_file: PathBuf, now: Timestamp) -> Self {
        let (wall, passed) = (ManualClock::at(now), Arc::default());
        Self { data: data.to_owned(), site_file, wall, passed, running: None }
    }

    /// Time passes.
    pub fn pass(&self, seconds: u32) {
        self.passed.fetch_add(seconds.into(), Ordering::SeqCst);
        self.wall.turn(seconds.into());
    }

    /// Starts the agent, in a thread and a runtime of its own, and waits until its rounds have begun: its devices have
    /// their turns by then.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let settings = Settings {
            data: self.data.clone(),
            socket: self.socket(),
            site: self.site_file.clone(),
            environment: Arc::new(|_| None),
            pace: PACE,
            reload: Arc::default(),
        };
        let (passed, start) = (self.passed.clone(), self.passed.load(Ordering::SeqCst));
        let monotonic = Box::new(move || passed.load(Ordering::SeqCst) - start);
        let clocks = (Arc::new(self.wall.clone()) as certs::SharedClock, monotonic as _);
        let (stop, plug) = (CancellationToken::new(), CancellationToken::new());
        let (stopped, pulled) = (stop.clone(), plug.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(2)
                .build()?;
            runtime.block_on(async {
                tokio::select! {
                    ended = run_by(settings, clocks, stopped) => Ok(ended?),
                    () = pulled.cancelled() => Ok(()),
                }
            })
        });
        self.running = Some(Running { stop, plug, thread });
        let has_begun = |status: &Status| {
            status.rounds.as_ref().is_some_and(|it| it.devices > 0 && it.under_way == 0)
        };
        self.until("the agent serves", has_begun).await.map(drop)
    }

    /// Asks the agent to end, and waits for it.
    ///
    /// # Errors
    /// When it ends badly.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        running.stop.cancel();
        running.ended().await
    }

    /// Ends the agent wherever it is.
    ///
    /// # Errors
    /// When it had ended by itself, and badly.
    pub async fn pull_plug(&mut self) -> anyhow::Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        running.plug.cancel();
        running.ended().await
    }

    /// What the agent says of itself.
    ///
    /// # Errors
    /// When it does not.
    pub async fn status(&self) -> anyhow::Result<Status> {
        let mut stream = UnixStream::connect(self.socket()).await?;
        stream.write_all(b"GET /status HTTP/1.1\r\nHost: agent\r\n\r\n").await?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await?;
        let (_, body) = reply.split_once("\r\n\r\n").context("the agent's answer has no body")?;
        serde_json::from_str(body).context("the agent's status cannot be read")
    }

    /// Waits until the status is so.
    ///
    /// # Errors
    /// When it never is, or the agent has ended.
    pub async fn until(
        &self,
        what: &str,
        is_so: impl Fn(&Status) -> bool,
    ) -> anyhow::Result<Status> {
        let mut last = None;
        let waited = timeout(PATIENCE, async {
            loop {
                if let Ok(status) = self.status().await {
                    if is_so(&status) {
                        return Some(status);
                    }
                    last = Some(status);
                } else if self.running.as_ref().is_none_or(|it| it.thread.is_finished()) {
                    return None;
                }
                sleep(LOOK).await;
            }
        });
        match waited.await {
            Ok(Some(status)) => Ok(status),
            Ok(None) => bail!("the agent has ended, and {what} is waited for"),
            Err(_) => bail!("it is waited in vain that {what}: {last:?}"),
        }
    }

    fn socket(&self) -> PathBuf {
        self.data.join("agent.sock")
    }
}

impl Running {
    async fn ended(self) -> anyhow::Result<()> {
        let joined = tokio::task::spawn_blocking(|| self.thread.join()).await?;
        joined.unwrap_or_else(|_| bail!("the agent panicked"))
    }
}

impl Drop for SiteBox {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.plug.cancel();
        }
    }
}
