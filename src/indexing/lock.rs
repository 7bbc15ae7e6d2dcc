//! One percept at a time fills the index.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Held by whoever fills the index; the system gives it back when that percept dies.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "held, not read")] File);

/// How long it is waited for whoever only looks whether it is held.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long between two tries.
const PAUSE: Duration = Duration::from_millis(20);

impl Lock {
    /// Takes it, and waits a moment for it; `None`: another percept has it.
    ///
    /// # Errors
    ///
    /// Those of [`Self::take`].
    pub fn wait(folder: &Path) -> io::Result<Option<Self>> {
        let since = Instant::now();
        loop {
            let taken = Self::take(folder)?;
            if taken.is_some() || since.elapsed() >= PATIENCE {
                return Ok(taken);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Takes it; `None`: another percept has it.
    ///
    /// # Errors
    ///
    /// Its file can't be made, or the disk knows no locks.
    pub fn take(folder: &Path) -> io::Result<Option<Self>> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join("index.lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_until_it_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap().unwrap();
        assert!(Lock::take(folder.path()).unwrap().is_none());
        drop(first);
        assert!(Lock::take(folder.path()).unwrap().is_some());
    }
}
