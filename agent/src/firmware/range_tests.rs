//! What names of version ranges mean, and that no name does harm.

use proptest::prelude::*;

use super::*;

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// `name` means exactly the versions of `inside`, as far as both lists tell.
fn check(name: &str, inside: &[&str], outside: &[&str]) {
    let Versions::Spans(spans) = Versions::read(name) else {
        panic!("{name:?}: {:?}", Versions::read(name))
    };
    for text in inside {
        let it = version(text);
        assert!(spans.iter().any(|span| span.contains(&it)), "{name:?} should mean {text}");
    }
    for text in outside {
        let it = version(text);
        assert!(!spans.iter().any(|span| span.contains(&it)), "{name:?} should not mean {text}");
    }
}

#[test]
fn an_exact_version_means_itself_alone() {
    for name in [
        "MX-V4.4.2.73.r2",
        "4.4.2.73-r2",
        "mx-v4.4.2.73-r2",
        "= 4.4.2.73.r2",
        "Firmware V4.4.2.73-r2",
    ] {
        check(name, &["MX-V4.4.2.73-r2"], &["MX-V4.4.2.73", "MX-V4.4.2.73-r3", "MX-V5.4.2.73-r2"]);
    }
}

#[test]
fn below_leaves_the_bound_out_and_stays_in_its_line() {
    for name in [
        "<4.7.2.18",
        "< MX-V4.7.2.18",
        "vers:generic/<4.7.2.18",
        "before 4.7.2.18",
        "All versions before MX-V4.7.2.18",
        "all versions prior to 4.7.2.18",
        "versions earlier than 4.7.2.18",
        "P3 firmware < 4.7.2.18",
    ] {
        check(
            name,
            &["MX-V4.7.2.17-r9", "MX-V4.0.1.15"],
            &["MX-V4.7.2.18", "MX-V4.7.3.11-r6", "MX-V3.0.3.31", "MX-V2.2.3.18", "MX-V5.0.0.127"],
        );
    }
}

#[test]
fn up_to_takes_the_bound_in() {
    for name in [
        "<=4.4.2.73",
        "\u{2264} 4.4.2.73",
        "4.4.2.73 and earlier",
        "MX-V4.4.2.73 or older",
        "up to 4.4.2.73",
    ] {
        check(name, &["MX-V4.4.2.73", "MX-V4.4.2.72-r5"], &["MX-V4.4.2.73-r1", "MX-V4.4.2.74"]);
    }
}

#[test]
fn from_on_reaches_to_the_end_of_the_line() {
    for name in [
        ">=4.7.2.18",
        "4.7.2.18 and later",
        "from 4.7.2.18",
        "vers:generic/>=4.7.2.18",
        "4.7.2.18 or newer",
    ] {
        check(
            name,
            &["MX-V4.7.2.18", "MX-V4.99.0.0"],
            &["MX-V4.7.2.17-r9", "MX-V5.0.0.127", "MX-V7.3.5.35"],
        );
    }
    check("> 4.7.2.18", &["MX-V4.7.2.18-r1"], &["MX-V4.7.2.18"]);
}

#[test]
fn two_bounds_make_one_range() {
    for name in [
        "vers:generic/>=4.1.4.11|<=4.4.2.73.r2",
        "4.1.4.11 - 4.4.2.73.r2",
        "4.1.4.11-4.4.2.73.r2",
        "MX-V4.1.4.11 through MX-V4.4.2.73.r2",
        "from 4.1.4.11 to 4.4.2.73-r2",
        "4.1.4.11..4.4.2.73-r2",
        "MX-V4.1.4.11 \u{2026} 4.4.2.73.r2",
        ">=4.1.4.11, <=4.4.2.73-r2",
        "<=4.4.2.73-r2, >=4.1.4.11",
        ">= 4.1.4.11 and <= 4.4.2.73-r2",
    ] {
        check(
            name,
            &["MX-V4.1.4.11", "MX-V4.2.1.61", "MX-V4.4.2.73-r2"],
            &["MX-V4.1.4.10-r9", "MX-V4.1.1.3", "MX-V4.4.2.73-r3", "MX-V5.1.0.99"],
        );
    }
}

#[test]
fn several_ranges_and_versions_add_up() {
    let name = "vers:generic/4.0.1.15|>=4.1.4.11|<4.2|>=5.0.0.127|<5.2.0.61";
    check(
        name,
        &["MX-V4.0.1.15", "MX-V4.1.9.9", "MX-V5.1.0.99-r4"],
        &["MX-V4.0.1.16", "MX-V4.2.0.0", "MX-V5.2.0.61"],
    );
    check("4.0.1.15, 4.0.2.3; 4.0.2.9", &["MX-V4.0.1.15", "MX-V4.0.2.9"], &["MX-V4.0.2.4"]);
}

