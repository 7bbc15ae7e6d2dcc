//! Encodings, files that change, pipes.

use std::io;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::utf16::Transcoder;
use super::*;

fn utf16(text: &str, big_endian: bool, mark: bool) -> Vec<u8> {
    let mark = mark.then_some(0xfeff);
    let units = mark.into_iter().chain(text.encode_utf16());
    units.flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

#[test]
fn utf16_becomes_utf8_in_any_packing() {
    let text = format!("{}Grüße 👋\r\n", "an ordinary line\r\n".repeat(5_000));
    for packing in [Packing::None].into_iter().chain(PACKINGS) {
        for (big_endian, mark) in [(false, true), (true, true), (false, false), (true, false)] {
            let folder = Folder::new().with("win.log", pack(packing, &utf16(&text, big_endian, mark)));
            let source = folder.gather().unwrap().sources.remove(0);
            let (out, notes) = all(source.open().unwrap());
            assert!(out == text.as_bytes(), "{packing:?} {big_endian} {mark}");
            assert_eq!(notes, [Note::Transcoded]);
            assert!(!source.is_seekable());
            assert!(all(source.open_at(10, &GO).unwrap()).0 == text.as_bytes()[10..]);
        }
    }
}

#[test]
fn the_utf8_mark_is_dropped_and_other_bytes_pass() {
    for packing in [Packing::None, Packing::Gzip] {
        let folder = Folder::new().with("a.log", pack(packing, b"\xef\xbb\xbfcaf\xe9 \xff\xfe\n"));
        let source = folder.gather().unwrap().sources.remove(0);
        assert_eq!(all(source.open().unwrap()), (b"caf\xe9 \xff\xfe\n".to_vec(), vec![]));
        assert_eq!(all(source.open_at(3, &GO).unwrap()).0, b"\xe9 \xff\xfe\n");
        assert_eq!(source.is_seekable(), packing == Packing::None);
    }
}

#[test]
fn a_reader_may_go_to_another_thread() {
    fn goes<T: Send>() {}
    goes::<Reader<'static>>();
    goes::<Tee<Reader<'static>>>();
}

#[test]
fn a_plain_file_is_sought() {
    let folder = Folder::new().with("a.log", "0123456789");
    let source = folder.gather().unwrap().sources.remove(0);
    assert_eq!(all(source.open_at(7, &GO).unwrap()), (b"789".to_vec(), vec![]));
    assert_eq!(all(source.open_at(700, &GO).unwrap()), (vec![], vec![]));
}

#[test]
fn a_file_that_grows_is_read_up_to_its_size_at_opening() {
    let folder = Folder::new();
    let file = folder.file("a.log", "one\n");
    let mut reader = sources(&file).unwrap().sources[0].open().unwrap();
    let mut writer = std::fs::OpenOptions::new().append(true).open(&file).unwrap();
    writer.write_all(b"two\n").unwrap();
    let mut out = String::new();
    reader.read_to_string(&mut out).unwrap();
    assert_eq!((out.as_str(), reader.notes()), ("one\n", vec![Note::Grew { read: 4 }]));
    assert_eq!(reader.consumed(), 4);
}

#[test]
fn a_file_that_shrinks_ends() {
    let folder = Folder::new();
    let file = folder.file("a.log", "one\ntwo\n");
    let mut reader = sources(&file).unwrap().sources[0].open().unwrap();
    reader.read_exact(&mut [0; 2]).unwrap();
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(3).unwrap();
    let mut out = String::new();
    reader.read_to_string(&mut out).unwrap();
    assert_eq!((out.as_str(), reader.notes()), ("e", vec![Note::Shrank { read: 3, expected: 8 }]));
}

#[test]
fn a_file_that_is_moved_away_is_read_to_its_end() {
    let folder = Folder::new();
    let file = folder.file("a.log", "one\ntwo\n");
    let reader = sources(&file).unwrap().sources[0].open().unwrap();
    std::fs::rename(&file, folder.path().join("a.log.1")).unwrap();
    folder.file("a.log", "new\n");
    assert_eq!(all(reader), (b"one\ntwo\n".to_vec(), vec![]));
}

#[test]
fn a_file_that_was_replaced_is_not_read_under_its_name() {
    let folder = Folder::new().with("other.log", "secret!\n").with("a.tar", "");
    let file = folder.file("a.log", "one\ntwo\n");
    let source = sources(&file).unwrap().sources.remove(0);
    let said = format!(
        "{} is not the file that was attached (it was replaced since): attach it again.",
        file.display()
    );
    let refused = |source: &Source| {
        assert_eq!(source.open().err().unwrap().to_string(), said);
        assert!(source.open_at(1, &GO).is_err() && !source.is_there() && !source.is_unchanged());
        assert_eq!(source.raw(100), None);
    };
    // What is written to it leaves it the same file.
    std::fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"three\n").unwrap();
    assert_eq!(read(&source), b"one\ntwo\nthree\n");
    assert!(source.is_there() && !source.is_unchanged());
    assert_eq!((source.raw(14).unwrap().len(), source.raw(13)), (14, None));
    // A rotation moves it away.
    std::fs::rename(&file, folder.path().join("a.log.1")).unwrap();
    assert!(matches!(source.open(), Err(InputError::Missing(_))));
    folder.file("a.log", "one\ntwo\n");
    refused(&source);
    // What was written down without an identity is read, as before.
    let old = Source { identity: None, ..source.clone() };
    assert_eq!(read(&old), b"one\ntwo\n");
    #[cfg(unix)]
    {
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(folder.path().join("other.log"), &file).unwrap();
        refused(&source);
        // Not even where the link leads to the file itself.
        std::fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(folder.path().join("a.log.1"), &file).unwrap();
        refused(&source);
        std::fs::remove_file(&file).unwrap();
        std::os::unix::net::UnixListener::bind(&file).unwrap();
        refused(&source);
        assert!(old.open().is_err());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_in_the_place_of_a_file_is_not_waited_for() {
    let folder = Folder::new();
    let file = folder.file("a.log", "one\n");
    let source = sources(&file).unwrap().sources.remove(0);
    std::fs::remove_file(&file).unwrap();
    pipe(&file);
    assert!(matches!(source.open(), Err(InputError::Replaced(_))));
    assert!(Source { identity: None, ..source }.open().is_err());
}

#[cfg(unix)]
#[test]
fn a_folder_above_a_file_that_became_a_link_is_not_followed() {
    let folder = Folder::new().with("d/a.log", "one\n");
    let source = sources(&folder.path().join("d")).unwrap().sources.remove(0);
    std::fs::rename(folder.path().join("d"), folder.path().join("e")).unwrap();
    std::os::unix::fs::symlink("e", folder.path().join("d")).unwrap();
    // It is the same file by its number: only Linux refuses the way to it.
    assert_eq!(source.open().is_err(), cfg!(target_os = "linux"));
}

#[test]
fn a_stop_ends_reading_with_its_own_error() {
    let folder = Folder::new().with("a.log", lines(500_000, 1)).with("b.log.gz", pack(Packing::Gzip, b"x\n"));
    for source in folder.gather().unwrap().sources {
        let stop = AtomicBool::new(true);
        let error = source.open_until(&stop).unwrap().read(&mut [0; 8]).unwrap_err();
        assert!(is_stopped(&error));
        assert!(matches!(InputError::io("a", error), InputError::Stopped));
    }
}

/// Bytes in pieces of given sizes, then nothing until the end of the test, if so asked.
struct Pieces(Vec<Vec<u8>>, bool);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            if self.1 {
                std::thread::sleep(Duration::from_secs(5));
            }
            return Ok(0);
        }
        let mut piece = self.0.remove(0);
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        if count < piece.len() {
            self.0.insert(0, piece.split_off(count));
        }
        Ok(count)
    }
}

