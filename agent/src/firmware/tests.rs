//! What is concluded about a version from the table and from advisory files.

use super::*;

const RANGES: &[u8] = include_bytes!("../../testdata/csaf/ranges-in-branches.json");
const RELATIONSHIPS: &[u8] = include_bytes!("../../testdata/csaf/relationships.json");
const FULL_NAMES: &[u8] = include_bytes!("../../testdata/csaf/full-names.json");
const OTHER: &[u8] = include_bytes!("../../testdata/csaf/other-vendor.json");

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

fn loaded(files: &[&[u8]]) -> Advisories {
    let mut advisories = Advisories::default();
    for file in files {
        assert_eq!(advisories.load("a.json", file), Ok(1));
    }
    advisories
}

fn ids(list: &[AdvisoryRef]) -> Vec<&str> {
    list.iter().map(|it| it.id.as_str()).collect()
}

/// The ids that affect the version and those that do not.
fn check(
    advisories: &Advisories,
    text: &str,
    model: Option<&str>,
    affected: &[&str],
    not: &[&str],
) {
    let standing = advisories.about(&version(text), model);
    assert_eq!(ids(&standing.affected_by), affected, "{text} {model:?}: {standing:#?}");
    assert_eq!(ids(&standing.not_affected_by), not, "{text} {model:?}: {standing:#?}");
}

const NETWORK_CAPTURE: &str = "CVE-2023-34873";

#[test]
fn the_built_in_table_knows_the_fixes_of_both_lines() {
    let table = Advisories::builtin();
    for (text, fixed) in [
        ("MX-V4.2.1.62", "MX-V4.7.2.18"),
        ("MX-V4.4.2.73-r2", "MX-V4.7.2.18"),
        ("MX-V5.1.0.99-r4", "MX-V5.2.0.61"),
    ] {
        let standing = table.about(&version(text), None);
        assert_eq!(ids(&standing.affected_by), [NETWORK_CAPTURE], "{text}");
        assert_eq!(standing.affected_by[0].fixed_in, Some(version(fixed)));
        assert!(standing.affected_by[0].if_model.is_empty());
    }
    for text in
        ["MX-V4.7.2.18", "MX-V4.7.3.11-r4", "MX-V4.99.0.0", "MX-V5.2.0.61", "MX-V5.4.9.4-r3"]
    {
        check(&table, text, Some("M16"), &[], &[NETWORK_CAPTURE]);
    }
}

#[test]
fn the_built_in_recommendation_belongs_to_its_line_and_has_a_date() {
    let table = Advisories::builtin();
    for (text, wanted) in
        [("MX-V4.7.3.11-r4", "MX-V4.7.3.11-r6"), ("MX-V5.0.0.127", "MX-V5.4.9.4-r3")]
    {
        let standing = table.about(&version(text), None);
        let recommended = standing.recommended.unwrap();
        assert_eq!(recommended.version, version(wanted));
        assert_eq!(recommended.date, Some("2024-08-22".parse().unwrap()));
        assert!(recommended.source.contains("ICSA-24-235-03") && recommended.if_model.is_empty());
        assert!(standing.known_line);
        assert_eq!(standing.as_of, Some("2024-08-22".parse().unwrap()));
    }
}

#[test]
fn nothing_is_said_about_mobotix_7_or_obsolete_lines() {
    for text in ["MX-V7.3.5.35", "MX-V7.0.0.1", "MX-V3.0.3.31", "MX-V6.0.0.0"] {
        let standing = Advisories::builtin().about(&version(text), None);
        assert!(standing.affected_by.is_empty() && standing.not_affected_by.is_empty());
        assert_eq!(
            (standing.recommended, standing.known_line, standing.as_of),
            (None, false, None),
            "{text}"
        );
    }
}

