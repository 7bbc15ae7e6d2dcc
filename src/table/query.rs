//! Tables in an SQLite database of their own, and one statement that reads them.
//!
//! The database is private and goes away with its owner; what of it is larger than its cache
//! lies in a file without a name. Each row is inserted as it is read.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, OpenFlags, Statement};

use super::answer::{Answer, Refused, answer};
use super::guard::{self, Ended};
use super::profile::{Column, ROWS_AT_ONCE, line_name, profile};
use super::read::{self, Row, unique};
use super::sniff::sniff;
use super::value::{Kind, is_missing, kind_of};
use super::view::quoted;
use crate::text::{boundary_before, nearest};

/// The most names that an error lists.
const MOST_NAMES: usize = 60;

/// The name that the table in question always has.
const DATA: &str = "data";

/// Why there is no answer: each is a sentence for a model.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The person stopped it.
    #[error("The person stopped it.")]
    Stopped,
    /// What was attached is no table.
    #[error("{0} is no table any more.")]
    NoTable(String),
    /// There is no table of that name.
    #[error("There is no table {name}.{hint}")]
    Unknown {
        /// The name.
        name: String,
        /// Which there are.
        hint: String,
    },
    /// The statement took too long.
    #[error("It took more than {} s and was ended. Read fewer rows: add WHERE, and no join without a condition.", .0.as_secs())]
    Late(Duration),
    /// The statement took too much memory.
    #[error("It needed too much memory and was ended. Read fewer rows, or sort and group by less.")]
    Large,
    /// The statement is more than one, or none.
    #[error("Give one SELECT statement: {0}.")]
    NotOne(&'static str),
    /// The statement would do more than read.
    #[error("Only reading is allowed: one SELECT over what is attached, without PRAGMA or ATTACH. {0}")]
    NotReading(String),
    /// SQLite refused the statement.
    #[error("{why}.{hint}")]
    Wrong {
        /// What is wrong with it.
        why: String,
        /// What there is.
        hint: String,
    },
}

/// A question for a database.
pub struct Ask<'a> {
    /// The statement.
    pub sql: &'a str,
    /// The table that `data` stands for, by the name of its file or in SQL; else the last one.
    pub table: Option<&'a str>,
    /// How long it may take.
    pub time: Duration,
    /// The most rows that are given.
    pub most_rows: usize,
    /// The most bytes of these.
    pub most_bytes: usize,
    /// Set to end it.
    pub stop: &'a AtomicBool,
}

/// Loaded tables.
pub struct Database {
    connection: Connection,
    tables: Vec<Loaded>,
    taken: HashSet<String>,
}

/// A table that can be asked about.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The name of its file.
    pub file: String,
    /// Its name in SQL.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// Its columns, in the order of the file.
    pub columns: Vec<Column>,
    /// The column that holds the line in which a row begins, where the row doesn't say.
    pub line: Option<String>,
}

impl Database {
    /// An empty one.
    ///
    /// # Errors
    ///
    /// SQLite can't be had.
    pub fn new() -> Result<Self, QueryError> {
        // No name: private, in memory as long as it is small.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = Connection::open_with_flags("", flags).map_err(QueryError::sqlite)?;
        guard::prepare(&connection).map_err(QueryError::sqlite)?;
        Ok(Self { connection, tables: Vec::new(), taken: HashSet::new() })
    }

    /// The tables, in the order in which they were loaded.
    pub fn tables(&self) -> &[Loaded] {
        &self.tables
    }

    /// Loads a content, which goes by the name of its file.
    ///
    /// # Errors
    ///
    /// It is no table, or it was stopped.
    pub fn load(&mut self, file: &str, bytes: &[u8], stop: &AtomicBool) -> Result<(), QueryError> {
        let (text, _) = read::decoded(bytes);
        let shape = sniff(file, &text).ok_or_else(|| QueryError::NoTable(file.to_owned()))?;
        let known = profile(&shape, &text, 0, stop);
        // It is made anew by the next question, unless this table takes the name.
        let no_data = if self.taken.contains(DATA) { "" } else { "DROP VIEW IF EXISTS data;" };
        let name = unique(&sql_name(file), &mut self.taken);
        let line = known.lines_differ.then(|| line_name(&known.columns));
        let table = Loaded { file: file.to_owned(), name, rows: known.rows, columns: known.columns, line };
        let whole = {
            let transaction = self.connection.unchecked_transaction().map_err(QueryError::sqlite)?;
            let alias = alias(&table, &mut self.taken);
            transaction
                .execute_batch(&format!("{no_data}{}{alias}", create(&table)))
                .map_err(QueryError::sqlite)?;
            let mut insert = transaction.prepare(&insert(&table)).map_err(QueryError::sqlite)?;
            let whole = fill(&mut insert, &table, |visit| drop(read::each(&shape, &text, visit)), stop);
            drop(insert);
            transaction.commit().map_err(QueryError::sqlite)?;
            whole?
        };
        if !whole {
            return Err(QueryError::Stopped);
        }
        self.tables.push(table);
        Ok(())
    }

