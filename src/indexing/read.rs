//! A file becomes what the index holds of it.
//!
//! A document is read and cut; a log becomes its templates; a picture and a recording get a
//! passage without words, which [`super::look`] fills in later: that takes a program or a model.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::walk::Found;
use super::{Hands, log};
use crate::document::{self, Chunk, Document, Kind, Place};
use crate::retrieval::{FileState, NewFile, NewPassage, PassageKind, Skip};

/// Bytes from the start of a file that tell what it is.
const HEAD_BYTES: usize = document::HEAD_BYTES;

/// A file that changes while it is read is tried so often.
const TRIES: usize = 3;

/// What shorter chunks join a neighbour, as a share of the longest.
const LEAST_SHARE: usize = 8;

/// The time of a file that could not be read: the next walk finds it changed and tries again.
const NEVER: i64 = 0;

/// A file, ready for the index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prepared {
    pub(super) file: NewFile,
    pub(super) passages: Vec<NewPassage>,
}

impl Prepared {
    /// A file that is left out.
    pub(super) fn skipped(found: &Found, hash: String, why: Skip) -> Self {
        Self { file: new_file(found, hash, FileState::Skipped(why)), passages: Vec::new() }
    }
}

/// What a file came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Came {
    /// It is to be put in place of what was known.
    New(Box<Prepared>),
    /// It holds what it held.
    Same(Found),
    /// It is no longer there.
    Gone,
}

/// Reads a file; `hash` is that of what is in the index of it. `None`: it was stopped.
pub(super) fn read(found: &Found, hash: Option<&str>, hands: &Hands, stop: &AtomicBool) -> Option<Came> {
    let mut found = found.clone();
    for _ in 0..TRIES {
        let came = once(&found, hash, hands, stop);
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        match (came, looked_at(&found.path)) {
            (Ok(came), Ok(now)) if now == found => return Some(came),
            (_, Ok(now)) if now != found => found = now,
            (_, Err(error)) | (Err(error), _) if error.kind() == io::ErrorKind::NotFound => {
                return Some(Came::Gone);
            }
            (_, Err(error)) | (Err(error), _) => {
                let why = Skip::Unreadable(error.to_string());
                found.modified_ns = NEVER;
                return Some(Came::New(Box::new(Prepared::skipped(&found, String::new(), why))));
            }
            (Ok(came), Ok(_)) => return Some(came),
        }
    }
    let why = Skip::Unreadable("it changed each time while it was read".to_owned());
    found.modified_ns = NEVER;
    Some(Came::New(Box::new(Prepared::skipped(&found, String::new(), why))))
}

fn looked_at(path: &Path) -> io::Result<Found> {
    let metadata: Metadata = std::fs::symlink_metadata(path)?;
    Ok(Found::new(path.to_owned(), &metadata))
}

fn once(found: &Found, hash: Option<&str>, hands: &Hands, stop: &AtomicBool) -> io::Result<Came> {
    let new = |prepared| Ok(Came::New(Box::new(prepared)));
    if found.bytes == 0 {
        return new(Prepared::skipped(found, String::new(), Skip::Empty));
    }
    if let Some(why) = document::secret(&found.path, &[]) {
        return new(Prepared::skipped(found, String::new(), Skip::Secret(why)));
    }
    let mut file = File::open(&found.path)?;
    let mut head = Vec::new();
    (&mut file).take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let kind = document::kind_of(&found.path, &head);
    let is_log = kind == Kind::Plain && log::is_one(&found.path, &head, found.bytes);
    if kind == Kind::Binary {
        return new(Prepared::skipped(found, String::new(), Skip::Binary));
    }
    if is_log || kind == Kind::Sound {
        return streamed(found, kind, hash, hands, stop);
    }
    if found.bytes > hands.options.most_bytes {
        return new(Prepared::skipped(found, String::new(), Skip::TooBig));
    }
    let mut content = head;
    // A byte more than there was: what grew is noticed by who compares.
    let rest = found.bytes.saturating_sub(content.len() as u64).saturating_add(1);
    file.take(rest).read_to_end(&mut content)?;
    let own = blake3::hash(&content).to_hex().to_string();
    if hash == Some(own.as_str()) {
        return Ok(Came::Same(found.clone()));
    }
    if let Some(why) = document::secret(&found.path, &content) {
        return new(Prepared::skipped(found, own, Skip::Secret(why)));
    }
    if is_generated(kind, &content) {
        let why = "generated: its lines are too long for anybody to read".to_owned();
        return new(Prepared::skipped(found, own, Skip::Unreadable(why)));
    }
    new(match kind {
        Kind::Picture => unseen(found, own, PassageKind::Picture),
        kind => text(found, own, kind, &content, hands, stop),
    })
}

