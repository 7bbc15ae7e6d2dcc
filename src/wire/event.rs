//! What a worker says.

use serde::{Deserialize, Serialize};

use super::ServerInfo;
use crate::redact::Found;

/// What a worker can say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first line of a worker, unasked, with id 0.
    Ready(Ready),
    /// Something that takes a while got further.
    Progress {
        /// What is being done.
        stage: Stage,
        /// How far it is, in the stage's unit.
        done: u64,
        /// How far it will go; 0 if that isn't known.
        total: u64,
    },
    /// A model is loaded.
    Loaded(ModelInfo),
    /// What the prompt is made of.
    Ledger(Ledger),
    /// What was replaced in the prompt before it was sent to a server elsewhere; once for each
    /// request of which something was.
    Redacted(Found),
    /// A piece of the answer, cut between characters only.
    Token {
        /// The text; empty never.
        text: String,
        /// Natural logarithm of the probability that the model gave to it before
        /// sampling: that of its least likely token where a character took several. 0 where
        /// it is not known.
        logprob: f32,
    },
    /// The model calls a tool; nothing but `Done` follows.
    ToolCall {
        /// The tool, one of the request's.
        name: String,
        /// What it is called with: an object.
        arguments: serde_json::Value,
        /// The call came as text: so many bytes at the end of the `Token`s are it.
        #[serde(default, skip_serializing_if = "is_zero")]
        leaked_bytes: usize,
    },
    /// Vectors of a [`super::Request::Embed`], the next ones in the order of its inputs.
    Vectors {
        /// How many numbers each has.
        dimensions: usize,
        /// 32-bit floats, little-endian, one vector after the other, in base64. Each vector
        /// has length 1; a score is as the model gave it.
        data: String,
    },
    /// The language of what is heard from now on. One that was detected may turn out to be
    /// another one as more is heard.
    Language {
        /// Its code, of ISO 639.
        code: String,
        /// Whether it was detected, and how sure that is, in thousandths.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detected: Option<u32>,
    },
    /// What is being said, as far as it is understood now: it replaces the last one, and
    /// goes when a `Segment` or another one comes.
    Partial {
        /// The text; empty: what was thought to be said was nothing.
        text: String,
    },
    /// A stretch of a transcript, for good.
    Segment(Segment),
    /// What a sound file turned out to be; after the last segment.
    Sound {
        /// How much of it could be read, in milliseconds.
        duration_ms: u64,
        /// What is wrong with it, a sentence each: where it is damaged or cut off.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
    /// The request ended as it should, or was cancelled.
    Done(DoneReport),
    /// The request failed.
    Failed(Failure),
}

/// Who the worker is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    /// Its [`super::PROTOCOL_VERSION`].
    pub protocol: u32,
    /// `llama`, `whisper`, `openai` or `fake`.
    pub engine: String,
    /// The worker's and its engine's version.
    pub build: String,
    /// What the worker's ggml was compiled with and found in the CPU: `AVX2`, `FMA`, …
    pub cpu_features: Vec<String>,
    /// Its limits.
    pub limits: Limits,
    /// The GPUs that it can use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<Gpu>,
}

/// A GPU that a worker can use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gpu {
    /// Its name, and what it is used by: `NVIDIA GeForce RTX 4060 (CUDA)`.
    pub name: String,
    /// Bytes of its memory.
    pub memory_bytes: u64,
    /// Of these, free when the worker started.
    pub free_bytes: u64,
    /// Its memory is the CPU's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
}

/// The limits of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The longest line that it reads, in bytes.
    pub max_line_bytes: usize,
}

/// What takes a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading a model; in thousandths.
    Loading,
    /// Turning pictures into embeddings; in pictures.
    Encoding,
    /// Evaluating the prompt; in tokens.
    Prefill,
    /// Reading sound; in milliseconds of it.
    Transcribing,
    /// Finding vectors; in inputs.
    Embedding,
}

/// What was loaded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// `general.name` of the GGUF, else its file name.
    pub name: String,
    /// `general.architecture`.
    pub architecture: String,
    /// Number of parameters.
    pub parameters: u64,
    /// Bytes of weights.
    pub bytes: u64,
    /// Tokens of context that were set up.
    pub context: u32,
    /// Tokens of context that the model was trained for.
    pub context_trained: u32,
    /// Whether it sees pictures.
    pub vision: bool,
    /// Whether it hears sound.
    #[serde(default)]
    pub hearing: bool,
    /// Numbers of a vector, where it was loaded to find them; 1 for a reranker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<usize>,
    /// Whether its memory can't be rolled back to any token (recurrent or hybrid), so
    /// that the prefix cache uses checkpoints.
    pub checkpoints: bool,
    /// Where the chat template came from: `model`, `option` or `chatml`.
    pub template: String,
    /// Threads in use.
    pub threads: u32,
    /// Milliseconds that loading took.
    pub load_ms: f64,
    /// What the person should know of how it was loaded, a sentence each: that its context is
    /// smaller than wanted, since memory would not do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Who answers, where that is a server and not the worker itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerInfo>,
}

