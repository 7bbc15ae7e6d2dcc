//! The database of conversations: SQLite in WAL mode, so that a message that was stored
//! survives the death of percept, and of the machine.

mod schema;
mod search;
mod shelf;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use super::{Session, SessionId, SessionSummary};
use crate::message::{AnswerStats, Message, MessageId, Part, Role, Status};
use schema::SCHEMA_VERSION;

pub use search::FoundSession;

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
    /// The store could not be opened when percept started.
    #[error("{0}")]
    Unsaved(String),
    /// There is no such session.
    #[error("There is no session {0}. `percept sessions list` shows those that are kept.")]
    NoSession(String),
    /// Anything else that SQLite says.
    #[error("the session store failed: {0}")]
    Sqlite(rusqlite::Error),
    /// A row doesn't hold what it should.
    #[error("a stored message can't be read ({0}). A newer percept may have written it.")]
    Row(#[from] serde_json::Error),
}

impl StoreError {
    /// Whether a folder or disk is the reason: nothing is wrong with what is kept, and
    /// percept can do without keeping more.
    pub fn is_of_the_disk(&self) -> bool {
        match self {
            Self::File { .. } | Self::Full | Self::ReadOnly => true,
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied)
            ),
            _ => false,
        }
    }

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
    /// The database, or why there is none.
    database: Result<Connection, String>,
    /// The session that was made last, by its first message.
    begun: Option<(MessageId, SessionId)>,
}

impl SessionStore {
    /// Opens `percept.db` in a folder, making both if they are not there.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        make_private(folder).map_err(|error| StoreError::file(folder, error))?;
        let path = folder.join("percept.db");
        let database = Connection::open(&path)?;
        let opened = schema::prepare(&database, &path);
        match opened {
            Err(StoreError::Sqlite(error)) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
                Err(StoreError::NotOurs(path))
            }
            opened => opened.map(|()| Self { database: Ok(database), begun: None }),
        }
    }

    /// A store that keeps nothing and says why at every write: for a disk that can't be
    /// written. The conversation itself goes on in memory.
    pub fn unsaved(why: String) -> Self {
        Self { database: Err(why), begun: None }
    }

    fn database(&self) -> Result<&Connection, StoreError> {
        self.database.as_ref().map_err(|why| StoreError::Unsaved(why.clone()))
    }

    /// Writes messages, new or changed, all or none; the one that is `head` becomes the
    /// last one shown. Without a session one is made, once for each first message: asking
    /// again before the number is known gives the same session.
    pub fn write(
        &mut self,
        session: Option<SessionId>,
        title: &str,
        messages: &[Message],
        head: Option<MessageId>,
    ) -> Result<SessionId, StoreError> {
        let first = messages.first();
        let begun = self.begun.filter(|(message, _)| first.is_some_and(|first| first.id == *message));
        let known = session.or(begun.map(|(_, session)| session));
        let now_ms = first.map_or(0, |first| first.created_ms);
        let transaction = self.database()?.unchecked_transaction()?;
        let id = match known {
            Some(known) => known,
            None => create(&transaction, title, now_ms)?,
        };
        for message in messages {
            put(&transaction, id, message, Some(message.id) == head)?;
        }
        transaction.commit()?;
        if let (None, Some(first)) = (known, first) {
            self.begun = Some((first.id, id));
        }
        Ok(id)
    }

    /// The sessions that hold anything, newest first.
    pub fn list(&self, limit: usize) -> Result<Vec<SessionSummary>, StoreError> {
        let mut query = self.database()?.prepare(&format!(
            "SELECT {SUMMARY} FROM sessions
             WHERE removed_ms IS NULL AND EXISTS (SELECT 1 FROM messages WHERE session = sessions.id)
             ORDER BY updated_ms DESC, id DESC LIMIT ?1"
        ))?;
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
        let database = self.database()?;
        let found = database
            .query_row(&format!("SELECT {SUMMARY}, head FROM sessions WHERE id = ?1"), [id.0], |row| {
                Ok((summary(row)?, row.get::<_, Option<i64>>(8)?))
            })
            .optional()?;
        let Some((summary, head)) = found else { return Err(StoreError::NoSession(id.0.to_string())) };
        let mut query = database.prepare(
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

fn create(database: &Connection, title: &str, now_ms: i64) -> Result<SessionId, StoreError> {
    database.execute(
        "INSERT INTO sessions (title, created_ms, updated_ms) VALUES (?1, ?2, ?2)",
        params![title, now_ms],
    )?;
    Ok(SessionId(database.last_insert_rowid()))
}

fn put(database: &Connection, session: SessionId, message: &Message, head: bool) -> Result<(), StoreError> {
    database.execute(
        "INSERT INTO messages (id, session, parent, role, status, parts, stats, created_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (session, id) DO UPDATE SET
             status = excluded.status, parts = excluded.parts, stats = excluded.stats, searched = 0",
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
    database.execute(
        "UPDATE sessions SET updated_ms = max(updated_ms, ?2), head = CASE WHEN ?3 THEN ?4 ELSE head END
         WHERE id = ?1",
        params![session.0, message.created_ms, head, message.id.0],
    )?;
    Ok(())
}

/// What is said and attached is nobody else's business.
pub fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// The columns of a [`SessionSummary`]. A branch ends with a message that is nobody's parent.
const SUMMARY: &str = "sessions.id, title, sessions.created_ms, updated_ms,
    (SELECT count(*) FROM messages WHERE session = sessions.id), tags, removed_ms,
    (SELECT count(*) - count(DISTINCT parent) FROM messages WHERE session = sessions.id)";

fn summary(row: &Row<'_>) -> rusqlite::Result<SessionSummary> {
    Ok(SessionSummary {
        id: SessionId(row.get(0)?),
        title: row.get(1)?,
        created_ms: row.get(2)?,
        updated_ms: row.get(3)?,
        messages: row.get::<_, i64>(4)?.unsigned_abs(),
        tags: serde_json::from_str(&row.get::<_, String>(5)?).unwrap_or_default(),
        removed_ms: row.get(6)?,
        branches: row.get::<_, i64>(7)?.unsigned_abs(),
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
                let what = if role == Role::Tool { "step" } else { "answer" };
                Status::Interrupted { why: format!("percept ended in the middle of this {what}") }
            }
            status => status,
        },
        created_ms: row.get(6)?,
        stats,
    })
}
