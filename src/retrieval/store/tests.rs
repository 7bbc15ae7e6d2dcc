//! What is put is there, once; what is damaged is moved aside.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::document::Place;
use crate::retrieval::{NewFile, NewPassage, Skip, Space};

fn file(path: &str) -> NewFile {
    NewFile {
        path: path.into(),
        bytes: 10,
        modified_ns: 1,
        hash: "h".into(),
        title: None,
        seen_by: None,
        state: FileState::Indexed { note: String::new() },
    }
}

fn passage(kind: PassageKind, text: &str) -> NewPassage {
    NewPassage { kind, text: text.into(), heading: vec!["Top".into()], place: Place::Lines(1, 2) }
}

fn text(text: &str) -> NewPassage {
    passage(PassageKind::Text, text)
}

fn open(folder: &Path) -> Store {
    let opened = Store::open(folder).unwrap();
    assert_eq!(opened.moved_aside, None);
    opened.store
}

fn store_of(folder: &Path, sources: &[&str]) -> Store {
    let mut store = open(folder);
    for source in sources {
        store.add_source(Path::new(source)).unwrap();
    }
    store
}

fn space(pictures: bool) -> Space {
    Space { id: "s".into(), name: "mini".into(), dimensions: 2, most_tokens: 9, pictures, texts: true }
}

fn number(store: &Store, query: &str) -> i64 {
    store.connection.query_row(query, [], |row| row.get(0)).unwrap()
}

#[test]
fn what_is_put_is_known_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_of(folder.path(), &["/d", "/e"]);
    store.add_source(Path::new("/d")).unwrap();
    store.put(Path::new("/d"), &file("/d/a.md"), &[text("one"), text("two")]).unwrap();
    let secret = FileState::Skipped(Skip::Secret("a key".into()));
    store.put(Path::new("/d"), &NewFile { state: secret.clone(), ..file("/d/b") }, &[]).unwrap();
    store.put(Path::new("/e"), &file("/e/p.png"), &[passage(PassageKind::Picture, "")]).unwrap();
    let known = store.known(Path::new("/d")).unwrap();
    assert_eq!(known.len(), 2);
    assert_eq!(known[Path::new("/d/b")].state, secret);
    assert_eq!(store.skipped(9).unwrap(), [(PathBuf::from("/d/b"), Skip::Secret("a key".into()))]);
    let status = store.status().unwrap();
    assert_eq!((status.passages, status.pictures, status.paused), (3, 1, false));
    let first = Source { path: "/d".into(), files: 1, skipped: 1, passages: 2, bytes: 10 };
    assert_eq!(status.sources[0], first);
    assert!(status.bytes_on_disk > 0);
}

