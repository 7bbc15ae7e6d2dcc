//! What is speech in a sound: samples in, stretches of speech out, and the sound of those.

use std::ops::Range;

use percept::wire::{Failure, FailureKind};
use whisper_rs::WhisperVadContext;

use crate::gate::Gate;
use crate::segmenter::{Frame, Open, Segmenter, Settings, Stretch};
use crate::silero::FRAME;
use crate::tape::Tape;

/// Frames that Silero hears before those that count. whisper.cpp starts its memory anew with
/// each call; after a second it knows as much as if it had heard all.
const WARM_UP: usize = 32;

/// What tells speech from the rest.
pub(crate) enum Voice<'m> {
    Silero(&'m mut WhisperVadContext),
    Energy(Gate),
}

/// Listens for stretches of speech, and keeps the sound that may become a part of one.
pub(crate) struct Ear<'m> {
    voice: Voice<'m>,
    segmenter: Segmenter,
    tape: Tape,
    /// Frames that were judged.
    judged: usize,
    /// Frames that are judged at once, at least.
    batch: usize,
}

impl<'m> Ear<'m> {
    pub(crate) fn new(voice: Voice<'m>, settings: Settings, batch: usize) -> Self {
        Self { voice, segmenter: Segmenter::new(settings), tape: Tape::default(), judged: 0, batch }
    }

    /// Takes more sound; the stretches that ended with it.
    pub(crate) fn push(&mut self, samples: &[f32]) -> Result<Vec<Stretch>, Failure> {
        self.tape.push(samples);
        let frames = self.tape.end() / FRAME - self.judged;
        if frames < self.batch {
            return Ok(Vec::new());
        }
        self.judge(frames)
    }

    /// No more comes: the stretches that are left.
    pub(crate) fn finish(&mut self) -> Result<Vec<Stretch>, Failure> {
        let length = self.tape.end();
        self.tape.push(&vec![0.0; length.next_multiple_of(FRAME) - length]);
        let frames = self.tape.end() / FRAME - self.judged;
        let mut stretches = self.judge(frames)?;
        stretches.extend(self.segmenter.finish());
        Ok(stretches)
    }

    pub(crate) fn open(&self) -> Option<Open> {
        self.segmenter.open()
    }

    /// Where the next stretch can start at the earliest.
    pub(crate) fn settled(&self) -> usize {
        self.segmenter.needed()
    }

    /// The samples of some frames.
    pub(crate) fn sound(&self, frames: &Range<usize>) -> &[f32] {
        self.tape.get(frames.start * FRAME..frames.end * FRAME)
    }

    /// Forgets what is no longer needed: what is before `frame`, as far as nothing that is
    /// still open or not judged yet needs it.
    pub(crate) fn forget(&mut self, frame: usize) {
        let needed = frame.min(self.segmenter.needed()).min(self.judged.saturating_sub(WARM_UP));
        self.tape.forget(needed * FRAME);
    }

    fn judge(&mut self, frames: usize) -> Result<Vec<Stretch>, Failure> {
        let new = self.judged..self.judged + frames;
        let speech = self.speech(&new)?;
        let mut stretches = Vec::new();
        for (frame, speech) in new.clone().zip(speech) {
            let loudness = loudness(self.sound(&(frame..frame + 1)));
            stretches.extend(self.segmenter.push(Frame { speech, loudness }));
        }
        self.judged = new.end;
        Ok(stretches)
    }

    /// The probability of speech of each frame.
    fn speech(&mut self, frames: &Range<usize>) -> Result<Vec<f32>, Failure> {
        let warm = frames.start.saturating_sub(WARM_UP);
        let sound = self.tape.get(warm * FRAME..frames.end * FRAME);
        match &mut self.voice {
            _ if frames.is_empty() => Ok(Vec::new()),
            Voice::Energy(gate) => {
                let new = &sound[(frames.start - warm) * FRAME..];
                Ok(new.chunks(FRAME).map(|frame| gate.push(loudness(frame))).collect())
            }
            Voice::Silero(context) => {
                context.detect_speech(sound).map_err(|error| {
                    let said = format!("The voice activity model failed ({error}).");
                    Failure::new(FailureKind::Internal, said)
                })?;
                Ok(context.probabilities().iter().skip(frames.start - warm).copied().collect())
            }
        }
    }
}

/// The root mean square.
fn loudness(samples: &[f32]) -> f32 {
    let sum: f32 = samples.iter().map(|sample| sample * sample).sum();
    (sum / samples.len().max(1) as f32).sqrt()
}

#[cfg(test)]
mod tests;
