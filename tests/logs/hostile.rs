//! Nothing that a log may hold, and nothing that may happen to it, panics, takes more
//! than linear time, or fills the memory.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use percept::digest::input::{Reader, Source};
use percept::digest::{Focus, LogDigest, Options, render};

use crate::corpus::{Dice, NEVER, NOW_MS, digest, digest_with, file, gathered};
use crate::make::fill;

/// The most that memory may grow over what it was, in bytes, while a log is read.
const MOST_MEMORY: u64 = 150 << 20;

/// What twice as much may take beyond three times as long: other tests run meanwhile, and
/// a log that is too short to be learnt from twice is quick.
const SLACK: Duration = Duration::from_secs(3);

/// The most memory that this process has had, in bytes. All tests of this binary count,
/// so that it is an upper bound of what one log took.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[test]
fn any_bytes_can_be_read() {
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let alphabet: &[u8] = dice.pick_of::<&[u8]>(&[
            &b"\0"[..],
            b"\n",
            b"\r\n \t",
            b"0123456789:-[] \n",
            b"{}\":,\n\\",
            b"Jan 1 00:00:00 ERROR\n",
            b"=\"' a\n",
            b"",
        ]);
        let byte = |dice: &mut Dice| match alphabet {
            [] => dice.next() as u8,
            _ => *dice.pick_of(alphabet),
        };
        let length = dice.below(60_000);
        let bytes: Vec<u8> = (0..length).map(|_| byte(&mut dice)).collect();
        // What is no log is passed over; here it is read all the same.
        let (_folder, path) = file(&bytes);
        let source = Source::plain("app.log", &path).unwrap();
        let reader = Reader::stream("app.log", std::fs::File::open(&path).unwrap(), &NEVER);
        let options = Options { threads: 2, now_ms: NOW_MS };
        if let Ok(mut reader) = reader {
            let digest = LogDigest::read_stream(&mut reader, source, &options, &NEVER, &mut |_| {});
            render(&digest, &Focus::of("what failed at 00:00?"), 1000);
        }
    }
}

/// A reader of a pattern that goes on for a while, so that no file of its size is needed.
struct Endless {
    pattern: Vec<u8>,
    at: usize,
    left: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() && self.left > 0 {
            let rest = &self.pattern[self.at..];
            let take = rest.len().min(buffer.len() - filled).min(self.left as usize);
            buffer[filled..filled + take].copy_from_slice(&rest[..take]);
            filled += take;
            self.at = (self.at + take) % self.pattern.len();
            self.left -= take as u64;
        }
        Ok(filled)
    }
}

fn one_line_of(bytes: u64, most: Duration) {
    let begun = Instant::now();
    let before = peak();
    let pattern = b"ERROR x=1 [a, (b \"c\" http://d/e ".to_vec();
    let stream = Endless { pattern, at: 0, left: bytes };
    let mut reader = Reader::stream("app.log", stream, &NEVER).unwrap();
    let (_folder, path) = file("");
    let source = Source::plain("app.log", &path).unwrap();
    let options = Options { threads: 2, now_ms: NOW_MS };
    let digest = LogDigest::read_stream(&mut reader, source, &options, &NEVER, &mut |_| {});
    assert_eq!((digest.lines, digest.sources[0].unpacked), (1, bytes));
    assert!(digest.templates[0].example.cut);
    assert!(begun.elapsed() < most, "{:?}", begun.elapsed());
    if let (Some(before), Some(after)) = (before, peak()) {
        assert!(after - before < MOST_MEMORY, "{} MiB more", (after - before) >> 20);
    }
}

#[test]
fn a_line_of_200_megabytes_is_one_line() {
    one_line_of(200 << 20, Duration::from_secs(20));
}

#[test]
#[ignore = "slow in a debug build"]
fn a_line_of_a_gigabyte_is_one_line() {
    one_line_of(1 << 30, Duration::from_secs(60));
}

/// So many lines of which none is like another in its words.
fn unique(path: &Path, count: usize) {
    let mut dice = Dice::new(count as u64);
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    for at in 0..count {
        let words = 2 + dice.below(9);
        let mut line = fill("2024-03-02 {clock} INFO ", at, &mut dice);
        for _ in 0..words {
            let length = 2 + dice.below(9);
            line.extend((0..length).map(|_| char::from(b'a' + dice.below(26) as u8)));
            line.push(*dice.pick_of(&[' ', ':', '=', ',']));
        }
        writeln!(out, "{line}").unwrap();
    }
    out.flush().unwrap();
}

#[test]
fn unique_lines_take_linear_time_and_bounded_memory() {
    let count = if cfg!(debug_assertions) { 20_000 } else { 100_000 };
    let folder = tempfile::tempdir().unwrap();
    let took = |count: usize| {
        let path = folder.path().join("app.log");
        unique(&path, count);
        let begun = Instant::now();
        let digest = digest(&path);
        assert_eq!(digest.lines, count as u64);
        assert_eq!(digest.templates.iter().map(|template| template.count).sum::<u64>(), count as u64);
        assert!(digest.templates.len() <= 12_000, "{}", digest.templates.len());
        begun.elapsed()
    };
    let (half, whole) = (took(count), took(2 * count));
    println!("{count} unique lines took {half:?}, twice as many {whole:?}");
    assert!(whole < half * 3 + SLACK, "{half:?}, {whole:?}");
}

