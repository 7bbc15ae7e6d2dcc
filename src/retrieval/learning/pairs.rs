//! Confirmed pairs: that this passage was the right answer to that. A passage is named by its
//! file, kind and place, so that a pair outlives the file's being read again.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Result, Row, params};

use crate::document::Place;
use crate::retrieval::store::paths;
use crate::retrieval::{PassageId, PassageKind, Wanted};

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// These words.
    Words(String),
    /// What goes with this picture.
    Picture {
        /// Its file.
        path: PathBuf,
        /// The blake3 hash of its content when it was confirmed, as hex digits.
        hash: String,
    },
}

/// A pair that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// Its number.
    pub id: i64,
    /// What was asked.
    pub asked: Asked,
    /// The file of the right passage.
    pub path: PathBuf,
    /// Where it stood in it.
    pub place: Place,
    /// What it was made of.
    pub kind: PassageKind,
    /// When it was confirmed, in milliseconds since 1970.
    pub confirmed_ms: i64,
    /// The passage that this is now; `None`: it isn't in the index any more.
    pub passage: Option<PassageId>,
}

impl Asked {
    /// What a query asks, to be kept.
    ///
    /// # Errors
    ///
    /// The picture can't be read.
    pub(in crate::retrieval) fn of(wanted: &Wanted) -> std::io::Result<Self> {
        match wanted {
            Wanted::Words(words) => Ok(Self::Words(words.trim().to_owned())),
            Wanted::Picture { path, .. } => Ok(Self::Picture { path: path.clone(), hash: hash(path)? }),
        }
    }

    /// Its kind as it is kept, its text, and the bytes of its path.
    fn columns(&self) -> (&'static str, &str, Vec<u8>, &str) {
        match self {
            Self::Words(words) => ("words", words, Vec::new(), ""),
            Self::Picture { path, hash } => ("picture", "", paths::bytes(path).into_owned(), hash),
        }
    }
}

/// The blake3 hash of a file, as hex digits.
pub(super) fn hash(path: &Path) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Keeps a pair; once more is the same. `false`: the passage is gone.
pub(in crate::retrieval) fn confirm(
    connection: &Connection,
    asked: &Asked,
    passage: PassageId,
) -> Result<bool> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let (kind, text, path, hash) = asked.columns();
    let sql = "INSERT OR REPLACE INTO pairs
               (query_kind, query_text, query_path, query_hash, path, place, kind, confirmed_ms)
               SELECT ?1, ?2, ?3, ?4, files.path, place, kind, ?5
               FROM passages JOIN files ON files.id = passages.file WHERE passages.id = ?6";
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    Ok(connection.execute(sql, params![kind, text, path, hash, now, passage.0])? > 0)
}

/// Forgets a pair; `false`: there is none.
pub(in crate::retrieval) fn unconfirm(
    connection: &Connection,
    asked: &Asked,
    passage: PassageId,
) -> Result<bool> {
    let (kind, text, path, _) = asked.columns();
    let sql = "DELETE FROM pairs WHERE query_kind = ?1 AND query_text = ?2 AND query_path = ?3
               AND (path, place) IN (SELECT files.path, place FROM passages
                    JOIN files ON files.id = passages.file WHERE passages.id = ?4)";
    Ok(connection.execute(sql, params![kind, text, path, passage.0])? > 0)
}

/// The pairs, the newest first, at most so many, each with the passage that it means now.
pub(in crate::retrieval) fn all(connection: &Connection, most: usize) -> Result<Vec<Confirmed>> {
    let sql = "SELECT id, query_kind, query_text, query_path, query_hash, path, place, kind, confirmed_ms
               FROM pairs ORDER BY confirmed_ms DESC, id DESC LIMIT ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut pairs: Vec<Confirmed> = statement.query_map([most], confirmed)?.collect::<Result<_>>()?;
    for pair in &mut pairs {
        pair.passage = resolve(connection, pair)?;
    }
    Ok(pairs)
}

fn confirmed(row: &Row<'_>) -> Result<Confirmed> {
    let asked = match row.get_ref(1)?.as_str()? {
        "picture" => Asked::Picture { path: paths::path(row.get(3)?), hash: row.get(4)? },
        _ => Asked::Words(row.get(2)?),
    };
    Ok(Confirmed {
        id: row.get(0)?,
        asked,
        path: paths::path(row.get(5)?),
        place: row.get::<_, String>(6)?.parse().unwrap_or(Place::Whole),
        kind: PassageKind::of_code(&row.get::<_, String>(7)?),
        confirmed_ms: row.get(8)?,
        passage: None,
    })
}

/// The passage that stands where the confirmed one stood: at the same place, or else the one
/// that shares most with it.
fn resolve(connection: &Connection, pair: &Confirmed) -> Result<Option<PassageId>> {
    let sql = "SELECT passages.id, place FROM passages JOIN files ON files.id = passages.file
               WHERE files.path = ?1 AND kind = ?2 ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![paths::bytes(&pair.path), pair.kind.code()])?;
    let mut best = None;
    while let Some(row) = rows.next()? {
        let place = row.get::<_, String>(1)?.parse().unwrap_or(Place::Whole);
        let shared = shared(pair.place, place);
        if shared > best.map_or(0, |(shared, _)| shared) {
            best = Some((shared, PassageId(row.get(0)?)));
        }
    }
    Ok(best.map(|(_, passage)| passage))
}

/// How many lines, rows or seconds two places share; the same place shares all.
fn shared(a: Place, b: Place) -> u32 {
    match (a, b) {
        _ if a == b => u32::MAX,
        (Place::Lines(from, to), Place::Lines(begin, end))
        | (Place::Rows(from, to), Place::Rows(begin, end))
        | (Place::Paragraphs(from, to), Place::Paragraphs(begin, end))
        | (Place::Seconds(from, to), Place::Seconds(begin, end)) => {
            to.min(end).saturating_add(1).saturating_sub(from.max(begin))
        }
        _ => 0,
    }
}

/// Forgets a pair by its number; `false`: there is none.
pub(in crate::retrieval) fn forget(connection: &Connection, id: i64) -> Result<bool> {
    Ok(connection.execute("DELETE FROM pairs WHERE id = ?1", [id])? > 0)
}
