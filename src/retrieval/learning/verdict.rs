//! Whether queries find their passages better, or it is chance.

use serde::{Deserialize, Serialize};

/// How likely a gain may be chance: one in twenty.
const MOST_CHANCE: f64 = 0.05;

/// How well queries find their passages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The share that stand first: recall@1.
    pub first: f64,
    /// The mean of one through the place: the mean reciprocal rank.
    pub reciprocal: f64,
}

/// That of places from 1.
pub(super) fn of_places(places: &[usize]) -> Found {
    let count = places.len().max(1) as f64;
    let first = places.iter().filter(|place| **place == 1).count() as f64;
    let reciprocal: f64 = places.iter().map(|place| 1.0 / (*place).max(1) as f64).sum();
    Found { first: first / count, reciprocal: reciprocal / count }
}

/// Whether more queries find their passage first than before, by more than chance, and the rest
/// don't pay for it. By the sign test (one-sided) on the queries that changed: were it chance,
/// each would be as likely to be won as lost.
pub(super) fn is_better(before: &[usize], after: &[usize]) -> bool {
    let changed = |from: &[usize], to: &[usize]| {
        from.iter().zip(to).filter(|(from, to)| **from != 1 && **to == 1).count()
    };
    let (won, lost) = (changed(before, after), changed(after, before));
    chance(won, lost) <= MOST_CHANCE && of_places(after).reciprocal > of_places(before).reciprocal
}

/// How likely at least `won` heads are in `won + lost` throws.
fn chance(won: usize, lost: usize) -> f64 {
    let throws = won.saturating_add(lost);
    // The logarithm of a binomial coefficient, from one to the next: no factorial overflows.
    let mut log = -(throws as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for heads in (0..=throws).rev() {
        if heads < won {
            break;
        }
        sum += log.exp();
        log += (heads as f64).ln() - ((throws - heads + 1) as f64).ln();
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_that_of_coins() {
        assert_eq!(chance(0, 0), 1.0);
        for (won, lost, expected) in [(5, 0, 1.0 / 32.0), (4, 0, 1.0 / 16.0), (3, 1, 5.0 / 16.0), (0, 3, 1.0)]
        {
            assert!((chance(won, lost) - expected).abs() < 1e-12, "{won} {lost}: {}", chance(won, lost));
        }
        assert!(chance(3_000, 1_000) < 1e-100);
    }

    #[test]
    fn a_gain_must_be_more_than_chance_and_cost_nothing() {
        let places = |first: usize, others: usize| [vec![1; first], vec![5; others]].concat();
        assert!(is_better(&places(10, 10), &places(15, 5)));
        assert!(!is_better(&places(10, 10), &places(14, 6)));
        assert!(!is_better(&places(10, 10), &places(10, 10)));
        // Five are first now, and all others went far back.
        let far = [vec![1; 5], vec![1_000; 15]].concat();
        assert!(!is_better(&[2; 20], &far));
        assert!(!is_better(&[], &[]));
    }

    #[test]
    fn shares_are_of_all() {
        assert_eq!(of_places(&[1, 2, 4, 1]), Found { first: 0.5, reciprocal: 0.6875 });
        assert_eq!(of_places(&[]), Found::default());
    }
}
