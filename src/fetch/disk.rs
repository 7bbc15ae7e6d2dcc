//! Locks, free space, and names that are given for good.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::FetchError;

/// What is left free: a full disk harms other programs.
const SPARE_BYTES: u64 = 64 * 1024 * 1024;

/// An error of the disk with its path.
pub(super) fn trouble(path: &Path) -> impl Fn(io::Error) -> FetchError {
    move |error| FetchError::Disk { path: path.to_owned(), error }
}

/// Takes the lock of a download; the system gives it back when this process ends.
pub(super) fn lock(path: &Path, target: &Path) -> Result<File, FetchError> {
    for folder in [path.parent(), target.parent()].into_iter().flatten() {
        std::fs::create_dir_all(folder).map_err(trouble(folder))?;
    }
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(trouble(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FetchError::Busy(target.to_owned())),
        Err(TryLockError::Error(error)) => Err(trouble(path)(error)),
    }
}

/// An error if so many more bytes don't fit on the disk of a folder.
pub(super) fn room(folder: &Path, needed: u64) -> Result<(), FetchError> {
    match free(folder) {
        Some(free) if needed > 0 && free < needed.saturating_add(SPARE_BYTES) => {
            Err(FetchError::Space { folder: folder.to_owned(), needed, free })
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Elsewhere it isn't known: a full disk is an error when it is full.
#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

/// Gives a file its name, so that it has it after a power cut too.
pub(super) fn name(part: &Path, target: &Path) -> Result<(), FetchError> {
    std::fs::rename(part, target).map_err(trouble(target))?;
    // A disk that can't do this has its own order.
    #[cfg(unix)]
    if let Some(folder) = target.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
    Ok(())
}
