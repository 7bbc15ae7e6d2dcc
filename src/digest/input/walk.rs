//! Which files are meant by the paths that were given.
//!
//! Hidden files in folders are left out, as a shell's `*` does. A link to a file of the
//! same folder is followed, since a cluster's logs are links. One that leads out of it is
//! not: whoever gave the folder did not mean what lies elsewhere. Nor is a link to a
//! folder: it may lead anywhere, and around.

use std::fs::{self, FileType, Metadata};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Bounds;
use super::error::{InputError, reason};
use super::file::Identity;
use super::gather::PassedOver;

/// A file that may be a log.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) name: String,
    /// Absolute, without links where that can be had.
    pub(super) path: PathBuf,
    /// The path that was followed, absolute: its folders may tell more than the file's.
    pub(super) reached: PathBuf,
    pub(super) metadata: Metadata,
    /// Which file it is, where the path is known to be without links.
    pub(super) identity: Option<Identity>,
    /// Reached by a link.
    pub(super) link: bool,
    /// Named by the person, not found in a folder.
    pub(super) given: bool,
}

/// Collects the files that the paths mean.
pub(super) struct Walk<'a> {
    pub(super) found: Vec<Candidate>,
    bounds: &'a Bounds,
    stop: &'a AtomicBool,
    passed_over: &'a mut PassedOver,
    looked_at: usize,
    /// The folder that was given, without links: all that is taken lies below it.
    within: Option<PathBuf>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(bounds: &'a Bounds, stop: &'a AtomicBool, passed_over: &'a mut PassedOver) -> Self {
        Self { found: Vec::new(), bounds, stop, passed_over, looked_at: 0, within: None }
    }

    /// A path that was given; `alone` if it is the only one, which names what is in it.
    pub(super) fn given(&mut self, path: &Path, alone: bool) -> Result<(), InputError> {
        let name = shown(path);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                let prefix = if alone { String::new() } else { format!("{}/", name.trim_end_matches('/')) };
                self.within = fs::canonicalize(path).ok();
                self.folder(path, &prefix, 0)?;
            }
            Ok(metadata) => match special(metadata.file_type()) {
                Some(why) if !may_be_streamed(metadata.file_type()) => self.passed_over.add(name, why),
                _ => self.named(name, path, metadata),
            },
            Err(error) => self.passed_over.add(name, reason(&error)),
        }
        Ok(())
    }

    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), InputError> {
        let said = if prefix.is_empty() { shown(folder) } else { prefix.trim_end_matches('/').to_owned() };
        if depth > self.bounds.depth {
            self.passed_over.add(said, format!("is more than {} folders deep", self.bounds.depth));
            return Ok(());
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.passed_over.add(said, reason(&error));
                return Ok(());
            }
        };
        let mut names = Vec::new();
        for entry in entries.flatten() {
            if self.stop.load(Ordering::Relaxed) {
                return Err(InputError::Stopped);
            }
            if self.looked_at == self.bounds.entries {
                let most = crate::text::thousands(self.bounds.entries as u64);
                self.passed_over
                    .add(said, format!("holds more than {most} files: the rest was not looked at"));
                break;
            }
            self.looked_at += 1;
            names.push(entry.file_name());
        }
        names.sort();
        for name in names {
            let shown = name.to_string_lossy();
            if !shown.starts_with('.') {
                self.entry(&folder.join(&name), format!("{prefix}{shown}"), depth)?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, name: String, depth: usize) -> Result<(), InputError> {
        let own = match fs::symlink_metadata(path) {
            Ok(own) => own,
            Err(error) => {
                self.passed_over.add(name, reason(&error));
                return Ok(());
            }
        };
        if own.is_dir() {
            return self.folder(path, &format!("{name}/"), depth + 1);
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                self.passed_over.add(name, "is a link to a folder: give that folder to have it read");
            }
            Ok(metadata) => match special(metadata.file_type()) {
                Some(why) => self.passed_over.add(name, why),
                None => self.inside(name, path),
            },
            Err(_) if own.is_symlink() => self.passed_over.add(name, "is a link that leads nowhere"),
            Err(error) => self.passed_over.add(name, reason(&error)),
        }
        Ok(())
    }

    /// A file in a folder, if it is below the folder that was given.
    fn inside(&mut self, name: String, path: &Path) {
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) => return self.passed_over.add(name, reason(&error)),
        };
        if !self.within.as_ref().is_some_and(|folder| real.starts_with(folder)) {
            return self.passed_over.add(name, "is a link out of the folder: give the file itself");
        }
        // Of what the path without links names, not of what a link names by now.
        match fs::symlink_metadata(&real) {
            Ok(metadata) if metadata.is_file() => {
                self.candidate(name, path, Some(real), metadata, false);
            }
            Ok(_) => self.passed_over.add(name, "was replaced while it was looked at"),
            Err(error) => self.passed_over.add(name, reason(&error)),
        }
    }

    /// What a person named, wherever it leads.
    fn named(&mut self, name: String, path: &Path, metadata: Metadata) {
        // A pipe at /dev/stdin or /dev/fd/63 has no path of its own.
        let real = if metadata.is_file() { fs::canonicalize(path).ok() } else { None };
        let of_real = real.as_ref().map(fs::symlink_metadata);
        match of_real {
            Some(Ok(metadata)) if metadata.is_file() => self.candidate(name, path, real, metadata, true),
            Some(_) => self.passed_over.add(name, "was replaced while it was looked at"),
            None => self.candidate(name, path, None, metadata, true),
        }
    }

    fn candidate(
        &mut self,
        name: String,
        path: &Path,
        real: Option<PathBuf>,
        metadata: Metadata,
        given: bool,
    ) {
        let reached = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let link = fs::symlink_metadata(path).is_ok_and(|own| own.is_symlink());
        let identity = real.as_ref().and_then(|_| Identity::of(&metadata));
        let path = real.unwrap_or_else(|| reached.clone());
        self.found.push(Candidate { name, path, reached, metadata, identity, link, given });
    }
}

/// A path as it is shown: as given, without `./` and with `/` everywhere.
fn shown(path: &Path) -> String {
    let shown = path.to_string_lossy();
    let shown = if cfg!(windows) { shown.replace('\\', "/") } else { shown.into_owned() };
    match shown.strip_prefix("./") {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => shown,
    }
}

/// What something is that is neither a file nor a folder, as a phrase.
fn special(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        return None;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("is a pipe");
        }
        if kind.is_socket() {
            return Some("is a socket");
        }
    }
    Some("is a device")
}

/// Pipes and character devices (a terminal) can be read once, if a person names them.
fn may_be_streamed(kind: FileType) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        kind.is_fifo() || kind.is_char_device()
    }
    #[cfg(not(unix))]
    {
        let _ = kind;
        false
    }
}
