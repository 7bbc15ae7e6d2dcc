//! Keeps the index up to date: walks what was added, reads what changed, finds vectors for it,
//! looks at pictures, hears recordings, and watches while the chat runs.
//!
//! ```text
//! sources ─▶ walk ─▶ read (threads) ─▶ put ─▶ look: pictures, recordings ─▶ embed
//!   ▲  what changed    documents, logs   one transaction a file
//!   └── watch
//! ```
//!
//! One percept at a time does it, whichever has the lock; what it finds is there for all. What
//! is done is done: it can be stopped, paused or killed at any moment and goes on from there.

mod eyes;
mod keeper;
mod lock;
mod log;
mod look;
mod progress;
mod read;
mod refresh;
mod walk;
mod watch;

pub use eyes::{Eyes, Sight};
pub use keeper::{Keeper, absolute};
pub use lock::Lock;
pub use progress::{Progress, Work};
pub use refresh::{Done, refresh};
pub use walk::OWN_RULES;

use std::path::PathBuf;
use std::sync::Arc;

use crate::document;
use crate::intake::Ears;
use crate::retrieval::Embedder;
use crate::retrieval::vectors::Vectors;

/// What indexing works with.
#[derive(Clone)]
pub struct Hands {
    /// The folder of the index.
    pub folder: PathBuf,
    /// Folders that are never looked into: percept's own.
    pub private: Vec<PathBuf>,
    /// Bounds.
    pub options: Options,
    /// Counts tokens as the embedding model does, or about so.
    pub count: Arc<dyn Fn(&str) -> usize + Send + Sync>,
    /// Finds vectors; or why nothing does.
    pub embedder: Result<Arc<dyn Embedder>, String>,
    /// Finds the nearest of them, and is kept in step; `None`: there are none.
    pub vectors: Option<Arc<dyn Vectors>>,
    /// Hears recordings, with the name of its model; `None`: they are found by their names.
    pub ears_named: Option<String>,
    /// The same.
    pub ears: Arc<dyn Ears>,
    /// Looks at pictures.
    pub eyes: Arc<dyn Eyes>,
}

/// Bounds on what is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The largest file that is read into memory, in bytes.
    pub most_bytes: u64,
    /// The largest log or recording, in bytes.
    pub most_streamed_bytes: u64,
    /// The most templates of a log.
    pub most_templates: usize,
    /// The most tokens of a passage, its headings included.
    pub most_tokens: usize,
    /// Threads that read.
    pub threads: usize,
    /// How documents are read.
    pub document: document::Options,
}
