//! `read_file`: some lines of a file, numbered. The file is streamed: it may be larger than
//! the memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use super::super::arguments::Arguments;
use super::super::scene::{Found, Scene};
use super::open::{self, Watched};
use crate::text::{boundary_before, size, thousands};
use crate::tools::plain::{Page, line, plain};

/// How many lines are given where the call doesn't say.
const LINES: u64 = 200;

/// The most lines of a call.
const MOST_LINES: u64 = 2_000;

/// The longest line that is shown whole, in bytes: a minified file is one line.
const MOST_LINE: usize = 2_000;

/// What is looked at to tell text from other data, and read at a time.
const BUFFER: usize = 64 * 1024;

/// Behind what is shown, lines are counted in so many bytes, to say how many there are.
const COUNTED: u64 = 16 * 1024 * 1024;

/// How files begin that aren't text, and what they are.
const KINDS: [(&[u8], &str); 18] = [
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive, or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x7fELF", "a program or library"),
    (b"\xcf\xfa\xed\xfe", "a program or library"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"GGUF", "a GGUF model"),
    (b"OggS", "an Ogg recording"),
    (b"ID3", "an MP3 recording"),
];

/// Runs it.
pub(super) fn run(arguments: &Arguments, scene: &Scene<'_>) -> Result<Found, String> {
    let given = arguments.text("path").unwrap_or_default();
    let start = arguments.integer("start_line").unwrap_or(1).max(1).unsigned_abs();
    let most = arguments.integer("lines").map_or(LINES, |lines| lines.max(1).unsigned_abs()).min(MOST_LINES);
    let shown = line(given);
    let file = open::regular(&scene.resolve(given), &shown)?;
    let window = Window { shown: &shown, start, most, room: scene.most_output };
    let failed = |error: io::Error| match scene.stopped() {
        true => open::STOPPED.to_owned(),
        false => open::sentence(&shown, &error),
    };
    let bytes = file.metadata().map_err(failed)?.len();
    let reader = BufReader::with_capacity(BUFFER, Watched { inner: file, scene, until: None });
    window.read(reader, bytes).map_err(failed)?.map(Found::text)
}

struct Window<'a> {
    shown: &'a str,
    start: u64,
    most: u64,
    room: usize,
}

/// What was met on the way.
#[derive(Default)]
struct Met {
    cut: bool,
    not_utf8: bool,
    binary: bool,
    /// A line didn't fit.
    full: bool,
    /// Lines that were read and are not shown.
    pending: u64,
}

type Reader<'a> = BufReader<Watched<'a, File>>;

