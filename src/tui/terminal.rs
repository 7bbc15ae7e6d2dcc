//! The terminal: taken for the chat, and given back whatever happens.

use std::io::{self, Stdout, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::cursor::Show;
use crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, KeyboardEnhancementFlags, PopKeyboardEnhancementFlags,
    PushKeyboardEnhancementFlags,
};
#[cfg(windows)]
use crossterm::event::{DisableMouseCapture as GiveMouse, EnableMouseCapture as TakeMouse};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::backend::{Backend, CrosstermBackend};
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
        match Terminal::new(CrosstermBackend::new(stdout())) {
            Ok(terminal) => Ok(Self { terminal, mouse }),
            Err(error) => {
                restore();
                Err(error)
            }
        }
    }

    /// Draws a frame; only what changed is written.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(drop)
    }

    /// Draws everything anew with the next frame.
    ///
    /// Not by `Terminal::clear`: that asks the terminal where its cursor is, and waits for
    /// an answer which the stream of keys may have taken, or which never comes.
    pub(super) fn redraw(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().clear()?;
        // Forgets what was drawn last; the frame before that is forgotten already.
        self.terminal.swap_buffers();
        Ok(())
    }

    /// Writes beside the frames.
    pub(super) fn writer(&mut self) -> &mut impl Write {
        self.terminal.backend_mut()
    }

    /// Gives the terminal to a program that runs in it.
    pub(super) fn lend(&mut self) {
        restore();
    }

    /// Takes it back when that has ended.
    pub(super) fn take_back(&mut self) -> io::Result<()> {
        enter(self.mouse)?;
        self.redraw()
    }

    /// Gives the terminal back and stops, as Ctrl+Z does; goes on after `fg`.
    #[cfg(unix)]
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        restore();
        // The whole group, so that a `make run` around it stops too.
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        self.take_back()
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

/// Takes the terminal, or leaves it as it was.
fn enter(mouse: bool) -> io::Result<()> {
    // Before anything is changed, so that whatever fails from here on is undone.
    TAKEN.store(true, Ordering::SeqCst);
    let entered = enable_raw_mode().and_then(|()| ask(&mut stdout(), mouse));
    if entered.is_err() {
        restore();
    }
    entered
}

/// Asks for what the chat needs, and for what it can do without.
fn ask(out: &mut impl Write, mouse: bool) -> io::Result<()> {
    execute!(out, EnterAlternateScreen)?;
    // Each by itself, and none a reason not to start: the Windows console refuses some.
    let _ = execute!(out, EnableBracketedPaste);
    // Alt+Enter, and Esc without a delay; when a key is released, for talking while one is
    // held. Terminals that don't know it ignore it.
    let flags =
        KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES | KeyboardEnhancementFlags::REPORT_EVENT_TYPES;
    let _ = execute!(out, PushKeyboardEnhancementFlags(flags));
    if mouse {
        let _ = execute!(out, TakeMouse);
    }
    Ok(())
}

/// Gives back all that [`ask`] may have got, each by itself: one that the terminal
/// refuses must not keep the next one from it.
fn give(out: &mut impl Write) {
    let _ = execute!(out, GiveMouse);
    let _ = execute!(out, PopKeyboardEnhancementFlags);
    let _ = execute!(out, DisableBracketedPaste);
    let _ = execute!(out, LeaveAlternateScreen);
    let _ = execute!(out, Show);
}

/// Gives the terminal back if the chat has it; called by the panic hook too.
pub fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // Nothing can be done where the terminal is gone.
        give(&mut stdout());
        let _ = disable_raw_mode();
    }
}

/// Asks for buttons and the wheel (1000) in the form that knows no widest column (1006).
/// crossterm's own command also asks for every motion of the pointer, which would wake
/// the chat for nothing.
#[cfg(not(windows))]
struct TakeMouse;

#[cfg(not(windows))]
impl crossterm::Command for TakeMouse {
    fn write_ansi(&self, out: &mut impl std::fmt::Write) -> std::fmt::Result {
        out.write_str("\x1b[?1000h\x1b[?1006h")
    }
}

#[cfg(not(windows))]
struct GiveMouse;

#[cfg(not(windows))]
impl crossterm::Command for GiveMouse {
    fn write_ansi(&self, out: &mut impl std::fmt::Write) -> std::fmt::Result {
        out.write_str("\x1b[?1006l\x1b[?1000l")
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal that refuses one sequence, as the Windows console does.
    struct Refusing {
        refused: &'static str,
        pending: String,
        written: String,
    }

    impl Refusing {
        fn new(refused: &'static str) -> Self {
            Self { refused, pending: String::new(), written: String::new() }
        }
    }

    impl Write for Refusing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.pending.push_str(&String::from_utf8_lossy(bytes));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            let pending = std::mem::take(&mut self.pending);
            if pending.contains(self.refused) {
                return Err(io::ErrorKind::Unsupported.into());
            }
            self.written.push_str(&pending);
            Ok(())
        }
    }

    const ALTERNATE: &str = "\x1b[?1049";

    #[cfg(not(windows))]
    #[test]
    fn what_a_terminal_refuses_stops_neither_the_start_nor_the_end() {
        let mut out = Refusing::new("\x1b[>3u");
        ask(&mut out, true).unwrap();
        assert_eq!(out.written, format!("{ALTERNATE}h\x1b[?2004h\x1b[?1000h\x1b[?1006h"));

        let mut out = Refusing::new("\x1b[<1u");
        give(&mut out);
        assert_eq!(out.written, format!("\x1b[?1006l\x1b[?1000l\x1b[?2004l{ALTERNATE}l\x1b[?25h"));

        let mut out = Refusing::new(ALTERNATE);
        assert!(ask(&mut out, true).is_err());
    }
}
