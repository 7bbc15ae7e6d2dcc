//! The worker processes: started, watched, started again.

use std::time::Duration;

use crate::wire::{Envelope, Event, Ready};

/// What happens to a worker.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkerEvent {
    /// It runs and speaks our protocol. Nothing is loaded in it.
    Up(Ready),
    /// It said something.
    Said(Envelope<Event>),
    /// It is gone; requests that had not ended are lost.
    Down {
        /// In words for the screen, with the signal or exit code and the last line of its stderr.
        reason: String,
        /// When it is started again; `None`: it isn't, it failed too often or can't start at all.
        retry_in: Option<Duration>,
    },
}
