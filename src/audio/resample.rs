//! Any rate and any number of channels become mono at [`SAMPLE_RATE`], as it comes.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};

use crate::wire::SAMPLE_RATE;

use super::AudioError;

/// Rates outside of these are damage, and a resampler's tables grow with the rate.
pub(super) const LOWEST_RATE: u32 = 1000;
pub(super) const HIGHEST_RATE: u32 = 384_000;
/// Microphones in a room have 16 and more; a header that says thousands is damaged.
pub(super) const MOST_CHANNELS: usize = 64;
/// Sound is filtered in blocks of about so much: long enough for a steep filter, short
/// enough for words to appear while one talks.
const BLOCK_MS: u32 = 20;

/// Turns sound of any rate and channel count into mono of [`SAMPLE_RATE`], as it comes.
///
/// What goes in in one piece or in many comes out the same: the mean of the channels, within
/// -1 to 1, from the first sample on and as long as it was. It holds back 30 ms at most (a
/// block of 20 ms and half of the filter), a block of up to a second for rates that divide
/// badly; nothing at all where the rate is right already.
pub struct Resampler {
    channels: usize,
    /// Samples of a frame that has not come as a whole yet.
    torn: Vec<f32>,
    filter: Option<Filter>,
}

impl Resampler {
    /// For frames of so many samples (one a channel), so many a second.
    ///
    /// # Errors
    ///
    /// [`AudioError::Rate`] and [`AudioError::Channels`]: no sound has so many, or so few.
    pub fn new(rate: u32, channels: usize) -> Result<Self, AudioError> {
        if channels == 0 || channels > MOST_CHANNELS {
            return Err(AudioError::Channels(channels));
        }
        let filter = match rate {
            SAMPLE_RATE => None,
            LOWEST_RATE..=HIGHEST_RATE => Some(Filter::new(rate)?),
            _ => return Err(AudioError::Rate(rate)),
        };
        Ok(Self { channels, torn: Vec::new(), filter })
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Takes samples, one of each channel in turn; returns what is ready. What is no finite
    /// number is silence.
    pub fn push(&mut self, interleaved: &[f32]) -> Vec<f32> {
        let mono = self.mixed(interleaved);
        match &mut self.filter {
            Some(filter) => filter.push(&mono),
            None => mono,
        }
    }

    /// Returns the rest. All that came out together is as long as what went in, to the sample.
    /// Whatever is pushed now starts anew.
    pub fn finish(&mut self) -> Vec<f32> {
        self.torn.clear();
        self.filter.as_mut().map(Filter::finish).unwrap_or_default()
    }

    fn mixed(&mut self, interleaved: &[f32]) -> Vec<f32> {
        let missing = (self.channels - self.torn.len()) % self.channels;
        let (head, body) = interleaved.split_at(missing.min(interleaved.len()));
        self.torn.extend_from_slice(head);
        let mut mono = Vec::with_capacity(interleaved.len() / self.channels + 1);
        if self.torn.len() == self.channels {
            mono.push(mean(&self.torn));
            self.torn.clear();
        }
        let frames = body.chunks_exact(self.channels);
        self.torn.extend_from_slice(frames.remainder());
        mono.extend(frames.map(mean));
        mono
    }
}

fn mean(frame: &[f32]) -> f32 {
    let sum: f32 =
        frame.iter().map(|sample| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 }).sum();
    sum / frame.len() as f32
}

/// The filter and what belongs to its stream.
struct Filter {
    fft: Fft<f32>,
    rate: u64,
    /// What came and makes no block yet.
    waiting: Vec<f32>,
    /// How many samples came.
    taken: u64,
    /// How many went out.
    given: u64,
    /// How many come out before the first that is wanted: the delay of the filter.
    late: usize,
}

impl Filter {
    fn new(rate: u32) -> Result<Self, AudioError> {
        let block = (rate * BLOCK_MS / 1000) as usize;
        let fft = Fft::new(rate as usize, SAMPLE_RATE as usize, block, 1, FixedSync::Both)
            .map_err(|_| AudioError::Rate(rate))?;
        let late = fft.output_delay();
        Ok(Self { fft, rate: u64::from(rate), waiting: Vec::new(), taken: 0, given: 0, late })
    }

    fn push(&mut self, mono: &[f32]) -> Vec<f32> {
        self.taken += mono.len() as u64;
        self.waiting.extend_from_slice(mono);
        let block = self.fft.input_frames_next();
        let ready = self.waiting.len() / block * block;
        let mut out = Vec::with_capacity(ready / block * self.fft.output_frames_next());
        let waiting = std::mem::take(&mut self.waiting);
        let (blocks, rest) = waiting.split_at(ready);
        for block in blocks.chunks_exact(block) {
            self.block(block, &mut out);
        }
        self.waiting = rest.to_vec();
        self.given += out.len() as u64;
        out
    }

    fn finish(&mut self) -> Vec<f32> {
        let wanted = (self.taken * u64::from(SAMPLE_RATE) + self.rate / 2) / self.rate;
        let missing = wanted.saturating_sub(self.given) as usize;
        let mut out = Vec::new();
        let mut block = std::mem::take(&mut self.waiting);
        // One block for what waits, the rest to push out what the filter holds.
        let blocks = 1 + (missing + self.late).div_ceil(self.fft.output_frames_next());
        for _ in 0..blocks {
            block.resize(self.fft.input_frames_next(), 0.0);
            self.block(&block, &mut out);
            block.clear();
        }
        out.truncate(missing);
        self.fft.reset();
        (self.taken, self.given, self.late) = (0, 0, self.fft.output_delay());
        out
    }

    /// Filters one block, and leaves out what comes before the first sample.
    fn block(&mut self, block: &[f32], out: &mut Vec<f32>) {
        let start = out.len();
        out.resize(start + self.fft.output_frames_next(), 0.0);
        let made = out.len() - start;
        let from = InterleavedSlice::new(block, 1, block.len());
        let to = InterleavedSlice::new_mut(&mut out[start..], 1, made);
        // The sizes are the filter's own, so that neither can fail; if one did, this is silence.
        if let (Ok(from), Ok(mut to)) = (from, to) {
            let _ = self.fft.process_into_buffer(&from, &mut to, None);
        }
        let early = self.late.min(made);
        self.late -= early;
        out.drain(start..start + early);
    }
}

#[cfg(test)]
#[path = "resample_tests.rs"]
mod tests;
