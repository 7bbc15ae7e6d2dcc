//! Whether an answer is right, told by rules. Nothing is scored by a model.
//!
//! An answer is looked at up to 16 KiB, and compared with up to 2,048 characters or words of what
//! is right: a model that doesn't stop is measured by its start.

use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use super::item::{Answer, Given, Verdict};
use super::tokens::{
    count, edits, folded, is_word, looked_at, normalised, places, stands, stretch_edits, within,
};

mod absent;
mod call;
mod number;

pub(super) use absent::says_absent;

/// How many words of speech are compared, of each side.
const MOST_WORDS: usize = 2 * 1024;

/// How many documents found are looked at for nDCG, and how many for recall.
const NDCG_AT: usize = 10;
const RECALL_AT: usize = 5;

/// Compares an answer with what is right, as [`Answer`] says for each form of it.
pub fn check(answer: &Answer, given: &Given) -> Verdict {
    let said = looked_at(&given.text);
    match answer {
        Answer::Text { is, not } => text(is, not, said),
        Answer::Number(number) => only(number::names_only(said, *number)),
        Answer::Choice { is, among } => only(chooses(is, among, said)),
        Answer::Absent => only(absent::says_absent(said)),
        Answer::Facts { named, invented } => facts(named, invented, said),
        Answer::Call { tool, arguments } => call::check(tool, arguments, &given.calls),
        Answer::Speech { is, identifiers } => speech(is, identifiers, said),
        Answer::Documents(right) => documents(right, &given.found),
    }
}

/// A verdict that is all there is to say.
fn only(right: bool) -> Verdict {
    Verdict { right, ..Verdict::default() }
}

/// Case counts. A text that isn't asked for may stand where the right one stands: "Save" in
/// "Save as".
fn text(is: &str, not: &[String], said: &str) -> Verdict {
    let (is, said) = (normalised(is), normalised(said));
    let right_places = places(&is, &said);
    let names = |not: &String| places(&normalised(not), &said).iter().any(|at| !within(at, &right_places));
    Verdict {
        right: !right_places.is_empty() && !not.iter().any(names),
        of: Some(stretch_edits(&is, &said)),
        ..Verdict::default()
    }
}

/// The right option is named and no other. What is part of a longer option that is named isn't
/// named: "blue" in "light blue". Names of the same option have `|` between them. An option of one
/// letter is found in its case, since "a" is a word; "on" and "no" are found where they say something
/// ([`says`]).
fn chooses(is: &str, among: &[String], said: &str) -> bool {
    let cased = normalised(said);
    let said = cased.to_lowercase();
    let name = |name: &str| match name.chars().count() {
        1 => places(&normalised(name), &cased),
        _ => {
            let name = folded(name);
            let mut found = places(&name, &said);
            found.retain(|at| says(&name, at, &said));
            found
        }
    };
    let found = |option: &str| option.split('|').flat_map(name).collect::<Vec<_>>();
    let others = || among.iter().filter(|option| folded(option) != folded(is));
    let all: Vec<_> =
        others().map(String::as_str).chain([is]).map(|option| (option, found(option))).collect();
    let is_part = |at: &Range<usize>| {
        let longer = all.iter().flat_map(|(_, places)| places).filter(|other| other.len() > at.len());
        longer.into_iter().any(|other| other.start <= at.start && at.end <= other.end)
    };
    all.iter().all(|(option, places)| places.iter().any(|at| !is_part(at)) == (*option == is))
}

/// Whether a word says something there, and doesn't only lead to the next: "it is on" and "on the
/// left", "no, it isn't" and "there is no circle".
fn says(word: &str, at: &Range<usize>, said: &str) -> bool {
    let leads = said[at.end..].starts_with(' ');
    let begins = !said[..at.start].contains(is_word);
    match word {
        "on" => !leads,
        "no" => !leads || begins,
        _ => true,
    }
}

/// A fact is named where it stands, in any case. What is part of a fact that is named isn't invented.
fn facts(named: &[String], invented: &[String], said: &str) -> Verdict {
    let said = folded(said);
    let hits = named.iter().filter(|fact| stands(&folded(fact), &said)).count();
    let right_places: Vec<_> = named.iter().flat_map(|fact| places(&folded(fact), &said)).collect();
    let made_up = |fact: &&String| places(&folded(fact), &said).iter().any(|at| !within(at, &right_places));
    let made_up = invented.iter().filter(made_up).count();
    Verdict {
        right: hits == named.len() && made_up == 0,
        of: Some((count(hits), count(named.len()))),
        second: Some((count(made_up), count(invented.len()))),
        ndcg: None,
    }
}

fn speech(is: &str, identifiers: &[String], said: &str) -> Verdict {
    let (is, heard) = (folded(is), folded(said));
    let right = spoken(&is);
    let wrong = edits(&right, &spoken(&heard));
    let missed = identifiers.iter().filter(|identifier| !stands(&folded(identifier), &heard)).count();
    Verdict {
        right: wrong == 0,
        of: Some((wrong, count(right.len()))),
        second: Some((count(missed), count(identifiers.len()))),
        ndcg: None,
    }
}

/// The words of speech, without punctuation at their ends.
fn spoken(text: &str) -> Vec<&str> {
    let bare = text.split(' ').map(|word| word.trim_matches(|c| !is_word(c)));
    bare.filter(|word| !word.is_empty()).take(MOST_WORDS).collect()
}

/// Gains fall by one from the best document on, discounted by the logarithm of the place
/// (K. Järvelin, J. Kekäläinen, Cumulated gain-based evaluation of IR techniques, 2002).
fn documents(right: &[PathBuf], found: &[PathBuf]) -> Verdict {
    let right = distinct(right, usize::MAX);
    let found = distinct(found, NDCG_AT);
    let discount = |at: usize| (at as f64 + 2.0).log2();
    let gain = |index: usize| (right.len() - index) as f64;
    let index = |document: &PathBuf| right.iter().position(|right| right == document);
    let ranks = found.iter().enumerate();
    let gained: f64 = ranks.filter_map(|(at, document)| Some(gain(index(document)?) / discount(at))).sum();
    let ideal: f64 = (0..right.len().min(NDCG_AT)).map(|at| gain(at) / discount(at)).sum();
    let recalled = found.iter().take(RECALL_AT).filter(|document| index(document).is_some()).count();
    Verdict {
        right: !right.is_empty() && found.first() == right.first(),
        of: Some((count(recalled), count(right.len().min(RECALL_AT)))),
        second: None,
        ndcg: (ideal > 0.0).then(|| gained / ideal),
    }
}

/// Documents, each once, at its first place: passages of one document may have been found apart.
fn distinct(documents: &[PathBuf], most: usize) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = Vec::new();
    for document in documents.iter().map(|document| plain(document)) {
        if out.len() >= most {
            break;
        }
        if !out.contains(&document) {
            out.push(document);
        }
    }
    out
}

/// A path without `./`.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
