//! Files of sound, from every format that is read, whole and damaged.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use percept::audio::{AudioError, Reader, is_recording, look};
use proptest::prelude::*;

/// The formats, with the error that each may have against the sound it was made of: the level of
/// the difference by that of the sound, at the best shift.
const FORMATS: [(&str, f64); 19] = [
    ("speech.wav", 0.0),
    ("float.wav", 1e-4),
    ("24-bit.wav", 1e-4),
    ("eight-bit.wav", 0.05),
    ("stereo-44100.wav", 0.05),
    ("adpcm.wav", 0.15),
    ("speech.flac", 0.0),
    ("stereo-48000.flac", 0.05),
    ("alac.m4a", 0.0),
    ("speech.aiff", 0.0),
    ("speech.caf", 0.0),
    ("speech.mp3", 0.1),
    ("bare.mp3", 0.1),
    ("stereo-44100.mp3", 0.1),
    ("speech.aac", 0.1),
    ("speech.m4a", 0.1),
    ("vorbis.ogg", 0.15),
    ("speech.opus", 0.2),
    ("speech.webm", 0.1),
];

/// The most that a decoder's own delay shifts sound where the file doesn't say it, in samples.
const LATEST: usize = 1200;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audio").join(name)
}

/// A file with a content.
fn file(content: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

/// All of a recording, and what is wrong with it. More than an hour is more than any fixture holds,
/// and ends the test.
fn heard(path: &Path) -> Result<(Vec<f32>, Vec<String>), AudioError> {
    let mut reader = Reader::open(path)?;
    let mut sound = Vec::new();
    while let Some(block) = reader.read() {
        assert!(block.len() <= 16_000);
        sound.extend(block);
        assert_eq!(reader.position_ms(), sound.len() as u64 / 16);
        assert!(sound.len() <= 2 * 3600 * 16_000, "it doesn't end");
    }
    assert!(reader.read().is_none());
    Ok((sound, reader.notes()))
}

/// How different a sound is from the one it was made of: 0 is the same, 1 as loud as the sound.
/// Both are brought to the same level first: what makes two channels of one may change it.
fn difference(sound: &[f32], original: &[f32]) -> f64 {
    let at = |shift: usize| {
        // Resampling on the way may round the other way by a sample.
        let (sound, original) =
            if shift == 0 { (sound, &original[1..]) } else { (&sound[shift - 1..], original) };
        let pairs = || sound.iter().zip(original).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        let (own, both, other) = pairs()
            .fold((0.0, 0.0, 0.0), |(own, both, other), (a, b)| (own + a * a, both + a * b, other + b * b));
        if own == 0.0 { 1.0 } else { (1.0 - (both * both) / (own * other)).max(0.0).sqrt() }
    };
    (0..LATEST.min(sound.len() / 2)).map(at).fold(1.0, f64::min)
}

#[test]
fn every_format_gives_the_same_sound() {
    let (original, _) = heard(&fixture("speech.wav")).unwrap();
    for (name, tolerance) in FORMATS {
        let (sound, notes) = heard(&fixture(name)).unwrap();
        assert_eq!(notes, [""; 0], "{name}");
        assert!(is_recording(&std::fs::read(fixture(name)).unwrap()), "{name}");
        let difference = difference(&sound, &original);
        assert!(difference <= tolerance + 1e-6, "{name}: {difference}");
        let seconds = Reader::open(&fixture(name)).unwrap().duration_ms().unwrap();
        assert!(seconds.abs_diff(sound.len() as u64 / 16) < 150, "{name}: {seconds}");
    }
}

#[test]
fn what_is_lossless_is_the_same_to_the_bit() {
    let (original, _) = heard(&fixture("speech.wav")).unwrap();
    for name in ["speech.flac", "alac.m4a", "speech.aiff", "speech.caf", "float.wav", "24-bit.wav"] {
        let (sound, _) = heard(&fixture(name)).unwrap();
        assert!(!sound.is_empty() && original.starts_with(&sound), "{name}");
    }
}

#[test]
fn a_look_gives_the_length_and_the_shape() {
    let mut told = Vec::new();
    let look = look(&fixture("speech.mp3"), &AtomicBool::new(false), &mut |ms| told.push(ms)).unwrap();
    assert_eq!((look.duration_ms, look.waveform.len(), look.notes.len()), (2500, 64, 0));
    assert!(look.waveform.iter().any(|peak| *peak > 100) && look.waveform.iter().any(|peak| *peak < 50));
    assert!(told.is_sorted() && told.last() == Some(&2500));
}

#[test]
fn what_cannot_be_read_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.mp3");
    std::fs::write(&text, "Wednesday: call the plumber.\n".repeat(100)).unwrap();
    let said = |path: &Path| Reader::open(path).map(|_| ()).unwrap_err().to_string();
    assert!(said(&text).contains("notes.mp3 is no recording that percept knows."), "{}", said(&text));
    assert!(said(file(b"").path()).ends_with(" is empty."));
    assert!(said(folder.path()).ends_with(" is no file. Give the path of a recording."));
    assert!(said(&folder.path().join("none.wav")).contains("can't be read: "));
    let codec = said(&fixture("ac3.mka"));
    assert!(codec.contains("is AC-3, which percept can't decode. Convert it first: ffmpeg -i "), "{codec}");
    assert!(said(&fixture("layer2.mp2")).contains("is MPEG layer 2, "));
    assert!(said(&fixture("film.avi")).contains("is an AVI file, which percept can't read."));
    assert!(said(&fixture("silent.mp4")).starts_with("There is no sound in "));
}

