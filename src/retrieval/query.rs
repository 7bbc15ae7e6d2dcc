//! What is asked of the index, and what it answers.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::passage::Passage;

/// How to search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By words alone (BM25).
    Lexical,
    /// By meaning alone (vectors).
    Semantic,
    /// Both, fused by reciprocal rank fusion; by words alone where there is no embedding model.
    #[default]
    Hybrid,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// What these words are about.
    Words(String),
    /// What goes with this picture.
    Picture {
        /// Its file.
        path: PathBuf,
        /// What was read or seen in it, for the search by words; empty: nothing.
        words: String,
    },
}

/// A question to the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What is looked for.
    pub wanted: Wanted,
    /// How.
    pub mode: Mode,
    /// The most results.
    pub most: usize,
    /// Pictures only.
    pub pictures_only: bool,
    /// Only what lies in this folder or is this file.
    pub within: Option<PathBuf>,
}

impl Query {
    /// What these words are about, by both ways.
    pub fn words(words: impl Into<String>, most: usize) -> Self {
        let wanted = Wanted::Words(words.into());
        Self { wanted, mode: Mode::Hybrid, most, pictures_only: false, within: None }
    }
}

/// Where a result stood in one of the two lists, from 1, and the score that put it there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ranked {
    /// Its place in the list, from 1.
    pub rank: usize,
    /// BM25 (more is better), or the cosine of the vectors.
    pub score: f32,
}

/// A result.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What was found.
    pub passage: Passage,
    /// What put it in its place: the sum of reciprocal ranks, or the score of its one list.
    pub score: f32,
    /// Where it stood by words.
    pub lexical: Option<Ranked>,
    /// Where it stood by meaning.
    pub semantic: Option<Ranked>,
}

impl Hit {
    /// Why it was found: `words`, `meaning` or `words and meaning`.
    pub fn why(&self) -> &'static str {
        match (self.lexical, self.semantic) {
            (Some(_), Some(_)) => "words and meaning",
            (None, Some(_)) => "meaning",
            _ => "words",
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// The best first.
    pub hits: Vec<Hit>,
    /// How it was searched in the end.
    pub mode: Mode,
    /// What is to be said: no embedding model, words that were taken for others, an index
    /// that is still being made.
    pub notes: Vec<String>,
}
