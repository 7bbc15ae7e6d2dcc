//! When a server is asked again, and after how long. Only before the first word of an answer:
//! what was said once is not said twice.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The longest wait of our own choice.
const LONGEST: Duration = Duration::from_secs(30);

/// Whoever asks for more patience than this is told of to the person instead.
pub(crate) const MOST_PATIENCE: Duration = Duration::from_secs(120);

/// Whether a status says that the same request may be answered in a while.
pub(crate) fn may_pass(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 504)
}

/// The wait before attempt `number` (from 0): it doubles, and a part of it is chance, so that
/// many who were sent away don't come back together.
pub(crate) fn wait(first: Duration, number: u32, chance: f64) -> Duration {
    let factor = 1_u32.checked_shl(number).unwrap_or(u32::MAX);
    let whole = first.saturating_mul(factor).min(LONGEST);
    whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// A number from 0 to 1 that is another one each time.
pub(crate) fn chance() -> f64 {
    let bits = RandomState::new().hash_one(0_u8);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use percept::fetch::retry_after;

    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_half_of_them_is_chance() {
        let first = Duration::from_millis(100);
        assert_eq!(wait(first, 0, 1.0), first);
        assert_eq!(wait(first, 3, 0.0), Duration::from_millis(400));
        assert_eq!(wait(first, 3, 1.0), Duration::from_millis(800));
        assert_eq!(wait(first, 40, 1.0), LONGEST);
        assert!((0.0..1.0).contains(&chance()) && chance() != chance());
    }

    #[test]
    fn what_a_server_asks_for_is_seconds_or_a_date() {
        let now: jiff::Timestamp = "2015-10-21T07:27:50Z".parse().unwrap();
        assert_eq!(retry_after(" 7 ", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now), Some(Duration::from_secs(10)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:27:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-1", now), None);
    }
}
