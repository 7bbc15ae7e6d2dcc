//! Templates from shapes: which words of messages are constant, and which vary.
//!
//! Drain (He et al., ICWS 2017) decides line by line, with one threshold of similarity.
//! Here the distinct shapes of a whole batch are known, so it is decided as Brain does
//! (Yu et al., "Brain: Log Parsing with Bidirectional Parallel Tree", TSC 2023): words
//! that occur equally often in the same places belong together and are the template's
//! core; other places of the shapes that share a core vary, or tell templates apart.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};

use super::level::Level;
use super::shape::{Mask, is_delimiter};
use super::trouble::tone;

/// The words of a shape, and the delimiters around them as its skeleton.
pub(super) fn split(shape: &[u8]) -> (Vec<u8>, Vec<&[u8]>) {
    let mut skeleton = Vec::new();
    let mut words = Vec::new();
    let mut start = 0;
    for (at, &byte) in shape.iter().enumerate() {
        if is_delimiter(byte) {
            if at > start || is_empty_value(shape, at) {
                words.push(&shape[start..at]);
                skeleton.push(Mask::Any as u8);
            }
            skeleton.push(byte);
            start = at + 1;
        }
    }
    if shape.len() > start {
        words.push(&shape[start..]);
        skeleton.push(Mask::Any as u8);
    }
    (skeleton, words)
}

/// Whether nothing stands before this delimiter where a value would: `key= `, ` ()`.
fn is_empty_value(shape: &[u8], at: usize) -> bool {
    matches!(
        (&shape[..at], shape[at]),
        ([.., b'='], b' ' | b',' | b';') | ([.., b' ', b'('], b')') | ([.., b' ', b'['], b']')
    )
}

/// Puts words back between the delimiters of a skeleton.
pub(super) fn join(skeleton: &[u8], words: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(skeleton.len() * 4);
    let mut words = words.iter();
    for &byte in skeleton {
        match byte == Mask::Any as u8 {
            true => out.extend_from_slice(words.next().copied().unwrap_or_default()),
            false => out.push(byte),
        }
    }
    out
}

/// A place that varies.
pub(super) const ANY: &[u8] = &[Mask::Any as u8];

/// A place that varies, of templates that were learnt from loud words there as well: of
/// crowds and of what is too much to be told apart. They are found by what they came from.
pub(super) const EVERY: &[u8] = &[Mask::Every as u8];

/// The template of all that was too much to be kept apart; no message has this shape.
pub(super) const REST: &[u8] = &[Mask::Any as u8, Mask::Cut as u8];

/// Distinct words that a place must have to be one that varies.
const VARIES: usize = 5;

/// At the start of a message, where programs name what they talk of.
const VARIES_FIRST: usize = 16;

/// Where the words look like names of things (dots, digits), follow a preposition,
/// or are quoted, fewer tell it.
const VARIES_NAMES: usize = 2;

/// Where each entry has a word of its own, so many tell it.
const VARIES_EACH: usize = 3;

/// Words behind which a thing is named.
const PREPOSITIONS: [&[u8]; 12] =
    [b"for", b"from", b"by", b"to", b"user", b"at", b"on", b"of", b"with", b"as", b"host", b"in"];

/// A shape, and how many entries have it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighed<'a> {
    pub(super) shape: &'a [u8],
    pub(super) count: u64,
}

/// What was learnt.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    /// For each shape the number of its template.
    pub(super) of: Vec<usize>,
    pub(super) templates: Vec<Vec<u8>>,
}

/// How long learning may go on when it was told to stop: whoever ends a live log wants its
/// templates, and the most logs are learnt from well within.
const GRACE: Duration = Duration::from_secs(2);

/// Words of a message that templates are told apart by; those behind vary if they differ.
const TELLING_WORDS: usize = 40;

/// Whether whoever waits for what is learnt still does.
#[derive(Debug)]
pub(super) struct Patience<'s> {
    stop: &'s AtomicBool,
    until: Cell<Option<Instant>>,
}

