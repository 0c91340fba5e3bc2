//! The camera itself: its memory, its clock, its gate. Connections come and go; this stays.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::access::{Needed, needed};
use super::auth::{Claim, Offer, Verdict, basic_holds, challenges, digest_verdict};
use super::faults::{Fault, Faults};
use super::http::{Request, Response};
use super::memory::Memory;
use super::mishap::Late;
use super::open::OpenConnections;
use super::spec::{Certificate, Spec};
use super::tls::{self, Presented};
use super::weblog::{Outcome, WebLog};
use super::{latency, pages};

/// A camera, as all its connections share it.
#[derive(Debug)]
pub struct Device {
    /// What it is to be.
    pub spec: Spec,
    /// Its serial number in the form of an address.
    pub factory_address: IpAddr,
    /// Its connections.
    pub open: Arc<OpenConnections>,
    /// What was counted besides.
    pub tally: Tally,
    /// Rung when it is to reboot.
    pub reboot: Notify,
    /// Rung when the IP access list turns somebody away.
    pub turned_away: Notify,
    /// Requests that are on their way.
    pub late: Late,
    doors: Mutex<(Option<SocketAddr>, Option<SocketAddr>)>,
    factory: Certificate,
    memory: Mutex<Memory>,
    presented: Mutex<Presented>,
}

/// What is counted.
#[derive(Debug, Default)]
pub struct Tally {
    /// Requests read.
    pub requests: AtomicU64,
    /// Delays imposed.
    pub round_trips: AtomicU64,
    /// What they came to, in nanoseconds.
    pub delayed: AtomicU64,
    /// Log-ins refused.
    pub failed_logins: AtomicU64,
    /// Pictures shown.
    pub frames: AtomicU64,
    /// Nanoseconds of reboots.
    pub dark: AtomicU64,
    /// Requests that changed RAM or flash, or were to.
    pub writes: AtomicU64,
}

/// Who a request turned out to be from.
enum Caller {
    /// It did not say.
    Stranger,
    /// A user, whose group this is.
    User { group: String },
    /// Someone whose log-in does not hold.
    Impostor,
    /// Someone whose nonce is too old.
    Late,
}

impl Device {
    /// Builds the camera with its first boot done.
    ///
    /// # Errors
    /// When no certificate can be made or used.
    pub fn new(spec: Spec, flash: super::Configuration) -> std::io::Result<Self> {
        let factory_address = tls::factory_address(&flash.bytes(), spec.ip);
        let factory = tls::factory_certificate(factory_address)?;
        let mut memory = Memory::new(flash, spec.faults.clone());
        if let Some(Certificate { certificate_pem, private_key_pem }) = spec.certificate.clone() {
            memory.slot.certificate = Some(certificate_pem);
            memory.slot.key = Some(private_key_pem);
        }
        memory.log = WebLog::preloaded(&spec.log, clock(&spec));
        let presented = tls::present(&memory.slot, &factory, spec.tls)?;
        Ok(Self {
            spec,
            factory_address,
            open: Arc::default(),
            tally: Tally::default(),
            reboot: Notify::new(),
            turned_away: Notify::new(),
            late: Late::default(),
            doors: Mutex::default(),
            factory,
            memory: Mutex::new(memory),
            presented: Mutex::new(presented),
        })
    }

