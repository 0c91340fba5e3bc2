//! What became of a plan, as a person reads it.

use std::fmt::Write as _;

use proto::text::printable;

use super::outcome::{Applied, By, DeviceResult, Outcome, StepResult};

/// As text.
pub fn write(applied: &Applied) -> String {
    let mut out = String::new();
    for device in &applied.devices {
        write_device(&mut out, device);
    }
    if let Some(why) = &applied.halted {
        let _ = writeln!(out, "Halted: {}", printable(why, 600));
    }
    if !applied.left.is_empty() {
        let left: Vec<String> = applied.left.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "Not taken up: {}", left.join(", "));
    }
    if applied.devices.is_empty() && applied.left.is_empty() {
        out.push_str("There was nothing to do.\n");
    }
    out
}

/// One device's, as text.
pub fn write_one(result: &DeviceResult) -> String {
    let mut out = String::new();
    write_device(&mut out, result);
    out
}

fn write_device(out: &mut String, result: &DeviceResult) {
    let took = result.ended.seconds_since(result.began);
    let video = match result.video_lost_ms {
        Some(lost) => format!("{}.{} s without video", lost / 1000, lost % 1000 / 100),
        None => "video not seen".to_owned(),
    };
    let _ = writeln!(out, "{}  {took} s, {} reboot(s), {video}", result.device, result.reboots);
    for step in &result.steps {
        write_step(out, step);
    }
    if let Some(address) = &result.moved_to {
        let _ = writeln!(out, "  It is reached at {address} now: say so in the site file.");
    }
    for note in &result.notes {
        let _ = writeln!(out, "  Mind: {}", printable(note, 600));
    }
    for rotation in &result.rotations {
        let _ = writeln!(out, "  Rotation: {}", printable(rotation, 600));
    }
    if let Some(why) = &result.stopped {
        let _ = writeln!(out, "  Stopped: {}", printable(why, 600));
    }
    out.push('\n');
}

fn write_step(out: &mut String, step: &StepResult) {
    let (word, why) = match &step.outcome {
        Outcome::Proven { observed } => ("proven", observed.as_str()),
        Outcome::Standing { why } => ("done, not proven", why.as_str()),
        Outcome::Already => ("nothing to do", "it stood there already"),
        Outcome::Ineffective { why } => ("NOT DONE", why.as_str()),
        Outcome::Refused { why } => ("REFUSED", why.as_str()),
        Outcome::Reverted { why, by: By::WritingBack } => ("UNDONE by writing back", why.as_str()),
        Outcome::Reverted { why, by: By::ItsReboot } => ("UNDONE by its reboot", why.as_str()),
        Outcome::CutOff { why } => ("CUT OFF", why.as_str()),
        Outcome::NotTried { why } => ("not tried", why.as_str()),
    };
    let words = printable(&step.words, 200);
    let _ = writeln!(out, "  {}. {}  {words}: {word}", step.number, step.measure);
    let _ = writeln!(out, "     {}", printable(why, 600));
}