impl<'s> Patience<'s> {
    pub(super) fn new(stop: &'s AtomicBool) -> Self {
        Self { stop, until: Cell::new(None) }
    }

    fn is_over(&self) -> bool {
        if !self.stop.load(Ordering::Relaxed) {
            return false;
        }
        let now = Instant::now();
        let until = self.until.get().unwrap_or(now + GRACE);
        self.until.set(Some(until));
        now >= until
    }
}

/// Groups shapes. Where patience ends, those that are left are templates of their own.
pub(super) fn learn(shapes: &[Weighed<'_>], patience: &Patience<'_>) -> Learnt {
    let mut groups: BTreeMap<Vec<u8>, Vec<Member<'_>>> = BTreeMap::new();
    for (at, one) in shapes.iter().enumerate() {
        let (skeleton, words) = split(one.shape);
        groups.entry(skeleton).or_default().push((at, words));
    }
    let mut learnt = Learnt { of: vec![0; shapes.len()], templates: Vec::new() };
    let mut spared = MOST_SPARED;
    for (skeleton, members) in &groups {
        for node in
            thinned(nodes(&Skeleton { text: skeleton, shapes, patience }, members), shapes, &mut spared)
        {
            let words = generalised(&node);
            for (shape, _) in &node {
                learnt.of[*shape] = learnt.templates.len();
            }
            learnt.templates.push(join(skeleton, &words));
        }
    }
    learnt
}

/// Templates of one skeleton that may be a single rare line each; more of them are lines
/// that vary in everything, and are one.
const CROWD: usize = 64;

/// Rare lines that report trouble stay apart all the same, so many of them.
const MOST_SPARED: usize = 2000;

/// A line that came so often at most is rare.
const RARE: u64 = 2;

fn thinned<'a>(
    nodes: Vec<Vec<Member<'a>>>,
    shapes: &[Weighed<'_>],
    spared: &mut usize,
) -> Vec<Vec<Member<'a>>> {
    let rare = |node: &Vec<Member<'a>>| node.len() == 1 && shapes[node[0].0].count <= RARE;
    if nodes.iter().filter(|node| rare(node)).count() <= CROWD {
        return nodes;
    }
    let mut kept = Vec::new();
    let mut crowds: BTreeMap<&[u8], Vec<Member<'a>>> = BTreeMap::new();
    for node in nodes {
        let loud = || tone(shapes[node[0].0].shape).level >= Some(Level::Error);
        if !rare(&node) {
            kept.push(node);
        } else if *spared > 0 && loud() {
            *spared -= 1;
            kept.push(node);
        } else {
            let first = node[0].1.first().copied().unwrap_or_default();
            crowds.entry(first).or_default().extend(node);
        }
    }
    // Those that begin alike are one template; what is left of few of a kind is another.
    let (many, few): (Vec<_>, Vec<_>) = crowds.into_values().partition(|crowd| crowd.len() > CROWD / 4);
    kept.extend(many);
    let few: Vec<Member<'a>> = few.into_iter().flatten().collect();
    match few.len() > CROWD {
        true => kept.push(few),
        false => kept.extend(few.into_iter().map(|member| vec![member])),
    }
    kept
}

type Member<'a> = (usize, Vec<&'a [u8]>);

fn is_masked(word: &[u8]) -> bool {
    word.len() == 1 && Mask::shown(word[0]).is_some()
}

/// The words of a template of these shapes.
fn generalised<'a>(node: &[Member<'a>]) -> Vec<&'a [u8]> {
    let first = &node[0].1;
    let general = |column: usize| {
        if node.iter().all(|(_, words)| words[column] == first[column]) {
            return first[column];
        }
        if node.iter().all(|(_, words)| may_vary(words[column])) { ANY } else { EVERY }
    };
    (0..first.len()).map(general).collect()
}

