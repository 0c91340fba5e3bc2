//! A pretend MOBOTIX camera: a real HTTP and HTTPS server, written from what is publicly known of these cameras. It
//! has RAM and flash, users and rights that gate, a web log, an intrusion counter that blocks, a certificate slot,
//! latency, and faults. What is not known and had to be made up is marked `INVENTED` where it stands. It refuses to
//! listen anywhere but on loopback.

mod access;
mod addresses;
mod auth;
pub mod configs;
mod configuration;
mod connection;
mod device;
pub mod dialect;
mod faults;
mod http;
mod intrusion;
mod latency;
mod life;
mod media;
mod memory;
mod mishap;
mod open;
mod pages;
mod remoteconfig;
mod spec;
mod tls;
mod weblog;
mod wire;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use certs::Pin;
use proto::Secret;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use auth::{Algorithm, DigestSettings, Order, Placement, REALM};
pub use configuration::Configuration;
pub use faults::{Fault, Faults};
pub use spec::{Certificate, Line, Spec, TlsVersions};
pub use weblog::{LogRow, Outcome};

use device::Device;
use life::{Life, Phase, bind};

/// A running camera. Dropped, it is gone, with all its connections.
#[derive(Debug)]
pub struct Camera {
    device: Arc<Device>,
    phase: watch::Receiver<Phase>,
    running: JoinHandle<()>,
}

/// What a camera counted since its start; reboots reset nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// The most that were open at once, as the client sees it.
    pub most_open: u64,
    /// Requests read.
    pub requests: u64,
    /// Delays imposed: one per connection, one per flight of a TLS handshake, one per request.
    pub round_trips: u64,
    /// What those delays came to on this machine; `round_trips` times the latency is what they should.
    pub delayed: Duration,
    /// Log-ins refused.
    pub failed_logins: u64,
    /// For how long it showed no picture because it rebooted.
    pub dark: Duration,
    /// Requests that changed RAM or flash, or were to.
    pub writes: u64,
}

impl Camera {
    /// Starts a camera and returns once it listens.
    ///
    /// # Errors
    /// When `spec.ip` is no loopback address, a port is taken, or no certificate can be made.
    pub async fn start(spec: Spec) -> io::Result<Self> {
        if !spec.ip.is_loopback() {
            let text = format!("a pretend camera listens on loopback only, and {} is not", spec.ip);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let flash = match &spec.config {
            Some(bytes) => Configuration::new(bytes.clone()),
            None => configs::factory(spec.line),
        };
        let http = bind(spec.http_port.map(|port| SocketAddr::new(spec.ip, port))).await?;
        let https = bind(spec.https_port.map(|port| SocketAddr::new(spec.ip, port))).await?;
        let address =
            |one: &Option<TcpListener>| one.as_ref().map(TcpListener::local_addr).transpose();
        let (http_address, https_address) = (address(&http)?, address(&https)?);
        let device = Arc::new(Device::new(spec, flash)?);
        device.answers_at(http_address, https_address);
        let (phase_sender, phase) = watch::channel(Phase::Up(0));
        let life = Life { device: Arc::clone(&device), http: http_address, https: https_address };
        let running = tokio::spawn(life.run((http, https), phase_sender));
        Ok(Self { device, phase, running })
    }

    /// Where it takes HTTP, since its last boot.
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.device.doors().0
    }

    /// Where it takes HTTPS, since its last boot.
    pub fn https_address(&self) -> Option<SocketAddr> {
        self.device.doors().1
    }

    /// Waits until its IP access list has turned somebody away, now or before.
    pub async fn turned_away(&self) {
        self.device.turned_away.notified().await;
    }

    /// The fingerprint of the certificate it presents.
    pub fn pin(&self) -> Pin {
        self.device.presented().pin
    }

    /// What it counted so far.
    pub fn counts(&self) -> Counts {
        let (device, tally) = (&self.device, &self.device.tally);
        Counts {
            connections: device.open.accepted(),
            most_open: device.open.most(),
            requests: tally.requests.load(Ordering::Relaxed),
            round_trips: tally.round_trips.load(Ordering::Relaxed),
            delayed: device.delayed(),
            failed_logins: tally.failed_logins.load(Ordering::Relaxed),
            dark: Duration::from_nanos(tally.dark.load(Ordering::Relaxed)),
            writes: tally.writes.load(Ordering::Relaxed),
        }
    }

    /// The configuration in RAM.
    pub fn running_config(&self) -> Bytes {
        self.device.memory().ram.bytes()
    }

    /// The key that it encrypts recordings with now.
    pub fn recording_key(&self) -> String {
        self.device.memory().recording_key.clone()
    }

    /// The configuration in flash.
    pub fn flash_config(&self) -> Bytes {
        self.device.memory().flash.bytes()
    }

    /// Enters an access of somebody else into its web server log, now.
    pub fn somebody_came(&self, from: IpAddr, user: &str, outcome: Outcome) {
        let now = self.device.now();
        self.device.memory().log.note(from, Some(user), outcome, now);
    }

    /// An hour passes for its intrusion detection: failed log-ins count no more, and who is blocked stays so.
    pub fn log_ins_lapse(&self) {
        self.device.memory().intrusion.lapse();
    }

    /// Whether it lets in that account with that password now.
    pub fn takes(&self, user: &str, password: &Secret) -> bool {
        let access = Arc::clone(&self.device.memory().access);
        access.user(user).is_some_and(|user| auth::basic_holds(user, password))
    }

    /// Whether it would after a reboot.
    pub fn would_take(&self, user: &str, password: &Secret) -> bool {
        let access = access::Access::of(&self.device.memory().flash);
        access.user(user).is_some_and(|user| auth::basic_holds(user, password))
    }

    /// What is on its way to it by [`Fault::ComesLate`] arrives, with nobody left to hear the answers.
    pub fn late_arrives(&self) {
        for (request, source) in self.device.late.take() {
            let _ = self.device.answer(&request, source);
        }
    }

    /// Gives it other faults from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.device.memory().faults = Arc::new(faults);
    }

    /// Cuts its power and gives it back: every connection breaks, RAM is lost, flash stays. Returns once it refuses
    /// connections, which it does for `reboot_time`.
    pub async fn power_cut(&self) {
        let mut phase = self.phase.clone();
        let boots = match *phase.borrow_and_update() {
            Phase::Up(boots) => boots,
            Phase::Down(_) => return,
        };
        self.device.reboot.notify_one();
        let gone = |now: &Phase| *now != Phase::Up(boots);
        // The sender lives as long as the camera does; once that is stopped there is nothing to wait for.
        let _ = phase.wait_for(gone).await;
    }

    /// Reboots it as a person at its web page would. Returns once it refuses connections.
    pub async fn reboot(&self) {
        self.power_cut().await;
    }

    /// Waits until it listens.
    pub async fn listening(&self) {
        let _ = self.phase.clone().wait_for(|now| matches!(now, Phase::Up(_))).await;
    }

    /// Waits until it has booted at least that often since its start.
    pub async fn booted(&self, times: u64) {
        let done = |now: &Phase| matches!(now, Phase::Up(boots) if *boots >= times);
        let _ = self.phase.clone().wait_for(done).await;
    }

    /// Stops it and returns once its ports are free.
    pub async fn stop(mut self) {
        self.running.abort();
        // Aborted is what it was meant to be.
        let _ = (&mut self.running).await;
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.running.abort();
    }
}
