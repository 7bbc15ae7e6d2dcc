//! Vectors on a Qdrant server: against one of our own that follows the documented interface,
//! and against a real one where `PERCEPT_TEST_QDRANT` says its URL.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod fake;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use fake::{Fake, Mischief};
use percept::document::Place;
use percept::retrieval::vectors::{Address, Local, Qdrant, Vectors};
use percept::retrieval::{
    FileState, Filter, IndexError, NewFile, NewPassage, PassageId, PassageKind, Space, Store,
};
use rusqlite::Connection;

const DIMENSIONS: usize = 8;
const ALL: Filter<'_> = Filter { pictures_only: false, within: None };

/// More than are looked through without asking the server.
const MANY: u64 = 4_100;

struct Index {
    folder: tempfile::TempDir,
    store: Store,
    connection: Connection,
}

fn space() -> Space {
    let name = "a model".to_owned();
    Space {
        id: "model".to_owned(),
        name,
        dimensions: DIMENSIONS,
        most_tokens: 256,
        pictures: true,
        texts: true,
    }
}

/// Numbers that look random, the same for the same seed (splitmix64).
fn vector(seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(DIMENSIONS).collect()
}

impl Index {
    fn new(vectors: std::ops::Range<u64>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path()).unwrap().store;
        store.add_source(Path::new("/docs")).unwrap();
        let connection = Connection::open(Store::file(folder.path())).unwrap();
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        let mut index = Self { folder, store, connection };
        index.add("many", PassageKind::Text, vectors);
        index
    }

    /// Adds a file with a passage for each vector.
    fn add(&mut self, name: &str, kind: PassageKind, vectors: std::ops::Range<u64>) -> Vec<PassageId> {
        let file = NewFile {
            path: format!("/docs/{name}").into(),
            bytes: 1,
            modified_ns: 1,
            hash: name.to_owned(),
            title: None,
            seen_by: None,
            state: FileState::Indexed { note: String::new() },
        };
        let passage = |seed: u64| NewPassage {
            kind,
            text: format!("secretword {seed}"),
            heading: Vec::new(),
            place: Place::Lines(seed as u32 + 1, seed as u32 + 1),
        };
        let passages: Vec<NewPassage> = vectors.clone().map(passage).collect();
        let ids = self.store.put(Path::new("/docs"), &file, &passages).unwrap();
        let vectors: Vec<_> = ids.iter().copied().zip(vectors.map(vector)).collect();
        self.store.put_vectors(&space(), &vectors).unwrap();
        ids
    }

    fn rows(&self) -> Vec<i64> {
        let mut rows = self.connection.prepare("SELECT id FROM vectors ORDER BY id").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn sync(&self, qdrant: &Qdrant) -> Result<(), IndexError> {
        qdrant.sync(&self.connection, &AtomicBool::new(false), &mut |_, _| {})
    }

    fn search(
        &self,
        vectors: &dyn Vectors,
        seed: u64,
        filter: Filter<'_>,
    ) -> Result<Vec<(PassageId, f32)>, String> {
        let found = vectors.search(&self.connection, &vector(seed), 5, &filter);
        found.map_err(|error| error.to_string())
    }

    fn exact(&self) -> Local {
        Local::new(self.folder.path(), &space())
    }
}

fn qdrant(fake: &Fake) -> Qdrant {
    Qdrant::new(&Address { url: fake.url.clone(), key: None }, "percept", &space()).unwrap()
}

/// All that is done with an index, on whichever server.
fn lives(address: &Address, prefix: &str) -> Index {
    let mut index = Index::new(0..MANY);
    let qdrant = Qdrant::new(address, prefix, &space()).unwrap();
    index.sync(&qdrant).unwrap();
    for seed in 90_000..90_005 {
        assert_eq!(index.search(&qdrant, seed, ALL), index.search(&index.exact(), seed, ALL));
    }
    // What is gone isn't shown though the server has it, and what came is shown once it is there.
    let pictures = index.add("picture.png", PassageKind::Picture, 90_000..90_001);
    index.store.forget(Path::new("/docs/many")).unwrap();
    index.add("more", PassageKind::Picture, 5_000..5_000 + MANY);
    let before = index.search(&qdrant, 5_001, ALL).unwrap();
    assert!(before.iter().all(|(passage, _)| *passage >= pictures[0]), "{before:?}");
    index.sync(&qdrant).unwrap();
    for seed in [5_001, 90_000] {
        assert_eq!(index.search(&qdrant, seed, ALL), index.search(&index.exact(), seed, ALL));
    }
    let only_pictures = Filter { pictures_only: true, within: None };
    assert_eq!(
        index.search(&qdrant, 90_000, only_pictures),
        index.search(&index.exact(), 90_000, only_pictures)
    );
    let within = Filter { pictures_only: false, within: Some(Path::new("/docs/more")) };
    assert_eq!(index.search(&qdrant, 90_000, within), index.search(&index.exact(), 90_000, within));
    index
}

