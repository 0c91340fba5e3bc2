//! Counts of a camera's web server log, made coarse. Pure.
//!
//! Every visit leaves rows in the log that the next visit reads. With exact counts no look would ever be the same as the
//! one before, and an idle site would send its whole state every hour. So rows are not counted at all, and accesses and
//! sources are reported as `20+`: rounded down to 1, 2 or 5 with zeroes. Counts below ten stay as they are, and so do
//! addresses and names.

/// Words that a count stands before.
const COUNTED: [&str; 3] = ["source", "successful", "failed"];
/// From here on, counts are made coarse.
const EXACT: u64 = 10;

/// The text with coarse counts: numbers before one of the words counted, or in brackets, and times cut to the day.
pub fn coarse(text: &str) -> String {
    let mut out = Vec::new();
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        let next = words.peek().copied().unwrap_or_default();
        let is_number = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit());
        match next.strip_prefix("row") {
            Some(rest) if is_number => {
                words.next();
                out.push(format!("rows{}", rest.strip_prefix('s').unwrap_or(rest)));
            }
            Some(_) | None => out.push(word_made_coarse(word, next)),
        }
    }
    out.join(" ")
}

fn word_made_coarse(word: &str, next: &str) -> String {
    let opened = word.strip_prefix('(');
    let bare = opened.unwrap_or(word);
    let digits = bare.len() - bare.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = bare.split_at(digits);
    let before_word = rest.is_empty() && COUNTED.iter().any(|counted| next.starts_with(counted));
    let in_brackets = opened.is_some() && (rest.starts_with(')') || rest == ",");
    match number.parse::<u64>() {
        Ok(count) if (before_word || in_brackets) && count >= EXACT => {
            let bracket = if opened.is_some() { "(" } else { "" };
            format!("{bracket}{}+{rest}", rounded(count))
        }
        _ => day(word).unwrap_or(word).to_owned(),
    }
}

/// The largest of 1, 2 and 5 times a power of ten that is not above the count.
fn rounded(count: u64) -> u64 {
    let power = 10_u64.pow(count.checked_ilog10().unwrap_or(0));
    match count / power {
        0 | 1 => power,
        2..=4 => 2 * power,
        _ => 5 * power,
    }
}

/// Of `2026-11-24T08:15:00Z`, the day.
fn day(word: &str) -> Option<&str> {
    let (day, time) = word.split_once('T')?;
    (day.parse::<proto::Day>().is_ok() && time.ends_with('Z')).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_coarse_and_everything_else_stays() {
        for (exact, expect) in [
            ("123 rows since 2026-11-24T08:15:00Z by", "rows since 2026-11-24 by"),
            ("but 1 row could not", "but rows could not"),
            ("9 rows, 12 sources", "rows, 10+ sources"),
            (
                "203.0.113.77 (49 successful, 500 failed)",
                "203.0.113.77 (20+ successful, 500+ failed)",
            ),
            ("10.1.2.3 (17), 10.1.2.4 (7)", "10.1.2.3 (10+), 10.1.2.4 (7)"),
            ("10.1.2.3 (17, this agent's own address)", "10.1.2.3 (10+, this agent's own address)"),
            ("logged in as 4711 and 2026", "logged in as 4711 and 2026"),
            ("12 or more failed log-ins", "12 or more failed log-ins"),
            ("", ""),
            ("T Z TZ 2026-13-01TZ", "T Z TZ 2026-13-01TZ"),
        ] {
            assert_eq!(coarse(exact), expect);
        }
    }

    #[test]
    fn a_count_is_rounded_down() {
        for (count, expect) in [(10, 10), (19, 10), (20, 20), (99, 50), (1000, 1000), (4999, 2000)]
        {
            assert_eq!(rounded(count), expect);
        }
        assert_eq!(rounded(u64::MAX), 10_000_000_000_000_000_000);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}|[0-9 ()TZ,.:row-]{0,60}") {
            assert!(coarse(&text).len() <= text.len() + 60);
        }
    }
}
