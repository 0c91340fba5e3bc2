//! Agents that do not read what they are told, or a byte now and then.

use certs::{SharedClock, SystemClock};
use controller::api::{Bounds, open, start};
use controller::config::Config;
use controller::service::found::found;
use proto::Secret;
use proto::wire::v1;
use proto::wire::v1::agent_client::AgentClient;
use tests::herd::dial::{Place, channel};
use tests::herd::operator::Desk;
use tests::herd::slow::{self, Brake};
use tests::herd::{Pass, enroll};
use tests::world::{Controller, ORGANISATION};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

/// An agent's open stream.
struct Line {
    say: mpsc::Sender<v1::AgentStatus>,
    hear: Streaming<v1::Instruction>,
}

impl Line {
    async fn open(channel: Channel) -> Self {
        let (say, said) = mpsc::channel(4);
        say.send(v1::AgentStatus::default()).await.unwrap();
        let mut agent = AgentClient::new(channel);
        let hear = agent.watch(ReceiverStream::new(said)).await.unwrap().into_inner();
        let mut line = Self { say, hear };
        line.until(1).await;
        line
    }

    /// Hears until the site should be at that generation or beyond; gives how many words that took.
    async fn until(&mut self, generation: u64) -> usize {
        for words in 1.. {
            let word = self.hear.message().await.unwrap().expect("the stream goes on");
            if word.desired.is_some_and(|desired| desired.generation >= generation) {
                return words;
            }
        }
        unreachable!("it counts for ever")
    }
}

async fn agent(place: &Place, desk: &mut Desk, site: &str) -> Pass {
    desk.add_site(site).await.unwrap();
    enroll(place, &desk.token(site).await.unwrap()).await.unwrap()
}

async fn slow_line(place: &Place, pass: &Pass) -> (Line, Brake) {
    let (channel, brake) = slow::channel(place, pass.tls.clone()).await.unwrap();
    (Line::open(channel).await, brake)
}

/// A policy of many bytes, and different each time.
async fn apply(desk: &mut Desk, number: u64, bytes: usize) {
    let text = format!("# {number}\n{}", "# a long line\n".repeat(bytes / 14));
    let asked = v1::ApplyPolicyRequest { text, ..v1::ApplyPolicyRequest::default() };
    desk.client.apply_policy(asked).await.unwrap();
}

#[tokio::test]
async fn who_does_not_read_costs_the_controller_no_memory_and_is_told_the_latest() {
    const CHANGES: u64 = 80;
    const BYTES: usize = 900 << 10;
    let folder = tempfile::tempdir().unwrap();
    let controller = Controller::found(folder.path(), &[]).await.unwrap();
    let mut desk = controller.desk().await.unwrap();
    let place = controller.place.clone();
    let (deaf, hears) =
        (agent(&place, &mut desk, "deaf").await, agent(&place, &mut desk, "hears").await);
    let mut good = Line::open(channel(place.clone(), hears.tls.clone()).await.unwrap()).await;
    let (mut line, brake) = slow_line(&place, &deaf).await;
    brake.let_go(0);
    // What the allocator keeps of the first ones is no growth.
    for number in 2..12 {
        apply(&mut desk, number, BYTES).await;
        good.until(number).await;
    }
    let before = controller.daemon().resident_kib().unwrap();
    for number in 12..12 + CHANGES {
        apply(&mut desk, number, BYTES).await;
        good.until(number).await;
    }
    let grown = controller.daemon().resident_kib().unwrap().saturating_sub(before);
    let all = CHANGES * BYTES as u64 / 1024;
    assert!(grown < all / 4, "{grown} KiB more after {all} KiB that nobody read");
    brake.let_go(usize::MAX);
    let words = line.until(11 + CHANGES).await;
    assert!(words < 10, "{words} words");
}

#[tokio::test]
async fn who_does_not_read_is_dropped_as_one_who_is_silent_while_others_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.server.data = folder.path().join("data");
    let clock: SharedClock = std::sync::Arc::new(SystemClock);
    let code = found(
        &config.server.data,
        ORGANISATION.parse().unwrap(),
        vec!["127.0.0.1:1".to_owned()],
        Secret::new("a passphrase of the tests"),
        certs::seal::Work::Little,
        "kim".parse().unwrap(),
        clock.now(),
    );
    let code = code.await.unwrap();
    let service = open(&config, clock).await.unwrap();
    let bounds = Bounds { silence: 6, ..Bounds::new(&config.limits) };
    let running = start(service, ([127, 0, 0, 1], 0).into(), bounds).await.unwrap();
    let place = Place { address: running.address, organisation: ORGANISATION.parse().unwrap() };
    let mut desk = Desk::log_in(&place, &code).await.unwrap();
    let mut passes = Vec::new();
    for site in ["deaf", "drips", "hears"] {
        passes.push(agent(&place, &mut desk, site).await);
    }
    let hears = channel(place.clone(), passes[2].tls.clone()).await.unwrap();
    let mut good = Line::open(hears).await;
    let (deaf, nothing) = slow_line(&place, &passes[0]).await;
    let (drips, little) = slow_line(&place, &passes[1]).await;
    nothing.let_go(0);
    little.let_go(0);
    let is_there = async |desk: &mut Desk, site: &str| {
        let asked = v1::ListAgentsRequest { site: site.to_owned() };
        let agents = desk.client.list_agents(asked).await.unwrap().into_inner().agents;
        agents[0].state() == v1::AgentState::Online
    };
    // Each round is some work for the controller; the two are dropped long before the rounds are over.
    let mut rounds = 1..500_000_u64;
    let mut dropped = false;
    while !dropped && let Some(round) = rounds.next() {
        little.let_go(1);
        good.say.send(v1::AgentStatus::default()).await.unwrap();
        if round < 40 {
            apply(&mut desk, round, 64 << 10).await;
            good.until(1 + round).await;
        }
        dropped = !is_there(&mut desk, "deaf").await && !is_there(&mut desk, "drips").await;
    }
    assert!(dropped, "nobody was dropped");
    assert!(is_there(&mut desk, "hears").await);
    for mut gone in [deaf, drips] {
        nothing.let_go(usize::MAX);
        little.let_go(usize::MAX);
        while let Ok(Some(_)) = gone.hear.message().await {}
    }
    running.stop().await;
}
