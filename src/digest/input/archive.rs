//! tar archives, as streams: which members there are and where each begins in the
//! unpacked archive; later a member's bytes by that place.
//!
//! Nothing is ever written to disk, so a name with `..` in it is just a name. Memory is
//! bounded whatever an archive claims: the crate `tar` reads headers here, but not the
//! long names and extensions, which it would take at any length.

use std::io::{self, BufReader, Read};
use std::ops::DerefMut;

use super::disk::{Context, Disk, Notes};
use super::note::Note;
use super::sniff::BLOCK;
use super::unpack::{Packing, Unpacker};

/// The most that a long name or an extended header takes; a longer one is skipped.
const MOST_EXTENSION: u64 = 256 * 1024;

/// How much is unpacked at once to get past what nobody reads.
const SKIP_CHUNK: usize = 64 * 1024;

/// How much of a packed file is read at once.
pub(super) const PACKED_CHUNK: usize = 64 * 1024;

enum Bytes<'s> {
    Plain(Disk<'s>),
    Packed(Box<Unpacker<'s, BufReader<Disk<'s>>>>),
}

/// An archive's bytes, unpacked, with the place in them.
pub(super) struct Unpacked<'s> {
    bytes: Bytes<'s>,
    position: u64,
}

impl<'s> Unpacked<'s> {
    pub(super) fn new(disk: Disk<'s>, packing: Packing, context: Context<'s>) -> Self {
        let bytes = match packing {
            Packing::None => Bytes::Plain(disk),
            packing => {
                let buffered = BufReader::with_capacity(PACKED_CHUNK, disk);
                Bytes::Packed(Box::new(Unpacker::new(buffered, packing, context)))
            }
        };
        Self { bytes, position: 0 }
    }

    /// Goes forward to a place; whether there is one.
    pub(super) fn skip_to(&mut self, at: u64) -> io::Result<bool> {
        if let Bytes::Plain(disk) = &mut self.bytes {
            self.position = disk.seek_to(at)?;
        } else {
            let mut chunk = vec![0; SKIP_CHUNK];
            while self.position < at {
                let room = usize::try_from(at - self.position).unwrap_or(SKIP_CHUNK).min(SKIP_CHUNK);
                if self.read(&mut chunk[..room])? == 0 {
                    break;
                }
            }
        }
        Ok(self.position == at)
    }

    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }
}

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.bytes {
            Bytes::Plain(disk) => disk.read(buffer)?,
            Bytes::Packed(unpacker) => unpacker.read(buffer)?,
        };
        self.position += read as u64;
        Ok(read)
    }
}

/// The bytes of one member. The way to it is made at the first read.
pub(super) struct Within<S> {
    archive: S,
    next: u64,
    end: u64,
    begin: u64,
    notes: Notes,
    short: bool,
}

impl<'s, S: DerefMut<Target = Unpacked<'s>>> Within<S> {
    /// A member of `size` bytes at `at`, from its byte `from` on.
    pub(super) fn new(archive: S, (at, size): (u64, u64), from: u64, notes: Notes) -> Self {
        let end = at.saturating_add(size);
        Self { archive, next: at.saturating_add(from).min(end), end, begin: at, notes, short: false }
    }
}

impl<'s, S: DerefMut<Target = Unpacked<'s>>> Read for Within<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        if room == 0 || self.short {
            return Ok(0);
        }
        let there = self.archive.position == self.next || self.archive.skip_to(self.next)?;
        let read = if there { self.archive.read(&mut buffer[..room])? } else { 0 };
        if read == 0 {
            self.short = true;
            let unpacked = self.next - self.begin;
            self.notes.add(Note::Truncated { unpacked });
        }
        self.next += read as u64;
        Ok(read)
    }
}

/// A member as the archive lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) path: String,
    /// Where its bytes begin in the unpacked archive.
    pub(super) at: u64,
    pub(super) size: u64,
    pub(super) modified_ms: Option<i64>,
    /// Why it isn't read, if it isn't a regular file.
    pub(super) refused: Option<&'static str>,
}

/// How a listing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    End,
    /// Neither a header nor an end is where one must be.
    Broken,
}

/// Lists an archive from its start, one member after the other.
pub(super) struct Listing {
    next: u64,
    long_name: Option<String>,
    long_size: Option<u64>,
    sparse: bool,
}

impl Listing {
    pub(super) fn new() -> Self {
        Self { next: 0, long_name: None, long_size: None, sparse: false }
    }

