//! The process of a server that percept starts: a group of its own, a scrubbed environment,
//! and what it says on standard error.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use process_wrap::tokio::{ChildWrapper, CommandWrap};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};

use super::ServerConfig;

/// The longest message of a server, in bytes; a longer one is dropped.
pub(super) const MOST_MESSAGE: usize = 16 * 1024 * 1024;

/// Of what a server says on standard error, so much of the end is kept, in bytes.
const MOST_SAID: usize = 4_096;

/// How often it is looked whether a process has ended.
const POLL: Duration = Duration::from_millis(10);

/// How long a process that closed its output may take to end by itself; and how long it is
/// waited for one that was killed, so that it isn't left a zombie.
const GRACE: Duration = Duration::from_secs(1);

/// Variables of percept's environment that a server gets. All others may hold secrets; what
/// begins with `LC_` is passed on too.
const VARIABLES: [&str; 6] = ["PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR"];

/// Without these no program starts on Windows, whatever the case of their names.
#[cfg(windows)]
const WINDOWS: [&str; 8] =
    ["PATH", "SYSTEMROOT", "PATHEXT", "APPDATA", "LOCALAPPDATA", "USERPROFILE", "TEMP", "TMP"];
#[cfg(not(windows))]
const WINDOWS: [&str; 0] = [];

/// A lock whose content stays usable when a thread that held it panicked.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the process is, for whoever must end it at once.
pub(super) type Slot = Arc<Mutex<Option<Box<dyn ChildWrapper>>>>;

/// A running process. Dropping it kills its whole group.
#[derive(Debug)]
pub(super) struct Process(Slot);

/// The ends of its pipes.
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Process {
    /// Starts it.
    pub(super) fn start(config: &ServerConfig, folder: &Path, slot: &Slot) -> io::Result<(Self, Pipes)> {
        let (program, arguments) = config.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_passed_on)))
            .envs(&config.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut command = CommandWrap::from(command);
        #[cfg(unix)]
        command.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::tokio::JobObject);
        let mut child = command.spawn()?;
        let pipes = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        *lock(slot) = Some(child);
        let process = Self(Arc::clone(slot));
        match pipes {
            (Some(stdin), Some(stdout), Some(stderr)) => Ok((process, Pipes { stdin, stdout, stderr })),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Waits a moment for it to end by itself and kills what is left. `None`: it had to be
    /// killed.
    pub(super) async fn ended(self) -> Option<ExitStatus> {
        let deadline = Instant::now() + GRACE;
        loop {
            let status = lock(&self.0).as_mut().and_then(|child| child.try_wait().ok().flatten());
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = kill(&self.0) {
            // The runtime takes it away when it ends; here nothing waits.
            let _ = child.try_wait();
        }
    }
}

/// Kills what is in a slot: all of its group.
fn kill(slot: &Slot) -> Option<Box<dyn ChildWrapper>> {
    let mut child = lock(slot).take()?;
    // Fails where nothing is left to kill.
    let _ = child.start_kill();
    Some(child)
}

/// Kills what is in the slots. Needs no runtime.
pub(super) fn kill_all<'a>(slots: impl Iterator<Item = &'a Slot>) -> Vec<Box<dyn ChildWrapper>> {
    slots.filter_map(kill).collect()
}

/// Waits a moment until what was killed is gone. Needs no runtime.
pub(super) fn wait(mut killed: Vec<Box<dyn ChildWrapper>>) {
    let deadline = Instant::now() + GRACE;
    loop {
        killed.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if killed.is_empty() || Instant::now() >= deadline {
            return;
        }
        std::thread::sleep(POLL);
    }
}

fn is_passed_on(name: &str) -> bool {
    VARIABLES.contains(&name)
        || name.starts_with("LC_")
        || WINDOWS.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// The end of what a server said on standard error.
#[derive(Debug, Default)]
pub(super) struct Tail(VecDeque<u8>);

impl Tail {
    /// What it was, printable. A line that was cut is left out.
    pub(super) fn text(&self) -> String {
        let bytes: Vec<u8> = self.0.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let whole = match self.0.len() < MOST_SAID {
            true => &text,
            false => text.split_once('\n').map_or(text.as_ref(), |(_, rest)| rest),
        };
        crate::text::printable(whole.trim())
    }

    fn push(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
        let over = self.0.len().saturating_sub(MOST_SAID);
        self.0.drain(..over);
    }
}

/// Reads a server's standard error to its end.
pub(super) async fn listen(mut stderr: ChildStderr, said: Arc<Mutex<Tail>>) {
    let mut bytes = [0; 4_096];
    while let Ok(read @ 1..) = stderr.read(&mut bytes).await {
        lock(&said).push(&bytes[..read]);
    }
}

/// Counts messages that are longer than [`MOST_MESSAGE`] while they pass. The transport drops
/// them without a word, and whoever waits for one would wait in vain.
pub(super) struct Measured<R> {
    inner: R,
    length: usize,
    oversized: Arc<AtomicU64>,
}

impl<R> Measured<R> {
    pub(super) fn new(inner: R, oversized: &Arc<AtomicU64>) -> Self {
        Self { inner, length: 0, oversized: Arc::clone(oversized) }
    }

    fn measure(&mut self, bytes: &[u8]) {
        let was_fit = self.length <= MOST_MESSAGE;
        let mut lines = bytes.split(|byte| *byte == b'\n');
        self.length = self.length.saturating_add(lines.next().map_or(0, <[u8]>::len));
        if was_fit && self.length > MOST_MESSAGE {
            self.oversized.fetch_add(1, Ordering::Relaxed);
        }
        // A buffer is far smaller than a message may be.
        if let Some(last) = lines.next_back() {
            self.length = last.len();
        }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Measured<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        self.measure(buffer.filled().get(before..).unwrap_or_default());
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_speech_the_end_is_kept() {
        let mut tail = Tail::default();
        for number in 0..10_000 {
            tail.push(format!("line {number}\n").as_bytes());
        }
        let text = tail.text();
        assert!(text.ends_with("line 9999") && text.starts_with("line 9"), "{text}");
        assert!(text.len() < MOST_SAID);
    }

    #[test]
    fn a_speech_is_printable() {
        let mut tail = Tail::default();
        tail.push(b"\x1b[31m\xff\n");
        assert_eq!(tail.text(), "␛[31m\u{fffd}");
    }

    #[test]
    fn oversized_messages_are_counted_once() {
        let oversized = Arc::new(AtomicU64::new(0));
        let mut measured = Measured::new((), &oversized);
        let piece = vec![b'x'; 64 * 1024];
        for _ in 0..2 * MOST_MESSAGE / piece.len() {
            measured.measure(&piece);
        }
        assert_eq!(oversized.load(Ordering::Relaxed), 1);
        measured.measure(b"\n{}\n{}");
        assert_eq!(measured.length, 2);
        measured.measure(b"\n");
        assert_eq!((measured.length, oversized.load(Ordering::Relaxed)), (0, 1));
    }

    #[test]
    fn few_variables_are_passed_on() {
        assert!(is_passed_on("PATH") && is_passed_on("LC_ALL"));
        assert!(!is_passed_on("AWS_SECRET_ACCESS_KEY") && !is_passed_on("SSH_AUTH_SOCK"));
    }
}
