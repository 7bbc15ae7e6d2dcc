//! A search: both ways, fused, without what is the same.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;

use super::diversify::diversify;
use super::filter::Filter;
use super::fuse::{Fused, fuse};
use super::lexical::Lexical;
use super::vectors::Vectors;
use super::{
    Answer, EmbedRole, Embedder, Hit, IndexError, Input, Mode, Options, Query, Reranker, Space, Wanted,
    passages, semantic, store,
};

/// Passages of each list that are fused at least: what stands far down in one may stand high
/// in the other.
const DEPTH: usize = 100;

/// Hits that are read for each that is shown: some are dropped as the same, or as too many of a file.
const READ_FOR_EACH: usize = 4;

/// The most results of a query; whoever wants more reads the files.
const MOST_HITS: usize = 1000;

/// The text of a passage that a reranker reads, in bytes: about what its model can.
const MOST_RERANKED: usize = 4096;

/// The query's vector, or why there is none.
pub(super) enum Vector {
    /// It, of the space of the embedder.
    Found(Vec<f32>),
    /// It isn't searched by meaning.
    Unasked,
    /// It can't be; a sentence.
    Missing(String),
}

/// Finds the vector of what is looked for. This may load a model: nothing is to be locked.
pub(super) fn vector(
    query: &Query,
    embedder: Result<&Arc<dyn Embedder>, &str>,
    stop: &AtomicBool,
) -> Result<Vector, IndexError> {
    if query.mode == Mode::Lexical {
        return Ok(Vector::Unasked);
    }
    let found = match embedder {
        Ok(embedder) if !helps(embedder.space(), query) => Err(format!(
            "{} finds nothing but pictures, where only they are looked for",
            embedder.space().name
        )),
        Ok(embedder) => match input(&query.wanted, embedder.space().pictures) {
            Some(input) => embedder.embed(EmbedRole::Query, &[input], stop),
            None => Err(format!("{} finds no pictures", embedder.space().name)),
        },
        Err(why) => Err(why.to_owned()),
    };
    if stop.load(Ordering::Relaxed) {
        return Err(IndexError::Stopped);
    }
    match found.map(|mut vectors| vectors.pop()) {
        Ok(Some(vector)) => Ok(Vector::Found(vector)),
        Ok(None) => Ok(Vector::Missing("the embedding model gave no vector".to_owned())),
        Err(why) if query.mode == Mode::Semantic => Err(IndexError::Vectors(why)),
        Err(why) => Ok(Vector::Missing(why)),
    }
}

/// Whether what is looked for may have a vector in a space.
fn helps(space: &Space, query: &Query) -> bool {
    space.texts || query.pictures_only
}

/// What the model is given; `None`: nothing that it can read.
fn input(wanted: &Wanted, pictures: bool) -> Option<Input<'_>> {
    match wanted {
        Wanted::Picture { path, .. } if pictures => Some(Input::Picture(path)),
        Wanted::Words(words) | Wanted::Picture { words, .. } if !words.trim().is_empty() => {
            Some(Input::Text(words))
        }
        _ => None,
    }
}

/// What words are looked for.
pub(super) fn words(wanted: &Wanted) -> &str {
    match wanted {
        Wanted::Words(words) | Wanted::Picture { words, .. } => words,
    }
}

/// Why nothing can be looked for at all; `None`: something can.
pub(super) fn nothing_to_look_for(
    query: &Query,
    embedder: Result<&Arc<dyn Embedder>, &str>,
) -> Option<String> {
    let sees = |space: &Space| space.pictures && helps(space, query);
    let sees = query.mode != Mode::Lexical && embedder.is_ok_and(|embedder| sees(embedder.space()));
    let words = !words(&query.wanted).trim().is_empty();
    match &query.wanted {
        Wanted::Words(_) if !words => Some("There is no word to look for.".to_owned()),
        Wanted::Picture { path, .. } if !words && !sees => Some(without_words(path)),
        _ => None,
    }
}

fn without_words(path: &Path) -> String {
    format!(
        "No words were read in {}, and no embedding model that sees pictures is in use: \
         there is nothing to look for. Describe it in words, or add such a model (`percept models list`).",
        path.display()
    )
}

/// How it is searched by meaning.
pub(super) struct Meaning<'a> {
    /// The query's vector.
    pub(super) query: &'a [f32],
    /// Its space.
    pub(super) space: &'a Space,
    /// What is nearest to it.
    pub(super) vectors: &'a dyn Vectors,
}

