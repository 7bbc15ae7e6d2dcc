//! The run of the searches: a folder is indexed in a temporary place, by the same code as for
//! `percept index`, and searched by the same code as for `percept find`. The person's own index is
//! not touched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::document;
use crate::eval::{Given, Item, Kind};
use crate::indexing::{Eyes, Hands, Options, Progress, refresh};
use crate::intake::Deaf;
use crate::retrieval::vectors::{Local, Vectors};
use crate::retrieval::{self, Embedder, Hit, IndexError, Library, Query, Reranker, Store};
use crate::text;

/// Documents that are told of a search: nDCG looks at ten.
const DOCUMENTS: usize = 20;

/// Passages that are looked for: some are of the same document.
const PASSAGES: usize = 100;

const MIB: u64 = 1024 * 1024;

/// What searches.
#[derive(Clone)]
pub struct Finder {
    /// Finds vectors; or why nothing does: then it is searched by words alone.
    pub embedder: Result<Arc<dyn Embedder>, String>,
    /// Puts the best in order, where there is one.
    pub reranker: Option<Arc<dyn Reranker>>,
    /// Bounds on what is read.
    pub options: Options,
    /// Counts tokens as the embedding model does, or about so.
    pub count: Arc<dyn Fn(&str) -> usize + Send + Sync>,
    /// Looks at pictures, where they are searched.
    pub eyes: Arc<dyn Eyes>,
}

impl Finder {
    /// One that searches by words alone, and why.
    pub fn by_words(why: &str) -> Self {
        let options = Options {
            most_bytes: 16 * MIB,
            most_streamed_bytes: 256 * MIB,
            most_templates: 2000,
            most_tokens: 240,
            threads: 2,
            document: document::Options::default(),
        };
        Self {
            embedder: Err(why.to_owned()),
            reranker: None,
            options,
            count: Arc::new(text::tokens),
            eyes: Arc::new(Blind),
        }
    }
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A folder is being indexed.
    Indexing(Progress),
    /// So many of all the searches are done.
    Searched(usize, usize),
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// For each item what was found, in their order; nothing for those of another kind. Documents are
    /// named as in [`crate::eval::Answer::Documents`]: in the folder that was searched.
    pub given: Vec<Given>,
    /// What is to be said, a sentence each: that there was no model for meaning.
    pub notes: Vec<String>,
}

/// Does the searches of a suite's items.
///
/// # Errors
///
/// It was stopped; the temporary index can't be written; nothing in an item's folder can be read.
pub fn find(
    suite: &Path,
    items: &[Item],
    finder: &Finder,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Step),
) -> Result<Found, IndexError> {
    let mut folders: BTreeMap<(Kind, &Path), Vec<usize>> = BTreeMap::new();
    for (at, item) in items.iter().enumerate().filter(|(_, item)| item.kind.is_search()) {
        let folder = item.attach.first().map_or(Path::new(""), PathBuf::as_path);
        folders.entry((item.kind, folder)).or_default().push(at);
    }
    let total = folders.values().map(Vec::len).sum();
    let (mut done, mut notes) = (0, Vec::new());
    let mut given = vec![Given::default(); items.len()];
    for ((kind, folder), asked) in folders {
        let pictures_only = kind == Kind::PictureSearch;
        let indexed = Indexed::new(&suite.join(folder), pictures_only, finder, stop, tell)?;
        notes.extend(indexed.notes.iter().cloned());
        for at in asked {
            let query = Query { pictures_only, ..Query::words(&items[at].question, PASSAGES) };
            let answer = indexed.library.find(&query, stop)?;
            given[at].found = indexed.documents(&answer.hits);
            notes.extend(answer.notes);
            done += 1;
            tell(Step::Searched(done, total));
        }
    }
    notes.sort();
    notes.dedup();
    Ok(Found { given, notes })
}

/// A folder, indexed.
struct Indexed {
    folder: PathBuf,
    library: Library,
    notes: Vec<String>,
    /// Where the index is, until this is dropped; behind what reads it.
    _place: tempfile::TempDir,
}

impl Indexed {
    fn new(
        folder: &Path,
        pictures: bool,
        finder: &Finder,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(Step),
    ) -> Result<Self, IndexError> {
        let unreadable = |error: &dyn std::fmt::Display| {
            IndexError::Vectors(format!("{} can't be searched: {error}", folder.display()))
        };
        let folder = folder.canonicalize().map_err(|error| unreadable(&error))?;
        let place =
            tempfile::tempdir().map_err(|error| IndexError::Disk { path: std::env::temp_dir(), error })?;
        let hands = finder.hands(place.path(), pictures);
        let mut store = Store::open(place.path())?.store;
        store.add_source(&folder)?;
        let done = refresh(&mut store, &hands, None, stop, &mut |progress| tell(Step::Indexing(progress)))?;
        if stop.load(Ordering::Relaxed) {
            return Err(IndexError::Stopped);
        }
        if done.files == done.skipped {
            return Err(unreadable(&"there is no document in it that can be read, or all are ignored"));
        }
        let library = Library::new(
            place.path(),
            retrieval::Options::default(),
            finder.embedder.clone(),
            finder.reranker.clone(),
        );
        Ok(Self { folder, library, notes: done.notes, _place: place })
    }

    /// The documents of hits, each where its best passage stands.
    fn documents(&self, hits: &[Hit]) -> Vec<PathBuf> {
        let mut documents: Vec<PathBuf> = Vec::new();
        for path in hits.iter().filter_map(|hit| hit.passage.path.strip_prefix(&self.folder).ok()) {
            if documents.len() < DOCUMENTS && !documents.iter().any(|known| known == path) {
                documents.push(path.to_owned());
            }
        }
        documents
    }
}

impl Finder {
    /// What indexes with it: documents, and pictures where they are searched; no recordings.
    fn hands(&self, folder: &Path, pictures: bool) -> Hands {
        let space = self.embedder.as_ref().ok().map(|embedder| embedder.space());
        let vectors = space.map(|space| Arc::new(Local::new(folder, space)) as Arc<dyn Vectors>);
        Hands {
            folder: folder.to_owned(),
            private: Vec::new(),
            options: self.options.clone(),
            count: self.count.clone(),
            embedder: self.embedder.clone(),
            vectors,
            ears_named: None,
            ears: Arc::new(Deaf),
            eyes: if pictures { self.eyes.clone() } else { Arc::new(Blind) },
        }
    }
}

/// Looks at no pictures.
struct Blind;

impl Eyes for Blind {
    fn name(&self) -> Option<String> {
        None
    }

    fn look(&self, _: &str, _: &[u8], _: &AtomicBool) -> Result<String, String> {
        Ok(String::new())
    }
}
