//! The worker processes: started, watched, started again.
//!
//! A worker's death is an event, never an error path. One thread owns each worker; to
//! drop its [`Worker`] ends the process.
//!
//! | who | for what |
//! | --- | --- |
//! | [`Worker`] | the chat and dictation: events, restarted by itself |
//! | [`Listener`] | one recording: a process that ends with it |
//! | [`Embedder`], [`Reranker`], [`Captioner`] | the index: a process that is there while it is used |

mod captioner;
mod child;
mod embedder;
mod errand;
mod kept;
mod listener;
mod reranker;
mod supervise;
mod vectors;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::wire::{Envelope, Event, Failure, ModelInfo, Ready, Request};

use child::{Child, Said, What};

pub use captioner::Captioner;
pub use embedder::Embedder;
pub use kept::IDLE;
pub use listener::{Hearing, Listener};
pub use reranker::Reranker;
pub use supervise::Worker;
pub use vectors::MOST_INPUT_BYTES;

/// What happens to a worker.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkerEvent {
    /// It runs and speaks our protocol. Nothing is loaded in it.
    Up(Ready),
    /// It said something.
    Said(Envelope<Event>),
    /// It is gone; requests that had not ended are lost.
    Down {
        /// In words for the screen, with the signal or exit code and the last line of its stderr.
        reason: String,
        /// When it is started again; `None`: it isn't, it failed too often or can't start at all.
        retry_in: Option<Duration>,
    },
}

/// How a worker is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerOptions {
    /// The program.
    pub program: PathBuf,
    /// The wait before the first restart; it doubles with each death in a row.
    pub first_retry: Duration,
    /// The longest wait before a restart.
    pub longest_retry: Duration,
    /// Deaths in a row after which it is not started again by itself.
    pub most_deaths: u32,
    /// A worker that lived this long was healthy: its death is the first in a row.
    pub healthy_after: Duration,
    /// How long a new process may take to say `Ready`.
    pub ready_within: Duration,
}

impl WorkerOptions {
    /// The usual times.
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            first_retry: Duration::from_millis(250),
            longest_retry: Duration::from_secs(8),
            most_deaths: 5,
            healthy_after: Duration::from_secs(30),
            ready_within: Duration::from_secs(10),
        }
    }
}

/// Finds a worker's program: the one that was configured, else the one beside this
/// program, else the name alone, for the system to find in `PATH`.
pub fn find_program(name: &str, configured: &Path) -> PathBuf {
    if !configured.as_os_str().is_empty() {
        return configured.to_owned();
    }
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(&file)));
    beside.filter(|path| path.exists()).unwrap_or_else(|| PathBuf::from(file))
}

/// Starts a worker, hears who it is, and ends it: for `percept doctor`.
///
/// # Errors
///
/// Why it can't be used, in words for the screen.
pub fn probe(options: &WorkerOptions) -> Result<Ready, String> {
    let (mut child, _, ready) = greet(options)?;
    child.end();
    Ok(ready)
}

/// Starts a worker, lets it load, and ends it: for `percept doctor`.
///
/// # Errors
///
/// The worker can't be used, or why it can't load that.
pub fn try_load(options: &WorkerOptions, load: Request) -> Result<ModelInfo, Failure> {
    let mut errand = errand::Errand::start(options, "server's worker")?;
    let mut info = ModelInfo::default();
    errand.ask(load, &AtomicBool::new(false), |event| {
        if let Event::Loaded(loaded) = event {
            info = loaded;
        }
    })?;
    Ok(info)
}

/// Starts a worker that nobody starts again, and hears who it is. Dropped, it is ended.
fn greet(options: &WorkerOptions) -> Result<(Child, Receiver<Said>, Ready), String> {
    let (sender, said) = std::sync::mpsc::channel();
    let mut child = Child::start(&options.program, 0, &sender)?;
    let ready = match said.recv_timeout(options.ready_within) {
        Ok(Said { what: What::Line(Envelope { body: Event::Ready(ready), .. }), .. }) => ready,
        Ok(Said { what: What::End(why), .. }) => return Err(child.obituary(why.as_deref())),
        Ok(_) => return Err("it said something else before who it is".to_owned()),
        Err(_) => return Err(format!("it said nothing for {} s", options.ready_within.as_secs())),
    };
    child::check_protocol(&ready)?;
    Ok((child, said, ready))
}
