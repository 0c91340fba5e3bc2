//! The geometry of the charts: numbers only, drawn by the template as SVG. Every chart carries its counts in words.

use super::super::Summary;
use super::super::words::{self, Rank};

/// One share of a chart, in percent of the whole.
pub(super) struct Share {
    pub(super) rank: Rank,
    pub(super) count: u32,
    from: f64,
    length: f64,
}

impl Share {
    /// Where it begins, 0 to 100.
    pub(super) fn from(&self) -> String {
        format!("{:.2}", self.from)
    }

    /// How long it is, 0 to 100.
    pub(super) fn length(&self) -> String {
        format!("{:.2}", self.length)
    }
}

/// What concerns the devices, share by share; not applicable and ignored findings are left out.
fn shares(summary: &Summary) -> Vec<Share> {
    let ranks = [Rank::Unmet, Rank::Waived, Rank::Unknown, Rank::Attested, Rank::Met];
    let whole: u32 = ranks.iter().map(|rank| rank.count(summary)).sum();
    let mut from = 0.0;
    ranks
        .into_iter()
        .map(|rank| (rank, rank.count(summary)))
        .filter(|(_, count)| *count > 0)
        .map(|(rank, count)| {
            let length = f64::from(count) * 100.0 / f64::from(whole);
            let share = Share { rank, count, from, length };
            from += length;
            share
        })
        .collect()
}

/// The counts for those who do not see the picture.
fn words(summary: &Summary) -> String {
    let drawn = |rank: &Rank| !matches!(rank, Rank::NotApplicable | Rank::Ignored);
    let words: Vec<_> = words::counts(summary)
        .into_iter()
        .filter(|(rank, ..)| drawn(rank))
        .map(|(_, count, word)| format!("{count} {word}"))
        .collect();
    if words.is_empty() { "nothing concerns it".to_owned() } else { words.join(", ") }
}

/// A bar of all shares behind each other.
pub(super) struct Bar {
    pub(super) shares: Vec<Share>,
    pub(super) words: String,
}

impl Bar {
    pub(super) fn new(summary: &Summary) -> Self {
        let shares = shares(summary);
        let words = words(summary);
        Self { shares, words }
    }
}

/// A ring of all shares, with what they add up to in the middle.
pub(super) struct Donut {
    pub(super) shares: Vec<Share>,
    pub(super) words: String,
    pub(super) whole: u32,
}

impl Donut {
    pub(super) fn new(summary: &Summary) -> Self {
        let Bar { shares, words } = Bar::new(summary);
        let whole = shares.iter().map(|share| share.count).sum();
        Self { shares, words, whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_lie_behind_each_other_and_fill_the_whole() {
        let summary = Summary { met: 3, unmet: 4, waived: 1, unknown: 9, ..Summary::default() };
        let bar = Bar::new(&summary);
        assert_eq!(bar.words, "4 unmet (1 waived), 9 unknown, 3 met");
        let mut end = 0.0;
        for share in &bar.shares {
            assert!((share.from - end).abs() < 1e-9);
            end = share.from + share.length;
        }
        assert!((end - 100.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_makes_no_share() {
        let donut = Donut::new(&Summary { not_applicable: 32, ..Summary::default() });
        assert!(donut.shares.is_empty() && donut.whole == 0);
        assert_eq!(donut.words, "nothing concerns it");
    }
}
