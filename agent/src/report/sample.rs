//! Reports made by hand for the tests of the faces: one camera, a site, and a device that does its worst.

use proto::finding::Waiver;
use proto::{Disruption, Evidence, Finding, LockoutRisk, Measure, Proof, Stance, Verdict};

use super::{DeviceReport, Report, Summary};
use crate::facts::{Device, Failure, FailureClass, Kind, Source};

/// Code, what is said of it on a neglected camera, and what it looks like there.
const NEGLECTED: [(&str, Verdict, &str); 22] = [
    (
        "C01",
        Verdict::Unmet,
        "runs MX-V4.7.3.11-r4; the vendor recommends MX-V4.7.3.11-r6 or later (MOX-2024-P3-001)",
    ),
    (
        "C02",
        Verdict::Unknown,
        "nobody vouches that the configuration started from factory defaults",
    ),
    (
        "C03",
        Verdict::Unmet,
        "account admin exists and keeps the factory password, found by testing its stored hash offline",
    ),
    ("C04", Verdict::Met, "3 groups, none but admins may change settings"),
    (
        "C05",
        Verdict::Unknown,
        "the policy does not name the accounts this camera should have, so 4 accounts prove nothing",
    ),
    (
        "C06",
        Verdict::Unmet,
        "without a login: live image, player, PTZ and audio are open to everybody",
    ),
    (
        "C07",
        Verdict::Unknown,
        "a configuration file of this firmware does not show the address list; a live look would",
    ),
    ("C08", Verdict::Unmet, "failed log-ins are reported after 7 and never blocked"),
    ("C09", Verdict::Unmet, "the camera lets search engines index it"),
    ("C10", Verdict::Unmet, "authentication is auto, which still accepts Basic"),
    ("C11", Verdict::Unmet, "recordings on the file server are written without a key"),
    ("C12", Verdict::NotApplicable, "MxMessage is switched off"),
    ("C13", Verdict::Unmet, "errors reach only the LED and the live image"),
    (
        "C14",
        Verdict::Met,
        "storage is checked every 6 hours and a failure sends mail to a profile with a recipient",
    ),
    ("C15", Verdict::Unmet, "HTTP on port 80 and HTTPS on port 443"),
    ("C16", Verdict::Unknown, "a configuration file does not show the certificate on the wire"),
    ("C17", Verdict::NotApplicable, "the site says nobody reaches it from outside"),
    ("C18", Verdict::Met, "no UPnP, no DynDNS and a private address"),
    (
        "C19",
        Verdict::Attested,
        "Kim Berg vouches until 2027-03-31: switch configuration of 2026-10-02, VLAN 40 holds cameras only",
    ),
    ("C20", Verdict::Unmet, "802.1X is off"),
    (
        "C21",
        Verdict::Met,
        "no address failed to log in more than 5 times; 2 addresses seen, both known",
    ),
    (
        "C22",
        Verdict::Attested,
        "Kim Berg vouches until 2027-01-15: encrypted copy in the office safe",
    ),
];

fn device(name: &str, kind: Kind) -> Device {
    let camera = kind == Kind::Mobotix;
    Device {
        name: name.parse().unwrap(),
        kind,
        source: if camera { Source::Live } else { Source::Declared },
        address: format!("{name}.cctv.example"),
        product: Some(if camera { "MOBOTIX P3" } else { "MxManagementCenter" }.to_owned()),
        model: camera.then(|| "M16".to_owned()),
        firmware: camera.then(|| "MX-V4.7.3.11-r4".to_owned()),
        serial: camera.then(|| "00:03:C5:12:34:56".to_owned()),
        pin: camera.then(|| format!("sha256:{}", "ab".repeat(32))),
    }
}

