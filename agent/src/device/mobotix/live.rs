//! The live camera: read over its own HTTP interface, one connection at a time.
//!
//! The order is one of trust: ports, then what a stranger sees, then, if it is a MOBOTIX camera, one log-in, and only
//! then the two questions that cost a failed log-in, if the camera's own log leaves room for them. A look changes
//! nothing; what is changed, `hand` changes.

mod configuration;
mod findings;
mod hand;
mod member;
mod stranger;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;

use self::configuration::Keep;
use self::member::Inside;
use self::stranger::{Door, Outside};
use super::{Dialects, edit};
use crate::change::{Change, Differences, Edit, Untranslated};
use crate::device::http::{Ask, Browser};
use crate::device::probe::{self, Ports};
use crate::device::{
    Comparison, Driver, Fault, Identity, Inspection, Limits, Restoration, Snapshot, Target,
};
use crate::facts::{CameraFacts, Fact, Facts, PublicPage, TlsSighting, WebLogSummary};

pub(in crate::device::mobotix) use self::hand::{Hand, REBOOT, STORE};

/// The remote configuration.
pub(in crate::device::mobotix) const REMOTE: &str = "/admin/remoteconfig";
/// Asks it for everything.
pub(in crate::device::mobotix) const VIEW: &str = "\nhelo\nview configfile\nquit\n\n";
/// Asks it for nothing: whether the log-in is taken.
pub(in crate::device::mobotix) const NOTHING: &str = "\nhelo\nquit\n\n";
/// The web server log. Inferred from the name of its help page; a camera may have it elsewhere.
pub(in crate::device::mobotix) const WEB_LOG: &str = "/admin/webserverlog";

/// A MOBOTIX camera on the network.
#[derive(Debug)]
pub struct Camera {
    target: Target,
    dialects: Arc<Dialects>,
}

impl Camera {
    /// A camera that is looked at when asked to.
    pub fn new(target: Target, dialects: Arc<Dialects>) -> Self {
        Self { target, dialects }
    }

    /// A connection that is held to the certificate it must present.
    fn browser(&self, at: SocketAddr, limits: Limits) -> Browser {
        let Target { address, pin, seen_before, .. } = &self.target;
        match (pin, seen_before) {
            (None, Some(seen)) => Browser::of_old(address.clone(), at, *seen, limits),
            (pin, _) => Browser::new(address.clone(), at, *pin, limits),
        }
    }

    async fn visit(&self, keep: Keep) -> Result<(Identity, Facts, Option<Snapshot>), Fault> {
        let at = probe::locate(&self.target).await?;
        let ports = probe::ports(&self.target, at).await;
        let mut browser = self.browser(at, self.target.limits);
        let outside = self.look(&mut browser, at).await?;
        let own = probe::own_address(at).await.map(|own| own.to_canonical());
        let inside = match (&outside.door, &self.target.login) {
            (Door::Open, _) => {
                let dialects = (&self.dialects, keep);
                Some(member::read_open(&mut browser, &outside, own, dialects).await?)
            }
            (Door::Challenged(_), None) => None,
            (Door::Challenged(challenges), Some(login)) => {
                let visitor = member::Visitor {
                    target: &self.target,
                    login,
                    challenges,
                    outside: &outside,
                    own,
                };
                Some(visitor.read(&mut browser, &self.dialects, keep).await?)
            }
        };
        browser.hang_up().await;
        Ok(assemble(inside, outside, ports, &browser, Ends { camera: at.ip(), own }))
    }

    /// A visit within its time.
    async fn timely(&self, keep: Keep) -> Result<(Identity, Facts, Option<Snapshot>), Fault> {
        let limit = self.target.limits.visit;
        tokio::time::timeout(limit, self.visit(keep)).await.unwrap_or_else(|_| {
            Err(Fault::Unreachable(format!(
                "looking at {}: not done within {} s; the camera is overloaded or far away, try again later",
                self.target.address,
                limit.as_secs_f32()
            )))
        })
    }

    /// What a stranger sees. Where TLS fails because it is old, that is proven with an old hello.
    async fn look(&self, browser: &mut Browser, at: SocketAddr) -> Result<Outside, Fault> {
        match browser.ask(Ask::post(REMOTE, VIEW)).await {
            Ok(reply) => stranger::look(browser, &self.target, reply).await,
            Err(Fault::Unsupported(message)) if browser.tls() => {
                let proof = probe::speaks_legacy(at, self.target.limits).await;
                let proof = proof.map_or(String::new(), |hello| format!(" ({hello})"));
                Err(Fault::Unsupported(format!("{message}{proof}")))
            }
            Err(fault) => Err(fault),
        }
    }
}

#[async_trait]
impl Driver for Camera {
    async fn observe(&mut self) -> Result<(Identity, Facts), Fault> {
        let (identity, facts, _) = self.timely(Keep::Facts).await?;
        Ok((identity, facts))
    }

