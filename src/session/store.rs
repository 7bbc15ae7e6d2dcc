//! The database of conversations: SQLite in WAL mode, so that a message that was stored
//! survives the death of percept, and of the machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use super::{Session, SessionId, SessionSummary};
use crate::message::{AnswerStats, Message, MessageId, Part, Role, Status};

/// Marks the file as percept's: `prct`.
const APPLICATION_ID: i32 = 0x7072_6374;

/// The version of the tables below.
const SCHEMA_VERSION: i32 = 1;

/// How long a write waits for another percept on the same store.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
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

/// Why something can't be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file of the store can't be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A content is not the one that was kept.
    #[error("{} was changed since it was kept", .0.display())]
    Damaged(PathBuf),
    /// The database was written by a newer percept.
    #[error("{} was written by a newer percept (schema {found}, this one knows {SCHEMA_VERSION}). Update percept, or set PERCEPT_DATA_DIR to another folder.", path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i32,
    },
    /// The file is no database of percept's.
    #[error("{} is damaged or no session store of percept. It was left as it is: move it aside to start with an empty one.", .0.display())]
    NotOurs(PathBuf),
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The store may only be read.
    #[error("the session store is read-only")]
    ReadOnly,
    /// Another program holds the database.
    #[error("the session store is in use by another program and did not become free")]
    Busy,
    /// There is no such session.
    #[error("There is no session {0}. `percept sessions list` shows those that are kept.")]
    NoSession(String),
    /// Anything else that SQLite says.
    #[error("the session store failed: {0}")]
    Sqlite(rusqlite::Error),
    /// A row doesn't hold what it should.
    #[error("a stored message can't be read: {0}")]
    Row(#[from] serde_json::Error),
}

impl StoreError {
    pub(super) fn file(path: &Path, error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::Full,
            _ => Self::File { path: path.to_owned(), error },
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Sqlite(error),
        }
    }
}

/// The conversations on disk.
#[derive(Debug)]
pub struct SessionStore {
    database: Connection,
}

impl SessionStore {
    /// Opens `percept.db` in a folder, making both if they are not there.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        make_private(folder).map_err(|error| StoreError::file(folder, error))?;
        let path = folder.join("percept.db");
        let database = Connection::open(&path)?;
        let opened = prepare(&database, &path);
        match opened {
            Err(StoreError::Sqlite(error)) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
                Err(StoreError::NotOurs(path))
            }
            opened => opened.map(|()| Self { database }),
        }
    }

    /// Makes an empty session.
    pub fn create(&mut self, title: &str, now_ms: i64) -> Result<SessionSummary, StoreError> {
        self.database.execute(
            "INSERT INTO sessions (title, created_ms, updated_ms) VALUES (?1, ?2, ?2)",
            params![title, now_ms],
        )?;
        Ok(SessionSummary {
            id: SessionId(self.database.last_insert_rowid()),
            title: title.to_owned(),
            created_ms: now_ms,
            updated_ms: now_ms,
            messages: 0,
        })
    }

    /// Writes a message, new or changed; with `head`, it becomes the last one shown.
    pub fn put(&mut self, session: SessionId, message: &Message, head: bool) -> Result<(), StoreError> {
        let transaction = self.database.transaction()?;
        transaction.execute(
            "INSERT INTO messages (id, session, parent, role, status, parts, stats, created_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (session, id) DO UPDATE SET
                 status = excluded.status, parts = excluded.parts, stats = excluded.stats",
            params![
                message.id.0,
                session.0,
                message.parent.map(|parent| parent.0),
                serde_json::to_string(&message.role)?,
                serde_json::to_string(&message.status)?,
                serde_json::to_string(&message.parts)?,
                message.stats.as_ref().map(serde_json::to_string).transpose()?,
                message.created_ms,
            ],
        )?;
        transaction.execute(
            "UPDATE sessions SET updated_ms = max(updated_ms, ?2), head = CASE WHEN ?3 THEN ?4 ELSE head END
             WHERE id = ?1",
            params![session.0, message.created_ms, head, message.id.0],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// The sessions, newest first.
    pub fn list(&self, limit: usize) -> Result<Vec<SessionSummary>, StoreError> {
        let mut query = self.database.prepare(
            "SELECT id, title, created_ms, updated_ms,
                    (SELECT count(*) FROM messages WHERE session = sessions.id)
             FROM sessions ORDER BY updated_ms DESC, id DESC LIMIT ?1",
        )?;
        let rows = query.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], summary)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The session that was written to last.
    pub fn latest(&self) -> Result<Option<SessionId>, StoreError> {
        Ok(self.list(1)?.first().map(|session| session.id))
    }

    /// A session with all its messages. An answer that was being streamed when percept
    /// died is given as interrupted.
    pub fn load(&self, id: SessionId) -> Result<Session, StoreError> {
        let found = self
            .database
            .query_row(
                "SELECT id, title, created_ms, updated_ms,
                        (SELECT count(*) FROM messages WHERE session = sessions.id), head
                 FROM sessions WHERE id = ?1",
                [id.0],
                |row| Ok((summary(row)?, row.get::<_, Option<i64>>(5)?)),
            )
            .optional()?;
        let Some((summary, head)) = found else { return Err(StoreError::NoSession(id.0.to_string())) };
        let mut query = self.database.prepare(
            "SELECT id, parent, role, status, parts, stats, created_ms FROM messages
             WHERE session = ?1 ORDER BY id",
        )?;
        let mut rows = query.query([id.0])?;
        let mut tree = Vec::new();
        while let Some(row) = rows.next()? {
            tree.push(message(row)?);
        }
        Ok(Session { summary, tree, head: head.map(MessageId) })
    }
}

