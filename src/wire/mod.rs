//! The protocol between percept and its workers: one JSON value a line, both ways.
//!
//! percept writes [`Request`]s to a worker's standard input, the worker writes
//! [`Event`]s to its standard output, each in an [`Envelope`] with the id of the
//! request. Every request ends with exactly one [`Event::Done`] or [`Event::Failed`].
//! `docs/protocol.md` tells it with examples. What this module refuses to do: start
//! processes (that is [`crate::engines`]) or know what an engine is.

mod event;
pub mod floats;
mod line;
pub mod process;
mod request;
mod serve;
mod server;

pub use event::{
    DoneReport, Event, Failure, FailureKind, Gpu, Ledger, LedgerEntry, LedgerKind, Limits, ModelInfo, Ready,
    Segment, Stage, StopReason, Timings, Usage, Word,
};
pub use line::{LineError, LineReader, MAX_LINE_BYTES, write_line};
pub use process::cpu_features;
pub use request::{
    ChatMessage, Content, EmbedInput, LoadOptions, Request, Sampling, SpeechOptions, ToolSpec,
};
pub use serve::{Engine, ExitOnEnd, Heard, Output, Watch, serve};
pub use server::{ServerInfo, ServerOptions};

use serde::{Deserialize, Serialize};

/// The version of the protocol. percept checks the worker's in [`Event::Ready`], the
/// worker checks percept's in [`Request::Load`]; a difference is an error that says so.
pub const PROTOCOL_VERSION: u32 = 5;

/// Samples a second of all sound that goes to a worker, mono: what Whisper was trained on.
pub const SAMPLE_RATE: u32 = 16_000;

/// The id of events that answer no request: [`Event::Ready`], and failures of a line
/// too broken to have an id.
pub const NO_REQUEST: u64 = 0;

/// A request or an event with the id that ties them together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// Chosen by percept, unique within the life of a worker, never [`NO_REQUEST`].
    pub id: u64,
    /// The request or event itself, its fields beside the id.
    #[serde(flatten)]
    pub body: T,
}

#[cfg(test)]
mod tests;
