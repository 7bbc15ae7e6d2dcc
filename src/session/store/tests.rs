//! What is kept comes back, whatever happens to the disk and beside it.

use super::*;

fn text(id: i64, parent: Option<i64>, role: Role, text: &str) -> Message {
    Message {
        id: MessageId(id),
        parent: parent.map(MessageId),
        role,
        parts: vec![Part::text(text)],
        status: Status::Complete,
        created_ms: id,
        stats: None,
    }
}

fn put(store: &mut SessionStore, session: Option<SessionId>, message: &Message) -> SessionId {
    store.write(session, "q", std::slice::from_ref(message), Some(message.id)).unwrap()
}

#[test]
fn a_conversation_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let question = text(10, None, Role::User, "why?");
    let mut answer = text(11, Some(10), Role::Assistant, "Bec");
    answer.stats = Some(AnswerStats { model: "m".into(), ..AnswerStats::default() });
    let id = put(&mut store, None, &question);
    put(&mut store, Some(id), &answer);
    answer.parts = vec![Part::text("Because.")];
    put(&mut store, Some(id), &answer);
    drop(store);
    let store = SessionStore::open(dir.path()).unwrap();
    assert_eq!(store.latest().unwrap(), Some(id));
    let session = store.load(id).unwrap();
    assert_eq!(session.path(), [question, answer]);
    assert_eq!(store.list(9).unwrap(), [session.summary]);
}

#[test]
fn branches_are_kept_and_the_head_says_which_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let id = put(&mut store, None, &text(1, None, Role::User, "q"));
    put(&mut store, Some(id), &text(2, Some(1), Role::Assistant, "a"));
    put(&mut store, Some(id), &text(3, Some(1), Role::Assistant, "b"));
    store.write(Some(id), "q", &[text(1, None, Role::User, "q")], None).unwrap();
    let session = store.load(id).unwrap();
    assert_eq!(session.tree.len(), 3);
    assert_eq!(session.path().last().unwrap().text(), "b");
}

#[test]
fn an_answer_that_was_streamed_when_percept_died_is_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let mut answer = text(2, None, Role::Assistant, "half an ans");
    answer.status = Status::Streaming;
    let id = put(&mut store, None, &answer);
    // The files as a killed process leaves them: the WAL not yet folded in.
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let session = SessionStore::open(copy.path()).unwrap().load(id).unwrap();
    assert_eq!(session.tree[0].text(), "half an ans");
    assert!(matches!(&session.tree[0].status, Status::Interrupted { why } if why.contains("percept ended")));
}

#[test]
fn foreign_and_newer_files_are_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("percept.db");
    std::fs::write(&path, "this is no database at all, only some text in a file").unwrap();
    assert!(matches!(SessionStore::open(dir.path()), Err(StoreError::NotOurs(_))));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("this is no database"));

    let dir = tempfile::tempdir().unwrap();
    drop(SessionStore::open(dir.path()).unwrap());
    let database = Connection::open(dir.path().join("percept.db")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(SessionStore::open(dir.path()), Err(StoreError::Newer { found: 99, .. })));
}

#[test]
fn a_full_disk_is_said_and_breaks_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let id = put(&mut store, None, &text(1, None, Role::User, "small"));
    let allow = |store: &SessionStore, pages: i64| {
        store.database().unwrap().pragma_update(None, "max_page_count", pages).unwrap();
    };
    let pages = store.database().unwrap().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    allow(&store, pages);
    let big = text(2, Some(1), Role::User, &"x".repeat(1 << 20));
    let written = store.write(Some(id), "q", std::slice::from_ref(&big), Some(big.id));
    assert!(matches!(written, Err(StoreError::Full)));
    assert_eq!(store.load(id).unwrap().path().len(), 1);

    // A new session whose messages don't fit leaves nothing, and is made once when they do.
    let first = text(5, None, Role::User, &"y".repeat(1 << 20));
    assert!(matches!(store.write(None, "new", std::slice::from_ref(&first), None), Err(StoreError::Full)));
    assert_eq!(store.list(9).unwrap().len(), 1);
    allow(&store, 1_000_000);
    put(&mut store, Some(id), &big);
    assert_eq!(store.load(id).unwrap().path().len(), 2);
    let new = put(&mut store, None, &first);
    let again = store.write(None, "new", &[first, text(6, Some(5), Role::Assistant, "a")], None).unwrap();
    assert_eq!((again, store.load(new).unwrap().tree.len()), (new, 2));
    assert_ne!(put(&mut store, None, &text(7, None, Role::User, "another")), new);
    assert_eq!(store.list(9).unwrap().len(), 3);
}

