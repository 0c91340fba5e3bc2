use proptest::prelude::*;

use super::*;
use crate::device::mobotix::crypt::REALM;

const MAIN: &str =
    "usr=admin:admins:$1$q7Lw0aZe$LoyA1alWdBCdPjoskuJ3h.:1b9dd076f2de4b208547cc40eca00357";
const REALMS: fn() -> Vec<String> = || vec!["another".to_owned(), REALM.to_owned()];

fn configuration(lines: &[String]) -> Vec<u8> {
    let section = lines.join("\n");
    format!(
        "#:MXCFG2.0==\n#:MX-V4.7.3.11-r4\nSECTION access\n{section}\nENDSECTION access\n\nSECTION time\nTZ=UTC\nENDSECTION time\n"
    )
    .into_bytes()
}

/// The lines of section access in a request.
fn sent(request: &Request) -> Vec<String> {
    let text = request.strip_prefix("\nhelo\nwrite\nSECTION access\n").unwrap();
    let text = text.strip_suffix("ENDSECTION access\nupdate\nquit\n \n").unwrap();
    text.lines().map(str::to_owned).collect()
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

fn with<T>(lines: &[String], work: impl FnOnce(Paper<'_>) -> T) -> T {
    let (config, realms) = (configuration(lines), REALMS());
    work(Paper { config: &config, realms: &realms, random: [7; 16] })
}

const FACTORY: fn() -> Secret = || secret("meinsm");

fn admin(password: &Secret) -> Account<'_> {
    Account { name: "admin", password }
}

fn second(password: &Secret) -> Account<'_> {
    Account { name: "palisade-2", password }
}

fn raised(lines: &[String], password: &Secret) -> Vec<String> {
    sent(&with(lines, |paper| raise(paper, admin(&FACTORY()), second(password)).unwrap()))
}

fn lines() -> Vec<String> {
    ["groups=admins,users", MAIN, "# a comment", "usr=kim:users:$1$x$y:z", "admin_acl=admins"]
        .map(str::to_owned)
        .to_vec()
}

#[test]
fn a_second_administrator_comes_goes_and_leaves_everything_as_it_was() {
    let other = secret("Second-Lantern-58");
    let both = raised(&lines(), &other);
    assert!(both[4].starts_with("usr=palisade-2:admins:$1$"), "{both:?}");
    let again = raised(&both, &other);
    assert_eq!(again.len(), both.len(), "its own account is written again, not added");
    let lowered = with(&both, |paper| lower(paper, second(&other)).unwrap().unwrap());
    assert_eq!(sent(&lowered), lines());
    assert!(with(&lines(), |paper| lower(paper, second(&other)).unwrap()).is_none());
}

#[test]
fn the_second_administrator_writes_the_first_ones_password() {
    let (other, new) = (secret("Second-Lantern-58"), secret("Third-Harbour-61"));
    let both = raised(&lines(), &other);
    let after = with(&both, |paper| install(paper, second(&other), "admin", &new).unwrap());
    let after = sent(&after);
    // What was written proves, and back again to the password the camera left the factory with.
    let back = with(&after, |paper| install(paper, admin(&new), "admin", &FACTORY()).unwrap());
    let back = sent(&back);
    assert!(with(&back, |paper| install(paper, admin(&FACTORY()), "admin", &new)).is_ok());
    assert!(with(&back, |paper| install(paper, admin(&new), "admin", &new)).is_err());
}

#[test]
fn an_account_of_that_name_that_we_did_not_make_stays() {
    let theirs = raised(&lines(), &secret("Somebody-Elses-7"));
    let ours = secret("Second-Lantern-58");
    let refused = with(&theirs, |paper| raise(paper, admin(&FACTORY()), second(&ours)));
    assert!(matches!(refused, Err(Unfit::Foreign(_))), "{refused:?}");
    assert!(with(&theirs, |paper| lower(paper, second(&ours)).unwrap()).is_none());
}

