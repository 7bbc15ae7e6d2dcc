//! Finds the template of a shape: the same shape, or one with places that vary where the
//! shape has other words. Counting and queries ask here, so that both find the same.

use rustc_hash::FxHashMap;

use super::learn::{ANY, REST, may_vary, split};

/// Templates of one skeleton that a shape is compared with.
const MOST_COMPARED: usize = 128;

/// A template with places that vary.
#[derive(Debug)]
struct Wild {
    words: Vec<Box<[u8]>>,
    vary: usize,
    id: u32,
}

impl Wild {
    fn fits(&self, words: &[&[u8]]) -> bool {
        let fits = |own: &[u8], word: &[u8]| own == word || (own == ANY && may_vary(word));
        self.words.len() == words.len() && self.words.iter().zip(words).all(|(own, word)| fits(own, word))
    }
}

/// Templates by what they are found by.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    exact: FxHashMap<Box<[u8]>, u32>,
    /// By skeleton; those with the fewest places that vary first.
    wild: FxHashMap<Box<[u8]>, Vec<Wild>>,
    /// The template of everything else, if there is one.
    rest: Option<u32>,
}

impl Matcher {
    /// Of templates with their numbers.
    pub(super) fn new<'a>(templates: impl Iterator<Item = (u32, &'a [u8])>) -> Self {
        let mut matcher = Self::default();
        for (id, template) in templates {
            if template == REST {
                matcher.rest = Some(id);
                continue;
            }
            let (skeleton, words) = split(template);
            let vary = words.iter().filter(|word| **word == ANY).count();
            if vary > 0 {
                let words = words.into_iter().map(Box::from).collect();
                matcher.wild.entry(skeleton.into()).or_default().push(Wild { words, vary, id });
            }
            matcher.exact.entry(template.into()).or_insert(id);
        }
        for candidates in matcher.wild.values_mut() {
            candidates.sort_by_key(|wild| (wild.vary, wild.id));
        }
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
        let candidates = self.wild.get(skeleton.as_slice())?;
        candidates.iter().take(MOST_COMPARED).find(|wild| wild.fits(&words)).map(|wild| wild.id)
    }
}
