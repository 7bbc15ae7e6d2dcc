//! The hub's cache on this machine, as its own libraries keep it:
//! `models--OWNER--REPO/{blobs,refs,snapshots}`. Blobs are named by their checksum, snapshots
//! link to them, `refs/main` names the newest commit.
//!
//! <https://huggingface.co/docs/huggingface_hub/guides/manage-cache>

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::listing::{self, Remote};
use super::{Hub, HubError};
use crate::fetch::Place;

/// A repository in the cache.
#[derive(Debug, Clone)]
pub(super) struct Repository {
    cache: PathBuf,
    folder: String,
}

impl Repository {
    pub(super) fn new(cache: &Path, repository: &str) -> Self {
        Self { cache: cache.to_owned(), folder: format!("models--{}", repository.replace('/', "--")) }
    }

    pub(super) fn root(&self) -> PathBuf {
        self.cache.join(&self.folder)
    }

    /// Where a file of a commit is found.
    pub(super) fn snapshot(&self, commit: &str, path: &str) -> PathBuf {
        self.root().join("snapshots").join(commit).join(path)
    }

    /// Where a file is brought to. The part is not called `.incomplete`: other programs would go
    /// on at its end, and here the end may have come before the middle.
    pub(super) fn place(&self, file: &Remote) -> Place {
        let target = self.root().join("blobs").join(&file.blob);
        Place {
            part: target.with_file_name(format!("{}.percept", file.blob)),
            lock: self.cache.join(".locks").join(&self.folder).join(format!("{}.lock", file.blob)),
            target,
        }
    }

    /// Whether a file is here, whoever brought it.
    pub(super) fn has(&self, commit: &str, file: &Remote) -> bool {
        let whole = |path: PathBuf| {
            std::fs::metadata(path)
                .is_ok_and(|metadata| file.bytes.is_none_or(|bytes| metadata.len() == bytes))
        };
        whole(self.place(file).target) || whole(self.snapshot(commit, &file.path))
    }

    /// Gives a blob its name in a snapshot.
    pub(super) fn link(&self, commit: &str, file: &Remote) -> Result<PathBuf, HubError> {
        let path = self.snapshot(commit, &file.path);
        let blob = self.place(file).target;
        let error = |error| HubError::Disk { path: path.clone(), error };
        if path.exists() {
            return Ok(path);
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(error)?;
        }
        // One that leads nowhere is in the way.
        let _ = std::fs::remove_file(&path);
        link(&blob, &path, file.path.split('/').count()).map_err(error)?;
        Ok(path)
    }

    /// Notes which commit is the newest.
    pub(super) fn note(&self, commit: &str) -> Result<(), HubError> {
        let path = self.root().join("refs").join("main");
        let write = || -> io::Result<()> {
            std::fs::create_dir_all(self.root().join("refs"))?;
            std::fs::write(&path, commit)
        };
        write().map_err(|error| HubError::Disk { path: path.clone(), error })
    }

    /// The newest commit that is here, with its files.
    pub(super) fn newest(&self) -> Option<(String, Vec<Remote>)> {
        let commit = std::fs::read_to_string(self.root().join("refs").join("main")).ok()?;
        let commit = commit.trim().to_owned();
        let mut paths = Vec::new();
        walk(&self.snapshot(&commit, ""), "", &mut paths);
        let file = |(path, bytes): (String, u64)| Remote {
            blob: String::new(),
            bytes: Some(bytes),
            sha256: None,
            path,
        };
        let files: Vec<Remote> =
            paths.into_iter().map(file).filter(|file| listing::is_path(&file.path)).collect();
        (!files.is_empty()).then_some((commit, files))
    }
}

/// The files below a folder, with their lengths.
fn walk(folder: &Path, inside: &str, found: &mut Vec<(String, u64)>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let inside = [inside, &name.to_string_lossy()].concat();
        match std::fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_dir() && !entry.path().is_symlink() => {
                walk(&entry.path(), &format!("{inside}/"), found);
            }
            Ok(metadata) if metadata.is_file() => found.push((inside, metadata.len())),
            _ => {}
        }
    }
    found.sort();
}

#[cfg(unix)]
fn link(blob: &Path, path: &Path, depth: usize) -> io::Result<()> {
    let up = "../".repeat(depth + 1);
    let name = blob.file_name().unwrap_or_default().to_string_lossy();
    std::os::unix::fs::symlink(format!("{up}blobs/{name}"), path)
}