fn guidance(
    measure: Measure,
) -> (&'static str, &'static str, &'static str, Disruption, LockoutRisk) {
    match measure.code() {
        "C03" => (
            "no account named admin, and no account with a factory password",
            "The factory login is printed in public manuals and is the first that anybody tries.",
            "Create an administrator with another name and a password of your own, log in with it once from a second \
             browser, store the configuration, and only then remove admin.",
            Disruption::None,
            LockoutRisk::Severe,
        ),
        "C01" => (
            "the version the vendor recommends for this product line, or a later one",
            "Old firmware holds weaknesses that are described in public.",
            "Install the recommended version in a maintenance window; keep a copy of the configuration first.",
            Disruption::Reboot,
            LockoutRisk::None,
        ),
        "C20" => (
            "the network port asks the camera who it is before it lets it speak",
            "Whoever unplugs an outdoor camera otherwise stands in the network with a laptop.",
            "Prepare switch and RADIUS server, give the camera its certificate, switch the port over last.",
            Disruption::LinkLoss,
            LockoutRisk::Recoverable,
        ),
        _ => (
            "the setting the guide asks for, in use on the device",
            "What stands open is found by machines within hours, not by people within years.",
            "Set it in the camera's own pages under Admin Menu, store the configuration and look again.",
            Disruption::VideoGap,
            LockoutRisk::Recoverable,
        ),
    }
}

fn finding(measure: Measure, judgment: Verdict, observed: &str) -> Finding {
    let (expected, why, remedy, disruption, lockout_risk) = guidance(measure);
    let proof = match judgment {
        Verdict::Attested => Proof::Attested,
        Verdict::Unknown => Proof::Partial,
        Verdict::Met | Verdict::Unmet | Verdict::NotApplicable => Proof::Observed,
    };
    let evidence = match judgment {
        Verdict::Met | Verdict::Unmet => vec![
            Evidence {
                source: "configuration line 812".to_owned(),
                text: "ACCESS_MODE=public".to_owned(),
            },
            Evidence { source: "GET /robots.txt".to_owned(), text: "404 Not Found".to_owned() },
        ],
        Verdict::NotApplicable | Verdict::Unknown | Verdict::Attested => Vec::new(),
    };
    Finding {
        measure,
        title: measure.title().to_owned(),
        judgment,
        waived: false,
        waiver: None,
        stance: Stance::Report,
        proof,
        expected: expected.to_owned(),
        observed: observed.to_owned(),
        why: why.to_owned(),
        remedy: remedy.to_owned(),
        disruption,
        lockout_risk,
        evidence,
    }
}

fn audited(device: Device, verdict: impl Fn(Measure) -> (Verdict, String)) -> DeviceReport {
    let mut findings = Vec::new();
    for measure in Measure::all() {
        let (judgment, observed) = verdict(measure);
        let mut finding = finding(measure, judgment, &observed);
        if measure.code() == "C15" && judgment == Verdict::Unmet {
            finding.waived = true;
            finding.waiver = Some(Waiver {
                measure,
                devices: Vec::new(),
                reason: "the recorder cannot use other ports before its replacement in spring"
                    .to_owned(),
                owner: "Kim Berg".to_owned(),
                expires: "2027-04-30".parse().unwrap(),
            });
        }
        if measure.code() == "C09" {
            finding.stance = Stance::Ignore;
        }
        findings.push(finding);
    }
    let summary = Summary::count(&findings);
    let observed_at = "2026-11-24T08:15:00Z".parse().unwrap();
    DeviceReport { device, observed_at, failure: None, findings, summary }
}

fn neglected(name: &str) -> DeviceReport {
    audited(device(name, Kind::Mobotix), |measure| {
        let known = NEGLECTED.iter().find(|(code, ..)| *code == measure.code());
        known.map_or_else(
            || (Verdict::NotApplicable, "this device is a camera".to_owned()),
            |(_, verdict, observed)| (*verdict, (*observed).to_owned()),
        )
    })
}

fn tidy(name: &str) -> DeviceReport {
    audited(device(name, Kind::Mobotix), |measure| match measure.code() {
        "C15" | "C20" => (Verdict::Unmet, "not set".to_owned()),
        "C02" | "C19" | "C22" => {
            (Verdict::Attested, "Kim Berg vouches until 2027-03-31: seen on site".to_owned())
        }
        "C12" | "C17" => (Verdict::NotApplicable, "switched off".to_owned()),
        code if code.starts_with('C') => (Verdict::Met, "set as the guide asks".to_owned()),
        _ => (Verdict::NotApplicable, "this device is a camera".to_owned()),
    })
}

