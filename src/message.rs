//! What a conversation is made of: messages, and the parts of a message.
//!
//! Plain values: no clock, no store. Who makes a message gives it its id and its time.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::attachment::{Attachment, Source};

/// Numbers a message within its store; grows with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MessageId(pub i64);

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The program: what the model is told about its task.
    System,
    /// The person at the keyboard.
    User,
    /// The model.
    Assistant,
    /// The result of a tool.
    Tool,
}

impl Role {
    /// The word that chat templates use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// A stretch of a text by byte offsets, end exclusive; both on char boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// One piece of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum Part {
    /// What was typed, or what the model answered.
    Text {
        /// The text itself.
        text: String,
        /// Words that the model was unsure of (from their log-probabilities).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unsure: Vec<Span>,
    },
    /// Something to look at or to read.
    Attachment {
        /// What was attached.
        attachment: Attachment,
        /// Taken out of the conversation again: the model no longer gets it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        removed: bool,
        /// It stays in what the model gets when a summary takes the place of its message.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pinned: bool,
    },
    /// What stands in place of earlier messages, the only part of a message of the program's.
    Summary(Summary),
    /// A call of a tool, the last part of a message of the assistant's.
    ToolCall(ToolCall),
    /// What came of it, the first part of a message of the tool's. Pictures and texts that
    /// the tool made stand behind it as attachments.
    ToolResult(ToolResult),
}

/// What the model gets instead of the messages of a path up to one of them. They stay in the
/// conversation; the last summary of a path is the one that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What was said, in the model's words or the person's.
    pub text: String,
    /// The first message that it stands for.
    pub first: MessageId,
    /// The last one.
    pub last: MessageId,
    /// What was attached to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Gone>,
    /// What of all that is before it came from outside the keyboard: so does the summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<Taint>,
}

/// An attachment that a summary stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// Its message.
    pub message: MessageId,
    /// Which of the message's parts, from 0.
    pub part: usize,
    /// What it is called.
    pub name: String,
    /// Whether it is a picture.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub picture: bool,
    /// What the model said of it before it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// A call of a tool that the model made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Ties it to its result.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What it is called with: an object.
    pub arguments: serde_json::Value,
    /// The model wrote the call as plain text; it was taken out of its answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaked: bool,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The call's id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What was run in the end, for a person: the command line, or the call in a line.
    pub shown: String,
    /// Why it ran or did not, for a person: `known to only read`, `allowed by you, once`.
    pub leave: String,
    /// How it went.
    pub outcome: Outcome,
    /// What the model gets.
    pub text: String,
    /// Whether that holds anything that is not percept's own words.
    #[serde(default = "yes")]
    pub outside: bool,
    /// All of a long output, on disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<PathBuf>,
    /// What was found in the index, the best first: what citations of it stand for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// How long it ran, in milliseconds.
    #[serde(default)]
    pub took_ms: u64,
}

/// A passage or a picture that was found in the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its number in the index, as of then.
    pub passage: i64,
    /// Its file, as it is cited: `docs/setup.md`.
    pub file: String,
    /// Where in it, as it is cited: `40-52`, `p3`; empty: all of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// The absolute path of the file.
    pub path: PathBuf,
    /// The title of the file and the headings that it stands under.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heading: Vec<String>,
    /// Why it was found, and its score: `words and meaning · 0.032`.
    pub why: String,
    /// Whether it is a picture.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub picture: bool,
}

impl Finding {
    /// How it is cited: `docs/setup.md:40-52`.
    pub fn cite(&self) -> String {
        match self.place.is_empty() {
            true => self.file.clone(),
            false => format!("{}:{}", self.file, self.place),
        }
    }
}

fn yes() -> bool {
    true
}

/// How a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is judged, waits for leave, or runs.
    Pending,
    /// It ran, and did what it should.
    Done,
    /// It ran, and failed or was stopped.
    Failed,
    /// It did not run: by itself percept doesn't allow it. The text may quote what was found.
    Refused,
    /// It did not run: the person said no, or the call was wrong. Its text is from neither file
    /// nor tool.
    Denied,
}

