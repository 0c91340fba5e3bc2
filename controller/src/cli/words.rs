//! The wire's closed lists as the words of tables and JSON. A number that no list knows is an error: the controller is
//! newer than this program, or makes no sense.

use proto::wire::v1;

use super::stop::Stop;

macro_rules! words {
    ($($(#[$doc:meta])* $function:ident($list:ident) { $($variant:ident => $word:literal,)* })*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// A number that is none of the list.
        pub fn $function(number: i32) -> Result<&'static str, Stop> {
            match v1::$list::try_from(number) {
                $(Ok(v1::$list::$variant) => Ok($word),)*
                Ok(v1::$list::Unspecified) | Err(_) => Err(unknown(stringify!($list), number)),
            }
        }
    )*};
}

words! {
    /// What an operator may.
    role(Role) {
        Viewer => "viewer",
        Operator => "operator",
        Administrator => "administrator",
    }
    /// How an agent stands.
    agent_state(AgentState) {
        Online => "online",
        Offline => "offline",
        Revoked => "revoked",
        Locked => "locked",
        Replaced => "replaced",
    }
    /// How a token stands.
    token_state(TokenState) {
        Open => "open",
        Used => "used",
        Expired => "expired",
        Revoked => "revoked",
    }
    /// What a device is.
    device_kind(DeviceKind) {
        Mobotix => "mobotix",
        Vms => "vms",
        Nas => "nas",
        Stranger => "stranger",
    }
    /// What a credential is.
    credential_kind(CredentialKind) {
        Password => "password",
        Certificate => "certificate",
        RecordingKey => "recording_key",
        MessageKey => "message_key",
    }
    /// Where a credential stands.
    standing(Standing) {
        Settled => "settled",
        Prepared => "prepared",
        Changing => "changing",
        InDoubt => "in_doubt",
        Stranded => "stranded",
    }
    /// Why a device could not be looked at.
    failure_class(FailureClass) {
        Unreachable => "unreachable",
        Refused => "refused",
        Rejected => "rejected",
        Unsupported => "unsupported",
        Nonsense => "nonsense",
    }
    /// What a measure concludes.
    judgment(Verdict) {
        Met => "met",
        Unmet => "unmet",
        NotApplicable => "not_applicable",
        Unknown => "unknown",
        Attested => "attested",
    }
    /// What the policy wants done.
    stance(Stance) {
        Ignore => "ignore",
        Report => "report",
        Enforce => "enforce",
    }
    /// How far a judgment is proven.
    proof(Proof) {
        Observed => "observed",
        Partial => "partial",
        Attested => "attested",
    }
    /// What the remedy costs.
    disruption(Disruption) {
        None => "none",
        VideoGap => "video_gap",
        Reboot => "reboot",
        LinkLoss => "link_loss",
    }
    /// Whether the remedy can lock its administrator out.
    lockout_risk(LockoutRisk) {
        None => "none",
        Recoverable => "recoverable",
        Severe => "severe",
    }
    /// Why a backup was made.
    backup_reason(BackupReason) {
        Schedule => "schedule",
        Change => "change",
        Asked => "asked",
    }
    /// What a secret is for.
    secret_kind(SecretKind) {
        DevicePassword => "device_password",
        SecondAdministrator => "second_administrator",
        DeviceCertificate => "device_certificate",
        MessageKey => "message_key",
        RecordingKey => "recording_key",
    }
    /// What the inventory shows.
    sign(Sign) {
        NewDevice => "new_device",
        GoneDevice => "gone_device",
        ChangedCertificate => "changed_certificate",
        DriftFound => "drift_found",
    }
}

/// What the controller sent that makes no sense.
pub fn nonsense(what: &str) -> Stop {
    Stop::Failed(format!(
        "the controller sent {what}, which makes no sense; is it newer than this program?"
    ))
}

fn unknown(list: &str, number: i32) -> Stop {
    nonsense(&format!("{list} {number}"))
}
