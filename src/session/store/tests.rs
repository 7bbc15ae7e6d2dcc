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