#[test]
fn a_source_that_is_removed_takes_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_of(folder.path(), &["/d", "/e"]);
    let ids = store.put(Path::new("/d"), &file("/d/a"), &[text("one"), text("two")]).unwrap();
    store.put_vectors(&space(false), &[(ids[0], vec![1.0, 0.0])]).unwrap();
    assert_eq!(store.remove_source(Path::new("/d")).unwrap(), Some(1));
    assert_eq!(store.remove_source(Path::new("/d")).unwrap(), None);
    for table in ["files", "passages", "words", "vectors"] {
        assert_eq!(number(&store, &format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
    // Who still reads the folder puts nothing back.
    assert_eq!(store.put(Path::new("/d"), &file("/d/a"), &[text("one")]).unwrap(), []);
}

#[test]
fn passages_that_did_not_change_keep_their_numbers_and_vectors() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_of(folder.path(), &["/d"]);
    let put = |store: &mut Store, file: &NewFile, texts: &[&str]| {
        let passages: Vec<NewPassage> = texts.iter().map(|words| text(words)).collect();
        store.put(Path::new("/d"), file, &passages).unwrap()
    };
    let first = put(&mut store, &file("/d/a"), &["one", "two", "two"]);
    store
        .put_vectors(&space(false), &first.iter().map(|id| (*id, vec![0.0, 1.0])).collect::<Vec<_>>())
        .unwrap();
    let second = put(&mut store, &file("/d/a"), &["new", "two", "one"]);
    assert_eq!(second[1..], [first[1], first[0]]);
    assert!(second[0] > first[2]);
    let left = store.unembedded(&space(false), 9).unwrap();
    assert_eq!(
        left.iter().map(|left| (left.id, left.text.as_str())).collect::<Vec<_>>(),
        [(second[0], "Top\nnew")]
    );
    // Another title is in every vector and in the words.
    let titled = NewFile { title: Some("T".into()), ..file("/d/a") };
    assert!(put(&mut store, &titled, &["one"])[0] > second[0]);
    assert_eq!(store.count_unembedded(&space(false)).unwrap(), 1);
}

#[test]
fn vectors_are_asked_for_until_all_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_of(folder.path(), &["/d"]);
    let words = [text("one"), passage(PassageKind::Picture, ""), passage(PassageKind::Picture, "a cat")];
    store.put(Path::new("/d"), &file("/d/a"), &words).unwrap();
    let (blind, seeing) = (space(false), Space { id: "t".into(), ..space(true) });
    assert_eq!(store.count_unembedded(&seeing).unwrap(), 3);
    let left: Vec<_> = store.unembedded(&blind, 9).unwrap().iter().map(|left| left.id).collect();
    assert_eq!(left.len(), 2);
    let vectors: Vec<_> = left.iter().map(|id| (*id, vec![1.0, 0.0])).collect();
    store.put_vectors(&blind, &vectors).unwrap();
    assert_eq!(store.unembedded(&blind, 9).unwrap(), []);
    store.put(Path::new("/d"), &file("/d/b"), &[text("late")]).unwrap();
    assert_eq!(store.unembedded(&blind, 9).unwrap().len(), 1);
    // A passage that is gone meanwhile is no error; a vector of another length is.
    store.forget(Path::new("/d/b")).unwrap();
    store.put_vectors(&blind, &[(PassageId(4), vec![1.0, 0.0])]).unwrap();
    assert!(store.put_vectors(&blind, &[(left[0], vec![1.0])]).is_err());
    assert_eq!(store.status().unwrap().vectors, [("mini".to_owned(), 2)]);
}

#[test]
fn a_space_of_pictures_alone_has_no_vectors_of_texts() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_of(folder.path(), &["/d"]);
    let page = NewPassage { place: Place::Page(1), ..passage(PassageKind::Picture, "a page") };
    let whole = NewPassage { place: Place::Whole, ..passage(PassageKind::Picture, "") };
    let words = [text("one"), whole, page];
    store.put(Path::new("/d"), &file("/d/a"), &words).unwrap();
    let pictures = Space { texts: false, ..space(true) };
    let left = store.unembedded(&pictures, 9).unwrap();
    assert_eq!(
        left.iter().map(|left| (left.kind, left.place)).collect::<Vec<_>>(),
        [(PassageKind::Picture, Place::Whole)]
    );
    assert_eq!(store.count_unembedded(&pictures).unwrap(), 1);
    store.put_vectors(&pictures, &[(left[0].id, vec![1.0, 0.0])]).unwrap();
    assert_eq!(store.count_unembedded(&pictures).unwrap(), 0);
}

#[test]
fn what_nobody_looked_at_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_of(folder.path(), &["/d"]);
    for (path, by) in [("/d/1", None), ("/d/2", Some("old")), ("/d/3", Some("new"))] {
        let file = NewFile { seen_by: by.map(str::to_owned), ..file(path) };
        store.put(Path::new("/d"), &file, &[passage(PassageKind::Picture, path)]).unwrap();
    }
    let unseen = |kind, most| store.unseen(kind, "new", most).unwrap();
    assert_eq!(unseen(PassageKind::Picture, 9), [PathBuf::from("/d/1"), PathBuf::from("/d/2")]);
    assert_eq!(unseen(PassageKind::Picture, 1).len(), 1);
    assert_eq!(unseen(PassageKind::Transcript, 9), Vec::<PathBuf>::new());
}

