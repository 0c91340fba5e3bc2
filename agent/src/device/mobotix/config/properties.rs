//! Properties of the parser and of redaction, over generated and damaged documents.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::device::mobotix::{Dialects, export, learn};

const FILES: [&[u8]; 3] = [
    include_bytes!("../../../../testdata/mobotix/p3.cfg"),
    include_bytes!("../../../../testdata/mobotix/mx6.cfg"),
    include_bytes!("../../../../testdata/mobotix/mobotix7.cfg"),
];

fn line_end() -> impl Strategy<Value = &'static str> {
    select(vec!["\n", "\r\n", "\r\r\n"])
}

/// A section with any lines that do not end it.
fn section() -> impl Strategy<Value = Vec<u8>> {
    let line =
        vec(any::<u8>().prop_filter("ends a line", |byte| !matches!(byte, 0 | b'\n')), 0..40)
            .prop_filter("a keyword", |line| matches!(keyword(line.trim_ascii()), Keyword::Other));
    let name = "[a-z_]{1,10}([.]json)?";
    (name, vec((line, line_end()), 0..8), line_end()).prop_map(|(name, lines, end)| {
        let mut out = format!("SECTION {name}{end}").into_bytes();
        for (line, end) in lines {
            out.extend(line);
            out.extend(end.as_bytes());
        }
        out.extend(format!("ENDSECTION {name}{end}").as_bytes());
        out
    })
}

/// A fixture with some bytes overwritten, lines taken out or doubled, and perhaps the end missing.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), any::<u8>(), 0..4u8);
    (select(FILES.to_vec()), vec(change, 0..6)).prop_map(|(file, changes)| {
        let mut bytes = file.to_vec();
        for (place, byte, kind) in changes.into_iter() {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn a_generated_document_prints_as_it_was(sections in vec(section(), 1..5), tail in "(#[a-z ]{0,9})?") {
        let bytes = [b"#:MXCFG2.0\r\n#:MX-V4.7.2.18\n".as_slice(), &sections.concat(), tail.as_bytes()].concat();
        let document = Document::parse(&bytes).unwrap();
        prop_assert_eq!(document.sections().count(), sections.len());
        prop_assert!(document.print() == bytes);
    }

    #[test]
    fn a_damaged_document_prints_as_it_was_or_is_refused(bytes in damaged()) {
        if let Ok(document) = Document::parse(&bytes) {
            prop_assert!(document.print() == bytes);
        }
        let _ = export::read(&bytes, &Dialects::builtin());
        let _ = learn::learn(&bytes, FILES[0], Some("crawling"), None);
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..400), head in any::<bool>()) {
        let bytes = if head { [b"#:MXCFG2.0\n#:MX-V4.1.1.1\nSECTION a\n".as_slice(), &bytes].concat() } else { bytes };
        let _ = Document::parse(&bytes).map(|document| document.print() == bytes);
        let _ = from_remote(&bytes);
        let _ = redact(&bytes);
    }

    #[test]
    fn a_planted_secret_never_survives_redaction(
        secret in "[A-Za-z0-9+!._-]{6,24}",
        form in select(vec![
            "usr=admin:admins:@:0123456789abcdef0123456789abcdef", "usr=admin:admins:$1$ab$@:x", "usr=a:b:*:@",
            "usr=@", "usr=a:@", "usr=a:b:c:d:@", "onvif_user=admin:admin:@", "onvif_user=@",
            "pass=@", "PASS=@", " pass = @ ", "WIN_PASSWORD=@", "SECURITY_PASSWORD=@", "VPN_PASSWD=@", "IN_PWD=\"@\"",
            "CIN_PW=@", "cin_pin=@", "voip_setuppin=@", "VPN_CLIENT_KEY_ASKPASS=@", "voip_adminpwdcopy=@",
            "profile=ip0:_profilename=x:httpauth=admin%3A@:data=msg", "profile=ftp0:host=h:pass=@:type=",
            "profile=m:smtp=x:password=@", "softbutton=a:action=/x?user=b&passwd%3D@", "x=http://user:@@host/",
            "smtp=smtp://me:@@mail.example", "x=Authorization%3A%20Basic%20@", "  \"password\" : \"@\",",
            "\"a\":{\"secret\":\"@\"}", "token=@", "x=U2FsdGVkX1@", "community=@",
        ]),
    ) {
        let line = form.replacen('@', &secret, 1);
        let shown = redact(line.as_bytes());
        prop_assert!(!shown.contains(&secret), "{} became {}", line, shown);
    }
}

#[test]
fn what_is_no_secret_stays_readable() {
    for line in [
        "ROBOTS_TXT_MODE=allowed",
        "AUTHTYPE=auto",
        "SECURITY_PASSWORD=",
        "live_acl=0,admins,users",
        "fsck_tests=7",
        "VPN_SERVER=vpn.harbour.example",
        "IPADDR=10.1.2.3",
        "usr=Supervisor:Supervisors:*:*",
        "# Camera IP: 10.1.2.3",
        "profile=ip0:_profilename=Office:ipnotifyaddress=10.0.0.9%3A8000:httpauth=",
    ] {
        assert_eq!(redact(line.as_bytes()), line);
    }
    let usr = b"usr=admin:admins:$6$salt$hash:0123456789abcdef0123456789abcdef";
    assert_eq!(redact(usr), "usr=admin:admins:$6$[redacted]:[redacted]");
}

#[test]
fn passwords_are_told_from_what_only_sounds_like_one() {
    for name in [
        "pass",
        "WIN_PASSWORD",
        "VPN_PASSWD",
        "IN_PWD",
        "CIN_PW",
        "cin_pin",
        "httpauth",
        "voip_setuppin",
    ] {
        assert!(is_password_name(name), "{name}");
    }
    for name in [
        "si_pin",
        "so_pin",
        "voip_pinfails",
        "VPN_PING",
        "AUTHTYPE",
        "passive",
        "AGING_KEYWORD_LIST",
    ] {
        assert!(!is_password_name(name), "{name}");
    }
}
