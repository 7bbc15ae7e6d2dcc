//! The shape of a message: its words, with what varies by nature (numbers, addresses,
//! paths, …) replaced by one byte each. Equal shapes are equal messages for the miner.
//!
//! This runs for every line, so it is a scan with a table of byte classes and no regular
//! expressions. Shapes hold no control characters of the message: those bytes are masks.

use super::stamp::{Reference, StampKind, read as read_stamp};

/// What a masked part was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Mask {
    Number = 1,
    Hex = 2,
    Ip = 3,
    Path = 4,
    Email = 5,
    Mac = 6,
    Uuid = 7,
    /// Learnt, not seen: any word.
    Any = 8,
    /// The message goes on, unread.
    Cut = 9,
    /// `true` or `false`.
    Bool = 14,
    Url = 15,
    /// Learnt: any word, also one that says that something failed.
    Every = 16,
}

impl Mask {
    /// How it is shown in a template.
    pub(super) fn shown(byte: u8) -> Option<&'static str> {
        Some(match byte {
            1 => "<num>",
            2 => "<hex>",
            3 => "<ip>",
            4 => "<path>",
            5 => "<email>",
            6 => "<mac>",
            7 => "<uuid>",
            8 | 16 => "<*>",
            9 => "…",
            14 => "<bool>",
            15 => "<url>",
            _ => return None,
        })
    }
}

/// How much of a message is looked at: templates are told apart long before, and a line
/// of a gigabyte must not become a shape of one.
const MOST_BYTES: usize = 512;

/// The shortest word of hexadecimal digits that is taken for an identifier.
const LEAST_HEX: usize = 6;

/// The longest unit behind a number (`ms`, `KiB/s`).
const LONGEST_UNIT: usize = 5;

const DELIMITER: u16 = 1;
const DIGIT: u16 = 1 << 1;
const HEX: u16 = 1 << 2;
const LETTER: u16 = 1 << 3;
const DOT: u16 = 1 << 4;
const SLASH: u16 = 1 << 5;
const BACKSLASH: u16 = 1 << 6;
const DASH: u16 = 1 << 7;
const AT: u16 = 1 << 8;
const SIGN: u16 = 1 << 9;
const OTHER: u16 = 1 << 10;

const CLASSES: [u16; 256] = classes();

const fn classes() -> [u16; 256] {
    let mut classes = [OTHER; 256];
    let mut byte = 0usize;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            0..=0x20 | 0x7f => DELIMITER,
            b',' | b';' | b':' | b'=' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'"'
            | b'\'' | b'|' => DELIMITER,
            b'0'..=b'9' => DIGIT,
            b'a'..=b'f' | b'A'..=b'F' => HEX,
            b'g'..=b'z' | b'G'..=b'Z' | 0x80..=0xff => LETTER,
            b'.' => DOT,
            b'/' => SLASH,
            b'\\' => BACKSLASH,
            b'-' => DASH,
            b'@' => AT,
            b'+' | b'%' => SIGN,
            _ => OTHER,
        };
        byte += 1;
    }
    classes
}

/// Whether a byte parts words.
pub(super) fn is_delimiter(byte: u8) -> bool {
    byte == b' ' || (CLASSES[byte as usize] == DELIMITER && byte > b' ' && byte != 0x7f)
}

/// Writes the shape of a message into `out`, which is cleared before.
pub(super) fn shape(message: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let cut = message.len() > MOST_BYTES;
    let message = &message[..message.len().min(MOST_BYTES)];
    let mut at = 0;
    while at < message.len() {
        let start = at;
        let mut flags = 0;
        while at < message.len() {
            let class = CLASSES[message[at] as usize];
            if class == DELIMITER {
                break;
            }
            flags |= class;
            at += 1;
        }
        if at > start {
            at = word(message, start, at, flags, out);
        }
        match message.get(at) {
            Some(b'"') if out.last() == Some(&b'=') => at = quoted(message, at, out),
            Some(b'[') => at = bracket(message, at, out),
            Some(&byte) if CLASSES[byte as usize] == DELIMITER => {
                delimiter(byte, out);
                at += 1;
            }
            _ => {}
        }
    }
    while out.last() == Some(&b' ') {
        out.pop();
    }
    if cut {
        out.push(Mask::Cut as u8);
    }
    // A digest is text: what is no UTF-8 is shown as in text, here too.
    if !out.is_ascii() && std::str::from_utf8(out).is_err() {
        *out = String::from_utf8_lossy(out).into_owned().into_bytes();
    }
}

