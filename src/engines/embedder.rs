//! Vectors from a model, in a worker of its own.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::WorkerOptions;
use super::kept::{IDLE, Kept};
use super::vectors::{cut, load, same_length, vectors};
use crate::catalogue::ReadyEmbedding;
use crate::retrieval::{EmbedRole, Input, Space};
use crate::wire::EmbedInput;

/// Finds vectors with a model of the catalogue ([`crate::retrieval::Embedder`]).
///
/// Its worker is started at the first call, once more after a death, and ended when nobody asked
/// for [`IDLE`]. Calls of several threads are answered one after the other, those for queries
/// first: one call is never interrupted, so what embeds in the background gives it 16 inputs or
/// so at a time, and a query waits for no more than these.
pub struct Embedder {
    space: Space,
    model: ReadyEmbedding,
    kept: Kept,
}

impl Embedder {
    /// Starts nothing yet. `threads`: `None` is the worker's choice.
    pub fn new(worker: WorkerOptions, model: ReadyEmbedding, threads: Option<u32>) -> Self {
        Self::ending_after(worker, model, threads, IDLE)
    }

    /// The same with another time to keep an unused worker.
    pub fn ending_after(
        worker: WorkerOptions,
        model: ReadyEmbedding,
        threads: Option<u32>,
        idle: Duration,
    ) -> Self {
        let space = Space {
            id: model.space.clone(),
            name: model.name.clone(),
            dimensions: model.dimensions,
            most_tokens: model.most_tokens,
            pictures: model.pictures,
            texts: model.texts,
        };
        let kept = Kept::new(worker, load(&model, threads), "embedding worker", idle);
        Self { space, model, kept }
    }

    fn input(&self, role: EmbedRole, input: &Input<'_>) -> EmbedInput {
        let before = match role {
            EmbedRole::Query => self.model.query_prefix.clone(),
            EmbedRole::Passage => self.model.passage_prefix.clone(),
        };
        let after = self.model.suffix.clone();
        match input {
            Input::Text(text) => EmbedInput::Text { before, text: cut(text).to_owned(), after },
            Input::Picture(path) => EmbedInput::Image {
                path: std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()),
                before,
                after,
            },
        }
    }
}

impl crate::retrieval::Embedder for Embedder {
    fn space(&self) -> &Space {
        &self.space
    }

    fn embed(
        &self,
        role: EmbedRole,
        inputs: &[Input<'_>],
        stop: &AtomicBool,
    ) -> Result<Vec<Vec<f32>>, String> {
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let urgent = role == EmbedRole::Query;
        let found = self.kept.use_it(urgent, stop, |errand, info| {
            same_length(info, self.space.dimensions)?;
            vectors(errand, inputs.iter().map(|input| self.input(role, input)), self.space.dimensions, stop)
        });
        found.map_err(|failure| failure.in_words())
    }
}
