//! A file from a web server, whole or not at all: ranges in parallel, gone on with after a
//! break, checked before it gets its name.
//!
//! It knows of HTTP and of files, nothing of models. It runs nothing that it brings, unpacks
//! nothing, and never writes to a target that it hasn't checked.

mod checksum;
mod disk;
mod error;
mod part;
mod transfer;
mod web;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use checksum::sha256;
pub use error::FetchError;
pub use web::retry_after;

use crate::text::{duration, size};

/// What proves who asks. It is sent to the host that it is for, and shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token as it was given; `None`: it is empty.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What is wanted, and what is known of it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it is.
    pub url: String,
    /// Sent to that host alone.
    pub token: Option<Token>,
    /// Its length, where somebody said it.
    pub bytes: Option<u64>,
    /// Its SHA-256 in hex digits, where somebody said it.
    pub sha256: Option<String>,
}

/// Where it goes.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its name, once it is whole and right.
    pub target: PathBuf,
    /// What came so far, on the same disk; a journal of it lies beside.
    pub part: PathBuf,
    /// Held while it is brought.
    pub lock: PathBuf,
}

impl Place {
    /// All in the target's folder.
    pub fn beside(target: &Path) -> Self {
        let with = |end: &str| {
            let mut name = target.file_name().unwrap_or_default().to_owned();
            name.push(end);
            target.with_file_name(name)
        };
        Self { target: target.to_owned(), part: with(".part"), lock: with(".lock") }
    }
}

/// How patient it is, and how much it asks for at once.
#[derive(Debug, Clone)]
pub struct Options {
    /// Ranges at a time, where the server serves them.
    pub streams: usize,
    /// Bytes of a range at most.
    pub piece_bytes: u64,
    /// Until a connection stands.
    pub connect_time: Duration,
    /// So long may nothing come.
    pub stall_time: Duration,
    /// Tries in a row that bring nothing.
    pub tries: u32,
    /// Before the second try; twice as long before each one after it.
    pub pause: Duration,
    /// The longest time that a server may ask to wait.
    pub most_wait: Duration,
    /// How often it is written down what came.
    pub journal_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            streams: 4,
            piece_bytes: 64 * 1024 * 1024,
            connect_time: Duration::from_secs(15),
            stall_time: Duration::from_secs(30),
            tries: 6,
            pause: Duration::from_secs(1),
            most_wait: Duration::from_secs(10 * 60),
            journal_every: Duration::from_millis(500),
        }
    }
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The server is asked what it has.
    Asking,
    /// Bytes come.
    Bringing {
        /// Bytes that are here.
        done: u64,
        /// Of so many.
        total: u64,
        /// Bytes a second, lately.
        rate: u64,
    },
    /// It is tried again soon.
    Waiting {
        /// What went wrong: no full sentence.
        why: String,
        /// How long it is waited.
        time: Duration,
    },
    /// The checksum is computed.
    Checking {
        /// Bytes that are read.
        done: u64,
        /// Of so many.
        total: u64,
    },
}

impl Progress {
    /// Seconds that it will take, by the rate of late.
    pub fn left_s(&self) -> Option<u64> {
        match self {
            Self::Bringing { done, total, rate } => total.saturating_sub(*done).checked_div(*rate),
            _ => None,
        }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent =
            |done: &u64, total: &u64| done.saturating_mul(100).checked_div(*total).unwrap_or_default();
        match self {
            Self::Asking => f.write_str("asking"),
            Self::Bringing { done, total, rate } => {
                write!(f, "{} of {} ({} %)", size(*done), size(*total), percent(done, total))?;
                if *rate > 0 {
                    write!(f, ", {}/s", size(*rate))?;
                }
                match self.left_s().map(|left| left.saturating_mul(1000)) {
                    Some(left) => write!(f, ", {} left", duration(i64::try_from(left).unwrap_or(i64::MAX))),
                    None => Ok(()),
                }
            }
            Self::Waiting { why, time } => {
                let ms = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
                write!(f, "{why}; again in {}", duration(ms))
            }
            Self::Checking { done, total } => write!(f, "checking, {} %", percent(done, total)),
        }
    }
}

/// What was brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256 in hex digits, as computed here.
    pub sha256: String,
    /// Bytes of it that were here from an earlier try.
    pub resumed: u64,
}

/// Brings a file: when this returns without an error, the target is whole, has the length and
/// the checksum that the source says, and is on the disk. What came of an unfinished one is
/// kept, but for one with a wrong checksum.
///
/// # Errors
///
/// [`FetchError`], in words for the person.
pub fn fetch(
    source: &Source,
    place: &Place,
    options: &Options,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Progress),
) -> Result<Fetched, FetchError> {
    let _held = disk::lock(&place.lock, &place.target)?;
    let runtime = runtime()?;
    let brought = runtime.block_on(transfer::bring(source, place, options, stop, tell));
    // A look-up of a name that hangs must not hold the end.
    runtime.shutdown_background();
    let part = brought?;
    part.finish(source, &place.target, stop, tell)
}

/// Reads a short text, of `most` bytes at most.
///
/// # Errors
///
/// [`FetchError`], in words for the person.
pub fn read(
    source: &Source,
    most: usize,
    options: &Options,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Progress),
) -> Result<Vec<u8>, FetchError> {
    let runtime = runtime()?;
    let read = runtime.block_on(transfer::read(source, most, options, stop, tell));
    runtime.shutdown_background();
    read
}

fn runtime() -> Result<tokio::runtime::Runtime, FetchError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(FetchError::Runtime)
}

/// Bytes as hex digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
