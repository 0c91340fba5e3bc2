//! Counts what goes wrong when devices misbehave, when the power is cut, and when the line is down for months. Prints one
//! `name: value` row a line and asserts nothing.

use std::io::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use tests::agent_binary::AgentBinary;
use tests::bad_cameras::{BadCamera, Outing, bad_cameras, outing};
use tests::devices::mobotix::{Fault, Faults};
use tests::kill;
use tests::offline::{self, Plan};
use tests::powercut::{self, Syncs, work};
use tests::rotating::{self, What};
use tokio::task::JoinSet;

/// Lets things go wrong, and counts what comes of it.
#[derive(Parser)]
enum Bench {
    /// Every fault over HTTP and HTTPS, everywhere, one bad camera a trial.
    Audit {
        /// How often each.
        #[arg(long, default_value_t = 3)]
        rounds: u32,
        /// Longest time for one device, in seconds.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=60))]
        timeout: u16,
        /// How many trials are made at once.
        #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
        at_once: u8,
    },
    /// Cuts the power of the agent's disk while its store is used.
    Powercut {
        /// How often.
        #[arg(long, default_value_t = 500)]
        trials: u32,
        /// How long the store is used in each of five sessions, in deeds.
        #[arg(long, default_value_t = 150)]
        rounds: u32,
        /// Cuts and remains follow from it.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Kills agent and controller at random moments under load.
    Kill {
        /// How often each.
        #[arg(long, default_value_t = 200)]
        times: u32,
    },
    /// The line to a site is down for ninety days.
    Offline {
        /// How often.
        #[arg(long, default_value_t = 20)]
        trials: u32,
        /// The first trial's; each further one has the next.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How often each device is visited, in minutes. What happens, happens in steps of about that.
        #[arg(long, default_value_t = Plan::WHOLE.visit_minutes, value_parser = clap::value_parser!(u32).range(60..=4320))]
        minutes: u32,
        /// How many trials are made at once.
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
        at_once: u8,
    },
    /// Replaces cameras' passwords while agent and controller are killed, and cameras lose power and answers.
    Rotation(Rotating),
    /// The same with certificates.
    Certificate(Rotating),
    /// Uses a store, and says what it does.
    #[command(hide = true)]
    StoreWork { root: PathBuf, session: u64, rounds: u64 },
    /// Uses a store on a disk that fills up.
    #[command(hide = true)]
    StoreFull { root: PathBuf },
    /// Leaves a store idle.
    #[command(hide = true)]
    StoreIdle { root: PathBuf },
}

/// How much is rotated.
#[derive(Clone, Copy, clap::Args)]
struct Rotating {
    /// How many rotations.
    #[arg(long, default_value_t = 1000)]
    trials: u32,
    /// Cameras of one site, rotated together; each is rotated once.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..=200))]
    cameras: u16,
    /// What befalls whom follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What is counted.
#[derive(Default)]
struct Tally {
    trials: u32,
    over_time: u32,
    crashed: u32,
    unclear: u32,
    others_unjudged: u32,
    leaked: u32,
}

impl Tally {
    fn count(&mut self, outing: &Outing) {
        self.trials += 1;
        self.over_time += u32::from(outing.over_time());
        self.crashed += u32::from(outing.crashed());
        self.unclear += u32::from(!outing.unclear().is_empty());
        self.others_unjudged += u32::from(!outing.misjudged().is_empty());
        self.leaked += u32::from(outing.leaks());
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // Bad usage is 3 in all programs of ours; the parser's own code for it is 2.
    let bench = Bench::try_parse().unwrap_or_else(|error| {
        let _ = error.print();
        std::process::exit(if error.use_stderr() { 3 } else { 0 });
    });
    match bench {
        Bench::Audit { rounds, timeout, at_once } => audit(rounds, timeout, at_once).await,
        Bench::Powercut { trials, rounds, seed } => powercut(trials, rounds, seed),
        Bench::Offline { trials, seed, minutes, at_once } => {
            let plan = Plan { visit_minutes: minutes, ..Plan::WHOLE };
            offline(seed..seed + u64::from(trials), plan, at_once).await
        }
        Bench::Kill { times } => killing(times).await,
        Bench::Rotation(rotating) => rotate(What::Password, rotating).await,
        Bench::Certificate(rotating) => rotate(What::Certificate, rotating).await,
        Bench::StoreWork { root, session, rounds } => work::work(&root, session, rounds),
        Bench::StoreFull { root } => work::full(&root),
        Bench::StoreIdle { root } => work::idle(&root).await,
    }
}

async fn audit(rounds: u32, timeout: u16, at_once: u8) -> anyhow::Result<()> {
    let agent = AgentBinary::find().context("looking for the agent")?;
    let all = (0..rounds).flat_map(|_| [false, true].into_iter().flat_map(kinds));
    let (mut waiting, mut running, mut tally) = (all, JoinSet::new(), Tally::default());
    loop {
        while running.len() < usize::from(at_once)
            && let Some(bad) = waiting.next()
        {
            let agent = agent.clone();
            running.spawn(async move { (bad.name.clone(), outing(&agent, &[bad], timeout).await) });
        }
        let Some(done) = running.join_next().await else { break };
        let (name, outing) = done.context("a trial came down")?;
        let outing = outing.with_context(|| format!("the trial of a camera that {name} failed"))?;
        tell(&name, &outing)?;
        tally.count(&outing);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "trials: {}", tally.trials)?;
    writeln!(out, "over_time: {}", tally.over_time)?;
    writeln!(out, "crashed: {}", tally.crashed)?;
    writeln!(out, "unclear: {}", tally.unclear)?;
    writeln!(out, "others_unjudged: {}", tally.others_unjudged)?;
    writeln!(out, "leaked: {}", tally.leaked)?;
    Ok(())
}

fn powercut(trials: u32, rounds: u32, seed: u64) -> anyhow::Result<()> {
    if let Some(hindrance) = powercut::hindrance() {
        anyhow::bail!("nothing can be recorded: {hindrance}");
    }
    let own = std::env::current_exe()?;
    let recording = powercut::record(&own, rounds)?;
    let mut err = std::io::stderr();
    let tally = powercut::cuts(&recording, trials, seed, Syncs::Count, |case| {
        // A case that cannot be told is still counted.
        let _ = writeln!(err, "{case}");
    })?;
    let idle = powercut::idle_syncs_per_day(&own)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "trials: {}", tally.trials)?;
    writeln!(out, "lost: {}", tally.lost)?;
    writeln!(out, "doubled: {}", tally.doubled)?;
    writeln!(out, "dead: {}", tally.dead)?;
    writeln!(out, "idle_syncs_per_day: {idle}")?;
    Ok(())
}

async fn killing(times: u32) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let told = |text: &str| {
        // Nobody may be listening, which is no reason to stop.
        let _ = writeln!(std::io::stderr(), "{text}");
    };
    let tally = kill::kill(folder.path(), times, &told).await?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "trials: {}", tally.trials)?;
    writeln!(out, "lost: {}", tally.lost)?;
    writeln!(out, "doubled: {}", tally.doubled)?;
    writeln!(out, "dead: {}", tally.dead)?;
    Ok(())
}

