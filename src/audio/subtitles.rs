//! Subtitles that any player takes: each shown for a while, none before another has ended, and
//! short enough to be read.

use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::wire::Segment;

/// The widest line, in columns: what broadcasters agree on.
const COLUMNS: usize = 42;
/// The lines that are shown at once.
const LINES: usize = 2;
/// The least time that one is shown: players drop what has none.
const LEAST_MS: u64 = 100;

/// The words of a text; characters that are no text are left out.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace()
        .map(|token| token.chars().filter(|c| !c.is_control()).collect::<String>())
        .filter(|token| !token.is_empty())
}

/// SubRip: numbered, a comma before the milliseconds.
pub(super) fn srt(segments: &[Segment]) -> String {
    let mut out = String::new();
    for (number, cue) in cues(segments).iter().enumerate() {
        // It knows no escapes: what reads like the arrow of a time would end the text for some.
        let text = cue.lines.join("\n").replace("-->", "→");
        let (start, end) = (stamp(cue.start_ms, ','), stamp(cue.end_ms, ','));
        let _ = write!(out, "{}\n{start} --> {end}\n{text}\n\n", number + 1);
    }
    out
}

/// WebVTT: a point before the milliseconds, markup escaped.
pub(super) fn vtt(segments: &[Segment]) -> String {
    let mut out = "WEBVTT\n\n".to_owned();
    for cue in cues(segments) {
        let text = cue.lines.join("\n").replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(out, "{} --> {}\n{text}\n\n", stamp(cue.start_ms, '.'), stamp(cue.end_ms, '.'));
    }
    out
}

fn stamp(ms: u64, point: char) -> String {
    let (seconds, ms) = (ms / 1000, ms % 1000);
    format!("{:02}:{:02}:{:02}{point}{ms:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// What is shown at one time.
#[derive(Debug)]
struct Cue {
    start_ms: u64,
    end_ms: u64,
    lines: Vec<String>,
}

/// A piece of text that stays on one line, with its time.
struct Piece {
    start_ms: u64,
    end_ms: u64,
    text: String,
    /// Whether it goes on in the next piece: part of a word wider than a line.
    torn: bool,
}

fn cues(segments: &[Segment]) -> Vec<Cue> {
    let mut cues: Vec<Cue> = segments.iter().flat_map(|segment| wrapped(pieces(segment))).collect();
    in_turn(&mut cues);
    cues
}

/// Moves starts back and cuts ends, so that they follow each other.
fn in_turn(cues: &mut [Cue]) {
    let mut earliest = 0;
    for cue in cues.iter_mut() {
        cue.start_ms = cue.start_ms.max(earliest);
        earliest = cue.start_ms.saturating_add(LEAST_MS);
        cue.end_ms = cue.end_ms.max(earliest);
    }
    let starts: Vec<u64> = cues.iter().skip(1).map(|cue| cue.start_ms).collect();
    for (cue, next) in cues.iter_mut().zip(starts) {
        cue.end_ms = cue.end_ms.min(next);
    }
}

/// Fills lines, and of lines as many as are shown at once.
fn wrapped(pieces: Vec<Piece>) -> Vec<Cue> {
    let mut cues: Vec<Cue> = Vec::new();
    let mut joined = false;
    for Piece { start_ms, end_ms, text, torn } in pieces {
        let space = if joined { "" } else { " " };
        match cues.last_mut() {
            Some(cue) if fits(cue, space, &text) => {
                cue.end_ms = end_ms;
                if let Some(line) = cue.lines.last_mut() {
                    line.push_str(space);
                    line.push_str(&text);
                }
            }
            Some(cue) if cue.lines.len() < LINES => {
                cue.end_ms = end_ms;
                cue.lines.push(text);
            }
            _ => cues.push(Cue { start_ms, end_ms, lines: vec![text] }),
        }
        joined = torn;
    }
    cues
}

fn fits(cue: &Cue, space: &str, text: &str) -> bool {
    cue.lines.last().is_some_and(|line| line.width() + space.len() + text.width() <= COLUMNS)
}

/// The words of a segment with their times: those of its words where they are the same text, a
/// share of its length for each character otherwise.
fn pieces(segment: &Segment) -> Vec<Piece> {
    let tokens: Vec<String> = tokens(&segment.text).collect();
    let total = tokens.iter().map(String::len).sum();
    let times = Times::of(segment, total);
    let mut at = 0;
    let mut pieces = Vec::new();
    for token in &tokens {
        let parts = parts(token);
        let last = parts.len().saturating_sub(1);
        for (number, text) in parts.into_iter().enumerate() {
            let (start_ms, end_ms) = (times.start(at), times.end(at + text.len()));
            at += text.len();
            pieces.push(Piece { start_ms, end_ms, text, torn: number < last });
        }
    }
    pieces
}

/// A word in parts that fit a line: scripts without spaces have sentences for words.
fn parts(token: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for letter in token.graphemes(true) {
        match parts.last_mut() {
            Some(part) if part.is_empty() || part.width() + letter.width() <= COLUMNS => {
                part.push_str(letter)
            }
            _ => parts.push(letter.to_owned()),
        }
    }
    parts
}

/// When each byte of a segment's text is said, spaces left out.
enum Times {
    /// The ends of words: the first byte after each, with its times.
    Words(Vec<(usize, u64, u64)>),
    /// The times of the whole, and its bytes.
    Share { start_ms: u64, end_ms: u64, total: usize },
}

impl Times {
    fn of(segment: &Segment, total: usize) -> Self {
        let mut end = 0;
        let words: Vec<_> = segment
            .words
            .iter()
            .map(|word| {
                end += tokens(&word.text).map(|token| token.len()).sum::<usize>();
                (end, word.start_ms, word.end_ms)
            })
            .collect();
        let said = segment.words.iter().flat_map(|word| tokens(&word.text)).collect::<String>();
        match !words.is_empty() && said == tokens(&segment.text).collect::<String>() {
            true => Self::Words(words),
            false => {
                let Segment { start_ms, end_ms, .. } = *segment;
                Self::Share { start_ms, end_ms: end_ms.max(start_ms), total: total.max(1) }
            }
        }
    }

    fn start(&self, at: usize) -> u64 {
        match self {
            Self::Words(words) => words.iter().find(|(end, ..)| *end > at).map_or(0, |word| word.1),
            Self::Share { .. } => self.share(at),
        }
    }

    fn end(&self, at: usize) -> u64 {
        match self {
            Self::Words(words) => words.iter().find(|(end, ..)| *end >= at).map_or(0, |word| word.2),
            Self::Share { .. } => self.share(at),
        }
    }

    fn share(&self, at: usize) -> u64 {
        let Self::Share { start_ms, end_ms, total } = self else { return 0 };
        start_ms + ((end_ms - start_ms) as f64 * at as f64 / *total as f64) as u64
    }
}
