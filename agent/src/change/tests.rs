use super::*;

fn list(networks: &[&str]) -> AddressList {
    AddressList::new(networks.iter().map(|network| network.parse().unwrap()))
}

fn profile() -> Profile {
    Profile { way: NotifyBy::Network, id: "ip0".to_owned() }
}

/// One of each kind.
fn all() -> Vec<Change> {
    let rights = BTreeSet::from(["live_acl".to_owned()]);
    let account = || "kim".to_owned();
    vec![
        Change::SetGroups(BTreeMap::from([("guards".to_owned(), rights)])),
        Change::MoveAccount { name: account(), group: "guards".to_owned() },
        Change::RemoveAccount { name: account() },
        Change::ClosePublicAccess,
        Change::RestrictAddresses(list(&["10.1.0.0/16", "10.2.3.4/32"])),
        Change::DetectIntrusion { threshold: 7, profile: profile() },
        Change::ForbidCrawling,
        Change::RequireDigest,
        Change::ReportErrors { profile: profile() },
        Change::DetectStorageFailure,
        Change::MoveWebPort { door: Door::Https, to: 8443 },
        Change::MoveWebPort { door: Door::Http, to: 8080 },
        Change::StopVpn,
        Change::RequireDot1x,
    ]
}

#[test]
fn what_may_cut_us_off_is_ranked_behind_what_cannot() {
    for one in all() {
        for other in all() {
            if one.risk() < other.risk() {
                assert!(one.rank() < other.rank(), "{one} and {other}");
            }
        }
    }
    let rank = |change: &Change| change.rank();
    let (c07, c08) = (list(&["10.1.0.0/16"]), 7);
    let c08 = Change::DetectIntrusion { threshold: c08, profile: profile() };
    assert!(rank(&Change::RestrictAddresses(c07)) < rank(&c08));
    let ranks: BTreeSet<u8> = all().iter().map(Change::rank).collect();
    assert_eq!(ranks.len(), all().len(), "no two changes contend for a place");
}

#[test]
fn a_change_is_written_and_read_back_and_a_word_more_is_refused() {
    for change in all() {
        let text = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), change);
    }
    for text in [
        r#"{"run":"reboot"}"#,
        r#""run""#,
        r#"{"remove_account":{"name":"kim","and":"admin"}}"#,
        r#"{"restrict_addresses":["10.1.0.0/33"]}"#,
    ] {
        assert!(serde_json::from_str::<Change>(text).is_err(), "{text}");
    }
}

#[test]
fn a_list_knows_whom_it_admits_and_holds_nothing_twice() {
    let list = list(&["10.1.0.0/16", "10.1.2.3/32", "192.0.2.7/32"]);
    assert_eq!(list.networks().count(), 2);
    for (address, admitted) in
        [("10.1.255.1", true), ("::ffff:10.1.0.9", true), ("192.0.2.8", false), ("::1", false)]
    {
        assert_eq!(list.admits(address.parse().unwrap()), admitted, "{address}");
    }
    assert!(!list.is_void() && AddressList::default().is_void());
    assert!(self::list(&["0.0.0.0/1", "128.0.0.0/1"]).is_void());
}

#[test]
fn networks_are_written_as_the_guide_shows_them() {
    let written = |text: &str| super::written(text.parse().unwrap());
    assert_eq!(written("192.168.1.163/32"), "192.168.1.163");
    assert_eq!(written("192.168.1.9/24"), "192.168.1.0/255.255.255.0");
}

#[test]
fn every_change_is_told_in_words() {
    for change in all() {
        let words = change.to_string();
        assert!(words.len() > 10 && !words.ends_with('.'), "{words}");
        assert!(change.undo().ends_with('.') && change.point_of_no_return().ends_with('.'));
    }
}
