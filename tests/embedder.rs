//! What the index asks for vectors, scores and captions, with the fake worker's processes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Home, embedding_model, embedding_projector};
use percept::catalogue::{Catalogue, ReadyEmbedding};
use percept::engines::{Captioner, Embedder, Reranker, WorkerOptions};
use percept::retrieval::{EmbedRole, Embedder as _, Input, Reranker as _};

/// A script around the fake worker, since its behaviour comes through the environment. It leaves
/// a line for each process.
fn worker(home: &Home, behaviour: &str) -> WorkerOptions {
    let script = format!(
        "#!/bin/sh\necho $$ >> '{}'\nPERCEPT_FAKE='{behaviour}' PERCEPT_FAKE_ONCE='{}' exec '{}'\n",
        home.path("started").display(),
        home.path("died").display(),
        common::fake_worker().display()
    );
    WorkerOptions::new(home.program("worker", &script))
}

/// The numbers of the processes that were started.
fn started(home: &Home) -> Vec<u32> {
    let lines = std::fs::read_to_string(home.path("started")).unwrap_or_default();
    lines.lines().map(|line| line.parse().unwrap()).collect()
}

fn catalogue(home: &Home) -> Catalogue {
    Catalogue::load(&home.path("config/models")).0
}

fn model(home: &Home) -> ReadyEmbedding {
    let path = embedding_model(&home.path("model.gguf"), 64, 1);
    catalogue(home).embedding(path.to_str(), &home.path("cache")).unwrap()
}

fn never() -> AtomicBool {
    AtomicBool::new(false)
}

#[test]
fn vectors_come_in_order_and_nothing_is_started_before() {
    let home = Home::new();
    let embedder = Embedder::new(worker(&home, ""), model(&home), None);
    assert_eq!((embedder.space().dimensions, embedder.space().most_tokens), (64, 512));
    assert_eq!(embedder.embed(EmbedRole::Query, &[], &never()).unwrap().len(), 0);
    assert!(started(&home).is_empty());
    let picture = PathBuf::from(common::sample("error.png"));
    // More than one request: the texts are longer than one holds.
    let long = "far ".repeat(100_000);
    let mut inputs = vec![Input::Text("the cat"), Input::Picture(&picture), Input::Text("")];
    inputs.extend([Input::Text(&long); 6]);
    inputs.push(Input::Text("THE cat!"));
    let found = embedder.embed(EmbedRole::Passage, &inputs, &never()).unwrap();
    assert_eq!(found.len(), inputs.len());
    assert_eq!(found[0], found[9]);
    assert_ne!(found[0], found[1]);
    assert_eq!(embedder.embed(EmbedRole::Query, &inputs[..1], &never()).unwrap()[0], found[0]);
    assert_eq!(started(&home).len(), 1);
}

#[test]
fn a_worker_that_dies_is_started_again_once_and_what_fails_is_said() {
    let home = Home::new();
    let embedder = Embedder::new(worker(&home, "dieembed"), model(&home), None);
    let inputs = [Input::Text("one"), Input::Text("two")];
    assert_eq!(embedder.embed(EmbedRole::Passage, &inputs, &never()).unwrap().len(), 2);
    assert_eq!(started(&home).len(), 2);

    let home = Home::new();
    let embedder = Embedder::new(worker(&home, "noembed"), model(&home), None);
    let error = embedder.embed(EmbedRole::Passage, &inputs, &never()).unwrap_err();
    assert_eq!(error, "The embedding model is cut off. Copy it again.");
    let missing = Embedder::new(WorkerOptions::new("/nonexistent/worker".into()), model(&home), None);
    let error = missing.embed(EmbedRole::Passage, &inputs, &never()).unwrap_err();
    assert!(error.contains("is not there"), "{error}");
}

#[test]
fn stopping_it_is_no_death_and_a_worker_that_hangs_is_ended() {
    let home = Home::new();
    let embedder = Embedder::new(worker(&home, "hangembed"), model(&home), None);
    let inputs = [Input::Text("one"), Input::Text("two")];
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let embedding = scope.spawn(|| embedder.embed(EmbedRole::Passage, &inputs, &stop));
        while !home.path("died").exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(embedding.join().unwrap().unwrap_err(), "It was stopped.");
    });
    assert_eq!(embedder.embed(EmbedRole::Passage, &inputs, &never()).unwrap().len(), 2);
    assert_eq!(started(&home).len(), 2);
}

