//! What devices are judged by at the moment: the controller's policy if there is one, else the site file's. Pure.

use std::path::Path;
use std::sync::Arc;

use proto::finding::Attestation;
use proto::wire::policy::Desired;
use proto::{DeviceName, Policy};

use crate::change::Digest;
use crate::config::policy;
use crate::firmware::Advisories;

/// What devices are judged by.
#[derive(Clone, Debug)]
pub struct Yardstick {
    /// Generation of the controller's desired state; 0 while there is none.
    pub generation: u64,
    /// What the site should be, with every waiver.
    pub policy: Policy,
    /// Over the policy as it was stated, whatever is trusted besides.
    pub stated: Digest,
    /// What vendors say.
    pub advisories: Arc<Advisories>,
    /// What operators vouch for.
    attestations: Vec<Attestation>,
}

/// Why a desired state cannot be judged by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy of generation {generation} cannot be used: {why}")]
pub struct UnfitPolicy {
    generation: u64,
    why: String,
}

impl Yardstick {
    /// Of a site without a controller.
    pub fn local(policy: Policy, advisories: Arc<Advisories>) -> Self {
        Self::stating(0, policy, advisories, Vec::new())
    }

    /// Of what the controller wants. Its policy takes the place of the site file's.
    ///
    /// # Errors
    /// A firmware that is no version, or a certificate that is none or that it names as a file: files of this machine
    /// are not the controller's to read.
    pub fn desired(desired: &Desired, advisories: Arc<Advisories>) -> Result<Self, UnfitPolicy> {
        let generation = desired.generation;
        let no_file =
            |_: &Path| Err("write the certificate's PEM text instead of a path".to_owned());
        let mut policy = policy::parse(&desired.policy_text, Path::new(""), no_file)
            .map_err(|why| UnfitPolicy { generation, why })?;
        policy.waivers.extend(desired.waivers.iter().cloned());
        let attestations = desired.attestations.clone();
        Ok(Self::stating(generation, policy, advisories, attestations))
    }

    fn stating(
        generation: u64,
        policy: Policy,
        advisories: Arc<Advisories>,
        attestations: Vec<Attestation>,
    ) -> Self {
        let stated = Digest::of(&serde_json::to_vec(&policy).expect("a policy is JSON"));
        Self { generation, policy, stated, advisories, attestations }
    }

    /// The same, where the certificates that this site's own issuer signs are ours as well: who has the agent make
    /// certificates need not name its issuer (C16). Nothing if they are already.
    pub fn trusting(&self, own: Vec<String>) -> Option<Self> {
        let known = &self.policy.certificates.authorities;
        let new: Vec<String> = own.into_iter().filter(|one| !known.contains(one)).collect();
        if new.is_empty() {
            return None;
        }
        let mut more = self.clone();
        more.policy.certificates.authorities.extend(new);
        Some(more)
    }

    /// What operators vouch for about a device. A measure of another chapter does no harm: it is not applicable there.
    pub fn attestations_for(&self, device: &DeviceName) -> impl Iterator<Item = Attestation> {
        let here = move |it: &&Attestation| it.devices.is_empty() || it.devices.contains(device);
        self.attestations.iter().filter(here).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desired(policy_text: &str) -> Desired {
        let attestation = |device: &str| Attestation {
            measure: "C19".parse().unwrap(),
            devices: vec![device.parse().unwrap()],
            by: "Kim".to_owned(),
            until: "2027-03-31".parse().unwrap(),
            evidence: "seen".to_owned(),
        };
        let waiver = proto::Waiver {
            measure: "C15".parse().unwrap(),
            devices: Vec::new(),
            reason: "VMS".to_owned(),
            owner: "Kim".to_owned(),
            expires: "2027-01-01".parse().unwrap(),
        };
        Desired {
            generation: 4,
            policy_text: policy_text.to_owned(),
            attestations: vec![attestation("yard"), attestation("gate")],
            waivers: vec![waiver],
            ..Desired::default()
        }
    }

    fn take(policy_text: &str) -> Result<Yardstick, String> {
        let advisories = Arc::new(Advisories::builtin());
        Yardstick::desired(&desired(policy_text), advisories).map_err(|error| error.to_string())
    }

    #[test]
    fn operators_waivers_stand_beside_the_policys_and_attestations_keep_to_their_device() {
        let own = "[[waivers]]\nmeasure='C07'\nreason='x'\nowner='Kim'\nexpires='2027-01-01'\n";
        let yardstick = take(own).unwrap();
        assert_eq!((yardstick.generation, yardstick.policy.waivers.len()), (4, 2));
        assert_eq!(yardstick.attestations_for(&"yard".parse().unwrap()).count(), 1);
    }

    #[test]
    fn the_sites_own_issuer_is_trusted_beside_the_policys_and_once() {
        let yardstick = take("").unwrap();
        let own = vec!["PEM of the site's issuer".to_owned()];
        let trusting = yardstick.trusting(own.clone()).unwrap();
        assert_eq!(trusting.policy.certificates.authorities, own);
        assert!(trusting.trusting(own).is_none() && yardstick.trusting(Vec::new()).is_none());
    }

    #[test]
    fn a_policy_from_afar_names_no_file_and_no_odd_version() {
        let error = take("[certificates]\nauthorities = ['/etc/shadow.pem']\n").unwrap_err();
        assert!(error.contains("generation 4") && error.contains("PEM text"), "{error}");
        assert!(take("[firmware]\nminimum = ['newest']\n").is_err());
    }
}
