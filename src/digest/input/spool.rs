//! Keeps what comes through a pipe, so that any place of it can be read again, while it
//! still comes too.
//!
//! What is kept is what passes: over a [`Reader`](super::Reader) that is text, unpacked,
//! and a byte's place in the text is its place in the file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::error::InputError;
use super::source::Source;

/// The most that is kept of one pipe: a live log may run for weeks.
const MOST_SPOOLED: u64 = 8 * 1024 * 1024 * 1024;

#[derive(Debug, Default)]
struct Kept {
    bytes: AtomicU64,
    stopped: OnceLock<String>,
}

/// The file in which a pipe's bytes are kept. A temporary one is removed with it.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    _temporary: Option<tempfile::TempPath>,
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
        let made = tempfile::Builder::new().prefix("percept-").suffix(".log").tempfile();
        let (file, path) = made.map_err(|error| InputError::io(&folder, error))?.into_parts();
        Ok(Self::over(path.to_path_buf(), Some(path), file))
    }

    /// A new file at this path, readable by its owner only, that stays.
    ///
    /// # Errors
    ///
    /// If there is one already, or it can't be made.
    pub fn at(path: &Path) -> Result<Self, InputError> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| InputError::io(&path.display().to_string(), error))?;
        Ok(Self::over(path.to_owned(), None, file))
    }

    fn over(path: PathBuf, temporary: Option<tempfile::TempPath>, file: File) -> Self {
        Self { path, _temporary: temporary, file, most: MOST_SPOOLED, kept: Arc::default() }
    }

    /// Keeps at most this many bytes.
    #[must_use]
    pub fn at_most(mut self, most: u64) -> Self {
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
    let into =
        spool.file.try_clone().map_err(|error| InputError::io(&spool.path.display().to_string(), error))?;
    Ok(Tee { from, into, most: spool.most, kept: Arc::clone(&spool.kept) })
}

impl<R> Tee<R> {
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