fn declared(name: &str, kind: Kind, chapter: char) -> DeviceReport {
    audited(device(name, kind), |measure| match measure.code() {
        code if !code.starts_with(chapter) => {
            (Verdict::NotApplicable, "this device is of another kind".to_owned())
        }
        "V04" => (Verdict::Unmet, "workstation 10.0.3.9 logs in to 2 cameras as admin".to_owned()),
        "N05" => (Verdict::Met, "declared RAID 6".to_owned()),
        _ => (Verdict::Unknown, "nobody vouches for it yet".to_owned()),
    })
}

fn failed(name: &str) -> DeviceReport {
    DeviceReport {
        device: Device {
            product: None,
            model: None,
            firmware: None,
            pin: None,
            serial: None,
            ..device(name, Kind::Mobotix)
        },
        observed_at: "2026-11-24T08:17:09Z".parse().unwrap(),
        failure: Some(Failure {
            class: FailureClass::Unreachable,
            message: "connecting to 10.0.3.27 port 443: no answer within 10 seconds".to_owned(),
        }),
        findings: Vec::new(),
        summary: Summary { failed_devices: 1, ..Summary::default() },
    }
}

fn gathered(site: Option<&str>, devices: Vec<DeviceReport>) -> Report {
    let mut summary = Summary::default();
    for device in &devices {
        summary.add(device.summary);
    }
    Report {
        agent: "0.1.0".to_owned(),
        site: site.map(str::to_owned),
        single: devices.len() == 1 && site.is_none(),
        devices,
        summary,
    }
}

/// One neglected camera with all five verdicts, a waiver and an ignored measure.
pub(super) fn camera() -> Report {
    gathered(None, vec![neglected("yard-entrance")])
}

/// One device that could not be audited.
pub(super) fn silent() -> Report {
    gathered(None, vec![failed("gate-west")])
}

/// Six devices: cameras good and bad, one that does not answer, a workstation and a storage.
pub(super) fn site() -> Report {
    let devices = vec![
        neglected("yard-entrance"),
        tidy("hall-north"),
        neglected("parking-deck-2-stairwell-east"),
        failed("gate-west"),
        declared("control-room", Kind::Vms, 'V'),
        declared("recorder", Kind::Nas, 'N'),
    ];
    gathered(Some("Harbour North"), devices)
}

/// What a hostile device puts into every string that it can reach.
pub(super) const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "=cmd|'/C calc'!A0",
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m",
    "evil\u{202e}gpj.exe",
    "two\r\nlines\tand a tab\0",
    "\"quoted\", 'apostrophe' & <ampersand> ]]> {{ braces }} {% raw %}",
    "表示 ｗｉｄｅ 👩‍👩‍👧 e\u{301}",
    "\u{fffe}\u{ffff}\u{b}",
];

/// A report whose every foreign string is hostile, 10 KB long ones among them.
pub(super) fn hostile() -> Report {
    let (long, spaced) = ("x".repeat(10_240), "long words ".repeat(930));
    let mut strings = HOSTILE.to_vec();
    strings.extend([long.as_str(), spaced.as_str()]);
    filled(&strings)
}

/// A report of two devices whose every foreign string is one of these, in turn.
pub(super) fn filled(strings: &[&str]) -> Report {
    let mut next = strings.iter().cycle();
    let mut evil = || (*next.next().unwrap()).to_owned();
    let mut devices = vec![neglected("cam-1"), failed("cam-2")];
    for report in &mut devices {
        let device = &mut report.device;
        device.address = evil();
        for field in [
            &mut device.product,
            &mut device.model,
            &mut device.firmware,
            &mut device.serial,
            &mut device.pin,
        ] {
            *field = Some(evil());
        }
        if let Some(failure) = &mut report.failure {
            failure.message = evil();
        }
        for finding in &mut report.findings {
            for field in [
                &mut finding.title,
                &mut finding.expected,
                &mut finding.observed,
                &mut finding.why,
                &mut finding.remedy,
            ] {
                *field = evil();
            }
            finding.evidence = vec![Evidence { source: evil(), text: evil() }];
            if let Some(waiver) = &mut finding.waiver {
                (waiver.reason, waiver.owner) = (evil(), evil());
            }
        }
    }
    let site = Some(strings.concat());
    Report { agent: evil(), site, single: false, ..gathered(None, devices) }
}