#[test]
fn where_two_sources_disagree_the_narrower_statement_counts_and_both_are_named() {
    let table = Advisories::builtin();
    check(&table, "MX-V4.0.1.15", None, &[], &[NETWORK_CAPTURE]);
    check(&table, "MX-V4.1.1.7", None, &[], &[NETWORK_CAPTURE]);
    let standing = table.about(&version("MX-V4.0.1.15"), None);
    let note = standing.not_affected_by[0].note.as_deref().unwrap();
    assert!(
        note.contains("sources disagree")
            && note.contains("ICSA-24-235-03")
            && note.contains("CVE record"),
        "{note}"
    );

    // Between the vendor's range and the first fix only the CVE record speaks.
    let standing = table.about(&version("MX-V4.5.0.1"), None);
    let found = &standing.affected_by[0];
    assert_eq!(found.source, "CVE record CVE-2023-34873 (P3)");
    assert!(
        found
            .note
            .as_deref()
            .unwrap()
            .contains("vendor's CSAF document only 4.1.4.11 to 4.4.2.73-r2")
    );
}

#[test]
fn what_names_one_model_concerns_other_models_not_at_all() {
    let table = Advisories::builtin();
    let four = ["CVE-2019-12502", "CVE-2019-7673", "CVE-2019-7674", "CVE-2019-7675"];
    let five = [four.as_slice(), &[NETWORK_CAPTURE]].concat();
    check(&table, "MX-V4.2.1.61", Some("S14"), &five, &[]);
    check(&table, "MX-V4.2.1.61", Some("M24M"), &[NETWORK_CAPTURE], &[]);
    check(&table, "MX-V4.2.1.61-r1", Some("S14"), &[NETWORK_CAPTURE], &[]);
    let standing = table.about(&version("MX-V4.2.1.61"), Some("S14"));
    assert!(
        standing
            .affected_by
            .iter()
            .take(4)
            .all(|it| it.fixed_in.is_none() && it.if_model.is_empty())
    );
}

#[test]
fn a_model_that_is_unknown_or_a_variant_may_be_concerned() {
    let table = Advisories::builtin();
    for model in [None, Some("S14D"), Some("")] {
        let standing = table.about(&version("MX-V4.2.1.61"), model);
        assert_eq!(standing.affected_by.len(), 5, "{model:?}");
        assert_eq!(standing.affected_by[0].if_model, ["S14"], "{model:?}");
        assert!(standing.affected_by[4].if_model.is_empty(), "{model:?}");
    }
}

#[test]
fn ranges_in_branch_names_are_read_per_model() {
    let advisories = loaded(&[RANGES]);
    let cve = "CVE-2031-10001";
    check(&advisories, "MX-V4.2.1.61", Some("D24M"), &[cve], &[]);
    check(&advisories, "MX-V4.2.1.61", Some("M24M"), &[], &[]);
    check(&advisories, "MX-V4.7.2.18", Some("S14"), &[], &[cve]);
    check(&advisories, "MX-V4.7.3.11", Some("S14"), &[], &[]);
    check(&advisories, "MX-V5.1.0.99", Some("M16"), &[cve], &[]);
    // "< 5.2.0.61" is said of an Mx6 camera and reaches into no other line.
    check(&advisories, "MX-V4.2.1.61", Some("M16"), &[], &[]);
    let standing = advisories.about(&version("MX-V4.2.1.61"), None);
    assert_eq!(standing.affected_by[0].if_model, ["D24M", "S14"]);
    assert_eq!(standing.affected_by[0].fixed_in, Some(version("MX-V4.7.2.18")));
    assert_eq!(standing.affected_by[0].title, "Invented command injection");
    assert_eq!(standing.affected_by[0].source, "ICSX-31-001-01 (Invented Coordinator, 2031-01-10)");
}

#[test]
fn firmware_installed_on_hardware_is_read_from_relationships() {
    let advisories = loaded(&[RELATIONSHIPS]);
    let cve = "CVE-2031-10002";
    for model in [Some("D24M"), Some("M15 Thermal"), None] {
        check(&advisories, "MX-V4.2.1.61", model, &[cve], &[]);
        check(&advisories, "MX-V4.4.2.73-r2", model, &[cve], &[]);
        check(&advisories, "MX-V4.0.1.15", model, &[], &[cve]);
        check(&advisories, "MX-V4.7.3.11-r6", model, &[], &[cve]);
        // Not listed at all: between the last affected and the first fixed, and before everything.
        check(&advisories, "MX-V4.5.0.1", model, &[], &[]);
        check(&advisories, "MX-V4.0.0.1", model, &[], &[]);
        // Not listed, but behind the first version with the fix.
        check(&advisories, "MX-V4.7.2.20", model, &[], &[cve]);
    }
    let standing = advisories.about(&version("MX-V4.2.1.61"), Some("D24M"));
    assert_eq!(standing.affected_by[0].fixed_in, Some(version("MX-V4.7.2.18")));
    assert_eq!(standing.recommended.unwrap().version, version("MX-V4.7.3.11-r6"));
    check(&advisories, "MX-V4.2.1.61", Some("S14"), &[], &[]);
}

