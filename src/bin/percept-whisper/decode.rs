//! Decodes sound with whisper.cpp: samples in, tokens with times out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use percept::wire::{Failure, FailureKind, Output, SAMPLE_RATE, SpeechOptions, Watch};
use whisper_rs::{FullParams, SamplingStrategy, WhisperError, WhisperSegment, WhisperState};

use crate::load::Ears;
use crate::model::AUDIO_CONTEXT;
use crate::words::Piece;

/// Samples of one position of the encoder: 20 ms.
const POSITION: usize = SAMPLE_RATE as usize / 50;

/// Positions beyond the sound that the encoder gets. Whisper was trained on sound that ends
/// in silence; without any it repeats itself.
const MARGIN: usize = 96;

/// The fewest positions: with less, Whisper says the same again and again.
const FEWEST: usize = 256;

/// The sizes of a context are multiples of this, so that few different ones occur.
const STEP: usize = 64;

/// The shortest sound that whisper.cpp decodes is 100 ms; shorter is filled with silence.
const SHORTEST: usize = SAMPLE_RATE as usize / 5;

/// whisper.cpp has room for as many hypotheses.
const MOST_BEAMS: u32 = 8;

/// More tokens than anyone says in a second, and some for a start: what goes on is a loop.
const TOKENS_A_SECOND: usize = 12;
const FIRST_TOKENS: usize = 24;

/// By how much the temperature rises each time that a text is no good: two more tries.
const FALLBACK: f32 = 0.4;

/// Hypotheses of each such try; whisper.cpp's own number takes long.
const RETRIES: i32 = 2;
const WHISPER_RETRIES: i32 = 5;

/// How a sound is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// In whole windows of 30 s, as whisper.cpp does by itself.
    Whole,
    /// Speech of a file, at most one window.
    Stretch,
    /// An utterance, in one go.
    Utterance,
    /// An utterance that isn't over: as quick as can be, and given up when no more comes.
    Draft,
}

/// What was understood in some of the sound, times in milliseconds from its start.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    /// The probability that it is no speech at all.
    pub(crate) no_speech: f32,
    pub(crate) pieces: Vec<Piece>,
}

/// Decodes for one request.
pub(crate) struct Decoder<'m> {
    ears: Ears<'m>,
    /// One for each request, so that nothing is left of the last one.
    state: WhisperState,
    /// whisper-rs never frees what callbacks and languages are made of, so that these are
    /// made once and copied.
    finals: FullParams<'static, 'static>,
    drafts: FullParams<'static, 'static>,
    watch: Watch,
    draft: Arc<AtomicBool>,
    /// Encode only as much as there is.
    sized: bool,
    words: bool,
    /// Tokens that were decoded.
    pub(crate) tokens: u64,
}

impl<'m> Decoder<'m> {
    pub(crate) fn new(ears: Ears<'m>, speech: &SpeechOptions, output: &Output<'_>) -> Result<Self, Failure> {
        let state = ears.context.create_state().map_err(|error| {
            let said = format!("There is not enough memory to decode speech ({error}).");
            Failure::new(FailureKind::Memory, said)
        })?;
        let draft = Arc::new(AtomicBool::new(false));
        let beam = speech.beam.clamp(1, MOST_BEAMS) as i32;
        let strategy = match beam {
            1 => SamplingStrategy::Greedy { best_of: if speech.vad { RETRIES } else { WHISPER_RETRIES } },
            beam_size => SamplingStrategy::BeamSearch { beam_size, patience: -1.0 },
        };
        let mut finals = params(strategy, ears, speech);
        let mut drafts = params(SamplingStrategy::Greedy { best_of: 1 }, ears, speech);
        for params in [&mut finals, &mut drafts] {
            // The type matters: whisper-rs calls what it was given as what it boxed it into.
            let stop: Box<dyn FnMut() -> bool> = stop(output.watch(), Arc::clone(&draft));
            params.set_abort_callback_safe::<_, Box<dyn FnMut() -> bool>>(stop);
        }
        let (sized, words) = (speech.vad, speech.words);
        Ok(Self { ears, state, finals, drafts, watch: output.watch(), draft, sized, words, tokens: 0 })
    }

    /// Says which language it is.
    pub(crate) fn speak(&mut self, language: &'static str) {
        self.finals.set_language(Some(language));
        self.drafts.set_language(Some(language));
    }

    /// Finds out the language, and how sure that is in thousandths.
    pub(crate) fn detect(&mut self, samples: &[f32]) -> Result<(&'static str, u32), Failure> {
        let samples = &padded(samples)[..];
        self.size(samples)?;
        let threads = self.ears.threads.max(1) as usize;
        let found = self.state.pcm_to_mel(samples, threads).and_then(|()| self.state.lang_detect(0, threads));
        let (id, probabilities) = found.map_err(internal)?;
        let sure = probabilities.get(id as usize).copied().unwrap_or(0.0);
        Ok((whisper_rs::get_lang_str(id).unwrap_or("en"), (sure * 1000.0).round() as u32))
    }

