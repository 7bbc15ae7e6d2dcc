//! A worker that somebody waits for: asked one thing after the other, and started by nobody
//! again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::child::{Child, Said, What};
use super::{WorkerOptions, greet};
use crate::wire::{Envelope, Event, Failure, FailureKind, Request};

/// How often it is looked whether it should stop.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// How long a worker may take to stop before it is ended.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// A running worker. Dropping it ends the process.
pub(super) struct Errand {
    child: Child,
    said: Receiver<Said>,
    /// What it is, for the person: `speech worker`.
    what: &'static str,
    last_id: u64,
    gone: bool,
}

impl Errand {
    /// Starts a process and hears who it is.
    pub(super) fn start(options: &WorkerOptions, what: &'static str) -> Result<Self, Failure> {
        let failed = |why: String| {
            Failure::new(FailureKind::Internal, format!("The {what} doesn't work: {why}."))
                .hint("`percept doctor` says more.")
        };
        let (child, said, _) = greet(options).map_err(failed)?;
        Ok(Self { child, said, what, last_id: 0, gone: false })
    }

    /// Whether the process is no more: it died, or was ended because it didn't stop.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Asks for something and hands on what is said to it, until it ends.
    pub(super) fn ask(
        &mut self,
        request: Request,
        stop: &AtomicBool,
        mut each: impl FnMut(Event),
    ) -> Result<(), Failure> {
        let id = self.send(request)?;
        let mut stopped: Option<Instant> = None;
        loop {
            if stopped.is_none() && stop.load(Ordering::Relaxed) {
                stopped = Some(Instant::now());
                // A line of its own that asks nothing.
                self.send(Request::Cancel { target: id })?;
            }
            if stopped.is_some_and(|since| since.elapsed() > STOP_PATIENCE) {
                self.gone = true;
                self.child.kill();
                return Err(was_stopped());
            }
            match self.said.recv_timeout(POLL) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Said { what: What::Line(Envelope { id: said, body }), .. }) if said == id => match body {
                    Event::Done(_) | Event::Failed(_) if stopped.is_some() => return Err(was_stopped()),
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

    fn send(&mut self, request: Request) -> Result<u64, Failure> {
        self.last_id += 1;
        self.child.write(self.last_id, request)?;
        Ok(self.last_id)
    }

    fn died(&mut self, why: Option<&str>) -> Failure {
        self.gone = true;
        let reason = self.child.obituary(why);
        Failure::new(FailureKind::Internal, format!("The {} died ({reason}).", self.what))
            .hint("Try it again; if it dies again, try a smaller model.")
    }
}

pub(super) fn was_stopped() -> Failure {
    Failure::new(FailureKind::Internal, "It was stopped.")
}