impl Window<'_> {
    /// The text; an inner error is a sentence for the model.
    fn read(&self, mut reader: Reader<'_>, bytes: u64) -> io::Result<Result<String, String>> {
        let head = reader.fill_buf()?;
        if head.is_empty() {
            return Ok(Ok(format!("{} is empty.", self.shown)));
        }
        if let Some(refused) = self.refused(head, bytes) {
            return Ok(Err(refused));
        }
        if head.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        for before in 0..self.start - 1 {
            if reader.skip_until(b'\n')? == 0 {
                return Ok(Err(self.too_far(before)));
            }
        }
        let mut page = Page::new(self.room);
        let (shown, met) = self.lines(&mut reader, &mut page)?;
        if shown == 0 && !met.binary {
            return Ok(Err(self.too_far(self.start - 1)));
        }
        let rest = if met.binary { None } else { count(reader)? };
        Ok(Ok(self.told(page, shown, rest, &met, bytes)))
    }

    /// Why this isn't read as text, where it isn't.
    fn refused(&self, head: &[u8], bytes: u64) -> Option<String> {
        let (shown, size) = (self.shown, size(bytes));
        if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
            return Some(format!("{shown} is text in UTF-16 ({size}). Use attach, which converts it."));
        }
        let webp = head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP");
        let kind = match KINDS.iter().find(|(start, _)| head.starts_with(start)) {
            Some((_, kind)) => Some(*kind),
            None if webp => Some("a WebP picture"),
            None => head.contains(&0).then_some("a binary file"),
        }?;
        let hint = if kind.ends_with("picture") { " Use attach to look at it." } else { "" };
        Some(format!("{shown} is {kind} ({size}), not text.{hint}"))
    }

    fn too_far(&self, lines: u64) -> String {
        format!(
            "{} has only {} lines: there is no line {}. Call again with a smaller start_line.",
            self.shown,
            thousands(lines),
            self.start
        )
    }

    /// Puts the lines of the window on the page; how many.
    fn lines(&self, reader: &mut Reader<'_>, page: &mut Page) -> io::Result<(u64, Met)> {
        let (mut shown, mut met) = (0, Met::default());
        let mut buffer = Vec::with_capacity(MOST_LINE + 1);
        while shown < self.most {
            buffer.clear();
            if reader.by_ref().take(MOST_LINE as u64 + 1).read_until(b'\n', &mut buffer)? == 0 {
                break;
            }
            if buffer.contains(&0) {
                met.binary = true;
                break;
            }
            let ended = buffer.pop_if(|last| *last == b'\n').is_some();
            buffer.pop_if(|last| ended && *last == b'\r');
            let cut = (!ended && buffer.len() > MOST_LINE).then(|| {
                buffer.truncate(MOST_LINE);
                whole_characters(&mut buffer)
            });
            let text = String::from_utf8_lossy(&buffer);
            met.not_utf8 |= matches!(text, std::borrow::Cow::Owned(_));
            let number = self.start + shown;
            let mut line = format!("{number}: {}", plain(&text));
            if let Some(dropped) = cut {
                met.cut = true;
                let more = 1 + dropped as u64 + reader.skip_until(b'\n')? as u64;
                line.push_str(&format!(" … [{} more in this line]", size(more)));
            }
            if !page.line(&line) {
                met.full = true;
                if shown > 0 {
                    met.pending = 1;
                    break;
                }
                // A part of the very first one is better than nothing.
                line.truncate(boundary_before(&line, page.room()));
                page.line(&line);
                (shown, met.cut) = (1, true);
                break;
            }
            shown += 1;
        }
        Ok((shown, met))
    }

    fn told(&self, page: Page, shown: u64, rest: Option<u64>, met: &Met, bytes: u64) -> String {
        let (start, next) = (self.start, self.start + shown);
        let rest = rest.map(|rest| rest + met.pending);
        let total = rest.map(|rest| next - 1 + rest);
        let (from, to) = (thousands(start), thousands(next - 1));
        let heading = match total {
            Some(total) if start == 1 && rest == Some(0) => {
                let lines = if total == 1 { "line" } else { "lines" };
                format!("{}, all of it ({} {lines}):", self.shown, thousands(total))
            }
            Some(total) => format!("{}, lines {from}-{to} of {}:", self.shown, thousands(total)),
            None => format!("{}, lines {from}-{to} of a file of {}:", self.shown, size(bytes)),
        };
        let mut notes = Vec::new();
        if met.binary {
            notes.push(format!("from line {} on it is not text, and isn't shown", thousands(next)));
        } else if rest != Some(0) {
            let why = if met.full { "no more fits" } else { "there are more lines" };
            notes.push(format!("{why}; to go on, call read_file again with start_line {next}"));
        }
        if met.cut {
            notes.push("long lines are cut, each says so".to_owned());
        }
        if met.not_utf8 {
            notes.push("bytes that are not UTF-8 are shown as \u{fffd}".to_owned());
        }
        page.under(&heading, &notes)
    }
}

/// Takes the beginning of a character off the end; how many bytes that was.
fn whole_characters(bytes: &mut Vec<u8>) -> usize {
    let before = bytes.len();
    if let Err(error) = std::str::from_utf8(bytes)
        && error.error_len().is_none()
    {
        let valid = error.valid_up_to();
        bytes.truncate(valid);
    }
    before - bytes.len()
}

