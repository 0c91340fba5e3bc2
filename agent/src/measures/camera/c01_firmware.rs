//! C01: Firmware is current.
//!
//! A version is compared within its own product line only: the major number is the line, and a newer line is other
//! hardware, not an update.

use proto::text::printable;
use proto::{Disruption, LockoutRisk};

use crate::facts::{CameraFacts, Fact};
use crate::firmware::{FirmwareStanding, Version};
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

pub(super) fn judge(camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    camera.firmware.judge(|version| {
        let model = camera.model.seen().map(String::as_str);
        let standing = site.advisories.about(version, model);
        let minimum = minimum_of_line(*version, &site.policy.firmware.minimum);
        conclude(*version, &camera.model, &standing, minimum)
    })
}

fn conclude(
    version: Version,
    model: &Fact<String>,
    standing: &FirmwareStanding,
    minimum: Result<Option<Version>, String>,
) -> Judgment {
    let recommended = standing
        .recommended
        .as_ref()
        .filter(|(wanted, source)| same_line(version, *wanted) && !source.trim().is_empty());
    let mut outdated = Vec::new();
    if let Some((wanted, source)) = recommended.filter(|(wanted, _)| is_older(version, *wanted)) {
        outdated.push(format!("{wanted} is the version recommended for its line ({source})"));
    }
    if let Ok(Some(minimum)) = minimum
        && is_older(version, minimum)
    {
        outdated.push(format!("the policy wants {minimum} at least"));
    }
    let affected = affected(standing);
    if !outdated.is_empty() || !affected.is_empty() {
        let against = [outdated.as_slice(), affected.as_slice()].concat().join("; ");
        let judgment = Judgment::unmet(format!("{version} runs: {against}"));
        return match model {
            Fact::Absent | Fact::Unreadable(_) if outdated.is_empty() => judgment.partial(),
            _ => judgment,
        };
    }
    match (recommended, minimum) {
        (_, Err(bad)) => Judgment::unknown(format!("{version} runs; {bad}")),
        (Some((wanted, source)), Ok(_)) => Judgment::met(format!(
            "{version} runs, no known advisory names it, and {wanted} is the version recommended \
             for its line ({source})"
        )),
        (None, Ok(_)) => Judgment::unknown(format!(
            "{version} runs, but which version is recommended for its product line is not known \
             here (--advisories takes the vendor's CSAF files)"
        )),
    }
}

fn affected(standing: &FirmwareStanding) -> Vec<String> {
    let fixed = standing.fixed_in.map_or(String::new(), |fixed| format!(", fixed in {fixed}"));
    let clause = |id: &str, title: &str, source: &str| {
        let (id, title, source) =
            (printable(id, 60), printable(title, 160), printable(source, 200));
        format!("{id} names it as affected ({title}; {source}){fixed}")
    };
    standing
        .affected_by
        .iter()
        .map(|about| clause(&about.id, &about.title, &about.source))
        .collect()
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
    one.numbers[0] == other.numbers[0]
}

fn is_older(one: Version, other: Version) -> bool {
    same_line(one, other) && (one.numbers, one.revision) < (other.numbers, other.revision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firmware::AdvisoryRef;
    use crate::measures::testing::*;

    const RUNNING: Version = version([4, 7, 3, 11], 4);

    const fn version(numbers: [u32; 4], revision: u32) -> Version {
        Version { numbers, revision }
    }

    fn recommending(version: Version) -> FirmwareStanding {
        let recommended = Some((version, "vendor, 2024-08-22".to_owned()));
        FirmwareStanding { recommended, ..FirmwareStanding::default() }
    }

    fn affected_by_one() -> FirmwareStanding {
        let [id, title, source] = ["MOX-1", "code execution", "vendor, 2024"].map(str::to_owned);
        let fixed_in = Some(version([4, 7, 2, 18], 0));
        FirmwareStanding {
            affected_by: vec![AdvisoryRef { id, title, source }],
            fixed_in,
            recommended: None,
        }
    }

    fn conclude_m16(standing: &FirmwareStanding, minimum: Option<Version>) -> Judgment {
        conclude(RUNNING, &Fact::Seen("M16".to_owned()), standing, Ok(minimum))
    }

    #[test]
    fn an_older_revision_than_the_recommended_one_is_outdated() {
        let judgment = conclude_m16(&recommending(version([4, 7, 3, 11], 6)), None);
        assert_is(&judgment, UNMET, &["MX-V4.7.3.11-r4 runs", "MX-V4.7.3.11-r6", "2024-08-22"]);
    }

    #[test]
    fn the_recommended_version_or_a_newer_one_is_current_and_names_who_recommends_it() {
        for recommended in [RUNNING, version([4, 6, 9, 99], 0)] {
            let judgment = conclude_m16(&recommending(recommended), None);
            assert_is(&judgment, MET, &["recommended for its line (vendor, 2024-08-22)"]);
        }
    }

    #[test]
    fn a_recommendation_for_another_product_line_says_nothing() {
        for other in [version([5, 4, 9, 4], 3), version([3, 0, 0, 0], 0)] {
            assert_is(&conclude_m16(&recommending(other), None), UNKNOWN, &["not known here"]);
        }
        assert_is(
            &conclude_m16(&FirmwareStanding::default(), Some(version([5, 9, 0, 0], 0))),
            UNKNOWN,
            &[],
        );
    }

    #[test]
    fn a_recommendation_of_unknown_source_acquits_nobody() {
        let standing = FirmwareStanding {
            recommended: Some((RUNNING, " ".to_owned())),
            ..FirmwareStanding::default()
        };
        assert_is(&conclude_m16(&standing, None), UNKNOWN, &[]);
    }

    #[test]
    fn an_advisory_is_named_with_its_fix() {
        let judgment = conclude_m16(&affected_by_one(), None);
        assert_is(
            &judgment,
            UNMET,
            &["MOX-1", "code execution", "vendor, 2024", "fixed in MX-V4.7.2.18"],
        );
    }

    #[test]
    fn an_advisory_accuses_an_unread_model_only_partly() {
        let unread = Fact::unreadable(UNREAD);
        assert_is(&conclude(RUNNING, &unread, &affected_by_one(), Ok(None)), UNMET_PARTLY, &[]);
        let outdated = recommending(version([4, 8, 0, 0], 0));
        assert_is(&conclude(RUNNING, &unread, &outdated, Ok(None)), UNMET, &[]);
    }

    #[test]
    fn the_policys_minimum_counts_and_never_acquits_alone() {
        let newer = Some(version([4, 7, 4, 0], 0));
        assert_is(
            &conclude_m16(&recommending(RUNNING), newer),
            UNMET,
            &["the policy wants MX-V4.7.4.0"],
        );
        assert_is(&conclude_m16(&FirmwareStanding::default(), Some(RUNNING)), UNKNOWN, &[]);
    }

    #[test]
    fn a_minimum_that_is_no_version_leaves_it_unknown() {
        let bad = minimum_of_line(RUNNING, &["newest".to_owned()]);
        let judgment = conclude(RUNNING, &Fact::Absent, &recommending(RUNNING), bad);
        assert_is(&judgment, UNKNOWN, &["\"newest\""]);
    }

    #[test]
    fn unread_firmware_is_unknown() {
        check(judge, |_| (), UNKNOWN, &[UNREAD]);
    }
}
