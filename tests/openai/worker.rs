//! The worker by itself: what it sends, what it makes of what comes.

use std::time::{Duration, Instant};

use percept::attachment::AttachmentId;
use percept::message::Role;
use percept::wire::{
    ChatMessage, Content, Event, Failure, FailureKind, LoadOptions, ModelInfo, PROTOCOL_VERSION, Request,
    Sampling, ServerOptions, SpeechOptions, StopReason, ToolSpec,
};
use serde_json::json;

use crate::server::{Reply, Server, calls, end, one_model, piece, says};
use crate::worker_client::{Answer, WorkerClient};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_percept-openai");
const KEY: &str = "sk-test-7hK29fQmX0bV";

/// Patience of a test.
pub(crate) fn options(server: &Server) -> ServerOptions {
    ServerOptions {
        url: server.url(),
        key_variable: "TEST_KEY".into(),
        wait_ms: 1,
        ..ServerOptions::default()
    }
}

pub(crate) fn load(options: ServerOptions, model: &str) -> Request {
    let options = LoadOptions { server: Some(Box::new(options)), ..LoadOptions::default() };
    Request::Load { protocol: PROTOCOL_VERSION, model: model.into(), mmproj: None, options }
}

pub(crate) fn worker() -> WorkerClient {
    WorkerClient::start_with(PROGRAM, &[("TEST_KEY", KEY)])
}

pub(crate) fn loaded(options: ServerOptions) -> WorkerClient {
    let mut worker = worker();
    worker.ask(load(options, "")).done();
    worker
}

fn question(text: &str) -> Request {
    Request::generate(vec![ChatMessage::text(Role::User, text)], Sampling::default(), None)
}

/// What a server with this script makes of a question.
fn asked(reply: Reply) -> (Answer, Server) {
    let for_ever = matches!(reply, Reply::Stall(_) | Reply::Silence);
    let patience = if for_ever { 150 } else { 10_000 };
    let server = Server::start([reply]);
    let options = ServerOptions { retries: 0, silence_ms: patience, first_ms: patience, ..options(&server) };
    let answer = loaded(options).ask(question("why?"));
    (answer, server)
}

pub(crate) fn info(answer: &Answer) -> ModelInfo {
    let loaded = answer.events.iter().find_map(|event| match event {
        Event::Loaded(info) => Some(info.clone()),
        _ => None,
    });
    loaded.unwrap()
}

#[test]
fn an_answer_comes_with_its_words_probabilities_and_counts() {
    let logprobs = json!({ "content": [{ "token": "Permission", "logprob": -1.5 }] });
    let first = json!({ "choices": [{ "delta": { "content": "Permission" }, "logprobs": logprobs }] });
    let mut events = vec![piece(json!({ "reasoning_content": "Let me think." })), first.to_string()];
    events.push(piece(json!({ "content": " denied" })));
    events.extend(end("stop"));
    let server = Server::start([Reply::Events(events)]);
    let mut worker = worker();
    let loaded = worker.ask(load(options(&server), ""));
    let info = info(&loaded);
    assert_eq!((info.name.as_str(), info.context, info.vision), ("qwen", 4096, true));
    assert!(!info.server.unwrap().elsewhere);

    let answer = worker.ask(question("why?"));
    assert_eq!(answer.text(), "Permission denied");
    assert_eq!(answer.logprobs().collect::<Vec<_>>(), [-1.5, 0.0]);
    let done = answer.done();
    assert_eq!(done.stop, StopReason::Finished);
    assert_eq!(
        (done.usage.prompt_tokens, done.usage.cached_tokens, done.usage.completion_tokens),
        (90, 64, 5)
    );
    assert_eq!((answer.ledger().total_tokens, answer.ledger().estimated), (90, true));

    let sent = &server.questions()[0];
    assert!(sent.head.to_lowercase().contains(&format!("authorization: bearer {}", KEY.to_lowercase())));
    let expected = json!({
        "model": "qwen", "messages": [{ "role": "user", "content": "why?" }], "stream": true,
        "stream_options": { "include_usage": true }, "logprobs": true, "temperature": 0.0,
    });
    assert_eq!(sent.json(), expected);
}

