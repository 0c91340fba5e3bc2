//! An audit of what a camera exported: nothing is claimed that a file cannot prove.

use std::fs::File;

use serde_json::Value;
use tests::devices::mobotix::{Line, configs};

use super::desk::{Desk, Judged, current};

const ADDRESS: &str = "10.12.1.7";

fn neglected(line: Line) -> Vec<u8> {
    configs::neglected(line, ADDRESS.parse().unwrap())
}

fn hardened(line: Line) -> Vec<u8> {
    configs::hardened(line, ADDRESS.parse().unwrap())
}

/// Asserts that nothing is met, of what only a look at the camera itself can prove.
#[track_caller]
fn claims_nothing_a_file_cannot_show(judged: &Judged) {
    assert_eq!(judged.findings().len(), 32);
    for measure in ["C15", "C16", "C21"] {
        assert_eq!(judged.judgment(measure), "unknown", "{}", judged.observed(measure));
    }
    assert_ne!(judged.judgment("C06"), "met", "{}", judged.observed("C06"));
    let proofs = judged.findings().iter().filter(|finding| finding["judgment"] == "met");
    for finding in proofs {
        let evidence = finding["evidence"].as_array().map_or(0, Vec::len);
        assert!(evidence > 0, "met without evidence: {finding}");
    }
}

#[tokio::test]
async fn a_neglected_camera_is_told_all_its_sins() {
    let desk = Desk::new();
    desk.write("yard.cfg", neglected(Line::P3));
    let (ended, yard) = desk.judged("audit @yard.cfg").await;
    assert_eq!(ended.code, Some(1));
    yard.says("C01", "unmet", &["MX-V4.4.2.73-r2", "MX-V4.7.3.11-r6", "recommended"]);
    yard.says("C03", "unmet", &["factory password still works for \"admin\"", "name", "in use"]);
    let rights = ["events", "eventstream", "guest", "imagelink", "info", "live", "live_fast"];
    let more = ["live_slow", "mxcc", "pda"].iter();
    let rights: Vec<_> = rights.iter().chain(more).map(|it| format!("{it}_acl")).collect();
    let rights: Vec<_> = rights.iter().map(String::as_str).collect();
    yard.says("C06", "unmet", &[&rights[..], &["10 rights"]].concat());
    yard.says("C09", "unmet", &["allows crawling"]);
    yard.says("C10", "unmet", &["auto", "still accepts Basic"]);
    yard.says("C11", "unmet", &["no key"]);
    yard.says("C13", "unmet", &["only at the camera: LED and live image"]);
    assert_eq!(yard.all("met"), [""; 0]);
    claims_nothing_a_file_cannot_show(&yard);
}

#[tokio::test]
async fn no_line_of_cameras_is_given_what_its_file_cannot_prove() {
    let desk = Desk::new();
    for line in [Line::P3, Line::Mx6, Line::Mobotix7] {
        let files = [neglected(line), configs::factory(line).bytes().to_vec(), hardened(line)];
        for (file, is_good) in files.iter().zip([false, false, true]) {
            desk.write("one.cfg", file);
            let (ended, judged) = desk.judged("audit @one.cfg").await;
            assert_eq!(ended.code, Some(1), "{line:?}");
            claims_nothing_a_file_cannot_show(&judged);
            let login = if is_good { "met" } else { "unmet" };
            assert_eq!(judged.judgment("C03"), login, "{line:?}");
            // By a file alone, C10 needs a refused Basic, and C11 needs keys that are surely known.
            assert!(!judged.all("met").contains(&"C11"), "{line:?}");
        }
    }
}

#[tokio::test]
async fn what_is_unknown_is_bad_unless_it_is_tolerated_by_name() {
    let desk = Desk::new();
    desk.write("hall.cfg", current(&hardened(Line::P3)));
    let (ended, hall) = desk.judged("audit @hall.cfg").await;
    assert_eq!((ended.code, hall.all("unmet").len()), (Some(1), 0), "{:?}", hall.all("unmet"));
    assert!(hall.all("unknown").len() > 5);
    assert_eq!(desk.agent("audit @hall.cfg --unknown-ok").await.code, Some(0));
}