#[test]
fn a_wildcard_stands_for_every_number() {
    for name in ["4.0.x", "MX-V4.0.*", "MX-V4.0.x versions"] {
        check(name, &["MX-V4.0.0.0", "MX-V4.0.9.9-r9"], &["MX-V4.1.0.0", "MX-V3.9.9.9"]);
    }
    check("4.1.1.x", &["MX-V4.1.1.7"], &["MX-V4.1.4.11"]);
}

#[test]
fn everything_is_everything() {
    for name in
        ["*", "all", "all versions", "vers:generic/*", "Any firmware version", "all P3 versions"]
    {
        assert_eq!(Versions::read(name), Versions::All, "{name:?}");
    }
}

#[test]
fn what_is_not_fully_understood_is_not_half_read() {
    for name in [
        "",
        "vers:generic",
        "vers:4.7.2.18",
        "all except 4.7.2.18",
        "not 4.7.2.18",
        "!=4.7.2.18",
        "vers:generic/!=4.7.2.18",
        "<5",
        "4.7",
        "<=4.7",
        ">4.7",
        "<4.0.0.0",
        ">=4.1.4.11 <=5.1.0.99",
        ">=4.7.2.18 <4.1.4.11",
        "4.7.2.18 - 4.1.4.11",
        "before 4.7.2.18 and 5.2.0.61",
        ">=4.1 >=4.2",
        "until 4.7.2.18",
        "4.7.2.18 with tcpdump enabled",
        "MX-V4.7.3.99999999999",
        "- 4.7.2.18",
        "|",
    ] {
        assert!(
            matches!(Versions::read(name), Versions::Unread(_)),
            "{name:?}: {:?}",
            Versions::read(name)
        );
    }
    assert!(matches!(Versions::read(&"4.0.1.15,".repeat(60)), Versions::Unread(_)));
}

proptest! {
    #[test]
    fn no_name_makes_the_reader_panic(name in "(?s).{0,80}") {
        let _ = Versions::read(&name);
    }

    #[test]
    fn no_mixture_of_its_own_words_makes_the_reader_panic(
        words in proptest::collection::vec(
            prop_oneof![
                Just("<"), Just(">="), Just("4.1.4.11"), Just("5.2.0.61-r4"), Just("-"), Just(".."), Just("|"),
                Just("all"), Just("and"), Just("earlier"), Just("to"), Just("4.0.x"), Just("4.7"), Just("vers:a/"),
                Just("mx-v"), Just("4294967295.0.0.0"), Just("<0.0.0.0"), Just(">4.4294967295.4294967295.4294967295-r4294967295"),
            ],
            0..9,
        ),
        gap in prop_oneof![Just(""), Just(" ")],
    ) {
        if let Versions::Spans(spans) = Versions::read(&words.join(gap)) {
            for span in spans {
                prop_assert!(span.low <= span.high && span.low[0] == span.high[0], "{span:?}");
            }
        }
    }

    #[test]
    fn the_ways_to_write_a_range_agree_with_comparing(numbers in proptest::collection::vec(0u32..4, 15)) {
        let make = |at: usize| Version {
            numbers: [4, numbers[at], numbers[at + 1], numbers[at + 2]],
            revision: numbers[at + 3],
        };
        let (low, high, it) = (make(0), make(4), make(8));
        let inside = low.compare(&it).unwrap().is_le() && it.compare(&high).unwrap().is_le();
        for name in [format!("vers:x/>={low}|<={high}"), format!("{low} - {high}"), format!("{low} through {high}")] {
            match Versions::read(&name) {
                Versions::Spans(spans) => prop_assert_eq!(spans.iter().any(|span| span.contains(&it)), inside),
                other => prop_assert!(low.compare(&high).unwrap().is_gt(), "{name}: {other:?}"),
            }
        }
        let Versions::Spans(spans) = Versions::read(&format!("before {high}")) else {
            // Nothing is below the first version there could be.
            prop_assert_eq!(high.key(), [4, 0, 0, 0, 0]);
            return Ok(());
        };
        prop_assert_eq!(spans.iter().any(|span| span.contains(&it)), it.compare(&high).unwrap().is_lt());
    }
}