impl Part {
    /// A text with nothing marked in it.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), unsure: Vec::new() }
    }

    /// An attachment that the model gets.
    pub fn attachment(attachment: Attachment) -> Self {
        Self::Attachment { attachment, removed: false, pinned: false }
    }

    /// Where this part came from when that was not the keyboard: text in it is data,
    /// never an instruction.
    pub fn taint(&self) -> Option<Taint> {
        match self {
            Self::Text { .. } | Self::ToolCall(_) => None,
            Self::Summary(summary) => summary.outside.first().map(|first| Taint {
                name: "the summary of what was said before".to_owned(),
                source: first.source.clone(),
            }),
            Self::Attachment { attachment, .. } => {
                Some(Taint { name: attachment.name.clone(), source: attachment.source.clone() })
            }
            Self::ToolResult(result) => match result.outcome {
                Outcome::Done | Outcome::Failed | Outcome::Refused if result.outside => {
                    Some(Taint { name: result.shown.clone(), source: Source::Tool })
                }
                _ => None,
            },
        }
    }
}

/// The mark of content that came from outside the keyboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taint {
    /// The attachment's name, or what was run.
    pub name: String,
    /// Where it came from.
    #[serde(flatten)]
    pub source: Source,
}

/// How far a message got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// All of it is there.
    Complete,
    /// It is being streamed now. Found in a store at start, it means that percept died.
    Streaming,
    /// It ended before it was finished.
    Interrupted {
        /// Why, in words for the screen: `stopped by you`, `the worker died`.
        why: String,
    },
}

/// What an answer cost, as the worker measured it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AnswerStats {
    /// The model that answered.
    pub model: String,
    /// Tokens of the prompt, images included.
    pub prompt_tokens: u64,
    /// Tokens of the prompt that were in the KV cache already.
    pub cached_tokens: u64,
    /// Tokens of the answer.
    pub completion_tokens: u64,
    /// Milliseconds from `Generate` to the first token.
    pub first_token_ms: f64,
    /// Milliseconds of those for encoding pictures and evaluating their tokens.
    #[serde(default)]
    pub encode_ms: f64,
    /// Decode speed in tokens a second.
    pub tokens_per_second: f64,
}

/// One turn of one speaker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// The message that it follows; `None` for the first. Two messages with the same
    /// parent are branches of the conversation.
    pub parent: Option<MessageId>,
    /// Who speaks.
    pub role: Role,
    /// What it holds, in the order in which the model gets it.
    pub parts: Vec<Part>,
    /// How far it got.
    #[serde(flatten)]
    pub status: Status,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// What it cost, for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<AnswerStats>,
}

impl Message {
    /// All its text, parts joined by a line break.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Text { text, .. } => Some(text.as_str()),
                Part::Attachment { .. } | Part::Summary(_) | Part::ToolCall(_) | Part::ToolResult(_) => None,
            })
            .collect();
        texts.join("\n")
    }

    /// The call that it ends with.
    pub fn call(&self) -> Option<&ToolCall> {
        match self.parts.last() {
            Some(Part::ToolCall(call)) => Some(call),
            _ => None,
        }
    }

    /// The result that it begins with.
    pub fn result(&self) -> Option<&ToolResult> {
        match self.parts.first() {
            Some(Part::ToolResult(result)) => Some(result),
            _ => None,
        }
    }

    /// The summary that it is.
    pub fn summary(&self) -> Option<&Summary> {
        match self.parts.first() {
            Some(Part::Summary(summary)) => Some(summary),
            _ => None,
        }
    }

    /// Whether it is a summary that was taken back: nothing follows it, and it counts no more.
    pub fn is_taken_back(&self) -> bool {
        self.summary().is_some() && self.status != Status::Complete
    }

    /// Its attachments, those taken out again left out.
    pub fn attachments(&self) -> impl Iterator<Item = &Attachment> {
        self.parts.iter().filter_map(|part| match part {
            Part::Attachment { attachment, removed: false, .. } => Some(attachment),
            _ => None,
        })
    }
}
