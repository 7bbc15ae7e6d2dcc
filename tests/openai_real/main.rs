//! percept through llama.cpp's own HTTP server: nothing here is played. The models are the starter,
//! one of noise that goes on and on, and MiniLM where it is there (`../shared/models`).
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "helpers of tests")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../pty/mod.rs"]
mod pty;
#[path = "../random_model/mod.rs"]
mod random_model;
mod server;
mod vectors;
#[path = "../worker_client/mod.rs"]
mod worker_client;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{Home, Ran, sample};
use percept::attachment::AttachmentId;
use percept::message::Role;
use percept::wire::{
    ChatMessage, Content, Event, FailureKind, LoadOptions, PROTOCOL_VERSION, Request, Sampling,
    ServerOptions, StopReason,
};
use pty::Terminal;
use server::{Server, free_port, python};
use worker_client::WorkerClient;

const SAID: &str = "Permission denied: /etc/hosts";

fn starter() -> (PathBuf, PathBuf) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/starter");
    (folder.join("starter-f16.gguf"), folder.join("mmproj-starter-f16.gguf"))
}

/// The starter, which sees.
fn seeing(port: u16) -> Option<Server> {
    let (model, projector) = starter();
    Some(Server::start(&python()?, port, 2048, &model, Some(&projector)))
}

/// A model of noise, whose answers have no end.
fn noisy(home: &Home, port: u16) -> Option<Server> {
    let model = home.path("noise.gguf");
    random_model::write_hybrid(&model, &starter().0, 7);
    Some(Server::start(&python()?, port, 32_768, &model, None))
}

fn worker(url: &str) -> WorkerClient {
    let server = ServerOptions { url: url.to_owned(), wait_ms: 20, retries: 8, ..ServerOptions::default() };
    let options = LoadOptions { server: Some(Box::new(server)), ..LoadOptions::default() };
    let mut worker = WorkerClient::start(env!("CARGO_BIN_EXE_percept-openai"));
    let model = PathBuf::new();
    worker.ask(Request::Load { protocol: PROTOCOL_VERSION, model, mmproj: None, options }).done();
    worker
}

fn picture_and(text: &str) -> Vec<ChatMessage> {
    let path = PathBuf::from(sample("error.png"));
    let hash = AttachmentId::of(&std::fs::read(&path).unwrap());
    let content = vec![Content::Image { hash, path }, Content::Text { text: text.to_owned() }];
    vec![ChatMessage { role: Role::User, content }]
}

/// percept with that server, and with no words of its own before the question.
fn ask(home: &Home, url: &str, arguments: &[&str]) -> Ran {
    std::fs::create_dir_all(home.path("config/prompts")).unwrap();
    std::fs::write(home.path("config/prompts/system.md"), "").unwrap();
    let mut command = home.percept("", arguments);
    command.env("PERCEPT_ENGINE_KIND", "openai").env("PERCEPT_ENGINE_BASE_URL", url);
    Ran::from(command.output().unwrap())
}

#[test]
fn a_question_about_a_picture_is_answered_as_the_model_does_it_here() {
    let Some(server) = seeing(free_port()) else { return };
    let mut worker = worker(&server.url());
    let question = || Request::generate(picture_and("What does the error say?"), Sampling::default(), None);
    let answer = worker.ask(question());
    assert_eq!(answer.text(), SAID);
    let tokens = answer.events.iter().filter(|event| matches!(event, Event::Token { .. })).count();
    assert!(tokens > 5, "it streams: {tokens}");
    let unsure = |event: &Event| matches!(event, Event::Token { logprob, .. } if *logprob < 0.0);
    assert!(answer.events.iter().any(unsure), "it says how sure it is");
    let first = answer.done().usage;
    assert!(first.prompt_tokens > 100 && first.completion_tokens > 5, "{first:?}");
    let second = worker.ask(question()).done().usage;
    assert_eq!(
        (second.prompt_tokens, second.completion_tokens),
        (first.prompt_tokens, first.completion_tokens)
    );

    let home = Home::new();
    let asked = ["ask", "--no-tools", "-a", &sample("error.png"), "What does the error say?"];
    let ran = ask(&home, &server.url(), &asked);
    assert_eq!((ran.code, ran.out.trim()), (Some(0), SAID), "{}", ran.err);
    // With tools in the request, which this model's template doesn't tell of.
    let ran = ask(&home, &server.url(), &["ask", "--json", "-a", &sample("error.png"), "What does it say?"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.code, &report["complete"]), (Some(0), &serde_json::json!(true)), "{}", ran.err);
    let ran = ask(&home, &server.url(), &["doctor"]);
    assert!(ran.out.contains("2,048 tokens of context"), "{}", ran.out);
}

