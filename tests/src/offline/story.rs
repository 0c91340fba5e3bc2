//! What happens, in its order: a few good days, the outage, the return, and a few days more.

use std::path::Path;

use agent::link::State;
use agent::service::Status;
use anyhow::{Context as _, ensure};
use certs::{Clock as _, SystemClock};
use proto::Timestamp;
use proto::wire::v1;
use tokio::time::{sleep, timeout};

use super::Plan;
use super::devices::Devices;
use super::dice::Dice;
use super::line::{Breaks, Line, Quality};
use super::office::Office;
use super::site_box::{LOOK, PATIENCE, SiteBox};
use crate::herd::operator::Desk;
use crate::manual_clock::ManualClock;
use crate::world::{run, secret_file};

const DAY: u32 = 24 * 60 * 60;
/// The most bytes of a controller before a shaky line breaks: a handshake and some answers.
const SHAKY_BYTES: usize = 9000;

/// What happens while the line is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The agent is ended in order, and started again.
    Restart,
    /// The agent ends where it is, while it has little to do.
    PlugPulled,
    /// The agent ends in the middle of its visits.
    PlugPulledInVisits,
    /// The box starts anew and has forgotten the time.
    Boot1970,
    /// The box's clock is set back.
    BackADay,
    /// The box's clock is set forward.
    ForwardAWeek,
    /// The box's clock is set years ahead.
    WrongFuture,
    /// The box's clock is set right.
    SetRight,
    /// The controller is ended and started again.
    OfficeRestart,
    /// The site file changes.
    SiteEdited,
}

/// Every one of them happens at least once.
const EVENTS: [Event; 10] = [
    Event::Restart,
    Event::PlugPulled,
    Event::PlugPulledInVisits,
    Event::Boot1970,
    Event::BackADay,
    Event::ForwardAWeek,
    Event::WrongFuture,
    Event::SetRight,
    Event::OfficeRestart,
    Event::SiteEdited,
];

/// A site, a controller, and the line between them.
pub struct Story {
    /// The controller.
    pub office: Office,
    /// The box at the site.
    pub site_box: SiteBox,
    /// The site's devices.
    pub devices: Devices,
    /// What the controller did not know when it should have, in words.
    pub missed: Vec<String>,
    /// How often visits were cut short.
    pub cut_short: usize,
    line: Line,
    desk: Desk,
    dice: Dice,
    plan: Plan,
    /// Whether the agent's last visits were all paid to their end.
    settled: bool,
    /// For how many steps the agent has not known the time.
    blind: usize,
}

impl Story {
    /// Founds an organisation and enrols a box. Nothing of the agent runs yet.
    ///
    /// # Errors
    /// When a part of it fails.
    pub async fn begin(folder: &Path, seed: u64, plan: Plan) -> anyhow::Result<Self> {
        let now = SystemClock.now();
        let nowhere = ([127, 0, 0, 1], 1).into();
        let line = Line::open(nowhere).await?;
        let (data, clock) = (folder.join("controller"), ManualClock::at(now));
        let office = Office::found(&data, &line.address.to_string(), clock).await?;
        line.leads_to(office.place().address);
        let mut desk = Desk::log_in(&office.place(), &office.code).await?;
        desk.add_site("harbour").await?;
        let ticket = desk.token("harbour").await?;
        let (token, data) = (folder.join("site.token"), folder.join("agent"));
        secret_file(&token, ticket.to_text().expose())?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let words = ["enroll", "--token-file", &text(&token), "--data", &text(&data)];
        run("palisade-agent", words, folder, &[]).await?;
        let devices = Devices::new(folder, plan.devices, plan.visit_minutes)?;
        let site_box = SiteBox::new(&data, devices.site_file(), now);
        Ok(Self {
            office,
            site_box,
            devices,
            missed: Vec::new(),
            cut_short: 0,
            line,
            desk,
            dice: Dice::new(seed),
            plan,
            settled: true,
            blind: 0,
        })
    }

    /// Ends whatever still runs.
    pub async fn end(&mut self) {
        // Whatever is wrong with the agent was seen before.
        let _ = self.site_box.pull_plug().await;
        self.office.stop().await;
    }

