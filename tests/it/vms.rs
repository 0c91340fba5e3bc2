//! A whole site: the cameras' logs tell on the video workstation, and people vouch for what no program sees.

use tests::devices::mobotix::{Camera, Fault, Faults, Line, LogRow, Outcome, Spec, configs};

use super::desk::{Desk, Judged, https, start};

/// The video workstation, as the cameras see it.
const VMS: &str = "10.40.0.9";

/// A hardened camera whose log shows these users logging in from those addresses.
async fn camera(name: &str, log: &[(&str, &str)]) -> Camera {
    camera_of(configs::hardened(Line::P3, "10.12.1.7".parse().unwrap()), name, log).await
}

async fn camera_of(config: Vec<u8>, name: &str, log: &[(&str, &str)]) -> Camera {
    let row = |(number, (address, user)): (usize, &(&str, &str))| LogRow {
        seconds_ago: 60 * (1 + i64::try_from(number).unwrap()),
        address: address.parse().unwrap(),
        host: Some("vms.example.com".to_owned()),
        user: Some((*user).to_owned()),
        outcome: Outcome::Successful,
    };
    let log = log.iter().enumerate().map(row).collect();
    start(Spec { config: Some(config), log, ..Spec::new(Line::P3, name) }).await
}

/// A site of these cameras, the workstation and a NAS, with what people vouch for.
async fn audit(cameras: &[(&str, &Camera)], attestations: &str) -> Judged {
    let desk = Desk::new();
    desk.secret("pw", configs::AUDITOR.1);
    let mut site = String::from("name = \"Harbour\"\n");
    for (name, camera) in cameras {
        site.push_str(&format!(
            "[[devices]]\nname = \"{name}\"\nkind = \"mobotix\"\naddress = \"{}\"\nuser = \"audit\"\n\
             password_file = \"pw\"\n",
            https(camera)
        ));
    }
    site.push_str(&format!(
        "[[devices]]\nname = \"wall\"\nkind = \"vms\"\naddresses = [\"{VMS}\"]\n\
         [[devices]]\nname = \"archive\"\nkind = \"nas\"\naddresses = [\"10.40.0.20\"]\n{attestations}"
    ));
    desk.write("site.toml", site);
    desk.judged("audit --inventory @site.toml").await.1
}

fn attestation(measure: &str, devices: &str, until: &str) -> String {
    format!(
        "[[attestations]]\nmeasure = \"{measure}\"\n{devices}\nby = \"Kim Berg\"\nuntil = \"{until}\"\n\
         evidence = \"seen in the server room\"\n"
    )
}

#[tokio::test]
async fn a_workstation_that_logs_in_as_administrator_is_told_on_by_the_cameras() {
    let guilty = camera("gate", &[(VMS, "site.keeper"), ("10.40.0.77", "anna.guard")]).await;
    let clean = camera("hall", &[(VMS, "anna.guard")]).await;
    let judged = audit(&[("hall", &clean), ("gate", &guilty)], "").await;
    let wall = judged.device("wall");
    wall.says("V04", "unmet", &["administrator", "site.keeper", "gate", VMS]);
    assert!(!wall.observed("V04").contains("anna.guard"), "{}", wall.observed("V04"));
    assert_eq!(wall.findings().len(), 32);
    judged.device("gate").says("V04", "unmet", &["site.keeper", VMS]);
    judged.device("hall").says("V04", "met", &["anna.guard"]);
    assert_eq!((guilty.counts().most_open, clean.counts().most_open), (1, 1));
}

#[tokio::test]
async fn a_workstation_is_cleared_only_by_log_ins_that_were_seen() {
    let clean = camera("hall", &[(VMS, "anna.guard")]).await;
    let judged = audit(&[("hall", &clean)], "").await;
    judged.device("wall").says("V04", "met", &["anna.guard"]);
    let silent = camera("hall", &[("10.40.0.77", "site.keeper")]).await;
    let judged = audit(&[("hall", &silent)], "").await;
    judged.device("wall").says("V04", "unknown", &["no log-in"]);
}

#[tokio::test]
async fn a_camera_that_cannot_be_read_accuses_nobody_and_clears_nobody() {
    let lost = camera("lost", &[]).await;
    lost.set_faults(Faults::none().with(Fault::Garbage));
    let clean = camera("hall", &[(VMS, "anna.guard")]).await;
    let judged = audit(&[("lost", &lost), ("hall", &clean)], "").await;
    judged.device("wall").says("V04", "unknown", &["1 of 2 cameras", "lost"]);
    let guilty = camera("gate", &[(VMS, "site.keeper")]).await;
    let judged = audit(&[("lost", &lost), ("gate", &guilty)], "").await;
    judged.device("wall").says("V04", "unmet", &["site.keeper"]);
}

#[tokio::test]
async fn a_group_with_the_administrators_right_makes_administrators() {
    let config = configs::hardened(Line::P3, "10.12.1.7".parse().unwrap());
    let config = String::from_utf8(config).unwrap();
    let config = config.replace("\nadmin_acl=admins\n", "\nadmin_acl=admins,users\n");
    let hall = camera_of(config.into_bytes(), "hall", &[(VMS, "anna.guard")]).await;
    let judged = audit(&[("hall", &hall)], "").await;
    judged.device("hall").says("V04", "unmet", &["anna.guard"]);
    judged.device("wall").says("V04", "unmet", &["anna.guard"]);
}

#[tokio::test]
async fn a_person_vouches_until_a_day_and_no_longer() {
    let hall = camera("hall", &[]).await;
    let wall = "devices = [\"wall\"]";
    let text = [
        attestation("V01", wall, "9999-12-30"),
        attestation("V02", wall, "2020-01-01"),
        attestation("N01", "", "9999-12-30"),
        attestation("C19", "devices = [\"hall\"]", "9999-12-30"),
        attestation("C02", "", "2020-01-01"),
        // What the camera itself shows, no word of a person outweighs.
        attestation("C01", "", "9999-12-30"),
    ];
    let judged = audit(&[("hall", &hall)], &text.concat()).await;
    let (wall, hall) = (judged.device("wall"), judged.device("hall"));
    assert_eq!(wall.judgment("V01"), "attested", "{}", wall.observed("V01"));
    wall.says("V02", "unknown", &["2020-01-01"]);
    assert_eq!(hall.judgment("C19"), "attested");
    hall.says("C02", "unknown", &["2020-01-01"]);
    assert_eq!(hall.judgment("C01"), "unmet");
    assert_eq!(judged.device("archive").judgment("N01"), "attested");
}

#[tokio::test]
async fn declared_storage_is_judged_and_nothing_is_claimed_of_it() {
    let hall = camera("hall", &[]).await;
    let judged = audit(&[("hall", &hall)], "").await;
    let archive = judged.device("archive");
    assert_eq!(archive.0["device"]["source"], "declared");
    for measure in ["N01", "N02", "N03", "N04", "N05"] {
        assert_eq!(archive.judgment(measure), "unknown", "{}", archive.observed(measure));
    }
    assert_eq!(archive.all("met"), [""; 0]);
    assert_eq!(archive.all("not_applicable").len(), 27);
}
