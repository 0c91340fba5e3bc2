//! What the parser accepts, what it refuses and what it says then, and the replay of the fuzzing corpora.

use std::fs;
use std::path::Path;

use super::*;
use crate::device::mobotix::{Dialects, export};

const P3: &[u8] = include_bytes!("../../../../testdata/mobotix/p3.cfg");
const MX6: &[u8] = include_bytes!("../../../../testdata/mobotix/mx6.cfg");
const MOBOTIX7: &[u8] = include_bytes!("../../../../testdata/mobotix/mobotix7.cfg");

const SMALL: &str = "#:MXCFG2.0===\n#:MX-V4.7.2.18\n\nSECTION a\nX=1\nENDSECTION a\n";

fn refused(bytes: impl AsRef<[u8]>) -> String {
    Document::parse(bytes.as_ref()).unwrap_err().to_string()
}

#[test]
fn printing_gives_back_the_same_bytes_whatever_the_line_ends_and_encoding() {
    for file in [P3, MX6, MOBOTIX7, SMALL.as_bytes()] {
        assert!(Document::parse(file).unwrap().print() == file);
    }
    let odd = b"\xef\xbb\xbf#:MXCFG2.0\r\r\n#\r\n\n \t\nSECTION a\r\n=\n=x\nK\nk = v \r\n\xe4=\xff%zz%\nSECTIONS=1\nENDSECTION a \t\n#end";
    assert!(Document::parse(odd).unwrap().print() == odd);
}

#[test]
fn keys_repeat_keep_their_case_and_stay_undecoded() {
    let text = "#:MXCFG2.0\nSECTION a\n# X=0\nX=1\nx=2\n\nX = a=b%3A \nno value\nENDSECTION a\n";
    let document = Document::parse(text.as_bytes()).unwrap();
    let entries: Vec<_> = document.named("a").flat_map(|section| section.entries()).collect();
    let shown: Vec<_> =
        entries.iter().map(|e| (e.line, text_of(e.key), text_of(e.value))).collect();
    assert_eq!(shown, [(4, "X", "1"), (5, "x", "2"), (7, "X", "a=b%3A")]);
    assert_eq!(decode(entries[2].value), "a=b:");
}

