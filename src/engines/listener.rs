//! Hears a file of sound in a process of its own, which ends with it: dictation is never
//! kept waiting by a long recording.

use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::WorkerOptions;
use super::errand::Errand;
use crate::audio::Transcript;
use crate::catalogue::ReadySpeech;
use crate::intake::Ears;
use crate::text::{clock, printable};
use crate::wire::{Event, Failure, FailureKind, LoadOptions, PROTOCOL_VERSION, Request};
use crate::wire::{Segment, SpeechOptions, Stage};

/// What is needed to hear.
#[derive(Debug, Clone)]
pub struct Listener {
    /// How the worker is started.
    pub worker: WorkerOptions,
    /// The model, or why there is none: a sentence or two.
    pub model: Result<ReadySpeech, String>,
    /// Threads; `None`: the worker's choice.
    pub threads: Option<u32>,
    /// What is known of what is said.
    pub speech: SpeechOptions,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Hearing {
    /// The model is being loaded.
    Loading,
    /// It leaves this machine to that host.
    Sent(String),
    /// So much was heard.
    Heard {
        /// In milliseconds.
        done_ms: u64,
        /// Of so much; 0 if that isn't known.
        total_ms: u64,
    },
    /// The next thing that was said.
    Segment(Segment),
}

impl fmt::Display for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loading => f.write_str("loading the speech model"),
            Self::Sent(address) => write!(f, "sent to {address} to be heard"),
            Self::Heard { done_ms, total_ms: 0 } => write!(f, "heard {}", clock(*done_ms)),
            Self::Heard { done_ms, total_ms } => {
                let percent = done_ms.saturating_mul(100) / total_ms;
                write!(f, "heard {} of {} · {percent}%", clock(*done_ms), clock(*total_ms))
            }
            Self::Segment(segment) => f.write_str(&printable(&segment.text)),
        }
    }
}

impl Listener {
    /// Hears a file from end to end.
    ///
    /// # Errors
    ///
    /// There is no model, the worker failed or died, the file has no sound that can be read,
    /// or it was stopped.
    pub fn transcribe(
        &self,
        path: &Path,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(Hearing),
    ) -> Result<Transcript, Failure> {
        let model = self.model.clone().map_err(|why| Failure::new(FailureKind::NotLoaded, why))?;
        let mut worker = Errand::start(&self.worker, "speech worker")?;
        tell(Hearing::Loading);
        if let Some(info) = model.server.as_ref().and_then(|server| server.info()).filter(|to| to.elsewhere) {
            tell(Hearing::Sent(info.address));
        }
        let options = LoadOptions {
            vad: model.vad,
            threads: self.threads,
            server: model.server,
            ..LoadOptions::default()
        };
        let (protocol, mmproj) = (PROTOCOL_VERSION, None);
        worker.ask(Request::Load { protocol, model: model.model, mmproj, options }, stop, |_| {})?;
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let request = Request::Transcribe { path, speech: self.speech.clone() };
        let mut transcript = Transcript::default();
        worker.ask(request, stop, |event| match event {
            Event::Language { code, .. } => transcript.language = Some(code),
            Event::Progress { stage: Stage::Transcribing, done, total } => {
                tell(Hearing::Heard { done_ms: done, total_ms: total });
            }
            Event::Segment(segment) => {
                transcript.segments.push(segment.clone());
                tell(Hearing::Segment(segment));
            }
            Event::Sound { duration_ms, notes } => {
                (transcript.duration_ms, transcript.notes) = (duration_ms, notes);
            }
            _ => {}
        })?;
        Ok(transcript)
    }
}

impl Ears for Listener {
    fn check(&self) -> Result<(), String> {
        self.model.as_ref().map(drop).map_err(String::clone)
    }

    fn hear(
        &self,
        path: &Path,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(&dyn fmt::Display),
    ) -> Result<Transcript, String> {
        self.transcribe(path, stop, &mut |hearing| match &hearing {
            Hearing::Segment(_) => {}
            hearing => tell(hearing),
        })
        .map_err(|failure| failure.in_words())
    }
}
