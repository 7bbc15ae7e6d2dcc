//! Runs a command in the sandbox to its end, and keeps of its output what fits.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use process_wrap::std::{ChildWrapper, CommandWrap};

use crate::tools::lookup;

use super::{ENTER, FILTER, Means, NOT_ENTERED, Policy, SUPERVISE, Support, TOO_MANY, means};

/// How often it is looked whether the command has ended, was stopped, or is out of time.
const POLL: Duration = Duration::from_millis(10);

/// Most commands end as soon as this, and nobody should wait for the next look then.
const SOON: Duration = Duration::from_millis(100);

/// How often it is looked until then.
const SOON_POLL: Duration = Duration::from_micros(500);

/// How long that of a supervised one is: all that could write has ended, and what it wrote may
/// wait for a slow disk.
const SLOW_DISK: Duration = Duration::from_secs(30);

/// How long the output of a command that nothing held is waited for when it has ended.
const DRAIN: Duration = Duration::from_secs(1);

/// Of what is kept of a long output, so much is its end: where a command says how it went.
const TAIL_PERCENT: usize = 50;

/// All of an output that is kept on disk; what comes behind it is counted and dropped.
pub const MOST_ON_DISK: u64 = 64 * 1024 * 1024;

/// Variables of percept's environment that a command gets. All others may hold secrets.
const VARIABLES: [&str; 7] = ["HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ"];

/// Variables that a command gets so that it neither waits for a person nor paints.
///
/// A git repository's own settings may name a program that `git status` would start, and a
/// folder may pass for a repository.
const SET: [(&str, &str); 11] = [
    ("TERM", "dumb"),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("NO_COLOR", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_CONFIG_COUNT", "2"),
    ("GIT_CONFIG_KEY_0", "core.fsmonitor"),
    ("GIT_CONFIG_VALUE_0", "false"),
    ("GIT_CONFIG_KEY_1", "safe.bareRepository"),
    ("GIT_CONFIG_VALUE_1", "explicit"),
];

/// How commands are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// percept itself, which becomes the supervisor.
    pub percept: PathBuf,
    /// What holds them.
    pub by: Support,
    /// Where whole outputs are kept.
    pub spool: PathBuf,
    /// The most bytes that these may take.
    pub most_spool: u64,
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
    /// It runs because of what its programs are known to do: then none is found in the working
    /// folder, where a program may have any name.
    pub proven: bool,
    /// How long it may take.
    pub time: Duration,
    /// Set to end it at once.
    pub stop: Arc<AtomicBool>,
    /// Gets the last line that it wrote so far.
    pub says: Arc<Says>,
}

/// The last line that a command wrote, as it was written.
#[derive(Debug, Default)]
pub struct Says(Mutex<Vec<u8>>);

impl Says {
    /// Of a line no more is kept than a screen shows.
    const MOST: usize = 512;

    fn hear(&self, bytes: &[u8]) {
        let line =
            bytes.split(|byte| matches!(byte, b'\n' | b'\r')).rfind(|line| !line.trim_ascii().is_empty());
        if let Some(line) = line {
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            last.clear();
            last.extend(&line[..line.len().min(Self::MOST)]);
        }
    }

    /// The line.
    pub fn line(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
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
    /// All of it, on disk, where `bytes` is not: at most [`MOST_ON_DISK`].
    pub whole: Option<PathBuf>,
    /// Why it is not all on disk, although `bytes` is not all of it.
    pub unkept: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// Runs a command to its end. Blocks.
///
/// # Errors
///
/// It can't be started, or the output can't be kept.
pub fn run(run: &Run<'_>, options: &Options) -> io::Result<Output> {
    let start = Instant::now();
    let (output, write) = io::pipe()?;
    let (mut child, mut hold) = spawn(run, options, write)?;
    let reader = Reader::start(output, options, Arc::clone(&run.says));
    let mut cut = None;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if cut.is_none() {
            cut = match () {
                () if run.stop.load(Ordering::Relaxed) => Some(Ended::Stopped),
                () if start.elapsed() >= run.time => Some(Ended::TimedOut),
                () => None,
            };
            if cut.is_some() {
                hold.cut(child.as_mut());
            }
        }
        std::thread::sleep(if start.elapsed() < SOON { SOON_POLL } else { POLL });
    };
    // Without a sandbox something of it may live on and hold the pipe.
    hold.cut(child.as_mut());
    let supervised = matches!(hold, Hold::Lifeline(_));
    let Came { bytes, total, whole, unkept } = reader.end(supervised)?;
    let ended = if supervised { ended(status) } else { ended_by_itself(status) };
    Ok(Output { ended: cut.unwrap_or(ended), bytes, total, whole, unkept, took: start.elapsed() })
}

/// Starts the command within what holds it.
fn spawn(
    run: &Run<'_>,
    options: &Options,
    write: io::PipeWriter,
) -> io::Result<(Box<dyn ChildWrapper>, Hold)> {
    let mut policy = run.policy.clone();
    #[cfg(target_os = "linux")]
    {
        policy.bounds.with_others = super::supervise::processes_of_all() + policy.bounds.processes;
    }
    let policy = serde_json::to_string(&policy)?;
    let mut lifeline = None;
    let mut words: Vec<OsString> = match &options.by {
        Support::By(means @ (Means::Landlock { .. } | Means::Bubblewrap(_))) => {
            lifeline = Some(io::pipe()?);
            let percept = || OsString::from(&options.percept);
            let supervise = [percept(), SUPERVISE.into(), policy.clone().into()].into_iter();
            match means {
                Means::Bubblewrap(program) => supervise
                    .chain([program.into()])
                    .chain(means::bubblewrap(run.policy))
                    // Inside, `/proc/self` is another's.
                    .chain([real(&options.percept), FILTER.into(), policy.into()])
                    .collect(),
                _ => supervise.chain([percept(), ENTER.into(), policy.into()]).collect(),
            }
        }
        Support::By(Means::SandboxExec) => {
            vec![means::SANDBOX_EXEC.into(), "-p".into(), means::seatbelt(run.policy).into()]
        }
        Support::None(_) => Vec::new(),
    };
    words.extend_from_slice(run.command);
    let (program, arguments) = words.split_first().ok_or_else(|| io::Error::other("no command is given"))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(VARIABLES.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))))
        .envs(SET)
        .env("PATH", lookup::path_for(run.proven.then_some(run.policy.folder.as_path())))
        .stdout(Stdio::from(write.try_clone()?))
        .stderr(Stdio::from(write));
    let Some((inside, hold)) = lifeline else {
        command.current_dir(&run.policy.folder).stdin(Stdio::null());
        let mut wrapped = CommandWrap::from(command);
        #[cfg(unix)]
        wrapped.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        wrapped.wrap(process_wrap::std::JobObject);
        return Ok((wrapped.spawn()?, Hold::Group));
    };
    command.stdin(Stdio::from(inside));
    Ok((CommandWrap::from(command).spawn()?, Hold::Lifeline(Some(hold))))
}

