//! `kill -9` of agent and controller at random moments under load, and the books afterwards: what was acknowledged is
//! there, once; what the agent wrote into its audit chain has arrived whole, in order; both always start again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use certs::audit::{ChainHead, Record, Verifier};
use proto::Timestamp;
use proto::wire::v1;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tonic::Code;

use crate::daemon::find;
use crate::devices::mobotix::{Line, configs};
use crate::herd::operator::Desk;
use crate::world::{Controller, SiteBox};

/// Cameras of the site, by their exported configurations.
const CAMERAS: usize = 5;
/// The load runs for at most so long between two kills, in milliseconds.
const MOST_LOAD: u32 = 250;
/// How long the agent may take to send what waits, once nobody is killed any more.
const SETTLE: Duration = Duration::from_secs(120);

/// What went wrong, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Kills.
    pub trials: u32,
    /// Records that somebody acknowledged and that are not there.
    pub lost: u64,
    /// Records that are there twice.
    pub doubled: u64,
    /// Starts that failed.
    pub dead: u32,
}

/// Kills the agent and the controller in turn, each `times` times.
///
/// # Errors
/// When anything but what is counted goes wrong.
pub async fn kill(folder: &Path, times: u32, tell: &dyn Fn(&str)) -> anyhow::Result<Tally> {
    find("palisade")?;
    let mut controller =
        Controller::found(folder, &[("LIMITS_ENROLLMENTS_PER_MINUTE", "10000")]).await?;
    let mut desk = controller.desk().await?;
    desk.add_site("harbour").await?;
    let ticket = desk.token("harbour").await?;
    let site = Site::write(folder)?;
    let mut agent = SiteBox::join(folder, &ticket, &site.file()).await?;
    let load = Load::begin(desk.clone(), site.clone());
    let mut tally = Tally::default();
    for trial in 0..times * 2 {
        let random = u32::from_be_bytes(certs::random::bytes()?);
        tokio::time::sleep(Duration::from_millis(u64::from(random % MOST_LOAD))).await;
        tally.trials += 1;
        let started = if trial % 2 == 0 {
            agent.kill().await?;
            agent.start().await
        } else {
            controller.kill().await?;
            controller.start().await
        };
        if let Err(error) = started {
            tally.dead += 1;
            tell(&format!("{error:#}"));
            break;
        }
        if trial % 50 == 49 {
            tell(&format!("{} kills", trial + 1));
        }
    }
    if tally.dead == 0 {
        let acknowledged = load.end().await?;
        reckon(&mut desk, &agent, &acknowledged, &site, &mut tally).await?;
        agent.stop().await?;
        controller.stop().await?;
    }
    Ok(tally)
}

/// A site of exported configurations, which change under the agent's eyes.
#[derive(Clone, Debug)]
struct Site {
    folder: PathBuf,
    configs: [Vec<u8>; 2],
}

impl Site {
    fn write(folder: &Path) -> anyhow::Result<Self> {
        let ip = "10.77.3.9".parse()?;
        let (tidy, bare) = (configs::hardened(Line::P3, ip), configs::neglected(Line::P3, ip));
        let site = Self { folder: folder.to_owned(), configs: [tidy, bare] };
        let mut text = String::from("visit_minutes = 1\n");
        for camera in 0..CAMERAS {
            text.push_str(&format!(
                "[[devices]]\nname = \"cam-{camera}\"\nkind = \"mobotix\"\nfile = \"cam-{camera}.cfg\"\n"
            ));
            site.show(camera, 0)?;
        }
        fs::write(site.file(), text)?;
        Ok(site)
    }

    fn file(&self) -> PathBuf {
        self.folder.join("site.toml")
    }

    /// From now on the camera's export is this one.
    fn show(&self, camera: usize, which: usize) -> anyhow::Result<()> {
        let path = self.folder.join(format!("cam-{camera}.cfg"));
        let new = path.with_extension("new");
        fs::write(&new, &self.configs[which])?;
        Ok(fs::rename(new, path)?)
    }
}

/// What the controller acknowledged to the operator.
#[derive(Debug, Default)]
struct Acknowledged {
    sites: Vec<String>,
    orders: u64,
}

