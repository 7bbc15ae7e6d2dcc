//! Order among the conversations: names, tags, the bin.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{SUMMARY, SessionStore, StoreError, summary};
use crate::session::{SessionId, SessionSummary};

impl SessionStore {
    /// Gives a session another title.
    pub fn rename(&mut self, session: SessionId, title: &str) -> Result<(), StoreError> {
        let rename = "UPDATE sessions SET title = ?2 WHERE id = ?1";
        one(session, self.database()?.execute(rename, params![session.0, title])?)
    }

    /// Gives a session another title if it has this one, and says which it has then.
    pub fn entitle(&mut self, session: SessionId, from: &str, to: &str) -> Result<String, StoreError> {
        let entitle = "UPDATE sessions SET title = ?3 WHERE id = ?1 AND title = ?2";
        let database = self.database()?;
        database.execute(entitle, params![session.0, from, to])?;
        Ok(self::session(database, session)?.title)
    }

    /// Tags a session, and takes tags off; what it is tagged with then, in their order.
    pub fn tag(
        &mut self,
        session: SessionId,
        add: &[String],
        remove: &[String],
    ) -> Result<Vec<String>, StoreError> {
        let transaction = Transaction::new_unchecked(self.database()?, TransactionBehavior::Immediate)?;
        let mut tags = self::session(&transaction, session)?.tags;
        tags.extend_from_slice(add);
        tags.retain(|tag| !remove.contains(tag));
        tags.sort();
        tags.dedup();
        let put = "UPDATE sessions SET tags = ?2 WHERE id = ?1";
        transaction.execute(put, params![session.0, serde_json::to_string(&tags)?])?;
        transaction.commit()?;
        Ok(tags)
    }

    /// Puts a session into the bin: it is no longer listed nor found, until it is restored.
    pub fn remove(&mut self, session: SessionId, now_ms: i64) -> Result<(), StoreError> {
        let remove = "UPDATE sessions SET removed_ms = coalesce(removed_ms, ?2) WHERE id = ?1";
        one(session, self.database()?.execute(remove, params![session.0, now_ms])?)
    }

    /// Takes a session out of the bin again.
    pub fn restore(&mut self, session: SessionId) -> Result<(), StoreError> {
        let restore = "UPDATE sessions SET removed_ms = NULL WHERE id = ?1";
        one(session, self.database()?.execute(restore, [session.0])?)
    }

    /// What lies in the bin, what was put there last first.
    pub fn bin(&self) -> Result<Vec<SessionSummary>, StoreError> {
        let list = format!(
            "SELECT {SUMMARY} FROM sessions WHERE removed_ms IS NOT NULL ORDER BY removed_ms DESC, id DESC"
        );
        let mut query = self.database()?.prepare(&list)?;
        Ok(query.query_map([], summary)?.collect::<Result<_, _>>()?)
    }

    /// Deletes for good what was put into the bin before then; the sessions that are gone. Their
    /// words are in none of the store's files afterwards, unless another percept reads it just now.
    pub fn empty_bin(&mut self, before_ms: i64) -> Result<Vec<SessionId>, StoreError> {
        let database = self.database()?;
        let mut query = database.prepare("DELETE FROM sessions WHERE removed_ms < ?1 RETURNING id")?;
        let gone = query.query_map([before_ms], |row| row.get(0).map(SessionId))?;
        let gone = gone.collect::<Result<Vec<_>, _>>()?;
        if !gone.is_empty() {
            // The index only marks what it lost until it is merged, and the log holds older pages.
            database.execute("INSERT INTO said (said) VALUES ('optimize')", [])?;
            database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(gone)
    }

    /// Gives out the parts of each message that is kept, those in the bin too, as JSON.
    pub fn each_parts(&self, mut give: impl FnMut(&str)) -> Result<(), StoreError> {
        let mut query = self.database()?.prepare("SELECT parts FROM messages")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            give(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?);
        }
        Ok(())
    }
}

fn session(database: &Connection, id: SessionId) -> Result<SessionSummary, StoreError> {
    let query = format!("SELECT {SUMMARY} FROM sessions WHERE id = ?1");
    match database.query_row(&query, [id.0], summary) {
        Err(rusqlite::Error::QueryReturnedNoRows) => Err(StoreError::NoSession(id.0.to_string())),
        found => Ok(found?),
    }
}

fn one(session: SessionId, changed: usize) -> Result<(), StoreError> {
    match changed {
        0 => Err(StoreError::NoSession(session.0.to_string())),
        _ => Ok(()),
    }
}
