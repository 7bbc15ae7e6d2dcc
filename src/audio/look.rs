//! A look at a recording: how long it is, and its shape.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::wire::SAMPLE_RATE;

use super::{AudioError, Reader};

/// The values of a waveform.
const PEAKS: usize = 64;
/// The parts that are kept on the way, at most: enough for each value to be a peak of several.
const MOST_PARTS: usize = 16 * PEAKS;
/// The samples of a part at first: 10 ms.
const FIRST_PART: u64 = SAMPLE_RATE as u64 / 100;

/// What is known of a recording without understanding it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Its length, as far as it can be read, in milliseconds.
    pub duration_ms: u64,
    /// The peaks of 64 equal stretches, 0 (silence) to 255 (the loudest there is); empty where
    /// no sound can be read.
    pub waveform: Vec<u8>,
    /// What is wrong with it, a sentence each.
    pub notes: Vec<String>,
}

/// Reads a recording from end to end. `tell` is told how many milliseconds were read; setting
/// `stop` ends it.
///
/// # Errors
///
/// As [`Reader::open`]; [`AudioError::Stopped`].
pub fn look(path: &Path, stop: &AtomicBool, tell: &mut dyn FnMut(u64)) -> Result<Look, AudioError> {
    let mut reader = Reader::open(path)?;
    let mut waveform = Waveform::default();
    while let Some(block) = reader.read() {
        if stop.load(Ordering::Relaxed) {
            return Err(AudioError::Stopped);
        }
        waveform.add(&block);
        tell(reader.position_ms());
    }
    let (duration_ms, notes) = (reader.position_ms(), reader.notes());
    Ok(Look { duration_ms, waveform: waveform.peaks(), notes })
}

/// Peaks of a stream of any length: when there are too many, each two become one.
struct Waveform {
    parts: Vec<f32>,
    /// The samples that a part stands for.
    part: u64,
    /// The samples in the last part.
    filled: u64,
}

impl Default for Waveform {
    fn default() -> Self {
        Self { parts: Vec::new(), part: FIRST_PART, filled: FIRST_PART }
    }
}

impl Waveform {
    fn add(&mut self, samples: &[f32]) {
        let mut rest = samples;
        while !rest.is_empty() {
            if self.filled == self.part {
                self.open_part();
            }
            let room = (self.part - self.filled).min(rest.len() as u64);
            let (now, later) = rest.split_at(room as usize);
            let peak = now.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()));
            if let Some(last) = self.parts.last_mut() {
                *last = last.max(peak);
            }
            self.filled += room;
            rest = later;
        }
    }

    fn open_part(&mut self) {
        if self.parts.len() == MOST_PARTS {
            self.parts = self.parts.chunks(2).map(|pair| pair.iter().copied().fold(0.0, f32::max)).collect();
            self.part *= 2;
        }
        self.parts.push(0.0);
        self.filled = 0;
    }

    /// The peaks of as many equal stretches; parts are repeated where there are fewer.
    fn peaks(&self) -> Vec<u8> {
        let parts = self.parts.len();
        let peak = |value: usize| {
            let from = value * parts / PEAKS;
            let to = ((value + 1) * parts / PEAKS).max(from + 1);
            let peak = self.parts[from..to].iter().copied().fold(0.0, f32::max);
            (peak.min(1.0) * 255.0).round() as u8
        };
        if parts == 0 { Vec::new() } else { (0..PEAKS).map(peak).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waveform_of_any_length_has_as_many_values_and_its_peak_where_it_was() {
        for length in [1usize, 100, 16_000, 1_000_000, 10_000_000] {
            let mut waveform = Waveform::default();
            let loud = length * 3 / 4;
            let samples: Vec<f32> = (0..length).map(|at| if at == loud { -1.0 } else { 0.25 }).collect();
            samples.chunks(12_345).for_each(|block| waveform.add(block));
            let peaks = waveform.peaks();
            assert_eq!(peaks.len(), PEAKS);
            assert!(waveform.parts.len() <= MOST_PARTS);
            let at = peaks.iter().position(|peak| *peak == 255).unwrap();
            assert!(length < 16_000 || at.abs_diff(PEAKS * 3 / 4) <= 1, "{length}: {at}");
            assert!(peaks.iter().all(|peak| *peak == 255 || *peak == 64));
        }
        assert_eq!(Waveform::default().peaks(), Vec::<u8>::new());
    }
}