#[cfg(unix)]
#[test]
fn devices_and_what_is_forbidden_are_refused() {
    use std::os::unix::fs::PermissionsExt;
    let endless = Reader::open(Path::new("/dev/zero")).map(|_| ()).unwrap_err();
    assert!(matches!(endless, AudioError::NotAFile(_)));
    let wav = file(&std::fs::read(fixture("speech.wav")).unwrap());
    std::fs::set_permissions(wav.path(), std::fs::Permissions::from_mode(0o000)).unwrap();
    // Nothing is forbidden to root.
    if std::fs::File::open(wav.path()).is_err() {
        assert!(matches!(Reader::open(wav.path()), Err(AudioError::Io { .. })));
    }
}

#[test]
fn a_file_that_grows_is_as_long_as_it_was() {
    let content = std::fs::read(fixture("bare.mp3")).unwrap();
    let (whole, _) = heard(file(&content).path()).unwrap();
    let mut growing = file(&content);
    let mut reader = Reader::open(growing.path()).unwrap();
    let mut length = 0;
    while let Some(block) = reader.read() {
        length += block.len();
        growing.write_all(&content).unwrap();
    }
    assert_eq!(length, whole.len());
}

#[test]
fn a_file_cut_anywhere_gives_what_is_there() {
    for (name, _) in FORMATS.into_iter().chain([("film.mp4", 0.0), ("speech.mka", 0.0)]) {
        let content = std::fs::read(fixture(name)).unwrap();
        let (whole, _) = heard(&fixture(name)).unwrap();
        let mut read = 0;
        for part in 0..16 {
            let cut = file(&content[..content.len() * part / 16]);
            if let Ok((sound, _)) = heard(cut.path()) {
                assert!(sound.len() <= whole.len() + 16_000, "{name} {part}/16: {}", sound.len());
                read = read.max(sound.len());
            }
        }
        // The table of an MP4 is at its end, and the demuxers of AIFF and CAF look for chunks there,
        // so that nothing is left of one that is cut.
        let table_last = ["m4a", "mp4", "aiff", "caf"].iter().any(|end| name.ends_with(end));
        assert!(table_last || read * 2 > whole.len(), "{name}: {read} of {}", whole.len());
    }
}

#[test]
fn what_is_cut_off_is_said() {
    let content = std::fs::read(fixture("speech.wav")).unwrap();
    let (sound, notes) = heard(file(&content[..8044]).path()).unwrap();
    assert_eq!(sound.len(), 4000);
    assert_eq!(notes, ["The recording is cut off: it ends at 0:00 of 0:01."]);
}

#[test]
fn damage_is_skipped_and_noted_and_what_follows_is_in_time() {
    // FLAC has checksums: a frame is lost, and the next one says where it belongs.
    let mut content = std::fs::read(fixture("speech.flac")).unwrap();
    let middle = content.len() / 2;
    content[middle..middle + 40].fill(0);
    let (whole, _) = heard(&fixture("speech.flac")).unwrap();
    let (sound, notes) = heard(file(&content).path()).unwrap();
    assert_eq!(sound.len(), whole.len());
    assert!(
        notes.len() == 1 && notes[0].starts_with("0:00: ") && notes[0].ends_with(" can't be heard."),
        "{notes:?}"
    );
    assert_eq!(sound[sound.len() - 2000..], whole[whole.len() - 2000..]);
}

