//! The templates of a log while it is read: shapes are gathered, in batches what varies in
//! them is learnt ([`super::learn`]), and from then on what fits a template is counted
//! there, as in Drain's tree: by its skeleton first, then word by word.
//!
//! The outcome depends on the order of the shapes alone, not on threads or time, and the
//! memory on none of it.

use std::sync::atomic::AtomicBool;

use rustc_hash::{FxHashMap, FxHashSet};

use super::block::{Counted, Kind};
use super::learn::{Learnt, Patience, REST, Weighed, learn};
use super::level::Level;
use super::matcher::Matcher;
use super::timeline::Timeline;
use super::totals::both;

/// New shapes after which it is learnt anew. The most logs have fewer: all of them are
/// learnt from at once.
const BATCH: usize = 8192;

/// The same where there are more templates than are kept: what is new is mostly noise
/// then, and learning all of them again is what takes the time.
const NOISY_BATCH: usize = 2 * BATCH;

/// Templates that are kept apart; what goes beyond is counted as one.
const MOST_TEMPLATES: usize = 10_000;

/// Shapes whose template is remembered; others are matched again.
const MOST_KNOWN: usize = 150_000;

/// Bytes of a line that are kept of it.
pub(super) const LONGEST_QUOTE: usize = 512;

/// A line of a log, as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quoted {
    pub(super) source: usize,
    /// Counted from 1.
    pub(super) line: u64,
    pub(super) text: Box<[u8]>,
    pub(super) cut: bool,
}

impl Quoted {
    pub(super) fn of(source: usize, line: u64, text: &[u8]) -> Self {
        Self::up_to(LONGEST_QUOTE, source, line, text)
    }

    pub(super) fn up_to(most: usize, source: usize, line: u64, text: &[u8]) -> Self {
        let kept = &text[..text.len().min(most)];
        Self { source, line, text: kept.into(), cut: text.len() > kept.len() }
    }

    pub(super) fn place(&self) -> (usize, u64) {
        (self.source, self.line)
    }
}

/// What is known of the entries of a template.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) shape: Box<[u8]>,
    pub(super) count: u64,
    pub(super) first: Quoted,
    /// The first that has the worst level, where that is another.
    pub(super) loud: Option<Quoted>,
    pub(super) component: Box<str>,
    pub(super) last: (usize, u64),
    pub(super) span: Option<(i64, i64)>,
    pub(super) level: Option<Level>,
    pub(super) timeline: Timeline,
    pub(super) trace: Vec<Quoted>,
}

impl Group {
    fn of(kind: Kind, block: &Counted, first_line: u64) -> Self {
        let quote = |line: u64, place: std::ops::Range<usize>| {
            Quoted::of(block.source, first_line + line, &block.bytes[place])
        };
        let component = String::from_utf8_lossy(&block.bytes[kind.component]);
        Self {
            loud: (kind.loud.0 != kind.first_line).then(|| quote(kind.loud.0, kind.loud.1)),
            first: quote(kind.first_line, kind.first),
            component: component.into(),
            last: (block.source, first_line + kind.last_line),
            span: kind.first_ms.zip(kind.last_ms).map(|(first, last)| (first.min(last), first.max(last))),
            trace: kind.trace.into_iter().map(|(line, place)| quote(line, place)).collect(),
            shape: kind.shape,
            count: kind.count,
            level: kind.level,
            timeline: kind.timeline,
        }
    }

    fn take(&mut self, other: Self) {
        self.count += other.count;
        if other.level > self.level {
            self.loud = Some(other.loud.unwrap_or_else(|| other.first.clone()));
        }
        if other.first.place() < self.first.place() {
            self.first = other.first;
            self.component = other.component;
        }
        self.last = self.last.max(other.last);
        self.level = self.level.max(other.level);
        self.timeline.merge(&other.timeline);
        self.span = both(self.span, other.span);
        if self.trace.is_empty() {
            self.trace = other.trace;
        }
    }
}

/// Templates under way.
#[derive(Debug, Default)]
pub(super) struct Miner {
    groups: Vec<Option<Group>>,
    /// What became of a group that was merged into another.
    into: Vec<u32>,
    known: FxHashMap<Box<[u8]>, u32>,
    /// The groups as they were learnt last; empty before.
    matcher: Matcher,
    fresh: usize,
    /// The group of all that is beyond the bound.
    rest: Option<u32>,
}

impl Miner {
    /// Takes what a block holds; `first_line` is the number of its first line, from 1.
    pub(super) fn take(&mut self, mut block: Counted, first_line: u64, patience: &Patience<'_>) {
        for kind in std::mem::take(&mut block.kinds) {
            let known = self.known.get(&kind.shape).map(|&number| self.root(number));
            let number = known.or_else(|| {
                let found = self.matcher.wild(&kind.shape)?;
                self.remember(kind.shape.clone(), found);
                Some(found)
            });
            match number {
                Some(number) => {
                    if let Some(group) = &mut self.groups[number as usize] {
                        group.take(Group::of(kind, &block, first_line));
                    }
                }
                None => self.add(Group::of(kind, &block, first_line), patience),
            }
        }
    }

    fn add(&mut self, group: Group, patience: &Patience<'_>) {
        let number = self.groups.len() as u32;
        self.remember(group.shape.clone(), number);
        self.groups.push(Some(group));
        self.into.push(number);
        self.fresh += 1;
        if self.fresh >= if self.rest.is_some() { NOISY_BATCH } else { BATCH } {
            self.settle(patience);
        }
    }

