//! An agent's stream in both directions as one thing to poll, so that a connected agent costs no task and no queue of its
//! own.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use proto::wire::v1;
use tokio_stream::Stream;
use tonic::{Status, Streaming};

use super::agent_wire::{instruction, told};
use super::status::malformed;
use crate::service::watch::Watch;

/// What is taken from an agent before others get their turn.
const AT_A_TIME: usize = 16;

/// See the module.
pub struct WatchStream {
    told: Streaming<v1::AgentStatus>,
    watch: Watch,
}

impl fmt::Debug for WatchStream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "WatchStream({:?})", self.watch)
    }
}

impl WatchStream {
    /// What the agent says, and its line.
    pub fn new(told: Streaming<v1::AgentStatus>, watch: Watch) -> Self {
        Self { told, watch }
    }

    /// Takes what has come. `Ready` when the stream is over.
    fn listen(&mut self, context: &mut Context<'_>) -> Poll<Option<Status>> {
        for _ in 0..AT_A_TIME {
            match Pin::new(&mut self.told).poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(status))) => return Poll::Ready(Some(status)),
                Poll::Ready(Some(Ok(status))) => match told(status) {
                    Ok(status) => self.watch.told(status),
                    Err(error) => return Poll::Ready(Some(malformed(error))),
                },
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Stream for WatchStream {
    type Item = Result<v1::Instruction, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(over) = self.listen(context) {
            return Poll::Ready(over.map(Err));
        }
        self.watch.poll_next(context).map(|said| said.map(|said| Ok(instruction(said))))
    }
}
