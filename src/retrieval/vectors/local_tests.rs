use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::*;
use crate::retrieval::vectors::fixture::{Index, numbers, space};

const DIMENSIONS: usize = 16;
const ALL: Filter<'_> = Filter { pictures_only: false, within: None };

/// Vectors from which a graph is built, in these tests.
const FEW_ENOUGH: u64 = 50;

fn local(index: &Index) -> Local {
    Local { small: FEW_ENOUGH, ..Local::new(index.folder.path(), &space(DIMENSIONS)) }
}

fn sync(local: &Local, index: &Index) {
    local.sync(&index.connection, &AtomicBool::new(false), &mut |_, _| {}).unwrap();
}

fn found(local: &Local, index: &Index, query: &[f32]) -> Vec<(PassageId, f32)> {
    local.search(&index.connection, query, 5, &ALL).unwrap()
}

fn indexed(vectors: std::ops::Range<u64>) -> Index {
    let index = Index::new(&space(DIMENSIONS));
    index.add_many(DIMENSIONS, vectors);
    index
}

#[test]
fn few_vectors_are_looked_through_and_need_no_graph() {
    let index = indexed(0..40);
    let local = local(&index);
    sync(&local, &index);
    assert!(index.caches(".graph").is_empty());
    for seed in 100..110 {
        let query = numbers(seed, DIMENSIONS);
        assert_eq!(found(&local, &index, &query), index.exact(&query, 5));
    }
}

#[test]
fn what_comes_and_goes_is_seen_before_and_after_the_graph_is_built() {
    let index = indexed(0..200);
    let local = local(&index);
    let query = numbers(7, DIMENSIONS);
    let nearest = found(&local, &index, &query)[0].0;
    sync(&local, &index);
    assert_eq!(index.caches(".graph").len(), 1);
    assert_eq!(found(&local, &index, &query)[0].0, nearest);
    index.remove(nearest);
    let late = index.add("late.md", "text", &query);
    let now = found(&local, &index, &query);
    assert_eq!(now[0].0, late);
    assert!(!now.contains(&(nearest, 1.0)) && now == index.exact(&query, 5));
}

#[test]
fn none_is_lost_while_the_graph_is_built() {
    let index = indexed(0..5_000);
    let local = local(&index);
    sync(&local, &index);
    for seed in 0..5_000 {
        let (_, likeness) = found(&local, &index, &numbers(seed, DIMENSIONS))[0];
        assert!(likeness > 0.999, "{seed}: {likeness}");
    }
}

#[test]
fn what_is_behind_those_that_are_gone_is_found_beside_what_came_late() {
    let index = indexed(0..100);
    let local = local(&index);
    sync(&local, &index);
    let query = numbers(7, DIMENSIONS);
    // More than are proposed for five results. All that came later is further away than what is left.
    for (passage, _) in index.exact(&query, 30) {
        index.remove(passage);
    }
    let far: Vec<f32> = query.iter().map(|number| -number).collect();
    for n in 0..5 {
        index.add(&format!("late{n}.md"), "text", &far);
    }
    assert_eq!(found(&local, &index, &query), index.exact(&query, 5));
}

#[test]
fn another_one_takes_over_the_graph_that_one_built_and_then_the_next() {
    let index = indexed(0..200);
    let (one, other) = (local(&index), local(&index));
    let query = numbers(500, DIMENSIONS);
    found(&other, &index, &query);
    for upto in [200, 300, 400] {
        index.add_many(DIMENSIONS, upto..upto + 100);
        sync(&one, &index);
        assert_eq!(found(&other, &index, &query), index.exact(&query, 5));
        assert_eq!(index.caches(".graph").len(), 1);
        let state = other.state.lock().unwrap();
        assert_eq!(state.graph.as_ref().unwrap().description().count, upto + 100);
    }
}

#[test]
fn filters_leave_out_the_rest_whether_few_or_many_remain() {
    let index = indexed(0..200);
    let local = local(&index);
    let picture = index.add("pictures/one.png", "picture", &numbers(900, DIMENSIONS));
    index.add("pictures/one.md", "text", &numbers(901, DIMENSIONS));
    index.add("pictures-too/two.md", "text", &numbers(902, DIMENSIONS));
    sync(&local, &index);
    let search = |filter: Filter<'_>| {
        let table = Table::of(&index.connection, &local.space).unwrap().unwrap();
        let query = numbers(900, DIMENSIONS);
        let by_table = local.search(&index.connection, &query, 5, &filter).unwrap();
        let rows = local.propose(&table, &query, 5, &filter).unwrap();
        assert_eq!(table.rank(&query, &rows, 5).unwrap(), by_table, "by the graph, as if there were many");
        by_table.len()
    };
    let within = Some(Path::new("/a/pictures"));
    assert_eq!(search(Filter { pictures_only: true, within: None }), 1);
    assert_eq!(search(Filter { pictures_only: false, within }), 2);
    assert_eq!(search(Filter { pictures_only: true, within: Some(Path::new("/a/pictures/one.md")) }), 0);
    assert_eq!(search(Filter { pictures_only: false, within: Some(Path::new("/a/pictures/one.md")) }), 1);
    assert_eq!(search(Filter { pictures_only: false, within: Some(Path::new("/a")) }), 5);
    assert_eq!(
        local.search(&index.connection, &numbers(900, DIMENSIONS), 1, &ALL).unwrap(),
        [(picture, 1.0)]
    );
}

