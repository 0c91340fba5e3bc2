//! When a certificate is renewed: at half its life, give or take a tenth. The jitter is drawn once by the caller and
//! stored, so that the answer is the same every time it is asked.

use proto::Timestamp;

/// How far from the middle a renewal may lie, as a part of the whole life.
const SPREAD: f64 = 0.1;

/// When to renew. `jitter` lies between -1 and 1 and is clamped to that.
pub fn renew_at(not_before: Timestamp, not_after: Timestamp, jitter: f64) -> Timestamp {
    let life = not_after.seconds_since(not_before).max(0);
    let jitter = if jitter.is_finite() { jitter.clamp(-1.0, 1.0) } else { 0.0 };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "lives are short"
    )]
    let part = (life as f64 * (0.5 + SPREAD * jitter)) as i64;
    Timestamp::from_unix(not_before.unix().saturating_add(part))
}

/// A jitter from random bytes: between -1 and 1, every value as likely as the next.
pub fn jitter(random: [u8; 4]) -> f64 {
    f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX) * 2.0 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_give_or_take_a_tenth() {
        let (from, until) = (Timestamp::from_unix(1000), Timestamp::from_unix(2000));
        assert_eq!(renew_at(from, until, 0.0).unix(), 1500);
        assert_eq!(renew_at(from, until, -1.0).unix(), 1400);
        assert_eq!(renew_at(from, until, 1.0).unix(), 1600);
        assert_eq!(renew_at(from, until, f64::NAN).unix(), 1500);
        assert_eq!(renew_at(until, from, 1.0).unix(), 2000);
    }

    #[test]
    fn jitters_cover_the_whole_range() {
        assert!((jitter([0; 4]) + 1.0).abs() < 1e-9 && (jitter([255; 4]) - 1.0).abs() < 1e-9);
    }
}
