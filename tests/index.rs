//! `percept index` and `percept find` through the door: what is read, what is left out, and that
//! nothing is lost when it is killed, stopped or out of room.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{Home, Ran};
use rusqlite::Connection;

/// Ends a run at a moment that differs each time, and is the same for each tester.
struct Moments(u64);

impl Moments {
    /// The next one, up to so many microseconds.
    fn next(&mut self, most: u64) -> Duration {
        // xorshift64 (Marsaglia 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_micros(self.0 % most)
    }
}

fn index(home: &Home, arguments: &[&str]) -> Ran {
    home.run("", &[&["index"], arguments].concat())
}

fn ok(ran: Ran) -> String {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.out
}

fn json(ran: Ran) -> serde_json::Value {
    serde_json::from_str(&ok(ran)).unwrap()
}

fn status(home: &Home) -> serde_json::Value {
    json(index(home, &["status", "--json"]))
}

/// What is found, as `cite`.
fn found(home: &Home, words: &str) -> Vec<String> {
    let answer = json(home.run("", &["find", "--json", words]));
    answer["results"].as_array().unwrap().iter().map(|hit| hit["cite"].as_str().unwrap().to_owned()).collect()
}

fn database(home: &Home) -> Connection {
    Connection::open(home.path("data/index/index.sqlite")).unwrap()
}

fn count(connection: &Connection, what: &str) -> i64 {
    connection.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
}

/// Sound, and nothing in it twice.
fn assert_sound(home: &Home) {
    let connection = database(home);
    let said: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
    assert_eq!(count(&connection, "files"), count(&connection, "(SELECT DISTINCT path FROM files)"));
    let places = "(SELECT DISTINCT file, position FROM passages)";
    assert_eq!(count(&connection, "passages"), count(&connection, places));
    assert_eq!(count(&connection, "passages"), count(&connection, "words"));
}

/// A folder of documents, each with a word of its own.
fn documents(home: &Home, files: usize) {
    for at in 0..files {
        let folder = home.path(&format!("docs/part{}", at % 7));
        std::fs::create_dir_all(&folder).unwrap();
        let paragraph = "The replica follows the primary until its disk is full. ".repeat(12);
        let text =
            format!("# Chapter {at}\n\n{paragraph}\n\n## Of kumquat{at}\n\nA kumquat{at} is a fruit.\n");
        std::fs::write(folder.join(format!("chapter{at}.md")), text).unwrap();
    }
}

#[test]
fn what_is_added_is_found_with_its_place_and_what_is_left_out_is_named() {
    let home = Home::new();
    documents(&home, 3);
    home.write("docs/.gitignore", "built.md\n");
    home.write("docs/built.md", "kumquat built");
    home.write("docs/blob.bin", [0_u8, 1, 2, 3, 0, 0, 255]);
    home.write("docs/id_rsa", "nothing to see");
    home.write("docs/empty.md", "");
    let said = ok(index(&home, &["add", "docs"]));
    assert!(said.contains("3 files read, 3 left out"), "{said}");

    let status = status(&home);
    let why = |name: &str| {
        let skipped = status["skipped"].as_array().unwrap();
        let one = skipped.iter().find(|one| one["path"].as_str().unwrap().ends_with(name));
        one.unwrap_or_else(|| panic!("{name} in {status}"))["why"].as_str().unwrap().to_owned()
    };
    assert_eq!((why("blob.bin").as_str(), why("empty.md").as_str()), ("binary", "empty"));
    assert!(why("id_rsa").starts_with("looks secret"), "{}", why("id_rsa"));

    let answer = json(home.run("", &["find", "--json", "kumquat2"]));
    let best = &answer["results"][0];
    assert!(best["path"].as_str().unwrap().ends_with("docs/part2/chapter2.md"), "{answer}");
    assert!(best["cite"].as_str().unwrap().starts_with("docs/part2/chapter2.md:"), "{answer}");
    assert_eq!(best["why"], "words");
    // What is cited is what stands there.
    let text = std::fs::read_to_string(home.path("docs/part2/chapter2.md")).unwrap();
    let (from, to) = best["place"].as_str().unwrap().split_once('-').unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let cited = lines[from.parse::<usize>().unwrap() - 1..to.parse::<usize>().unwrap()].join("\n");
    assert_eq!(best["text"], cited);
    assert_sound(&home);
}

