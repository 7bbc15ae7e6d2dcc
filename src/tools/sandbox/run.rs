//! Runs a command in the sandbox to its end, and keeps of its output what fits.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{NOT_ENTERED, Policy, SUPERVISE, TOO_MANY};

/// How often it is looked whether the command was stopped or is out of time.
const POLL: Duration = Duration::from_millis(10);

/// Of what is kept of a long output, so much is its end: where a command says how it went.
const TAIL_PERCENT: usize = 50;

/// All of an output that is kept on disk; what comes behind it is counted and dropped.
const MOST_ON_DISK: u64 = 256 * 1024 * 1024;

/// Variables of percept's environment that a command gets. All others may hold secrets.
const VARIABLES: [&str; 8] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ"];

/// Variables that a command gets so that it neither waits for a person nor paints.
///
/// A git repository's own settings may name a program that `git status` would start.
const SET: [(&str, &str); 9] = [
    ("TERM", "dumb"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("NO_COLOR", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_CONFIG_COUNT", "1"),
    ("GIT_CONFIG_KEY_0", "core.fsmonitor"),
    ("GIT_CONFIG_VALUE_0", "false"),
];

/// How commands are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// percept itself, which becomes the supervisor.
    pub percept: PathBuf,
    /// Where whole outputs are kept.
    pub spool: PathBuf,
    /// Bytes of an output that the model gets.
    pub most_output: usize,
}

/// A command and what it may do.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    /// The program and its arguments.
    pub command: &'a [OsString],
    /// What it may do.
    pub policy: &'a Policy,
    /// How long it may take.
    pub time: Duration,
    /// Set to end it at once.
    pub stop: Arc<AtomicBool>,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this exit code; above 128 by the signal of that number less 128.
    Code(u8),
    /// Its time was up.
    TimedOut,
    /// The person stopped it.
    Stopped,
    /// It had more processes than it may.
    TooManyProcesses,
    /// It was not run: the sandbox could not be entered. The output says why.
    NotRun,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub ended: Ended,
    /// What it wrote to standard output and error, in the order in which it came; the middle
    /// is left out of a long one, and a line says so.
    pub bytes: Vec<u8>,
    /// All bytes that it wrote.
    pub total: u64,
    /// All of it, on disk, where `bytes` is not.
    pub whole: Option<PathBuf>,
    /// How long it took.
    pub took: Duration,
}

/// Runs a command to its end. Blocks.
///
/// # Errors
///
/// The supervisor can't be started, or the output can't be kept.
pub fn run(run: &Run<'_>, options: &Options) -> io::Result<Output> {
    let start = Instant::now();
    let (lifeline, hold) = io::pipe()?;
    let (output, write) = io::pipe()?;
    let mut command = Command::new(&options.percept);
    command
        .arg(SUPERVISE)
        .arg(serde_json::to_string(run.policy)?)
        .args(run.command)
        .env_clear()
        .envs(VARIABLES.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))))
        .envs(SET)
        .stdin(Stdio::from(lifeline))
        .stdout(Stdio::from(write.try_clone()?))
        .stderr(Stdio::from(write));
    let mut child = command.spawn()?;
    // It holds the other ends of the pipes.
    drop(command);
    let finished = Arc::new(AtomicBool::new(false));
    let watch = {
        let (finished, stop, deadline) = (Arc::clone(&finished), Arc::clone(&run.stop), start + run.time);
        std::thread::spawn(move || watch(hold, &finished, &stop, deadline))
    };
    let kept = Kept::read(output, options);
    let status = child.wait();
    finished.store(true, Ordering::Relaxed);
    let cut = watch.join().unwrap_or(None);
    let (bytes, total, whole) = kept?;
    Ok(Output { ended: cut.unwrap_or(ended(status?)), bytes, total, whole, took: start.elapsed() })
}

/// Holds the lifeline until the command has finished, was stopped or is out of time.
fn watch(hold: io::PipeWriter, finished: &AtomicBool, stop: &AtomicBool, deadline: Instant) -> Option<Ended> {
    loop {
        if finished.load(Ordering::Relaxed) {
            return None;
        }
        let cut = match () {
            () if stop.load(Ordering::Relaxed) => Some(Ended::Stopped),
            () if Instant::now() >= deadline => Some(Ended::TimedOut),
            () => None,
        };
        if cut.is_some() {
            drop(hold);
            return cut;
        }
        std::thread::sleep(POLL);
    }
}

fn ended(status: ExitStatus) -> Ended {
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(NOT_ENTERED) | None => Ended::NotRun,
        Some(TOO_MANY) => Ended::TooManyProcesses,
        Some(code) => Ended::Code(code),
    }
}

/// The beginning and the end of an output, and all of it on disk once it is longer.
struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
    file: Option<(File, PathBuf)>,
}

impl Kept {
    fn read(mut output: PipeReader, options: &Options) -> io::Result<(Vec<u8>, u64, Option<PathBuf>)> {
        let tail_most = options.most_output * TAIL_PERCENT / 100;
        let head_most = options.most_output - tail_most;
        let mut kept = Self { head: Vec::new(), tail: VecDeque::new(), total: 0, file: None };
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let bytes = match output.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => &buffer[..read],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            kept.spool(bytes, options)?;
            kept.total += bytes.len() as u64;
            let (first, rest) = bytes.split_at(bytes.len().min(head_most - kept.head.len()));
            kept.head.extend(first);
            kept.tail.extend(rest);
            let over = kept.tail.len().saturating_sub(tail_most);
            kept.tail.drain(..over);
        }
        let (total, whole) = (kept.total, kept.file.take().map(|(_, path)| path));
        Ok((kept.joined(), total, whole))
    }

    /// Writes to disk as soon as there is more than is kept in memory.
    fn spool(&mut self, bytes: &[u8], options: &Options) -> io::Result<()> {
        if self.file.is_none() && self.total + bytes.len() as u64 > options.most_output as u64 {
            std::fs::create_dir_all(&options.spool)?;
            let (mut file, path) = new_file(&options.spool)?;
            // Until now nothing was left out.
            file.write_all(&self.head)?;
            file.write_all(self.tail.make_contiguous())?;
            self.file = Some((file, path));
        }
        match &mut self.file {
            Some((file, _)) if self.total < MOST_ON_DISK => file.write_all(bytes),
            _ => Ok(()),
        }
    }

    fn joined(mut self) -> Vec<u8> {
        let left_out = self.total - (self.head.len() + self.tail.len()) as u64;
        let mut bytes = self.head;
        if left_out > 0 {
            let size = crate::text::size(left_out);
            bytes.extend(format!("\n[percept: {size} in the middle left out]\n").into_bytes());
        }
        bytes.extend(self.tail.make_contiguous().iter());
        bytes
    }
}

fn new_file(folder: &Path) -> io::Result<(File, PathBuf)> {
    let file = tempfile::Builder::new().prefix("output-").suffix(".txt").tempfile_in(folder)?;
    Ok(file.keep()?)
}
