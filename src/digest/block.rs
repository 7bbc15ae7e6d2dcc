//! Whole lines of a log, a few hundred kilobytes at once, counted by their shapes. Blocks
//! know nothing of each other, so that they are counted on all cores.

use std::ops::Range;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::layout::{Entry, Layout, Record};
use super::level::Level;
use super::shape::shape;
use super::stamp::Reference;
use super::timeline::Timeline;
use super::trouble::{is_exception, opens_crash, tone};

/// Whole lines of one source.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) source: usize,
    pub(super) layout: Arc<Layout>,
    pub(super) reference: Reference,
    pub(super) bytes: Vec<u8>,
    /// Bytes of the source that these stand for: more, where a line is too long.
    pub(super) raw: u64,
}

/// The entries of a block that have one shape.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) shape: Box<[u8]>,
    pub(super) count: u64,
    /// The first line, counted from 0 within the block, and where it is.
    pub(super) first_line: u64,
    pub(super) first: Range<usize>,
    /// The first entry that has the worst level: number and place.
    pub(super) loud: (u64, Range<usize>),
    pub(super) component: Range<usize>,
    pub(super) last_line: u64,
    pub(super) first_ms: Option<i64>,
    pub(super) last_ms: Option<i64>,
    /// The worst that an entry said of itself.
    pub(super) level: Option<Level>,
    pub(super) timeline: Timeline,
    /// Lines behind the first entry that name exceptions: numbers within the block, places.
    pub(super) trace: Vec<(u64, Range<usize>)>,
}

/// What is in a block.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) source: usize,
    pub(super) bytes: Vec<u8>,
    pub(super) raw: u64,
    pub(super) lines: u64,
    pub(super) entries: u64,
    /// In the order of their first lines.
    pub(super) kinds: Vec<Kind>,
    /// Entries by level; the last is for those that say none.
    pub(super) levels: [u64; Level::ALL.len() + 1],
    pub(super) volume: Timeline,
    pub(super) errors: Timeline,
    pub(super) span: Option<(i64, i64)>,
    /// Times that named their year, and those that named their zone.
    pub(super) yeared: u64,
    pub(super) zoned: u64,
    pub(super) stamped: u64,
}

/// Lines of a trace that are kept: the exception and what caused it.
const MOST_TRACE: usize = 8;

/// What the lines that follow belong to, where their look alone doesn't tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    /// A Python traceback: it ends with the line that isn't indented.
    Traceback,
    /// Goroutines' stacks: calls, and places that are indented.
    Goroutines,
}

/// Reads lines one by one, and says which of them begin an entry.
pub(super) struct Heads<'a> {
    layout: &'a Layout,
    reference: Reference,
    within: Within,
    began: bool,
    record: Record,
}

impl<'a> Heads<'a> {
    pub(super) fn new(layout: &'a Layout, reference: Reference) -> Self {
        Self { layout, reference, within: Within::Nothing, began: false, record: Record::default() }
    }

    /// The entry that this line begins; `None`: it goes on with the one before.
    pub(super) fn read<'l>(&mut self, line: &'l [u8]) -> Option<Entry<'l>> {
        if *self.layout == Layout::Export {
            return self.record.read(line);
        }
        if self.within == Within::Goroutines && !is_of_stack(line) {
            self.within = Within::Nothing;
        }
        let entry = if self.layout.has_heads() {
            match self.layout.read(line, self.reference) {
                Some(entry) => Some(entry),
                None if self.stands_alone(line) => Layout::Plain.read(line, self.reference),
                None => None,
            }
        } else if self.began && self.goes_on(line) {
            None
        } else {
            self.layout.read(line, self.reference)
        };
        if line.starts_with(b"Traceback (most recent call last)") {
            self.within = Within::Traceback;
        } else if line.starts_with(b"goroutine ") {
            self.within = Within::Goroutines;
        } else if entry.is_some() || (self.within == Within::Traceback && !is_indented(line)) {
            self.within = Within::Nothing;
        }
        self.began |= entry.is_some();
        entry
    }

    /// Whether this line begins an entry whatever stands before it: blocks may begin here.
    pub(super) fn begins(layout: &Layout, reference: Reference, line: &[u8]) -> bool {
        if *layout == Layout::Export {
            return line.starts_with(b"__CURSOR=");
        }
        match layout.has_heads() {
            true => layout.read(line, reference).is_some(),
            false => !Heads::new(layout, reference).goes_on(line),
        }
    }

    /// In a log whose entries have headers, a line without one that reports trouble.
    fn stands_alone(&self, line: &[u8]) -> bool {
        if line.is_empty() || is_indented(line) || self.within != Within::Nothing {
            return false;
        }
        opens_crash(line)
            || (!is_exception(line) && tone(line).level.is_some_and(|level| level >= Level::Error))
    }

    /// In a log without headers, a line that belongs to the one before it.
    fn goes_on(&self, line: &[u8]) -> bool {
        line.is_empty()
            || is_indented(line)
            || self.within != Within::Nothing
            || matches!(line.first(), Some(b'}' | b']' | b')'))
            || line.starts_with(b"at ")
            || line.starts_with(b"... ")
            || line.starts_with(b"Caused by")
            || line.starts_with(b"goroutine ")
    }
}

