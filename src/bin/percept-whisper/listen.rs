//! A stream to text while it comes.
//!
//! Each utterance is decoded again and again while it grows, for the eye; once for good when
//! it ends. What was settled is never decoded again.

use std::ops::Range;
use std::time::{Duration, Instant};

use percept::wire::{DoneReport, Event, Failure, Output, SpeechOptions, StopReason};

use crate::agree::Agreement;
use crate::decode::Manner;
use crate::hear::{Hearing, Understood};
use crate::load::Loaded;
use crate::segmenter::{FRAME_MS, Open, Settings, Stretch};
use crate::transcribe::frames;
use crate::vad::Ear;

const SETTINGS: Settings = Settings {
    least: 3,
    padding: frames(200),
    // A pause that settles what was said.
    pause: frames(500),
    // Longer is cut, so that little is left to decode when one stops.
    longest: frames(8_000),
};

/// Frames that are judged at once.
const BATCH: usize = 3;

/// How long to wait for sound before looking around again.
const PATIENCE: Duration = Duration::from_millis(200);

/// The shortest utterance that is decoded before its end.
const FIRST_DRAFT: usize = frames(600);

/// New sound that is worth a new draft.
const BETWEEN_DRAFTS: usize = frames(700);

/// Listens until no more comes.
pub(crate) fn listen(
    loaded: &mut Loaded,
    speech: &SpeechOptions,
    output: &Output<'_>,
) -> Result<DoneReport, Failure> {
    let (ears, voice) = loaded.parts();
    let mut listening = Listening {
        hearing: Hearing::new(ears, speech, output)?,
        ear: Ear::new(voice, SETTINGS, BATCH),
        pace: Pace::default(),
        ahead: None,
        agreement: Agreement::default(),
        shown: String::new(),
    };
    let finished = listening.run()?;
    let stop = if finished { StopReason::Finished } else { StopReason::Cancelled };
    Ok(listening.hearing.report(stop))
}

struct Listening<'m, 'o> {
    hearing: Hearing<'m, 'o>,
    ear: Ear<'m>,
    pace: Pace,
    /// What was decoded at the beginning of a pause, in case that it is the end.
    ahead: Option<(Range<usize>, Understood)>,
    agreement: Agreement,
    /// The partial text that is shown.
    shown: String,
}

impl Listening<'_, '_> {
    /// False if it was cancelled.
    fn run(&mut self) -> Result<bool, Failure> {
        loop {
            let heard = self.hearing.output.sound(PATIENCE)?;
            if self.hearing.output.cancelled() {
                return Ok(false);
            }
            let mut stretches = self.ear.push(&heard.samples)?;
            if heard.finished {
                stretches.extend(self.ear.finish()?);
            }
            for stretch in stretches {
                if !self.settle(&stretch)? {
                    return Ok(false);
                }
            }
            if heard.finished {
                return Ok(true);
            }
            let next = self.ear.open().map(|open| (self.pace.next(&open), open.frames));
            match next {
                Some((Next::Draft, frames)) => self.draft(&frames)?,
                Some((Next::Ahead, frames)) => self.decode_ahead(frames)?,
                Some((Next::Wait, _)) | None => {}
            }
            self.ear.forget(usize::MAX);
        }
    }

    /// An utterance is over: what it says stays. False if it was cancelled.
    fn settle(&mut self, stretch: &Stretch) -> Result<bool, Failure> {
        let ahead = self.ahead.take().filter(|(frames, _)| *frames == stretch.frames);
        let understood = match ahead {
            Some((_, understood)) => Some(understood),
            None => self.decode(&stretch.frames)?,
        };
        let Some(understood) = understood else { return Ok(false) };
        let nothing = understood.segments.is_empty();
        self.hearing.settle(understood);
        if nothing && !self.shown.is_empty() {
            self.hearing.output.event(Event::Partial { text: String::new() });
        }
        self.shown.clear();
        self.agreement = Agreement::default();
        self.pace = Pace::default();
        Ok(true)
    }

    fn decode(&mut self, frames: &Range<usize>) -> Result<Option<Understood>, Failure> {
        self.hearing.segments(self.ear.sound(frames), Manner::Utterance, start_ms(frames))
    }

