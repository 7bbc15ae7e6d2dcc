//! How percept ends: the exit code, and the words on standard error.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::process::{ExitCode, Termination};

use crate::text;

/// Why a command didn't do what was asked, by who can do something about it.
#[derive(Debug)]
pub enum Trouble {
    /// The input or the configuration is not right: exit code 1.
    User(anyhow::Error),
    /// A model or a worker failed: exit code 3.
    Engine(anyhow::Error),
    /// Ctrl+C: exit code 130, as shells have it.
    Stopped,
    /// A signal ended it: exit code 128 and its number, as shells have it.
    Signal(u8),
    /// Nobody reads our output any more. That is no failure.
    ClosedPipe,
}

impl Trouble {
    /// What the person can mend.
    pub fn user(error: impl Into<anyhow::Error>) -> Self {
        Self::User(error.into())
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ClosedPipe,
            _ => Self::User(error.into()),
        }
    }
}

/// The end of a command.
#[derive(Debug)]
pub struct Exit(Result<(), Trouble>);

impl From<Result<(), Trouble>> for Exit {
    fn from(done: Result<(), Trouble>) -> Self {
        Self(done)
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        match self.0 {
            Ok(()) | Err(Trouble::ClosedPipe) => ExitCode::SUCCESS,
            Err(Trouble::User(error)) => say(&error, 1),
            Err(Trouble::Engine(error)) => say(&error, 3),
            Err(Trouble::Stopped) => ExitCode::from(130),
            Err(Trouble::Signal(signal)) => ExitCode::from(128_u8.saturating_add(signal)),
        }
    }
}

fn say(error: &anyhow::Error, code: u8) -> ExitCode {
    warn(format!("{error:#}"));
    ExitCode::from(code)
}

/// Writes to standard output; a closed pipe is [`Trouble::ClosedPipe`]. Everything that
/// the commands print goes through here: titles, file names and what a model said may
/// hold escape sequences, which a terminal would obey.
pub(super) fn print_text(text: &str) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    out.write_all(shown(text, out.is_terminal()).as_bytes())?;
    out.flush()?;
    Ok(())
}

/// A text as it goes to a terminal, or unchanged to a file or pipe.
fn shown(text: &str, terminal: bool) -> Cow<'_, str> {
    if terminal { Cow::Owned(text::printable(text)) } else { Cow::Borrowed(text) }
}

/// Writes a line to standard output.
pub(super) fn print_line(line: impl std::fmt::Display) -> Result<(), Trouble> {
    print_text(&format!("{line}\n"))
}

/// Writes a value as JSON, for `--json`.
pub(super) fn print_json(value: &impl serde::Serialize) -> Result<(), Trouble> {
    let text = serde_json::to_string_pretty(value).map_err(Trouble::user)?;
    print_line(text)
}

/// Says something on standard error that is no failure.
pub(super) fn warn(what: impl std::fmt::Display) {
    // Nothing can be done where standard error itself is closed.
    let mut err = io::stderr().lock();
    let line = format!("percept: {what}");
    let _ = writeln!(err, "{}", shown(&line, err.is_terminal()));
}

/// Shows how far something is, on one line of a terminal; an empty text takes it away.
pub(super) fn status(what: &str) {
    let mut err = io::stderr().lock();
    let line = if what.is_empty() { String::new() } else { format!("percept: {}", text::printable(what)) };
    let _ = write!(err, "\r\x1b[K{line}");
    let _ = err.flush();
}

/// Makes a panic of the main thread end percept with the terminal restored, a word on
/// what to do, and exit code 255. One of another thread goes to the log: the chat goes on.
pub fn on_panic() {
    let main = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!("{panic}\n{}", std::backtrace::Backtrace::force_capture());
        if std::thread::current().id() != main {
            return;
        }
        crate::tui::restore();
        warn(format!(
            "{panic}\npercept: this is a bug in percept. What was sent is kept (percept --continue); please report it with the log"
        ));
        std::process::exit(255);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_escape_sequences_and_a_pipe_gets_everything() {
        let hostile = "a title\u{1b}]0;owned\u{7}\n";
        assert_eq!(shown(hostile, true), "a title␛]0;owned␇\n");
        assert_eq!(shown(hostile, false), hostile);
    }
}
