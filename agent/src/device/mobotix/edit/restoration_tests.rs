use super::*;
use crate::device::mobotix::dialect::Dialects;

const HEAD: &str = "#:MXCFG2.0\n#:MX-V7.3.0.54\n";
const ACCESS: &str = "SECTION access\ngroups=admins,guests\nlive_acl=LIVE\nusr=admin:admins:$6$HASH:DIGEST\n\
                      ENDSECTION access\n";

fn config(access: &str, more: &str) -> Snapshot {
    snapshot(format!("{HEAD}{access}{more}").into_bytes()).unwrap()
}

fn access(live: &str, hash: &str) -> String {
    ACCESS.replace("LIVE", live).replace("HASH", hash)
}

/// With somebody to let in.
fn brought_back(on: &Snapshot, backup: &Snapshot) -> Result<Restoration, Untranslated> {
    let must = BTreeSet::from(["10.1.0.9".parse().unwrap()]);
    restoration(on, backup, &Dialects::builtin(), &must)
}

fn has(restoration: &Restoration, line: &str) -> bool {
    String::from_utf8_lossy(restoration.target.bytes()).lines().any(|it| it == line)
}

#[test]
fn settings_come_back_and_the_password_of_today_stays() {
    let on = config(
        &access("0", "today"),
        "SECTION homepage\nROBOTS_TXT_MODE=allowed\nENDSECTION homepage\n",
    );
    let old = config(
        &access("guests", "yesterday"),
        "SECTION homepage\nROBOTS_TXT_MODE=forbidden\nENDSECTION homepage\n",
    );
    let found = brought_back(&on, &old).unwrap();
    assert!(has(&found, "live_acl=guests") && has(&found, "ROBOTS_TXT_MODE=forbidden"));
    assert!(has(&found, "usr=admin:admins:$6$today:DIGEST"));
    assert!(!String::from_utf8_lossy(found.target.bytes()).contains("yesterday"));
    assert!(found.left.iter().any(|it| it.contains("access") && it.contains("usr")), "{found:?}");
    assert!(found.lines.iter().any(|it| it == "+ homepage: ROBOTS_TXT_MODE=forbidden"));
    assert!(found.lines.iter().all(|it| !it.contains("today") && !it.contains("yesterday")));
    let same = brought_back(&found.target, &old).unwrap();
    assert_eq!(same.lines, Vec::<String>::new(), "a second time there is nothing to do");
    assert_eq!(same.target.digest(), found.target.digest());
}

#[test]
fn another_firmware_is_refused() {
    let on = config(ACCESS, "");
    let old = String::from_utf8(on.bytes().to_vec()).unwrap().replace("7.3.0.54", "7.3.0.55");
    let old = snapshot(old.into_bytes()).unwrap();
    let why = brought_back(&on, &old).unwrap_err().to_string();
    assert!(why.contains("7.3.0.55") && why.contains("same firmware"), "{why}");
}

#[test]
fn how_the_camera_is_reached_and_what_is_not_known_stay() {
    let rest = |address: &str, port: &str, what: &str| {
        format!(
            "SECTION ethernet\nIPADDR={address}\nENDSECTION ethernet\nSECTION httpd\nPORT_X={port}\nNAME={what}\n\
             ENDSECTION httpd\nSECTION accesscontrol\nRULE={what}\nENDSECTION accesscontrol\n"
        )
    };
    let on = config(ACCESS, &rest("10.0.0.2", "80", "now"));
    let found = brought_back(&on, &config(ACCESS, &rest("10.0.0.7", "81", "then"))).unwrap();
    for line in ["IPADDR=10.0.0.2", "PORT_X=80", "NAME=then", "RULE=now"] {
        assert!(has(&found, line), "{line}: {found:?}");
    }
    assert_eq!(found.left.len(), 3, "{:?}", found.left);
}

#[test]
fn an_account_of_today_keeps_its_group() {
    let on = config(&access("guests", "a"), "");
    let old = config(&access("0", "a").replace("admins,guests", "other,guests"), "");
    let found = brought_back(&on, &old).unwrap();
    assert!(found.lines.is_empty(), "{found:?}");
    assert!(found.left[0].contains("in a group"), "{found:?}");
}

#[test]
fn secrets_of_profiles_and_in_json_stay_and_are_not_told() {
    let rest = |pass: &str| {
        format!(
            "SECTION ftp\nftp=ftp_a:_profilename=a:ftp_pass={pass}:dir=/x\nFTP_MODE={pass}x\nENDSECTION ftp\n\
             SECTION rtpserver.json\n{{\"password\": \"{pass}\"}}\nENDSECTION rtpserver.json\n"
        )
    };
    let found = brought_back(&config(ACCESS, &rest("one")), &config(ACCESS, &rest("two"))).unwrap();
    assert!(has(&found, "FTP_MODE=twox"), "{found:?}");
    assert!(has(&found, "{\"password\": \"one\"}"));
    assert!(has(&found, "ftp=ftp_a:_profilename=a:ftp_pass=one:dir=/x"));
    assert_eq!(found.lines, ["- ftp: FTP_MODE=onex", "+ ftp: FTP_MODE=twox"]);
}

#[test]
fn a_list_that_locks_somebody_out_stays_where_it_is() {
    let sure = "confidence = \"observed\"";
    let text = format!(
        "major = 7\nsources = [\"a test\"]\n[settings.ip_access]\nsection = \"accesscontrol\"\nkey = \"ENABLE\"\n{sure}\n\
         values.1 = {{ means = \"on\", {sure} }}\nvalues.0 = {{ means = \"off\", {sure} }}\n\
         [settings.ip_access_rules]\nsection = \"accesscontrol\"\nkey = \"RULE\"\n{sure}\nform = \"allow {{network}}\"\n"
    );
    let mut dialects = Dialects::builtin();
    dialects.add(&text).unwrap();
    let list = |on: &str, rule: &str| {
        let text =
            format!("SECTION accesscontrol\nENABLE={on}\nRULE={rule}\nENDSECTION accesscontrol\n");
        config(ACCESS, &text)
    };
    let now = list("1", "allow 10.1.0.0/255.255.0.0");
    let us = "10.1.0.9".parse().unwrap();
    let lines = |backup: &Snapshot, must: &[IpAddr]| {
        let must = must.iter().copied().collect();
        restoration(&now, backup, &dialects, &must).unwrap().lines.len()
    };
    assert_eq!(lines(&list("1", "allow 10.1.0.9"), &[us]), 2);
    assert_eq!(lines(&list("1", "allow 10.1.0.8"), &[us]), 0, "we are not in it");
    assert_eq!(lines(&list("1", "allow 10.1.0.9"), &[us, "10.1.0.3".parse().unwrap()]), 0);
    assert_eq!(lines(&list("1", "deny 10.1.0.9"), &[us]), 0, "it is not read");
    assert_eq!(lines(&list("1", "allow 10.1.0.9"), &[]), 0, "who we are is not known");
    assert_eq!(lines(&list("0", "allow 10.1.0.8"), &[us]), 4, "it is off");
}
