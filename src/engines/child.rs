//! One process of a worker: its pipes, its end, and the words for it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{self, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::text;
use crate::wire::{
    Envelope, Event, Failure, FailureKind, LineReader, NO_REQUEST, PROTOCOL_VERSION, Ready, Request,
    write_line,
};

/// How long a worker may take to end by itself before it is killed.
const END_GRACE: Duration = Duration::from_millis(500);

/// How often its end is looked for meanwhile.
const END_POLL: Duration = Duration::from_millis(5);

/// How much of the last line on standard error is quoted.
const QUOTE_COLUMNS: usize = 160;

/// How long the end of the pipes is waited for after the process is gone: something that
/// it started may hold them open.
const PIPES_GRACE: Duration = Duration::from_millis(200);

/// What a process said, with the number of the process, so that a dead one's last words
/// are not taken for the next one's.
pub(super) struct Said {
    pub(super) process: u64,
    pub(super) what: What,
}

pub(super) enum What {
    Line(Envelope<Event>),
    /// Its standard output ended, or what came is no line of the protocol: why.
    End(Option<String>),
}

pub(super) struct Child {
    process: process::Child,
    stdin: Option<ChildStdin>,
    last_words: Arc<Mutex<String>>,
    stderr: Option<JoinHandle<()>>,
}

impl Child {
    /// Starts a process. Its lines and its end come through the channel.
    pub(super) fn start(
        program: &Path,
        number: u64,
        said: &Sender<impl From<Said> + Send + 'static>,
    ) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl+C in the terminal is for percept alone, which tells the worker what to stop.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut process = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("{} is not there; it is built and installed together with percept", program.display())
            }
            _ => format!("{} can't be started: {error}", program.display()),
        })?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (process.stdin.take(), process.stdout.take(), process.stderr.take())
        else {
            return Err("the pipes to it could not be made".to_owned());
        };
        let said = said.clone();
        std::thread::spawn(move || {
            let mut lines = LineReader::new(BufReader::new(stdout));
            loop {
                let what = match lines.next_message() {
                    Ok(Some(line)) => What::Line(line),
                    Ok(None) => What::End(None),
                    Err(error) => What::End(Some(error.to_string())),
                };
                let last = matches!(what, What::End(_));
                if said.send(Said { process: number, what }.into()).is_err() || last {
                    break;
                }
            }
        });
        let last_words = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&last_words);
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stderr = std::thread::spawn(move || pass_on(&name, BufReader::new(stderr), &heard));
        Ok(Self { process, stdin: Some(stdin), last_words, stderr: Some(stderr) })
    }

    /// Writes a request; an error if it can't be one of the protocol's lines. A worker that
    /// is gone is no error here: its end comes as an event.
    pub(super) fn write(&mut self, id: u64, request: Request) -> Result<(), Failure> {
        let Some(stdin) = &mut self.stdin else { return Ok(()) };
        let Err(error) = write_line(&mut *stdin, &Envelope { id, body: request }) else { return Ok(()) };
        tracing::warn!(%error, "a request could not be written to the worker");
        match error.kind() {
            std::io::ErrorKind::InvalidData => Err(Failure::new(
                FailureKind::BadRequest,
                format!("The conversation is too long for the worker ({error})."),
            )
            .hint("Take an attachment out, or start a new conversation.")),
            _ => Ok(()),
        }
    }

    /// Ends the process without asking.
    pub(super) fn kill(&mut self) {
        self.stdin = None;
        if let Err(error) = self.process.kill().and_then(|()| self.process.wait().map(drop)) {
            tracing::warn!(%error, "the worker could not be killed");
        }
    }

    /// Asks the process to end, and makes it. Returns how it ended.
    pub(super) fn end(&mut self) -> Option<ExitStatus> {
        if let Some(mut stdin) = self.stdin.take() {
            // To its very last line: closing the pipe says the same.
            let _ = write_line(&mut stdin, &Envelope { id: NO_REQUEST, body: Request::Shutdown });
            let _ = stdin.flush();
        }
        let asked = Instant::now();
        while asked.elapsed() < END_GRACE {
            match self.process.try_wait() {
                Ok(None) => std::thread::sleep(END_POLL),
                Ok(Some(status)) => return Some(status),
                Err(_) => break,
            }
        }
        self.kill();
        self.process.try_wait().ok().flatten()
    }

    /// Waits for a process whose output ended, and says how it ended, for the screen.
    pub(super) fn obituary(&mut self, broken: Option<&str>) -> String {
        let by_itself = self.wait_shortly();
        let status = by_itself.or_else(|| self.end());
        let ended = match (broken, by_itself, status) {
            (Some(why), ..) => format!("it said what the protocol doesn't know ({why})"),
            (None, Some(status), _) => end_in_words(status),
            (None, None, _) => "it closed its output".to_owned(),
        };
        self.drain_stderr();
        let last = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
        match last.is_empty() {
            true => ended,
            false => format!("{ended}; its last words: {}", text::end(&last, QUOTE_COLUMNS)),
        }
    }

    fn wait_shortly(&mut self) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if start.elapsed() < END_GRACE => std::thread::sleep(END_POLL),
                _ => return None,
            }
        }
    }

    fn drain_stderr(&mut self) {
        let Some(thread) = self.stderr.take() else { return };
        let start = Instant::now();
        while !thread.is_finished() && start.elapsed() < PIPES_GRACE {
            std::thread::sleep(END_POLL);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// Passes standard error on to the log, and keeps its last line.
fn pass_on(name: &str, stderr: impl BufRead, last_words: &Mutex<String>) {
    for line in stderr.split(b'\n') {
        let Ok(line) = line else { break };
        let line = text::printable(String::from_utf8_lossy(&line).trim());
        if !line.is_empty() {
            // Engines print parts of what they are asked, which the log keeps only where it is wanted.
            tracing::debug!(target: "worker", "{name}: {line}");
            *last_words.lock().unwrap_or_else(PoisonError::into_inner) = line;
        }
    }
}

pub(super) fn check_protocol(ready: &Ready) -> Result<(), String> {
    match ready.protocol == PROTOCOL_VERSION {
        true => Ok(()),
        false => Err(format!(
            "it speaks version {} of the protocol and percept speaks {PROTOCOL_VERSION}; install both from the same build",
            ready.protocol
        )),
    }
}

/// How a process ended, in words.
fn end_in_words(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let meaning = match signal {
            4 => "SIGILL: it was built for another CPU",
            6 => "SIGABRT: the engine gave up",
            7 => "SIGBUS: a model file changed or its disk failed",
            8 => "SIGFPE: a bug in the engine",
            9 => "SIGKILL: someone ended it, or memory ran out",
            11 => "SIGSEGV: a bug in the engine",
            15 => "SIGTERM: someone ended it",
            _ => return format!("signal {signal}"),
        };
        return format!("signal {signal}, {meaning}");
    }
    match status.code() {
        Some(code) => format!("it ended with exit code {code}"),
        None => "it ended".to_owned(),
    }
}
