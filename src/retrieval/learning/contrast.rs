//! Contrastive learning of an [`Adapter`]: of a batch, each query is to find its passage among
//! all, and each passage its query.

use super::adapter::{Adapter, add_scaled};
use super::{Learning, Random};
use crate::retrieval::vectors::{dot, length};

/// How much of the mean of the gradients is kept from step to step (Kingma and Ba 2015: β1).
const KEPT: f32 = 0.9;

/// The same of their squares (β2); less than the usual 0.999, since there are few steps.
const KEPT_SQUARES: f32 = 0.99;

/// A query, with the number of the passage that answers it.
pub(super) type Pair<'a> = (&'a [f32], usize);

/// The state of learning.
pub(super) struct Learner<'a> {
    options: &'a Learning,
    /// What was learnt so far.
    pub(super) adapter: Adapter,
    /// The mean of the gradients so far.
    mean: Vec<f32>,
    /// The mean of the squares of their numbers, one for the whole matrix: with one for each
    /// weight, as Adam has it, all of them move alike whether few pairs say much about them or
    /// nothing, and the few pairs are learnt by heart.
    squares: f32,
    steps: i32,
}

impl<'a> Learner<'a> {
    /// Begins where nothing is changed.
    pub(super) fn new(dimensions: usize, options: &'a Learning) -> Self {
        let mean = vec![0.0; dimensions.saturating_mul(dimensions)];
        Self { options, adapter: Adapter::identity(dimensions), mean, squares: 0.0, steps: 0 }
    }

