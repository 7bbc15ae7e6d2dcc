//! How much a measured share can be trusted, and whether two models differ. Pure numbers.

use serde::{Deserialize, Serialize};

/// Two-sided 95 % of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % interval of a share (E. B. Wilson, Probable inference, 1927): it holds for few items
/// and for shares near 0 and 1 too. Of none, anything may be.
pub(super) fn wilson(hits: u64, of: u64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let number = of as f64;
    let share = hits.min(of) as f64 / number;
    let scale = 1.0 + Z * Z / number;
    let middle = (share + Z * Z / (2.0 * number)) / scale;
    let half = Z / scale * (share * (1.0 - share) / number + Z * Z / (4.0 * number * number)).sqrt();
    // At the ends the formula gives them, but for rounding.
    let low = if hits == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if hits >= of { 1.0 } else { (middle + half).min(1.0) };
    (low, high)
}

/// The probability of at least so many hits by chance alone: the exact upper tail of the binomial
/// distribution. Where chances differ between items, their mean gives a p that is too large rather
/// than too small for any more hits than expected (W. Hoeffding, On the distribution of the number of
/// successes in independent trials, 1956).
pub(super) fn chance_p(hits: u64, of: u64, chance: f64) -> f64 {
    if hits == 0 {
        return 1.0;
    }
    if hits > of || chance.is_nan() || chance <= 0.0 {
        return 0.0;
    }
    if chance >= 1.0 {
        return 1.0;
    }
    (hits..=of).map(|hits| binomial(hits, of, chance)).sum::<f64>().min(1.0)
}

/// The probability of exactly so many hits. By logarithms: thousands of items don't underflow.
fn binomial(hits: u64, of: u64, chance: f64) -> f64 {
    let misses = of - hits;
    (ln_choose(hits, of) + hits as f64 * chance.ln() + misses as f64 * (-chance).ln_1p()).exp()
}

/// The logarithm of the ways to choose so many of so many.
fn ln_choose(some: u64, of: u64) -> f64 {
    let some = some.min(of - some);
    ln_factorial(of) - ln_factorial(some) - ln_factorial(of - some)
}

/// The logarithm of a factorial: exact sums for small ones, Stirling's series for others
/// (Abramowitz and Stegun, 6.1.41), which is exact to a double from 32 on.
fn ln_factorial(number: u64) -> f64 {
    if number < 32 {
        return (2..=number).map(|factor| (factor as f64).ln()).sum();
    }
    let n = number as f64;
    let series = 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3)) + 1.0 / (1260.0 * n.powi(5));
    n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + series
}

/// The same items, asked of two models.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paired {
    /// Both are right.
    pub both: u64,
    /// Only the first is.
    pub only_first: u64,
    /// Only the second is.
    pub only_second: u64,
    /// Neither is.
    pub neither: u64,
}

impl Paired {
    /// Counts an item.
    pub fn push(&mut self, first: bool, second: bool) {
        *match (first, second) {
            (true, true) => &mut self.both,
            (true, false) => &mut self.only_first,
            (false, true) => &mut self.only_second,
            (false, false) => &mut self.neither,
        } += 1;
    }

    /// All items.
    pub fn of(&self) -> u64 {
        self.both + self.only_first + self.only_second + self.neither
    }

    /// The share of the second less that of the first; 0 of none.
    pub fn difference(&self) -> f64 {
        match self.of() {
            0 => 0.0,
            of => (self.only_second as f64 - self.only_first as f64) / of as f64,
        }
    }

    /// The probability of so great a difference, either way, between models that are equally good:
    /// McNemar's test, exact (Q. McNemar, 1947; the binomial distribution of the items where just
    /// one is right).
    pub fn p(&self) -> f64 {
        let most = self.only_first.max(self.only_second);
        (2.0 * chance_p(most, self.only_first + self.only_second, 0.5)).min(1.0)
    }
}

/// Makes the probabilities of several tests such that one below 0.05 among them is more than chance
/// (S. Holm, A simple sequentially rejective multiple test procedure, 1979). In the order given.
pub(super) fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
    let mut out = vec![1.0; probabilities.len()];
    let mut least = 0.0f64;
    for (rank, at) in order.into_iter().enumerate() {
        let tests = probabilities.len() - rank;
        least = least.max(probabilities[at] * tests as f64).min(1.0);
        out[at] = least;
    }
    out
}