#[test]
fn an_index_is_uploaded_and_searched_and_no_word_of_it_leaves() {
    let fake = Fake::start();
    let index = lives(&Address { url: fake.url.clone(), key: None }, "percept");
    assert_eq!(fake.ids(), index.rows());
    for request in fake.took() {
        let sent = format!("{} {}", request.line, request.body);
        assert!(
            !sent.contains("secretword") && !sent.contains("docs") && !sent.contains(".png"),
            "{}",
            request.line
        );
    }
}

#[test]
fn a_real_server_agrees() {
    let Ok(url) = std::env::var("PERCEPT_TEST_QDRANT") else {
        eprintln!("skipped: PERCEPT_TEST_QDRANT names no server");
        return;
    };
    lives(&Address { url, key: std::env::var("PERCEPT_TEST_QDRANT_KEY").ok() }, "percept-test");
}

#[test]
fn what_is_in_step_is_asked_for_twice_and_no_more() {
    let fake = Fake::start();
    let index = Index::new(0..50);
    let qdrant = qdrant(&fake);
    index.sync(&qdrant).unwrap();
    fake.took();
    index.sync(&qdrant).unwrap();
    let lines: Vec<String> = fake.took().into_iter().map(|request| request.line).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines.iter().all(|line| !line.starts_with("PUT")), "{lines:?}");
}

#[test]
fn an_upload_that_broke_off_goes_on_and_one_that_was_lost_is_done_again() {
    let fake = Fake::start();
    let index = Index::new(0..100);
    let qdrant = qdrant(&fake);
    index.sync(&qdrant).unwrap();
    let lose = |which: &dyn Fn(i64) -> bool| {
        let mut state = fake.state.lock().unwrap();
        state.collections.values_mut().for_each(|collection| collection.points.retain(|id, _| !which(*id)));
    };
    lose(&|id| id > 40);
    fake.took();
    index.sync(&qdrant).unwrap();
    assert_eq!(fake.ids(), index.rows());
    let sent: usize = fake.took().iter().map(|request| request.body.matches("\"vector\":").count()).sum();
    assert_eq!(sent, 60, "only what it lacks");
    fake.state.lock().unwrap().collections.clear();
    index.sync(&qdrant).unwrap();
    assert_eq!(fake.ids(), index.rows());
}

#[test]
fn a_server_that_is_busy_for_a_moment_is_asked_again() {
    let fake = Fake::start();
    let index = Index::new(0..10);
    let qdrant = qdrant(&fake);
    fake.misbehave([Mischief::Status(503, ""), Mischief::HangsUp]);
    index.sync(&qdrant).unwrap();
    assert_eq!(fake.ids(), index.rows());
}

#[test]
fn whatever_a_server_does_is_an_error_in_words() {
    let elsewhere = Fake::start();
    let redirect = || Mischief::Redirect(format!("{}/collections/x", elsewhere.url));
    let refused = "{\"status\":{\"error\":\"no \\u001b[31mroom\"},\"time\":0.1}";
    let cases: Vec<(Vec<Mischief>, &str)> = vec![
        (vec![redirect()], "sends elsewhere"),
        (vec![Mischief::Status(401, "")], "wants a key"),
        (vec![Mischief::Status(400, refused)], "answered 400: no "),
        (vec![Mischief::Status(500, "boom"); 3], "answered 500: boom"),
        (vec![Mischief::Cut; 3], "can't be reached"),
        (vec![Mischief::HangsUp; 3], "can't be reached"),
        (vec![Mischief::Says("<html>hello</html>")], "is it a Qdrant?"),
        (vec![Mischief::Says("{\"result\":[1,2]}")], "is it a Qdrant?"),
        (vec![Mischief::Endless], "answered more than"),
    ];
    let fake = Fake::start();
    let index = Index::new(0..MANY);
    let qdrant = qdrant(&fake);
    index.sync(&qdrant).unwrap();
    for (mischief, said) in cases {
        fake.misbehave(mischief.clone());
        let error = index.search(&qdrant, 1, ALL).unwrap_err();
        assert!(error.contains(said) && error.contains(&fake.url), "{mischief:?}: {error}");
        assert!(!error.contains('\u{1b}'), "{error:?}");
        fake.misbehave(mischief.clone());
        assert!(index.sync(&qdrant).is_err(), "{mischief:?}");
        assert!(index.search(&qdrant, 1, ALL).is_ok(), "and then it works again");
    }
    assert_eq!(elsewhere.took().len(), 0, "nobody else is spoken to");
}