/// The longest list that is taken for one.
const LONGEST_LIST: usize = 400;

/// A list of words in square brackets is one thing, however many there are: two and more
/// anywhere, one or none as the value of a key (`pods=[a]`, `tags: []`).
fn bracket(message: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
    out.push(b'[');
    match list_end(message, at, &out[..out.len() - 1]) {
        Some(end) => {
            out.extend_from_slice(&[Mask::Any as u8, b']']);
            end
        }
        None => at + 1,
    }
}

/// Where the list ends that opens at `at`, if it is one; `before` is the shape so far.
fn list_end(message: &[u8], at: usize, before: &[u8]) -> Option<usize> {
    let near = &message[at + 1..message.len().min(at + LONGEST_LIST)];
    let end = near.iter().position(|byte| matches!(byte, b']' | b'[' | b'{' | b'='))?;
    if near[end] != b']' {
        return None;
    }
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./\"'".contains(byte) || *byte >= 0x80;
    let word = |word: &[u8]| {
        let word = word.strip_prefix(b" ").unwrap_or(word);
        !word.is_empty() && word.iter().all(inner)
    };
    let words = || near[..end].split(|&byte| byte == b',');
    let valued = matches!(before, [.., b'='] | [.., b':', b' '] | [.., b':']);
    let listed = words().all(word) && (valued || words().count() > 1);
    (listed || (valued && end == 0)).then_some(at + end + 2)
}

/// The quoted value of a key is one thing, whatever is in it.
fn quoted(message: &[u8], at: usize, out: &mut Vec<u8>) -> usize {
    out.push(b'"');
    match memchr::memchr(b'"', &message[at + 1..]) {
        Some(length) => {
            out.extend_from_slice(&[Mask::Any as u8, b'"']);
            at + length + 2
        }
        None => at + 1,
    }
}

fn delimiter(byte: u8, out: &mut Vec<u8>) {
    if byte > b' ' && byte != 0x7f {
        out.push(byte);
    } else if !matches!(out.last(), None | Some(b' ')) {
        out.push(b' ');
    }
}

/// Writes a word; returns where it ends, which is further where it is an address with colons.
fn word(message: &[u8], start: usize, end: usize, flags: u16, out: &mut Vec<u8>) -> usize {
    let word = &message[start..end];
    if word.len() == 3
        && flags & (HEX | LETTER) == flags
        && let Some(end) = written_date(message, start)
    {
        mask_once(Mask::Number, out);
        return end;
    }
    if message.get(end) == Some(&b':')
        && let Some(end) = url_end(message, start, end)
    {
        mask_once(Mask::Url, out);
        return end;
    }
    if flags & (DIGIT | HEX) == flags
        && word.len() <= 4
        && message.get(end) == Some(&b':')
        && let Some((mask, end)) = colons(message, start)
    {
        mask_once(mask, out);
        return end;
    }
    if flags & (DIGIT | SLASH | BACKSLASH | AT) == 0 {
        if matches!(word, b"true" | b"false" | b"True" | b"False" | b"TRUE" | b"FALSE") {
            out.push(Mask::Bool as u8);
            return end;
        }
        out.extend_from_slice(word);
        return end;
    }
    if let Some(name) = hashed(word, flags) {
        out.extend_from_slice(name);
        out.push(Mask::Hex as u8);
        return end;
    }
    match classify(word, flags) {
        Some(Mask::Number) => {
            mask_once(Mask::Number, out);
            return unit(message, end);
        }
        Some(mask) => mask_once(mask, out),
        None if flags & DIGIT != 0 => without_digits(word, out),
        None => out.extend_from_slice(word),
    }
    end
}