#[test]
fn two_percepts_write_to_one_store() {
    let dir = tempfile::tempdir().unwrap();
    drop(SessionStore::open(dir.path()).unwrap());
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let path = dir.path().to_owned();
            std::thread::spawn(move || {
                let mut store = SessionStore::open(&path).unwrap();
                let mut session = None;
                for n in 1..=20 {
                    let message = text(n, (n > 1).then(|| n - 1), Role::User, "x");
                    session = Some(put(&mut store, session, &message));
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let sessions = SessionStore::open(dir.path()).unwrap().list(9).unwrap();
    assert_eq!(sessions.iter().map(|s| s.messages).collect::<Vec<_>>(), [20, 20]);
}

#[test]
fn many_first_starts_at_once_all_open_the_same_store() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let gate = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    gate.wait();
                    let mut store = SessionStore::open(dir.path()).unwrap();
                    put(&mut store, None, &text(1, None, Role::User, "q"));
                });
            }
        });
        assert_eq!(SessionStore::open(dir.path()).unwrap().list(99).unwrap().len(), 8);
    }
}

#[test]
fn a_session_without_messages_is_none_to_go_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let id = put(&mut store, None, &text(1, None, Role::User, "q"));
    // As older versions could leave it, and newer than the other.
    create(store.database().unwrap(), "empty", 99).unwrap();
    assert_eq!(store.latest().unwrap(), Some(id));
    assert_eq!(store.list(9).unwrap().len(), 1);
}

#[test]
fn a_store_without_a_disk_says_why_at_every_use() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = SessionStore::open(&file.path().join("data")).unwrap_err();
    assert!(error.is_of_the_disk(), "{error}");
    let mut store = SessionStore::unsaved(error.to_string());
    let said = store.write(None, "q", &[text(1, None, Role::User, "q")], None).unwrap_err();
    assert_eq!(said.to_string(), error.to_string());
    assert!(store.list(1).is_err());
    assert!(!StoreError::NotOurs(PathBuf::new()).is_of_the_disk());
}

fn found(store: &mut SessionStore, words: &str) -> Vec<i64> {
    let content = |_: &_| None;
    let found = store.search(words, 10, &content).unwrap();
    found.into_iter().map(|found| found.session.id.0).collect()
}

#[test]
fn what_was_said_is_found_by_its_words_also_after_it_changed() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let first = put(&mut store, None, &text(1, None, Role::User, "the scheduler crashes at night"));
    let second = put(&mut store, None, &text(2, None, Role::User, "a quiet Café"));
    assert_eq!(found(&mut store, "crashed scheduler"), [first.0]);
    assert_eq!(found(&mut store, "cafe"), [second.0]);
    assert_eq!(found(&mut store, "sched"), [first.0], "the last word by its beginning");
    assert_eq!(found(&mut store, "scheduler quiet"), [0_i64; 0], "all words in one message");
    for nothing in ["", "\"", "NOT (", "* -"] {
        assert_eq!(found(&mut store, nothing), [0_i64; 0], "{nothing}");
    }
    put(&mut store, Some(first), &text(1, None, Role::User, "nothing of that"));
    assert_eq!(found(&mut store, "scheduler"), [0_i64; 0]);
    assert_eq!(found(&mut store, "nothing"), [first.0]);
    let excerpt = &store.search("QUIET", 1, &|_: &_| None).unwrap()[0].excerpt;
    assert_eq!(excerpt, "a quiet Café");
}

