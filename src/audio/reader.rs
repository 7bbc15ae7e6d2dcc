//! A file of sound, block by block.

use std::path::{Path, PathBuf};

use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::errors::Error;
use symphonia::core::formats::FormatReader;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase, Timestamp};

use crate::text::clock;
use crate::wire::SAMPLE_RATE;

use super::damage::Damage;
use super::open::{self, Decodable, apart};
use super::source::Allowance;
use super::{AudioError, Container, Resampler};

/// The samples of a block: a second.
const BLOCK: usize = SAMPLE_RATE as usize;
/// The packets that are looked at for one block, so that whoever reads can stop in between.
const PACKETS_AT_ONCE: u32 = 4096;
/// Errors in a row after which nothing more is hoped for.
const MOST_ERRORS: u32 = 64;
/// Packets of the track in a row without sound, the same: tables may claim billions for nothing.
const MOST_EMPTY: u32 = 100_000;
/// Packets that are further apart than so much have a gap between them; timestamps of less
/// precise containers jitter by some.
const GAP_MS: u64 = 50;
/// Gaps are filled with silence, so that times stay right, up to so much together. What claims
/// more has damaged timestamps.
const MOST_SILENCE_MS: u64 = 3_600_000;
/// A packet that is lost counts as so long at most, whatever it says.
const MOST_LOST_MS: u64 = 1000;
/// A recording that ends so much before the length that its file claims is cut off.
const CUT_MS: u64 = 1000;

/// A file of sound, read in blocks as mono samples at [`SAMPLE_RATE`]. Memory doesn't grow with
/// its length. Damage is skipped where it can be, and noted.
pub struct Reader {
    path: PathBuf,
    container: Container,
    demuxer: Box<dyn FormatReader>,
    allowance: Allowance,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    time_base: Option<TimeBase>,
    claimed_ms: Option<u64>,
    resampler: Option<(u32, Resampler)>,
    /// Samples of the last packet, interleaved; kept for its memory.
    decoded: Vec<f32>,
    /// What is to be given out, then so many samples of silence, then this packet.
    ready: Vec<f32>,
    silence: u64,
    held: Option<Packet>,
    filled_ms: u64,
    /// Where the next packet belongs, in seconds.
    now: f64,
    /// Where the stream that is read now began: streams may follow each other in one file.
    began: f64,
    /// Whether packets were lost since the last that was heard.
    lost: bool,
    errors: u32,
    empty: u32,
    ended: bool,
    given: u64,
    damage: Damage,
}

impl Reader {
    /// Opens a file and its first track of sound that can be decoded.
    ///
    /// # Errors
    ///
    /// It is no file, can't be read, is no recording, has no sound, or none that can be decoded.
    pub fn open(path: &Path) -> Result<Self, AudioError> {
        let allowance = Allowance::new();
        let (container, demuxer, Decodable { track, decoder, note }) = open::open(path, allowance.clone())?;
        let whole = demuxer.media_info();
        let own = track.time_base.zip(track.duration);
        let claimed = own.or(whole.time_base.zip(whole.duration));
        let mut damage = Damage::default();
        note.into_iter().for_each(|note| damage.whole(note));
        Ok(Self {
            path: path.to_owned(),
            container,
            allowance,
            decoder,
            track: track.id,
            time_base: track.time_base,
            claimed_ms: claimed.map(|(base, duration)| ms(base, duration)).filter(|ms| *ms > 0),
            demuxer,
            resampler: None,
            decoded: Vec::new(),
            ready: Vec::new(),
            silence: 0,
            held: None,
            filled_ms: 0,
            now: 0.0,
            began: 0.0,
            lost: false,
            errors: 0,
            empty: 0,
            ended: false,
            given: 0,
            damage,
        })
    }

    /// How long the file says that it is, in milliseconds; an estimate for mp3 without a table.
    pub fn duration_ms(&self) -> Option<u64> {
        self.claimed_ms
    }

    /// The next block, a second at most; `None` at the end. Blocks are empty where much of a
    /// file holds no sound, so that whoever reads can stop there.
    pub fn read(&mut self) -> Option<Vec<f32>> {
        match self.ended && self.silence == 0 && self.ready.is_empty() {
            true => None,
            // A thread a block costs nothing beside the block.
            false => apart(|| self.fill()).unwrap_or_else(|| Some(self.failed())),
        }
    }

    fn fill(&mut self) -> Option<Vec<f32>> {
        for _ in 0..PACKETS_AT_ONCE {
            let waits_for_more = !self.ended && self.silence == 0;
            match self.ready.len() {
                0 if self.silence > 0 => return Some(self.give_silence()),
                0 if self.ended => return None,
                length if length >= BLOCK || (length > 0 && !waits_for_more) => return Some(self.give()),
                _ => self.step(),
            }
        }
        Some(self.give())
    }

    /// How much was given out, in milliseconds.
    pub fn position_ms(&self) -> u64 {
        self.given * 1000 / u64::from(SAMPLE_RATE)
    }

