//! What a look leaves out because an earlier one has the answer. Pure.
//!
//! Two questions may cost a failed log-in, which stands in the camera's log and counts towards its lock-out. They are
//! asked once a week; between, the last answer holds, as long as the camera is set as it was then.

use proto::Timestamp;

use crate::device::Trials;
use crate::facts::{Account, CameraFacts, Fact, Facts, Observation};

const DAY: i64 = 86_400;
/// Where there is an answer, the questions are asked again after so long, in seconds.
const WEEK: i64 = 7 * DAY;
/// An answer that cannot be renewed holds for so long, in seconds.
const HOLDS: i64 = 2 * WEEK;

/// Whether a visit may ask.
pub fn trials(ask_again_at: Option<Timestamp>, now: Timestamp) -> Trials {
    // A time further away was entered by a wrong clock.
    let soon = |again: Timestamp| (1..=WEEK).contains(&again.seconds_since(now));
    if ask_again_at.is_some_and(soon) { Trials::Spared } else { Trials::Allowed }
}

/// Whether an answer from then still holds.
pub fn holds(answered_at: Option<Timestamp>, now: Timestamp) -> bool {
    answered_at.is_some_and(|then| (0..HOLDS).contains(&now.seconds_since(then)))
}

/// Whether a look that was allowed to ask has every answer that it could get; `vouched`: a person vouches for the
/// camera's certificate, without which Basic is never tried. And when to ask again: in a week, or, where an answer is
/// missing, tomorrow.
pub fn answers(look: &Observation, vouched: bool) -> (bool, Timestamp) {
    let all = match &look.outcome {
        Ok(Facts::Camera(facts)) => {
            let offered = facts.auth_offered.seen().is_some_and(|all| all.contains("basic"));
            let basic = facts.basic_login.seen().is_some() || offered || !vouched;
            let admin = |it: &&Account| it.name == "admin";
            let mut open = facts.accounts.seen().into_iter().flatten().filter(admin);
            basic && open.all(|account| account.factory_password.seen().is_some())
        }
        Ok(Facts::Vms(_) | Facts::Nas(_)) | Err(_) => false,
    };
    let wait = if all { WEEK } else { DAY };
    (all, Timestamp::from_unix(look.observed_at.unix().saturating_add(wait)))
}

/// Takes over from `earlier` what was not asked this time; gives whether an answer was taken over.
pub fn over(observation: &mut Observation, earlier: &Observation) -> bool {
    let (Ok(Facts::Camera(now)), Ok(Facts::Camera(then))) =
        (&mut observation.outcome, &earlier.outcome)
    else {
        return false;
    };
    if now.firmware != then.firmware {
        return false;
    }
    basic(now, then) | factory(now, then)
}

fn basic(now: &mut CameraFacts, then: &CameraFacts) -> bool {
    let as_it_was = now.auth_offered == then.auth_offered && now.auth_setting == then.auth_setting;
    let Fact::Seen(login) = then.basic_login else { return false };
    if now.basic_login.seen().is_some() || !as_it_was {
        return false;
    }
    now.basic_login = Fact::Seen(login);
    for piece in then.evidence.for_facts(&["basic_login"]) {
        now.evidence.note("basic_login", piece.source, &piece.text);
    }
    true
}

