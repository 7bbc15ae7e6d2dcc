//! Lines in columns: a time, a level, a component, a message, in whatever order and
//! dress a program writes them. Nothing is known here of any program by name: which
//! columns a log has is learnt from where most of a sample's lines have them.

use std::borrow::Cow;

use super::syslog::{host_and_tag, priority, structured_data};
use super::{Entry, MOST, NEARLY_ALL, is_most};
use crate::digest::level::Level;
use crate::digest::stamp::{Reference, Stamp, StampKind, find, read as read_stamp};

/// Words that may stand before the time, and columns between it and the level.
const MOST_LEAD: usize = 5;
const MOST_COLUMNS: usize = 8;

/// The longest component: a class name, or a thread's and an address.
pub(super) const LONGEST_COMPONENT: usize = 160;

/// Columns that a line's component may be in, after the level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Columns {
    /// `[main]`
    bracket: bool,
    /// `dfs.DataNode:`
    tag: bool,
    /// `chrome.exe - `
    dashed: bool,
    /// `nova.compute.manager [`, before a bracket
    named: bool,
    /// `CBS    `, padded with spaces
    padded: bool,
    /// `|Step_LSC|30002312|`
    piped: bool,
}

/// Where the columns of a log are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::digest) struct TextLayout {
    /// The words before the time, and how it is written.
    stamp: Option<(usize, StampKind)>,
    /// The columns between the time (or the line's start) and the level.
    level_at: Option<usize>,
    /// The level is a single letter.
    letter: bool,
    /// A host and a tag follow the time.
    syslog: bool,
    columns: Columns,
}

impl TextLayout {
    /// Learns the columns; `None`: most lines have neither a time nor a level.
    pub(super) fn learn(sample: &[&[u8]], reference: Reference) -> Option<Self> {
        let sample: Vec<&[u8]> = sample.iter().map(|line| priority(line).1).collect();
        let stamp = learn_stamp(&sample, reference);
        let mut layout =
            Self { stamp, level_at: None, letter: false, syslog: false, columns: Columns::default() };
        let rests: Vec<&[u8]> = match stamp {
            Some(_) => {
                sample.iter().filter_map(|line| Some(&line[layout.stamp(line, reference)?.1..])).collect()
            }
            None => sample.clone(),
        };
        layout.learn_level(&rests);
        if layout.stamp.is_none() && layout.level_at.is_none() {
            return None;
        }
        layout.syslog = layout.level_at.is_none()
            && layout.stamp.is_some()
            && is_most(rests.iter().filter(|rest| host_and_tag(rest).is_some()).count(), rests.len(), MOST);
        if !layout.syslog {
            layout.learn_columns(&rests);
        }
        Some(layout)
    }

    fn learn_level(&mut self, rests: &[&[u8]]) {
        let mut words = [0usize; MOST_COLUMNS];
        let mut letters = [0usize; MOST_COLUMNS];
        for rest in rests {
            let columns = Words { text: rest, at: 0 }.take(MOST_COLUMNS);
            let mut seen = false;
            for (column, word) in columns.enumerate() {
                let word = &rest[word.0..word.1];
                if let [letter] = word
                    && Level::letter(*letter).is_some()
                {
                    letters[column] += 1;
                } else if !seen && Level::column(word).is_some() {
                    words[column] += 1;
                    seen = true;
                }
            }
        }
        let best = |votes: [usize; MOST_COLUMNS], percent| {
            let (column, votes) =
                votes.into_iter().enumerate().max_by_key(|&(at, votes)| (votes, usize::MAX - at))?;
            is_most(votes, rests.len(), percent).then_some(column)
        };
        self.level_at = best(words, MOST);
        if self.level_at.is_none() && self.stamp.is_some() {
            self.level_at = best(letters, NEARLY_ALL);
            self.letter = self.level_at.is_some();
        }
    }