#[test]
fn a_cancelled_answer_leaves_the_server_free_for_the_next_one() {
    let home = Home::new();
    let Some(server) = noisy(&home, free_port()) else { return };
    let mut worker = worker(&server.url());
    let long = || Request::generate(vec![ChatMessage::text(Role::User, "go on")], Sampling::default(), None);
    let id = worker.send(long());
    worker.until(id, |event| matches!(event, Event::Token { .. }));
    worker.send(Request::Cancel { target: id });
    worker.until(id, |event| matches!(event, Event::Done(done) if done.stop == StopReason::Cancelled));
    // It has one slot: were the first still answered, this one would wait for 32,000 tokens.
    let began = Instant::now();
    let short =
        Request::generate(vec![ChatMessage::text(Role::User, "and now")], Sampling::default(), Some(4));
    let done = worker.ask(short).done();
    assert_eq!((done.stop, done.usage.completion_tokens), (StopReason::MaxTokens, 4));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn a_server_killed_in_mid_answer_is_said_and_answers_when_it_is_back() {
    let home = Home::new();
    let Some(server) = noisy(&home, free_port()) else { return };
    let mut worker = worker(&server.url());
    let asked = |most| {
        Request::generate(vec![ChatMessage::text(Role::User, "go on")], Sampling::default(), Some(most))
    };
    let id = worker.send(asked(30_000));
    worker.until(id, |event| matches!(event, Event::Token { .. }));
    let port = server.kill();
    let failed = worker.finish(id).failed();
    assert_eq!(failed.kind, FailureKind::Server);
    assert!(failed.message.contains("broke off in the middle"), "{failed}");

    // Asked while it is away, the worker asks again until it is back.
    let id = worker.send(asked(4));
    std::thread::sleep(Duration::from_millis(100));
    let Some(_server) = noisy(&home, port) else { return };
    assert_eq!(worker.finish(id).done().usage.completion_tokens, 4);
}

#[test]
fn in_the_chat_a_server_that_was_down_is_tried_again_with_the_next_message_and_with_retry() {
    if python().is_none() {
        return;
    }
    let (home, port) = (Home::new(), free_port());
    std::fs::create_dir_all(home.path("config/prompts")).unwrap();
    std::fs::write(home.path("config/prompts/system.md"), "").unwrap();
    let url = format!("http://127.0.0.1:{port}/v1");
    let settings = [
        ("PERCEPT_ENGINE_KIND", "openai"),
        ("PERCEPT_ENGINE_BASE_URL", url.as_str()),
        ("PERCEPT_TOOLS_ENABLED", "false"),
        ("PERCEPT_ENGINE_RETRIES", "0"),
    ];
    let picture = sample("error.png");
    let mut chat = Terminal::with(&home, "", &[&picture], &settings, (100, 30));
    chat.shows("can't be reached: the connection was refused");
    chat.press("What does the error say?\r");
    chat.shows("/retry and the next message try it again");
    let Some(server) = seeing(port) else { return };
    chat.press("/retry\r");
    chat.shows(SAID);
    chat.shows("ready");
    let port = server.kill();
    chat.press("What is the title of the dialog?\r");
    chat.shows("can't be reached");
    let Some(_server) = seeing(port) else { return };
    chat.press("What is the title of the dialog?\r");
    chat.shows("first word after");
    chat.press("\x04");
    assert_eq!(chat.wait(), 0);

    let home = Home::new();
    drop(_server);
    let mut chat = Terminal::with(&home, "", &[], &settings, (100, 30));
    chat.shows("can't be reached: the connection was refused");
    let Some(_server) = seeing(port) else { return };
    chat.press("hello\r");
    chat.shows("first word after");
}
