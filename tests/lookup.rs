//! Lookup drafting of the real llama worker: what is drafted changes how soon an answer comes and
//! nothing of what it says.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod worker_client;

use std::path::{Path, PathBuf};

use percept::attachment::AttachmentId;
use percept::message::Role;
use percept::wire::{
    ChatMessage, Content, LoadOptions, PROTOCOL_VERSION, Request, Sampling, StopReason, ToolSpec, Usage,
};
use serde_json::json;
use worker_client::{Answer, WorkerClient};

/// What a call has to quote.
const QUOTED: &str = "2026-11-04 11:32:09 sshd[812]: error: kex_exchange_identification: Connection closed";

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn loaded(no_lookup: bool) -> WorkerClient {
    let mut worker = WorkerClient::start(env!("CARGO_BIN_EXE_percept-llama"));
    let load = Request::Load {
        protocol: PROTOCOL_VERSION,
        model: root("models/starter/starter-f16.gguf"),
        mmproj: Some(root("models/starter/mmproj-starter-f16.gguf")),
        options: LoadOptions { threads: Some(1), no_lookup, ..LoadOptions::default() },
    };
    worker.ask(load).done();
    worker
}

fn said(role: Role, text: &str) -> ChatMessage {
    ChatMessage::text(role, text)
}

fn about_sample(question: &str) -> Vec<ChatMessage> {
    let path = root("samples/error.png");
    let hash = AttachmentId::of(&std::fs::read(&path).unwrap());
    let text = question.to_owned();
    vec![ChatMessage {
        role: Role::User,
        content: vec![Content::Image { hash, path }, Content::Text { text }],
    }]
}

/// A request whose answer can only be a quotation, whatever the weights.
fn quote() -> Request {
    let quoted = json!({ "type": "string", "const": QUOTED });
    let twice = json!({
        "type": "object",
        "properties": { "line": quoted, "again": quoted },
        "required": ["line", "again"],
        "additionalProperties": false,
    });
    Request::Generate {
        messages: vec![said(Role::User, &format!("Quote this line: {QUOTED}"))],
        sampling: Sampling::default(),
        max_tokens: Some(400),
        tools: vec![ToolSpec { name: "quote".into(), description: "Quotes.".into(), parameters: twice }],
        must_call: true,
    }
}

fn requests() -> Vec<Request> {
    let greedy = Sampling::default;
    let drawn = |seed| Sampling { temperature: 0.7, seed: Some(seed), ..greedy() };
    let log = format!("{QUOTED}\n{QUOTED}\nWhat is in this log?");
    let mut requests = vec![
        Request::generate(about_sample("What does the error say?"), greedy(), Some(60)),
        Request::generate(about_sample("Read the text."), greedy(), Some(200)),
        Request::generate(vec![said(Role::User, &log)], greedy(), Some(300)),
        Request::generate(vec![said(Role::User, "abcabcabcabcabcabc")], greedy(), Some(300)),
        quote(),
    ];
    requests
        .extend((0..6).map(|seed| Request::generate(vec![said(Role::User, &log)], drawn(seed), Some(120))));
    requests
}

/// All that may not differ: what was said, how sure it was, and why it ended.
fn heard(answer: &Answer) -> (String, StopReason, u64) {
    (answer.text(), answer.done().stop, answer.done().usage.completion_tokens)
}

#[test]
fn the_same_is_said_with_and_without_drafts() {
    let (mut plain, mut drafting) = (loaded(true), loaded(false));
    let (mut drafted, mut confirmed) = (0, 0);
    for request in requests() {
        let (expected, answer) = (plain.ask(request.clone()), drafting.ask(request.clone()));
        assert_eq!(heard(&answer), heard(&expected), "{request:?}");
        for (ours, theirs) in answer.logprobs().zip(expected.logprobs()) {
            assert!((ours - theirs).abs() < 0.02, "{ours} and {theirs}: {request:?}");
        }
        let Usage { drafted_tokens, confirmed_tokens, .. } = answer.done().usage;
        drafted += drafted_tokens;
        confirmed += confirmed_tokens;
        assert_eq!(expected.done().usage.drafted_tokens, 0);
    }
    assert!(confirmed > 100, "{confirmed} of {drafted}");
    assert!(drafted > confirmed, "some had to be rolled back: {confirmed} of {drafted}");
}

#[test]
fn a_quotation_is_mostly_drafted_and_what_follows_goes_on_from_the_cache() {
    let (mut plain, mut drafting) = (loaded(true), loaded(false));
    let usage = drafting.ask(quote()).done().usage;
    assert!(2 * usage.confirmed_tokens > usage.completion_tokens, "{usage:?}");
    // The first turn's cache holds what was said, and nothing of what was only drafted.
    let mut longer = about_sample("Read the text.");
    let answer = drafting.ask(Request::generate(longer.clone(), Sampling::default(), Some(100)));
    longer.push(said(Role::Assistant, &answer.text()));
    longer.push(said(Role::User, "What is the title of the dialog?"));
    let next = Request::generate(longer, Sampling::default(), Some(60));
    let (expected, answer) = (plain.ask(next.clone()), drafting.ask(next));
    assert_eq!(heard(&answer), heard(&expected));
    assert!(answer.done().usage.cached_tokens > 100, "{:?}", answer.done().usage);
}

#[test]
fn a_limit_ends_a_draft_too() {
    let mut worker = loaded(false);
    for most in [1, 5, 40, 41, 42, 43] {
        let Request::Generate { messages, sampling, tools, must_call, .. } = quote() else { return };
        let limited = Request::Generate { messages, sampling, tools, must_call, max_tokens: Some(most) };
        let done = worker.ask(limited).done();
        assert_eq!((done.stop, done.usage.completion_tokens), (StopReason::MaxTokens, u64::from(most)));
    }
}