    /// What is wrong with it as far as it was read, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        self.damage.notes()
    }

    fn give(&mut self) -> Vec<f32> {
        let rest = self.ready.split_off(self.ready.len().min(BLOCK));
        let block = std::mem::replace(&mut self.ready, rest);
        self.given += block.len() as u64;
        block
    }

    /// The rest, when a decoder failed in the middle of its work: nothing of it is used any more.
    fn failed(&mut self) -> Vec<f32> {
        self.resampler = None;
        self.held = None;
        self.give_up();
        self.give()
    }

    fn give_silence(&mut self) -> Vec<f32> {
        let count = self.silence.min(BLOCK as u64);
        self.silence -= count;
        self.given += count;
        vec![0.0; count as usize]
    }

    /// Reads one packet.
    fn step(&mut self) {
        if let Some(packet) = self.held.take() {
            return self.hear(&packet);
        }
        self.allowance.renew();
        match self.demuxer.next_packet() {
            Ok(Some(packet)) if packet.track_id == self.track => self.take(packet),
            Ok(Some(_)) => {}
            Ok(None) => self.end(),
            Err(Error::ResetRequired) => self.next_stream(),
            Err(Error::IoError(error)) => self.broke_off(&error),
            Err(_) if self.errors < MOST_ERRORS => self.errors += 1,
            Err(_) => self.give_up(),
        }
    }

    /// Takes a packet, or the silence before it where there is a gap.
    fn take(&mut self, packet: Packet) {
        let start = self.began + self.time_base.map_or(0.0, |base| seconds(base, packet.pts));
        let gap_ms = ((start - self.now) * 1000.0) as u64;
        if gap_ms < GAP_MS || self.filled_ms.saturating_add(gap_ms) > MOST_SILENCE_MS {
            return self.hear(&packet);
        }
        if !std::mem::take(&mut self.lost) {
            self.damage.stretch(self.now_ms(), gap_ms);
        }
        self.flush();
        self.filled_ms += gap_ms;
        self.silence = gap_ms * u64::from(SAMPLE_RATE) / 1000;
        self.now = start;
        self.held = Some(packet);
    }

    fn hear(&mut self, packet: &Packet) {
        match self.decoder.decode(packet) {
            Ok(sound) => {
                sound.copy_to_vec_interleaved(&mut self.decoded);
                let (rate, channels) = (sound.spec().rate(), sound.spec().channels().count());
                self.push(rate, channels);
            }
            Err(Error::ResetRequired) => self.next_stream(),
            Err(_) if self.errors < MOST_ERRORS => self.lose(packet),
            Err(_) => self.give_up(),
        }
    }

    /// Takes what was decoded. Rates and channels may change within a file.
    fn push(&mut self, rate: u32, channels: usize) {
        self.errors = 0;
        let frames = self.decoded.len() / channels.max(1);
        if frames == 0 {
            self.empty += 1;
            if self.empty > MOST_EMPTY {
                self.give_up();
            }
            return;
        }
        self.empty = 0;
        self.lost = false;
        let same = self
            .resampler
            .as_ref()
            .is_some_and(|(own, resampler)| (*own, resampler.channels()) == (rate, channels));
        if !same {
            self.flush();
            match Resampler::new(rate, channels) {
                Ok(resampler) => self.resampler = Some((rate, resampler)),
                Err(error) => {
                    self.damage.whole(error.to_string());
                    return self.give_up();
                }
            }
        }
        if let Some((_, resampler)) = &mut self.resampler {
            self.ready.extend(resampler.push(&self.decoded));
        }
        self.now += frames as f64 / f64::from(rate);
    }

    fn lose(&mut self, packet: &Packet) {
        self.errors += 1;
        self.lost = true;
        let lost_ms = self.time_base.map_or(0, |base| ms(base, packet.dur)).min(MOST_LOST_MS);
        self.damage.stretch(self.now_ms(), lost_ms);
    }

    /// Another stream follows in the same file, with times of its own.
    fn next_stream(&mut self) {
        self.errors += 1;
        self.began = self.now;
        match open::decodable(&self.path, self.demuxer.tracks()) {
            Ok(Decodable { track, decoder, .. }) if self.errors < MOST_ERRORS => {
                (self.track, self.time_base, self.decoder) = (track.id, track.time_base, decoder);
            }
            _ => self.give_up(),
        }
    }

    fn broke_off(&mut self, error: &std::io::Error) {
        if error.kind() != std::io::ErrorKind::UnexpectedEof {
            self.damage.whole(format!("From {} on it can't be read: {error}.", clock(self.now_ms())));
        }
        self.end();
    }

    fn give_up(&mut self) {
        self.damage.whole(format!("From {} on it is too damaged to be read.", clock(self.now_ms())));
        self.end();
    }

    fn end(&mut self) {
        self.flush();
        self.ended = true;
        let end_ms = self.now_ms();
        // Without a table the length of an mp3 is a guess from its first frames.
        let certain = !matches!(self.container, Container::Mpeg | Container::Adts);
        match self.claimed_ms {
            Some(claimed) if certain && end_ms.saturating_add(CUT_MS) < claimed => {
                let (end, claimed) = (clock(end_ms), clock(claimed));
                self.damage.whole(format!("The recording is cut off: it ends at {end} of {claimed}."));
            }
            _ if self.lost => {
                self.damage.whole(format!("The end, from {} on, can't be heard.", clock(end_ms)))
            }
            _ => {}
        }
    }

    fn flush(&mut self) {
        if let Some((_, resampler)) = &mut self.resampler {
            self.ready.extend(resampler.finish());
        }
    }

    fn now_ms(&self) -> u64 {
        (self.now * 1000.0) as u64
    }
}

fn ms(base: TimeBase, duration: Duration) -> u64 {
    u64::try_from(base.calc_duration_saturating(duration).as_millis()).unwrap_or(0)
}

fn seconds(base: TimeBase, at: Timestamp) -> f64 {
    base.calc_time_saturating(at).as_secs_f64()
}
