//! Looks a source through: which files there are, and which of them changed.

use std::collections::HashMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use ignore::{DirEntry, WalkBuilder};

use crate::retrieval::{FileState, Known, Skip};

/// A file of rules in the manner of `.gitignore`, for percept alone.
pub const OWN_RULES: &str = ".perceptignore";

/// A file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its absolute path.
    pub(super) path: PathBuf,
    /// Its size in bytes.
    pub(super) bytes: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub(super) modified_ns: i64,
}

impl Found {
    /// A file by what the system says of it.
    pub(super) fn new(path: PathBuf, metadata: &Metadata) -> Self {
        Self { path, bytes: metadata.len(), modified_ns: modified_ns(metadata) }
    }

    /// Whether it may hold something else than what is known of it, or was too big before the
    /// bound was raised to `most_bytes`.
    fn differs(&self, known: &Known, most_bytes: u64) -> bool {
        let fits_now = known.state == FileState::Skipped(Skip::TooBig) && self.bytes <= most_bytes;
        self.bytes != known.bytes || self.modified_ns != known.modified_ns || fits_now
    }
}

/// When a file was changed, in nanoseconds since 1970; 0 where the system doesn't say.
fn modified_ns(metadata: &Metadata) -> i64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// What a walk came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Walked {
    /// Files that are new, or not as they were.
    pub(super) changed: Vec<Found>,
    /// Files that are known and no longer there (or ignored by now).
    pub(super) gone: Vec<PathBuf>,
    /// Files that are there, in all.
    pub(super) files: u64,
    /// Bytes of `changed`.
    pub(super) bytes: u64,
    /// Folders that were looked through.
    pub(super) folders: Vec<PathBuf>,
    /// Why folders could not be looked through, a sentence each.
    pub(super) unreadable: Vec<String>,
    /// The source itself is not there: what is known of it stays, a disk may be away.
    pub(super) missing: bool,
}

/// The most folders that are named as unreadable.
const MOST_UNREADABLE: usize = 20;

/// Looks a source through. Hidden files, what `.gitignore`, `.ignore` and [`OWN_RULES`] leave out,
/// and what lies in `private` are passed over; links are not followed.
pub(super) fn walk(
    source: &Path,
    (private, most_bytes): (&[PathBuf], u64),
    known: &HashMap<PathBuf, Known>,
    stop: &AtomicBool,
    each: &mut dyn FnMut(u64),
) -> Walked {
    let mut walked = Walked::default();
    if !source.exists() {
        return Walked { missing: true, ..walked };
    }
    let mut unreadable: Vec<PathBuf> = Vec::new();
    let mut there: HashMap<PathBuf, ()> = HashMap::with_capacity(known.len());
    for entry in walker(source, private) {
        if stop.load(Ordering::Relaxed) {
            return Walked { gone: Vec::new(), ..walked };
        }
        let found = match entry {
            Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_dir()) => {
                walked.folders.push(entry.into_path());
                None
            }
            Ok(entry) => file(&entry),
            Err(error) => {
                unreadable.extend(folder_of(&error));
                if walked.unreadable.len() < MOST_UNREADABLE {
                    walked.unreadable.push(format!("{error}."));
                }
                None
            }
        };
        let Some(found) = found else { continue };
        walked.files += 1;
        each(walked.files);
        there.insert(found.path.clone(), ());
        if known.get(&found.path).is_none_or(|known| found.differs(known, most_bytes)) {
            walked.bytes = walked.bytes.saturating_add(found.bytes);
            walked.changed.push(found);
        }
    }
    // What lies in a folder that can't be read now may well be there.
    let hidden = |path: &Path| unreadable.iter().any(|folder| path.starts_with(folder));
    walked.gone = known.keys().filter(|path| !there.contains_key(*path) && !hidden(path)).cloned().collect();
    walked.gone.sort();
    walked
}