#[test]
fn what_is_in_the_bin_is_neither_listed_nor_found_until_it_is_restored() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let id = put(&mut store, None, &text(1, None, Role::User, "hello"));
    assert_eq!(found(&mut store, "hello"), [id.0]);
    store.remove(id, 5).unwrap();
    store.remove(id, 99).unwrap();
    assert!(store.list(9).unwrap().is_empty() && found(&mut store, "hello").is_empty());
    assert_eq!(store.bin().unwrap()[0].removed_ms, Some(5), "since it was put there first");
    assert_eq!(store.empty_bin(5).unwrap(), []);
    store.restore(id).unwrap();
    assert_eq!(found(&mut store, "hello"), [id.0]);
    store.remove(id, 5).unwrap();
    assert_eq!(store.empty_bin(6).unwrap(), [id]);
    assert!(matches!(store.load(id), Err(StoreError::NoSession(_))));
    for gone in [store.rename(id, "x"), store.remove(id, 1), store.restore(id)] {
        assert!(matches!(gone, Err(StoreError::NoSession(_))));
    }
    let left: i64 = store
        .database()
        .unwrap()
        .query_row("SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM said)", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn titles_and_tags_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let id = put(&mut store, None, &text(1, None, Role::User, "hello"));
    store.rename(id, "Another").unwrap();
    let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
    assert_eq!(store.tag(id, &tags(&["b", "a", "b"]), &[]).unwrap(), tags(&["a", "b"]));
    assert_eq!(store.tag(id, &[], &tags(&["a", "none"])).unwrap(), tags(&["b"]));
    let listed = store.list(1).unwrap().remove(0);
    assert_eq!((listed.title.as_str(), listed.tags), ("Another", tags(&["b"])));
}

#[test]
fn a_model_replaces_no_title_but_the_one_it_was_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let id = put(&mut store, None, &text(1, None, Role::User, "hello"));
    assert_eq!(store.entitle(id, "q", "By the model").unwrap(), "By the model");
    store.rename(id, "Mine").unwrap();
    assert_eq!(store.entitle(id, "q", "Again").unwrap(), "Mine");
    assert_eq!(store.entitle(id, "By the model", "Again").unwrap(), "Mine");
    assert_eq!(store.list(1).unwrap()[0].title, "Mine");
    assert!(matches!(store.entitle(SessionId(77), "q", "x"), Err(StoreError::NoSession(_))));
}

#[test]
fn branches_are_counted_by_their_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let id = put(&mut store, None, &text(1, None, Role::User, "q"));
    let count = |store: &SessionStore| store.list(1).unwrap()[0].branches;
    assert_eq!(count(&store), 1);
    for (message, parent, branches) in [(2, Some(1), 1), (3, Some(1), 2), (4, Some(3), 2), (5, None, 3)] {
        put(&mut store, Some(id), &text(message, parent, Role::Assistant, "a"));
        assert_eq!(count(&store), branches, "with {message}");
        let session = store.load(id).unwrap();
        assert_eq!(session.as_tree().branches(session.head).len() as u64, branches);
    }
    // The head goes back without a new message.
    store.write(Some(id), "q", &[text(2, Some(1), Role::Assistant, "a")], Some(MessageId(2))).unwrap();
    assert_eq!(store.load(id).unwrap().path().len(), 2);
}

#[test]
fn a_store_of_the_first_version_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let database = Connection::open(dir.path().join("percept.db")).unwrap();
    database
        .execute_batch(
            "PRAGMA application_id = 0x70726374; PRAGMA user_version = 1;
             CREATE TABLE sessions (id INTEGER PRIMARY KEY, title TEXT NOT NULL, created_ms INTEGER NOT NULL,
                 updated_ms INTEGER NOT NULL, head INTEGER);
             CREATE TABLE messages (id INTEGER NOT NULL,
                 session INTEGER NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, parent INTEGER,
                 role TEXT NOT NULL, status TEXT NOT NULL, parts TEXT NOT NULL, stats TEXT,
                 created_ms INTEGER NOT NULL, PRIMARY KEY (session, id));
             CREATE INDEX sessions_by_time ON sessions(updated_ms DESC);
             INSERT INTO sessions VALUES (7, 'old', 1, 2, 1);
             INSERT INTO messages VALUES (1, 7, NULL, '\"user\"', '{\"status\":\"complete\"}',
                 '[{\"part\":\"text\",\"text\":\"an old question\"}]', NULL, 1);",
        )
        .unwrap();
    drop(database);
    let mut store = SessionStore::open(dir.path()).unwrap();
    assert_eq!(store.load(SessionId(7)).unwrap().path()[0].text(), "an old question");
    assert_eq!(found(&mut store, "question"), [7]);
    drop(store);
    assert_eq!(SessionStore::open(dir.path()).unwrap().list(9).unwrap().len(), 1);
}

