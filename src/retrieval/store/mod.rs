//! The database of the index: SQLite in WAL mode, one transaction a file, so that a crash
//! loses at most the file in hand.

mod open;
pub(super) mod paths;
mod read;
mod schema;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use rusqlite::Connection;

use super::IndexError;
use super::passage::{FileState, PassageId, PassageKind};
use super::vectors::Vectors;
use super::words::Analyser;
use crate::document::Place;

pub(super) use open::{failed, use_existing};
pub(super) use read::without_vectors;

/// The index's database, to write and to look at. Others may read it meanwhile.
#[derive(Debug)]
pub struct Store {
    /// The connection.
    pub(super) connection: Connection,
    /// Its file.
    pub(super) path: PathBuf,
    /// Makes tokens of what is put.
    analyser: Analyser,
}

/// An index that was opened.
#[derive(Debug)]
pub struct Opened {
    /// It.
    pub store: Store,
    /// Where a database that was damaged was moved, if it was: this one is empty, and is to be
    /// filled again from the sources that could still be read from it.
    pub moved_aside: Option<PathBuf>,
}

/// A folder or file that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its absolute path.
    pub path: PathBuf,
    /// Its files that are in the index.
    pub files: u64,
    /// Its files that are left out.
    pub skipped: u64,
    /// Its passages.
    pub passages: u64,
    /// Bytes of its files that are in the index.
    pub bytes: u64,
}

/// What is known of a file: enough to see whether it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// The blake3 hash of its content.
    pub hash: String,
    /// What came of it.
    pub state: FileState,
}

/// A passage that has no vector yet in some space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unembedded {
    /// Its number.
    pub id: PassageId,
    /// What it is made of.
    pub kind: PassageKind,
    /// Its file.
    pub path: PathBuf,
    /// Where it stands in it.
    pub place: Place,
    /// What its vector is of: title, headings and text, in lines.
    pub text: String,
}

/// How much is in the index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// What was added.
    pub sources: Vec<Source>,
    /// Passages in all.
    pub passages: u64,
    /// Pictures among them.
    pub pictures: u64,
    /// The spaces that there are vectors in: the model's name and how many.
    pub vectors: Vec<(String, u64)>,
    /// Bytes on disk.
    pub bytes_on_disk: u64,
    /// Whether indexing is paused.
    pub paused: bool,
    /// Confirmed pairs.
    pub pairs: u64,
}

impl Store {
    /// Brings what finds the nearest vectors in step with the vectors that are kept here; `tell`
    /// is told of those that are done, of so many.
    pub fn sync(
        &self,
        vectors: &dyn Vectors,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(u64, u64),
    ) -> Result<(), IndexError> {
        vectors.sync(&self.connection, stop, tell)
    }

    /// Where the index of a folder lies, whether it is there or not.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("index.sqlite")
    }

    /// Why something failed, as it is told.
    pub(super) fn failed(&self, error: rusqlite::Error) -> IndexError {
        failed(&self.path, error)
    }
}

/// A count for SQLite, which has no unsigned numbers.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
