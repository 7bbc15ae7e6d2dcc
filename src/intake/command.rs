//! Runs a tool of the desktop (clipboard, screen capture) with a time limit.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A tool that takes longer waits for something that will not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long its output is waited for when it has ended: longer only where it left
/// something behind that still has the pipe open, and then it will not come.
const DRAIN: Duration = Duration::from_secs(1);

/// How often its end is looked for.
const POLL: Duration = Duration::from_millis(10);

/// More output than this is not read: no picture of a clipboard is that big.
const MOST_OUTPUT: u64 = 512 * 1024 * 1024;

/// Runs a command to its end and returns its standard output.
///
/// # Errors
///
/// What happened, in words that go into a sentence.
pub(super) fn output_of(command: &[&str]) -> Result<Vec<u8>, String> {
    output_within(command, PATIENCE)
}

fn output_within(command: &[&str], patience: Duration) -> Result<Vec<u8>, String> {
    let [program, arguments @ ..] = command else { return Err("no command is given".to_owned()) };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program} can't be started ({error})"))?;
    let out = Aside::read(child.stdout.take());
    let err = Aside::read(child.stderr.take());
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < patience => std::thread::sleep(POLL),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{program} did not finish within {} s", patience.as_secs()));
            }
            Err(error) => return Err(format!("{program} can't be waited for ({error})")),
        }
    };
    match status.success() {
        true => Ok(out.take()),
        false => {
            let said = err.take();
            let said = String::from_utf8_lossy(&said);
            let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given");
            Err(format!("{program} failed: {}", crate::text::printable(line)))
        }
    }
}

/// What comes out of a pipe, read on a thread that ends with it.
struct Aside {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: std::thread::JoinHandle<()>,
}

impl Aside {
    fn read(pipe: Option<impl Read + Send + 'static>) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bytes);
        let thread = std::thread::spawn(move || {
            let Some(pipe) = pipe else { return };
            let mut pipe = pipe.take(MOST_OUTPUT);
            let mut piece = vec![0; 64 * 1024];
            // What came before a failure is used; the exit status tells of the failure.
            while let Ok(read @ 1..) = pipe.read(&mut piece) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&piece[..read]);
            }
        });
        Self { bytes, thread }
    }

    /// What came, waiting for its end no longer than [`DRAIN`].
    fn take(self) -> Vec<u8> {
        let start = Instant::now();
        while !self.thread.is_finished() && start.elapsed() < DRAIN {
            std::thread::sleep(POLL);
        }
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Finds a program in `PATH`.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
}

/// Whether there is a Wayland or X display.
pub(super) fn display() -> (bool, bool) {
    (is_set("WAYLAND_DISPLAY"), is_set("DISPLAY"))
}

/// Whether an environment variable says anything.
pub(super) fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_leaves_something_behind_is_not_waited_for() {
        let start = Instant::now();
        assert_eq!(output_of(&["sh", "-c", "echo hi; sleep 30 &"]).as_deref(), Ok(&b"hi\n"[..]));
        let failed = output_of(&["sh", "-c", "echo no >&2; sleep 30 & exit 1"]);
        assert_eq!(failed, Err("sh failed: no".to_owned()));
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_tool_that_does_not_end_is_ended() {
        let ended = output_within(&["sleep", "30"], Duration::from_millis(100));
        assert!(ended.is_err_and(|why| why.contains("did not finish")));
    }
}
