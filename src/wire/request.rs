//! What percept asks of a worker.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ServerOptions;
use crate::attachment::AttachmentId;
use crate::message::Role;

/// What a worker can be asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Loads a model in place of the one loaded. Ends with [`super::Event::Loaded`]
    /// and `Done`.
    Load {
        /// [`super::PROTOCOL_VERSION`] of the sender.
        protocol: u32,
        /// The model file.
        model: PathBuf,
        /// The projector for pictures, where the model has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mmproj: Option<PathBuf>,
        /// How to load it.
        #[serde(default)]
        options: LoadOptions,
    },
    /// Counts the tokens of each part without evaluating anything. Answers with a
    /// [`super::Event::Ledger`].
    Measure {
        /// The conversation.
        messages: Vec<ChatMessage>,
        /// The tools that the model is told of.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tools: Vec<ToolSpec>,
    },
    /// Evaluates all that is certain of the next prompt, so that [`Self::Generate`] finds
    /// it in the KV cache. The last message may be unfinished: nothing after its last
    /// part is evaluated.
    Prefill {
        /// The conversation up to and with the unfinished message.
        messages: Vec<ChatMessage>,
        /// The tools that the model is told of: they stand in front of the conversation.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tools: Vec<ToolSpec>,
    },
    /// Answers a conversation: a `Ledger`, `Progress` while encoding and prefilling, the
    /// `Ledger` as it is then, `Token`s, a `ToolCall` if the model made one, `Done`.
    Generate {
        /// The conversation; the last message is the one to answer.
        messages: Vec<ChatMessage>,
        /// How to choose tokens.
        #[serde(default)]
        sampling: Sampling,
        /// The most tokens to answer with; without it, as many as the context holds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_tokens: Option<u32>,
        /// The tools that the model may call.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tools: Vec<ToolSpec>,
        /// The answer must be a call, from its first token on.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        must_call: bool,
    },
    /// Finds a vector for each input: [`super::Event::Vectors`] in their order, `Progress`,
    /// `Done`. The model must have been loaded with [`LoadOptions::embed`].
    Embed {
        /// What to find vectors for. An input that is too long for the model is cut at a token.
        inputs: Vec<EmbedInput>,
    },
    /// Writes the evaluated sequence (KV cache and what it stands for) to a file.
    SaveState {
        /// The file to write; replaced whole or not at all.
        path: PathBuf,
        /// What would be larger is not written.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most_bytes: Option<u64>,
    },
    /// Reads a sequence that [`Self::SaveState`] wrote. Fails with
    /// [`super::FailureKind::StateMismatch`] where model, projector, build or context
    /// differ or the file is damaged; the worker then goes on with an empty cache.
    RestoreState {
        /// The file to read.
        path: PathBuf,
    },
    /// Turns a sound file into text: `Language`, `Segment`s, `Progress`, a `Sound`, `Done`.
    Transcribe {
        /// The sound file.
        path: PathBuf,
        /// What is known of it.
        #[serde(default)]
        speech: SpeechOptions,
    },
    /// Turns sound into text while it comes, in [`Self::Frames`]: `Partial`s that replace
    /// each other, and `Segment`s that stay. Goes on until [`Self::Finish`] and ends when
    /// all that was heard is said.
    Listen {
        /// What is known of it.
        #[serde(default)]
        speech: SpeechOptions,
    },
    /// Sound for a [`Self::Listen`] that runs. Has no ending of its own.
    Frames {
        /// The id of the `Listen`.
        target: u64,
        /// Mono at [`super::SAMPLE_RATE`], 32-bit floats of -1 to 1, little-endian, in base64.
        pcm: String,
    },
    /// No more sound comes for a [`Self::Listen`]. Has no ending of its own.
    Finish {
        /// The id of the `Listen`.
        target: u64,
    },
    /// Stops a request, running or waiting: it ends with `Done` and
    /// [`super::StopReason::Cancelled`]. Has no ending of its own.
    Cancel {
        /// The id of the request to stop.
        target: u64,
    },
    /// Ends the worker. So does the end of its input.
    Shutdown,
}

impl Request {
    /// Evaluates in advance, without tools.
    pub fn prefill(messages: Vec<ChatMessage>) -> Self {
        Self::Prefill { messages, tools: Vec::new() }
    }

    /// Answers, without tools.
    pub fn generate(messages: Vec<ChatMessage>, sampling: Sampling, max_tokens: Option<u32>) -> Self {
        Self::Generate { messages, sampling, max_tokens, tools: Vec::new(), must_call: false }
    }

    /// The request's name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Load { .. } => "load",
            Self::Measure { .. } => "measure",
            Self::Prefill { .. } => "prefill",
            Self::Generate { .. } => "generate",
            Self::Embed { .. } => "embed",
            Self::SaveState { .. } => "save_state",
            Self::RestoreState { .. } => "restore_state",
            Self::Transcribe { .. } => "transcribe",
            Self::Listen { .. } => "listen",
            Self::Frames { .. } => "frames",
            Self::Finish { .. } => "finish",
            Self::Cancel { .. } => "cancel",
            Self::Shutdown => "shutdown",
        }
    }
}

