//! Plans and what became of them, as they are told to the controller: structured, every text made printable and short.
//! What the controller is shown is never carried out. Pure.

use proto::text::printable;
use proto::wire::plan::{MAX_LIST, MAX_PARTS, fit};
use proto::wire::v1;
use proto::{DeviceName, Timestamp};

use crate::apply::{By, DeviceResult, Outcome, StepResult};
use crate::change::{Risk, Shows};
use crate::plan::{DevicePlan, Failed, Plan, Step, Task, TaskKind};

/// A part is closed once it has so many bytes; an entry of the outbox takes 256 KiB.
const PART: usize = 96 << 10;
/// A device with more bytes is shown without its lines: no camera has so many unless it means to.
const MOST_DEVICE: usize = 160 << 10;
/// Longest text of such a device, in characters.
const SHORT: usize = 80;
/// Lines of one step that are shown.
const MOST_LINES: usize = 60;
/// Steps, and tasks, of one device that are shown.
const MOST_STEPS: usize = 60;

/// How a plan is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    /// The plan's name.
    pub id: &'a str,
    /// Until when it may be carried out.
    pub expires_at: Timestamp,
    /// Whether the policy alone has it made and carried out.
    pub unattended: bool,
}

/// A plan in parts.
pub(super) fn parts(plan: &Plan, head: Head<'_>) -> Vec<v1::PlanReport> {
    let blank = v1::PlanReport {
        id: head.id.to_owned(),
        digest: plan.digest.as_bytes().to_vec(),
        made_at: plan.made_at.unix(),
        expires_at: head.expires_at.unix(),
        unattended: head.unattended,
        at_once: plan.roll_out.at_once.into(),
        canary: plan.roll_out.canary.iter().take(MAX_LIST).map(ToString::to_string).collect(),
        number: 0,
        of: 1,
        devices: Vec::new(),
        failed: plan.failed.iter().take(MAX_LIST).map(failed).collect(),
    };
    let mut parts = vec![blank.clone()];
    let mut bytes = 0;
    for device in &plan.devices {
        let mut device = planned(device);
        if size(&device) > MOST_DEVICE {
            device.steps.iter_mut().for_each(shorten);
            device.tasks.iter_mut().for_each(|task| task.words = printable(&task.words, SHORT));
        }
        let size = size(&device);
        if bytes > 0 && bytes + size > PART {
            parts.push(v1::PlanReport { failed: Vec::new(), ..blank.clone() });
            bytes = 0;
        }
        bytes += size;
        if let Some(part) = parts.last_mut() {
            part.devices.push(device);
        }
    }
    parts.truncate(MAX_PARTS as usize);
    let of = u32::try_from(parts.len()).unwrap_or(MAX_PARTS);
    for (number, part) in (0..).zip(&mut parts) {
        (part.number, part.of) = (number, of);
    }
    parts
}

/// About how many bytes a device's plan has, a little too many rather than too few.
fn size(device: &v1::PlannedDevice) -> usize {
    let line = |line: &v1::PlannedLine| {
        let texts = line.before.iter().chain(&line.after).map(String::len).sum::<usize>();
        line.section.len() + texts + 16
    };
    let step = |step: &v1::PlannedStep| {
        let others = step.others.iter().map(|it| it.len() + 4).sum::<usize>();
        let texts = step.title.len() + step.way_back.len() + step.undo.len();
        texts
            + step.point_of_no_return.len()
            + others
            + step.lines.iter().map(line).sum::<usize>()
            + 64
    };
    let task = |it: &v1::PlannedTask| it.words.len() + it.confirm.len() + it.whose.len() + 32;
    let tasks = device.tasks.iter().map(task).sum::<usize>();
    device.steps.iter().map(step).sum::<usize>() + tasks + device.address.len() + 256
}

fn shorten(step: &mut v1::PlannedStep) {
    let section = "too many or too long to be shown".to_owned();
    step.lines = vec![v1::PlannedLine { section, before: None, after: None }];
    step.others.clear();
    step.title = printable(&step.title, SHORT);
    step.way_back = printable(&step.way_back, SHORT);
}

fn failed(failed: &Failed) -> v1::UnplannedDevice {
    v1::UnplannedDevice { device: failed.device.to_string(), why: fit(&failed.why) }
}

fn planned(plan: &DevicePlan) -> v1::PlannedDevice {
    let shown = |text: &Option<String>| fit(text.as_deref().unwrap_or_default());
    v1::PlannedDevice {
        device: plan.device.to_string(),
        address: fit(&plan.address),
        product: shown(&plan.product),
        firmware: shown(&plan.firmware),
        steps: plan.steps.iter().take(MOST_STEPS).map(step).collect(),
        tasks: plan.tasks.iter().take(MOST_STEPS).map(task).collect(),
        reboots: plan.reboots(),
        video_s: plan.video_s(),
    }
}

