//! Why a file wasn't brought, in words for the person.

use std::io;
use std::path::PathBuf;

use crate::text::size;

/// Why a file wasn't brought.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It is no address.
    #[error("{url} can't be downloaded: {why}")]
    Url {
        /// As it was given, without what may be secret in it.
        url: String,
        /// Why.
        why: String,
    },
    /// Somebody else brings it.
    #[error("{} is being downloaded by another program; wait for it, or stop it there", .0.display())]
    Busy(PathBuf),
    /// The disk is too full.
    #[error("{} has {} free and {} more are needed; free some space, or keep models elsewhere (docs/models.md)", folder.display(), size(*free), size(*needed))]
    Space {
        /// Where it would go.
        folder: PathBuf,
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A file or folder can't be written or read.
    #[error("{}: {error}", path.display())]
    Disk {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The server wants to know who asks.
    #[error("{url} is refused ({code}). {hint}")]
    Denied {
        /// The address.
        url: String,
        /// 401 or 403.
        code: u16,
        /// What to do.
        hint: &'static str,
    },
    /// There is no such file.
    #[error("there is nothing at {url} ({code}); check the name")]
    Missing {
        /// The address.
        url: String,
        /// 404 or 410.
        code: u16,
    },
    /// An answer that makes no sense here.
    #[error("{url} was not downloaded: {why}")]
    Answer {
        /// The address.
        url: String,
        /// What the server did.
        why: String,
    },
    /// It was tried often enough.
    #[error("{url} was not downloaded: {why} ({tries} tries). Try again later{}", if *kept > 0 { format!("; {} are kept, and the same command goes on from there", size(*kept)) } else { String::new() })]
    GaveUp {
        /// The address.
        url: String,
        /// What went wrong last.
        why: String,
        /// How often it was tried in a row.
        tries: u32,
        /// Bytes that are kept.
        kept: u64,
    },
    /// The server asks for more patience than there is.
    #[error("{url}: {why} and asks to wait {seconds} s; try again then")]
    Later {
        /// The address.
        url: String,
        /// What it answered.
        why: String,
        /// For how long.
        seconds: u64,
    },
    /// It is longer or shorter than it was said to be.
    #[error("{url} has {has} bytes and should have {wanted}; it was not downloaded")]
    Length {
        /// The address.
        url: String,
        /// What was said of it before.
        wanted: u64,
        /// What the server says.
        has: u64,
    },
    /// Nobody says how long it is.
    #[error(
        "{url}: the server doesn't say how long the file is, so that a part of it can't be told from the whole; it was not downloaded"
    )]
    NoLength {
        /// The address.
        url: String,
    },
    /// It changed, again and again.
    #[error("{url} changes while it is downloaded; try again later")]
    Changed {
        /// The address.
        url: String,
    },
    /// What came is something else.
    #[error(
        "what came from {url} is not the right file: its SHA-256 is {has}, and {wanted} was promised. It was deleted; try again, or another server"
    )]
    Wrong {
        /// The address.
        url: String,
        /// The checksum that was said.
        wanted: String,
        /// The checksum of what came.
        has: String,
    },
    /// It was stopped.
    #[error("stopped; {} are kept, and the same command goes on from there", size(*kept))]
    Stopped {
        /// Bytes that are kept.
        kept: u64,
    },
    /// The system gives no timer or no sockets.
    #[error("downloads can't be started: {0}")]
    Runtime(io::Error),
}
