//! An index with vectors, for tests.

use std::path::PathBuf;

use rusqlite::Connection;

use super::{code, to_f16};
use crate::retrieval::{PassageId, Space, Store};

/// A database in a folder of its own.
pub(in crate::retrieval) struct Index {
    pub(in crate::retrieval) folder: tempfile::TempDir,
    pub(in crate::retrieval) connection: Connection,
}

/// A space of a model that isn't there.
pub(in crate::retrieval) fn space(dimensions: usize) -> Space {
    let name = "a model".to_owned();
    Space {
        id: format!("model/{dimensions}"),
        name,
        dimensions,
        most_tokens: 256,
        pictures: true,
        texts: true,
    }
}

/// Numbers that look random, the same for the same seed, from -1 to 1 (splitmix64).
pub(in crate::retrieval) fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

impl Index {
    pub(in crate::retrieval) fn new(space: &Space) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = Store::open(folder.path()).unwrap().store.connection;
        // No crash is looked at here, and to wait for the disk takes most of the time.
        connection.pragma_update(None, "synchronous", false).unwrap();
        let values = (&space.id, &space.name, space.dimensions as i64, space.pictures);
        let sql = "INSERT INTO spaces (key, name, dimensions, pictures) VALUES (?, ?, ?, ?)";
        connection.execute(sql, values).unwrap();
        connection.execute("INSERT INTO sources (path) VALUES (x'2f61')", []).unwrap();
        Self { folder, connection }
    }

    /// Adds a file `/a/{name}` of one passage with a vector.
    pub(in crate::retrieval) fn add(&self, name: &str, kind: &str, vector: &[f32]) -> PassageId {
        let sql =
            "INSERT INTO files (source, path, name, bytes, modified_ns, hash) VALUES (1, ?1, ?1, 1, 1, 'h')";
        self.connection.execute(sql, [format!("/a/{name}").into_bytes()]).unwrap();
        let sql = "INSERT INTO passages (file, position, kind, heading, place, text) VALUES (?, 0, ?, '[]', '1-2', ?)";
        self.connection.execute(sql, (self.connection.last_insert_rowid(), kind, name)).unwrap();
        let passage = self.connection.last_insert_rowid();
        let sql = "INSERT INTO vectors (space, passage, data) VALUES (1, ?, ?)";
        self.connection.execute(sql, (passage, to_f16(vector))).unwrap();
        PassageId(passage)
    }

    /// Adds many texts, in one transaction, with the vectors of [`numbers`].
    pub(in crate::retrieval) fn add_many(&self, dimensions: usize, seeds: std::ops::Range<u64>) {
        self.connection.execute_batch("BEGIN").unwrap();
        for seed in seeds {
            self.add(&format!("{seed}.md"), "text", &numbers(seed, dimensions));
        }
        self.connection.execute_batch("COMMIT").unwrap();
    }

    pub(in crate::retrieval) fn remove(&self, passage: PassageId) {
        self.connection.execute("DELETE FROM passages WHERE id = ?", [passage.0]).unwrap();
    }

    /// The truth: all vectors, compared one by one.
    pub(in crate::retrieval) fn exact(&self, query: &[f32], most: usize) -> Vec<(PassageId, f32)> {
        let mut statement =
            self.connection.prepare("SELECT passage, data FROM vectors WHERE space = 1").unwrap();
        let mut vector = vec![0.0; query.len()];
        let rows = statement.query_map([], |row| Ok((PassageId(row.get(0)?), row.get::<_, Vec<u8>>(1)?)));
        let mut all: Vec<_> = rows
            .unwrap()
            .map(Result::unwrap)
            .map(|(passage, data)| {
                assert!(code::from_f16(&data, &mut vector));
                (passage, code::cosine(query, &vector))
            })
            .collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(most);
        all
    }

    /// The graphs and descriptions in the folder.
    pub(in crate::retrieval) fn caches(&self, ending: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.to_string_lossy().ends_with(ending)).collect()
    }
}