#[test]
fn what_changes_is_read_again_and_what_is_gone_is_forgotten() {
    let home = Home::new();
    documents(&home, 4);
    ok(index(&home, &["add", "docs"]));
    assert!(found(&home, "kumquat1")[0].starts_with("docs/part1/chapter1.md:"));
    home.write("docs/part1/chapter1.md", "# Other\n\nA medlar is a fruit too.\n");
    std::fs::remove_file(home.path("docs/part2/chapter2.md")).unwrap();
    let said = ok(index(&home, &["update"]));
    assert!(said.contains("1 file read") && said.contains("1 gone"), "{said}");
    assert_eq!(found(&home, "medlar"), ["docs/part1/chapter1.md:1-3"]);
    assert!(found(&home, "kumquat2").iter().all(|cite| !cite.contains("chapter2.md")));
    assert!(ok(index(&home, &["update"])).contains("0 files read"), "nothing changed");

    // A source that is away is not forgotten; one that is taken out is.
    std::fs::rename(home.path("docs"), home.path("away")).unwrap();
    let ran = index(&home, &["update"]);
    assert!(ran.err.contains("is not there; what is known of it stays"), "{ran:?}");
    assert_eq!(found(&home, "medlar").len(), 1);
    let docs = home.path("docs");
    assert!(ok(index(&home, &["rm", docs.to_str().unwrap()])).contains("3 files taken out"));
    let connection = database(&home);
    assert_eq!((count(&connection, "files"), count(&connection, "passages")), (0, 0));
    assert_eq!(index(&home, &["rm", "docs"]).code, Some(1), "it is no source any more");
}

#[test]
fn killed_at_any_moment_it_opens_again_and_goes_on() {
    let home = Home::new();
    documents(&home, 120);
    let mut moments = Moments(0x9E37_79B9_7F4A_7C15);
    ok(index(&home, &["pause"]));
    let docs = home.path("docs");
    let _ = index(&home, &["add", docs.to_str().unwrap()]);
    ok(index(&home, &["resume"]));
    let begun = std::time::Instant::now();
    ok(index(&home, &["update"]));
    let whole = u64::try_from(begun.elapsed().as_micros()).unwrap();
    let all = count(&database(&home), "passages");
    for round in 0..50 {
        // Something is always to be done: a third of the files is new each time.
        for at in (round % 3..120).step_by(3) {
            let path = home.path(&format!("docs/part{}/chapter{at}.md", at % 7));
            let text = std::fs::read_to_string(&path).unwrap();
            let (kept, _) = text.split_once("\n\nRound").unwrap_or((text.as_str(), ""));
            std::fs::write(&path, format!("{}\n\nRound {round}.\n", kept.trim_end())).unwrap();
        }
        let mut child = home.percept("", &["index", "update"]).spawn().unwrap();
        std::thread::sleep(moments.next(whole));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_sound(&home);
    }
    ok(index(&home, &["update"]));
    assert_sound(&home);
    assert_eq!(count(&database(&home), "files"), 120);
    assert_eq!(count(&database(&home), "passages"), all);
    for at in [0, 60, 119] {
        assert!(found(&home, &format!("kumquat{at}"))[0].contains(&format!("chapter{at}.md")));
    }
}

