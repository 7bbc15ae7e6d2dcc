//! The thread that keeps the index while the chat runs.

use std::path::{Path, PathBuf};

/// What is being done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Work {
    /// Nothing: all is up to date, or nothing was added.
    #[default]
    Idle,
    /// The folders are looked through.
    Walking,
    /// What changed is read.
    Reading,
    /// Vectors are found.
    Embedding,
    /// Pictures are looked at, recordings heard.
    Looking,
    /// It is paused.
    Paused,
    /// Another percept does it.
    Elsewhere,
}

/// How far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub work: Work,
    /// Files or passages done.
    pub done: u64,
    /// Of so many; 0 if that isn't known.
    pub total: u64,
    /// Seconds that it will take, by the speed so far.
    pub left_s: Option<u64>,
    /// What it is at.
    pub at: Option<PathBuf>,
    /// Files that are left out in this run.
    pub skipped: u64,
    /// What went wrong last: a sentence.
    pub trouble: Option<String>,
}

/// Keeps the index in the background. Dropping it ends the thread after the file in hand.
#[derive(Debug, Default)]
pub struct Keeper {}

impl Keeper {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        Progress::default()
    }

    /// Adds a folder or a file and begins with it.
    ///
    /// # Errors
    ///
    /// A sentence for the person: it isn't there, the index can't be written.
    pub fn add(&self, path: &Path) -> Result<(), String> {
        let _ = path;
        Err("not written yet".to_owned())
    }

    /// Takes a source out with all that came of it.
    ///
    /// # Errors
    ///
    /// A sentence for the person: it is no source, the index can't be written.
    pub fn remove(&self, path: &Path) -> Result<(), String> {
        let _ = path;
        Err("not written yet".to_owned())
    }

    /// Pauses it, or lets it go on.
    ///
    /// # Errors
    ///
    /// A sentence for the person: the index can't be written.
    pub fn set_paused(&self, paused: bool) -> Result<(), String> {
        let _ = paused;
        Err("not written yet".to_owned())
    }
}
