//! Long work of a one-shot command: how far it is, on a terminal's last line, and Ctrl+C.

use std::fmt::Display;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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
pub(super) fn stop_on_interrupt(runtime: &tokio::runtime::Runtime) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    runtime.spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            flag.store(true, Ordering::Relaxed);
        }
    });
    stop
}