fn step(step: &Step) -> v1::PlannedStep {
    let line = |line: &crate::change::LineEdit| v1::PlannedLine {
        section: fit(&line.section),
        before: line.before.as_deref().map(fit),
        after: line.after.as_deref().map(fit),
    };
    let risk = match step.harm.risk {
        Risk::None => v1::PlanRisk::None,
        Risk::Others => v1::PlanRisk::Others,
        Risk::CutOff => v1::PlanRisk::CutOff,
    };
    let mut lines: Vec<_> = step.edit.lines.iter().take(MOST_LINES).map(line).collect();
    if step.edit.lines.len() > MOST_LINES {
        let more = format!("and {} more lines", step.edit.lines.len() - MOST_LINES);
        lines.push(v1::PlannedLine { section: more, before: None, after: None });
    }
    v1::PlannedStep {
        number: step.number,
        measure: step.measure.code().to_owned(),
        title: fit(&step.words),
        lines,
        risk: risk.into(),
        reboot: step.harm.reboot,
        video_s: step.harm.video_s,
        others: step.harm.others.iter().take(MOST_STEPS).map(|it| fit(it)).collect(),
        way_back: fit(step.harm.way_back.as_deref().unwrap_or_default()),
        undo: fit(&step.undo),
        point_of_no_return: fit(&step.point_of_no_return),
        shows_setting_only: step.edit.shows == Shows::Setting,
    }
}

fn task(task: &Task) -> v1::PlannedTask {
    let whose = match &task.kind {
        TaskKind::Person => "for a person".to_owned(),
        TaskKind::Learn => "to be learned".to_owned(),
        TaskKind::Rotate { window, .. } => format!("for rotation, window {window}"),
    };
    v1::PlannedTask {
        measure: task.measure.code().to_owned(),
        whose,
        words: fit(&task.words),
        confirm: fit(&task.confirm),
        window: match &task.kind {
            TaskKind::Person | TaskKind::Learn => 0,
            TaskKind::Rotate { window, .. } => *window,
        },
    }
}

/// What became of one device of a plan.
pub(super) fn applied(plan: &str, result: &DeviceResult) -> v1::AppliedReport {
    let device = v1::AppliedDevice {
        device: result.device.to_string(),
        began: result.began.unix().max(0),
        ended: result.ended.unix().max(0),
        steps: result.steps.iter().take(MOST_STEPS).map(applied_step).collect(),
        stopped: fit(result.stopped.as_deref().unwrap_or_default()),
        reboots: result.reboots,
        video_lost_ms: result.video_lost_ms,
        moved_to: fit(result.moved_to.as_deref().unwrap_or_default()),
        notes: result.notes.iter().take(MOST_STEPS).map(|note| fit(note)).collect(),
        rotations: result.rotations.iter().take(MOST_STEPS).map(|it| fit(it)).collect(),
    };
    let what = Some(v1::applied_report::What::Device(device));
    v1::AppliedReport { plan: plan.to_owned(), what }
}

fn applied_step(step: &StepResult) -> v1::AppliedStep {
    use v1::StepOutcome as Word;
    let (outcome, why) = match &step.outcome {
        Outcome::Proven { observed } => (Word::Proven, observed.as_str()),
        Outcome::Standing { why } => (Word::Standing, why.as_str()),
        Outcome::Already => (Word::Already, "it stood there already"),
        Outcome::Ineffective { why } => (Word::Ineffective, why.as_str()),
        Outcome::Refused { why } => (Word::Refused, why.as_str()),
        Outcome::Reverted { why, by: By::WritingBack } => (Word::WrittenBack, why.as_str()),
        Outcome::Reverted { why, by: By::ItsReboot } => (Word::UndoneByReboot, why.as_str()),
        Outcome::CutOff { why } => (Word::CutOff, why.as_str()),
        Outcome::NotTried { why } => (Word::NotTried, why.as_str()),
    };
    v1::AppliedStep {
        number: step.number,
        measure: step.measure.code().to_owned(),
        title: fit(&step.words),
        outcome: outcome.into(),
        why: fit(why),
    }
}

