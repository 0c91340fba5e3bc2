//! Configurations for pretend cameras: as they leave the factory, hardened, neglected, and as long as real ones. The
//! shapes are those of real exports, every value is made up.

use std::net::IpAddr;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::auth;
use super::configuration::Configuration;
use super::spec::Line;

/// The password that every camera leaves the factory with, for `admin` (guide measure 3).
pub const FACTORY_PASSWORD: &str = "meinsm";
/// The administrator of a [`hardened`] camera.
pub const KEEPER: (&str, &str) = ("site.keeper", "Tz7!quarry-Lantern-58");
/// The account that an audit logs in with, on a [`hardened`] camera; also an administrator.
pub const AUDITOR: (&str, &str) = ("audit", "gR4+ferry/Orchard-27");

/// What the address of a camera is in a configuration that no address was given for.
const SERIAL: &str = "10.12.159.37";

const RIGHTS: [&str; 14] = [
    "guest",
    "live",
    "player",
    "multiview",
    "pda",
    "eventstream",
    "mxcc",
    "info",
    "live_slow",
    "live_fast",
    "imagelink",
    "events",
    "api",
    "image_setup",
];

/// The factory configuration of a line. Which screens are public is documented for P3 and Mx6 (most are); that
/// MOBOTIX 7 has none is INVENTED from the guide's picture.
pub fn factory(line: Line) -> Configuration {
    let mut configuration = Configuration::new(common(line, line.firmware()).into_bytes());
    let public = line != Line::Mobotix7;
    let users = [("admin", "admins", FACTORY_PASSWORD)];
    configuration.replace("access", access(line, &users, public).as_bytes());
    configuration.set("httpd", "ENABLE_SSL", "1");
    if public {
        configuration.set("httpd", "AUTHTYPE", "auto");
        configuration.set("httpd", "IDS_HTTP_DEADTIME", "60");
        configuration.set("httpd", "IDS_HTTP_TIMEOUT", "60");
    }
    configuration
}

/// A camera that somebody cared for: own users, nothing public, digest only, crawlers out, a recording key, somebody
/// told of errors, intrusion detection and IP access control on (by keys that are INVENTED).
pub fn hardened(line: Line, address: IpAddr) -> Vec<u8> {
    let mut configuration = addressed(line, line.firmware(), address);
    let users = [
        (KEEPER.0, "admins", KEEPER.1),
        (AUDITOR.0, "admins", AUDITOR.1),
        ("anna.guard", "users", "Wv3:harbor=Thimble-61"),
        ("recorder", "guests", "Lm9;copper_Meadow-40"),
    ];
    configuration.replace("access", access(line, &users, false).as_bytes());
    for (section, key, value) in [
        ("httpd", "ENABLE_SSL", "1"),
        ("httpd", "AUTHTYPE", "digest"),
        ("httpd", "IDS_HTTP_ENABLE", "1"),
        ("httpd", "IDS_HTTP_THRESHOLD", "7"),
        ("httpd", "IDS_HTTP_BLOCK", "1"),
        ("accesscontrol", "ENABLE", "1"),
        ("homepage", "ROBOTS_TXT_MODE", "forbidden"),
        ("fileserver", "SECURITY_PASSWORD", "Hn2-velvet.Anchor-93"),
        ("systemalarm", "logscan_alarm_notify_ip", "ip0"),
        ("camerachecks", "fsck", "1"),
        ("camerachecks", "fsck_tests", "7"),
        ("camerachecks", "fsck_act_ip", "ip0"),
        ("vpn", "USE_VPN", "1"),
        ("vpn", "VPN_SERVER", "vpn.example.com"),
    ] {
        configuration.set(section, key, value);
    }
    configuration.set_profile("ipnotify", "ip0", "profile", &notify_profile(""));
    configuration.bytes().to_vec()
}

/// A camera that somebody screwed to a wall and forgot: old firmware, the factory login, ten public rights, both
/// schemes, crawlers welcome, no recording key, errors shown by an LED only.
pub fn neglected(line: Line, address: IpAddr) -> Vec<u8> {
    let firmware = match line {
        Line::P3 => "MX-V4.4.2.73.r2",
        Line::Mx6 => "MX-V5.1.0.99-r4",
        Line::Mobotix7 => "MX-V7.0.4.27",
    };
    let mut configuration = addressed(line, firmware, address);
    let users = [("admin", "admins", FACTORY_PASSWORD)];
    configuration.replace("access", access(line, &users, true).as_bytes());
    for (section, key, value) in [
        ("httpd", "ENABLE_SSL", "1"),
        ("httpd", "AUTHTYPE", "auto"),
        ("homepage", "ROBOTS_TXT_MODE", "allowed"),
        ("homepage", "ENTRYPAGE", "guestimage"),
        ("fileserver", "SECURITY_PASSWORD", ""),
        ("systemalarm", "logscan_alarm_notify_ip", ""),
        ("camerachecks", "fsck", "0"),
    ] {
        configuration.set(section, key, value);
    }
    configuration.set_profile("ipnotify", "ip0", "profile", &notify_profile("admin%3Ameinsm"));
    configuration.bytes().to_vec()
}

