//! Plans, and what became of them, as they travel to be shown. What is in them was written by devices: every text is
//! bounded and free of what drives a terminal, every list is bounded, every word is known. Nothing is ever done by what
//! came this way: an agent carries out its own copy.

use super::malformed::{self, Malformed};
use super::policy::OrderId;
use super::v1;
use crate::text::printable;
use crate::{DeviceName, Timestamp};

/// Most parts of a plan.
pub const MAX_PARTS: u32 = 64;
/// Most devices in one part, and most devices that are named as left.
pub const MAX_DEVICES: usize = 2000;
/// Most steps, tasks, lines, notes and clauses in one list.
pub const MAX_LIST: usize = 500;
/// Longest text, in bytes.
pub const MAX_TEXT: usize = 4 << 10;
/// Most characters that a sender puts into one text; each takes at most ten bytes once it is printable.
const MOST_CHARS: usize = 400;

/// A text made fit to be sent: printable, and short enough.
pub fn fit(text: &str) -> String {
    printable(text, MOST_CHARS)
}

/// A part of a plan that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanPart {
    /// The plan.
    pub id: OrderId,
    /// Over the plan as the agent keeps it.
    pub digest: [u8; 32],
    /// When it was made, by the agent's clock.
    pub made_at: Timestamp,
    /// Afterwards it is not carried out any more.
    pub expires_at: Timestamp,
    body: v1::PlanReport,
}

/// What became of a plan, or of one of its devices, that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The plan.
    pub plan: OrderId,
    /// The device that ended; none where the whole did.
    pub device: Option<DeviceName>,
    body: v1::AppliedReport,
}

impl PlanPart {
    /// The whole of it.
    pub fn body(&self) -> &v1::PlanReport {
        &self.body
    }

    /// Names of the devices in this part that carrying it out does something to.
    pub fn devices(&self) -> impl Iterator<Item = &str> {
        let changed = self.body.devices.iter().filter(|device| is_work(device));
        changed.map(|device| device.device.as_str())
    }

    /// How many steps there are in this part.
    pub fn steps(&self) -> usize {
        self.body.devices.iter().map(|device| device.steps.len()).sum()
    }
}

/// Whether carrying a plan out does anything to a device: a step, or a credential for rotation.
pub fn is_work(device: &v1::PlannedDevice) -> bool {
    !device.steps.is_empty() || device.tasks.iter().any(|task| task.window > 0)
}

impl Applied {
    /// The whole of it.
    pub fn body(&self) -> &v1::AppliedReport {
        &self.body
    }

    /// Whether something went wrong: it halted, was refused, or left devices as they were. Nothing for a single device.
    pub fn failed(&self) -> Option<bool> {
        match &self.body.what {
            Some(v1::applied_report::What::Over(over)) => Some(
                ![over.halted.len(), over.refused.len(), over.left.len()].iter().all(|it| *it == 0),
            ),
            Some(v1::applied_report::What::Device(_)) | None => None,
        }
    }
}

fn text(text: &str) -> Result<(), Malformed> {
    malformed::text(text.to_owned(), "text of a plan", MAX_TEXT).map(drop)
}

fn texts<'t>(all: impl IntoIterator<Item = &'t String>) -> Result<(), Malformed> {
    all.into_iter().try_for_each(|one| text(one))
}

fn list(length: usize) -> Result<(), Malformed> {
    malformed::within(length, "list of a plan", MAX_LIST)
}

fn device(name: &str) -> Result<DeviceName, Malformed> {
    malformed::device(name.to_owned())
}

impl TryFrom<v1::PlanReport> for PlanPart {
    type Error = Malformed;

    fn try_from(body: v1::PlanReport) -> Result<Self, Malformed> {
        if !(1..=MAX_PARTS).contains(&body.of) || body.number >= body.of {
            return Err(Malformed::Bad("plan's part"));
        }
        malformed::within(body.devices.len(), "devices", MAX_DEVICES)?;
        malformed::within(body.failed.len(), "devices", MAX_DEVICES)?;
        malformed::within(body.canary.len(), "devices", MAX_DEVICES)?;
        body.canary.iter().try_for_each(|name| device(name).map(drop))?;
        for failed in &body.failed {
            device(&failed.device)?;
            text(&failed.why)?;
        }
        body.devices.iter().try_for_each(planned)?;
        Ok(Self {
            id: body.id.parse()?,
            digest: body.digest.clone().try_into().map_err(|_| Malformed::Bad("plan's digest"))?,
            made_at: malformed::time(body.made_at, "plan's time")?,
            expires_at: malformed::time(body.expires_at, "plan's end")?,
            body,
        })
    }
}

fn planned(it: &v1::PlannedDevice) -> Result<(), Malformed> {
    device(&it.device)?;
    texts([&it.address, &it.product, &it.firmware])?;
    list(it.steps.len())?;
    list(it.tasks.len())?;
    for task in &it.tasks {
        malformed::measure(&task.measure)?;
        texts([&task.whose, &task.words, &task.confirm])?;
    }
    it.steps.iter().try_for_each(step)
}

fn step(it: &v1::PlannedStep) -> Result<(), Malformed> {
    malformed::measure(&it.measure)?;
    if matches!(it.risk.try_into(), Err(_) | Ok(v1::PlanRisk::Unspecified)) {
        return Err(Malformed::Unknown("risk"));
    }
    list(it.lines.len())?;
    list(it.others.len())?;
    texts([&it.title, &it.way_back, &it.undo, &it.point_of_no_return])?;
    texts(&it.others)?;
    for line in &it.lines {
        text(&line.section)?;
        texts(line.before.iter().chain(&line.after))?;
    }
    Ok(())
}

