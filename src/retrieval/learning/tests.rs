use std::sync::atomic::AtomicBool;

use super::*;
use crate::retrieval::vectors::{fixture::numbers, length};

const DIMENSIONS: usize = 16;

/// Vectors of length 1 in all directions.
fn vectors(seed: u64, count: usize) -> Vec<Vec<f32>> {
    (0..count as u64)
        .map(|number| {
            let mut vector = numbers(seed * 100_000 + number, DIMENSIONS);
            let length = length(&vector);
            vector.iter_mut().for_each(|number| *number /= length);
            vector
        })
        .collect()
}

/// A rotation: reflections at random planes, one after another (Householder).
fn rotated(vector: &[f32], mirrors: &[Vec<f32>]) -> Vec<f32> {
    let mut rotated = vector.to_vec();
    for mirror in mirrors {
        let along = crate::retrieval::vectors::dot(&rotated, mirror);
        adapter::add_scaled(&mut rotated, -2.0 * along, mirror);
    }
    rotated
}

fn quick() -> Learning {
    Learning { batch: 32, steps: 200, hands: 3, ..Learning::default() }
}

fn learnt(pairs: &[(Vec<f32>, Vec<f32>)], others: &[Vec<f32>], options: &Learning) -> Outcome {
    learn(pairs, others, options, &AtomicBool::new(false), &mut |_, _| {}).unwrap()
}

#[test]
fn a_known_rotation_is_learnt_from_enough_pairs() {
    let mirrors = vectors(1, DIMENSIONS);
    let pairs: Vec<_> =
        vectors(2, 150).into_iter().map(|passage| (rotated(&passage, &mirrors), passage)).collect();
    let outcome = learnt(&pairs, &vectors(3, 50), &quick());
    assert!(outcome.before.first < 0.1, "from chance: {:?}", outcome.before);
    assert!(outcome.after.first > 0.9, "to near one: {:?}", outcome.after);
    let adapter = outcome.adapter.unwrap();
    // One that nobody saw.
    let passages = vectors(9, 40);
    let mut query = rotated(&passages[7], &mirrors);
    adapter.apply(&mut query);
    let passages: Vec<&[f32]> = passages.iter().map(Vec::as_slice).collect();
    assert_eq!(adapter::place(&query, 7, &passages), 1);
}

#[test]
fn from_noise_nothing_is_learnt() {
    for seed in 1..6 {
        let pairs: Vec<_> = vectors(seed, 60).into_iter().zip(vectors(seed + 50, 60)).collect();
        let outcome = learnt(&pairs, &vectors(seed + 90, 40), &Learning { seed, ..quick() });
        assert_eq!(outcome.adapter, None, "{seed}: {:?} {:?}", outcome.before, outcome.after);
        assert_eq!((outcome.pairs, outcome.held_out), (60, 60));
    }
}

#[test]
fn what_is_found_already_is_left_alone() {
    let pairs: Vec<_> = vectors(1, 20).into_iter().map(|vector| (vector.clone(), vector)).collect();
    let outcome = learnt(&pairs, &vectors(2, 30), &quick());
    assert_eq!((outcome.before.first, outcome.after.first, outcome.adapter), (1.0, 1.0, None));
}

#[test]
fn few_pairs_and_odd_ones_are_no_trouble() {
    assert_eq!(learnt(&[], &[], &quick()).pairs, 0);
    let pair = || (vectors(1, 1).remove(0), vectors(2, 1).remove(0));
    let mut pairs: Vec<_> = (0..LEAST_PAIRS - 1).map(|_| pair()).collect();
    pairs.push((vec![1.0], vec![1.0]));
    let few = learnt(&pairs, &[], &quick());
    assert_eq!((few.pairs, few.held_out, few.adapter), (LEAST_PAIRS - 1, 0, None));
    // All queries have the same passage, and there is no other.
    pairs.push(pair());
    let same = learnt(&pairs, &[vec![0.5]], &quick());
    assert_eq!((same.pairs, same.before.first, same.adapter), (LEAST_PAIRS, 1.0, None));
}

#[test]
fn the_same_pairs_give_the_same_adapter_and_it_can_be_stopped() {
    let mirrors = vectors(1, 1);
    let pairs: Vec<_> =
        vectors(2, 60).into_iter().map(|passage| (rotated(&passage, &mirrors), passage)).collect();
    let options = Learning { steps: 40, hands: 2, ..quick() };
    assert_eq!(learnt(&pairs, &[], &options), learnt(&pairs, &[], &options));
    let stopped = learn(&pairs, &[], &options, &AtomicBool::new(true), &mut |_, _| {});
    assert_eq!(stopped, Err(Stopped));
}
