//! What is being attached: each thing is read on a thread of its own, tells how far it is,
//! and ends when its chip is taken off or percept leaves.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::UnboundedSender;

use super::Event;
use crate::attachment::Attachment;
use crate::intake::{self, Ears, Given};
use crate::session::BlobStore;

/// The tokens of a model's context where nothing else is known.
const DEFAULT_CONTEXT: u32 = 8192;

/// The digest of a log takes this part of the context at most.
const LOG_PART: usize = 3;

/// What ends each reading, by the ticket of its chip. Dropping it ends all.
#[derive(Debug, Default)]
pub(super) struct Takings(HashMap<u64, Arc<AtomicBool>>);

impl Takings {
    /// Looks at what was given on another thread; what comes of it happens.
    pub(super) fn start(
        &mut self,
        (ticket, given): (u64, Given),
        (mut options, ears): (intake::Options, Arc<dyn Ears>),
        context: Option<u32>,
        blobs: Arc<BlobStore>,
        events: UnboundedSender<Event>,
    ) {
        options.log_tokens = options.log_tokens.min(context.unwrap_or(DEFAULT_CONTEXT) as usize / LOG_PART);
        let stop = Arc::new(AtomicBool::new(false));
        self.0.retain(|_, stop| Arc::strong_count(stop) > 1);
        self.0.insert(ticket, Arc::clone(&stop));
        tokio::task::spawn_blocking(move || {
            let mut tell = |progress: &dyn std::fmt::Display| {
                let _ = events.send(Event::Taking { ticket, says: progress.to_string() });
            };
            let mut watch = intake::Watch { stop: &stop, tell: &mut tell, ears: ears.as_ref() };
            // A decoder that panics on a hostile file must not leave the chip waiting.
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                take(&given, &options, &blobs, &mut watch)
            }));
            let bug = || Err("That can't be read: a bug in percept, which is in its log.".to_owned());
            drop(events.send(Event::Taken { ticket, result: caught.unwrap_or_else(|_| bug()) }));
        });
    }

    /// Ends a reading.
    pub(super) fn stop(&mut self, ticket: u64) {
        if let Some(stop) = self.0.remove(&ticket) {
            stop.store(true, Ordering::Relaxed);
        }
    }
}

impl Drop for Takings {
    fn drop(&mut self) {
        self.0.values().for_each(|stop| stop.store(true, Ordering::Relaxed));
    }
}

fn take(
    given: &Given,
    options: &intake::Options,
    blobs: &BlobStore,
    watch: &mut intake::Watch<'_>,
) -> Result<Attachment, String> {
    let taken = intake::take_watched(given, options, watch).map_err(|error| error.to_string())?;
    let stored = taken.contents().try_for_each(|bytes| blobs.put(bytes).map(drop));
    match stored {
        Ok(()) => Ok(taken.attachment),
        Err(error) => Err(format!("{} can't be kept: {error}", taken.attachment.name)),
    }
}
