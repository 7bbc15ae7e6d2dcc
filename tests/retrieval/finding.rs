//! What is asked is answered, whatever it is; and what another writes meanwhile is found.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use percept::document::Place;
use percept::retrieval::{
    Answer, EmbedRole, Embedder, FileState, IndexError, Input, Library, Mode, NewFile, NewPassage, Options,
    PassageKind, Query, Reranker, Space, Store, Wanted,
};
use proptest::prelude::*;

const SOURCE: &str = "/home/me/docs";

fn file(name: &str) -> NewFile {
    NewFile {
        path: Path::new(SOURCE).join(name),
        bytes: 1,
        modified_ns: 0,
        hash: String::new(),
        title: None,
        seen_by: None,
        state: FileState::Indexed { note: String::new() },
    }
}

fn passage(kind: PassageKind, line: u32, text: &str) -> NewPassage {
    let place = if kind == PassageKind::Picture { Place::Whole } else { Place::Lines(line, line + 1) };
    NewPassage { kind, text: text.into(), heading: Vec::new(), place }
}

/// An index of a few files with a passage for each text.
fn index(files: &[(&str, &[&str])]) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path()).unwrap().store;
    store.add_source(Path::new(SOURCE)).unwrap();
    for (name, texts) in files {
        let kind = if name.ends_with("png") { PassageKind::Picture } else { PassageKind::Text };
        let passages = texts.iter().zip(0..).map(|(text, n)| passage(kind, n * 10 + 1, text));
        store.put(Path::new(SOURCE), &file(name), &passages.collect::<Vec<_>>()).unwrap();
    }
    (folder, store)
}

fn blind(folder: &Path) -> Library {
    Library::new(folder, Options::default(), Err("no embedding model is here".into()), None)
}

fn find(library: &Library, query: &Query) -> Answer {
    library.find(query, &AtomicBool::new(false)).unwrap()
}

fn names(answer: &Answer) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    answer.hits.iter().map(|hit| name(&hit.passage.path)).collect()
}

fn found(library: &Library, words: &str) -> Vec<String> {
    names(&find(library, &Query::words(words, 9)))
}

#[test]
fn words_are_found_in_all_their_forms() {
    let (folder, _store) = index(&[
        ("rust.md", &["error[E0382]: use of moved value in read_config()"]),
        ("net.md", &["The servers at 192.168.0.1 were connecting to PostgreSQL."]),
        (
            "de.md",
            &["Über die Häuser der Stadt und ihre Geschichte wird hier mit großer Sorgfalt berichtet, \
                     denn sie sind älter, als man glaubt, und niemand weiß, wer sie gebaut hat."],
        ),
        ("ja.md", &["東京都の天気"]),
    ]);
    let library = blind(folder.path());
    for (words, name) in [
        ("E0382", "rust.md"),
        ("read_config", "rust.md"),
        ("reading configs", "rust.md"),
        ("192.168.0.1", "net.md"),
        ("server connection", "net.md"),
        ("postgresql", "net.md"),
        ("Haus", "de.md"),
        ("uber die Stadt", "de.md"),
        ("京都", "ja.md"),
        ("京", "ja.md"),
        ("net.md", "net.md"),
    ] {
        assert_eq!(found(&library, words).first().map(String::as_str), Some(name), "{words}");
    }
    assert_eq!(found(&library, "nothing of the kind exists"), Vec::<String>::new());
}

#[test]
fn a_typo_is_forgiven_and_said() {
    let (folder, _store) = index(&[("a.md", &["how postgres pools connections"]), ("b.md", &["the kettle"])]);
    let answer = find(&blind(folder.path()), &Query::words("psotgres kettel", 9));
    assert_eq!(names(&answer).len(), 2);
    let notes = answer.notes.join(" ");
    assert!(notes.contains("`psotgres` was read as `postgres`."), "{notes}");
    assert!(notes.contains("`kettel` was read as `kettle`."), "{notes}");
    assert!(notes.contains("Searched by words only: no embedding model is here."), "{notes}");
    assert_eq!(answer.mode, Mode::Lexical);
}

