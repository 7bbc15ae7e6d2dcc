//! The database of the index: SQLite in WAL mode, one transaction a file, so that a crash
//! loses at most the file in hand.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::passage::{FileState, NewFile, NewPassage, PassageId, PassageKind, Skip};
use super::{IndexError, Space};

/// The index's database, to write and to look at. Others may read it meanwhile.
#[derive(Debug)]
pub struct Store {
    /// The connection.
    pub(super) connection: Connection,
    /// Its file.
    pub(super) path: PathBuf,
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
    /// Opens the index in a folder, and makes one where there is none. A damaged one is moved
    /// aside; its sources are taken over as far as they can be read.
    ///
    /// # Errors
    ///
    /// The folder can't be written, or a newer percept made it.
    pub fn open(folder: &Path) -> Result<Opened, IndexError> {
        let _ = folder;
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Where the index of a folder lies, whether it is there or not.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("index.sqlite")
    }

    /// Adds a folder or a file, by its absolute path. Adding it again changes nothing.
    pub fn add_source(&mut self, path: &Path) -> Result<(), IndexError> {
        let _ = path;
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Takes a source out with all that came of it; the number of its files, `None`: it is no source.
    pub fn remove_source(&mut self, path: &Path) -> Result<Option<u64>, IndexError> {
        let _ = path;
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// What was added, in its order.
    pub fn sources(&self) -> Result<Vec<Source>, IndexError> {
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// What is known of a source's files, by their paths.
    pub fn known(&self, source: &Path) -> Result<HashMap<PathBuf, Known>, IndexError> {
        let _ = source;
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Puts a file and its passages in place of what was known of its path, all or nothing.
    pub fn put(
        &mut self,
        source: &Path,
        file: &NewFile,
        passages: &[NewPassage],
    ) -> Result<Vec<PassageId>, IndexError> {
        let _ = (source, file, passages);
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Notes that a file is the same as it was, at another time.
    pub fn touch(&mut self, path: &Path, bytes: u64, modified_ns: i64) -> Result<(), IndexError> {
        let _ = (path, bytes, modified_ns);
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Takes a file out that is no longer there, or all files below a folder.
    pub fn forget(&mut self, path: &Path) -> Result<u64, IndexError> {
        let _ = path;
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Files that are left out, with the reason, sorted by path.
    pub fn skipped(&self, most: usize) -> Result<Vec<(PathBuf, Skip)>, IndexError> {
        let _ = most;
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Files with passages of this kind that were looked at (or heard) by somebody else than
    /// `by`, or by nobody: at most so many, the oldest first.
    pub fn unseen(&self, kind: PassageKind, by: &str, most: usize) -> Result<Vec<PathBuf>, IndexError> {
        let _ = (kind, by, most);
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Passages that have no vector in a space: at most so many, the oldest first. Pictures
    /// without words are among them only where the space has pictures.
    pub fn unembedded(&self, space: &Space, most: usize) -> Result<Vec<Unembedded>, IndexError> {
        let _ = (space, most);
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// How many passages have no vector in a space.
    pub fn count_unembedded(&self, space: &Space) -> Result<u64, IndexError> {
        let _ = space;
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Keeps vectors, in one transaction. Those of passages that are gone meanwhile are dropped.
    pub fn put_vectors(
        &mut self,
        space: &Space,
        vectors: &[(PassageId, Vec<f32>)],
    ) -> Result<(), IndexError> {
        let _ = (space, vectors);
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// How much there is.
    pub fn status(&self) -> Result<Status, IndexError> {
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Whether indexing is paused, for whichever percept does it.
    pub fn is_paused(&self) -> Result<bool, IndexError> {
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Pauses it, or lets it go on.
    pub fn set_paused(&mut self, paused: bool) -> Result<(), IndexError> {
        let _ = paused;
        Err(IndexError::Vectors("not written yet".to_owned()))
    }
}
