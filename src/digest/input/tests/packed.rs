//! Each packing: in parts, cut off at every byte, damaged, at any ratio.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

#[test]
fn every_packing_is_told_by_its_bytes() {
    let text = lines(300_000, 1);
    for packing in PACKINGS {
        let folder = Folder::new();
        let file = folder.file("some.name", pack(packing, &text));
        let gathered = sources(&file).unwrap();
        assert_eq!(gathered.sources[0].packing, packing);
        let (out, notes) = all(gathered.sources[0].open().unwrap());
        assert!(out == text, "{packing:?}");
        assert_eq!(notes, []);
    }
}

#[test]
fn parts_follow_each_other_and_padding_is_none() {
    for packing in PACKINGS {
        let folder = Folder::new();
        let mut bytes = Vec::new();
        let mut text = Vec::new();
        for seed in 0..20 {
            let part = if seed % 5 == 4 { Vec::new() } else { lines(5_000, seed) };
            bytes.extend(pack(packing, &part));
            text.extend(part);
        }
        bytes.extend([0; 512]);
        let file = folder.file("parts", bytes);
        let (out, notes) = all(sources(&file).unwrap().sources[0].open().unwrap());
        assert!(out == text, "{packing:?}");
        assert_eq!(notes, [], "{packing:?}");
    }
}

#[test]
fn a_zstd_stream_may_begin_with_a_frame_to_skip() {
    let mut bytes = b"\x52\x2a\x4d\x18\x04\0\0\0meta".to_vec();
    bytes.extend(pack(Packing::Zstd, b"hello\n"));
    let folder = Folder::new();
    let file = folder.file("x", bytes);
    assert_eq!(read(&sources(&file).unwrap().sources[0]), b"hello\n");
}

#[test]
fn garbage_after_the_end_is_left_out_and_said() {
    for packing in PACKINGS {
        let folder = Folder::new();
        let mut bytes = pack(packing, b"one line\n");
        bytes.extend(b"garbage that is no header");
        let file = folder.file("x", bytes);
        let (out, notes) = all(sources(&file).unwrap().sources[0].open().unwrap());
        assert_eq!(
            (out.as_slice(), notes.as_slice()),
            (&b"one line\n"[..], &[Note::Trailing][..]),
            "{packing:?}"
        );
    }
}

/// A source over bytes of this packing, without a look at them.
fn source(folder: &Folder, packing: Packing, bytes: &[u8]) -> Source {
    let file = folder.file("x", bytes);
    Source { packing, ..Source::plain("x", &file).unwrap() }
}

#[test]
fn a_stream_cut_at_any_byte_gives_what_it_has_and_a_note() {
    let text = lines(600, 7);
    for packing in PACKINGS {
        let folder = Folder::new();
        let bytes = pack(packing, &text);
        for cut in 1..bytes.len() {
            let (out, notes) = all(source(&folder, packing, &bytes[..cut]).open().unwrap());
            assert!(text.starts_with(&out), "{packing:?} at {cut}");
            let said = notes.iter().any(|note| matches!(note, Note::Truncated { .. } | Note::Damaged { .. }));
            assert!(said, "{packing:?} at {cut} of {}: {notes:?}", bytes.len());
            // And gathering doesn't fail over it either.
            let _ = sources(&folder.path().join("x"));
        }
    }
}

#[test]
fn little_packed_is_much_unpacked_in_little_memory_and_can_be_stopped() {
    // 300 MB of zeros with one line before them.
    const ZEROS: u64 = 300_000_000;
    let folder = Folder::new();
    for packing in [Packing::Gzip, Packing::Zstd] {
        let head = pack(packing, b"first line\n");
        let megabyte = pack(packing, &vec![0; 1_000_000]);
        let mut bytes = head;
        (0..ZEROS / 1_000_000).for_each(|_| bytes.extend(&megabyte));
        let source = source(&folder, packing, &bytes);
        let mut reader = source.open().unwrap();
        // Whatever is held is held in these 64 KiB and the decoder's window.
        let mut buffer = vec![0; 64 * 1024];
        let mut total = 0;
        loop {
            match reader.read(&mut buffer).unwrap() {
                0 => break,
                read => total += read as u64,
            }
        }
        assert_eq!(total, ZEROS + 11);
        assert_eq!(reader.consumed(), bytes.len() as u64);
    }
}

#[test]
fn a_stop_is_seen_at_once_where_nothing_comes_out() {
    // Millions of empty gzip members: there is no output after which to look.
    let folder = Folder::new();
    let empty = pack(Packing::Gzip, b"");
    let bytes: Vec<u8> = empty.iter().copied().cycle().take(empty.len() * 1_000_000).collect();
    let source = source(&folder, Packing::Gzip, &bytes);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let error = source.open_until(&stop).unwrap().read(&mut [0; 10]).unwrap_err();
            (is_stopped(&error), Instant::now())
        });
        std::thread::sleep(Duration::from_millis(20));
        let raised = Instant::now();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let (stopped, left) = reading.join().unwrap();
        assert!(stopped);
        assert!(left.duration_since(raised) < Duration::from_secs(2));
    });
}

#[test]
fn a_window_beyond_the_bound_is_refused_and_said() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.long_distance_matching(true).unwrap();
    encoder.window_log(28).unwrap();
    encoder.write_all(b"a line\n").unwrap();
    let folder = Folder::new();
    let file = folder.file("x.zst", encoder.finish().unwrap());
    let error = sources(&file).unwrap_err().to_string();
    assert!(error.contains("needs more than 128.0 MiB: unpack it first"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn flipped_bits_neither_panic_nor_hang(
        which in 0usize..4,
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 0u8..8), 1..4),
        seed in 0u64..4,
    ) {
        let packing = PACKINGS[which];
        let mut bytes = pack(packing, &lines(2_000, seed));
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        let folder = Folder::new();
        let source = source(&folder, packing, &bytes);
        let mut reader = source.open().unwrap().take(10_000_000);
        let mut out = Vec::new();
        prop_assert!(reader.read_to_end(&mut out).is_ok());
        let _ = sources(&source.path);
    }
}
