//! What came of a file so far: its bytes, and a journal that never claims more than was written.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::checksum;
use super::disk::{self, trouble};
use super::web::shown;
use super::{FetchError, Fetched, Place, Progress, Source};

/// The most pieces of a file: what a server says of its length takes no memory.
const MOST_PIECES: u64 = 1 << 16;

/// Which file exactly the bytes are of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// Its length.
    pub(super) bytes: u64,
    /// Its strong ETag, else its date.
    pub(super) validator: Option<String>,
    /// The checksum that it should have.
    pub(super) sha256: Option<String>,
}

impl Identity {
    /// Whether bytes of one may stand beside bytes of the other. A checksum says so for sure;
    /// a file of which nothing is known but its length may be another one today.
    fn goes_with(&self, other: &Self) -> bool {
        let same = |one: &Option<String>, two: &Option<String>| one.is_some() && one == two;
        self.bytes == other.bytes
            && (same(&self.sha256, &other.sha256)
                || self.sha256 == other.sha256 && same(&self.validator, &other.validator))
    }
}

/// The journal's file.
#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    identity: Identity,
    /// Bytes of a piece; the last one may be shorter.
    piece_bytes: u64,
    /// How many bytes of each are there, from its start.
    done: Vec<u64>,
}

/// The bytes of a file that is being brought. Whoever has it is the only one who writes them.
pub(super) struct Part {
    file: File,
    path: PathBuf,
    journal_path: PathBuf,
    journal: Journal,
    resumed: u64,
}

impl Part {
    /// Goes on with what is there, if it is of the same file, else begins.
    pub(super) fn open(place: &Place, identity: &Identity, piece_bytes: u64) -> Result<Self, FetchError> {
        let mut journal_path = place.part.clone().into_os_string();
        journal_path.push(".json");
        let journal_path = PathBuf::from(journal_path);
        let error = trouble(&place.part);
        let known = known(&journal_path, &place.part, identity);
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(known.is_none())
            .open(&place.part)
            .map_err(&error)?;
        let journal = known.unwrap_or_else(|| fresh(identity, piece_bytes));
        let resumed = journal.done.iter().sum();
        Ok(Self { file, path: place.part.clone(), journal_path, journal, resumed })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.journal.identity.bytes
    }

    /// Bytes that are here.
    pub(super) fn done(&self) -> u64 {
        self.journal.done.iter().sum()
    }

    /// The bytes of a piece that aren't here: from, and up to but without.
    pub(super) fn missing(&self, piece: usize) -> std::ops::Range<u64> {
        let start = self.journal.piece_bytes.saturating_mul(piece as u64);
        let end = start.saturating_add(self.journal.piece_bytes).min(self.bytes());
        start.saturating_add(self.journal.done.get(piece).copied().unwrap_or_default())..end
    }

    /// The pieces that aren't whole.
    pub(super) fn unfinished(&self) -> Vec<usize> {
        (0..self.journal.done.len()).filter(|&piece| !self.missing(piece).is_empty()).collect()
    }

    /// Writes what comes next of a piece.
    pub(super) fn write(&mut self, piece: usize, bytes: &[u8]) -> Result<(), FetchError> {
        let at = self.missing(piece).start;
        let error = trouble(&self.path);
        self.file.seek(SeekFrom::Start(at)).map_err(&error)?;
        self.file.write_all(bytes).map_err(&error)?;
        if let Some(done) = self.journal.done.get_mut(piece) {
            *done += bytes.len() as u64;
        }
        Ok(())
    }

    /// Writes down what is here, after that is on the disk.
    pub(super) fn keep(&self) -> Result<(), FetchError> {
        self.file.sync_data().map_err(trouble(&self.path))?;
        let error = trouble(&self.journal_path);
        let text = serde_json::to_vec(&self.journal).map_err(|why| error(why.into()))?;
        let folder = self.journal_path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(&error)?;
        file.write_all(&text).map_err(&error)?;
        file.persist(&self.journal_path).map_err(|why| error(why.error))?;
        Ok(())
    }

    /// Begins anew, of one piece where that is wanted.
    pub(super) fn restart(&mut self, piece_bytes: u64) -> Result<(), FetchError> {
        self.journal = fresh(&self.journal.identity, piece_bytes);
        self.resumed = 0;
        self.file.set_len(0).map_err(trouble(&self.path))
    }

    /// Deletes all that came.
    pub(super) fn discard(self) -> Result<(), FetchError> {
        drop(self.file);
        let _ = std::fs::remove_file(&self.journal_path);
        std::fs::remove_file(&self.path).map_err(trouble(&self.path))
    }

    /// Checks the whole, and gives it its name.
    pub(super) fn finish(
        mut self,
        source: &Source,
        target: &Path,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(Progress),
    ) -> Result<Fetched, FetchError> {
        self.file.sync_all().map_err(trouble(&self.path))?;
        let total = self.bytes();
        let sha256 = checksum::of((&mut self.file, &self.path), total, stop, tell)?;
        if let Some(wanted) = &source.sha256
            && !wanted.eq_ignore_ascii_case(&sha256)
        {
            self.discard()?;
            return Err(FetchError::Wrong { url: shown(&source.url), wanted: wanted.clone(), has: sha256 });
        }
        let fetched = Fetched { bytes: self.bytes(), sha256, resumed: self.resumed };
        drop(self.file);
        disk::name(&self.path, target)?;
        let _ = std::fs::remove_file(&self.journal_path);
        Ok(fetched)
    }
}

fn fresh(identity: &Identity, piece_bytes: u64) -> Journal {
    let least = identity.bytes.div_ceil(MOST_PIECES).max(1);
    let piece_bytes = piece_bytes.clamp(least, identity.bytes.max(least));
    let pieces = usize::try_from(identity.bytes.div_ceil(piece_bytes)).unwrap_or_default();
    Journal { identity: identity.clone(), piece_bytes, done: vec![0; pieces] }
}

/// The journal, if it can be trusted: it is of the same file, fits together, and the bytes that
/// it speaks of are there.
fn known(journal: &Path, part: &Path, identity: &Identity) -> Option<Journal> {
    let known: Journal = serde_json::from_slice(&std::fs::read(journal).ok()?).ok()?;
    let length = std::fs::metadata(part).ok()?.len();
    let like = fresh(identity, known.piece_bytes);
    let fits = known.identity.goes_with(identity)
        && like.piece_bytes == known.piece_bytes
        && like.done.len() == known.done.len()
        && known.done.iter().enumerate().all(|(piece, &done)| {
            let start = known.piece_bytes.saturating_mul(piece as u64);
            let end = start.saturating_add(known.piece_bytes).min(identity.bytes);
            done <= end.saturating_sub(start) && (done == 0 || start + done <= length)
        });
    // From now on it is what the server says today.
    fits.then(|| Journal { identity: identity.clone(), ..known })
}
