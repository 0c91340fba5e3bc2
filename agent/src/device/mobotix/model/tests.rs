use super::*;

const P3: &[u8] = include_bytes!("../../../../testdata/mobotix/p3.cfg");
const MOBOTIX7: &[u8] = include_bytes!("../../../../testdata/mobotix/mobotix7.cfg");

fn configuration(bytes: &[u8]) -> Configuration<'_> {
    Configuration::new(Document::parse(bytes).unwrap())
}

fn with_access(lines: &str) -> Vec<u8> {
    format!("#:MXCFG2.0\n#:MX-V4.7.2.18\nSECTION access\n{lines}\nENDSECTION access\n").into_bytes()
}

#[test]
fn the_head_and_the_stamp_name_the_camera() {
    let p3 = configuration(P3);
    assert_eq!(p3.head_firmware().as_deref(), Some("MX-V4.7.2.18-r1"));
    assert_eq!(p3.serial().as_deref(), Some("10.9.8.7"));
    assert!(p3.is_whole());
    let head_only = with_access("groups=admins");
    assert!(!configuration(&head_only).is_whole());
}

#[test]
fn profiles_have_decoded_fields_and_may_be_switched_off() {
    let p3 = configuration(P3);
    let profiles: Vec<_> = p3.profiles("ipnotify").collect();
    let ids: Vec<_> = profiles.iter().map(|profile| profile.id().into_owned()).collect();
    assert_eq!(ids, ["ip0", "ip1", "ip2"]);
    assert_eq!(profiles[0].name().as_deref(), Some("Alarm: office"));
    assert_eq!(
        profiles[0].field("ipnotifyaddress").as_deref(),
        Some("192.168.40.9:8000\n192.168.40.10:8000")
    );
    assert_eq!(profiles[0].field("absent"), None);
    assert_eq!(profiles.iter().map(Profile::is_inactive).collect::<Vec<_>>(), [false, false, true]);
    assert!(!format!("{profiles:?}").contains("meinsm"));
}

#[test]
fn rights_tell_the_public_mark_from_groups() {
    let access = configuration(P3).access().unwrap();
    let public: Vec<_> =
        access.rights.iter().filter(|right| right.public).map(|right| &right.name).collect();
    assert_eq!(public, ["live_acl", "eventstream_acl", "api_acl"]);
    let api = access.rights.iter().find(|right| right.name == "api_acl").unwrap();
    assert_eq!(api.groups, ["admins"]);
    assert_eq!(access.groups.unwrap().1, ["admins", "guests", "users"]);
}

#[test]
fn only_a_place_that_nobody_can_log_in_with_is_a_placeholder() {
    let zeros = "0".repeat(32);
    let cases = [
        ("usr=Supervisor:Supervisors:*:*".to_owned(), true),
        (format!("usr=Supervisor:Supervisors:ABCDEFGHIJKLM:{zeros}\nsv_enable="), true),
        (format!("usr=Supervisor:Supervisors:ABCDEFGHIJKLM:{zeros}\nsv_enable=1"), false),
        (format!("usr=Supervisor:admins:ABCDEFGHIJKLM:{zeros}"), false),
        (format!("usr=someone:guests:ABCDEFGHIJKLM:{zeros}"), false),
        (format!("usr=Supervisor:Supervisors:$1$ab$cd:{zeros}"), false),
        (
            "usr=Supervisor:Supervisors:ABCDEFGHIJKLM:0123456789abcdef0123456789abcdef".to_owned(),
            false,
        ),
        ("usr=someone:guests:*:0123456789abcdef0123456789abcdef".to_owned(), false),
        ("usr=someone".to_owned(), false),
    ];
    for (lines, expected) in cases {
        let bytes = with_access(&lines);
        let access = configuration(&bytes).access().unwrap();
        assert_eq!(access.is_placeholder(&access.users[0]), expected, "{lines}");
    }
}

#[test]
fn a_users_hash_is_not_in_its_debug_output() {
    let access = configuration(MOBOTIX7).access().unwrap();
    assert_eq!(access.users.len(), 2);
    assert!(!format!("{access:?}").contains("$6$"));
}
