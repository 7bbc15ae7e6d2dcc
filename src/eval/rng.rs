//! Chance from a seed: the same numbers on every machine and in every version, so that a seed
//! names a suite for good.
//!
//! xoshiro256++ (Blackman and Vigna 2019), its state filled by SplitMix64 (Steele et al. 2014).

/// A source of chance.
#[derive(Debug, Clone)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// One that begins at a seed.
    pub fn new(seed: u64) -> Self {
        let mut at = seed;
        let mut next = || {
            at = at.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (at ^ (at >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        Self { state: [next(), next(), next(), next()] }
    }

    /// One for a part, which does not depend on how much chance other parts take.
    pub fn part(seed: u64, name: &str, number: u64) -> Self {
        // FNV-1a, 64 bits.
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        let hash = name.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, mix);
        let hash = number.to_le_bytes().iter().fold(hash, mix);
        Self::new(seed ^ hash)
    }

    /// 64 bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number below another one; 0 below 0.
    pub fn below(&mut self, most: u32) -> u32 {
        // Lemire 2019, without the rejection: the bias is under 2^-32 times `most`.
        ((u128::from(self.bits()) * u128::from(most)) >> 64) as u32
    }

    /// A number from one to another, both of them possible; the first where there is none.
    pub fn range(&mut self, from: i32, to: i32) -> i32 {
        let wide = to.saturating_sub(from).max(0).unsigned_abs().saturating_add(1);
        from.saturating_add_unsigned(self.below(wide))
    }

    /// A number from 0 to below 1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// A number between two.
    pub fn between(&mut self, from: f32, to: f32) -> f32 {
        self.unit().mul_add(to - from, from)
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// One of several.
    ///
    /// # Panics
    ///
    /// There is none to choose from.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(u32::try_from(all.len()).unwrap_or(u32::MAX)) as usize]
    }

    /// Puts them into any order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            all.swap(at, self.below(at as u32 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_everywhere() {
        let mut rng = Rng::new(1);
        assert_eq!(
            [rng.bits(), rng.bits(), rng.bits()],
            [14_971_601_782_005_023_387, 13_781_649_495_232_077_965, 1_847_458_086_238_483_744]
        );
        assert_ne!(Rng::part(1, "dialog", 0).bits(), Rng::part(1, "dialog", 1).bits());
        assert_ne!(Rng::part(1, "dialog", 0).bits(), Rng::part(1, "chart", 0).bits());
    }

    #[test]
    fn what_is_drawn_lies_within_its_bounds_and_reaches_them() {
        let mut rng = Rng::new(7);
        let drawn: Vec<i32> = (0..1000).map(|_| rng.range(-2, 3)).collect();
        assert!((-2..=3).all(|number| drawn.contains(&number)) && drawn.iter().all(|n| (-2..=3).contains(n)));
        assert!((0..1000).map(|_| rng.unit()).all(|unit| (0.0..1.0).contains(&unit)));
        assert_eq!((rng.below(0), rng.range(4, 4), rng.range(4, 1)), (0, 4, 4));
        let mut all: Vec<u32> = (0..50).collect();
        rng.shuffle(&mut all);
        assert_ne!(all, (0..50).collect::<Vec<_>>());
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
    }
}