/// Of an account that is still in the same group.
fn factory(now: &mut CameraFacts, then: &CameraFacts) -> bool {
    let (Fact::Seen(accounts), Fact::Seen(before)) = (&mut now.accounts, &then.accounts) else {
        return false;
    };
    let mut taken = false;
    for account in accounts.iter_mut().filter(|it| it.factory_password.seen().is_none()) {
        let same = before.iter().find(|it| it.name == account.name && it.group == account.group);
        if let Some(Fact::Seen(factory)) = same.map(|it| &it.factory_password) {
            account.factory_password = Fact::Seen(*factory);
            taken = true;
        }
    }
    if taken {
        let known = now.evidence.for_facts(&["accounts"]);
        for piece in
            then.evidence.for_facts(&["accounts"]).into_iter().filter(|it| !known.contains(it))
        {
            now.evidence.note("accounts", piece.source, &piece.text);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{
        Account, AuthSetting, BasicLogin, Confidence, Device, Kind, Setting, Source,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(1_800_000_000 + seconds)
    }

    fn look(change: impl FnOnce(&mut CameraFacts)) -> Observation {
        let mut facts = CameraFacts::unread("not tried");
        facts.firmware = Fact::Seen("MX-V4.7.3.11-r4".parse().unwrap());
        facts.auth_offered = Fact::Seen(["digest".to_owned()].into());
        let admin = |factory_password| Account {
            name: "admin".to_owned(),
            group: "admins".to_owned(),
            factory_password,
        };
        facts.accounts = Fact::Seen(vec![admin(Fact::unreadable("odd hash"))]);
        change(&mut facts);
        let device = Device {
            name: "yard".parse().unwrap(),
            kind: Kind::Mobotix,
            source: Source::Live,
            address: String::new(),
            product: None,
            model: None,
            firmware: None,
            serial: None,
            pin: None,
        };
        let outcome = Ok(Facts::Camera(Box::new(facts)));
        let (attestations, vms_addresses) = (Vec::new(), Vec::new());
        Observation { device, observed_at: at(0), outcome, attestations, vms_addresses }
    }

    fn tried(facts: &mut CameraFacts) {
        facts.basic_login = Fact::Seen(BasicLogin::Refused);
        facts.evidence.note("basic_login", "POST with Basic", "HTTP 401");
        if let Fact::Seen(accounts) = &mut facts.accounts {
            accounts[0].factory_password = Fact::Seen(false);
        }
    }

    fn camera(observation: &Observation) -> &CameraFacts {
        let Ok(Facts::Camera(facts)) = &observation.outcome else { panic!() };
        facts
    }

    #[test]
    fn an_answer_holds_while_the_camera_is_set_as_it_was() {
        let earlier = look(tried);
        let mut now = look(|_| ());
        assert!(over(&mut now, &earlier));
        assert_eq!(camera(&now), camera(&earlier));
        assert!(!over(&mut now, &earlier), "there is nothing left to take over");
    }

    #[test]
    fn an_answer_of_its_own_counts_for_more() {
        let mut now = look(|facts| facts.basic_login = Fact::Seen(BasicLogin::Accepted));
        over(&mut now, &look(tried));
        assert_eq!(camera(&now).basic_login, Fact::Seen(BasicLogin::Accepted));
    }

    #[test]
    fn a_camera_that_is_set_otherwise_keeps_no_answer() {
        let newer = "MX-V4.7.3.14".parse().unwrap();
        let setting = Setting { value: AuthSetting::Auto, confidence: Confidence::Observed };
        let changes: [fn(&mut CameraFacts, _, _); 3] = [
            |facts, newer, _| facts.firmware = Fact::Seen(newer),
            |facts, _, setting| facts.auth_setting = Fact::Seen(setting),
            |facts, _, _| facts.auth_offered = Fact::Seen(["basic".to_owned()].into()),
        ];
        for change in changes {
            let newer: crate::firmware::Version = newer;
            let mut now = look(|facts| change(facts, newer, setting.clone()));
            over(&mut now, &look(tried));
            assert_eq!(camera(&now).basic_login.seen(), None);
        }
    }

    #[test]
    fn the_questions_are_asked_once_a_week_or_tomorrow_if_there_was_no_answer() {
        let again = |look, vouched| answers(&look, vouched);
        let settled = |facts: &mut CameraFacts| {
            tried(facts);
            facts.basic_login = Fact::unreadable("not tried");
        };
        let offered = |facts: &mut CameraFacts| {
            settled(facts);
            facts.auth_offered = Fact::Seen(["basic".to_owned()].into());
        };
        assert_eq!(again(look(tried), true), (true, at(WEEK)));
        assert_eq!(again(look(settled), true), (false, at(DAY)));
        assert_eq!(again(look(settled), false), (true, at(WEEK)), "Basic is never tried there");
        assert_eq!(again(look(offered), true), (true, at(WEEK)), "Basic needs no trial there");
        assert_eq!(again(look(|_| ()), false), (false, at(DAY)), "the factory password is open");
        assert_eq!(trials(None, at(0)), Trials::Allowed);
        assert_eq!(trials(Some(at(WEEK)), at(0)), Trials::Spared);
        assert_eq!(trials(Some(at(WEEK)), at(WEEK)), Trials::Allowed);
        assert_eq!(trials(Some(at(WEEK + 1)), at(0)), Trials::Allowed, "the clock was wrong");
    }

    #[test]
    fn an_answer_that_cannot_be_renewed_ends() {
        assert!(holds(Some(at(0)), at(2 * WEEK - 1)) && !holds(Some(at(0)), at(2 * WEEK)));
        assert!(!holds(None, at(0)) && !holds(Some(at(1)), at(0)));
    }
}
