//! Plans as rows, and whole plans for scripts.

use proto::Timestamp;
use proto::wire::v1;
use serde::Serialize;

use crate::cli::stop::Stop;
use crate::cli::table::{self, Row};
use crate::cli::words::nonsense;

/// One plan of a listing.
#[derive(Debug, Serialize)]
pub struct PlanRow {
    id: String,
    site: String,
    state: &'static str,
    /// Empty for what the policy had done unattended.
    ordered_by: String,
    made_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    applied_by: String,
    applied_at: Option<Timestamp>,
    devices: u32,
    steps: u32,
}

impl TryFrom<v1::PlanView> for PlanRow {
    type Error = Stop;

    fn try_from(plan: v1::PlanView) -> Result<Self, Stop> {
        Ok(Self {
            state: state_word(plan.state)?,
            id: plan.id,
            site: plan.site,
            ordered_by: plan.ordered_by,
            made_at: table::time(plan.made_at),
            expires_at: table::time(plan.expires_at),
            applied_by: plan.applied_by,
            applied_at: table::time(plan.applied_at),
            devices: plan.devices,
            steps: plan.steps,
        })
    }
}

impl Row for PlanRow {
    const TITLES: &'static [&'static str] =
        &["PLAN", "SITE", "STATE", "DEVICES", "STEPS", "ORDERED BY", "MADE"];

    fn cells(&self, now: Timestamp) -> Vec<String> {
        let by = match self.ordered_by.as_str() {
            "" => "policy".to_owned(),
            name => name.rsplit('/').next().unwrap_or(name).to_owned(),
        };
        vec![
            self.id.clone(),
            self.site.clone(),
            self.state.to_owned(),
            self.devices.to_string(),
            self.steps.to_string(),
            by,
            table::ago(self.made_at, now),
        ]
    }
}

/// A plan's state in a word.
pub fn state_word(number: i32) -> Result<&'static str, Stop> {
    Ok(match v1::PlanState::try_from(number) {
        Ok(v1::PlanState::Waiting) => "waiting",
        Ok(v1::PlanState::Ready) => "ready",
        Ok(v1::PlanState::Expired) => "expired",
        Ok(v1::PlanState::Applying) => "applying",
        Ok(v1::PlanState::Done) => "done",
        Ok(v1::PlanState::Failed) => "failed",
        Ok(v1::PlanState::Unspecified) | Err(_) => return Err(nonsense("the state of a plan")),
    })
}

/// What may break, in a word.
pub fn risk(number: i32) -> Result<&'static str, Stop> {
    Ok(match v1::PlanRisk::try_from(number) {
        Ok(v1::PlanRisk::None) => "none",
        Ok(v1::PlanRisk::Others) => "others",
        Ok(v1::PlanRisk::CutOff) => "cut_off",
        Ok(v1::PlanRisk::Unspecified) | Err(_) => return Err(nonsense("a risk")),
    })
}

/// How a step ended: a word for scripts, and one for people.
pub fn outcome(number: i32) -> Result<(&'static str, &'static str), Stop> {
    use v1::StepOutcome as Word;
    Ok(match Word::try_from(number) {
        Ok(Word::Proven) => ("proven", "proven"),
        Ok(Word::Standing) => ("standing", "done, not proven"),
        Ok(Word::Already) => ("already", "nothing to do"),
        Ok(Word::Ineffective) => ("ineffective", "NOT DONE"),
        Ok(Word::Refused) => ("refused", "REFUSED"),
        Ok(Word::WrittenBack) => ("written_back", "UNDONE by writing back"),
        Ok(Word::UndoneByReboot) => ("undone_by_reboot", "UNDONE by its reboot"),
        Ok(Word::CutOff) => ("cut_off", "CUT OFF"),
        Ok(Word::NotTried) => ("not_tried", "not tried"),
        Ok(Word::Unspecified) | Err(_) => return Err(nonsense("an outcome")),
    })
}

/// A plan whole, as JSON.
#[derive(Debug, Serialize)]
pub struct Whole {
    #[serde(flatten)]
    plan: PlanRow,
    digest: String,
    plans: Vec<Device>,
    unplanned: Vec<Unplanned>,
    results: Vec<DeviceResult>,
    halted: Option<String>,
    refused: Option<String>,
    left: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Device {
    device: String,
    address: String,
    product: String,
    firmware: String,
    reboots: bool,
    video_s: u32,
    steps: Vec<Step>,
    tasks: Vec<Task>,
}

#[derive(Debug, Serialize)]
struct Step {
    number: u32,
    measure: String,
    title: String,
    lines: Vec<Line>,
    risk: &'static str,
    reboot: bool,
    video_s: u32,
    others: Vec<String>,
    way_back: String,
    undo: String,
    point_of_no_return: String,
}

#[derive(Debug, Serialize)]
struct Line {
    section: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Debug, Serialize)]
