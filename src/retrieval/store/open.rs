//! Opening the index: making its tables, and what is done with a damaged one.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};

use super::schema::{APPLICATION_ID, FROM_1, SCHEMA, SCHEMA_VERSION};
use super::{Opened, Store};
use crate::retrieval::IndexError;
use crate::retrieval::words::Analyser;

/// How long a write waits for another percept on the same index: as long as the largest file
/// may take to be put.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it is waited between two tries where SQLite doesn't wait by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// Pages of the database that are kept in memory, in KiB, by who searches.
const SEARCHED_KIB: i64 = 32 << 10;

/// And by who writes: SQLite looks them all through each time a file is done.
const WRITTEN_KIB: i64 = 8 << 10;

/// Pages of the log that wait to be written to the database: that costs a wait for the disk each
/// time, and what many files changed is written once. 32 MB.
const LOG_PAGES: i64 = 8192;

/// Statements that are kept ready: there are about as many.
const STATEMENTS: usize = 48;

impl Store {
    /// Opens the index in a folder, and makes one where there is none. A damaged one is moved
    /// aside; its sources and confirmed pairs are taken over as far as they can be read.
    ///
    /// # Errors
    ///
    /// The folder can't be written, or a newer percept made it.
    pub fn open(folder: &Path) -> Result<Opened, IndexError> {
        let path = Self::file(folder);
        make_private(folder).map_err(|error| IndexError::Disk { path: path.clone(), error })?;
        let opened = match mark(&path).exists() {
            true => Err(IndexError::Damaged { path: path.clone() }),
            false => connect(&path),
        };
        match opened {
            Ok(connection) => Ok(Opened { store: Self::of(connection, path), moved_aside: None }),
            Err(IndexError::Damaged { .. }) => begin_again(path),
            Err(error) => Err(error),
        }
    }

    fn of(connection: Connection, path: PathBuf) -> Self {
        Self { connection, path, analyser: Analyser::default() }
    }
}

/// Why the index can't be used, as SQLite says it. Damage is remembered: the next one who
/// opens the index to write moves it aside, though it looks whole at first sight.
pub(in crate::retrieval) fn failed(path: &Path, error: rusqlite::Error) -> IndexError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            // Where the disk can't be written, it is found out again the next time.
            let _ = std::fs::write(mark(path), []);
            IndexError::Damaged { path: path.to_owned() }
        }
        _ => IndexError::Database { path: path.to_owned(), error },
    }
}

/// Opens an index that is there, to search in it; `None`: none was made yet.
pub(in crate::retrieval) fn use_existing(path: &Path) -> Result<Option<Connection>, IndexError> {
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| failed(path, error))?;
    settle(&connection, SEARCHED_KIB).map_err(|error| failed(path, error))?;
    if version(&connection, path)? == 0 {
        return Ok(None);
    }
    migrate(&mut connection, path)?;
    Ok(Some(connection))
}

/// The file that says that the index was found damaged.
fn mark(path: &Path) -> PathBuf {
    with(path, ".is-damaged")
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn connect(path: &Path) -> Result<Connection, IndexError> {
    let wrong = |error| failed(path, error);
    let mut connection = Connection::open(path).map_err(wrong)?;
    settle(&connection, WRITTEN_KIB).map_err(wrong)?;
    if version(&connection, path)? == 0 {
        let behavior = TransactionBehavior::Immediate;
        let transaction = connection.transaction_with_behavior(behavior).map_err(wrong)?;
        // Another percept may have made them meanwhile.
        if version(&transaction, path)? == 0 {
            make_tables(&transaction).map_err(wrong)?;
        }
        transaction.commit().map_err(wrong)?;
    }
    migrate(&mut connection, path)?;
    use_wal(&connection).map_err(wrong)?;
    probe(&connection).map_err(wrong)?;
    Ok(connection)
}

fn make_tables(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION};"
    ))
}

/// Brings the tables of an older percept up to date.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), IndexError> {
    if version(connection, path)? == SCHEMA_VERSION {
        return Ok(());
    }
    let wrong = |error| failed(path, error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(wrong)?;
    // Another percept may have done it meanwhile.
    if version(&transaction, path)? < SCHEMA_VERSION {
        transaction.execute_batch(FROM_1).map_err(wrong)?;
    }
    transaction.commit().map_err(wrong)
}

