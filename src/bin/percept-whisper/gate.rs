//! Tells speech from silence by its energy, where there is no voice activity model.
//!
//! Noise is what is always there: the floor follows the quietest frames of the last moments.
//! Speech stands out of it, and is not steady: it falls back to the floor between syllables.

use std::collections::VecDeque;

/// Frames whose quietest says how loud the noise is: about 3 s, more than a sentence goes on
/// without a gap.
const MEMORY: usize = 96;

/// Decibels above the floor at which speech is as likely as not.
const ABOVE: f32 = 9.0;

/// How many decibels more make it e times as likely.
const SLOPE: f32 = 1.5;

/// Digital silence and the noise of a good microphone: nothing so quiet is speech.
const QUIETEST: f32 = -65.0;

/// Frames in a row, about half a second, …
const STEADY: usize = 16;

/// … that differ by no more decibels are noise however loud: speech is never as even.
const EVEN: f32 = 4.0;

/// The gate.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    recent: VecDeque<f32>,
}

impl Gate {
    /// How likely a frame is speech, 0 to 1. What counts is how much its samples change: the
    /// rumble of a room is loud, but slow.
    pub(crate) fn push(&mut self, frame: &[f32]) -> f32 {
        let changes: f32 = frame.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum();
        self.level(decibels((changes / frame.len().max(1) as f32).sqrt()))
    }

    fn level(&mut self, level: f32) -> f32 {
        self.recent.push_back(level);
        if self.recent.len() > MEMORY {
            self.recent.pop_front();
        }
        let lowest = |levels: &mut dyn Iterator<Item = f32>| levels.fold(f32::MAX, f32::min);
        let floor = lowest(&mut self.recent.iter().copied()).max(QUIETEST);
        let last = || self.recent.iter().rev().take(STEADY).copied();
        let (low, high) = (lowest(&mut last()), last().fold(f32::MIN, f32::max));
        let even = self.recent.len() >= STEADY && high - low <= EVEN;
        let floor = if even { floor.max(low) } else { floor };
        1.0 / (1.0 + ((floor + ABOVE - level) / SLOPE).exp())
    }
}

/// The level of a root mean square below full scale.
fn decibels(loudness: f32) -> f32 {
    20.0 * loudness.max(1e-6).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likely(gate: &mut Gate, loudness: f32) -> bool {
        gate.level(decibels(loudness)) >= 0.5
    }

    #[test]
    fn steady_noise_is_none_at_any_level_and_what_stands_out_is() {
        for noise in [0.0, 0.001, 0.01, 0.1] {
            let mut gate = Gate::default();
            for frame in 0..200_u8 {
                let wobble = 1.0 + f32::from(frame % 7) / 20.0;
                assert!(!likely(&mut gate, noise * wobble), "{noise}");
            }
            assert!(likely(&mut gate, noise * 5.0 + 0.02));
        }
    }

    #[test]
    fn noise_that_begins_becomes_the_floor() {
        let mut gate = Gate::default();
        let mut last = true;
        for loudness in [0.001; 100].into_iter().chain([0.1; STEADY]) {
            last = likely(&mut gate, loudness);
        }
        assert!(!last);
    }
}