fn in_pieces(bytes: &[u8], size: usize) -> Pieces {
    Pieces(bytes.chunks(size).map(<[u8]>::to_vec).collect(), false)
}

#[test]
fn a_pipe_is_unpacked_and_converted_as_it_comes() {
    let text = "a line of a log\n".repeat(100);
    for packing in [Packing::None].into_iter().chain(PACKINGS) {
        let plain = Reader::stream("-", in_pieces(&pack(packing, text.as_bytes()), 11), &GO).unwrap();
        assert!(all(plain).0 == text.as_bytes(), "{packing:?}");
        let wide = pack(packing, &utf16(&text, false, true));
        let wide = Reader::stream("-", in_pieces(&wide, 11), &GO).unwrap();
        assert_eq!(all(wide), (text.clone().into_bytes(), vec![Note::Transcoded]), "{packing:?}");
    }
    assert_eq!(all(Reader::stream("-", io::empty(), &GO).unwrap()).0, b"");
    assert_eq!(all(Reader::stream("-", in_pieces(b"x", 1), &GO).unwrap()).0, b"x");
}

#[test]
fn a_silent_pipe_can_be_left() {
    let stop = AtomicBool::new(false);
    let pipe = Pieces(vec![b"the first line\n".to_vec()], true);
    let mut reader = Reader::stream("-", pipe, &stop).unwrap();
    reader.read_exact(&mut [0; 15]).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(30));
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let begun = Instant::now();
        let error = reader.read(&mut [0; 1]).unwrap_err();
        assert!(is_stopped(&error) && begun.elapsed() < Duration::from_secs(2));
    });
}

