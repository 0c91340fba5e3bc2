//! What the link enters into the agent's audit log: what was decided about trust and about who the box is.

use certs::Clock as _;

use super::Link;
use crate::store::Draft;

/// A deed of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    /// The agent was started.
    Started,
    /// A new certificate has proven itself and is in force.
    Renewed,
    /// The agent found its way back after its certificate had lapsed.
    Recovered,
    /// A new bundle of roots is in force.
    TrustTaken,
    /// A bundle of roots was refused.
    TrustRefused,
    /// A desired state was refused.
    DesiredRefused,
    /// The controller said where it is.
    AddressesTaken,
    /// Other recovery recipients are in force.
    RecoveryTaken,
    /// Recovery recipients were refused.
    RecoveryRefused,
    /// The controller keeps no more secrets of this site.
    EscrowRefused,
    /// A device issuer is in force.
    IssuerTaken,
    /// A device issuer was refused.
    IssuerRefused,
    /// A certificate was made for a device.
    CertificateMade,
    /// The controller's audit log is not the one that was seen.
    LogDiffers,
}

impl Deed {
    fn as_str(self) -> &'static str {
        match self {
            Self::Started => "agent_started",
            Self::Renewed => "certificate_renewed",
            Self::Recovered => "agent_recovered",
            Self::TrustTaken => "trust_taken",
            Self::TrustRefused => "trust_refused",
            Self::DesiredRefused => "desired_refused",
            Self::AddressesTaken => "addresses_taken",
            Self::RecoveryTaken => "recovery_taken",
            Self::RecoveryRefused => "recovery_refused",
            Self::EscrowRefused => "escrow_refused",
            Self::IssuerTaken => "device_issuer_taken",
            Self::IssuerRefused => "device_issuer_refused",
            Self::CertificateMade => "device_certificate_made",
            Self::LogDiffers => "controller_log_differs",
        }
    }
}

impl Link {
    /// Enters that the agent was started.
    pub async fn note_start(&self) {
        self.record(Deed::Started, env!("CARGO_PKG_VERSION")).await;
    }

    /// The same, unless it is what was entered last of its kind: the controller may say the same again and again.
    pub(super) async fn record_once(&self, deed: Deed, detail: String) {
        let before = self.held().recorded.insert(deed, detail.clone());
        if before.as_ref() != Some(&detail) {
            self.record(deed, &detail).await;
        }
    }

    pub(super) async fn record(&self, deed: Deed, detail: &str) {
        self.record_about("", deed, detail).await;
    }

    /// The same, about a device.
    pub(super) async fn record_about(&self, subject: &str, deed: Deed, detail: &str) {
        let draft = Draft {
            time: self.clock.now(),
            actor: self.member.borrow().name().to_string(),
            deed: deed.as_str().to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
        };
        match self.store.audit(vec![draft]).await {
            Ok(_) => self.hasten(),
            Err(error) => {
                tracing::error!(deed = deed.as_str(), %error, "the audit log cannot be kept")
            }
        }
    }
}