struct Task {
    measure: String,
    whose: String,
    words: String,
    confirm: String,
    /// In which window rotation does it; 0 if it does not.
    window: u32,
}

#[derive(Debug, Serialize)]
struct Unplanned {
    device: String,
    why: String,
}

#[derive(Debug, Serialize)]
struct DeviceResult {
    device: String,
    began: Option<Timestamp>,
    ended: Option<Timestamp>,
    stopped: String,
    reboots: u32,
    video_lost_ms: Option<u64>,
    moved_to: String,
    notes: Vec<String>,
    rotations: Vec<String>,
    steps: Vec<StepResult>,
}

#[derive(Debug, Serialize)]
struct StepResult {
    number: u32,
    measure: String,
    title: String,
    outcome: &'static str,
    why: String,
}

/// A plan whole, for scripts.
///
/// # Errors
/// What makes no sense.
pub fn whole(shown: &v1::ShownPlan) -> Result<Whole, Stop> {
    use v1::applied_report::What;
    let view = shown.view.clone().ok_or_else(|| nonsense("a plan without a head"))?;
    let digest = view.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let devices = shown.parts.iter().flat_map(|part| part.devices.clone());
    let failed = shown.parts.iter().flat_map(|part| part.failed.clone());
    let mut whole = Whole {
        plan: view.try_into()?,
        digest,
        plans: devices.map(device).collect::<Result<_, _>>()?,
        unplanned: failed.map(|it| Unplanned { device: it.device, why: it.why }).collect(),
        results: Vec::new(),
        halted: None,
        refused: None,
        left: Vec::new(),
    };
    for report in shown.results.clone() {
        match report.what.ok_or_else(|| nonsense("an outcome without one"))? {
            What::Device(it) => whole.results.push(result(it)?),
            What::Over(over) => {
                let said = |text: String| (!text.is_empty()).then_some(text);
                whole.halted = said(over.halted);
                whole.refused = said(over.refused);
                whole.left = over.left;
            }
        }
    }
    Ok(whole)
}

fn device(it: v1::PlannedDevice) -> Result<Device, Stop> {
    let task = |it: v1::PlannedTask| Task {
        measure: it.measure,
        whose: it.whose,
        words: it.words,
        confirm: it.confirm,
        window: it.window,
    };
    Ok(Device {
        device: it.device,
        address: it.address,
        product: it.product,
        firmware: it.firmware,
        reboots: it.reboots,
        video_s: it.video_s,
        steps: it.steps.into_iter().map(step).collect::<Result<_, _>>()?,
        tasks: it.tasks.into_iter().map(task).collect(),
    })
}

fn step(it: v1::PlannedStep) -> Result<Step, Stop> {
    let line =
        |it: v1::PlannedLine| Line { section: it.section, before: it.before, after: it.after };
    Ok(Step {
        number: it.number,
        measure: it.measure,
        title: it.title,
        lines: it.lines.into_iter().map(line).collect(),
        risk: risk(it.risk)?,
        reboot: it.reboot,
        video_s: it.video_s,
        others: it.others,
        way_back: it.way_back,
        undo: it.undo,
        point_of_no_return: it.point_of_no_return,
    })
}

fn result(it: v1::AppliedDevice) -> Result<DeviceResult, Stop> {
    let step = |it: v1::AppliedStep| {
        Ok::<_, Stop>(StepResult {
            number: it.number,
            measure: it.measure,
            title: it.title,
            outcome: outcome(it.outcome)?.0,
            why: it.why,
        })
    };
    Ok(DeviceResult {
        device: it.device,
        began: table::time(it.began),
        ended: table::time(it.ended),
        stopped: it.stopped,
        reboots: it.reboots,
        video_lost_ms: it.video_lost_ms,
        moved_to: it.moved_to,
        notes: it.notes,
        rotations: it.rotations,
        steps: it.steps.into_iter().map(step).collect::<Result<_, _>>()?,
    })
}
