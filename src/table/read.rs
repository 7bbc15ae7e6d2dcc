//! The rows of a table, one after the other, in the order of the file.
//!
//! Every pass over a content finds the same rows, numbers and columns. Nothing is kept but
//! the row that is being looked at.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;

use super::json::{self, Element};
use super::sniff::{Delimited, Shape};
use crate::text::{boundary_before, printable, thousands, utf16};

/// The most columns of a table; cells behind them are left out, and it is said.
pub const MOST_COLUMNS: usize = 500;

/// The longest cell, in bytes; longer ones are cut, and it is said.
pub const MOST_CELL: usize = 64 * 1024;

/// The longest name of a column, in bytes.
const MOST_NAME: usize = 64;

/// What a cell holds; `None`: it is empty, or not there.
pub(super) type Cell<'a> = Option<Cow<'a, str>>;

/// A row that is being looked at.
pub(super) struct Row<'r, 'a> {
    /// Its number, from 1: the first row below the names.
    pub(super) number: u64,
    /// The line of the file in which it begins, from 1; 0 where that says nothing.
    pub(super) line: u64,
    /// Its cells; those that are missing at the end are not there.
    pub(super) cells: &'r [Cell<'a>],
}

/// What was met on the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Met {
    /// The names in the file, as they are written; columns found later have none.
    pub(super) names: Vec<String>,
    /// How many columns there are, with those that are left out.
    pub(super) columns: usize,
    /// Rows with fewer cells than names.
    pub(super) short: u64,
    /// Rows with more.
    pub(super) long: u64,
    /// Cells that were cut.
    pub(super) cut: u64,
    /// The first row with such a cell.
    pub(super) first_cut: u64,
    /// Entries that are no objects.
    pub(super) odd: u64,
    /// Not all was UTF-8.
    pub(super) stray: bool,
    /// JSON that ends in the middle.
    pub(super) broken: bool,
}

/// A content as text, and what was done for that.
pub(super) fn decoded(bytes: &[u8]) -> (Cow<'_, [u8]>, Option<String>) {
    match utf16(bytes) {
        Some(text) => (text.into_bytes().into(), Some("converted from UTF-16".to_owned())),
        None => (bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).into(), None),
    }
}

type Visit<'v> = &'v mut dyn FnMut(&Row<'_, '_>) -> ControlFlow<()>;

/// Visits every row until told to stop.
pub(super) fn each(shape: &Shape, text: &[u8], visit: Visit<'_>) -> Met {
    match shape {
        Shape::Delimited(how) => records(how, text, visit),
        Shape::JsonArray | Shape::JsonWrapped | Shape::JsonLines => {
            let text = String::from_utf8_lossy(text);
            let mut objects = Objects::new(visit);
            objects.met.stray = matches!(text, Cow::Owned(_));
            match shape {
                Shape::JsonLines => objects.lines(&text),
                Shape::JsonWrapped => objects.array(json::wrapped(&text).unwrap_or_default()),
                _ => objects.array(&text),
            }
            objects.met.columns = objects.met.names.len() + objects.beyond;
            objects.met
        }
    }
}

fn records(how: &Delimited, text: &[u8], visit: Visit<'_>) -> Met {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(how.delimiter)
        .quoting(how.quoting)
        .from_reader(text);
    let (mut met, mut record, mut number) = (Met::default(), csv::ByteRecord::new(), 0);
    let mut ahead = how.skip + usize::from(how.header);
    // From memory, whatever the bytes: nothing fails.
    while let Ok(true) = reader.read_byte_record(&mut record) {
        if ahead > 0 {
            ahead -= 1;
            if ahead == 0 && how.header {
                met.names = record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
                met.columns = record.len();
            }
            continue;
        }
        number += 1;
        if number == 1 && !how.header {
            met.columns = record.len();
        }
        let named = if how.header { met.names.len() } else { met.columns };
        met.short += u64::from(record.len() < named);
        met.long += u64::from(record.len() > named);
        met.columns = met.columns.max(record.len());
        let cells: Vec<Cell<'_>> = record
            .iter()
            .take(MOST_COLUMNS)
            .map(|cell| of_record(cell, how.trim, number, &mut met))
            .collect();
        let line = record.position().map_or(0, |at| line_of(text, at));
        if visit(&Row { number, line, cells: &cells }).is_break() {
            break;
        }
    }
    met
}

fn of_record<'a>(cell: &'a [u8], trim: bool, number: u64, met: &mut Met) -> Cell<'a> {
    let text = String::from_utf8_lossy(cell);
    met.stray |= matches!(text, Cow::Owned(_));
    let text = match (trim, text) {
        (true, Cow::Borrowed(text)) => Cow::Borrowed(text.trim_matches(' ')),
        (true, Cow::Owned(text)) => Cow::Owned(text.trim_matches(' ').to_owned()),
        (false, text) => text,
    };
    bounded(text, number, met)
}