/// What the prompt is made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// A row a part, in the order of the prompt.
    pub entries: Vec<LedgerEntry>,
    /// Tokens of the whole prompt, the template's own included.
    pub total_tokens: u64,
    /// Tokens that the context holds.
    pub context: u64,
    /// The rows, and the sum until the model has counted it, are an estimate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

/// One row of the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Which message of the request, from 0; `None` for the template's own tokens.
    pub message: Option<usize>,
    /// Which content of that message, from 0; `None` for the template's own tokens.
    pub content: Option<usize>,
    /// What it is.
    pub kind: LedgerKind,
    /// Tokens.
    pub tokens: u64,
    /// Bytes of text, or of the picture's file.
    pub bytes: u64,
    /// Milliseconds that encoding the picture took when it was last encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encode_ms: Option<f64>,
    /// Whether all of it is in the KV cache.
    pub cached: bool,
}

/// What a row of the ledger counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerKind {
    /// Text.
    Text,
    /// A picture.
    Image,
    /// A recording.
    Audio,
    /// What the chat template adds around the parts.
    Template,
}

/// A stretch of a transcript.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Start in milliseconds from the start of the sound.
    pub start_ms: u64,
    /// End in milliseconds.
    pub end_ms: u64,
    /// What was said, without spaces around it.
    pub text: String,
    /// Its words, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
}

/// A word of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Start in milliseconds from the start of the sound.
    pub start_ms: u64,
    /// End in milliseconds.
    pub end_ms: u64,
    /// The word with its punctuation, without spaces around it.
    pub text: String,
    /// The probability of its least likely token, 0 to 1.
    pub probability: f32,
}

/// How a request ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DoneReport {
    /// Why it ended.
    pub stop: StopReason,
    /// What it used.
    #[serde(default)]
    pub usage: Usage,
    /// How long it took.
    #[serde(default)]
    pub timings: Timings,
}

/// Why a request ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It was finished: the model ended its turn, or there was nothing to generate.
    #[default]
    Finished,
    /// It reached `max_tokens`.
    MaxTokens,
    /// The context is full.
    ContextFull,
    /// A [`super::Request::Cancel`] stopped it.
    Cancelled,
    /// The model called a tool.
    ToolCall,
}

fn is_zero(bytes: &usize) -> bool {
    *bytes == 0
}

/// What a request used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt, pictures included.
    pub prompt_tokens: u64,
    /// Of these, found in the KV cache.
    pub cached_tokens: u64,
    /// Of these, evaluated now.
    pub evaluated_tokens: u64,
    /// Pictures that went through the encoder now.
    pub encoded_images: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Tokens that were evaluated before they were chosen, in lookup drafting.
    #[serde(default, skip_serializing_if = "none")]
    pub drafted_tokens: u64,
    /// Of these, chosen: tokens of the answer that cost no evaluation of their own.
    #[serde(default, skip_serializing_if = "none")]
    pub confirmed_tokens: u64,
}

fn none(tokens: &u64) -> bool {
    *tokens == 0
}

/// How long a request took, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Encoding pictures.
    pub encode_ms: f64,
    /// Evaluating the prompt, encoding left out.
    pub prefill_ms: f64,
    /// From the request to the first token.
    pub first_token_ms: f64,
    /// From the first token to the last.
    pub decode_ms: f64,
}

impl Timings {
    /// Tokens a second of the decode, 0 where there was none.
    pub fn tokens_per_second(&self, completion_tokens: u64) -> f64 {
        if self.decode_ms <= 0.0 || completion_tokens < 2 {
            return 0.0;
        }
        (completion_tokens - 1) as f64 * 1000.0 / self.decode_ms
    }
}

/// Why a request failed, for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The kind, for a program.
    pub kind: FailureKind,
    /// What happened, and to which file.
    pub message: String,
    /// What to do next, where something can be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None }
    }

    /// What happened and what to do next, for the screen.
    pub fn in_words(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} {hint}", self.message),
            None => self.message.clone(),
        }
    }

    /// The same with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The line was no request: not JSON, an unknown variant, too long.
    BadRequest,
    /// The two sides speak different versions.
    Protocol,
    /// This worker doesn't do that (yet).
    Unsupported,
    /// Nothing is loaded.
    NotLoaded,
    /// A model file can't be read, is truncated, or isn't a model.
    ModelFile,
    /// The projector belongs to another model.
    ModelMismatch,
    /// Weights, KV cache and image encoder don't fit in memory.
    Memory,
    /// The prompt doesn't fit in the context.
    ContextOverflow,
    /// A picture or a sound can't be read.
    Media,
    /// The chat template can't render this conversation.
    Template,
    /// A saved state is damaged or of another model.
    StateMismatch,
    /// A server can't be reached, refuses, or breaks off.
    Server,
    /// The engine failed in a way that it should not.
    Internal,
}