    /// The next member; the archive then stands at its first byte. Folders are left out.
    pub(super) fn next(&mut self, archive: &mut Unpacked<'_>) -> io::Result<Result<Listed, Next>> {
        loop {
            if !archive.skip_to(self.next)? {
                return Ok(Err(Next::Broken));
            }
            let mut header = tar::Header::new_old();
            match archive.fill(header.as_mut_bytes())? {
                BLOCK => {}
                0 => return Ok(Err(Next::End)),
                _ => return Ok(Err(Next::Broken)),
            }
            if header.as_bytes().iter().all(|&byte| byte == 0) {
                return Ok(Err(Next::End));
            }
            match self.take(archive, &header)? {
                Some(Ok(listed)) => return Ok(Ok(listed)),
                Some(Err(end)) => return Ok(Err(end)),
                None => {}
            }
        }
    }

    /// What a header says: a member, an end, or `None` for what belongs to the next one.
    fn take(
        &mut self,
        archive: &mut Unpacked<'_>,
        header: &tar::Header,
    ) -> io::Result<Option<Result<Listed, Next>>> {
        let (true, Ok(stored)) = (adds_up(header.as_bytes()), header.entry_size()) else {
            return Ok(Some(Err(Next::Broken)));
        };
        let kind = header.entry_type();
        if kind.is_gnu_sparse() {
            skip_sparse_map(archive, header)?;
        }
        let is_extension = kind.is_gnu_longname()
            || kind.is_gnu_longlink()
            || kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions();
        let size = if is_extension { stored } else { self.long_size.take().unwrap_or(stored) };
        let at = archive.position;
        let Some(next) = size.checked_next_multiple_of(BLOCK as u64).and_then(|size| at.checked_add(size))
        else {
            return Ok(Some(Err(Next::Broken)));
        };
        self.next = next;
        if is_extension {
            self.extension(archive, kind, size)?;
            return Ok(None);
        }
        let path = self.long_name.take();
        let path = path.unwrap_or_else(|| String::from_utf8_lossy(&header.path_bytes()).into_owned());
        let sparse = std::mem::take(&mut self.sparse) || kind.is_gnu_sparse();
        if kind.is_dir() || path.ends_with('/') {
            return Ok(None);
        }
        let modified_ms = header.mtime().ok().and_then(|s| i64::try_from(s).ok()?.checked_mul(1000));
        Ok(Some(Ok(Listed { path, at, size, modified_ms, refused: refused(kind, sparse) })))
    }

    fn extension(&mut self, archive: &mut Unpacked<'_>, kind: tar::EntryType, size: u64) -> io::Result<()> {
        let wanted = kind.is_gnu_longname() || kind.is_pax_local_extensions();
        if !wanted || size > MOST_EXTENSION {
            return Ok(());
        }
        let mut data = vec![0; usize::try_from(size).unwrap_or_default()];
        let filled = archive.fill(&mut data)?;
        data.truncate(filled);
        if kind.is_gnu_longname() {
            let end = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
            self.long_name = Some(String::from_utf8_lossy(&data[..end]).into_owned());
            return Ok(());
        }
        for record in tar::PaxExtensions::new(&data).flatten() {
            let value = String::from_utf8_lossy(record.value_bytes());
            match record.key_bytes() {
                b"path" if !self.sparse => self.long_name = Some(value.into_owned()),
                b"GNU.sparse.name" => self.long_name = Some(value.into_owned()),
                b"size" => self.long_size = value.parse().ok(),
                _ => {}
            }
            self.sparse |= record.key_bytes().starts_with(b"GNU.sparse.");
        }
        Ok(())
    }
}

fn refused(kind: tar::EntryType, sparse: bool) -> Option<&'static str> {
    if sparse {
        return Some("is a sparse file in an archive: unpack it first");
    }
    match kind {
        tar::EntryType::Regular | tar::EntryType::Continuous => None,
        tar::EntryType::Link | tar::EntryType::Symlink => Some("is a link in an archive"),
        _ => Some("is no regular file"),
    }
}

/// A sparse file's map goes on in blocks of its own, each of which says if another follows.
fn skip_sparse_map(archive: &mut Unpacked<'_>, header: &tar::Header) -> io::Result<()> {
    const MORE_IN_HEADER: usize = 482;
    const MORE_IN_BLOCK: usize = 504;
    let mut more = header.as_bytes()[MORE_IN_HEADER] != 0;
    let mut block = [0; BLOCK];
    while more && archive.fill(&mut block)? == BLOCK {
        more = block[MORE_IN_BLOCK] != 0;
    }
    Ok(())
}

/// Whether a header's checksum is that of its bytes, its own field taken as spaces.
pub(super) fn adds_up(header: &[u8]) -> bool {
    const FIELD: std::ops::Range<usize> = 148..156;
    let sum: u32 = header
        .iter()
        .enumerate()
        .map(|(at, &byte)| if FIELD.contains(&at) { u32::from(b' ') } else { u32::from(byte) })
        .sum();
    let digits: String = header[FIELD]
        .iter()
        .map(|&byte| char::from(byte))
        .skip_while(|c| *c == ' ')
        .take_while(|c| c.is_digit(8))
        .collect();
    u32::from_str_radix(&digits, 8) == Ok(sum)
}
