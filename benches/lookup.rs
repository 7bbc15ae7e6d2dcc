//! Tokens a second with lookup drafting against without, the same answers in turn: where an
//! answer quotes, where it repeats itself, and in free text, which quotes nothing.
//!
//! ```sh
//! cargo bench --bench lookup -- benches/.pairs/random-256m.gguf [quotation|repetition|free text]
//! ```
//!
//! The weights are random, so the answers are made to be what they should be: a quotation is a
//! call whose schema leaves nothing else to say, free text is drawn at temperature 1, and greedily
//! random weights soon repeat themselves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a measurement")]

#[path = "../tests/worker_client/mod.rs"]
mod worker_client;

use std::path::{Path, PathBuf};

use percept::message::Role;
use percept::wire::{ChatMessage, LoadOptions, PROTOCOL_VERSION, Request, Sampling, ToolSpec, Usage};
use serde_json::json;
use worker_client::WorkerClient;

const ROUNDS: usize = 5;
const TOKENS: u32 = 128;
const CONTEXT: u32 = 4096;
const THREADS: u32 = 2;

/// What is quoted: lines of a log, as one asks for them.
const LINES: [&str; 6] = [
    "Nov 04 11:32:09 web-2 sshd[812]: error: kex_exchange_identification: Connection closed by remote host",
    "Nov 04 11:32:11 web-2 systemd[1]: nginx.service: Main process exited, code=killed, status=9/KILL",
    "Nov 04 11:32:11 web-2 kernel: Out of memory: Killed process 7712 (node) total-vm:11325416kB",
    "Nov 04 11:32:14 web-2 nginx[8120]: bind() to 0.0.0.0:443 failed (98: Address already in use)",
    "Nov 04 11:32:15 web-2 systemd[1]: nginx.service: Failed with result 'exit-code'.",
    "Nov 04 11:32:19 web-2 dockerd[611]: containerd: cgroup: memory limit of 512 MiB was reached",
];

fn loaded(model: &Path, no_lookup: bool) -> WorkerClient {
    let mut worker = WorkerClient::start(env!("CARGO_BIN_EXE_percept-llama"));
    let options =
        LoadOptions { context: Some(CONTEXT), threads: Some(THREADS), no_lookup, ..LoadOptions::default() };
    let load = Request::Load { protocol: PROTOCOL_VERSION, model: model.to_owned(), mmproj: None, options };
    worker.ask(load).done();
    worker
}

fn about_the_log() -> Vec<ChatMessage> {
    vec![ChatMessage::text(Role::User, format!("{}\nWhich lines say why nginx ended?", LINES.join("\n")))]
}

/// An answer that quotes two of the lines.
fn quotation(round: usize) -> Request {
    let line = |number: usize| json!({ "type": "string", "const": LINES[(round + number) % LINES.len()] });
    let parameters = json!({
        "type": "object",
        "properties": { "first": line(0), "second": line(2) },
        "required": ["first", "second"],
        "additionalProperties": false,
    });
    Request::Generate {
        messages: about_the_log(),
        sampling: Sampling::default(),
        max_tokens: Some(TOKENS),
        tools: vec![ToolSpec { name: "quote".into(), description: "Quotes lines.".into(), parameters }],
        must_call: true,
    }
}

fn free_text(round: usize) -> Request {
    let sampling = Sampling { temperature: 1.0, seed: Some(round as u32), ..Sampling::default() };
    Request::generate(about_the_log(), sampling, Some(TOKENS))
}

fn repetition(round: usize) -> Request {
    let mut messages = about_the_log();
    messages.push(ChatMessage::text(Role::Assistant, LINES[round % LINES.len()]));
    messages.push(ChatMessage::text(Role::User, "And then?"));
    Request::generate(messages, Sampling::default(), Some(TOKENS))
}

/// Tokens a second, and what was used.
fn speed(worker: &mut WorkerClient, request: &Request) -> (f64, Usage) {
    let report = worker.ask(request.clone()).done();
    (report.timings.tokens_per_second(report.usage.completion_tokens), report.usage)
}

/// The request of a round.
type Asked = fn(usize) -> Request;

fn measure(name: &str, model: &Path, request: Asked) {
    let (mut plain, mut drafting) = (loaded(model, true), loaded(model, false));
    let mut ratios = Vec::new();
    let (mut drafted, mut confirmed, mut said) = (0, 0, 0);
    for round in 0..ROUNDS {
        let request = request(round);
        let (without, _) = speed(&mut plain, &request);
        let (with, usage) = speed(&mut drafting, &request);
        ratios.push(with / without);
        drafted += usage.drafted_tokens;
        confirmed += usage.confirmed_tokens;
        said += usage.completion_tokens;
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "{name:12} {:.3} x ({:.3} to {:.3}); of {said} tokens {confirmed} were drafted, {} more in vain",
        ratios[ROUNDS / 2],
        ratios[0],
        ratios[ROUNDS - 1],
        drafted - confirmed
    );
}

fn main() {
    // `cargo bench` adds a flag of its own.
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let Some(model) = arguments.next().map(PathBuf::from) else {
        println!("usage: cargo bench --bench lookup -- MODEL.gguf [quotation|repetition|free text]");
        return;
    };
    let (model, only) = (model.canonicalize().expect("the model"), arguments.next());
    let measured: [(&str, Asked); 3] =
        [("quotation", quotation), ("repetition", repetition), ("free text", free_text)];
    for (name, request) in measured {
        if only.as_ref().is_none_or(|only| only == name) {
            measure(name, &model, request);
        }
    }
}
