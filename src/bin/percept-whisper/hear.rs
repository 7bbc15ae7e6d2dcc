//! Sound to what was said in it: the language, the prompt, the decoder, and what is left out.

use std::time::Instant;

use percept::wire::{DoneReport, Event, Failure, Output, Segment, SpeechOptions, StopReason, Timings, Usage};

use crate::clean;
use crate::decode::{Decoder, Manner, Said};
use crate::language::{self, Spoken};
use crate::load::Ears;
use crate::prompt::Prompt;
use crate::words::{self, Spelt};

/// What segments start after the end of the sound less this are made up.
const TAIL_MS: u64 = 100;

/// What was said in some of the sound.
#[derive(Debug, Default)]
pub(crate) struct Understood {
    pub(crate) segments: Vec<Segment>,
    tokens: Vec<i32>,
}

/// Hears for one request.
pub(crate) struct Hearing<'m, 'o> {
    pub(crate) output: &'o Output<'o>,
    decoder: Decoder<'m>,
    prompt: Prompt,
    spoken: Spoken,
    words: bool,
    started: Instant,
}

impl<'m, 'o> Hearing<'m, 'o> {
    pub(crate) fn new(
        ears: Ears<'m>,
        speech: &SpeechOptions,
        output: &'o Output<'o>,
    ) -> Result<Self, Failure> {
        let wanted = language::wanted(speech, ears.multilingual)?;
        let mut hearing = Self {
            output,
            decoder: Decoder::new(ears, speech, output)?,
            prompt: Prompt::new(&speech.vocabulary, |text| ears.tokenize(text)),
            spoken: wanted.map(Spoken::known).unwrap_or_default(),
            words: speech.words,
            started: Instant::now(),
        };
        if let Some(code) = wanted {
            hearing.decoder.speak(code);
            hearing.tell(code, None);
        }
        Ok(hearing)
    }

    /// Decodes for good; `None` if it was cancelled.
    pub(crate) fn segments(
        &mut self,
        samples: &[f32],
        manner: Manner,
        offset_ms: u64,
    ) -> Result<Option<Understood>, Failure> {
        self.learn_language(samples, true)?;
        let prompt = match manner {
            // whisper.cpp carries what it said by itself.
            Manner::Whole => self.prompt.at(u64::MAX),
            _ => self.prompt.at(offset_ms),
        };
        let Some(said) = self.decoder.decode(samples, manner, &prompt)? else { return Ok(None) };
        let length_ms = milliseconds(samples.len());
        let spaceless = self.spoken.code.is_some_and(words::spaceless);
        let mut understood = Understood::default();
        for said in said {
            let Some(spelt) = self.cleaned(&said, manner, spaceless, length_ms) else { continue };
            let times = match manner {
                Manner::Utterance | Manner::Draft => 0..length_ms,
                Manner::Whole => said.start_ms..said.end_ms,
                Manner::Stretch => said.start_ms.min(length_ms)..said.end_ms.min(length_ms),
            };
            understood.segments.push(words::segment(&spelt, times, offset_ms, self.words));
            understood.tokens.extend(spelt.iter().flat_map(|word| &word.pieces).map(|piece| piece.id));
        }
        Ok(Some(understood))
    }

    /// Says what was understood; from now on it is what was said last.
    pub(crate) fn settle(&mut self, understood: Understood) {
        if let Some(last) = understood.segments.last() {
            self.prompt.said(understood.tokens, last.end_ms);
        }
        for segment in understood.segments {
            self.output.event(Event::Segment(segment));
        }
    }

    /// Decodes what is still being said to its text; `None` if it was given up.
    pub(crate) fn draft(&mut self, samples: &[f32], offset_ms: u64) -> Result<Option<String>, Failure> {
        self.learn_language(samples, false)?;
        let prompt = self.prompt.at(offset_ms);
        let Some(said) = self.decoder.decode(samples, Manner::Draft, &prompt)? else { return Ok(None) };
        let spaceless = self.spoken.code.is_some_and(words::spaceless);
        let length_ms = milliseconds(samples.len());
        let said = said.iter().filter_map(|said| self.cleaned(said, Manner::Draft, spaceless, length_ms));
        let text: String = said.flatten().map(|word| word.text).collect();
        Ok(Some(text.trim().to_owned()))
    }

    /// The report of a request that ends.
    pub(crate) fn report(&self, stop: StopReason) -> DoneReport {
        DoneReport {
            stop,
            usage: Usage { completion_tokens: self.decoder.tokens, ..Usage::default() },
            timings: Timings {
                decode_ms: self.started.elapsed().as_secs_f64() * 1000.0,
                ..Timings::default()
            },
        }
    }

    /// The words of a segment; `None` if nothing was said.
    fn cleaned(&self, said: &Said, manner: Manner, spaceless: bool, length_ms: u64) -> Option<Vec<Spelt>> {
        let spelt = words::spell(&said.pieces, spaceless);
        if manner == Manner::Whole {
            return Some(spelt);
        }
        let spelt = clean::without_loops(spelt);
        let text: String = spelt.iter().map(|word| word.text.as_str()).collect();
        let late = said.start_ms > 0 && said.start_ms + TAIL_MS >= length_ms;
        let sound_ms = match manner {
            Manner::Stretch => said.end_ms.min(length_ms).saturating_sub(said.start_ms),
            _ => length_ms,
        };
        // Who says the words of the glossary is heard: an echo has no sound of its own.
        let echo = || {
            clean::says_little(&text, said.no_speech, sound_ms)
                && clean::is_echo(&text, &self.prompt.glossary)
        };
        (!late && !clean::is_note(&text) && !echo()).then_some(spelt)
    }

    /// Finds out the language of these samples where it isn't known for good.
    fn learn_language(&mut self, samples: &[f32], for_good: bool) -> Result<(), Failure> {
        if self.spoken.settled {
            return Ok(());
        }
        let (code, sure) = self.decoder.detect(samples)?;
        self.decoder.speak(code);
        if self.spoken.detected(code, sure, samples.len(), for_good) {
            self.tell(code, Some(sure));
        }
        Ok(())
    }

    fn tell(&self, code: &str, detected: Option<u32>) {
        self.output.event(Event::Language { code: code.to_owned(), detected });
    }
}

/// The length of so many samples.
pub(crate) fn milliseconds(samples: usize) -> u64 {
    samples as u64 * 1000 / u64::from(percept::wire::SAMPLE_RATE)
}
