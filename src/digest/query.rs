//! Questions to the raw lines of a log: by template, level, time, pattern, place. The log
//! is streamed from where its marks say that the answer may begin; it is never in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};

use regex::bytes::Regex;

use super::block::{Heads, lines};
use super::fill::Filler;
use super::input::{InputError, Source};
use super::layout::{Entry, Layout};
use super::level::Level;
use super::matcher::Matcher;
use super::miner::Quoted;
use super::model::{LogDigest, Mark, Quote};
use super::scan::learn_layout;
use super::shape::shape;
use super::stamp::Reference;

/// What is asked for. All that is set must hold of an entry.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Of one of these templates.
    pub templates: Vec<u32>,
    /// At this level or worse: what an entry says, or else what its template sounds like.
    pub level: Option<Level>,
    /// Not before this time, in milliseconds.
    pub since: Option<i64>,
    /// Not after this time.
    pub until: Option<i64>,
    /// With a line that this matches.
    pub grep: Option<Regex>,
    /// Lines around these (from 1), whatever else holds: source, line, how many each side.
    pub around: Option<(usize, u64, u64)>,
    /// Entries in intervals of so many milliseconds (at least 1) are counted instead of shown.
    pub count_by: Option<i64>,
    /// At most so many entries are shown; all are counted.
    pub limit: usize,
    /// The last ones are shown, not the first.
    pub last: bool,
}

/// An entry that was found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FoundEntry {
    /// Its line, and those that go on with it.
    pub lines: Vec<Quote>,
    /// How many more go on with it.
    pub more: usize,
    /// Its time in milliseconds.
    pub ms: Option<i64>,
    /// Its template, where that was looked for.
    pub template: Option<u32>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Answer {
    /// The entries that are shown, in the order of the log.
    pub entries: VecDeque<FoundEntry>,
    /// How many were found in all.
    pub found: u64,
    /// Interval starts in milliseconds and counts, in order.
    pub counts: BTreeMap<i64, u64>,
    /// Entries that are counted in no interval: they have no time.
    pub untimed: u64,
    /// What whoever relies on it should know.
    pub notes: Vec<String>,
}

/// Bytes of a line that are looked up.
const LONGEST_LINE: usize = 8 * 1024;

/// Intervals that are counted in.
const MOST_INTERVALS: usize = 10_000;

/// How the note begins that says so.
const WIDENED: &str = "the intervals were widened to ";

/// Lines that go on with an entry and are shown with it.
const MOST_WITH: usize = 40;

/// An entry of a source, with the lines that go on with it.
struct Passing {
    first: u64,
    text: Vec<Vec<u8>>,
    more: usize,
    ms: Option<i64>,
    level: Option<Level>,
    template: Option<u32>,
    matches: bool,
}

/// Answers a query. The sources must still be as the digest knows them; where one isn't,
/// a note says so.
///
/// # Errors
///
/// A source can't be read, or it was stopped.
pub fn query(digest: &LogDigest, query: &Query, stop: &AtomicBool) -> Result<Answer, InputError> {
    let mut answer = Answer::default();
    if let Some((source, line, sides)) = query.around {
        around(digest, source, line, sides, stop, &mut answer)?;
        return Ok(answer);
    }
    let needs_template = !query.templates.is_empty() || query.level.is_some();
    let matcher = needs_template.then(|| matcher(digest));
    let width = query.count_by.unwrap_or(1).max(1);
    let mut search = Search {
        digest,
        query,
        matcher,
        answer,
        width,
        latest: i64::MIN,
        last: BTreeMap::new(),
        scratch: Vec::new(),
    };
    for (number, facts) in digest.sources.iter().enumerate() {
        changed(&facts.source, &mut search.answer.notes);
        search.source(number, stop)?;
    }
    let mut answer = search.answer;
    answer.entries.extend(search.last.into_values());
    if answer.found == 0 && digest.utc && (query.since.is_some() || query.until.is_some()) {
        answer
            .notes
            .push("the times of this log name their zones; those asked for are read as UTC".to_owned());
    }
    Ok(answer)
}