    /// Everything up to a few days after the return.
    ///
    /// # Errors
    /// When something that should come by itself does not.
    pub async fn live(&mut self) -> anyhow::Result<()> {
        let generation = self.first_visits().await.context("before the outage")?;
        let presented = self.office.certificate_begins().await?;
        self.cut().await.context("at the cut")?;
        let mut events = self.events();
        while let Some(event) = events.pop() {
            let context = || format!("during {event:?}, {} steps before the return", events.len());
            self.step(event, events.len()).await.with_context(context)?;
        }
        let renewed = self.office.certificate_begins().await?;
        ensure!(renewed > presented, "the controller never renewed its certificate");
        self.come_back(generation).await.context("at the return")?;
        self.days_after().await.context("after the return")
    }

    async fn first_visits(&mut self) -> anyhow::Result<u64> {
        self.site_box.start().await?;
        // The first visits are spread over a sixtieth of the interval.
        self.pass(self.plan.visit_minutes + 60);
        self.round().await?;
        let status = self.uploaded().await?;
        self.current().await;
        ensure!(self.missed.is_empty(), "unknown to the controller: {:?}", self.missed);
        Ok(generation(&status))
    }

    /// The line goes down, and somebody changes the site's policy.
    async fn cut(&mut self) -> anyhow::Result<()> {
        let quality = if self.dice.one_in(2) { Quality::Closed } else { Quality::Silent };
        self.line.turn(quality);
        self.site_box.until("the line is missed", |status| !is_online(status)).await?;
        let text = "[passwords]\nmin_length = 14\n".to_owned();
        let site = "harbour".to_owned();
        let asked = v1::ApplyPolicyRequest { text, site, ..Default::default() };
        self.desk.client.apply_policy(asked).await.context("applying a policy")?;
        Ok(())
    }

    /// What happens in which step, the last one first: after it, in the last step, the world only turns.
    fn events(&mut self) -> Vec<Option<Event>> {
        let steps = (self.plan.days * DAY).div_ceil(self.plan.step()) as usize;
        let mut events: Vec<_> = EVENTS.into_iter().map(Some).collect();
        while events.len() < steps / 2 {
            events.push(Some(*self.dice.pick(&EVENTS)));
        }
        events.resize(steps.max(events.len()), None);
        self.dice.shuffle(&mut events);
        events.insert(0, None);
        events
    }

    async fn step(&mut self, event: Option<Event>, left: usize) -> anyhow::Result<()> {
        // What visits that were cut short have seen of a change is not known.
        if self.settled {
            self.devices.change(&mut self.dice)?;
        }
        if self.blind > 2 && self.dice.one_in(2) {
            self.let_happen(Event::SetRight, left).await?;
        }
        if left == 1 && self.devices.list_all()? {
            self.site_taken().await?;
        }
        if let Some(event) = event {
            self.let_happen(event, left).await?;
        }
        self.pass(self.plan.step());
        if event == Some(Event::PlugPulledInVisits) {
            for _ in 0..self.dice.below(3) {
                self.site_box.status().await?;
            }
            self.pull_plug_in_visits().await?;
        } else {
            self.round().await?;
        }
        self.office.certificate_begins().await.map(drop)
    }

    async fn let_happen(&mut self, event: Event, left: usize) -> anyhow::Result<()> {
        let (wall, years) = (&self.site_box.wall, 1 + self.dice.below(40));
        match event {
            Event::Restart => {
                self.site_box.stop().await?;
                self.start().await?;
            }
            Event::PlugPulled => {
                self.site_box.pull_plug().await?;
                self.start().await?;
            }
            // It happens a moment later.
            Event::PlugPulledInVisits => {}
            Event::Boot1970 => {
                self.site_box.pull_plug().await?;
                self.site_box.wall.set(Timestamp::from_unix(20));
                self.start().await?;
                ensure!(!self.site_box.status().await?.clock.known, "the box believes in 1970");
            }
            Event::BackADay => wall.turn(-i64::from(DAY)),
            Event::ForwardAWeek => wall.turn(7 * i64::from(DAY)),
            Event::WrongFuture => wall.turn(years as i64 * 365 * i64::from(DAY)),
            Event::SetRight => wall.set(self.office.clock.now()),
            Event::OfficeRestart => {
                self.office.restart().await?;
                self.line.leads_to(self.office.place().address);
            }
            Event::SiteEdited if left > 1 => {
                self.devices.edit_site(&mut self.dice)?;
                self.site_taken().await?;
            }
            Event::SiteEdited => {}
        }
        // Whoever knows the time again pays the visits that are due before more of it passes.
        if self.blind > 0 { self.round().await } else { Ok(()) }
    }

    async fn pull_plug_in_visits(&mut self) -> anyhow::Result<()> {
        self.site_box.pull_plug().await?;
        (self.settled, self.cut_short) = (false, self.cut_short + 1);
        self.start().await
    }

