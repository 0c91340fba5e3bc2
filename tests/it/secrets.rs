//! What must never come out again, in no form and in no face: secrets.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use tests::agent_binary::Ended;
use tests::devices::mobotix::{Line, Spec, configs};

use super::desk::{Desk, http, https, start};

const FORMATS: [&str; 5] = ["table", "json", "csv", "junit", "html"];

/// A secret in the configuration: where it stands, and what it is there.
const PLANTED: [(&str, &str, &str); 6] = [
    ("fileserver", "WIN_PASSWORD", "Pw1n-Gannet-Cobalt"),
    ("fileserver", "SECURITY_PASSWORD", "Pk3y-Merlin-Saffron"),
    ("vpn", "VPN_PASSWD", "Pvpn-Osprey-Indigo"),
    ("access", "voip_setuppin", "77345112908"),
    ("ftp", "FTP_PASSWORD", "Pftp-Avocet-Umber"),
    ("unheard", "OF_PASSPHRASE", "Pnew-Plover-Ochre"),
];
/// The login's own password.
const LOGIN: &str = "Pl0g-Curlew+Sienna/8";
/// A password in a profile, and how it is written there.
const PROFILE: (&str, &str) = ("Pprf Dunlin:Violet", "Pprf%20Dunlin%3AViolet");
/// A password that is refused.
const REFUSED: &str = "Prfs-Whimbrel+Mauve/9";

/// A camera's configuration with all of it, and the secrets in it.
fn planted(line: Line) -> (Vec<u8>, Vec<String>) {
    let mut config = configs::factory(line);
    let mut secrets = vec![LOGIN.to_owned(), REFUSED.to_owned()];
    for (section, key, value) in PLANTED {
        config.set(section, key, value);
        secrets.push(value.to_owned());
    }
    let profile =
        format!("ip0:_profilename=Desk:send=on_error:httpauth=desk%3A{}:data=msg", PROFILE.1);
    config.set_profile("ipnotify", "ip0", "profile", &profile);
    let mail =
        format!("mail0:_profilename=Box:smtp_user=box:smtp_pass={0}:pop3_pwd={0}", PROFILE.1);
    config.set_profile("email", "mail0", "profile", &mail);
    secrets.extend([PROFILE.0.to_owned(), PROFILE.1.to_owned()]);
    let from = configs::user_line(line, "admin", "admins", configs::FACTORY_PASSWORD);
    let to = configs::user_line(line, "admin", "admins", LOGIN);
    secrets.extend(to.split(':').skip(2).map(str::to_owned));
    let text = String::from_utf8(config.bytes().to_vec()).unwrap();
    assert!(text.contains(&from));
    (text.replace(&from, &to).into_bytes(), secrets)
}

/// Every form in which a secret might be seen again.
fn forms(secret: &str) -> Vec<String> {
    let users = ["", "admin:", "desk:", "box:"];
    let encoded = users.iter().flat_map(|user| {
        let text = format!("{user}{secret}");
        [STANDARD.encode(&text), STANDARD_NO_PAD.encode(&text), URL_SAFE.encode(&text)]
    });
    let escaped = secret.replace('+', "%2B").replace('/', "%2F");
    let lower = secret.to_ascii_lowercase();
    [secret.to_owned(), escaped, lower].into_iter().chain(encoded).collect()
}

#[track_caller]
fn keeps(secrets: &[String], what: &str, text: &str) {
    assert!(!text.is_empty(), "{what} is empty");
    for secret in secrets {
        for form in forms(secret) {
            assert!(!text.contains(&form), "{what} tells {secret:?} as {form:?}");
        }
    }
}

/// Runs an audit in every face, and looks for secrets in all that comes of it.
async fn keeps_in_every_face(desk: &Desk, audit: &str, secrets: &[String]) {
    for format in FORMATS {
        let words = format!("{audit} --format {format} --verbose --save-facts @facts.json");
        let Ended { out, err, code, .. } = desk.agent(&words).await;
        assert_eq!(code, Some(1), "{words}: {err}");
        keeps(secrets, format, &out);
        keeps(secrets, "stderr", &(err + "."));
        keeps(secrets, "the saved facts", &desk.read("facts.json"));
    }
}

#[tokio::test]
async fn no_secret_of_a_file_comes_out_in_any_face() {
    for line in [Line::P3, Line::Mx6, Line::Mobotix7] {
        let (desk, (config, secrets)) = (Desk::new(), planted(line));
        desk.write("yard.cfg", &config);
        keeps_in_every_face(&desk, "audit @yard.cfg", &secrets).await;
        // Cut off in the middle of a secret, too.
        let text = String::from_utf8(config).unwrap();
        let at = text.find("VPN_PASSWD=").unwrap() + 20;
        desk.write("cut.cfg", &text[..at]);
        let Ended { out, err, code, .. } = desk.agent("audit @cut.cfg --format json").await;
        assert_eq!(code, Some(2));
        keeps(&secrets, "the report of a cut file", &out);
        keeps(&[vec!["Pvpn".to_owned()], secrets].concat(), "its error", &err);
    }
}

#[tokio::test]
async fn no_secret_of_a_live_camera_comes_out_in_any_face() {
    let (config, secrets) = planted(Line::P3);
    let camera = start(Spec { config: Some(config), ..Spec::new(Line::P3, "yard") }).await;
    let desk = Desk::new();
    desk.secret("pw", LOGIN);
    let login = "--user admin --password-file @pw";
    for address in [https(&camera), http(&camera)] {
        keeps_in_every_face(&desk, &format!("audit {address} {login}"), &secrets).await;
    }
    let desk = Desk::new().with("PALISADE_PASSWORD", LOGIN);
    keeps_in_every_face(&desk, &format!("audit {} --user admin", https(&camera)), &secrets).await;
    assert_eq!(camera.counts().failed_logins, 0);
}

#[tokio::test]
async fn a_refused_password_is_not_told_either() {
    let (config, secrets) = planted(Line::P3);
    let camera = start(Spec { config: Some(config), ..Spec::new(Line::P3, "yard") }).await;
    let desk = Desk::new().with("PALISADE_PASSWORD", REFUSED);
    for format in FORMATS {
        let address = https(&camera);
        let words = format!("audit {address} --user admin --save-facts @f.json --format {format}");
        let Ended { out, err, code, .. } = desk.agent(&words).await;
        assert_eq!(code, Some(2));
        for (what, text) in [(format, out), ("stderr", err), ("the facts", desk.read("f.json"))] {
            keeps(&secrets, what, &text);
        }
    }
}

#[tokio::test]
async fn learning_a_key_does_not_copy_its_secret() {
    let (desk, (config, secrets)) = (Desk::new(), planted(Line::P3));
    let text = String::from_utf8(config).unwrap();
    desk.write("after.cfg", &text);
    desk.write(
        "before.cfg",
        text.replace("Pk3y-Merlin-Saffron", "").replace("Pvpn-Osprey-Indigo", ""),
    );
    let words = "learn @before.cfg @after.cfg --setting recording_key";
    let several = desk.agent(words).await;
    assert_eq!(several.code, Some(2));
    keeps(&secrets, "the list of changed keys", &several.err);
    let learned = desk.agent(&format!("{words} --key fileserver/SECURITY_PASSWORD")).await;
    assert_eq!(learned.code, Some(0), "{learned:?}");
    keeps(&secrets, "the dialect", &learned.out);
}