/// Says of every line of a source, in order, its number and the template of its entry;
/// `None`: it stands before the first.
///
/// # Errors
///
/// The source can't be read, it was stopped, or the first error of `each`.
pub fn assign<E: From<InputError>>(
    digest: &LogDigest,
    source: usize,
    stop: &AtomicBool,
    mut each: impl FnMut(u64, Option<u32>) -> Result<(), E>,
) -> Result<(), E> {
    let Some(facts) = digest.sources.get(source) else { return Ok(()) };
    let matcher = matcher(digest);
    let failed = |error| InputError::io(&facts.source.name, error);
    let reference = Reference::at(facts.reference_ms);
    let mut reader = facts.source.open_until(stop)?;
    let mut filler = Filler::new(false);
    let mut layout: Option<Layout> = None;
    let (mut number, mut current, mut scratch) = (0, None, Vec::new());
    while let Some(mut block) = filler.fill(&mut reader).map_err(failed)? {
        let layout = &*layout.get_or_insert_with(|| learn_layout(&block, reference));
        filler.keep_back(&mut block, |line| Heads::begins(layout, reference, line));
        let mut heads = Heads::new(layout, reference);
        for place in lines(&block) {
            number += 1;
            if let Some(entry) = heads.read(&block[place]) {
                shape(&entry.message, &mut scratch);
                current = matcher.id(&scratch);
            }
            each(number, current)?;
        }
    }
    Ok(())
}

/// Of a digest's templates.
fn matcher(digest: &LogDigest) -> Matcher {
    Matcher::new(digest.templates.iter().map(|template| (template.id, template.shape.as_bytes())))
}

fn changed(source: &Source, notes: &mut Vec<String>) {
    let now = std::fs::metadata(&source.path).map(|metadata| metadata.len());
    if now.is_ok_and(|now| now != source.bytes) && !source.once {
        notes.push(format!("{} changed since it was attached: lines may have moved", source.name));
    }
}

struct Search<'a> {
    digest: &'a LogDigest,
    query: &'a Query,
    matcher: Option<Matcher>,
    answer: Answer,
    /// The width of an interval that is counted in, in milliseconds.
    width: i64,
    /// The latest time so far of the source that is read.
    latest: i64,
    /// The last entries by time, source and line, where those are asked for.
    last: BTreeMap<(i64, usize, u64), FoundEntry>,
    scratch: Vec<u8>,
}

