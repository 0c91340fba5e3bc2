//! What a camera shows to somebody who logs in, and the two questions that may cost a failed log-in.
//!
//! A refused log-in is never repeated. A camera may lock out after five failures (guide, measure 8), and its log sums up
//! the failures of an hour in one row. So a question that may fail is asked only if the camera's own log shows no other
//! failure of ours for a good while, and one visit costs one failure at most.

use std::net::IpAddr;
use std::sync::Arc;

use proto::Secret;

use super::super::Dialects;
use super::super::crypt::FACTORY_PASSWORD;
use super::super::export::Export;
use super::super::identify;
use super::configuration::{self, Keep};
use super::findings::Findings;
use super::stranger::Outside;
use super::{NOTHING, REMOTE, VIEW, WEB_LOG};
use crate::device::http::{Answer, Ask, Browser, Challenges, NoSession, Reply, Session};
use crate::device::{Fault, Login, Snapshot, Target, Trials};
use crate::facts::{Account, BasicLogin, CameraFacts, Fact, WebLogSummary};

/// How long a failure may count towards a lock-out, in seconds: twelve times what a camera comes with (guide, measure 8).
const MEMORY: i64 = 12 * 60 * 60;
/// How a camera leaves the factory.
const FACTORY: (&str, &str) = ("admin", FACTORY_PASSWORD);
/// A clock that is further off can make a camera refuse a right password; in seconds.
const CLOCK_TOLERANCE: i64 = 300;

/// Whether a question cost a failed log-in, as far as we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    Yes,
    No,
}

/// What was read behind the door.
#[derive(Debug)]
pub struct Inside {
    pub export: Export,
    pub findings: Findings,
    /// The configuration, where it was to be brought along.
    pub configuration: Option<Snapshot>,
}

/// Somebody with a login, before the door.
pub struct Visitor<'a> {
    pub target: &'a Target,
    pub login: &'a Login,
    pub challenges: &'a Challenges,
    pub outside: &'a Outside,
    /// The address of ours that the camera sees, if it is known.
    pub own: Option<IpAddr>,
}

/// Reads a camera that gives its configuration to everybody.
///
/// # Errors
/// A fault if the configuration makes no sense.
pub async fn read_open(
    browser: &mut Browser,
    outside: &Outside,
    own: Option<IpAddr>,
    (dialects, keep): (&Arc<Dialects>, Keep),
) -> Result<Inside, Fault> {
    let reason = "the camera asked for no login";
    let mut findings = Findings::none(reason);
    let log = browser.ask(Ask::get(WEB_LOG)).await;
    findings.web_log = findings.read_log(log.map(Answer::Admitted), outside, own);
    let (export, configuration) =
        configuration::read(outside.remote.clone(), dialects, keep).await?;
    Ok(Inside { export, findings, configuration })
}

