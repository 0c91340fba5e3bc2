//! The faces of a report: what judges saved facts agrees with the audit byte for byte, and other programs can read it.

use quick_xml::events::Event;
use serde_json::Value;
use tests::devices::mobotix::{Camera, Fault, Faults, Line, Spec, configs};

use super::desk::{Desk, https, start};
use super::source;

const FORMATS: [&str; 5] = ["table", "json", "csv", "junit", "html"];

/// A good camera, a neglected one, one that gives no sense, and equipment that is only declared.
async fn site() -> (Desk, [Camera; 3]) {
    let desk = Desk::new();
    desk.secret("factory.pw", configs::FACTORY_PASSWORD);
    desk.secret("audit.pw", configs::AUDITOR.1);
    let config = |bytes| Some(bytes);
    let at = "10.12.1.7".parse().unwrap();
    let good = Spec::new(Line::Mobotix7, "hall");
    let good = Spec { config: config(configs::hardened(Line::Mobotix7, at)), ..good };
    let bad = Spec::new(Line::P3, "yard");
    let bad = Spec { config: config(configs::neglected(Line::P3, at)), ..bad };
    let faults = Faults::none().with(Fault::Garbage);
    let broken = Spec { faults, ..Spec::new(Line::P3, "gate") };
    let cameras = [start(good).await, start(bad).await, start(broken).await];
    let logins = [("hall", "audit", "audit.pw"), ("yard", "admin", "factory.pw")];
    let logins = logins.into_iter().chain([("gate", "admin", "factory.pw")]);
    let mut text = String::from("name = \"Harbour\"\n");
    for ((name, user, password), camera) in logins.zip(&cameras) {
        text.push_str(&format!(
            "[[devices]]\nname = \"{name}\"\nkind = \"mobotix\"\naddress = \"{}\"\nuser = \"{user}\"\n\
             password_file = \"{password}\"\n",
            https(camera)
        ));
    }
    text.push_str("[[devices]]\nname = \"wall\"\nkind = \"vms\"\naddresses = [\"192.0.2.9\"]\n");
    text.push_str("[[devices]]\nname = \"archive\"\nkind = \"nas\"\n");
    desk.write("site.toml", text);
    (desk, cameras)
}

/// The three shapes of a report: one device, one that failed, a site.
async fn audits(cameras: &[Camera; 3]) -> [String; 3] {
    let [_, yard, gate] = cameras;
    let login = "--user admin --password-file @factory.pw";
    [
        format!("audit {} --name yard {login}", https(yard)),
        format!("audit {} --name gate {login}", https(gate)),
        "audit --inventory @site.toml".to_owned(),
    ]
}

#[tokio::test]
async fn judging_saved_facts_gives_the_same_report_to_the_byte() {
    let (desk, cameras) = site().await;
    for words in audits(&cameras).await {
        for format in FORMATS {
            let audit = format!("{words} --save-facts @facts.json --format {format} --verbose");
            let audited = desk.agent(&audit).await;
            let judge = format!("judge @facts.json --format {format} --verbose");
            let judged = desk.agent(&judge).await;
            assert_eq!(audited.out, judged.out, "{audit}");
            assert_eq!(audited.code, judged.code, "{audit}");
            assert!(!judged.out.is_empty());
        }
    }
    let open = cameras.iter().map(|camera| camera.counts().most_open).max();
    assert_eq!(open, Some(1));
}

#[tokio::test]
async fn the_json_report_of_one_a_failed_one_and_a_site_fits_its_schema() {
    let schema: Value = serde_json::from_str(&source::read("schema/report.schema.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let (desk, cameras) = site().await;
    let shown = desk.agent("schema report").await;
    assert_eq!(serde_json::from_str::<Value>(&shown.out).unwrap(), schema);
    for (words, code) in audits(&cameras).await.iter().zip([1, 2, 2]) {
        let (ended, judged) = desk.judged(words).await;
        assert_eq!(ended.code, Some(code), "{words}");
        let wrong: Vec<_> = validator.iter_errors(&judged.0).map(|it| it.to_string()).collect();
        assert!(wrong.is_empty(), "{words}: {wrong:?}");
        // The schema is strict: a key that it does not know is refused.
        let mut other = judged.0.clone();
        other["surprise"] = Value::Bool(true);
        assert!(!validator.is_valid(&other));
    }
}

#[tokio::test]
async fn the_junit_report_is_read_by_an_xml_parser() {
    let (desk, cameras) = site().await;
    for (words, suites) in audits(&cameras).await.iter().zip([1, 1, 5]) {
        let report = desk.agent(&format!("{words} --format junit")).await.out;
        let mut reader = quick_xml::Reader::from_str(&report);
        let (mut open, mut seen, mut cases, mut depth) = (0, Vec::new(), 0, 0_i32);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) => {
                    depth += 1;
                    open += u32::from(tag.name().as_ref() == "testsuite");
                    cases += u32::from(tag.name().as_ref() == "testcase");
                    for attribute in tag.attributes() {
                        seen.push(attribute.unwrap().value.len());
                    }
                }
                Event::Empty(tag) => cases += u32::from(tag.name().as_ref() == "testcase"),
                Event::End(_) => depth -= 1,
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!((open, depth), (suites, 0), "{words}");
        assert!(cases >= 1 && !seen.is_empty(), "{words}");
    }
}

#[tokio::test]
async fn a_report_is_written_to_a_file_and_the_facts_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (desk, cameras) = site().await;
    let words =
        format!("audit {} --output @r.html --format html --save-facts @f.json", https(&cameras[1]));
    let ended = desk.agent(&words).await;
    assert_eq!((ended.code, &*ended.out), (Some(1), ""), "{ended:?}");
    let page = desk.read("r.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    for outside in ["src=\"http", "href=\"http", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let mode = std::fs::metadata(desk.path("f.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
