use unicode_width::UnicodeWidthStr;

use super::super::{Format, render, sample};
use super::*;

fn shown(report: &Report, width: usize, verbose: bool) -> String {
    render(report, Format::Table, &Style { width, colour: false, verbose })
}

/// Without the colours that the table itself puts in.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = after.find('m').expect("a colour ends in m");
        assert!(after[..end].chars().all(|c| c.is_ascii_digit() || c == ';'), "{after:?}");
        rest = &after[end + 1..];
    }
    out + rest
}

#[test]
fn no_line_is_too_wide_or_ends_in_a_blank() {
    for report in [sample::camera(), sample::silent(), sample::site(), sample::hostile()] {
        for width in [40, 41, 57, 71, 72, 80, 100, 139, 140, 200] {
            for verbose in [false, true] {
                let text = shown(&report, width, verbose);
                for line in text.lines() {
                    assert!(line.width() <= width, "{width}: {line}");
                    assert_eq!(line, line.trim_end(), "{width}");
                }
            }
        }
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    for report in [sample::camera(), sample::site(), sample::hostile()] {
        let style = Style { width: 80, colour: true, verbose: true };
        let coloured = render(&report, Format::Table, &style);
        assert!(coloured.contains("\u{1b}["));
        assert_eq!(plain(&coloured), shown(&report, 80, true));
    }
}

#[test]
fn no_hostile_string_reaches_the_terminal() {
    let text = shown(&sample::hostile(), 80, true);
    assert!(!text.chars().any(|c| c != '\n' && proto::text::is_harmful(c)));
    assert!(text.contains("\\u{1b}[2J") && text.contains("evil\\u{202e}gpj.exe"));
}

#[test]
fn a_camera_shows_what_is_unmet_first() {
    let text = shown(&sample::camera(), 100, false);
    let counts =
        "9 unmet (1 waived) · 4 unknown · 2 attested · 4 met · 12 not applicable · 1 ignored";
    assert!(text.contains(counts), "{text}");
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("{what} in {text}"));
    assert!(
        at("✗ C03 unmet          Factory administrator login is gone") < at("W C15 unmet, waived")
    );
    assert!(at("W C15") < at("? C02 unknown") && at("? C02") < at("◆ C19 attested"));
    assert!(text.contains("waived: by Kim Berg until 2027-04-30"));
    assert!(
        text.contains("– VMS: not applicable (5 measures)\n– NAS: not applicable (5 measures)\n")
    );
    assert!(text.contains("· C09 ignored") && !text.contains("remedy:"));
}

#[test]
fn verbose_says_what_to_do_and_what_it_may_cost() {
    let text = shown(&sample::camera(), 100, true);
    for part in [
        "expected: no account named admin",
        "remedy: Create an administrator",
        "disruption: none; lock-out risk: severe",
        "evidence: configuration line 812: ACCESS_MODE=public",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_silent_device_shows_why_and_what_to_do() {
    let text = shown(&sample::silent(), 80, false);
    assert!(text.contains("✗ not audited: unreachable\n    connecting to 10.0.3.27"));
    assert!(text.contains("advice: check that it has power"));
    assert!(text.contains("The device could not be audited, so nothing is known about it."));
}

#[test]
fn a_site_ends_with_counts_per_device_and_the_worst_measures() {
    let text = shown(&sample::site(), 80, false);
    assert!(text.contains("Site Harbour North"));
    assert!(
        text.contains("hall-north                         2       1        ·         3   14   12"),
        "{text}"
    );
    assert!(text.contains("gate-west                      not audited: unreachable"));
    assert!(text.contains("✗ C20 3 of 3 Network port asks for IEEE 802.1X"));
    assert!(
        text.contains("5 devices were audited, and 1 could not be, so nothing is known about it.")
    );
}
