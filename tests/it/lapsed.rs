//! The real agent and the real controller, by clocks that are set ahead or back: a certificate that lapsed while nobody
//! ran, and a machine that starts in 1970.

use std::fs;
use std::time::Duration;

use agent::link::State;
use agent::service::Status;
use certs::audit::Record;
use certs::{Clock as _, Name, SystemClock};
use controller::store::{Agent, Store};
use proto::Timestamp;
use tempfile::TempDir;
use tests::clocks::{MachineClock, Shows};
use tests::devices::mobotix::{Line, configs};
use tests::world::{Controller, ORGANISATION, SiteBox, until};

const PATIENCE: Duration = Duration::from_secs(60);
const DAY: i64 = 86_400;
const DEVICES: [&str; 2] = ["cam-1", "cam-2"];

/// A controller, an agent of two exported configurations, and the clocks of their machines.
struct Stage {
    folder: TempDir,
    controller: Controller,
    agent: SiteBox,
    clocks: [MachineClock; 2],
    books: Store,
}

impl Stage {
    /// All of it at work, every device known.
    async fn found() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let clocks = ["agent", "controller"].map(|name| MachineClock::new(path, name).unwrap());
        let mut controller = Controller::found(path, &[]).await.unwrap();
        let mut desk = controller.desk().await.unwrap();
        desk.add_site("harbour").await.unwrap();
        let ticket = desk.token("harbour").await.unwrap();
        let mut site = String::from("visit_minutes = 1\n");
        for device in DEVICES {
            let about =
                format!("name = \"{device}\"\nkind = \"mobotix\"\nfile = \"{device}.cfg\"\n");
            site.push_str(&format!("[[devices]]\n{about}"));
            fs::write(path.join(format!("{device}.cfg")), exported("10.77.3.9")).unwrap();
        }
        fs::write(path.join("site.toml"), site).unwrap();
        let mut agent = SiteBox::join(path, &ticket, &path.join("site.toml")).await.unwrap();
        agent.goes_by(&clocks[0]);
        controller.goes_by(&clocks[1]);
        let books = Store::open(&controller.database()).await.unwrap();
        let known = async || (books.devices(None).await.unwrap().len() == 2).then_some(());
        until(PATIENCE, known).await.expect("every device is told");
        Self { folder, controller, agent, clocks, books }
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Status) -> bool) -> Status {
        let look = async || {
            let status = self.agent.status().await.ok()?;
            Some(serde_json::from_value(status).unwrap()).filter(&is_so)
        };
        match until(PATIENCE, look).await {
            Some(status) => status,
            None => panic!("waited in vain that {what}: {:?}", self.agent.status().await),
        }
    }

    async fn the_agent(&self) -> Agent {
        self.books.agents(None).await.unwrap().pop().unwrap()
    }

    /// What it has of the agent's audit log.
    async fn records(&self, agent: &Agent) -> Vec<Record> {
        let name = Name::Agent(ORGANISATION.parse().unwrap(), agent.id.clone()).to_string();
        let records = self.books.agent_records((&agent.id, &name), 1, u32::MAX).await.unwrap();
        records.into_iter().map(|(record, _)| record).collect()
    }

    async fn end(mut self) {
        self.agent.stop().await.unwrap();
        self.controller.stop().await.unwrap();
    }
}

fn exported(ip: &str) -> Vec<u8> {
    configs::hardened(Line::P3, ip.parse().unwrap())
}

fn is_online(status: &Status) -> bool {
    status.link.as_ref().is_some_and(|link| link.state == State::Online)
}

fn certificate_ends(status: &Status) -> Timestamp {
    status.identity.as_ref().unwrap().certificate_ends
}

#[tokio::test]
async fn after_a_hundred_days_switched_off_an_agent_recovers_by_its_bound_key_and_tells_what_it_kept()
 {
    let mut stage = Stage::found().await;
    let before = stage.until("the agent is online", is_online).await;
    assert_eq!(stage.the_agent().await.recoveries, 0);
    // The controller is away, and one device breaks: only the agent knows.
    stage.controller.stop().await.unwrap();
    stage.agent.stop().await.unwrap();
    fs::remove_file(stage.folder.path().join("cam-2.cfg")).unwrap();
    stage.agent.start().await.unwrap();
    let has_failed = |status: &Status| {
        status.rounds.as_ref().is_some_and(|it| it.failing == 1) && status.outbox.records > 0
    };
    stage.until("the agent keeps what it found", has_failed).await;
    stage.agent.stop().await.unwrap();
    let switched_off = SystemClock.now();
    // Both are switched on again a hundred days later.
    for clock in &stage.clocks {
        clock.set(Shows::Off(100 * DAY)).unwrap();
    }
    stage.controller.start().await.unwrap();
    stage.agent.start().await.unwrap();
    let is_back = |status: &Status| {
        is_online(status)
            && status.outbox.records == 0
            && certificate_ends(status) > certificate_ends(&before)
    };
    let status = stage.until("the agent is back", is_back).await;
    let away = status.clock.time.seconds_since(switched_off);
    assert!((99 * DAY..101 * DAY).contains(&away), "it is {}", status.clock.time);
    assert!(certificate_ends(&before) < status.clock.time, "the certificate had not lapsed");
    let agent = stage.the_agent().await;
    assert_eq!((agent.recoveries, agent.join_sequence), (1, 2));
    // What it found before it was switched off has arrived, as of then.
    let kept = |record: &&Record| record.deed == "device_failed" && record.subject == "cam-2";
    let records = stage.records(&agent).await;
    let told: Vec<_> = records.iter().filter(kept).map(|record| record.time).collect();
    assert!(told.first().is_some_and(|at| *at <= switched_off), "{told:?} {records:?}");
    stage.end().await;
}

#[tokio::test]
async fn an_agent_that_starts_in_1970_judges_no_lifetime_until_the_controller_tells_the_time() {
    let mut stage = Stage::found().await;
    let before = stage.until("the agent is online", is_online).await;
    stage.controller.stop().await.unwrap();
    stage.agent.stop().await.unwrap();
    stage.clocks[0].set(Shows::Year1970).unwrap();
    stage.agent.start().await.unwrap();
    let status = stage.until("the agent visits nobody", |status| status.rounds.is_some()).await;
    assert!(!status.clock.known, "it believes in {}", status.clock.time);
    // What has certainly passed: not 1970.
    assert!(SystemClock.now().seconds_since(status.clock.time) < DAY, "{}", status.clock.time);
    stage.controller.start().await.unwrap();
    let knows = |status: &Status| is_online(status) && status.clock.known;
    let status = stage.until("the agent knows the time", knows).await;
    assert!(SystemClock.now().seconds_since(status.clock.time).abs() < 60);
    assert!(status.clock.offset_seconds.is_some_and(|off| off < -50 * 365 * DAY));
    // Neither lapsed nor renewed: it came back as who it was.
    assert_eq!(certificate_ends(&status), certificate_ends(&before));
    let agent = stage.the_agent().await;
    assert_eq!((agent.recoveries, agent.join_sequence), (0, 1));
    stage.end().await;
}
