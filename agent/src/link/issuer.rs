//! Keeps the site's device issuer good: asks for one once a device is to get a certificate, at half its life, and when
//! it leaves a device out. Between that everything works without a line.
//!
//! The key is made here and never leaves the box. It is kept once its certificate is: no device depends on one before.

use std::sync::Arc;
use std::time::Duration;

use certs::{Clock as _, DeviceCertificate, DeviceIssuer, Key, TrustBundle, request};
use proto::text::printable;
use proto::wire::v1;
use proto::{DeviceName, Timestamp};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Link;
use super::backoff::Backoff;
use super::deed::Deed;
use super::dice;
use super::fault::CallFault;
use super::line::patient;
use crate::clock::wait_until;
use crate::custody::CustodyError;
use crate::custody::issuer::{BadAnswer, Hosts, Step, judge, not_covered, step};
use crate::rotate::certificates::Register;
use crate::store::pooled;

/// How often it is looked whether the time is known by now.
const TIME_UNKNOWN: Duration = Duration::from_secs(30);
/// Most names in a line of the log.
const MOST_NAMES: usize = 300;

#[derive(Debug, thiserror::Error)]
enum IssuerFault {
    #[error(transparent)]
    Call(#[from] CallFault),
    #[error("the answer was refused: {0}")]
    Answer(#[from] BadAnswer),
    #[error("it cannot be kept: {0}")]
    Custody(#[from] CustodyError),
    #[error("a key cannot be used")]
    Key(#[from] certs::key::KeyError),
}

/// For what the last answer was taken, and when.
struct Asked {
    hosts: Arc<Hosts>,
    trust: u64,
    at: Timestamp,
}

impl Link {
    /// The site's device issuer, as it changes; nobody while the controller has given none.
    pub fn issuer(&self) -> watch::Receiver<Option<Arc<DeviceIssuer>>> {
        self.issuer.subscribe()
    }

    /// These devices are to get certificates. Without any, no issuer is asked for.
    pub fn certify(&self, hosts: Hosts) {
        self.hosts.send_if_modified(|known| {
            let is_new = **known != hosts;
            *known = Arc::new(hosts);
            is_new
        });
    }

    pub(super) async fn renew_issuer(&self, stop: &CancellationToken) {
        let work = async {
            let mut backoff = Backoff::new(self.pace.first, self.pace.cap);
            let mut unwelcome = Backoff::new(self.pace.first, self.pace.unwelcome);
            let mut asked = None;
            loop {
                let Err(fault) = self.issuer_step(&mut asked).await else {
                    backoff.reset();
                    unwelcome.reset();
                    continue;
                };
                tracing::warn!(%fault, "the site has no better device issuer yet; it is asked for again");
                let wait = match fault {
                    IssuerFault::Call(CallFault::Refused(_) | CallFault::Held(_))
                    | IssuerFault::Answer(_) => unwelcome.next(dice()),
                    IssuerFault::Call(CallFault::Later(_))
                    | IssuerFault::Custody(_)
                    | IssuerFault::Key(_) => backoff.next(dice()),
                };
                sleep(wait).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = stop.cancelled() => {}
        }
    }

    async fn issuer_step(&self, asked: &mut Option<Asked>) -> Result<(), IssuerFault> {
        let (mut hosts, mut member) = (self.hosts.subscribe(), self.member.subscribe());
        // Before the look at the clock: what moves it in between is heard.
        let moved = self.clock.moved();
        if !self.clock.is_known() {
            tokio::select! {
                () = moved => {}
                () = sleep(TIME_UNKNOWN) => {}
            }
            return Ok(());
        }
        drop(moved);
        let devices = hosts.borrow_and_update().clone();
        let (trust, jitter) = {
            let member = member.borrow_and_update();
            (member.trust.clone(), member.jitter)
        };
        let held = self.issuer.borrow().clone();
        let for_these = |it: &&Asked| it.trust == trust.generation && it.hosts == devices;
        let last = asked.as_ref().filter(for_these).map(|it| it.at);
        let now = self.clock.now();
        let until = match step(held.as_deref(), (&devices, &trust), last, jitter, now) {
            Step::Ask => {
                self.ask_issuer(&devices, &trust).await?;
                let at = self.clock.now();
                *asked = Some(Asked { hosts: devices, trust: trust.generation, at });
                return Ok(());
            }
            Step::Rest => None,
            Step::Wait(until) => Some(until),
        };
        let waited = async {
            match until {
                Some(until) => wait_until(&*self.clock, until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = waited => {}
            _ = hosts.changed() => {}
            _ = member.changed() => {}
        }
        Ok(())
    }

    async fn ask_issuer(&self, hosts: &Hosts, trust: &TrustBundle) -> Result<(), IssuerFault> {
        let line = self.some_line().await;
        let key = Key::generate()?;
        let certificate_request = request::make(&key)?;
        let asked = v1::DeviceIssuerRequest { certificate_request };
        let reply = line.agent().device_issuer(patient(asked)).await.map_err(CallFault::from)?;
        let held = self.issuer.borrow().clone();
        let chain = reply.into_inner().chain;
        let judged = judge(chain, key, (held.as_deref(), hosts), trust, self.clock.now());
        let fresh = match judged {
            Ok(fresh) => Arc::new(fresh),
            Err(why) => {
                self.record_once(Deed::IssuerRefused, why.to_string()).await;
                return Err(why.into());
            }
        };
        let (custody, kept) = (self.custody.clone(), fresh.clone());
        let written = pooled(move || Ok(custody.keep_issuer(&kept))).await;
        written.map_err(CustodyError::from).and_then(|written| written)?;
        let left_out: Vec<_> = not_covered(&fresh, hosts).iter().map(ToString::to_string).collect();
        if !left_out.is_empty() {
            let devices = printable(&left_out.join(" "), MOST_NAMES);
            tracing::error!(
                devices,
                "the site's device issuer may not name these devices; state their names or networks at the controller"
            );
        }
        let detail = format!("serial {} until {}", fresh.serial(), fresh.not_after());
        self.issuer.send_replace(Some(fresh));
        tracing::info!("the site has a device issuer");
        self.record(Deed::IssuerTaken, &detail).await;
        Ok(())
    }
}

/// The controller hears of every certificate by an audit record, so that both know every serial number, also of those
/// that were made while the line was down.
#[async_trait::async_trait]
impl Register for Link {
    async fn made(&self, device: &DeviceName, certificate: &DeviceCertificate) {
        let (serial, pin) = (certificate.serial(), certificate.pin());
        let detail = format!("serial {serial} {pin} until {}", certificate.not_after());
        self.record_about(device.as_str(), Deed::CertificateMade, &detail).await;
    }
}