    /// Runs one statement that reads.
    ///
    /// # Errors
    ///
    /// A sentence that says what there is to ask about.
    pub fn ask(&mut self, ask: &Ask<'_>) -> Result<Answer, QueryError> {
        self.name_data(ask.table)?;
        guard::shut(&mut self.connection).map_err(QueryError::sqlite)?;
        let watched =
            guard::watched(&mut self.connection, ask.time, ask.stop, |connection| answer(connection, ask));
        guard::open(&mut self.connection).map_err(QueryError::sqlite)?;
        let (answered, ended) = watched.map_err(QueryError::sqlite)?;
        match (answered, ended) {
            (_, Some(Ended::Stopped)) => Err(QueryError::Stopped),
            (Ok(answer), _) => Ok(answer),
            (Err(_), Some(Ended::Late)) => Err(QueryError::Late(ask.time)),
            (Err(_), Some(Ended::Large)) => Err(QueryError::Large),
            (Err(wrong), None) => Err(self.taught(wrong)),
        }
    }

    /// Lets `data` stand for a table, unless one is called so.
    fn name_data(&mut self, wanted: Option<&str>) -> Result<(), QueryError> {
        let same = |table: &&Loaded, name: &str| table.file == name || table.name.eq_ignore_ascii_case(name);
        let table = match wanted {
            Some(name) => self.tables.iter().rev().find(|table| same(table, name)).ok_or_else(|| {
                let hint = format!(" There are: {}.", self.names());
                QueryError::Unknown { name: name.to_owned(), hint }
            })?,
            None => match self.tables.last() {
                Some(table) => table,
                None => return Ok(()),
            },
        };
        if self.taken.contains(DATA) {
            return Ok(());
        }
        let view = format!(
            "DROP VIEW IF EXISTS {DATA}; CREATE VIEW {DATA} AS SELECT * FROM {};",
            quoted(&table.name)
        );
        self.connection.execute_batch(&view).map_err(QueryError::sqlite)
    }

    fn names(&self) -> String {
        let names = self.tables.iter().map(|table| format!("{} ({})", quoted(&table.name), table.file));
        names.collect::<Vec<_>>().join(", ")
    }

    /// What is wrong with a statement, with what there is instead.
    fn taught(&self, wrong: Refused) -> QueryError {
        let wrong = match wrong {
            Refused::Known(error) => return error,
            Refused::Sqlite(error) => error,
        };
        let message = match &wrong {
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
            other => other.to_string(),
        };
        let code = wrong.sqlite_error_code();
        let refused = ["not authorized", "prohibited", "authorization denied"];
        if code == Some(rusqlite::ErrorCode::AuthorizationForStatementDenied)
            || refused.iter().any(|words| message.contains(words))
        {
            return QueryError::NotReading(self.columns());
        }
        let why = match code {
            Some(rusqlite::ErrorCode::TooBig) => {
                "The statement, or a value that it makes, is too long".to_owned()
            }
            _ => upper(message.trim_end_matches('.')),
        };
        let near = |missing: &str| {
            let missing = missing.rsplit('.').next().unwrap_or(missing).trim_matches('"');
            let columns =
                self.tables.iter().flat_map(|table| table.columns.iter().map(|column| column.name.as_str()));
            let tables = self.tables.iter().map(|table| table.name.as_str());
            nearest(missing, columns.chain(tables).chain(["row"]))
        };
        let missing =
            ["no such column: ", "no such table: "].iter().find_map(|start| message.strip_prefix(start));
        let missing = missing.map(|rest| rest.split(" - ").next().unwrap_or(rest));
        let near =
            missing.and_then(near).map_or(String::new(), |near| format!(" Did you mean {}?", quoted(near)));
        QueryError::Wrong { why, hint: format!("{near} {}", self.columns()) }
    }