#[tokio::test]
async fn a_site_that_is_hardened_attested_and_waived_ends_with_0() {
    let desk = Desk::new();
    desk.write("hall.cfg", hardened(Line::P3));
    let site = "name = \"Harbour\"\npolicy = \"policy.toml\"\n\
                [[devices]]\nname = \"hall\"\nkind = \"mobotix\"\nfile = \"hall.cfg\"\n";
    desk.write("policy.toml", "");
    desk.write("site.toml", site);
    let (ended, judged) = desk.judged("audit --inventory @site.toml").await;
    assert_eq!(ended.code, Some(1));
    let hall = judged.device("hall");

    let attested = hall.all("unknown").into_iter().map(|measure| {
        format!(
            "[[attestations]]\nmeasure = \"{measure}\"\nby = \"Kim Berg\"\nuntil = \"9999-12-30\"\n\
             evidence = \"seen\"\n"
        )
    });
    desk.write("site.toml", site.to_owned() + &attested.collect::<String>());
    let waived = hall.all("unmet").into_iter().map(|measure| {
        format!(
            "[[waivers]]\nmeasure = \"{measure}\"\nreason = \"ordered\"\nowner = \"Kim Berg\"\n\
             expires = \"9999-12-30\"\n"
        )
    });
    desk.write("policy.toml", waived.collect::<String>());
    let (ended, judged) = desk.judged("audit --inventory @site.toml").await;
    let hall = judged.device("hall");
    assert_eq!(ended.code, Some(0), "{:?} {:?}", hall.all("unknown"), hall.all("unmet"));
    // A waiver excuses; it does not whitewash.
    let summary = &judged.0["summary"];
    assert!(summary["unmet"].as_u64() > Some(0) && summary["unmet"] == summary["waived"]);
    assert!(summary["attested"].as_u64() > Some(0) && summary["unknown"] == 0);
}

#[tokio::test]
async fn a_wrong_request_is_told_from_a_device_that_fails() {
    let desk = Desk::new();
    for words in [
        "audit",
        "audit @a.cfg --format pdf",
        "audit ftp://192.0.2.1",
        "audit --inventory @none.toml",
        "audit http://127.0.0.1 --user admin",
        "nonsense",
    ] {
        let ended = desk.agent(words).await;
        assert_eq!((ended.code, &*ended.out), (Some(3), ""), "{words}: {ended:?}");
    }
    assert_eq!(desk.agent("audit @none.cfg").await.code, Some(2));
}

/// A file that is none, and what must be said of it.
#[tokio::test]
async fn a_file_that_is_no_configuration_ends_with_2_and_says_what_it_is() {
    let desk = Desk::new();
    let whole = neglected(Line::P3);
    desk.write("empty.cfg", "");
    desk.write("truncated.cfg", &whole[..700]);
    desk.write(
        "binary.cfg",
        (0..90_000_u32)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect::<Vec<_>>(),
    );
    desk.write("page.cfg", "<!DOCTYPE html><html><body>Log in</body></html>");
    desk.write("other.cfg", "root.Brand.Brand=OTHER\nroot.Properties.Firmware.Version=9.80.1\n");
    desk.write("cut-line.cfg", &whole[..3]);
    std::fs::create_dir(desk.path("folder")).unwrap();
    let sparse = File::create(desk.path("sparse.cfg")).unwrap();
    sparse.set_len(1 << 30).unwrap();
    for (file, words) in [
        ("@empty.cfg", &["empty", "export it again"][..]),
        ("@truncated.cfg", &["line 8", "access", "cut off"]),
        ("@binary.cfg", &["binary"]),
        ("@page.cfg", &["web page"]),
        ("@other.cfg", &["not like the configuration of a MOBOTIX camera"]),
        ("@cut-line.cfg", &["MOBOTIX"]),
        ("@folder", &["is a directory"]),
        ("/dev/zero", &["is a device"]),
        // The agent runs with less memory than this file has: it cannot have been read whole.
        ("@sparse.cfg", &["1073741824 bytes", "at most 8 MiB"]),
    ] {
        let ended = desk.agent(&format!("audit {file} --format json")).await;
        assert_eq!(ended.code, Some(2), "{file}: {ended:?}");
        assert!(ended.err.starts_with("palisade-agent: "), "{file}: {ended:?}");
        for word in words {
            assert!(ended.err.contains(word), "{file}: {word:?} is not in {:?}", ended.err);
        }
        if !ended.out.is_empty() {
            let report: Value = serde_json::from_str(&ended.out).unwrap();
            assert_eq!(report["findings"], Value::Array(Vec::new()), "{file}");
            assert_eq!(report["failure"]["class"], "nonsense", "{file}");
        }
    }
}

#[tokio::test]
async fn a_bad_file_in_a_site_keeps_nobody_else_from_being_judged() {
    let desk = Desk::new();
    desk.write("yard.cfg", neglected(Line::Mx6));
    desk.write("empty.cfg", "");
    File::create(desk.path("sparse.cfg")).unwrap().set_len(1 << 30).unwrap();
    let files = ["empty.cfg", "/dev/zero", "yard.cfg", "sparse.cfg", "missing.cfg", "."];
    let devices = files.iter().enumerate().map(|(number, file)| {
        format!("[[devices]]\nname = \"d{number}\"\nkind = \"mobotix\"\nfile = \"{file}\"\n")
    });
    desk.write("site.toml", devices.collect::<String>());
    let (ended, judged) = desk.judged("audit --inventory @site.toml").await;
    assert_eq!(ended.code, Some(2));
    for (number, _) in files.iter().enumerate().filter(|(number, _)| *number != 2) {
        let name = format!("d{number}");
        assert!(judged.device(&name).findings().is_empty());
        assert!(ended.err.contains(&format!("palisade-agent: {name}: ")), "{ended:?}");
    }
    assert_eq!(judged.device("d2").findings().len(), 32);
    assert_eq!(judged.0["summary"]["failed_devices"], 5);
}