fn real(percept: &Path) -> OsString {
    percept.canonicalize().unwrap_or_else(|_| percept.to_owned()).into()
}

/// What ends a command and all that it started.
enum Hold {
    /// The supervisor ends them when this breaks.
    Lifeline(Option<io::PipeWriter>),
    /// They are a group.
    Group,
}

impl Hold {
    fn cut(&mut self, child: &mut dyn ChildWrapper) {
        match self {
            Self::Lifeline(hold) => drop(hold.take()),
            // What has ended already needs no end.
            Self::Group => drop(child.start_kill()),
        }
    }
}

fn ended(status: ExitStatus) -> Ended {
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(NOT_ENTERED) | None => Ended::NotRun,
        Some(TOO_MANY) => Ended::TooManyProcesses,
        Some(code) => Ended::Code(code),
    }
}

/// How a command ended that no supervisor stands before.
fn ended_by_itself(status: ExitStatus) -> Ended {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return Ended::Code(u8::try_from(128 + signal).unwrap_or(u8::MAX));
    }
    Ended::Code(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// What came of an output.
struct Came {
    bytes: Vec<u8>,
    total: u64,
    whole: Option<PathBuf>,
    unkept: Option<String>,
}

/// Reads an output on a thread of its own.
struct Reader {
    kept: Arc<Mutex<Kept>>,
    thread: JoinHandle<io::Result<()>>,
}

impl Reader {
    fn start(mut output: PipeReader, options: &Options, says: Arc<Says>) -> Self {
        let kept = Arc::new(Mutex::new(Kept::new(options)));
        let filled = Arc::clone(&kept);
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let bytes = match output.read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(read) => &buffer[..read],
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                };
                says.hear(bytes);
                filled.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
            }
        });
        Self { kept, thread }
    }

    /// What came. Its end is not waited for without end: what left its group, where nothing held
    /// it, may have the pipe for as long as it lives.
    fn end(self, supervised: bool) -> io::Result<Came> {
        let start = Instant::now();
        let most = if supervised { SLOW_DISK } else { DRAIN };
        while !self.thread.is_finished() && start.elapsed() < most {
            std::thread::sleep(SOON_POLL);
        }
        if self.thread.is_finished() {
            self.thread.join().unwrap_or(Ok(()))?;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Came {
            bytes: kept.joined(),
            total: kept.total,
            whole: kept.file.take().map(|(_, path)| path),
            unkept: kept.unkept.take(),
        })
    }
}

/// The beginning and the end of an output, and all of it on disk once it is longer.
struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_most: usize,
    tail_most: usize,
    total: u64,
    spool: PathBuf,
    most_spool: u64,
    file: Option<(File, PathBuf)>,
    unkept: Option<String>,
}

impl Kept {
    fn new(options: &Options) -> Self {
        let tail_most = options.most_output * TAIL_PERCENT / 100;
        let head_most = options.most_output - tail_most;
        let (spool, most_spool) = (options.spool.clone(), options.most_spool);
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            head_most,
            tail_most,
            total: 0,
            spool,
            most_spool,
            file: None,
            unkept: None,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        if self.unkept.is_none()
            && let Err(error) = self.keep_on_disk(bytes)
        {
            // The command goes on: a full disk may be just what it looks into.
            self.unkept = Some(error.to_string());
            if let Some((_, path)) = self.file.take() {
                let _ = std::fs::remove_file(path);
            }
        }
        self.total += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(self.head_most - self.head.len()));
        self.head.extend(first);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(self.tail_most);
        self.tail.drain(..over);
    }

    /// Writes to disk as soon as there is more than is kept in memory.
    fn keep_on_disk(&mut self, bytes: &[u8]) -> io::Result<()> {
        let most = (self.head_most + self.tail_most) as u64;
        if self.file.is_none() && self.total + bytes.len() as u64 > most {
            std::fs::create_dir_all(&self.spool)?;
            // This one may take as much as one may.
            crate::session::prune(&self.spool, self.most_spool.saturating_sub(MOST_ON_DISK));
            let (mut file, path) = new_file(&self.spool)?;
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

    fn joined(&mut self) -> Vec<u8> {
        let left_out = self.total - (self.head.len() + self.tail.len()) as u64;
        let mut bytes = std::mem::take(&mut self.head);
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
