//! A server in place of a model on this machine: the worker by itself, and percept through it,
//! against a server of our own that follows the documented API and misbehaves on demand.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
mod hear;
mod key;
mod measured;
#[path = "../pty/mod.rs"]
mod pty;
mod server;
mod vectors;
mod worker;
#[path = "../worker_client/mod.rs"]
mod worker_client;

use common::{Home, Ran};
use serde_json::json;
use server::{Reply, Server, calls, says};

const KEY: &str = "sk-test-7hK29fQmX0bV";
const SECRET: &str = "AKIAQYLPMN5HHHFPZAM2";

/// Runs percept with a server that answers.
fn run(home: &Home, url: &str, proxy: Option<&Server>, arguments: &[&str]) -> Ran {
    let mut command = home.percept("", arguments);
    command.env("PERCEPT_ENGINE_KIND", "openai").env("PERCEPT_ENGINE_BASE_URL", url);
    command.env("PERCEPT_ENGINE_KEY_VARIABLE", "TEST_KEY").env("TEST_KEY", KEY);
    command.env("PERCEPT_ENGINE_RETRIES", "0");
    if let Some(proxy) = proxy {
        command.env("http_proxy", format!("http://127.0.0.1:{}", proxy.port));
    }
    Ran::from(command.output().unwrap())
}

/// The same with other settings alone.
fn run_with(home: &Home, settings: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = home.percept("", arguments);
    command.envs(settings.iter().copied());
    Ran::from(command.output().unwrap())
}

/// All that percept wrote to its own folders.
fn kept(home: &Home) -> String {
    let mut all = Vec::new();
    let mut folders = vec![home.path("data"), home.path("cache")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path().is_dir() {
                true => folders.push(entry.path()),
                false => all.extend(std::fs::read(entry.path()).unwrap_or_default()),
            }
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn a_question_is_answered_by_a_server_and_the_key_is_seen_by_it_alone() {
    let (home, server) = (Home::new(), Server::start([says("Because it is so.")]));
    let ran = run(&home, &server.url(), None, &["ask", "why?"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "Because it is so.\n"), "{}", ran.err);
    assert!(!ran.err.contains('→'), "nothing left this machine: {}", ran.err);
    assert!(server.all().contains(KEY));

    let refused =
        Reply::Plain(401, "", json!({ "error": { "message": format!("wrong key {KEY}") } }).to_string());
    let strict = Server::with_models(refused, []);
    let failed = run(&home, &strict.url(), None, &["ask", "why?"]);
    assert_eq!(failed.code, Some(3), "{}", failed.err);
    assert!(failed.err.contains("TEST_KEY"), "{}", failed.err);
    let everything = format!("{}{}{}{}{}", ran.out, ran.err, failed.out, failed.err, kept(&home));
    assert!(everything.contains("why?"), "the session was read");
    assert!(!everything.contains(KEY));
}

#[test]
fn it_is_said_when_text_leaves_the_machine_and_what_was_replaced() {
    let (home, server) = (Home::new(), Server::start([says("Yes."), says("Yes.")]));
    let there = "http://server.example:8000/v1";
    let asked = format!("is {SECRET} a key?");
    let ran = run(&home, there, Some(&server), &["ask", &asked]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "Yes.\n"), "{}", ran.err);
    insta::assert_snapshot!(ran.err, @r"
    → server.example:8000
    percept: Replaced by placeholders before it was sent to server.example:8000: 1 secret in 1 place.
    ");
    assert!(!server.all().contains(SECRET) && server.all().contains("is <secret:1> a key?"));

    let ran = run(&home, there, Some(&server), &["ask", "--json", &asked]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&report["sent_to"], &report["model"]), (&json!("server.example:8000"), &json!("qwen")));
    assert_eq!(report["redacted"]["secrets"]["places"], 1);
}

#[test]
fn a_call_is_run_or_refused_and_its_result_goes_back() {
    let home = Home::new();
    home.write("notes.txt", "the answer is 42\n");
    let server = Server::start([
        calls("read_file", json!({ "path": "notes.txt" })),
        calls("shell", json!({ "command": "touch made" })),
        says("It is 42."),
    ]);
    let ran = run(&home, &server.url(), None, &["ask", "what do the notes say?"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "It is 42.\n"), "{}", ran.err);
    assert!(!home.path("made").exists(), "what acts is refused where nobody is asked");

    let sent = server.questions();
    let tools = sent[0].json()["tools"].as_array().unwrap().len();
    assert!(tools > 3, "{tools}");
    let last = sent[2].json();
    let messages = last["messages"].as_array().unwrap();
    let roles: Vec<&str> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "assistant", "tool"]);
    for (call, result) in [(2, 3), (4, 5)] {
        assert_eq!(messages[call]["tool_calls"][0]["id"], messages[result]["tool_call_id"]);
    }
    assert!(messages[3]["content"].as_str().unwrap().contains("the answer is 42"), "{}", messages[3]);
    assert!(messages[5]["content"].as_str().unwrap().contains("not run"), "{}", messages[5]);
}

