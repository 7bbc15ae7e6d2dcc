//! One stream of log lines: where it is, how it is packed, what it is called.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::error::InputError;
use super::file::{self, Identity};
use super::reader::{NEVER, Reader};
use super::sniff::Encoding;
use super::unpack::Packing;

/// One stream of log lines: a file, or a member of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// How it is cited, once only among what was gathered: the path as given, or within
    /// the folder given; a member as `logs.tar.gz/app.log`.
    pub name: String,
    /// The log of which it is a piece: the name without date, number and packing. The
    /// pieces of one rotated log have the same, and stand next to each other.
    pub set: String,
    /// The absolute path of the file.
    pub path: PathBuf,
    /// Which file it was. It is `None` where that isn't known, as of what an older percept
    /// wrote down, or where the path leads over a link; then whatever lies there is read.
    #[serde(default)]
    pub identity: Option<Identity>,
    /// Where it is in the archive at `path`, if that is one.
    pub member: Option<Member>,
    /// How its own bytes are packed; how an archive around it is says its `member`.
    pub packing: Packing,
    /// How its text is encoded, as its first bytes show.
    pub encoding: Encoding,
    /// The size on disk of the file at `path`: for a member, of the whole archive.
    pub bytes: u64,
    /// When it was written last, in milliseconds since 1970.
    pub modified_ms: Option<i64>,
    /// A pipe or a terminal: it can be opened once, and has no size.
    pub once: bool,
}

/// A regular file in a tar archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its path in the archive: a name only, whatever it says.
    pub path: String,
    /// Its number among all entries listed, from 0.
    pub index: usize,
    /// Where its bytes begin in the unpacked archive.
    pub at: u64,
    /// How many they are (packed, if the source is).
    pub size: u64,
    /// How the archive is packed.
    pub archive: Packing,
}

impl Source {
    /// A plain file that somebody else has already found to be a log.
    ///
    /// # Errors
    ///
    /// If there is none, or it may not be read.
    pub fn plain(name: &str, path: &Path) -> Result<Self, InputError> {
        let find = || -> io::Result<_> {
            let metadata = std::fs::metadata(path)?;
            if !metadata.is_file() {
                return Ok((metadata, std::path::absolute(path)?));
            }
            let path = std::fs::canonicalize(path)?;
            Ok((std::fs::symlink_metadata(&path)?, path))
        };
        let (metadata, path) = find().map_err(|error| InputError::io(name, error))?;
        Ok(Self {
            name: name.to_owned(),
            set: name.to_owned(),
            path,
            identity: Identity::of(&metadata),
            member: None,
            packing: Packing::None,
            encoding: Encoding::Bytes,
            bytes: metadata.len(),
            modified_ms: modified_ms(&metadata),
            once: !metadata.is_file(),
        })
    }

    /// Reads it from its start.
    ///
    /// # Errors
    ///
    /// If the file is gone or may not be read.
    pub fn open(&self) -> Result<Reader<'static>, InputError> {
        self.open_until(&NEVER)
    }

    /// Reads it from its start until the flag is raised.
    ///
    /// # Errors
    ///
    /// If the file is gone or may not be read.
    pub fn open_until<'s>(&self, stop: &'s AtomicBool) -> Result<Reader<'s>, InputError> {
        Reader::open(self, 0, stop)
    }

    /// Reads it from a byte of what [`Source::open`] gives. It seeks where it can, and
    /// else reads what is before and throws it away.
    ///
    /// # Errors
    ///
    /// If the file is gone or may not be read, or reading was stopped.
    pub fn open_at<'s>(&self, offset: u64, stop: &'s AtomicBool) -> Result<Reader<'s>, InputError> {
        if self.is_seekable() {
            return Reader::open(self, offset, stop);
        }
        let mut reader = self.open_until(stop)?;
        let skipped = io::copy(&mut (&mut reader).take(offset), &mut io::sink());
        skipped.map_err(|error| InputError::io(&self.name, error))?;
        Ok(reader)
    }

    /// The file's bytes as they are on disk, if they are at most so many and can be read.
    pub fn raw(&self, most: u64) -> Option<Vec<u8>> {
        let file = file::open(&self.path, self.identity).ok()?;
        let mut bytes = Vec::new();
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 <= most).then_some(bytes)
    }

    /// Whether the file at its path is the one that it was; it may have grown.
    pub fn is_there(&self) -> bool {
        file::open(&self.path, self.identity).is_ok()
    }

    /// Whether that file also has the size and the time that it had.
    pub fn is_unchanged(&self) -> bool {
        let same = |metadata: std::fs::Metadata| {
            metadata.len() == self.bytes && modified_ms(&metadata) == self.modified_ms
        };
        file::open(&self.path, self.identity).and_then(|file| file.metadata()).is_ok_and(same)
    }

    /// Whether any place in it is reached at once: nothing around it is packed, and its
    /// text isn't converted.
    pub fn is_seekable(&self) -> bool {
        !self.once
            && self.packing == Packing::None
            && matches!(self.encoding, Encoding::Bytes | Encoding::Utf8Bom)
            && self.member.as_ref().is_none_or(|member| member.archive == Packing::None)
    }
}

/// When a file was written last.
pub(super) fn modified_ms(metadata: &std::fs::Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}
