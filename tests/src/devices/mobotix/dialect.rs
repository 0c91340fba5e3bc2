//! What somebody would have learned about the pretend cameras: a site's own dialect file, which says by name what is
//! INVENTED in them. No real camera is known to call these settings so.

use super::spec::Line;

/// Settings whose words are `1` and `0`: name, section, key.
const SWITCHES: [(&str, &str, &str); 7] = [
    ("ip_access", "accesscontrol", "ENABLE"),
    ("intrusion", "httpd", "IDS_HTTP_ENABLE"),
    ("intrusion_block", "httpd", "IDS_HTTP_BLOCK"),
    ("storage_check", "camerachecks", "fsck"),
    ("storage_notify_led", "camerachecks", "fsck_act_leds"),
    ("notify_led", "systemalarm", "logscan_alarm_notify_led"),
    ("notify_liveimage", "systemalarm", "logscan_alarm_notify_liveimage"),
];

/// Settings without words: name, section, key, and how a value is put together.
const VALUES: [(&str, &str, &str, &str); 7] = [
    ("ip_access_rules", "accesscontrol", "RULE", "allow {network}"),
    ("intrusion_threshold", "httpd", "IDS_HTTP_THRESHOLD", ""),
    ("intrusion_notify_ip", "httpd", "IDS_HTTP_IPNOTIFY", "{id}"),
    ("notify_ip", "systemalarm", "logscan_alarm_notify_ip", "{id}"),
    ("storage_tests", "camerachecks", "fsck_tests", ""),
    ("http_port", "httpd", "HTTP_PORT", ""),
    ("https_port", "httpd", "HTTPS_PORT", ""),
];

/// The INVENTED section of MxMessage.
pub const MESSAGES: &str = "msgdistri";

/// The dialect file for a product line.
pub fn learned(line: Line) -> String {
    let major = match line {
        Line::P3 => 4,
        Line::Mx6 => 5,
        Line::Mobotix7 => 7,
    };
    let sure = "confidence = \"observed\"";
    let mut text = format!("major = {major}\nsources = [\"the pretend camera\"]\n");
    for (name, section, key) in SWITCHES {
        text.push_str(&format!(
            "\n[settings.{name}]\nsection = \"{section}\"\nkey = \"{key}\"\n{sure}\n\
             values.1 = {{ means = \"on\", {sure} }}\nvalues.0 = {{ means = \"off\", {sure} }}\n\
             default = {{ value = \"0\", confidence = \"inferred\" }}\n"
        ));
    }
    for (name, section, key, form) in VALUES {
        text.push_str(&format!(
            "\n[settings.{name}]\nsection = \"{section}\"\nkey = \"{key}\"\n{sure}\n"
        ));
        if !form.is_empty() {
            text.push_str(&format!("form = \"{form}\"\n"));
        }
    }
    text.push_str(&format!(
        "\n[settings.ip_access_others]\nsection = \"accesscontrol\"\nkey = \"OTHERS\"\n{sure}\n\
         values.deny = {{ means = \"refused\", {sure} }}\nvalues.allow = {{ means = \"allowed\", {sure} }}\n"
    ));
    text.push_str(&format!(
        "\n[settings.authentication]\nsection = \"httpd\"\nkey = \"AUTHTYPE\"\n{sure}\n\
         values.digest = {{ means = \"digest\", {sure} }}\nvalues.auto = {{ means = \"auto\", {sure} }}\n"
    ));
    text
}

/// What somebody would have learned of the keys that cameras share. That the one of recordings is called so is inferred;
/// section and keys of MxMessage are INVENTED.
pub fn learned_keys(line: Line) -> String {
    let mut text = learned(line);
    for (name, section, key) in [
        ("recording_key", "fileserver", "SECURITY_PASSWORD"),
        ("message_key", MESSAGES, "PASSWORD"),
    ] {
        text.push_str(&format!(
            "\n[settings.{name}]\nsection = \"{section}\"\nkey = \"{key}\"\nconfidence = \"observed\"\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_takes_it_for_every_line() {
        for line in [Line::P3, Line::Mx6, Line::Mobotix7] {
            let mut dialects = agent::device::mobotix::Dialects::builtin();
            dialects.add(&learned(line)).unwrap();
            dialects.add(&learned_keys(line)).unwrap();
        }
    }
}
