//! Finds vectors: a model that was loaded for them, and nothing else.
//!
//! llama.cpp aborts the process where the tokens of a call don't fit a micro-batch or a sequence
//! doesn't fit the model, and truncates nothing: all of that is seen to here.

mod input;

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{LlamaContextParams, LlamaPoolingType};
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use percept::gguf::{Header, Pooling};
use percept::wire::{
    DoneReport, EmbedInput, Event, Failure, FailureKind, ModelInfo, Output, Stage, StopReason, floats,
};

use crate::cache::SEQUENCE;
use crate::load::{Files, Runtime, model_info};
use crate::media::{Projector, no_eyes};
use crate::turn::{internal, ms_since};
use input::Form;

/// A model that was loaded to find vectors.
pub(crate) struct Embedding {
    // Dropped before the model that it was made for.
    projector: Option<Projector>,
    runtime: Runtime,
    form: Form,
    pub(crate) info: ModelInfo,
    pooling: Pooling,
    dimensions: usize,
    most_tokens: usize,
}

/// Sets a model up to find vectors.
pub(crate) fn set_up(
    backend: &LlamaBackend,
    files: &Files<'_>,
    model: LlamaModel,
    projector: Option<Projector>,
    tokens: u64,
    threads: u32,
) -> Result<Embedding, Failure> {
    let header = files.header;
    let refused = |why: &str| {
        let said = format!("{} finds no vectors: {why}.", files.model.display());
        Failure::new(FailureKind::Unsupported, said)
    };
    if matches!(header.text("tokenizer.ggml.model"), None | Some("none" | "no_vocab")) {
        return Err(refused("it has no vocabulary"));
    }
    if header.architecture().starts_with("t5") {
        return Err(refused("percept runs no models with an encoder and a decoder"));
    }
    let pooling = pooling_of(header, files.model);
    let dimensions = match pooling {
        Pooling::Rank => 1,
        _ => usize::try_from(model.n_embd_out()).unwrap_or(0),
    };
    if dimensions == 0 || (pooling == Pooling::Rank && model.n_cls_out() == 0) {
        return Err(refused("its header says that they have no numbers"));
    }
    let most_tokens = tokens as usize;
    let room = u32::try_from(most_tokens).unwrap_or(u32::MAX);
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(room))
        .with_n_batch(room)
        .with_n_ubatch(room)
        .with_n_threads(threads as i32)
        .with_n_threads_batch(threads as i32)
        .with_embeddings(true)
        .with_pooling_type(match pooling {
            Pooling::Mean => LlamaPoolingType::Mean,
            Pooling::Cls => LlamaPoolingType::Cls,
            Pooling::Last => LlamaPoolingType::Last,
            Pooling::Rank => LlamaPoolingType::Rank,
        });
    let form = Form::of(&model, header, most_tokens);
    let runtime = Runtime::try_new(model, |model| model.new_context(backend, params)).map_err(|error| {
        let said = format!("The context of {room} tokens can't be set up ({error}).");
        Failure::new(FailureKind::Memory, said).hint("Close something, or take a smaller model.")
    })?;
    let info = ModelInfo {
        context: u32::try_from(tokens).unwrap_or(u32::MAX),
        dimensions: Some(dimensions),
        ..model_info(files, runtime.borrow_owner(), projector.as_ref(), threads)
    };
    Ok(Embedding { projector, runtime, form, info, pooling, dimensions, most_tokens })
}

/// How a sequence becomes one vector.
fn pooling_of(header: &Header, path: &Path) -> Pooling {
    let pooling = header.pooling_or_usual();
    if header.pooling().is_none() {
        tracing::warn!("{} doesn't say how it makes a vector: {pooling:?} is taken", path.display());
    }
    pooling
}

impl Embedding {
    /// Finds the vectors of all inputs, in their order.
    ///
    /// Each is evaluated by itself. Several in one call took twice the time (MiniLM, 512 tokens a
    /// call): each token attends to all of the call's before the others' are masked. And with
    /// quantised weights a vector then depends on its company, by 0.003 in a number.
    pub(crate) fn embed(
        &mut self,
        inputs: &[EmbedInput],
        output: &Output<'_>,
    ) -> Result<DoneReport, Failure> {
        let start = Instant::now();
        let mut report = DoneReport::default();
        let total = inputs.len() as u64;
        for (done, input) in (1..).zip(inputs) {
            if output.cancelled() {
                report.stop = StopReason::Cancelled;
                break;
            }
            let (vector, tokens) = match (self.tokens(input)?, input) {
                (Some(tokens), _) => (self.evaluate(&tokens)?, tokens.len()),
                (None, EmbedInput::Image { path, before, after }) => {
                    report.usage.encoded_images += 1;
                    self.picture(path, before, after)?
                }
                (None, _) => return Err(internal("an input without tokens")),
            };
            report.usage.prompt_tokens += tokens as u64;
            output.event(Event::Vectors { dimensions: self.dimensions, data: floats::encode(&vector) });
            output.event(Event::Progress { stage: Stage::Embedding, done, total });
        }
        report.usage.evaluated_tokens = report.usage.prompt_tokens;
        report.timings.prefill_ms = ms_since(start);
        Ok(report)
    }