    fn learn_columns(&mut self, rests: &[&[u8]]) {
        let all = Columns { bracket: true, tag: true, dashed: true, named: true, padded: true, piped: true };
        let mut votes = [0usize; 6];
        for rest in rests {
            let mut used = Columns::default();
            let at = self.after_level(rest).map_or(0, |(at, _)| at);
            all.walk(rest, at, &mut used);
            let flags = [used.bracket, used.tag, used.dashed, used.named, used.padded, used.piped];
            for (votes, used) in votes.iter_mut().zip(flags) {
                *votes += usize::from(used);
            }
        }
        let [bracket, tag, dashed, named, padded, piped] =
            votes.map(|votes| is_most(votes, rests.len(), NEARLY_ALL));
        self.columns = Columns { bracket, tag, dashed, named, padded, piped };
    }

    /// The time, and where what follows it begins.
    fn stamp(&self, line: &[u8], reference: Reference) -> Option<(Stamp, usize)> {
        let (lead, kind) = self.stamp?;
        let start = Words { text: line, at: 0 }.nth(lead)?.0;
        let (stamp, start) = stamp_at(kind, line, start, reference)?;
        Some((stamp, after_stamp(line, start + stamp.len)))
    }

    /// Where the level ends, and what it is; `None`: this line has none there.
    fn after_level(&self, rest: &[u8]) -> Option<(usize, Level)> {
        let (start, end) = Words { text: rest, at: 0 }.nth(self.level_at?)?;
        let word = &rest[start..end];
        let level = match (self.letter, word) {
            (true, [letter]) => Level::letter(*letter)?,
            _ => Level::column(word)?,
        };
        Some((end, level))
    }

    /// Reads a line; `None`: it has no time, where lines of this log have one.
    pub(super) fn read<'a>(&self, line: &'a [u8], reference: Reference) -> Option<Entry<'a>> {
        let unwrapped = priority(line);
        let (priority, line, structured) = unwrapped;
        let (stamp, at) = match self.stamp {
            Some(_) => self.stamp(line, reference).map(|(stamp, at)| (Some(stamp), at))?,
            None => (None, 0),
        };
        let rest = &line[at..];
        if structured && let Some((component, message)) = structured_data(rest) {
            let message = Cow::Borrowed(message.trim_ascii_start());
            return Some(Entry { stamp, level: priority, component, message });
        }
        let mut level = priority.or_else(|| self.level_of_stamp(line));
        if self.syslog {
            let (component, message) = host_and_tag(rest).unwrap_or((b"", rest));
            return Some(Entry {
                stamp,
                level,
                component,
                message: Cow::Borrowed(message.trim_ascii_start()),
            });
        }
        let mut begins = 0;
        match self.after_level(rest) {
            Some((end, found)) => {
                begins = end;
                level = Some(found);
            }
            None if self.stamp.is_none() => return bare(line),
            None => {}
        }
        let mut used = Columns::default();
        let (component, begins) = self.columns.walk(rest, begins, &mut used);
        let component = component.map_or(&b""[..], |(start, end)| &rest[start..end]);
        Some(Entry { stamp, level, component, message: Cow::Borrowed(rest[begins..].trim_ascii_start()) })
    }

    /// klog writes its level into the time.
    fn level_of_stamp(&self, line: &[u8]) -> Option<Level> {
        matches!(self.stamp, Some((0, StampKind::Klog))).then(|| Level::letter(*line.first()?)).flatten()
    }

    pub(super) fn has_heads(&self) -> bool {
        self.stamp.is_some()
    }

    pub(super) fn stamps(&self) -> Option<StampKind> {
        self.stamp.map(|(_, kind)| kind)
    }

    pub(super) fn name(&self) -> String {
        let mut columns = Vec::new();
        if self.stamp.is_some() {
            columns.push("time");
        }
        if self.syslog {
            columns.extend(["host", "program"]);
        }
        if self.level_at.is_some() || matches!(self.stamp, Some((_, StampKind::Klog))) {
            columns.push("level");
        }
        let Columns { bracket, tag, dashed, named, padded, piped } = self.columns;
        if bracket || tag || dashed || named || padded || piped {
            columns.push("component");
        }
        format!("lines of {}, message", columns.join(", "))
    }
}

