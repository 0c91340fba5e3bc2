//! What is counted since the start and what stands now, for whoever watches the machine. Nothing is decided by it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use proto::Timestamp;

use super::Refusal;

/// Time of something that never happened.
const NEVER: i64 = i64::MIN;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$words:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$words])* $variant,)*
        }

        impl $name {
            /// Every one, in the order in which they are counted.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in metrics.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }
    };
}

words! {
    /// How a connection's beginning ended.
    Handshake {
        /// With an agent's certificate.
        Agent "agent",
        /// With an operator's certificate.
        Operator "operator",
        /// Without a certificate.
        Stranger "stranger",
        /// TLS failed: a wrong, ended or revoked certificate, or something that is no TLS.
        Failed "failed",
        /// It took too long, or its turn did not come in time.
        Late "late",
        /// Closed at once, because too many are open, in all or from its source.
        Crowded "crowded",
    }
}

words! {
    /// What strangers ask.
    Question {
        /// To become an agent.
        Enroll "enroll",
        /// To come back by the recovery key.
        Recover "recover",
        /// To become an operator's client.
        LogIn "log_in",
    }
}

words! {
    /// What strangers are answered.
    Reply {
        /// What they asked for.
        Granted "granted",
        /// That somebody has to approve it.
        Waiting "waiting",
        /// No.
        Refused "refused",
        /// That they ask too often.
        Limited "limited",
        /// That the controller failed.
        Failed "failed",
    }
}

impl Reply {
    /// What a refusal is counted as.
    pub fn of(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Invalid(_)
            | Refusal::NotFound(_)
            | Refusal::Conflict(_)
            | Refusal::Denied(_)
            | Refusal::Precondition(_) => Self::Refused,
            Refusal::Exhausted(_) => Self::Limited,
            Refusal::Failed(_) => Self::Failed,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Meters {
    handshakes: [AtomicU64; Handshake::ALL.len()],
    replies: [[AtomicU64; Reply::ALL.len()]; Question::ALL.len()],
    reports: AtomicU64,
    entries: AtomicU64,
    connections: AtomicUsize,
    is_open: AtomicBool,
    certificate_ends: AtomicI64,
    last_backup: AtomicI64,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            handshakes: Default::default(),
            replies: Default::default(),
            reports: AtomicU64::default(),
            entries: AtomicU64::default(),
            connections: AtomicUsize::default(),
            is_open: AtomicBool::default(),
            certificate_ends: AtomicI64::new(NEVER),
            last_backup: AtomicI64::new(NEVER),
        }
    }
}

impl Meters {
    /// A connection's beginning ended so.
    pub fn shaken(&self, outcome: Handshake) {
        self.handshakes[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many did.
    pub fn handshakes(&self, outcome: Handshake) -> u64 {
        self.handshakes[outcome as usize].load(Ordering::Relaxed)
    }

    /// A stranger was answered so.
    pub fn replied(&self, question: Question, reply: Reply) {
        self.replies[question as usize][reply as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often.
    pub fn replies(&self, question: Question, reply: Reply) -> u64 {
        self.replies[question as usize][reply as usize].load(Ordering::Relaxed)
    }

    /// An upload with so many new entries was committed.
    pub fn reported(&self, entries: usize) {
        self.reports.fetch_add(1, Ordering::Relaxed);
        self.entries.fetch_add(entries as u64, Ordering::Relaxed);
    }

    /// Uploads, and the new entries that they brought.
    pub fn reports(&self) -> (u64, u64) {
        (self.reports.load(Ordering::Relaxed), self.entries.load(Ordering::Relaxed))
    }

    /// So many connections are open.
    pub fn set_connections(&self, count: usize) {
        self.connections.store(count, Ordering::Relaxed);
    }

    /// How many are.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The port is open from now on, or is not any more.
    pub fn set_open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Relaxed);
    }

    /// Whether the port is open.
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// The certificate that the port presents from now on ends then.
    pub fn set_certificate_ends(&self, ends: Timestamp) {
        self.certificate_ends.store(ends.unix(), Ordering::Relaxed);
    }

    /// When the certificate ends that the port presents; `None` while there is none.
    pub fn certificate_ends(&self) -> Option<Timestamp> {
        time(&self.certificate_ends)
    }

    /// A backup of that time was handed over whole.
    pub fn backed_up(&self, at: Timestamp) {
        self.last_backup.fetch_max(at.unix(), Ordering::Relaxed);
    }

    /// Of when the last backup is.
    pub fn last_backup(&self) -> Option<Timestamp> {
        time(&self.last_backup)
    }
}

fn time(seconds: &AtomicI64) -> Option<Timestamp> {
    Some(seconds.load(Ordering::Relaxed)).filter(|at| *at != NEVER).map(Timestamp::from_unix)
}