#[test]
fn a_query_of_another_model_is_an_error_and_a_space_without_vectors_has_no_results() {
    let index = indexed(0..3);
    let local = local(&index);
    let error = local.search(&index.connection, &[1.0], 5, &ALL).unwrap_err().to_string();
    assert!(error.contains("1 numbers") && error.contains("16"), "{error}");
    assert!(local.search(&index.connection, &[f32::NAN; DIMENSIONS], 5, &ALL).is_err());
    let other = Local::new(index.folder.path(), &space(4));
    assert_eq!(other.search(&index.connection, &[1.0; 4], 5, &ALL).unwrap(), []);
    sync(&other, &index);
}

#[test]
fn one_that_is_stopped_leaves_nothing_behind() {
    let index = indexed(0..200);
    let stopped = local(&index).sync(&index.connection, &AtomicBool::new(true), &mut |_, _| {});
    assert!(matches!(stopped, Err(IndexError::Stopped)));
    assert!(index.caches(".graph").is_empty() && index.caches(".json").is_empty());
}

/// Does to a file what can happen to one; `false`: there is no such damage.
fn harm(path: &Path, damage: usize) -> bool {
    let mut bytes = fs::read(path).unwrap();
    match damage {
        0..8 => {
            let at = damage * bytes.len() / 8;
            bytes[at] ^= 0xFF;
        }
        8 => bytes.truncate(bytes.len() / 2),
        9 => bytes.clear(),
        10 => bytes.fill(0xA5),
        11 => bytes.push(0),
        12 => {
            fs::remove_file(path).unwrap();
            return true;
        }
        _ => return false,
    }
    fs::write(path, bytes).unwrap();
    true
}

#[test]
fn a_damaged_graph_or_description_is_not_believed_and_built_anew() {
    let index = indexed(0..200);
    sync(&local(&index), &index);
    let query = numbers(321, DIMENSIONS);
    for ending in [".graph", ".json"] {
        for damage in (0..).take_while(|damage| harm(&index.caches(ending)[0], *damage)) {
            let local = local(&index);
            assert_eq!(found(&local, &index, &query), index.exact(&query, 5), "{ending} {damage}");
            assert!(local.state.lock().unwrap().graph.is_none(), "{ending} {damage}");
            sync(&local, &index);
            assert_eq!(found(&local, &index, &query), index.exact(&query, 5));
            assert!(local.state.lock().unwrap().graph.is_some());
        }
    }
}

#[test]
fn a_copied_graph_is_hashed_once_and_that_of_another_database_is_not_used() {
    let index = indexed(0..200);
    sync(&local(&index), &index);
    let graph = File::options().write(true).open(&index.caches(".graph")[0]).unwrap();
    graph.set_modified(std::time::UNIX_EPOCH).unwrap();
    let query = numbers(321, DIMENSIONS);
    let local = local(&index);
    found(&local, &index, &query);
    assert!(local.state.lock().unwrap().graph.is_some());
    let written = fs::read_to_string(&index.caches(".json")[0]).unwrap();
    assert!(written.contains("\"modified_ns\":0"), "{written}");
    index.connection.execute("UPDATE settings SET value = 'another' WHERE key = 'identity'", []).unwrap();
    assert_eq!(found(&local, &index, &query), index.exact(&query, 5));
    assert!(local.state.lock().unwrap().graph.is_none());
}

#[test]
fn what_is_to_be_done_follows_from_three_counts() {
    let plan = |total, new, held| plan(20_000, total, new, held);
    assert_eq!(plan(19_999, 19_999, None), Plan::Keep);
    assert_eq!(plan(20_000, 20_000, None), Plan::BuildAnew);
    assert_eq!(plan(39_999, 19_999, Some(20_000)), Plan::Keep);
    assert_eq!(plan(40_000, 20_000, Some(20_000)), Plan::Extend);
    assert_eq!(plan(1_050_000, 50_000, Some(1_000_000)), Plan::Keep);
    assert_eq!(plan(1_100_000, 100_000, Some(1_000_000)), Plan::Extend);
    assert_eq!(plan(75_000, 0, Some(100_000)), Plan::Keep);
    assert_eq!(plan(74_999, 0, Some(100_000)), Plan::BuildAnew);
    assert_eq!(plan(9_999, 0, Some(20_000)), Plan::Remove);
}

#[test]
fn more_than_memory_may_hold_is_looked_through_in_the_table() {
    let index = indexed(0..100);
    let table = Table::of(&index.connection, &space(DIMENSIONS)).unwrap().unwrap();
    let query = numbers(321, DIMENSIONS);
    let mut tail = Tail::after(0, DIMENSIONS);
    tail.catch_up(&table, 30).unwrap();
    assert!(tail.seen() < table.newest().unwrap());
    let mut gate = table.gate(&ALL).unwrap();
    let mut code = Vec::new();
    code::encode(&query, &mut code);
    let mut rows = tail.propose(&code, 10, &mut gate);
    rows.extend(table.scan_after(tail.seen(), &query, 10, &mut gate).unwrap());
    assert_eq!(table.rank(&query, &rows, 5).unwrap(), index.exact(&query, 5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_is_done_in_whatever_order_the_nearest_are_found(
        steps in prop::collection::vec((0..4_u8, any::<prop::sample::Index>()), 1..16),
    ) {
        let index = indexed(0..60);
        let local = local(&index);
        for (at, (step, which)) in steps.into_iter().enumerate() {
            let query = numbers(at as u64 + 9_000, DIMENSIONS);
            match step {
                0 => index.add_many(DIMENSIONS, at as u64 * 100 + 1_000..at as u64 * 100 + 1_030),
                1 => {
                    let all = index.exact(&query, usize::MAX);
                    for (passage, _) in all.iter().skip(which.index(all.len().max(1))).take(20) {
                        index.remove(*passage);
                    }
                }
                2 => sync(&local, &index),
                _ => prop_assert_eq!(found(&local, &index, &query), index.exact(&query, 5)),
            }
        }
    }
}