    /// The columns of each table, in words.
    fn columns(&self) -> String {
        let told = |table: &Loaded| {
            let names = table.columns.iter().map(|column| quoted(&column.name));
            let names =
                std::iter::once("row".to_owned()).chain(table.line.as_deref().map(quoted)).chain(names);
            let mut names: Vec<String> = names.collect();
            let more = names.len().saturating_sub(MOST_NAMES);
            names.truncate(MOST_NAMES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("Columns of {}: {}{more}.", quoted(&table.name), names.join(", "))
        };
        self.tables.iter().map(told).collect::<Vec<_>>().join(" ")
    }
}

impl QueryError {
    fn sqlite(error: rusqlite::Error) -> Self {
        Self::Wrong { why: upper(&error.to_string()), hint: String::new() }
    }
}

/// The beginning of a sentence.
fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// The name of a file's table: the file's without its extension, as SQL takes it unquoted.
pub(super) fn sql_name(file: &str) -> String {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let mut name: String = stem.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    while name.contains("__") {
        name = name.replace("__", "_");
    }
    let name = name.trim_matches('_');
    let name = &name[..boundary_before(name, 60)];
    match () {
        () if name.is_empty() => "attached".to_owned(),
        () if is_keyword(name) => format!("{name}_table"),
        () if name.starts_with(|c: char| c.is_numeric()) || name.to_lowercase().starts_with("sqlite") => {
            format!("t_{name}")
        }
        () => name.to_owned(),
    }
}

/// Whether SQL takes this for a word of its own.
pub(super) fn is_keyword(name: &str) -> bool {
    // Those that SQLite doesn't take for a name, https://sqlite.org/lang_keywords.html
    const KEYWORDS: &str = " add all alter and as autoincrement between case check collate commit constraint \
        create cross current current_date current_time current_timestamp default deferrable delete distinct \
        drop else escape except exists foreign from full group having in index indexed inner insert \
        intersect into is isnull join left limit natural not nothing notnull null on or order outer primary \
        references returning right select set table then to transaction union unique update using values \
        when where window ";
    KEYWORDS.contains(&format!(" {} ", name.to_lowercase()))
}

fn create(table: &Loaded) -> String {
    let line = table.line.iter().map(|name| format!(", {} INTEGER", quoted(name)));
    let columns = table.columns.iter().map(|c| format!(", {} {}", quoted(&c.name), c.kind.affinity()));
    let columns: String = line.chain(columns).collect();
    let name = quoted(&table.name);
    format!("CREATE TABLE {name} (row INTEGER PRIMARY KEY{columns});")
}

/// The name of the file as a view: it is what a model reads, and takes for the table's name.
fn alias(table: &Loaded, taken: &mut HashSet<String>) -> String {
    let file = table.file.replace('\0', "");
    let lower = file.to_lowercase();
    if lower.starts_with("sqlite_") || file.is_empty() || !taken.insert(lower) {
        return String::new();
    }
    format!("CREATE VIEW \"{}\" AS SELECT * FROM {};", file.replace('"', "\"\""), quoted(&table.name))
}

fn insert(table: &Loaded) -> String {
    let values = vec!["?"; 1 + usize::from(table.line.is_some()) + table.columns.len()].join(", ");
    format!("INSERT INTO {} VALUES ({values})", quoted(&table.name))
}

/// Inserts every row; `false`: it was stopped.
fn fill(
    insert: &mut Statement<'_>,
    table: &Loaded,
    each: impl FnOnce(&mut dyn FnMut(&Row<'_, '_>) -> ControlFlow<()>),
    stop: &AtomicBool,
) -> Result<bool, QueryError> {
    let (mut failed, mut stopped) = (None, false);
    let ahead = 1 + usize::from(table.line.is_some());
    let mut put = |row: &Row<'_, '_>| -> rusqlite::Result<()> {
        insert.raw_bind_parameter(1, i64::try_from(row.number).unwrap_or(i64::MAX))?;
        if table.line.is_some() {
            insert.raw_bind_parameter(2, i64::try_from(row.line).unwrap_or(i64::MAX))?;
        }
        for (at, column) in table.columns.iter().enumerate() {
            let cell = row.cells.get(at).and_then(Option::as_deref);
            insert.raw_bind_parameter(ahead + at + 1, stored(cell, column.kind))?;
        }
        insert.raw_execute().map(drop)
    };
    each(&mut |row| {
        stopped = row.number.is_multiple_of(ROWS_AT_ONCE) && stop.load(Ordering::Relaxed);
        failed = put(row).err();
        if stopped || failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    match failed {
        Some(error) => Err(QueryError::sqlite(error)),
        None => Ok(!stopped),
    }
}

/// A cell as its column keeps it.
fn stored(cell: Option<&str>, kind: Kind) -> ToSqlOutput<'_> {
    let none = ToSqlOutput::Owned(Value::Null);
    let Some(text) = cell else { return none };
    if kind == Kind::Text {
        return ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()));
    }
    match kind {
        _ if kind_of(text) == Kind::Text && is_missing(text) => none,
        Kind::Integer => text.trim().parse().map_or(none, |value| ToSqlOutput::Owned(Value::Integer(value))),
        Kind::Real => text.trim().parse().map_or(none, |value| ToSqlOutput::Owned(Value::Real(value))),
        _ => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
    }
}
