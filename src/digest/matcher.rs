//! Finds the template of a shape: the same shape, or one with places that vary where the
//! shape has other words. Counting and queries ask here, so that both find the same.
//!
//! One exception is left: of a log with more shapes than are learnt from at once, what was
//! counted in a template stays there though one that was learnt later fits it better (or
//! fits it at all, for what was too much to be kept apart). A query finds it there.

use rustc_hash::FxHashMap;

use super::learn::{ANY, EVERY, REST, may_vary, split};

/// A template with places that vary.
#[derive(Debug)]
struct Wild {
    words: Vec<Box<[u8]>>,
    vary: usize,
    id: u32,
}

impl Wild {
    fn fits(&self, words: &[&[u8]]) -> bool {
        let fits = |own: &[u8], word: &[u8]| own == word || own == EVERY || (own == ANY && may_vary(word));
        self.words.len() == words.len() && self.words.iter().zip(words).all(|(own, word)| fits(own, word))
    }

    /// The places that don't vary, with their words.
    fn fixed(&self) -> impl Iterator<Item = (usize, Box<[u8]>)> {
        self.words.iter().cloned().enumerate().filter(|(_, word)| !Self::varies(word))
    }

    fn varies(word: &[u8]) -> bool {
        word == ANY || word == EVERY
    }

    /// What comes first is taken first. Numbers have no part in it: they differ between
    /// learning and looking up.
    fn order(&self) -> (usize, &[Box<[u8]>]) {
        (self.vary, &self.words)
    }
}

type ByWord = FxHashMap<Box<[u8]>, Vec<Wild>>;

/// Templates of one skeleton, by a place and the word that stands there: of each template
/// the word that the fewest others have. So few are compared, and none is passed over.
#[derive(Debug, Default)]
struct Kin {
    columns: Vec<(usize, ByWord)>,
    /// Those without a fixed word.
    open: Vec<Wild>,
}

impl Kin {
    fn of(mut all: Vec<Wild>) -> Self {
        all.sort_by(|one, other| one.order().cmp(&other.order()).then(one.id.cmp(&other.id)));
        let mut frequency: FxHashMap<(usize, Box<[u8]>), usize> = FxHashMap::default();
        for place in all.iter().flat_map(Wild::fixed) {
            *frequency.entry(place).or_default() += 1;
        }
        let mut kin = Self::default();
        for wild in all {
            let rarest = wild.fixed().min_by_key(|place| (frequency.get(place).copied(), place.0));
            let Some((column, word)) = rarest else {
                kin.open.push(wild);
                continue;
            };
            let at = kin.columns.iter().position(|(known, _)| *known == column).unwrap_or_else(|| {
                kin.columns.push((column, FxHashMap::default()));
                kin.columns.len() - 1
            });
            kin.columns[at].1.entry(word).or_default().push(wild);
        }
        kin
    }

    fn find(&self, words: &[&[u8]]) -> Option<u32> {
        let lists = self.columns.iter().filter_map(|(column, by_word)| by_word.get(*words.get(*column)?));
        let first = |list: &'_ Vec<Wild>| list.iter().position(|wild| wild.fits(words));
        let found = lists.filter_map(|list| Some(&list[first(list)?]));
        let open = first(&self.open).map(|at| &self.open[at]);
        found.chain(open).min_by(|one, other| one.order().cmp(&other.order())).map(|wild| wild.id)
    }
}

/// Templates by what they are found by.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    exact: FxHashMap<Box<[u8]>, u32>,
    /// By skeleton.
    wild: FxHashMap<Box<[u8]>, Kin>,
    /// The template of everything else, if there is one.
    rest: Option<u32>,
}

impl Matcher {
    /// Of templates with their numbers.
    pub(super) fn new<'a>(templates: impl Iterator<Item = (u32, &'a [u8])>) -> Self {
        let mut matcher = Self::default();
        let mut wild: FxHashMap<Box<[u8]>, Vec<Wild>> = FxHashMap::default();
        for (id, template) in templates {
            if template == REST {
                matcher.rest = Some(id);
                continue;
            }
            let (skeleton, words) = split(template);
            let vary = words.iter().filter(|word| Wild::varies(word)).count();
            if vary > 0 {
                let words = words.into_iter().map(Box::from).collect();
                wild.entry(skeleton.into()).or_default().push(Wild { words, vary, id });
            }
            matcher.exact.entry(template.into()).or_insert(id);
        }
        matcher.wild = wild.into_iter().map(|(skeleton, all)| (skeleton, Kin::of(all))).collect();
        matcher
    }

    /// The template of a shape.
    pub(super) fn id(&self, shape: &[u8]) -> Option<u32> {
        self.exact.get(shape).copied().or_else(|| self.wild(shape)).or(self.rest)
    }

    /// The template with places that vary that a shape fits.
    pub(super) fn wild(&self, shape: &[u8]) -> Option<u32> {
        if self.wild.is_empty() {
            return None;
        }
        let (skeleton, words) = split(shape);
        self.wild.get(skeleton.as_slice())?.find(&words)
    }
}
