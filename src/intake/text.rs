//! Text: decoded to UTF-8, and cut in the middle where it is too long for a model, with a
//! line in place of what is left out.

use super::Options;
use crate::attachment::Medium;
use crate::text::{boundary_before, size, thousands, utf16};

/// How much is looked at to tell text from other data.
const SNIFF_BYTES: usize = 64 * 1024;

/// Of the text that is kept, the part that comes from its end: where a log stops is
/// what it is most often attached for.
const TAIL_PERCENT: usize = 50;

/// Whether it is text in an encoding that is known here: no NUL bytes, few control
/// characters, or a UTF-16 byte order mark.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    if utf16(bytes).is_some() {
        return true;
    }
    let sample = &bytes[..bytes.len().min(SNIFF_BYTES)];
    let control =
        |byte: &&u8| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x1b | 0x08 | 0x0c);
    !sample.contains(&0) && sample.iter().filter(control).count() * 100 <= sample.len()
}

/// Decodes and, where needed, cuts a text; the view is what differs from the original.
pub(super) fn read(bytes: &[u8], options: &Options) -> (Medium, Option<Vec<u8>>) {
    let (text, mut notes) = decode(bytes);
    let lines = text.lines().count() as u64;
    let view = match cut(&text, options.max_text_bytes) {
        Some((cut, note)) => {
            notes.push(note);
            cut
        }
        None => text,
    };
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    let differs = view.as_bytes() != bytes;
    (Medium::Text { lines, note, view: None }, differs.then(|| view.into_bytes()))
}

fn decode(bytes: &[u8]) -> (String, Vec<String>) {
    if let Some(text) = utf16(bytes) {
        return (text, vec!["converted from UTF-16".to_owned()]);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), Vec::new()),
        Err(_) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            (text, vec!["bytes that are not UTF-8 became \u{fffd}".to_owned()])
        }
    }
}

/// Leaves the middle out, at line breaks where there are some near.
pub(super) fn cut(text: &str, most: usize) -> Option<(String, String)> {
    if text.len() <= most {
        return None;
    }
    let tail_bytes = most * TAIL_PERCENT / 100;
    let head_end = boundary_before(text, most - tail_bytes);
    let tail_start = boundary_before(text, text.len() - tail_bytes);
    // Whole lines, unless a line is longer than all that is kept.
    let head = text[..head_end].rfind('\n').map_or(head_end, |at| at + 1);
    let tail = text[tail_start..].find('\n').map(|at| tail_start + at + 1).filter(|&at| at < text.len());
    let tail = tail.unwrap_or(tail_start).max(head);
    let left_out = &text[head..tail];
    let note = format!(
        "{} lines ({}) in the middle left out",
        thousands(left_out.lines().count() as u64),
        size(left_out.len() as u64)
    );
    let line_break = if text[..head].ends_with('\n') { "" } else { "\n" };
    Some((format!("{}{line_break}[percept: {note}]\n{}", &text[..head], &text[tail..]), note))
}
