use super::*;

fn refused(text: &str) -> String {
    Dialects::builtin().add(text).unwrap_err()
}

fn p3(dialects: &Dialects) -> &Dialect {
    dialects.for_version("MX-V4.7.3.11-r4".parse().unwrap()).unwrap()
}

#[test]
fn the_built_in_files_are_in_order_and_chosen_by_product_line() {
    let dialects = Dialects::builtin();
    for (version, product) in [
        ("MX-V4.1.4.11", "MOBOTIX P3"),
        ("MX-V5.4.9.4-r3", "MOBOTIX Mx6"),
        ("MX-V7.3.1.57", "MOBOTIX 7"),
    ] {
        let dialect = dialects.for_version(version.parse().unwrap()).unwrap();
        assert_eq!(dialect.product, product);
        assert!(!dialect.sources.is_empty() && !dialect.rights.is_empty());
    }
    assert!(dialects.for_version("MX-V3.5.2.23".parse().unwrap()).is_none());
}

#[test]
fn nothing_about_a_line_of_which_no_export_was_seen_is_more_than_inferred() {
    let dialects = Dialects::builtin();
    let mx6 = dialects.for_version("MX-V5.0.0.127".parse().unwrap()).unwrap();
    for (name, key) in &mx6.settings {
        let words = key.values.values().map(|word| word.confidence);
        let all = words
            .chain([key.confidence])
            .chain(key.default.iter().map(|default| default.confidence));
        assert!(all.into_iter().all(|confidence| confidence == Confidence::Inferred), "{name}");
    }
}

#[test]
fn keys_that_nobody_knows_are_not_in_our_files() {
    use SettingName::*;
    let unknown = [
        IpAccess,
        IpAccessRules,
        IpAccessOthers,
        Intrusion,
        IntrusionThreshold,
        IntrusionBlock,
        IntrusionNotifyMail,
        IntrusionNotifyIp,
        Messages,
        MessageKey,
        NotifyMail,
        NotifyFtp,
        NotifyPhone,
        NotifySound,
        HttpPort,
        HttpsPort,
        Dot1x,
        StorageNotifyIp,
        StorageNotifyMail,
        StorageNotifyPhone,
    ];
    let dialects = Dialects::builtin();
    for dialect in dialects.0.values() {
        for name in unknown {
            let reason = dialect.key(name).unwrap_err();
            assert!(
                reason.contains(&format!("--setting {name}")) && reason.contains(&dialect.product),
                "{reason}"
            );
        }
    }
}

#[test]
fn only_what_was_seen_in_an_export_counts_as_observed() {
    let dialects = Dialects::builtin();
    let key = p3(&dialects).key(SettingName::Authentication).unwrap();
    assert_eq!(key.values["auto"].confidence, Confidence::Observed);
    assert_eq!(key.values["digest"].confidence, Confidence::Inferred);
    assert_eq!(
        p3(&dialects).key(SettingName::PublicAccess).unwrap().confidence,
        Confidence::Inferred
    );
}

#[test]
fn a_sites_entry_goes_before_ours_and_keeps_our_words_for_the_same_key() {
    let mut dialects = Dialects::builtin();
    let text = "major = 4\n[settings.authentication]\nsection='httpd'\nkey='AUTHTYPE'\nconfidence='observed'\n\
                values.digest = { means='digest', confidence='observed' }\n\
                [settings.recording_key]\nsection='storage'\nkey='KEY'\nconfidence='observed'\n";
    dialects.add(text).unwrap();
    let authentication = p3(&dialects).key(SettingName::Authentication).unwrap();
    assert_eq!(authentication.values["digest"].confidence, Confidence::Observed);
    assert_eq!(authentication.values["auto"].means, "auto");
    assert_eq!(p3(&dialects).key(SettingName::RecordingKey).unwrap().path(), "storage/KEY");
    assert_eq!(p3(&dialects).product, "MOBOTIX P3");
}

#[test]
fn a_line_of_its_own_needs_a_name() {
    assert!(refused("major = 8\n").contains("product"));
    let mut dialects = Dialects::builtin();
    dialects.add("major = 8\nproduct = 'MOBOTIX x8'\n").unwrap();
    assert!(dialects.products().any(|product| product == "MOBOTIX x8"));
}

#[test]
fn a_mistake_in_a_dialect_file_is_named() {
    let entry = |name: &str, rest: &str| {
        format!("major = 4\n[settings.{name}]\nsection='a'\nkey='B'\nconfidence='observed'\n{rest}")
    };
    for (text, words) in [
        (entry("intrsion", ""), "did you mean `intrusion`"),
        (entry("vpn", "sectoin='x'"), "did you mean `section`"),
        (entry("vpn", "values.1 = { means='yes', confidence='observed' }"), "none of on, off"),
        (entry("vpn", "default = { value='1', confidence='observed' }"), "values do not say what"),
        (entry("message_key", "values.x = { means='on', confidence='observed' }"), "not a word"),
        (entry("vpn", "form = '{id}'"), "no place here"),
        (entry("notify_ip", "form = '{network}'"), "{id} in it once"),
        (entry("ip_access_rules", "form = 'allow {network} {network}'"), "in it once"),
        (entry("ip_access_rules", "form = \"allow\\n{network}\""), "plain text"),
        (entry("ip_access_rules", "default = { value='x', confidence='observed' }"), "many values"),
        (
            "major = 4\n[settings.vpn]\nsection='a b'\nkey='B'\nconfidence='observed'\n".to_owned(),
            "section = \"a b\"",
        ),
        (entry("vpn", "").replace("observed", "certain"), "unknown variant `certain`"),
        ("major = 4\n[line]\n".to_owned(), "unknown field `line`"),
        (String::new(), "missing field `major`"),
    ] {
        assert!(refused(&text).contains(words), "{text}: {}", refused(&text));
    }
}

#[test]
fn settings_read_back_and_others_name_the_nearest() {
    for name in SettingName::ALL {
        assert_eq!(name.as_str().parse(), Ok(*name));
    }
    let message = "crawlin".parse::<SettingName>().unwrap_err().to_string();
    assert!(
        message.contains("did you mean \"crawling\"") && message.contains("dot1x"),
        "{message}"
    );
}
