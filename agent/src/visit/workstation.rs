//! What the cameras' web server logs tell about a video management workstation (V04). Pure.
//!
//! A log that could not be read may hold the one administrator log-in that matters, so the workstation is cleared
//! only by the logs of all cameras, while a single log can accuse it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::facts::{
    CameraFacts, CameraLogin, EvidenceBook, Fact, Facts, Kind, Observation, VmsFacts,
};

/// So many cameras are named in a reason; the rest is counted.
const NAMED: usize = 5;

/// The facts about the workstation at `addresses`, from the observations of a site's cameras.
pub fn facts<'a>(
    addresses: &[IpAddr],
    observations: impl Iterator<Item = &'a Observation>,
) -> VmsFacts {
    let mut evidence = EvidenceBook::default();
    let camera_logins = logins(addresses, observations, &mut evidence);
    VmsFacts { camera_logins, evidence }
}

fn logins<'a>(
    addresses: &[IpAddr],
    observations: impl Iterator<Item = &'a Observation>,
    evidence: &mut EvidenceBook,
) -> Fact<Vec<CameraLogin>> {
    if addresses.is_empty() {
        return Fact::unreadable("its address is not known; give it in the site file");
    }
    let own: BTreeSet<IpAddr> = addresses.iter().map(IpAddr::to_canonical).collect();
    let (mut logins, mut unread, mut cameras) = (Vec::new(), Vec::new(), 0_usize);
    for observation in observations.filter(|seen| seen.device.kind == Kind::Mobotix) {
        cameras += 1;
        let name = observation.device.name.as_str();
        match &observation.outcome {
            Ok(Facts::Camera(camera)) if camera.web_log.seen().is_some() => {
                logins.extend(of_camera(name, camera, &own, evidence));
                if camera.web_log.seen().is_some_and(|log| log.cut || log.odd_rows > 0) {
                    unread.push(name);
                }
            }
            Ok(Facts::Camera(_) | Facts::Vms(_) | Facts::Nas(_)) | Err(_) => unread.push(name),
        }
    }
    logins.sort();
    let accused = logins.iter().any(|login| login.administrator == Fact::Seen(true));
    match (cameras, unread.len()) {
        (0, _) => Fact::unreadable("no camera was looked at, and only the cameras tell"),
        (_, 0) => Fact::Seen(logins),
        _ if accused => Fact::Seen(logins),
        (cameras, missing) if cameras == missing && logins.is_empty() => {
            Fact::unreadable("no camera's web server log could be read whole, and only they tell")
        }
        (cameras, missing) => Fact::unreadable(format!(
            "the web server log of {missing} of {cameras} cameras could not be read whole ({})",
            some(&unread)
        )),
    }
}

fn of_camera(
    name: &str,
    camera: &CameraFacts,
    own: &BTreeSet<IpAddr>,
    evidence: &mut EvidenceBook,
) -> Vec<CameraLogin> {
    let Some(log) = camera.web_log.seen() else { return Vec::new() };
    let mut logins = Vec::new();
    for (address, source) in &log.sources {
        let from = address.to_canonical();
        if !own.contains(&from) {
            continue;
        }
        let users = source.users.iter().map(String::as_str);
        let users: Vec<&str> = users.filter(|user| !matches!(*user, "" | "-")).collect();
        let text = format!("{from} logged in as {}", some(&users));
        evidence.note("camera_logins", format!("web server log of {name}"), &text);
        logins.extend(users.into_iter().map(|user| CameraLogin {
            camera: name.to_owned(),
            from,
            user: user.to_owned(),
            administrator: camera.administrator(user),
        }));
    }
    logins
}

fn some(names: &[&str]) -> String {
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 if names.is_empty() => "nobody".to_owned(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
