//! UTF-16 becomes UTF-8 as it streams.
//!
//! A surrogate without its other half and an odd last byte become U+FFFD, as
//! `String::from_utf16_lossy` has it. The byte order mark is left out.

use std::io::{self, Read};

/// How much UTF-16 is read at once.
const CHUNK: usize = 32 * 1024;

/// The byte order mark.
const MARK: u32 = 0xfeff;

/// What stands for what can't be decoded.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// The UTF-8 of a stream of UTF-16.
pub(super) struct Transcoder<R> {
    bytes: R,
    big_endian: bool,
    raw: Box<[u8]>,
    /// The first byte of a unit whose second is yet to come.
    odd: Option<u8>,
    /// A high surrogate that waits for its low one.
    high: Option<u16>,
    started: bool,
    ended: bool,
    out: Vec<u8>,
    taken: usize,
}

impl<R: Read> Transcoder<R> {
    pub(super) fn new(bytes: R, big_endian: bool) -> Self {
        Self {
            bytes,
            big_endian,
            raw: vec![0; CHUNK].into_boxed_slice(),
            odd: None,
            high: None,
            started: false,
            ended: false,
            // A unit becomes three bytes at most.
            out: Vec::with_capacity(CHUNK / 2 * 3 + REPLACEMENT.len()),
            taken: 0,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.taken = 0;
        let read = self.bytes.read(&mut self.raw)?;
        if read == 0 {
            self.ended = true;
            for left in [self.high.take().is_some(), self.odd.take().is_some()] {
                if left {
                    self.out.extend_from_slice(REPLACEMENT);
                }
            }
            return Ok(());
        }
        let mut at = 0;
        if let Some(first) = self.odd.take() {
            self.unit([first, self.raw[0]]);
            at = 1;
        }
        while at + 1 < read {
            self.unit([self.raw[at], self.raw[at + 1]]);
            at += 2;
        }
        if at < read {
            self.odd = Some(self.raw[at]);
        }
        Ok(())
    }

    fn unit(&mut self, pair: [u8; 2]) {
        let unit = if self.big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
        let code = u32::from(unit);
        if self.high.is_none() && unit < 0x80 {
            self.out.push(pair[usize::from(self.big_endian)]);
            self.started = true;
            return;
        }
        match (self.high.take(), unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                self.character(0x1_0000 + ((u32::from(high) - 0xd800) << 10) + (code - 0xdc00));
            }
            (before, _) => {
                if before.is_some() {
                    self.out.extend_from_slice(REPLACEMENT);
                }
                match unit {
                    0xd800..=0xdbff => self.high = Some(unit),
                    _ if code == MARK && !self.started => {}
                    _ => self.character(code),
                }
            }
        }
        self.started = true;
    }

    fn character(&mut self, code: u32) {
        let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        self.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.out.len() && !self.ended && !buffer.is_empty() {
            self.refill()?;
        }
        let count = buffer.len().min(self.out.len() - self.taken);
        buffer[..count].copy_from_slice(&self.out[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}
