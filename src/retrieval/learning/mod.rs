//! Learning from confirmed pairs: a linear [`Adapter`] of queries, by contrastive learning, that
//! is used only if queries which were not learnt from find their passages better with it.
//!
//! The pairs are dealt into a few hands. Each hand in turn is held out: an adapter is learnt from
//! the others, and the queries held out are looked for with it and without. So every pair is
//! judged once, by an adapter that never saw it. Only then one is learnt from all of them.

mod adapter;
mod contrast;
mod pairs;
mod teach;
mod verdict;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

pub use adapter::Adapter;
use contrast::{Learner, Pair};
pub use pairs::{Asked, Confirmed};
pub(in crate::retrieval) use teach::confirm;
pub use teach::{Adapters, Relation, Taught, Teaching, teach};
pub use verdict::Found;
use verdict::{is_better, of_places};

/// Fewer pairs say nothing: five that are found now and weren't before is the least that isn't
/// chance, and half of the rest must be left to learn from.
pub const LEAST_PAIRS: usize = 10;

/// Steps between two looks at the pairs that say when to stop.
const STEPS_EACH: usize = 10;

/// Of the pairs that may be learnt from, one in so many says when to stop.
const SHARE_OF_STOPPING: usize = 5;

/// Looks without a lower loss after which it is over.
const PATIENCE: usize = 5;

/// A loss that is lower by less is not lower.
const LEAST_GAIN: f32 = 1e-4;

/// How it is learnt.
#[derive(Debug, Clone, PartialEq)]
pub struct Learning {
    /// What cosines are divided by; less: only the nearest wrong passages count.
    pub temperature: f32,
    /// How far a step goes: the mean change of a weight, times the root of the dimensions, so that
    /// as many steps turn vectors as far in whichever space.
    pub rate: f32,
    /// How strongly weights are pulled to where nothing is changed, in parts of a step.
    pub decay: f32,
    /// The most steps.
    pub steps: usize,
    /// Pairs of a step, and as many passages that answer none of them.
    pub batch: usize,
    /// Parts into which the pairs are dealt to be held out in turn.
    pub hands: usize,
    /// The seed of all chance: the same pairs give the same adapter.
    pub seed: u64,
}

impl Default for Learning {
    fn default() -> Self {
        Self { temperature: 0.05, rate: 0.04, decay: 0.03, steps: 400, batch: 64, hands: 5, seed: 1 }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How queries that were held out find their passages without an adapter.
    pub before: Found,
    /// And with one that never saw them.
    pub after: Found,
    /// The adapter, learnt from all pairs; `None`: it doesn't find better, or there are too few pairs.
    pub adapter: Option<Adapter>,
    /// Pairs that there were.
    pub pairs: usize,
    /// Of these, how many were held out and judged: all of them, once each, or none.
    pub held_out: usize,
}

/// Learns from pairs of a query's and a passage's vector, both of length 1 and of the same
/// dimensions. `others` are vectors of other passages: with those of the pairs they are what a
/// query finds its passage among. `tell` is told of steps that are done, of at most so many.
///
/// # Errors
///
/// It was stopped.
pub fn learn(
    pairs: &[(Vec<f32>, Vec<f32>)],
    others: &[Vec<f32>],
    options: &Learning,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Outcome, Stopped> {
    let dimensions = pairs.first().map_or(0, |(query, _)| query.len());
    let (pairs, passages) = number(pairs, others, dimensions);
    let mut outcome = Outcome {
        before: Found::default(),
        after: Found::default(),
        adapter: None,
        pairs: pairs.len(),
        held_out: 0,
    };
    if pairs.len() < LEAST_PAIRS {
        return Ok(outcome);
    }
    let mut course = Course { passages: &passages, dimensions, options, stop, tell, done: 0 };
    let judged = course.judge(&pairs)?;
    let before: Vec<usize> = judged.iter().map(|judged| judged.before).collect();
    let after: Vec<usize> = judged.iter().map(|judged| judged.after).collect();
    outcome.held_out = judged.len();
    (outcome.before, outcome.after) = (of_places(&before), of_places(&after));
    if is_better(&before, &after) {
        let mut steps: Vec<usize> = judged.iter().map(|judged| judged.steps).collect();
        steps.sort_unstable();
        let usual = steps.get(steps.len() / 2).copied().unwrap_or(0);
        outcome.adapter = Some(course.learn_for(usual, &pairs)?);
    }
    Ok(outcome)
}

/// It was stopped by the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

/// Numbers the passages, each once: one that answers two queries is still one. What isn't of
/// these dimensions is left out.
fn number<'a>(
    pairs: &'a [(Vec<f32>, Vec<f32>)],
    others: &'a [Vec<f32>],
    dimensions: usize,
) -> (Vec<Pair<'a>>, Vec<&'a [f32]>) {
    let mut numbers: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut passages: Vec<&[f32]> = Vec::new();
    let mut number = |passage: &'a [f32]| {
        let bits = passage.iter().map(|number| number.to_bits()).collect();
        *numbers.entry(bits).or_insert_with(|| {
            passages.push(passage);
            passages.len() - 1
        })
    };
    let fits =
        |(query, passage): &&(Vec<f32>, Vec<f32>)| query.len() == dimensions && passage.len() == dimensions;
    let pairs =
        pairs.iter().filter(fits).map(|(query, passage)| (query.as_slice(), number(passage))).collect();
    for other in others.iter().filter(|other| other.len() == dimensions) {
        number(other);
    }
    (pairs, passages)
}