#[test]
fn a_picture_is_sent_within_the_request_and_a_call_comes_back() {
    let server = Server::start([calls("zoom", json!({ "by": 2 }))]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    std::fs::write(&path, b"\x89PNG\r\n\x1a\n").unwrap();
    let picture = Content::Image { hash: AttachmentId::of(b"a"), path };
    let tool = ToolSpec {
        name: "zoom".into(),
        description: "Looks closer.".into(),
        parameters: json!({ "type": "object" }),
    };
    let answer = loaded(options(&server)).ask(Request::Generate {
        messages: vec![ChatMessage { role: Role::User, content: vec![picture] }],
        sampling: Sampling::default(),
        max_tokens: Some(9),
        tools: vec![tool],
        must_call: true,
    });
    assert_eq!(answer.done().stop, StopReason::ToolCall);
    let call = Event::ToolCall { name: "zoom".into(), arguments: json!({ "by": 2 }), leaked_bytes: 0 };
    assert!(answer.events.contains(&call), "{:?}", answer.events);
    let sent = server.questions()[0].json();
    let url = "data:image/png;base64,iVBORw0KGgo=";
    assert_eq!(sent["messages"][0]["content"], json!([{ "type": "image_url", "image_url": { "url": url } }]));
    assert_eq!((&sent["tool_choice"], &sent["max_tokens"]), (&json!("required"), &json!(9)));
}

#[test]
fn a_busy_server_is_asked_again_and_one_that_stays_busy_is_not_asked_for_ever() {
    let busy = |status, lines| Reply::Plain(status, lines, r#"{"error":{"message":"busy"}}"#.into());
    let server =
        Server::start([busy(429, "Retry-After: 0\r\n"), busy(503, ""), busy(502, ""), says("At last.")]);
    assert_eq!(loaded(options(&server)).ask(question("why?")).text(), "At last.");
    assert_eq!(server.questions().len(), 4);

    let server = Server::start([busy(500, ""), busy(504, ""), busy(503, ""), says("Too late.")]);
    let failed = loaded(ServerOptions { retries: 2, ..options(&server) }).ask(question("why?")).failed();
    assert_eq!((failed.kind, server.questions().len()), (FailureKind::Server, 3));
    assert!(failed.message.contains("failed (503): busy"), "{failed}");

    let server = Server::start([busy(429, "Retry-After: 86400\r\n"), says("Tomorrow.")]);
    let failed = loaded(options(&server)).ask(question("why?")).failed();
    assert!(failed.in_words().contains("86400 s"), "{}", failed.in_words());
}

#[test]
fn what_breaks_off_is_said_and_what_came_stays_and_is_not_asked_for_twice() {
    let half = || vec![piece(json!({ "content": "Half an " }))];
    let (cut, server) = asked(Reply::Events(half()));
    assert_eq!((cut.text().as_str(), server.questions().len()), ("Half an ", 1));
    assert!(cut.failed().message.contains("broke off in the middle"), "{}", cut.failed());

    let (stalled, server) = asked(Reply::Stall(half()));
    assert_eq!(stalled.text(), "Half an ");
    assert!(stalled.failed().message.contains("fell silent"), "{}", stalled.failed());
    assert!(server.was_left());

    let (silent, server) = asked(Reply::Silence);
    assert!(silent.failed().message.contains("did not begin to answer"), "{}", silent.failed());
    assert!(server.was_left());

    let error = json!({ "error": { "message": "CUDA out of memory", "code": 500 } }).to_string();
    let (failed, _) = asked(Reply::Events(vec![piece(json!({ "content": "Half" })), error]));
    assert!(
        failed.failed().message.contains("stopped the answer: CUDA out of memory"),
        "{}",
        failed.failed()
    );

    let (filtered, _) = asked(Reply::Events(half().into_iter().chain(end("content_filter")).collect()));
    assert!(filtered.failed().message.contains("filter"), "{}", filtered.failed());
}

#[test]
fn what_is_none_of_the_api_is_said() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    let raw = |body: &str| Reply::Raw(format!("{head}{body}").into_bytes());
    let page = Reply::Plain(200, "Content-Type: text/html\r\n", "<html>".into());
    let cases = [
        (raw("data: {oops\n\n"), "none of the API"),
        (raw("data: [1, 2]\n\n"), "none of the API"),
        (page, "text/html in place of an answer"),
        (raw(&format!("data: {}", "x".repeat(9 * 1024 * 1024))), "more than 8388608 bytes"),
        (Reply::EndlessHead, "broke off"),
        (Reply::Raw(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()), "broke off"),
        (Reply::Raw(Vec::new()), "broke off"),
        (calls("zoom", json!("no object")), "no object"),
    ];
    for (reply, why) in cases {
        let shown = format!("{reply:?}").chars().take(80).collect::<String>();
        let failed = asked(reply).0.failed();
        assert!(failed.message.contains(why), "{shown}: {failed}");
    }
    // A server that doesn't stream is as good.
    let whole = json!({ "choices": [{ "message": { "content": "All at once." }, "finish_reason": "stop" }] });
    let (answer, _) = asked(Reply::Plain(200, "Content-Type: application/json\r\n", whole.to_string()));
    assert_eq!((answer.text().as_str(), answer.done().stop), ("All at once.", StopReason::Finished));
}

#[test]
fn what_a_server_does_not_know_is_left_out_from_then_on() {
    let refused =
        |message: &str| Reply::Plain(400, "", json!({ "error": { "message": message } }).to_string());
    let server = Server::start([
        refused("logprobs is not supported with tools + stream"),
        refused("Unknown parameter: 'stream_options'."),
        says("One."),
        says("Two."),
        refused("This model's maximum context length is 4096 tokens, 'logprobs' or not"),
    ]);
    let mut worker = loaded(options(&server));
    assert_eq!(worker.ask(question("1")).text(), "One.");
    assert_eq!(worker.ask(question("2")).text(), "Two.");
    let sent = server.questions();
    assert_eq!(sent.len(), 4);
    assert!(sent[3].json().get("logprobs").is_none() && sent[3].json().get("stream_options").is_none());
    assert_eq!(worker.ask(question("3")).failed().kind, FailureKind::ContextOverflow);
    assert_eq!(server.questions().len(), 5);
}

#[test]
fn a_cancel_closes_the_connection_at_once_whatever_is_waited_for() {
    let begun = Reply::Stall(vec![piece(json!({ "content": "Half" }))]);
    let later = Reply::Plain(503, "Retry-After: 60\r\n", String::new());
    for (reply, token, connected) in
        [(begun, true, true), (Reply::Silence, false, true), (later, false, false)]
    {
        let server = Server::start([reply]);
        let mut worker = loaded(options(&server));
        let asked = Instant::now();
        let id = worker.send(question("why?"));
        if token {
            worker.until(id, |event| matches!(event, Event::Token { .. }));
        } else {
            while server.questions().is_empty() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        worker.send(Request::Cancel { target: id });
        worker.until(id, |event| matches!(event, Event::Done(done) if done.stop == StopReason::Cancelled));
        assert!(asked.elapsed() < Duration::from_secs(10));
        assert!(!connected || server.was_left(), "the connection is closed");
    }
}

#[test]
fn what_is_wrong_with_a_server_is_said_when_a_model_is_chosen() {
    let said = |models: Reply, name: &str, change: fn(&Server, &mut ServerOptions)| -> Failure {
        let server = Server::with_models(models, []);
        let mut options = options(&server);
        options.retries = 0;
        change(&server, &mut options);
        let failed = worker().ask(load(options, name)).failed();
        let port = server.port.to_string();
        Failure {
            message: failed.message.replace(&port, "PORT"),
            hint: failed.hint.map(|hint| hint.replace(&port, "PORT")),
            ..failed
        }
    };
    let refused =
        || Reply::Plain(401, "", json!({ "error": { "message": format!("bad key {KEY}") } }).to_string());
    let keyless = || Reply::Plain(401, "", String::new());
    let as_is = |_: &Server, _: &mut ServerOptions| {};
    let all = [
        said(refused(), "", as_is),
        said(keyless(), "", |_, options| options.key_variable = "TEST_NO_KEY".into()),
        said(keyless(), "", |_, options| options.key_variable.clear()),
        said(Reply::Plain(404, "", "not found".into()), "", |server, options| {
            options.url = format!("http://127.0.0.1:{}", server.port);
        }),
        said(Reply::Plain(302, "Location: http://evil.example/\r\n", String::new()), "", as_is),
        said(Reply::Plain(200, "", "<html>hello</html>".into()), "", as_is),
        said(one_model(), "gpt", as_is),
        said(one_model(), "", |_, options| options.url = "http://127.0.0.1:1/v1".into()),
        said(one_model(), "", |server, options| {
            options.url = format!("https://127.0.0.1:{}/v1", server.port)
        }),
        said(one_model(), "", |_, options| options.url = "http://no-such-host.invalid/v1".into()),
    ];
    let words: Vec<String> = all.iter().map(Failure::in_words).collect();
    assert!(!words.concat().contains(KEY), "{words:?}");
    for (words, wanted) in words.iter().zip([
        "refuses the key (401): bad key …. It was taken from the variable TEST_KEY",
        "wants a key (401)",
        "Put it into a variable of the environment",
        "Is /v1 missing in [engine] base_url? Try http://127.0.0.1:PORT/v1.",
        "sends elsewhere (302)",
        "lists no models",
        "has no model `gpt`. It has qwen.",
        "the connection was refused. Is the server running?",
        "speaks no TLS",
        "can't be found",
    ]) {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
}

#[test]
fn what_a_server_can_not_do_is_answered_without_asking_it() {
    let server = Server::start([]);
    let mut worker = worker();
    assert_eq!(worker.ask(question("why?")).failed().kind, FailureKind::NotLoaded);
    worker.ask(load(options(&server), "qwen")).done();
    let messages = || vec![ChatMessage::text(Role::User, "eight letters")];
    let measured = worker.ask(Request::Measure { messages: messages(), tools: Vec::new() });
    assert!(measured.ledger().estimated && measured.ledger().entries.len() == 2);
    assert!(worker.ask(Request::prefill(messages())).ledger().total_tokens > 0);
    let path = std::path::PathBuf::from("/nonexistent");
    for request in [
        Request::SaveState { path: path.clone(), most_bytes: None },
        Request::RestoreState { path },
        Request::Listen { speech: SpeechOptions::default() },
    ] {
        assert_eq!(worker.ask(request).failed().kind, FailureKind::Unsupported);
    }
    assert!(server.questions().is_empty(), "nothing is sent before it is asked");
    let old = Request::Load { protocol: 1, model: "m".into(), mmproj: None, options: LoadOptions::default() };
    assert_eq!(worker.ask(old).failed().kind, FailureKind::Protocol);
}

/// The server as another machine: reached through a proxy, as a person's own would be.
pub(crate) fn elsewhere(server: &Server, redact: bool) -> WorkerClient {
    let proxy = format!("http://127.0.0.1:{}", server.port);
    let mut worker =
        WorkerClient::start_with(PROGRAM, &[("TEST_KEY", KEY), ("http_proxy", &proxy), ("no_proxy", "")]);
    let url = "http://server.example:8000/v1".into();
    let loaded = worker.ask(load(ServerOptions { url, redact, ..options(server) }, ""));
    let server = info(&loaded).server.unwrap();
    assert_eq!((server.address.as_str(), server.elsewhere), ("server.example:8000", true));
    worker
}

#[test]
fn secrets_stay_here_when_the_server_is_elsewhere() {
    let secret = "AKIAQYLPMN5HHHFPZAM2";
    let ask = || question(&format!("is {secret} valid? {secret}"));
    let there = Server::start([says("No.")]);
    let answer = elsewhere(&there, true).ask(ask());
    assert!(!there.all().contains(secret), "{}", there.all());
    assert_eq!(there.questions()[0].json()["messages"][0]["content"], "is <secret:1> valid? <secret:1>");
    let found = answer.events.iter().find_map(|event| match event {
        Event::Redacted(found) => Some(found.to_string()),
        _ => None,
    });
    assert_eq!(found.as_deref(), Some("1 secret in 2 places"));

    let off = Server::start([says("No.")]);
    let answer = elsewhere(&off, false).ask(ask());
    assert!(off.all().contains(secret) && !answer.events.iter().any(|e| matches!(e, Event::Redacted(_))));

    let here = Server::start([says("No.")]);
    let answer = loaded(options(&here)).ask(ask());
    assert!(here.all().contains(secret) && !answer.events.iter().any(|e| matches!(e, Event::Redacted(_))));
}
