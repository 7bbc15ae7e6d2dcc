//! Numbers that are the same on every machine and in every version: what a suite is made of.
//! Nothing here is a secret.

use std::ops::RangeInclusive;

/// xoshiro256++ (Blackman & Vigna 2021, "Scrambled linear pseudorandom number generators"), its
/// state from SplitMix64 (Steele et al. 2014), as its authors advise.
#[derive(Debug, Clone)]
pub struct Rng {
    seed: u64,
    state: [u64; 4],
}

impl Rng {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        let mut from = seed;
        Self { seed, state: std::array::from_fn(|_| split_mix(&mut from)) }
    }

    /// A stream of its own for a part of the work. It hangs on the seed and the label alone, not on
    /// what was drawn before: what is added to one part leaves the others as they were.
    #[must_use]
    pub fn fork(&self, label: &str) -> Self {
        // FNV-1a, 64 bits (Fowler, Noll & Vo).
        let hash = label.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut seed = self.seed;
        Self::new(split_mix(&mut seed) ^ hash)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let drawn = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        drawn
    }

    /// From 0 to `n` - 1, each as likely; 0 if `n` is.
    pub fn below(&mut self, n: u32) -> u32 {
        if n == 0 {
            return 0;
        }
        // Lemire 2019, "Fast random integer generation in an interval".
        let uneven = n.wrapping_neg() % n;
        loop {
            let wide = (self.bits() >> 32) * u64::from(n);
            if wide as u32 >= uneven {
                return (wide >> 32) as u32;
            }
        }
    }

    /// From the first to the last of a range, each as likely; the first if the range is empty.
    pub fn range(&mut self, range: RangeInclusive<u32>) -> u32 {
        let (first, last) = range.into_inner();
        match last.saturating_sub(first).checked_add(1) {
            Some(n) => first + self.below(n),
            None => (self.bits() >> 32) as u32,
        }
    }

    /// A place in something of `len` parts; 0 if it has none. Lists longer than 2^32 have places
    /// that are never drawn.
    pub fn index(&mut self, len: usize) -> usize {
        self.below(u32::try_from(len).unwrap_or(u32::MAX)) as usize
    }

    /// From 0 to just below 1, in steps of 2^-24.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// A number between two.
    pub fn between(&mut self, from: f32, to: f32) -> f32 {
        self.unit().mul_add(to - from, from)
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// One of an array, which the compiler sees is not empty.
    pub fn pick<'a, T, const N: usize>(&mut self, from: &'a [T; N]) -> &'a T {
        const { assert!(N > 0, "nothing to pick") };
        &from[self.index(N)]
    }

    /// One of a list; `None` of an empty one.
    pub fn one_of<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.index(from.len()))
    }

    /// Puts a list in a random order (Fisher & Yates).
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.index(last + 1));
        }
    }

    /// Several of a list, none twice, in a random order; all of them where there are fewer.
    pub fn sample<T: Clone>(&mut self, from: &[T], several: usize) -> Vec<T> {
        let mut places: Vec<usize> = (0..from.len()).collect();
        self.shuffle(&mut places);
        places.iter().take(several).map(|&place| from[place].clone()).collect()
    }
}

/// The next number of SplitMix64.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_authors() {
        // The first numbers of their C programs.
        let mut state = 0;
        assert_eq!(
            [0; 3].map(|_| split_mix(&mut state)),
            [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]
        );
        let mut rng = Rng { seed: 0, state: [1, 2, 3, 4] };
        assert_eq!(
            [0; 5].map(|_| rng.bits()),
            [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386, 9_228_616_714_210_784_205]
        );
    }

    #[test]
    fn a_seed_and_a_label_are_the_same_numbers_for_ever() {
        let mut rng = Rng::new(7);
        assert_eq!([0; 8].map(|_| rng.below(1000)), [55, 172, 717, 427, 963, 465, 723, 329]);
        let mut fork = rng.fork("log-cause");
        assert_eq!([0; 8].map(|_| fork.below(1000)), [915, 397, 794, 14, 295, 206, 927, 693]);
        let mut again = Rng::new(7).fork("log-cause");
        let mut other = Rng::new(7).fork("log-caus");
        let mut first = rng.fork("log-cause");
        let first = first.bits();
        assert_eq!(again.bits(), first, "what was drawn before doesn't matter");
        assert_ne!(other.bits(), first);
    }

    #[test]
    fn each_number_is_as_likely_and_none_is_outside() {
        let mut rng = Rng::new(1);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[rng.range(1..=6) as usize - 1] += 1;
        }
        // Six standard deviations of a fair die.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 550), "{counts:?}");
        let hits = (0..10_000).filter(|_| rng.chance(0.2)).count();
        assert!(hits.abs_diff(2_000) < 240, "{hits}");
        assert!((0..10_000).all(|_| (0.0..1.0).contains(&rng.unit())));
    }

    #[test]
    fn the_edges_hold() {
        let mut rng = Rng::new(2);
        assert_eq!((rng.below(0), rng.below(1), rng.range(5..=5)), (0, 0, 5));
        #[expect(clippy::reversed_empty_ranges, reason = "what an empty range gives")]
        let empty = rng.range(5..=3);
        assert_eq!(empty, 5);
        rng.range(0..=u32::MAX);
        assert!(!rng.chance(0.0));
        assert!(rng.chance(1.0));
        assert_eq!(rng.one_of::<u8>(&[]), None);
        assert_eq!(rng.pick(&["one"]), &"one");
    }

    #[test]
    fn a_sample_has_nothing_twice() {
        let mut rng = Rng::new(3);
        let all: Vec<u32> = (0..20).collect();
        let mut some = rng.sample(&all, 12);
        assert_ne!(some, all[..12]);
        some.sort_unstable();
        some.dedup();
        assert_eq!(some.len(), 12);
        assert_eq!(rng.sample(&all[..3], 12).len(), 3);
        let mut shuffled = all.clone();
        rng.shuffle(&mut shuffled);
        assert_ne!(shuffled, all);
        shuffled.sort_unstable();
        assert_eq!(shuffled, all);
    }
}
