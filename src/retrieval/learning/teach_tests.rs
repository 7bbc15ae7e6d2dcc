use std::sync::atomic::AtomicBool;

use super::*;
use crate::retrieval::learning::adapter::add_scaled;
use crate::retrieval::vectors::fixture::{Index, numbers, space};
use crate::retrieval::vectors::{dot, to_f16};

const DIMENSIONS: usize = 16;

/// A model to which the words `5` are what vector 5 shows, in a few mirrors.
struct Mirror(Space);

fn mirrored(seed: u64) -> Vec<f32> {
    let mut vector = numbers(seed, DIMENSIONS);
    for mirror in (777..783).map(|seed| numbers(seed, DIMENSIONS)) {
        let along = 2.0 * dot(&vector, &mirror) / dot(&mirror, &mirror);
        add_scaled(&mut vector, -along, &mirror);
    }
    vector
}

impl Embedder for Mirror {
    fn space(&self) -> &Space {
        &self.0
    }

    fn embed(&self, role: EmbedRole, inputs: &[Input<'_>], _: &AtomicBool) -> Result<Vec<Vec<f32>>, String> {
        assert_eq!(role, EmbedRole::Query);
        let embed = |input: &Input<'_>| match input {
            Input::Text(words) => words.parse().map(mirrored).map_err(|_| format!("{words} can't be read")),
            Input::Picture(path) => Err(format!("{} can't be seen", path.display())),
        };
        inputs.iter().map(embed).collect()
    }
}

/// An index of so many passages, of which the first are confirmed as what their numbers ask for.
fn confirmed(passages: u64, pairs: u64) -> (Index, Store) {
    let index = Index::new(&space(DIMENSIONS));
    for seed in 0..passages {
        let passage = index.add(&format!("{seed}.md"), "text", &numbers(seed, DIMENSIONS));
        if seed < pairs {
            confirm(&index.connection, &Wanted::Words(seed.to_string()), passage, true).unwrap();
        }
    }
    let store = Store::open(index.folder.path()).unwrap().store;
    (index, store)
}

fn taught(store: &mut Store) -> Vec<Taught> {
    let options = Learning { batch: 32, steps: 200, hands: 2, ..Learning::default() };
    teach(store, &Mirror(space(DIMENSIONS)), &options, &AtomicBool::new(false), &mut |_| {}).unwrap()
}

#[test]
fn what_was_confirmed_is_learnt_used_and_removed() {
    let (index, mut store) = confirmed(150, 100);
    // Of the queries that were never confirmed, those that find their passage first.
    let found = |wanted: &Wanted, adapters: &Adapters| {
        let first = |seed: &u64| {
            let mut query = mirrored(*seed);
            adapters.apply(wanted, &space(DIMENSIONS), &mut query);
            index.exact(&query, 1)[0].0 == PassageId(i64::try_from(seed + 1).unwrap())
        };
        (100..150).filter(first).count()
    };
    let words = Wanted::Words(String::new());
    let before = Adapters::of(&index.connection, &space(DIMENSIONS)).unwrap();
    let unaided = found(&words, &before);
    let [taught] = taught(&mut store).try_into().unwrap();
    assert_eq!((taught.relation, taught.pairs, taught.held_out), (Relation::FromWords, 100, 100));
    assert!(
        taught.used && taught.left_out.is_empty() && taught.after.first > taught.before.first + 0.3,
        "{taught:?}"
    );
    assert!(!before.are_current(&index.connection, &space(DIMENSIONS)).unwrap());
    let after = Adapters::of(&index.connection, &space(DIMENSIONS)).unwrap();
    assert!(found(&words, &after) > unaided + 10, "{} after {unaided}", found(&words, &after));
    let picture = Wanted::Picture { path: "/a/b.png".into(), words: String::new() };
    assert_eq!(found(&picture, &after), unaided, "pictures are asked with as before");
    assert_eq!(store.forget_adapters().unwrap(), 1);
    assert_eq!(Adapters::of(&index.connection, &space(DIMENSIONS)).unwrap(), Adapters::default());
    assert_eq!(store.pairs(1_000).unwrap().len(), 100);
}

#[test]
fn too_few_pairs_teach_nothing_and_what_was_taught_before_goes() {
    let (index, mut store) = confirmed(150, 100);
    assert!(taught(&mut store)[0].used);
    index.connection.execute("DELETE FROM pairs WHERE id > 5", []).unwrap();
    let few = taught(&mut store);
    assert_eq!((few[0].pairs, few[0].held_out, few[0].used), (5, 0, false));
    assert_eq!(store.forget_adapters().unwrap(), 0);
}

