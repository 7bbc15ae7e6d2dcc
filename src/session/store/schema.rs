//! The tables of the store.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::StoreError;

/// Marks the file as percept's: `prct`.
const APPLICATION_ID: i32 = 0x7072_6374;

/// The version of the tables below.
pub(super) const SCHEMA_VERSION: i32 = 2;

/// How long a write waits for another percept on the same store.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it is waited between two tries where SQLite doesn't wait by itself.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

const FIRST: &str = "
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        title TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL,
        head INTEGER
    );
    CREATE TABLE messages (
        id INTEGER NOT NULL,
        session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        parent INTEGER,
        role TEXT NOT NULL,
        status TEXT NOT NULL,
        parts TEXT NOT NULL,
        stats TEXT,
        created_ms INTEGER NOT NULL,
        PRIMARY KEY (session, id)
    );
    CREATE INDEX sessions_by_time ON sessions(updated_ms DESC);";

/// - `removed_ms`: when it was put into the bin; it is still there until it is emptied.
/// - `tags`: an array of JSON.
/// - `said`: what messages are found by, without their text; `messages.searched` says which of
///   them it holds as they are now. They are put in when something is looked for: a message that
///   is streamed changes many times before anybody looks.
const SECOND: &str = "
    ALTER TABLE sessions ADD COLUMN removed_ms INTEGER;
    ALTER TABLE sessions ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE messages ADD COLUMN searched INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX messages_unsearched ON messages(searched) WHERE searched = 0;
    CREATE VIRTUAL TABLE said USING fts5(
        text, content='', contentless_delete=1, tokenize='porter unicode61 remove_diacritics 2'
    );
    CREATE TRIGGER messages_gone AFTER DELETE ON messages BEGIN
        DELETE FROM said WHERE rowid = old.rowid;
    END;";

/// Makes the tables where there are none, and brings older ones up to date.
pub(super) fn prepare(database: &Connection, path: &Path) -> Result<(), StoreError> {
    database.busy_timeout(BUSY_TIMEOUT)?;
    // Looked at within one transaction: between two looks another percept may make the tables.
    let look = database.unchecked_transaction()?;
    let version = schema_version(&look, path)?;
    look.commit()?;
    if version < SCHEMA_VERSION {
        let transaction = Transaction::new_unchecked(database, TransactionBehavior::Immediate)?;
        let steps = match schema_version(&transaction, path)? {
            0 => [FIRST, SECOND].as_slice(),
            1 => &[SECOND],
            _ => &[],
        };
        for step in steps {
            transaction.execute_batch(step)?;
        }
        let marks =
            format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};");
        transaction.execute_batch(&marks)?;
        transaction.commit()?;
    }
    use_wal(database)?;
    // With WAL, FULL is what makes a commit survive the loss of power.
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "foreign_keys", true)?;
    // What is deleted is overwritten, not only forgotten.
    database.pragma_update(None, "secure_delete", true)?;
    Ok(())
}

/// The version of the tables that are there; 0: none yet.
fn schema_version(database: &Connection, path: &Path) -> Result<i32, StoreError> {
    let version: i32 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i32 = database.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(StoreError::NotOurs(path.to_owned()));
    }
    match version > SCHEMA_VERSION {
        true => Err(StoreError::Newer { path: path.to_owned(), found: version }),
        false => Ok(version),
    }
}

/// Changing to WAL needs the database for itself, and SQLite doesn't wait for that as it
/// does for other locks.
fn use_wal(database: &Connection) -> Result<(), StoreError> {
    let until = Instant::now() + BUSY_TIMEOUT;
    loop {
        match database.pragma_update(None, "journal_mode", "WAL").map_err(StoreError::from) {
            Err(StoreError::Busy) if Instant::now() < until => std::thread::sleep(BUSY_PAUSE),
            done => return done,
        }
    }
}
