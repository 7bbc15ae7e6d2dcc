//! Scores of pairs from a model, in a worker of its own.

use std::sync::atomic::AtomicBool;

use super::WorkerOptions;
use super::kept::{IDLE, Kept};
use super::vectors::{cut, load, same_length, vectors};
use crate::catalogue::ReadyEmbedding;
use crate::wire::EmbedInput;

/// Scores pairs with a model of the catalogue ([`crate::retrieval::Reranker`]); its worker comes
/// and goes as an [`super::Embedder`]'s.
pub struct Reranker {
    kept: Kept,
}

impl Reranker {
    /// Starts nothing yet. `threads`: `None` is the worker's choice.
    pub fn new(worker: WorkerOptions, model: &ReadyEmbedding, threads: Option<u32>) -> Self {
        Self { kept: Kept::new(worker, load(model, threads), "reranking worker", IDLE) }
    }
}

impl crate::retrieval::Reranker for Reranker {
    fn score(&self, query: &str, passages: &[&str], stop: &AtomicBool) -> Result<Vec<f32>, String> {
        if passages.is_empty() {
            return Ok(Vec::new());
        }
        let pair = |passage: &&str| EmbedInput::Pair {
            query: cut(query).to_owned(),
            passage: cut(passage).to_owned(),
        };
        let scores = self.kept.use_it(true, stop, |errand, info| {
            same_length(info, 1)?;
            vectors(errand, passages.iter().map(pair), 1, stop)
        });
        scores.map(|scores| scores.concat()).map_err(|failure| failure.in_words())
    }
}