/// Without links, the file itself lies there, as the hub's own libraries do it.
#[cfg(not(unix))]
fn link(blob: &Path, path: &Path, _depth: usize) -> io::Result<()> {
    std::fs::rename(blob, path)
}

impl Hub {
    fn ledger(&self) -> PathBuf {
        self.own.join("pulled.txt")
    }

    /// The files that percept downloaded.
    fn pulled(&self) -> BTreeSet<PathBuf> {
        let text = std::fs::read_to_string(self.ledger()).unwrap_or_default();
        text.lines().map(PathBuf::from).collect()
    }

    /// Remembers that percept downloaded a file.
    pub(super) fn remember(&self, path: &Path) -> Result<(), HubError> {
        let mut pulled = self.pulled();
        pulled.insert(path.to_owned());
        self.write_ledger(&pulled)
    }

    fn write_ledger(&self, pulled: &BTreeSet<PathBuf>) -> Result<(), HubError> {
        let ledger = self.ledger();
        let text: String = pulled.iter().map(|path| format!("{}\n", path.display())).collect();
        let write = || {
            std::fs::create_dir_all(&self.own)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.own)?;
            io::Write::write_all(&mut file, text.as_bytes())?;
            file.persist(&ledger).map_err(|error| error.error).map(|_| ())
        };
        write().map_err(|error: io::Error| HubError::Disk { path: ledger.clone(), error })
    }

    /// Those of some files that percept downloaded, with their lengths: it may delete these.
    pub fn own_files(&self, files: &[PathBuf]) -> Vec<(PathBuf, u64)> {
        let pulled = self.pulled();
        let mut own = Vec::new();
        for path in files.iter().flat_map(|path| with_parts(path)).filter(|path| pulled.contains(path)) {
            if let Ok(metadata) = std::fs::metadata(&path) {
                own.push((path, metadata.len()));
            }
        }
        own
    }

    /// Deletes files that percept downloaded. A blob goes with the last link to it.
    ///
    /// # Errors
    ///
    /// One can't be deleted.
    pub fn delete(&self, files: &[PathBuf]) -> Result<(), HubError> {
        let mut pulled = self.pulled();
        for path in files.iter().filter(|path| self.pulled().contains(*path)) {
            let blob = path.canonicalize().ok().filter(|_| path.is_symlink());
            let error = |error| HubError::Disk { path: path.clone(), error };
            std::fs::remove_file(path).map_err(error)?;
            if let Some(blob) = blob.filter(|blob| !self.is_linked(blob)) {
                std::fs::remove_file(&blob).map_err(error)?;
            }
            pulled.remove(path);
        }
        self.write_ledger(&pulled)
    }

    /// Whether a snapshot of its repository still has a blob.
    fn is_linked(&self, blob: &Path) -> bool {
        let Some(root) = blob.parent().and_then(Path::parent) else { return true };
        let commits = std::fs::read_dir(root.join("snapshots")).into_iter().flatten().flatten();
        commits.into_iter().any(|commit| {
            let mut files = Vec::new();
            walk(&commit.path(), "", &mut files);
            files.iter().any(|(file, _)| commit.path().join(file).canonicalize().is_ok_and(|to| to == blob))
        })
    }
}

/// A file, and the further parts of a model that is split.
fn with_parts(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match name.split_once("-00001-of-") {
        Some((stem, end)) => {
            let of = end.strip_suffix(".gguf").and_then(|of| of.parse::<u32>().ok()).unwrap_or(1);
            (1..=of.min(999)).map(|part| path.with_file_name(format!("{stem}-{part:05}-of-{end}"))).collect()
        }
        None => vec![path.to_owned()],
    }
}

/// The SHA-256 that a file has in its name, as the caches of Hugging Face and Ollama keep large
/// ones; `None`: its name says nothing of its content.
pub fn checksum_in_name(path: &Path) -> Option<String> {
    let blob = std::fs::canonicalize(path).ok()?;
    if blob.parent()?.file_name()? != "blobs" {
        return None;
    }
    let name = blob.file_name()?.to_str()?;
    let hex = name.strip_prefix("sha256-").unwrap_or(name);
    (hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| hex.to_ascii_lowercase())
}