/// The same configuration made as long as `size` bytes, to within one line, by motion windows that mean nothing to
/// security. A real export is about 41 000 bytes.
pub fn padded(config: &[u8], size: usize) -> Vec<u8> {
    let mut filler = String::from("SECTION videomotionanalysis\n");
    let end = "ENDSECTION videomotionanalysis\n";
    for window in 0.. {
        let (x, y) = (window * 37 % 1240, window * 53 % 920);
        let line =
            format!("vm_window_{window}={x},{y},40,40,an=25,s=1,sl=20,dir=Left;Right;Up;Down\n");
        if config.len() + filler.len() + line.len() + end.len() > size {
            break;
        }
        filler.push_str(&line);
    }
    [config, b"\n", filler.as_bytes(), end.as_bytes()].concat()
}

/// A user's `usr=` value. Salts are fixed so that a configuration is the same twice; hashes are kept, because crypt
/// is slow on purpose.
pub fn user_line(line: Line, name: &str, group: &str, password: &str) -> String {
    user_line_over(auth::REALM, line, name, group, password)
}

/// The same with a fourth field over another realm.
pub fn user_line_over(realm: &str, line: Line, name: &str, group: &str, password: &str) -> String {
    static KNOWN: LazyLock<Mutex<Vec<((Line, String), String)>>> = LazyLock::new(Mutex::default);
    let key = (line, password.to_owned());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let hash = match known.iter().find(|(one, _)| *one == key) {
        Some((_, hash)) => hash.clone(),
        None => {
            let salt = match line {
                Line::P3 | Line::Mx6 => "$1$hB4rNw7e",
                Line::Mobotix7 => "$6$Qe8sLpYc2Vj1",
            };
            let hash = pwhash::unix::crypt(password, salt).expect("the salts are well formed");
            known.push((key, hash.clone()));
            hash
        }
    };
    format!("{name}:{group}:{hash}:{}", auth::ha1(name, realm, password))
}

fn access(line: Line, users: &[(&str, &str, &str)], public: bool) -> String {
    let mut text = String::from("SECTION access\n# written by access at 2026-03-02 09:30:11\n");
    for (name, group, password) in users {
        text.push_str(&format!("usr={}\n", user_line(line, name, group, password)));
    }
    let seven = line == Line::Mobotix7;
    let unused = if seven { "*:*" } else { "ABCDEFGHIJKLM:00000000000000000000000000000000" };
    text.push_str(&format!("usr=Supervisor:Supervisors:{unused}\n"));
    let (groups, low) = if seven {
        ("admins,es_admins,es_guests,es_users,www_guests,www_users,users,guests", "www_users,users")
    } else {
        ("admins,guests,users", "users")
    };
    text.push_str(&format!("groups={groups}\n"));
    let closed = ["player", "multiview", "api", "image_setup"];
    for right in RIGHTS.iter().filter(|right| !(seven && **right == "pda")) {
        let mark = if public && !closed.contains(right) { "0," } else { "" };
        let guests = if matches!(*right, "guest" | "live_slow") { ",guests" } else { "" };
        text.push_str(&format!("{right}_acl={mark}admins,{low}{guests}\n"));
    }
    text.push_str(
        "event_setup_acl=admins\nadmin_acl=admins\nsv_acl=Supervisors\nsv_enable=\nowner_acl=\n",
    );
    if !seven {
        text.push_str("authtype=basic\n");
    }
    text + "voip_setuppin=\nsystemprotection=off\nENDSECTION access\n"
}

fn notify_profile(login: &str) -> String {
    format!(
        "ip0:_profilename=Control Room:preset=custom:ackn_time=60:ipnotifyaddress=10.40.0.9%3A8000:send=on_error:protocol=tcp:httpauth={login}:data=msg:ipnotifymessage=$(id.nam) reports $(FPR.ENO)."
    )
}

/// The factory configuration with another firmware and address.
fn addressed(line: Line, firmware: &str, address: IpAddr) -> Configuration {
    let mut configuration = Configuration::new(
        common(line, firmware).replace(SERIAL, &address.to_string()).into_bytes(),
    );
    configuration.set(
        "ethernet",
        "HOSTNAME",
        &format!("mx{}", address.to_string().replace(['.', ':'], "-")),
    );
    configuration
}

