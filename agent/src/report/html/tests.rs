use super::super::{Format, Report, Style, render, sample};

const STYLE: &str = include_str!("../../../templates/report.css");

fn page(report: &Report) -> String {
    render(report, Format::Html, &Style::default())
}

/// Every tag with its attributes' names, without what stands in quotes or between tags.
fn skeleton(page: &str) -> Vec<String> {
    let body = page.split_once("</style>").unwrap().1;
    body.split('<')
        .skip(1)
        .map(|piece| {
            let tag = piece.split_once('>').unwrap().0;
            tag.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
        })
        .collect()
}

#[test]
fn hostile_strings_change_no_tag_and_no_attribute() {
    let harmless = skeleton(&page(&sample::filled(&["text"])));
    assert!(harmless.len() > 500);
    assert_eq!(skeleton(&page(&sample::hostile())), harmless);
    for string in sample::HOSTILE {
        assert_eq!(skeleton(&page(&sample::filled(&[string]))), harmless, "{string:?}");
    }
}

#[test]
fn no_harmful_character_is_on_the_page_and_no_string_floods_it() {
    let page = page(&sample::hostile());
    assert!(!page.chars().any(|c| c != '\n' && proto::text::is_harmful(c)));
    assert!(page.contains("&#60;script&#62;alert(1)&#60;/script&#62;"));
    assert!(!page.contains(&"x".repeat(super::TEXT + 1)));
}

#[test]
fn the_page_asks_nothing_of_anybody() {
    for report in [sample::camera(), sample::silent(), sample::site()] {
        let page = page(&report);
        for word in [
            "http://",
            "https://",
            "<script",
            "src=",
            "url(",
            "@import",
            "<link rel=\"style",
            "<iframe",
        ] {
            assert!(!page.contains(word), "{word}");
        }
        for target in page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(target == "data:," || target.starts_with("#d"), "{target}");
        }
        assert!(
            page.contains(
                "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
            )
        );
    }
}

#[test]
fn every_drawing_has_a_title_in_words() {
    for report in [sample::camera(), sample::site()] {
        let page = page(&report);
        let drawings: Vec<_> = page.split("<svg").skip(1).collect();
        assert!(drawings.len() > 3);
        for drawing in drawings {
            let drawing = drawing.split("</svg>").next().unwrap();
            assert!(drawing.contains("role=\"img\"") && drawing.contains("<title"), "{drawing}");
        }
    }
}

#[test]
fn every_device_in_the_matrix_has_its_card() {
    let report = sample::site();
    let page = page(&report);
    for at in 0..report.devices.len() {
        assert_eq!(page.matches(&format!("href=\"#d{at}\"")).count(), 1);
        assert_eq!(page.matches(&format!("id=\"d{at}\"")).count(), 1);
    }
    assert_eq!(page.matches("<td class=\"m-").count(), 5 * 32);
    assert!(page.contains("not audited: unreachable"));
}

#[test]
fn an_unmet_finding_says_everything_a_customer_needs() {
    let page = page(&sample::camera());
    for text in [
        "Of the 19 measures that concern this camera, 9 are unmet (1 accepted by a waiver)",
        "account admin exists and keeps the factory password",
        "no account named admin, and no account with a factory password",
        "The factory login is printed in public manuals",
        "Create an administrator with another name",
        "severe; the way back may be the maker",
        "<span class=\"source\">configuration line 812</span> <code>ACCESS_MODE=public</code>",
        "Accepted by Kim Berg until 2027-04-30.",
        "A named person vouches for it in the site file",
        "Kim Berg vouches until 2027-03-31",
        "It is not a certificate of conformity with any standard",
        "No measure of the VMS and NAS chapters concerns this device.",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn a_waiver_for_many_devices_is_one_line() {
    let page = page(&sample::site());
    let devices = "yard-entrance, hall-north, parking-deck-2-stairwell-east";
    assert_eq!(page.matches(&format!("<td>{devices}</td>")).count(), 1);
}

/// The value of a style variable in the `nth` theme: light, dark, paper.
fn colour(name: &str, nth: usize) -> [f64; 3] {
    let theme = STYLE.split(":root {").nth(nth + 1).unwrap();
    let value = theme.split(&format!("--{name}: #")).nth(1).unwrap().split(';').next().unwrap();
    let wide = if value.len() == 3 {
        value.chars().flat_map(|c| [c, c]).collect()
    } else {
        value.to_owned()
    };
    [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&wide[at..at + 2], 16).unwrap()) / 255.0)
}

/// The contrast ratio of WCAG 2.2.
fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let linear = |part: f64| {
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = colour.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_is_readable_in_light_in_dark_and_on_paper() {
    let mut pairs = vec![
        ("ink", "card"),
        ("soft", "card"),
        ("ink", "page"),
        ("soft", "page"),
        ("ink", "sunk"),
        ("na", "card"),
        ("na", "na-bg"),
        ("waived-ink", "waived-bg"),
    ];
    for name in ["unmet", "unknown", "attested", "met"] {
        pairs.push((name, "card"));
    }
    pairs.extend([
        ("unmet", "unmet-bg"),
        ("unknown", "unknown-bg"),
        ("attested", "attested-bg"),
        ("met", "met-bg"),
    ]);
    for theme in 0..3 {
        for (text, ground) in &pairs {
            let ratio = contrast(colour(text, theme), colour(ground, theme));
            assert!(ratio >= 4.5, "{text} on {ground} in theme {theme}: {ratio:.2}");
        }
        for fill in ["unmet", "waived", "unknown-fill", "attested", "met-fill"] {
            let ratio = contrast(colour(fill, theme), colour("card", theme));
            assert!(ratio >= 3.0, "{fill} in theme {theme}: {ratio:.2}");
        }
    }
}
