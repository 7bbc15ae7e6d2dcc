//! The bytes of a file for a demuxer, bounded: as long as the file was when it was opened, and
//! never so many in one go that damage keeps it searching, or an absurd size fills the memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use symphonia::core::io::MediaSource;

/// The most that is read for one packet, or for the head of a file: more than the largest
/// tables of films of many hours and pictures of covers.
const MOST_AT_ONCE: u64 = 128 * 1024 * 1024;

/// What may still be read before the next packet; shared between a [`Source`] and its reader.
#[derive(Clone)]
pub(super) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(MOST_AT_ONCE)))
    }

    /// Grants anew what one packet may take.
    pub(super) fn renew(&self) {
        self.0.store(MOST_AT_ONCE, Ordering::Relaxed);
    }
}

/// A file, for a demuxer.
pub(super) struct Source {
    file: File,
    /// What its first bytes are read as.
    head: Vec<u8>,
    /// Its length when it was opened: what is written to it meanwhile isn't read.
    length: u64,
    at: u64,
    seekable: bool,
    allowance: Allowance,
}

impl Source {
    pub(super) fn new(file: File, head: Vec<u8>, length: u64, allowance: Allowance) -> Self {
        Self { file, head, length, at: 0, seekable: true, allowance }
    }

    /// Says that it can't go back, whether it can or not.
    pub(super) fn seekable(self, seekable: bool) -> Self {
        Self { seekable, ..self }
    }

    /// Puts the head over what was read from a place.
    fn overlay(&self, from: u64, read: &mut [u8]) {
        let head = usize::try_from(from).ok().and_then(|from| self.head.get(from..)).unwrap_or_default();
        read.iter_mut().zip(head).for_each(|(byte, own)| *byte = *own);
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let allowed = self.allowance.0.load(Ordering::Relaxed);
        let left = self.length.saturating_sub(self.at);
        if allowed == 0 && left > 0 {
            return Err(io::Error::other("there is no sound in too many bytes"));
        }
        let most = left.min(allowed).min(into.len() as u64);
        let read = self.file.read(&mut into[..most as usize])?;
        self.overlay(self.at, &mut into[..read]);
        self.at += read as u64;
        self.allowance.0.store(allowed - read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::End(offset) => SeekFrom::Start(self.length.saturating_add_signed(offset)),
            to => to,
        };
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

impl MediaSource for Source {
    fn is_seekable(&self) -> bool {
        self.seekable
    }

    fn byte_len(&self) -> Option<u64> {
        self.seekable.then_some(self.length)
    }
}
