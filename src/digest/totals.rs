//! What was counted of all blocks, merged in the order of reading.

use std::sync::Arc;

use super::block::{Counted, lines};
use super::layout::Layout;
use super::learn::Patience;
use super::level::Level;
use super::miner::{Miner, Quoted};
use super::model::Mark;
use super::timeline::Timeline;

/// Last lines that are kept.
const TAIL_LINES: usize = 16;

/// Places by line that are kept of a source, to seek to.
const MOST_MARKS: usize = 4096;

/// What is known of a source that was read.
#[derive(Debug, Clone, Default)]
pub(super) struct SourceTotals {
    pub(super) lines: u64,
    pub(super) bytes: u64,
    pub(super) span: Option<(i64, i64)>,
    pub(super) errors: u64,
    pub(super) layout: Arc<Layout>,
    /// Lines that were longer than a block, of which the end is missing.
    pub(super) long_lines: u64,
    pub(super) notes: Vec<String>,
    pub(super) marks: Vec<Mark>,
}

/// Everything that was counted.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) sources: Vec<SourceTotals>,
    pub(super) entries: u64,
    pub(super) levels: [u64; Level::ALL.len() + 1],
    pub(super) volume: Timeline,
    pub(super) errors: Timeline,
    pub(super) stamped: u64,
    pub(super) yeared: u64,
    pub(super) zoned: u64,
    pub(super) tail: Vec<Quoted>,
    /// The latest time of the source that the tail is of.
    tail_ms: Option<i64>,
    pub(super) miner: Miner,
}

impl Totals {
    pub(super) fn source(&mut self, number: usize) -> &mut SourceTotals {
        if self.sources.len() <= number {
            self.sources.resize_with(number + 1, SourceTotals::default);
        }
        &mut self.sources[number]
    }

    /// Takes what was counted of the next block.
    pub(super) fn take(&mut self, counted: Counted, patience: &Patience<'_>) {
        let source = self.source(counted.source);
        let first_line = source.lines + 1;
        source.marks.push(Mark { line: first_line, at: source.bytes, span: counted.span });
        if source.marks.len() > MOST_MARKS {
            source.marks = source.marks.chunks(2).filter_map(joined).collect();
        }
        source.lines += counted.lines;
        source.bytes += counted.raw;
        source.errors += loud(&counted.levels);
        source.span = both(source.span, counted.span);
        self.entries += counted.entries;
        for (sum, count) in self.levels.iter_mut().zip(counted.levels) {
            *sum += count;
        }
        self.volume.merge(&counted.volume);
        self.errors.merge(&counted.errors);
        self.stamped += counted.stamped;
        self.yeared += counted.yeared;
        self.zoned += counted.zoned;
        self.keep_tail(&counted, first_line);
        self.miner.take(counted, first_line, patience);
    }

    /// The last lines of the source that was written last.
    fn keep_tail(&mut self, counted: &Counted, first_line: u64) {
        let last_ms = counted.span.map(|(_, last)| last);
        if last_ms.is_some() && last_ms < self.tail_ms {
            return;
        }
        self.tail_ms = last_ms.or(self.tail_ms);
        if self.tail.last().is_some_and(|line| line.source != counted.source) {
            self.tail.clear();
        }
        let end = counted.bytes.len();
        let mut start = end;
        for _ in 0..=TAIL_LINES {
            let Some(at) = memchr::memrchr(b'\n', &counted.bytes[..start.saturating_sub(1)]) else {
                start = 0;
                break;
            };
            start = at + 1;
        }
        let tail: Vec<_> = lines(&counted.bytes[start..]).collect();
        let before = counted.lines.saturating_sub(tail.len() as u64);
        for (number, place) in (first_line + before..).zip(tail) {
            let text = &counted.bytes[start + place.start..start + place.end];
            self.tail.push(Quoted::of(counted.source, number, text));
        }
        let surplus = self.tail.len().saturating_sub(TAIL_LINES);
        self.tail.drain(..surplus);
    }

    pub(super) fn lines(&self) -> u64 {
        self.sources.iter().map(|source| source.lines).sum()
    }

    /// Entries that say that they are errors or worse.
    pub(super) fn loud(&self) -> u64 {
        loud(&self.levels)
    }
}

fn loud(levels: &[u64]) -> u64 {
    levels[Level::Error as usize] + levels[Level::Fatal as usize]
}

/// Two neighbouring marks as one.
fn joined(pair: &[Mark]) -> Option<Mark> {
    let first = *pair.first()?;
    let span = pair.iter().fold(None, |span, mark| both(span, mark.span));
    Some(Mark { span, ..first })
}

/// From the earlier start to the later end.
pub(super) fn both(one: Option<(i64, i64)>, other: Option<(i64, i64)>) -> Option<(i64, i64)> {
    match (one, other) {
        (Some((from, to)), Some((first, last))) => Some((from.min(first), to.max(last))),
        (one, other) => one.or(other),
    }
}