fn text_of(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn latin_1_and_utf_8_are_both_text() {
    assert_eq!(text(b"Hafenbeh\xf6rde"), "Hafenbeh\u{f6}rde");
    assert_eq!(text("Hafenbeh\u{f6}rde".as_bytes()), "Hafenbeh\u{f6}rde");
    assert_eq!(decode(b"100%25%3A%C3%B6%F6%4"), "100%:\u{c3}\u{b6}\u{f6}%4");
    assert_eq!(decode(b"%C3%B6"), "\u{f6}");
}

#[test]
fn a_json_section_holds_one_document_and_no_keys() {
    let text = "#:MXCFG2.0\nSECTION a.json\n{\n \"url\" : \"x?a=b\"\n}\nENDSECTION a.json\nSECTION b.json\n{\"p\": oops\nENDSECTION b.json\nSECTION c.json\nENDSECTION c.json\n";
    let document = Document::parse(text.as_bytes()).unwrap();
    let sections: Vec<_> = document.sections().collect();
    assert_eq!(sections[0].json().unwrap()["url"], "x?a=b");
    assert_eq!(sections[0].entries().count(), 0);
    let message = sections[1].json().unwrap_err().to_string();
    assert!(
        message.starts_with("line 8: section b.json") && !message.contains("oops"),
        "{message}"
    );
    assert_eq!(sections[2].json(), Ok(serde_json::Value::Null));
}

#[test]
fn json_nested_beyond_reason_is_an_error_and_not_a_crash() {
    let deep = "[".repeat(60_000);
    let text = format!("#:MXCFG2.0\nSECTION a.json\n{deep}\nENDSECTION a.json\n");
    let document = Document::parse(text.as_bytes()).unwrap();
    assert!(document.sections().next().unwrap().json().is_err());
}

#[test]
fn a_missing_endsection_is_reported_with_its_line() {
    let cut = "#:MXCFG2.0\nSECTION a\nX=1\n";
    assert!(refused(cut).starts_with("line 2: the file ends inside section a"), "{}", refused(cut));
    let nested = "#:MXCFG2.0\nSECTION a\nX=1\nSECTION b\nENDSECTION b\n";
    let message = refused(nested);
    assert!(
        message.starts_with("line 4: section b begins inside section a of line 2"),
        "{message}"
    );
}

#[test]
fn a_wrong_endsection_is_reported_with_its_line() {
    for (text, start) in [
        ("#:MXCFG2.0\nSECTION a\nENDSECTION b\n", "line 3: ENDSECTION b where section a of line 2"),
        ("#:MXCFG2.0\nENDSECTION b\n", "line 2: ENDSECTION b where no section"),
        ("#:MXCFG2.0\nSECTION a\nENDSECTION\n", "line 3: ENDSECTION  where section a"),
        ("#:MXCFG2.0\nSECTION\n", "line 2: SECTION without a usable name"),
        ("#:MXCFG2.0\nSECTION a b\n", "line 2: SECTION without a usable name"),
        ("#:MXCFG2.0\n#\nX=1\n", "line 3: a line that is no comment stands outside"),
        ("#:MXCFG2.0\n#:MX-V4.7.2.18\n", "line 2: the file ends without a single section"),
    ] {
        assert!(refused(text).starts_with(start), "{text:?}: {}", refused(text));
    }
}

#[test]
fn what_is_no_configuration_is_called_what_it_looks_like() {
    let cases: [(&[u8], &str); 12] = [
        (b"", "is empty"),
        (b" \r\n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"<!DOCTYPE html><title>Log in</title>", "a web page"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
        (b"\xff\xfe#\0:\0M\0X\0", "UTF-16"),
        (b"\x1f\x8b\x08\0\0", "gzip"),
        (b"\x01\x02\0\0", "a binary file"),
        (b"{\"camera\": {}}", "JSON"),
        (b"[camera]\nname=x\n", "another product's settings"),
        (b"SECTION access\n", "first lines are missing"),
        (b"hunter2\n", "text of another kind"),
    ];
    for (bytes, what) in cases {
        let message = refused(bytes);
        assert!(
            message.contains(what) && message.contains("Save current configuration"),
            "{message}"
        );
        assert!(!message.contains("hunter2"), "{message}");
    }
    assert!(
        refused(b"#:MXCFG2.0\nSECTION a\nX=\0\nENDSECTION a\n").starts_with("line 3: a NUL byte")
    );
}

#[test]
fn sizes_have_limits() {
    assert!(refused(vec![b'#'; MAX_BYTES + 1]).contains("bytes"));
    let long = format!("#:MXCFG2.0\nSECTION a\nX={}\nENDSECTION a\n", "y".repeat(MAX_LINE));
    assert!(refused(long).starts_with("line 3: a line of"));
    let sections = "SECTION a\nENDSECTION a\n".repeat(MAX_SECTIONS + 1);
    assert!(refused(format!("#:MXCFG2.0\n{sections}")).contains("more than 4000 sections"));
    assert!(
        refused(format!("#:MXCFG2.0\n{}", "\n".repeat(MAX_LINES)))
            .contains("more than 200000 lines")
    );
}

#[test]
fn a_camera_answer_gives_up_its_configuration_whatever_its_frame() {
    let bare = SMALL.as_bytes();
    for (before, behind) in [
        ("#read::\none\ntwo\nthree\n", "x\ny\nz\n"),
        ("#read::\r\n", ""),
        ("#read::1\n\n\n\n\n\n\n# SECTION x\n", "\n\n#read::\nbye\nend of it, no line end"),
    ] {
        let answer = [before.as_bytes(), bare, behind.as_bytes()].concat();
        assert_eq!(from_remote(&answer), Ok(bare), "{before:?} {behind:?}");
    }
}

#[test]
fn an_answer_without_a_whole_configuration_is_refused() {
    let cut = |body: &str| from_remote(body.as_bytes()).unwrap_err().to_string();
    assert!(cut("").contains("empty"));
    assert!(cut("<html>#:MXCFG2.0</html>").contains("#read::"));
    assert!(cut("#read::\nhelo\nquit\n").contains("without a configuration"));
    assert!(cut("#read::\n#:MXCFG2.0\nSECTION a\nX=1\n").contains("breaks off"));
    let twice = format!("#read::\n{SMALL}SECTION b\nY=");
    assert!(cut(&twice).contains("breaks off"));
}

#[test]
fn debug_output_shows_no_line() {
    let document = Document::parse(P3).unwrap();
    let entries: Vec<_> = document.sections().flat_map(|section| section.entries()).collect();
    let shown = format!("{document:?} {:?} {entries:?}", document.sections().collect::<Vec<_>>());
    for secret in ["Mooring", "Sluice", "$1$", "2468"] {
        assert!(!shown.contains(secret));
    }
}

#[test]
fn the_fuzzing_corpora_still_end_well() {
    let dialects = Dialects::builtin();
    let mut count = 0;
    for target in ["config", "export"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
        for file in fs::read_dir(folder).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            let configuration = from_remote(&bytes).unwrap_or(&bytes);
            if let Ok(document) = Document::parse(configuration) {
                assert!(document.print() == configuration);
                let sections = document.sections();
                sections.for_each(|section| drop((section.entries().count(), section.json())));
            }
            let _ = export::read(configuration, &dialects);
            count += 1;
        }
    }
    assert!(count >= 16, "{count} seeds");
}

#[test]
fn what_leaves_the_site_holds_nothing_that_may_be_a_key() {
    let kept = ["LED=1", "usr=kim:users:$1$[redacted]", "NTP=ntp.example.org", "A="];
    for line in kept {
        assert_eq!(redact_further(line), line);
    }
    let hidden = [
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cK=",
        "two words=1",
        "=1",
    ];
    for line in hidden {
        assert!(redact_further(line).contains("[redacted]"), "{line}");
    }
    assert_eq!(redact_further("blob=AAAAB3NzaC1yc2EAAAADAQABAAABgQC7"), "blob=[redacted]");
}
