//! Opening what is to be read: regular files only, and never waiting for one.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use super::super::scene::Scene;

/// Opens a regular file. A pipe or a device could keep percept waiting for ever.
///
/// # Errors
///
/// A sentence for the model that names the file as `shown`.
pub(super) fn regular(path: &Path, shown: &str) -> Result<File, String> {
    opened(path, shown, true)
}

/// The same, but a link at the end of the path isn't followed.
///
/// # Errors
///
/// A sentence for the model.
pub(super) fn regular_itself(path: &Path, shown: &str) -> Result<File, String> {
    opened(path, shown, false)
}

fn opened(path: &Path, shown: &str, follow: bool) -> Result<File, String> {
    let refused = |metadata: &Metadata| match metadata.is_file() {
        true => Ok(()),
        false if metadata.is_dir() => Err(format!("{shown} is a folder. Use list_dir to see what it holds.")),
        false => Err(format!("{shown} is {}, not a regular file, and can't be read.", kind(metadata))),
    };
    // Before it is opened, since opening a device may do something, and after, since
    // something else may lie there by then.
    refused(&std::fs::metadata(path).map_err(|error| sentence(shown, &error))?)?;
    let file = options(follow).open(path).map_err(|error| sentence(shown, &error))?;
    refused(&file.metadata().map_err(|error| sentence(shown, &error))?)?;
    Ok(file)
}

#[cfg(unix)]
fn options(follow: bool) -> OpenOptions {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = OpenOptions::new();
    let link = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | link;
    // Flags fit an `i32`: the system takes one.
    options.read(true).custom_flags(flags.bits() as i32);
    options
}

#[cfg(not(unix))]
fn options(_follow: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

/// What something is that is no file, folder or link.
pub(super) fn kind(metadata: &Metadata) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        match () {
            () if kind.is_fifo() => "a pipe",
            () if kind.is_socket() => "a socket",
            () if kind.is_block_device() || kind.is_char_device() => "a device",
            () => "something special",
        }
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        "something special"
    }
}

/// What went wrong with a file, for the model.
pub(super) fn sentence(shown: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("{shown} is not there. Use list_dir on its folder to see the names.")
        }
        io::ErrorKind::PermissionDenied => format!("{shown} may not be read: permission denied."),
        io::ErrorKind::NotADirectory => format!("{shown} is not there: a part of its path is no folder."),
        _ => format!("{shown} can't be read: {error}."),
    }
}

/// What the model is told of a call that the person stopped.
pub(super) const STOPPED: &str = "The person stopped it.";

/// A reader that ends with an error once the call is stopped or out of time, however long
/// the file is.
pub(super) struct Watched<'a, R> {
    pub(super) inner: R,
    pub(super) scene: &'a Scene<'a>,
    pub(super) until: Option<Instant>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let late = self.until.is_some_and(|until| Instant::now() >= until);
        match self.scene.stopped() || late {
            true => Err(io::Error::new(io::ErrorKind::TimedOut, "it was stopped")),
            false => self.inner.read(buffer),
        }
    }
}