fn prepare(database: &Connection, path: &Path) -> Result<(), StoreError> {
    database.busy_timeout(BUSY_TIMEOUT)?;
    let version: i32 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i32 = database.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && tables > 0 {
        return Err(StoreError::NotOurs(path.to_owned()));
    }
    if version > SCHEMA_VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found: version });
    }
    database.pragma_update(None, "journal_mode", "WAL")?;
    // With WAL, FULL is what makes a commit survive the loss of power.
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "foreign_keys", true)?;
    if version == 0 {
        database.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             PRAGMA application_id = {APPLICATION_ID};
             {}
             PRAGMA user_version = {SCHEMA_VERSION};
             COMMIT;",
            SCHEMA
                .replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS")
                .replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS")
        ))?;
    }
    Ok(())
}

/// What is said and attached is nobody else's business.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn summary(row: &Row<'_>) -> rusqlite::Result<SessionSummary> {
    Ok(SessionSummary {
        id: SessionId(row.get(0)?),
        title: row.get(1)?,
        created_ms: row.get(2)?,
        updated_ms: row.get(3)?,
        messages: row.get::<_, i64>(4)?.unsigned_abs(),
    })
}

fn message(row: &Row<'_>) -> Result<Message, StoreError> {
    let role: Role = serde_json::from_str(&row.get::<_, String>(2)?)?;
    let status: Status = serde_json::from_str(&row.get::<_, String>(3)?)?;
    let parts: Vec<Part> = serde_json::from_str(&row.get::<_, String>(4)?)?;
    let stats: Option<AnswerStats> =
        row.get::<_, Option<String>>(5)?.map(|text| serde_json::from_str(&text)).transpose()?;
    Ok(Message {
        id: MessageId(row.get(0)?),
        parent: row.get::<_, Option<i64>>(1)?.map(MessageId),
        role,
        parts,
        status: match status {
            Status::Streaming => {
                Status::Interrupted { why: "percept ended in the middle of this answer".to_owned() }
            }
            status => status,
        },
        created_ms: row.get(6)?,
        stats,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: i64, parent: Option<i64>, role: Role, text: &str) -> Message {
        Message {
            id: MessageId(id),
            parent: parent.map(MessageId),
            role,
            parts: vec![Part::text(text)],
            status: Status::Complete,
            created_ms: id,
            stats: None,
        }
    }

    #[test]
    fn a_conversation_comes_back_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = SessionStore::open(dir.path()).unwrap();
        let id = store.create("why?", 5).unwrap().id;
        let question = text(10, None, Role::User, "why?");
        let mut answer = text(11, Some(10), Role::Assistant, "Bec");
        answer.stats = Some(AnswerStats { model: "m".into(), ..AnswerStats::default() });
        store.put(id, &question, true).unwrap();
        store.put(id, &answer, true).unwrap();
        answer.parts = vec![Part::text("Because.")];
        store.put(id, &answer, true).unwrap();
        drop(store);
        let store = SessionStore::open(dir.path()).unwrap();
        assert_eq!(store.latest().unwrap(), Some(id));
        let session = store.load(id).unwrap();
        assert_eq!(session.path(), [question, answer]);
        assert_eq!(store.list(9).unwrap(), [session.summary]);
    }

    #[test]
    fn branches_are_kept_and_the_head_says_which_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = SessionStore::open(dir.path()).unwrap();
        let id = store.create("q", 1).unwrap().id;
        for (message, head) in [
            (text(1, None, Role::User, "q"), true),
            (text(2, Some(1), Role::Assistant, "a"), true),
            (text(3, Some(1), Role::Assistant, "b"), true),
            (text(1, None, Role::User, "q"), false),
        ] {
            store.put(id, &message, head).unwrap();
        }
        let session = store.load(id).unwrap();
        assert_eq!(session.tree.len(), 3);
        assert_eq!(session.path().last().unwrap().text(), "b");
    }

    #[test]
    fn an_answer_that_was_streamed_when_percept_died_is_interrupted() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = SessionStore::open(dir.path()).unwrap();
        let id = store.create("q", 1).unwrap().id;
        let mut answer = text(2, None, Role::Assistant, "half an ans");
        answer.status = Status::Streaming;
        store.put(id, &answer, true).unwrap();
        // The files as a killed process leaves them: the WAL not yet folded in.
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(dir.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        let session = SessionStore::open(copy.path()).unwrap().load(id).unwrap();
        assert_eq!(session.tree[0].text(), "half an ans");
        assert!(
            matches!(&session.tree[0].status, Status::Interrupted { why } if why.contains("percept ended"))
        );
    }

    #[test]
    fn foreign_and_newer_files_are_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("percept.db");
        std::fs::write(&path, "this is no database at all, only some text in a file").unwrap();
        assert!(matches!(SessionStore::open(dir.path()), Err(StoreError::NotOurs(_))));
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("this is no database"));

        let dir = tempfile::tempdir().unwrap();
        drop(SessionStore::open(dir.path()).unwrap());
        let database = Connection::open(dir.path().join("percept.db")).unwrap();
        database.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(SessionStore::open(dir.path()), Err(StoreError::Newer { found: 99, .. })));
    }

    #[test]
    fn a_full_disk_is_said_and_breaks_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = SessionStore::open(dir.path()).unwrap();
        let id = store.create("q", 1).unwrap().id;
        store.put(id, &text(1, None, Role::User, "small"), true).unwrap();
        let pages: i64 = store.database.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        store.database.pragma_update(None, "max_page_count", pages).unwrap();
        let big = text(2, Some(1), Role::User, &"x".repeat(1 << 20));
        assert!(matches!(store.put(id, &big, true), Err(StoreError::Full)));
        assert_eq!(store.load(id).unwrap().path().len(), 1);
        store.database.pragma_update(None, "max_page_count", 1_000_000).unwrap();
        store.put(id, &big, true).unwrap();
        assert_eq!(store.load(id).unwrap().path().len(), 2);
    }

    #[test]
    fn two_percepts_write_to_one_store() {
        let dir = tempfile::tempdir().unwrap();
        drop(SessionStore::open(dir.path()).unwrap());
        let writers: Vec<_> = (0..2)
            .map(|_| {
                let path = dir.path().to_owned();
                std::thread::spawn(move || {
                    let mut store = SessionStore::open(&path).unwrap();
                    let id = store.create("q", 1).unwrap().id;
                    for n in 1..=20 {
                        store.put(id, &text(n, (n > 1).then(|| n - 1), Role::User, "x"), true).unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        let sessions = SessionStore::open(dir.path()).unwrap().list(9).unwrap();
        assert_eq!(sessions.iter().map(|s| s.messages).collect::<Vec<_>>(), [20, 20]);
    }
}
