//! Passwords: what a healthy camera goes through, and what is refused before anything is touched.

use agent::device::mobotix::credential::Readable;
use agent::device::{Address, Fault as Why};
use agent::rotate::Ended;
use agent::rotate::hands::{Device as _, Login, Trouble};
use proto::Secret;
use tests::devices::mobotix::{Camera, DigestSettings, Fault, Line, Spec, configs};

use super::stage::{SECOND, Stage, camera, only, passwords, target};

const LINES: [Line; 3] = [Line::P3, Line::Mx6, Line::Mobotix7];

/// A factory camera whose account line has its fourth field over that realm.
fn over(realm: &str, line: Line) -> impl FnOnce(&mut Spec) {
    let old = configs::user_line(line, "admin", "admins", configs::FACTORY_PASSWORD);
    let new = configs::user_line_over(realm, line, "admin", "admins", configs::FACTORY_PASSWORD);
    move |spec| {
        let config = String::from_utf8(configs::factory(line).bytes().to_vec()).unwrap();
        assert!(config.contains(&old));
        spec.config = Some(config.replace(&old, &new).into_bytes());
    }
}

fn without_accounts(config: &[u8]) -> String {
    let text = String::from_utf8_lossy(config);
    text.lines().filter(|line| !line.starts_with("usr=admin:")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_factory_password_is_replaced_and_only_its_own_line_differs_afterwards() {
    for line in LINES {
        let closes = |spec: &mut Spec| spec.faults = only(Fault::CloseEachTime);
        let (stage, camera) = (Stage::password(), camera(line, closes).await);
        let before = camera.flash_config();
        let turned = stage.change(&camera).await;
        assert!(matches!(turned.ended, Ended::Settled(_)), "{turned:?}");
        let words: Vec<&str> = turned.steps.iter().map(|(effect, _)| *effect).collect();
        let good = [
            "escrow", "mint", "escrow", "escrow", "raise", "probe", "install", "probe", "lower",
            "save", "reboot", "probe",
        ];
        assert_eq!(words, good);
        stage.opens(&camera);
        let (new, old) = (stage.trusted().unwrap(), Secret::new(configs::FACTORY_PASSWORD));
        assert!(camera.takes("admin", &new) && camera.would_take("admin", &new));
        assert!(!camera.takes("admin", &old) && !camera.would_take("admin", &old));
        assert_eq!(without_accounts(&camera.flash_config()), without_accounts(&before));
        assert_eq!(camera.running_config(), camera.flash_config(), "it did reboot");
        assert_eq!((camera.counts().failed_logins, stage.logs()), (0, 1));
        assert_eq!(stage.charged(), 0);
        // And once more, from a password of ours.
        stage.hurry();
        let turned = stage.change(&camera).await;
        assert!(matches!(turned.ended, Ended::Settled(_)), "{turned:?}");
        assert!(!camera.takes("admin", &new));
        stage.opens(&camera);
    }
}

#[tokio::test]
async fn the_realm_is_the_one_that_the_camera_names() {
    const REALM: &str = "MOBOTIX Yard";
    let camera = camera(Line::Mobotix7, |spec| {
        over(REALM, Line::Mobotix7)(spec);
        spec.digest = DigestSettings { realm: REALM, ..DigestSettings::default() };
    })
    .await;
    let stage = Stage::password();
    let turned = stage.change(&camera).await;
    assert!(matches!(turned.ended, Ended::Settled(_)) && turned.entry.changed.is_some());
    // Digest is what it asks for: the fourth field that was written holds.
    let new = stage.trusted().unwrap();
    stage.driver(&camera).probe(&Login::Main(&new)).await.unwrap();
}

#[tokio::test]
async fn a_stored_form_that_does_not_reproduce_is_left_alone() {
    let basic = |spec: &mut Spec| {
        over("some realm that it names nowhere", Line::P3)(spec);
        let config = String::from_utf8(spec.config.take().unwrap()).unwrap();
        spec.config = Some(config.replace("AUTHTYPE=auto", "AUTHTYPE=basic").into_bytes());
    };
    let (stage, camera) = (Stage::password(), camera(Line::P3, basic).await);
    let before = camera.flash_config();
    let turned = stage.change(&camera).await;
    assert!(matches!(turned.ended, Ended::Settled(_)), "{turned:?}");
    assert!(turned.steps.contains(&("raise", "rejected")), "{turned:?}");
    assert!(turned.steps.contains(&("install", "rejected")), "{turned:?}");
    assert_eq!((camera.running_config(), camera.flash_config()), (before.clone(), before));
    assert_eq!(stage.trusted().unwrap().expose(), configs::FACTORY_PASSWORD);
    stage.opens(&camera);
    let (auth, new) = (Secret::new(configs::FACTORY_PASSWORD), Secret::new("Third-Harbour-61"));
    let refused = stage.driver(&camera).install(&Login::Main(&auth), &new).await;
    let Err(Trouble::Fault(Why::Unsupported(why))) = refused else { panic!("{refused:?}") };
    assert!(why.contains("fourth field") && why.contains("nothing was touched"), "{why}");
}

#[tokio::test]
async fn a_persons_account_of_the_same_name_stays_and_the_change_goes_on_without() {
    let theirs = configs::user_line(Line::P3, SECOND, "admins", "Somebody-Elses-7");
    let camera = camera(Line::P3, |spec| {
        let config = String::from_utf8(configs::factory(Line::P3).bytes().to_vec()).unwrap();
        let config = config.replacen("groups=", &format!("usr={theirs}\ngroups="), 1);
        spec.config = Some(config.into_bytes());
    })
    .await;
    let stage = Stage::password();
    let turned = stage.change(&camera).await;
    assert!(turned.steps.contains(&("raise", "rejected")), "{turned:?}");
    assert!(turned.entry.changed.is_some(), "{turned:?}");
    let flash = camera.flash_config();
    assert!(String::from_utf8_lossy(&flash).contains(&format!("usr={theirs}\n")));
    stage.opens(&camera);
}

#[tokio::test]
async fn nothing_crosses_a_network_that_others_may_read_unless_somebody_allowed_it() {
    let (stage, camera) = (Stage::password(), camera(Line::P3, |_| ()).await);
    let at = camera.http_address().unwrap();
    let mut plain = target(&camera);
    plain.address = Address { tls: false, host: at.ip().to_string(), port: at.port() };
    plain.pin = None;
    let unpinned = agent::device::Target { pin: None, ..target(&camera) };
    let (auth, new) = (Secret::new(configs::FACTORY_PASSWORD), Secret::new("Third-Harbour-61"));
    let before = camera.running_config();
    let driver = |target: &agent::device::Target| {
        use super::stage::dialects;
        use agent::device::mobotix::credential::Password;
        Password::new(target.clone(), dialects(), SECOND.to_owned(), stage.reboots())
    };
    for readable in [&plain, &unpinned] {
        let raised = driver(readable).raise(&auth, &new).await;
        assert!(matches!(raised, Err(Trouble::Fault(Why::Unsupported(_)))), "{raised:?}");
        let installed = driver(readable).install(&Login::Main(&auth), &new).await;
        assert!(matches!(installed, Err(Trouble::Fault(Why::Unsupported(_)))), "{installed:?}");
    }
    assert_eq!(camera.running_config(), before);
    let mut allowed = driver(&plain).over(Readable::Allowed);
    allowed.install(&Login::Main(&auth), &new).await.unwrap();
    allowed.probe(&Login::Main(&new)).await.unwrap();
    assert!(camera.takes("admin", &new));
}

#[tokio::test]
async fn somebody_who_renamed_admin_has_that_account_rotated() {
    let camera: Camera = camera(Line::Mobotix7, |spec| {
        let address = "10.12.1.7".parse().unwrap();
        spec.config = Some(configs::hardened(Line::Mobotix7, address));
    })
    .await;
    let (name, password) = configs::KEEPER;
    let kind = agent::store::subject::Kind::Password { account: name.to_owned() };
    let stage = Stage::adopting(kind, &Secret::new(password), Stage::password().rules);
    let mut at = target(&camera);
    at.login.as_mut().unwrap().user = name.to_owned();
    let mut driver = agent::device::mobotix::credential::Password::new(
        at,
        super::stage::dialects(),
        SECOND.to_owned(),
        stage.reboots(),
    );
    let turned = stage.turn(&mut driver, &mut passwords()).await;
    assert!(matches!(turned.ended, Ended::Settled(_)), "{turned:?}");
    let new = stage.trusted().unwrap();
    assert!(new.expose() != password && camera.would_take(name, &new));
    let (other, theirs) = configs::AUDITOR;
    assert!(camera.would_take(other, &Secret::new(theirs)), "nobody else's changed");
    assert_eq!(camera.counts().failed_logins, 0);
}
