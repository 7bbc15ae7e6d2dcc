//! Bytes as text, and its lines.

use std::borrow::Cow;

use crate::text::{boundary_before, size, utf16};

/// What Windows-1252 has where Latin-1 has control characters (0x80 to 0x9f); those that it
/// leaves open are U+FFFD. Source: the WHATWG Encoding Standard, index windows-1252.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž', '\u{fffd}',
    '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}', 'ž', 'Ÿ',
];

/// The text of a file: UTF-8, UTF-16 with a byte order mark, or else Windows-1252. What was
/// done beyond taking it as it is goes to `notes`.
pub(super) fn decoded<'a>(bytes: &'a [u8], most: usize, notes: &mut Vec<String>) -> Cow<'a, str> {
    if let Some(text) = utf16(&bytes[..bytes.len().min(most.saturating_mul(2))]) {
        notes.push("converted from UTF-16".to_owned());
        return Cow::Owned(text);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let cut = &bytes[..bytes.len().min(most)];
    if cut.len() < bytes.len() {
        notes.push(format!("only the first {} were read", size(most as u64)));
    }
    match std::str::from_utf8(cut) {
        Ok(text) => Cow::Borrowed(text),
        // Cut within a character.
        Err(error) if error.error_len().is_none() => {
            Cow::Borrowed(std::str::from_utf8(&cut[..error.valid_up_to()]).unwrap_or_default())
        }
        Err(_) if is_damaged_utf8(cut) => {
            notes.push("bytes that are not UTF-8 became \u{fffd}".to_owned());
            String::from_utf8_lossy(cut)
        }
        Err(_) => {
            notes.push("read as Windows-1252".to_owned());
            Cow::Owned(cut.iter().map(|byte| windows_1252(*byte)).collect())
        }
    }
}

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

/// Whether there are more characters of several bytes than bytes that belong to none.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut whole, mut stray) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        stray += chunk.invalid().len();
    }
    whole >= stray
}

/// A text with its lines found once.
pub(super) struct Lines<'a> {
    text: &'a str,
    /// Where each begins.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
        if starts.last() == Some(&text.len()) {
            starts.pop();
        }
        Self { text, starts }
    }

    /// How many there are; an empty text has none.
    pub(super) fn count(&self) -> usize {
        self.starts.len()
    }

    /// A line by its number from 0, without its line break; empty behind the last.
    pub(super) fn get(&self, at: usize) -> &'a str {
        self.between(at, at + 1)
    }

    /// The line, from 0, that a byte is in.
    pub(super) fn at_byte(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte).saturating_sub(1)
    }

    /// Lines `from` to `to` (not included) as one text, without the last line break.
    fn between(&self, from: usize, to: usize) -> &'a str {
        let Some(start) = self.starts.get(from) else { return "" };
        let end = self.starts.get(to).copied().unwrap_or(self.text.len());
        let text = &self.text[*start..end];
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.strip_suffix('\r').unwrap_or(text)
    }

    /// The same, line breaks as `\n` alone.
    pub(super) fn text(&self, from: usize, to: usize) -> String {
        let text = self.between(from, to);
        match memchr::memchr(b'\r', text.as_bytes()) {
            Some(_) => text.replace("\r\n", "\n"),
            None => text.to_owned(),
        }
    }

    /// Whether all of these are blank.
    pub(super) fn blank(&self, from: usize, to: usize) -> bool {
        self.between(from, to).trim().is_empty()
    }
}

/// The columns that a line is indented by: a tab is as wide as four spaces.
pub(super) fn indent(line: &str) -> usize {
    line.chars()
        .map_while(|c| match c {
            ' ' => Some(1),
            '\t' => Some(4),
            _ => None,
        })
        .sum()
}

/// A text on one line and not longer than so many bytes: a heading, a title.
pub(super) fn short(text: &str, most: usize) -> String {
    let mut words = String::new();
    for word in text.split_whitespace() {
        if words.len() > most {
            break;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words.truncate(boundary_before(&words, most));
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> String {
        decoded(bytes, 1000, &mut Vec::new()).into_owned()
    }

    #[test]
    fn text_of_several_encodings_is_read() {
        assert_eq!(read("\u{feff}Größe".as_bytes()), "Größe");
        assert_eq!(read(b"Gr\xf6\xdfe \x80 5"), "Größe € 5");
        assert_eq!(read(b"\xff\xfea\0b\0"), "ab");
        assert_eq!(read("Größe und \u{fffd}".as_bytes()), "Größe und \u{fffd}");
        let mut damaged = "Größe und Länge".as_bytes().to_vec();
        damaged.push(0xff);
        assert_eq!(read(&damaged), "Größe und Länge\u{fffd}");
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_character_and_it_is_said() {
        let mut notes = Vec::new();
        assert_eq!(decoded("aüüü".as_bytes(), 4, &mut notes), "aü");
        assert_eq!(notes, ["only the first 4 B were read"]);
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        let lines = Lines::new("a\r\nb\n\nc");
        assert_eq!(
            (lines.count(), lines.get(0), lines.get(2), lines.get(3), lines.get(9)),
            (4, "a", "", "c", "")
        );
        assert_eq!(lines.text(0, 2), "a\nb");
        assert_eq!((lines.at_byte(0), lines.at_byte(3), lines.at_byte(7)), (0, 1, 3));
        assert_eq!(Lines::new("").count(), 0);
        assert_eq!(Lines::new("a\n").count(), 1);
    }

    proptest! {
        #[test]
        fn lines_agree_with_the_standard_library(text in "[a\n\r é]{0,40}") {
            let lines = Lines::new(&text);
            let found: Vec<&str> = (0..lines.count()).map(|at| lines.get(at)).collect();
            let known: Vec<&str> = text.split_inclusive('\n')
                .map(|line| line.strip_suffix('\n').unwrap_or(line))
                .map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
            prop_assert_eq!(found, known);
        }

        #[test]
        fn short_text_is_short(text in any::<String>(), most in 0usize..30) {
            prop_assert!(short(&text, most).len() <= most);
        }
    }
}
