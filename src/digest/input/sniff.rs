//! What the first bytes of a stream say that it is. Names are not asked.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use super::unpack::Packing;

/// How much is looked at. A tar header takes 512; the rest is to tell text from data.
pub(super) const HEAD: usize = 8 * 1024;

/// The size of a tar header, and of everything's unit in a tar archive.
pub(super) const BLOCK: usize = 512;

/// The most control characters that text has, of a hundred bytes. Logs carry colours,
/// so an escape doesn't count.
const CONTROL_PERCENT: usize = 10;

/// The least of a UTF-16 text's high bytes that are NUL, of a hundred, if it has no
/// byte order mark: a log is mostly ASCII.
const NULS_PERCENT: usize = 70;

/// The least bytes for telling UTF-16 without a mark.
const UTF16_LEAST: usize = 8;

/// How a source's text is encoded, as its first bytes show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8, or bytes that are handed on as they are.
    #[default]
    Bytes,
    /// With a byte order mark, which is dropped.
    Utf8Bom,
    /// Little endian.
    Utf16Le,
    /// Big endian.
    Utf16Be,
}

/// The UTF-8 byte order mark.
pub(super) const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";

impl Encoding {
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            _ if head.starts_with(UTF8_BOM) => Self::Utf8Bom,
            _ => Self::by_nuls(head),
        }
    }

    /// Every second byte of ASCII in UTF-16 is NUL, and none of the others.
    fn by_nuls(head: &[u8]) -> Self {
        if head.len() < UTF16_LEAST {
            return Self::Bytes;
        }
        let units = head.len() / 2;
        let nuls = |offset: usize| head.iter().skip(offset).step_by(2).filter(|&&byte| byte == 0).count();
        let (even, odd) = (nuls(0), nuls(1));
        let most = |count: usize| count * 100 >= units * NULS_PERCENT;
        // A table of small numbers has such NULs too.
        let rest: Vec<u8> = head.iter().copied().filter(|&byte| byte != 0).collect();
        match (even, odd) {
            _ if !is_text(&rest) => Self::Bytes,
            (0, odd) if most(odd) => Self::Utf16Le,
            (even, 0) if most(even) => Self::Utf16Be,
            _ => Self::Bytes,
        }
    }
}

/// What a stream is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Empty,
    Text(Encoding),
    Packed(Packing),
    Tar,
    /// Something that is known and no log; how a sentence about it goes on.
    Known(&'static str),
    /// Data of an unknown kind.
    Binary,
}

/// Known data: where the magic stands, the magic, and what is said.
const KNOWN: [(usize, &[u8], &str); 27] = [
    (
        0,
        b"LPKSHHRH",
        "is a binary journal: export it with `journalctl --file FILE -o export > journal.export` and give that",
    ),
    (0, b"ElfFile\0", "is a Windows event log: export it with `wevtutil qe FILE /lf /f:text > events.txt`"),
    (0, b"\x89PNG\r\n\x1a\n", "is a picture (PNG)"),
    (0, b"\xff\xd8\xff", "is a picture (JPEG)"),
    (0, b"GIF87a", "is a picture (GIF)"),
    (0, b"GIF89a", "is a picture (GIF)"),
    (8, b"WEBP", "is a picture (WebP)"),
    (0, b"II*\0", "is a picture (TIFF)"),
    (0, b"MM\0*", "is a picture (TIFF)"),
    (4, b"ftyp", "is a film or a picture"),
    (0, b"%PDF-", "is a PDF document"),
    (0, b"SQLite format 3\0", "is an SQLite database"),
    (0, b"\x7fELF", "is a program or a core dump (ELF)"),
    (0, b"\xca\xfe\xba\xbe", "is a compiled class or program"),
    (0, b"\xfe\xed\xfa", "is a program (Mach-O)"),
    (0, b"\xcf\xfa\xed\xfe", "is a program (Mach-O)"),
    (0, b"\0asm", "is a program (WebAssembly)"),
    (0, b"!<arch>\n", "is a library of object code"),
    (0, b"PK\x03\x04", "is a zip archive: unpack it first and give the folder"),
    (0, b"7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it first and give the folder"),
    (0, b"Rar!\x1a\x07", "is a rar archive: unpack it first and give the folder"),
    (0, b"\x04\x22\x4d\x18", "is packed with lz4: unpack it first (lz4 -d)"),
    (0, b"\x1f\x9d", "is packed with compress: unpack it first (gunzip)"),
    (0, b"\xd4\xc3\xb2\xa1", "is a network capture: export it as text first (tcpdump -r)"),
    (0, b"\x0a\x0d\x0d\x0a", "is a network capture: export it as text first (tcpdump -r)"),
    (0, b"PAR1", "is a Parquet table"),
    (0, b"JAVA PROFILE", "is a Java heap dump"),
];

/// What these first bytes begin.
pub(super) fn kind(head: &[u8]) -> Kind {
    if head.is_empty() {
        return Kind::Empty;
    }
    let packing = Packing::of(head);
    if packing != Packing::None {
        return Kind::Packed(packing);
    }
    if is_tar(head) {
        return Kind::Tar;
    }
    // Only a mark or NULs say UTF-16; no magic above begins with either mark.
    let encoding = Encoding::of(head);
    if encoding != Encoding::Bytes {
        return Kind::Text(encoding);
    }
    let text = is_text(head);
    let is = |(at, magic, _): &&(usize, &[u8], &str)| {
        // A log may well begin with letters that are a magic somewhere else.
        let telling = !text || *magic == b"%PDF-" || !magic.iter().all(|&byte| is_printable(byte));
        telling && head.get(*at..).is_some_and(|tail| tail.starts_with(magic))
    };
    let known = KNOWN.iter().find(is);
    match known {
        Some((_, _, said)) => Kind::Known(said),
        None if text => Kind::Text(Encoding::Bytes),
        None => Kind::Binary,
    }
}

/// No NULs and few control characters. A run of NULs at the start is a hole: what a log
/// has that was emptied while its writer went on at its old place.
fn is_text(head: &[u8]) -> bool {
    let text = &head[head.iter().take_while(|&&byte| byte == 0).count()..];
    let control =
        |byte: &&u8| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x1b | 0x08 | 0x0c);
    !text.is_empty()
        && !text.contains(&0)
        && text.iter().filter(control).count() * 100 <= text.len() * CONTROL_PERCENT
}

fn is_printable(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

/// Whether data of no known kind is still mostly text, for a file that a person named.
pub(super) fn is_mostly_text(head: &[u8]) -> bool {
    let text = head.iter().filter(|&&byte| is_printable(byte)).count();
    text * 2 > head.len()
}

/// Whether a tar header that adds up is at the start.
pub(super) fn is_tar(head: &[u8]) -> bool {
    head.len() >= BLOCK && head[257..262] == *b"ustar" && super::archive::adds_up(&head[..BLOCK])
}

/// Reads as much as a head takes, or all there is.
pub(super) fn head(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let mut filled = 0;
    while filled < HEAD {
        match stream.read(&mut head[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    head.truncate(filled);
    Ok(head)
}