    /// The tokens of an input; `None` for a picture.
    fn tokens(&self, input: &EmbedInput) -> Result<Option<Vec<LlamaToken>>, Failure> {
        let vocab = self.runtime.borrow_owner().vocab();
        let ranks = self.pooling == Pooling::Rank;
        match input {
            EmbedInput::Pair { query, passage } if ranks => Ok(Some(self.form.pair(&vocab, query, passage))),
            EmbedInput::Pair { .. } => Err(unsupported("finds vectors; it scores no pairs", "reranker")),
            _ if ranks => Err(unsupported("scores pairs; it finds no vectors", "model for embeddings")),
            EmbedInput::Text { before, text, after } => Ok(Some(self.form.text(&vocab, before, text, after))),
            EmbedInput::Image { .. } => Ok(None),
        }
    }

    fn evaluate(&mut self, tokens: &[LlamaToken]) -> Result<Vec<f32>, Failure> {
        let ranks = self.pooling == Pooling::Rank;
        self.runtime.with_dependent_mut(|_, context| {
            context.clear_kv_cache();
            decode(context, tokens, 0)?;
            vector(context, ranks)
        })
    }

    /// A picture's vector, and the tokens that it took.
    fn picture(&mut self, path: &Path, before: &str, after: &str) -> Result<(Vec<f32>, usize), Failure> {
        let projector = self.projector.as_mut().ok_or_else(no_eyes)?;
        if self.pooling != Pooling::Last {
            // The picture is evaluated in several calls, and only the last one's tokens are pooled.
            return Err(unsupported("finds no vectors of pictures: it doesn't pool the last token", "model"));
        }
        let [before, after] = self.form.around(&self.runtime.borrow_owner().vocab(), before, after);
        let chunks = projector.chunks(path)?;
        let tokens = before.len() + chunks.total_tokens() + after.len();
        if tokens > self.most_tokens {
            let said = format!(
                "{} takes {tokens} tokens, and the model reads {}.",
                path.display(),
                self.most_tokens
            );
            return Err(Failure::new(FailureKind::Media, said)
                .hint("Set load.image_max_tokens in its catalogue entry."));
        }
        let batch = self.most_tokens as i32;
        self.runtime.with_dependent_mut(|_, context| {
            context.clear_kv_cache();
            decode(context, &before, 0)?;
            let position = chunks
                .eval_chunks(&mut projector.context, context, before.len() as i32, 0, batch, true)
                .map_err(|error| {
                    let said = format!("{} can't be evaluated: {error}.", path.display());
                    Failure::new(FailureKind::Media, said).hint("A smaller one may work.")
                })?;
            decode(context, &after, position)?;
            Ok((vector(context, false)?, tokens))
        })
    }
}

/// Evaluates tokens from a position on; none is nothing. Models without a KV cache are encoded by
/// this too.
fn decode(context: &mut LlamaContext<'_>, tokens: &[LlamaToken], from: i32) -> Result<(), Failure> {
    if tokens.is_empty() {
        return Ok(());
    }
    let mut batch = LlamaBatch::new(tokens.len(), 1);
    for (token, position) in tokens.iter().zip(from..) {
        batch.add(*token, position, &[SEQUENCE], true).map_err(|error| internal(&error.to_string()))?;
    }
    context.decode(&mut batch).map_err(|error| internal(&format!("an input can't be evaluated ({error})")))
}

/// What the input became: of length 1, or a score as it is.
fn vector(context: &LlamaContext<'_>, score: bool) -> Result<Vec<f32>, Failure> {
    let raw = context.embeddings_seq_ith(SEQUENCE).map_err(|error| internal(&error.to_string()))?;
    if score {
        return Ok(raw[..1].to_vec());
    }
    let length = raw.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    match length.is_finite() && length > 0.0 {
        true => Ok(raw.iter().map(|value| (f64::from(*value) / length) as f32).collect()),
        false => Err(internal("the model found no numbers; its file may be damaged")),
    }
}

fn unsupported(why: &str, other: &str) -> Failure {
    Failure::new(FailureKind::Unsupported, format!("This model {why}.")).hint(format!("Use a {other}."))
}
