//! `palisade-agent plan` and `apply`, as a person runs them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use proto::Secret;
use serde_json::Value;
use tests::devices::mobotix::{Camera, Line, configs, dialect};

use super::super::desk::{Desk, https};
use super::shop::neglected;

/// A site with that camera, a workstation and a storage, and a policy that enforces these.
fn desk(camera: &Camera, enforced: &[&str]) -> Desk {
    let desk = Desk::new();
    desk.secret("yard.pw", configs::FACTORY_PASSWORD);
    desk.write("learned.toml", dialect::learned(Line::P3));
    let stances: String = enforced.iter().map(|code| format!("{code} = \"enforce\"\n")).collect();
    desk.write(
        "policy.toml",
        format!(
            "[stances]\n{stances}[web_ports]\nhttp = 9\nhttps = 10\n\
             [networks]\nallowed = [\"127.0.0.0/28\"]\nnas = [\"127.0.0.20\"]\n"
        ),
    );
    desk.write(
        "site.toml",
        format!(
            "policy = \"policy.toml\"\ndialects = [\"learned.toml\"]\n\
             [[devices]]\nname = \"yard\"\nkind = \"mobotix\"\naddress = \"{}\"\nuser = \"admin\"\n\
             password_file = \"yard.pw\"\npin = \"{}\"\n\
             [[devices]]\nname = \"vms\"\nkind = \"vms\"\naddresses = [\"127.0.0.9\"]\n\
             [[devices]]\nname = \"nas\"\nkind = \"nas\"\naddresses = [\"127.0.0.20\"]\n",
            https(camera),
            camera.pin()
        ),
    );
    fs::create_dir(desk.path("kept")).unwrap();
    desk
}

const PLAN: &str = "plan --inventory @site.toml --output @plan.json";

#[tokio::test]
async fn a_plan_is_shown_carried_out_and_then_there_is_nothing_left_to_do() {
    let camera = neglected(Line::P3, |_| ()).await;
    let desk = desk(&camera, &["C06", "C07", "C08", "C09", "C10", "C13", "C14"]);
    let before = camera.running_config();
    let planned = desk.agent(PLAN).await;
    assert_eq!(planned.code, Some(1), "{planned:?}");
    for says in [
        "7 changes, one reboot",
        "- homepage: ROBOTS_TXT_MODE=allowed",
        "+ homepage: ROBOTS_TXT_MODE=forbidden",
        "+ accesscontrol: RULE=allow 127.0.0.20",
        "it reboots by itself at 03:30",
        "nothing was changed",
    ] {
        let told = planned.out.contains(says) || planned.err.contains(says);
        assert!(told, "{says}\n{}{}", planned.out, planned.err);
    }
    assert_eq!((camera.running_config(), camera.counts().writes), (before.clone(), 0));

    let opener = certs::seal::Opener::generate();
    let words = format!("apply @plan.json --keep @kept --recipient {}", opener.recipient());
    let applied = desk.agent(&words).await;
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert_eq!(applied.out.matches(": proven\n").count(), 7, "{}", applied.out);
    assert!(applied.out.contains("1 reboot(s)"), "{}", applied.out);

    let mut kept: Vec<_> =
        fs::read_dir(desk.path("kept")).unwrap().map(|it| it.unwrap().path()).collect();
    kept.sort();
    assert_eq!(kept.len(), 2, "a backup and a log: {kept:?}");
    for path in &kept {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let sealed = fs::read(&kept[0]).unwrap();
    let mut opened = Vec::new();
    let mut reader = certs::seal::opening(&sealed[..], &opener).unwrap();
    std::io::Read::read_to_end(&mut reader, &mut opened).unwrap();
    assert_eq!(opened.trim_ascii(), before.trim_ascii(), "the backup opens for its recipient");

    let again = desk.agent("plan --inventory @site.toml").await;
    assert_eq!(again.code, Some(0), "{}", again.out);
    assert!(again.out.contains("nothing to change"), "{}", again.out);
    let writes = camera.counts().writes;
    let idle = desk.agent(&format!("{words} --format json")).await;
    let result: Value = serde_json::from_str(&idle.out).unwrap();
    assert_eq!(result["devices"][0]["steps"][0]["outcome"], "already", "{}", idle.out);
    assert_eq!((idle.code, camera.counts().writes), (Some(0), writes));
}

#[tokio::test]
async fn what_a_plan_cannot_be_is_refused_before_a_device_is_asked() {
    let camera = neglected(Line::P3, |_| ()).await;
    let desk = desk(&camera, &["C09"]);
    desk.agent(PLAN).await;
    let text = desk.read("plan.json");
    desk.write("wider.json", text.replace("ROBOTS_TXT_MODE", "ENTRYPAGE"));
    let asked = camera.counts().requests;
    for (words, says) in [
        ("apply @wider.json --keep @kept --backup-in-clear", "changed since it was made"),
        ("apply @site.toml --keep @kept --backup-in-clear", "no plan"),
        ("apply @plan.json --keep @nowhere --backup-in-clear", "no such folder"),
        ("apply @plan.json --keep @kept", "--recipient"),
        ("plan --inventory @site.toml gate", "names no such device"),
        ("plan --inventory @site.toml --output @site.toml", "replace the site file"),
    ] {
        let ended = desk.agent(words).await;
        assert_eq!(ended.code, Some(3), "{words}: {ended:?}");
        assert!(ended.err.contains(says), "{words}: {ended:?}");
    }
    assert_eq!(camera.counts().requests, asked);
}

#[tokio::test]
async fn no_secret_of_a_camera_is_in_a_plan_or_in_what_became_of_it() {
    let camera = neglected(Line::P3, |_| ()).await;
    let desk = desk(&camera, &["C05", "C06", "C09"]);
    let expected = "[[accounts.expected]]\nname = \"admin\"\ngroup = \"admins\"\n";
    let policy = desk.read("policy.toml") + expected;
    desk.write("policy.toml", policy);
    let planned = desk.agent(PLAN).await;
    let applied = desk.agent("apply @plan.json --keep @kept --backup-in-clear --format json").await;
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let hash = configs::user_line(Line::P3, "admin", "admins", configs::FACTORY_PASSWORD);
    let secrets: Vec<Secret> = hash.split(':').skip(2).map(Secret::new).collect();
    for text in [planned.out, planned.err, desk.read("plan.json"), applied.out, applied.err] {
        for secret in &secrets {
            assert!(!text.contains(secret.expose()), "{text}");
        }
        assert!(!text.contains(configs::FACTORY_PASSWORD), "{text}");
    }
}
