//! One agent of the herd on its stream: it takes what should be, says what it holds, and does every order at once. When
//! the stream ends it dials again, with the spread that agents keep to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use certs::random::digest;
use prost::Message as _;
use proto::wire::v1::agent_client::AgentClient;
use proto::wire::v1::{AgentStatus, Instruction};
use rustls::ClientConfig;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::dial::{Place, channel};

/// The longest wait before dialling again grows from this to [`MOST_WAIT`], doubling; each wait is a random part of it.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const MOST_WAIT: Duration = Duration::from_secs(30);

/// What all agents of a herd have come to, together.
#[derive(Debug, Default)]
pub struct Tally {
    /// Streams that are open and have brought their first instruction.
    pub standing: AtomicUsize,
    /// Times that dialling failed.
    pub refused: AtomicUsize,
    /// Orders done.
    pub orders: AtomicUsize,
    /// Agents that hold a desired state whose policy is as long as [`Self::wanted_length`] says.
    pub holding: AtomicUsize,
    /// See [`Self::holding`].
    pub wanted_length: AtomicU64,
    changed: Notify,
}

impl Tally {
    fn count(&self, what: &AtomicUsize) {
        what.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Waits until `done` says so. Looked at whenever something changes.
    pub async fn until(&self, done: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            if done(self) {
                return;
            }
            changed.await;
        }
    }
}

/// An agent that stands on its stream for as long as this is kept.
#[derive(Debug)]
pub struct Stand(JoinHandle<()>);

impl Drop for Stand {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Stand {
    /// Dials, waits for the first instruction, and stays.
    ///
    /// # Errors
    /// When the first attempt fails.
    pub async fn take_up(
        place: Place,
        tls: Arc<ClientConfig>,
        tally: Arc<Tally>,
    ) -> anyhow::Result<Self> {
        let first = Stream::open(&place, &tls, &tally).await?;
        Ok(Self(tokio::spawn(async move {
            let mut stream = Some(first);
            let mut most = FIRST_WAIT;
            loop {
                match stream.take() {
                    Some(stream) => {
                        stream.stay(&tally).await;
                        most = FIRST_WAIT;
                    }
                    None => tally.count(&tally.refused),
                }
                tokio::time::sleep(most.mul_f64(part())).await;
                most = MOST_WAIT.min(most * 2);
                stream = Stream::open(&place, &tls, &tally).await.ok();
            }
        })))
    }
}

/// A random number between 0 and 1.
fn part() -> f64 {
    let bytes = certs::random::bytes::<4>().unwrap_or([128; 4]);
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}

struct Stream {
    send: mpsc::Sender<AgentStatus>,
    instructions: Streaming<Instruction>,
    first: Instruction,
    status: AgentStatus,
}

impl Stream {
    async fn open(place: &Place, tls: &Arc<ClientConfig>, tally: &Tally) -> anyhow::Result<Self> {
        let channel = channel(place.clone(), tls.clone()).await?;
        let (send, receive) = mpsc::channel(4);
        let status = AgentStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            time_known: true,
            ..AgentStatus::default()
        };
        send.send(status.clone()).await?;
        let reply = AgentClient::new(channel).watch(ReceiverStream::new(receive)).await?;
        let mut instructions = reply.into_inner();
        let first = instructions.next().await.context("the stream ended at once")??;
        tally.count(&tally.standing);
        Ok(Self { send, instructions, first, status })
    }

    async fn stay(self, tally: &Tally) {
        let Self { send, mut instructions, first, mut status } = self;
        let mut next = Some(first);
        while let Some(instruction) = next {
            if take(instruction, &mut status, tally) && send.send(status.clone()).await.is_err() {
                break;
            }
            status.orders_done.clear();
            next = instructions.next().await.and_then(Result::ok);
        }
        tally.standing.fetch_sub(1, Ordering::SeqCst);
        tally.changed.notify_waiters();
    }
}

/// Whether there is something to tell afterwards.
fn take(instruction: Instruction, status: &mut AgentStatus, tally: &Tally) -> bool {
    let mut news = false;
    if let Some(desired) = instruction.desired {
        status.generation = desired.generation;
        status.desired_digest = digest(&desired.encode_to_vec()).to_vec();
        let wanted = tally.wanted_length.load(Ordering::SeqCst);
        if wanted > 0 && desired.policy.len() as u64 == wanted {
            tally.count(&tally.holding);
        }
        news = true;
    }
    if let Some(trust) = instruction.trust {
        status.trust_generation = trust.generation;
        news = true;
    }
    for order in instruction.orders {
        status.orders_done.push(order.id);
        tally.count(&tally.orders);
        news = true;
    }
    news
}