/// Every place has one of two words: each seems to tell messages apart.
#[test]
fn lines_of_two_letters_are_learnt_from_in_a_moment() {
    let mut dice = Dice::new(7);
    let mut text = String::new();
    for _ in 0..16_000 {
        (0..240).for_each(|_| text.push_str(dice.pick(&["x ", "y "])));
        text.push('\n');
    }
    let (_folder, path) = file(&text);
    let begun = Instant::now();
    let digest = digest(&path);
    let took = begun.elapsed();
    println!("16,000 lines of two letters took {took:?}");
    assert_eq!(digest.templates.iter().map(|template| template.count).sum::<u64>(), 16_000);
    assert!(took < Duration::from_secs(60), "{took:?}");
}

/// Lines of a few words in all orders and lengths: every place has few words, so that many
/// places seem to tell messages apart.
#[test]
fn few_words_in_all_orders_take_linear_time() {
    let count = if cfg!(debug_assertions) { 5_000 } else { 25_000 };
    let took = |count: usize, places: usize| {
        let mut dice = Dice::new(5);
        let mut text = String::new();
        for _ in 0..count {
            let places = places - dice.below(places / 4);
            (0..places).for_each(|_| text.push_str(dice.pick(&["a ", "b ", "c=", "failed ", "error: "])));
            text.push('\n');
        }
        let (_folder, path) = file(&text);
        let begun = Instant::now();
        assert_eq!(digest(&path).lines, count as u64);
        begun.elapsed()
    };
    for places in [8, 40, 150] {
        let (half, whole) = (took(count, places), took(2 * count, places));
        println!("{count} lines of {places} places took {half:?}, twice as many {whole:?}");
        assert!(whole < half * 3 + SLACK, "{half:?}, {whole:?}");
    }
}

#[test]
fn a_log_that_is_cut_while_it_is_read_ends_there() {
    let text = "2024-03-02 10:00:00 INFO all is well with worker 17\n".repeat(400_000);
    let (_folder, path) = file(&text);
    let gathered = gathered(&path);
    let mut cut = false;
    let digest = LogDigest::read(&gathered, &Options { threads: 2, now_ms: NOW_MS }, &NEVER, &mut |_| {
        if !std::mem::replace(&mut cut, true) {
            std::fs::File::options().write(true).open(&path).unwrap().set_len(1_000_000).unwrap();
        }
    });
    assert!(cut && digest.lines > 0);
    if digest.sources[0].unpacked < text.len() as u64 {
        assert!(!digest.sources[0].notes.is_empty(), "it is said that the file shrank");
    }
    let query = percept::digest::Query { around: Some((0, digest.lines, 2)), ..Default::default() };
    let answer = percept::digest::query(&digest, &query, &NEVER).unwrap();
    assert!(!answer.notes.is_empty(), "it is said that the file changed");
}

#[test]
fn a_log_that_is_rotated_while_it_is_read_is_read_to_its_own_end() {
    let text = "2024-03-02 10:00:00 INFO all is well with worker 17\n".repeat(400_000);
    let (folder, path) = file(&text);
    let gathered = gathered(&path);
    let mut rotated = false;
    let digest = LogDigest::read(&gathered, &Options { threads: 2, now_ms: NOW_MS }, &NEVER, &mut |_| {
        if !std::mem::replace(&mut rotated, true) {
            std::fs::rename(&path, folder.path().join("app.log.1")).unwrap();
            std::fs::write(&path, "2024-03-02 11:00:00 INFO anew\n").unwrap();
        }
    });
    assert!(rotated);
    assert_eq!((digest.lines, digest.sources[0].unpacked), (400_000, text.len() as u64));
}

#[test]
fn reading_stops_when_it_is_told_to() {
    let (_folder, path) = file("2024-03-02 10:00:00 INFO all is well with worker 17\n".repeat(400_000));
    let stop = AtomicBool::new(false);
    let digest =
        LogDigest::read(&gathered(&path), &Options { threads: 1, now_ms: NOW_MS }, &stop, &mut |_| {
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    assert!(digest.stopped && digest.lines < 400_000, "{}", digest.lines);
}

#[test]
fn a_log_without_a_line_or_with_one_is_a_digest_too() {
    for text in ["", "\n", "\n\n\n", "x", "\r\n", "ERROR\n"] {
        let (_folder, path) = file(text);
        let source = Source::plain("app.log", &path).unwrap();
        let mut reader =
            Reader::stream("app.log", std::io::Cursor::new(text.as_bytes().to_vec()), &NEVER).unwrap();
        let options = Options { threads: 3, now_ms: NOW_MS };
        let digest = LogDigest::read_stream(&mut reader, source, &options, &NEVER, &mut |_| {});
        assert_eq!(digest.lines, text.lines().count() as u64, "{text:?}");
        render(&digest, &Focus::default(), 100);
    }
    let (_folder, path) = file("one line\n");
    assert_eq!(digest_with(&path, 1).lines, 1);
}
