//! What the demuxers refuse and is common: sizes that were never filled in because the recorder
//! died or wrote to a pipe, sizes of more than there is because the file was cut, and the form of
//! WAV for more than 4 GB.

use super::Container;

/// The head of a file as it can be read.
pub(super) fn mended(container: Container, head: Vec<u8>) -> Vec<u8> {
    match container {
        Container::Wave => wave(&head),
        _ => head,
    }
}

/// Whether a file is to be read from its start to its end only: the demuxer of Matroska looks at
/// the end first, and gives up where that was cut off.
pub(super) fn is_stream(container: Container, head: &[u8], length: u64) -> bool {
    container == Container::Matroska && is_cut_matroska(head, length).unwrap_or(false)
}

/// Stands for a size that isn't known: then the file ends where it ends.
const UNKNOWN: [u8; 4] = [0xff; 4];

/// The head of a WAV file that says the same in a way that is read. The size of the sound stays where
/// it is given, so that it is noticed where the file is shorter.
fn wave(head: &[u8]) -> Vec<u8> {
    let mut mended = head.to_vec();
    if let Some(start) = mended.first_chunk_mut::<8>() {
        *start = [b'R', b'I', b'F', b'F', 0xff, 0xff, 0xff, 0xff];
    }
    if let Some(at) = data_size(head).filter(|at| head[*at..].starts_with(&[0; 4])) {
        mended[at..at + 4].copy_from_slice(&UNKNOWN);
    }
    mended
}

/// Where the size of the chunk `data` is.
fn data_size(head: &[u8]) -> Option<usize> {
    let mut at = 12usize;
    loop {
        let (name, rest) = head.get(at..)?.split_first_chunk::<4>()?;
        if name == b"data" {
            return (rest.len() >= 4).then_some(at + 4);
        }
        let size = u32::from_le_bytes(*rest.first_chunk::<4>()?) as usize;
        // Chunks begin at even places.
        at = at.checked_add(8)?.checked_add(size)?.checked_next_multiple_of(2)?;
    }
}

/// Whether a Matroska file ends before its segment does: it was cut.
fn is_cut_matroska(head: &[u8], length: u64) -> Option<bool> {
    const SEGMENT: [u8; 4] = [0x18, 0x53, 0x80, 0x67];
    let (bytes, size) = variable(head.get(4..)?)?;
    let segment = 4usize.checked_add(bytes)?.checked_add(usize::try_from(size).ok()?)?;
    let (bytes, size) = variable(head.get(segment..)?.strip_prefix(&SEGMENT)?)?;
    Some(size.saturating_add((segment + SEGMENT.len() + bytes) as u64) > length)
}

/// A number of variable length (RFC 8794, 4): how many bytes it has, and what it is.
fn variable(from: &[u8]) -> Option<(usize, u64)> {
    let first = *from.first()?;
    let bytes = first.leading_zeros() as usize + 1;
    let rest = from.get(1..bytes).filter(|_| bytes <= 8)?;
    // The bit that tells the length is left out.
    let value = u64::from(first) & (0xff >> bytes);
    Some((bytes, rest.iter().fold(value, |value, byte| value << 8 | u64::from(*byte))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_were_never_filled_in_are_unknown() {
        let head = b"RF64\0\0\0\0WAVEabcd\x03\0\0\0xyz\0data\0\0\0\0sound";
        let wanted = b"RIFF\xff\xff\xff\xffWAVEabcd\x03\0\0\0xyz\0data\xff\xff\xff\xffsound";
        assert_eq!(wave(head), wanted);
        let given = b"RIFF\x10\0\0\0WAVEdata\x05\0\0\0sound";
        assert_eq!(wave(given), b"RIFF\xff\xff\xff\xffWAVEdata\x05\0\0\0sound");
        assert_eq!(wave(b"RIFF"), b"RIFF");
    }

    #[test]
    fn a_segment_longer_than_the_file_is_cut() {
        let head = b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67\x40\x05hello";
        let cut = |length| is_cut_matroska(head, length);
        assert_eq!((cut(head.len() as u64), cut(head.len() as u64 - 1)), (Some(false), Some(true)));
        assert_eq!(is_cut_matroska(&head[..8], 8), None);
        assert_eq!(variable(&[0x01, 0, 0, 0, 0, 0, 1, 2, 9]), Some((8, 258)));
        assert_eq!((variable(&[0]), variable(&[0x40]), variable(&[])), (None, None, None));
    }
}