/// Where an address ends whose scheme is the word before this colon: `https://…`.
fn url_end(message: &[u8], start: usize, colon: usize) -> Option<usize> {
    let rest = message[colon..].strip_prefix(b"://")?;
    if !message[start].is_ascii_alphabetic() {
        return None;
    }
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'<>()[]{}|\\^`".contains(byte);
    let length = rest.iter().position(ends).unwrap_or(rest.len());
    // Punctuation at its end is the sentence's.
    let kept = rest[..length].iter().rposition(|byte| !b".,;:!?".contains(byte))? + 1;
    Some(colon + 3 + kept)
}

/// The name, with its `@`, of an object that is told by its address: `Connection@1b2c3d4`.
fn hashed(word: &[u8], flags: u16) -> Option<&[u8]> {
    let at = (flags & AT != 0).then(|| memchr::memchr(b'@', word)).flatten()? + 1;
    let hash = &word[at..];
    (hash.len() >= LEAST_HEX && hash.iter().all(u8::is_ascii_hexdigit)).then(|| &word[..at])
}

/// Units that stand behind a number and a space: of time and of size.
const UNITS: [&[u8]; 26] = [
    b"s", b"ms", b"us", b"ns", b"sec", b"secs", b"second", b"seconds", b"msec", b"msecs", b"min", b"mins",
    b"minute", b"minutes", b"hour", b"hours", b"byte", b"bytes", b"kb", b"mb", b"gb", b"tb", b"kib", b"mib",
    b"gib", b"tib",
];

/// Where a number ends with its unit: `403 bytes`, `1.5 KiB`.
fn unit(message: &[u8], end: usize) -> usize {
    if message.get(end) != Some(&b' ') {
        return end;
    }
    let rest = &message[end + 1..message.len().min(end + 9)];
    let length = rest.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(rest.len());
    let known = UNITS.iter().any(|unit| rest[..length].eq_ignore_ascii_case(unit));
    if known { end + 1 + length } else { end }
}

/// Where a date ends that begins with the name of a day or a month: `Sat Jun 18 02:08:10 2005`.
fn written_date(message: &[u8], start: usize) -> Option<usize> {
    // A year that is missing makes no difference here.
    let stamp = read_stamp(StampKind::Month, &message[start..], Reference::at(0))?;
    Some(start + stamp.len)
}

/// Writes a mask; a list of the same (`1, 2, 3`) is written as one.
fn mask_once(mask: Mask, out: &mut Vec<u8>) {
    let mask = mask as u8;
    let listed = match out.as_slice() {
        [.., last, b',' | b' ' | b';' | b':', b' '] | [.., last, b',' | b' ' | b';' | b':' | b'|'] => {
            let number = |mask: u8| mask == Mask::Number as u8 || mask == Mask::Hex as u8;
            (*last == mask || (number(*last) && number(mask))).then_some(*last)
        }
        _ => None,
    };
    match listed {
        Some(last) => {
            while out.pop() != Some(last) {}
            // Hexadecimal numbers may have no letter in them.
            out.push(last.max(mask));
        }
        None => out.push(mask),
    }
}

/// What a word is as a whole; `None`: a name, perhaps with digits in it.
fn classify(word: &[u8], flags: u16) -> Option<Mask> {
    if flags & AT != 0 {
        return email(word).then_some(Mask::Email);
    }
    if flags & (SLASH | BACKSLASH) != 0 && is_path(word) {
        return Some(Mask::Path);
    }
    if flags & DIGIT == 0 {
        return None;
    }
    if flags & !(DIGIT | DOT | DASH | SIGN | SLASH) == 0 {
        return Some(if is_ip(word) { Mask::Ip } else { Mask::Number });
    }
    if flags & !(DIGIT | HEX | DASH) == 0 && word.len() >= LEAST_HEX {
        return Some(if is_uuid(word) { Mask::Uuid } else { Mask::Hex });
    }
    if word.starts_with(b"0x") && word.len() > 2 {
        return Some(Mask::Hex);
    }
    let number = word.iter().position(|&byte| CLASSES[byte as usize] & (DIGIT | DOT | DASH | SIGN) == 0);
    if let Some(number) = number
        && number > 0
        && word[..number].iter().any(u8::is_ascii_digit)
        && word.len() - number <= LONGEST_UNIT
        && word[number..].iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'%'))
    {
        return Some(Mask::Number);
    }
    is_mixed(word).then_some(Mask::Hex)
}