#[test]
fn what_is_quoted_must_be_there() {
    let (folder, _store) = index(&[
        ("a.md", &["the boundary layer grows"]),
        ("b.md", &["a layer at the boundary, a boundary, a layer"]),
    ]);
    let library = blind(folder.path());
    assert_eq!(found(&library, "\"boundary layer\" growth"), ["a.md"]);
    let answer = find(&library, &Query::words("\"layer boundary grows\"", 9));
    assert_eq!(answer.hits.len(), 2);
    assert!(answer.notes.contains(&"What is quoted stands nowhere; its words do.".to_owned()));
}

#[test]
fn only_what_is_asked_for_is_searched() {
    let (folder, mut store) =
        index(&[("a/cat.md", &["a cat"]), ("ab/cat.md", &["the cat"]), ("cat.png", &["one cat"])]);
    let library = blind(folder.path());
    let within = |path: &str| Query { within: Some(Path::new(SOURCE).join(path)), ..Query::words("cat", 9) };
    assert_eq!(find(&library, &within("a")).hits[0].passage.cite(), "docs/a/cat.md:1-2");
    assert_eq!(find(&library, &within("a")).hits.len(), 1);
    assert_eq!(find(&library, &within("cat.png")).hits.len(), 1);
    assert_eq!(find(&library, &within("c")).hits.len(), 0);
    let pictures = Query { pictures_only: true, ..Query::words("cat", 9) };
    assert_eq!(names(&find(&library, &pictures)), ["cat.png"]);
    // Written meanwhile by somebody else.
    store.forget(&Path::new(SOURCE).join("cat.png")).unwrap();
    assert_eq!(find(&library, &pictures).hits.len(), 0);
    store.put(Path::new(SOURCE), &file("new.md"), &[passage(PassageKind::Text, 1, "a zebra")]).unwrap();
    assert_eq!(found(&library, "zebra"), ["new.md"]);
}

