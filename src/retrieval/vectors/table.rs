//! The vectors of a space, as the database has them.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Result, params, params_from_iter};

use super::code;
use crate::retrieval::store::paths;
use crate::retrieval::{Filter, PassageId, Space};

/// The rows of one space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    pub(super) connection: &'a Connection,
    /// The number of the space in this database.
    space: i64,
    dimensions: usize,
}

/// What tells this database from another one that was there before: row numbers mean nothing
/// outside of their own.
pub(super) fn identity(connection: &Connection) -> Result<Option<String>> {
    let sql = "SELECT value FROM settings WHERE key = 'identity'";
    connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()
}

/// The same, made where there is none yet.
pub(super) fn make_identity(connection: &Connection) -> Result<String> {
    if let Some(identity) = identity(connection)? {
        return Ok(identity);
    }
    let sql = "INSERT OR IGNORE INTO settings VALUES ('identity', lower(hex(randomblob(8))))";
    connection.execute(sql, [])?;
    Ok(identity(connection)?.unwrap_or_default())
}

impl<'a> Table<'a> {
    /// Those of a space; `None`: there are none yet.
    pub(super) fn of(connection: &'a Connection, space: &Space) -> Result<Option<Self>> {
        let sql = "SELECT id, dimensions FROM spaces WHERE key = ?1";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, u32>(1)?));
        let found = connection.prepare_cached(sql)?.query_row([&space.id], read).optional()?;
        let found = found.filter(|(_, dimensions)| *dimensions as usize == space.dimensions);
        Ok(found.map(|(number, _)| Self { connection, space: number, dimensions: space.dimensions }))
    }

    /// The greatest number of a row, of whichever space: what came since is above it.
    pub(super) fn newest(&self) -> Result<i64> {
        let newest = "SELECT coalesce(max(id), 0) FROM vectors";
        self.connection.prepare_cached(newest)?.query_row([], |row| row.get(0))
    }

    /// How many rows there are: by the index alone, without the vectors.
    pub(super) fn count(&self) -> Result<u64> {
        let sql = "SELECT count(*) FROM vectors INDEXED BY sqlite_autoindex_vectors_1 WHERE space = ?1";
        let count: i64 = self.connection.prepare_cached(sql)?.query_row([self.space], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// How many rows have a greater number.
    pub(super) fn count_after(&self, after: i64) -> Result<u64> {
        let sql = "SELECT count(*) FROM vectors WHERE id > ?1 AND space = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let count: i64 = statement.query_row([after, self.space], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Gives out rows of a greater number, in their order, at most so many: how many there were,
    /// and the last one's number. What is no vector of the space's dimensions is passed over.
    pub(super) fn each_after(
        &self,
        after: i64,
        most: usize,
        mut take: impl FnMut(i64, &[f32]),
    ) -> Result<(usize, i64)> {
        let sql = "SELECT id, data FROM vectors WHERE id > ?1 AND space = ?2 ORDER BY id LIMIT ?3";
        let mut statement = self.connection.prepare_cached(sql)?;
        // Less than 0: without a limit.
        let most = i64::try_from(most).unwrap_or(-1);
        let mut rows = statement.query(params![after, self.space, most])?;
        let mut vector = vec![0.0; self.dimensions];
        let (mut count, mut last) = (0, after);
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            count += 1;
            if code::from_f16(row.get_ref(1)?.as_blob()?, &mut vector) {
                take(last, &vector);
            }
        }
        Ok((count, last))
    }

    /// The greatest number of a row of this space; `None`: there is none.
    pub(super) fn last(&self) -> Result<Option<i64>> {
        let sql = "SELECT id FROM vectors WHERE space = ?1 ORDER BY id DESC LIMIT 1";
        self.connection.prepare_cached(sql)?.query_row([self.space], |row| row.get(0)).optional()
    }

    /// The numbers of the rows from one on, and below another one.
    pub(super) fn rows(&self, from: i64, below: Option<i64>) -> Result<Vec<i64>> {
        let sql = "SELECT id FROM vectors WHERE id >= ?1 AND id < ?2 AND space = ?3 ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let values = params![from, below.unwrap_or(i64::MAX), self.space];
        statement.query_map(values, |row| row.get(0))?.collect()
    }

    /// Gives out these rows, with the kind of their passage; those that are gone are passed over.
    pub(super) fn with_kinds(&self, ids: &[i64], mut take: impl FnMut(i64, &str, &[f32])) -> Result<()> {
        let sql = "SELECT kind, data FROM vectors JOIN passages ON passages.id = vectors.passage
                   WHERE vectors.id = ?1 AND space = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut vector = vec![0.0; self.dimensions];
        for id in ids {
            let mut rows = statement.query([*id, self.space])?;
            let Some(row) = rows.next()? else { continue };
            if code::from_f16(row.get_ref(1)?.as_blob()?, &mut vector) {
                take(*id, row.get_ref(0)?.as_str()?, &vector);
            }
        }
        Ok(())
    }

    /// The passage and the cosine of each row that is still there, the best first.
    pub(super) fn rank(&self, query: &[f32], ids: &[i64], most: usize) -> Result<Vec<(PassageId, f32)>> {
        let sql = "SELECT passage, data FROM vectors WHERE id = ?1 AND space = ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut vector = vec![0.0; self.dimensions];
        let mut ranked = Vec::with_capacity(ids.len());
        for id in ids {
            let mut rows = statement.query([*id, self.space])?;
            let Some(row) = rows.next()? else { continue };
            if code::from_f16(row.get_ref(1)?.as_blob()?, &mut vector) {
                ranked.push((PassageId(row.get(0)?), code::cosine(query, &vector)));
            }
        }
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.truncate(most);
        Ok(ranked)
    }

    /// The rows that a filter allows, where there are no more than so many; `None`: there are.
    pub(super) fn few(&self, filter: &Filter<'_>, most: usize) -> Result<Option<Vec<i64>>> {
        if filter.is_all() {
            return Ok(None);
        }
        let (conditions, mut values) = conditions(filter);
        let sql = format!(
            "SELECT vectors.id FROM files JOIN passages ON passages.file = files.id
             JOIN vectors ON vectors.passage = passages.id AND vectors.space = ?
             WHERE {conditions} LIMIT ?"
        );
        values.insert(0, self.space.into());
        values.push(i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1).into());
        let mut statement = self.connection.prepare_cached(&sql)?;
        let ids: Vec<i64> =
            statement.query_map(params_from_iter(values), |row| row.get(0))?.collect::<Result<_>>()?;
        Ok((ids.len() <= most).then_some(ids))
    }

    /// What tells whether a row is still there and allowed.
    pub(super) fn gate(&self, filter: &Filter<'_>) -> Result<Gate<'a>> {
        let (conditions, values) = conditions(filter);
        let joined = match filter.is_all() {
            true => "",
            false => {
                "JOIN passages ON passages.id = vectors.passage
                 JOIN files ON files.id = passages.file"
            }
        };
        let sql = format!(
            "SELECT 1 FROM vectors {joined} WHERE vectors.id = ? AND vectors.space = ? AND {conditions}"
        );
        let mut gate = Gate { statement: self.connection.prepare_cached(&sql)?, failure: None };
        gate.statement.raw_bind_parameter(2, self.space)?;
        for (at, value) in values.into_iter().enumerate() {
            gate.statement.raw_bind_parameter(at + 3, value)?;
        }
        Ok(gate)
    }

    /// Looks through all rows of a greater number: the nearest that are allowed, at most so
    /// many. Slow, and takes little memory.
    pub(super) fn scan_after(
        &self,
        after: i64,
        query: &[f32],
        most: usize,
        gate: &mut Gate<'_>,
    ) -> Result<Vec<i64>> {
        let mut best: Vec<(f32, i64)> = Vec::new();
        let mut least = f32::NEG_INFINITY;
        self.each_after(after, usize::MAX, |id, vector| {
            let score = code::cosine(query, vector);
            if score > least && gate.allows(id) {
                best.push((score, id));
            }
            if best.len() > most.saturating_mul(2) {
                best.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
                best.truncate(most);
                least = best.last().map_or(least, |(score, _)| *score);
            }
        })?;
        best.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        best.truncate(most);
        Ok(best.into_iter().map(|(_, id)| id).collect())
    }
}

/// Tells of rows, one by one, whether they are still there and allowed.
pub(super) struct Gate<'a> {
    statement: rusqlite::CachedStatement<'a>,
    failure: Option<rusqlite::Error>,
}

