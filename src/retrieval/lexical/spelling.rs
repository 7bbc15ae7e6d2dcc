//! What a word that occurs nowhere was meant to be.

use rusqlite::{Connection, params};

/// Letters of a word that may be mistyped: a shorter one is like too many others.
const FEWEST_LETTERS: usize = 4;

/// Letters of a word that may be meant; no language needs more.
const MOST_LETTERS: usize = 32;

/// From so many letters on, two of them may be wrong.
const TWO_WRONG: usize = 8;

/// Whether a spelling is one that may be meant by another.
pub(in crate::retrieval) fn may_be_meant(word: &str) -> bool {
    let letters = word.chars().count();
    (FEWEST_LETTERS..=MOST_LETTERS).contains(&letters) && word.chars().all(char::is_alphabetic)
}

/// The spellings of the index that are likest to a word, the likest first: those that as few
/// letters as can be were added to, left out of, changed or swapped in (optimal string
/// alignment). The first letter is taken to be right; swapped with the second, if none is
/// found so.
pub(super) fn nearest(connection: &Connection, word: &str) -> rusqlite::Result<Vec<String>> {
    if !may_be_meant(word) {
        return Ok(Vec::new());
    }
    let mut letters = word.chars();
    for first in [letters.next(), letters.next()].into_iter().flatten() {
        let near = beginning_with(connection, word, first)?;
        if !near.is_empty() {
            return Ok(near);
        }
    }
    Ok(Vec::new())
}

fn beginning_with(connection: &Connection, word: &str, first: char) -> rusqlite::Result<Vec<String>> {
    let length = word.chars().count();
    let most = if length < TWO_WRONG { 1 } else { 2 };
    let mut query = connection.prepare_cached(
        "SELECT term FROM spellings WHERE term >= ?1 AND term < ?2 AND length(term) BETWEEN ?3 AND ?4",
    )?;
    let after = char::from_u32(u32::from(first).saturating_add(1)).unwrap_or(char::MAX);
    let bounds =
        [length.saturating_sub(most), length.saturating_add(most)].map(|n| i64::try_from(n).unwrap_or(0));
    let mut rows = query.query(params![first.to_string(), after.to_string(), bounds[0], bounds[1]])?;
    let mut near = Vec::new();
    while let Some(row) = rows.next()? {
        let spelling = row.get_ref(0)?.as_str()?;
        let distance = strsim::osa_distance(word, spelling);
        if distance <= most {
            near.push((distance, spelling.to_owned()));
        }
    }
    near.sort();
    Ok(near.into_iter().map(|(_, spelling)| spelling).collect())
}
