//! A plan as a person reads it: what, in which order, the lines before and after, and what it may break.

use std::fmt::Write as _;

use proto::text::printable;

use super::{DevicePlan, Plan, Step, Task, TaskKind};
use crate::change::{Risk, Shows};

/// Longest line of a device's configuration that is shown, in characters.
const MOST_LINE: usize = 160;

/// The plan as text.
pub fn write(plan: &Plan) -> String {
    let mut out = String::new();
    for device in &plan.devices {
        write_device(&mut out, device);
    }
    for failed in &plan.failed {
        let _ = writeln!(out, "{}\n  could not be looked at: {}\n", failed.device, failed.why);
    }
    let devices = plan.devices.iter().filter(|device| !device.steps.is_empty()).count();
    let rules = &plan.roll_out;
    let _ = writeln!(
        out,
        "{} on {}; {} at once, canaries: {}.",
        count(plan.steps(), "change"),
        count(devices, "device"),
        rules.at_once,
        match rules.canary.as_slice() {
            [] => "none".to_owned(),
            canaries => canaries.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        }
    );
    let _ = writeln!(out, "Plan {}", plan.digest);
    out
}

fn write_device(out: &mut String, plan: &DevicePlan) {
    let shown =
        |text: &Option<String>| text.as_deref().map_or("unknown".to_owned(), |t| printable(t, 60));
    let _ = writeln!(out, "{}  {}", plan.device, printable(&plan.address, 120));
    let _ = writeln!(out, "  {}, firmware {}", shown(&plan.product), shown(&plan.firmware));
    if plan.steps.is_empty() {
        let _ = writeln!(out, "  nothing to change");
    } else {
        let reboot = if plan.reboots() { "one reboot" } else { "no reboot" };
        let _ = writeln!(
            out,
            "  {}, {reboot}, up to {} s without video",
            count(plan.steps.len(), "change"),
            plan.video_s()
        );
    }
    let handed = plan.rotations().count();
    if handed > 0 {
        let _ = writeln!(out, "  {} for rotation", count(handed, "credential"));
    }
    for step in &plan.steps {
        write_step(out, step);
    }
    for task in &plan.tasks {
        write_task(out, task);
    }
    out.push('\n');
}

fn write_step(out: &mut String, step: &Step) {
    let _ = writeln!(out, "\n  {}. {}  {}", step.number, step.measure, printable(&step.words, 400));
    for line in &step.edit.lines {
        let section = printable(&line.section, 64);
        for (mark, text) in [('-', &line.before), ('+', &line.after)] {
            if let Some(text) = text {
                let _ = writeln!(out, "       {mark} {section}: {}", printable(text, MOST_LINE));
            }
        }
    }
    let harm = &step.harm;
    let risk = match harm.risk {
        Risk::None => "breaks nothing else",
        Risk::Others => "others may lose a way in",
        Risk::CutOff => "may cut us off: proven from a fresh connection before it is saved",
    };
    let reboot = if harm.reboot { ", reboot" } else { "" };
    let _ = writeln!(out, "     risk: {risk}{reboot}, up to {} s without video", harm.video_s);
    for other in &harm.others {
        let _ = writeln!(out, "     mind: {}", printable(other, 200));
    }
    if let Some(way_back) = &harm.way_back {
        let _ = writeln!(out, "     way back: {}", printable(way_back, 300));
    }
    let _ = writeln!(out, "     undo: {}", step.undo);
    let _ = writeln!(out, "     no return: {}", step.point_of_no_return);
    if step.edit.shows == Shows::Setting {
        let _ =
            writeln!(out, "     proof: the setting as it is read back, not what the camera does");
    }
}

fn write_task(out: &mut String, task: &Task) {
    let whose = match &task.kind {
        TaskKind::Person => "for a person".to_owned(),
        TaskKind::Learn => "to be learned".to_owned(),
        TaskKind::Rotate { window, .. } => format!("for rotation, window {window}"),
    };
    let _ = writeln!(out, "\n  -  {}  {whose}: {}", task.measure, printable(&task.words, 600));
    let _ = writeln!(out, "     confirm: {}", task.confirm);
}

fn count(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
