//! Texts as they are compared: plain, by places and by edits.

use std::ops::Range;

use crate::text::boundary_before;

/// How much of an answer is looked at, in bytes: no right answer is longer, and a model that
/// doesn't stop must not hold up a suite.
pub(super) const MOST_ANSWER: usize = 16 * 1024;

/// How much of a right text is looked for by its edits, in characters: the time grows with it.
const MOST_TEXT: usize = 2 * 1024;

/// The start of an answer that is looked at.
pub(super) fn looked_at(answer: &str) -> &str {
    &answer[..boundary_before(answer, MOST_ANSWER)]
}

/// White space as one blank, none at the ends, and typographic quotes as those of a keyboard.
pub(super) fn normalised(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().map(plain_quote));
    }
    out
}

/// The quote of a keyboard for a typographic one; any other character as it is.
fn plain_quote(c: char) -> char {
    match c {
        '‘' | '’' | '‚' | '‛' | '′' => '\'',
        '“' | '”' | '„' | '‟' | '″' => '"',
        c => c,
    }
}

/// Normalised, in small letters.
pub(super) fn folded(text: &str) -> String {
    normalised(text).to_lowercase()
}

/// Whether a character is of a word: a word ends where the next isn't.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where a text stands by itself in another: where its own end is of a word, no word goes on there.
/// Nothing stands nowhere.
pub(super) fn places(text: &str, inside: &str) -> Vec<Range<usize>> {
    let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = inside.get(from..).and_then(|rest| rest.find(text)) {
        let place = from + at..from + at + text.len();
        let goes_on_before = is_word(first) && inside[..place.start].chars().next_back().is_some_and(is_word);
        let goes_on_after = is_word(last) && inside[place.end..].chars().next().is_some_and(is_word);
        from = place.start + first.len_utf8();
        if !goes_on_before && !goes_on_after {
            found.push(place);
        }
    }
    found
}

/// Whether a text stands by itself in another.
pub(super) fn stands(text: &str, inside: &str) -> bool {
    !places(text, inside).is_empty()
}

/// Whether a place lies in one of others, or is one of them.
pub(super) fn within(place: &Range<usize>, others: &[Range<usize>]) -> bool {
    others.iter().any(|other| other.start <= place.start && place.end <= other.end)
}

/// The least edits (insertions, deletions, substitutions) from a text to any stretch of an answer,
/// and the text's characters. At most all of them: the empty stretch (P. Sellers, The theory and
/// computation of evolutionary distances, 1980).
pub(super) fn stretch_edits(text: &str, answer: &str) -> (u32, u32) {
    let text: Vec<char> = text.chars().take(MOST_TEXT).collect();
    let answer: Vec<char> = answer.chars().collect();
    let mut best = text.len();
    rows(&text, &answer, |_| 0, |row| best = best.min(row));
    (count(best), count(text.len()))
}

/// The least edits from one sequence to another (V. Levenshtein, 1966).
pub(super) fn edits<T: PartialEq>(right: &[T], given: &[T]) -> u32 {
    let mut last = right.len();
    rows(right, given, |at| at, |row| last = row);
    count(last)
}

/// Walks the rows of the table of edits. `start` says what it costs to begin after so many of the
/// given; `end` is told what it costs to end after each.
fn rows<T: PartialEq>(right: &[T], given: &[T], start: impl Fn(usize) -> usize, mut end: impl FnMut(usize)) {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (at, given) in given.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = start(at + 1);
        for (to, right) in right.iter().enumerate() {
            let above = row[to + 1];
            let changed = diagonal + usize::from(right != given);
            row[to + 1] = changed.min(above + 1).min(row[to] + 1);
            diagonal = above;
        }
        end(row[right.len()]);
    }
}

/// A count as reports keep it.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
