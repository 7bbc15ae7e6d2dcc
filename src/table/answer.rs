//! The rows that one statement gives, as lines within bounds; what is left out is said.

use std::time::{Duration, Instant};

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, Statement};

use super::query::{Ask, QueryError};
use super::view::tabbed;
use crate::text::{ELLIPSIS, boundary_before, size, thousands};

/// The longest cell of an answer, in bytes; more of it is cut, and it says so.
const MOST_SHOWN: usize = 500;

/// How long rows that are not shown are counted.
const COUNTING: Duration = Duration::from_secs(2);

/// What a statement gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The names of its columns, then its rows: each a line with tabs between cells.
    pub lines: Vec<String>,
    /// How many rows there are in all, and whether that is exact: else there are more.
    pub rows: (u64, bool),
    /// Some cells are cut; each says so.
    pub cut: bool,
}

/// Why a statement gave nothing, before it is put into words.
pub(super) enum Refused {
    /// It is in words already.
    Known(QueryError),
    /// As SQLite says it.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Prepares the one statement and reads its rows.
pub(super) fn answer(connection: &Connection, ask: &Ask<'_>) -> Result<Answer, Refused> {
    let not_one = |why| Err(Refused::Known(QueryError::NotOne(why)));
    if ask.sql.contains('\0') {
        return not_one("it holds a NUL character");
    }
    let mut batch = Batch::new(connection, ask.sql);
    let Some(mut statement) = batch.next()? else { return not_one("there is none") };
    if !matches!(batch.next(), Ok(None)) {
        return not_one("there are several");
    }
    if statement.parameter_count() > 0 {
        return not_one("write values into it, there are none for ? and :names");
    }
    if statement.column_count() == 0 || !statement.readonly() {
        return Err(Refused::Known(QueryError::NotReading(String::new())));
    }
    collect(&mut statement, ask)
}

fn collect(statement: &mut Statement<'_>, ask: &Ask<'_>) -> Result<Answer, Refused> {
    let names: Vec<String> = statement.column_names().map(|name| shown_text(name).0).collect();
    let width = names.len();
    let (heading, mut cut) = fitting(tabbed(names.iter().map(String::as_str)), ask.most_bytes / 2);
    let (mut room, mut total) = (ask.most_bytes.saturating_sub(heading.len() + 1), 0);
    let mut lines = vec![heading];
    let mut rows = statement.raw_query();
    let full = loop {
        let Some(row) = rows.next()? else { break false };
        total += 1;
        let mut cells = Vec::with_capacity(width);
        for at in 0..width {
            let (cell, short) = shown(row.get_ref(at)?);
            cut |= short;
            cells.push(cell);
        }
        let mut line = tabbed(cells.iter().map(String::as_str));
        if lines.len() == 1 && ask.most_rows > 0 {
            // A part of the very first one is better than nothing.
            let short;
            (line, short) = fitting(line, room.saturating_sub(1));
            cut |= short;
        }
        if lines.len() > ask.most_rows || line.len() + 1 > room {
            break true;
        }
        room -= line.len() + 1;
        lines.push(line);
    };
    if !full {
        return Ok(Answer { lines, rows: (total, true), cut });
    }
    let until = Instant::now() + COUNTING;
    let exact = loop {
        match rows.next() {
            Ok(None) => break true,
            Ok(Some(_)) if Instant::now() < until => total += 1,
            // What was read stands, whatever ends the counting.
            _ => break false,
        }
    };
    Ok(Answer { lines, rows: (total, exact), cut })
}

/// A line of at most so many bytes, and whether it is cut.
fn fitting(mut line: String, most: usize) -> (String, bool) {
    let cut = line.len() > most;
    if cut {
        line.truncate(boundary_before(&line, most.saturating_sub(ELLIPSIS.len())));
        line.push_str(ELLIPSIS);
    }
    (line, cut)
}

/// A value as text, and whether it is cut.
fn shown(value: ValueRef<'_>) -> (String, bool) {
    match value {
        ValueRef::Null => ("NULL".to_owned(), false),
        ValueRef::Integer(value) => (value.to_string(), false),
        ValueRef::Real(value) => (format!("{value:?}"), false),
        ValueRef::Text(bytes) => shown_text(&String::from_utf8_lossy(bytes)),
        ValueRef::Blob(bytes) => (format!("[{} of binary data]", size(bytes.len() as u64)), false),
    }
}

fn shown_text(text: &str) -> (String, bool) {
    if text.len() <= MOST_SHOWN {
        return (text.to_owned(), false);
    }
    let end = boundary_before(text, MOST_SHOWN);
    let more = thousands((text.len() - end) as u64);
    (format!("{}… [{more} more bytes]", &text[..end]), true)
}
