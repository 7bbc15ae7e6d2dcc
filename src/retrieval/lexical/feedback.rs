//! What the first hits have in common speaks for others that have it too: relevance feedback
//! without a person (RM3: Lavrenko and Croft 2001; Abdul-Jaleel et al. 2004).
//!
//! It puts the first hits of a search in a better order, and asks the index nothing again.

use rusqlite::{Connection, OptionalExtension};
use rustc_hash::FxHashMap;

use super::{Counts, Language, Telling};
use crate::retrieval::fuse::List;
use crate::retrieval::words::{Analyser, is_stop_word};

/// Hits that are put in order.
const POOL: usize = 50;

/// Of these, the first are taken to be right.
const RIGHT: usize = 10;

/// Words of theirs that speak for a passage, the most frequent.
const MOST_WORDS: usize = 20;

/// How much they count against the words that were asked for.
const WEIGHT: f32 = 0.4;

/// BM25's constants, as FTS5 has them.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// A hit with its tokens.
struct Candidate {
    tokens: String,
    length: f32,
}

/// Puts the first hits of a list in a better order. Their scores remain BM25, to which those
/// of the terms are added that were left out when it was made, and of the words that weren't
/// asked for.
pub(super) fn reorder(
    connection: &Connection,
    analyser: &mut Analyser,
    counts: &mut Counts,
    mut list: List,
    terms: &Telling,
) -> rusqlite::Result<List> {
    let pool = POOL.min(list.len());
    let mut candidates = Vec::with_capacity(pool);
    for (id, _) in &list[..pool] {
        candidates.push(read(connection, analyser, id.0)?);
    }
    let total = newest(connection)?;
    let idf = |count: u64| {
        let count = count as f32;
        ((total - count + 0.5) / (count + 0.5)).ln().max(0.0)
    };
    let weight = (terms.kept.len() + terms.left_out.len()) as f32 * WEIGHT / (1.0 - WEIGHT);
    let mut said: FxHashMap<&str, f32> = FxHashMap::default();
    for (word, share) in model(&list, &candidates) {
        said.insert(word, weight * share * idf(counts.of(connection, word)?));
    }
    for (count, term) in &terms.left_out {
        for form in &term.forms {
            *said.entry(form).or_default() += idf(*count);
        }
    }
    said.retain(|_, weight| *weight > 0.0);
    let mean = candidates.iter().map(|candidate| candidate.length).sum::<f32>() / pool.max(1) as f32;
    let added: Vec<f32> = candidates.iter().map(|candidate| score(candidate, &said, mean)).collect();
    for ((_, score), more) in list.iter_mut().zip(added) {
        *score += more;
    }
    // What is beyond the pool stays behind it, with the scores that it has.
    list[..pool].sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    Ok(list)
}

fn read(connection: &Connection, analyser: &mut Analyser, id: i64) -> rusqlite::Result<Candidate> {
    let mut query = connection.prepare_cached(
        "SELECT text, language FROM passages JOIN files ON files.id = file WHERE passages.id = ?1",
    )?;
    let found = query.query_row([id], |row| {
        let language: Option<String> = row.get(1)?;
        let language = language.and_then(|code| Language::of_code(&code)).unwrap_or(Language::ENGLISH);
        Ok(analyser.document(row.get_ref(0)?.as_str()?, language, &mut |_| {}))
    });
    let tokens = found.optional()?.unwrap_or_default();
    let length = tokens.split_ascii_whitespace().count() as f32;
    Ok(Candidate { tokens, length })
}

/// The words of the first hits that are frequent in them, with how likely each is; in sum 1.
fn model<'a>(list: &List, candidates: &'a [Candidate]) -> Vec<(&'a str, f32)> {
    let right = RIGHT.min(candidates.len());
    let sum: f32 = list[..right].iter().map(|(_, score)| score).sum();
    let mut likely: FxHashMap<&str, f32> = FxHashMap::default();
    for ((_, score), candidate) in list[..right].iter().zip(candidates) {
        let each = score / sum / candidate.length.max(1.0);
        for token in candidate.tokens.split_ascii_whitespace().filter(|token| says(token)) {
            *likely.entry(token).or_default() += each;
        }
    }
    let mut likely: Vec<(&str, f32)> = likely.into_iter().collect();
    likely.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    likely.truncate(MOST_WORDS);
    let sum: f32 = likely.iter().map(|(_, weight)| weight).sum();
    likely.iter().map(|(word, weight)| (*word, weight / sum)).collect()
}

/// Whether a token says what a passage is about.
fn says(token: &str) -> bool {
    token.len() > 2 && !is_stop_word(token, Language::ENGLISH)
}

/// BM25 of weighted words in a passage.
fn score(candidate: &Candidate, said: &FxHashMap<&str, f32>, mean: f32) -> f32 {
    let mut frequency: FxHashMap<&str, f32> = FxHashMap::default();
    for token in candidate.tokens.split_ascii_whitespace().filter(|token| said.contains_key(token)) {
        *frequency.entry(token).or_default() += 1.0;
    }
    let norm = K1 * (1.0 - B + B * candidate.length / mean.max(1.0));
    frequency.iter().map(|(token, n)| said[token] * n * (K1 + 1.0) / (n + norm)).sum()
}

/// About how many passages there are.
fn newest(connection: &Connection) -> rusqlite::Result<f32> {
    let mut query = connection.prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'passages'")?;
    let newest: Option<f64> = query.query_row([], |row| row.get(0)).optional()?;
    Ok(newest.unwrap_or(0.0) as f32)
}
