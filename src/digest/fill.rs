//! Blocks of whole lines from a stream of bytes.

use std::io::{self, Read};

/// Bytes of a block: small enough for many in flight, large enough that merging is cheap.
/// Also the longest line: what goes beyond is passed over, and said.
const BLOCK_BYTES: usize = 1024 * 1024;

/// Cuts a stream into blocks. The blocks depend on the bytes alone, not on how they
/// arrive: a stream that is slow has the layout, the entries and the marks of a file with
/// its bytes, and is looked up like one.
#[derive(Debug)]
pub(super) struct Filler {
    /// The start of a line that goes on.
    carry: Vec<u8>,
    ended: bool,
    /// Whoever stops it wants what came until then.
    live: bool,
    /// Lines that were longer than a block.
    pub(super) long_lines: u64,
    /// Bytes of the stream that the last block stands for, with what was passed over.
    pub(super) raw: u64,
    /// Nothing of the last block can be kept back: its end was passed over.
    whole: bool,
}

/// The longest end of a block that is kept back for the next.
const MOST_KEPT_BACK: usize = 256 * 1024;

impl Filler {
    pub(super) fn new(live: bool) -> Self {
        Self { carry: Vec::new(), ended: false, live, long_lines: 0, raw: 0, whole: false }
    }

    /// The next block; `None` at the end. The last line may be without its end.
    pub(super) fn fill(&mut self, reader: &mut (impl Read + ?Sized)) -> io::Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        let mut bytes = std::mem::take(&mut self.carry);
        let mut filled = bytes.len();
        bytes.resize(BLOCK_BYTES, 0);
        while filled < bytes.len() {
            match reader.read(&mut bytes[filled..]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if self.live && filled > 0 => {
                    self.ended = true;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        self.raw = filled as u64;
        self.whole = self.ended;
        if self.ended {
            return Ok((!bytes.is_empty()).then_some(bytes));
        }
        match memchr::memrchr(b'\n', &bytes) {
            Some(end) => {
                self.carry = bytes.split_off(end + 1);
                self.raw = bytes.len() as u64;
            }
            None => {
                self.long_lines += 1;
                self.whole = true;
                self.pass_over(reader)?;
                bytes.push(b'\n');
            }
        }
        Ok(Some(bytes))
    }

    /// Keeps the last lines of a block for the next one, from the last that begins an
    /// entry, so that an entry and what goes on with it are in one block.
    pub(super) fn keep_back(&mut self, bytes: &mut Vec<u8>, begins: impl Fn(&[u8]) -> bool) {
        let least = bytes.len().saturating_sub(MOST_KEPT_BACK);
        let mut end = bytes.len().saturating_sub(1);
        while !self.whole
            && let Some(before) = memchr::memrchr(b'\n', &bytes[least..end])
        {
            let start = least + before + 1;
            let line = &bytes[start..end];
            if begins(line.strip_suffix(b"\r").unwrap_or(line)) {
                let mut kept = bytes.split_off(start);
                self.raw -= kept.len() as u64;
                kept.append(&mut self.carry);
                self.carry = kept;
                return;
            }
            end = start - 1;
        }
    }

    /// Goes on to the next line.
    fn pass_over(&mut self, reader: &mut (impl Read + ?Sized)) -> io::Result<()> {
        let mut bytes = vec![0; BLOCK_BYTES];
        loop {
            let read = match reader.read(&mut bytes) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(());
                }
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) if self.live => {
                    self.ended = true;
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            if let Some(end) = memchr::memchr(b'\n', &bytes[..read]) {
                self.raw += end as u64 + 1;
                self.carry = bytes[end + 1..read].to_vec();
                return Ok(());
            }
            self.raw += read as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_and_its_lines_stay_together() {
        let entry = |n: usize| format!("entry {n}\n{}", "  more\n".repeat(n % 50));
        let text: Vec<u8> = (0..20_000).flat_map(|n| entry(n).into_bytes()).collect();
        let mut filler = Filler::new(false);
        let mut reader = text.as_slice();
        let (mut all, mut raw) = (Vec::new(), 0);
        while let Some(mut block) = filler.fill(&mut reader).unwrap() {
            filler.keep_back(&mut block, |line| line.starts_with(b"entry"));
            assert!(block.starts_with(b"entry"), "a block begins with an entry");
            raw += filler.raw;
            all.extend(block);
        }
        assert!(all == text && raw == text.len() as u64);
    }

    fn blocks(bytes: &[u8]) -> (Vec<Vec<u8>>, Filler) {
        let mut filler = Filler::new(false);
        let mut reader = bytes;
        let mut blocks = Vec::new();
        let mut raw = 0;
        while let Some(block) = filler.fill(&mut reader).unwrap() {
            raw += filler.raw;
            blocks.push(block);
        }
        assert_eq!(raw, bytes.len() as u64, "places in the stream stay right");
        (blocks, filler)
    }

    #[test]
    fn blocks_hold_whole_lines_and_all_of_them() {
        let text: Vec<u8> = (0..200_000).flat_map(|n| format!("line {n} of many\n").into_bytes()).collect();
        let (blocks, filler) = blocks(&text);
        assert!(blocks.len() > 2 && blocks.iter().all(|block| block.ends_with(b"\n")));
        assert_eq!((blocks.concat(), filler.long_lines), (text, 0));
    }

    #[test]
    fn a_line_longer_than_a_block_is_cut_once_and_counted() {
        let mut text = b"first\n".to_vec();
        text.extend(vec![b'x'; 5 * BLOCK_BYTES]);
        text.extend(b"\nlast\nend");
        let (blocks, filler) = blocks(&text);
        let all = blocks.concat();
        assert_eq!(filler.long_lines, 1);
        assert_eq!(all.iter().filter(|&&byte| byte == b'\n').count(), 3);
        assert!(all.starts_with(b"first\nxxx") && all.ends_with(b"x\nlast\nend"));
        assert!(self::blocks(b"").0.is_empty());
        assert_eq!(self::blocks(b"\n").0, [b"\n"]);
    }
}
