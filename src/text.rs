//! Cutting text without cutting a character, and saying that it was cut.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Stands where text was left out of a line.
pub const ELLIPSIS: &str = "…";

/// How alike two names must be (Jaro-Winkler) for one to be offered for the other.
const ALIKE: f64 = 0.7;

/// Shortens a text to at most `columns` terminal columns by leaving out its middle, so
/// that a path keeps its start and its file name. Never cuts a grapheme.
pub fn middle(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let room = columns - 1;
    let head = prefix(text, room / 2);
    let tail = suffix(text, room - head.width());
    format!("{head}{ELLIPSIS}{tail}")
}

/// Shortens a text to at most `columns` terminal columns by leaving out its end.
pub fn end(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    match columns {
        0 => String::new(),
        _ => format!("{}{ELLIPSIS}", prefix(text, columns - 1)),
    }
}

/// The longest start of a text that is at most `columns` wide.
pub fn prefix(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// The longest end of a text that is at most `columns` wide.
pub fn suffix(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += grapheme.width();
        if used > columns {
            return &text[at + grapheme.len()..];
        }
    }
    text
}

/// The largest char boundary at or before `at`, for cutting by bytes.
pub fn boundary_before(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A count with its thousands separated: `48,120`.
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A size in bytes for a person: `812 B`, `3.4 KiB`, `2.1 GiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64;
    let mut unit = "";
    for next in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// Text from outside on one line, harmless for a terminal.
pub fn one_line(text: &str) -> String {
    printable(text).replace(['\n', '\t'], " ")
}

/// A number of things: `1 entry`, `1,204 entries`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(count), if count == 1 { one } else { many })
}

/// Levels (0 to 255) as blocks, at most so many columns: each shows the highest of its part.
pub fn bars(levels: &[u8], columns: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let columns = columns.min(levels.len());
    let part = |column: usize| column * levels.len() / columns..(column + 1) * levels.len() / columns;
    let highest = |column| levels[part(column)].iter().copied().max().unwrap_or_default();
    (0..columns).map(|column| BLOCKS[usize::from(highest(column)) * BLOCKS.len() / 256]).collect()
}

/// A place in a recording: `0:07`, `1:02:07`.
pub fn clock(ms: u64) -> String {
    let seconds = ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// A length of time for a person: `350 ms`, `42 s`, `3 h 12 min`, `5 d 2 h`.
pub fn duration(ms: i64) -> String {
    let seconds = ms / 1000;
    match seconds {
        ..1 => format!("{ms} ms"),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// An estimate of how many tokens a model makes of a text, rather too many than too few:
/// letters by four, every digit and every other visible character by itself. Models that
/// take digits or spaces together make fewer.
pub fn tokens(text: &str) -> usize {
    let mut count = 0;
    let mut letters = 0usize;
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            letters += 1;
            continue;
        }
        count += letters.div_ceil(4);
        letters = 0;
        count += match c {
            ' ' => 0,
            c if c.is_ascii() => 1,
            _ => 2,
        };
    }
    count + letters.div_ceil(4)
}

/// A time in milliseconds since the Unix epoch, as the clock on the wall shows it:
/// `2026-03-01 14:05`.
pub fn when(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or_default();
    time.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Text from outside made harmless for a terminal: control characters and the escape
/// sequences that they start are shown as `␛` and the like, tabs and line breaks kept.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\u{7f}' => '␡',
            c if (c as u32) < 0x20 => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
            '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// The text of UTF-16 with a byte order mark; `None`: it has none.
pub fn utf16(bytes: &[u8]) -> Option<String> {
    let read: fn([u8; 2]) -> u16 = match bytes.get(..2)? {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let units = bytes[2..].chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
    Some(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

/// The name that is most like one that there isn't, if any is.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, near)| near)
}

/// A run of backticks longer than any in the text, so that the text can't end its block.
pub fn fence(body: &str) -> String {
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_both_ends_of_a_path() {
        assert_eq!(middle("/var/log/nginx/access.log", 13), "/var/l…ss.log");
        assert_eq!(middle("short", 13), "short");
        assert_eq!(end("a long sentence", 7), "a long…");
    }

    #[test]
    fn writes_counts_and_sizes() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(size(812), "812 B");
        assert_eq!(size(3_500), "3.4 KiB");
        assert_eq!(size(2_254_857_830), "2.1 GiB");
    }

    #[test]
    fn a_time_is_written_to_the_minute_and_a_wrong_one_is_no_panic() {
        assert_eq!(when(0).len(), "1970-01-01 00:00".len());
        assert_eq!(when(i64::MAX), when(0));
    }

    #[test]
    fn shows_escape_sequences_instead_of_sending_them() {
        assert_eq!(printable("a\u{1b}[2Jb\tc\nd\u{7}"), "a␛[2Jb\tc\nd␇");
    }

    proptest! {
        #[test]
        fn never_wider_than_asked(text in "\\PC{0,40}", columns in 0usize..30) {
            prop_assert!(middle(&text, columns).width() <= columns.max(text.width().min(columns)));
            prop_assert!(end(&text, columns).width() <= columns);
        }

        #[test]
        fn printable_text_has_no_control_characters(text in any::<String>()) {
            prop_assert!(printable(&text).chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
        }

        #[test]
        fn boundaries_are_boundaries(text in any::<String>(), at in 0usize..100) {
            prop_assert!(text.is_char_boundary(boundary_before(&text, at)));
        }
    }
}
