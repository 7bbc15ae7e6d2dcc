//! One turn: a prompt is tokenized, what is new of it is evaluated, an answer generated.

use std::path::PathBuf;
use std::time::Instant;

use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;
use percept::text::thousands;
use percept::wire::{
    ChatMessage, DoneReport, Event, Failure, FailureKind, Output, Stage, StopReason, Timings, ToolSpec, Usage,
};

use crate::cache::{Entry, SEQUENCE, tokens};
use crate::decode::How;
use crate::ledger::PromptPart;
use crate::load::Loaded;
use crate::media::{self, Measured, no_eyes};
use crate::prompt::Ending;
use crate::sentinel::Piece;

/// Tokens at the end of an unfinished text that what follows may still change: a
/// tokenizer joins characters across the place where the text will go on.
const UNSETTLED: usize = 8;

/// A prompt as the KV cache will hold it.
pub(crate) struct Prompt {
    pub(crate) entries: Vec<Entry>,
    /// The file of each picture, in the order of the pictures.
    images: Vec<PathBuf>,
    pub(crate) parts: Vec<PromptPart>,
}

/// How the evaluation of a prompt went.
struct Evaluated {
    usage: Usage,
    timings: Timings,
    cancelled: bool,
}

impl Loaded {
    /// Renders and tokenizes a conversation.
    pub(crate) fn prompt(
        &mut self,
        messages: &[ChatMessage],
        tools: &[ToolSpec],
        ending: Ending,
    ) -> Result<Prompt, Failure> {
        let pieces = self.template.render(messages, tools, ending)?;
        let mut entries = Vec::new();
        let mut images = Vec::new();
        let mut starts = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            starts.push(entries.len());
            match piece {
                Piece::Text { text, special } => {
                    entries.extend(self.tokenize(text, *special).map(Entry::token))
                }
                Piece::Image { hash, path } => {
                    let Measured { tokens, positions, .. } = self.measure(hash, path)?;
                    entries.push(Entry::Image { hash: hash.clone(), tokens, positions });
                    images.push(path.clone());
                }
            }
        }
        let shift = self.add_bos(&mut entries);
        if ending == Ending::Unfinished
            && let (Some(Piece::Text { .. }), Some(start)) = (pieces.last(), starts.last())
        {
            let settled = entries.len().saturating_sub(UNSETTLED).max(start + shift);
            entries.truncate(settled);
        }
        let parts = self.parts(messages, &pieces, &starts, shift, entries.len());
        Ok(Prompt { entries, images, parts })
    }

    pub(crate) fn tokenize(&self, text: &str, special: bool) -> impl Iterator<Item = LlamaToken> + use<> {
        self.runtime.borrow_owner().vocab().tokenize(text.as_bytes(), false, special).into_iter()
    }

    /// Starts the prompt with the model's own first token, unless its template did.
    fn add_bos(&self, entries: &mut Vec<Entry>) -> usize {
        let vocab = self.runtime.borrow_owner().vocab();
        let bos = Entry::token(vocab.bos());
        let add = vocab.should_add_bos() && entries.first() != Some(&bos);
        if add {
            entries.insert(0, bos);
        }
        usize::from(add)
    }

    /// What is known of a picture or a sound; it is read only the first time.
    fn measure(&mut self, hash: &str, path: &std::path::Path) -> Result<Measured, Failure> {
        if let Some(measured) = self.measured.get(hash) {
            return Ok(*measured);
        }
        let projector = self.projector.as_ref().ok_or_else(no_eyes)?;
        let measured = media::measure(&projector.chunks(path)?);
        self.measured.insert(hash.to_owned(), measured);
        Ok(measured)
    }

    /// Evaluates what is certain of the next prompt.
    pub(crate) fn prefill(
        &mut self,
        messages: &[ChatMessage],
        tools: &[ToolSpec],
        output: &Output<'_>,
    ) -> Result<DoneReport, Failure> {
        let prompt = self.prompt(messages, tools, Ending::Unfinished)?;
        let evaluated = self.evaluate(&prompt, false, Instant::now(), output)?;
        output.event(Event::Ledger(self.ledger(&prompt)));
        let stop = if evaluated.cancelled { StopReason::Cancelled } else { StopReason::Finished };
        Ok(DoneReport { stop, usage: evaluated.usage, timings: evaluated.timings })
    }

    /// Answers a conversation.
    pub(crate) fn generate(
        &mut self,
        messages: &[ChatMessage],
        how: &How,
        output: &Output<'_>,
    ) -> Result<DoneReport, Failure> {
        let start = Instant::now();
        let prompt = self.prompt(messages, &how.tools, Ending::Answer)?;
        let Evaluated { mut usage, mut timings, cancelled } = self.evaluate(&prompt, true, start, output)?;
        if cancelled {
            return Ok(DoneReport { stop: StopReason::Cancelled, usage, timings });
        }
        // Now with what encoding took, and all of it in the cache.
        output.event(Event::Ledger(self.ledger(&prompt)));
        let stop = self.decode(how, start, &mut usage, &mut timings, output)?;
        Ok(DoneReport { stop, usage, timings })
    }

    /// Brings the KV cache to hold the prompt, evaluating only what it doesn't hold yet;
    /// with the logits of its end if an answer is to follow.
    fn evaluate(
        &mut self,
        prompt: &Prompt,
        answer: bool,
        start: Instant,
        output: &Output<'_>,
    ) -> Result<Evaluated, Failure> {
        let total = tokens(&prompt.entries);
        if total + usize::from(answer) > self.info.context as usize {
            output.event(Event::Ledger(self.ledger(prompt)));
            return Err(overflow(total, self.info.context));
        }
        let most = prompt.entries.len().saturating_sub(usize::from(answer));
        let (cache, no_cache) = (&mut self.cache, self.no_cache);
        let kept = self.runtime.with_dependent_mut(|_, context| {
            if no_cache {
                cache.clear(context);
            }
            cache.keep_prefix(context, &prompt.entries, most)
        });
        output.event(Event::Ledger(self.ledger(prompt)));
        let cached = tokens(&prompt.entries[..kept]);
        let mut progress = Progress::new(output, prompt, kept, total - cached);
        let mut done = kept;
        let mut cancelled = false;
        while done < prompt.entries.len() && !cancelled {
            let step = self.step(prompt, done, answer, &mut progress);
            done += step.inspect_err(|_| self.forget())?;
            cancelled = output.cancelled();
        }
        if !cancelled {
            let cache = &mut self.cache;
            self.runtime.with_dependent(|_, context| cache.checkpoint(context));
        }
        let encode_ms = progress.encode_ms;
        let usage = Usage {
            prompt_tokens: total as u64,
            cached_tokens: cached as u64,
            evaluated_tokens: tokens(&prompt.entries[kept..done]) as u64,
            encoded_images: progress.encoded,
            ..Usage::default()
        };
        let prefill_ms = (ms_since(start) - encode_ms).max(0.0);
        let timings = Timings { encode_ms, prefill_ms, ..Timings::default() };
        Ok(Evaluated { usage, timings, cancelled: cancelled && done < prompt.entries.len() })
    }

    /// Evaluates one batch of text or one picture; returns how many entries that were.
    fn step(
        &mut self,
        prompt: &Prompt,
        from: usize,
        answer: bool,
        progress: &mut Progress<'_>,
    ) -> Result<usize, Failure> {
        let rest = &prompt.entries[from..];
        let Some(Entry::Image { hash, .. }) = rest.first() else {
            let text = rest.iter().take_while(|entry| matches!(entry, Entry::Token(_))).count();
            let count = text.min(self.batch as usize);
            let ends = answer && from + count == prompt.entries.len();
            self.evaluate_text(&rest[..count], ends)?;
            progress.text(count);
            return Ok(count);
        };
        let index =
            prompt.entries[..from].iter().filter(|entry| matches!(entry, Entry::Image { .. })).count();
        let Some(path) = prompt.images.get(index) else { return Err(internal("a picture without a file")) };
        progress.image_starts();
        let start = Instant::now();
        self.evaluate_media(path, answer && rest.len() == 1)?;
        let encode_ms = ms_since(start);
        if let Some(measured) = self.measured.get_mut(hash) {
            measured.encode_ms = Some(encode_ms);
        }
        self.cache.push(rest[0].clone());
        let cache = &mut self.cache;
        self.runtime.with_dependent(|_, context| cache.checkpoint(context));
        progress.image(rest[0].tokens(), encode_ms);
        Ok(1)
    }

    pub(crate) fn evaluate_text(&mut self, entries: &[Entry], logits: bool) -> Result<(), Failure> {
        let mut batch = LlamaBatch::new(entries.len(), 1);
        let position = self.cache.position();
        for (offset, entry) in entries.iter().enumerate() {
            let Entry::Token(token) = entry else { return Err(internal("a picture among text")) };
            let last = logits && offset + 1 == entries.len();
            let added = batch.add(LlamaToken(*token), position + offset as i32, &[SEQUENCE], last);
            added.map_err(|error| internal(&error.to_string()))?;
        }
        self.decode_batch(&mut batch)?;
        entries.iter().for_each(|entry| self.cache.push(entry.clone()));
        Ok(())
    }

    pub(crate) fn decode_batch(&mut self, batch: &mut LlamaBatch<'_>) -> Result<(), Failure> {
        self.runtime.with_dependent_mut(|_, context| context.decode(batch)).map_err(decode_failed)
    }

    fn evaluate_media(&mut self, path: &std::path::Path, logits: bool) -> Result<(), Failure> {
        let projector = self.projector.as_mut().ok_or_else(no_eyes)?;
        let chunks = projector.chunks(path)?;
        let (position, batch) = (self.cache.position(), self.batch as i32);
        self.runtime
            .with_dependent_mut(|_, context| {
                chunks.eval_chunks(&mut projector.context, context, position, SEQUENCE, batch, logits)
            })
            .map(drop)
            .map_err(|error| {
                Failure::new(FailureKind::Media, format!("{} can't be evaluated: {error}.", path.display()))
                    .hint("A smaller one or another model may work.")
            })
    }

    /// After a failed evaluation nobody knows what the context holds.
    pub(crate) fn forget(&mut self) {
        let cache = &mut self.cache;
        self.runtime.with_dependent_mut(|_, context| cache.clear(context));
    }
}

