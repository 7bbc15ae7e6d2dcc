//! The index: passages of documents, pictures, transcripts and logs, found by words and by
//! meaning.
//!
//! ```text
//!              ┌─ lexical: BM25 over stems and identifiers (FTS5) ─┐
//! Query ─▶ ────┤                                                   ├─▶ fuse ─▶ diversify ─▶ Answer
//!              └─ semantic: nearest vectors ───────────────────────┘
//! ```
//!
//! SQLite holds all that counts: sources, files, passages, vectors, confirmed pairs. What else
//! is on disk (the graph of the vectors) is a cache that is built again. Nothing here reads a
//! document or runs a model: passages are given, and vectors come through an [`Embedder`].

mod analysis;
mod diversify;
mod embedder;
mod filter;
mod fuse;
mod learning;
mod lexical;
mod library;
mod passage;
mod passages;
mod query;
mod search;
mod semantic;
mod store;
pub mod vectors;
mod words;

pub use analysis::{Analyser, Words};
pub use embedder::{EmbedRole, Embedder, Input, Reranker, Space};
pub use filter::Filter;
pub use learning::{
    Adapter, Adapters, Asked, Confirmed, Found, LEAST_PAIRS, Learning, Outcome, Relation, Stopped, Taught,
    Teaching, learn, teach,
};
pub use library::{Library, Options};
pub use passage::{FileState, NewFile, NewPassage, Passage, PassageId, PassageKind, Skip};
pub use query::{Answer, Hit, Mode, Query, Ranked, Wanted};
pub use store::{Known, Opened, Source, Status, Store, Unembedded};

use std::path::PathBuf;

/// Why the index can't be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// SQLite says so.
    #[error("the index {path} can't be used: {error}")]
    Database {
        /// Its file.
        path: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// It is no database any more, or not a whole one.
    #[error(
        "the index {path} is damaged. The next `percept index add`, or the next chat, moves it aside and builds it again"
    )]
    Damaged {
        /// Its file.
        path: PathBuf,
    },
    /// Its folder or file can't be made or moved.
    #[error("the index {path} can't be written: {error}")]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A newer percept wrote it.
    #[error(
        "the index {path} is of a newer percept (version {found}; this one knows {known}); update percept"
    )]
    Newer {
        /// Its file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// Vectors can't be had or searched.
    #[error("{0}")]
    Vectors(String),
    /// The person stopped it.
    #[error("stopped")]
    Stopped,
}
