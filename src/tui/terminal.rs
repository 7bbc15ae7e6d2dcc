//! The terminal: taken for the chat, and given back whatever happens.

use std::io::{self, Stdout, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
    KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

/// Whether the terminal is ours now; the panic hook asks, on any thread.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The screen of the chat. Dropping it gives the terminal back.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn take(mouse: bool) -> io::Result<Self> {
        enter(mouse)?;
        Ok(Self { terminal: Terminal::new(CrosstermBackend::new(stdout()))?, mouse })
    }

    /// Draws a frame; only what changed is written.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(drop)
    }

    /// Draws everything anew with the next frame.
    pub(super) fn redraw(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }

    /// Writes beside the frames.
    pub(super) fn writer(&mut self) -> &mut impl Write {
        self.terminal.backend_mut()
    }

    /// Gives the terminal back and stops, as Ctrl+Z does; goes on after `fg`.
    #[cfg(unix)]
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        restore();
        // The whole group, so that a `make run` around it stops too.
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        enter(self.mouse)?;
        self.terminal.clear()
    }

    #[cfg(not(unix))]
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        self.redraw()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
    // Terminals that don't know these ignore them: Alt+Enter and Esc without a delay.
    execute!(stdout(), PushKeyboardEnhancementFlags(KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES))?;
    if mouse {
        execute!(stdout(), EnableMouseCapture)?;
    }
    Ok(())
}

/// Gives the terminal back if the chat has it; called by the panic hook too.
pub fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // Nothing can be done where the terminal is gone.
        let _ = execute!(
            stdout(),
            DisableMouseCapture,
            PopKeyboardEnhancementFlags,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            crossterm::cursor::Show
        );
        let _ = disable_raw_mode();
    }
}

/// The signals that end percept.
pub(super) struct Signals {
    #[cfg(unix)]
    streams: [(u8, tokio::signal::unix::Signal); 3],
}

impl Signals {
    #[cfg(unix)]
    pub(super) fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            streams: [
                (15, signal(SignalKind::terminate())?),
                (1, signal(SignalKind::hangup())?),
                (2, signal(SignalKind::interrupt())?),
            ],
        })
    }

    /// Waits for one of them; its number.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) -> u8 {
        let [(term, one), (hup, two), (int, three)] = &mut self.streams;
        tokio::select! {
            _ = one.recv() => *term,
            _ = two.recv() => *hup,
            _ = three.recv() => *int,
        }
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) -> u8 {
        // Closing the window or the session.
        match tokio::signal::ctrl_c().await {
            Ok(()) => 2,
            Err(_) => std::future::pending().await,
        }
    }
}
