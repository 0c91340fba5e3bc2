//! Files that are read, and files that are refused with their name.

use tempfile::TempDir;

use super::*;

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

fn folder_with(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

#[cfg(unix)]
fn private(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn private(_: &Path, _: u32) {}

fn password_from(content: &[u8]) -> Result<Secret, String> {
    let folder = folder_with(&[("yard.pw", content)]);
    let path = folder.path().join("yard.pw");
    private(&path, 0o600);
    password_file(&path).map_err(|error| error.to_string())
}

#[test]
fn a_password_is_the_first_line_of_its_file() {
    for content in ["Tr1cky one", "Tr1cky one\n", "Tr1cky one\r\nsecond", "\u{feff}Tr1cky one\n\n"]
    {
        assert_eq!(
            password_from(content.as_bytes()).unwrap().expose(),
            "Tr1cky one",
            "{content:?}"
        );
    }
    // Blanks belong to a password; only the line end does not.
    assert_eq!(password_from(b" x \n").unwrap().expose(), " x ");
    assert_eq!(password_from(&[b'x'; MAX_PASSWORD]).unwrap().expose().len(), MAX_PASSWORD);
}

#[test]
fn a_password_file_that_cannot_be_right_is_refused_without_its_content() {
    let long = [b'x'; MAX_PASSWORD + 1];
    for (content, word) in [
        (&b""[..], "empty"),
        (b"\nx", "empty"),
        (b"\xff\xfe", "UTF-8"),
        (&long, "larger than 1024"),
    ] {
        let error = password_from(content).unwrap_err();
        assert!(error.contains("yard.pw") && error.contains(word), "{error}");
    }
    let error = password_from(b"s3cret\xff").unwrap_err();
    assert!(!error.contains("s3cret"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_password_file_that_others_may_read_is_refused_with_the_cure() {
    let folder = folder_with(&[("yard.pw", b"Tr1cky one\n")]);
    let path = folder.path().join("yard.pw");
    for mode in [0o644, 0o640, 0o604, 0o620] {
        private(&path, mode);
        let error = password_file(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("chmod 600 '{}'", path.display())), "{error}");
    }
    private(&path, 0o400);
    assert!(password_file(&path).is_ok());
}

#[test]
fn a_password_may_come_from_the_environment() {
    let source = PasswordSource::Environment("PALISADE_PASSWORD_YARD".to_owned());
    let found = |name: &str| (name == "PALISADE_PASSWORD_YARD").then(|| "Tr1cky".to_owned());
    assert_eq!(password(&source, found).unwrap().expose(), "Tr1cky");
    for missing in [None, Some(String::new())] {
        let error = password(&source, |_| missing).unwrap_err().to_string();
        assert!(error.contains("PALISADE_PASSWORD_YARD"), "{error}");
    }
}

#[test]
fn what_is_no_plain_file_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    for error in [site(folder.path()).unwrap_err(), password_file(folder.path()).unwrap_err()] {
        assert!(error.to_string().contains("no plain file"), "{error}");
    }
    #[cfg(unix)]
    assert!(site(Path::new("/dev/zero")).unwrap_err().to_string().contains("no plain file"));
}

#[test]
fn a_site_file_is_read_and_errors_name_it() {
    let good =
        "policy = 'p.toml'\n[[devices]]\nname = 'gate'\nkind = 'mobotix'\nfile = 'gate.cfg'\n";
    let big = vec![b' '; MAX_TOML + 1];
    let folder = folder_with(&[
        ("good.toml", good.as_bytes()),
        ("mark.toml", format!("\u{feff}{good}").as_bytes()),
        ("bad.toml", b"concurency = 3\n"),
        ("latin.toml", b"name = '\xe9'\n"),
        ("big.toml", &big),
    ]);
    let path = |name: &str| folder.path().join(name);
    assert_eq!(site(&path("good.toml")).unwrap().policy, Some(path("p.toml")));
    assert!(site(&path("mark.toml")).is_ok());
    for (name, word) in [
        ("bad.toml", "concurrency"),
        ("latin.toml", "byte 8"),
        ("big.toml", "1048576"),
        ("none.toml", "o such"),
    ] {
        let error = site(&path(name)).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(word), "{error}");
    }
}

#[test]
fn a_policy_holds_certificates_whether_they_are_named_or_written_out() {
    let text =
        format!("[certificates]\nauthorities = ['ca/site.pem', 'ca/B.CRT', '''{CERTIFICATE}''']\n");
    let folder = folder_with(&[
        ("policy.toml", text.as_bytes()),
        ("ca/site.pem", CERTIFICATE.as_bytes()),
        ("ca/B.CRT", CERTIFICATE.as_bytes()),
    ]);
    let policy = policy(&folder.path().join("policy.toml")).unwrap();
    assert_eq!(policy.certificates.authorities, [CERTIFICATE; 3]);
}

#[test]
fn a_policy_that_cannot_hold_is_refused() {
    let key = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n";
    let folder = folder_with(&[("key.pem", key.as_bytes()), ("empty.crt", b"")]);
    let path = folder.path().join("policy.toml");
    for (text, word) in [
        ("[certificates]\nauthorities = ['none.pem']\n", "none.pem: "),
        ("[certificates]\nauthorities = ['key.pem']\n", "private key"),
        ("[certificates]\nauthorities = ['empty.crt']\n", "holds no certificate"),
        ("[certificates]\nauthorities = ['ca.der']\n", "ending in .pem or .crt"),
        ("[firmware]\nminimum = ['4.7.3.11']\n", "MX-V4.7.3.11-r6"),
        ("[pasword]\n", "did you mean `passwords`"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = policy(&path).unwrap_err().to_string();
        assert!(error.contains("policy.toml") && error.contains(word), "{error}");
    }
}

#[test]
fn a_folder_of_advisories_is_read_whole_and_refusals_are_told() {
    let good = include_bytes!("../../testdata/csaf/relationships.json");
    let other = include_bytes!("../../testdata/csaf/other-vendor.json");
    let folder = folder_with(&[
        ("2031/a.json", good),
        ("2031/a.json.sha256", b"not looked at"),
        ("other.JSON", other),
        ("broken.json", b"{"),
    ]);
    let mut known = Advisories::default();
    let read = advisories(folder.path(), &mut known).unwrap();
    assert_eq!((read.used, read.passed_over, read.refused.len()), (1, 1, 1));
    assert!(read.refused[0].contains("broken.json: line 1"), "{:?}", read.refused);
    assert_eq!(known.about(&"MX-V4.2.1.61".parse().unwrap(), None).affected_by.len(), 1);
    assert!(advisories(&folder.path().join("nothing"), &mut known).is_err());
}
