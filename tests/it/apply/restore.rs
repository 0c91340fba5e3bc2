//! A camera's configuration brought back from a backup: what comes back, what never does, and cameras that lie about it.

use agent::apply::{self, By, DeviceResult, Kept, Outcome, Restore};
use agent::change::Digest;
use agent::device::{self, Snapshot, Target};
use agent::store::backups::{Backups, Fresh};
use agent::store::vault::Vault;
use proto::record::BackupReason;
use proto::{Secret, Timestamp};
use tests::devices::mobotix::{Camera, Fault, Faults, Line, configs};

use super::super::desk::{Desk, https};
use super::super::pretend_camera::configure;
use super::shop::{Shop, elsewhere, neglected, outcomes};

const YESTERDAY: &str = "Yesterday-3-Stars!";

fn shop() -> Shop {
    Shop::new(|policy| {
        policy.web_ports = elsewhere();
        policy.change.prove_after_reboot = true;
    })
}

/// The camera's configuration as it is, with the password of yesterday.
fn backup(camera: &Camera, line: Line) -> Vec<u8> {
    let text = String::from_utf8(camera.running_config().to_vec()).unwrap();
    let old = configs::user_line(line, "admin", "admins", YESTERDAY);
    let lines = text.lines().map(|it| if it.starts_with("usr=admin:") { old.trim() } else { it });
    lines.collect::<Vec<_>>().join("\n").into_bytes()
}

fn read(bytes: Vec<u8>) -> Snapshot {
    device::kept_configuration(bytes).unwrap()
}

/// Somebody changes settings, and stores them.
async fn somebody_changes(camera: &Camera) {
    let body = "helo\nwrite params\nhomepage/ROBOTS_TXT_MODE=forbidden\ntime/TZ=Europe/Lisbon\nupdate\nstore\nquit\n";
    configure(camera, body).await;
    let text = String::from_utf8_lossy(&camera.flash_config()).into_owned();
    assert!(text.contains("TZ=Europe/Lisbon"), "{text}");
}

async fn shown(shop: &Shop, target: &Target, backup: &Snapshot) -> Result<Digest, String> {
    let found = apply::look(target, backup, "", &shop.workshop).await?;
    assert!(!found.restoration.lines.is_empty());
    Ok(found.configuration)
}

async fn brought_back(
    shop: &Shop,
    target: &Target,
    backup: Snapshot,
    shown: Digest,
) -> DeviceResult {
    let restore = Restore {
        target: target.clone(),
        shown,
        pin: None,
        backup,
        product: String::new(),
        words: "bring back a backup".to_owned(),
    };
    apply::restore(restore, shop.workshop.clone()).await
}

#[tokio::test]
async fn what_somebody_changed_comes_back_and_stays_and_the_password_is_todays() {
    for line in [Line::P3, Line::Mobotix7] {
        let (shop, camera) = (shop(), neglected(line, |_| ()).await);
        let target = shop.target(&camera, "yard");
        let before = read(camera.running_config().to_vec());
        let backup = read(backup(&camera, line));
        somebody_changes(&camera).await;
        let digest = shown(&shop, &target, &backup).await.unwrap();
        let result = brought_back(&shop, &target, backup, digest).await;
        assert_eq!(outcomes(&result), [("C22", "proven")], "{result:?}");
        assert_eq!((result.stopped.clone(), result.reboots), (None, 1));
        assert!(result.notes.iter().any(|it| it.contains("access") && it.contains("usr")));
        assert_eq!(read(camera.flash_config().to_vec()).digest(), before.digest());
        assert_eq!(read(camera.running_config().to_vec()).digest(), before.digest());
        assert!(camera.would_take("admin", &Secret::new(configs::FACTORY_PASSWORD)));
        assert!(!camera.would_take("admin", &Secret::new(YESTERDAY)));
        let kept = shop.kept.all(Kept::Configuration);
        assert!(String::from_utf8_lossy(&kept[0]).contains("Europe/Lisbon"), "kept before");
        assert_eq!(shop.kept.all(Kept::WebLog).len(), 1, "its log, before the reboot");
    }
}

#[tokio::test]
async fn a_backup_of_another_firmware_is_refused_and_the_camera_is_not_touched() {
    let (shop, camera) = (shop(), neglected(Line::P3, |_| ()).await);
    let target = shop.target(&camera, "yard");
    let other = neglected(Line::Mobotix7, |_| ()).await;
    let backup = read(backup(&other, Line::Mobotix7));
    let why = shown(&shop, &target, &backup).await.unwrap_err();
    assert!(why.contains("same firmware"), "{why}");
    let digest = read(camera.running_config().to_vec()).digest();
    let result = brought_back(&shop, &target, backup, digest).await;
    assert!(result.stopped.as_deref().unwrap().contains("same firmware"), "{result:?}");
    assert_eq!((outcomes(&result)[0].1, camera.counts().writes), ("not tried", 0));
}

#[tokio::test]
async fn a_camera_that_changed_since_the_differences_were_shown_is_left_alone() {
    let (shop, camera) = (shop(), neglected(Line::P3, |_| ()).await);
    let target = shop.target(&camera, "yard");
    let digest = read(camera.running_config().to_vec()).digest();
    let backup = read(backup(&camera, Line::P3));
    somebody_changes(&camera).await;
    let writes = camera.counts().writes;
    let result = brought_back(&shop, &target, backup, digest).await;
    assert!(result.stopped.as_deref().unwrap().contains("changed since"), "{result:?}");
    assert_eq!((outcomes(&result)[0].1, camera.counts().writes), ("not tried", writes));
}