/// The mean with its 95 % interval, by the normal distribution: for seconds. `None` for fewer than
/// two; what is no number is left out.
pub(super) fn mean_interval(values: &[f64]) -> Option<(f64, f64, f64)> {
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    if values.len() < 2 {
        return None;
    }
    let number = values.len() as f64;
    let mean = values.iter().sum::<f64>() / number;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (number - 1.0);
    let half = Z * (variance / number).sqrt();
    Some((mean, mean - half, mean + half))
}

/// The middle value, between two the mean of both; what is no number is left out.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    match values.len() % 2 {
        0 => Some(values[values.len() / 2 - 1].midpoint(upper)),
        _ => Some(upper),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-4
    }

    #[test]
    fn the_interval_of_a_share_is_wilsons() {
        for (hits, of, low, high) in
            [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (50, 100, 0.4038, 0.5962)]
        {
            let (from, to) = wilson(hits, of);
            assert!(near(from, low) && near(to, high), "{hits}/{of}: {from}..{to}");
        }
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }

    #[test]
    fn mcnemars_test_is_exact_for_few_and_for_thousands() {
        let p = |only_first, only_second| Paired { only_first, only_second, both: 3, neither: 4 }.p();
        assert!(near(p(10, 2), 0.0386), "{}", p(10, 2));
        assert_eq!(p(10, 2), p(2, 10));
        assert_eq!(p(0, 0), 1.0);
        assert_eq!(p(5, 5), 1.0);
        assert!((p(6, 0) - 0.03125).abs() < 1e-12);
        // 2 * P(X >= 2100), X binomial of 4000 and 0.5: 3.162 deviations, with the correction 3.146.
        assert!((0.00160..0.00172).contains(&p(2100, 1900)), "{}", p(2100, 1900));
        assert_eq!(p(0, 5000), 0.0);
    }

    #[test]
    fn chance_is_the_upper_tail() {
        assert!((chance_p(2, 2, 0.25) - 0.0625).abs() < 1e-12);
        assert!((chance_p(1, 2, 0.25) - 0.4375).abs() < 1e-12);
        assert_eq!(chance_p(0, 0, 0.5), 1.0);
        assert_eq!(chance_p(1, 5, 0.0), 0.0);
        assert_eq!(chance_p(3, 5, 1.0), 1.0);
        assert_eq!(chance_p(6, 5, 0.5), 0.0);
    }

    #[test]
    fn factorials_go_on_where_the_series_begins() {
        let sum = |number: u64| (2..=number).map(|factor| (factor as f64).ln()).sum::<f64>();
        for number in [0, 1, 5, 31, 32, 33, 100, 1000] {
            assert!((ln_factorial(number) - sum(number)).abs() < 1e-9, "{number}");
        }
    }

    #[test]
    fn holm_multiplies_by_the_tests_that_are_left() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (given, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((given - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
    }

    #[test]
    fn means_and_medians() {
        let (mean, low, high) = mean_interval(&[1.0, 2.0, 3.0, f64::NAN]).unwrap();
        assert_eq!(mean, 2.0);
        assert!(near(high - mean, 1.1316) && near(mean - low, 1.1316), "{low} {high}");
        assert_eq!(mean_interval(&[1.0]), None);
        assert_eq!(median(&[3.0, 1.0, f64::INFINITY, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_share((of, hits) in (1u64..5000).prop_flat_map(|of| (Just(of), 0..=of))) {
            let (low, high) = wilson(hits, of);
            let share = hits as f64 / of as f64;
            prop_assert!((0.0..=1.0).contains(&low) && low <= share && share <= high && high <= 1.0);
        }

        #[test]
        fn tails_are_probabilities_that_fall(of in 1u64..400, hits in 0u64..400, chance in 0.0..1.0f64) {
            let p = chance_p(hits, of, chance);
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert!(chance_p(hits + 1, of, chance) <= p + 1e-12);
        }

        #[test]
        fn both_tails_are_all(of in 1u64..400, hits in 1u64..400, chance in 0.01..0.99f64) {
            prop_assume!(hits <= of);
            let below = chance_p(of - hits + 1, of, 1.0 - chance);
            prop_assert!((chance_p(hits, of, chance) + below - 1.0).abs() < 1e-9);
        }

        #[test]
        fn holm_never_makes_a_difference_likelier(given in prop::collection::vec(0.0..=1.0f64, 0..20)) {
            for (given, adjusted) in given.iter().zip(holm(&given)) {
                prop_assert!(*given <= adjusted && adjusted <= 1.0);
            }
        }
    }
}
