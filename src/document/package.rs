//! Documents that are zip files of XML: their parts, unpacked within bounds.

use std::io::{Cursor, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use memchr::memmem;
use zip::ZipArchive;

use super::Unreadable;

/// The most bytes of a part when it is unpacked: a book of thousands of pages has a tenth.
const MOST_PART: u64 = 64 << 20;

/// The most bytes of all parts. What a zip says of its sizes is not believed.
const MOST_UNPACKED: u64 = 256 << 20;

/// The most parts.
const MOST_PARTS: usize = 20_000;

/// Bytes that are unpacked at once; between them it can be stopped.
const STEP: usize = 256 * 1024;

/// A package that is open.
pub(super) struct Package<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// Bytes that may still be unpacked.
    room: u64,
}

impl<'a> Package<'a> {
    /// Opens a package.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        // Encrypted documents of Office are compound files, as older ones are (MS-OFFCRYPTO).
        if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
            let encrypted = memmem::find(bytes, b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0");
            return Err(if encrypted.is_some() { Unreadable::Encrypted } else { Unreadable::Old });
        }
        let zip =
            ZipArchive::new(Cursor::new(bytes)).map_err(|error| Unreadable::Damaged(error.to_string()))?;
        match zip.len() {
            ..=MOST_PARTS => Ok(Self { zip, room: MOST_UNPACKED }),
            _ => Err(Unreadable::TooBig),
        }
    }

    /// The text of a part; `None`: there is no such part.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, Unreadable> {
        let Ok(part) = self.zip.by_name(name) else { return Ok(None) };
        if part.encrypted() {
            return Err(Unreadable::Encrypted);
        }
        let most = MOST_PART.min(self.room);
        let mut bytes = Vec::new();
        let read = part.take(most + 1).read_to_end(&mut bytes);
        self.room = self.room.saturating_sub(bytes.len() as u64);
        match read {
            Err(error) => Err(Unreadable::Damaged(format!("{name}: {error}"))),
            Ok(_) if bytes.len() as u64 > most => Err(Unreadable::TooBig),
            Ok(_) => Ok(Some(text(bytes))),
        }
    }

    /// The same of a part that must be there.
    pub(super) fn needed(&mut self, name: &str) -> Result<String, Unreadable> {
        self.part(name)?.ok_or_else(|| Unreadable::Damaged(format!("{name} is missing in it")))
    }
}

fn text(bytes: Vec<u8>) -> String {
    if let Some(text) = crate::text::utf16(&bytes) {
        return text;
    }
    let text = String::from_utf8(bytes);
    let text = text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

/// What the part with a workbook's texts says of how many it has.
const COUNT: &[u8] = b"uniqueCount";

/// The longest that this and its number are, in bytes.
const COUNT_BYTES: usize = 64;

/// The most texts that a workbook may say to have: room is made for all of them at once.
const MOST_TEXTS: u64 = 5_000_000;

/// Sees to it that a workbook fits into memory, for a reader that believes what it says.
pub(super) fn measure(bytes: &[u8], stop: &AtomicBool) -> Result<(), Unreadable> {
    let mut package = Package::open(bytes)?;
    let mut unpacked = 0u64;
    for at in 0..package.zip.len() {
        // What can't be unpacked is for the reader to complain of, if it needs it.
        let Ok(mut part) = package.zip.by_index(at) else { continue };
        // The end of the step before stands in front of each, so that no count is cut.
        let mut step = vec![b' '; COUNT_BYTES + STEP];
        while let Ok(read @ 1..) = part.read(&mut step[COUNT_BYTES..]) {
            if stop.load(Ordering::Relaxed) {
                return Err(Unreadable::Stopped);
            }
            unpacked = unpacked.saturating_add(read as u64);
            if unpacked > MOST_UNPACKED || !counts_fit(&step[..COUNT_BYTES + read]) {
                return Err(Unreadable::TooBig);
            }
            step.copy_within(read..read + COUNT_BYTES, 0);
        }
    }
    Ok(())
}

/// Whether counts in a piece of a part are such that room can be made.
fn counts_fit(piece: &[u8]) -> bool {
    let wide = memmem::find(piece, b"u\0n\0i\0q\0u\0e\0C\0").is_some();
    let fits = |at: usize| {
        let behind = piece[at + COUNT.len()..].iter().skip_while(|byte| !byte.is_ascii_digit());
        let digits = behind.take_while(|byte| byte.is_ascii_digit());
        let number = digits
            .fold(0u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
        number <= MOST_TEXTS
    };
    !wide && memmem::find_iter(piece, COUNT).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_nothing_has_room_for_are_seen() {
        assert!(counts_fit(b"<sst count=\"9\" uniqueCount=\"12\">"));
        assert!(!counts_fit(b"<sst uniqueCount = '99999999999'>"));
        assert!(!counts_fit(b"u\0n\0i\0q\0u\0e\0C\0o\0"));
    }
}
