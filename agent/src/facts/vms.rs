//! What the five VMS measures read. Nothing is read from the workstation itself yet: V04 is told by the cameras.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{EvidenceBook, Fact};

/// What is known of a video management workstation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmsFacts {
    /// How it logs in to the cameras of the site, as their web server logs tell (V04).
    pub camera_logins: Fact<Vec<CameraLogin>>,
    /// What the facts rest on.
    pub evidence: EvidenceBook,
}

/// A log-in from the workstation's address that a camera's web server log shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CameraLogin {
    /// The camera's name.
    pub camera: String,
    /// The address it came from.
    pub from: IpAddr,
    /// The account it used.
    pub user: String,
    /// Whether that account is in the camera's `admins` group.
    pub administrator: Fact<bool>,
}
