//! The video management system chapter: which file judges which measure.

mod v01_os_accounts;
mod v02_vms_accounts;
mod v03_limited_rights;
mod v04_no_admin;
mod v05_auto_log_off;

use proto::Vms;

use super::{Guidance, Judgment};
use crate::facts::VmsFacts;
use crate::site::Site;

pub(super) use v04_no_admin::judge_camera;

/// What is always true of a measure.
pub(super) fn guidance(measure: Vms) -> &'static Guidance {
    match measure {
        Vms::V01OsAccounts => &v01_os_accounts::GUIDANCE,
        Vms::V02VmsAccounts => &v02_vms_accounts::GUIDANCE,
        Vms::V03LimitedRights => &v03_limited_rights::GUIDANCE,
        Vms::V04NoAdmin => &v04_no_admin::GUIDANCE,
        Vms::V05AutoLogOff => &v05_auto_log_off::GUIDANCE,
    }
}

/// Judges by one measure.
pub(super) fn judge(measure: Vms, vms: &VmsFacts, site: &Site<'_>) -> Judgment {
    match measure {
        Vms::V01OsAccounts => v01_os_accounts::judge(vms, site),
        Vms::V02VmsAccounts => v02_vms_accounts::judge(vms, site),
        Vms::V03LimitedRights => v03_limited_rights::judge(vms, site),
        Vms::V04NoAdmin => v04_no_admin::judge(vms, site),
        Vms::V05AutoLogOff => v05_auto_log_off::judge(vms, site),
    }
}
