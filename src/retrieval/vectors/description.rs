//! What a graph's file holds, in a file of its own: by it, a graph that is stale, foreign, cut
//! off or damaged is known before it is mapped, since a library in C++ would believe it.

use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::retrieval::Space;

/// The form of the graph and of this description; another one is not read.
const VERSION: u32 = 1;

/// The most bytes of a description: a real one has some hundred.
const MOST_BYTES: u64 = 16 * 1024;

/// Characters of a hash that tell files of one folder apart.
const NAME_DIGITS: usize = 16;

/// A graph's file, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    version: u32,
    /// The database that its rows are of.
    identity: String,
    /// The space.
    space: String,
    /// Numbers of a vector.
    dimensions: usize,
    /// Vectors in it.
    pub(super) count: u64,
    /// All rows of the space up to this number are in it.
    pub(super) mark: i64,
    /// The bytes of the file.
    bytes: u64,
    /// When it was written, in nanoseconds since 1970. A file that was written to since is
    /// hashed before it is believed.
    modified_ns: u64,
    /// Its blake3 hash, as hex digits; also in its name.
    hash: String,
}

impl Description {
    /// Where the description of a space lies.
    fn file(folder: &Path, space: &Space) -> PathBuf {
        folder.join(format!("{}.json", prefix(space)))
    }

    /// Where the graph lies.
    pub(super) fn graph(&self, folder: &Path, space: &Space) -> PathBuf {
        folder.join(graph_name(space, &self.hash))
    }

    /// Reads the description of a space's graph; `None`: there is none that can be used with
    /// this database.
    pub(super) fn read(folder: &Path, space: &Space, identity: &str) -> Option<Self> {
        let file = File::open(Self::file(folder, space)).ok()?;
        let text = io::read_to_string(io::Read::take(file, MOST_BYTES)).ok()?;
        let read: Self = serde_json::from_str(&text).ok()?;
        let is_hash =
            read.hash.len() == blake3::OUT_LEN * 2 && read.hash.bytes().all(|b| b.is_ascii_hexdigit());
        let fits = read.version == VERSION
            && read.identity == identity
            && read.space == space.id
            && read.dimensions == space.dimensions
            && is_hash;
        fits.then_some(read)
    }

    /// Takes a graph that was written, `made`, for the graph of a space: it gets its name, and
    /// then this description is put in place, which is the moment from which it is used.
    pub(super) fn publish(
        folder: &Path,
        space: &Space,
        identity: &str,
        (count, mark): (u64, i64),
        made: tempfile::TempPath,
    ) -> io::Result<()> {
        let file = File::open(&made)?;
        file.sync_all()?;
        let metadata = file.metadata()?;
        let description = Self {
            version: VERSION,
            identity: identity.to_owned(),
            space: space.id.clone(),
            dimensions: space.dimensions,
            count,
            mark,
            bytes: metadata.len(),
            modified_ns: modified_ns(&metadata),
            hash: hash(&made)?,
        };
        made.persist(description.graph(folder, space))?;
        description.write(folder, space)?;
        remove_others(folder, space, Some(&description));
        Ok(())
    }

    fn write(&self, folder: &Path, space: &Space) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.as_file().sync_all()?;
        file.persist(Self::file(folder, space))?;
        Ok(())
    }

    /// Whether the graph's file is the one that is described. One that was touched since is
    /// hashed, once: what is found is noted.
    pub(super) fn is_true(&self, folder: &Path, space: &Space) -> bool {
        let path = self.graph(folder, space);
        let Ok(metadata) = std::fs::metadata(&path) else { return false };
        if metadata.len() != self.bytes {
            return false;
        }
        let modified_ns = modified_ns(&metadata);
        if modified_ns == self.modified_ns {
            return true;
        }
        let same = hash(&path).is_ok_and(|hash| hash == self.hash);
        if same {
            // A copied index: if this can't be kept, the next start hashes again.
            let _ = Self { modified_ns, ..self.clone() }.write(folder, space);
        }
        same
    }
}

/// Removes the graphs of a space but for one, and without one the description too.
pub(super) fn remove_others(folder: &Path, space: &Space, kept: Option<&Description>) {
    if kept.is_none() {
        let _ = std::fs::remove_file(Description::file(folder, space));
    }
    let kept = kept.map(|kept| graph_name(space, &kept.hash));
    let prefix = format!("{}-", prefix(space));
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_graph =
            name.to_str().is_some_and(|name| name.starts_with(&prefix) && name.ends_with(".graph"));
        if is_graph && kept.as_deref() != name.to_str() {
            // Who has it mapped keeps it; what can't be removed now is removed the next time.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn graph_name(space: &Space, hash: &str) -> String {
    format!("{}-{}.graph", prefix(space), hash.get(..NAME_DIGITS).unwrap_or(hash))
}

/// What the names of a space's files begin with.
fn prefix(space: &Space) -> String {
    let hash = blake3::hash(space.id.as_bytes()).to_hex();
    format!("vectors-{}", hash.get(..NAME_DIGITS).unwrap_or(&hash))
}

fn hash(path: &Path) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

fn modified_ns(metadata: &Metadata) -> u64 {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    modified.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}