/// Letters and digits that alternate as in no name: an identifier that a program made.
fn is_mixed(word: &[u8]) -> bool {
    const MOST_CHANGES: usize = 3;
    let changes = word
        .windows(2)
        .filter(|pair| {
            (pair[0].is_ascii_digit() && pair[1].is_ascii_alphabetic())
                || (pair[0].is_ascii_alphabetic() && pair[1].is_ascii_digit())
        })
        .count();
    changes > MOST_CHANGES
}

/// Writes a name with each run of digits as one mask.
fn without_digits(word: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < word.len() {
        let byte = word[at];
        let signed = byte == b'-'
            && at > 0
            && !word[at - 1].is_ascii_alphanumeric()
            && word.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !byte.is_ascii_digit() && !signed {
            out.push(byte);
            at += 1;
            continue;
        }
        at += 1;
        while word.get(at).is_some_and(|&byte| byte.is_ascii_digit() || byte == b'.') {
            at += 1;
        }
        out.push(Mask::Number as u8);
    }
}

fn is_ip(word: &[u8]) -> bool {
    let address = word.strip_prefix(b"/").unwrap_or(word);
    let mut groups = 0;
    let address = address.split(|&byte| byte == b'/').next().unwrap_or_default();
    let sound = address.split(|&byte| byte == b'.').all(|group| {
        groups += 1;
        (1..=3).contains(&group.len()) && group.iter().all(u8::is_ascii_digit)
    });
    sound && groups == 4
}

fn is_uuid(word: &[u8]) -> bool {
    word.len() == 36
        && word.iter().enumerate().all(|(at, &byte)| (byte == b'-') == matches!(at, 8 | 13 | 18 | 23))
}

fn email(word: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'@', word) else { return false };
    at > 0 && word[at + 1..].contains(&b'.') && !word[at + 1..].contains(&b'/')
}

fn is_path(word: &[u8]) -> bool {
    match word {
        [b'/' | b'\\', _, ..] | [b'~', b'/', ..] => !is_ip(word),
        _ => {
            word.iter().filter(|byte| matches!(byte, b'/' | b'\\')).count() >= 2
                && !word.iter().all(|byte| byte.is_ascii_digit() || *byte == b'/')
        }
    }
}

/// An IPv6 or a hardware address that begins at `start`.
fn colons(message: &[u8], start: usize) -> Option<(Mask, usize)> {
    const LONGEST: usize = 45;
    let rest = &message[start..message.len().min(start + LONGEST)];
    let end = rest.iter().position(|byte| !(byte.is_ascii_hexdigit() || *byte == b':' || *byte == b'.'));
    let text = rest[..end.unwrap_or(rest.len())].trim_ascii_end();
    let text = text.strip_suffix(b":").unwrap_or(text);
    let colons = text.iter().filter(|&&byte| byte == b':').count();
    let groups = || text.split(|&byte| byte == b':');
    if colons == 5 && groups().all(|group| group.len() == 2) {
        return Some((Mask::Mac, start + text.len()));
    }
    let shortened = memchr::memmem::find(text, b"::").is_some();
    let sound = groups().all(|group| group.len() <= 4 || is_ip(group));
    let is_ip = sound && (colons >= 7 || (shortened && colons >= 2)) && colons <= 8;
    is_ip.then_some((Mask::Ip, start + text.len()))
}

/// A shape for a person: masks in angle brackets.
pub(super) fn shown(shape: &[u8]) -> String {
    let mut out = String::with_capacity(shape.len() + 16);
    for chunk in shape.utf8_chunks() {
        for c in chunk.valid().chars() {
            match u8::try_from(c as u32).ok().and_then(Mask::shown) {
                Some(mask) => out.push_str(mask),
                None => out.push(c),
            }
        }
        if !chunk.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
    out
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