#[tokio::test]
async fn cameras_that_do_nothing_meddle_or_forget_are_told_as_such() {
    for (fault, word, says) in [
        (Fault::Lies, "ineffective", "as if all were well"),
        (Fault::Ignores("time"), "reverted", "TZ=Europe/Lisbon"),
        // It meddles with what is written back, too.
        (Fault::Meddles, "cut off", "ZEROCONF"),
        (Fault::ForgetsOnStore, "ineffective", "after a reboot"),
    ] {
        let (shop, camera) = (shop(), neglected(Line::P3, |_| ()).await);
        let target = shop.target(&camera, "yard");
        let backup = read(backup(&camera, Line::P3));
        somebody_changes(&camera).await;
        let stored = camera.flash_config();
        let digest = shown(&shop, &target, &backup).await.unwrap();
        camera.set_faults(Faults::none().with(fault));
        let result = brought_back(&shop, &target, backup, digest).await;
        assert_eq!(outcomes(&result), [("C22", word)], "{fault:?}: {result:?}");
        assert!(result.stopped.as_deref().unwrap().contains(says), "{fault:?}: {result:?}");
        let flash = read(camera.flash_config().to_vec());
        assert_eq!(flash.digest(), read(stored.to_vec()).digest(), "{fault:?}: not saved");
    }
}

#[tokio::test]
async fn a_camera_that_shuts_us_out_with_what_came_back_is_as_before_after_its_reboot() {
    let (shop, camera) = (shop(), neglected(Line::P3, |_| ()).await);
    let target = shop.target(&camera, "yard");
    let mut list = backup(&camera, Line::P3);
    // It lets everybody in who must get in; this camera misreads it all the same.
    list.extend_from_slice(
        b"\nSECTION accesscontrol\nENABLE=1\nOTHERS=deny\nRULE=allow 127.0.0.0/255.0.0.0\nENDSECTION accesscontrol\n",
    );
    let backup = read(list);
    let digest = shown(&shop, &target, &backup).await.unwrap();
    camera.set_faults(Faults::none().with(Fault::MisreadsAddressList));
    let before = camera.flash_config();
    let night = async {
        camera.turned_away().await;
        camera.reboot().await;
    };
    let (result, ()) = tokio::join!(brought_back(&shop, &target, backup, digest), night);
    assert_eq!(outcomes(&result), [("C22", "reverted")], "{result:?}");
    let Outcome::Reverted { by, .. } = result.steps[0].outcome else { panic!("{result:?}") };
    assert_eq!(by, By::ItsReboot);
    assert_eq!((camera.running_config(), camera.flash_config()), (before.clone(), before));
}

#[tokio::test]
async fn a_list_that_would_lock_the_storage_out_is_not_brought_back() {
    let (shop, camera) = (shop(), neglected(Line::P3, |_| ()).await);
    let target = shop.target(&camera, "yard");
    let mut list = backup(&camera, Line::P3);
    list.extend_from_slice(
        b"\nSECTION accesscontrol\nENABLE=1\nOTHERS=deny\nRULE=allow 127.0.0.0/255.255.255.240\nENDSECTION accesscontrol\n",
    );
    let found = apply::look(&target, &read(list), "", &shop.workshop).await.unwrap();
    assert!(found.restoration.lines.is_empty(), "{found:?}");
    assert!(found.restoration.left.iter().any(|it| it.contains("127.0.0.20")), "{found:?}");
}

#[tokio::test]
async fn a_person_sees_the_differences_first_and_brings_exactly_those_back() {
    let camera = neglected(Line::P3, |_| ()).await;
    let desk = Desk::new();
    desk.secret("yard.pw", configs::FACTORY_PASSWORD);
    desk.write(
        "site.toml",
        format!(
            "[[devices]]\nname = \"yard\"\nkind = \"mobotix\"\naddress = \"{}\"\nuser = \"admin\"\n\
             password_file = \"yard.pw\"\npin = \"{}\"\n",
            https(&camera),
            camera.pin()
        ),
    );
    for folder in ["data", "kept"] {
        std::fs::create_dir(desk.path(folder)).unwrap();
    }
    let (data, bytes) = (desk.path("data"), backup(&camera, Line::P3));
    let configuration = read(bytes.clone());
    let backups = Backups::new(&data, Vault::open(&data).unwrap().key());
    let fresh = Fresh {
        bytes: &bytes,
        digest: *configuration.digest().as_bytes(),
        product: "",
        firmware: &device::firmware_of(&configuration),
        reason: BackupReason::Asked,
        now: Timestamp::from_unix(1_800_000_000),
        keep: 10,
    };
    let head = backups.keep(&"yard".parse().unwrap(), &fresh).unwrap().unwrap();
    let before = read(camera.running_config().to_vec()).digest();
    somebody_changes(&camera).await;
    let words = format!("restore yard --backup {} --inventory @site.toml --data @data", head.id);
    let seen = desk.agent(&words).await;
    assert_eq!(seen.code, Some(1), "{seen:?}");
    assert!(seen.out.contains("- time: TZ=Europe/Lisbon"), "{seen:?}");
    let digest = seen.err.split("--confirm ").nth(1).unwrap().split(' ').next().unwrap();
    let sure = format!("{words} --confirm {digest} --keep @kept --backup-in-clear");
    let done = desk.agent(&sure).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.out.contains("C22  bring back the backup of") && done.out.contains(": proven"));
    assert_eq!(read(camera.flash_config().to_vec()).digest(), before);
    let again = desk.agent(&sure).await;
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(again.err.contains("changed since"), "{again:?}");
    let nothing = desk.agent(&words).await;
    assert_eq!(nothing.code, Some(0), "{nothing:?}");
}