#[test]
fn the_vendors_other_software_is_not_taken_for_a_camera() {
    // MxManagementCenter 4.7.3.11 is listed as affected; the camera firmware of that number is fixed.
    check(&loaded(&[RELATIONSHIPS]), "MX-V4.7.3.11", Some("D24M"), &[], &["CVE-2031-10002"]);
}

#[test]
fn what_is_under_investigation_or_not_understood_stays_open() {
    let standing = loaded(&[RELATIONSHIPS]).about(&version("MX-V4.7.4.2"), Some("D24M"));
    assert!(standing.undecided[0].why.contains("under investigation"), "{standing:#?}");

    let standing = loaded(&[FULL_NAMES]).about(&version("MX-V4.7.3.11"), None);
    assert!(standing.affected_by.is_empty());
    assert!(standing.undecided[0].why.contains("blue sticker"), "{standing:#?}");
    let other_line = loaded(&[FULL_NAMES]).about(&version("MX-V5.4.9.4"), None);
    assert!(other_line.undecided.is_empty(), "{other_line:#?}");
}

#[test]
fn full_names_in_words_are_enough() {
    let advisories = loaded(&[FULL_NAMES]);
    check(&advisories, "MX-V7.3.0.54", Some("S74"), &["INV-7-1"], &[]);
    check(&advisories, "MX-V7.3.5.35", Some("S74"), &[], &["INV-7-1"]);
    assert!(advisories.about(&version("MX-V7.3.0.54"), None).known_line);
}

#[test]
fn another_vendors_document_is_passed_over() {
    let mut advisories = Advisories::default();
    assert_eq!(advisories.load("other.json", OTHER), Ok(0));
    check(&advisories, "MX-V4.2.1.61", Some("C25"), &[], &[]);
}

#[test]
fn the_order_of_loading_does_not_matter() {
    let (mut one, mut two) = (Advisories::builtin(), Advisories::builtin());
    for file in [RANGES, RELATIONSHIPS, FULL_NAMES] {
        one.load("a", file).unwrap();
    }
    for file in [FULL_NAMES, RELATIONSHIPS, RANGES] {
        two.load("b", file).unwrap();
    }
    for text in ["MX-V4.2.1.61", "MX-V4.7.3.11-r6", "MX-V5.1.0.99", "MX-V7.3.0.54"] {
        assert_eq!(one.about(&version(text), None), two.about(&version(text), None));
    }
}

#[test]
fn the_newer_revision_of_a_document_replaces_the_older_one() {
    let text = std::str::from_utf8(RANGES).unwrap();
    let revised = text.replace("2031-01-10", "2031-05-01").replace("<=4.4.2.73.r2", "<=4.1.4.11");
    for files in [[text, &revised], [&revised, text]] {
        let advisories = loaded(&files.map(str::as_bytes));
        check(&advisories, "MX-V4.2.1.61", Some("D24M"), &[], &[]);
        check(&advisories, "MX-V4.1.4.11", Some("D24M"), &["CVE-2031-10001"], &[]);
    }
}

#[test]
fn the_highest_recommendation_of_the_line_wins() {
    let mut advisories = Advisories::builtin();
    let text = std::str::from_utf8(RELATIONSHIPS).unwrap();
    advisories.load("new.json", text.replace("4.7.3.11-r6", "4.8.0.1").as_bytes()).unwrap();
    let recommended =
        |model| advisories.about(&version("MX-V4.7.2.18"), model).recommended.unwrap();
    assert_eq!(recommended(Some("D24M")).version, version("MX-V4.8.0.1"));
    assert!(recommended(Some("D24M")).if_model.is_empty());
    assert_eq!(recommended(None).if_model, ["D24M", "M15-Thermal"]);
    // That one is not meant for other models.
    assert_eq!(recommended(Some("S14")).version, version("MX-V4.7.3.11-r6"));
}
