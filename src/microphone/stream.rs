//! A device that is open: its callback writes into a ring that another thread reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{
    BufferSize, Data, FromSample, HostId, I24, InputCallbackInfo, SampleFormat, SizedSample, StreamConfig,
    U24,
};
use rtrb::{Consumer, Producer, RingBuffer};

use super::MicrophoneError;
use super::device::Found;

/// What comes while the reading thread isn't given the processor waits in the ring.
const RING: Duration = Duration::from_secs(4);

/// How much PulseAudio gives at once at most. Without a bound it records in bursts of 2 s. It
/// asks the device for half of it, and drops a burst that is longer: so it isn't smaller.
const BURST: Duration = Duration::from_millis(200);

/// A device that says it is more late than this is not believed.
const LATE: Duration = Duration::from_millis(500);

/// Where sound comes from: a device or a file.
pub(super) struct Source {
    pub(super) name: String,
    /// Frames a second.
    pub(super) rate: u32,
    pub(super) channels: usize,
    /// The interleaved samples.
    pub(super) ring: Consumer<f32>,
    pub(super) tally: Arc<Tally>,
    /// What fills the ring. Dropped, it stops.
    pub(super) _alive: Box<dyn Send>,
}

/// What the callback counts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Frames for which the ring had no room.
    pub(super) dropped: AtomicU64,
    /// How old the last frame was when it came, in microseconds, by what the device says.
    pub(super) late: AtomicU32,
}

/// Opens a device. `on_error` is told what goes wrong later, on a thread of the system's.
///
/// It returns when the device has given its first samples or refused, on some systems; it may
/// hang where the system does.
///
/// # Errors
///
/// When the device is gone, busy or not allowed, or gives no samples that can be read.
pub(super) fn open(
    found: &Found,
    on_error: impl FnMut(cpal::Error) + Send + 'static,
) -> Result<Source, MicrophoneError> {
    let failed = |error: cpal::Error| MicrophoneError::of(&found.name, &error);
    let supported = found.device.default_input_config().map_err(failed)?;
    let (rate, channels) = (supported.sample_rate(), usize::from(supported.channels()));
    let is_pulse = found.device.id().is_ok_and(|id| is_pulse(id.host()));
    let config = StreamConfig {
        buffer_size: match is_pulse {
            true => BufferSize::Fixed(samples_in(BURST, rate, 1).try_into().unwrap_or(u32::MAX)),
            false => BufferSize::Default,
        },
        ..supported.config()
    };
    let (into, ring) = RingBuffer::new(samples_in(RING, rate, channels));
    let tally = Arc::new(Tally::default());
    let write = Write { into, channels, rate, tally: Arc::clone(&tally) };
    let stream = found
        .device
        .build_input_stream_raw(
            config,
            supported.sample_format(),
            write.callback(&supported.sample_format()).ok_or_else(|| MicrophoneError::Failed {
                device: found.name.clone(),
                why: format!("it gives samples as {}, which percept can't read", supported.sample_format()),
            })?,
            on_error,
            None,
        )
        .map_err(failed)?;
    stream.play().map_err(failed)?;
    Ok(Source { name: found.name.clone(), rate, channels, ring, tally, _alive: Box::new(stream) })
}

#[cfg(target_os = "linux")]
fn is_pulse(host: HostId) -> bool {
    host == HostId::PulseAudio
}

#[cfg(not(target_os = "linux"))]
fn is_pulse(_: HostId) -> bool {
    false
}

/// How many samples of so many channels a span has.
pub(super) fn samples_in(span: Duration, rate: u32, channels: usize) -> usize {
    let frames = span.as_millis() * u128::from(rate) / 1000;
    usize::try_from(frames).unwrap_or(usize::MAX).saturating_mul(channels)
}

/// The callback: it converts into the ring and counts, and neither allocates nor locks.
struct Write {
    into: Producer<f32>,
    channels: usize,
    rate: u32,
    tally: Arc<Tally>,
}