#[test]
fn a_damaged_index_is_moved_aside_and_what_was_added_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_of(folder.path(), &["/d"]);
    let many: Vec<NewPassage> = (0..2000).map(|n| text(&format!("passage {n} of some words"))).collect();
    store.put(Path::new("/d"), &file("/d/a"), &many).unwrap();
    store.set_paused(true).unwrap();
    let pages = number(&store, "PRAGMA page_count");
    drop(store);
    // All but the first pages (the schema, the sources, the settings) overwritten.
    let path = Store::file(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let kept = bytes.len() / usize::try_from(pages).unwrap() * 40;
    bytes[kept..].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let opened = Store::open(folder.path()).unwrap();
    let aside = opened.moved_aside.unwrap();
    assert!(aside.exists() && aside.to_string_lossy().contains("index.sqlite.damaged-"));
    assert_eq!(opened.store.sources().unwrap()[0].path, Path::new("/d"));
    assert!(opened.store.is_paused().unwrap());
    assert_eq!(opened.store.status().unwrap().passages, 0);
    drop(opened.store);
    open(folder.path());
}

#[test]
fn damage_that_a_query_meets_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    drop(store_of(folder.path(), &["/d"]));
    let path = Store::file(folder.path());
    let corrupt =
        rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT_VTAB), None);
    assert!(matches!(failed(&path, corrupt), IndexError::Damaged { .. }));
    let opened = Store::open(folder.path()).unwrap();
    assert!(opened.moved_aside.is_some());
    assert_eq!(opened.store.sources().unwrap().len(), 1);
    drop(opened.store);
    open(folder.path());
}

#[test]
fn what_is_no_index_is_moved_aside_and_a_newer_one_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = Store::file(folder.path());
    for content in ["no database at all", &"x".repeat(9000), "SQLite format 3\0 but cut off"] {
        std::fs::write(&path, content).unwrap();
        let aside = Store::open(folder.path()).unwrap().moved_aside.unwrap();
        assert_eq!(std::fs::read_to_string(aside).unwrap(), *content);
    }
    open(folder.path()).connection.pragma_update(None, "user_version", 99).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, IndexError::Newer { found: 99, .. }), "{error}");
    assert_eq!(
        Store::open(Path::new("/proc/nowhere")).unwrap_err().to_string().matches("index.sqlite").count(),
        1
    );
}

#[test]
fn an_index_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_of(folder.path(), &["/d"]);
    store.put(Path::new("/d"), &file("/d/a"), &[text("postgres connections")]).unwrap();
    let first = "
        CREATE TABLE old (word TEXT PRIMARY KEY) WITHOUT ROWID;
        INSERT INTO old SELECT term FROM spellings;
        DROP TABLE spellings;
        DROP TABLE spelt;
        ALTER TABLE old RENAME TO spellings;
        PRAGMA user_version = 1;";
    store.connection.execute_batch(first).unwrap();
    drop(store);
    let store = open(folder.path());
    let spellings = "SELECT group_concat(term) FROM (SELECT term FROM spellings ORDER BY term)";
    let spellings: String = store.connection.query_row(spellings, [], |row| row.get(0)).unwrap();
    assert_eq!(spellings, "connections,postgres");
    assert_eq!(number(&store, "PRAGMA user_version"), 2);
}

#[test]
fn a_full_disk_is_an_error_and_breaks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_of(folder.path(), &["/d"]);
    store.put(Path::new("/d"), &file("/d/a"), &[text("small")]).unwrap();
    let pages = number(&store, "PRAGMA page_count");
    store.connection.pragma_update(None, "max_page_count", pages).unwrap();
    let big = store.put(Path::new("/d"), &file("/d/a"), &[text(&"long words ".repeat(1 << 16))]);
    assert!(big.unwrap_err().to_string().contains("full"));
    assert_eq!(number(&store, "SELECT count(*) FROM passages WHERE text = 'small'"), 1);
    store.connection.pragma_update(None, "max_page_count", 1_000_000).unwrap();
    let ids = store.put(Path::new("/d"), &file("/d/a"), &[text("long words")]).unwrap();
    assert_eq!(ids.len(), 1);
    check(&store, &BTreeMap::from([("/d/a".into(), vec!["long words".into()])]));
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_unicode_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store_of(folder.path(), &["/d"]);
    let name = paths::path(b"/d/\xff.txt".to_vec());
    store.put(Path::new("/d"), &NewFile { path: name.clone(), ..file("") }, &[text("x")]).unwrap();
    assert_eq!(store.known(Path::new("/d")).unwrap().keys().collect::<Vec<_>>(), [&name]);
}

