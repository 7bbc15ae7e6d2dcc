//! Vectors by a server, of which some misbehave.

use percept::wire::{
    EmbedInput, Event, FailureKind, LoadOptions, PROTOCOL_VERSION, Request, ServerOptions, floats,
};
use serde_json::{Value, json};

use crate::common::Home;
use crate::run_with;
use crate::server::{Reply, Server};
use crate::worker::{PROGRAM, info, options};
use crate::worker_client::{Answer, WorkerClient};

/// Vectors as a server answers them, in the order of the numbers.
fn vectors(items: &[(usize, Value)]) -> Reply {
    let data: Vec<Value> = items.iter().map(|(index, v)| json!({ "index": index, "embedding": v })).collect();
    Reply::Plain(200, "", json!({ "data": data, "usage": { "prompt_tokens": 3 } }).to_string())
}

/// The answer to the first question: how long they are.
fn probe() -> Reply {
    vectors(&[(0, json!([1, 0]))])
}

fn load(server: ServerOptions) -> Request {
    let options = LoadOptions { server: Some(Box::new(server)), embed: true, ..LoadOptions::default() };
    Request::Load { protocol: PROTOCOL_VERSION, model: "".into(), mmproj: None, options }
}

fn embed(texts: &[&str]) -> Request {
    let (before, after) = ("query: ".to_owned(), String::new());
    let input = |text: &&str| EmbedInput::Text {
        before: before.clone(),
        text: (*text).to_owned(),
        after: after.clone(),
    };
    Request::Embed { inputs: texts.iter().map(input).collect() }
}

fn loaded(server: &Server) -> WorkerClient {
    let mut worker = WorkerClient::start(PROGRAM);
    assert_eq!(info(&worker.ask(load(options(server)))).dimensions, Some(2));
    worker
}