    /// Its memory. Never held across an await.
    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it presents over TLS until the next reboot.
    pub fn presented(&self) -> Presented {
        self.presented.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Boots: RAM becomes what flash holds, and an uploaded certificate comes into use.
    pub fn boot(&self) {
        self.late.take();
        let mut memory = self.memory();
        memory.boot();
        if let Ok(presented) = tls::present(&memory.slot, &self.factory, self.spec.tls) {
            *self.presented.lock().unwrap_or_else(PoisonError::into_inner) = presented;
        }
    }

    /// Where it takes HTTP and HTTPS.
    pub fn doors(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        *self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes where it takes HTTP and HTTPS.
    pub fn answers_at(&self, http: Option<SocketAddr>, https: Option<SocketAddr>) {
        *self.doors.lock().unwrap_or_else(PoisonError::into_inner) = (http, https);
    }

    /// Whether a source may connect: neither blocked for failed log-ins nor shut out by the list.
    pub fn lets_in(&self, source: IpAddr) -> bool {
        let memory = self.memory();
        if memory.intrusion.is_blocked(source) {
            return false;
        }
        let admitted = memory.addresses.admits(source);
        if !admitted {
            self.turned_away.notify_one();
        }
        admitted
    }

    /// Its own idea of the time, in seconds since 1970.
    pub fn now(&self) -> i64 {
        clock(&self.spec)
    }

    /// The same, as a `Date` field says it.
    pub fn date(&self) -> String {
        let now = Timestamp::from_second(self.now()).unwrap_or(Timestamp::UNIX_EPOCH);
        now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Imposes one round trip that began then. What the camera computed since hides behind it: the latency is the
    /// network's, and its computing would only slow down whoever shares this machine with it.
    pub async fn round_trip(&self, begun: Instant) {
        if !self.spec.latency.is_zero() {
            latency::wait_until(begun + self.spec.latency).await;
        }
        self.tally.round_trips.fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.tally.delayed.fetch_add(nanos, Ordering::Relaxed);
    }

    /// All delays imposed so far, as they came out.
    pub fn delayed(&self) -> Duration {
        Duration::from_nanos(self.tally.delayed.load(Ordering::Relaxed))
    }

    /// What it does wrong at present.
    pub fn faults(&self) -> Arc<Faults> {
        Arc::clone(&self.memory().faults)
    }

    /// Answers a request: the gate first, then the page, then a row in the log.
    pub fn answer(&self, request: &Request, source: IpAddr) -> Response {
        if self.faults().has(&request.path, Fault::OtherProduct) {
            return pages::other_product(request);
        }
        let (needed, access) = (needed(&request.path), Arc::clone(&self.memory().access));
        let claim = Claim::read(request.field("authorization"));
        // INVENTED: what is public is served without a look at who asks.
        if access.is_public(needed) {
            return self.serve(request, source, None);
        }
        match self.recognise(&claim, request) {
            Caller::User { group } if access.allows(needed, &group) => {
                self.serve(request, source, claim.user())
            }
            // INVENTED: someone known who lacks the right is told so with a 403.
            Caller::User { .. } => {
                self.memory().log.note(source, claim.user(), Outcome::Failed, self.now());
                Response::html(403, "<html><body>403 Forbidden</body></html>")
            }
            Caller::Stranger => {
                if self.spec.logs_challenges && needed != Needed::Nothing {
                    self.memory().log.note(source, None, Outcome::Failed, self.now());
                }
                self.challenge(false)
            }
            Caller::Late => self.challenge(true),
            Caller::Impostor => {
                self.tally.failed_logins.fetch_add(1, Ordering::Relaxed);
                let mut memory = self.memory();
                let settings = memory.intrusion_settings;
                memory.log.note(source, claim.user(), Outcome::Failed, self.now());
                memory.intrusion.failed(source, settings);
                drop(memory);
                self.challenge(false)
            }
        }
    }

    fn serve(&self, request: &Request, source: IpAddr, user: Option<&str>) -> Response {
        let mut memory = self.memory();
        memory.log.note(source, user, Outcome::Successful, self.now());
        pages::answer(self, &mut memory, request)
    }

    /// INVENTED: a log-in by a scheme that is not offered fails like one with a wrong password.
    fn recognise(&self, claim: &Claim, request: &Request) -> Caller {
        let (access, offer) = {
            let memory = self.memory();
            (Arc::clone(&memory.access), memory.offer)
        };
        let user = claim.user().and_then(|name| access.user(name));
        let user = user.filter(|_| !self.memory().has_lost_logins());
        let verdict = match (claim, user) {
            (Claim::Nothing, _) => return Caller::Stranger,
            (Claim::Digest(_), _) if self.faults().has("", Fault::CallsNoncesStale) => {
                Verdict::Stale
            }
            (Claim::Basic(_, password), Some(user)) if offer != Offer::Digest => {
                if basic_holds(user, password) { Verdict::Right } else { Verdict::Wrong }
            }
            (Claim::Digest(answer), Some(user)) if offer != Offer::Basic => {
                let (line, settings) = ((&*request.method, &*request.target), &self.spec.digest);
                digest_verdict(answer, user, line, settings, &mut self.memory().nonces)
            }
            (Claim::Basic(..) | Claim::Digest(_) | Claim::Nonsense, _) => Verdict::Wrong,
        };
        match (verdict, user) {
            (Verdict::Right, Some(user)) => Caller::User { group: user.group.clone() },
            (Verdict::Stale, _) => Caller::Late,
            (Verdict::Right | Verdict::Wrong, _) => Caller::Impostor,
        }
    }

    fn challenge(&self, stale: bool) -> Response {
        let mut memory = self.memory();
        let offer = memory.offer;
        let fields = challenges(offer, &self.spec.digest, &mut memory.nonces, stale);
        let mut response = Response::html(401, "<html><body>401 Unauthorized</body></html>");
        response.fields.extend(fields.into_iter().map(|value| ("WWW-Authenticate", value)));
        response
    }
}

fn clock(spec: &Spec) -> i64 {
    agent::clock::now().unix().saturating_add(spec.clock_offset_s)
}
