//! Tokens a second of percept-llama over its protocol, against the bare decode loop of
//! llama.cpp: the same file, threads, batch and context, one after the other, several times.
//!
//! ```sh
//! cargo bench --bench decode -- benches/.pairs/random-256m.gguf
//! ```
//!
//! The bare loop picks the most likely token from the logits and decodes it: no text, no
//! log-probabilities, no protocol. It is what llama.cpp itself can do here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a measurement")]

#[path = "../tests/worker_client/mod.rs"]
mod worker_client;

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Instant;

use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use percept::message::Role;
use percept::wire::{ChatMessage, LoadOptions, PROTOCOL_VERSION, Request, Sampling};
use worker_client::WorkerClient;

const ROUNDS: usize = 5;
const TOKENS: u32 = 128;
const CONTEXT: u32 = 1024;
const THREADS: u32 = 2;

/// The bare loop: tokens a second.
fn bare(backend: &LlamaBackend, model: &LlamaModel) -> f64 {
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(CONTEXT))
        .with_n_batch(512)
        .with_n_ubatch(512)
        .with_n_threads(THREADS as i32)
        .with_n_threads_batch(THREADS as i32);
    let mut context = model.new_context(backend, params).expect("a context");
    let mut token = model.vocab().tokenize(b"Read the text.", false, false)[0];
    let mut start = None;
    for position in 0..=TOKENS {
        let mut batch = LlamaBatch::new(1, 1);
        batch.add(token, position as i32, &[0], true).unwrap();
        context.decode(&mut batch).expect("a decode");
        // The first evaluation warms up and is not counted.
        start.get_or_insert_with(Instant::now);
        let logits = context.get_logits_ith(-1);
        let best = logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        token = llama_cpp_2::token::LlamaToken(best as i32);
    }
    f64::from(TOKENS) / start.unwrap().elapsed().as_secs_f64()
}

/// percept-llama: tokens a second as it reports them.
fn over_the_protocol(worker: &mut WorkerClient) -> f64 {
    let report = worker
        .ask(Request::generate(
            vec![ChatMessage::text(Role::User, "Read the text.")],
            Sampling::default(),
            Some(TOKENS),
        ))
        .done();
    report.timings.tokens_per_second(report.usage.completion_tokens)
}

fn main() {
    // `cargo bench` adds a flag of its own.
    let model_path = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let Some(model_path) = model_path else {
        println!("usage: cargo bench --bench decode -- MODEL.gguf");
        return;
    };
    let mut worker = WorkerClient::start(env!("CARGO_BIN_EXE_percept-llama"));
    let options = LoadOptions { context: Some(CONTEXT), threads: Some(THREADS), ..LoadOptions::default() };
    let (protocol, model) = (PROTOCOL_VERSION, Path::new(&model_path).canonicalize().expect("the model"));
    worker.ask(Request::Load { protocol, model: model.clone(), mmproj: None, options }).done();

    let mut backend = LlamaBackend::init().expect("llama.cpp");
    backend.void_logs();
    let loaded =
        LlamaModel::load_from_file(&backend, &model, &LlamaModelParams::default()).expect("the model");
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let (raw, ours) = (bare(&backend, &loaded), over_the_protocol(&mut worker));
        println!(
            "round {round}: bare {raw:.1} tokens/s, percept-llama {ours:.1} tokens/s, {:.3} x",
            ours / raw
        );
        ratios.push(ours / raw);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median {:.3} x ({:.3} to {:.3})", ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1]);
}
