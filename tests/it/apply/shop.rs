//! A workshop for the stories: real drivers, short patience, and a keeper that remembers.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::apply::{self, ByHand, DeviceResult, Job, Keeper, Kept, Outcome, Patience, Workshop};
use agent::device::mobotix::Dialects;
use agent::device::{self, Address, BasicInClear, Limits, Login, Target, Trials};
use agent::firmware::Advisories;
use agent::plan::{DevicePlan, Surroundings};
use async_trait::async_trait;
use proto::policy::WebPorts;
use proto::{Camera as Chapter, DeviceName, Measure, Policy, Secret, Stance};
use tests::devices::mobotix::{Camera, Line, Spec, configs, dialect};

/// Where the stories' agent comes from: the system's choice for every loopback address.
pub const AGENT: &str = "127.0.0.1";
/// The workstation of the stories.
pub const WORKSTATION: &str = "127.0.0.9";
/// The storage of the stories.
pub const STORAGE: &str = "127.0.0.20";

/// Remembers what it was given.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Vec<(Kept, Vec<u8>)>>);

#[async_trait]
impl Keeper for Memory {
    async fn keep(&self, _: &DeviceName, what: Kept, bytes: Vec<u8>) -> Result<(), String> {
        self.0.lock().unwrap().push((what, bytes));
        Ok(())
    }
}

impl Memory {
    /// What was kept of that kind.
    pub fn all(&self, kind: Kept) -> Vec<Vec<u8>> {
        let kept = self.0.lock().unwrap();
        kept.iter().filter(|(what, _)| *what == kind).map(|(_, bytes)| bytes.clone()).collect()
    }
}

/// Everything a story needs.
pub struct Shop {
    pub workshop: Workshop,
    pub kept: Arc<Memory>,
}

impl Shop {
    /// A workshop that enforces every measure, knows what was learned about pretend cameras, and waits for nothing long.
    pub fn new(change: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = Policy::default();
        for measure in Chapter::ALL {
            policy.stances.insert(Measure::Camera(*measure), Stance::Enforce);
        }
        policy.networks.allowed = vec!["10.20.0.0/16".parse().unwrap()];
        policy.networks.allowed.push("127.0.0.0/28".parse().unwrap());
        policy.networks.nas = vec![STORAGE.parse().unwrap()];
        change(&mut policy);
        let mut dialects = Dialects::builtin();
        for line in LINES {
            dialects.add(&dialect::learned(line)).unwrap();
        }
        let milliseconds = Duration::from_millis;
        let patience = Patience {
            settle: vec![milliseconds(10), milliseconds(40)],
            first: milliseconds(10),
            most: milliseconds(80),
            vanish: Duration::from_secs(20),
            reboot: Duration::from_secs(20),
            comeback: Duration::from_secs(20),
        };
        let kept = Arc::new(Memory::default());
        let workshop = Workshop {
            open: device::open,
            dialects: Arc::new(dialects),
            policy: Arc::new(policy),
            advisories: Arc::new(Advisories::builtin()),
            surroundings: Surroundings {
                vms: [WORKSTATION.parse().unwrap()].into(),
                nas: [STORAGE.parse().unwrap()].into(),
            },
            keeper: kept.clone(),
            rotates: Arc::new(ByHand),
            patience,
            clock: Arc::new(certs::SystemClock),
        };
        Self { workshop, kept }
    }

    /// The camera as the agent reaches it: over TLS, held to its certificate, with the factory login.
    pub fn target(&self, camera: &Camera, name: &str) -> Target {
        let at = camera.https_address().unwrap();
        Target {
            name: name.parse().unwrap(),
            address: Address { tls: true, host: at.ip().to_string(), port: at.port() },
            login: Some(Login {
                user: "admin".to_owned(),
                password: Secret::new(configs::FACTORY_PASSWORD),
                basic_in_clear: BasicInClear::Never,
            }),
            pin: Some(camera.pin()),
            seen_before: None,
            trials: Trials::Allowed,
            web_ports: self.workshop.policy.web_ports,
            password_rules: self.workshop.policy.passwords.clone(),
            limits: Limits::default(),
        }
    }

    pub async fn plan(&self, target: &Target) -> DevicePlan {
        apply::survey(target, &[], &[], &self.workshop).await.unwrap()
    }

    pub async fn apply(&self, target: &Target, plan: DevicePlan) -> DeviceResult {
        apply::apply(&job(target, plan), &self.workshop).await
    }
}

pub fn job(target: &Target, plan: DevicePlan) -> Job {
    Job { plan, target: target.clone(), attestations: Vec::new(), vms_addresses: Vec::new() }
}

pub const LINES: [Line; 3] = [Line::P3, Line::Mx6, Line::Mobotix7];

/// A camera that somebody screwed to a wall and forgot.
pub async fn neglected(line: Line, change: impl FnOnce(&mut Spec)) -> Camera {
    let address: IpAddr = "10.20.0.21".parse().unwrap();
    let mut spec = Spec::new(line, "yard");
    spec.config = Some(configs::neglected(line, address));
    change(&mut spec);
    Camera::start(spec).await.unwrap()
}

/// Standard ports that nobody listens on, so that a camera on others has nothing to move.
pub fn elsewhere() -> WebPorts {
    WebPorts { http: 9, https: 10 }
}

pub fn codes(plan: &DevicePlan) -> Vec<&'static str> {
    plan.steps.iter().map(|step| step.measure.code()).collect()
}

/// How each step ended, in a word.
pub fn outcomes(result: &DeviceResult) -> Vec<(&'static str, &'static str)> {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Proven { .. } => "proven",
        Outcome::Standing { .. } => "standing",
        Outcome::Already => "already",
        Outcome::Ineffective { .. } => "ineffective",
        Outcome::Refused { .. } => "refused",
        Outcome::Reverted { .. } => "reverted",
        Outcome::CutOff { .. } => "cut off",
        Outcome::NotTried { .. } => "not tried",
    };
    result.steps.iter().map(|step| (step.measure.code(), word(&step.outcome))).collect()
}

/// The steps that did not end that way.
pub fn other_than(result: &DeviceResult, word: &str) -> BTreeSet<&'static str> {
    outcomes(result).into_iter().filter(|(_, it)| *it != word).map(|(code, _)| code).collect()
}
