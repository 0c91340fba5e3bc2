//! A real controller and real agents on loopback, each in a folder of its own, started, killed and started again.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use certs::ticket::Ticket;
use rustix::process::Signal;
use tokio::process::Command;

use crate::clocks::{self, MachineClock};
use crate::daemon::{Daemon, Recipe, find, recipe};
use crate::herd::dial::Place;
use crate::herd::operator::Desk;

/// The organisation of every pretend world.
pub const ORGANISATION: &str = "acme";
/// Between two looks at whether something has come to pass.
const LOOK: Duration = Duration::from_millis(50);

/// A program that is started, killed and started again. A controller and an agent's box are used as theirs.
#[derive(Debug)]
pub struct Program {
    recipe: Recipe,
    daemon: Option<Daemon>,
}

impl Program {
    async fn begin(recipe: Recipe) -> anyhow::Result<Self> {
        let mut program = Self { recipe, daemon: None };
        program.start().await?;
        Ok(program)
    }

    /// The running program.
    ///
    /// # Panics
    /// When it was stopped.
    pub fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("the program runs")
    }

    /// Kills it.
    ///
    /// # Errors
    /// When it had ended by itself.
    pub async fn kill(&mut self) -> io::Result<()> {
        match self.daemon.take() {
            Some(daemon) => daemon.kill().await,
            None => Ok(()),
        }
    }

    /// Has it crash by a signal such as `ABRT`, and gives what the kernel says of its end.
    ///
    /// # Errors
    /// When it had ended by itself, or does not end of the signal.
    pub async fn crash(&mut self, signal: Signal) -> io::Result<ExitStatus> {
        let daemon = self.daemon.take().ok_or_else(|| io::Error::other("it does not run"))?;
        daemon.crash(signal).await
    }

    /// From its next start on it goes by that clock.
    pub fn goes_by(&mut self, clock: &MachineClock) {
        self.recipe.variables.extend(clock.variables());
    }

    /// Asks it to end.
    ///
    /// # Errors
    /// When it does not, or ends with a complaint.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(daemon) = self.daemon.take() {
            let status = daemon.terminate().await?;
            ensure!(status.success(), "{} ended with {status}", self.recipe.name);
        }
        Ok(())
    }

    /// Starts it, or starts it again.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let started = self.recipe.start().await;
        self.daemon = Some(started.with_context(|| format!("starting {}", self.recipe.name))?);
        Ok(())
    }
}

/// A controller's folder and the program that runs on it.
#[derive(Debug)]
pub struct Controller {
    /// Where its files are.
    pub folder: PathBuf,
    /// Where it listens.
    pub place: Place,
    program: Program,
    code: Ticket,
}

impl Controller {
    /// Makes the organisation in `folder`, which must exist, and starts the controller. `settings` are pairs such as
    /// `("LIMITS_PENDING", "5")`.
    ///
    /// # Errors
    /// When a program cannot be started or complains.
    pub async fn found(folder: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let address = free_port()?;
        let (passphrase, code) = (folder.join("passphrase"), folder.join("first.code"));
        secret_file(&passphrase, "a passphrase of the tests")?;
        let data = folder.join("controller");
        let words = ["init", ORGANISATION, "--data", text(&data)?, "--address"];
        let address_text = address.to_string();
        let more = ["--operator", "kim", "--code-file", text(&code)?, "--passphrase-file"];
        let words = words.into_iter().chain([&*address_text, "--listen", &*address_text]);
        palisade(words.chain(more).chain([text(&passphrase)?]), folder).await?;
        let config = data.join("palisade.toml");
        let mut recipe = recipe("palisade", ["serve", "--config", text(&config)?], folder)?;
        let variable =
            |(name, value): &(&str, &str)| (format!("PALISADE_{name}"), (*value).to_owned());
        recipe.variables = settings.iter().map(variable).collect();
        let program = Program::begin(recipe).await?;
        let code = Ticket::parse(&fs::read_to_string(&code)?)?;
        let place = Place { address, organisation: ORGANISATION.parse()? };
        Ok(Self { folder: folder.to_owned(), place, program, code })
    }