async fn rotate(what: What, rotating: Rotating) -> anyhow::Result<()> {
    let Rotating { trials, cameras, seed } = rotating;
    let plan = rotating::Plan { what, trials, cameras, seed };
    let told = |text: &str| {
        // Nobody may be listening, which is no reason to stop.
        let _ = writeln!(std::io::stderr(), "{text}");
    };
    let tally = rotating::rotating(&plan, &told).await?;
    writeln!(std::io::stdout(), "{tally}")?;
    Ok(())
}

async fn offline(mut seeds: Range<u64>, plan: Plan, at_once: u8) -> anyhow::Result<()> {
    let (mut running, mut tally) = (JoinSet::new(), offline::Tally::default());
    loop {
        while running.len() < usize::from(at_once)
            && let Some(seed) = seeds.next()
        {
            running.spawn(async move { (seed, offline::trial(seed, plan).await) });
        }
        let Some(done) = running.join_next().await else { break };
        let (seed, outcome) = done.context("a trial came down")?;
        let outcome = outcome.with_context(|| format!("the trial of seed {seed}"))?;
        for complaint in &outcome.complaints {
            writeln!(std::io::stderr(), "seed {seed}: {complaint}")?;
        }
        tally.count(&outcome);
    }
    writeln!(std::io::stdout(), "{tally}")?;
    Ok(())
}

/// What is tried: the story's faults, and drips of other speeds.
fn kinds(tls: bool) -> Vec<BadCamera> {
    let mut all = bad_cameras(tls);
    for (name, millis) in [("drips-fast", 20), ("drips-slowly", 3000)] {
        let faults = Faults::none().with(Fault::Drip(Duration::from_millis(millis)));
        all.push(BadCamera { name: name.to_owned(), faults, tls, says: "not done within" });
    }
    all
}

/// On standard error, whatever of a trial somebody will want to look into.
fn tell(name: &str, outing: &Outing) -> std::io::Result<()> {
    let sound = !outing.over_time()
        && !outing.crashed()
        && !outing.leaks()
        && outing.unclear().is_empty()
        && outing.misjudged().is_empty();
    if sound {
        return Ok(());
    }
    let (code, took) = (outing.ended.code, outing.ended.took);
    let misjudged = outing.misjudged().join(", ");
    let mut err = std::io::stderr().lock();
    writeln!(err, "{name}: exit {code:?} after {took:.1?}, misjudged: [{misjudged}]")?;
    writeln!(err, "{}", outing.ended.err)
}
