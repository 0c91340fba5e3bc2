//! From judgments and policy to the plan of one device.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::Ipv4Net;
use proto::{Finding, Measure, Proof, Stance, Verdict};

use super::safety::Forbidden;
use super::{DevicePlan, Step, Surroundings, Task, TaskKind, harm};
use crate::change::{AddressList, Change, Credential, Digest, Edit, Untranslated};
use crate::facts::{CameraFacts, Device};
use crate::measures::{Conclusion, Open, Remedy};

/// A device as it was seen.
pub struct Subject<'a> {
    /// Which.
    pub device: &'a Device,
    /// The account that we log in as.
    pub user: Option<&'a str>,
    /// What was read from it.
    pub facts: &'a CameraFacts,
    /// What was concluded.
    pub conclusions: &'a [Conclusion],
    /// Over its configuration.
    pub configuration: Digest,
    /// Who must get in, whatever happens.
    pub surroundings: &'a Surroundings,
    /// Whether rotation replaces a credential of it; if not, why, and how to go on, as a clause.
    pub rotates: &'a Rotates<'a>,
}

/// Whether rotation replaces a credential; if not, why, and how to go on, as a clause.
pub type Rotates<'r> = dyn Fn(&Credential) -> Result<(), String> + 'r;

/// Says what a change comes to on the device, on top of those that it was asked about before and that can be made.
pub type Translate<'t> = dyn FnMut(&Change) -> Result<Edit, Untranslated> + 't;

/// Draws the plan of one device. What the policy does not say to enforce is left alone.
pub fn draw(subject: &Subject<'_>, translate: &mut Translate<'_>) -> DevicePlan {
    let mut drawing = Drawing {
        subject,
        must_admit: must_admit(subject),
        changes: Vec::new(),
        rotations: Vec::new(),
        tasks: Vec::new(),
        open: subject
            .conclusions
            .iter()
            .filter(|it| it.open == Open::ToAPerson)
            .map(|it| it.finding.measure)
            .collect(),
    };
    let enforced = subject.conclusions.iter().filter(|it| is_enforced(&it.finding));
    enforced.for_each(|conclusion| drawing.sort(conclusion));
    let steps = drawing.steps(translate);
    drawing.rotate(!steps.is_empty());
    drawing.tasks.sort_by_key(|task| task.measure);
    DevicePlan {
        device: subject.device.name.clone(),
        address: subject.device.address.clone(),
        product: subject.device.product.clone(),
        firmware: subject.device.firmware.clone(),
        pin: subject.device.pin.clone(),
        user: subject.user.map(str::to_owned),
        configuration: subject.configuration,
        must_admit: drawing.must_admit,
        steps,
        tasks: drawing.tasks,
    }
}

fn is_enforced(finding: &Finding) -> bool {
    finding.stance == Stance::Enforce && !finding.waived
}

/// Our own address, if it is known, and those of the surroundings.
fn must_admit(subject: &Subject<'_>) -> BTreeSet<IpAddr> {
    let own = subject.facts.own_address.seen();
    let others = subject.surroundings.vms.iter().chain(&subject.surroundings.nas);
    own.into_iter().chain(others).map(IpAddr::to_canonical).collect()
}

struct Drawing<'d, 'a> {
    subject: &'d Subject<'a>,
    must_admit: BTreeSet<IpAddr>,
    changes: Vec<Change>,
    rotations: Vec<(Measure, Credential)>,
    tasks: Vec<Task>,
    /// What only a person can tell.
    open: BTreeSet<Measure>,
}

impl Drawing<'_, '_> {
    /// Sorts what would cure a measure by whose it is.
    fn sort(&mut self, conclusion: &Conclusion) {
        let finding = &conclusion.finding;
        match finding.judgment {
            Verdict::Met | Verdict::NotApplicable | Verdict::Attested => return,
            Verdict::Unknown => {
                let kind = match conclusion.open {
                    Open::ToAPerson => TaskKind::Person,
                    Open::ToALook => TaskKind::Learn,
                };
                self.task(finding.measure, kind, sentence(&finding.observed));
                return;
            }
            Verdict::Unmet => {}
        }
        for cure in &conclusion.cures {
            match cure {
                Remedy::Change(change) => match self.complete(change) {
                    Ok(change) if self.changes.contains(&change) => {}
                    Ok(change) => self.changes.push(change),
                    Err(why) => self.task(finding.measure, TaskKind::Person, why),
                },
                Remedy::Rotate(credential) => {
                    self.replace(finding.measure, credential.clone());
                }
                Remedy::RotateLogin => {
                    let Some(user) = self.subject.user else { continue };
                    let own = Credential::Password { account: user.to_owned(), group: None };
                    self.replace(finding.measure, own);
                }
                Remedy::Person(words) => {
                    self.task(finding.measure, TaskKind::Person, words.clone());
                }
            }
        }
    }

