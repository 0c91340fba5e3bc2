//! What a camera shows to somebody who logs in, and the two questions that may cost a failed log-in.
//!
//! A refused log-in is never repeated. A camera may lock out after five failures (guide, measure 8), so that a question
//! that may fail is asked only while the camera's own log shows that two stay in hand.

use std::net::IpAddr;
use std::sync::Arc;

use proto::Secret;

use super::super::Dialects;
use super::super::export::Export;
use super::findings::Findings;
use super::stranger::Outside;
use super::{NOTHING, REMOTE, VIEW, WEB_LOG, configuration};
use crate::device::http::{Answer, Ask, Browser, Challenges, NoSession, Reply, Session};
use crate::device::{Fault, Login, Target};
use crate::facts::{Account, BasicLogin, CameraFacts, Fact, WebLogSummary};

/// Fewest failed log-ins after which a camera may lock out (guide, measure 8).
const LOCKOUT: u32 = 5;
/// Failures that stay in hand.
const IN_HAND: u32 = 2;
/// How a camera leaves the factory.
const FACTORY: (&str, &str) = ("admin", "meinsm");
/// A clock that is further off can make a camera refuse a right password; in seconds.
const CLOCK_TOLERANCE: i64 = 300;

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
    dialects: &Arc<Dialects>,
) -> Result<(Export, Findings), Fault> {
    let reason = "the camera asked for no login";
    let mut findings = Findings::none(reason);
    let log = browser.ask(Ask::get(WEB_LOG)).await;
    findings.web_log = findings.read_log(log.map(Answer::Admitted), outside);
    let export = configuration::read(outside.remote.clone(), dialects).await?;
    Ok((export, findings))
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
    ) -> Result<(Export, Findings), Fault> {
        let place = configuration::place().await;
        let (mut session, body, mut findings) = self.log_in(browser).await?;
        // The camera's log comes over the wire while the hashes of its configuration are reckoned.
        let log = browser.ask_as(&mut session, Ask::get(WEB_LOG));
        let (export, log) = tokio::join!(configuration::read(body, dialects), log);
        drop(place);
        let export = export?;
        let welcome = !matches!(log, Ok(Answer::Refused(_)));
        findings.web_log = findings.read_log(log, self.outside);
        if welcome {
            let spent = self.try_basic(browser, &session, &mut findings).await;
            self.try_factory(browser, &export.facts, spent, &mut findings).await;
        } else {
            findings.basic_login = Fact::unreadable("not tried: the camera refused us its log");
        }
        Ok((export, findings))
    }

    /// Logs in, once, by asking for the configuration.
    pub async fn log_in(
        &self,
        browser: &mut Browser,
    ) -> Result<(Session, Vec<u8>, Findings), Fault> {
        let mut session = Session::begin(self.login, self.challenges, browser.tls())
            .map_err(|reason| self.cannot_log_in(reason))?;
        let body = match browser.ask_as(&mut session, Ask::post(REMOTE, VIEW)).await? {
            Answer::Admitted(reply) => self.configuration(reply)?,
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

    fn cannot_log_in(&self, reason: NoSession) -> Fault {
        let doing = format!("logging in to {}", self.target.address);
        match reason {
            NoSession::Readable => Fault::Refused(format!(
                "{doing}: the camera takes only Basic, and without TLS everybody on the way could read the password; it \
                 was not sent. Use https://, or allow Basic in clear by name"
            )),
            NoSession::Unknown => Fault::Unsupported(format!(
                "{doing}: the camera offers no way to log in that we know; credentials were not sent. Audit its \
                 exported configuration instead"
            )),
        }
    }

    fn refused(&self) -> Fault {
        let clock = match self.outside.clock_offset {
            Fact::Seen(offset) if offset.abs() > CLOCK_TOLERANCE => format!(
                "; its clock is {} minutes {} ours, and a wrong clock can make it refuse a right password: set that first",
                offset.abs() / 60,
                if offset > 0 { "before" } else { "behind" }
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
    fn too_close(&self, log: &Fact<WebLogSummary>, spent: u32) -> Option<String> {
        let source = log.seen()?.sources.get(&self.own?)?;
        let failed = source.failed.saturating_add(spent);
        (failed + IN_HAND >= LOCKOUT).then(|| {
            format!("not tried: the camera's log shows {failed} failures of our address, too close to its lock-out")
        })
    }

    /// A log-in with Basic where only Digest is offered; the failures it cost.
    pub async fn try_basic(
        &self,
        browser: &mut Browser,
        session: &Session,
        findings: &mut Findings,
    ) -> u32 {
        if self.challenges.basic() {
            findings.basic_login = if session.scheme() == "basic" {
                Fact::Seen(BasicLogin::Accepted)
            } else {
                Fact::unreadable("not tried: the camera offers Basic itself")
            };
            return 0;
        }
        if let Some(reason) = self.too_close(&findings.web_log, 0) {
            findings.basic_login = Fact::Unreadable(reason);
            return 0;
        }
        let Ok(mut basic) = Session::basic_unasked(self.login, browser.tls()) else {
            findings.basic_login = Fact::unreadable(
                "not tried: without TLS everybody on the way could read the password",
            );
            return 0;
        };
        let answer = browser.ask_as(&mut basic, Ask::post(REMOTE, NOTHING)).await;
        let (login, text) = match answer {
            Ok(Answer::Refused(reply)) => {
                (Fact::Seen(BasicLogin::Refused), format!("HTTP {}", reply.status))
            }
            Ok(Answer::Admitted(reply)) if (200..300).contains(&reply.status) => {
                (Fact::Seen(BasicLogin::Accepted), format!("HTTP {}", reply.status))
            }
            Ok(Answer::Admitted(reply)) => {
                let text = format!("HTTP {}", reply.status);
                (Fact::Unreadable(format!("the camera answered {text}")), text)
            }
            Ok(Answer::Renewed) => {
                (Fact::unreadable("the camera answered nothing useful"), String::new())
            }
            Err(fault) => (Fact::Unreadable(fault.to_string()), "no answer".to_owned()),
        };
        findings.basic_login = login;
        findings.evidence.note("basic_login", format!("POST {REMOTE} with Basic"), &text);
        1
    }

    /// One log-in as the camera left the factory, only where nothing else told, and only with the log's leave.
    pub async fn try_factory(
        &self,
        browser: &mut Browser,
        facts: &CameraFacts,
        spent: u32,
        findings: &mut Findings,
    ) {
        let (user, password) = FACTORY;
        let open = |account: &Account| {
            account.name == user && matches!(account.factory_password, Fact::Unreadable(_))
        };
        let asked = facts.accounts.seen().is_some_and(|all| all.iter().any(open));
        let known = self.own.zip(findings.web_log.seen());
        let logged = known.is_some_and(|(own, log)| log.sources.contains_key(&own));
        let close = self.too_close(&findings.web_log, spent).is_some();
        if !asked || self.login.user == user || !logged || close {
            return;
        }
        // A fresh challenge: the count of the nonce in use belongs to the other login.
        let Ok(reply) = browser.ask(Ask::post(REMOTE, NOTHING)).await else { return };
        let login = Login {
            user: user.to_owned(),
            password: Secret::new(password),
            basic_in_clear: self.login.basic_in_clear,
        };
        let Ok(mut session) = Session::begin(&login, &reply.challenges(), browser.tls()) else {
            return;
        };
        let answer = browser.ask_as(&mut session, Ask::post(REMOTE, NOTHING)).await;
        let proven = match answer {
            Ok(Answer::Refused(_)) => false,
            Ok(Answer::Admitted(reply)) if (200..300).contains(&reply.status) => true,
            _ => return,
        };
        findings.factory.push((user.to_owned(), proven));
    }
}
