//! Dictation: what is said into the microphone becomes text that the composer can take.
//!
//! [`Dictation`] decides purely: events in, effects out. [`Driver`] owns the microphone and
//! the speech worker, runs the effects and feeds events back. Neither knows a screen: what
//! is said comes out as [`Told`], and what goes on as [`Look`]. Nothing of the sound is
//! written to disk.
//!
//! | module | what it is |
//! | --- | --- |
//! | `machine`, `take` | the state machine, and one recording of it |
//! | `driver`, `meter` | the microphone, the worker and the clock around it |
//! | `spoken` | the few utterances that are commands |
//! | [`vocabulary`] | the words of a conversation that are likely to be said |

mod driver;
mod machine;
mod meter;
mod spoken;
mod take;
pub mod vocabulary;

use std::path::PathBuf;
use std::time::Duration;

pub use driver::{Driver, Look, Open, Source};
pub use machine::{Dictation, Effect, Event, State, Told};

use crate::engines::WorkerOptions;
use crate::microphone;
use crate::wire::{LoadOptions, SpeechOptions};

/// How long the microphone stays open after a recording, unless it is said.
pub const ARMED_FOR: Duration = Duration::from_secs(5 * 60);

/// How dictation is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The microphone, and what belongs to a recording before its start and after its stop.
    pub microphone: microphone::Options,
    /// How the speech worker is started.
    pub worker: WorkerOptions,
    /// The speech model: a file in ggml form.
    pub model: PathBuf,
    /// The voice activity model; without it, speech is told from silence by its energy.
    pub vad: Option<PathBuf>,
    /// Threads of the worker; without it, as many as there are physical cores.
    pub threads: Option<u32>,
    /// The language as a code of ISO 639; without it, it is detected.
    pub language: Option<String>,
    /// Translate to English.
    pub translate: bool,
    /// The person's own words, in front of those of the conversation.
    pub vocabulary: Vec<String>,
    /// Whether the utterances of `spoken` are commands.
    pub commands: bool,
    /// How long the microphone stays open after a recording.
    pub armed_for: Duration,
}

impl Options {
    /// The usual way with a worker and a model.
    pub fn new(worker: WorkerOptions, model: PathBuf) -> Self {
        Self {
            microphone: microphone::Options::default(),
            worker,
            model,
            vad: None,
            threads: None,
            language: None,
            translate: false,
            vocabulary: Vec::new(),
            commands: false,
            armed_for: ARMED_FOR,
        }
    }

    fn load(&self) -> LoadOptions {
        LoadOptions { vad: self.vad.clone(), threads: self.threads, ..LoadOptions::default() }
    }

    fn speech(&self, vocabulary: Vec<String>) -> SpeechOptions {
        SpeechOptions {
            language: self.language.clone(),
            translate: self.translate,
            vocabulary,
            ..SpeechOptions::default()
        }
    }
}