impl Gate<'_> {
    /// Whether this one is; after a failure none is any more. It is asked from within C++, which
    /// is no place to return an error to.
    pub(super) fn allows(&mut self, id: i64) -> bool {
        if self.failure.is_some() {
            return false;
        }
        let asked = self.ask(id);
        asked.unwrap_or_else(|error| {
            self.failure = Some(error);
            false
        })
    }

    fn ask(&mut self, id: i64) -> Result<bool> {
        self.statement.raw_bind_parameter(1, id)?;
        Ok(self.statement.raw_query().next()?.is_some())
    }

    /// What failed.
    pub(super) fn finish(self) -> Result<()> {
        self.failure.map_or(Ok(()), Err)
    }
}

/// A filter as conditions of SQL, with the values of their places.
fn conditions(filter: &Filter<'_>) -> (String, Vec<Value>) {
    let mut conditions = vec!["1"];
    let mut values = Vec::new();
    if filter.pictures_only {
        // The first is what the index of passages to look at is limited to.
        conditions.push("passages.kind IN ('picture', 'transcript') AND passages.kind = 'picture'");
    }
    if let Some(within) = filter.within {
        conditions.push("(files.path = ? OR files.path >= ? AND files.path < ?)");
        let (from, to) = paths::below(within);
        values.extend([paths::bytes(within).into_owned(), from, to].map(Value::from));
    }
    (conditions.join(" AND "), values)
}