/// How the whole of a plan ended.
pub(super) fn over(
    plan: &str,
    halted: Option<&str>,
    left: &[DeviceName],
    refused: Option<&str>,
) -> v1::AppliedReport {
    let over = v1::AppliedOver {
        halted: fit(halted.unwrap_or_default()),
        left: left.iter().take(MAX_LIST).map(ToString::to_string).collect(),
        refused: fit(refused.unwrap_or_default()),
    };
    let what = Some(v1::applied_report::What::Over(over));
    v1::AppliedReport { plan: plan.to_owned(), what }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proto::policy::ChangeRules;
    use proto::wire::plan::{Applied, PlanPart};
    use proto::{Disruption, LockoutRisk};

    use super::*;
    use crate::change::{Change, Digest, Edit, LineEdit, Takes};
    use crate::plan::Harm;

    /// A device that puts the worst into everything it may say.
    fn hostile(name: &str, steps: u32, line: &str) -> DevicePlan {
        let edit =
            LineEdit { section: line.to_owned(), before: Some(line.to_owned()), after: None };
        let step = |number| Step {
            number,
            measure: "C09".parse().unwrap(),
            change: Change::ForbidCrawling,
            words: line.to_owned(),
            edit: Edit {
                lines: vec![edit.clone(); 70],
                takes: Takes::Update,
                shows: Shows::Behaviour,
                digest: Digest::of(b""),
            },
            harm: Harm {
                risk: Risk::CutOff,
                disruption: Disruption::None,
                lockout_risk: LockoutRisk::None,
                reboot: false,
                video_s: 0,
                others: vec![line.to_owned(); 70],
                way_back: Some(line.to_owned()),
            },
            undo: String::new(),
            point_of_no_return: String::new(),
        };
        let task = Task {
            measure: "C09".parse().unwrap(),
            kind: TaskKind::Person,
            words: line.to_owned(),
            confirm: String::new(),
        };
        DevicePlan {
            device: name.parse().unwrap(),
            address: line.to_owned(),
            product: Some(line.to_owned()),
            firmware: None,
            pin: None,
            user: None,
            configuration: Digest::of(b""),
            must_admit: BTreeSet::new(),
            steps: (1..=steps).map(step).collect(),
            tasks: vec![task; 70],
        }
    }

    fn told(devices: Vec<DevicePlan>) -> Vec<v1::PlanReport> {
        let now = Timestamp::from_unix(1_800_000_000);
        let plan = Plan::new(now, &ChangeRules::default(), None, devices, Vec::new());
        let id = "a".repeat(32);
        parts(&plan, Head { id: &id, expires_at: now, unattended: false })
    }

    #[test]
    fn whatever_a_device_says_fits_the_wire_and_the_outbox() {
        for line in ["x".repeat(5000), "\u{1b}[2J".repeat(900), "\u{e0001}".repeat(5000)] {
            for part in told(vec![hostile("yard", 70, &line), hostile("gate", 1, &line)]) {
                let sizes: usize = part.devices.iter().map(size).sum();
                assert!(sizes < 240 << 10, "{sizes}");
                PlanPart::try_from(part).unwrap();
            }
        }
    }

    #[test]
    fn a_large_site_goes_in_parts_that_know_how_many_they_are() {
        let line = "y".repeat(300);
        let devices = (0..40).map(|number| hostile(&format!("cam-{number}"), 1, &line));
        let parts = told(devices.collect());
        assert!(parts.len() > 1);
        assert_eq!(parts.iter().map(|part| part.devices.len()).sum::<usize>(), 40);
        for (number, part) in (0..).zip(&parts) {
            assert_eq!((part.number, part.of as usize), (number, parts.len()));
        }
        assert_eq!(told(Vec::new()).len(), 1, "an empty plan is told as well");
    }

    #[test]
    fn what_became_of_a_device_fits_the_wire() {
        let step = StepResult {
            number: 1,
            measure: "C09".parse().unwrap(),
            words: "\u{1b}".repeat(900),
            outcome: Outcome::Reverted { why: "\u{202e}".repeat(900), by: By::ItsReboot },
            video_lost_ms: None,
        };
        let result = DeviceResult {
            device: "yard".parse().unwrap(),
            began: Timestamp::from_unix(0),
            ended: Timestamp::from_unix(9),
            steps: vec![step],
            stopped: Some("\n".repeat(5000)),
            reboots: 0,
            video_lost_ms: Some(7),
            moved_to: None,
            notes: vec!["x".repeat(9000); 70],
            rotations: Vec::new(),
        };
        let read = Applied::try_from(applied(&"b".repeat(32), &result)).unwrap();
        assert_eq!((&read.device, read.body().what.is_some()), (&Some(result.device), true));
        let over = over(&"b".repeat(32), Some("yard: it lied"), &[], None);
        assert_eq!(Applied::try_from(over).unwrap().failed(), Some(true));
    }
}
