//! Private keys, over one line or many: PEM, OpenSSH, PGP and PuTTY.
//!
//! A state machine over lines. A key ends with its end marker, or with the first line that
//! can't be of a key: a marker that is only talked of takes nothing with it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// A key has no more lines than this; RSA with 16,384 bits has about 200.
const MOST_LINES: usize = 2000;

/// So much is looked at for the end of a key, to know it again.
const MOST_BYTES: usize = 128 * 1024;

/// An end marker is shorter than this.
const MOST_MARKER: usize = 128;

/// A run of base64 in a line that has more than that: `date host app: MIIEpAIB…`.
const LEAST_RUN: usize = 16;

/// A line of a key whose start was cut off; its last line may be shorter.
const LEAST_TAIL_LINE: usize = 20;

/// What may stand before the body of a key.
const HEADERS: [&str; 8] =
    ["Proc-Type:", "DEK-Info:", "Version:", "Comment:", "Hash:", "Charset:", "MessageID:", "Subject:"];

static BEGIN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|---- BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY ----|Private-Lines: \d{1,4}",
    )
    .ok()
});

static END: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"[A-Za-z0-9+/=\\]*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|---- END [A-Z0-9 ]{0,40}PRIVATE KEY ----|Private-MAC: [0-9a-f]+)",
    )
    .ok()
});

/// Within a key.
#[derive(Debug)]
pub(super) struct KeyBlock {
    /// What its lines become.
    placeholder: String,
    /// Where in its line it began: what stands before is the same in each line of a log.
    column: usize,
    lines: usize,
}

/// What a line of a key became, and what is expected of the next one.
pub(super) struct Within {
    pub(super) line: String,
    pub(super) then: Option<KeyBlock>,
}

/// Whether keys may begin in a line, and what it becomes if one does. `number` gives the
/// placeholder of a key by the line from its begin.
pub(super) fn begin(line: &str, rest: &str, mut number: impl FnMut(&str) -> String) -> Option<Within> {
    if !line.contains("-- BEGIN ") && !line.contains("-----BEGIN ") && !line.contains("Private-Lines: ") {
        return None;
    }
    let (begin, end) = (BEGIN.as_ref()?, END.as_ref()?);
    let mut out = String::new();
    let mut copied = 0;
    let mut then = None;
    while let Some(marker) = begin.find_at(line, copied) {
        let after = &line[marker.end()..];
        let body = after.len() - after.trim_start_matches(is_inline).len();
        // Behind the body only the end marker itself, so that a line is gone through once.
        let near = &after[..crate::text::boundary_before(after, body + MOST_MARKER)];
        let ended = end.find(near).filter(|found| found.start() <= body);
        let to = marker.end() + ended.map_or(body, |found| found.end());
        let open = ended.is_none()
            && line[to..].trim_matches(['"', '\'', ',', ';', '\\', '+', ' ', '\r', '\n']).is_empty();
        // A marker that is only talked of: nothing of a key follows.
        if ended.is_none() && body < LEAST_RUN && !(open && starts(rest)) {
            out.push_str(&line[copied..marker.end()]);
            copied = marker.end();
            continue;
        }
        let placeholder = number(&line[marker.start()..]);
        out.push_str(&line[copied..marker.start()]);
        out.push_str(&placeholder);
        copied = to;
        then = open.then(|| KeyBlock { placeholder, column: marker.start(), lines: 0 });
        if open {
            break;
        }
    }
    out.push_str(&line[copied..]);
    (out != line).then_some(Within { line: out, then })
}

/// Whether the text behind a begin marker goes on with a key. Nothing known of it: it may.
fn starts(rest: &str) -> bool {
    let next = rest.lines().next().unwrap_or_default();
    rest.is_empty() || next.trim().is_empty() || is_body(next.trim()) || runs(next).next().is_some()
}

/// Characters of a key that is written in one line, its line breaks as `\n`.
fn is_inline(c: char) -> bool {
    is_base64(c) || c == '\\'
}

fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')
}

/// Whether a line can be one of a key.
fn is_body(line: &str) -> bool {
    !line.is_empty() && line.chars().all(is_base64) || HEADERS.iter().any(|header| line.starts_with(header))
}

fn runs(line: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    line.split_inclusive(|c| !is_base64(c)).filter_map(move |run| {
        let start = at;
        at += run.len();
        let bare = run.trim_end_matches(|c| !is_base64(c));
        (bare.len() >= LEAST_RUN).then_some(start..start + bare.len())
    })
}

