//! C01: Firmware is current.
//!
//! A version is compared within its own product line only: the major number is the line, and a newer line is other
//! hardware, not an update.

use std::cmp::Ordering;

use proto::text::printable;
use proto::{Day, Disruption, LockoutRisk, Timestamp};

use crate::facts::CameraFacts;
use crate::firmware::{FirmwareStanding, Recommended, Version};
use crate::measures::{Guidance, Judgment};
use crate::site::Site;

pub(super) const GUIDANCE: Guidance = Guidance {
    why: "Known holes in old firmware are the easiest way into a camera, and only an update closes \
          them.",
    expected: "Firmware no older than the version recommended for its product line, and named in \
               no advisory.",
    remedy: "Save the configuration, then install the recommended version of the same product line \
             (Admin Menu > System Update > Update System Software).",
    disruption: Disruption::Reboot,
    lockout_risk: LockoutRisk::Recoverable,
    reads: &["firmware", "model"],
};

/// Seconds for which published advice counts as recent, by our own judgment: a year.
const RECENT: i64 = 365 * 24 * 60 * 60;

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    camera.firmware.judge(|version| {
        let model = camera.model.seen().map(String::as_str);
        let standing = site.advisories.about(version, model);
        let minimum = minimum_of_line(*version, &site.policy.firmware.minimum);
        conclude(*version, &standing, minimum, site.now)
    })
}

/// A clause against the version, and whether it holds whatever model the camera is.
type Charge = (String, bool);

fn conclude(
    version: Version,
    standing: &FirmwareStanding,
    minimum: Result<Option<Version>, String>,
    now: Timestamp,
) -> Judgment {
    let charges = charges(version, standing, &minimum);
    if !charges.is_empty() {
        let sure = charges.iter().any(|(_, sure)| *sure);
        let clauses: Vec<String> = charges.into_iter().map(|(clause, _)| clause).collect();
        let judgment = Judgment::unmet(format!("{version} runs: {}", clauses.join("; ")));
        return if sure { judgment } else { judgment.partial() };
    }
    if let Err(bad) = minimum {
        return Judgment::unknown(format!("{version} runs; {bad}"));
    }
    if !standing.undecided.is_empty() {
        let open = standing.undecided.iter().map(|open| {
            let (id, why) = (printable(&open.id, 60), printable(&open.why, 160));
            format!("{id} ({}): {why}", printable(&open.source, 160))
        });
        let open = open.collect::<Vec<_>>().join("; ");
        return Judgment::unknown(format!(
            "{version} runs, and it is open whether it is affected by {open}"
        ));
    }
    match &standing.recommended {
        Some(wanted) if wanted.if_model.is_empty() && !wanted.source.trim().is_empty() => {
            acquit(version, wanted, standing.as_of, now)
        }
        Some(wanted) => Judgment::unknown(format!(
            "{version} runs; {} is recommended for {}, and whether this camera is one of them could not be told",
            wanted.version,
            models(&wanted.if_model)
        )),
        None => Judgment::unknown(format!(
            "{version} runs, but which version is recommended for its product line is not known \
             here (--advisories takes the vendor's CSAF files)"
        )),
    }
}

/// Met; where nothing recent was published that is known here, whether a newer version is out is for a person.
fn acquit(version: Version, wanted: &Recommended, as_of: Option<Day>, now: Timestamp) -> Judgment {
    let origin = origin(wanted);
    let observed = format!(
        "{version} runs, no advisory known here names it, and {} is the version recommended for its line ({origin})",
        wanted.version
    );
    let long_ago = Timestamp::from_unix(now.unix().saturating_sub(RECENT));
    if as_of.is_some_and(|day| !day.is_over(long_ago)) {
        return Judgment::met(observed);
    }
    let later = as_of.map(|day| day.to_string()).filter(|day| !origin.contains(day));
    let later = later.map_or("nothing later".to_owned(), |day| format!("nothing later than {day}"));
    Judgment::met(format!(
        "{observed}; {later} is known here, so whether a newer one is out, a person must judge \
         (--advisories takes the vendor's CSAF files)"
    ))
    .partial()
}

