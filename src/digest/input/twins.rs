//! Whether two files of one name, packed and not, hold the same: `app.log.1` next to
//! `app.log.1.gz`, as a rotation leaves them that was broken off.
//!
//! Only what was compared byte by byte counts as the same.

use std::io::{self, Read};
use std::sync::atomic::AtomicBool;

use super::note::Note;
use super::source::Source;

/// How much of each is compared at once.
const CHUNK: usize = 64 * 1024;

/// How two sources' bytes compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    Same,
    /// The first is cut off, and what it has is the beginning of the second.
    Beginning,
    Different,
    /// Too long to compare, or one can't be read.
    Unknown,
}

/// Compares the bytes of two sources, at most this many.
pub(super) fn compare(first: &Source, second: &Source, most: u64, stop: &AtomicBool) -> io::Result<Likeness> {
    let (Ok(mut first), Ok(mut second)) = (first.open_until(stop), second.open_until(stop)) else {
        return Ok(Likeness::Unknown);
    };
    let (mut one, mut two) = (vec![0; CHUNK], vec![0; CHUNK]);
    let mut compared = 0;
    while compared < most {
        let (left, right) = (fill(&mut first, &mut one)?, fill(&mut second, &mut two)?);
        if left > right || one[..left] != two[..left] {
            return Ok(Likeness::Different);
        }
        if left < CHUNK {
            let cut = first.notes().iter().any(|note| matches!(note, Note::Truncated { .. }));
            let second_ends = left == right;
            return Ok(match (second_ends, cut) {
                (true, _) => Likeness::Same,
                (false, true) => Likeness::Beginning,
                (false, false) => Likeness::Different,
            });
        }
        compared += CHUNK as u64;
    }
    Ok(Likeness::Unknown)
}

fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}
