//! The tables of the index.

/// Marks the file as an index of percept's: `prci`.
pub(super) const APPLICATION_ID: i32 = 0x7072_6369;

/// The version of the tables below.
pub(super) const SCHEMA_VERSION: i32 = 2;

/// Paths are kept as bytes (see [`super::paths`]): not every name is Unicode, and a range of
/// bytes is a folder.
///
/// - The ids of passages and vectors are never given again (`AUTOINCREMENT`), so that a cache of
///   vectors can tell what is gone, and what came since, by number alone.
/// - `words` holds no text (`content=''`): what [`crate::retrieval`] made of the originals, in
///   tokens that are joined by blanks, is indexed; its tokenizer is to change nothing of them.
///   A trigger keeps it in step, also where a source takes its files and passages along.
/// - `vectors.data` is an array of f16, little-endian, of length 1. The key begins with the
///   passage, which so takes its vectors along without a search.
/// - `spaces.embedded_below`: all passages of a smaller number have a vector, or need none.
/// - `pairs` name a passage by file, place and kind: they outlive a file's being read again.
/// - `spelt` holds the words as they were written, without their endings cut: what a word that
///   was mistyped is compared with. They are only added: what can't be found is never proposed,
///   since proposals are looked up. It is an index of FTS5, too, of which only the terms are
///   read (`spellings`): it writes a file's new words side by side, where a table sorted by
///   word would write a page for each.
pub(super) const SCHEMA: &str = "
    CREATE TABLE sources (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        path BLOB NOT NULL UNIQUE
    );
    CREATE TABLE files (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        source INTEGER NOT NULL REFERENCES sources(id) ON DELETE CASCADE,
        path BLOB NOT NULL UNIQUE,
        name BLOB NOT NULL,
        bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        hash TEXT NOT NULL,
        title TEXT,
        language TEXT,
        seen_by TEXT,
        skip TEXT,
        note TEXT NOT NULL DEFAULT '',
        passages INTEGER NOT NULL DEFAULT 0,
        pictures INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX files_by_source ON files(source);
    CREATE INDEX files_by_name ON files(name);
    CREATE INDEX files_skipped ON files(path) WHERE skip IS NOT NULL;
    CREATE TABLE passages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        file INTEGER NOT NULL REFERENCES files(id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        kind TEXT NOT NULL,
        heading TEXT NOT NULL,
        place TEXT NOT NULL,
        text TEXT NOT NULL
    );
    CREATE INDEX passages_by_file ON passages(file, position);
    CREATE INDEX passages_to_look_at ON passages(kind, file) WHERE kind IN ('picture', 'transcript');
    CREATE VIRTUAL TABLE words USING fts5(
        path, title, heading, body,
        content='', contentless_delete=1, tokenize=\"ascii tokenchars '_-./:+#@'\"
    );
    CREATE VIRTUAL TABLE terms USING fts5vocab(words, row);
    CREATE TRIGGER passages_gone AFTER DELETE ON passages BEGIN
        DELETE FROM words WHERE rowid = old.id;
    END;
    CREATE VIRTUAL TABLE spelt USING fts5(words, content='', detail=none, tokenize='ascii');
    CREATE VIRTUAL TABLE spellings USING fts5vocab(spelt, row);
    INSERT INTO words (words, rank) VALUES ('automerge', 16), ('pgsz', 16000);
    INSERT INTO spelt (spelt, rank) VALUES ('automerge', 16), ('pgsz', 16000);
    CREATE TABLE languages (code TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE spaces (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        dimensions INTEGER NOT NULL,
        pictures INTEGER NOT NULL,
        embedded_below INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE vectors (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        space INTEGER NOT NULL REFERENCES spaces(id) ON DELETE CASCADE,
        passage INTEGER NOT NULL REFERENCES passages(id) ON DELETE CASCADE,
        data BLOB NOT NULL,
        UNIQUE (passage, space)
    );
    CREATE TABLE pairs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        query_kind TEXT NOT NULL,
        query_text TEXT NOT NULL DEFAULT '',
        query_path BLOB NOT NULL DEFAULT x'',
        query_hash TEXT NOT NULL DEFAULT '',
        path BLOB NOT NULL,
        place TEXT NOT NULL,
        kind TEXT NOT NULL,
        confirmed_ms INTEGER NOT NULL,
        UNIQUE (query_kind, query_text, query_path, path, place)
    );
    CREATE TABLE adapters (
        space_key TEXT NOT NULL,
        relation TEXT NOT NULL,
        dimensions INTEGER NOT NULL,
        data BLOB NOT NULL,
        pairs INTEGER NOT NULL,
        held_out INTEGER NOT NULL,
        before REAL NOT NULL,
        after REAL NOT NULL,
        learnt_ms INTEGER NOT NULL,
        PRIMARY KEY (space_key, relation)
    ) WITHOUT ROWID;
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;";

/// What makes version 2 of version 1, where the spellings were a table.
pub(super) const FROM_1: &str = "
    ALTER TABLE spellings RENAME TO spellings_1;
    CREATE VIRTUAL TABLE spelt USING fts5(words, content='', detail=none, tokenize='ascii');
    CREATE VIRTUAL TABLE spellings USING fts5vocab(spelt, row);
    INSERT INTO spelt (words) SELECT word FROM spellings_1;
    DROP TABLE spellings_1;
    PRAGMA user_version = 2;";
