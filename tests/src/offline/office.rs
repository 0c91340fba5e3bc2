//! The controller in this process, by a clock that is turned by hand.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use certs::Name;
use certs::audit::{ChainHead, Record, Verifier, Witness};
use certs::mutual::{Lifetimes, Trusting, client_config};
use certs::seal::Work;
use certs::ticket::Ticket;
use certs::trust::lifetime;
use controller::api::{Bounds, Running, open, start};
use controller::config::Config;
use controller::service::found::found;
use controller::store::{Agent, Store};
use proto::{AgentId, Secret, Timestamp};
use tokio::time::{sleep, timeout};

use super::site_box::{LOOK, PATIENCE};
use crate::herd::dial::{Place, tls};
use crate::manual_clock::ManualClock;
use crate::world::ORGANISATION;

/// A running controller.
pub struct Office {
    /// Its clock, which is right.
    pub clock: ManualClock,
    /// The first operator's code.
    pub code: Ticket,
    /// Its database.
    pub books: Store,
    config: Config,
    running: Option<Running>,
}

impl Office {
    /// Founds an organisation and starts its controller on a free port. Boxes are told to call `line`.
    ///
    /// # Errors
    /// When that fails.
    pub async fn found(data: &Path, line: &str, clock: ManualClock) -> anyhow::Result<Self> {
        let mut config = Config::default();
        config.server.data = data.to_owned();
        config.server.listen = ([127, 0, 0, 1], 0).into();
        config.server.addresses = vec![line.parse()?];
        config.limits.enrollments_per_minute = 10_000;
        let (passphrase, kim) = (Secret::new("a passphrase of the tests"), "kim".parse()?);
        let (organisation, now) = (ORGANISATION.parse()?, certs::Clock::now(&clock));
        let addresses = config.addresses();
        let begun = found(data, organisation, addresses, passphrase, Work::Little, kim, now);
        let code = begun.await?;
        let running = Some(serve(&config, &clock).await?);
        let books = Store::open(&config.database()).await?;
        Ok(Self { clock, code, books, config, running })
    }

    /// Ends it and starts it again, on another port.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.stop().await;
        self.running = Some(serve(&self.config, &self.clock).await?);
        Ok(())
    }

    /// Ends it.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Its only agent.
    ///
    /// # Errors
    /// When there is none, or another one.
    pub async fn agent(&self) -> anyhow::Result<Agent> {
        let mut agents = self.books.agents(None).await?;
        let agent = agents.pop().context("there is no agent")?;
        ensure!(agents.is_empty(), "there is another agent");
        Ok(agent)
    }

    /// Where it listens.
    ///
    /// # Panics
    /// When it was ended.
    pub fn place(&self) -> Place {
        let organisation = self.code.organisation.clone();
        let running = self.running.as_ref().expect("the controller runs");
        Place { address: running.address, organisation }
    }

    /// When the certificate begins that it presents, which has to be good at this time. It has a moment to renew it.
    ///
    /// # Errors
    /// When it never is good.
    pub async fn certificate_begins(&self) -> anyhow::Result<Timestamp> {
        let clock = Lifetimes::Judged(Arc::new(self.clock.clone()));
        let trusting = Trusting::Pin(self.code.pin);
        let settings = client_config(&self.code.organisation, &trusting, None, clock)?;
        let presented = async {
            loop {
                if let Ok(stream) = tls(&self.place(), settings.clone()).await {
                    let chain = stream.get_ref().get_ref().1.peer_certificates();
                    return chain.and_then(<[_]>::first).and_then(|leaf| lifetime(leaf));
                }
                sleep(LOOK).await;
            }
        };
        let (begins, _) = timeout(PATIENCE, presented)
            .await
            .context("the controller's certificate has lapsed and is not renewed")?
            .context("the controller presents something that is no certificate")?;
        Ok(begins)
    }

    /// What it has of the agent's audit log.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn records(&self, agent: &AgentId) -> anyhow::Result<Vec<(Record, Vec<u8>)>> {
        let actor = Name::Agent(self.code.organisation.clone(), agent.clone()).to_string();
        Ok(self.books.agent_records((agent, &actor), 1, u32::MAX).await?)
    }

    /// What it found odd about the agent's audit log, or about the agent; after its own was verified.
    ///
    /// # Errors
    /// When its own audit log is broken, or shorter than somebody has seen it.
    pub async fn complaints(&self, seen: ChainHead) -> anyhow::Result<Vec<String>> {
        let mut verifier = Verifier::new([Witness { by: "the agent".to_owned(), head: seen }]);
        let records = self.books.audit_records(1, u32::MAX).await?;
        records.iter().try_for_each(|(record, hash)| verifier.take(record, hash))?;
        verifier.finish()?;
        let is_odd = |it: &Record| ["agent_chain_odd", "agent_locked"].contains(&it.deed.as_str());
        let odd = records.into_iter().map(|(record, _)| record).filter(is_odd);
        Ok(odd.map(|record| format!("{}: {}", record.deed, record.detail)).collect())
    }
}

async fn serve(config: &Config, clock: &ManualClock) -> anyhow::Result<Running> {
    let service = open(config, Arc::new(clock.clone())).await.context("opening the controller")?;
    let bounds = Bounds::new(&config.limits);
    start(service, config.server.listen, bounds).await.context("starting the controller")
}