/// What happened to a pair that was held out.
struct Judged {
    /// The place of its passage without an adapter, from 1.
    before: usize,
    /// And with one.
    after: usize,
    /// The steps in which that one was learnt.
    steps: usize,
}

/// What all parts of learning share.
struct Course<'a> {
    passages: &'a [&'a [f32]],
    dimensions: usize,
    options: &'a Learning,
    stop: &'a AtomicBool,
    tell: &'a mut dyn FnMut(usize, usize),
    /// Steps that were done so far.
    done: usize,
}

impl Course<'_> {
    /// Holds out each hand in turn.
    fn judge(&mut self, pairs: &[Pair<'_>]) -> Result<Vec<Judged>, Stopped> {
        let dealt = Random::new(self.options.seed).some_of(pairs, pairs.len());
        let hands = self.options.hands.clamp(2, pairs.len().max(2));
        let mut judged = Vec::new();
        for hand in 0..hands {
            let of_hand = |at: usize| at % hands == hand;
            let pick = |held_out: bool| {
                let chosen = dealt.iter().enumerate().filter(move |(at, _)| of_hand(*at) == held_out);
                chosen.map(|(_, pair)| *pair).collect::<Vec<_>>()
            };
            let (held_out, rest) = (pick(true), pick(false));
            let (adapter, steps) = self.learn_until_best(&rest)?;
            judged.extend(held_out.iter().map(|(query, right)| Judged {
                before: adapter::place(query, *right, self.passages),
                after: adapter::place(&adapter.map(query), *right, self.passages),
                steps,
            }));
        }
        Ok(judged)
    }

    /// Learns until pairs which are kept from it are found no better; with the steps it took.
    fn learn_until_best(&mut self, pairs: &[Pair<'_>]) -> Result<(Adapter, usize), Stopped> {
        let (stopping, pairs) = pairs.split_at((pairs.len() / SHARE_OF_STOPPING).max(1).min(pairs.len()));
        let loss = |learner: &Learner<'_>| {
            contrast::loss(&learner.adapter, stopping, self.passages, self.options.temperature)
        };
        let mut random = Random::new(self.options.seed);
        let mut learner = Learner::new(self.dimensions, self.options);
        let mut best = (loss(&learner), learner.adapter.clone(), 0);
        let mut steps = 0;
        while steps < self.options.steps && steps <= best.2 + PATIENCE * STEPS_EACH {
            for _ in 0..STEPS_EACH {
                learner.step(pairs, self.passages, &mut random);
            }
            steps += STEPS_EACH;
            self.done += STEPS_EACH;
            report(self.stop, self.tell, self.done, self.options)?;
            let loss = loss(&learner);
            if loss < best.0 - LEAST_GAIN {
                best = (loss, learner.adapter.clone(), steps);
            }
        }
        Ok((best.1, best.2))
    }

    /// Learns from all pairs, in so many steps.
    fn learn_for(&mut self, steps: usize, pairs: &[Pair<'_>]) -> Result<Adapter, Stopped> {
        let mut random = Random::new(self.options.seed);
        let mut learner = Learner::new(self.dimensions, self.options);
        for step in 0..steps {
            learner.step(pairs, self.passages, &mut random);
            self.done += 1;
            if step.is_multiple_of(STEPS_EACH) {
                report(self.stop, self.tell, self.done, self.options)?;
            }
        }
        Ok(learner.adapter)
    }
}

/// Tells how far it is, and ends it where the person wants that.
fn report(
    stop: &AtomicBool,
    tell: &mut dyn FnMut(usize, usize),
    done: usize,
    options: &Learning,
) -> Result<(), Stopped> {
    tell(done, options.steps.saturating_mul(options.hands.saturating_add(1)).max(done));
    match stop.load(Ordering::Relaxed) {
        true => Err(Stopped),
        false => Ok(()),
    }
}

/// Chance that is the same for the same seed (splitmix64, Steele et al. 2014).
pub(super) struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 where there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % (end.max(1) as u64)).unwrap_or(0)
    }

    /// At most so many of these, in a random order (Fisher and Yates).
    pub(super) fn some_of<T: Copy>(&mut self, all: &[T], most: usize) -> Vec<T> {
        let mut all = all.to_vec();
        for at in 0..most.min(all.len()) {
            let other = at + self.below(all.len() - at);
            all.swap(at, other);
        }
        all.truncate(most);
        all
    }
}

#[cfg(test)]
mod tests;