fn charges(
    version: Version,
    standing: &FirmwareStanding,
    minimum: &Result<Option<Version>, String>,
) -> Vec<Charge> {
    let mut charges = Vec::new();
    if let Some(wanted) = &standing.recommended
        && is_older(version, wanted.version)
    {
        let text = format!(
            "{} is the version recommended for its line ({})",
            wanted.version,
            origin(wanted)
        );
        charges.push((with_models(text, &wanted.if_model), wanted.if_model.is_empty()));
    }
    if let Ok(Some(minimum)) = minimum
        && is_older(version, *minimum)
    {
        charges.push((format!("the policy wants {minimum} at least"), true));
    }
    charges.extend(standing.affected_by.iter().map(|about| {
        let (id, title, source) =
            (printable(&about.id, 60), printable(&about.title, 160), printable(&about.source, 200));
        let fixed = about.fixed_in.map_or(String::new(), |fixed| format!(", fixed in {fixed}"));
        let note =
            about.note.as_ref().map_or(String::new(), |note| format!("; {}", printable(note, 300)));
        let text = format!("{id} names it as affected ({title}; {source}{note}){fixed}");
        (with_models(text, &about.if_model), about.if_model.is_empty())
    }));
    charges
}

fn origin(wanted: &Recommended) -> String {
    let source = printable(&wanted.source, 200);
    match wanted.date.map(|date| date.to_string()) {
        Some(date) if !source.contains(&date) => format!("{source}, {date}"),
        _ => source,
    }
}

fn with_models(text: String, if_model: &[String]) -> String {
    if if_model.is_empty() {
        text
    } else {
        format!("{text}, if the camera is one of {}", models(if_model))
    }
}

fn models(names: &[String]) -> String {
    printable(&names.join(", "), 200)
}

/// The highest of the policy's minimum versions that is of this version's line.
fn minimum_of_line(version: Version, minimum: &[String]) -> Result<Option<Version>, String> {
    let mut highest: Option<Version> = None;
    for text in minimum {
        let wanted: Version = text.parse().map_err(|_| {
            format!("firmware.minimum in the policy holds {text:?}, which is no version")
        })?;
        if same_line(version, wanted) && highest.is_none_or(|highest| is_older(highest, wanted)) {
            highest = Some(wanted);
        }
    }
    Ok(highest)
}

fn same_line(one: Version, other: Version) -> bool {
    one.line() == other.line()
}

