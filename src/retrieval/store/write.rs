//! Writing to the index.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::{Store, paths, signed};
use crate::retrieval::analysis::{Analyser, PassageWords, Words};
use crate::retrieval::passage::{FileState, NewFile, NewPassage, PassageId, PassageKind};
use crate::retrieval::vectors::to_f16;
use crate::retrieval::{IndexError, Space};

/// Pages of words that are merged in a step: some ten milliseconds.
const MERGED_PAGES: u32 = 500;

impl Store {
    /// Adds a folder or a file, by its absolute path. Adding it again changes nothing.
    pub fn add_source(&mut self, path: &Path) -> Result<(), IndexError> {
        let add = "INSERT OR IGNORE INTO sources (path) VALUES (?1)";
        self.connection.execute(add, [paths::bytes(path)]).map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// Takes a source out with all that came of it; the number of its files, `None`: it is no source.
    pub fn remove_source(&mut self, path: &Path) -> Result<Option<u64>, IndexError> {
        self.write(|transaction| {
            let Some(source) = source(transaction, path)? else { return Ok(None) };
            let files = "SELECT count(*) FROM files WHERE source = ?1";
            let files: i64 = transaction.query_row(files, [source], |row| row.get(0))?;
            transaction.execute("DELETE FROM sources WHERE id = ?1", [source])?;
            Ok(Some(files.unsigned_abs()))
        })
    }

    /// Puts a file and its passages in place of what was known of its path, all or nothing.
    /// Passages that didn't change keep their numbers, and so their vectors. Nothing is put
    /// where the source isn't one, or was taken out meanwhile.
    pub fn put(
        &mut self,
        source: &Path,
        file: &NewFile,
        passages: &[NewPassage],
    ) -> Result<Vec<PassageId>, IndexError> {
        let words = self.analyser.words(source, file, passages);
        let put = self.put_analysed(source, file, passages, &words);
        if put.is_err() {
            // It remembers spellings that were not kept.
            self.analyser = Analyser::default();
        }
        put
    }

    /// As [`Self::put`], for whoever analysed the words on another thread.
    pub fn put_analysed(
        &mut self,
        source: &Path,
        file: &NewFile,
        passages: &[NewPassage],
        words: &Words,
    ) -> Result<Vec<PassageId>, IndexError> {
        self.write(|transaction| {
            let Some(id) = self::source(transaction, source)? else { return Ok(Vec::new()) };
            let mut old = put_file(transaction, id, file, words.language.code(), passages)?;
            let mut ids = Vec::with_capacity(passages.len());
            for (position, (passage, own)) in passages.iter().zip(&words.passages).enumerate() {
                ids.push(put_passage(transaction, &mut old, position, passage, (words, own))?);
            }
            let mut delete = transaction.prepare_cached("DELETE FROM passages WHERE id = ?1")?;
            for gone in old.by_content.into_values().flatten() {
                delete.execute([gone])?;
            }
            keep_spellings(transaction, words)?;
            Ok(ids)
        })
    }

    /// Merges the lists of words that each file left by itself, so that a search reads few. In
    /// small steps: others can write between them, and what is done when it is stopped is kept.
    pub fn merge_words(&mut self, stop: &AtomicBool) -> Result<(), IndexError> {
        for table in ["words", "spelt"] {
            let step = format!("INSERT INTO {table} ({table}, rank) VALUES ('merge', {MERGED_PAGES})");
            while !stop.load(Ordering::Relaxed) {
                let before = self.connection.total_changes();
                self.connection.execute(&step, []).map_err(|error| self.failed(error))?;
                // So FTS5 says that there is nothing more to merge.
                if self.connection.total_changes() - before < 2 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Notes that a file is the same as it was, at another time.
    pub fn touch(&mut self, path: &Path, bytes: u64, modified_ns: i64) -> Result<(), IndexError> {
        let touch = "UPDATE files SET bytes = ?2, modified_ns = ?3 WHERE path = ?1";
        let values = params![paths::bytes(path), signed(bytes), modified_ns];
        self.connection.execute(touch, values).map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// Takes a file out that is no longer there, or all files below a folder; how many.
    pub fn forget(&mut self, path: &Path) -> Result<u64, IndexError> {
        let (from, to) = paths::below(path);
        let forget = "DELETE FROM files WHERE path = ?1 OR (path >= ?2 AND path < ?3)";
        let gone = self.connection.execute(forget, params![paths::bytes(path), from, to]);
        gone.map(|gone| gone as u64).map_err(|error| self.failed(error))
    }

    /// Keeps vectors, in one transaction. Those of passages that are gone meanwhile are dropped.
    ///
    /// # Errors
    ///
    /// A vector isn't of the space's dimensions, or the index can't be written.
    pub fn put_vectors(
        &mut self,
        space: &Space,
        vectors: &[(PassageId, Vec<f32>)],
    ) -> Result<(), IndexError> {
        if let Some((_, wrong)) = vectors.iter().find(|(_, vector)| vector.len() != space.dimensions) {
            let (name, said, given) = (&space.name, space.dimensions, wrong.len());
            let why = format!("{name} gave a vector of {given} numbers where it says that it gives {said}");
            return Err(IndexError::Vectors(why));
        }
        self.write(|transaction| {
            let add =
                "INSERT OR IGNORE INTO spaces (key, name, dimensions, pictures) VALUES (?1, ?2, ?3, ?4)";
            transaction.execute(
                add,
                params![space.id, space.name, signed(space.dimensions as u64), space.pictures],
            )?;
            let id = "SELECT id FROM spaces WHERE key = ?1";
            let id: i64 = transaction.query_row(id, [&space.id], |row| row.get(0))?;
            let mut put = transaction.prepare_cached(
                "INSERT OR REPLACE INTO vectors (space, passage, data)
                 SELECT ?1, id, ?3 FROM passages WHERE id = ?2",
            )?;
            for (passage, vector) in vectors {
                put.execute(params![id, passage.0, to_f16(vector)])?;
            }
            Ok(())
        })
    }

    /// Pauses it, or lets it go on.
    pub fn set_paused(&mut self, paused: bool) -> Result<(), IndexError> {
        let set = "INSERT OR REPLACE INTO settings (key, value) VALUES ('paused', ?1)";
        self.connection.execute(set, [if paused { "1" } else { "0" }]).map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// Writes all or nothing.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, IndexError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let done = transaction.and_then(|transaction| {
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        });
        done.map_err(|error| self.failed(error))
    }
}

fn source(transaction: &Transaction<'_>, path: &Path) -> rusqlite::Result<Option<i64>> {
    let mut query = transaction.prepare_cached("SELECT id FROM sources WHERE path = ?1")?;
    query.query_row([paths::bytes(path)], |row| row.get(0)).optional()
}

/// The passages that a file had, to see which of them it has still.
struct Old {
    file: i64,
    by_content: HashMap<(String, String, String), Vec<i64>>,
}

/// Writes the file's own row; gives the passages that it had.
fn put_file(
    transaction: &Transaction<'_>,
    source: i64,
    file: &NewFile,
    language: &str,
    passages: &[NewPassage],
) -> rusqlite::Result<Old> {
    let path = paths::bytes(&file.path);
    let mut same = transaction
        .prepare_cached("SELECT source = ?2 AND title IS ?3 AND language IS ?4 FROM files WHERE path = ?1")?;
    let same = same.query_row(params![path, source, file.title, language], |row| row.get(0)).optional()?;
    if same == Some(false) {
        // Its words are made with these.
        transaction.execute("DELETE FROM files WHERE path = ?1", [&path])?;
    }
    let (skip, note) = match &file.state {
        FileState::Indexed { note } => (None, note.as_str()),
        FileState::Skipped(skip) => (serde_json::to_string(skip).ok(), ""),
    };
    let name = file.path.file_name().map(Path::new).map(paths::bytes).unwrap_or_default();
    let pictures = passages.iter().filter(|passage| passage.kind == PassageKind::Picture).count();
    let mut put = transaction.prepare_cached(
        "INSERT INTO files (source, path, name, bytes, modified_ns, hash, title, language, seen_by,
                            skip, note, passages, pictures)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (path) DO UPDATE SET
             bytes = excluded.bytes, modified_ns = excluded.modified_ns, hash = excluded.hash,
             seen_by = excluded.seen_by, skip = excluded.skip, note = excluded.note,
             passages = excluded.passages, pictures = excluded.pictures
         RETURNING id",
    )?;
    let values = params![
        source,
        path,
        name,
        signed(file.bytes),
        file.modified_ns,
        file.hash,
        file.title,
        language,
        file.seen_by,
        skip,
        note,
        signed(passages.len() as u64),
        signed(pictures as u64)
    ];
    let file = put.query_row(values, |row| row.get(0))?;
    let mut old = Old { file, by_content: HashMap::new() };
    if same == Some(true) {
        let mut query = transaction.prepare_cached(
            "SELECT id, kind, heading, text FROM passages WHERE file = ?1 ORDER BY position DESC",
        )?;
        let mut rows = query.query([file])?;
        while let Some(row) = rows.next()? {
            let content = (row.get(1)?, row.get(2)?, row.get(3)?);
            old.by_content.entry(content).or_default().push(row.get(0)?);
        }
    }
    Ok(old)
}

fn put_passage(
    transaction: &Transaction<'_>,
    old: &mut Old,
    position: usize,
    passage: &NewPassage,
    (words, own): (&Words, &PassageWords),
) -> rusqlite::Result<PassageId> {
    let position = signed(position as u64);
    let place = passage.place.to_string();
    let heading = serde_json::to_string(&passage.heading).unwrap_or_default();
    let content = (passage.kind.code().to_owned(), heading, passage.text.clone());
    if let Some(id) = old.by_content.get_mut(&content).and_then(Vec::pop) {
        let mut same =
            transaction.prepare_cached("UPDATE passages SET position = ?2, place = ?3 WHERE id = ?1")?;
        same.execute(params![id, position, place])?;
        return Ok(PassageId(id));
    }
    let (kind, heading, text) = content;
    let mut put = transaction.prepare_cached(
        "INSERT INTO passages (file, position, kind, heading, place, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let id = put.insert(params![old.file, position, kind, heading, place, text])?;
    let mut put = transaction.prepare_cached(
        "INSERT INTO words (rowid, path, title, heading, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    put.execute(params![id, words.path, words.title, own.heading, own.body])?;
    Ok(PassageId(id))
}

fn keep_spellings(transaction: &Transaction<'_>, words: &Words) -> rusqlite::Result<()> {
    if !words.spellings.is_empty() {
        let mut put = transaction.prepare_cached("INSERT INTO spelt (words) VALUES (?1)")?;
        put.execute([words.spellings.join(" ")])?;
    }
    let mut put = transaction.prepare_cached("INSERT OR IGNORE INTO languages (code) VALUES (?1)")?;
    put.execute([words.language.code()])?;
    Ok(())
}