impl KeyBlock {
    /// What the next line becomes; `None`: it is not of the key, which ended.
    pub(super) fn next(mut self, line: &str) -> Option<Within> {
        self.lines += 1;
        // Where another begins this one has ended.
        let another = BEGIN.as_ref().is_some_and(|begin| begin.is_match(line));
        if self.lines > MOST_LINES || another {
            return None;
        }
        if let Some(found) = END.as_ref().and_then(|end| end.find(line)) {
            let (before, after) = (&line[..found.start()], &line[found.end()..]);
            return Some(Within { line: format!("{before}{}{after}", self.placeholder), then: None });
        }
        let content = line.trim_end();
        let start = content.len() - content.trim_start().len();
        let replaced = match line.get(self.column..content.len().max(self.column)).map(str::trim_start) {
            _ if content.trim_start().is_empty() => line.to_owned(),
            _ if is_body(content.trim_start()) => self.instead(line, start..content.len()),
            Some(behind) if is_body(behind) => {
                self.instead(line, content.len() - behind.len()..content.len())
            }
            _ => self.instead_of_runs(line)?,
        };
        Some(Within { line: replaced, then: Some(self) })
    }

    fn instead(&self, line: &str, at: Range<usize>) -> String {
        format!("{}{}{}", &line[..at.start], self.placeholder, &line[at.end..])
    }

    fn instead_of_runs(&self, line: &str) -> Option<String> {
        let mut out = String::new();
        let mut copied = 0;
        for run in runs(line) {
            out.push_str(&line[copied..run.start]);
            out.push_str(&self.placeholder);
            copied = run.end;
        }
        out.push_str(&line[copied..]);
        (copied > 0).then_some(out)
    }
}

/// A key from its begin to its end marker, which may be in a later line.
pub(super) fn whole(from: &str, rest: &str) -> Option<String> {
    let end = END.as_ref()?;
    let from = &from[..crate::text::boundary_before(from, MOST_BYTES)];
    if let Some(found) = end.find(from) {
        return Some(from[..found.end()].to_owned());
    }
    let rest = &rest[..crate::text::boundary_before(rest, MOST_BYTES)];
    let found = end.find(rest)?;
    Some(format!("{from}{}", &rest[..found.end()]))
}

/// What of a key is the same however it is written: without its markers, line breaks and
/// their escapes.
pub(super) fn identity(key: &str) -> Vec<u8> {
    let bare = BEGIN.as_ref().map_or_else(|| key.into(), |begin| begin.replace_all(key, ""));
    let bare = bare.split("-----END").next().unwrap_or_default().replace("\\n", "").replace("\\r", "");
    bare.chars().filter(|c| is_base64(*c)).collect::<String>().into_bytes()
}

/// The lines of keys whose beginning was cut off, with their end markers.
pub(super) fn tails(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let Some(end) = END.as_ref() else { return found };
    for (marker, _) in text.match_indices("-----END ") {
        let start = text[..marker].rfind('\n').map_or(0, |newline| newline + 1);
        let stop = text[marker..].find('\n').map_or(text.len(), |newline| marker + newline + 1);
        let alone = end
            .find(text[start..stop].trim())
            .is_some_and(|whole| whole.len() == text[start..stop].trim().len());
        let floor = found.last().map_or(0, |last| last.end);
        if !alone || start < floor {
            continue;
        }
        if let Some(first) = cut_off(&text[floor..start]) {
            found.push(floor + first..stop);
        }
    }
    found
}

/// Where the body begins that a text ends with, unless a begin marker stands before it.
fn cut_off(before: &str) -> Option<usize> {
    let (mut at, mut first, mut strict) = (before.len(), before.len(), true);
    for (count, line) in before.split_inclusive('\n').rev().take(MOST_LINES).enumerate() {
        let content = line.trim();
        if BEGIN.as_ref().is_some_and(|begin| begin.is_match(line)) {
            return None;
        }
        if !content.is_empty() && !is_body(content) {
            break;
        }
        // The last line is short, and the checksum of PGP behind it.
        strict &= content.chars().all(is_base64)
            && (count < 2 && !content.is_empty() || content.len() >= LEAST_TAIL_LINE);
        at -= line.len();
        if strict {
            first = at;
        }
    }
    (first < before.len()).then_some(first)
}

/// A line of such a tail.
pub(super) fn tail_line(line: &str, placeholder: &str) -> String {
    let content = line.trim_end();
    let start = content.len() - content.trim_start().len();
    format!("{}{placeholder}{}", &line[..start], &line[content.len()..])
}