#[test]
fn pairs_that_teach_nothing_are_said_one_by_one() {
    let (index, mut store) = confirmed(4, 3);
    index.connection.execute("DELETE FROM files WHERE id = 1", []).unwrap();
    index.connection.execute("DELETE FROM vectors WHERE passage = 2", []).unwrap();
    let picture = index.folder.path().join("one.png");
    std::fs::write(&picture, "pixels").unwrap();
    let wanted = Wanted::Picture { path: picture.clone(), words: String::new() };
    confirm(&index.connection, &wanted, PassageId(3), true).unwrap();
    std::fs::write(&picture, "other pixels").unwrap();
    let [words, pictures] = taught(&mut store).try_into().unwrap();
    assert_eq!((words.pairs, words.left_out.len()), (1, 2), "{words:?}");
    assert!(words.left_out.iter().any(|why| why == "/a/0.md 1-2 isn't in the index any more."), "{words:?}");
    assert!(words.left_out.iter().any(|why| why == "/a/1.md 1-2 has no vector of a model yet."), "{words:?}");
    assert_eq!((pictures.pairs, pictures.left_out.len()), (0, 1));
    assert!(pictures.left_out[0].ends_with("is gone or was changed since."), "{pictures:?}");
}

#[test]
fn a_model_that_fails_and_a_person_who_stops_it_end_it() {
    let (index, mut store) = confirmed(4, 3);
    let stopped = AtomicBool::new(true);
    let mirror = Mirror(space(DIMENSIONS));
    let result = teach(&mut store, &mirror, &Learning::default(), &stopped, &mut |_| {});
    assert!(matches!(result, Err(IndexError::Stopped)));
    confirm(&index.connection, &Wanted::Words("no number".to_owned()), PassageId(4), true).unwrap();
    let result = teach(&mut store, &mirror, &Learning::default(), &AtomicBool::new(false), &mut |_| {});
    assert_eq!(result.unwrap_err().to_string(), "no number can't be read");
}

#[test]
fn a_pair_outlives_its_files_being_read_again_and_is_forgotten_as_it_was_kept() {
    let (index, mut store) = confirmed(2, 1);
    assert_eq!(store.pairs(9).unwrap()[0].passage, Some(PassageId(1)));
    let again = |place: &str| {
        index.connection.execute("DELETE FROM passages WHERE file = 1", []).unwrap();
        let sql = "INSERT INTO passages (file, position, kind, heading, place, text) VALUES (1, 0, 'text', '[]', ?, '')";
        index.connection.execute(sql, [place]).unwrap();
        PassageId(index.connection.last_insert_rowid())
    };
    let same = again("1-2");
    assert_eq!(store.pairs(9).unwrap()[0].passage, Some(same));
    let longer = again("2-9");
    assert_eq!(store.pairs(9).unwrap()[0].passage, Some(longer));
    again("3-9");
    assert_eq!(store.pairs(9).unwrap()[0].passage, None);
    let words = Wanted::Words("hello".to_owned());
    assert!(!confirm(&index.connection, &words, PassageId(99), true).unwrap(), "no such passage");
    for _ in 0..2 {
        assert!(confirm(&index.connection, &words, PassageId(2), true).unwrap());
    }
    assert_eq!(store.pairs(9).unwrap().len(), 2, "once more is the same");
    assert!(confirm(&index.connection, &words, PassageId(2), false).unwrap());
    assert!(!confirm(&index.connection, &words, PassageId(2), false).unwrap());
    let left = store.pairs(9).unwrap()[0].id;
    assert!(store.forget_pair(left).unwrap() && !store.forget_pair(left).unwrap());
}

#[test]
fn others_are_from_all_over_the_index_and_not_too_many() {
    let (index, _) = confirmed(30, 0);
    let found = others(&index.connection, &space(DIMENSIONS)).unwrap();
    assert_eq!(found.len(), 30);
    assert!(found.iter().all(|vector| (length(vector) - 1.0).abs() < 1e-5));
    index
        .connection
        .execute("UPDATE vectors SET data = ? WHERE id = 3", [to_f16(&[0.0; DIMENSIONS])])
        .unwrap();
    assert_eq!(others(&index.connection, &space(DIMENSIONS)).unwrap().len(), 29, "no direction, no vector");
    index.connection.execute("UPDATE vectors SET id = id * 10000", []).unwrap();
    assert_eq!(others(&index.connection, &space(DIMENSIONS)).unwrap().len(), 29);
}
