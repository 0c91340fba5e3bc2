//! The network attached storage chapter: which file judges which measure.

mod n01_safe_place;
mod n02_admin_password;
mod n03_device_account;
mod n04_encrypted_volumes;
mod n05_raid;

use proto::Nas;

use super::{Guidance, Judgment};
use crate::facts::NasFacts;
use crate::site::Site;

/// What is always true of a measure.
pub(super) fn guidance(measure: Nas) -> &'static Guidance {
    match measure {
        Nas::N01SafePlace => &n01_safe_place::GUIDANCE,
        Nas::N02AdminPassword => &n02_admin_password::GUIDANCE,
        Nas::N03DeviceAccount => &n03_device_account::GUIDANCE,
        Nas::N04EncryptedVolumes => &n04_encrypted_volumes::GUIDANCE,
        Nas::N05Raid => &n05_raid::GUIDANCE,
    }
}

/// Judges by one measure.
pub(super) fn judge(measure: Nas, nas: &NasFacts, site: &Site<'_>) -> Judgment {
    match measure {
        Nas::N01SafePlace => n01_safe_place::judge(nas, site),
        Nas::N02AdminPassword => n02_admin_password::judge(nas, site),
        Nas::N03DeviceAccount => n03_device_account::judge(nas, site),
        Nas::N04EncryptedVolumes => n04_encrypted_volumes::judge(nas, site),
        Nas::N05Raid => n05_raid::judge(nas, site),
    }
}
