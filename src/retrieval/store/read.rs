//! Looking at what the index holds, for who keeps it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::{Known, Source, Status, Store, Unembedded, paths, signed};
use crate::document::{Place, in_context};
use crate::retrieval::passage::{FileState, PassageId, PassageKind, Skip};
use crate::retrieval::{IndexError, Space};

/// Passages that need a vector: all but pictures without words, where the space (`?3`) has no
/// pictures.
const WITHOUT_VECTOR: &str = "
    passages.id >= ?2
    AND (?3 OR passages.kind <> 'picture' OR passages.text <> '')
    AND (?4 OR passages.kind = 'picture' AND passages.place = '')
    AND NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.passage = passages.id AND vectors.space = ?1)";

impl Store {
    /// What was added, in its order.
    pub fn sources(&self) -> Result<Vec<Source>, IndexError> {
        self.rows(
            "SELECT sources.path, count(files.id) FILTER (WHERE skip IS NULL),
                    count(files.id) FILTER (WHERE skip IS NOT NULL),
                    total(passages), total(bytes) FILTER (WHERE skip IS NULL)
             FROM sources LEFT JOIN files ON files.source = sources.id
             GROUP BY sources.id ORDER BY sources.id",
            [],
            |row| {
                Ok(Source {
                    path: paths::path(row.get(0)?),
                    files: unsigned(row, 1)?,
                    skipped: unsigned(row, 2)?,
                    // `total` counts in floating point, which no sum of sizes overflows.
                    passages: row.get::<_, f64>(3)? as u64,
                    bytes: row.get::<_, f64>(4)? as u64,
                })
            },
        )
    }

    /// The paths of what was added, in its order: sooner known than [`Self::sources`].
    pub fn source_paths(&self) -> Result<Vec<PathBuf>, IndexError> {
        self.rows("SELECT path FROM sources ORDER BY id", [], |row| Ok(paths::path(row.get(0)?)))
    }

    /// What is known of the files at and below a source, by their paths.
    pub fn known(&self, source: &Path) -> Result<HashMap<PathBuf, Known>, IndexError> {
        let (from, to) = paths::below(source);
        let known = self.rows(
            "SELECT path, bytes, modified_ns, hash, skip, note FROM files
             WHERE path = ?1 OR (path >= ?2 AND path < ?3)",
            params![paths::bytes(source), from, to],
            |row| {
                let known = Known {
                    bytes: unsigned(row, 1)?,
                    modified_ns: row.get(2)?,
                    hash: row.get(3)?,
                    state: match row.get::<_, Option<String>>(4)? {
                        Some(skip) => FileState::Skipped(skipped(&skip)),
                        None => FileState::Indexed { note: row.get(5)? },
                    },
                };
                Ok((paths::path(row.get(0)?), known))
            },
        )?;
        Ok(known.into_iter().collect())
    }

    /// Files that are left out, with the reason, sorted by path.
    pub fn skipped(&self, most: usize) -> Result<Vec<(PathBuf, Skip)>, IndexError> {
        self.rows(
            "SELECT path, skip FROM files WHERE skip IS NOT NULL ORDER BY path LIMIT ?1",
            [signed(most as u64)],
            |row| Ok((paths::path(row.get(0)?), skipped(&row.get::<_, String>(1)?))),
        )
    }

    /// Files with passages of this kind that were looked at (or heard) by somebody else than
    /// `by`, or by nobody: at most so many, the oldest first.
    pub fn unseen(&self, kind: PassageKind, by: &str, most: usize) -> Result<Vec<PathBuf>, IndexError> {
        self.rows(
            "SELECT path FROM files
             WHERE seen_by IS NOT ?2 AND id IN (SELECT file FROM passages WHERE kind = ?1)
             ORDER BY id LIMIT ?3",
            params![kind.code(), by, signed(most as u64)],
            |row| Ok(paths::path(row.get(0)?)),
        )
    }

    /// Passages that have no vector in a space: at most so many, the oldest first. Pictures
    /// without words are among them only where the space has pictures, and nothing but pictures where
    /// it has no texts.
    pub fn unembedded(&self, space: &Space, most: usize) -> Result<Vec<Unembedded>, IndexError> {
        let (id, below) = self.embedded(space)?;
        let newest = self.newest()?;
        let found = self.rows(
            &format!(
                "SELECT passages.id, kind, path, title, heading, text, place
                 FROM passages JOIN files ON files.id = passages.file
                 WHERE {WITHOUT_VECTOR} ORDER BY passages.id LIMIT ?5"
            ),
            params![id, below, space.pictures, space.texts, signed(most as u64)],
            |row| {
                let title: Option<String> = row.get(3)?;
                let heading: Vec<String> =
                    serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default();
                Ok(Unembedded {
                    id: PassageId(row.get(0)?),
                    kind: PassageKind::of_code(&row.get::<_, String>(1)?),
                    path: paths::path(row.get(2)?),
                    place: row.get::<_, String>(6)?.parse().unwrap_or(Place::Whole),
                    text: in_context(title.as_deref(), &heading, &row.get::<_, String>(5)?),
                })
            },
        )?;
        if most > 0 {
            let reached = found.first().map_or(newest.saturating_add(1), |first| first.id.0);
            self.remember_embedded(id, below, reached)?;
        }
        Ok(found)
    }

