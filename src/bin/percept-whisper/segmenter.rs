//! Finds stretches of speech: a state machine over what each frame is.
//!
//! It looks at nothing but the probability of speech and the loudness of one frame after the
//! other, and says where a stretch starts and ends. What a stretch says is none of its
//! business.

use std::ops::Range;

/// Milliseconds of a frame: 512 samples.
pub(crate) const FRAME_MS: u32 = 32;

/// A frame that starts speech.
const SPEECH: f32 = 0.5;

/// A frame that goes on with speech: Silero's own hysteresis.
const STILL_SPEECH: f32 = 0.35;

/// Frames that a place is judged by when a quiet one is looked for: about 100 ms.
const SMOOTH: usize = 3;

/// What one frame is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Frame {
    /// The probability of speech, 0 to 1.
    pub(crate) speech: f32,
    /// Root mean square of its samples.
    pub(crate) loudness: f32,
}

/// What counts as a stretch, all in frames.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Frames of speech in a row that start a stretch: a click is shorter.
    pub(crate) least: usize,
    /// What is kept before and after the speech.
    pub(crate) padding: usize,
    /// The pause that ends a stretch.
    pub(crate) pause: usize,
    /// A stretch that gets as long is cut.
    pub(crate) longest: usize,
}

/// Speech from one frame up to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) frames: Range<usize>,
}

/// The stretch that is not at its end yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    /// Its frames up to now; the pause at its end only as far as padding goes.
    pub(crate) frames: Range<usize>,
    /// Frames without speech at its end.
    pub(crate) silent: usize,
}

/// The state machine.
#[derive(Debug)]
pub(crate) struct Segmenter {
    settings: Settings,
    /// The number of the next frame.
    next: usize,
    /// Frames of speech in a row up to now.
    run: usize,
    open: Option<Speech>,
    /// Where the last stretch ended: the next one starts no earlier.
    free: usize,
}

#[derive(Debug)]
struct Speech {
    start: usize,
    /// Just after its last frame of speech.
    end: usize,
    /// Of all frames since the start.
    loudness: Vec<f32>,
}

impl Segmenter {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, next: 0, run: 0, open: None, free: 0 }
    }

    /// Takes the next frame, and says what has come to its end with it.
    pub(crate) fn push(&mut self, frame: Frame) -> Option<Stretch> {
        let at = self.next;
        self.next += 1;
        let wanted = if self.open.is_some() { STILL_SPEECH } else { SPEECH };
        let speech = frame.speech >= wanted;
        self.run = if speech { self.run + 1 } else { 0 };
        match &mut self.open {
            None if self.run >= self.settings.least => self.begin(frame),
            None => {}
            Some(open) => {
                open.loudness.push(frame.loudness);
                if speech {
                    open.end = at + 1;
                }
            }
        }
        self.ended()
    }

    /// The stretch that is open now.
    pub(crate) fn open(&self) -> Option<Open> {
        self.open
            .as_ref()
            .map(|open| Open { frames: open.start..self.padded(open.end), silent: self.next - open.end })
    }

    /// The sound is over: what is open ends here.
    pub(crate) fn finish(&mut self) -> Option<Stretch> {
        // After a cut there may be nothing but the pause.
        let open = self.open.take().filter(|open| open.end > open.start)?;
        let end = self.padded(open.end);
        self.free = end;
        Some(Stretch { frames: open.start..end })
    }

    /// The first frame that may still become part of a stretch.
    pub(crate) fn needed(&self) -> usize {
        match &self.open {
            Some(open) => open.start,
            None => self.next.saturating_sub(self.run.max(self.settings.least) + self.settings.padding),
        }
        .max(self.free.min(self.next))
    }

    fn begin(&mut self, frame: Frame) {
        let first = self.next - self.run;
        let start = first.saturating_sub(self.settings.padding).max(self.free);
        // What the frames before were is no longer known; no cut is looked for there.
        let mut loudness = vec![f32::MAX; self.next - start - 1];
        loudness.push(frame.loudness);
        self.open = Some(Speech { start, end: self.next, loudness });
    }

    fn padded(&self, end: usize) -> usize {
        (end + self.settings.padding).min(self.next)
    }

    fn ended(&mut self) -> Option<Stretch> {
        let open = self.open.as_ref()?;
        if self.next - open.end >= self.settings.pause.max(1) {
            return self.finish();
        }
        (self.next - open.start >= self.settings.longest).then(|| self.cut()).flatten()
    }

    /// Cuts the open stretch at its quietest place, and goes on with the rest.
    fn cut(&mut self) -> Option<Stretch> {
        let open = self.open.as_mut()?;
        let at = open.start + quietest(&open.loudness);
        let stretch = Stretch { frames: open.start..at };
        open.loudness.drain(..at - open.start);
        (open.start, self.free) = (at, at);
        open.end = open.end.max(at);
        Some(stretch)
    }
}

/// The quietest place of the second half, its last frames left out: they may be the middle
/// of a sound. At least 1.
fn quietest(loudness: &[f32]) -> usize {
    let (from, to) = (loudness.len() / 2, loudness.len().saturating_sub(SMOOTH));
    let around = |place: usize| loudness[place - SMOOTH / 2..=place + SMOOTH / 2].iter().sum::<f32>();
    let places = from.max(SMOOTH)..to;
    places
        .min_by(|left, right| around(*left).total_cmp(&around(*right)))
        .unwrap_or(from)
        .clamp(1, loudness.len().max(1))
}

#[cfg(test)]
mod tests;
