//! Where the rounds leave what they have to tell and to keep. The store stands behind it; a test stands in its place.

use async_trait::async_trait;
use proto::record::SiteEvent;
use proto::wire::rotation::RotationState;
use proto::wire::v1;

/// The status of one device, for the controller. Of each device only the latest counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// All that is known of it.
    Whole(Box<v1::DeviceReport>),
    /// Nothing but the time differs from the last whole report.
    Unchanged {
        /// What says so in a few bytes.
        short: v1::DeviceUnchanged,
        /// The same in full: to be queued instead while the last whole report still waits, because a later entry of
        /// a device replaces an earlier one.
        whole: Box<v1::DeviceReport>,
    },
    /// It is not looked at any more.
    Forgotten(v1::DeviceForgotten),
}

impl Entry {
    /// Which device.
    pub fn device(&self) -> &str {
        match self {
            Self::Whole(report) => &report.device,
            Self::Unchanged { short, .. } => &short.device,
            Self::Forgotten(forgotten) => &forgotten.device,
        }
    }
}

/// What is told about a plan. Each piece is kept until it is delivered, and replaced only by the same piece.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A part of it.
    Part(Box<v1::PlanReport>),
    /// What became of it, or of one of its devices.
    Applied(Box<v1::AppliedReport>),
}

/// What the rounds enter into the agent's audit log. Only what changes, never what goes on: the log is kept for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// A site file was taken over, at the start or because it changed.
    SiteTaken,
    /// The site file, or what it names, cannot be used; the one before stays in force.
    SiteRefused,
    /// A desired state is judged by from now on.
    PolicyTaken,
    /// A desired state cannot be judged by; the one before stays in force.
    PolicyRefused,
    /// An operator's order to visit devices was begun.
    VisitOrdered,
    /// A device that could be looked at cannot be any more.
    DeviceFailed,
    /// A device that could not be looked at can be again.
    DeviceRecovered,
    /// A device refused our log-in, and nobody logs in to it any more.
    LoginRefused,
    /// A sign appeared about a device.
    SignAppeared,
    /// A device's configuration was backed up, because it is not as it was.
    BackupMade,
    /// The logs show something that somebody should look at.
    EventSeen,
    /// A credential of the site file was taken over into the vault.
    CredentialAdopted,
    /// An operator's order to replace credentials was begun.
    RotationOrdered,
    /// A credential is about to be replaced.
    RotationStarted,
    /// A device takes another credential than before.
    Rotated,
    /// A credential was not replaced; the device takes what it took, or is being asked.
    RotationFailed,
    /// Where a credential stood was forgotten, because an operator ordered it.
    CredentialForgotten,
    /// A device takes nothing that is known: somebody has to look.
    DeviceStranded,
    /// A plan was made because an operator ordered it.
    PlanMade,
    /// An operator's order to carry a plan out was begun.
    ApplyOrdered,
    /// An operator's order to carry a plan out was refused: why.
    ApplyRefused,
    /// A device is about to be changed by the policy alone.
    ChangePlanned,
    /// A device was changed as planned.
    Changed,
    /// A change was undone.
    ChangeReverted,
    /// A change went wrong otherwise.
    ChangeFailed,
    /// The agent ended while it changed a device.
    ChangeInterrupted,
    /// Nothing more is changed unattended, because something went wrong.
    RolloutHalted,
    /// Devices may be changed unattended again.
    RolloutResumed,
    /// Somebody changed back what the policy enforces.
    DriftFound,
}

impl Deed {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SiteTaken => "site_taken",
            Self::SiteRefused => "site_refused",
            Self::PolicyTaken => "policy_taken",
            Self::PolicyRefused => "policy_refused",
            Self::VisitOrdered => "visit_ordered",
            Self::DeviceFailed => "device_failed",
            Self::DeviceRecovered => "device_recovered",
            Self::LoginRefused => "login_refused",
            Self::SignAppeared => "sign_appeared",
            Self::BackupMade => "backup_made",
            Self::EventSeen => "event_seen",
            Self::CredentialAdopted => "credential_adopted",
            Self::RotationOrdered => "rotation_ordered",
            Self::RotationStarted => "rotation_started",
            Self::Rotated => "rotated",
            Self::RotationFailed => "rotation_failed",
            Self::CredentialForgotten => "credential_forgotten",
            Self::DeviceStranded => "device_stranded",
            Self::PlanMade => "plan_made",
            Self::ApplyOrdered => "apply_ordered",
            Self::ApplyRefused => "apply_refused",
            Self::ChangePlanned => "change_planned",
            Self::Changed => "changed",
            Self::ChangeReverted => "change_reverted",
            Self::ChangeFailed => "change_failed",
            Self::ChangeInterrupted => "change_interrupted",
            Self::RolloutHalted => "rollout_halted",
            Self::RolloutResumed => "rollout_resumed",
            Self::DriftFound => "drift_found",
        }
    }
}

/// It was not stored; it is tried again with the next look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what the rounds found could not be stored")]
pub struct NotStored;

/// Takes what is for the controller. Everything taken is delivered in the end, or replaced by newer status.
#[async_trait]
pub trait Outlet: Send + Sync {
    /// Queues the status of a device.
    ///
    /// # Errors
    /// [`NotStored`].
    async fn report(&self, entry: Entry) -> Result<(), NotStored>;

    /// Queues something that the logs of the site's cameras showed.
    ///
    /// # Errors
    /// [`NotStored`].
    async fn event(&self, event: &SiteEvent) -> Result<(), NotStored>;

    /// Queues where a credential of a device stands. Of each only the latest counts.
    ///
    /// # Errors
    /// [`NotStored`].
    async fn rotated(&self, state: RotationState) -> Result<(), NotStored>;

    /// Queues a part of a plan, or what became of one, to be shown by the controller.
    ///
    /// # Errors
    /// [`NotStored`].
    async fn plan(&self, told: Told) -> Result<(), NotStored>;

    /// Adds a record to the agent's audit log. Detail is at most 1000 characters and holds no secret.
    ///
    /// # Errors
    /// [`NotStored`].
    async fn audit(&self, deed: Deed, subject: &str, detail: &str) -> Result<(), NotStored>;
}

/// Keeps what can be observed again. What is lost is missed, not mourned.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// What was put there last; nothing if it was lost.
    async fn fetch(&self, key: &str) -> Option<Vec<u8>>;

    /// Keeps these bytes, up to 2 MiB (8 MiB for the inventory), in place of those before; `None` takes them away.
    ///
    /// # Errors
    /// [`NotStored`].
    async fn put(&self, key: &str, bytes: Option<Vec<u8>>) -> Result<(), NotStored>;
}
