//! Unpacks gzip, zstd, xz and bzip2 as a stream, one packed part after the other.
//!
//! Memory stays flat whatever the ratio. Damage is no error: what came before it is
//! handed on, then the stream ends with a note. Only the file's own errors, and a stop,
//! are errors.

use std::io::{self, BufRead, Read};

use serde::{Deserialize, Serialize};

use super::UNPACK_MEMORY;
use super::disk::Context;
use super::note::Note;

/// How a stream of bytes is packed; told by its first bytes, never by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Packing {
    /// Not at all.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The .xz format.
    Xz,
    /// bzip2.
    Bzip2,
}

/// Each packing's first bytes. A zstd stream may begin with a skippable frame too.
const MAGICS: [(Packing, &[u8]); 4] = [
    (Packing::Gzip, b"\x1f\x8b\x08"),
    (Packing::Zstd, b"\x28\xb5\x2f\xfd"),
    (Packing::Xz, b"\xfd7zXZ\0"),
    (Packing::Bzip2, b"BZh"),
];

/// What follows `BZh` and a digit: the start of a block, or the end of an empty stream.
const BZIP2_NEXT: [&[u8]; 2] = [b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90"];

/// The length of a bzip2 magic with its digit and what follows.
const BZIP2_HEAD: usize = 10;

impl Packing {
    /// The packing that these first bytes begin; too few bytes are no packing.
    pub(super) fn of(head: &[u8]) -> Self {
        MAGICS.iter().map(|(packing, _)| *packing).find(|packing| packing.begins(head)).unwrap_or_default()
    }

    fn begins(self, head: &[u8]) -> bool {
        let magic = MAGICS.iter().find(|(packing, _)| *packing == self).map(|(_, magic)| *magic);
        let starts = magic.is_some_and(|magic| head.starts_with(magic));
        match self {
            Self::Bzip2 => starts && head.len() >= BZIP2_HEAD && BZIP2_NEXT.contains(&&head[4..BZIP2_HEAD]),
            Self::Zstd => starts || skippable(head),
            _ => starts,
        }
    }

    /// Whether another part may begin here; the buffer may end within its magic.
    fn goes_on(self, buffer: &[u8]) -> bool {
        let magic = MAGICS.iter().find(|(packing, _)| *packing == self).map(|(_, magic)| *magic);
        let common = magic.map_or(0, |magic| magic.len().min(buffer.len()));
        magic.is_some_and(|magic| magic[..common] == buffer[..common])
            || self == Self::Zstd && buffer.first().is_some_and(|byte| byte & 0xf0 == 0x50)
    }
}

/// A zstd skippable frame: 0x184D2A5? in little endian.
fn skippable(head: &[u8]) -> bool {
    head.len() >= 4 && head[0] & 0xf0 == 0x50 && head[1..4] == [0x2a, 0x4d, 0x18]
}

/// One packed part: a gzip member, a zstd frame, an xz or bzip2 stream.
enum Part<B: BufRead> {
    Gzip(flate2::bufread::GzDecoder<B>),
    Zstd(zstd::stream::read::Decoder<'static, B>),
    Xz(liblzma::bufread::XzDecoder<B>),
    Bzip2(bzip2::bufread::BzDecoder<B>),
}

impl<B: BufRead> Part<B> {
    fn start(packing: Packing, bytes: B) -> io::Result<Option<Self>> {
        Ok(Some(match packing {
            Packing::None => return Ok(None),
            Packing::Gzip => Self::Gzip(flate2::bufread::GzDecoder::new(bytes)),
            Packing::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes)?.single_frame();
                decoder.window_log_max(UNPACK_MEMORY.ilog2())?;
                Self::Zstd(decoder)
            }
            Packing::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(UNPACK_MEMORY, 0)?;
                Self::Xz(liblzma::bufread::XzDecoder::new_stream(bytes, stream))
            }
            Packing::Bzip2 => Self::Bzip2(bzip2::bufread::BzDecoder::new(bytes)),
        }))
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
            Self::Xz(decoder) => decoder.read(buffer),
            Self::Bzip2(decoder) => decoder.read(buffer),
        }
    }

    fn into_inner(self) -> B {
        match self {
            Self::Gzip(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.finish(),
            Self::Xz(decoder) => decoder.into_inner(),
            Self::Bzip2(decoder) => decoder.into_inner(),
        }
    }
}

enum Stage<B: BufRead> {
    Within(Box<Part<B>>),
    /// Before the first part, or after one and perhaps before another.
    Between(B),
    Ended,
}

/// The unpacked bytes of a packed stream, all its parts.
pub(super) struct Unpacker<'s, B: BufRead> {
    stage: Stage<B>,
    packing: Packing,
    unpacked: u64,
    context: Context<'s>,
}

impl<'s, B: BufRead> Unpacker<'s, B> {
    pub(super) fn new(bytes: B, packing: Packing, context: Context<'s>) -> Self {
        Self { stage: Stage::Between(bytes), packing, unpacked: 0, context }
    }

    /// Begins the next part, or ends. Zeros between parts are padding (xz and tapes).
    fn next(&mut self, mut bytes: B) -> io::Result<Stage<B>> {
        loop {
            self.context.go_on()?;
            let buffer = bytes.fill_buf()?;
            let zeros = buffer.iter().take_while(|&&byte| byte == 0).count();
            if buffer.is_empty() {
                return Ok(Stage::Ended);
            }
            if zeros > 0 {
                bytes.consume(zeros);
                continue;
            }
            if !self.packing.goes_on(buffer) {
                self.context.notes.add(Note::Trailing);
                return Ok(Stage::Ended);
            }
            let part = Part::start(self.packing, bytes)?;
            return Ok(part.map_or(Stage::Ended, |part| Stage::Within(Box::new(part))));
        }
    }

    /// The end that damage makes; the file's own error stays one.
    fn broken(&self, error: io::Error) -> io::Result<usize> {
        if self.context.failed() {
            return Err(error);
        }
        let unpacked = self.unpacked;
        let why = error.to_string();
        self.context.notes.add(match error.kind() {
            io::ErrorKind::UnexpectedEof => Note::Truncated { unpacked },
            _ if why.contains("memory") => Note::TooMuchMemory,
            _ => Note::Damaged { unpacked, why },
        });
        Ok(0)
    }
}

impl<B: BufRead> Read for Unpacker<'_, B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            // A few packed bytes may stand for gigabytes, or for nothing at all.
            self.context.go_on()?;
            match std::mem::replace(&mut self.stage, Stage::Ended) {
                Stage::Ended => return Ok(0),
                Stage::Between(bytes) => match self.next(bytes) {
                    Ok(stage) => self.stage = stage,
                    Err(error) => return self.broken(error),
                },
                Stage::Within(mut part) => match part.read(buffer) {
                    Ok(0) => self.stage = Stage::Between(part.into_inner()),
                    Ok(read) => {
                        self.unpacked += read as u64;
                        self.stage = Stage::Within(part);
                        return Ok(read);
                    }
                    Err(error) => return self.broken(error),
                },
            }
        }
    }
}