    /// Decodes; `None` if it was cancelled or given up.
    pub(crate) fn decode(
        &mut self,
        samples: &[f32],
        manner: Manner,
        prompt: &[i32],
    ) -> Result<Option<Vec<Said>>, Failure> {
        let samples = &padded(samples)[..];
        let mut params = if manner == Manner::Draft { self.drafts.clone() } else { self.finals.clone() };
        if manner != Manner::Whole {
            params.set_suppress_nst(true);
            params.set_temperature_inc(if manner == Manner::Draft { 0.0 } else { FALLBACK });
            params.set_max_tokens(
                (samples.len() * TOKENS_A_SECOND / SAMPLE_RATE as usize + FIRST_TOKENS) as i32,
            );
            params.set_audio_ctx(if self.sized { positions(samples.len()) } else { 0 });
        }
        let at_once = matches!(manner, Manner::Utterance | Manner::Draft);
        params.set_single_segment(at_once);
        params.set_no_timestamps(at_once && !self.words);
        if !prompt.is_empty() {
            params.set_tokens(prompt);
        }
        self.draft.store(manner == Manner::Draft, Ordering::Relaxed);
        match self.state.full(params, samples) {
            _ if self.stopped(manner) => Ok(None),
            Err(error) => Err(internal(error)),
            Ok(()) => {
                let said: Vec<Said> = self.state.as_iter().map(|segment| self.said(&segment)).collect();
                self.tokens += said.iter().map(|said| said.pieces.len() as u64).sum::<u64>();
                Ok(Some(said))
            }
        }
    }

    fn stopped(&self, manner: Manner) -> bool {
        self.watch.cancelled() || manner == Manner::Draft && self.watch.finished()
    }

    /// Sets the encoder's context for what whisper.cpp encodes outside of its main call: it
    /// keeps the size of the last such call, so that one is begun, and given up at once.
    fn size(&mut self, samples: &[f32]) -> Result<(), Failure> {
        if !self.sized {
            return Ok(());
        }
        let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
        params.set_print_progress(false);
        params.set_audio_ctx(positions(samples.len()));
        let stop: Box<dyn FnMut() -> bool> = Box::new(|| true);
        params.set_abort_callback_safe::<_, Box<dyn FnMut() -> bool>>(stop);
        match self.state.full(params, &[0.0; SHORTEST]) {
            Ok(()) | Err(WhisperError::GenericError(_)) => Ok(()),
            Err(error) => Err(internal(error)),
        }
    }

    fn said(&self, segment: &WhisperSegment<'_>) -> Said {
        let end_of_text = self.ears.context.token_eot();
        let pieces = (0..segment.n_tokens()).filter_map(|at| segment.get_token(at)).filter_map(|token| {
            let data = token.token_data();
            (data.id < end_of_text).then(|| Piece {
                id: data.id,
                bytes: token.to_bytes().unwrap_or_default().to_vec(),
                probability: data.p,
                start_ms: milliseconds(data.t0),
                end_ms: milliseconds(data.t1),
            })
        });
        Said {
            start_ms: milliseconds(segment.start_timestamp()),
            end_ms: milliseconds(segment.end_timestamp()),
            no_speech: segment.no_speech_probability(),
            pieces: pieces.collect(),
        }
    }
}

/// What whisper.cpp's own program sets, and what every request has in common.
fn params(
    strategy: SamplingStrategy,
    ears: Ears<'_>,
    speech: &SpeechOptions,
) -> FullParams<'static, 'static> {
    let mut params = FullParams::new(strategy);
    params.set_n_threads(ears.threads);
    params.set_translate(speech.translate);
    params.set_token_timestamps(speech.words);
    // Nothing is carried by itself: what is told to the decoder is told in the prompt.
    params.set_no_context(true);
    params.set_no_speech_thold(0.6);
    params.set_entropy_thold(2.4);
    params.set_logprob_thold(-1.0);
    params.set_print_progress(false);
    params.set_print_special(false);
    params.set_print_realtime(false);
    params.set_print_timestamps(false);
    params
}

fn stop(watch: Watch, draft: Arc<AtomicBool>) -> Box<dyn FnMut() -> bool> {
    Box::new(move || watch.cancelled() || draft.load(Ordering::Relaxed) && watch.finished())
}

/// Positions of the encoder for so many samples.
fn positions(samples: usize) -> i32 {
    let wanted = (samples.div_ceil(POSITION) + MARGIN).max(FEWEST).next_multiple_of(STEP);
    wanted.min(AUDIO_CONTEXT as usize) as i32
}

/// The samples, with silence behind them where they are too few.
fn padded(samples: &[f32]) -> std::borrow::Cow<'_, [f32]> {
    match samples.len() < SHORTEST {
        true => samples.iter().copied().chain(std::iter::repeat(0.0)).take(SHORTEST).collect(),
        false => samples.into(),
    }
}

/// whisper.cpp counts hundredths of a second, and -1 where it doesn't know.
fn milliseconds(hundredths: i64) -> u64 {
    u64::try_from(hundredths).unwrap_or(0) * 10
}

fn internal(error: WhisperError) -> Failure {
    Failure::new(FailureKind::Internal, format!("whisper.cpp failed to decode ({error})."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_fits_the_sound_within_bounds() {
        assert_eq!(positions(0), FEWEST as i32);
        assert_eq!(positions(SAMPLE_RATE as usize * 10), 640);
        assert_eq!(positions(SAMPLE_RATE as usize * 60), AUDIO_CONTEXT as i32);
    }
}
