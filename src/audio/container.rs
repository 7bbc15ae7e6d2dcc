//! What a file of sound or a film is, by its first bytes; a name proves nothing.

/// How much of a file is enough to recognise it, in bytes.
pub const HEAD_BYTES: usize = 4096;

/// The formats of files that hold sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// RIFF/WAVE, also in its 64-bit forms.
    Wave,
    /// MPEG audio: mp3, mp2.
    Mpeg,
    /// AAC in ADTS frames.
    Adts,
    /// FLAC.
    Flac,
    /// Ogg: Vorbis, Opus, FLAC.
    Ogg,
    /// MP4 and QuickTime: m4a, mp4, mov.
    Mp4,
    /// Matroska and WebM.
    Matroska,
    /// Apple's Core Audio Format.
    Caf,
    /// AIFF and AIFF-C.
    Aiff,
    /// AVI.
    Avi,
    /// Windows Media: wma, wmv, asf.
    Asf,
    /// Flash video.
    Flv,
    /// An MPEG program stream: mpg, vob.
    MpegProgram,
    /// An MPEG transport stream: ts, mts.
    MpegTransport,
    /// AMR, of telephones.
    Amr,
}

impl Container {
    /// What it is, with its article.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wave => "a WAV file",
            Self::Mpeg => "an MP3 file",
            Self::Adts => "an AAC file",
            Self::Flac => "a FLAC file",
            Self::Ogg => "an Ogg file",
            Self::Mp4 => "an MP4 or QuickTime file",
            Self::Matroska => "a Matroska or WebM file",
            Self::Caf => "a CAF file",
            Self::Aiff => "an AIFF file",
            Self::Avi => "an AVI file",
            Self::Asf => "a Windows Media file",
            Self::Flv => "a Flash video",
            Self::MpegProgram => "an MPEG program stream",
            Self::MpegTransport => "an MPEG transport stream",
            Self::Amr => "an AMR file",
        }
    }

    /// Whether [`super::Reader`] reads it. Of the others `ffmpeg` makes something that it does.
    pub fn is_readable(self) -> bool {
        !matches!(
            self,
            Self::Avi | Self::Asf | Self::Flv | Self::MpegProgram | Self::MpegTransport | Self::Amr
        )
    }

    /// Recognises a file by its head, [`HEAD_BYTES`] or fewer. `None` where it is anything
    /// else, or not enough of it is there to be sure.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..]
            | [b'R', b'F', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..]
            | [b'B', b'W', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Self::Wave),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => Some(Self::Avi),
            [b'f', b'L', b'a', b'C', 0 | 0x80, ..] => Some(Self::Flac),
            [b'O', b'g', b'g', b'S', 0, ..] => Some(Self::Ogg),
            [0x1a, 0x45, 0xdf, 0xa3, ..] => Some(Self::Matroska),
            [b'c', b'a', b'f', b'f', 0, 1, ..] => Some(Self::Caf),
            [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', b'F' | b'C', ..] => Some(Self::Aiff),
            [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, ..] => Some(Self::Asf),
            [b'F', b'L', b'V', 1, ..] => Some(Self::Flv),
            [0, 0, 1, 0xba, ..] => Some(Self::MpegProgram),
            [b'#', b'!', b'A', b'M', b'R', b'\n' | b'-', ..] => Some(Self::Amr),
            _ if is_tagged(head) => Some(Self::Mpeg),
            _ if is_mp4(head) => Some(Self::Mp4),
            _ if is_transport(head) => Some(Self::MpegTransport),
            _ => frames(head),
        }
    }
}

/// Whether a file is a recording (sound, or a film), by its head: [`HEAD_BYTES`] are enough.
/// Text is never taken for one.
pub fn is_recording(head: &[u8]) -> bool {
    Container::of(head).is_some()
}

/// ID3v2 (id3.org/id3v2.3.0, 3.1): versions are small, and bytes of the size have no high bit.
fn is_tagged(head: &[u8]) -> bool {
    matches!(head, [b'I', b'D', b'3', 2..=4, 0..=9, flags, size @ ..]
        if flags & 0x0f == 0 && size.len() >= 4 && size[..4].iter().all(|byte| *byte < 0x80))
}

/// ISO/IEC 14496-12: a box `ftyp` comes first; QuickTime files of old start with another.
fn is_mp4(head: &[u8]) -> bool {
    /// Brands of files that are pictures, or built like them.
    const PICTURES: [&[u8; 4]; 10] =
        [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"crx "];
    let Some((size, rest)) = head.split_first_chunk::<4>() else { return false };
    let Some((kind, rest)) = rest.split_first_chunk::<4>() else { return false };
    let size = u32::from_be_bytes(*size);
    match kind {
        b"ftyp" => (8..64 * 1024).contains(&size) && !PICTURES.iter().any(|brand| rest.starts_with(*brand)),
        // Four letters before the name would be text.
        b"moov" | b"mdat" | b"wide" => size < 0x2000_0000,
        _ => false,
    }
}