/// Whether a line may stand in a goroutine's stack: `main.run(0x1, 0x2)`, `created by …`.
fn is_of_stack(line: &[u8]) -> bool {
    line.is_empty()
        || is_indented(line)
        || line.starts_with(b"goroutine ")
        || line.starts_with(b"created by ")
        || (line.ends_with(b")")
            && !line[..line.iter().position(|&byte| byte == b'(').unwrap_or(0)].contains(&b' '))
}

fn is_indented(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

/// The lines of a text with their places, without their ends.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        (at < bytes.len()).then(|| {
            let start = at;
            let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |found| start + found);
            at = end + 1;
            let end = if end > start && bytes[end - 1] == b'\r' { end - 1 } else { end };
            start..end
        })
    })
}

/// Counts a block.
pub(super) fn count(block: Block) -> Counted {
    let mut counted = Counted { source: block.source, raw: block.raw, ..Counted::default() };
    let mut numbers: FxHashMap<Box<[u8]>, u32> = FxHashMap::default();
    let mut scratch = Vec::with_capacity(256);
    let mut heads = Heads::new(&block.layout, block.reference);
    let mut current: Option<u32> = None;
    for place in lines(&block.bytes) {
        let line = &block.bytes[place.clone()];
        let number = counted.lines;
        counted.lines += 1;
        match heads.read(line) {
            Some(entry) => {
                shape(&entry.message, &mut scratch);
                let kind = match numbers.get(scratch.as_slice()) {
                    Some(kind) => *kind,
                    None => {
                        let kind = counted.kinds.len() as u32;
                        numbers.insert(scratch.as_slice().into(), kind);
                        let component = within(&block.bytes, entry.component);
                        counted.kinds.push(Kind::new(&scratch, number, place.clone(), component));
                        kind
                    }
                };
                counted.take(&entry, kind as usize, number, place);
                current = Some(kind);
            }
            None => {
                if let Some(kind) = current.map(|kind| &mut counted.kinds[kind as usize])
                    && kind.count == 1
                    && kind.trace.len() < MOST_TRACE
                    && is_exception(line)
                {
                    kind.trace.push((number, place));
                }
            }
        }
    }
    counted.bytes = block.bytes;
    counted
}

/// Where a part of the bytes lies in them; empty where it was made elsewhere.
fn within(bytes: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).wrapping_sub(bytes.as_ptr() as usize);
    match start.checked_add(part.len()) {
        Some(end) if end <= bytes.len() && !part.is_empty() => start..end,
        _ => 0..0,
    }
}

impl Kind {
    fn new(shape: &[u8], line: u64, place: Range<usize>, component: Range<usize>) -> Self {
        Self {
            shape: shape.into(),
            count: 0,
            first_line: line,
            loud: (line, place.clone()),
            first: place,
            component,
            last_line: line,
            first_ms: None,
            last_ms: None,
            level: None,
            timeline: Timeline::default(),
            trace: Vec::new(),
        }
    }
}

impl Counted {
    fn take(&mut self, entry: &Entry<'_>, kind: usize, number: u64, place: Range<usize>) {
        self.entries += 1;
        let level = entry.level.map_or(Level::ALL.len(), |level| level as usize);
        self.levels[level] += 1;
        let kind = &mut self.kinds[kind];
        kind.count += 1;
        kind.last_line = number;
        if entry.level > kind.level {
            kind.level = entry.level;
            kind.loud = (number, place);
        }
        let Some(stamp) = entry.stamp else { return };
        let ms = stamp.ms;
        kind.first_ms = kind.first_ms.or(Some(ms));
        kind.last_ms = Some(ms);
        kind.timeline.add(ms);
        self.volume.add(ms);
        if entry.level >= Some(Level::Error) {
            self.errors.add(ms);
        }
        self.stamped += 1;
        self.yeared += u64::from(stamp.yeared);
        self.zoned += u64::from(stamp.zoned);
        self.span = Some(self.span.map_or((ms, ms), |(from, to)| (from.min(ms), to.max(ms))));
    }
}