    /// Logs in as the first operator; once in the life of this world.
    ///
    /// # Errors
    /// When the controller refuses.
    pub async fn desk(&self) -> anyhow::Result<Desk> {
        Desk::log_in(&self.place, &self.code).await
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.folder.join("controller").join("palisade.db")
    }
}

impl Deref for Controller {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Controller {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// An agent's folder and the program that runs on it.
#[derive(Debug)]
pub struct SiteBox {
    /// Where its data are.
    pub data: PathBuf,
    program: Program,
}

impl SiteBox {
    /// Enrols with a ticket and starts the agent on a site file. Its files lie in `folder`, which must exist.
    ///
    /// # Errors
    /// When a program cannot be started or complains.
    pub async fn join(folder: &Path, ticket: &Ticket, site_file: &Path) -> anyhow::Result<Self> {
        let mut joined = Self::enroll(folder, ticket, site_file).await?;
        joined.start().await?;
        Ok(joined)
    }

    /// The same, and the agent is not started yet.
    ///
    /// # Errors
    /// When a program cannot be started or complains.
    pub async fn enroll(folder: &Path, ticket: &Ticket, site_file: &Path) -> anyhow::Result<Self> {
        let (data, token) = (folder.join("agent"), folder.join("site.token"));
        secret_file(&token, ticket.to_text().expose())?;
        let words = ["enroll", "--token-file", text(&token)?, "--data", text(&data)?];
        run("palisade-agent", words, folder, &[]).await?;
        let words = ["run", "--data", text(&data)?, "--site", text(site_file)?];
        let mut recipe = recipe("palisade-agent", words, folder)?;
        recipe.variables = unit_environment();
        recipe.variables.push(("RUST_BACKTRACE".to_owned(), "1".to_owned()));
        Ok(Self { data, program: Program { recipe, daemon: None } })
    }

    /// What `palisade-agent status --format json` says.
    ///
    /// # Errors
    /// When it fails.
    pub async fn status(&self) -> anyhow::Result<serde_json::Value> {
        let words = ["status", "--data", text(&self.data)?, "--format", "json"];
        let out = run("palisade-agent", words, &self.program.recipe.folder, &[]).await?;
        serde_json::from_str(&out).context("the status is no JSON")
    }
}

impl Deref for SiteBox {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for SiteBox {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// Runs `palisade` to its end and gives what it printed.
///
/// # Errors
/// When it ends with anything but 0; the message holds what it complained about.
pub async fn palisade<'a>(
    words: impl IntoIterator<Item = &'a str>,
    home: &Path,
) -> anyhow::Result<String> {
    run("palisade", words, home, &[]).await
}

/// Runs a program of ours to its end, in `home` and with that as the home folder, and gives what it printed.
///
/// # Errors
/// When it ends with anything but 0; the message holds what it complained about.
pub async fn run<'a>(
    program: &str,
    words: impl IntoIterator<Item = &'a str>,
    home: &Path,
    variables: &[(&str, &str)],
) -> anyhow::Result<String> {
    let words: Vec<&str> = words.into_iter().collect();
    let mut command = Command::new(find(program)?);
    command
        .args(&words)
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = command.spawn()?;
    let process = child.id();
    let output = child.wait_with_output().await?;
    process.into_iter().for_each(clocks::sweep);
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{program} {} ended with {}: {complaint}", words.join(" "), output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The environment that the agent's unit file gives it.
fn unit_environment() -> Vec<(String, String)> {
    let unit = include_str!("../../agent/palisade-agent.service");
    let lines = unit.lines().filter_map(|line| line.strip_prefix("Environment="));
    let settings = lines.flat_map(str::split_whitespace).filter_map(|it| it.split_once('='));
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Looks again and again until something has come to pass; nothing if it has not in that time.
pub async fn until<T>(patience: Duration, look: impl AsyncFn() -> Option<T>) -> Option<T> {
    let come = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(patience, come).await.ok()
}

/// A port of loopback that was free a moment ago.
///
/// # Errors
/// When none is.
pub fn free_port() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// A file that only its owner may read.
///
/// # Errors
/// When it cannot be written.
pub fn secret_file(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

/// A path as an argument.
///
/// # Errors
/// When it is no UTF-8.
pub fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is no readable name", path.display()))
}
