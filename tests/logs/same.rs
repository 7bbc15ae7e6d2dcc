//! The same bytes make the same digest, whatever the number of threads and however they
//! are packed.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use percept::digest::input::{Reader, Source};
use percept::digest::{LogDigest, Options};

use crate::corpus::{Dice, NEVER, NOW_MS, SYSTEMS, digest, digest_with, file, real};
use crate::make::mixed;

/// A log of several blocks.
fn long() -> Vec<u8> {
    (0..40).flat_map(|seed| mixed(&mut Dice::new(seed), 2500)).collect()
}

#[test]
fn threads_make_no_difference() {
    let mut paths = vec![file(long())];
    paths.extend(SYSTEMS.iter().filter_map(|system| Some(file(std::fs::read(real(system)?).unwrap()))));
    for (_folder, path) in paths {
        let one = digest_with(&path, 1);
        for threads in [2, 5] {
            assert!(digest_with(&path, threads) == one, "{threads} threads differ for {}", path.display());
        }
    }
}

#[test]
fn packing_makes_no_difference() {
    let bytes = long();
    let (folder, path) = file(&bytes);
    let plain = digest(&path);
    assert!(plain.sources[0].marks.len() > 3, "several blocks");
    let packed = folder.path().join("packed.log.gz");
    let mut writer =
        flate2::write::GzEncoder::new(std::fs::File::create(&packed).unwrap(), flate2::Compression::fast());
    writer.write_all(&bytes).unwrap();
    writer.finish().unwrap();
    // The year of a time without one is inferred from when the file was written.
    let written = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::File::options().append(true).open(&packed).unwrap().set_modified(written).unwrap();
    let mut digest = digest(&packed);
    assert_eq!(digest.sources[0].unpacked, bytes.len() as u64);
    digest.sources[0].source = plain.sources[0].source.clone();
    digest.sources[0].cite = plain.sources[0].cite.clone();
    assert!(digest == plain);
}

#[test]
fn a_digest_is_the_same_when_it_was_kept() {
    let (_folder, path) = file(mixed(&mut Dice::new(3), 500));
    let digest = digest(&path);
    let kept: LogDigest = serde_json::from_str(&serde_json::to_string(&digest).unwrap()).unwrap();
    assert!(kept == digest);
}

/// Bytes that come in parts: a line alone, with a pause, twice, and then what the pipe holds.
struct Slow {
    bytes: Vec<u8>,
    at: usize,
    pauses: usize,
    endless: bool,
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let most = match self.pauses {
            0 => 40_000,
            _ => {
                self.pauses -= 1;
                std::thread::sleep(Duration::from_millis(200));
                rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |end| end + 1)
            }
        };
        let take = rest.len().min(buffer.len()).min(most);
        if take == 0 && self.endless {
            loop {
                std::thread::park();
            }
        }
        buffer[..take].copy_from_slice(&rest[..take]);
        self.at += take;
        Ok(take)
    }
}

#[test]
fn how_a_stream_comes_makes_no_difference() {
    let mut bytes = b"Starting\nreading config\n".to_vec();
    bytes.extend((0..30_000).flat_map(|n| {
        let more = "\tat com.example.Shop.step(Shop.java:1)\n".repeat(n % 3);
        format!("2024-03-02 10:{:02}:{:02},000 INFO  [main] a.B: order {n}\n{more}", n / 60 % 60, n % 60)
            .into_bytes()
    }));
    let (_folder, path) = file(&bytes);
    let mut from_file = digest(&path);
    let source = Source::plain("app.log", &path).unwrap();
    let options = Options { threads: 2, now_ms: NOW_MS };
    let slow = Slow { bytes, at: 0, pauses: 3, endless: false };
    let mut reader = Reader::stream("app.log", slow, &NEVER).unwrap();
    let live = LogDigest::read_stream(&mut reader, source.clone(), &options, &NEVER, &mut |_| {});
    from_file.sources[0].source = source;
    from_file.sources[0].cite = live.sources[0].cite.clone();
    assert!(live.sources[0].marks.len() > 1 && live == from_file, "{}", live.sources[0].format);
}

#[test]
fn a_stream_that_is_slow_for_ever_is_told_of_and_can_be_stopped() {
    let bytes = b"2024-03-02 10:00:00 INFO one\n2024-03-02 10:00:01 INFO two\n".to_vec();
    let (_folder, path) = file(&bytes);
    let source = Source::plain("app.log", &path).unwrap();
    let stop = AtomicBool::new(false);
    let slow = Slow { bytes, at: 0, pauses: 0, endless: true };
    let mut reader = Reader::stream("app.log", slow, &stop).unwrap();
    let options = Options { threads: 2, now_ms: NOW_MS };
    let digest = LogDigest::read_stream(&mut reader, source, &options, &stop, &mut |progress| {
        stop.store(progress.lines == 2, Ordering::Relaxed);
    });
    assert_eq!((digest.lines, digest.entries, digest.stopped), (2, 2, true));
}