/// The place and family of the time in most lines; where several fit, the last one: what
/// stands before it is a label.
fn learn_stamp(sample: &[&[u8]], reference: Reference) -> Option<(usize, StampKind)> {
    let mut votes: Vec<((usize, StampKind), usize)> = Vec::new();
    for line in sample {
        for (lead, (start, _)) in (Words { text: line, at: 0 }).take(MOST_LEAD + 1).enumerate() {
            let Some((kind, _)) = find_at(line, start, reference) else { continue };
            match votes.iter_mut().find(|(place, _)| *place == (lead, kind)) {
                Some((_, count)) => *count += 1,
                None => votes.push(((lead, kind), 1)),
            }
        }
    }
    let best = votes.iter().map(|(_, count)| *count).max()?;
    // Less than in most lines: headers of entries that have many lines each still count.
    const SOME: usize = 15;
    if !is_most(best, sample.len(), SOME) {
        return None;
    }
    let dated = |place: &(usize, StampKind)| place.1.is_dated();
    let near = votes.iter().filter(|(_, count)| *count * 100 >= best * 98).map(|(place, _)| *place);
    let near: Vec<(usize, StampKind)> = near.collect();
    near.iter()
        .filter(|place| dated(place))
        .max_by_key(|place| place.0)
        .or(near.iter().max_by_key(|place| place.0))
        .copied()
}

fn find_at(line: &[u8], start: usize, reference: Reference) -> Option<(StampKind, Stamp)> {
    find(&line[start..], reference).or_else(|| find(&line[start + opening(line, start)..], reference))
}

fn stamp_at(kind: StampKind, line: &[u8], start: usize, reference: Reference) -> Option<(Stamp, usize)> {
    if kind == StampKind::Uptime {
        return Some((read_stamp(kind, &line[start..], reference)?, start));
    }
    let start = start + opening(line, start);
    Some((read_stamp(kind, &line[start..], reference)?, start))
}

/// The bracket before a time.
fn opening(line: &[u8], start: usize) -> usize {
    usize::from(matches!(line.get(start), Some(b'[' | b'(' | b'<' | b'"')))
}

/// Behind a time: the bracket that closes, a comma or a colon.
fn after_stamp(line: &[u8], mut at: usize) -> usize {
    while matches!(line.get(at), Some(b']' | b')' | b'>' | b'"' | b',' | b':' | b';')) {
        at += 1;
    }
    at
}

/// The words of a line as ranges; a bracketed group is one word, whatever is in it.
pub(super) struct Words<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
}

impl Iterator for Words<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        let start = self.at + self.text[self.at..].iter().position(|byte| !byte.is_ascii_whitespace())?;
        let end = group_end(self.text, start).unwrap_or_else(|| word_end(self.text, start));
        self.at = end;
        Some((start, end))
    }
}

fn word_end(text: &[u8], start: usize) -> usize {
    text[start..].iter().position(u8::is_ascii_whitespace).map_or(text.len(), |at| start + at)
}

/// Where the bracket closes that opens at `start`, in a component's length.
pub(super) fn group_end(text: &[u8], start: usize) -> Option<usize> {
    if text.get(start) != Some(&b'[') {
        return None;
    }
    let mut depth = 0;
    for (at, byte) in text[start..].iter().take(LONGEST_COMPONENT).enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(start + at + 1);
        }
    }
    None
}