#[test]
fn nothing_is_written_that_was_not_reproduced_or_that_a_camera_does_not_take() {
    let other = secret("Second-Lantern-58");
    let wrong = secret("meinsn");
    let digest = MAIN.replace("eca00357", "eca00358");
    let twice = [lines(), vec![MAIN.to_owned()]].concat();
    let unproven = |line: &str| {
        let lines = [line.to_owned()];
        with(&lines, |paper| raise(paper, admin(&FACTORY()), second(&other)))
    };
    assert!(matches!(unproven(&digest), Err(Unfit::Unproven(_, Unproven::Digest))));
    for odd in ["usr=admin:admins:*:*", &format!("{MAIN}:more"), "usr=admin", "K=1"] {
        assert!(unproven(odd).is_err(), "{odd}");
    }
    let refused = with(&lines(), |paper| raise(paper, admin(&wrong), second(&other)));
    assert!(matches!(refused, Err(Unfit::Unproven(_, Unproven::Hash))));
    let refused = with(&twice, |paper| raise(paper, admin(&FACTORY()), second(&other)));
    assert!(matches!(refused, Err(Unfit::NoAccount(_))));
    for name in ["ab", "admin", "seventeen-letters", "with:colon", "with space"] {
        let account = Account { name, password: &other };
        let refused = with(&lines(), |paper| raise(paper, admin(&FACTORY()), account));
        assert!(matches!(refused, Err(Unfit::Name(_))), "{name}");
    }
    for text in ["", "with space", "line\nbreak", "caf\u{e9}s", &"x".repeat(100)] {
        let new = secret(text);
        let refused = with(&lines(), |paper| install(paper, admin(&FACTORY()), "admin", &new));
        assert!(matches!(refused, Err(Unfit::Password)), "{text:?}");
    }
}

proptest! {
    // MD5-crypt is slow on purpose.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_other_line_is_sent_back_byte_for_byte(
        mut others in prop::collection::vec(
            "(usr=[a-z]{3,9}[0-9]{3}:[a-z_]{3,9}:[$./a-zA-Z0-9*]{1,30}:[0-9a-f*]{1,32}|[a-z_]{1,9}_acl=(0,)?[a-z,]{0,20}\
             |onvif_user=[ -~]{0,40}|# ?[ -~]{0,30}|[A-Za-z_]{1,12}=[ -~\u{e4}\u{20ac}]{0,40}|)",
            0..24,
        ),
        at: prop::sample::Index,
    ) {
        others.retain(|line| !line.trim_start().starts_with("ENDSECTION"));
        let mut lines = others.clone();
        let place = at.index(others.len() + 1);
        lines.insert(place, MAIN.to_owned());
        let (other, new) = (secret("Second-Lantern-58"), secret("Third-Harbour-61"));
        let full = lines.iter().filter(|line| line.starts_with("usr=")).count() >= MOST_USERS;
        prop_assume!(!full);

        let both = raised(&lines, &other);
        let added: Vec<&String> =
            both.iter().filter(|line| line.starts_with("usr=palisade-2:")).collect();
        prop_assert_eq!(added.len(), 1);
        let without: Vec<String> =
            both.iter().filter(|line| *line != added[0]).cloned().collect();
        prop_assert_eq!(&without, &lines);

        let changed = sent(&with(&both, |paper| {
            install(paper, second(&other), "admin", &new).unwrap()
        }));
        let own = both.iter().position(|line| line == MAIN).unwrap();
        prop_assert!(changed[own].starts_with("usr=admin:admins:$1$"));
        for (index, (before, after)) in both.iter().zip(&changed).enumerate() {
            prop_assert_eq!(before == after, index != own);
        }
        let lowered = with(&changed, |paper| lower(paper, second(&other)).unwrap().unwrap());
        let mut expected = lines.clone();
        expected[place].clone_from(&changed[own]);
        prop_assert_eq!(sent(&lowered), expected);
    }
}
