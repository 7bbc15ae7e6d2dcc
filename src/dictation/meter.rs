//! The level meter: the loudness of the last moments, as the screen shows it.

use std::collections::VecDeque;

/// How many levels are kept: one a moment, the newest last.
const KEPT: usize = 8;

/// The heights that a level has on a screen; finer differences are no reason to draw.
const STEPS: u8 = 8;

/// The last levels.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter {
    levels: VecDeque<u8>,
}

impl Meter {
    /// Takes a level, 0 to 1.
    pub(super) fn push(&mut self, level: f32) {
        if self.levels.len() == KEPT {
            self.levels.pop_front();
        }
        // NaN becomes 0.
        let step = (level.clamp(0.0, 1.0) * f32::from(STEPS)) as u8;
        self.levels.push_back(step.min(STEPS - 1) * (u8::MAX / STEPS + 1));
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.levels.clear();
    }

    /// The levels, 0 to 255, oldest first.
    pub(super) fn levels(&self) -> Vec<u8> {
        self.levels.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_become_blocks_and_what_is_no_level_is_silence() {
        let mut meter = Meter::default();
        for level in [0.5, f32::NAN, -1.0, 0.0, 0.3, 0.5, 0.9, 1.0, 7.0] {
            meter.push(level);
        }
        assert_eq!(crate::text::bars(&meter.levels(), 8), "▁▁▁▃▅███");
        meter.clear();
        assert!(meter.levels().is_empty());
    }
}