fn is_older(one: Version, other: Version) -> bool {
    one.compare(&other).is_some_and(Ordering::is_lt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firmware::{AdvisoryRef, Undecided};
    use crate::measures::testing::*;

    const RUNNING: Version = version([4, 7, 3, 11], 4);

    const fn version(numbers: [u32; 4], revision: u32) -> Version {
        Version { numbers, revision }
    }

    fn standing() -> FirmwareStanding {
        FirmwareStanding {
            affected_by: Vec::new(),
            not_affected_by: Vec::new(),
            undecided: Vec::new(),
            recommended: None,
            known_line: true,
            as_of: Some("2026-11-01".parse().unwrap()),
        }
    }

    fn recommending(version: Version) -> FirmwareStanding {
        let (source, date) = ("vendor".to_owned(), Some("2024-08-22".parse().unwrap()));
        let recommended = Some(Recommended { version, source, date, if_model: Vec::new() });
        FirmwareStanding { recommended, ..standing() }
    }

    fn affected_by_one(if_model: &[&str]) -> FirmwareStanding {
        let [id, title, source] = ["MOX-1", "code execution", "vendor, 2024"].map(str::to_owned);
        let fixed_in = Some(version([4, 7, 2, 18], 0));
        let if_model = if_model.iter().map(|&model| model.to_owned()).collect();
        let about = AdvisoryRef { id, title, source, fixed_in, if_model, note: None };
        FirmwareStanding { affected_by: vec![about], ..standing() }
    }

    fn concluded(standing: &FirmwareStanding, minimum: Option<Version>) -> Judgment {
        conclude(RUNNING, standing, Ok(minimum), Around::default().now)
    }

    #[test]
    fn an_older_revision_than_the_recommended_one_is_outdated() {
        let judgment = concluded(&recommending(version([4, 7, 3, 11], 6)), None);
        assert_is(&judgment, UNMET, &["MX-V4.7.3.11-r4 runs", "MX-V4.7.3.11-r6", "2024-08-22"]);
    }

    #[test]
    fn the_recommended_version_or_a_newer_one_is_current_and_names_who_recommends_it() {
        for recommended in [RUNNING, version([4, 6, 9, 99], 0)] {
            let judgment = concluded(&recommending(recommended), None);
            assert_is(&judgment, MET, &["recommended for its line (vendor, 2024-08-22)"]);
        }
    }

    #[test]
    fn advice_of_long_ago_leaves_what_came_later_to_a_person() {
        let of = |as_of: Option<&str>| {
            let as_of = as_of.map(|day| day.parse().unwrap());
            concluded(&FirmwareStanding { as_of, ..recommending(RUNNING) }, None)
        };
        assert_is(&of(Some("2025-11-24")), MET, &[]);
        assert_is(&of(Some("2025-11-23")), MET_PARTLY, &["nothing later than 2025-11-23"]);
        assert_is(&of(None), MET_PARTLY, &["nothing later is known here", "--advisories"]);
        let same_day = of(Some("2024-08-22"));
        assert_is(&same_day, MET_PARTLY, &["a person must judge"]);
        assert_eq!(same_day.observed.matches("2024-08-22").count(), 1, "{}", same_day.observed);
    }

    #[test]
    fn sources_that_disagree_are_told_of_beside_the_accusation() {
        let mut standing = affected_by_one(&[]);
        standing.affected_by[0].note = Some("the vendor draws it narrower".to_owned());
        assert_is(&concluded(&standing, None), UNMET, &["the vendor draws it narrower"]);
    }

    #[test]
    fn a_recommendation_for_other_models_neither_accuses_surely_nor_acquits() {
        for (wanted, verdict) in [(version([4, 8, 0, 0], 0), UNMET_PARTLY), (RUNNING, UNKNOWN)] {
            let mut standing = recommending(wanted);
            standing.recommended.as_mut().unwrap().if_model = vec!["S15".to_owned()];
            assert_is(&concluded(&standing, None), verdict, &["S15"]);
        }
    }

    #[test]
    fn a_line_nobody_wrote_about_is_unknown() {
        assert_is(&concluded(&standing(), None), UNKNOWN, &["not known here"]);
    }

    #[test]
    fn a_recommendation_of_unknown_source_acquits_nobody() {
        let mut standing = recommending(RUNNING);
        standing.recommended.as_mut().unwrap().source = " ".to_owned();
        assert_is(&concluded(&standing, None), UNKNOWN, &[]);
    }

    #[test]
    fn an_advisory_is_named_with_its_fix() {
        let wanted = ["MOX-1", "code execution", "vendor, 2024", "fixed in MX-V4.7.2.18"];
        assert_is(&concluded(&affected_by_one(&[]), None), UNMET, &wanted);
    }

    #[test]
    fn an_advisory_about_certain_models_accuses_another_or_unread_model_only_partly() {
        assert_is(
            &concluded(&affected_by_one(&["S14"]), None),
            UNMET_PARTLY,
            &["if the camera is one of S14"],
        );
    }

    #[test]
    fn what_an_advisory_leaves_open_is_unknown_even_at_the_recommended_version() {
        let [id, title, source, why] =
            ["CVE-1", "t", "vendor", "under investigation"].map(str::to_owned);
        let undecided = vec![Undecided { id, title, source, why }];
        let standing = FirmwareStanding { undecided, ..recommending(RUNNING) };
        assert_is(&concluded(&standing, None), UNKNOWN, &["CVE-1", "under investigation"]);
    }

    #[test]
    fn the_policys_minimum_counts_and_never_acquits_alone() {
        let newer = Some(version([4, 7, 4, 0], 0));
        assert_is(
            &concluded(&recommending(RUNNING), newer),
            UNMET,
            &["the policy wants MX-V4.7.4.0"],
        );
        assert_is(&concluded(&standing(), Some(RUNNING)), UNKNOWN, &[]);
    }

    #[test]
    fn a_minimum_that_is_no_version_leaves_it_unknown() {
        let bad = minimum_of_line(RUNNING, &["newest".to_owned()]);
        let judgment = conclude(RUNNING, &recommending(RUNNING), bad, Around::default().now);
        assert_is(&judgment, UNKNOWN, &["\"newest\""]);
    }

    #[test]
    fn unread_firmware_is_unknown() {
        check(judge, |_| (), UNKNOWN, &[UNREAD]);
    }
}