    fn remember(&mut self, shape: Box<[u8]>, number: u32) {
        if self.known.len() >= MOST_KNOWN {
            let groups = &self.groups;
            let own: FxHashSet<&[u8]> = groups.iter().flatten().map(|group| &*group.shape).collect();
            self.known.retain(|shape, _| own.contains(&**shape));
        }
        self.known.insert(shape, number);
    }

    fn root(&self, mut number: u32) -> u32 {
        while self.into[number as usize] != number {
            number = self.into[number as usize];
        }
        number
    }

    /// Learns from all that is there.
    fn settle(&mut self, patience: &Patience<'_>) {
        self.fresh = 0;
        let alive: Vec<u32> = (0..self.groups.len() as u32)
            .filter(|&number| self.groups[number as usize].is_some() && self.rest != Some(number))
            .collect();
        let learnt = {
            let weighed = |&number: &u32| {
                let group = self.groups[number as usize].as_ref()?;
                Some(Weighed { shape: &group.shape, count: group.count })
            };
            let shapes: Vec<Weighed<'_>> = alive.iter().filter_map(weighed).collect();
            found_again(&shapes, learn(&shapes, patience))
        };
        let mut heads: FxHashMap<usize, u32> = FxHashMap::default();
        for (&number, template) in alive.iter().zip(learnt.of) {
            match heads.get(&template) {
                Some(&head) => self.merge(number, head),
                None => {
                    heads.insert(template, number);
                    if let Some(group) = &mut self.groups[number as usize] {
                        group.shape = learnt.templates[template].as_slice().into();
                    }
                }
            }
        }
        self.bound();
        self.compact();
        let groups = (0..).zip(self.groups.iter().flatten());
        let rest = self.rest;
        let own = groups.filter(|(number, _)| Some(*number) != rest);
        self.matcher = Matcher::new(own.map(|(number, group)| (number, &*group.shape)));
    }

    /// Forgets what groups were merged: as many as are left are kept, however long the log.
    fn compact(&mut self) {
        let mut places = vec![u32::MAX; self.groups.len()];
        let alive = (0..self.groups.len()).filter(|&number| self.groups[number].is_some());
        for (place, number) in alive.enumerate() {
            places[number] = place as u32;
        }
        let known = std::mem::take(&mut self.known);
        let moved = |(shape, number)| (shape, places[self.root(number) as usize]);
        self.known = known.into_iter().map(moved).collect();
        self.rest = self.rest.map(|rest| places[rest as usize]);
        self.groups.retain(Option::is_some);
        self.into = (0..self.groups.len() as u32).collect();
    }

    fn merge(&mut self, number: u32, head: u32) {
        let Some(group) = self.groups[number as usize].take() else { return };
        self.into[number as usize] = head;
        if let Some(head) = &mut self.groups[head as usize] {
            head.take(group);
        }
    }

    /// Merges what is rarest and came last, where there are too many.
    fn bound(&mut self) {
        let mut alive: Vec<(u64, u32)> = (0..)
            .zip(&self.groups)
            .filter_map(|(number, group)| Some((group.as_ref()?.count, number)))
            .filter(|(_, number)| self.rest != Some(*number))
            .collect();
        if alive.len() <= MOST_TEMPLATES {
            return;
        }
        alive.sort_by_key(|&(count, number)| (std::cmp::Reverse(count), number));
        let surplus = alive.split_off(MOST_TEMPLATES);
        // What fits a template that stays would be looked up there.
        let kept = alive
            .iter()
            .filter_map(|&(_, number)| Some((number, &*self.groups.get(number as usize)?.as_ref()?.shape)));
        let matcher = Matcher::new(kept);
        for (_, number) in surplus {
            let shape = self.groups[number as usize].as_ref().map(|group| &*group.shape);
            if let Some(head) = shape.and_then(|shape| matcher.id(shape)) {
                self.merge(number, head);
                continue;
            }
            match self.rest {
                Some(rest) => self.merge(number, rest),
                None => {
                    self.rest = Some(number);
                    if let Some(group) = &mut self.groups[number as usize] {
                        group.shape = REST.into();
                    }
                }
            }
        }
    }

    /// How many templates there are as far as was read; learns nothing.
    pub(super) fn count(&self, patience: &Patience<'_>) -> usize {
        let groups = self.groups.iter().flatten();
        let shapes: Vec<Weighed<'_>> =
            groups.map(|group| Weighed { shape: &group.shape, count: group.count }).collect();
        learn(&shapes, patience).templates.len()
    }

    /// Shapes that [`Self::count`] would have to go through.
    pub(super) fn held(&self) -> usize {
        self.groups.iter().flatten().count()
    }

    /// Ends it: the groups in the order of their first lines. Where it is stopped, what was
    /// not learnt in time stays apart.
    pub(super) fn finish(mut self, stop: &AtomicBool) -> Vec<Group> {
        self.settle(&Patience::new(stop));
        let mut groups: Vec<Group> = self.groups.into_iter().flatten().collect();
        groups.sort_by_key(|group| group.first.place());
        groups
    }
}

/// Puts every shape where a query will look for it: shapes that several templates fit are
/// counted where they are found.
fn found_again(shapes: &[Weighed<'_>], mut learnt: Learnt) -> Learnt {
    let matcher = Matcher::new((0..).zip(learnt.templates.iter().map(Vec::as_slice)));
    for (shape, of) in shapes.iter().zip(&mut learnt.of) {
        if let Some(found) = matcher.id(shape.shape) {
            *of = found as usize;
        }
    }
    learnt
}