    /// One step, on some of the pairs and some passages that answer none of them.
    pub(super) fn step(&mut self, pairs: &[Pair<'_>], passages: &[&[f32]], random: &mut Random) {
        let batch = random.some_of(pairs, self.options.batch);
        let mut seen: Vec<usize> = batch.iter().map(|(_, right)| *right).collect();
        // A passage that answers two queries of the batch is the wrong answer of neither.
        seen.sort_unstable();
        seen.dedup();
        let own = seen.len();
        for _ in 0..self.options.batch {
            let other = random.below(passages.len());
            if seen.get(..own).is_some_and(|own| own.binary_search(&other).is_err()) {
                seen.push(other);
            }
        }
        let others: Vec<&[f32]> = seen.iter().filter_map(|at| passages.get(*at).copied()).collect();
        let batch: Vec<Pair<'_>> = batch
            .into_iter()
            .filter_map(|(query, right)| Some((query, seen.get(..own)?.binary_search(&right).ok()?)))
            .collect();
        let gradient = gradient(&self.adapter, &batch, &others, self.options.temperature);
        self.descend(&gradient);
    }

    /// Adam with decay apart from the gradient (Loshchilov and Hutter 2019), towards the identity.
    fn descend(&mut self, gradient: &[f32]) {
        self.steps = self.steps.saturating_add(1);
        let square = dot(gradient, gradient) / gradient.len().max(1) as f32;
        self.squares = KEPT_SQUARES * self.squares + (1.0 - KEPT_SQUARES) * square;
        let spread = (self.squares / (1.0 - KEPT_SQUARES.powi(self.steps))).sqrt() + 1e-12;
        let dimensions = self.adapter.rows().len().max(1);
        let rate = self.options.rate / (dimensions as f32).sqrt();
        let scale = rate / (1.0 - KEPT.powi(self.steps)) / spread;
        for (mean, new) in self.mean.iter_mut().zip(gradient) {
            *mean = KEPT * *mean + (1.0 - KEPT) * new;
        }
        let pull = rate * self.options.decay;
        for ((at, row), mean) in self.adapter.rows_mut().enumerate().zip(self.mean.chunks_exact(dimensions)) {
            row.iter_mut().for_each(|weight| *weight *= 1.0 - pull);
            if let Some(diagonal) = row.get_mut(at) {
                *diagonal += pull;
            }
            add_scaled(row, -scale, mean);
        }
    }
}

/// The gradient, by the matrix, of the symmetric InfoNCE loss (van den Oord et al. 2018; in both
/// directions: CLIP, Radford et al. 2021): with `u` the mapped query, of length 1, and
/// `s = u·y / temperature`, the mean over the batch of `-log softmax(s)` of the right passage
/// among the passages and of the query among the queries, half each.
fn gradient(adapter: &Adapter, batch: &[Pair<'_>], passages: &[&[f32]], temperature: f32) -> Vec<f32> {
    let dimensions = adapter.rows().len();
    let mapped: Vec<Mapped> = batch.iter().map(|(query, _)| Mapped::of(adapter, query)).collect();
    let scores: Vec<Vec<f32>> = mapped
        .iter()
        .map(|query| passages.iter().map(|passage| dot(&query.unit, passage) / temperature).collect())
        .collect();
    let slopes = slopes(&scores, batch);
    let mut gradient = vec![0.0; dimensions.saturating_mul(dimensions)];
    for (((query, _), mapped), slopes) in batch.iter().zip(&mapped).zip(&slopes) {
        let mut slope = vec![0.0; dimensions];
        for (of_score, passage) in slopes.iter().zip(passages) {
            add_scaled(&mut slope, of_score / temperature, passage);
        }
        // Only what turns the query counts: its length is taken away again.
        let along = dot(&slope, &mapped.unit);
        add_scaled(&mut slope, -along, &mapped.unit);
        slope.iter_mut().for_each(|number| *number /= mapped.length);
        for (number, row) in query.iter().zip(gradient.chunks_exact_mut(dimensions.max(1))) {
            add_scaled(row, *number, &slope);
        }
    }
    gradient
}

/// A query that went through the matrix.
struct Mapped {
    unit: Vec<f32>,
    length: f32,
}

impl Mapped {
    fn of(adapter: &Adapter, query: &[f32]) -> Self {
        let mut unit = adapter.map(query);
        let length = length(&unit).max(f32::MIN_POSITIVE);
        unit.iter_mut().for_each(|number| *number /= length);
        Self { unit, length }
    }
}

/// The slope of the loss by each score.
fn slopes(scores: &[Vec<f32>], batch: &[Pair<'_>]) -> Vec<Vec<f32>> {
    let each = 0.5 / scores.len().max(1) as f32;
    let mut slopes: Vec<Vec<f32>> = scores
        .iter()
        .zip(batch)
        .map(|(scores, (_, right))| {
            let mut slopes: Vec<f32> = softmax(scores).map(|share| share * each).collect();
            if let Some(slope) = slopes.get_mut(*right) {
                *slope -= each;
            }
            slopes
        })
        .collect();
    for (at, (_, passage)) in batch.iter().enumerate() {
        let column: Vec<f32> = scores.iter().filter_map(|row| row.get(*passage).copied()).collect();
        // Other queries that the same passage answers are no wrong ones.
        let counts =
            |other: usize| other == at || batch.get(other).is_some_and(|(_, theirs)| theirs != passage);
        let column: Vec<f32> = column
            .into_iter()
            .enumerate()
            .map(|(other, score)| if counts(other) { score } else { f32::NEG_INFINITY })
            .collect();
        for ((other, share), row) in softmax(&column).enumerate().zip(&mut slopes) {
            if let Some(slope) = row.get_mut(*passage) {
                *slope += each * (share - if other == at { 1.0 } else { 0.0 });
            }
        }
    }
    slopes
}

/// The shares that scores have by their exponentials.
fn softmax(scores: &[f32]) -> impl Iterator<Item = f32> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = scores.iter().map(|score| (score - most).exp()).sum();
    scores.iter().map(move |score| (score - most).exp() / sum)
}

/// The loss of queries, each among all passages: what says when to stop.
pub(super) fn loss(adapter: &Adapter, pairs: &[Pair<'_>], passages: &[&[f32]], temperature: f32) -> f32 {
    let each = pairs.iter().map(|(query, right)| {
        let mapped = Mapped::of(adapter, query);
        let scores: Vec<f32> =
            passages.iter().map(|passage| dot(&mapped.unit, passage) / temperature).collect();
        -softmax(&scores).nth(*right).unwrap_or(0.0).max(f32::MIN_POSITIVE).ln()
    });
    each.sum::<f32>() / pairs.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retrieval::vectors::fixture::numbers;

    /// The loss of which [`gradient`] is the gradient, straight from its definition.
    fn symmetric(adapter: &Adapter, batch: &[Pair<'_>], passages: &[&[f32]], temperature: f32) -> f64 {
        let units: Vec<Vec<f32>> = batch.iter().map(|(query, _)| Mapped::of(adapter, query).unit).collect();
        let score =
            |query: usize, passage: usize| f64::from(dot(&units[query], passages[passage]) / temperature);
        let log_sum = |scores: Vec<f64>| scores.into_iter().map(f64::exp).sum::<f64>().ln();
        let each = batch.iter().enumerate().map(|(query, (_, right))| {
            let passages = log_sum((0..passages.len()).map(|passage| score(query, passage)).collect());
            let rivals = (0..batch.len()).filter(|other| *other == query || batch[*other].1 != *right);
            let queries = log_sum(rivals.map(|other| score(other, *right)).collect());
            (passages + queries) / 2.0 - score(query, *right)
        });
        each.sum::<f64>() / batch.len() as f64
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        const DIMENSIONS: usize = 5;
        let vectors: Vec<Vec<f32>> = (0..9).map(|seed| numbers(seed, DIMENSIONS)).collect();
        let batch: Vec<Pair<'_>> = vec![(&vectors[0], 0), (&vectors[1], 1), (&vectors[2], 1)];
        let passages: Vec<&[f32]> = vectors[4..].iter().map(Vec::as_slice).collect();
        let mut adapter = Adapter::identity(DIMENSIONS);
        for (row, noise) in adapter.rows_mut().zip(0..) {
            add_scaled(row, 0.3, &numbers(100 + noise, DIMENSIONS));
        }
        let gradient = gradient(&adapter, &batch, &passages, 0.5);
        for at in 0..DIMENSIONS * DIMENSIONS {
            const STEP: f32 = 0.01;
            let moved = |step: f32| {
                let mut moved = adapter.clone();
                if let Some(row) = moved.rows_mut().nth(at / DIMENSIONS) {
                    row[at % DIMENSIONS] += step;
                }
                symmetric(&moved, &batch, &passages, 0.5)
            };
            let slope = (moved(STEP) - moved(-STEP)) / f64::from(2.0 * STEP);
            assert!((slope - f64::from(gradient[at])).abs() < 2e-3, "{at}: {slope} {}", gradient[at]);
        }
    }
}
