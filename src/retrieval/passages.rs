//! Passages and files, read from the database.

use std::path::{Path, PathBuf};

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::passage::{Passage, PassageId, PassageKind};
use super::store::paths;
use crate::document::Place;

const PASSAGE: &str = "
    SELECT passages.id, files.path, sources.path, kind, title, text, heading, place
    FROM passages JOIN files ON files.id = passages.file JOIN sources ON sources.id = files.source";

/// A passage by its number.
pub(super) fn by_id(connection: &Connection, id: PassageId) -> rusqlite::Result<Option<Passage>> {
    let mut query = connection.prepare_cached(&format!("{PASSAGE} WHERE passages.id = ?1"))?;
    query.query_row([id.0], passage).optional()
}

/// The passages of a file, in their order.
pub(super) fn of_file(connection: &Connection, path: &Path) -> rusqlite::Result<Vec<Passage>> {
    let mut query =
        connection.prepare_cached(&format!("{PASSAGE} WHERE files.path = ?1 ORDER BY position"))?;
    query.query_map([paths::bytes(path)], passage)?.collect()
}

fn passage(row: &Row<'_>) -> rusqlite::Result<Passage> {
    Ok(Passage {
        id: PassageId(row.get(0)?),
        path: paths::path(row.get(1)?),
        source: paths::path(row.get(2)?),
        kind: PassageKind::of_code(&row.get::<_, String>(3)?),
        title: row.get(4)?,
        text: row.get(5)?,
        heading: serde_json::from_str(&row.get::<_, String>(6)?).unwrap_or_default(),
        place: row.get::<_, String>(7)?.parse().unwrap_or(Place::Whole),
    })
}

/// The files that a name may mean: those whose path ends with it, by whole names of folders.
pub(super) fn files_named(connection: &Connection, name: &str) -> rusqlite::Result<Vec<PathBuf>> {
    let name = Path::new(name);
    let Some(last) = name.file_name() else { return Ok(Vec::new()) };
    let mut query =
        connection.prepare_cached("SELECT path FROM files WHERE name = ?1 AND skip IS NULL ORDER BY path")?;
    let files = query.query_map([paths::bytes(Path::new(last))], |row| Ok(paths::path(row.get(0)?)))?;
    let files: Vec<PathBuf> = files.collect::<Result<_, _>>()?;
    Ok(files.into_iter().filter(|path| path.ends_with(name)).collect())
}

/// Files whose path has these letters in it, in this order, the best first.
pub(super) fn files_like(
    connection: &Connection,
    letters: &str,
    most: usize,
) -> rusqlite::Result<Vec<PathBuf>> {
    let pattern = Pattern::new(letters, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy);
    let mut matcher = Matcher::new(Config::DEFAULT.match_paths());
    let mut buffer = Vec::new();
    let mut query = connection.prepare_cached("SELECT path FROM files WHERE skip IS NULL ORDER BY path")?;
    let mut rows = query.query(params![])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let path = paths::path(row.get(0)?);
        let shown = path.to_string_lossy();
        if let Some(score) = pattern.score(Utf32Str::new(&shown, &mut buffer), &mut matcher) {
            found.push((score, path));
        }
    }
    // Sorted by path already: of equals the first stays the first.
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.truncate(most);
    Ok(found.into_iter().map(|(_, path)| path).collect())
}
