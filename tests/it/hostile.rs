//! Hostile text in names, settings, logs and pages: whoever reads a report of it is not harmed.

use proto::text::is_harmful;
use serde_json::Value;
use tests::agent_binary::Ended;
use tests::devices::mobotix::{Camera, Line, LogRow, Outcome, Spec, configs};

use super::desk::{Desk, https, start};

/// Drives a terminal, runs in a spreadsheet, runs in a browser, breaks out of XML, turns text around.
const HOSTILE: [&str; 6] = [
    "\u{1b}[31mred\u{1b}]0;owned\u{7}",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "]]></failure><testcase name=\"x\"/><!--",
    "\u{202e}gpj.exe\u{2066}",
    "@SUM(1+1)*cmd",
];

/// A camera that says them wherever it can.
fn config() -> Vec<u8> {
    let mut config = configs::factory(Line::P3);
    let users: String = HOSTILE
        .iter()
        .map(|name| {
            let line = configs::user_line(Line::P3, &name.replace(':', ";"), "users", "x");
            format!("usr={line}\nusr={}\n", configs::user_line(Line::P3, "g", name, "x"))
        })
        .collect();
    let access = String::from_utf8(config.section("access").unwrap().to_vec()).unwrap();
    let more = HOSTILE.map(|name| format!("{name}_acl=0,admins\n")).concat();
    let access = access.replace("groups=", &format!("{users}{more}groups="));
    config.replace("access", access.as_bytes());
    for (number, text) in HOSTILE.iter().enumerate() {
        config.set("ethernet", "HOSTNAME", text);
        config.set("homepage", "ROBOTS_TXT_MODE", text);
        config.set("httpd", "AUTHTYPE", text);
        config.set("vpn", "VPN_SERVER", text);
        config.set("vpn", "USE_VPN", "1");
        let profile =
            format!("ip{number}:_profilename={text}:ipnotifyaddress={text}:send=on_error");
        config.set_profile("ipnotify", &format!("ip{number}"), "profile", &profile);
        config.set("systemalarm", "logscan_alarm_notify_ip", text);
    }
    config.bytes().to_vec()
}

async fn camera() -> Camera {
    let row = |(number, text): (usize, &&str)| LogRow {
        seconds_ago: 4000 * i64::try_from(number + 1).unwrap(),
        address: format!("10.40.0.{}", number + 1).parse().unwrap(),
        host: Some((*text).to_owned()),
        user: Some((*text).to_owned()),
        outcome: if number % 2 == 0 { Outcome::Successful } else { Outcome::Failed },
    };
    let log = HOSTILE.iter().enumerate().map(row).collect();
    start(Spec { config: Some(config()), log, ..Spec::new(Line::P3, "yard") }).await
}

/// A site whose people write like that, too.
async fn site(camera: &Camera) -> Desk {
    let desk = Desk::new();
    desk.secret("pw", configs::FACTORY_PASSWORD);
    desk.write("file.cfg", config());
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    let [_, formula, script, xml, turned, sum] = HOSTILE.map(quoted);
    desk.write(
        "site.toml",
        format!(
            "name = {script}\npolicy = \"policy.toml\"\n\
             [[devices]]\nname = \"yard\"\nkind = \"mobotix\"\naddress = \"{}\"\nuser = \"admin\"\n\
             password_file = \"pw\"\n\
             [[devices]]\nname = \"file\"\nkind = \"mobotix\"\nfile = \"file.cfg\"\n\
             [[devices]]\nname = \"wall\"\nkind = \"vms\"\naddresses = [\"10.40.0.1\", \"10.40.0.3\"]\n\
             [[attestations]]\nmeasure = \"C02\"\nby = {formula}\nuntil = \"9999-12-30\"\nevidence = {xml}\n\
             [[attestations]]\nmeasure = \"V01\"\nby = {sum}\nuntil = \"9999-12-30\"\nevidence = {script}\n",
            https(camera)
        ),
    );
    desk.write(
        "policy.toml",
        format!(
            "[[waivers]]\nmeasure = \"C06\"\nreason = {formula}\nowner = {sum}\nexpires = \"9999-12-30\"\n\
             [[waivers]]\nmeasure = \"C09\"\nreason = {turned}\nowner = {script}\nexpires = \"9999-12-30\"\n"
        ),
    );
    desk
}

async fn report(format: &str) -> String {
    let camera = camera().await;
    let desk = site(&camera).await;
    let words = format!("audit --inventory @site.toml --verbose --format {format}");
    let Ended { out, err, code, .. } = desk.agent(&words).await;
    assert_eq!(code, Some(1), "{err}");
    for (what, text) in [("the report", &out), ("standard error", &err)] {
        let harmful = text.chars().find(|c| !matches!(c, '\n' | '\r') && is_harmful(*c));
        assert_eq!(harmful, None, "{format}: {what}");
    }
    out
}

#[tokio::test]
async fn a_json_report_holds_it_whole_and_harmless() {
    let text = report("json").await;
    let document: Value = serde_json::from_str(&text).unwrap();
    let told = document.to_string();
    // Otherwise the other stories here would prove nothing.
    for word in ["calc", "alert(1)", "</failure>", "gpj.exe", "@SUM", "red"] {
        assert!(told.contains(word), "{word} was never told");
    }
}

#[tokio::test]
async fn a_table_does_not_drive_the_terminal() {
    let table = report("table").await;
    assert!(table.contains("alert(1)") && !table.contains('\r'));
}

#[tokio::test]
async fn a_spreadsheet_runs_no_cell_of_a_csv_report() {
    let csv = report("csv").await;
    let cells = cells(&csv);
    assert!(cells.iter().any(|cell| cell.contains("calc")));
    for cell in cells {
        let start = cell.trim_start().chars().next();
        assert!(!matches!(start, Some('=' | '+' | '-' | '@')), "{cell:?}");
    }
}

#[tokio::test]
async fn a_browser_runs_nothing_of_an_html_report() {
    let page = report("html").await;
    assert!(page.contains("alert(1)"), "nothing hostile came so far");
    for raw in ["<script>alert", "</failure><testcase", "<!--]"] {
        assert!(!page.contains(raw), "{raw}");
    }
}

#[tokio::test]
async fn a_junit_report_keeps_its_shape() {
    let report = report("junit").await;
    let mut reader = quick_xml::Reader::from_str(&report);
    let mut names = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                names.push(tag.name().as_ref().to_owned());
            }
            _ => {}
        }
    }
    assert!(!names.iter().any(|name| name == "script"));
    assert_eq!(names.iter().filter(|name| *name == "testcase").count(), 96);
    assert!(report.contains("alert(1)"));
}

/// The cells of an RFC 4180 document.
fn cells(text: &str) -> Vec<String> {
    let (mut cells, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' | '\n' if !is_quoted => cells.push(std::mem::take(&mut cell)),
            '\r' if !is_quoted => {}
            other => cell.push(other),
        }
    }
    cells
}