fn numbers(answer: &Answer) -> Vec<f32> {
    answer
        .events
        .iter()
        .flat_map(|event| match event {
            Event::Vectors { data, dimensions: 2 } => floats::decode(data).unwrap(),
            Event::Vectors { .. } => panic!("{event:?}"),
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn vectors_come_in_order_and_with_length_one_whatever_the_server_does_to_that() {
    let server = Server::start([
        probe(),
        vectors(&[(1, json!([0, -7])), (0, json!("AABAQAAAgEA="))]),
        Reply::Plain(503, "", String::new()),
        vectors(&[(0, json!([1, 0]))]),
    ]);
    let mut worker = loaded(&server);
    let answer = worker.ask(embed(&["one", "two"]));
    assert_eq!(numbers(&answer), [0.6, 0.8, 0.0, -1.0]);
    assert_eq!(answer.done().usage.prompt_tokens, 3);
    assert_eq!(numbers(&worker.ask(embed(&["again"]))), [1.0, 0.0]);
    let sent = server.asked("/embeddings");
    assert_eq!(sent[1].json()["input"], json!(["query: one", "query: two"]));
    assert_eq!((sent.len(), &sent[1].json()["model"]), (4, &json!("qwen")));
}

#[test]
fn many_texts_are_asked_for_in_parts_and_one_that_is_too_long_by_its_beginning() {
    let all = |count: usize| vectors(&(0..count).map(|place| (place, json!([1, 0]))).collect::<Vec<_>>());
    let long = || {
        let said = "input (900 tokens) is too large to process. increase the physical batch size";
        Reply::Plain(500, "", json!({ "error": { "message": said } }).to_string())
    };
    let server = Server::start([probe(), all(32), all(1), long(), long(), all(1), all(1)]);
    let mut worker = loaded(&server);
    assert_eq!(numbers(&worker.ask(embed(&["x"; 33]))).len(), 66);
    // Two texts: refused together, the first one refused again, then its half, then the other.
    let first = "a".repeat(100);
    assert_eq!(numbers(&worker.ask(embed(&[&first, "b"]))).len(), 4);
    let sent: Vec<Value> =
        server.asked("/embeddings")[3..].iter().map(|sent| sent.json()["input"].clone()).collect();
    assert_eq!(sent.len(), 4);
    assert_eq!(sent[2][0].as_str().unwrap().len(), 107 / 2);
    assert_eq!(sent[3], json!(["query: b"]));
}

#[test]
fn a_server_that_does_not_know_base64_is_asked_for_numbers_from_then_on() {
    let refused = json!({ "error": { "message": "encoding_format: only float is supported" } });
    let refused = Reply::Plain(422, "", refused.to_string());
    let server = Server::start([refused, probe(), vectors(&[(0, json!([0, 1]))])]);
    let mut worker = loaded(&server);
    assert_eq!(numbers(&worker.ask(embed(&["x"]))), [0.0, 1.0]);
    let formats: Vec<Value> =
        server.asked("/embeddings").iter().map(|sent| sent.json()["encoding_format"].clone()).collect();
    assert_eq!(formats, ["base64", "float", "float"]);
}

#[test]
fn what_is_no_vector_of_this_model_is_refused() {
    let cases = [
        (vectors(&[(0, json!([1, 0, 0]))]), "where others have 2"),
        (vectors(&[(0, json!([0, 0]))]), "no direction"),
        (vectors(&[(0, json!("AADAfwAAgD8="))]), "no direction"),
        (vectors(&[(1, json!([1, 0]))]), "numbered a vector 1"),
        (vectors(&[]), "0 vectors to 1 texts"),
        (Reply::Plain(200, "", "<html>".into()), "no vectors at /embeddings"),
        (Reply::Plain(200, "", r#"{"data":[{"embedding":[1,null]}]}"#.into()), "no vectors at /embeddings"),
        (Reply::Plain(404, "", String::new()), "no such address, or no such model"),
        (Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_vec()), "broke off"),
    ];
    for (reply, why) in cases {
        let shown = format!("{reply:?}");
        let server = Server::start([probe(), reply]);
        let failed = loaded(&server).ask(embed(&["x"])).failed();
        assert!(failed.message.contains(why), "{shown}: {failed}");
        assert_eq!(failed.kind, FailureKind::Server, "{shown}");
    }
    let server = Server::start([Reply::Plain(501, "", json!({ "error": "no embeddings" }).to_string())]);
    let failed = WorkerClient::start(PROGRAM).ask(load(options(&server))).failed();
    assert!(failed.message.contains("no embeddings"), "{failed}");
}

#[test]
fn an_index_is_filled_through_a_server_elsewhere_that_is_named_and_gets_no_secret() {
    let secret = "AKIAQYLPMN5HHHFPZAM2";
    let home = Home::new();
    let notes = home.path("notes");
    std::fs::create_dir(&notes).unwrap();
    std::fs::write(notes.join("deploy.md"), format!("The bucket is opened with {secret} by the deploy job."))
        .unwrap();
    let all = || vectors(&[(0, json!([1, 0]))]);
    let server = Server::start((0..8).map(|_| all()));
    let proxy = format!("http://127.0.0.1:{}", server.port);
    let settings = |model| {
        [
            ("PERCEPT_EMBEDDING_KIND", "openai"),
            ("PERCEPT_EMBEDDING_BASE_URL", "http://vectors.example:8000/v1"),
            ("PERCEPT_EMBEDDING_RETRIES", "0"),
            ("PERCEPT_EMBEDDING_MODEL", model),
            ("http_proxy", proxy.as_str()),
        ]
    };
    let ran = run_with(&home, &settings(""), &["index", "add", notes.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.err.contains("goes to vectors.example:8000 for vectors, secrets replaced"), "{}", ran.err);
    assert!(server.all().contains("<secret:1>") && !server.all().contains(secret), "{}", server.all());
    let ran = run_with(&home, &settings(""), &["find", "--mode", "semantic", "bucket"]);
    assert!(ran.err.contains("what is looked for goes to vectors.example:8000"), "{}", ran.err);
    assert!(ran.out.contains("deploy.md"), "{ran:?}");
    let note = notes.join("deploy.md");
    let ran = run_with(&home, &settings(""), &["index", "confirm", "bucket", note.to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = run_with(&home, &settings(""), &["index", "teach"]);
    assert!(ran.err.contains("were confirmed go to vectors.example:8000 for vectors"), "{ran:?}");
    let said = "what find_documents looks for goes to vectors.example:8000";
    let ran = run_with(&home, &settings(""), &["ask", "why?"]);
    assert_eq!((ran.code, ran.err.contains(said)), (Some(0), true), "{ran:?}");
    let ran = run_with(&home, &settings(""), &["ask", "--no-tools", "why?"]);
    assert_eq!((ran.code, ran.err.contains(said)), (Some(0), false), "{ran:?}");

    // Another model's vectors are others: none of those that are there is used.
    let ran = run_with(&home, &settings("qwen"), &["index", "status"]);
    assert!(ran.out.contains("by meaning: qwen (1 of 1 passages)"), "the same model by its name: {ran:?}");
    let ran = run_with(&home, &settings("other"), &["find", "--mode", "semantic", "bucket"]);
    assert!(!ran.out.contains("deploy.md") && ran.err.contains("has no model `other`"), "{ran:?}");

    // The same name with vectors of another length: nothing is mixed, and it is said what to do.
    let long = || vectors(&[(0, json!([1, 0, 0]))]);
    let other = Server::start((0..8).map(|_| long()));
    let proxy = format!("http://127.0.0.1:{}", other.port);
    let mut settings = settings("");
    settings[4].1 = proxy.as_str();
    let ran = run_with(&home, &settings, &["find", "--mode", "semantic", "bucket"]);
    assert!(ran.err.contains("vectors have 3 numbers, those of before 2"), "{ran:?}");
    let ran = run_with(&home, &settings, &["index", "rebuild"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = run_with(&home, &settings, &["find", "--mode", "semantic", "bucket"]);
    assert!(ran.out.contains("deploy.md"), "{ran:?}");
}
