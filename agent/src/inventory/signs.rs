//! Signs as findings: what the inventory shows beside the 32 measures. There is one only while it shows something.

use proto::wire::finding::{About, Found, Sign};
use proto::{Disruption, Evidence, LockoutRisk, Proof, Stance, Verdict};

use super::{Inventory, Known, Mac, Stranger};
use proto::DeviceName;

const DAY: i64 = 86_400;

impl Inventory {
    /// The signs about a device of the site. It counts as gone after so many days of silence.
    pub fn signs(&self, name: &DeviceName, gone_after_days: u32) -> Vec<Found> {
        let Some(known) = self.devices.get(name) else { return Vec::new() };
        gone(known, gone_after_days).into_iter().chain(changed(known)).collect()
    }
}

fn gone(known: &Known, after_days: u32) -> Option<Found> {
    let after = i64::from(after_days).saturating_mul(DAY);
    // What never answered is a typing error in the site file rather than a device that went.
    let last = known.answered_at.filter(|_| known.silent >= after)?;
    let observed = format!("no answer for {after_days} days or more, while others answer");
    let remedy = "Find out whether it was unplugged, moved or stolen; if it is gone for good, take it out of the site \
                  file. Change the passwords it held."
        .to_owned();
    let evidence =
        vec![Evidence { source: "visits".to_owned(), text: format!("last answer at {last}") }];
    let expected = "It answers like the site's other devices.".to_owned();
    Some(found(Sign::GoneDevice, expected, observed, remedy, evidence))
}

fn changed(known: &Known) -> Option<Found> {
    let (accepted, presented) = known.accepted.zip(known.presented)?;
    let observed = format!("it presents {presented}");
    let remedy = format!(
        "Find out who replaced the certificate. If it was on purpose, write pin = \"{presented}\" into its entry of the \
         site file; if not, somebody else may be answering. Until then nobody logs in to it."
    );
    let piece = |text: String| Evidence { source: "TLS handshake".to_owned(), text };
    let evidence = vec![piece(format!("before: {accepted}")), piece(format!("now: {presented}"))];
    let expected = format!("It presents the certificate it is held to, {accepted}.");
    Some(found(Sign::ChangedCertificate, expected, observed, remedy, evidence))
}

/// The sign about a stranger.
pub fn new_device(mac: Mac, stranger: &Stranger) -> Found {
    let observed = format!("a camera at {} that no site file names", stranger.address);
    let remedy = "Find out whose it is; if it is yours, add it to the site file, and if not, take it off the network."
        .to_owned();
    let mut evidence = vec![Evidence {
        source: "address table".to_owned(),
        text: format!("{} has {mac}, first seen at {}", stranger.address, stranger.first_seen),
    }];
    evidence.extend(stranger.evidence.iter().cloned());
    let expected = "Every camera on the site's networks is in the site file.".to_owned();
    found(Sign::NewDevice, expected, observed, remedy, evidence)
}

fn found(
    sign: Sign,
    expected: String,
    observed: String,
    remedy: String,
    evidence: Vec<Evidence>,
) -> Found {
    Found {
        about: About::Sign(sign),
        judgment: Verdict::Unmet,
        waived: false,
        stance: Stance::Report,
        proof: Proof::Observed,
        expected,
        observed,
        remedy,
        disruption: Disruption::None,
        lockout_risk: LockoutRisk::None,
        evidence,
    }
}