/// ISO/IEC 13818-1: packets of 188 bytes, each with the byte 0x47 first (192, with a time
/// before it, on cameras).
fn is_transport(head: &[u8]) -> bool {
    const PACKETS: usize = 5;
    [(188, 0), (192, 4)].iter().any(|(size, first)| {
        let sync = |packet: usize| head.get(first + packet * size) == Some(&0x47);
        // A `G` at each place of a text that is wide enough would be one, but not with this flag.
        (0..PACKETS).all(sync)
            && head.get(first + 1).is_some_and(|byte| *byte < 0x20 || *byte & 0x40 != 0)
            && head.contains(&0)
    })
}

/// Frames of MPEG audio or ADTS without a tag before them: two that follow each other and
/// agree. One alone is found in any text or program.
fn frames(head: &[u8]) -> Option<Container> {
    let start = head.iter().position(|byte| *byte != 0)?;
    let head = &head[start..];
    let first = Frame::read(head)?;
    let mut at = first.bytes;
    let mut agreeing = 1;
    while let Some(rest) = head.get(at..).filter(|rest| rest.len() >= Frame::HEADER) {
        let next = Frame::read(rest).filter(|next| next.agrees(&first))?;
        at += next.bytes;
        agreeing += 1;
    }
    (agreeing >= 2).then_some(first.container)
}

/// The header of a frame.
struct Frame {
    container: Container,
    /// Bits that are the same in all frames of a file: version, layer, rate.
    kind: [u8; 2],
    bytes: usize,
}

impl Frame {
    const HEADER: usize = 6;

    fn read(head: &[u8]) -> Option<Self> {
        let [0xff, second, third, fourth, fifth, sixth] = *head.first_chunk::<{ Self::HEADER }>()? else {
            return None;
        };
        let layer = second >> 1 & 3;
        match (second >> 4, layer) {
            (0xf, 0) => Self::adts([second, third, fourth, fifth, sixth]),
            (0xe | 0xf, 1..) => Self::mpeg([second, third]),
            _ => None,
        }
    }

    fn agrees(&self, other: &Self) -> bool {
        (self.container, self.kind) == (other.container, other.kind)
    }

    /// ISO/IEC 13818-7, 6.2: the length of 13 bits counts the header of 7 bytes.
    fn adts([second, third, fourth, fifth, sixth]: [u8; 5]) -> Option<Self> {
        let rate = third >> 2 & 0xf;
        let bytes = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth) >> 5;
        (rate < 13 && bytes > 7).then_some(Self {
            container: Container::Adts,
            kind: [second, third & 0xfc],
            bytes,
        })
    }

    /// ISO/IEC 11172-3, 2.4.2.3, and 13818-3 for the lower rates. Frames of free format, whose
    /// length isn't said, are not recognised.
    fn mpeg([second, third]: [u8; 2]) -> Option<Self> {
        /// Kbit/s of MPEG 1 layers 2 and 3, and of both of MPEG 2.
        const RATES: [[usize; 15]; 3] = [
            [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
            [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
            [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
        ];
        const HERTZ: [usize; 3] = [44_100, 48_000, 32_000];
        // Layer 1 is left out: nothing has it, and the mark of UTF-16 text (ff fe) looks like it.
        let (layer_3, version) = match (second >> 1 & 3, second >> 3 & 3) {
            (1, version) => (true, version),
            (2, version) => (false, version),
            _ => return None,
        };
        let (divisor, row) = match (version, layer_3) {
            (3, false) => (1, 0),
            (3, true) => (1, 1),
            (2, _) => (2, 2),
            (0, true) => (4, 2),
            _ => return None,
        };
        let rate = HERTZ.get(usize::from(third >> 2 & 3))? / divisor;
        let bits = *RATES[row].get(usize::from(third >> 4))? * 1000;
        let samples = if layer_3 && divisor > 1 { 576 } else { 1152 };
        let bytes = samples / 8 * bits / rate + usize::from(third >> 1 & 1);
        let kind = [second & 0xfe, third & 0x0c];
        (bits > 0).then_some(Self { container: Container::Mpeg, kind, bytes })
    }
}

#[cfg(test)]
#[path = "container_tests.rs"]
mod tests;