pub(crate) fn ms_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

pub(crate) fn internal(why: &str) -> Failure {
    Failure::new(FailureKind::Internal, format!("percept-llama: {why}."))
}

fn decode_failed(error: llama_cpp_2::DecodeError) -> Failure {
    internal(&format!("the prompt can't be evaluated ({error})"))
}

fn overflow(total: usize, context: u32) -> Failure {
    let over = thousands((total as u64 + 1).saturating_sub(u64::from(context)));
    let said = format!(
        "The prompt has {} tokens, {over} more than the context of {} holds: nothing was cut, nothing was asked.",
        thousands(total as u64),
        thousands(u64::from(context))
    );
    Failure::new(FailureKind::ContextOverflow, said).hint(
        "Take an attachment out, attach less of it ([attach] max_text_kib), start a new conversation, or set a bigger [model] context.",
    )
}

/// Says how far the evaluation of a prompt is.
struct Progress<'a> {
    output: &'a Output<'a>,
    images: u64,
    encoded: u64,
    encode_ms: f64,
    done: u64,
    total: u64,
}

impl<'a> Progress<'a> {
    fn new(output: &'a Output<'a>, prompt: &Prompt, kept: usize, total: usize) -> Self {
        let images =
            prompt.entries[kept..].iter().filter(|entry| matches!(entry, Entry::Image { .. })).count() as u64;
        Self { output, images, encoded: 0, encode_ms: 0.0, done: 0, total: total as u64 }
    }

    fn image_starts(&self) {
        self.output.event(Event::Progress { stage: Stage::Encoding, done: self.encoded, total: self.images });
    }

    fn image(&mut self, tokens: usize, encode_ms: f64) {
        self.encoded += 1;
        self.encode_ms += encode_ms;
        self.output.event(Event::Progress { stage: Stage::Encoding, done: self.encoded, total: self.images });
        self.text(tokens);
    }

    fn text(&mut self, tokens: usize) {
        self.done += tokens as u64;
        self.output.event(Event::Progress { stage: Stage::Prefill, done: self.done, total: self.total });
    }
}