/// How many lines are left; `None`: too many bytes to count them.
fn count(reader: Reader<'_>) -> io::Result<Option<u64>> {
    let mut rest = reader.take(COUNTED);
    let mut lines = 0;
    while rest.skip_until(b'\n')? > 0 {
        lines += 1;
    }
    Ok((rest.limit() > 0).then_some(lines))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::testing::Stage;
    use super::*;

    fn numbered(lines: std::ops::RangeInclusive<u32>) -> String {
        lines.map(|line| format!("line {line}\n")).collect()
    }

    #[test]
    fn a_short_file_comes_whole_and_a_long_one_says_how_to_go_on() {
        let stage = Stage::new();
        stage.write("short.txt", "one\r\ntwo");
        assert_eq!(
            stage.text("read_file", r#"{"path": "short.txt"}"#),
            "short.txt, all of it (2 lines):\n1: one\n2: two"
        );
        stage.write("long.txt", numbered(1..=1234));
        let text = stage.text("read_file", r#"{"path": "long.txt"}"#);
        assert!(text.starts_with("long.txt, lines 1-200 of 1,234:\n1: line 1\n"), "{text}");
        assert!(text.ends_with(
            "200: line 200\n[percept: there are more lines; to go on, call read_file again with start_line 201]"
        ));
        let text = stage.text("read_file", r#"{"path": "long.txt", "start_line": 1230, "lines": 100}"#);
        assert!(text.starts_with("long.txt, lines 1,230-1,234 of 1,234:\n1230: line 1230"), "{text}");
        assert!(text.ends_with("1234: line 1234"), "{text}");
        let error = stage.error("read_file", r#"{"path": "long.txt", "start_line": 1235}"#);
        assert!(error.contains("only 1,234 lines"), "{error}");
        assert!(stage.error("read_file", r#"{"path": "long.txt", "lines": 2001}"#).contains("at most 2000"));
    }

    #[test]
    fn it_stays_within_the_bound_and_loses_no_line() {
        let mut stage = Stage::new();
        stage.write("long.txt", numbered(1..=1000));
        for most in [0, 100, 520, 700, 1000, 5000] {
            stage.most_output = most;
            let text = stage.text("read_file", r#"{"path": "long.txt", "lines": 2000}"#);
            assert!(text.len() <= most.max(512), "{most}: {}", text.len());
            if most > 700 {
                let last = text.lines().filter(|line| line.contains(": line")).count();
                assert!(text.contains(&format!("lines 1-{last} of 1,000:")), "{text}");
                assert!(text.contains(&format!("start_line {}]", last + 1)), "{text}");
            }
        }
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let stage = Stage::new();
        stage.write("min.js", format!("{}\nnext\n", "é".repeat(3_000)));
        let text = stage.text("read_file", r#"{"path": "min.js"}"#);
        assert!(text.contains("é … [3.9 KiB more in this line]\n2: next\n"), "{text}");
        assert!(!text.contains('\u{fffd}') && text.contains("long lines are cut"), "{text}");
    }

    #[test]
    fn what_is_no_plain_text_is_said() {
        let stage = Stage::new();
        stage.write("empty", "");
        assert_eq!(stage.text("read_file", r#"{"path": "empty"}"#), "empty is empty.");
        stage.write("a.png", b"\x89PNG\r\n\x1a\n\0\0");
        assert_eq!(
            stage.error("read_file", r#"{"path": "a.png"}"#),
            "a.png is a PNG picture (10 B), not text. Use attach to look at it."
        );
        stage.write("data", b"ab\0cd");
        assert_eq!(stage.error("read_file", r#"{"path": "data"}"#), "data is a binary file (5 B), not text.");
        stage.write("wide", b"\xff\xfea\0");
        assert!(stage.error("read_file", r#"{"path": "wide"}"#).contains("UTF-16"));
        stage.write("latin1", b"\x1b[31mcaf\xe9\x1b[0m\x07\n");
        let text = stage.text("read_file", r#"{"path": "latin1"}"#);
        assert!(text.contains("1: caf\u{fffd}␇\n[percept: bytes that are not UTF-8"), "{text}");
        stage.write("bom", b"\xef\xbb\xbfx");
        assert!(stage.text("read_file", r#"{"path": "bom"}"#).ends_with("\n1: x"));
        assert!(stage.error("read_file", r#"{"path": "."}"#).contains("is a folder. Use list_dir"));
        assert!(stage.error("read_file", r#"{"path": "none.txt"}"#).starts_with("none.txt is not there."));
        assert!(stage.error("read_file", r#"{"path": "empty/x"}"#).contains("no folder"));
    }

    #[cfg(unix)]
    #[test]
    fn pipes_devices_and_what_is_closed_are_refused_at_once() {
        use std::os::unix::fs::PermissionsExt;
        let stage = Stage::new();
        let made = std::process::Command::new("mkfifo").arg(stage.path("pipe")).status();
        assert!(made.unwrap().success());
        assert!(stage.error("read_file", r#"{"path": "pipe"}"#).contains("is a pipe"));
        assert!(stage.error("read_file", r#"{"path": "/dev/zero"}"#).contains("is a device"));
        stage.write("closed", "x");
        std::fs::set_permissions(stage.path("closed"), PermissionsExt::from_mode(0o0)).unwrap();
        if rustix::process::geteuid().is_root() {
            eprintln!("skipped: root may read everything");
            return;
        }
        assert!(stage.error("read_file", r#"{"path": "closed"}"#).contains("permission denied"));
    }

    #[test]
    fn a_huge_file_is_read_where_it_is_asked_for() {
        let stage = Stage::new();
        let path = stage.path("huge.log");
        let mut file = File::create(&path).unwrap();
        file.write_all(numbered(1..=20_000).as_bytes()).unwrap();
        file.set_len(8 << 30).unwrap();
        let start = std::time::Instant::now();
        let text = stage.text("read_file", r#"{"path": "huge.log", "start_line": 7}"#);
        assert!(text.starts_with("huge.log, lines 7-206 of a file of 8.0 GiB:\n7: line 7\n"), "{text}");
        let text = stage.text("read_file", r#"{"path": "huge.log", "start_line": 20000}"#);
        assert!(text.contains("20000: line 20000\n[percept: from line 20,001 on it is not text"), "{text}");
        assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
        stage.stop();
        assert_eq!(stage.error("read_file", r#"{"path": "huge.log"}"#), open::STOPPED);
    }

    #[test]
    fn an_attachment_is_read_by_its_name() {
        let mut stage = Stage::new();
        stage.attach("notes.txt", b"from the clipboard\n");
        let text = stage.text("read_file", r#"{"path": "notes.txt"}"#);
        assert_eq!(text, "notes.txt, all of it (1 line):\n1: from the clipboard");
    }
}