#[test]
fn a_tar_archive_through_a_pipe_is_refused() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(2);
    builder.append_data(&mut header, "a.log", &b"x\n"[..]).unwrap();
    let bytes = pack(Packing::Gzip, &builder.into_inner().unwrap());
    let error = Reader::stream("the pipe", io::Cursor::new(bytes), &GO).err().unwrap();
    assert_eq!(error.to_string(), "the pipe brings a tar archive. Save it as a file and give that.");
}

#[test]
fn a_source_survives_being_written_down() {
    let folder = Folder::new().with("a.log.gz", pack(Packing::Gzip, b"x\n"));
    let source = folder.gather().unwrap().sources.remove(0);
    let written = serde_json::to_string(&source).unwrap();
    assert_eq!(serde_json::from_str::<Source>(&written).unwrap(), source);
}

proptest! {
    #[test]
    fn streamed_utf16_is_what_the_whole_would_be(
        units in proptest::collection::vec(prop_oneof![
            3 => 0x20u16..0x7f, 1 => Just(0xd83d), 1 => Just(0xdc4b), 1 => any::<u16>(),
        ], 0..200),
        big_endian in any::<bool>(),
        odd in any::<bool>(),
        piece in 1usize..9,
        room in 1usize..9,
    ) {
        let mut bytes: Vec<u8> =
            units.iter().flat_map(|unit| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
        let units = units.strip_prefix(&[0xfeff]).unwrap_or(&units);
        let mut expected = String::from_utf16_lossy(units);
        if odd {
            bytes.push(b'x');
            expected.push('\u{fffd}');
        }
        let mut transcoder = Transcoder::new(in_pieces(&bytes, piece), big_endian);
        let mut out = Vec::new();
        let mut buffer = vec![0; room];
        loop {
            let read = transcoder.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            out.extend_from_slice(&buffer[..read]);
        }
        prop_assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn surrogates_over_the_border_of_a_chunk_stay_whole(before in 16_370usize..16_390, odd_pieces in any::<bool>()) {
        let text = format!("{}👋 end\n", "x".repeat(before));
        let bytes = utf16(&text, true, true);
        let pieces = in_pieces(&bytes, if odd_pieces { 32_767 } else { 32_768 });
        let mut out = String::new();
        Transcoder::new(pieces, true).read_to_string(&mut out).unwrap();
        prop_assert!(out == text);
    }
}
