//! Cranfield's abstracts: how good the index is at finding what people judged to be relevant.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use percept::document::Place;
use percept::retrieval::{
    Embedder, FileState, Library, Mode, NewFile, NewPassage, Options, PassageKind, Query, Store,
};

/// Results that count (nDCG@10).
const CUT: usize = 10;

/// Words of a chunk at most: about 200 tokens.
const MOST_WORDS: usize = 150;

/// The set: abstracts by number, queries, and what people judged.
pub(crate) struct Cranfield {
    pub(crate) documents: Vec<(u32, String, String)>,
    pub(crate) queries: Vec<(u32, String)>,
    /// By query and document: 4 (a complete answer) to 1 (of minimum interest).
    pub(crate) gains: HashMap<u32, HashMap<u32, u32>>,
}

/// How documents become files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// The title is the file's; else it is but its first line.
    pub(crate) titled: bool,
    /// Long ones are cut.
    pub(crate) cut: bool,
}

impl Cranfield {
    /// The set; `None`, and a word about it, where it is absent.
    pub(crate) fn read() -> Option<Self> {
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/cranfield");
        let folder = std::env::var_os("PERCEPT_CRANFIELD").map_or_else(beside, PathBuf::from);
        let Ok(all) = std::fs::read_to_string(folder.join("cran.all.1400")) else {
            eprintln!("skipped: {} is absent", folder.display());
            return None;
        };
        let table = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let queries = table("queries.dev.tsv");
        let queries = queries.lines().filter_map(|line| line.split_once('\t'));
        let mut gains: HashMap<u32, HashMap<u32, u32>> = HashMap::new();
        for line in table("qrels.dev.tsv").lines() {
            let fields: Vec<i32> = line.split_whitespace().map(|field| field.parse().unwrap()).collect();
            let grade = u32::try_from(fields[2]).ok().filter(|grade| (1..=4).contains(grade));
            let of_query = gains.entry(fields[0].unsigned_abs()).or_default();
            of_query.insert(fields[1].unsigned_abs(), grade.map_or(0, |grade| 5 - grade));
        }
        Some(Self {
            documents: all.split(".I ").skip(1).map(document).collect(),
            queries: queries.map(|(id, text)| (id.parse().unwrap(), text.to_owned())).collect(),
            gains,
        })
    }

    /// The nDCG of ranked documents for a query.
    pub(crate) fn ndcg(&self, query: u32, ranked: &[u32]) -> f64 {
        let none = HashMap::new();
        let gains = self.gains.get(&query).unwrap_or(&none);
        let sum = |gains: &[u32]| -> f64 {
            let discounted =
                |(at, gain): (usize, &u32)| f64::from(2_u32.pow(*gain) - 1) / (at as f64 + 2.0).log2();
            gains.iter().take(CUT).enumerate().map(discounted).sum()
        };
        let mut ideal: Vec<u32> = gains.values().copied().collect();
        ideal.sort_by(|a, b| b.cmp(a));
        let found: Vec<u32> =
            ranked.iter().map(|document| gains.get(document).copied().unwrap_or(0)).collect();
        let best = sum(&ideal);
        if best > 0.0 { sum(&found) / best } else { 0.0 }
    }

    /// The mean of all queries, and those of every second one, from the first and the second on.
    pub(crate) fn mean(&self, mut rank: impl FnMut(&str) -> Vec<u32>) -> [f64; 3] {
        let each: Vec<f64> = self.queries.iter().map(|(id, text)| self.ndcg(*id, &rank(text))).collect();
        let mean = |from: usize, step: usize| {
            let some: Vec<f64> = each.iter().copied().skip(from).step_by(step).collect();
            some.iter().sum::<f64>() / some.len() as f64
        };
        [mean(0, 1), mean(0, 2), mean(1, 2)]
    }