#[test]
fn a_project_can_not_choose_a_server() {
    let home = Home::new();
    home.write(".percept.toml", "[engine]\nkind = 'openai'\nbase_url = 'http://evil.example/v1'\n");
    let ran = home.run("", &["ask", "why?"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("a project may not set `engine."), "{}", ran.err);
}

#[test]
fn the_model_is_named_as_the_server_names_it() {
    let (home, server) = (Home::new(), Server::start([]));
    let ran = run(&home, &server.url(), None, &["ask", "-m", "gpt", "why?"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("has no model `gpt`. It has qwen."), "{}", ran.err);
}

#[test]
fn doctor_says_whether_the_server_answers() {
    let (home, server) = (Home::new(), Server::start([]));
    let ran = run(&home, &server.url(), None, &["doctor"]);
    let line = format!("ok    server: qwen at {}, 4,096 tokens of context", server.url());
    assert!(ran.out.contains(&line), "{}", ran.out);
    assert!(!format!("{}{}", ran.out, ran.err).contains(KEY) && server.questions().is_empty());

    let ran = run(&home, "http://127.0.0.1:1/v1", None, &["doctor"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.out.contains("!!    server: 127.0.0.1:1 can't be reached"), "{}", ran.out);
}

#[test]
fn a_chat_says_at_its_start_what_goes_elsewhere_besides_the_questions() {
    let vector = json!({ "data": [{ "index": 0, "embedding": [1, 0] }] }).to_string();
    let (home, server) = (Home::new(), Server::start([Reply::Plain(200, "", vector)]));
    let proxy = format!("http://127.0.0.1:{}", server.port);
    let settings = [
        ("PERCEPT_EMBEDDING_KIND", "openai"),
        ("PERCEPT_EMBEDDING_BASE_URL", "http://vectors.example:8000/v1"),
        ("PERCEPT_TRANSCRIPTION_KIND", "openai"),
        ("PERCEPT_TRANSCRIPTION_BASE_URL", "http://ears.example:8000/v1"),
        ("http_proxy", proxy.as_str()),
    ];
    let chat = pty::Terminal::with(&home, "", &[], &settings, (140, 24));
    chat.shows("what is indexed and looked for goes to vectors.example:8000");
    chat.shows("dictation stays here");
    chat.shows(" → vectors.example:8000, ears.example:8000 ·");
    assert!(!chat.text().contains("Everything runs on this machine"), "{}", chat.text());
    drop(chat);
    // At the next start it is known how long the vectors are, and nothing is asked.
    let chat = pty::Terminal::with(&home, "", &[], &settings, (120, 24));
    chat.shows("Leaves this machine");
    assert_eq!(server.asked("/embeddings").len(), 1);
}
