//! The bytes of a file as it was when it was opened: counted, ended where the file ended
//! then, and left at once when the flag is raised.
//!
//! It never waits for a file to grow, and a file that shrinks just ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::stopped;
use super::file::{self, Identity};
use super::note::Note;

/// The most that one call reads, so that the flag is looked at often on a slow disk too.
const MOST_AT_ONCE: usize = 1024 * 1024;

/// What all layers over one file share.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Bytes of the file that were read, or skipped over.
    pub(super) consumed: AtomicU64,
    /// The file itself failed, or reading was stopped: an error above is not the data's.
    pub(super) failed: AtomicBool,
}

/// The notes of one layer.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Vec<Note>>>);

impl Notes {
    pub(super) fn add(&self, note: Note) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    pub(super) fn all(&self) -> Vec<Note> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What every layer is made with: who counts, who is told, who may stop it.
#[derive(Debug, Clone)]
pub(super) struct Context<'s> {
    pub(super) state: Arc<State>,
    pub(super) notes: Notes,
    pub(super) stop: &'s AtomicBool,
}

impl<'s> Context<'s> {
    pub(super) fn new(stop: &'s AtomicBool) -> Self {
        Self { state: Arc::default(), notes: Notes::default(), stop }
    }

    /// The same file and flag, with notes of its own.
    pub(super) fn beside(&self) -> Self {
        Self { notes: Notes::default(), ..self.clone() }
    }

    /// An error if the flag was raised.
    pub(super) fn go_on(&self) -> io::Result<()> {
        if self.stop.load(Ordering::Relaxed) {
            self.state.failed.store(true, Ordering::Relaxed);
            return Err(stopped());
        }
        Ok(())
    }

    pub(super) fn failed(&self) -> bool {
        self.state.failed.load(Ordering::Relaxed)
    }
}

/// A regular file, read up to the size it has when it is opened.
#[derive(Debug)]
pub(super) struct Disk<'s> {
    file: File,
    size: u64,
    position: u64,
    ended: bool,
    context: Context<'s>,
}

impl<'s> Disk<'s> {
    /// Opens a regular file; with an identity only that file.
    pub(super) fn open(path: &Path, identity: Option<Identity>, context: Context<'s>) -> io::Result<Self> {
        let file = file::open(path, identity)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size, position: 0, ended: false, context })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Goes to a place, at most to the end as it was.
    pub(super) fn seek_to(&mut self, at: u64) -> io::Result<u64> {
        self.position = self.file.seek(SeekFrom::Start(at.min(self.size)))?;
        self.context.state.consumed.store(self.position, Ordering::Relaxed);
        Ok(self.position)
    }

    /// Says once how the end differs from the end at opening.
    fn end(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if self.position < self.size {
            self.context.notes.add(Note::Shrank { read: self.position, expected: self.size });
        } else if self.file.metadata().is_ok_and(|now| now.len() > self.size) {
            self.context.notes.add(Note::Grew { read: self.size });
        }
    }
}

impl Read for Disk<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.size - self.position).unwrap_or(usize::MAX);
        let room = buffer.len().min(MOST_AT_ONCE).min(left);
        loop {
            self.context.go_on()?;
            match self.file.read(&mut buffer[..room]) {
                Ok(read) => {
                    self.position += read as u64;
                    self.context.state.consumed.fetch_add(read as u64, Ordering::Relaxed);
                    if read == 0 && !buffer.is_empty() {
                        self.end();
                    }
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.context.state.failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    }
}