/// What happens to an index.
#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8, Vec<u8>),
    Forget(u8),
    ForgetFolder(u8),
    Remove(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3u8, 0..4u8, prop::collection::vec(0..6u8, 0..5)).prop_map(|(s, f, p)| Step::Put(s, f, p)),
        1 => (0..12u8).prop_map(Step::Forget),
        1 => (0..3u8).prop_map(Step::ForgetFolder),
        1 => (0..3u8).prop_map(Step::Remove),
        1 => Just(Step::Reopen),
    ]
}

const SOURCES: [&str; 3] = ["/a", "/b", "/ab"];

fn path_of(source: u8, file: u8) -> String {
    format!("{}/{file}", SOURCES[usize::from(source)])
}

/// The database is whole, and holds these texts of these files, and nothing double.
fn check(store: &Store, model: &BTreeMap<String, Vec<String>>) {
    let whole: String = store.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    store.connection.execute("INSERT INTO words(words) VALUES ('integrity-check')", []).unwrap();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut query = store
        .connection
        .prepare("SELECT path, text FROM files LEFT JOIN passages ON file = files.id ORDER BY path, position")
        .unwrap();
    let mut rows = query.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let path = String::from_utf8(row.get(0).unwrap()).unwrap();
        found.entry(path).or_default().extend(row.get::<_, Option<String>>(1).unwrap());
    }
    assert_eq!(&found, model);
    let same = "SELECT (SELECT group_concat(rowid) FROM (SELECT rowid FROM words ORDER BY rowid))
                    IS (SELECT group_concat(id) FROM (SELECT id FROM passages ORDER BY id))";
    assert_eq!(number(store, same), 1);
    assert_eq!(number(store, "SELECT total(passages) = (SELECT count(*) FROM passages) FROM files"), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn the_index_is_what_was_put_and_not_taken_out(steps in prop::collection::vec(step(), 1..24)) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = store_of(folder.path(), &SOURCES);
        let mut model: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(source, name, texts) => {
                    let path = path_of(source, name);
                    let texts: Vec<String> = texts.iter().map(|n| format!("words{n} here")).collect();
                    let passages: Vec<NewPassage> = texts.iter().map(|words| text(words)).collect();
                    let source = Path::new(SOURCES[usize::from(source)]);
                    let ids = store.put(source, &file(&path), &passages).unwrap();
                    prop_assert_eq!(ids.len(), passages.len());
                    model.insert(path, texts);
                }
                Step::Forget(n) => {
                    let path = path_of(n % 3, n / 3);
                    let gone = store.forget(Path::new(&path)).unwrap();
                    prop_assert_eq!(gone, u64::from(model.remove(&path).is_some()));
                }
                Step::ForgetFolder(source) => {
                    let folder = format!("{}/", SOURCES[usize::from(source)]);
                    let before = model.len();
                    model.retain(|path, _| !path.starts_with(&folder));
                    let gone = store.forget(Path::new(SOURCES[usize::from(source)])).unwrap();
                    prop_assert_eq!(gone, (before - model.len()) as u64);
                }
                Step::Remove(source) => {
                    let source = SOURCES[usize::from(source)];
                    let before = model.len();
                    model.retain(|path, _| !path.starts_with(&format!("{source}/")));
                    let gone = store.remove_source(Path::new(source)).unwrap();
                    prop_assert_eq!(gone, Some((before - model.len()) as u64));
                    store.add_source(Path::new(source)).unwrap();
                }
                Step::Reopen => {
                    drop(store);
                    store = open(folder.path());
                }
            }
        }
        check(&store, &model);
    }
}
