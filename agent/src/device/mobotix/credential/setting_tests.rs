//! Which line is written on which configuration, and which is not touched.

use super::*;

const LEARNED: &str = "major = 4\n[settings.recording_key]\nsection = 'fileserver'\nkey = 'SECURITY_PASSWORD'\n\
                       confidence = 'observed'\n";

fn config(lines: &str) -> Vec<u8> {
    let head = "#:MXCFG2.0=====\n#:MX-V4.7.3.11-r4\n# Camera IP: 10.0.0.1\n";
    format!("{head}SECTION fileserver\n{lines}FS_TYPE=PLEX\nENDSECTION fileserver\n").into_bytes()
}

fn learned() -> Dialects {
    let mut dialects = Dialects::builtin();
    dialects.add(LEARNED).unwrap();
    dialects
}

fn drawn_on(lines: &str, dialects: &Dialects, old: &Secret) -> Result<Option<String>, String> {
    let new = Secret::new("fresh.Key-1");
    let drawn = replacing(&config(lines), dialects, SettingName::RecordingKey, (old, &new));
    drawn.map(|it| it.map(|text| text.to_string())).map_err(|why| why.to_string())
}

#[test]
fn the_section_is_sent_back_with_that_one_line_changed() {
    for (line, old) in [
        ("SECURITY_PASSWORD=\n", none_set()),
        ("SECURITY_PASSWORD=known.Key-0\n", Secret::new("known.Key-0")),
    ] {
        let request = drawn_on(line, &learned(), &old).unwrap().unwrap();
        let block = "SECTION fileserver\nSECURITY_PASSWORD=fresh.Key-1\nFS_TYPE=PLEX\nENDSECTION";
        assert!(request.contains(block), "{request}");
    }
    let standing = drawn_on("SECURITY_PASSWORD=fresh.Key-1\n", &learned(), &none_set());
    assert_eq!(standing, Ok(None));
}

#[test]
fn what_is_not_known_for_sure_is_not_touched() {
    let refused = |lines: &str| drawn_on(lines, &learned(), &none_set()).unwrap_err();
    assert!(refused("SECURITY_PASSWORD=foreign\n").contains("somebody set it"));
    assert!(!refused("SECURITY_PASSWORD=foreign\n").contains("foreign"));
    assert!(refused("").contains("not there once"));
    assert!(refused("SECURITY_PASSWORD=\nSECURITY_PASSWORD=\n").contains("not there once"));
    assert!(refused("SECURITY_PASSWORD=****\n").contains("hidden"));
    let marker = replacing(
        &config("SECURITY_PASSWORD=\n"),
        &learned(),
        SettingName::RecordingKey,
        (&none_set(), &none_set()),
    );
    assert!(matches!(marker, Err(Unfit::Length)), "the marker is no key");
}

#[test]
fn a_name_that_is_inferred_or_unknown_is_not_written_and_it_says_how_to_learn_it() {
    let inferred = drawn_on("SECURITY_PASSWORD=\n", &Dialects::builtin(), &none_set());
    let why = inferred.unwrap_err();
    assert!(why.contains("only inferred") && why.contains("--setting recording_key"), "{why}");
    let config = config("SECURITY_PASSWORD=\n");
    let both = (&none_set(), &Secret::new("fresh.Key-1"));
    let why = replacing(&config, &Dialects::builtin(), SettingName::MessageKey, both).unwrap_err();
    assert!(why.to_string().contains("--setting message_key"), "{why}");
}
