//! A plan as a person reads it: what, in which order, the lines before and after, what it may break; and what became of
//! it. What is in it was written by devices: it is made printable here, whatever was checked before.

use std::fmt::Write as _;

use proto::Timestamp;
use proto::text::printable;
use proto::wire::v1;

use super::rows::{outcome, risk, state_word};
use crate::cli::stop::Stop;
use crate::cli::words::nonsense;

/// Longest line of a device's configuration that is shown, in characters.
const MOST_LINE: usize = 160;

/// The plan.
///
/// # Errors
/// What makes no sense.
pub fn plan(shown: &v1::ShownPlan) -> Result<String, Stop> {
    let view = shown.view.as_ref().ok_or_else(|| nonsense("a plan without a head"))?;
    let mut out = String::new();
    for part in &shown.parts {
        for it in &part.devices {
            device(&mut out, it)?;
        }
        for failed in &part.failed {
            let (name, why) = (printable(&failed.device, 64), printable(&failed.why, 400));
            let _ = writeln!(out, "{name}\n  could not be planned for: {why}\n");
        }
    }
    if let Some(part) = shown.parts.first() {
        let canaries: Vec<String> = part.canary.iter().map(|it| printable(it, 64)).collect();
        let canaries = if canaries.is_empty() { "none".to_owned() } else { canaries.join(", ") };
        let _ = writeln!(
            out,
            "{} steps on {} devices; {} at once, canaries: {canaries}.",
            view.steps, view.devices, part.at_once
        );
    }
    let _ = write!(out, "Plan {}  {}", printable(&view.id, 32), state_word(view.state)?);
    match view.expires_at {
        0 => out.push('\n'),
        ends => {
            let _ = writeln!(out, ", good until {}", Timestamp::from_unix(ends));
        }
    }
    Ok(out)
}

fn device(out: &mut String, it: &v1::PlannedDevice) -> Result<(), Stop> {
    let or_unknown = |text: &str| match text {
        "" => "unknown".to_owned(),
        text => printable(text, 60),
    };
    let _ = writeln!(out, "{}  {}", printable(&it.device, 64), printable(&it.address, 120));
    let _ = writeln!(out, "  {}, firmware {}", or_unknown(&it.product), or_unknown(&it.firmware));
    if it.steps.is_empty() {
        let _ = writeln!(out, "  nothing to change");
    } else {
        let reboot = if it.reboots { "one reboot" } else { "no reboot" };
        let count = it.steps.len();
        let _ = writeln!(out, "  {count} changes, {reboot}, up to {} s without video", it.video_s);
    }
    match it.tasks.iter().filter(|task| task.window > 0).count() {
        0 => {}
        1 => out.push_str("  1 credential for rotation\n"),
        more => drop(writeln!(out, "  {more} credentials for rotation")),
    }
    for one in &it.steps {
        step(out, one)?;
    }
    for task in &it.tasks {
        let (measure, whose) = (printable(&task.measure, 8), printable(&task.whose, 40));
        let _ = writeln!(out, "\n  -  {measure}  {whose}: {}", printable(&task.words, 600));
        let _ = writeln!(out, "     confirm: {}", printable(&task.confirm, 300));
    }
    out.push('\n');
    Ok(())
}

fn step(out: &mut String, it: &v1::PlannedStep) -> Result<(), Stop> {
    let (measure, title) = (printable(&it.measure, 8), printable(&it.title, 400));
    let _ = writeln!(out, "\n  {}. {measure}  {title}", it.number);
    for line in &it.lines {
        let section = printable(&line.section, 64);
        for (mark, text) in [('-', &line.before), ('+', &line.after)] {
            if let Some(text) = text {
                let _ = writeln!(out, "       {mark} {section}: {}", printable(text, MOST_LINE));
            }
        }
        if line.before.is_none() && line.after.is_none() {
            let _ = writeln!(out, "         {section}");
        }
    }
    let words = match risk(it.risk)? {
        "none" => "breaks nothing else",
        "others" => "others may lose a way in",
        _ => "may cut the agent off: proven from a fresh connection before it is saved",
    };
    let reboot = if it.reboot { ", reboot" } else { "" };
    let _ = writeln!(out, "     risk: {words}{reboot}, up to {} s without video", it.video_s);
    for other in &it.others {
        let _ = writeln!(out, "     mind: {}", printable(other, 200));
    }
    if !it.way_back.is_empty() {
        let _ = writeln!(out, "     way back: {}", printable(&it.way_back, 300));
    }
    let _ = writeln!(out, "     undo: {}", printable(&it.undo, 300));
    let _ = writeln!(out, "     no return: {}", printable(&it.point_of_no_return, 300));
    if it.shows_setting_only {
        let _ =
            writeln!(out, "     proof: the setting as it is read back, not what the camera does");
    }
    Ok(())
}

/// What became of it; empty while nothing has.
///
/// # Errors
/// What makes no sense.
pub fn results(shown: &v1::ShownPlan) -> Result<String, Stop> {
    use v1::applied_report::What;
    let (mut out, mut end) = (String::new(), String::new());
    for report in &shown.results {
        match report.what.as_ref().ok_or_else(|| nonsense("an outcome without one"))? {
            What::Device(it) => applied(&mut out, it)?,
            What::Over(over) => {
                if !over.refused.is_empty() {
                    let why = printable(&over.refused, 600);
                    let _ = writeln!(end, "Refused by the agent, and nothing was done: {why}");
                }
                if !over.halted.is_empty() {
                    let _ = writeln!(end, "Halted: {}", printable(&over.halted, 600));
                }
                if !over.left.is_empty() {
                    let left: Vec<String> = over.left.iter().map(|it| printable(it, 64)).collect();
                    let _ = writeln!(end, "Not taken up: {}", left.join(", "));
                }
                if end.is_empty() {
                    end.push_str("Everything ended as planned.\n");
                }
            }
        }
    }
    Ok(out + &end)
}

fn applied(out: &mut String, it: &v1::AppliedDevice) -> Result<(), Stop> {
    let video = match it.video_lost_ms {
        Some(lost) => format!("{}.{} s without video", lost / 1000, lost % 1000 / 100),
        None => "video not seen".to_owned(),
    };
    let (name, took) = (printable(&it.device, 64), it.ended.saturating_sub(it.began));
    let _ = writeln!(out, "{name}  {took} s, {} reboot(s), {video}", it.reboots);
    for step in &it.steps {
        let (measure, title) = (printable(&step.measure, 8), printable(&step.title, 200));
        let word = outcome(step.outcome)?.1;
        let _ = writeln!(out, "  {}. {measure}  {title}: {word}", step.number);
        let _ = writeln!(out, "     {}", printable(&step.why, 600));
    }
    if !it.moved_to.is_empty() {
        let at = printable(&it.moved_to, 120);
        let _ = writeln!(out, "  It is reached at {at} now: say so in the site file.");
    }
    for note in &it.notes {
        let _ = writeln!(out, "  Mind: {}", printable(note, 600));
    }
    for rotation in &it.rotations {
        let _ = writeln!(out, "  Rotation: {}", printable(rotation, 600));
    }
    if !it.stopped.is_empty() {
        let _ = writeln!(out, "  Stopped: {}", printable(&it.stopped, 600));
    }
    out.push('\n');
    Ok(())
}