fn bounded<'a>(text: Cow<'a, str>, number: u64, met: &mut Met) -> Cell<'a> {
    if text.is_empty() {
        return None;
    }
    if text.len() <= MOST_CELL {
        return Some(text);
    }
    met.cut += 1;
    met.first_cut = if met.first_cut == 0 { number } else { met.first_cut };
    let end = boundary_before(&text, MOST_CELL);
    Some(match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(text) => Cow::Owned(text[..end].to_owned()),
    })
}

/// The line in which a record begins: its position may be that of empty lines before it.
fn line_of(text: &[u8], at: &csv::Position) -> u64 {
    let from = usize::try_from(at.byte()).unwrap_or(text.len()).min(text.len());
    let ends = text[from..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
    at.line() + ends.filter(|byte| **byte == b'\n').count() as u64
}

/// Objects on their way to rows: their keys are the columns, in the order in which they come.
struct Objects<'v> {
    met: Met,
    places: HashMap<String, usize>,
    /// Different keys that came after the most columns, at least.
    beyond: usize,
    number: u64,
    visit: Visit<'v>,
}

impl<'v> Objects<'v> {
    fn new(visit: Visit<'v>) -> Self {
        Self { met: Met::default(), places: HashMap::new(), beyond: 0, number: 0, visit }
    }

    fn array(&mut self, text: &str) {
        let read = json::each_of_array(text, &mut |element| self.take(element, 0));
        self.met.broken = read.is_err();
    }

    fn lines(&mut self, text: &str) {
        for (at, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            if self.take(serde_json::from_str(line).ok(), at as u64 + 1).is_break() {
                break;
            }
        }
    }

    fn take(&mut self, element: Option<Element<'_>>, line: u64) -> ControlFlow<()> {
        let Some(Element(pairs)) = element else {
            self.met.odd += 1;
            return ControlFlow::Continue(());
        };
        self.number += 1;
        let mut cells: Vec<Cell<'_>> = vec![None; self.met.names.len()];
        for (key, value) in pairs {
            let place = match self.places.get(key.as_ref()) {
                Some(place) => *place,
                None if self.met.names.len() >= MOST_COLUMNS => {
                    self.beyond = 1;
                    continue;
                }
                None => {
                    self.met.names.push(key.to_string());
                    self.places.insert(key.into_owned(), self.met.names.len() - 1);
                    self.met.names.len() - 1
                }
            };
            cells.resize(cells.len().max(place + 1), None);
            cells[place] = json::cell(value).and_then(|cell| bounded(cell, self.number, &mut self.met));
        }
        (self.visit)(&Row { number: self.number, line, cells: &cells })
    }
}

impl Met {
    /// How many columns are kept.
    pub(super) fn kept(&self) -> usize {
        self.columns.min(MOST_COLUMNS)
    }

    /// The columns' names for SQL: each once, none empty, `row` being percept's own.
    pub(super) fn unique_names(&self) -> Vec<String> {
        let mut taken = std::collections::HashSet::from(["row".to_owned(), "rowid".to_owned()]);
        (0..self.kept())
            .map(|at| {
                let written = self.names.get(at).map_or(String::new(), |name| clean(name));
                let name = if written.is_empty() { format!("column_{}", at + 1) } else { written };
                unique(&name, &mut taken)
            })
            .collect()
    }

    /// What is to be said of it.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let mut say = |count: u64, words: &str| {
            if count > 0 {
                let (rows, have) = if count == 1 { ("row", "has") } else { ("rows", "have") };
                notes.push(format!("{} {rows} {have} {words}", thousands(count)));
            }
        };
        say(self.short, "fewer cells than there are columns");
        say(self.long, "more cells than there are names");
        if self.columns > MOST_COLUMNS {
            notes.push(format!("only the first {MOST_COLUMNS} columns are kept"));
        }
        if self.cut > 0 {
            notes.push(format!(
                "cells of more than {} are cut, the first in row {}: a quote may never be closed there",
                crate::text::size(MOST_CELL as u64),
                self.first_cut
            ));
        }
        if self.odd > 0 {
            notes.push(format!("{} entries are no JSON objects and left out", thousands(self.odd)));
        }
        if self.stray {
            notes.push("bytes that are not UTF-8 became \u{fffd}".to_owned());
        }
        notes
    }
}

/// A name on one line, without control characters.
fn clean(name: &str) -> String {
    let plain = printable(&name.split_whitespace().collect::<Vec<_>>().join(" "));
    plain[..boundary_before(&plain, MOST_NAME)].trim().to_owned()
}

/// The name, with a number behind it where it is taken: SQL knows no upper and lower case.
pub(super) fn unique(name: &str, taken: &mut std::collections::HashSet<String>) -> String {
    let candidates =
        std::iter::once(name.to_owned()).chain((2..).map(|number: u32| format!("{name}_{number}")));
    let mut free = candidates.filter(|candidate| taken.insert(candidate.to_lowercase()));
    free.next().unwrap_or_else(|| name.to_owned())
}