    async fn look(&mut self) -> Result<(Identity, Facts, Option<Snapshot>), Fault> {
        self.timely(Keep::Configuration).await
    }

    async fn inspect(&mut self) -> Result<Inspection, Fault> {
        let (identity, facts, configuration) = self.timely(Keep::Configuration).await?;
        let configuration = configuration.ok_or_else(|| {
            Fault::Unsupported(format!(
                "looking at {}: without a login its configuration cannot be read, nor changed",
                self.target.address
            ))
        })?;
        Ok(Inspection { identity, facts, configuration })
    }

    fn translate(&self, on: &Snapshot, change: &Change) -> Result<(Edit, Snapshot), Untranslated> {
        let translation = edit::translate(on, &self.dialects, change)?;
        Ok((translation.edit, translation.after))
    }

    fn compare(
        &self,
        before: &Snapshot,
        changes: &[Change],
        seen: &Snapshot,
    ) -> Result<Comparison, Untranslated> {
        edit::compare(before, &self.dialects, changes, seen)
    }

    fn differences(&self, one: &Snapshot, other: &Snapshot) -> Result<Differences, Untranslated> {
        edit::between(one, other)
    }

    async fn apply(&mut self, on: &Snapshot, changes: &[Change]) -> Result<(), Fault> {
        self.write(on, changes).await
    }

    async fn revert(&mut self, to: &Snapshot, changes: &[Change]) -> Result<(), Fault> {
        self.write_back(to, changes).await
    }

    fn restoration(
        &self,
        on: &Snapshot,
        backup: &Snapshot,
        must_admit: &BTreeSet<IpAddr>,
    ) -> Result<Restoration, Untranslated> {
        edit::restoration(on, backup, &self.dialects, must_admit)
    }

    async fn replace(&mut self, on: &Snapshot, to: &Snapshot) -> Result<(), Fault> {
        self.put(on, to).await
    }

    async fn save(&mut self) -> Result<(), Fault> {
        self.store().await
    }

    async fn reboot(&mut self) -> Result<(), Fault> {
        self.ask_to_reboot().await
    }

    async fn web_log(&mut self) -> Result<Vec<u8>, Fault> {
        self.fetch_log().await
    }

    async fn read_log(&mut self) -> Result<WebLogSummary, Fault> {
        self.look_at_log().await
    }

    async fn frame(&mut self) -> Result<(), Fault> {
        self.fetch_frame().await
    }
}

/// The two ends of our connections.
#[derive(Clone, Copy, Debug)]
struct Ends {
    /// Where the camera was reached.
    camera: IpAddr,
    /// The address of ours that it sees, if that is known.
    own: Option<IpAddr>,
}

/// One set of facts from what was read inside, what a stranger saw, and the wire.
fn assemble(
    inside: Option<Inside>,
    outside: Outside,
    ports: Ports,
    browser: &Browser,
    ends: Ends,
) -> (Identity, Facts, Option<Snapshot>) {
    let reached = ends.camera;
    let (mut identity, mut facts, configuration) = match inside {
        Some(Inside { export, findings, configuration }) => {
            let mut facts = export.facts;
            findings.enter(&mut facts);
            (export.identity, facts, configuration)
        }
        None => (Identity::default(), CameraFacts::unread("no login was given"), None),
    };
    facts.tls = match ports.tls {
        _ if browser.tls() => probe::sighting(browser.witness()),
        Some(seen) => seen,
        None => Fact::unreadable(
            "the standard HTTPS port took no connection; whether TLS is on another one was not looked for",
        ),
    };
    if let Fact::Seen(TlsSighting::Secure { version, certificate }) = &facts.tls {
        identity.pin = Some(certificate.pin);
        let text = format!("{version}, certificate {} of {}", certificate.pin, certificate.subject);
        facts.evidence.note("tls", "TLS handshake", &text);
    }
    for seen in &ports.sightings {
        let text = match seen.open {
            Some(true) => "took the connection",
            Some(false) => "refused the connection",
            None => "did not answer",
        };
        facts.evidence.note("web_ports", format!("TCP port {}", seen.port), text);
    }
    facts.web_ports = Fact::Seen(ports.sightings);
    match &mut facts.addresses {
        Fact::Seen(all) if all.contains(&reached) => {}
        Fact::Seen(all) => all.push(reached),
        none => *none = Fact::Seen(vec![reached]),
    }
    facts.evidence.note("addresses", "connection", &format!("reached at {reached}"));
    facts.own_address = match ends.own {
        Some(own) => Fact::Seen(own),
        None => Fact::unreadable("the address that our connections come from could not be told"),
    };
    outside.enter(&mut facts);
    (identity, Facts::Camera(Box::new(facts)), configuration)
}

/// What a stranger was served.
fn served(path: &str, status: u16, has_body: bool) -> PublicPage {
    let served = (200..300).contains(&status) && has_body;
    PublicPage { path: path.to_owned(), status, served }
}

#[cfg(test)]
mod tests;
