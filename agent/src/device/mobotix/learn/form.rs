//! How a value that is put together was written by the camera's own page: an address in a rule, the id of a profile.

use std::net::Ipv4Addr;

use super::Change;
use crate::device::mobotix::config::text;
use crate::device::mobotix::dialect::{SettingName, Shape, is_plain};
use crate::device::mobotix::model::Configuration;

/// The form of what was set, if the export tells it: exactly one address or network stands in the new rule, or the new
/// value is the id of a profile.
pub(super) fn of(
    name: SettingName,
    change: &Change<'_>,
    after: &Configuration<'_>,
) -> Option<String> {
    let mut fresh = change.after.iter().filter(|value| !change.before.contains(value));
    match name.shape() {
        Shape::Profile(section) => {
            let value = text(fresh.next()?);
            let named = after.profiles(section).any(|profile| profile.id() == value);
            (named && is_plain(&value)).then(|| "{id}".to_owned())
        }
        Shape::List => fresh.find_map(|value| of_rule(&text(value))),
        Shape::Words(_)
        | Shape::Number
        | Shape::Mask
        | Shape::Text
        | Shape::Secret
        | Shape::Rights => None,
    }
}

fn of_rule(rule: &str) -> Option<String> {
    let parts: Vec<&str> =
        rule.split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '/')).collect();
    let networks: Vec<&&str> = parts.iter().filter(|part| is_network(part)).collect();
    let [network] = networks.as_slice() else { return None };
    let form = rule.replacen(**network, "{network}", 1);
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\') || c == ' ';
    (form.matches(['{', '}']).count() == 2 && form.chars().all(plain)).then_some(form)
}

fn is_network(part: &str) -> bool {
    match part.split_once('/') {
        None => part.parse::<Ipv4Addr>().is_ok(),
        Some((address, mask)) => {
            address.parse::<Ipv4Addr>().is_ok() && mask.parse::<Ipv4Addr>().is_ok()
        }
    }
}
