//! What an agent's data folder says a device is logged in to with, for a command beside the agent. Reads alone; who logs
//! in by it is one more at the device than the agent knows of.

use std::path::Path;

use certs::Pin;
use proto::{DeviceName, Secret};

use super::keyring::{certificate_of, password_of};
use crate::config::SiteDevice;
use crate::device::mobotix::credential::leaf;
use crate::store::journal::Journal;
use crate::store::subject::Subject;
use crate::store::vault::Vault;

/// What a device is logged in to with, as far as the agent changed it.
#[derive(Debug, Default)]
pub struct Held {
    /// In place of the site file's password.
    pub password: Option<Secret>,
    /// In place of the site file's pin.
    pub pin: Option<Pin>,
}

/// Why nobody can log in to a device.
#[derive(Debug, thiserror::Error)]
pub enum NotHeld {
    /// A change is under way.
    #[error(
        "device {0}: a credential is being replaced, and it is in doubt which one it takes; palisade-agent status tells when \
         it is settled"
    )]
    Doubt(DeviceName),
    /// The journal or the vault cannot be read.
    #[error("device {0}: what the agent keeps of its credentials cannot be read: {1}")]
    Unreadable(DeviceName, String),
}

/// What the agent in `data` holds of a device. Blocks.
///
/// # Errors
/// [`NotHeld`]; the site file's password is an old one then.
pub fn held(data: &Path, device: &SiteDevice) -> Result<Held, NotHeld> {
    let password = look(data, device, password_of(device))?;
    let certificate = look(data, device, certificate_of(device))?;
    let unread = || {
        let why = "what it holds as a certificate is none".to_owned();
        NotHeld::Unreadable(device.name.clone(), why)
    };
    let pin = certificate.map(|found| leaf(&found).ok_or_else(unread)).transpose()?;
    Ok(Held { password, pin })
}

fn look(
    data: &Path,
    device: &SiteDevice,
    subject: Option<Subject>,
) -> Result<Option<Secret>, NotHeld> {
    let unreadable =
        |error: &dyn std::error::Error| NotHeld::Unreadable(device.name.clone(), error.to_string());
    let Some(subject) = subject else { return Ok(None) };
    let read = Journal::new(data).read(&subject).map_err(|error| unreadable(&error))?;
    let Some(read) = read else { return Ok(None) };
    let id = *read.entry.rotation.trusted().ok_or(NotHeld::Doubt(device.name.clone()))?;
    // With an entry in the journal no key is ever made anew.
    let vault = Vault::open(data).map_err(|error| unreadable(&error))?;
    let found = vault.secret(&subject, id).map_err(|error| unreadable(&error))?;
    Ok(Some(found.secret))
}
