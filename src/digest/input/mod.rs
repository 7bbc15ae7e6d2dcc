//! What a person gives for a log becomes an ordered list of sources, each read as bytes.
//!
//! [`gather`] looks at files, folders and archives: what is a log, how it is packed,
//! which of them are pieces of one rotated log, and in which order they were written.
//! It reads the first bytes of each file; an archive it goes through once, to list its
//! members. [`Source::open`] reads one source; [`OnDisk::for_each_source`]
//! those of one file, and unpacks an archive only once for all its members. [`Spool`] keeps
//! what comes through a pipe.
//!
//! It doesn't look into lines, it never writes what is in an archive to disk, and it
//! waits for no file to grow. Memory is the same for any size and any ratio of packing.

mod archive;
mod disk;
mod error;
mod file;
mod gather;
mod names;
mod note;
mod order;
mod pass;
mod pump;
mod reader;
mod sniff;
mod source;
mod spool;
#[cfg(test)]
mod tests;
mod twins;
mod unpack;
mod utf16;
mod walk;

pub use error::{InputError, is_stopped};
pub use file::Identity;
pub use gather::{Gathered, gather};
pub use note::Note;
pub use pass::OnDisk;
pub use reader::Reader;
pub use sniff::Encoding;
pub use source::{Member, Source};
pub use spool::{Spool, Tee, tee};
pub use unpack::Packing;

/// Whether bytes that begin like this are packed, or a tar archive.
pub fn is_packed(head: &[u8]) -> bool {
    matches!(sniff::kind(head), sniff::Kind::Packed(_)) || sniff::is_tar(head)
}

/// The memory that one packed stream may take to be unpacked: what `xz -9` (65 MiB) and
/// `zstd --ultra -22` (128 MiB) need. `zstd --long=31` would take 2 GiB.
pub const UNPACK_MEMORY: u64 = 128 * 1024 * 1024;

/// The most that is taken of what was given. What goes beyond is passed over, and said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Sources in all: each has a name that is held and perhaps shown.
    pub sources: usize,
    /// Members of one archive, those that are passed over too.
    pub members: usize,
    /// Folders within folders.
    pub depth: usize,
    /// Things in folders that are looked at: a folder of millions of mails is no log.
    pub entries: usize,
    /// Things passed over that are named; of more only their count is kept.
    pub named: usize,
    /// Bytes of two files that are compared to tell whether they hold the same.
    pub compared: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            sources: 10_000,
            members: 10_000,
            depth: 32,
            entries: 1_000_000,
            named: 1_000,
            compared: 2 * 1024 * 1024 * 1024,
        }
    }
}
