//! A worker with a model that is there when it is needed: started and loaded at the first use,
//! once more after a death, ended when nobody used it for a while.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::WorkerOptions;
use super::errand::{Errand, POLL, was_stopped};
use crate::wire::{Event, Failure, ModelInfo, Request};

/// How long an unused model keeps its memory: long enough for the next question of a
/// conversation.
pub const IDLE: Duration = Duration::from_secs(180);

/// A worker that is kept for several, who use it one after the other.
pub(super) struct Kept {
    worker: WorkerOptions,
    load: Request,
    what: &'static str,
    idle: Duration,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    running: Option<(Errand, ModelInfo)>,
    busy: bool,
    /// Those who wait and go first.
    urgent: usize,
    used: Option<Instant>,
}

impl Kept {
    /// Starts nothing yet. `load` is what a new process is asked first, `what` what it is, for
    /// the person.
    pub(super) fn new(worker: WorkerOptions, load: Request, what: &'static str, idle: Duration) -> Self {
        Self { worker, load, what, idle, shared: Arc::default() }
    }

    /// Uses the worker. Who is `urgent` goes before all others that wait, never before who is at
    /// work: long work is done in small pieces. A worker that dies at it is started again, and the
    /// work done from its start, once.
    pub(super) fn use_it<T>(
        &self,
        urgent: bool,
        stop: &AtomicBool,
        mut work: impl FnMut(&mut Errand, &ModelInfo) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut turn = self.turn(urgent, stop)?;
        let mut again = true;
        loop {
            let (errand, info) = match &mut turn.running {
                Some(running) => running,
                none => none.insert(self.start(stop)?),
            };
            let result = work(errand, info);
            if errand.is_gone() {
                turn.running = None;
                if result.is_err() && again && !stop.load(Ordering::Relaxed) {
                    again = false;
                    continue;
                }
            }
            return result;
        }
    }

    /// Waits until nobody else uses it.
    fn turn(&self, urgent: bool, stop: &AtomicBool) -> Result<Turn<'_>, Failure> {
        let mut state = self.shared.lock();
        state.urgent += usize::from(urgent);
        while state.busy || (!urgent && state.urgent > 0) {
            if stop.load(Ordering::Relaxed) {
                state.urgent -= usize::from(urgent);
                return Err(was_stopped());
            }
            let waited = self.shared.freed.wait_timeout(state, POLL);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.urgent -= usize::from(urgent);
        state.busy = true;
        Ok(Turn { running: state.running.take(), shared: &self.shared })
    }

    fn start(&self, stop: &AtomicBool) -> Result<(Errand, ModelInfo), Failure> {
        let mut errand = Errand::start(&self.worker, self.what)?;
        let mut info = ModelInfo::default();
        errand.ask(self.load.clone(), stop, |event| {
            if let Event::Loaded(loaded) = event {
                info = loaded;
            }
        })?;
        let (shared, idle) = (Arc::downgrade(&self.shared), self.idle);
        std::thread::spawn(move || end_when_idle(&shared, idle));
        Ok((errand, info))
    }
}

/// The worker is somebody's. Dropping this gives it back.
struct Turn<'a> {
    running: Option<(Errand, ModelInfo)>,
    shared: &'a Shared,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.running = self.running.take();
        state.used = Some(Instant::now());
        state.busy = false;
        self.shared.freed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the worker when nobody used it for so long. Goes when that is done, or there is none.
fn end_when_idle(shared: &Weak<Shared>, idle: Duration) {
    let mut left = idle;
    loop {
        std::thread::sleep(left);
        let Some(shared) = shared.upgrade() else { return };
        let mut state = shared.lock();
        let unused = state.used.map_or(Duration::ZERO, |used| used.elapsed());
        let ended = match (state.busy, unused >= idle) {
            (true, _) => {
                left = idle;
                continue;
            }
            (false, false) => {
                left = idle.saturating_sub(unused);
                continue;
            }
            (false, true) => state.running.take(),
        };
        drop(state);
        drop(ended);
        return;
    }
}
