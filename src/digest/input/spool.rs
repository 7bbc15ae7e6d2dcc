//! Keeps what comes through a pipe, so that any place of it can be read again, while it
//! still comes too.
//!
//! What is kept is what passes: over a [`Reader`](super::Reader) that is text, unpacked,
//! and a byte's place in the text is its place in the file.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::disk::Context;
use super::error::InputError;
use super::pump::{CHUNK, Pump};
use super::source::Source;

/// The most that is kept of one pipe: a live log may run for weeks.
const MOST_SPOOLED: u64 = 8 * 1024 * 1024 * 1024;

#[derive(Debug, Default)]
struct Kept {
    bytes: AtomicU64,
    stopped: OnceLock<String>,
}

/// The temporary file in which a pipe's bytes are kept. It is removed with this.
#[derive(Debug)]
pub struct Spool {
    path: tempfile::TempPath,
    file: File,
    most: u64,
    kept: Arc<Kept>,
}

impl Spool {
    /// A temporary file in the system's folder for these, readable by its owner only.
    ///
    /// # Errors
    ///
    /// If it can't be made.
    pub fn temporary() -> Result<Self, InputError> {
        let folder = std::env::temp_dir().display().to_string();
        Self::temporary_file().map_err(|error| InputError::io(&folder, error))
    }

    fn temporary_file() -> io::Result<Self> {
        let made = tempfile::Builder::new().prefix("percept-").suffix(".log").tempfile()?;
        let (file, path) = made.into_parts();
        Ok(Self { path, file, most: MOST_SPOOLED, kept: Arc::default() })
    }

    /// Keeps at most this many bytes.
    #[cfg(test)]
    pub(super) fn at_most(mut self, most: u64) -> Self {
        self.most = most;
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes can be read from it by now.
    pub fn kept(&self) -> u64 {
        self.kept.bytes.load(Ordering::Acquire)
    }

    /// Why it keeps no more, if it does not: it is full, or the disk is.
    pub fn stopped(&self) -> Option<&str> {
        self.kept.stopped.get().map(String::as_str)
    }

    /// What is kept by now as a source, which can be sought.
    ///
    /// # Errors
    ///
    /// If somebody removed the file.
    pub fn source(&self, name: &str) -> Result<Source, InputError> {
        Source::plain(name, &self.path)
    }
}

/// Keeps all that a pipe brings, as it comes, until it ends or the spool is full.
///
/// It is opened by the thread that reads it: that waits until somebody writes to it, and
/// the flag is honoured meanwhile.
pub(super) fn copied(path: &Path, stop: &AtomicBool) -> io::Result<Spool> {
    let spool = Spool::temporary_file()?;
    let pump = Pump::start(Unopened { path: path.to_owned(), file: None }, Context::new(stop))?;
    let mut tee = Tee::new(pump, &spool)?;
    let mut buffer = vec![0; CHUNK];
    while spool.stopped().is_none() && tee.read(&mut buffer)? > 0 {}
    Ok(spool)
}

/// A pipe that is opened when it is read.
struct Unopened {
    path: PathBuf,
    file: Option<File>,
}

impl Read for Unopened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.read(buffer),
            None => self.file.insert(File::open(&self.path)?).read(buffer),
        }
    }
}

/// Passes bytes on and keeps each in a spool before it does.
#[derive(Debug)]
pub struct Tee<R> {
    from: R,
    into: File,
    most: u64,
    kept: Arc<Kept>,
}

/// Reads along: what is read here is in the spool's file already, so that its place can
/// be read again at once. If that fails, reading goes on and [`Spool::stopped`] says why.
///
/// # Errors
///
/// If the file can't be shared.
pub fn tee<R: Read>(from: R, spool: &Spool) -> Result<Tee<R>, InputError> {
    Tee::new(from, spool).map_err(|error| InputError::io(&spool.path.display().to_string(), error))
}

impl<R> Tee<R> {
    fn new(from: R, spool: &Spool) -> io::Result<Self> {
        Ok(Self { from, into: spool.file.try_clone()?, most: spool.most, kept: Arc::clone(&spool.kept) })
    }

    /// What it reads from, for its notes and its count.
    pub fn get_ref(&self) -> &R {
        &self.from
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.kept.stopped.get().is_some() {
            return;
        }
        let before = self.kept.bytes.load(Ordering::Acquire);
        let room = usize::try_from(self.most - before).unwrap_or(usize::MAX);
        let kept = &bytes[..bytes.len().min(room)];
        let why = match self.into.write_all(kept) {
            Ok(()) => {
                self.kept.bytes.store(before + kept.len() as u64, Ordering::Release);
                let full = kept.len() < bytes.len();
                full.then(|| format!("at most {} of a pipe are kept", crate::text::size(self.most)))
            }
            Err(error) => Some(format!("it can't be kept on disk: {error}")),
        };
        if let Some(why) = why {
            // The first reason stays.
            let _ = self.kept.stopped.set(why);
        }
    }
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.keep(&buffer[..read]);
        Ok(read)
    }
}