#[test]
fn files_are_named_completed_and_read_back() {
    let (folder, _store) =
        index(&[("a/setup.md", &["one", "two"]), ("b/setup.md", &["three"]), ("x.md", &["four"])]);
    let library = blind(folder.path());
    let at = |name: &str| Path::new(SOURCE).join(name);
    assert_eq!(library.files_named("setup.md").unwrap(), [at("a/setup.md"), at("b/setup.md")]);
    assert_eq!(library.files_named("docs/a/setup.md").unwrap(), [at("a/setup.md")]);
    assert_eq!(library.files_named("etup.md").unwrap(), Vec::<PathBuf>::new());
    assert_eq!(library.files_like("bset", 1).unwrap(), [at("b/setup.md")]);
    let passages = library.passages_of(&at("a/setup.md")).unwrap();
    assert_eq!(passages.iter().map(|passage| passage.text.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(library.passage(passages[1].id).unwrap().unwrap(), passages[1]);
}

#[test]
fn without_an_index_it_is_said_and_none_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let library = blind(folder.path());
    assert!(library.is_empty());
    assert!(find(&library, &Query::words("x", 1)).notes[0].starts_with("Nothing is indexed yet"));
    assert_eq!(library.files_like("x", 9).unwrap(), Vec::<PathBuf>::new());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_index_that_is_moved_aside_is_left() {
    let (folder, store) = index(&[("a.md", &["old words"])]);
    let library = blind(folder.path());
    assert_eq!(found(&library, "old"), ["a.md"]);
    drop(store);
    let path = Store::file(folder.path());
    for end in ["", "-wal", "-shm"] {
        let named = |prefix: &str| PathBuf::from(format!("{}{prefix}{end}", path.display()));
        let _ = std::fs::rename(named(""), named(".damaged-1"));
    }
    drop(Store::open(folder.path()).unwrap());
    assert_eq!(found(&library, "old"), Vec::<String>::new());
}

/// Vectors by a word that a text has.
struct Seeing {
    space: Space,
    words: HashMap<&'static str, [f32; 2]>,
}

impl Embedder for Seeing {
    fn space(&self) -> &Space {
        &self.space
    }

    fn embed(&self, _: EmbedRole, inputs: &[Input<'_>], stop: &AtomicBool) -> Result<Vec<Vec<f32>>, String> {
        if stop.load(Ordering::Relaxed) {
            return Err("stopped".into());
        }
        let of = |input: &Input<'_>| {
            let text = match input {
                Input::Text(text) => (*text).to_owned(),
                Input::Picture(path) => path.to_string_lossy().into_owned(),
            };
            let known = self.words.iter().find(|(word, _)| text.contains(**word));
            known.map(|(_, vector)| vector.to_vec()).ok_or(format!("nothing is known of {text}"))
        };
        inputs.iter().map(of).collect()
    }
}

fn seeing(pictures: bool) -> Arc<dyn Embedder> {
    let space =
        Space { id: "s".into(), name: "eyes".into(), dimensions: 2, most_tokens: 9, pictures, texts: true };
    Arc::new(Seeing {
        space,
        words: HashMap::from([("cat", [1.0, 0.0]), ("feline", [0.9, 0.4359]), ("car", [0.0, 1.0])]),
    })
}

fn seeing_alone() -> Arc<dyn Embedder> {
    let space = Space { texts: false, ..seeing(true).space().clone() };
    Arc::new(Seeing { space, words: HashMap::from([("cat", [1.0, 0.0]), ("car", [0.0, 1.0])]) })
}

fn embed_all(store: &mut Store, embedder: &dyn Embedder) {
    let left = store.unembedded(embedder.space(), 99).unwrap();
    for passage in left {
        let input =
            if passage.text.is_empty() { Input::Picture(&passage.path) } else { Input::Text(&passage.text) };
        let vector = embedder.embed(EmbedRole::Passage, &[input], &AtomicBool::new(false)).unwrap().remove(0);
        store.put_vectors(embedder.space(), &[(passage.id, vector)]).unwrap();
    }
    assert_eq!(store.unembedded(embedder.space(), 99).unwrap(), []);
}

#[test]
fn meaning_and_words_are_fused_and_say_which() {
    let (folder, mut store) =
        index(&[("a.md", &["the cat"]), ("b.md", &["a feline"]), ("c.md", &["my car"])]);
    let embedder = seeing(false);
    let library = Library::new(folder.path(), Options::default(), Ok(embedder.clone()), None);
    let query = Query::words("cat", 9);
    let before = find(&library, &query);
    assert_eq!((names(&before), before.mode), (vec!["a.md".to_owned()], Mode::Lexical));
    assert!(before.notes[0].contains("no vectors by eyes"), "{:?}", before.notes);
    embed_all(&mut store, &*embedder);
    let answer = find(&library, &query);
    assert_eq!(names(&answer), ["a.md", "b.md", "c.md"]);
    assert_eq!((answer.mode, answer.notes.len()), (Mode::Hybrid, 0));
    assert_eq!(
        answer.hits.iter().map(|hit| hit.why()).collect::<Vec<_>>(),
        ["words and meaning", "meaning", "meaning"]
    );
    let semantic = find(&library, &Query { mode: Mode::Semantic, ..query.clone() });
    assert!((semantic.hits[1].score - 0.9).abs() < 1e-3);
    store.put(Path::new(SOURCE), &file("d.md"), &[passage(PassageKind::Text, 1, "late")]).unwrap();
    assert!(find(&library, &query).notes[0].contains("still being made"));
    let stopped = library.find(&query, &AtomicBool::new(true));
    assert!(matches!(stopped, Err(IndexError::Stopped)));
}

#[test]
fn a_model_of_pictures_alone_is_asked_where_they_are_looked_for() {
    let (folder, mut store) = index(&[("cat.png", &[""]), ("b.md", &["my cat"]), ("car.png", &[""])]);
    let embedder = seeing_alone();
    embed_all(&mut store, &*embedder);
    let library = Library::new(folder.path(), Options::default(), Ok(embedder), None);
    let query = Query::words("cat", 9);
    let answer = find(&library, &query);
    // By words the picture is found by its name, and the car by nothing.
    assert_eq!(answer.mode, Mode::Lexical);
    assert!(!names(&answer).contains(&"car.png".to_owned()), "{answer:?}");
    assert!(answer.notes[0].contains("eyes finds nothing but pictures"), "{:?}", answer.notes);
    let answer = find(&library, &Query { pictures_only: true, ..query.clone() });
    assert_eq!(
        (names(&answer), answer.mode),
        (vec!["cat.png".to_owned(), "car.png".to_owned()], Mode::Hybrid)
    );
    assert_eq!(answer.notes, Vec::<String>::new());
    let query = Query { mode: Mode::Semantic, ..query };
    let why = library.find(&query, &AtomicBool::new(false)).unwrap_err().to_string();
    assert!(why.contains("eyes finds nothing but pictures"), "{why}");
}

#[test]
fn a_picture_is_looked_for_by_what_it_shows_or_by_its_words() {
    let (folder, mut store) =
        index(&[("cat.png", &[""]), ("b.md", &["a feline"]), ("car.png", &["red car"])]);
    let wanted = |words: &str| Wanted::Picture { path: "/tmp/my-cat.png".into(), words: words.into() };
    let query = |words| Query { wanted: wanted(words), ..Query::words("", 9) };
    let blind = blind(folder.path());
    assert_eq!(names(&find(&blind, &query("red"))), ["car.png"]);
    let why = blind.find(&query(""), &AtomicBool::new(false)).unwrap_err().to_string();
    assert!(why.contains("No words were read in /tmp/my-cat.png"), "{why}");
    let embedder = seeing(true);
    embed_all(&mut store, &*embedder);
    let library = Library::new(folder.path(), Options::default(), Ok(embedder), None);
    assert_eq!(names(&find(&library, &query(""))), ["cat.png", "b.md", "car.png"]);
}

#[test]
fn only_meaning_needs_a_model() {
    let (folder, _store) = index(&[("a.md", &["x"])]);
    let query = Query { mode: Mode::Semantic, ..Query::words("x", 9) };
    let why = blind(folder.path()).find(&query, &AtomicBool::new(false)).unwrap_err().to_string();
    assert_eq!(why, "no embedding model is here");
    // A model that fails is no reason to find nothing by words.
    let library = Library::new(folder.path(), Options::default(), Ok(seeing(false)), None);
    let answer = find(&library, &Query::words("x", 9));
    assert_eq!((answer.hits.len(), answer.mode), (1, Mode::Lexical));
    assert_eq!(answer.notes, ["Searched by words only: nothing is known of x."]);
}

/// Likes short passages.
struct Short;

impl Reranker for Short {
    fn score(&self, query: &str, passages: &[&str], _: &AtomicBool) -> Result<Vec<f32>, String> {
        match query {
            "fail" => Err("it is tired".into()),
            _ => Ok(passages.iter().map(|text| -(text.len() as f32)).collect()),
        }
    }
}

#[test]
fn a_reranker_orders_the_first() {
    let (folder, _store) = index(&[("a.md", &["cat cat cat cat fail"]), ("b.md", &["cat"])]);
    let reranker: Option<Arc<dyn Reranker>> = Some(Arc::new(Short));
    let library = Library::new(folder.path(), Options::default(), Err("none".into()), reranker);
    assert_eq!(found(&library, "cat"), ["b.md", "a.md"]);
    let answer = find(&library, &Query::words("fail", 9));
    assert!(answer.notes.contains(&"The reranker was left out: it is tired.".to_owned()));
    assert_eq!(answer.hits.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn nothing_that_is_typed_is_an_error(words in "\\PC{0,60}|[\"a-c*^:(){}+. \\-]{0,40}|(AND|OR|NOT|NEAR|\"| |a){0,12}") {
        let (folder, _store) = index(&[("a.md", &["a b c NEAR and or"])]);
        let library = blind(folder.path());
        match library.find(&Query::words(words.clone(), 9), &AtomicBool::new(false)) {
            Ok(_) => {}
            Err(error) => prop_assert!(words.trim().is_empty(), "{error}"),
        }
    }

    // A passage is found by what stands in it.
    #[test]
    fn a_passage_is_found_by_its_own_words(text in "\\PC{0,80}") {
        let (folder, _store) = index(&[("q.md", &[&text])]);
        let query = Query::words(text.replace('"', " "), 9);
        let answer = blind(folder.path()).find(&query, &AtomicBool::new(false));
        let has_words = text.chars().any(|c| c.is_ascii_alphanumeric());
        if has_words {
            prop_assert_eq!(answer.unwrap().hits.len(), 1);
        }
    }
}
