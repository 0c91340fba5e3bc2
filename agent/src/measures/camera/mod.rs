//! The camera chapter: which file judges which measure.

mod c01_firmware;
mod c02_factory_reset;
mod c03_admin_password;
mod c04_groups;
mod c05_users;
mod c06_public_access;
mod c07_ip_access;
mod c08_intrusion_detection;
mod c09_web_crawling;
mod c10_digest_auth;
mod c11_recording_key;
mod c12_message_password;
mod c13_error_notification;
mod c14_storage_failure;
mod c15_ports;
mod c16_certificate;
mod c17_vpn;
mod c18_exposure;
mod c19_vlan;
mod c20_dot1x;
mod c21_web_log;
mod c22_backup;

use proto::Camera;

use super::{Guidance, Judgment};
use crate::facts::CameraFacts;
use crate::site::Site;

/// What is always true of a measure.
pub(super) fn guidance(measure: Camera) -> &'static Guidance {
    match measure {
        Camera::C01Firmware => &c01_firmware::GUIDANCE,
        Camera::C02FactoryReset => &c02_factory_reset::GUIDANCE,
        Camera::C03AdminPassword => &c03_admin_password::GUIDANCE,
        Camera::C04Groups => &c04_groups::GUIDANCE,
        Camera::C05Users => &c05_users::GUIDANCE,
        Camera::C06PublicAccess => &c06_public_access::GUIDANCE,
        Camera::C07IpAccess => &c07_ip_access::GUIDANCE,
        Camera::C08IntrusionDetection => &c08_intrusion_detection::GUIDANCE,
        Camera::C09WebCrawling => &c09_web_crawling::GUIDANCE,
        Camera::C10DigestAuth => &c10_digest_auth::GUIDANCE,
        Camera::C11RecordingKey => &c11_recording_key::GUIDANCE,
        Camera::C12MessagePassword => &c12_message_password::GUIDANCE,
        Camera::C13ErrorNotification => &c13_error_notification::GUIDANCE,
        Camera::C14StorageFailure => &c14_storage_failure::GUIDANCE,
        Camera::C15Ports => &c15_ports::GUIDANCE,
        Camera::C16Certificate => &c16_certificate::GUIDANCE,
        Camera::C17Vpn => &c17_vpn::GUIDANCE,
        Camera::C18Exposure => &c18_exposure::GUIDANCE,
        Camera::C19Vlan => &c19_vlan::GUIDANCE,
        Camera::C20Dot1x => &c20_dot1x::GUIDANCE,
        Camera::C21WebLog => &c21_web_log::GUIDANCE,
        Camera::C22Backup => &c22_backup::GUIDANCE,
    }
}

/// Judges by one measure.
pub(super) fn judge(measure: Camera, camera: &CameraFacts, site: &Site<'_>) -> Judgment {
    match measure {
        Camera::C01Firmware => c01_firmware::judge(camera, site),
        Camera::C02FactoryReset => c02_factory_reset::judge(camera, site),
        Camera::C03AdminPassword => c03_admin_password::judge(camera, site),
        Camera::C04Groups => c04_groups::judge(camera, site),
        Camera::C05Users => c05_users::judge(camera, site),
        Camera::C06PublicAccess => c06_public_access::judge(camera, site),
        Camera::C07IpAccess => c07_ip_access::judge(camera, site),
        Camera::C08IntrusionDetection => c08_intrusion_detection::judge(camera, site),
        Camera::C09WebCrawling => c09_web_crawling::judge(camera, site),
        Camera::C10DigestAuth => c10_digest_auth::judge(camera, site),
        Camera::C11RecordingKey => c11_recording_key::judge(camera, site),
        Camera::C12MessagePassword => c12_message_password::judge(camera, site),
        Camera::C13ErrorNotification => c13_error_notification::judge(camera, site),
        Camera::C14StorageFailure => c14_storage_failure::judge(camera, site),
        Camera::C15Ports => c15_ports::judge(camera, site),
        Camera::C16Certificate => c16_certificate::judge(camera, site),
        Camera::C17Vpn => c17_vpn::judge(camera, site),
        Camera::C18Exposure => c18_exposure::judge(camera, site),
        Camera::C19Vlan => c19_vlan::judge(camera, site),
        Camera::C20Dot1x => c20_dot1x::judge(camera, site),
        Camera::C21WebLog => c21_web_log::judge(camera, site),
        Camera::C22Backup => c22_backup::judge(camera, site),
    }
}
