//! The live camera: read over its own HTTP interface, one connection at a time.
//!
//! The order is one of trust: ports, then what a stranger sees, then, if it is a MOBOTIX camera, one log-in, and only
//! then the two questions that cost a failed log-in, if the camera's own log leaves room for them. It changes nothing.

mod configuration;
mod findings;
mod member;
mod stranger;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;

use self::findings::Findings;
use self::stranger::{Door, Outside};
use super::Dialects;
use super::export::Export;
use crate::device::http::{Ask, Browser};
use crate::device::probe::{self, Ports};
use crate::device::{Driver, Fault, Identity, Target};
use crate::facts::{CameraFacts, Fact, Facts, PublicPage, TlsSighting};

/// The remote configuration.
const REMOTE: &str = "/admin/remoteconfig";
/// Asks it for everything.
const VIEW: &str = "\nhelo\nview configfile\nquit\n\n";
/// Asks it for nothing: whether the log-in is taken.
const NOTHING: &str = "\nhelo\nquit\n\n";
/// The web server log. Inferred from the name of its help page; a camera may have it elsewhere.
const WEB_LOG: &str = "/admin/webserverlog";

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

    async fn visit(&self) -> Result<(Identity, Facts), Fault> {
        let at = probe::locate(&self.target).await?;
        let ports = probe::ports(&self.target, at).await;
        let Target { address, pin, seen_before, limits, .. } = &self.target;
        let mut browser = match (pin, seen_before) {
            (None, Some(seen)) => Browser::of_old(address.clone(), at, *seen, *limits),
            (pin, _) => Browser::new(address.clone(), at, *pin, *limits),
        };
        let outside = self.look(&mut browser, at).await?;
        let own = probe::own_address(at).await.map(|own| own.to_canonical());
        let inside = match (&outside.door, &self.target.login) {
            (Door::Open, _) => {
                Some(member::read_open(&mut browser, &outside, own, &self.dialects).await?)
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
                Some(visitor.read(&mut browser, &self.dialects).await?)
            }
        };
        browser.hang_up().await;
        Ok(assemble(inside, outside, ports, &browser, at.ip()))
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
        let limit = self.target.limits.visit;
        tokio::time::timeout(limit, self.visit()).await.unwrap_or_else(|_| {
            Err(Fault::Unreachable(format!(
                "looking at {}: not done within {} s; the camera is overloaded or far away, try again later",
                self.target.address,
                limit.as_secs_f32()
            )))
        })
    }
}

/// One set of facts from what was read inside, what a stranger saw, and the wire.
fn assemble(
    inside: Option<(Export, Findings)>,
    outside: Outside,
    ports: Ports,
    browser: &Browser,
    reached: IpAddr,
) -> (Identity, Facts) {
    let (mut identity, mut facts) = match inside {
        Some((export, findings)) => {
            let mut facts = export.facts;
            findings.enter(&mut facts);
            (export.identity, facts)
        }
        None => (Identity::default(), CameraFacts::unread("no login was given")),
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
    outside.enter(&mut facts);
    (identity, Facts::Camera(Box::new(facts)))
}

/// What a stranger was served.
fn served(path: &str, status: u16, has_body: bool) -> PublicPage {
    let served = (200..300).contains(&status) && has_body;
    PublicPage { path: path.to_owned(), status, served }
}

#[cfg(test)]
mod tests;