#[test]
fn headers_that_claim_the_absurd_cost_nothing() {
    let content = std::fs::read(fixture("speech.wav")).unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut content = content.clone();
        content[at..at + bytes.len()].copy_from_slice(bytes);
        heard(file(&content).path())
    };
    // Channels, rate, length of the data.
    assert!(with(22, &[0xff, 0xff]).is_err());
    assert!(with(22, &[0, 0]).is_err());
    assert!(with(24, &[0xff; 4]).is_err());
    assert!(with(24, &[0; 4]).is_err());
    let (sound, _) = with(40, &[0xff, 0xff, 0xff, 0x7f]).unwrap();
    assert_eq!(sound.len(), 24_000);
    // A stream doesn't know its length when it begins.
    let (sound, notes) = with(40, &[0xff; 4]).unwrap();
    assert_eq!((sound.len(), notes.len()), (24_000, 0));
    // A recorder that died didn't fill the sizes in.
    let (sound, notes) = with(40, &[0; 4]).unwrap();
    assert_eq!((sound.len(), notes.len()), (24_000, 0));
    assert_eq!(with(4, &[0; 4]).unwrap().0.len(), 24_000);
    assert_eq!(with(0, b"RF64\xff\xff\xff\xff").unwrap().0.len(), 24_000);
}

#[test]
fn a_file_of_gigabytes_of_nothing_can_be_stopped() {
    let head = &std::fs::read(fixture("speech.wav")).unwrap()[..44];
    let mut sparse = file(head);
    sparse.as_file_mut().seek(SeekFrom::Start(10 << 30)).unwrap();
    sparse.write_all(&[0]).unwrap();
    let stop = AtomicBool::new(false);
    let mut read = 0;
    let looked = look(sparse.path(), &stop, &mut |ms| {
        read = ms;
        stop.store(true, Ordering::Relaxed);
    });
    // The header says how much of it is sound; what it says is read, no more.
    assert!(read <= 1500 && (looked.is_ok() || matches!(looked, Err(AudioError::Stopped))));
    // Zeros behind the head of something else: the search for sound in them gives up.
    let mut noise = file(&std::fs::read(fixture("bare.mp3")).unwrap());
    noise.as_file_mut().set_len(1 << 30).unwrap();
    let (sound, notes) = heard(noise.path()).unwrap();
    assert!(sound.len() < 3 * 16_000 && notes.len() == 1, "{} {notes:?}", sound.len());
}

/// Three hours are written and read: `cargo test --test audio -- --ignored three_hours`.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "writes and reads 345 MB"]
fn three_hours_take_no_more_memory_than_a_second() {
    const HOURS: u64 = 3;
    let content = std::fs::read(fixture("speech.wav")).unwrap();
    let (head, sound) = content.split_at(44);
    let repeats = HOURS * 3600 * 32_000 / sound.len() as u64;
    let mut long = file(head);
    (0..repeats).for_each(|_| long.write_all(sound).unwrap());
    long.as_file_mut().seek(SeekFrom::Start(40)).unwrap();
    long.write_all(&((repeats * sound.len() as u64) as u32).to_le_bytes()).unwrap();
    let look = look(long.path(), &AtomicBool::new(false), &mut |_| {}).unwrap();
    assert_eq!((look.duration_ms, look.notes.len()), (HOURS * 3_600_000, 0));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim();
    println!("peak memory: {peak}");
    assert!(peak.trim_end_matches(" kB").parse::<u64>().unwrap() < 64 * 1024);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bytes_do_no_harm(
        format in 0..FORMATS.len(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..20),
    ) {
        let mut content = std::fs::read(fixture(FORMATS[format].0)).unwrap();
        // Only the start is heard: a tenth of a second's tests say as much as whole files.
        content.truncate(8 * 1024);
        for (at, value, in_head) in flips {
            let end = if in_head { content.len().min(512) } else { content.len() };
            let at = at.index(end);
            content[at] = value;
        }
        if let Ok((_, notes)) = heard(file(&content).path()) {
            prop_assert!(notes.len() < 20 && notes.iter().all(|note| note.ends_with('.')));
        }
    }
}