/// What all of them have, apart from `access`.
fn common(line: Line, firmware: &str) -> String {
    let mut text = format!(
        "#:MXCFG2.0===============================\n#:{firmware}\n# Camera IP: {SERIAL}\n\
         # MOBOTIX Camera Configuration\n# SECURITY NOTE: Passwords are unencrypted!\n\
         #============================================\n\n"
    );
    let vlan = if line == Line::Mobotix7 { "VLAN_ENABLED=NO\nLLDP_ENABLED=NO\n" } else { "" };
    let ethernet = format!(
        "ETHERNET=UP\nBOOTP=no\nHOSTNAME=mx10-12-159-37\nIPADDR={SERIAL}\nNETMASK=255.0.0.0\nIPV6MODE=off\nDNS=\nZEROCONF=YES\nETH0_ADD_DEFAULT=off\n{vlan}"
    );
    let timestamp = format!("VERSION={firmware}\nDATE=2026-03-02 09:31:40 +0100 GMT+1\n");
    for (name, body) in [
        ("access", "groups=admins\n"),
        ("admin", "QUICKINST=1\n"),
        (
            "camerachecks",
            "fsck=1\nfsck_act_leds=1\nfsck_act_sound=\nfsck_act_sound_to=300\nfsck_strict=1\nfsck_tests=7\n",
        ),
        ("ethernet", &ethernet),
        (
            "extensions.json",
            "{\n   \"onvif\" : {\n      \"discoverable\" : true,\n      \"enable\" : true\n   }\n}\n",
        ),
        (
            "fileserver",
            "SECURITY_PASSWORD=\nFS_TYPE=PLEX\nPLEX_FS=fs_sd0_flash_card\nREC_SERVER=\nREC_PATH=data\nWIN_USERNAME=mxnfs\nWIN_PASSWORD=mxnfs\nCIFS_NTLM_TYPE=NTLM\n",
        ),
        ("homepage", "ENTRYPAGE=userimage\nLANGUAGE=en\nROBOTS_TXT_MODE=forbidden\nEXPANDMENU=1\n"),
        ("httpd", "WSPROXY_ENABLE=1\n"),
        ("ipnotify", &format!("profile={}\n", notify_profile("admin%3Ameinsm"))),
        ("route", "ROUTE=default:GW=10.0.0.1:IF=eth0\n"),
        ("rtpserver.json", "{\n   \"rtp_enable\" : true\n}\n"),
        (
            "systemalarm",
            "logscan_alarm_notify_led=1\nlogscan_alarm_notify_liveimage=1\nlogscan_alarm_notify_ip=\n",
        ),
        (
            "time",
            "TZ=Europe/Berlin\nTSPROTOCOL=ntp\nTIMESERVER=10.0.0.1\nTSAUTOADJUST=1\nTSCHECKINTERVAL=30\n",
        ),
        ("timestamp", &timestamp),
        ("timetasks", "CRON=30:3:*:*:*:Reboot:\n"),
        (
            "vpn",
            "USE_VPN=0\nVPN_SERVER=\nVPN_PORT=1194\nVPN_PROTO=udp\nVPN_CIPHER=\nVPN_USER=\nVPN_PASSWD=\n",
        ),
    ] {
        text.push_str(&format!("SECTION {name}\n{body}ENDSECTION {name}\n\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [Line; 3] = [Line::P3, Line::Mx6, Line::Mobotix7];

    #[test]
    fn every_line_has_its_own_configurations_and_they_are_the_same_twice() {
        let address = "10.12.1.7".parse().unwrap();
        for line in LINES {
            assert_eq!(hardened(line, address), hardened(line, address));
            let neglected = String::from_utf8(neglected(line, address)).unwrap();
            assert!(neglected.contains("# Camera IP: 10.12.1.7\n"), "{neglected}");
            assert!(neglected.starts_with("#:MXCFG2.0="));
            let public = neglected.lines().filter(|line| line.contains("_acl=0,")).count();
            assert_eq!(public, if line == Line::Mobotix7 { 9 } else { 10 });
        }
    }

    #[test]
    fn padding_reaches_the_size_of_a_real_export_and_changes_no_section() {
        let plain = hardened(Line::P3, "10.12.1.7".parse().unwrap());
        let long = padded(&plain, 41_000);
        assert!((40_900..=41_001).contains(&long.len()), "{}", long.len());
        assert!(long.starts_with(&plain));
    }
}