type Callback = Box<dyn FnMut(&Data, &InputCallbackInfo) + Send>;

impl Write {
    /// The callback for a format, if it is one of samples.
    fn callback(self, format: &SampleFormat) -> Option<Callback> {
        Some(match format {
            SampleFormat::I8 => self.reading::<i8>(),
            SampleFormat::I16 => self.reading::<i16>(),
            SampleFormat::I24 => self.reading::<I24>(),
            SampleFormat::I32 => self.reading::<i32>(),
            SampleFormat::I64 => self.reading::<i64>(),
            SampleFormat::U8 => self.reading::<u8>(),
            SampleFormat::U16 => self.reading::<u16>(),
            SampleFormat::U24 => self.reading::<U24>(),
            SampleFormat::U32 => self.reading::<u32>(),
            SampleFormat::U64 => self.reading::<u64>(),
            SampleFormat::F32 => self.reading::<f32>(),
            SampleFormat::F64 => self.reading::<f64>(),
            _ => return None,
        })
    }

    fn reading<T: SizedSample + 'static>(mut self) -> Callback
    where
        f32: FromSample<T>,
    {
        Box::new(move |data, info| {
            let samples = data.as_slice::<T>().unwrap_or_default();
            let stamp = info.timestamp();
            self.count(samples.len(), stamp.callback.saturating_duration_since(stamp.capture));
            self.write(samples);
        })
    }

    fn write<T: Copy>(&mut self, samples: &[T])
    where
        f32: FromSample<T>,
    {
        let room = self.into.slots();
        // Whole frames only, or the channels would change places.
        let taken = samples.len().min(room - room % self.channels);
        if let Ok(chunk) = self.into.write_chunk_uninit(taken) {
            chunk.fill_from_iter(samples.iter().map(|&sample| f32::from_sample_(sample)));
        }
        let dropped = (samples.len() - taken) / self.channels;
        if dropped > 0 {
            self.tally.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
        }
    }

    /// Notes how late the last of so many samples is, where the first is late by `first`.
    fn count(&self, samples: usize, first: Duration) {
        let frames = (samples / self.channels) as u64;
        let long = Duration::from_micros(frames * 1_000_000 / u64::from(self.rate));
        let late = first.saturating_sub(long).min(LATE);
        self.tally.late.store(u32::try_from(late.as_micros()).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<T: Copy>(samples: &[T], room: usize, channels: usize) -> (Vec<f32>, u64)
    where
        f32: FromSample<T>,
    {
        let (into, mut ring) = RingBuffer::new(room);
        let tally = Arc::new(Tally::default());
        let mut write = Write { into, channels, rate: 48_000, tally: Arc::clone(&tally) };
        write.write(samples);
        let there = ring.slots();
        (ring.read_chunk(there).unwrap().into_iter().collect(), tally.dropped.load(Ordering::Relaxed))
    }

    #[test]
    fn every_format_becomes_the_same_sound() {
        let half = [0.0, 0.5, -0.5];
        assert_eq!(written(&[0.0_f32, 0.5, -0.5], 8, 1).0, half);
        assert_eq!(written(&[0_i16, 1 << 14, -(1 << 14)], 8, 1).0, half);
        assert_eq!(written(&[0_i32, 1 << 30, -(1 << 30)], 8, 1).0, half);
        assert_eq!(written(&[128_u8, 192, 64], 8, 1).0, half);
        assert_eq!(
            written(&[I24::new(0).unwrap(), I24::new(1 << 22).unwrap(), I24::new(-(1 << 22)).unwrap()], 8, 1)
                .0,
            half
        );
    }

    #[test]
    fn what_the_ring_has_no_room_for_is_counted_in_whole_frames() {
        let (samples, dropped) = written(&[0.1_f32, 0.2, 0.3, 0.4, 0.5, 0.6], 5, 2);
        assert_eq!((samples, dropped), (vec![0.1, 0.2, 0.3, 0.4], 1));
    }
}