impl Search<'_> {
    fn source(&mut self, number: usize, stop: &AtomicBool) -> Result<(), InputError> {
        self.latest = i64::MIN;
        let facts = &self.digest.sources[number];
        let source = &facts.source;
        let failed = |error| InputError::io(&source.name, error);
        let reference = Reference::at(facts.reference_ms);
        // The layout is learnt from the start, as it was when the digest was made.
        let layout = {
            let mut reader = source.open_until(stop)?;
            let block = Filler::new(false).fill(&mut reader).map_err(failed)?;
            learn_layout(&block.unwrap_or_default(), reference)
        };
        let Some((from, end)) = self.range(&facts.marks) else { return Ok(()) };
        let mut reader = source.open_at(from.at, stop)?;
        let mut filler = Filler::new(false);
        let mut line_number = from.line;
        let mut passing: Option<Passing> = None;
        while let Some(mut block) = filler.fill(&mut reader).map_err(failed)? {
            if stop.load(Ordering::Relaxed) {
                return Err(InputError::Stopped);
            }
            // The same blocks as were counted, so that the same lines begin entries.
            filler.keep_back(&mut block, |line| Heads::begins(&layout, reference, line));
            let mut heads = Heads::new(&layout, reference);
            for place in lines(&block) {
                let line = &block[place];
                match heads.read(line) {
                    Some(entry) => {
                        let ended = end.is_some_and(|end| line_number >= end);
                        let next = (!ended).then(|| self.passing(&entry, line_number, line));
                        if let Some(done) = std::mem::replace(&mut passing, next) {
                            self.take(number, done);
                        }
                        if ended {
                            return Ok(());
                        }
                    }
                    None => self.goes_on(&mut passing, line),
                }
                line_number += 1;
            }
        }
        if let Some(done) = passing {
            self.take(number, done);
        }
        Ok(())
    }

    /// Where reading begins, and the line at which it may end; `None`: nothing is in the time
    /// that is asked for. Exact for lines in any order: marks say what times are behind them.
    fn range(&self, marks: &[Mark]) -> Option<(Mark, Option<u64>)> {
        let (since, until) = (self.query.since, self.query.until);
        let beginning = Mark { line: 1, at: 0, span: None };
        if marks.is_empty() || (since, until) == (None, None) {
            return Some((beginning, None));
        }
        let within = |mark: &Mark| {
            mark.span.is_some_and(|(first, last)| {
                since.is_none_or(|since| last >= since) && until.is_none_or(|until| first <= until)
            })
        };
        let first = marks.iter().position(within)?;
        let last = marks.iter().rposition(within)?;
        Some((marks[first], marks.get(last + 1).map(|mark| mark.line)))
    }

    fn passing(&mut self, entry: &Entry<'_>, number: u64, line: &[u8]) -> Passing {
        let template = self.matcher.as_ref().and_then(|matcher| {
            shape(&entry.message, &mut self.scratch);
            matcher.id(&self.scratch)
        });
        Passing {
            first: number,
            text: vec![line.to_vec()],
            more: 0,
            ms: entry.stamp.map(|stamp| stamp.ms),
            level: entry.level,
            template,
            matches: self.query.grep.as_ref().is_none_or(|grep| grep.is_match(line)),
        }
    }

    fn goes_on(&self, passing: &mut Option<Passing>, line: &[u8]) {
        let Some(passing) = passing else { return };
        passing.matches |= self.query.grep.as_ref().is_some_and(|grep| grep.is_match(line));
        match passing.text.len() <= MOST_WITH {
            true => passing.text.push(line.to_vec()),
            false => passing.more += 1,
        }
    }

    fn holds(&self, passing: &Passing) -> bool {
        let query = self.query;
        let known = passing.template.and_then(|id| self.digest.templates.get(id as usize - 1));
        let level = || match passing.level {
            Some(level) => Some(level),
            None => known.map(super::model::Template::severity),
        };
        passing.matches
            && (query.templates.is_empty()
                || passing.template.is_some_and(|id| query.templates.contains(&id)))
            && query.level.is_none_or(|least| level() >= Some(least))
            && query.since.is_none_or(|since| passing.ms.is_some_and(|ms| ms >= since))
            && query.until.is_none_or(|until| passing.ms.is_some_and(|ms| ms <= until))
    }

    fn take(&mut self, source: usize, passing: Passing) {
        if !self.holds(&passing) {
            return;
        }
        self.answer.found += 1;
        if self.query.count_by.is_some() {
            return self.count(passing.ms);
        }
        let full = self.answer.entries.len() >= self.query.limit;
        if full && !self.query.last {
            return;
        }
        let quote =
            |(line, text): (u64, Vec<u8>)| Quote::from(&Quoted::up_to(LONGEST_LINE, source, line, &text));
        let lines = (passing.first..).zip(passing.text).map(quote).collect();
        let Passing { first, more, ms, template, .. } = passing;
        let found = FoundEntry { lines, more, ms, template };
        if !self.query.last {
            return self.answer.entries.push_back(found);
        }
        // Within a source its own order holds, across sources that of time.
        self.latest = self.latest.max(ms.unwrap_or(i64::MIN));
        self.last.insert((self.latest, source, first), found);
        if self.last.len() > self.query.limit {
            self.last.pop_first();
        }
    }

    fn count(&mut self, ms: Option<i64>) {
        let Some(ms) = ms else {
            self.answer.untimed += 1;
            return;
        };
        let counts = &mut self.answer.counts;
        *counts.entry(ms.div_euclid(self.width).saturating_mul(self.width)).or_default() += 1;
        if counts.len() <= MOST_INTERVALS {
            return;
        }
        self.width = self.width.saturating_mul(10);
        for (start, count) in std::mem::take(counts) {
            *counts.entry(start.div_euclid(self.width).saturating_mul(self.width)).or_default() += count;
        }
        let wide = crate::text::duration(self.width);
        self.answer.notes.retain(|note| !note.starts_with(WIDENED));
        self.answer.notes.push(format!("{WIDENED}{wide}: there were too many"));
    }
}

/// The lines around a place.
fn around(
    digest: &LogDigest,
    source: usize,
    line: u64,
    sides: u64,
    stop: &AtomicBool,
    answer: &mut Answer,
) -> Result<(), InputError> {
    let Some(facts) = digest.sources.get(source) else { return Ok(()) };
    changed(&facts.source, &mut answer.notes);
    let failed = |error| InputError::io(&facts.source.name, error);
    let (from, to) = (line.saturating_sub(sides).max(1), line.saturating_add(sides));
    let beginning = Mark { line: 1, at: 0, span: None };
    let mark = facts.marks.iter().rev().find(|mark| mark.line <= from).copied().unwrap_or(beginning);
    let mut reader = facts.source.open_at(mark.at, stop)?;
    let mut filler = Filler::new(false);
    let mut number = mark.line;
    while let Some(block) = filler.fill(&mut reader).map_err(failed)? {
        if stop.load(Ordering::Relaxed) {
            return Err(InputError::Stopped);
        }
        for place in lines(&block) {
            if (from..=to).contains(&number) {
                let line = Quoted::up_to(LONGEST_LINE, source, number, &block[place]);
                let lines = vec![Quote::from(&line)];
                answer.entries.push_back(FoundEntry { lines, more: 0, ms: None, template: None });
            }
            number += 1;
        }
        if number > to {
            break;
        }
    }
    answer.found = answer.entries.len() as u64;
    Ok(())
}
