//! One recording: the sound of it that is not text for good, and how far it is.

use crate::wire::SAMPLE_RATE;

/// The most sound that is kept to be heard again: ten minutes, 38 MB. A worker that has
/// settled nothing for so long has heard silence.
const MOST_KEPT: usize = 10 * 60 * SAMPLE_RATE as usize;

/// So much more may be kept, so that what is kept is not moved for every block.
const SLACK: usize = 60 * SAMPLE_RATE as usize;

/// A recording.
#[derive(Debug, Default)]
pub(super) struct Take {
    /// Its number; they grow.
    pub(super) id: u64,
    /// The request that hears it.
    pub(super) listen: Option<u64>,
    /// Words that are likely in it; `None`: not known yet.
    pub(super) vocabulary: Option<Vec<String>>,
    /// It was stopped: its last sound may still come.
    pub(super) stopped: bool,
    /// All its sound has come.
    pub(super) ended: bool,
    /// The device was lost before it gave any sound, and opened anew for this recording.
    pub(super) reopened: bool,
    /// What is being said, not for good.
    pub(super) partial: String,
    /// The sound that no segment covers.
    kept: Vec<f32>,
    /// Where that begins, in samples from the start.
    kept_from: u64,
    /// Where the sound of the request that hears it begins.
    listen_from: u64,
}

impl Take {
    pub(super) fn new(id: u64) -> Self {
        Self { id, ..Self::default() }
    }

    /// Keeps sound until it is text.
    pub(super) fn keep(&mut self, samples: &[f32]) {
        self.kept.extend_from_slice(samples);
        if self.kept.len() > MOST_KEPT + SLACK {
            self.forget_to(self.heard() - MOST_KEPT as u64);
        }
    }

    /// The request that hears it from now on: from the first sound that is no text yet,
    /// which is returned.
    pub(super) fn listen(&mut self, request: u64) -> &[f32] {
        self.listen = Some(request);
        self.listen_from = self.kept_from;
        &self.kept
    }

    /// The sound up to there, in milliseconds of the request that hears it, is text for good.
    pub(super) fn settle(&mut self, end_ms: u64) {
        let samples = end_ms.saturating_mul(u64::from(SAMPLE_RATE)) / 1000;
        self.forget_to(self.listen_from.saturating_add(samples));
        self.partial.clear();
    }

    fn forget_to(&mut self, sample: u64) {
        let gone = sample.saturating_sub(self.kept_from).min(self.kept.len() as u64);
        self.kept.drain(..gone as usize);
        self.kept_from += gone;
    }

    /// Samples that came.
    fn heard(&self) -> u64 {
        self.kept_from + self.kept.len() as u64
    }

    /// How long it is, in milliseconds of its sound.
    pub(super) fn elapsed_ms(&self) -> u64 {
        self.heard() * 1000 / u64::from(SAMPLE_RATE)
    }

    /// Whether any sound came.
    pub(super) fn is_silent(&self) -> bool {
        self.heard() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_yet_is_kept_and_its_length_is_that_of_all() {
        let mut take = Take::new(1);
        take.keep(&[1.0; 1600]);
        assert_eq!(take.listen(7).len(), 1600);
        take.keep(&[2.0; 1600]);
        take.settle(150);
        assert_eq!((take.elapsed_ms(), take.kept.len()), (200, 800));
        // The next request hears what is left, and counts from there.
        assert_eq!(take.listen(8), [2.0; 800]);
        take.settle(10);
        assert_eq!(take.kept.len(), 640);
        take.settle(u64::MAX);
        assert_eq!((take.elapsed_ms(), take.kept.len()), (200, 0));
    }

    #[test]
    fn no_more_than_ten_minutes_are_kept() {
        let mut take = Take::new(1);
        for _ in 0..12 {
            take.keep(&vec![0.0; SLACK]);
        }
        assert_eq!((take.kept.len(), take.elapsed_ms()), (MOST_KEPT, 12 * 60_000));
    }
}