impl Visitor<'_> {
    /// Logs in and reads.
    ///
    /// # Errors
    /// A fault if the log-in is refused, or if the configuration cannot be read.
    pub async fn read(
        &self,
        browser: &mut Browser,
        dialects: &Arc<Dialects>,
        keep: Keep,
    ) -> Result<Inside, Fault> {
        let place = configuration::place().await;
        let (mut session, body, mut findings) = self.log_in(browser).await?;
        // The camera's log comes over the wire while the hashes of its configuration are reckoned.
        let log = browser.ask_as(&mut session, Ask::get(WEB_LOG));
        let (export, log) = tokio::join!(configuration::read(body, dialects, keep), log);
        drop(place);
        let (export, configuration) = export?;
        let welcome = !matches!(log, Ok(Answer::Refused(_)));
        findings.web_log = findings.read_log(log, self.outside, self.own);
        if welcome {
            let spent = self.try_factory(browser, &export.facts, &mut findings).await;
            self.try_basic(browser, &session, spent, &mut findings).await;
        } else {
            findings.basic_login = Fact::unreadable("not tried: the camera refused us its log");
        }
        Ok(Inside { export, findings, configuration })
    }

    /// Logs in, once, by asking for the configuration.
    pub async fn log_in(
        &self,
        browser: &mut Browser,
    ) -> Result<(Session, Vec<u8>, Findings), Fault> {
        let mut session = Session::begin(self.login, self.challenges, browser.is_private())
            .map_err(|reason| self.cannot_log_in(reason, browser))?;
        let body = match browser.ask_as(&mut session, Ask::post(REMOTE, VIEW)).await? {
            Answer::Admitted(reply) => self.configuration(reply)?,
            Answer::Refused(reply) if reply.challenges().stale() => return Err(self.stale()),
            Answer::Refused(_) | Answer::Renewed => return Err(self.refused()),
        };
        let mut findings = Findings::none("not tried");
        let broken = self.target.password_rules.shortfalls(&self.login.password);
        findings.login_password = Fact::Seen(broken);
        let text = format!("let in with {}", session.scheme());
        findings.evidence.note("login_password", format!("POST {REMOTE}"), &text);
        let factory = self.login.password.expose() == FACTORY.1;
        findings.factory.push((self.login.user.clone(), factory));
        Ok((session, body, findings))
    }

    fn configuration(&self, reply: Reply) -> Result<Vec<u8>, Fault> {
        let doing = format!("reading the configuration of {}", self.target.address);
        match reply.status {
            200 => Ok(reply.body),
            403 => Err(Fault::Refused(format!(
                "{doing}: {:?} may log in but not read it (HTTP 403); use an account of the group admins, and check \
                 the IP access list",
                self.login.user
            ))),
            500..600 => Err(Fault::Rejected(format!(
                "{doing}: the camera answered HTTP {}; it is starting or overloaded, try again in some minutes",
                reply.status
            ))),
            status => Err(Fault::Unsupported(format!(
                "{doing}: the camera answered HTTP {status}; audit its exported configuration instead"
            ))),
        }
    }

    fn cannot_log_in(&self, reason: NoSession, browser: &Browser) -> Fault {
        let doing = format!("logging in to {}", self.target.address);
        match reason {
            NoSession::Readable => match browser.witness().pin() {
                Some(pin) => Fault::Refused(format!(
                    "{doing}: the camera takes only Basic, which tells the password to whoever answers, and nobody \
                     vouches for the certificate that answered; it was not sent. If {pin} is the camera's, give it as \
                     the pin, or allow Basic in clear by name (basic_in_clear)"
                )),
                None => Fault::Refused(format!(
                    "{doing}: the camera takes only Basic, and without TLS everybody on the way could read the \
                     password; it was not sent. Use https:// with the camera's pin, or allow Basic in clear by name \
                     (basic_in_clear)"
                )),
            },
            NoSession::Unknown => Fault::Unsupported(format!(
                "{doing}: the camera offers no way to log in that we know; credentials were not sent. Audit its \
                 exported configuration instead"
            )),
        }
    }

    /// A device that calls a nonce stale has not looked at the password.
    fn stale(&self) -> Fault {
        Fault::Nonsense(format!(
            "logging in to {} as {:?}: the camera calls each of its challenges stale as soon as it is answered, which \
             tells nothing about the password; restart it, or audit its exported configuration",
            self.target.address, self.login.user
        ))
    }

    fn refused(&self) -> Fault {
        let clock = match self.outside.clock_offset {
            Fact::Seen(offset) if offset.abs() > CLOCK_TOLERANCE => format!(
                "; its clock is {} minutes {} ours, and a wrong clock can make it refuse a right password: set that first",
                offset.abs() / 60,
                if offset > 0 { "ahead of" } else { "behind" }
            ),
            _ => String::new(),
        };
        Fault::Refused(format!(
            "logging in to {} as {:?}: the camera refused it, and it is not tried again, since it may lock us out. \
             Check the user and the password{clock}",
            self.target.address, self.login.user
        ))
    }

    /// Why a question that may fail must not be asked; `None` if it may.
    fn forbids(&self, log: &Fact<WebLogSummary>) -> Option<&'static str> {
        if self.target.trials == Trials::Spared {
            return Some("not tried: an earlier visit has the answer");
        }
        let Some(log) = log.seen() else {
            return Some(
                "not tried: without the camera's log, how close its lock-out is cannot be told",
            );
        };
        if log.cut || log.odd_rows > 0 {
            return Some(
                "not tried: not all of the camera's log was understood, so that how close its lock-out is cannot be told",
            );
        }
        // Our own visit stands in it, at its end, unless the camera sees us by another address.
        let Some((ours, now)) = self.own.and_then(|own| log.sources.get(&own)).zip(log.newest)
        else {
            return Some(
                "not tried: the camera's log does not show our address, so that how close its lock-out is cannot be told",
            );
        };
        let recent = ours.last_failed.is_some_and(|last| now.seconds_since(last) < MEMORY);
        recent.then_some(
            "not tried: the camera's log shows a failed log-in of our address in its last 12 hours, and another might \
             lock us out; audit again after that",
        )
    }

    /// A log-in with Basic where only Digest is offered, unless this visit has already spent its failure.
    pub async fn try_basic(
        &self,
        browser: &mut Browser,
        session: &Session,
        spent: Spent,
        findings: &mut Findings,
    ) {
        if self.challenges.basic() {
            findings.basic_login = if session.scheme() == "basic" {
                Fact::Seen(BasicLogin::Accepted)
            } else {
                Fact::unreadable("not tried: the camera offers Basic itself")
            };
            return;
        }
        let spent = (spent == Spent::Yes).then_some(
            "not tried: the one failure that a visit may cost went into the factory password",
        );
        if let Some(reason) = spent.or_else(|| self.forbids(&findings.web_log)) {
            findings.basic_login = Fact::unreadable(reason);
            return;
        }
        let Ok(mut basic) = Session::basic_unasked(self.login, browser.is_private()) else {
            findings.basic_login = Fact::unreadable(if browser.tls() {
                "not tried: the password would go readable to whoever answers, and no pin vouches for the camera's \
                 certificate; audit with its pin"
            } else {
                "not tried: without TLS everybody on the way could read the password"
            });
            return;
        };
        let answer = browser.ask_as(&mut basic, Ask::post(REMOTE, NOTHING)).await;
        let (login, text) = match answer {
            Ok(Answer::Refused(reply)) => {
                (Fact::Seen(BasicLogin::Refused), format!("HTTP {}", reply.status))
            }
            Ok(Answer::Admitted(reply)) if let_in(&reply) => {
                (Fact::Seen(BasicLogin::Accepted), format!("HTTP {}", reply.status))
            }
            Ok(Answer::Admitted(reply)) => {
                let text = format!("HTTP {}", reply.status);
                let reason = format!("the camera answered {text} and nothing of its configuration");
                (Fact::Unreadable(reason), text)
            }
            Ok(Answer::Renewed) => {
                (Fact::unreadable("the camera answered nothing useful"), String::new())
            }
            Err(fault) => (Fact::Unreadable(fault.to_string()), "no answer".to_owned()),
        };
        findings.basic_login = login;
        findings.evidence.note("basic_login", format!("POST {REMOTE} with Basic"), &text);
    }

    /// One log-in as the camera left the factory, only where nothing else told, and only with the log's leave. It comes
    /// before the one with Basic: what anybody can read in a manual is the worse of the two.
    pub async fn try_factory(
        &self,
        browser: &mut Browser,
        facts: &CameraFacts,
        findings: &mut Findings,
    ) -> Spent {
        let (user, password) = FACTORY;
        let open = |account: &Account| {
            account.name == user && matches!(account.factory_password, Fact::Unreadable(_))
        };
        let asked = facts.accounts.seen().is_some_and(|all| all.iter().any(open));
        if !asked || self.login.user == user || self.forbids(&findings.web_log).is_some() {
            return Spent::No;
        }
        // A fresh challenge: the count of the nonce in use belongs to the other login.
        let Ok(reply) = browser.ask(Ask::post(REMOTE, NOTHING)).await else {
            return Spent::No;
        };
        let login = Login {
            user: user.to_owned(),
            password: Secret::new(password),
            basic_in_clear: self.login.basic_in_clear,
        };
        let Ok(mut session) = Session::begin(&login, &reply.challenges(), browser.is_private())
        else {
            return Spent::No;
        };
        let answer = browser.ask_as(&mut session, Ask::post(REMOTE, NOTHING)).await;
        let proven = match answer {
            Ok(Answer::Refused(_)) => false,
            Ok(Answer::Admitted(reply)) if let_in(&reply) => true,
            _ => return Spent::Yes,
        };
        findings.factory.push((user.to_owned(), proven));
        if proven { Spent::No } else { Spent::Yes }
    }
}

/// Whether the remote configuration answered. A page with a polite refusal is a success for HTTP, too.
fn let_in(reply: &Reply) -> bool {
    reply.status == 200 && identify::remote_answer(&reply.body)
}
