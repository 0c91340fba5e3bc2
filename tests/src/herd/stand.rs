//! One agent of the herd on its stream: it takes what should be, says what it holds, and does every order at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use anyhow::Context as _;
use certs::random::digest;
use prost::Message as _;
use proto::wire::v1::agent_client::AgentClient;
use proto::wire::v1::{AgentStatus, Instruction};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

/// What all agents of a herd have come to, together.
#[derive(Debug, Default)]
pub struct Tally {
    /// Streams on which the first instruction has come.
    pub joined: AtomicUsize,
    /// Streams that ended.
    pub ended: AtomicUsize,
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

/// An agent on its stream. Dropped, it hangs up.
#[derive(Debug)]
pub struct Stand(JoinHandle<()>);

impl Drop for Stand {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Stand {
    /// Opens the stream and waits for the first instruction.
    ///
    /// # Errors
    /// When the controller does not answer.
    pub async fn open(channel: Channel, tally: Arc<Tally>) -> anyhow::Result<Self> {
        let (send, receive) = mpsc::channel(4);
        let mut status = AgentStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            time_known: true,
            ..AgentStatus::default()
        };
        send.send(status.clone()).await?;
        let reply = AgentClient::new(channel).watch(ReceiverStream::new(receive)).await?;
        let mut instructions = reply.into_inner();
        let first = instructions.next().await.context("the stream ended at once")??;
        tally.count(&tally.joined);
        Ok(Self(tokio::spawn(async move {
            let mut next = Some(first);
            while let Some(instruction) = next {
                if take(instruction, &mut status, &tally)
                    && send.send(status.clone()).await.is_err()
                {
                    break;
                }
                status.orders_done.clear();
                next = instructions.next().await.and_then(Result::ok);
            }
            tally.count(&tally.ended);
        })))
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
