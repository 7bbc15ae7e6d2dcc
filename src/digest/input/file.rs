//! Opening a log where it lies: only a regular file, only the one that was looked at, and
//! never waiting for it.
//!
//! Between a look and the opening anybody may put something else there. So a file is known
//! by what the system calls it, its path is one without links, and that is checked on what
//! was opened.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Which file it is, whatever is written to it: its device and its number there. Where a
/// system has no such numbers, it is when the file was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    /// That of a regular file; nothing else has one here.
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        metadata.is_file().then(|| Self { device: metadata.dev(), number: metadata.ino() })
    }

    /// That of a regular file; nothing else has one here.
    #[cfg(not(unix))]
    pub(super) fn of(metadata: &Metadata) -> Option<Self> {
        let made = metadata.created().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        let number = u64::try_from(made.as_nanos()).ok()?;
        metadata.is_file().then_some(Self { device: 0, number })
    }
}

/// What is returned where another file lies at the path than the one that was meant.
#[derive(Debug, thiserror::Error)]
#[error("it was replaced by another file")]
struct Replaced;

fn replaced() -> io::Error {
    io::Error::other(Replaced)
}

/// Whether an error says that another file lies there.
pub(super) fn is_replaced(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Replaced>())
}

/// Opens a regular file. With an identity it is that file and no link leads to it.
pub(super) fn open(path: &Path, identity: Option<Identity>) -> io::Result<File> {
    let refuse = |metadata: &Metadata| match identity {
        Some(_) if Identity::of(metadata) != identity => Err(replaced()),
        None if !metadata.is_file() => Err(io::Error::other("it is no regular file")),
        _ => Ok(()),
    };
    // A link is something else than the file that it leads to.
    let look = if identity.is_some() { std::fs::symlink_metadata } else { std::fs::metadata };
    // Before it is opened, since opening a device may do something, and after, since
    // something else may lie there by then.
    refuse(&look(path)?)?;
    let file = match identity {
        Some(_) => open_itself(path)?,
        None => flags(false).open(path)?,
    };
    refuse(&file.metadata()?)?;
    Ok(file)
}

/// Opens a path in which no part may be a link: it was without any.
#[cfg(target_os = "linux")]
fn open_itself(path: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::Errno;
    let flags_here = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    match openat2(CWD, path, flags_here, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Ok(file) => Ok(file.into()),
        Err(Errno::LOOP) => Err(replaced()),
        // An older kernel, or a sandbox that doesn't know the call.
        Err(Errno::NOSYS | Errno::PERM) => last_itself(path),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn open_itself(path: &Path) -> io::Result<File> {
    last_itself(path)
}

/// Opens a path whose last part may not be a link.
fn last_itself(path: &Path) -> io::Result<File> {
    flags(true).open(path).map_err(|error| match std::fs::symlink_metadata(path) {
        Ok(now) if now.is_symlink() => replaced(),
        _ => error,
    })
}

#[cfg(unix)]
fn flags(itself: bool) -> std::fs::OpenOptions {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    let link = if itself { OFlags::NOFOLLOW } else { OFlags::empty() };
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | link;
    let mut options = std::fs::OpenOptions::new();
    // Flags fit an `i32`: the system takes one.
    options.read(true).custom_flags(flags.bits() as i32);
    options
}

#[cfg(not(unix))]
fn flags(_itself: bool) -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    options
}