    /// How many passages have no vector in a space.
    pub fn count_unembedded(&self, space: &Space) -> Result<u64, IndexError> {
        let (id, below) = self.embedded(space)?;
        let count = format!("SELECT count(*) FROM passages WHERE {WITHOUT_VECTOR}");
        let values = params![id, below, space.pictures, space.texts];
        self.connection.query_row(&count, values, |row| unsigned(row, 0)).map_err(|error| self.failed(error))
    }

    /// How much there is.
    pub fn status(&self) -> Result<Status, IndexError> {
        let count = |query| {
            let count: rusqlite::Result<f64> = self.connection.query_row(query, [], |row| row.get(0));
            count.map(|count| count as u64).map_err(|error| self.failed(error))
        };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let vectors = self.rows(
            "SELECT name, count(*) FROM vectors JOIN spaces ON spaces.id = vectors.space
             GROUP BY spaces.id ORDER BY spaces.id",
            [],
            |row| Ok((row.get(0)?, unsigned(row, 1)?)),
        )?;
        Ok(Status {
            sources: self.sources()?,
            passages: count("SELECT total(passages) FROM files")?,
            pictures: count("SELECT total(pictures) FROM files")?,
            vectors,
            bytes_on_disk: size(folder),
            paused: self.is_paused()?,
            pairs: count("SELECT count(*) + 0.0 FROM pairs")?,
        })
    }

    /// Whether indexing is paused, for whichever percept does it.
    pub fn is_paused(&self) -> Result<bool, IndexError> {
        let paused = "SELECT value = '1' FROM settings WHERE key = 'paused'";
        let paused = self.connection.query_row(paused, [], |row| row.get(0)).optional();
        paused.map(|paused| paused.unwrap_or(false)).map_err(|error| self.failed(error))
    }

    /// The number of a space (0: there is nothing in it), and below which passage all is done.
    fn embedded(&self, space: &Space) -> Result<(i64, i64), IndexError> {
        let found = embedded(&self.connection, space);
        found.map(|found| found.unwrap_or((0, 0))).map_err(|error| self.failed(error))
    }

    /// So that the next one needn't look through them again.
    fn remember_embedded(&self, space: i64, below: i64, reached: i64) -> Result<(), IndexError> {
        if reached <= below || space == 0 {
            return Ok(());
        }
        let remember = "UPDATE spaces SET embedded_below = max(embedded_below, ?2) WHERE id = ?1";
        self.connection.execute(remember, [space, reached]).map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// The largest number that a passage was ever given.
    fn newest(&self) -> Result<i64, IndexError> {
        let newest = "SELECT seq FROM sqlite_sequence WHERE name = 'passages'";
        let newest = self.connection.query_row(newest, [], |row| row.get(0)).optional();
        newest.map(|newest| newest.unwrap_or(0)).map_err(|error| self.failed(error))
    }

    fn rows<T>(
        &self,
        query: &str,
        values: impl Params,
        row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, IndexError> {
        let read =
            || self.connection.prepare_cached(query)?.query_map(values, row)?.collect::<Result<_, _>>();
        read().map_err(|error| self.failed(error))
    }
}

/// What is to be said of passages that can't be found by meaning, since they have no vector in
/// a space yet; `None`: all have.
pub(in crate::retrieval) fn without_vectors(
    connection: &Connection,
    space: &Space,
) -> rusqlite::Result<Option<String>> {
    let embedded = embedded(connection, space)?;
    let Some((id, below)) = embedded else {
        return Ok(Some(format!("Searched by words only: no vectors by {} were found yet.", space.name)));
    };
    let any = format!("SELECT EXISTS (SELECT 1 FROM passages WHERE {WITHOUT_VECTOR})");
    let any: bool = connection
        .prepare_cached(&any)?
        .query_row(params![id, below, space.pictures, space.texts], |row| row.get(0))?;
    let note = "The index is still being made: some passages are found by words only.";
    Ok(any.then(|| note.to_owned()))
}

/// The number of a space, and below which passage all have a vector; `None`: there is nothing in it.
fn embedded(connection: &Connection, space: &Space) -> rusqlite::Result<Option<(i64, i64)>> {
    let mut query = connection.prepare_cached("SELECT id, embedded_below FROM spaces WHERE key = ?1")?;
    query.query_row([&space.id], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// A count, which SQLite keeps with a sign.
fn unsigned(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}

fn skipped(skip: &str) -> Skip {
    serde_json::from_str(skip)
        .unwrap_or_else(|_| Skip::Unreadable("the reason isn't known any more".to_owned()))
}

/// Bytes of the files of a folder.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .map(|file| file.len())
        .sum()
}