/// How to load a model. What is left out is the worker's choice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoadOptions {
    /// Tokens of context; without it, what the model was trained for, at most 8,192.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// Threads for decoding and prefilling; without it, the number of physical cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// The fewest tokens that a picture may become, for models that scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_min_tokens: Option<u32>,
    /// The most tokens that a picture may become, for models that scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_max_tokens: Option<u32>,
    /// The width and height in pixels of the largest pictures that the model reads. Of a larger
    /// one whose text is all in one place, that part is cut out and made to fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_window: Option<(u32, u32)>,
    /// Layers to put on a GPU, where the worker was built for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_layers: Option<u32>,
    /// A chat template (Jinja) in place of the model's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_template: Option<String>,
    /// Switches the prefix cache off: every prompt is evaluated from its start. For
    /// measuring and for tests.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_cache: bool,
    /// It was trained on percept's tools and isn't told of them: for models whose context holds no
    /// descriptions.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub knows_tools: bool,
    /// Switches lookup drafting off: answers that quote are decoded token by token.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_lookup: bool,
    /// The voice activity model (Silero, in ggml form), for speech; without it, speech is
    /// told from silence by its energy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vad: Option<PathBuf>,
    /// Loads the model to find vectors ([`Request::Embed`]); it then answers nothing else.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub embed: bool,
    /// Loads although the estimate says that memory won't do: it is an upper bound, and
    /// the person may know better.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore_memory: bool,
    /// The server that has the model, for a worker that only passes on; `model` is then the
    /// model's name there, and empty for the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Box<ServerOptions>>,
}

/// Something to find a vector for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EmbedInput {
    /// A text. Control tokens of the model's count in `before` and `after`, never in `text`;
    /// a `before` without any is one text with it.
    Text {
        /// What stands before the text: the prefix that the model was trained with.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        before: String,
        /// The text.
        text: String,
        /// What stands behind it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        after: String,
    },
    /// A picture on disk, for a model with a projector.
    Image {
        /// The file: png, jpeg, webp, gif, bmp or tiff.
        path: PathBuf,
        /// What stands before the picture.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        before: String,
        /// What stands behind it.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        after: String,
    },
    /// A query and a passage, for a reranker: the vector has one number, the score.
    Pair {
        /// The query.
        query: String,
        /// The passage.
        passage: String,
    },
}

/// What is known of speech before it is heard, and how to write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpeechOptions {
    /// The language as a code of ISO 639 (`en`, `de`); without it, it is detected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Translate to English.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub translate: bool,
    /// Words that are likely, the most useful first. As many as fit are told to the decoder.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vocabulary: Vec<String>,
    /// Give the times of words too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub words: bool,
    /// Leave out what is not speech, and size the encoder's context to what is. Without it,
    /// sound is decoded in whole windows of 30 s, as whisper.cpp does by itself.
    pub vad: bool,
    /// Hypotheses of the beam search; 1 is greedy.
    pub beam: u32,
}

impl Default for SpeechOptions {
    fn default() -> Self {
        Self { language: None, translate: false, vocabulary: Vec::new(), words: false, vad: true, beam: 1 }
    }
}

/// One message as the model gets it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: Role,
    /// What it holds, in order.
    pub content: Vec<Content>,
}

impl ChatMessage {
    /// A message of text alone.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, content: vec![Content::Text { text: text.into() }] }
    }
}

/// One piece of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Text. Marks of the model's template inside it are text too, never control tokens.
    Text {
        /// The text.
        text: String,
    },
    /// A picture on disk.
    Image {
        /// The hash of the file's content: what the prefix cache knows it by.
        hash: AttachmentId,
        /// The file: png, jpeg, webp, gif, bmp or tiff.
        path: PathBuf,
    },
    /// A recording on disk, for a model that hears.
    Audio {
        /// The hash of the file's content: what the prefix cache knows it by.
        hash: AttachmentId,
        /// The file: what [`crate::audio::Reader`] reads.
        path: PathBuf,
    },
    /// A call that the model made, in a message of the assistant's.
    ToolCall {
        /// Ties it to its result.
        call: String,
        /// The tool.
        name: String,
        /// What it was called with: an object.
        arguments: serde_json::Value,
    },
    /// What a tool answered: text, in a message of the tool's. Pictures stand behind it.
    ToolResult {
        /// The call that it answers.
        call: String,
        /// The tool.
        name: String,
        /// The result.
        text: String,
    },
}

/// A tool as the model is told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name in calls: letters, digits, `_` and `-`.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// What it takes: a JSON schema of an object (<https://json-schema.org>).
    pub parameters: serde_json::Value,
}

/// How to choose the next token. Temperature 0 is greedy and deterministic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Divides the logits; 0 takes the most likely token.
    pub temperature: f32,
    /// Keeps the K most likely tokens; 0 keeps all.
    pub top_k: u32,
    /// Keeps the smallest set of tokens with at least this probability; 1 keeps all.
    pub top_p: f32,
    /// Keeps tokens at least this probable relative to the best; 0 keeps all.
    pub min_p: f32,
    /// Divides the logits of tokens that came before (CTRL, Keskar et al. 2019); 1 is off.
    pub repeat_penalty: f32,
    /// Subtracted once from the logits of tokens that came before; 0 is off.
    pub presence_penalty: f32,
    /// The seed of the random choice; without it, another one each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repeat_penalty: 1.0,
            presence_penalty: 0.0,
            seed: None,
        }
    }
}
