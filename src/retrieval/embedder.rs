//! The seams through which vectors and scores of pairs come from a model.

use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Turns texts, and pictures where its model sees, into vectors.
pub trait Embedder: Send + Sync {
    /// The space that its vectors are in; known without the model being loaded.
    fn space(&self) -> &Space;

    /// A vector for each input, of the space's dimensions and of length 1. Inputs that are too
    /// long for the model are cut by it, at a token.
    ///
    /// # Errors
    ///
    /// A sentence for the person: the model can't be loaded, its worker died, it was stopped.
    fn embed(
        &self,
        role: EmbedRole,
        inputs: &[Input<'_>],
        stop: &AtomicBool,
    ) -> Result<Vec<Vec<f32>>, String>;
}

/// Scores how well a passage answers a query; slow on a CPU.
pub trait Reranker: Send + Sync {
    /// A score for each passage; only their order means anything.
    ///
    /// # Errors
    ///
    /// A sentence for the person.
    fn score(&self, query: &str, passages: &[&str], stop: &AtomicBool) -> Result<Vec<f32>, String>;
}

/// Where vectors can be compared: those of one model, used in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// What tells it from others: the model's file and its prefixes, hashed.
    pub id: String,
    /// The model's name, for the person.
    pub name: String,
    /// Numbers of a vector.
    pub dimensions: usize,
    /// Tokens of an input that the model reads.
    pub most_tokens: usize,
    /// Whether pictures are in it.
    pub pictures: bool,
    /// Whether passages of text are in it. If not, it is asked only where pictures alone are
    /// looked for.
    pub texts: bool,
}

/// What an input is: many models were trained to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbedRole {
    /// What is looked for.
    Query,
    /// What may be found.
    Passage,
}

/// Something to find a vector for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'a> {
    /// A text.
    Text(&'a str),
    /// A picture's file.
    Picture(&'a Path),
}
