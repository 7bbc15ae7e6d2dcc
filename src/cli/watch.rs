//! Long work of a one-shot command: how far it is, on a terminal's last line, and Ctrl+C.

use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

use super::exit::status;

/// Progress is shown after so long.
const PROGRESS_AFTER: Duration = Duration::from_millis(500);

/// The line of progress on standard error, if that is a terminal.
pub(super) struct Shown {
    begun: Instant,
    on: bool,
    written: bool,
}

impl Shown {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), on: io::stderr().is_terminal(), written: false }
    }

    pub(super) fn tell(&mut self, what: impl Display) {
        if !self.on || self.begun.elapsed() < PROGRESS_AFTER {
            return;
        }
        status(&what.to_string());
        self.written = true;
    }

    pub(super) fn clear(&self) {
        if self.written {
            status("");
        }
    }
}

/// Sets the flag that is returned whenever Ctrl+C is pressed, for as long as the runtime lives.
pub(super) fn stop_on_interrupt(runtime: &Runtime) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    set_on_interrupt(runtime, &stop);
    stop
}

/// Sets a flag whenever Ctrl+C is pressed, for as long as the runtime lives.
#[cfg(unix)]
pub(super) fn set_on_interrupt(runtime: &Runtime, flag: &Arc<AtomicBool>) {
    set_on(runtime, SignalKind::interrupt(), flag);
}

/// Sets a flag whenever Ctrl+C is pressed, for as long as the runtime lives.
#[cfg(not(unix))]
pub(super) fn set_on_interrupt(runtime: &Runtime, flag: &Arc<AtomicBool>) {
    let flag = Arc::clone(flag);
    runtime.spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            flag.store(true, Ordering::Relaxed);
        }
    });
}

/// Sets the flag that is returned when the system tells percept to end, so that it ends what it
/// started and deletes its files before.
pub(super) fn stop_on_terminate(runtime: &Runtime) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    #[cfg(unix)]
    set_on(runtime, SignalKind::terminate(), &stop);
    #[cfg(not(unix))]
    let _ = runtime;
    stop
}

/// From now on: none is missed, and none kills percept.
#[cfg(unix)]
fn set_on(runtime: &Runtime, kind: SignalKind, flag: &Arc<AtomicBool>) {
    let _inside = runtime.enter();
    let Ok(mut told) = signal(kind) else { return };
    let flag = Arc::clone(flag);
    runtime.spawn(async move {
        while told.recv().await.is_some() {
            flag.store(true, Ordering::Relaxed);
        }
    });
}
