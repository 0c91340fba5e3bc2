//! What would cure an unmet measure, where facts and policy tell: a change we can make, a credential to rotate, or
//! something that only a person can do. Whether it is done is the plan's business, and the policy's.

use proto::Policy;

use crate::change::{Change, Credential, NotifyBy, Profile};
use crate::facts::{Fact, NotifyProfile};

/// One step towards met. A judgment may need several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// An edit that a driver can make, where it knows how the firmware calls it.
    Change(Change),
    /// A secret to be replaced.
    Rotate(Credential),
    /// The password of whoever we log in as, to be replaced.
    RotateLogin,
    /// Something a person must do or decide first, as a sentence.
    Person(String),
}

/// The profile that is told of something: the one that the policy names, else the only one that leads anywhere.
///
/// # Errors
/// What a person must do first, as a sentence.
pub(super) fn profile(
    policy: &Policy,
    profiles: &Fact<Vec<NotifyProfile>>,
) -> Result<Profile, String> {
    let all = match profiles {
        Fact::Seen(all) => all,
        Fact::Absent => return Err("Make a notification profile on the camera.".to_owned()),
        Fact::Unreadable(why) => {
            return Err(format!("Which notification profiles the camera has is not known: {why}."));
        }
    };
    let alive: Vec<&NotifyProfile> = all.iter().filter(|one| one.dead_end.is_none()).collect();
    let Some(wanted) = policy.change.notify.as_deref() else {
        return match alive.as_slice() {
            [only] => of(only),
            [] => Err("Make a notification profile that leads away from the camera.".to_owned()),
            _ => Err(format!(
                "Say in the policy which of {} notification profiles is to be told (change.notify).",
                alive.len()
            )),
        };
    };
    let named = |one: &&NotifyProfile| one.id == wanted || one.name.as_deref() == Some(wanted);
    let fit: Vec<&NotifyProfile> = all.iter().filter(named).collect();
    match fit.as_slice() {
        [] => Err(format!(
            "Make the notification profile {wanted:?} that the policy names, or name one of the camera's (change.notify)."
        )),
        [one] => match &one.dead_end {
            None => of(one),
            Some(why) => Err(format!(
                "Set up the notification profile {wanted:?} that the policy names: {why}."
            )),
        },
        _ => Err(format!("Name the notification profile by its id: {wanted:?} fits several.")),
    }
}

fn of(one: &NotifyProfile) -> Result<Profile, String> {
    let way = match one.section.as_str() {
        "ipnotify" => NotifyBy::Network,
        "mail" => NotifyBy::Mail,
        _ => return Err("Choose a network message or mail profile.".to_owned()),
    };
    Ok(Profile { way, id: one.id.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles(all: &[(&str, &str, Option<&str>)]) -> Fact<Vec<NotifyProfile>> {
        let one = |(id, name, dead): &(&str, &str, Option<&str>)| NotifyProfile {
            section: "ipnotify".to_owned(),
            id: (*id).to_owned(),
            name: Some((*name).to_owned()),
            dead_end: dead.map(str::to_owned),
        };
        Fact::Seen(all.iter().map(one).collect())
    }

    fn chosen(named: Option<&str>, all: &[(&str, &str, Option<&str>)]) -> Result<String, String> {
        let mut policy = Policy::default();
        policy.change.notify = named.map(str::to_owned);
        profile(&policy, &profiles(all)).map(|profile| profile.id)
    }

    const OFFICE: (&str, &str, Option<&str>) = ("ip0", "Office", None);
    const GUARDS: (&str, &str, Option<&str>) = ("ip1", "Guards", None);
    const DEAD: (&str, &str, Option<&str>) = ("ip2", "Itself", Some("it goes nowhere"));

    #[test]
    fn the_policys_word_counts_and_without_it_only_what_leaves_no_choice() {
        assert_eq!(chosen(Some("Guards"), &[OFFICE, GUARDS]), Ok("ip1".to_owned()));
        assert_eq!(chosen(Some("ip0"), &[OFFICE, GUARDS]), Ok("ip0".to_owned()));
        assert_eq!(chosen(None, &[OFFICE, DEAD]), Ok("ip0".to_owned()));
        for (named, all, says) in [
            (None, &[OFFICE, GUARDS][..], "change.notify"),
            (None, &[DEAD][..], "leads away"),
            (Some("Itself"), &[OFFICE, DEAD][..], "goes nowhere"),
            (Some("Gate"), &[OFFICE][..], "\"Gate\""),
        ] {
            let why = chosen(named, all).unwrap_err();
            assert!(why.contains(says) && why.ends_with('.'), "{why}");
        }
    }
}
