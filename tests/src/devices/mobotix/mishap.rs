//! What befalls requests that change something, on their way or right behind: lost answers, late arrivals, a reboot
//! that comes too soon. Requests that only look are left alone, so that a fault strikes where it matters.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use super::device::Device;
use super::faults::{Fault, Faults};
use super::http::Request;

/// The commands of the remote configuration that change RAM or flash.
const WRITING: [&str; 4] = ["write", "store", "reset", "restore"];

/// Requests that did not arrive yet. A reboot cuts the connection they are on.
#[derive(Debug, Default)]
pub struct Late(Mutex<Vec<(Request, IpAddr)>>);

impl Late {
    /// Takes all of them.
    pub fn take(&self) -> Vec<(Request, IpAddr)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn hold(&self, request: &Request, source: IpAddr) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.push((request.clone(), source));
    }
}

/// Whether a request is to change RAM, flash or the file store, or to reboot.
pub fn writes(request: &Request) -> bool {
    let says = |word: &str| {
        request.body.split(|byte| *byte == b'\n').any(|line| line.starts_with(word.as_bytes()))
    };
    match request.path.as_str() {
        "/admin/remoteconfig" => WRITING.into_iter().any(says),
        "/config/camera/media" => request.method == "POST",
        "/admin/rcontrol" => true,
        _ => false,
    }
}

/// Lets it happen to a request; whether something did, after which the connection closes without an answer.
pub fn strikes(device: &Device, faults: &Faults, request: &Request, source: IpAddr) -> bool {
    if !writes(request) || request.field("authorization").is_none() {
        return false;
    }
    let mishap = faults.at(&request.path).find(|fault| {
        matches!(fault, Fault::LosesReplies | Fault::ComesLate | Fault::RebootsTooSoon)
    });
    let Some(mishap) = mishap else { return false };
    if mishap == Fault::ComesLate {
        device.late.hold(request, source);
        return true;
    }
    let response = device.answer(request, source);
    if response.reboots || mishap == Fault::RebootsTooSoon {
        device.reboot.notify_one();
    }
    true
}