/// Both lists, fused, and read.
pub(super) fn candidates(
    connection: &Connection,
    lexical: &mut Lexical,
    query: &Query,
    meaning: Option<Meaning<'_>>,
    options: &Options,
) -> Result<Answer, IndexError> {
    let failed = |error| store::failed(connection.path().unwrap_or_default().as_ref(), error);
    let filter = Filter::of(query);
    let most = query.most.min(MOST_HITS);
    let depth = most.saturating_mul(2).clamp(DEPTH, MOST_HITS);
    let mut notes = Vec::new();
    let mut by_meaning = None;
    if let Some(Meaning { query: vector, space, vectors }) = &meaning {
        notes.extend(store::without_vectors(connection, space).map_err(failed)?);
        let list = match vectors.search(connection, vector, depth, &filter) {
            // A server that is away leaves the words.
            Err(IndexError::Vectors(why)) if query.mode == Mode::Hybrid => {
                notes.push(format!("Searched by words only: {why}."));
                Vec::new()
            }
            list => list?,
        };
        // Where nothing has a vector yet, the scores of the words are what is told.
        by_meaning = Some(list).filter(|list| !list.is_empty() || query.mode == Mode::Semantic);
    }
    let mut by_words = None;
    if query.mode != Mode::Semantic {
        let found = lexical.search(connection, words(&query.wanted), &filter, depth).map_err(failed)?;
        notes.extend(found.notes);
        by_words = Some(found.ranked);
    }
    let mode = if by_meaning.is_none() { Mode::Lexical } else { query.mode };
    let mut fused = fuse(by_words.as_ref(), by_meaning.as_ref(), options.fusion_k);
    if let (Some(words), Some(list), Some(meaning)) = (&by_words, by_meaning, meaning) {
        let list =
            semantic::reorder(connection, meaning.space, meaning.query, &fused, list).map_err(failed)?;
        fused = fuse(Some(words), Some(&list), options.fusion_k);
    }
    let read_to = most.saturating_mul(READ_FOR_EACH).max(options.rerank);
    let hits = read(connection, fused, read_to).map_err(failed)?;
    Ok(Answer { hits, mode, notes })
}

/// The passages of a list; those that are gone meanwhile are left out.
fn read(connection: &Connection, fused: Vec<Fused>, most: usize) -> rusqlite::Result<Vec<Hit>> {
    let mut hits = Vec::new();
    for Fused { id, score, lexical, semantic } in fused.into_iter().take(most) {
        if let Some(passage) = passages::by_id(connection, id)? {
            hits.push(Hit { passage, score, lexical, semantic });
        }
    }
    Ok(hits)
}

/// Puts the best in the order of a reranker, where there is one, and takes out what is the same.
pub(super) fn settle(
    mut answer: Answer,
    query: &Query,
    reranker: Option<&Arc<dyn Reranker>>,
    first: usize,
    stop: &AtomicBool,
) -> Result<Answer, IndexError> {
    let asked = words(&query.wanted);
    if let Some(reranker) = reranker.filter(|_| !asked.trim().is_empty() && !answer.hits.is_empty()) {
        let first = first.min(answer.hits.len());
        let texts: Vec<&str> = answer.hits[..first].iter().map(|hit| shortened(&hit.passage.text)).collect();
        match reranker.score(asked, &texts, stop) {
            Ok(scores) if scores.len() == first => rerank(&mut answer.hits[..first], &scores),
            Ok(_) => {
                answer.notes.push("The reranker was left out: it did not score every passage.".to_owned())
            }
            Err(why) => answer.notes.push(format!("The reranker was left out: {why}.")),
        }
    }
    if stop.load(Ordering::Relaxed) {
        return Err(IndexError::Stopped);
    }
    answer.hits = diversify(answer.hits, query.most.min(MOST_HITS));
    Ok(answer)
}

fn shortened(text: &str) -> &str {
    &text[..crate::text::boundary_before(text, MOST_RERANKED)]
}

/// Sorts hits by the reranker's scores; each keeps the score that brought it here.
fn rerank(hits: &mut [Hit], scores: &[f32]) {
    let mut order: Vec<(f32, Hit)> = scores.iter().copied().zip(hits.iter().cloned()).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (hit, (_, best)) in hits.iter_mut().zip(order) {
        *hit = best;
    }
}