impl Columns {
    /// Goes over the columns from `at`; returns the component and where the message begins.
    fn walk(self, text: &[u8], at: usize, used: &mut Self) -> (Option<(usize, usize)>, usize) {
        let mut at = at;
        let mut component = None;
        if self.piped
            && text.get(at) == Some(&b'|')
            && let Some(fields) = piped(text, at)
        {
            used.piped = true;
            return (Some((at + 1, fields.0)), fields.1);
        }
        // Numbers before the component: process, thread.
        for _ in 0..MOST_COLUMNS {
            at = skip_separators(text, at);
            if self.bracket
                && let Some(end) = group_end(text, at)
            {
                used.bracket = true;
                component = component.or(Some((at + 1, end - 1)));
                at = end;
                continue;
            }
            let end = word_end(text, at);
            let word = &text[at..end];
            if !word.is_empty()
                && word.iter().all(u8::is_ascii_digit)
                && component.is_none()
                && end < text.len()
            {
                at = end;
                continue;
            }
            if self.tag
                && let [name @ .., b':' | b']'] = word
                && is_name(name)
            {
                used.tag = true;
                return (Some((at, end - 1)), end);
            }
            // `logger          : message`, padded.
            if self.tag && is_name(word) && padded_colon(text, end).is_some() {
                used.tag = true;
                return (Some((at, end)), padded_colon(text, end).unwrap_or(end));
            }
            if self.named && is_name(word) && word.contains(&b'.') && text.get(end..end + 2) == Some(b" [") {
                used.named = true;
                component = Some((at, end));
                at = end;
                continue;
            }
            if self.padded && is_name(word) && !word.is_empty() && text[end..].starts_with(b"   ") {
                used.padded = true;
                return (Some((at, end)), end);
            }
            if self.dashed
                && let Some(end) = dashed(text, at)
            {
                used.dashed = true;
                return (component.or(Some((at, end))), end + 3);
            }
            break;
        }
        (component, at)
    }
}

/// Spaces, and a dash or a bar or a colon that stands between columns.
fn skip_separators(text: &[u8], mut at: usize) -> usize {
    loop {
        match text.get(at) {
            Some(b' ' | b'\t') => at += 1,
            Some(b'-' | b'|' | b':') if matches!(text.get(at + 1), None | Some(b' ' | b'\t')) => at += 1,
            Some(b'-') if text[at..].starts_with(b"--- ") => at += 3,
            _ => return at,
        }
    }
}

/// Where the message begins behind a name that a colon follows after spaces.
fn padded_colon(text: &[u8], end: usize) -> Option<usize> {
    let spaces = text[end..].iter().position(|&byte| byte != b' ')?;
    let at = end + spaces;
    (spaces > 0 && text[at..].starts_with(b": ")).then_some(at + 1)
}

/// A word that may be a component's name.
pub(super) fn is_name(word: &[u8]) -> bool {
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.$/#[]():@<>*".contains(byte);
    word.len() <= LONGEST_COMPONENT
        && word.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_.[<(".contains(byte))
        && word.iter().all(inner)
}

/// The end of a component that ` - ` follows, at most two words long.
fn dashed(text: &[u8], at: usize) -> Option<usize> {
    const LONGEST: usize = 64;
    let near = &text[at..text.len().min(at + LONGEST)];
    let dash = memchr::memmem::find(near, b" - ")?;
    let words = near[..dash].iter().filter(|&&byte| byte == b' ').count();
    (dash > 0 && words <= 1 && is_name(near[..dash].split(|&byte| byte == b' ').next()?)).then_some(at + dash)
}

/// Behind a bar: short fields without spaces, each ended by a bar. Returns the end of the
/// first and where the message begins.
fn piped(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut begins = at + 1;
    let mut first = None;
    for _ in 0..MOST_COLUMNS {
        let bar = text[begins..].iter().take(LONGEST_COMPONENT).position(|&byte| byte == b'|');
        let Some(bar) = bar else { break };
        if text[begins..begins + bar].contains(&b' ') {
            break;
        }
        first = first.or(Some(begins + bar));
        begins += bar + 1;
    }
    Some((first?, begins))
}

/// A line of a log without times: a level may stand at its start (`ERROR: …`, `[warn] …`,
/// `ERROR:root:…`, `error[E0308]: …`).
pub(super) fn bare(line: &[u8]) -> Option<Entry<'_>> {
    let word = &line[..word_end(line, 0)];
    if let Some(level) = Level::column(word) {
        let message = line[word.len()..].trim_ascii_start();
        return Some(Entry { level: Some(level), message: Cow::Borrowed(message), ..Entry::plain(line) });
    }
    let level_end = line.iter().take(16).position(|byte| matches!(byte, b':' | b'[' | b'('));
    let level = level_end.and_then(|end| Level::of(&line[..end]));
    let digit = line.first().is_some_and(u8::is_ascii_digit);
    Some(Entry { level: level.filter(|_| !digit), ..Entry::plain(line) })
}
