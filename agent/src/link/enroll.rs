//! Becoming a site's agent: with a ticket that somebody carried here, or by showing a short code that an operator
//! approves. Keys are on disk before the request goes out, so a lost answer is asked for again with the same keys and
//! is the same answer. The first contact is held to the root that was named; nothing that was not checked is kept.

use std::sync::Arc;
use std::time::Duration;

use certs::approval::Code;
use certs::join_state::binding_message;
use certs::mutual::{Lifetimes, Trusting, client_config};
use certs::trust::RootPin;
use certs::{SharedClock, request};
use proto::text::printable;
use proto::wire::v1;
use proto::wire::v1::enroll_reply::Outcome;
use proto::{Organisation, Secret, Timestamp};
use tokio::time::sleep;

use super::backoff::{Backoff, part};
use super::dial::{Call, DialFault};
use super::dice;
use super::fault::CallFault;
use super::line::{Line, patient};
use super::reply::{Asked, BadReply, enrolled};
use crate::identity::{Applicant, Folder, IdentityError, Member};
use crate::store::pooled;

/// It is later than this: nothing that this program can meet was made before it.
pub const PROGRAM_FLOOR: i64 = 1_795_000_000;
/// Failures in a row before it is given up.
const MOST_FAILURES: u32 = 5;
/// Longest name of a machine that is sent, in characters.
const MAX_HOST: usize = 64;

/// Who asks, where, and by what right.
#[derive(Clone, Debug)]
pub struct Application {
    /// Whose agent it is to be.
    pub organisation: Organisation,
    /// Where the controller is.
    pub addresses: Vec<String>,
    /// The root that it must lead to.
    pub pin: RootPin,
    /// The ticket's secret; without one, an operator has to approve.
    pub token: Option<Secret>,
    /// What tells this enrolment from others, so that only its own keys are used again.
    pub purpose: [u8; 32],
    /// What the machine calls itself.
    pub host: String,
    /// The first and the longest wait before it is asked again.
    pub pace: (Duration, Duration),
}

/// How a person at the box likes to wait.
pub const USUAL_PACE: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// Why the box is no agent yet.
#[derive(Debug, thiserror::Error)]
pub enum EnrollFault {
    /// No connection.
    #[error(transparent)]
    Dial(#[from] DialFault),
    /// No answer, or a refusal.
    #[error(transparent)]
    Call(#[from] CallFault),
    /// An answer that was not kept.
    #[error(transparent)]
    Reply(#[from] BadReply),
    /// The disk.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// TLS settings or a request could not be made.
    #[error("the keys cannot be used: {0}")]
    Keys(String),
    /// Nobody approved in time.
    #[error("nobody approved the request in time; run the command again to ask anew")]
    NotApproved,
}

/// What a person at the box should hear meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// This code is to be approved until then.
    Approve(Code, Timestamp),
    /// It is tried again, because of this.
    Again(String),
}

/// Asks to become an agent, until there is an answer. Nothing of it is kept yet but the keys: that is [`keep`].
///
/// # Errors
/// [`EnrollFault`]. Whatever it is, asking again with the same ticket is safe.
pub async fn ask(
    folder: &Arc<Folder>,
    application: &Application,
    clock: &SharedClock,
    tell: &mut dyn FnMut(Word),
) -> Result<Member, EnrollFault> {
    let applicant = applicant(folder, application.purpose).await?;
    let (first, longest) = application.pace;
    let mut asking = Asking { application, applicant: &applicant, clock, line: None };
    let mut backoff = Backoff::new(first, longest);
    let (mut failures, mut expires) = (0, None);
    loop {
        let fault = match asking.ask().await {
            Ok(Answer::Member(member)) => return Ok(*member),
            Ok(Answer::Pending { again, until }) => {
                match expires {
                    // The same key got a later time: the request was forgotten, and this was another.
                    Some(first) if first != until => return Err(EnrollFault::NotApproved),
                    Some(_) => {}
                    None => tell(Word::Approve(Code::of(applicant.key.hash()), until)),
                }
                expires = Some(until);
                failures = 0;
                backoff.reset();
                let again = again.min(longest);
                sleep(again + part(again / 4, dice())).await;
                continue;
            }
            Err(fault) => fault,
        };
        failures += 1;
        if !may_pass(&fault) || (expires.is_none() && failures >= MOST_FAILURES) {
            return Err(fault);
        }
        asking.line = None;
        tell(Word::Again(fault.to_string()));
        sleep(backoff.next(dice())).await;
    }
}

/// Whether the same request may succeed later.
fn may_pass(fault: &EnrollFault) -> bool {
    match fault {
        EnrollFault::Dial(DialFault::Unreachable(_)) | EnrollFault::Call(CallFault::Later(_)) => {
            true
        }
        EnrollFault::Dial(_)
        | EnrollFault::Call(CallFault::Held(_) | CallFault::Refused(_))
        | EnrollFault::Reply(_)
        | EnrollFault::Identity(_)
        | EnrollFault::Keys(_)
        | EnrollFault::NotApproved => false,
    }
}

/// The keys of this enrolment: those that are kept for it, or new ones, which are kept first.
async fn applicant(folder: &Arc<Folder>, purpose: [u8; 32]) -> Result<Applicant, IdentityError> {
    let folder = folder.clone();
    on_disk(move || {
        if let Some(applicant) = folder.applicant()?.filter(|it| it.purpose == purpose) {
            return Ok(applicant);
        }
        let applicant = Applicant::fresh(purpose)?;
        folder.keep_applicant(Some(&applicant))?;
        Ok(applicant)
    })
    .await
}

/// From now on the box is this agent, and nothing of a former one's renewals is left.
///
/// # Errors
/// [`IdentityError`]; then the same answer can be asked for again.
pub async fn keep(folder: &Arc<Folder>, member: Member) -> Result<Member, IdentityError> {
    let folder = folder.clone();
    on_disk(move || {
        folder.keep_member(&member)?;
        folder.keep_next(None)?;
        folder.keep_applicant(None)?;
        Ok(member)
    })
    .await
}

/// Work on the identity's files, off the runtime's thread.
pub(super) async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IdentityError> + Send + 'static,
) -> Result<T, IdentityError> {
    pooled(move || Ok(work())).await?
}

enum Answer {
    Member(Box<Member>),
    Pending { again: Duration, until: Timestamp },
}

struct Asking<'a> {
    application: &'a Application,
    applicant: &'a Applicant,
    clock: &'a SharedClock,
    line: Option<Line>,
}

