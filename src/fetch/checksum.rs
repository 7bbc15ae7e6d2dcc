//! The SHA-256 of a file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use super::disk::trouble;
use super::{FetchError, Progress, hex};

const AT_ONCE: usize = 1 << 20;

/// The SHA-256 of a file, in hex digits. Says how far it is.
///
/// # Errors
///
/// It can't be read, or was stopped.
pub fn sha256(path: &Path, stop: &AtomicBool, tell: &mut dyn FnMut(Progress)) -> Result<String, FetchError> {
    let mut file = File::open(path).map_err(trouble(path))?;
    let total = file.metadata().map_err(trouble(path))?.len();
    of((&mut file, path), total, stop, tell)
}

/// That of an open file with its path, from its start.
pub(super) fn of(
    (file, path): (&mut File, &Path),
    total: u64,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Progress),
) -> Result<String, FetchError> {
    file.seek(SeekFrom::Start(0)).map_err(trouble(path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; AT_ONCE];
    let mut done = 0_u64;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(FetchError::Stopped { kept: total });
        }
        tell(Progress::Checking { done, total });
        match file.read(&mut buffer).map_err(trouble(path))? {
            0 => return Ok(hex(&hasher.finalize())),
            read => {
                hasher.update(&buffer[..read]);
                done += read as u64;
            }
        }
    }
}
