//! The hand that changes a camera: a connection and a log-in for each deed, through the remote configuration.
//!
//! It refuses a camera that does not show itself as one before it sends a password, logs in once and never again after a
//! refusal, and takes no answer as proof: whoever called it looks again.

use std::collections::BTreeSet;
use std::time::Duration;

use proto::Timestamp;

use super::super::config::Document;
use super::super::edit::{self, Translation};
use super::super::{identify, weblog};
use super::{Camera, NOTHING, REMOTE, WEB_LOG, stranger};
use crate::change::Change;
use crate::clock;
use crate::device::http::{Answer, Ask, Browser, NoSession, Reply, Session};
use crate::device::probe;
use crate::device::{Fault, Snapshot};
use crate::facts::WebLogSummary;

/// Stores the running configuration.
pub(in crate::device::mobotix) const STORE: &str = "\nhelo\nstore\nquit\n \n";
/// Reboots; known to answer `OK - Reboot` on MOBOTIX 7, and to be used elsewhere.
pub(in crate::device::mobotix) const REBOOT: &str = "/admin/rcontrol?action=reboot";
/// A picture as it is now.
const FRAME: &str = "/record/current.jpg";
/// How often the time for an ordinary request a write or store may take: public tools wait longer for them.
const PATIENCE: u32 = 3;

/// A connection with a login that the camera has challenged.
pub(in crate::device::mobotix) struct Hand {
    browser: Browser,
    session: Session,
    /// The realms that its challenges named.
    pub(in crate::device::mobotix) realms: Vec<String>,
}

impl Camera {
    /// Writes changes into the running configuration, which is `on`.
    pub(super) async fn write(&self, on: &Snapshot, changes: &[Change]) -> Result<(), Fault> {
        let doing = format!("changing {}", self.target.address);
        let unsupported =
            |why: &dyn std::fmt::Display| Fault::Unsupported(format!("{doing}: {why}"));
        let translations =
            edit::translate_all(on, &self.dialects, changes).map_err(|why| unsupported(&why))?;
        let translations: Vec<&Translation> = translations.iter().flatten().collect();
        let Some(last) = translations.last() else { return Ok(()) };
        let before = Document::parse(on.bytes()).map_err(|why| unsupported(&why))?;
        let after = Document::parse(last.after.bytes()).map_err(|why| unsupported(&why))?;
        let requests =
            edit::requests(&before, &after, &translations).map_err(|why| unsupported(&why))?;
        let mut hand = self.enter(&doing).await?;
        for body in &requests {
            hand.remote(body, &doing).await?;
        }
        hand.leave().await;
        Ok(())
    }

    /// Writes the sections that the changes touch back as they stand in `to`.
    pub(super) async fn write_back(&self, to: &Snapshot, changes: &[Change]) -> Result<(), Fault> {
        let doing = format!("undoing a change on {}", self.target.address);
        let unsupported =
            |why: &dyn std::fmt::Display| Fault::Unsupported(format!("{doing}: {why}"));
        let translations =
            edit::translate_all(to, &self.dialects, changes).map_err(|why| unsupported(&why))?;
        let sections = translations.iter().flatten().flat_map(Translation::sections);
        let sections: BTreeSet<String> = sections.map(str::to_owned).collect();
        let before = Document::parse(to.bytes()).map_err(|why| unsupported(&why))?;
        let body = edit::restore(&before, &sections).map_err(|why| unsupported(&why))?;
        let Some(body) = body else { return Ok(()) };
        let mut hand = self.enter(&doing).await?;
        hand.remote(&body, &doing).await?;
        hand.leave().await;
        Ok(())
    }

    /// Has the running configuration, which is `on`, stand as `to`.
    pub(super) async fn put(&self, on: &Snapshot, to: &Snapshot) -> Result<(), Fault> {
        let doing = format!("bringing a configuration back to {}", self.target.address);
        let body =
            edit::replacing(on, to).map_err(|why| Fault::Unsupported(format!("{doing}: {why}")))?;
        let Some(body) = body else { return Ok(()) };
        let mut hand = self.enter(&doing).await?;
        hand.remote(&body, &doing).await?;
        hand.leave().await;
        Ok(())
    }

    /// Stores the running configuration.
    pub(super) async fn store(&self) -> Result<(), Fault> {
        let doing = format!("storing the configuration of {}", self.target.address);
        let mut hand = self.enter(&doing).await?;
        hand.remote(STORE, &doing).await?;
        hand.leave().await;
        Ok(())
    }

