//! Searching: what the chat, the tool and `percept find` ask.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::learning::{self, Adapters};
use super::lexical::Lexical;
use super::vectors::{Local, Vectors};
use super::{
    Answer, Embedder, IndexError, Passage, PassageId, Query, Reranker, Space, Store, passages, search, store,
};

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
/// one costs nothing. What other programs write meanwhile is found.
pub struct Library {
    folder: PathBuf,
    options: Options,
    embedder: Result<Arc<dyn Embedder>, String>,
    reranker: Option<Arc<dyn Reranker>>,
    /// In place of those beside the database.
    vectors: Option<Arc<dyn Vectors>>,
    open: Mutex<Option<Open>>,
}

/// The database, opened.
struct Open {
    connection: Connection,
    lexical: Lexical,
    /// Finds the nearest vectors; `None`: there is no model for them.
    vectors: Option<Arc<dyn Vectors>>,
    /// What was learnt of confirmed pairs.
    adapters: Adapters,
    /// Which file it is.
    identity: Option<Identity>,
}

/// Device and number of a file: a damaged index is moved aside while it is open elsewhere.
type Identity = (u64, u64);

impl Library {
    /// The index in a folder. Without an embedder (with why there is none: a sentence) it is
    /// searched by words alone, and says so.
    pub fn new(
        folder: &Path,
        options: Options,
        embedder: Result<Arc<dyn Embedder>, String>,
        reranker: Option<Arc<dyn Reranker>>,
    ) -> Self {
        Self { folder: folder.to_owned(), options, embedder, reranker, vectors: None, open: Mutex::new(None) }
    }

    /// With vectors that are found elsewhere: on a server.
    #[must_use]
    pub fn with_vectors(self, vectors: Arc<dyn Vectors>) -> Self {
        Self { vectors: Some(vectors), ..self }
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
        !Store::file(&self.folder).exists()
    }

    /// Searches.
    ///
    /// # Errors
    ///
    /// The index can't be used; only meaning was asked for and there is no model for it; there
    /// is nothing to look for.
    pub fn find(&self, query: &Query, stop: &AtomicBool) -> Result<Answer, IndexError> {
        if let Some(why) = search::nothing_to_look_for(query, self.embedder()) {
            return Err(IndexError::Vectors(why));
        }
        let vector = search::vector(query, self.embedder(), stop)?;
        let found = self.with(|open| self.found(open, query, &vector))?;
        let Some(found) = found else {
            let nothing = "Nothing is indexed yet: `percept index add FOLDER` begins it.".to_owned();
            return Ok(Answer { mode: query.mode, notes: vec![nothing], hits: Vec::new() });
        };
        search::settle(found, query, self.reranker.as_ref(), self.options.rerank, stop)
    }

    /// A passage by its number; `None`: it is gone.
    pub fn passage(&self, id: PassageId) -> Result<Option<Passage>, IndexError> {
        self.read(|connection| passages::by_id(connection, id)).map(Option::flatten)
    }

    /// The files of the index that a name in a citation may mean (`docs/setup.md`, `setup.md`),
    /// sorted; empty: none.
    pub fn files_named(&self, name: &str) -> Result<Vec<PathBuf>, IndexError> {
        self.read(|connection| passages::files_named(connection, name)).map(Option::unwrap_or_default)
    }

    /// Passages of a file, in their order: to resolve a citation.
    pub fn passages_of(&self, path: &Path) -> Result<Vec<Passage>, IndexError> {
        self.read(|connection| passages::of_file(connection, path)).map(Option::unwrap_or_default)
    }

    /// Indexed files whose path has these letters in it, in this order, the best first: for
    /// completion.
    pub fn files_like(&self, letters: &str, most: usize) -> Result<Vec<PathBuf>, IndexError> {
        self.read(|connection| passages::files_like(connection, letters, most)).map(Option::unwrap_or_default)
    }

    /// Keeps that this was the right answer to that: what [`super::teach`] learns from.
    ///
    /// # Errors
    ///
    /// The passage is gone, the query's picture can't be read, the index can't be written.
    pub fn confirm(&self, query: &Query, passage: PassageId) -> Result<(), IndexError> {
        let kept = self.with(|open| learning::confirm(&open.connection, &query.wanted, passage, true))?;
        let gone =
            || IndexError::Vectors("That passage is no longer in the index: its file changed.".to_owned());
        kept.filter(|kept| *kept).map(drop).ok_or_else(gone)
    }

    /// Forgets that it was.
    ///
    /// # Errors
    ///
    /// The query's picture can't be read, the index can't be written.
    pub fn unconfirm(&self, query: &Query, passage: PassageId) -> Result<(), IndexError> {
        self.with(|open| learning::confirm(&open.connection, &query.wanted, passage, false)).map(drop)
    }

    /// What both ways find.
    fn found(&self, open: &mut Open, query: &Query, vector: &search::Vector) -> Result<Answer, IndexError> {
        let space = self.embedder.as_ref().ok().map(|embedder| embedder.space());
        let mut moved = Vec::new();
        let meaning = match (vector, space, &open.vectors) {
            (search::Vector::Found(found), Some(space), Some(vectors)) => {
                moved.clone_from(found);
                let path = Store::file(&self.folder);
                follow(&mut open.adapters, &open.connection, space)
                    .map_err(|error| store::failed(&path, error))?;
                open.adapters.apply(&query.wanted, space, &mut moved);
                Some(search::Meaning { query: &moved, space, vectors: &**vectors })
            }
            _ => None,
        };
        let mut answer =
            search::candidates(&open.connection, &mut open.lexical, query, meaning, &self.options)?;
        if let search::Vector::Missing(why) = vector {
            let why = why.trim_end_matches('.');
            answer.notes.insert(0, format!("Searched by words only: {why}."));
        }
        Ok(answer)
    }

    /// Reads from the database; `None`: there is none yet.
    fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, IndexError> {
        let path = Store::file(&self.folder);
        self.with(|open| work(&open.connection).map_err(|error| store::failed(&path, error)))
    }

    /// Does something with the database; `None`: there is none yet.
    fn with<T>(
        &self,
        work: impl FnOnce(&mut Open) -> Result<T, IndexError>,
    ) -> Result<Option<T>, IndexError> {
        // Nothing is half done where another search panicked: each but reads.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let now = identity(&Store::file(&self.folder));
        if open.as_ref().is_some_and(|open| open.identity != now) {
            *open = None;
        }
        if open.is_none() {
            *open = self.open(now)?;
        }
        let done = open.as_mut().map(work).transpose();
        if done.is_err() {
            // Whatever it is, the next one begins anew.
            *open = None;
        }
        done
    }

    fn open(&self, identity: Option<Identity>) -> Result<Option<Open>, IndexError> {
        let Some(connection) = store::use_existing(&Store::file(&self.folder))? else { return Ok(None) };
        let local = || {
            let space = self.embedder.as_ref().ok()?.space();
            Some(Arc::new(Local::new(&self.folder, space)) as Arc<dyn Vectors>)
        };
        let vectors = self.vectors.clone().or_else(local);
        Ok(Some(Open {
            connection,
            lexical: Lexical::default(),
            vectors,
            adapters: Adapters::default(),
            identity,
        }))
    }
}

/// Reads the adapters again, where others are kept now.
fn follow(adapters: &mut Adapters, connection: &Connection, space: &Space) -> rusqlite::Result<()> {
    if !adapters.are_current(connection, space)? {
        *adapters = Adapters::of(connection, space)?;
    }
    Ok(())
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    path.exists().then_some((0, 0))
}