#[test]
fn a_query_goes_before_what_waits_in_the_background() {
    let home = Home::new();
    let embedder = Embedder::new(worker(&home, "slowembed"), model(&home), None);
    let background = [Input::Text("passage"); 5];
    embedder.embed(EmbedRole::Passage, &background, &never()).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Two that would starve it, were it not first.
        let busy = || {
            while !stop.load(Ordering::Relaxed) {
                let _ = embedder.embed(EmbedRole::Passage, &background, &stop);
            }
        };
        scope.spawn(busy);
        scope.spawn(busy);
        for _ in 0..3 {
            assert_eq!(embedder.embed(EmbedRole::Query, &background[..1], &never()).unwrap().len(), 1);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn unused_it_ends_and_is_started_for_the_next() {
    let home = Home::new();
    let idle = Duration::from_millis(50);
    let embedder = Embedder::ending_after(worker(&home, ""), model(&home), None, idle);
    for round in 1..=2 {
        embedder.embed(EmbedRole::Query, &[Input::Text("q")], &never()).unwrap();
        let processes = started(&home);
        assert_eq!(processes.len(), round);
        assert!(common::is_gone(processes[round - 1]), "it goes on unused");
    }
    let embedder = Embedder::new(worker(&home, ""), model(&home), None);
    embedder.embed(EmbedRole::Query, &[Input::Text("q")], &never()).unwrap();
    let last = started(&home)[2];
    drop(embedder);
    assert!(common::is_gone(last), "it outlives who asked it");
}

#[test]
fn pairs_are_scored_and_pictures_described() {
    let home = Home::new();
    let path = embedding_model(&home.path("rerank.gguf"), 8, 4);
    let ready = catalogue(&home).reranker(path.to_str(), &home.path("cache")).unwrap();
    let reranker = Reranker::new(worker(&home, ""), &ready, None);
    let scores = reranker.score("the red door", &["a blue door", "the red door", ""], &never()).unwrap();
    assert_eq!(scores, [1.0, 3.0, 0.0]);

    let ready = catalogue(&home).ready("starter", &home.path("cache")).unwrap();
    let captioner = Captioner::new(worker(&home, ""), &ready, "What is it?".to_owned()).unwrap();
    let caption = captioner.caption(common::sample("error.png").as_ref(), &never()).unwrap();
    assert!(caption.starts_with("You asked \"What is it?\" about 1 pictures"), "{caption}");
    assert_eq!(captioner.name(), "starter");
    let error = captioner.caption(&home.path("none.png"), &never()).unwrap_err();
    assert!(error.contains("none.png can't be read"), "{error}");
    let blind = percept::catalogue::ReadyModel { mmproj: None, ..ready };
    assert!(Captioner::new(worker(&home, ""), &blind, String::new()).is_none());
}

#[test]
fn percept_registers_them_and_says_what_they_are_for() {
    let home = Home::new();
    let path = embedding_model(&home.path("minilm.gguf"), 64, 1);
    let ran = home.run("", &["models", "add", "minilm", path.to_str().unwrap()]);
    assert!(ran.out.contains("It finds documents by their meaning"), "{ran:?}");
    let ran = home.run("", &["models", "list"]);
    assert!(ran.out.contains("\nembeddings\n") && ran.out.contains("● minilm"), "{}", ran.out);
    let ran = home.run("", &["models", "show", "nomic-embed-text-v1.5"]);
    assert!(ran.out.contains("\"search_query: \"") && ran.out.contains("finds vectors"), "{}", ran.out);
    assert!(home.run("", &["models", "verify", "minilm"]).out.contains("bert"));
    let ran = home.run("", &["ask", "-m", "minilm", "why?"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("minilm finds vectors, it can't answer"), "{}", ran.err);
    let ran = home.run("", &["ask", "-m", path.to_str().unwrap(), "why?"]);
    assert!(ran.err.contains("it can't answer"), "{}", ran.err);

    let folder = home.path("pictures");
    std::fs::create_dir(&folder).unwrap();
    let seeing = embedding_model(&folder.join("seeing.gguf"), 64, 3);
    embedding_projector(&folder.join("mmproj.gguf"));
    let ran = home.run("", &["models", "add", "seeing", seeing.to_str().unwrap()]);
    assert!(ran.out.contains("documents and pictures"), "{ran:?}");
    let catalogue = Catalogue::load(&home.path("config/models")).0;
    let ready = catalogue.embedding(None, &home.path("cache")).unwrap();
    assert!(ready.pictures && ready.name == "seeing", "{ready:?}");
}