    /// Asks for a reboot. A camera that goes before it answers has done as it was told.
    pub(super) async fn ask_to_reboot(&self) -> Result<(), Fault> {
        let doing = format!("rebooting {}", self.target.address);
        let mut hand = self.enter(&doing).await?;
        let reply = hand.ask(Ask::post(REBOOT, ""), &doing).await;
        hand.leave().await;
        match reply {
            Ok(reply) if reply.status == 200 => Ok(()),
            Ok(reply) => Err(odd(&doing, reply.status)),
            Err(Fault::Unreachable(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    /// The page with the web server log.
    pub(super) async fn fetch_log(&self) -> Result<Vec<u8>, Fault> {
        let doing = format!("collecting the web server log of {}", self.target.address);
        let mut hand = self.enter(&doing).await?;
        let reply = hand.ask(Ask::get(WEB_LOG), &doing).await?;
        hand.leave().await;
        if reply.status == 200 { Ok(reply.body) } else { Err(odd(&doing, reply.status)) }
    }

    /// The web server log, read. Whoever may log in and not read the log is told so; that is no refused log-in.
    pub(super) async fn look_at_log(&self) -> Result<WebLogSummary, Fault> {
        let doing = format!("looking at the web server log of {}", self.target.address);
        let own = probe::own_address(probe::locate(&self.target).await?).await;
        let mut hand = self.enter(&doing).await?;
        let reply = match hand.browser.ask_as(&mut hand.session, Ask::get(WEB_LOG)).await? {
            Answer::Admitted(reply) => reply,
            Answer::Refused(_) | Answer::Renewed => return Err(refused(&doing)),
        };
        hand.leave().await;
        if reply.status != 200 {
            return Err(odd(&doing, reply.status));
        }
        let offset = stranger::clock_offset(&reply, clock::now()).seen().copied().unwrap_or(0);
        let theirs = Timestamp::from_unix(clock::now().unix().saturating_add(offset));
        let mut log = weblog::summarise(&reply.body, theirs.day()).ok_or_else(|| {
            Fault::Nonsense(format!("{doing}: what came back holds no such table"))
        })?;
        log.own = own.map(|own| own.to_canonical());
        Ok(log)
    }

    /// A picture, which is looked at no further than that it is one.
    pub(super) async fn fetch_frame(&self) -> Result<(), Fault> {
        let doing = format!("asking {} for a picture", self.target.address);
        let mut hand = self.enter(&doing).await?;
        let reply = hand.ask(Ask::get(FRAME), &doing).await?;
        hand.leave().await;
        match reply.status {
            200 if reply.body.starts_with(&[0xff, 0xd8]) => Ok(()),
            200 => Err(Fault::Nonsense(format!("{doing}: what came back is no picture"))),
            status => Err(odd(&doing, status)),
        }
    }

    /// Connects and prepares to log in. Until the camera has shown itself as one, no password is sent; so none was sent
    /// if this fails.
    pub(in crate::device::mobotix) async fn enter(&self, doing: &str) -> Result<Hand, Fault> {
        let at = probe::locate(&self.target).await?;
        let mut limits = self.target.limits;
        limits.request = limits.request.saturating_mul(PATIENCE).max(Duration::from_secs(1));
        let mut browser = self.browser(at, limits);
        let login = self.target.login.as_ref().ok_or_else(|| {
            Fault::Refused(format!(
                "{doing}: no login was given, and nothing is changed without one"
            ))
        })?;
        let reply = browser.ask(Ask::post(REMOTE, NOTHING)).await?;
        let challenges = reply.challenges();
        let shows_itself = reply.status == 401 && challenges.realms().any(identify::realm);
        if !shows_itself {
            return Err(match reply.status {
                403 => Fault::Refused(format!(
                    "{doing}: it refuses our address (HTTP 403); credentials were not sent"
                )),
                500..600 => Fault::Rejected(format!(
                    "{doing}: it answered HTTP {}; credentials were not sent. It may be starting or overloaded",
                    reply.status
                )),
                status => Fault::Unsupported(format!(
                    "{doing}: it does not ask for a log-in as a MOBOTIX camera does (HTTP {status}); credentials were \
                     not sent"
                )),
            });
        }
        let session = Session::begin(login, &challenges, browser.is_private());
        let session = session.map_err(|why| match why {
            NoSession::Readable => Fault::Refused(format!(
                "{doing}: it takes only Basic over a connection that others may read; the password was not sent. Use \
                 https:// with the camera's pin"
            )),
            NoSession::Unknown => Fault::Unsupported(format!(
                "{doing}: it offers no way to log in that we know; credentials were not sent"
            )),
        })?;
        let realms = challenges.realms().map(str::to_owned).collect();
        Ok(Hand { browser, session, realms })
    }
}

impl Hand {
    /// Has the remote configuration do something. Only that it was the remote configuration that answered is looked at.
    async fn remote(&mut self, body: &str, doing: &str) -> Result<(), Fault> {
        let reply = self.ask(Ask::post(REMOTE, body), doing).await?;
        match reply.status {
            200 if identify::remote_answer(&reply.body) => Ok(()),
            200 => Err(Fault::Nonsense(format!(
                "{doing}: what came back is no answer of a remote configuration"
            ))),
            status => Err(odd(doing, status)),
        }
    }

    async fn ask(&mut self, ask: Ask<'_>, doing: &str) -> Result<Reply, Fault> {
        match self.answer(ask).await? {
            Answer::Admitted(reply) if reply.status == 403 => Err(Fault::Refused(format!(
                "{doing}: the account may log in but not do this (HTTP 403); use one of the group admins"
            ))),
            Answer::Admitted(reply) => Ok(reply),
            Answer::Refused(_) | Answer::Renewed => Err(refused(doing)),
        }
    }

    /// Asks, logged in. What the answer means is for the caller to say.
    pub(in crate::device::mobotix) async fn answer(
        &mut self,
        ask: Ask<'_>,
    ) -> Result<Answer, Fault> {
        self.browser.ask_as(&mut self.session, ask).await
    }

    /// Whether only the camera itself can read what is sent.
    pub(in crate::device::mobotix) fn is_private(&self) -> bool {
        self.browser.is_private()
    }

    /// Closes the connection.
    pub(in crate::device::mobotix) async fn leave(mut self) {
        self.browser.hang_up().await;
    }
}

fn refused(doing: &str) -> Fault {
    Fault::Refused(format!(
        "{doing}: the camera refused the log-in, and it is not tried again, since it may lock us out"
    ))
}

fn odd(doing: &str, status: u16) -> Fault {
    match status {
        404 | 405 | 410 | 501 => {
            Fault::Unsupported(format!("{doing}: it has nothing of the kind (HTTP {status})"))
        }
        500..600 => Fault::Rejected(format!(
            "{doing}: it answered HTTP {status}; it may be starting or overloaded, try again in some minutes"
        )),
        _ => Fault::Rejected(format!("{doing}: it answered HTTP {status}")),
    }
}
