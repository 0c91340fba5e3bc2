//! Holds one line to the controller with its Watch stream, for ever. A line that breaks is dialled again after a random
//! wait; one that uses an older certificate than the box has is replaced by a new one before it is given up, so that no
//! renewal drops the stream.

use std::sync::Arc;
use std::time::Duration;

use certs::Clock as _;
use proto::wire::v1;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use super::backoff::{Backoff, part};
use super::dial::DialFault;
use super::dice;
use super::fault::CallFault;
use super::line::Line;
use super::reach::Absurd;
use super::recover::Lapse;
use super::tell::Told;
use super::{Link, State};
use crate::store::StoreError;

/// A line that held for so long was a good one: the next wait is a short one again.
const GOOD: Duration = Duration::from_secs(60);
/// How often it is looked whether something of the status changed.
const LOOK: Duration = Duration::from_secs(60);
/// The first message of a stream comes at once; a controller that is silent for so long is none.
const FIRST_MESSAGE: Duration = Duration::from_secs(20);

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub(super) enum HoldFault {
    #[error("this agent's certificate has lapsed")]
    Lapsed,
    #[error(transparent)]
    Dial(#[from] DialFault),
    #[error(transparent)]
    Call(#[from] CallFault),
    #[error(transparent)]
    Absurd(#[from] Absurd),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An open stream.
struct Stream {
    line: Line,
    /// Of the certificate that the line uses.
    serial: String,
    statuses: mpsc::Sender<v1::AgentStatus>,
    instructions: Streaming<v1::Instruction>,
    told: Told,
    /// Come back on a new line then.
    leave: Option<Instant>,
}

enum Ended {
    Stopped,
    /// The controller sent us away, and we have waited for our part.
    Left,
    Broken(HoldFault),
}

impl Link {
    pub(super) async fn hold(self: &Arc<Self>, stop: &CancellationToken) {
        let mut backoff = Backoff::new(self.pace.first, self.pace.cap);
        let mut unwelcome = Backoff::new(self.pace.first, self.pace.unwelcome);
        loop {
            let began = Instant::now();
            let ended = self.one_line(stop).await;
            self.line.send_replace(None);
            if began.elapsed() >= GOOD {
                backoff.reset();
                unwelcome.reset();
            }
            let state = match ended {
                Ended::Stopped => return,
                // Sent away again and again, it waits as if the line had failed.
                Ended::Left if began.elapsed() >= GOOD => continue,
                Ended::Left => State::Offline,
                Ended::Broken(fault) => self.conclude(&fault).await,
            };
            let wait = match state {
                State::Online => continue,
                State::Locked | State::Refused => unwelcome.next(dice()),
                State::Offline | State::Recovering | State::Untrusted => backoff.next(dice()),
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn one_line(self: &Arc<Self>, stop: &CancellationToken) -> Ended {
        if self.has_lapsed() {
            return Ended::Broken(HoldFault::Lapsed);
        }
        let opened = tokio::select! {
            opened = self.open() => opened,
            () = stop.cancelled() => return Ended::Stopped,
        };
        match opened {
            Ok(stream) => self.serve(stream, stop).await,
            Err(fault) => Ended::Broken(fault),
        }
    }

    pub(super) fn has_lapsed(&self) -> bool {
        self.clock.is_known() && self.member.borrow().identity.not_after() <= self.clock.now()
    }

    /// What a broken line means, and the way back if that is what it takes. Says what the link is at now.
    async fn conclude(&self, fault: &HoldFault) -> State {
        let state = match fault {
            HoldFault::Lapsed => return self.find_back(Lapse::ByTheClock).await,
            // Refused without a reason: an authority that is trusted no more may have issued our certificate.
            HoldFault::Dial(DialFault::Expired | DialFault::Refused(_)) => {
                return self.find_back(Lapse::Told).await;
            }
            HoldFault::Dial(DialFault::Revoked)
            | HoldFault::Call(CallFault::Refused(_) | CallFault::Held(_)) => State::Refused,
            HoldFault::Dial(
                DialFault::Untrusted(_) | DialFault::OutOfTime | DialFault::Strange(_),
            )
            | HoldFault::Absurd(_) => State::Untrusted,
            HoldFault::Dial(DialFault::Unreachable(_))
            | HoldFault::Call(CallFault::Later(_))
            | HoldFault::Store(_) => State::Offline,
        };
        self.fail(state, fault);
        state
    }

    pub(super) fn fail(&self, state: State, fault: &dyn std::error::Error) {
        let (trouble, now) = (fault.to_string(), self.clock.now());
        self.standing.send_modify(|standing| {
            if standing.fail(state, trouble, now) {
                tracing::warn!(
                    ?state,
                    trouble = standing.trouble,
                    "there is no line to the controller"
                );
            }
        });
    }

    async fn open(&self) -> Result<Stream, HoldFault> {
        let member = self.member.borrow().clone();
        let serial = member.identity.serial().to_owned();
        let line = self.reach(&member, Some(&member.identity)).await?;
        let status = self.status().await?;
        let (statuses, outgoing) = mpsc::channel(2);
        let told = Told::new(status.clone());
        // There is room for two, and nobody else has sent any.
        let _ = statuses.try_send(status);
        let mut agent = line.agent();
        let opening = async {
            let opened = agent.watch(ReceiverStream::new(outgoing)).await?;
            let mut instructions = opened.into_inner();
            let first = instructions.message().await?;
            Ok::<_, tonic::Status>((instructions, first))
        };
        let silent = |_| CallFault::Later("it did not say anything".to_owned());
        let opened = timeout(FIRST_MESSAGE, opening).await.map_err(silent)?;
        let (instructions, first) = opened.map_err(CallFault::from)?;
        let first = first.ok_or_else(|| CallFault::Later("it ended the stream".to_owned()))?;
        self.hear_first(&line, first.time)?;
        tracing::info!("there is a line to the controller");
        let mut stream = Stream { line, serial, statuses, instructions, told, leave: None };
        self.taken(&mut stream, first).await;
        self.line.send_replace(Some(stream.line.clone()));
        Ok(stream)
    }

    async fn taken(&self, stream: &mut Stream, message: v1::Instruction) {
        if let Some(within) = self.take(message).await {
            stream.leave = Some(Instant::now() + part(within, dice()));
        }
    }

    async fn serve(self: &Arc<Self>, mut stream: Stream, stop: &CancellationToken) -> Ended {
        let (mut look, mut members) = (interval(LOOK), self.member.subscribe());
        let mut retry = Backoff::new(self.pace.first, self.pace.cap);
        let mut succeed_at = None;
        loop {
            let never = Instant::now() + Duration::from_secs(86_400);
            tokio::select! {
                () = stop.cancelled() => return self.say_goodbye(stream).await,
                message = stream.instructions.message() => {
                    let message = match message {
                        Ok(Some(message)) => message,
                        Ok(None) => return broken(CallFault::Later("it ended the stream".to_owned())),
                        Err(status) => return broken(status.into()),
                    };
                    if let Err(absurd) = self.hear(message.time) {
                        return Ended::Broken(absurd.into());
                    }
                    self.taken(&mut stream, message).await;
                }
                () = self.news.notified() => {}
                _ = look.tick() => {}
                _ = members.changed() => {
                    if members.borrow_and_update().identity.serial() != stream.serial {
                        succeed_at = Some(Instant::now());
                    }
                }
                () = sleep_until(succeed_at.unwrap_or(never)), if succeed_at.is_some() => {
                    match self.open().await {
                        Ok(next) => (stream, succeed_at) = (next, None),
                        Err(fault) => {
                            tracing::warn!(%fault, "the new certificate has no line yet; the old line stays");
                            succeed_at = Some(Instant::now() + retry.next(dice()));
                        }
                    }
                }
                () = sleep_until(stream.leave.unwrap_or(never)), if stream.leave.is_some() => {
                    return Ended::Left;
                }
            }
            match self.status().await {
                Ok(status) => stream.tell(status, &self.pace),
                Err(fault) => return Ended::Broken(fault.into()),
            }
        }
    }

    /// Tells the last of it, and ends the stream in order, so that the controller knows at once that we left.
    async fn say_goodbye(&self, mut stream: Stream) -> Ended {
        if let Ok(status) = self.status().await {
            stream.tell(status, &self.pace);
        }
        drop(stream.statuses);
        let end = async { while let Ok(Some(_)) = stream.instructions.message().await {} };
        let _ = timeout(Duration::from_secs(2), end).await;
        Ended::Stopped
    }
}

impl Stream {
    fn tell(&mut self, status: v1::AgentStatus, pace: &super::Pace) {
        // With two on their way already, the next look tells it.
        if self.told.is_due(&status, pace) && self.statuses.try_send(status.clone()).is_ok() {
            self.told = Told::new(status);
        }
    }
}

fn broken(fault: CallFault) -> Ended {
    Ended::Broken(fault.into())
}
