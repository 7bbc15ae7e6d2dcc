//! How much happened when: counts over time that stay small whatever the span is.

use serde::{Deserialize, Serialize};

/// Counts in intervals of equal width; the width doubles when there would be too many.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Timeline {
    /// The width of an interval is `1000 ms << shift`.
    shift: u32,
    /// The number of an interval (its start divided by the width) and its count, in order.
    buckets: Vec<(i64, u64)>,
}

/// Intervals that are kept: enough for a sparkline on a wide screen, and for a burst to show.
const MOST_BUCKETS: usize = 128;

/// No interval is longer: some 140 years.
const MOST_SHIFT: u32 = 32;

impl Timeline {
    /// Counts something at a moment, in milliseconds.
    pub fn add(&mut self, ms: i64) {
        let bucket = ms.div_euclid(1000) >> self.shift;
        match self.buckets.last_mut() {
            Some((last, count)) if *last == bucket => *count += 1,
            _ => self.put(bucket, 1),
        }
    }

    fn put(&mut self, bucket: i64, count: u64) {
        match self.buckets.last() {
            Some((last, _)) if *last >= bucket => {
                match self.buckets.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
                    Ok(at) => self.buckets[at].1 += count,
                    Err(at) => self.buckets.insert(at, (bucket, count)),
                }
            }
            _ => self.buckets.push((bucket, count)),
        }
        while self.buckets.len() > MOST_BUCKETS && self.shift < MOST_SHIFT {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        self.shift += 1;
        let mut merged: Vec<(i64, u64)> = Vec::with_capacity(self.buckets.len() / 2 + 1);
        for (bucket, count) in self.buckets.drain(..) {
            match merged.last_mut() {
                Some((last, sum)) if *last == bucket >> 1 => *sum += count,
                _ => merged.push((bucket >> 1, count)),
            }
        }
        self.buckets = merged;
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        while self.shift < other.shift {
            self.coarsen();
        }
        for (bucket, count) in &other.buckets {
            // The width may grow on the way.
            self.put(bucket >> (self.shift - other.shift), *count);
        }
    }

    /// Forgets what was counted before a moment.
    pub(super) fn forget_before(&mut self, ms: i64) {
        let width = self.width_ms();
        self.buckets.retain(|(bucket, _)| bucket.saturating_mul(width) >= ms);
    }

    /// The width of an interval, in milliseconds.
    pub fn width_ms(&self) -> i64 {
        1000 << self.shift
    }

    /// The intervals that count something: start in milliseconds, and how much.
    pub fn counts(&self) -> impl Iterator<Item = (i64, u64)> {
        let width = self.width_ms();
        self.buckets.iter().map(move |(bucket, count)| (bucket * width, *count))
    }

    /// Everything that was counted.
    pub fn total(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }

    /// The interval with the most, and its count.
    pub fn peak(&self) -> Option<(i64, u64)> {
        self.counts().max_by_key(|(start, count)| (*count, std::cmp::Reverse(*start)))
    }

    /// The counts between two moments in so many equal parts, for a sparkline.
    pub fn spread(&self, from: i64, to: i64, parts: usize) -> Vec<u64> {
        let mut out = vec![0; parts];
        let span = (to - from).max(1) as i128;
        for (start, count) in self.counts() {
            let middle = (start + self.width_ms() / 2).clamp(from, to);
            let part = (middle - from) as i128 * parts as i128 / span;
            if let Some(sum) = out.get_mut((part as usize).min(parts.saturating_sub(1))) {
                *sum += count;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn nothing_is_lost_and_the_order_makes_no_difference(times in proptest::collection::vec(-1_000_000_000_000i64..3_000_000_000_000, 0..600), cut in 0usize..600) {
            let count = |times: &[i64]| {
                let mut line = Timeline::default();
                times.iter().for_each(|&ms| line.add(ms));
                line
            };
            let whole = count(&times);
            proptest::prop_assert_eq!(whole.total(), times.len() as u64);
            proptest::prop_assert!(whole.buckets.len() <= MOST_BUCKETS);
            proptest::prop_assert!(whole.buckets.windows(2).all(|pair| pair[0].0 < pair[1].0));
            let cut = cut.min(times.len());
            let mut merged = count(&times[..cut]);
            merged.merge(&count(&times[cut..]));
            proptest::prop_assert_eq!(merged.total(), times.len() as u64);
            let spread = whole.spread(-1_000_000_000_000, 3_000_000_000_000, 40);
            proptest::prop_assert_eq!(spread.iter().sum::<u64>(), times.len() as u64);
        }
    }

    #[test]
    fn a_burst_stands_out() {
        let mut line = Timeline::default();
        (0..100).for_each(|second| line.add(second * 1000));
        (0..50).for_each(|_| line.add(42_000));
        assert_eq!(line.peak(), Some((42_000, 51)));
        assert_eq!(line.width_ms(), 1000);
    }
}