    /// What SQLite finds by itself, with the porter tokenizer.
    pub(crate) fn baseline(&self) -> [f64; 3] {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        database
            .execute_batch("CREATE VIRTUAL TABLE t USING fts5(title, text, tokenize='porter unicode61')")
            .unwrap();
        for document in &self.documents {
            database
                .execute("INSERT INTO t (rowid, title, text) VALUES (?1, ?2, ?3)", document.clone())
                .unwrap();
        }
        let mut find =
            database.prepare("SELECT rowid FROM t WHERE t MATCH ?1 ORDER BY bm25(t) LIMIT 10").unwrap();
        self.mean(|query| {
            let words = query.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
            let any: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
            find.query_map([any.join(" OR ")], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        })
    }

    /// An index of the documents.
    pub(crate) fn index(&self, folder: &Path, shape: Shape) -> Store {
        let mut store = Store::open(folder).unwrap().store;
        let source = Path::new("/cranfield");
        store.add_source(source).unwrap();
        for (id, title, text) in &self.documents {
            let file = NewFile {
                path: source.join(format!("{id}.txt")),
                bytes: text.len() as u64,
                modified_ns: 0,
                hash: String::new(),
                title: shape.titled.then(|| title.clone()),
                seen_by: None,
                state: FileState::Indexed { note: String::new() },
            };
            store.put(source, &file, &passages(text, shape.cut)).unwrap();
        }
        store
    }
}

/// A document's number, title and text; the text begins with the title.
fn document(text: &str) -> (u32, String, String) {
    let part = |from: &str, to: &str| {
        let rest = text.split_once(from).map_or("", |(_, rest)| rest);
        rest.split_once(to).map_or(rest, |(part, _)| part).trim().replace('\n', " ")
    };
    let id = text.split_whitespace().next().unwrap().parse().unwrap();
    let body = text.split_once(".W\n").map_or("", |(_, body)| body).trim().to_owned();
    (id, part(".T\n", "\n.A"), body)
}

/// A text's passages: at sentences, where it is cut.
fn passages(text: &str, cut: bool) -> Vec<NewPassage> {
    let mut pieces = vec![String::new()];
    for sentence in text.split_inclusive(" .") {
        let words = |text: &str| text.split_whitespace().count();
        let last = pieces.last_mut().unwrap();
        if cut && !last.is_empty() && words(last) + words(sentence) > MOST_WORDS {
            pieces.push(sentence.to_owned());
        } else {
            last.push_str(sentence);
        }
    }
    let passage = |(n, text): (usize, String)| {
        let line = u32::try_from(n).unwrap() * 100 + 1;
        NewPassage {
            kind: PassageKind::Text,
            text,
            heading: Vec::new(),
            place: Place::Lines(line, line + 50),
        }
    };
    pieces.into_iter().enumerate().map(passage).collect()
}

/// The documents that a library finds, by their best chunk.
pub(crate) fn found(library: &Library, query: &str, mode: Mode) -> Vec<u32> {
    let query = Query { mode, ..Query::words(query, 3 * CUT) };
    let answer = library.find(&query, &AtomicBool::new(false)).unwrap();
    let mut documents: Vec<u32> = Vec::new();
    for hit in answer.hits {
        let document = hit.passage.path.file_stem().unwrap().to_string_lossy().parse().unwrap();
        if !documents.contains(&document) {
            documents.push(document);
        }
    }
    documents
}

fn library(folder: &Path, embedder: Result<Arc<dyn Embedder>, String>) -> Library {
    Library::new(folder, Options::default(), embedder, None)
}

#[test]
fn by_words_alone_it_is_better_than_fts5_with_porter() {
    let Some(cranfield) = Cranfield::read() else { return };
    let [baseline, ..] = cranfield.baseline();
    println!("baseline {baseline:.4}");
    for (titled, cut) in [(true, true), (false, false), (false, true)] {
        let folder = tempfile::tempdir().unwrap();
        let shape = Shape { titled, cut };
        cranfield.index(folder.path(), shape);
        let library = library(folder.path(), Err("none here".into()));
        let [all, first, second] = cranfield.mean(|query| found(&library, query, Mode::Lexical));
        println!("words {shape:?} {all:.4}, halves {first:.4} {second:.4}");
        assert!(all >= baseline + 0.01, "{shape:?}: {all:.4} against {baseline:.4}");
    }
}

#[cfg(feature = "llama")]
#[test]
fn fused_with_meaning_it_is_much_better() {
    use percept::catalogue::Catalogue;
    use percept::engines::{Embedder as Engine, WorkerOptions};
    use percept::retrieval::{EmbedRole, Input};

    let Some(cranfield) = Cranfield::read() else { return };
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models/all-MiniLM-L6-v2-q8_0.gguf");
    if !model.exists() {
        eprintln!("skipped: {} is absent", model.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let model = Catalogue::load(folder.path()).0.embedding(model.to_str(), folder.path()).unwrap();
    let worker = WorkerOptions::new(env!("CARGO_BIN_EXE_percept-llama").into());
    let embedder: Arc<dyn Embedder> = Arc::new(Engine::new(worker, model, None));
    let [baseline, ..] = cranfield.baseline();
    // Cut, as `percept index add` does. (Whole abstracts gain a little more: docs/retrieval.md.)
    let folder = tempfile::tempdir().unwrap();
    let mut store = cranfield.index(folder.path(), Shape { titled: false, cut: true });
    loop {
        let left = store.unembedded(embedder.space(), 64).unwrap();
        if left.is_empty() {
            break;
        }
        let inputs: Vec<Input<'_>> = left.iter().map(|left| Input::Text(&left.text)).collect();
        let vectors = embedder.embed(EmbedRole::Passage, &inputs, &AtomicBool::new(false)).unwrap();
        let vectors: Vec<_> = left.iter().map(|left| left.id).zip(vectors).collect();
        store.put_vectors(embedder.space(), &vectors).unwrap();
    }
    let library = library(folder.path(), Ok(embedder));
    for mode in [Mode::Semantic, Mode::Hybrid] {
        let [all, first, second] = cranfield.mean(|query| found(&library, query, mode));
        println!("{mode:?}: {all:.4}, halves {first:.4} {second:.4}");
        if mode == Mode::Hybrid {
            assert!(all >= baseline + 0.06, "{all:.4} against {baseline:.4}");
        }
    }
}