impl TryFrom<v1::AppliedReport> for Applied {
    type Error = Malformed;

    fn try_from(body: v1::AppliedReport) -> Result<Self, Malformed> {
        let ended = match body.what.as_ref().ok_or(Malformed::Unknown("outcome"))? {
            v1::applied_report::What::Device(it) => Some(applied(it)?),
            v1::applied_report::What::Over(over) => {
                texts([&over.halted, &over.refused])?;
                malformed::within(over.left.len(), "devices", MAX_DEVICES)?;
                over.left.iter().try_for_each(|name| device(name).map(drop))?;
                None
            }
        };
        Ok(Self { plan: body.plan.parse()?, device: ended, body })
    }
}

fn applied(it: &v1::AppliedDevice) -> Result<DeviceName, Malformed> {
    list(it.steps.len())?;
    list(it.notes.len())?;
    list(it.rotations.len())?;
    texts([&it.stopped, &it.moved_to])?;
    texts(it.notes.iter().chain(&it.rotations))?;
    malformed::time(it.began, "beginning")?;
    malformed::time(it.ended, "end")?;
    for step in &it.steps {
        malformed::measure(&step.measure)?;
        texts([&step.title, &step.why])?;
        if matches!(step.outcome.try_into(), Err(_) | Ok(v1::StepOutcome::Unspecified)) {
            return Err(Malformed::Unknown("outcome"));
        }
    }
    device(&it.device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> v1::PlanReport {
        let line = v1::PlannedLine {
            section: "homepage".to_owned(),
            before: Some("ROBOTS_TXT_MODE=allowed".to_owned()),
            after: Some("ROBOTS_TXT_MODE=forbidden".to_owned()),
        };
        let step = v1::PlannedStep {
            number: 1,
            measure: "C09".to_owned(),
            title: "tell crawlers to stay out".to_owned(),
            lines: vec![line],
            risk: v1::PlanRisk::None.into(),
            ..v1::PlannedStep::default()
        };
        let device = v1::PlannedDevice {
            device: "yard".to_owned(),
            steps: vec![step],
            ..v1::PlannedDevice::default()
        };
        v1::PlanReport {
            id: "a".repeat(32),
            digest: vec![7; 32],
            of: 1,
            devices: vec![device],
            ..v1::PlanReport::default()
        }
    }

    fn refused(change: impl FnOnce(&mut v1::PlanReport)) -> Malformed {
        let mut report = report();
        change(&mut report);
        PlanPart::try_from(report).unwrap_err()
    }

    #[test]
    fn a_part_of_a_plan_is_kept_as_it_came() {
        let part = PlanPart::try_from(report()).unwrap();
        assert_eq!((part.body(), part.steps()), (&report(), 1));
        assert_eq!(part.devices().collect::<Vec<_>>(), ["yard"]);
    }

    #[test]
    fn what_drives_a_terminal_or_is_too_much_is_refused() {
        let text = Malformed::Bad("text of a plan");
        let long = Malformed::TooLarge("text of a plan", MAX_TEXT);
        assert_eq!(refused(|it| it.devices[0].address = "\u{1b}[2J".to_owned()), text);
        let line = |it: &mut v1::PlanReport, text: &str| {
            it.devices[0].steps[0].lines[0].after = Some(text.to_owned());
        };
        assert_eq!(refused(|it| line(it, "a\u{202e}b")), text);
        assert_eq!(refused(|it| line(it, &"x".repeat(MAX_TEXT + 1))), long);
        let steps = |it: &mut v1::PlanReport| {
            it.devices[0].steps = vec![it.devices[0].steps[0].clone(); MAX_LIST + 1];
        };
        assert_eq!(refused(steps), Malformed::TooLarge("list of a plan", MAX_LIST));
        assert_eq!(refused(|it| it.number = 1), Malformed::Bad("plan's part"));
        assert_eq!(refused(|it| it.of = MAX_PARTS + 1), Malformed::Bad("plan's part"));
        assert_eq!(refused(|it| it.devices[0].steps[0].risk = 9), Malformed::Unknown("risk"));
        let worst: String = std::iter::repeat_n('\u{e0001}', 5000).collect();
        assert!(fit(&worst).len() <= MAX_TEXT, "what is sent is taken");
    }

    #[test]
    fn an_outcome_that_this_version_does_not_know_is_refused() {
        let over = v1::AppliedOver { halted: "yard: it lied".to_owned(), ..Default::default() };
        let plan = "a".repeat(32);
        let what = Some(v1::applied_report::What::Over(over));
        let whole = Applied::try_from(v1::AppliedReport { plan: plan.clone(), what }).unwrap();
        assert_eq!((whole.failed(), &whole.device), (Some(true), &None));
        let step = v1::AppliedStep { measure: "C09".to_owned(), outcome: 99, ..Default::default() };
        let device = v1::AppliedDevice {
            device: "yard".to_owned(),
            steps: vec![step],
            ..Default::default()
        };
        let what = Some(v1::applied_report::What::Device(device));
        let read = Applied::try_from(v1::AppliedReport { plan, what });
        assert_eq!(read, Err(Malformed::Unknown("outcome")));
    }
}
