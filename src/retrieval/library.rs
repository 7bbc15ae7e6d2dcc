//! Searching: what the chat, the tool and `percept find` ask.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Answer, Embedder, IndexError, Passage, PassageId, Query, Reranker};

/// How it is searched.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The constant of reciprocal rank fusion (Cormack et al. 2009).
    pub fusion_k: f32,
    /// The best results that a reranker looks at, where there is one.
    pub rerank: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { fusion_k: 60.0, rerank: 20 }
    }
}

/// The index, to search in. Shared by threads; opened when it is first asked, so that making
/// one costs nothing.
pub struct Library {
    folder: PathBuf,
    options: Options,
    embedder: Result<Arc<dyn Embedder>, String>,
    reranker: Option<Arc<dyn Reranker>>,
}

impl Library {
    /// The index in a folder. Without an embedder (with why there is none: a sentence) it is
    /// searched by words alone, and says so.
    pub fn new(
        folder: &Path,
        options: Options,
        embedder: Result<Arc<dyn Embedder>, String>,
        reranker: Option<Arc<dyn Reranker>>,
    ) -> Self {
        Self { folder: folder.to_owned(), options, embedder, reranker }
    }

    /// The folder of the index.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What finds vectors, or why there is none.
    pub fn embedder(&self) -> Result<&Arc<dyn Embedder>, &str> {
        self.embedder.as_ref().map_err(String::as_str)
    }

    /// Whether anything was ever added: looked at without opening it.
    pub fn is_empty(&self) -> bool {
        !super::Store::file(&self.folder).exists()
    }

    /// Searches.
    ///
    /// # Errors
    ///
    /// The index can't be used; only meaning was asked for and there is no model for it.
    pub fn find(&self, query: &Query, stop: &AtomicBool) -> Result<Answer, IndexError> {
        let _ = (query, stop, &self.options, &self.reranker);
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// A passage by its number; `None`: it is gone.
    pub fn passage(&self, id: PassageId) -> Result<Option<Passage>, IndexError> {
        let _ = id;
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// The files of the index that a name in a citation may mean (`docs/setup.md`, `setup.md`),
    /// with how many lines each had when it was read; empty: none.
    pub fn files_named(&self, name: &str) -> Result<Vec<PathBuf>, IndexError> {
        let _ = name;
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Passages of a file, in their order: to resolve a citation.
    pub fn passages_of(&self, path: &Path) -> Result<Vec<Passage>, IndexError> {
        let _ = path;
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Indexed files whose path has these letters in it, in this order, the best first: for
    /// completion.
    pub fn files_like(&self, letters: &str, most: usize) -> Result<Vec<PathBuf>, IndexError> {
        let _ = (letters, most);
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Keeps that this was the right answer to that: what [`crate::retrieval`] learns from.
    pub fn confirm(&self, query: &Query, passage: PassageId) -> Result<(), IndexError> {
        let _ = (query, passage);
        Err(IndexError::Vectors("not written yet".to_owned()))
    }

    /// Forgets that it was.
    pub fn unconfirm(&self, query: &Query, passage: PassageId) -> Result<(), IndexError> {
        let _ = (query, passage);
        Err(IndexError::Vectors("not written yet".to_owned()))
    }
}
