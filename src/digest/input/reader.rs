//! The bytes of a source, unpacked and as UTF-8 where they were UTF-16.
//!
//! Bytes that are no UTF-8 are handed on as they are. A plain file is read straight into
//! the caller's buffer.

use std::io::{self, BufReader, Read};
use std::ops::DerefMut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::archive::{PACKED_CHUNK, Unpacked, Within};
use super::disk::{Context, Disk, Notes, State};
use super::error::InputError;
use super::note::Note;
use super::pump::Pump;
use super::sniff::{self, Encoding, Kind, UTF8_BOM};
use super::source::{Member, Source};
use super::unpack::{Packing, Unpacker};
use super::utf16::Transcoder;

/// The flag of whoever never stops.
pub(super) static NEVER: AtomicBool = AtomicBool::new(false);

/// The fewest bytes from a pipe that tell how they are packed and encoded. More are not
/// waited for: whoever watches a live log wants its first line now.
const LEAST_HEAD: usize = 10;

type Bytes<'s> = Box<dyn Read + Send + 's>;

/// The bytes of a source as lines are cut from them.
///
/// A read ends with an error only if the file itself fails or reading is stopped
/// ([`is_stopped`](super::is_stopped)); damage and an early end are the end, and a note.
pub struct Reader<'s> {
    bytes: Bytes<'s>,
    state: Arc<State>,
    /// Its own, and those of the archive around it.
    notes: Vec<Notes>,
}

impl<'s> Reader<'s> {
    /// Reads a source from a byte on; one other than the first only if it is seekable.
    pub(super) fn open(source: &Source, offset: u64, stop: &'s AtomicBool) -> Result<Self, InputError> {
        let context = Context::new(stop);
        let name = |error| InputError::io(&source.name, error);
        if source.once {
            let file = std::fs::File::open(&source.path).map_err(name)?;
            return Self::stream(&source.name, file, stop);
        }
        let mut disk = Disk::open(&source.path, source.identity, context.clone()).map_err(name)?;
        let Some(member) = &source.member else {
            if source.is_seekable() && offset + source.mark() > 0 {
                disk.seek_to(offset.saturating_add(source.mark())).map_err(name)?;
            }
            return Ok(Self::over(Box::new(disk), source, &context));
        };
        if disk.size() != source.bytes {
            context.notes.add(Note::Changed);
        }
        let archive = Unpacked::new(disk, member.archive, context.clone());
        Ok(Self::member(Box::new(archive), &context, source, member, offset))
    }

    /// A member of an archive that is open, from a byte on.
    pub(super) fn member<'a>(
        archive: impl DerefMut<Target = Unpacked<'a>> + Send + 's,
        context: &Context<'s>,
        source: &Source,
        member: &Member,
        offset: u64,
    ) -> Self
    where
        'a: 's,
    {
        let own = context.beside();
        let from = if source.is_seekable() { offset.saturating_add(source.mark()) } else { 0 };
        let within = Within::new(archive, (member.at, member.size), from, own.notes.clone());
        let mut reader = Self::over(Box::new(within), source, &own);
        reader.notes.push(context.notes.clone());
        reader
    }

    /// The layers that a source needs over its bytes.
    fn over(bytes: Bytes<'s>, source: &Source, context: &Context<'s>) -> Self {
        let packed = source.packing != Packing::None;
        let bytes = if packed { unpacked(bytes, source.packing, context) } else { bytes };
        // Where it can be sought, the mark was already stepped over.
        let encoding = if source.is_seekable() { Encoding::Bytes } else { source.encoding };
        let bytes = decoded(bytes, encoding, &context.notes);
        Self { bytes, state: Arc::clone(&context.state), notes: vec![context.notes.clone()] }
    }

    /// Reads what comes through a pipe, which may be packed. It is read by a thread of
    /// its own, so that the flag is honoured while nothing comes.
    ///
    /// # Errors
    ///
    /// If it can't be read, was stopped, or is a tar archive.
    pub fn stream(
        name: &str,
        stream: impl Read + Send + 'static,
        stop: &'s AtomicBool,
    ) -> Result<Self, InputError> {
        let context = Context::new(stop);
        let failed = |error| InputError::io(name, error);
        let pump = Pump::start(stream, context.clone()).map_err(failed)?;
        let (mut head, mut bytes) = begun(Box::new(pump)).map_err(failed)?;
        if let Kind::Packed(packing) = sniff::kind(&head) {
            (head, bytes) = begun(unpacked(bytes, packing, &context)).map_err(failed)?;
        }
        if sniff::is_tar(&head) {
            return Err(InputError::PipedArchive(name.to_owned()));
        }
        let bytes = decoded(bytes, Encoding::of(&head), &context.notes);
        Ok(Self { bytes, state: context.state, notes: vec![context.notes] })
    }

    /// How many bytes of the file on disk were read so far, or stepped over. For a member
    /// that is how far the archive was read.
    pub fn consumed(&self) -> u64 {
        self.state.consumed.load(Ordering::Relaxed)
    }

    /// What there is to say about how it was read; complete when it has been read.
    pub fn notes(&self) -> Vec<Note> {
        let mut all: Vec<Note> = Vec::new();
        for note in self.notes.iter().flat_map(Notes::all) {
            // That a member is cut off says more than that the archive around it is.
            let cut = |note: &Note| matches!(note, Note::Truncated { .. });
            let said = all.contains(&note) || cut(&note) && all.iter().any(cut);
            if !said {
                all.push(note);
            }
        }
        all
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(buffer)
    }
}

impl Source {
    /// The length of the byte order mark before its first byte.
    fn mark(&self) -> u64 {
        if self.encoding == Encoding::Utf8Bom { UTF8_BOM.len() as u64 } else { 0 }
    }
}

fn unpacked<'s>(bytes: Bytes<'s>, packing: Packing, context: &Context<'s>) -> Bytes<'s> {
    let buffered = BufReader::with_capacity(PACKED_CHUNK, bytes);
    Box::new(Unpacker::new(buffered, packing, context.clone()))
}

fn decoded<'s>(bytes: Bytes<'s>, encoding: Encoding, notes: &Notes) -> Bytes<'s> {
    match encoding {
        Encoding::Bytes => bytes,
        Encoding::Utf8Bom => Box::new(Unmarked { bytes, left: UTF8_BOM.len() }),
        Encoding::Utf16Le | Encoding::Utf16Be => {
            notes.add(Note::Transcoded);
            Box::new(Transcoder::new(bytes, encoding == Encoding::Utf16Be))
        }
    }
}

/// The first bytes of a stream, and the stream with them.
fn begun(mut bytes: Bytes<'_>) -> io::Result<(Vec<u8>, Bytes<'_>)> {
    let mut head = vec![0; sniff::HEAD];
    let mut filled = 0;
    while filled < LEAST_HEAD {
        match bytes.read(&mut head[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    head.truncate(filled);
    Ok((head.clone(), Box::new(io::Cursor::new(head).chain(bytes))))
}

/// A stream without the byte order mark that it begins with.
struct Unmarked<R> {
    bytes: R,
    left: usize,
}

impl<R: Read> Read for Unmarked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut mark = [0; UTF8_BOM.len()];
        while self.left > 0 {
            match self.bytes.read(&mut mark[..self.left])? {
                0 => self.left = 0,
                read => self.left -= read,
            }
        }
        self.bytes.read(buffer)
    }
}
