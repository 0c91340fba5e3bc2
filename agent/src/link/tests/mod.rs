//! The link against a controller made of hooks: real TLS, gRPC, store and files.

mod escrow;
mod identity;
mod issuer;
mod recovery;
mod stream;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use certs::audit::ChainHead;
use proto::Timestamp;
use proto::wire::v1;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::fake::{Fake, hook};
use super::testing::Stands;
use super::{Link, Pace, Standing, State, entry};
use crate::clock::AgentClock;
use crate::custody::Custody;
use crate::identity::testing::{Acme, START};
use crate::identity::{Folder, Member};
use crate::store::{Options, Store};

/// Waits end at once, and nothing is told or uploaded merely because time passed.
pub(crate) const HASTE: Pace = Pace {
    first: Duration::from_millis(1),
    cap: Duration::from_millis(5),
    unwelcome: Duration::from_millis(5),
    upload: Duration::from_secs(3600),
    tell: Duration::from_secs(3600),
    look: Duration::from_millis(1),
};

/// An agent with its link under way.
struct Rig {
    fake: Arc<Fake>,
    folder: Arc<Folder>,
    clock: Arc<AgentClock>,
    store: Store,
    link: Arc<Link>,
    streams: mpsc::Receiver<Stream>,
    stop: CancellationToken,
    data: tempfile::TempDir,
}

/// The controller's end of a stream.
struct Stream {
    statuses: mpsc::Receiver<v1::AgentStatus>,
    instructions: mpsc::Sender<Result<v1::Instruction, Status>>,
}

impl Stream {
    async fn status(&mut self) -> v1::AgentStatus {
        self.statuses.recv().await.expect("the stream goes on")
    }

    async fn say(&self, instruction: v1::Instruction) {
        self.instructions.send(Ok(instruction)).await.unwrap();
    }
}

/// What the controller says if it has nothing to say.
fn nothing(time: i64) -> v1::Instruction {
    v1::Instruction { time, ..v1::Instruction::default() }
}

/// The controller's time, and what the agent's system clock shows.
struct Times {
    controller: i64,
    agent: i64,
}

impl Rig {
    async fn start() -> Self {
        Self::start_at(Times { controller: START, agent: START }).await
    }

    /// The agent was enrolled at [`START`].
    async fn start_at(times: Times) -> Self {
        let fake = Fake::new(Acme::new());
        let address = fake.serve_at(times.controller).await;
        let member = Member { addresses: vec![address], ..fake.acme.member() };
        let data = tempfile::tempdir().unwrap();
        Folder::within(data.path()).keep_member(&member).unwrap();
        let (give, streams) = mpsc::channel(8);
        hook(&fake.watch, move |mut incoming: tonic::Streaming<v1::AgentStatus>| {
            let (instructions, outgoing) = mpsc::channel(8);
            let (told, statuses) = mpsc::channel(8);
            instructions.try_send(Ok(nothing(times.controller))).unwrap();
            tokio::spawn(async move {
                while let Ok(Some(status)) = incoming.message().await {
                    let _ = told.send(status).await;
                }
            });
            give.try_send(Stream { statuses, instructions }).unwrap();
            Ok(outgoing)
        });
        Self::on(fake, data, streams, times.agent).await
    }

    /// The process was killed, and is started again on the same data.
    async fn again(self, running: Option<tokio::task::JoinHandle<()>>) -> Self {
        if let Some(running) = running {
            running.abort();
            assert!(running.await.unwrap_err().is_cancelled());
        }
        let Self { fake, streams, store, data, .. } = self;
        store.close().await;
        Self::on(fake, data, streams, START).await
    }

    async fn on(
        fake: Arc<Fake>,
        data: tempfile::TempDir,
        streams: mpsc::Receiver<Stream>,
        time: i64,
    ) -> Self {
        let folder = Arc::new(Folder::within(data.path()));
        let member = folder.member().unwrap().unwrap();
        let store = Store::open(Options::new(data.path().to_owned(), entry::audit)).await.unwrap();
        let floor = Timestamp::from_unix(START);
        let clock = AgentClock::new(Arc::new(Stands(time)), Box::new(|| 0), floor);
        let clock = Arc::new(clock);
        let parts = (folder.clone(), member, clock.clone(), store.clone());
        let kept = (ChainHead::default(), Custody::within(data.path()));
        let link = Link::new(parts.0, parts.1, parts.2, parts.3, kept, HASTE);
        let link = link.await.unwrap();
        let stop = CancellationToken::new();
        Self { fake, folder, clock, store, link, streams, stop, data }
    }

    /// Lets the link go on by itself.
    fn go(&self) -> tokio::task::JoinHandle<()> {
        let (link, stop) = (self.link.clone(), self.stop.clone());
        tokio::spawn(async move { link.run(&stop).await })
    }

    async fn stream(&mut self) -> Stream {
        self.streams.recv().await.expect("the controller goes on")
    }

    async fn until(&self, state: State) -> Standing {
        wait(self.link.standing(), |standing| standing.state == state).await
    }
}

async fn wait<T: Clone>(mut receiver: watch::Receiver<T>, wanted: impl FnMut(&T) -> bool) -> T {
    receiver.wait_for(wanted).await.expect("the link goes on").clone()
}
