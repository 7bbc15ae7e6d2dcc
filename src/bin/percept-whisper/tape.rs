//! The sound that may still be needed, by its place from the start.

use std::ops::Range;

/// Samples in a row, whose beginning is forgotten as it is done with.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    samples: Vec<f32>,
    /// Where the first of them is, in samples from the start of the sound.
    start: usize,
}

impl Tape {
    /// Where it ends.
    pub(crate) fn end(&self) -> usize {
        self.start + self.samples.len()
    }

    pub(crate) fn push(&mut self, samples: &[f32]) {
        self.samples.extend_from_slice(samples);
    }

    /// What is left of a range.
    pub(crate) fn get(&self, range: Range<usize>) -> &[f32] {
        let clip = |place: usize| place.clamp(self.start, self.end()) - self.start;
        let (from, to) = (clip(range.start), clip(range.end));
        &self.samples[from..to.max(from)]
    }

    /// Forgets what is before a place.
    pub(crate) fn forget(&mut self, before: usize) {
        let gone = before.saturating_sub(self.start).min(self.samples.len());
        self.samples.drain(..gone);
        self.start += gone;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_is_gone_and_the_rest_keeps_its_place() {
        let mut tape = Tape::default();
        tape.push(&[0.0, 1.0, 2.0, 3.0]);
        tape.forget(2);
        tape.push(&[4.0]);
        assert_eq!(tape.get(0..3), [2.0]);
        assert_eq!(tape.get(3..9), [3.0, 4.0]);
        assert!(tape.get(std::ops::Range { start: 9, end: 3 }).is_empty());
        tape.forget(90);
        assert_eq!((tape.end(), tape.get(0..90)), (5, &[][..]));
    }
}