impl Asking<'_> {
    async fn ask(&mut self) -> Result<Answer, EnrollFault> {
        let request = self.request()?;
        let line = match self.line.take() {
            Some(line) => line,
            None => self.dial().await?,
        };
        let reply = line.enrollment().enroll(patient(request)).await.map_err(CallFault::from)?;
        self.line = Some(line);
        match reply.into_inner().outcome {
            Some(Outcome::Joined(joined)) => {
                let jitter = certs::renewal::jitter(dice());
                let asked = Asked {
                    organisation: &self.application.organisation,
                    pin: self.application.pin,
                    addresses: &self.application.addresses,
                    applicant: self.applicant,
                    jitter,
                };
                Ok(Answer::Member(Box::new(enrolled(joined, &asked)?)))
            }
            Some(Outcome::Pending(pending)) => {
                let again = Duration::from_secs(u64::from(pending.retry_after).max(1));
                let until = Timestamp::from_unix(pending.expires_at);
                Ok(Answer::Pending { again, until })
            }
            None => {
                Err(EnrollFault::Call(CallFault::Refused("it gave an empty answer".to_owned())))
            }
        }
    }

    fn request(&self) -> Result<v1::EnrollRequest, EnrollFault> {
        let keys = |error: certs::key::KeyError| EnrollFault::Keys(error.to_string());
        let certificate_request = request::make(&self.applicant.key).map_err(keys)?;
        let recovery = &self.applicant.recovery;
        let recovery_proof = recovery.sign(&binding_message(&certificate_request)).map_err(keys)?;
        let token = self.application.token.as_ref();
        Ok(v1::EnrollRequest {
            token_secret: token.map(|token| token.expose().to_owned()).unwrap_or_default(),
            certificate_request,
            recovery_key: recovery.spki().to_vec(),
            recovery_proof,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: printable(&self.application.host, MAX_HOST),
        })
    }

    /// If our clock says that the controller's certificate is not valid now, the clock is doubted once: the pin alone
    /// decides, and the controller tells the time.
    async fn dial(&self) -> Result<Line, EnrollFault> {
        match self.dial_judging(Lifetimes::Judged(self.clock.clone())).await {
            Err(EnrollFault::Dial(DialFault::OutOfTime)) => {
                let floor = Timestamp::from_unix(PROGRAM_FLOOR);
                self.dial_judging(Lifetimes::Unjudged { floor }).await
            }
            dialled => dialled,
        }
    }

    async fn dial_judging(&self, lifetimes: Lifetimes) -> Result<Line, EnrollFault> {
        let organisation = &self.application.organisation;
        let trusting = Trusting::Pin(self.application.pin);
        let tls = client_config(organisation, &trusting, None, lifetimes)
            .map_err(|error| EnrollFault::Keys(error.to_string()))?;
        let call = Call::to(organisation, &self.application.addresses, tls)?;
        Ok(Line::open(&call).await?)
    }
}

#[cfg(test)]
#[path = "enroll_tests.rs"]
mod tests;