#[test]
fn two_at_once_do_it_once() {
    let home = Home::new();
    documents(&home, 60);
    let mut first = home.percept("", &["index", "add", "docs"]).spawn().unwrap();
    let second = index(&home, &["add", "docs"]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert!(first.wait().unwrap().success());
    ok(index(&home, &["update"]));
    assert_sound(&home);
    assert_eq!(count(&database(&home), "files"), 60);
}

#[test]
fn a_damaged_index_is_moved_aside_and_made_anew() {
    let home = Home::new();
    documents(&home, 5);
    ok(index(&home, &["add", "docs"]));
    let file = home.path("data/index/index.sqlite");
    std::fs::write(&file, b"SQLite format 3\0 and then something else altogether").unwrap();
    for side in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(home.path(&format!("data/index/index.sqlite{side}")));
    }
    let ran = index(&home, &["add", "docs"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("the index was damaged and was moved to"), "{ran:?}");
    assert!(found(&home, "kumquat3")[0].contains("chapter3.md"));
    assert_sound(&home);
    let aside = std::fs::read_dir(home.path("data/index")).unwrap();
    assert!(
        aside.filter_map(Result::ok).any(|entry| entry.file_name().to_string_lossy().contains("damaged"))
    );
}

#[cfg(unix)]
#[test]
fn without_room_it_says_so_and_keeps_what_there_was() {
    let home = Home::new();
    documents(&home, 5);
    ok(index(&home, &["add", "docs"]));
    let before = status(&home)["passages"].clone();
    documents(&home, 400);
    // No file may grow beyond this: what a full disk looks like to who writes.
    let shell = "ulimit -f 400; trap '' XFSZ; exec \"$0\" index update";
    let percept = env!("CARGO_BIN_EXE_percept");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", shell, percept]).env_clear().envs(home.variables("")).current_dir(home.dir.path());
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("index.sqlite"), "{ran:?}");
    assert_sound(&home);
    assert!(status(&home)["passages"].as_i64() >= before.as_i64());
    ok(index(&home, &["update"]));
    assert_eq!(count(&database(&home), "files"), 400);
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_named_and_the_rest_is_read() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    documents(&home, 8);
    let closed = home.path("docs/part3");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    let is_root = std::fs::read_dir(&closed).is_ok();
    let ran = index(&home, &["add", "docs"]);
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    if is_root {
        eprintln!("skipped: whoever runs this may read everything");
        return;
    }
    assert!(ran.err.contains("part3"), "{ran:?}");
    assert_eq!(count(&database(&home), "files"), 7);
    ok(index(&home, &["update"]));
    assert_eq!(count(&database(&home), "files"), 8);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_as_it_is_at_last() {
    let home = Home::new();
    documents(&home, 40);
    let growing = home.path("docs/growing.md");
    std::fs::write(&growing, "# Growing\n").unwrap();
    let mut child = home.percept("", &["index", "add", "docs"]).spawn().unwrap();
    let mut text = String::from("# Growing\n");
    while child.try_wait().unwrap().is_none() {
        text.push_str("\nStill a word more.\n");
        std::fs::write(&growing, &text).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
    text.push_str("\nThe last word is quince.\n");
    std::fs::write(&growing, &text).unwrap();
    ok(index(&home, &["update"]));
    assert!(found(&home, "quince")[0].starts_with("docs/growing.md:"));
    assert_sound(&home);
}

#[test]
fn words_that_mean_nothing_to_sqlite_are_words() {
    let home = Home::new();
    documents(&home, 2);
    ok(index(&home, &["add", "docs"]));
    for words in ["\"", "kumquat1 AND NOT (", "*", "NEAR(a b)", "body:kumquat1", "' OR 1=1 --", "🥝"] {
        let ran = home.run("", &["find", "--json", words]);
        assert_eq!(ran.code, Some(0), "{words}: {ran:?}");
    }
    let ran = home.run("", &["find", "--mode", "semantic", "kumquat1"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(ran.err.contains("embedding model"), "{ran:?}");
}

#[test]
fn without_an_index_it_says_how_to_make_one() {
    let home = Home::new();
    let ran = home.run("", &["find", "anything"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("percept index add"), "{ran:?}");
    assert!(ok(index(&home, &["status"])).contains("Nothing was added yet"));
    assert_eq!(index(&home, &["add", "nowhere"]).code, Some(1));
    assert!(!Path::new(&home.path("data/index/index.sqlite")).exists());
}

/// Questions about percept's own documentation: question, file, words of the line that answers it.
const QUESTIONS: &str = include_str!("data/questions.tsv");

/// Of the questions, how many have their line among the first five results, and which don't.
fn answered(home: &Home, worker: &str, mode: &str) -> (f64, Vec<&'static str>) {
    let mut missed = Vec::new();
    for line in QUESTIONS.lines() {
        let [question, file, words] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let answer = json(home.run(worker, &["find", "--json", "-k", "5", "--mode", mode, question]));
        let hits = answer["results"].as_array().unwrap();
        let holds = |hit: &serde_json::Value| {
            hit["path"].as_str().unwrap().ends_with(&format!("docs/{file}"))
                && hit["text"].as_str().unwrap().contains(words)
        };
        if !hits.iter().any(holds) {
            missed.push(question);
        }
    }
    let all = QUESTIONS.lines().count() as f64;
    ((all - missed.len() as f64) / all, missed)
}

fn documentation() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").to_str().unwrap().to_owned()
}

/// By words alone a question that uses other words than the text finds nothing. Each new page makes
/// it a little harder: the bound is under what was measured (0.765 of 51 questions, 27 pages).
#[test]
fn questions_about_the_documentation_find_most_of_their_lines_by_words() {
    let home = Home::new();
    ok(index(&home, &["add", &documentation()]));
    let (recall, missed) = answered(&home, "", "lexical");
    assert!(recall >= 0.7, "recall@5 {recall:.3}; missed: {missed:#?}");
}

#[cfg(feature = "llama")]
#[test]
fn questions_about_the_documentation_find_their_lines_by_words_and_meaning() {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models/all-MiniLM-L6-v2-q8_0.gguf");
    if !model.exists() {
        eprintln!("skipped: {} is absent", model.display());
        return;
    }
    let home = Home::new();
    ok(home.run(common::REAL, &["models", "add", "all-minilm-l6-v2", model.to_str().unwrap()]));
    ok(home.run(common::REAL, &["index", "add", &documentation()]));
    let (recall, missed) = answered(&home, common::REAL, "hybrid");
    assert!(recall >= 0.9, "recall@5 {recall:.3}; missed: {missed:#?}");
}
