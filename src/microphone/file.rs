//! A sound file in place of a device, at the speed of time: then silence for ever.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rtrb::{Producer, RingBuffer};

use super::MicrophoneError;
use super::stream::{Source, Tally, samples_in};
use crate::audio::Reader;
use crate::wire::SAMPLE_RATE;

/// The beat at which samples come.
const BEAT: Duration = Duration::from_millis(20);

/// A reading thread that is late finds so much.
const RING: Duration = Duration::from_secs(4);

/// Stops the player when it is dropped.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Plays a file from now on.
///
/// # Errors
///
/// When it can't be read or has no sound.
pub(super) fn open(path: &Path) -> Result<Source, MicrophoneError> {
    let reader = Reader::open(path).map_err(|error| MicrophoneError::File(error.to_string()))?;
    let (into, ring) = RingBuffer::new(samples_in(RING, SAMPLE_RATE, 1));
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    std::thread::spawn(move || play(reader, into, &stopped));
    Ok(Source {
        name: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        rate: SAMPLE_RATE,
        channels: 1,
        ring,
        tally: Arc::new(Tally::default()),
        _alive: Box::new(Stop(stop)),
    })
}

/// Writes what is due by the time, and waits where there is no room: a file loses nothing.
fn play(mut reader: Reader, mut into: Producer<f32>, stopped: &AtomicBool) {
    let began = Instant::now();
    let (mut block, mut at, mut played) = (Vec::new(), 0, 0);
    while !stopped.load(Ordering::Relaxed) {
        let due = samples_in(began.elapsed(), SAMPLE_RATE, 1);
        while played < due && !into.is_full() {
            if at == block.len() {
                (block, at) = (reader.read().unwrap_or_else(|| vec![0.0; due - played]), 0);
                continue;
            }
            let end = block.len().min(at + due - played);
            let (written, _) = into.push_partial_slice(&block[at..end]);
            (at, played) = (at + written.len(), played + written.len());
        }
        std::thread::sleep(BEAT);
    }
}