    /// Decodes what may be the end of an utterance.
    fn decode_ahead(&mut self, frames: Range<usize>) -> Result<(), Failure> {
        self.pace.decoded_ahead(&frames);
        self.ahead = self.decode(&frames)?.map(|understood| (frames, understood));
        Ok(())
    }

    /// Decodes what is being said, for the eye.
    fn draft(&mut self, frames: &Range<usize>) -> Result<(), Failure> {
        let start = Instant::now();
        let text = self.hearing.draft(self.ear.sound(frames), start_ms(frames))?;
        self.pace.drafted(frames, start.elapsed());
        let text = text.map(|text| self.agreement.push(&text)).unwrap_or_default();
        if !text.is_empty() && text != self.shown {
            self.hearing.output.event(Event::Partial { text: text.clone() });
            self.shown = text;
        }
        Ok(())
    }
}

fn start_ms(frames: &Range<usize>) -> u64 {
    frames.start as u64 * u64::from(FRAME_MS)
}

/// What to do with an utterance that is not at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Wait for more.
    Wait,
    /// Decode it for the eye.
    Draft,
    /// A pause began: decode it in case that it is the end.
    Ahead,
}

/// Decides when an utterance is decoded before its end: not more often than is worth it, and
/// never more than the machine can.
#[derive(Debug, Default)]
struct Pace {
    /// Where the sound of the last draft ended.
    drafted: usize,
    /// New sound that the next draft waits for, in frames.
    interval: usize,
    /// Where the sound that was decoded ahead ended.
    ahead: usize,
}

impl Pace {
    fn next(&self, open: &Open) -> Next {
        let end = open.frames.end;
        if open.silent >= SETTINGS.padding {
            return if end == self.ahead { Next::Wait } else { Next::Ahead };
        }
        let enough = open.frames.len() >= FIRST_DRAFT && end >= self.drafted + self.interval;
        if open.silent == 0 && enough { Next::Draft } else { Next::Wait }
    }

    /// A draft took so long: as much sound as came meanwhile, and half of it again.
    fn drafted(&mut self, frames_of_it: &Range<usize>, took: Duration) {
        let cost = took.as_millis() as usize * 3 / 2 / FRAME_MS as usize;
        self.drafted = frames_of_it.end;
        self.interval = cost.max(BETWEEN_DRAFTS);
    }

    fn decoded_ahead(&mut self, frames: &Range<usize>) {
        self.ahead = frames.end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(end: usize, silent: usize) -> Open {
        Open { frames: 0..end, silent }
    }

    #[test]
    fn drafts_come_as_often_as_they_are_worth_and_can_be_made() {
        let mut pace = Pace::default();
        assert_eq!(pace.next(&open(FIRST_DRAFT - 1, 0)), Next::Wait);
        assert_eq!(pace.next(&open(FIRST_DRAFT, 0)), Next::Draft);
        pace.drafted(&(0..FIRST_DRAFT), Duration::from_millis(10));
        assert_eq!(pace.next(&open(FIRST_DRAFT + BETWEEN_DRAFTS - 1, 0)), Next::Wait);
        assert_eq!(pace.next(&open(FIRST_DRAFT + BETWEEN_DRAFTS, 0)), Next::Draft);
        pace.drafted(&(0..FIRST_DRAFT), Duration::from_millis(3_200));
        assert_eq!(pace.next(&open(FIRST_DRAFT + 149, 0)), Next::Wait);
        assert_eq!(pace.next(&open(FIRST_DRAFT + 150, 0)), Next::Draft);
    }

    #[test]
    fn a_pause_is_decoded_ahead_once() {
        let mut pace = Pace::default();
        assert_eq!(pace.next(&open(50, SETTINGS.padding - 1)), Next::Wait);
        assert_eq!(pace.next(&open(50, SETTINGS.padding)), Next::Ahead);
        pace.decoded_ahead(&(0..50));
        assert_eq!(pace.next(&open(50, SETTINGS.padding + 3)), Next::Wait);
        assert_eq!(pace.next(&open(90, SETTINGS.padding)), Next::Ahead);
    }
}