/// The delimiters that shapes have in common, and all shapes for their counts.
struct Skeleton<'s> {
    text: &'s [u8],
    shapes: &'s [Weighed<'s>],
    patience: &'s Patience<'s>,
}

/// Parts shapes of one skeleton into templates.
fn nodes<'a>(skeleton: &Skeleton<'_>, members: &[Member<'a>]) -> Vec<Vec<Member<'a>>> {
    if members.len() == 1 {
        return vec![members.to_vec()];
    }
    let columns = members[0].1.len().min(TELLING_WORDS);
    let words = |member: &Member<'a>| -> Vec<(usize, &'a [u8])> {
        let telling = member.1.iter().take(columns).copied().enumerate();
        telling.filter(|(_, word)| !is_masked(word)).collect()
    };
    let mut frequency: FxHashMap<(usize, &[u8]), usize> = FxHashMap::default();
    for word in members.iter().flat_map(words) {
        *frequency.entry(word).or_default() += 1;
    }
    // The core of each shape: the largest set of its words that occur equally often.
    let mut cores: BTreeMap<Vec<(usize, &[u8])>, Vec<Member<'a>>> = BTreeMap::new();
    for member in members {
        let mut sets: BTreeMap<usize, Vec<(usize, &[u8])>> = BTreeMap::new();
        for word in words(member) {
            sets.entry(frequency[&word]).or_default().push(word);
        }
        let core = sets.into_iter().max_by_key(|(often, set)| (set.len(), *often));
        cores.entry(core.map(|(_, set)| set).unwrap_or_default()).or_default().push(member.clone());
    }
    let mut found = Vec::new();
    for (core, node) in cores {
        let is_fixed = |column: &usize| core.binary_search_by_key(column, |(fixed, _)| *fixed).is_ok();
        let open: Vec<usize> = (0..columns).filter(|column| !is_fixed(column)).collect();
        part(skeleton, node, open, &mut found);
    }
    found
}

/// Splits a node by the places that tell templates apart.
fn part<'a>(
    skeleton: &Skeleton<'_>,
    node: Vec<Member<'a>>,
    mut open: Vec<usize>,
    found: &mut Vec<Vec<Member<'a>>>,
) {
    if node.len() == 1 {
        return found.push(node);
    }
    if skeleton.patience.is_over() {
        return found.extend(node.into_iter().map(|member| vec![member]));
    }
    let fixed = node[0].1.len().min(TELLING_WORDS) - open.len();
    let entries = node.iter().map(|(shape, _)| skeleton.shapes[*shape].count).sum();
    let mut telling: Option<(usize, usize, bool)> = None;
    // A place where all have one word has one in all parts too.
    open.retain(|&column| {
        let place = Place::of(skeleton, &node, column, fixed, entries);
        if place.values.len() < 2 {
            return false;
        }
        let tells = match place.varies() {
            false => Some((place.values.len(), column, false)),
            // What varies may still say that something went wrong.
            true => place.values.iter().any(|word| !may_vary(word)).then_some((usize::MAX, column, true)),
        };
        telling = [telling, tells].into_iter().flatten().min();
        true
    });
    let Some((_, column, only_loud)) = telling else { return found.push(node) };
    open.retain(|other| *other != column);
    let mut parts: BTreeMap<&[u8], Vec<Member<'a>>> = BTreeMap::new();
    for member in node {
        let word = member.1[column];
        let key = if only_loud && may_vary(word) { ANY } else { word };
        parts.entry(key).or_default().push(member);
    }
    for node in parts.into_values() {
        part(skeleton, node, open.clone(), found);
    }
}

/// Whether a word may be one of those that a template leaves open: one that says that
/// something failed is told, wherever it stands.
pub(super) fn may_vary(word: &[u8]) -> bool {
    if word == EVERY {
        return false;
    }
    let is_word = word.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'));
    !is_word || tone(word).level < Some(Level::Error)
}

/// What stands before a place of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing: the message begins.
    Nothing,
    /// A word behind which a thing is named, or a quotation mark.
    Naming,
    Other,
}