fn settle(connection: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else a statement is planned anew for each value that is bound, which takes longer than most.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A loss of power may lose the last files, never the database: they are read again.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    connection.pragma_update(None, "cache_size", -cache_kib)
}

/// The version of the tables that are there; 0: none yet.
fn version(connection: &Connection, path: &Path) -> Result<i32, IndexError> {
    let wrong = |error| failed(path, error);
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(wrong);
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(tables, [], |row| row.get(0)).map_err(wrong)?;
    match (application == APPLICATION_ID, tables) {
        (true, _) if version > SCHEMA_VERSION => {
            let (found, known) = (version.into(), SCHEMA_VERSION.into());
            Err(IndexError::Newer { path: path.to_owned(), found, known })
        }
        (true, _) => Ok(version),
        (false, 0) => Ok(0),
        (false, _) => Err(IndexError::Damaged { path: path.to_owned() }),
    }
}

/// Changing to WAL needs the database for itself, and SQLite doesn't wait for that as it
/// does for other locks.
fn use_wal(connection: &Connection) -> rusqlite::Result<()> {
    let until = Instant::now() + BUSY_TIMEOUT;
    loop {
        let tried = connection.pragma_update(None, "journal_mode", "WAL");
        let busy = |error: &rusqlite::Error| {
            matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
        };
        match tried {
            Err(error) if busy(&error) && Instant::now() < until => std::thread::sleep(BUSY_PAUSE),
            done => return done,
        }
    }
}

/// Reads a little of each large table: a file that was cut off or overwritten shows itself,
/// and it costs the same whatever the size. Damage deeper inside shows when it is read.
fn probe(connection: &Connection) -> rusqlite::Result<()> {
    for table in ["files", "passages", "vectors"] {
        // Each by itself: together they would be a scan.
        let ends = format!("SELECT (SELECT min(id) FROM {table}), (SELECT max(id) FROM {table})");
        connection.query_row(&ends, [], |_| Ok(()))?;
    }
    let mut words = connection.prepare("SELECT rowid FROM words WHERE words MATCH 'a' LIMIT 1")?;
    words.query([])?.next().map(drop)
}

/// Moves a damaged index aside and begins a new one with what can be read of the old.
fn begin_again(path: PathBuf) -> Result<Opened, IndexError> {
    let disk = |error| IndexError::Disk { path: path.clone(), error };
    let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let aside = (0..)
        .map(|n| with(&path, &format!(".damaged-{}", seconds.saturating_add(n))))
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| with(&path, ".damaged"));
    for end in ["-wal", "-shm", ""] {
        match std::fs::rename(with(&path, end), with(&aside, end)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(disk(error)),
            _ => {}
        }
    }
    let connection = connect(&path)?;
    carry_over(&aside, &connection);
    // Last: if percept dies on the way, the new one is moved aside too, which loses nothing.
    match std::fs::remove_file(mark(&path)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(disk(error)),
        _ => {}
    }
    Ok(Opened { store: Store::of(connection, path.clone()), moved_aside: Some(aside) })
}

/// Takes over what isn't made again by reading files: what was added, and what was confirmed.
/// Each row counts; the first that can't be read ends its table.
fn carry_over(from: &Path, to: &Connection) {
    let Ok(old) = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE) else { return };
    for (table, columns) in [
        ("sources", "path"),
        ("pairs", "query_kind, query_text, query_path, query_hash, path, place, kind, confirmed_ms"),
        ("settings", "key, value"),
    ] {
        let carried = carry_table(&old, to, table, columns);
        tracing::debug!(table, ?carried, "carried over from a damaged index");
    }
}

fn carry_table(old: &Connection, to: &Connection, table: &str, columns: &str) -> rusqlite::Result<()> {
    let mut read = old.prepare(&format!("SELECT {columns} FROM {table}"))?;
    let count = read.column_count();
    let places = vec!["?"; count].join(", ");
    let mut write = to.prepare(&format!("INSERT OR IGNORE INTO {table} ({columns}) VALUES ({places})"))?;
    let mut rows = read.query(params![])?;
    while let Some(row) = rows.next()? {
        let values = (0..count).map(|n| row.get::<_, rusqlite::types::Value>(n));
        write.execute(rusqlite::params_from_iter(values.collect::<Result<Vec<_>, _>>()?))?;
    }
    Ok(())
}

/// What stands in the documents is nobody else's business.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
