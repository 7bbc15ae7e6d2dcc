//! Words without their endings and accents.

use rust_stemmers::{Algorithm, Stemmer};
use rustc_hash::FxHashMap;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words whose stems are remembered, twice: when there are so many that are new, those that
/// weren't met meanwhile are forgotten. Some 20 MB in all, and the words of a large collection
/// but for its rare ones.
const MOST_REMEMBERED: usize = 100_000;

/// A language whose endings are known (Snowball).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::retrieval) struct Language(whatlang::Lang);

/// Text of which the language is found out, in bytes; more says little more.
const SAMPLE: usize = 1200;

impl Language {
    /// What is taken where it isn't sure.
    pub(in crate::retrieval) const ENGLISH: Self = Self(whatlang::Lang::Eng);

    /// The language of a text, if that is sure and its endings are known.
    pub(in crate::retrieval) fn of(text: &str) -> Option<Self> {
        let mut end = SAMPLE.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let found = whatlang::detect(&text[..end])?;
        let language = Self(found.lang());
        (found.is_reliable() && language.algorithm().is_some()).then_some(language)
    }

    /// Its code (ISO 639-3).
    pub(in crate::retrieval) fn code(self) -> &'static str {
        self.0.code()
    }

    /// The language of a code.
    pub(in crate::retrieval) fn of_code(code: &str) -> Option<Self> {
        whatlang::Lang::from_code(code).map(Self)
    }

    fn algorithm(self) -> Option<Algorithm> {
        use whatlang::Lang;
        Some(match self.0 {
            Lang::Ara => Algorithm::Arabic,
            Lang::Dan => Algorithm::Danish,
            Lang::Nld => Algorithm::Dutch,
            Lang::Eng => Algorithm::English,
            Lang::Fin => Algorithm::Finnish,
            Lang::Fra => Algorithm::French,
            Lang::Deu => Algorithm::German,
            Lang::Ell => Algorithm::Greek,
            Lang::Hun => Algorithm::Hungarian,
            Lang::Ita => Algorithm::Italian,
            Lang::Nob => Algorithm::Norwegian,
            Lang::Por => Algorithm::Portuguese,
            Lang::Ron => Algorithm::Romanian,
            Lang::Rus => Algorithm::Russian,
            Lang::Spa => Algorithm::Spanish,
            Lang::Swe => Algorithm::Swedish,
            Lang::Tam => Algorithm::Tamil,
            Lang::Tur => Algorithm::Turkish,
            _ => return None,
        })
    }
}

/// Cuts the endings of one language.
pub(super) struct Stems {
    stemmer: Option<Stemmer>,
    known: FxHashMap<Box<str>, Box<str>>,
    /// What was known before `known` began anew.
    older: FxHashMap<Box<str>, Box<str>>,
}

impl Stems {
    pub(super) fn new(language: Language) -> Self {
        Self {
            stemmer: language.algorithm().map(Stemmer::create),
            known: FxHashMap::default(),
            older: FxHashMap::default(),
        }
    }

    /// Gives the stem of a word; and its spelling, if the word wasn't met lately.
    pub(super) fn of(&mut self, word: &str, give: &mut impl FnMut(&str), new: &mut impl FnMut(&str)) {
        if let Some(stem) = self.known.get(word) {
            return give(stem);
        }
        if let Some((word, stem)) = self.older.remove_entry(word) {
            give(&stem);
            return self.remember(word, stem);
        }
        let lower = lower(word);
        let stem = match &self.stemmer {
            Some(stemmer) => fold(&stemmer.stem(&lower)),
            None => fold(&lower),
        };
        give(&stem);
        new(&fold(&lower));
        self.remember(word.into(), stem.into());
    }

    fn remember(&mut self, word: Box<str>, stem: Box<str>) {
        if self.known.len() >= MOST_REMEMBERED {
            self.older = std::mem::take(&mut self.known);
        }
        self.known.insert(word, stem);
    }
}

/// In small letters, each character in its usual form (NFKC); what joins no word is dropped.
pub(super) fn lower(word: &str) -> String {
    match word.is_ascii() {
        true => word.to_ascii_lowercase(),
        false => word.nfkc().flat_map(char::to_lowercase).nfkc().filter(|c| belongs(*c)).collect(),
    }
}

/// Whether a character may stand in a token: the index's tokenizer is to see one word in it.
fn belongs(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c) || "_-./:+#@".contains(c)
}

/// Without accents.
pub(super) fn fold(word: &str) -> String {
    match word.is_ascii() {
        true => word.to_owned(),
        false => word.nfkd().filter(|c| !is_combining_mark(*c) && belongs(*c)).nfc().collect(),
    }
}