fn walker(source: &Path, private: &[PathBuf]) -> ignore::Walk {
    let (private, top) = (private.to_vec(), source.to_owned());
    WalkBuilder::new(source)
        .add_custom_ignore_filename(OWN_RULES)
        .require_git(false)
        .sort_by_file_path(Path::cmp)
        // A source that was named is looked into although it is hidden.
        .filter_entry(move |entry| {
            entry.path() == top || !private.iter().any(|folder| entry.path().starts_with(folder))
        })
        .build()
}

fn file(entry: &DirEntry) -> Option<Found> {
    let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
    let metadata = entry.metadata().ok().filter(|_| is_file)?;
    Some(Found::new(entry.path().to_owned(), &metadata))
}

/// Where a walk could not go on.
fn folder_of(error: &ignore::Error) -> Option<PathBuf> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path.clone()),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => folder_of(err),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(found: &Found) -> Known {
        let state = FileState::Indexed { note: String::new() };
        Known { bytes: found.bytes, modified_ns: found.modified_ns, hash: String::new(), state }
    }

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for sub in ["docs/deep", "target", ".hidden", "own"] {
            std::fs::create_dir_all(at(sub)).unwrap();
        }
        for (name, text) in [
            ("a.md", "# A"),
            ("docs/b.md", "# B"),
            ("docs/deep/c.txt", "c"),
            ("target/x.txt", "built"),
            (".hidden/y.txt", "hidden"),
            ("own/z.txt", "percept's"),
            ("left.txt", "left out"),
            (".gitignore", "target\n"),
            (OWN_RULES, "left.txt\n"),
        ] {
            std::fs::write(at(name), text).unwrap();
        }
        folder
    }

    fn names(folder: &Path, found: &[Found]) -> Vec<String> {
        let below = |found: &Found| found.path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        found.iter().map(below).collect()
    }

    #[test]
    fn what_is_ignored_hidden_or_private_is_passed_over() {
        let folder = tree();
        let private = [folder.path().join("own")];
        let stop = AtomicBool::new(false);
        let walked = walk(folder.path(), (&private, 0), &HashMap::new(), &stop, &mut |_| {});
        assert_eq!(names(folder.path(), &walked.changed), ["a.md", "docs/b.md", "docs/deep/c.txt"]);
        assert_eq!((walked.files, walked.bytes, walked.missing), (3, 7, false));
    }

    #[test]
    fn what_is_as_it_was_is_left_and_what_is_gone_is_named() {
        let folder = tree();
        let stop = AtomicBool::new(false);
        let first = walk(folder.path(), (&[], 0), &HashMap::new(), &stop, &mut |_| {});
        let mut before: HashMap<_, _> =
            first.changed.iter().map(|one| (one.path.clone(), known(one))).collect();
        let again = walk(folder.path(), (&[], 0), &before, &stop, &mut |_| {});
        assert_eq!((again.changed.len(), again.gone.len()), (0, 0));

        std::fs::write(folder.path().join("a.md"), "# Another").unwrap();
        std::fs::remove_dir_all(folder.path().join("docs/deep")).unwrap();
        let later = walk(folder.path(), (&[], 0), &before, &stop, &mut |_| {});
        assert_eq!(names(folder.path(), &later.changed), ["a.md"]);
        assert_eq!(later.gone, [folder.path().join("docs/deep/c.txt")]);

        before.clear();
        std::fs::remove_dir_all(folder.path()).unwrap();
        assert!(walk(folder.path(), (&[], 0), &before, &stop, &mut |_| {}).missing);
    }

    #[test]
    fn a_stopped_walk_says_of_nothing_that_it_is_gone() {
        let folder = tree();
        let gone = Found { path: folder.path().join("gone.md"), bytes: 1, modified_ns: 1 };
        let before = HashMap::from([(gone.path.clone(), known(&gone))]);
        let walked = walk(folder.path(), (&[], 0), &before, &AtomicBool::new(true), &mut |_| {});
        assert!(walked.gone.is_empty());
    }
}