#[test]
fn points_of_others_and_pages_without_end_are_not_touched() {
    let fake = Fake::start();
    let index = Index::new(0..10);
    let qdrant = qdrant(&fake);
    index.sync(&qdrant).unwrap();
    let count = || Mischief::Says("{\"result\":{\"count\":3}}");
    let config = || {
        Mischief::Says(
            "{\"result\":{\"config\":{\"params\":{\"vectors\":{\"size\":8,\"distance\":\"Cosine\"}}}}}",
        )
    };
    let pages = [
        ("{\"result\":{\"points\":[{\"id\":\"5c56c793-69f3-4fbf-87e6-c4bf54c28c26\"}]}}", "didn't put there"),
        ("{\"result\":{\"points\":[],\"next_page_offset\":0}}", "repeats itself"),
    ];
    for (page, said) in pages {
        fake.misbehave([config(), count(), Mischief::Says(page)]);
        let error = index.sync(&qdrant).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        assert_eq!(fake.ids(), index.rows());
    }
}

#[test]
fn a_collection_of_other_vectors_or_none_at_all_is_said() {
    let fake = Fake::start();
    let index = Index::new(0..MANY);
    let qdrant = qdrant(&fake);
    assert_eq!(index.search(&qdrant, 1, ALL), Ok(Vec::new()), "nothing was ever uploaded");
    index.sync(&qdrant).unwrap();
    fake.state.lock().unwrap().collections.values_mut().for_each(|collection| collection.size = 3);
    let error = index.sync(&qdrant).unwrap_err().to_string();
    assert!(error.contains("is not of a model") && error.contains("8 numbers"), "{error}");
    fake.state.lock().unwrap().collections.clear();
    let error = index.search(&qdrant, 1, ALL).unwrap_err();
    assert!(error.contains("has no vectors of this index yet"), "{error}");
}

#[test]
fn the_key_goes_to_the_server_and_nowhere_else() {
    let fake = Fake::start();
    fake.state.lock().unwrap().key = Some("s3cret".to_owned());
    let index = Index::new(0..10);
    let with = |key: &str| Address { url: fake.url.clone(), key: Some(key.to_owned()) };
    let right = Qdrant::new(&with("s3cret"), "percept", &space()).unwrap();
    index.sync(&right).unwrap();
    let wrong = Qdrant::new(&with("other"), "percept", &space()).unwrap();
    let error = index.sync(&wrong).unwrap_err().to_string();
    assert!(error.contains("refuses the key") && !error.contains("other"), "{error}");
    assert!(!format!("{:?}", with("s3cret")).contains("s3cret"));
}

#[test]
fn an_address_or_a_prefix_that_cannot_be_is_said_at_once() {
    let new = |url: &str, key: Option<&str>, prefix: &str| {
        let address = Address { url: url.to_owned(), key: key.map(str::to_owned) };
        Qdrant::new(&address, prefix, &space()).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(new("nonsense", None, "p").contains("is no URL"));
    assert!(new("ftp://host", None, "p").contains("http://"));
    assert!(new("http://me:word@host", None, "p").contains("a key is configured beside it"));
    assert!(new("http://host?key=1", None, "p").contains("plain URL"));
    assert!(new("http://host", Some("a\nb"), "p").contains("characters"));
    assert!(new("http://host", None, "../x").contains("begin the name"));
    assert!(new("http://host", None, "").contains("begin the name"));
    // Nobody listens there: port 9 is that of the discard service.
    let nobody =
        Qdrant::new(&Address { url: "http://127.0.0.1:9".to_owned(), key: None }, "p", &space()).unwrap();
    let error = Index::new(0..3).sync(&nobody).unwrap_err().to_string();
    assert!(error.contains("can't be reached"), "{error}");
}
