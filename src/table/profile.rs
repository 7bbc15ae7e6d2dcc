//! What the columns of a table hold: their kinds, ranges and most frequent values.
//!
//! One pass, and within bounds whatever the table: what is counted of many different values
//! ends at a number, and a median of very many is that of an even share of them.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use super::read::{self, Cell, Met, Row};
use super::sniff::Shape;
use super::value::{Kind, Tally};
use crate::text::boundary_before;

/// Of more different values than these it is only known that there are more.
pub const MOST_DISTINCT: usize = 1_000;

/// The same, by the bytes of the values.
const MOST_DISTINCT_BYTES: usize = 128 * 1024;

/// How many rows pass between two looks at whether it was stopped.
pub(super) const ROWS_AT_ONCE: u64 = 1_024;

/// How many of the most frequent values are told.
const FREQUENT: usize = 5;

/// How many different values are told of a column where none is frequent.
const SAMPLES: usize = 3;

/// The longest value that is told, in bytes.
const MOST_TOLD: usize = 60;

/// A median is exact up to so many values.
const MOST_VALUES: usize = 32 * 1024;

/// What a column holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in SQL.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
    /// Rows with a value.
    pub filled: u64,
    /// Rows without a value.
    pub empty: u64,
    /// Values such as `N/A` in a column of another kind: there is none in SQL either.
    pub missing: u64,
    /// How many different values there are; `None`: more than [`MOST_DISTINCT`].
    pub distinct: Option<usize>,
    /// The least number or earliest date, as it is written.
    pub least: Option<String>,
    /// The greatest number or latest date, as it is written.
    pub greatest: Option<String>,
    /// The mean of numbers.
    pub mean: Option<f64>,
    /// The median of numbers, and whether it is exact.
    pub median: Option<(f64, bool)>,
    /// The most frequent values, with how often they are there; none where all are different.
    pub frequent: Vec<(String, u64)>,
    /// The first different values.
    pub samples: Vec<String>,
    /// The longest value, in bytes.
    pub longest: usize,
    /// Of a column of text, how many values are numbers.
    pub numbers: u64,
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Profile {
    pub(super) columns: Vec<Column>,
    pub(super) rows: u64,
    /// Rows lie in other lines than their numbers say: some are longer than a line.
    pub(super) lines_differ: bool,
    /// The first rows, as many as fit.
    pub(super) head: Vec<Vec<String>>,
    pub(super) met: Met,
}

