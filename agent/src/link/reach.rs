//! Reaches the controller with an identity, and learns the time from it before any lifetime is judged by a clock that is
//! not believed.

use std::sync::Arc;

use certs::mutual::{Lifetimes, Trusting, client_config};
use certs::{Clock as _, Identity, SharedClock};
use proto::Timestamp;

use super::Link;
use super::dial::{Call, DialFault};
use super::enroll::PROGRAM_FLOOR;
use super::line::Line;
use crate::identity::Member;
use crate::timekeeper::Learned;

/// A controller that tells an impossible time is not believed in anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the controller tells a time at which its own certificate is not good, or that has passed")]
pub struct Absurd;

impl Link {
    /// Dials the controller. While the time is unknown, or if our clock says that the controller's certificate is not
    /// valid now, dates are not judged but for the time that has passed for certain: then the clock is what is doubted.
    pub(super) async fn reach(
        &self,
        member: &Member,
        identity: Option<&Identity>,
    ) -> Result<Line, DialFault> {
        let floor = self.clock.floor().max(Timestamp::from_unix(PROGRAM_FLOOR));
        let unjudged = || Lifetimes::Unjudged { floor };
        let clock: SharedClock = self.clock.clone();
        if !self.clock.is_known() {
            return Line::open(&call(member, identity, unjudged())?).await;
        }
        match Line::open(&call(member, identity, Lifetimes::Judged(clock))?).await {
            Err(DialFault::OutOfTime) => {
                tracing::warn!(
                    "the controller's certificate is not valid by this machine's clock, which is doubted"
                );
                Line::open(&call(member, identity, unjudged())?).await
            }
            dialled => dialled,
        }
    }

    /// Takes over the time that the controller told first on a line.
    pub(super) fn hear_first(&self, line: &Line, seconds: i64) -> Result<(), Absurd> {
        let time = Timestamp::from_unix(seconds);
        if line.vouches_for(time) && time.unix() == seconds {
            self.hear(seconds)
        } else {
            Err(Absurd)
        }
    }

    /// Takes over the time that the controller told.
    pub(super) fn hear(&self, seconds: i64) -> Result<(), Absurd> {
        match self.clock.learn(Timestamp::from_unix(seconds)) {
            Learned::Moved(by) => {
                if by.abs() > 60 {
                    tracing::warn!(seconds = by, "the controller's time is taken over");
                }
                self.standing.send_modify(|standing| standing.hear(self.clock.now()));
                Ok(())
            }
            Learned::BelowFloor(by) => {
                tracing::error!(
                    seconds = by,
                    "the controller's time lies before one that has passed"
                );
                Err(Absurd)
            }
        }
    }
}

fn call(
    member: &Member,
    identity: Option<&Identity>,
    lifetimes: Lifetimes,
) -> Result<Call, DialFault> {
    let trusting = Trusting::Bundle(member.trust.clone());
    let tls = client_config(&member.organisation, &trusting, identity, lifetimes);
    let tls: Arc<_> = tls.map_err(|error| DialFault::Untrusted(error.to_string()))?;
    Call::to(&member.organisation, &member.addresses, tls)
}