    async fn start(&mut self) -> anyhow::Result<()> {
        // Nobody has a turn at once.
        self.blind = 0;
        self.site_box.start().await
    }

    /// The site file is looked at once a minute.
    async fn site_taken(&mut self) -> anyhow::Result<()> {
        self.pass(61);
        let listed = self.devices.listed();
        let taken = |status: &Status| {
            let rounds = status.rounds.as_ref();
            rounds.is_some_and(|it| it.devices == listed && it.under_way == 0)
        };
        self.site_box.until("the site file is taken over", taken).await?;
        self.devices.site_taken();
        Ok(())
    }

    fn pass(&mut self, seconds: u32) {
        let seconds = seconds + u32::try_from(self.dice.below(600)).unwrap_or(0);
        self.office.clock.turn(seconds.into());
        self.site_box.pass(seconds);
    }

    /// Waits until every device was visited, unless the agent does not know the time.
    async fn round(&mut self) -> anyhow::Result<()> {
        let is_done = |status: &Status| {
            let (now, rounds) = (Some(status.clock.time), status.rounds.as_ref());
            let is_paid = rounds.is_some_and(|it| it.last_visit == now && it.under_way == 0);
            is_paid || !status.clock.known
        };
        let status = self.site_box.until("every device is visited", is_done).await?;
        if status.clock.known {
            self.devices.looked();
            (self.settled, self.blind) = (true, 0);
        } else {
            self.blind += 1;
        }
        Ok(())
    }

    async fn come_back(&mut self, generation_before: u64) -> anyhow::Result<()> {
        let breaks = (0..self.dice.below(5)).map(|_| self.dice.below(SHAKY_BYTES)).collect();
        self.line.turn(Quality::Shaky(Breaks::after(breaks)));
        let is_overdue = self.blind > 0;
        if self.dice.one_in(3) {
            // On its way back, if the moment is met.
            for _ in 0..self.dice.below(150) {
                self.site_box.status().await?;
            }
            self.pull_plug_in_visits().await?;
        }
        let now = self.office.clock.now();
        let is_back = |status: &Status| is_online(status) && certificate_ends(status) > Some(now);
        let status = self.site_box.until("the agent is back", is_back).await?;
        ensure!(status.clock.known && status.clock.time == now, "it is not {}", status.clock.time);
        if self.blind > 0 {
            // The visits that were due as long as nobody knew the time.
            self.round().await?;
        } else if is_overdue {
            self.pass(self.plan.step());
            self.round().await?;
        }
        let is_told = |status: &Status| generation(status) > generation_before;
        self.site_box.until("the new policy is in force", is_told).await?;
        self.uploaded().await?;
        self.current().await;
        Ok(())
    }

    /// The certificate is renewed as if nothing had happened.
    async fn days_after(&mut self) -> anyhow::Result<()> {
        let status = self.site_box.status().await?;
        let ends = certificate_ends(&status);
        for _ in 0..(5 * DAY).div_ceil(self.plan.step()) {
            self.pass(self.plan.step());
            self.round().await?;
            self.site_box.until("the line holds", is_online).await?;
        }
        let is_renewed = |status: &Status| certificate_ends(status) > ends;
        self.site_box.until("the certificate is renewed", is_renewed).await?;
        self.uploaded().await.map(drop)
    }

    /// Waits until nothing waits for the controller.
    async fn uploaded(&self) -> anyhow::Result<Status> {
        let is_empty = |status: &Status| is_online(status) && status.outbox.records == 0;
        self.site_box.until("everything is uploaded", is_empty).await
    }

    /// Waits until the controller knows every device as it is; what it does not learn, it missed.
    async fn current(&mut self) {
        let learned = async {
            loop {
                let known = self.office.books.devices(None).await;
                let missed = known.map_or_else(
                    |error| vec![error.to_string()],
                    |known| self.devices.out_of_date(&known),
                );
                if missed.is_empty() {
                    return;
                }
                self.missed = missed;
                sleep(LOOK).await;
            }
        };
        if timeout(PATIENCE, learned).await.is_ok() {
            self.missed.clear();
        }
    }
}

fn is_online(status: &Status) -> bool {
    status.link.as_ref().is_some_and(|link| link.state == State::Online)
}

fn certificate_ends(status: &Status) -> Option<Timestamp> {
    status.identity.as_ref().map(|identity| identity.certificate_ends)
}

/// Of the desired state that is in force.
fn generation(status: &Status) -> u64 {
    status.rounds.as_ref().map_or(0, |rounds| rounds.generation)
}
