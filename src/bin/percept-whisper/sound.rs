//! Reads sound files.
//!
//! A stand-in for `percept::audio::Reader`: wav of 16 bits, mono, 16 kHz.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use percept::wire::{Failure, FailureKind, SAMPLE_RATE};

/// Samples of a block.
const BLOCK: usize = SAMPLE_RATE as usize;

/// Bytes before the samples of a plain wav file.
const HEAD: usize = 44;

/// A file of sound, read in blocks.
pub(crate) struct Reader {
    stream: BufReader<File>,
    total_ms: u64,
    read: u64,
}

impl Reader {
    /// Opens a file.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let fail = |why: String| Failure::new(FailureKind::Media, format!("{} {why}", path.display()));
        let file = File::open(path).map_err(|error| fail(format!("can't be opened: {error}.")))?;
        let bytes = file.metadata().map_or(0, |about| about.len());
        let mut stream = BufReader::new(file);
        let mut head = [0; HEAD];
        stream.read_exact(&mut head).map_err(|_| fail("has no sound in it.".to_owned()))?;
        if &head[..4] != b"RIFF" {
            return Err(fail("is no wav file.".to_owned()));
        }
        let total_ms = (bytes - HEAD as u64) / 2 * 1000 / u64::from(SAMPLE_RATE);
        Ok(Self { stream, total_ms, read: 0 })
    }

    pub(crate) fn duration_ms(&self) -> Option<u64> {
        Some(self.total_ms)
    }

    pub(crate) fn read(&mut self) -> Option<Vec<f32>> {
        let mut bytes = Vec::new();
        self.stream.by_ref().take(2 * BLOCK as u64).read_to_end(&mut bytes).ok()?;
        let (samples, _) = bytes.as_chunks::<2>();
        self.read += samples.len() as u64;
        let samples: Vec<f32> =
            samples.iter().map(|bytes| f32::from(i16::from_le_bytes(*bytes)) / 32_768.0).collect();
        (!samples.is_empty()).then_some(samples)
    }

    pub(crate) fn position_ms(&self) -> u64 {
        self.read * 1000 / u64::from(SAMPLE_RATE)
    }

    pub(crate) fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}
