use proptest::prelude::*;

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audio").join(name);
    let mut bytes = std::fs::read(path).unwrap();
    bytes.truncate(HEAD_BYTES);
    bytes
}

#[test]
fn files_are_recognised_by_their_content() {
    let known = [
        ("speech.wav", Container::Wave),
        ("adpcm.wav", Container::Wave),
        ("speech.mp3", Container::Mpeg),
        ("bare.mp3", Container::Mpeg),
        ("layer2.mp2", Container::Mpeg),
        ("stereo-44100.mp3", Container::Mpeg),
        ("speech.aac", Container::Adts),
        ("speech.flac", Container::Flac),
        ("vorbis.ogg", Container::Ogg),
        ("speech.opus", Container::Ogg),
        ("speech.m4a", Container::Mp4),
        ("film.mp4", Container::Mp4),
        ("speech.webm", Container::Matroska),
        ("speech.mka", Container::Matroska),
        ("speech.aiff", Container::Aiff),
        ("speech.caf", Container::Caf),
        ("film.avi", Container::Avi),
    ];
    for (name, container) in known {
        assert_eq!(Container::of(&fixture(name)), Some(container), "{name}");
    }
}

#[test]
fn frames_are_recognised_by_two_that_agree_and_not_by_one() {
    let bare = fixture("bare.mp3");
    assert_eq!(Container::of(&[&[0; 50], &bare[..2000]].concat()), Some(Container::Mpeg));
    let second = Frame::read(&bare).unwrap().bytes;
    assert_eq!(Container::of(&bare[..second]), None);
    let mut other = bare.clone();
    other[second] = 0;
    assert_eq!(Container::of(&other), None);
}

#[test]
fn pictures_and_programs_are_no_recordings() {
    for other in [
        &b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..],
        b"\0\0\0\x1cftypavif\0\0\0\0avifmif1",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0",
        b"RIFF\x24\0\0\0WEBPVP8 ",
        b"%PDF-1.7\n",
        b"",
        &[0; 4096],
        &[0xff; 4096],
    ] {
        assert_eq!(Container::of(other), None, "{other:?}");
    }
}

#[test]
fn text_that_begins_like_one_is_none() {
    for text in [
        "ID3 tags are",
        "OggS is a magic",
        "fLaC and so",
        "caff eine",
        "FORM 1234 AIF",
        "xxxxmoovies",
        "FLV x",
        "MAC a",
    ] {
        assert!(!is_recording(text.as_bytes()), "{text}");
    }
    let utf16: Vec<u8> =
        "\u{feff}A log in UTF-16\n".repeat(200).encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(!is_recording(&utf16));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn text_is_never_a_recording(text in "\\PC{0,300}|[\\x20-\\x7e\\n\\t]{0,2000}") {
        prop_assert!(!is_recording(text.as_bytes()));
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        prop_assert!(!is_recording(&wide));
        prop_assert!(!is_recording(&[&[0xff, 0xfe], &wide[..]].concat()));
    }

    #[test]
    fn any_bytes_are_looked_at_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
        let _ = Container::of(&bytes);
        let _ = frames(&[&[0xff, 0xfb, 0x90, 0x00], &bytes[..]].concat());
    }
}
