//! What the first hits of both ways mean speaks for others that mean it too (Rocchio 1971; for
//! vectors: Li et al., "Pseudo Relevance Feedback with Deep Language Models and Dense
//! Retrievers", 2021): the query is moved towards them, and what was found by meaning put in
//! its order. Nothing is searched again.

use rusqlite::{Connection, OptionalExtension, params};

use super::fuse::{Fused, List};
use super::vectors::{cosine, from_f16};
use super::{PassageId, Space};

/// Fused hits that are taken to be right, the first.
const RIGHT: usize = 3;

/// How far the query is moved towards the mean of their vectors.
const WEIGHT: f32 = 0.5;

/// Puts a list in the order of the query that was moved towards the first of the fused list.
/// The scores become cosines with it.
pub(super) fn reorder(
    connection: &Connection,
    space: &Space,
    query: &[f32],
    fused: &[Fused],
    mut list: List,
) -> rusqlite::Result<List> {
    let mut right = Vec::new();
    for hit in fused.iter().take(RIGHT) {
        right.extend(vector(connection, space, hit.id)?);
    }
    let mut moved = query.to_vec();
    for vector in &right {
        for (number, towards) in moved.iter_mut().zip(vector) {
            *number += towards * WEIGHT / right.len() as f32;
        }
    }
    for (id, score) in &mut list {
        *score = vector(connection, space, *id)?.map_or(0.0, |vector| cosine(&moved, &vector));
    }
    list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    Ok(list)
}

/// The vector of a passage; `None`: it has none, or it is gone.
fn vector(connection: &Connection, space: &Space, passage: PassageId) -> rusqlite::Result<Option<Vec<f32>>> {
    let mut query = connection.prepare_cached(
        "SELECT data FROM vectors WHERE passage = ?1 AND space = (SELECT id FROM spaces WHERE key = ?2)",
    )?;
    let found = query.query_row(params![passage.0, space.id], |row| {
        let mut vector = vec![0.0; space.dimensions];
        Ok(from_f16(row.get_ref(0)?.as_blob()?, &mut vector).then_some(vector))
    });
    Ok(found.optional()?.flatten())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Place;
    use crate::retrieval::{FileState, NewFile, NewPassage, PassageKind, Store};

    #[test]
    fn what_is_like_the_first_hits_rises() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap().store;
        let source = std::path::Path::new("/d");
        store.add_source(source).unwrap();
        let passage = |text: &str| NewPassage {
            kind: PassageKind::Text,
            text: text.into(),
            heading: Vec::new(),
            place: Place::Whole,
        };
        let file = NewFile {
            path: "/d/a".into(),
            bytes: 0,
            modified_ns: 0,
            hash: String::new(),
            title: None,
            seen_by: None,
            state: FileState::Indexed { note: String::new() },
        };
        let ids = store.put(source, &file, &["a", "b", "c"].map(passage)).unwrap();
        let space = Space {
            id: "s".into(),
            name: "m".into(),
            dimensions: 2,
            most_tokens: 9,
            pictures: false,
            texts: true,
        };
        let vectors = [[0.8, 0.6], [0.6, -0.8], [0.0, 1.0]].map(|vector| vector.to_vec());
        store.put_vectors(&space, &ids.iter().copied().zip(vectors).collect::<Vec<_>>()).unwrap();
        // By words the third was found; so of the others the one that is more like it rises.
        let right = [Fused { id: ids[2], score: 1.0, lexical: None, semantic: None }];
        let list = vec![(ids[1], 0.99), (ids[0], 0.98)];
        let moved = reorder(&store.connection, &space, &[1.0, 0.0], &right, list.clone()).unwrap();
        assert_eq!(moved.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [ids[0], ids[1]]);
        // Without a vector among the right it stays where it is.
        let gone = [Fused { id: PassageId(99), ..right[0] }];
        let same = reorder(&store.connection, &space, &[1.0, 0.0], &gone, list).unwrap();
        assert_eq!(same[0].0, ids[0]);
        assert!((same[0].1 - 0.8).abs() < 1e-3);
    }
}
