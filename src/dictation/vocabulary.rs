//! The words of a conversation that are likely to be said and that a speech model would not
//! spell by itself: names of files, identifiers, acronyms, names.
//!
//! It refuses what is never said: numbers, hashes, addresses, and whatever looks like a
//! secret. Pure: the same passages give the same words.

mod kind;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use kind::Kind;

use crate::redact::{self, Redactor};
use crate::text::boundary_before;

/// The most words: a decoder's prompt holds about so many, and ignores more.
const MOST_WORDS: usize = 64;

/// The most of a passage that is read, from its beginning, in bytes.
pub const MOST_OF_A_PASSAGE: usize = 256 * 1024;

/// The most that is read of all, in bytes: some tens of milliseconds.
pub const MOST_READ: usize = 2 * 1024 * 1024;

/// A word that stands everywhere says no more than one that stands so often.
const OFTEN: u32 = 8;

/// Where a passage comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// What something is called that is attached.
    Name,
    /// What the person and the assistant wrote.
    Written,
    /// What stands in attached files and in the results of tools.
    Read,
}

/// A piece of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Where it comes from.
    pub origin: Origin,
    /// Its text, or the beginning of it.
    pub text: String,
}

/// The words that are likely to be said, the most useful first: the person's own in their
/// order, then those of the passages, which come newest first.
pub fn likely(own: &[String], passages: &[Passage]) -> Vec<String> {
    let mut found = Found::default();
    let mut redactor = Redactor::new(redact::Options::default());
    let mut left = MOST_READ;
    for (age, passage) in passages.iter().enumerate() {
        let text = beginning(&passage.text, left.min(MOST_OF_A_PASSAGE));
        left -= text.len();
        // A secret would be told to the decoder, which writes what it was told to expect.
        found.read(&redactor.redact(text), passage.origin, age);
    }
    let own = own.iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty());
    let mut words: Vec<String> = Vec::new();
    for word in own.chain(found.ranked()) {
        if words.len() == MOST_WORDS {
            break;
        }
        if !words.iter().any(|known| known.to_lowercase() == word.to_lowercase()) {
            words.push(word);
        }
    }
    words
}

/// The beginning of a text, cut between words.
fn beginning(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let cut = &text[..boundary_before(text, most)];
    &cut[..cut.rfind(char::is_whitespace).unwrap_or_default()]
}

/// What is known of a word.
struct Word {
    kind: Kind,
    /// The best place that it stands in.
    place: f64,
    count: u32,
    /// When it was first found.
    order: usize,
}

#[derive(Default)]
struct Found {
    words: HashMap<String, Word>,
    /// Written small, a word is no name.
    small: HashSet<String>,
}

impl Found {
    fn read(&mut self, text: &str, origin: Origin, age: usize) {
        let place = match origin {
            Origin::Name => 3.0,
            Origin::Written => 2.0,
            Origin::Read => 1.0,
        } / (1.0 + age as f64 / 4.0);
        for line in text.lines() {
            let mut begins = true;
            for token in line.split_whitespace() {
                self.token(token, origin, place, begins);
                begins = token.ends_with(['.', ':', '!', '?', ']', '|', '>', '-', '*', '#']);
            }
        }
    }

    fn token(&mut self, token: &str, origin: Origin, place: f64, begins: bool) {
        if kind::is_address(token) {
            return;
        }
        for piece in token.split(|c: char| !kind::is_of_a_word(c)) {
            let piece = kind::last_part(piece);
            let word = piece.trim_matches(|c: char| !c.is_alphanumeric());
            let quoted = origin != Origin::Read && token.contains('`');
            match kind::of(word, quoted) {
                Some(Kind::Proper) if begins && origin != Origin::Name => {}
                Some(kind) => self.add(word, kind, place),
                None if word.chars().all(char::is_lowercase) && word.len() < kind::LONGEST => {
                    self.small.insert(word.to_owned());
                }
                None => {}
            }
        }
    }

    fn add(&mut self, word: &str, kind: Kind, place: f64) {
        let order = self.words.len();
        let known = self.words.entry(word.to_owned()).or_insert(Word { kind, place, count: 0, order });
        known.count = known.count.saturating_add(1);
        known.place = known.place.max(place);
    }

    fn ranked(self) -> impl Iterator<Item = String> {
        let small = self.small;
        let is_name =
            |text: &str, word: &Word| word.kind != Kind::Proper || !small.contains(&text.to_lowercase());
        let mut ranked: Vec<(String, f64, usize)> = self
            .words
            .into_iter()
            .filter(|(text, word)| is_name(text, word))
            .map(|(text, word)| {
                let often = 1.0 + f64::from(word.count.min(OFTEN)).ln();
                (text, word.kind.weight() * word.place * often, word.order)
            })
            .collect();
        ranked.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.2.cmp(&other.2)));
        ranked.into_iter().map(|(text, ..)| text)
    }
}