/// Looks through a table, until it is stopped; `head` is how many bytes of first rows are kept.
pub(super) fn profile(shape: &Shape, text: &[u8], head: usize, stop: &AtomicBool) -> Profile {
    let mut columns: Vec<Growing> = Vec::new();
    let (mut rows, mut offset, mut lines_differ) = (0, None, false);
    let mut first = Head { rows: Vec::new(), room: Some(head) };
    let met = read::each(shape, text, &mut |row: &Row<'_, '_>| {
        rows = row.number;
        let ahead = row.line.saturating_sub(row.number);
        lines_differ |= *offset.get_or_insert(ahead) != ahead;
        columns.resize_with(columns.len().max(row.cells.len()), Growing::default);
        for (column, cell) in columns.iter_mut().zip(row.cells) {
            if let Some(value) = cell {
                column.add(value);
            }
        }
        first.add(row.cells);
        match row.number.is_multiple_of(ROWS_AT_ONCE) && stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    columns.resize_with(met.kept(), Growing::default);
    let named = met.unique_names().into_iter().zip(columns);
    let columns = named.map(|(name, column)| column.settled(name, rows)).collect();
    Profile { columns, rows, lines_differ, head: first.rows, met }
}

/// The first rows, as long as they fit.
struct Head {
    rows: Vec<Vec<String>>,
    /// Bytes that are left; `None`: one did not fit.
    room: Option<usize>,
}

impl Head {
    fn add(&mut self, cells: &[Cell<'_>]) {
        let bytes: usize = cells.iter().map(|cell| cell.as_deref().map_or(0, str::len) + 1).sum();
        self.room = self.room.and_then(|room| room.checked_sub(bytes));
        if self.room.is_some() {
            self.rows.push(cells.iter().map(|cell| cell.as_deref().unwrap_or_default().to_owned()).collect());
        }
    }
}

/// A column that is being looked through.
#[derive(Default)]
struct Growing {
    tally: Tally,
    filled: u64,
    longest: usize,
    distinct: Distinct,
    numbers: Numbers,
    dates: Option<(String, String)>,
}

impl Growing {
    fn add(&mut self, value: &str) {
        self.filled += 1;
        self.longest = self.longest.max(value.len());
        match self.tally.add(value) {
            Kind::Integer | Kind::Real => self.numbers.add(value.trim()),
            Kind::Date | Kind::DateTime => match &mut self.dates {
                None => self.dates = Some((value.to_owned(), value.to_owned())),
                Some((least, _)) if value < least.as_str() => *least = value.to_owned(),
                Some((_, greatest)) if value > greatest.as_str() => *greatest = value.to_owned(),
                Some(_) => {}
            },
            Kind::Boolean | Kind::Json | Kind::Text => {}
        }
        self.distinct.add(value);
    }

    fn settled(self, name: String, rows: u64) -> Column {
        let kind = self.tally.kind();
        let range = match kind {
            Kind::Integer | Kind::Real => self.numbers.range(),
            Kind::Date | Kind::DateTime => self.dates,
            Kind::Boolean | Kind::Json | Kind::Text => None,
        };
        let missing = if kind == Kind::Text { 0 } else { self.tally.missing };
        let (least, greatest) = range.unzip();
        Column {
            name,
            kind,
            filled: self.filled,
            empty: rows - self.filled,
            missing,
            distinct: self.distinct.count(),
            least,
            greatest,
            mean: kind.is_number().then(|| self.numbers.mean()).flatten(),
            median: kind.is_number().then(|| self.numbers.median()).flatten(),
            frequent: self.distinct.frequent(),
            samples: self.distinct.samples,
            longest: self.longest,
            numbers: if kind == Kind::Text { self.tally.numbers() } else { 0 },
        }
    }
}

/// Different values, as long as they are few.
struct Distinct {
    /// `None`: there are too many.
    counts: Option<HashMap<String, u64>>,
    bytes: usize,
    samples: Vec<String>,
}

impl Default for Distinct {
    fn default() -> Self {
        Self { counts: Some(HashMap::new()), bytes: 0, samples: Vec::new() }
    }
}

impl Distinct {
    fn add(&mut self, value: &str) {
        let Some(counts) = &mut self.counts else { return };
        if let Some(count) = counts.get_mut(value) {
            *count += 1;
            return;
        }
        if self.samples.len() < SAMPLES {
            self.samples.push(told(value));
        }
        self.bytes += value.len();
        if counts.len() >= MOST_DISTINCT || self.bytes > MOST_DISTINCT_BYTES {
            self.counts = None;
            return;
        }
        counts.insert(value.to_owned(), 1);
    }

    fn count(&self) -> Option<usize> {
        self.counts.as_ref().map(HashMap::len)
    }

    fn frequent(&self) -> Vec<(String, u64)> {
        let Some(counts) = &self.counts else { return Vec::new() };
        let mut sorted: Vec<(&String, &u64)> = counts.iter().collect();
        sorted.sort_unstable_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        match sorted.first() {
            Some((_, 2..)) => {
                sorted.into_iter().take(FREQUENT).map(|(value, count)| (told(value), *count)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A value as it is told: not all of a long one.
fn told(value: &str) -> String {
    match value.len() > MOST_TOLD {
        true => format!("{}…", &value[..boundary_before(value, MOST_TOLD)]),
        false => value.to_owned(),
    }
}

/// Numbers, with an even share of them kept for the median.
#[derive(Default)]
struct Numbers {
    count: u64,
    sum: f64,
    range: Option<((f64, String), (f64, String))>,
    kept: Vec<f64>,
    /// One of 2 to the power of this is kept.
    halved: u32,
}

impl Numbers {
    fn add(&mut self, written: &str) {
        let Ok(value) = written.parse::<f64>() else { return };
        let this = || (value, written.to_owned());
        match &mut self.range {
            None => self.range = Some((this(), this())),
            Some((least, _)) if value < least.0 => *least = this(),
            Some((_, greatest)) if value > greatest.0 => *greatest = this(),
            Some(_) => {}
        }
        if self.count.is_multiple_of(1 << self.halved) {
            self.kept.push(value);
        }
        self.count += 1;
        self.sum += value;
        if self.kept.len() > MOST_VALUES {
            let mut odd = false;
            self.kept.retain(|_| {
                odd = !odd;
                odd
            });
            self.halved += 1;
        }
    }

    fn range(&self) -> Option<(String, String)> {
        self.range.as_ref().map(|(least, greatest)| (least.1.clone(), greatest.1.clone()))
    }

    fn mean(&self) -> Option<f64> {
        (self.count > 0 && self.sum.is_finite()).then(|| self.sum / self.count as f64)
    }

    fn median(&self) -> Option<(f64, bool)> {
        let mut values = self.kept.clone();
        values.sort_unstable_by(f64::total_cmp);
        let upper = *values.get(values.len() / 2)?;
        let middle = match values.len().is_multiple_of(2) {
            true => values[values.len() / 2 - 1].midpoint(upper),
            false => upper,
        };
        Some((middle, self.halved == 0))
    }
}

/// The name of the column that holds a row's line, where the names don't have it already.
pub(super) fn line_name(columns: &[Column]) -> String {
    let mut taken: HashSet<String> = columns.iter().map(|column| column.name.to_lowercase()).collect();
    read::unique("line", &mut taken)
}