/// Bytes of a line of code, on average, that nobody wrote: minified scripts, data in code.
const GENERATED_LINE: usize = 1000;

/// Whether code was made by a program for a program.
fn is_generated(kind: Kind, content: &[u8]) -> bool {
    let lines = || memchr::memchr_iter(b'\n', content).count() + 1;
    matches!(kind, Kind::Code(_))
        && content.len() > 8 * GENERATED_LINE
        && content.len() / lines() > GENERATED_LINE
}

/// What may be larger than memory: hashed and read in pieces.
fn streamed(
    found: &Found,
    kind: Kind,
    hash: Option<&str>,
    hands: &Hands,
    stop: &AtomicBool,
) -> io::Result<Came> {
    let new = |prepared| Ok(Came::New(Box::new(prepared)));
    if found.bytes > hands.options.most_streamed_bytes {
        return new(Prepared::skipped(found, String::new(), Skip::TooBig));
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(&found.path)?)?;
    let own = hasher.finalize().to_hex().to_string();
    if hash == Some(own.as_str()) {
        return Ok(Came::Same(found.clone()));
    }
    if kind == Kind::Sound {
        return new(unseen(found, own, PassageKind::Transcript));
    }
    new(match log::templates(&found.path, hands.options.most_templates, stop) {
        Ok((passages, note)) => {
            Prepared { file: new_file(found, own, FileState::Indexed { note }), passages }
        }
        Err(why) => Prepared::skipped(found, own, Skip::Unreadable(why)),
    })
}

/// A file that has to be looked at or heard: found by its name until then.
fn unseen(found: &Found, hash: String, kind: PassageKind) -> Prepared {
    let passage = NewPassage { kind, text: String::new(), heading: Vec::new(), place: Place::Whole };
    let state = FileState::Indexed { note: String::new() };
    Prepared { file: new_file(found, hash, state), passages: vec![passage] }
}

fn text(
    found: &Found,
    hash: String,
    kind: Kind,
    content: &[u8],
    hands: &Hands,
    stop: &AtomicBool,
) -> Prepared {
    match document::read(kind, &found.path, content, &hands.options.document, stop) {
        Ok(document) => of_document(found, hash, kind, &document, hands),
        Err(why) => Prepared::skipped(found, hash, Skip::Unreadable(why.to_string())),
    }
}

/// What the index holds of a document.
pub(super) fn of_document(
    found: &Found,
    hash: String,
    kind: Kind,
    document: &Document,
    hands: &Hands,
) -> Prepared {
    let own = match kind {
        Kind::Code(_) => PassageKind::Code,
        _ => PassageKind::Text,
    };
    let mut passages: Vec<NewPassage> =
        chunks(document, hands).into_iter().map(|chunk| of_chunk(chunk, own)).collect();
    let pages = document.pictures.iter().map(|page| NewPassage {
        kind: PassageKind::Picture,
        text: String::new(),
        heading: Vec::new(),
        place: page.place,
    });
    passages.extend(pages);
    if passages.is_empty() {
        return Prepared::skipped(found, hash, Skip::Empty);
    }
    let mut file = new_file(found, hash, FileState::Indexed { note: document.notes.join(" ") });
    file.title.clone_from(&document.title);
    Prepared { file, passages }
}

/// Cuts a document as the embedding model has room for.
pub(super) fn chunks(document: &Document, hands: &Hands) -> Vec<Chunk> {
    let most_tokens = hands.options.most_tokens;
    let limits = document::Limits { most_tokens, least_tokens: most_tokens / LEAST_SHARE };
    document::chunk(document, &limits, &*hands.count)
}

pub(super) fn of_chunk(chunk: Chunk, kind: PassageKind) -> NewPassage {
    NewPassage { kind, text: chunk.text, heading: chunk.heading, place: chunk.place }
}

fn new_file(found: &Found, hash: String, state: FileState) -> NewFile {
    let Found { path, bytes, modified_ns } = found.clone();
    NewFile { path, bytes, modified_ns, hash, title: None, seen_by: None, state }
}

/// A path as it is shown: without the folders above the source.
pub(super) fn shown(path: &Path) -> PathBuf {
    path.file_name().map_or_else(|| path.to_owned(), PathBuf::from)
}
