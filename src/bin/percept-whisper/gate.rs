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
const QUIETEST: f32 = -55.0;

/// The gate.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    recent: VecDeque<f32>,
}

impl Gate {
    /// How likely a frame is speech, 0 to 1, given its root mean square.
    pub(crate) fn push(&mut self, loudness: f32) -> f32 {
        let level = decibels(loudness);
        self.recent.push_back(level);
        if self.recent.len() > MEMORY {
            self.recent.pop_front();
        }
        let floor = self.recent.iter().copied().fold(f32::MAX, f32::min).max(QUIETEST);
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
        gate.push(loudness) >= 0.5
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
        for loudness in [0.001; 100].into_iter().chain([0.1; 100]) {
            last = likely(&mut gate, loudness);
        }
        assert!(!last);
    }
}