/// A place of the messages of a node.
struct Place<'a> {
    /// Its distinct words.
    values: FxHashSet<&'a [u8]>,
    before: Before,
    /// How many entries all of these are.
    entries: u64,
    /// Places of the same messages that are known to be fixed.
    fixed: usize,
}

impl<'a> Place<'a> {
    fn of(skeleton: &Skeleton<'_>, node: &[Member<'a>], column: usize, fixed: usize, entries: u64) -> Self {
        let values: FxHashSet<&[u8]> = node.iter().map(|(_, words)| words[column]).collect();
        Self { values, before: before(skeleton.text, &node[0].1, column), entries, fixed }
    }

    fn most(&self, test: impl Fn(&[u8]) -> bool) -> bool {
        self.values.iter().filter(|word| test(word)).count() * 2 > self.values.len()
    }

    /// Whether these words are what varies in a message, rather than tell messages apart.
    fn varies(&self) -> bool {
        if self.values.iter().any(|word| is_masked(word)) {
            return true;
        }
        // What is done, or the state that something is in; not what it is done to.
        let telling = self.most(is_verb) || self.most(is_state);
        let each = self.entries < 2 * self.values.len() as u64
            && self.values.len() >= VARIES_EACH
            && self.fixed >= 2
            && self.before != Before::Nothing;
        let least = match self.before {
            _ if self.most(is_state) => VARIES_FIRST,
            _ if self.most(is_named) => VARIES_NAMES,
            _ if telling => VARIES_FIRST,
            Before::Nothing => VARIES_FIRST,
            Before::Naming => VARIES_NAMES,
            Before::Other => VARIES,
        };
        self.values.len() >= least || (each && !telling)
    }
}

/// Words like names that programs give: with dots, digits or slashes in them.
fn is_named(word: &[u8]) -> bool {
    let word = word.strip_suffix(b".").unwrap_or(word);
    word.iter().any(|byte| matches!(byte, 0..=9 | b'.' | b'/' | b'@' | b'#' | b'$'))
}

fn is_verb(word: &[u8]) -> bool {
    word.ends_with(b"ed") || word.ends_with(b"ing")
}

/// A constant of a program: `RUNNING`, `intent.action.SCREEN_ON`.
fn is_state(word: &[u8]) -> bool {
    let name = word.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let capital = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'_';
    name.len() > 1 && name.iter().all(capital)
}

fn before(skeleton: &[u8], words: &[&[u8]], column: usize) -> Before {
    const WORD: u8 = Mask::Any as u8;
    let mut places = skeleton.iter().enumerate().filter(|(_, byte)| **byte == WORD);
    let Some((at, _)) = places.nth(column) else { return Before::Other };
    match (&skeleton[..at], skeleton.get(at + 1)) {
        ([], _) => Before::Nothing,
        ([.., b'"'], Some(b'"')) | ([.., b'\''], Some(b'\'')) => Before::Naming,
        ([.., WORD, b' '], _) => {
            let last = words[column - 1];
            let names = PREPOSITIONS.iter().any(|known| last.eq_ignore_ascii_case(known));
            if names { Before::Naming } else { Before::Other }
        }
        _ => Before::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_ends_a_moment_after_it_is_told_to() {
        let texts: Vec<String> = (0..50).map(|n| format!("user u{n} came")).collect();
        let shapes: Vec<Weighed<'_>> =
            texts.iter().map(|text| Weighed { shape: text.as_bytes(), count: 1 }).collect();
        let stop = AtomicBool::new(true);
        let patience = Patience::new(&stop);
        assert_eq!(learn(&shapes, &patience).templates, [b"user \x08 came"]);
        patience.until.set(Some(Instant::now()));
        assert_eq!(learn(&shapes, &patience).templates.len(), shapes.len());
        stop.store(false, Ordering::Relaxed);
        assert_eq!(learn(&shapes, &patience).templates.len(), 1);
    }
}
