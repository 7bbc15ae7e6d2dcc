//! Heads of WAV files that the demuxer refuses and that are common: sizes that were never filled
//! in because the recorder died or wrote to a pipe, and the forms for more than 4 GB.

/// Stands for a size that isn't known: then the file ends where it ends.
const UNKNOWN: [u8; 4] = [0xff; 4];

/// The head of a file that says the same in a way that is read. The size of the sound stays where
/// it is given, so that it is noticed where the file is shorter.
pub(super) fn mended(head: &[u8]) -> Vec<u8> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_were_never_filled_in_are_unknown() {
        let head = b"RF64\0\0\0\0WAVEabcd\x03\0\0\0xyz\0data\0\0\0\0sound";
        let wanted = b"RIFF\xff\xff\xff\xffWAVEabcd\x03\0\0\0xyz\0data\xff\xff\xff\xffsound";
        assert_eq!(mended(head), wanted);
        let given = b"RIFF\x10\0\0\0WAVEdata\x05\0\0\0sound";
        assert_eq!(mended(given), b"RIFF\xff\xff\xff\xffWAVEdata\x05\0\0\0sound");
        assert_eq!(mended(b"RIFF"), b"RIFF");
    }
}