/// Operators and cameras that keep everybody busy.
struct Load {
    running: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Acknowledged>>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Load {
    fn begin(desk: Desk, site: Site) -> Self {
        let running = Arc::new(AtomicBool::new(true));
        let acknowledged = Arc::default();
        let task = tokio::spawn(work(desk, site, running.clone(), Arc::clone(&acknowledged)));
        Self { running, acknowledged, task }
    }

    async fn end(self) -> anyhow::Result<Acknowledged> {
        self.running.store(false, Ordering::SeqCst);
        self.task.await??;
        Ok(std::mem::take(&mut *self.acknowledged.lock().await))
    }
}

async fn work(
    mut desk: Desk,
    site: Site,
    running: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Acknowledged>>,
) -> anyhow::Result<()> {
    let mut number = 0;
    while running.load(Ordering::SeqCst) {
        site.show(number % CAMERAS, number / CAMERAS % 2)?;
        let what = v1::send_order_request::What::Visit(v1::VisitOrder::default());
        let order = v1::SendOrderRequest { site: "harbour".to_owned(), what: Some(what), wait: 0 };
        // A controller that was just killed answers nothing; what it did not acknowledge may be there or not.
        if desk.client.send_order(order).await.is_ok() {
            acknowledged.lock().await.orders += 1;
        }
        let name = format!("site-{number}");
        if desk.add_site(&name).await.is_ok() {
            acknowledged.lock().await.sites.push(name);
        }
        number += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The end is the same every time, so that what the controller shows can be compared with it.
    (0..CAMERAS).try_for_each(|camera| site.show(camera, 0))
}

async fn reckon(
    desk: &mut Desk,
    agent: &SiteBox,
    acknowledged: &Acknowledged,
    site: &Site,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    ensure!(!acknowledged.sites.is_empty(), "the load did nothing");
    last_visit(desk).await?;
    let head = settled(agent).await?;
    let own = chain(desk, "").await?;
    let added = own.iter().filter(|(record, _)| record.deed == "site_added");
    let mut times = BTreeMap::<&str, u64>::new();
    for (record, _) in added {
        *times.entry(&record.subject).or_default() += 1;
    }
    let sites = desk.client.list_sites(v1::ListSitesRequest {}).await?.into_inner().sites;
    for name in &acknowledged.sites {
        let there = sites.iter().any(|site| site.name == *name);
        tally.lost += u64::from(!there || !times.contains_key(name.as_str()));
    }
    tally.doubled += times.values().filter(|times| **times > 1).count() as u64;
    verify(&own)?;

    let id = desk.client.list_agents(v1::ListAgentsRequest::default()).await?.into_inner();
    let id = id.agents.first().context("no agent")?.id.clone();
    let theirs = chain(desk, &id).await?;
    let arrived = theirs.len() as u64;
    tally.lost += head.length.saturating_sub(arrived);
    match verify(&theirs) {
        Ok(verified) => ensure!(verified == head, "the agent's chain is another one"),
        Err(broken) => {
            tally.lost += 1;
            return Err(broken.context(format!("{arrived} of {} records", head.length)));
        }
    }
    let asked = v1::ListDevicesRequest { site: "harbour".to_owned() };
    let devices = desk.client.list_devices(asked).await?.into_inner().devices;
    ensure!(devices.len() == CAMERAS, "{} of {CAMERAS} devices are known", devices.len());
    ensure!(site.file().is_file());
    let same = devices.windows(2).all(|two| two[0].unmet == two[1].unmet);
    tally.lost += u64::from(!same);
    Ok(())
}

/// Has the agent look at everything once more. Orders of the load may still be outstanding, and a site takes so many.
async fn last_visit(desk: &mut Desk) -> anyhow::Result<()> {
    let what = v1::send_order_request::What::Visit(v1::VisitOrder::default());
    let order = v1::SendOrderRequest { site: "harbour".to_owned(), what: Some(what), wait: 100 };
    let taken = async {
        loop {
            match desk.client.send_order(order.clone()).await {
                Err(status) if status.code() == Code::ResourceExhausted => {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                answer => return answer,
            }
        }
    };
    let answer = tokio::time::timeout(SETTLE, taken).await.context("no order was taken")??;
    ensure!(answer.into_inner().done, "the agent did not do the last order");
    Ok(())
}

/// The end of the agent's chain, once everything was sent.
async fn settled(agent: &SiteBox) -> anyhow::Result<ChainHead> {
    let waiting = async {
        loop {
            let status = agent.status().await?;
            if status["outbox"]["records"] == 0 {
                let length = status["audit"]["length"].as_u64().context("no audit length")?;
                let hash = status["audit"]["hash"].as_str().context("no audit hash")?;
                let hash = certs::random::unhex(hash).and_then(|bytes| bytes.try_into().ok());
                return Ok(ChainHead { length, hash: hash.context("no hash")? });
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(SETTLE, waiting).await.context("the outbox did not run empty")?
}

/// An audit log as the controller gives it out: its own, or an agent's.
async fn chain(desk: &mut Desk, agent: &str) -> anyhow::Result<Vec<(Record, Vec<u8>)>> {
    let asked = v1::ReadAuditLogRequest { from: 1, agent: agent.to_owned() };
    let mut stream = desk.client.read_audit_log(asked).await?.into_inner();
    let mut records = Vec::new();
    while let Some(record) = stream.message().await? {
        let v1::AuditLogRecord { number, time, actor, deed, subject, detail, hash } = record;
        let time = Timestamp::from_unix(time);
        records.push((Record { number, time, actor, deed, subject, detail }, hash));
    }
    Ok(records)
}

fn verify(chain: &[(Record, Vec<u8>)]) -> anyhow::Result<ChainHead> {
    let mut verifier = Verifier::new([]);
    for (record, hash) in chain {
        verifier.take(record, hash)?;
    }
    Ok(verifier.finish()?)
}