#[test]
fn two_percepts_search_and_write_at_once() {
    let dir = tempfile::tempdir().unwrap();
    drop(SessionStore::open(dir.path()).unwrap());
    std::thread::scope(|threads| {
        for writer in 0..2 {
            let mut store = SessionStore::open(dir.path()).unwrap();
            threads.spawn(move || {
                for n in 0..40 {
                    let id = put(&mut store, None, &text(writer * 100 + n, None, Role::User, "needle"));
                    store.tag(id, &[format!("of{writer}")], &[]).unwrap();
                    assert!(!found(&mut store, "needle").is_empty());
                }
            });
        }
    });
    let mut store = SessionStore::open(dir.path()).unwrap();
    assert_eq!(store.search("needle", 100, &|_: &_| None).unwrap().len(), 80);
    let check: String =
        store.database().unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

#[test]
fn what_is_deleted_for_good_stands_in_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let id = put(&mut store, None, &text(1, None, Role::User, "xylophonist"));
    put(&mut store, None, &text(2, None, Role::User, "something else"));
    assert_eq!(found(&mut store, "xylophonist"), [id.0]);
    let stands = || {
        let files = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path());
        let contents = files.filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap());
        contents.filter(|content| memchr::memmem::find(content, b"xylophonist").is_some()).count()
    };
    assert!(stands() > 0);
    store.remove(id, 1).unwrap();
    store.empty_bin(2).unwrap();
    assert_eq!(stands(), 0);
}

#[test]
fn summaries_and_pins_come_back_and_older_parts_are_read_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let summary: Part = serde_json::from_str(
        r#"{"part":"summary","text":"About zebras.","first":1,"last":2,
            "gone":[{"message":1,"part":0,"name":"a.png","picture":true,"about":"a zebra"}],
            "outside":[{"name":"a.png","source":"clipboard"}]}"#,
    )
    .unwrap();
    let mut message = text(3, None, Role::System, "");
    message.parts = vec![summary];
    let id = put(&mut store, None, &message);
    assert_eq!(store.load(id).unwrap().path(), [message.clone()]);
    let found = store.search("zebras", 9, &|_| None).unwrap();
    assert_eq!(found.iter().map(|one| one.excerpt.as_str()).collect::<Vec<_>>(), ["About zebras."]);
    let markdown = crate::session::to_markdown("T", std::slice::from_ref(&message));
    assert!(
        markdown.contains("## Summary") && markdown.contains("- a.png, no longer shown: a zebra"),
        "{markdown}"
    );
    let blobs = crate::session::BlobStore::temporary().unwrap();
    let html = crate::session::to_html("T", &[message], &blobs);
    assert!(html.contains("<p>About zebras.</p>") && html.contains("no longer shown: a zebra"), "{html}");

    // As they were written before there were pins.
    let old = r#"{"part":"attachment","attachment":{"id":"HASH","name":"a.png","bytes":1,"medium":"image",
        "width":1,"height":1,"format":"png","view":null,"source":"clipboard"}}"#;
    let old = old.replace("HASH", &"0".repeat(64));
    let part: Part = serde_json::from_str(&old).unwrap();
    assert!(matches!(part, Part::Attachment { removed: false, pinned: false, .. }));
    let again = serde_json::to_string(&part).unwrap();
    assert!(!again.contains("pinned") && !again.contains("removed"), "{again}");
}

#[test]
fn a_part_that_a_newer_percept_wrote_is_said_and_spoils_no_other_session() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = SessionStore::open(dir.path()).unwrap();
    let new = put(&mut store, None, &text(1, None, Role::User, "new"));
    let other = put(&mut store, None, &text(2, None, Role::User, "other"));
    let parts = r#"[{"part":"hologram","text":"x"}]"#;
    store
        .database()
        .unwrap()
        .execute("UPDATE messages SET parts = ?1 WHERE session = ?2", params![parts, new.0])
        .unwrap();
    let error = store.load(new).unwrap_err().to_string();
    assert!(error.contains("unknown variant `hologram`") && error.contains("newer percept"), "{error}");
    assert_eq!(store.load(other).unwrap().path()[0].text(), "other");
    assert_eq!(store.list(9).unwrap().len(), 2);
}
