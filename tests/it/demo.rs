//! The newcomer's first minute, as the README promises it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::source;

/// A program of this workspace: built beside this test.
fn program(name: &str) -> Command {
    let test = std::env::current_exe().expect("this test is a file");
    let folder =
        test.parent().and_then(|deps| deps.parent()).expect("it lies in target/PROFILE/deps");
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: cargo build --workspace", path.display());
    Command::new(path)
}

#[test]
fn the_demo_prints_a_table_writes_a_page_shows_the_pair_cures_a_camera_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/site");
    let ended = program("palisade-demo").arg("--out").arg(&out).output().unwrap();
    let (shown, noted) =
        (String::from_utf8(ended.stdout).unwrap(), String::from_utf8(ended.stderr).unwrap());
    assert!(ended.status.success(), "{noted}");
    for wanted in [
        "yard",
        "✗ C03 unmet",
        "✓ met",
        "V04",
        "archive",
        "Harbour",
        "report.html",
        "$ palisade-agent enroll",
        "$ palisade findings --site harbour",
        "online",
        "agent_joined",
        "$ palisade plan harbour yard",
        "+ homepage: ROBOTS_TXT_MODE=forbidden",
        "ended as planned",
        "$ palisade rotate harbour yard",
        "The camera opens with the password in yard.json",
    ] {
        assert!(shown.contains(wanted), "no {wanted:?} in:\n{shown}");
    }
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Harbour") && page.contains("<svg"), "the page is not the report");
    let opened = std::fs::read(out.join("pair/yard.json")).unwrap();
    let opened: serde_json::Value = serde_json::from_slice(&opened).unwrap();
    let rows = opened.as_array().unwrap();
    let own = rows.iter().find(|row| row["kind"] == "device_password").unwrap();
    let new = own["secret"].as_str().unwrap();
    for secret in ["gR4+ferry/Orchard-27", "meinsm\n", new] {
        assert!(!shown.contains(secret) && !page.contains(secret) && !noted.contains(secret));
    }
}

#[test]
fn a_demo_that_is_told_to_end_ends_its_two_programs_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = program("palisade-demo");
    demo.arg("--serve").arg("--out").arg(folder.path());
    let mut demo = demo.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let stays = lines.any(|line| line.unwrap().starts_with("Both stay up"));
    assert!(stays, "it never was up");
    let programs = children(demo.id());
    assert_eq!(programs.len(), 2, "{programs:?}");
    let id = rustix::process::Pid::from_child(&demo);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    for _ in lines {}
    assert!(demo.wait().unwrap().success());
    for id in programs {
        assert!(!Path::new(&format!("/proc/{id}")).exists(), "{id} goes on");
    }
}

/// Ids of the processes that a process started and that are there.
fn children(of: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let ids = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    let parent = |id: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // Behind the name: the state, then the parent.
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok()
    };
    ids.filter(|id| parent(id) == Some(of)).collect()
}

#[test]
fn the_readme_names_two_commands_for_set_up_and_they_exist() {
    let readme = source::read("README.md");
    assert!(readme.contains("cargo run --release --bin palisade-demo"));
    assert!(readme.contains("tests/run"));
    assert!(source::read(".ci/run").contains("exec tests/run"));
}
