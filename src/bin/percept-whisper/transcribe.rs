//! A file to text: read in blocks, cut at pauses, decoded stretch by stretch.
//!
//! Only what may still be needed is kept, so that hours of sound take the memory of a minute.

use std::ops::Range;
use std::path::Path;

use percept::audio::{Reader, quietest};
use percept::wire::{
    DoneReport, Event, Failure, FailureKind, Output, SAMPLE_RATE, SpeechOptions, Stage, StopReason,
};

use crate::decode::Manner;
use crate::group::Groups;
use crate::hear::{Hearing, milliseconds};
use crate::load::Loaded;
use crate::segmenter::{FRAME_MS, Settings};
use crate::vad::Ear;

/// The most that is decoded at once: Whisper's window of 30 s less its margin.
const LONGEST_MS: u32 = 28_000;

/// Stretches with a longer pause between them are decoded one by one.
const LONGEST_PAUSE_MS: u32 = 2_000;

const SETTINGS: Settings =
    Settings { least: 3, padding: frames(250), pause: frames(500), longest: frames(LONGEST_MS) };

/// Frames that are judged at once: about 8 s, so that what Silero needs to warm up is little.
const BATCH: usize = 256;

/// Without looking for speech, what is decoded at once: whisper.cpp itself goes through it in
/// windows of 30 s. A longer file is cut at a quiet place, so that memory stays bounded.
const CHUNK: usize = 10 * 60 * SAMPLE_RATE as usize;

/// How far before the end of a chunk the quiet place is looked for: 10 s.
const CUT_WITHIN: usize = 10 * SAMPLE_RATE as usize;

/// Frames in so many milliseconds.
pub(crate) const fn frames(ms: u32) -> usize {
    (ms / FRAME_MS) as usize
}

/// Transcribes a file.
pub(crate) fn transcribe(
    loaded: &mut Loaded,
    path: &Path,
    speech: &SpeechOptions,
    output: &Output<'_>,
) -> Result<DoneReport, Failure> {
    let mut reader =
        Reader::open(path).map_err(|error| Failure::new(FailureKind::Media, error.to_string()))?;
    let (ears, voice) = loaded.parts();
    let mut file = Transcription {
        hearing: Hearing::new(ears, speech, output)?,
        total_ms: reader.duration_ms().unwrap_or(0),
    };
    let finished = match speech.vad {
        true => file.by_speech(&mut reader, Ear::new(voice, SETTINGS, BATCH))?,
        false => file.by_windows(&mut reader)?,
    };
    if !finished {
        return Ok(file.hearing.report(StopReason::Cancelled));
    }
    output.event(Event::Sound { duration_ms: reader.position_ms(), notes: reader.notes() });
    Ok(file.hearing.report(StopReason::Finished))
}

struct Transcription<'m, 'o> {
    hearing: Hearing<'m, 'o>,
    /// The length of the file, 0 if it doesn't say.
    total_ms: u64,
}

impl Transcription<'_, '_> {
    /// Decodes what is speech; false if it was cancelled.
    fn by_speech(&mut self, reader: &mut Reader, mut ear: Ear<'_>) -> Result<bool, Failure> {
        let mut groups = Groups::new(frames(LONGEST_MS), frames(LONGEST_PAUSE_MS));
        loop {
            let block = reader.read();
            if self.hearing.output.cancelled() {
                return Ok(false);
            }
            let stretches = match &block {
                Some(block) => ear.push(block)?,
                None => ear.finish()?,
            };
            let mut ready: Vec<Range<usize>> =
                stretches.iter().filter_map(|stretch| groups.push(stretch)).collect();
            let settled = ear.settled();
            ready.extend(match block {
                Some(_) => groups.before(settled),
                None => groups.finish(),
            });
            for group in ready {
                if !self.decode(ear.sound(&group), &group)? {
                    return Ok(false);
                }
            }
            if block.is_none() {
                self.progress(reader.position_ms());
                return Ok(true);
            }
            let needed = groups.open().map_or(settled, |open| open.start);
            self.progress(needed as u64 * u64::from(FRAME_MS));
            ear.forget(needed);
        }
    }

    fn decode(&mut self, sound: &[f32], group: &Range<usize>) -> Result<bool, Failure> {
        self.say(sound, Manner::Stretch, group.start as u64 * u64::from(FRAME_MS))
    }

    /// Decodes all, speech or not, as whisper.cpp does; false if it was cancelled.
    fn by_windows(&mut self, reader: &mut Reader) -> Result<bool, Failure> {
        let (mut sound, mut start) = (Vec::new(), 0);
        loop {
            let block = reader.read();
            let ended = block.is_none();
            sound.extend(block.unwrap_or_default());
            if self.hearing.output.cancelled() {
                return Ok(false);
            }
            if !ended && sound.len() < CHUNK {
                continue;
            }
            let end = if ended { sound.len() } else { quietest(&sound, CUT_WITHIN) };
            let chunk: Vec<f32> = sound.drain(..end).collect();
            if !chunk.is_empty() && !self.say(&chunk, Manner::Whole, milliseconds(start))? {
                return Ok(false);
            }
            start += end;
            self.progress(milliseconds(start));
            if ended {
                return Ok(true);
            }
        }
    }

    fn say(&mut self, sound: &[f32], manner: Manner, offset_ms: u64) -> Result<bool, Failure> {
        let understood = self.hearing.segments(sound, manner, offset_ms)?;
        let finished = understood.is_some();
        self.hearing.settle(understood.unwrap_or_default());
        Ok(finished)
    }

    fn progress(&self, done: u64) {
        let (stage, total) = (Stage::Transcribing, self.total_ms);
        let done = if total > 0 { done.min(total) } else { done };
        self.hearing.output.event(Event::Progress { stage, done, total });
    }
}
