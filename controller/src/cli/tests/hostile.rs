//! What others typed or sent cannot drive a terminal or break a table.

use proto::text::is_harmful;
use proto::wire::v1;

use super::*;
use crate::cli::finding::FindingRow;
use crate::cli::table::{self, Row};

const NASTY: &str = "yard\u{1b}[2J\n\t\u{202e}gpj\u{7}";

fn is_safe(text: &str) -> bool {
    !text.chars().any(|c| is_harmful(c) && c != '\n')
}

#[test]
fn a_hostile_argument_cannot_drive_the_terminal() {
    let world = World::new();
    for arguments in [
        &["site", "add", NASTY][..],
        &[NASTY],
        &["policy", "validate", NASTY],
        &["config", "check", "--config", NASTY],
        &["site", "list", "--home", NASTY],
        &["audit", "verify", NASTY],
    ] {
        let answer = world.run(arguments);
        assert!(answer.code >= 2, "{answer:?}");
        assert!(is_safe(&answer.err), "{answer:?}");
    }
}

#[test]
fn columns_line_up_whatever_the_cells_hold() {
    let rows = vec![
        vec!["警告".to_owned(), "x".to_owned(), "end".to_owned()],
        vec![NASTY.to_owned(), "é".to_owned(), "end".to_owned()],
        vec!["a".repeat(600), String::new(), "end".to_owned()],
    ];
    let text = table::table(&["FIRST", "SECOND", "THIRD"], &rows, Terminals::default());
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(is_safe(&text), "{text}");
    let place = |line: &str| {
        let at = line.find("end").or_else(|| line.find("THIRD")).unwrap();
        unicode_width::UnicodeWidthStr::width(&line[..at])
    };
    let places: Vec<_> = text.lines().map(place).collect();
    assert!(places.iter().all(|it| *it == places[0]), "{places:?}\n{text}");
}

#[test]
fn the_last_column_is_cut_on_a_terminal_and_whole_in_a_pipe() {
    let rows = vec![vec!["a".to_owned(), "警".repeat(60)]];
    let narrow = Terminals { output: true, width: Some(40), ..Terminals::default() };
    let text = table::table(&["A", "B"], &rows, narrow);
    assert!(text.lines().all(|line| unicode_width::UnicodeWidthStr::width(line) <= 40), "{text}");
    assert!(text.contains('\u{2026}'), "{text}");
    assert!(table::table(&["A", "B"], &rows, Terminals::default()).contains(&"警".repeat(60)));
}

fn row(verdict: i32) -> v1::FindingRow {
    let finding = v1::Finding {
        about: Some(v1::finding::About::Measure("C07".to_owned())),
        judgment: verdict,
        stance: v1::Stance::Report.into(),
        proof: v1::Proof::Observed.into(),
        disruption: v1::Disruption::Reboot.into(),
        lockout_risk: v1::LockoutRisk::None.into(),
        observed: NASTY.to_owned(),
        ..v1::Finding::default()
    };
    let (site, device) = ("harbour".to_owned(), NASTY.to_owned());
    v1::FindingRow { site, device, observed_at: 1_795_500_000, finding: Some(finding) }
}

#[test]
fn a_finding_has_its_words_in_json_and_in_the_table() {
    let row = FindingRow::try_from(row(v1::Verdict::Unmet.into())).unwrap();
    let json = serde_json::to_value(&row).unwrap();
    for (field, word) in [
        ("site", "harbour"),
        ("about", "C07"),
        ("judgment", "unmet"),
        ("stance", "report"),
        ("proof", "observed"),
        ("disruption", "reboot"),
        ("lockout_risk", "none"),
    ] {
        assert_eq!(json[field], word, "{json}");
    }
    assert!(json["observed_at"].as_str().unwrap().ends_with('Z'), "{json}");
    let cells = row.cells("2026-11-24T08:15:00Z".parse().unwrap());
    assert_eq!(cells.len(), FindingRow::TITLES.len());
    assert!(row.is_bad());
}

#[test]
fn a_word_that_nobody_knows_is_an_error() {
    for verdict in [0, 6, -1, i32::MAX] {
        let why = FindingRow::try_from(row(verdict)).unwrap_err().to_string();
        assert!(why.contains("makes no sense"), "{why}");
    }
    let empty = v1::FindingRow { finding: None, ..row(1) };
    assert!(FindingRow::try_from(empty).is_err());
}

#[test]
fn ages_are_short() {
    for (seconds, text) in [
        (0, "0s"),
        (59, "59s"),
        (61, "1m"),
        (7200, "2h"),
        (200_000, "2d"),
        (-90, "-1m"),
        (i64::MIN, "-106751991167300d"),
    ] {
        assert_eq!(table::length(seconds), text);
    }
    let now = Timestamp::from_unix(1000);
    assert_eq!(table::ago(None, now), "never");
    assert_eq!(table::ago(Some(Timestamp::from_unix(940)), now), "1m ago");
    assert_eq!(table::ago(Some(Timestamp::from_unix(1060)), now), "in 1m");
}
