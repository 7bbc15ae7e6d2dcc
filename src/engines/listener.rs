//! Hears a file of sound in a process of its own, which ends with it: dictation is never
//! kept waiting by a long recording.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::child::{Child, Said, What};
use super::{WorkerOptions, greet};
use crate::audio::Transcript;
use crate::catalogue::ReadySpeech;
use crate::intake::Ears;
use crate::text::{clock, printable};
use crate::wire::{Envelope, Event, Failure, FailureKind, LoadOptions, PROTOCOL_VERSION, Request};
use crate::wire::{Segment, SpeechOptions, Stage};

/// How often it is looked whether it should stop.
const POLL: Duration = Duration::from_millis(50);

/// How long a worker may take to stop before it is ended.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// The ids of the two requests.
const LOAD: u64 = 1;
const HEAR: u64 = 2;

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
        let mut worker = Running::start(&self.worker)?;
        tell(Hearing::Loading);
        let options = LoadOptions { vad: model.vad, threads: self.threads, ..LoadOptions::default() };
        let (protocol, mmproj) = (PROTOCOL_VERSION, None);
        worker.child.write(LOAD, Request::Load { protocol, model: model.model, mmproj, options })?;
        worker.until_done(LOAD, stop, |_| {})?;
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        worker.child.write(HEAR, Request::Transcribe { path, speech: self.speech.clone() })?;
        let mut transcript = Transcript::default();
        worker.until_done(HEAR, stop, |event| match event {
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

/// A worker that is asked one thing after the other.
struct Running {
    child: Child,
    said: Receiver<Said>,
}

impl Running {
    fn start(options: &WorkerOptions) -> Result<Self, Failure> {
        let failed = |why: String| {
            Failure::new(FailureKind::Internal, format!("The speech worker doesn't work: {why}."))
                .hint("`percept doctor` says more.")
        };
        let (child, said, _) = greet(options).map_err(failed)?;
        Ok(Self { child, said })
    }

    /// Hands on what is said to a request until it ends.
    fn until_done(&mut self, id: u64, stop: &AtomicBool, mut each: impl FnMut(Event)) -> Result<(), Failure> {
        let mut stopped: Option<Instant> = None;
        loop {
            if stopped.is_none() && stop.load(Ordering::Relaxed) {
                stopped = Some(Instant::now());
                // A line of its own that asks nothing.
                self.child.write(HEAR + 1, Request::Cancel { target: id })?;
            }
            if stopped.is_some_and(|since| since.elapsed() > STOP_PATIENCE) {
                self.child.kill();
                return Err(was_stopped());
            }
            match self.said.recv_timeout(POLL) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Said { what: What::Line(Envelope { id: said, body }), .. }) if said == id => match body {
                    Event::Done(_) if stopped.is_some() => return Err(was_stopped()),
                    Event::Done(_) => return Ok(()),
                    Event::Failed(failure) => return Err(failure),
                    event => each(event),
                },
                Ok(Said { what: What::Line(_), .. }) => {}
                Ok(Said { what: What::End(why), .. }) => return Err(self.died(why.as_deref())),
                Err(RecvTimeoutError::Disconnected) => return Err(self.died(None)),
            }
        }
    }

    fn died(&mut self, why: Option<&str>) -> Failure {
        let reason = self.child.obituary(why);
        Failure::new(FailureKind::Internal, format!("The speech worker died ({reason})."))
            .hint("Try it again; if it dies again, try a smaller model.")
    }
}

fn was_stopped() -> Failure {
    Failure::new(FailureKind::Internal, "It was stopped.")
}