    /// A credential is to be replaced: by rotation, or by a person where rotation cannot.
    fn replace(&mut self, measure: Measure, credential: Credential) {
        let same = |known: &Credential| match (known, &credential) {
            (
                Credential::Password { account: known, .. },
                Credential::Password { account: new, .. },
            ) => known == new,
            (known, new) => known == new,
        };
        if self.rotations.iter().any(|(_, known)| same(known)) {
            return;
        }
        match (self.subject.rotates)(&credential) {
            Ok(()) => self.rotations.push((measure, credential)),
            Err(why) => {
                let words = format!("rotation does not replace {credential}: {why}");
                self.task(measure, TaskKind::Person, sentence(&words));
            }
        }
    }

    /// Adds to an access list whoever must get in.
    ///
    /// # Errors
    /// What the policy must say first: a list with somebody that it does not know would be judged as too wide.
    fn complete(&self, change: &Change) -> Result<Change, String> {
        let Change::RestrictAddresses(list) = change else { return Ok(change.clone()) };
        let storage = self.subject.surroundings.nas.iter();
        if let Some(address) = storage.copied().find(|address| !list.admits(*address)) {
            return Err(format!(
                "Say in the policy that {address} is storage, as the site file does (networks.nas), so that the list \
                 may hold it."
            ));
        }
        let hosts = self.must_admit.iter().filter_map(|address| match address {
            IpAddr::V4(address) => Some(Ipv4Net::from(*address)),
            IpAddr::V6(_) => None,
        });
        Ok(Change::RestrictAddresses(AddressList::new(list.networks().chain(hosts))))
    }

    /// The changes that may and can be made, in order; for the others, tasks.
    fn steps(&mut self, translate: &mut Translate<'_>) -> Vec<Step> {
        let mut changes = std::mem::take(&mut self.changes);
        changes.sort_by_key(Change::rank);
        let mut steps: Vec<Step> = Vec::new();
        for change in changes {
            let measure = change.measure();
            let may = Forbidden::of(&change, &steps, self.subject, &self.must_admit);
            if let Some(why) = may {
                self.task(measure, TaskKind::Person, sentence(&format!("not done: {why}")));
                continue;
            }
            match translate(&change) {
                Ok(edit) => {
                    let number = u32::try_from(steps.len()).unwrap_or(u32::MAX).saturating_add(1);
                    steps.push(self.step(number, change, edit));
                }
                Err(Untranslated::Unknown(why)) => {
                    self.task(measure, TaskKind::Learn, sentence(&why));
                }
                Err(Untranslated::Impossible(why)) => {
                    let words = format!("not done: {change}: {why}");
                    self.task(measure, TaskKind::Person, sentence(&words));
                }
                Err(Untranslated::Standing) => {
                    let words = format!(
                        "not done: {change}: the configuration says so already, yet the camera behaves otherwise; \
                         reboot it, and look at it again"
                    );
                    self.task(measure, TaskKind::Person, sentence(&words));
                }
            }
        }
        steps
    }

    fn step(&self, number: u32, change: Change, edit: Edit) -> Step {
        Step {
            number,
            measure: change.measure(),
            words: change.to_string(),
            harm: harm::of(&change, &edit, self.subject.facts),
            undo: change.undo().to_owned(),
            point_of_no_return: change.point_of_no_return().to_owned(),
            edit,
            change,
        }
    }

    /// One class of secret per window: the certificate before the passwords, which then travel where nobody can read
    /// them, and the keys after those.
    fn rotate(&mut self, steps: bool) {
        let class = |credential: &Credential| match credential {
            Credential::Certificate => 0,
            Credential::Password { .. } => 1,
            Credential::RecordingKey | Credential::MessageKey => 2,
        };
        let mut rotations = std::mem::take(&mut self.rotations);
        rotations.sort_by_key(|(_, credential)| class(credential));
        let (mut window, mut last) = (u32::from(steps), None);
        for (measure, credential) in rotations {
            if last != Some(class(&credential)) {
                window += 1;
                last = Some(class(&credential));
            }
            let words = sentence(&format!(
                "replace {credential}: carrying this plan out has rotation do it in window {window}, of which \
                 the first is the one of the apply"
            ));
            self.task(measure, TaskKind::Rotate { credential, window }, words);
        }
    }

    fn task(&mut self, measure: Measure, kind: TaskKind, words: String) {
        let is_open = self.open.contains(&measure);
        let device = &self.subject.device.name;
        let confirm = match &kind {
            TaskKind::Person if measure.proof() == Proof::Attested || is_open => format!(
                "Vouch for it: palisade attest SITE {measure} --device {device} --by NAME --until DATE --evidence TEXT; \
                 without a controller, an [[attestations]] entry for {measure} in the site file."
            ),
            TaskKind::Person | TaskKind::Learn => format!(
                "Have it looked at again (palisade plan SITE {device}, or palisade-agent plan): {measure} no longer \
                 stands here."
            ),
            TaskKind::Rotate { .. } => {
                "Rotation proves it by a log-in or handshake; palisade rotations SITE shows where it stands.".to_owned()
            }
        };
        let task = Task { measure, kind, words, confirm };
        if !self.tasks.contains(&task) {
            self.tasks.push(task);
        }
    }
}

/// A clause as a sentence: a capital first, a full stop last.
fn sentence(clause: &str) -> String {
    let mut chars = clause.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    let stop = if clause.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", chars.as_str())
}
