//! What the panel has done on another thread: a record is read, lines are looked up, a row
//! of a table is read. It decides nothing.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::attachment::{Attachment, AttachmentId};
use crate::digest::{Answer, LogRecord, Query, query};
use crate::session::BlobStore;
use crate::table::{self, Database};
use crate::text;

/// Entries that are shown of a template.
const MOST_ENTRIES: usize = 1_000;

/// How long the row of a table may be looked for; loading the table is not counted.
const ROW_TIME: Duration = Duration::from_secs(10);

/// Bytes of a table's row that are shown.
const ROW_BYTES: usize = 64 * 1024;

/// What is to be looked up.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tui) enum Ask {
    /// The lines of a template.
    Template {
        /// The log.
        record: Arc<LogRecord>,
        /// The template's id.
        id: u32,
    },
    /// The lines around one.
    Around {
        /// The log.
        record: Arc<LogRecord>,
        /// Which of its sources.
        source: usize,
        /// The line, from 1.
        line: u64,
        /// How many lines on each side.
        sides: u64,
    },
    /// A row of a table.
    Row {
        /// The table.
        table: Box<Attachment>,
        /// The row, from 1.
        row: u64,
    },
}

/// A question, and what ends it.
#[derive(Debug, Clone)]
pub(in crate::tui) struct Look {
    pub(in crate::tui) ticket: u64,
    pub(in crate::tui) ask: Ask,
    pub(super) stop: Arc<AtomicBool>,
}

impl PartialEq for Look {
    fn eq(&self, other: &Self) -> bool {
        (self.ticket, &self.ask) == (other.ticket, &other.ask)
    }
}

/// A line as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) struct Shown {
    /// Source and line; `None`: it is no line of a log.
    pub(super) at: Option<(usize, u64)>,
    /// What stands in front of it: its number, or the file too.
    pub(super) head: String,
    /// What it is cited by; empty: it is a remark.
    pub(super) place: String,
    pub(super) text: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::tui) struct Looked {
    pub(super) lines: Vec<Shown>,
    /// How many there are, and whether these are all.
    pub(super) count: String,
    /// What whoever relies on it should know.
    pub(super) notes: Vec<String>,
}

/// Reads the record of a log.
pub(in crate::tui) fn read(id: &AttachmentId, blobs: &BlobStore) -> Result<Arc<LogRecord>, String> {
    let bytes = blobs.read(id).map_err(|error| error.to_string())?;
    LogRecord::load(&bytes, |kept| blobs.path(kept)).map(Arc::new)
}

/// Looks something up.
pub(in crate::tui) fn look(look: &Look, blobs: &BlobStore) -> Result<Looked, String> {
    match &look.ask {
        Ask::Template { record, id } => {
            let wanted = Query { templates: vec![*id], limit: MOST_ENTRIES, ..Query::default() };
            lines(record, &wanted, &look.stop, "entries")
        }
        Ask::Around { record, source, line, sides } => {
            let wanted = Query { around: Some((*source, *line, *sides)), ..Query::default() };
            let mut looked = lines(record, &wanted, &look.stop, "lines")?;
            let numbers = || looked.lines.iter().filter_map(|line| Some(line.at?.1));
            if let (Some(first), Some(last)) = (numbers().next(), numbers().next_back()) {
                looked.count = format!("lines {} to {}", text::thousands(first), text::thousands(last));
            }
            Ok(looked)
        }
        Ask::Row { table, row } => cells(table, *row, &look.stop, blobs),
    }
}

fn lines(record: &LogRecord, wanted: &Query, stop: &AtomicBool, things: &str) -> Result<Looked, String> {
    let answer = query(&record.digest, wanted, stop).map_err(|error| error.to_string())?;
    let shown = answer.entries.len() as u64;
    let found = text::thousands(answer.found);
    let count = match answer.found {
        0 => format!("There are no such {things} (any more)."),
        1 => "1 entry".to_owned(),
        all if all == shown => format!("{found} {things}"),
        _ => format!("the first {} of {found} {things}", text::thousands(shown)),
    };
    Ok(Looked { lines: flat(record, &answer), count, notes: answer.notes })
}

/// The lines of entries, one below the other.
fn flat(record: &LogRecord, answer: &Answer) -> Vec<Shown> {
    let digest = &record.digest;
    let mut all = Vec::new();
    for entry in &answer.entries {
        all.extend(entry.lines.iter().map(|quote| {
            let place = text::printable(&digest.cite(quote.source, quote.line));
            let head = if digest.sources.len() == 1 { quote.line.to_string() } else { place.clone() };
            let more = if quote.cut { text::ELLIPSIS } else { "" };
            let text = format!("{}{more}", visible(&quote.text));
            Shown { at: Some((quote.source, quote.line)), head, place, text }
        }));
        if entry.more > 0 {
            let text = format!("({} more lines go on with it)", text::thousands(entry.more as u64));
            all.push(Shown { at: None, head: String::new(), place: String::new(), text });
        }
    }
    all
}

/// A line of a log as one line of the screen.
pub(super) fn visible(line: &str) -> String {
    text::printable(line.trim_end()).replace('\t', "    ").replace('\n', " ")
}

/// A row of a table, a column a line.
fn cells(table: &Attachment, row: u64, stop: &AtomicBool, blobs: &BlobStore) -> Result<Looked, String> {
    let said = |error: table::QueryError| error.to_string();
    let bytes = blobs.read(&table.id).map_err(|error| error.to_string())?;
    let mut database = Database::new().map_err(said)?;
    database.load(&table.name, &bytes, stop).map_err(said)?;
    let sql = format!("SELECT * FROM data WHERE row = {row}");
    let (time, most_rows, most_bytes) = (ROW_TIME, 1, ROW_BYTES);
    let ask = table::Ask { sql: &sql, table: None, time, most_rows, most_bytes, stop };
    let answer = database.ask(&ask).map_err(said)?;
    let [names, cells] = answer.lines.as_slice() else {
        return Err(format!("{} has no row {row}.", text::printable(&table.name)));
    };
    let name = text::printable(&table.name);
    // Its number is in the title.
    let pairs = names.split('\t').zip(cells.split('\t')).filter(|(column, _)| *column != "row");
    let lines: Vec<Shown> = pairs
        .map(|(column, cell)| Shown {
            at: None,
            head: column.to_owned(),
            place: format!("{name} row {row}, {column}"),
            text: visible(cell),
        })
        .collect();
    let notes = if answer.cut { vec!["some cells are cut".to_owned()] } else { Vec::new() };
    Ok(Looked { count: format!("{} columns", lines.len()), lines, notes })
}
