//! Small words for `observed`: names from devices made harmless and short, lists, counts.

use proto::text::printable;

/// Most characters of one name that comes from a device.
const MOST_NAME: usize = 60;

/// Most items that a list spells out.
const MOST_ITEMS: usize = 40;

/// A name from a device in quotation marks, made printable and cut.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", printable(name, MOST_NAME))
}

/// `a, b and c`; what is beyond 40 items is counted.
pub(super) fn list<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut items: Vec<String> =
        items.into_iter().map(|item| printable(&item.to_string(), 4 * MOST_NAME)).collect();
    if items.len() > MOST_ITEMS {
        let more = items.len() - MOST_ITEMS;
        items.truncate(MOST_ITEMS);
        items.push(format!("{more} more"));
    }
    match items.pop() {
        None => "none".to_owned(),
        Some(last) if items.is_empty() => last,
        Some(last) => format!("{} and {last}", items.join(", ")),
    }
}

/// `1 account`, `2 accounts`.
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_like_english() {
        assert_eq!(list(Vec::<&str>::new()), "none");
        assert_eq!(list(["a"]), "a");
        assert_eq!(list(["a", "b", "c"]), "a, b and c");
        assert!(list(0..100).ends_with(", 39 and 60 more"));
    }

    #[test]
    fn hostile_names_are_cut_and_made_printable() {
        assert_eq!(quoted("a\u{1b}[31m"), "\"a\\u{1b}[31m\"");
        assert!(quoted(&"x".repeat(1 << 20)).len() < 80);
    }
}
