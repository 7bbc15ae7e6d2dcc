//! The supervisor of a worker, with real processes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::time::Duration;

use percept::engines::{Worker, WorkerEvent, WorkerOptions, probe};
use percept::wire::{ChatMessage, Envelope, Event, LoadOptions, PROTOCOL_VERSION, Request, Sampling};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A script around the fake worker, since its behaviour comes through the environment.
fn options(behaviour: &str, home: &common::Home) -> WorkerOptions {
    let script = format!(
        "#!/bin/sh\nPERCEPT_FAKE='{behaviour}' PERCEPT_FAKE_ONCE='{}' exec '{}'\n",
        home.path("died").display(),
        common::fake_worker().display()
    );
    let path = home.program("worker", &script);
    WorkerOptions {
        first_retry: Duration::from_millis(10),
        longest_retry: Duration::from_millis(20),
        ready_within: Duration::from_millis(1000),
        ..WorkerOptions::new(path)
    }
}

async fn next(events: &mut UnboundedReceiver<WorkerEvent>) -> WorkerEvent {
    tokio::time::timeout(Duration::from_secs(20), events.recv()).await.unwrap().unwrap()
}

fn load() -> Request {
    let model = "m.gguf".into();
    Request::Load { protocol: PROTOCOL_VERSION, model, mmproj: None, options: LoadOptions::default() }
}

fn generate() -> Request {
    let messages = vec![ChatMessage::text(percept::message::Role::User, "q")];
    Request::generate(messages, Sampling::default(), None)
}

#[tokio::test]
async fn a_worker_that_dies_is_started_again_and_works() {
    let home = common::Home::new();
    let (sender, mut events) = unbounded_channel();
    let worker = Worker::spawn(options("die", &home), sender);
    assert!(matches!(next(&mut events).await, WorkerEvent::Up(_)));
    worker.send(1, generate());
    let reason = loop {
        if let WorkerEvent::Down { reason, retry_in } = next(&mut events).await {
            assert!(retry_in.is_some());
            break reason;
        }
    };
    assert!(reason.contains("exit code 7") && reason.contains("dying as told"), "{reason}");
    assert!(matches!(next(&mut events).await, WorkerEvent::Up(_)));
    worker.send(2, load());
    loop {
        match next(&mut events).await {
            WorkerEvent::Said(Envelope { id: 2, body: Event::Done(_) }) => break,
            WorkerEvent::Said(Envelope { id, .. }) => assert_eq!(id, 2),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn one_that_always_dies_is_given_up_until_it_is_asked_again() {
    let home = common::Home::new();
    let mut options = options("", &home);
    options.program = "/bin/false".into();
    options.most_deaths = 3;
    let (sender, mut events) = unbounded_channel();
    let worker = Worker::spawn(options, sender);
    for round in 0..2 {
        for death in 1..=3 {
            let WorkerEvent::Down { reason, retry_in } = next(&mut events).await else { panic!("no death") };
            assert!(reason.contains("exit code 1"), "{reason}");
            assert_eq!(retry_in.is_some(), death < 3, "death {death} of round {round}");
        }
        worker.send(9, load());
    }
}

#[tokio::test]
async fn what_is_no_worker_of_ours_is_not_started_again() {
    for (behaviour, why) in [("old", "version 0"), ("mute", "said nothing")] {
        let home = common::Home::new();
        let (sender, mut events) = unbounded_channel();
        let _worker = Worker::spawn(options(behaviour, &home), sender);
        let WorkerEvent::Down { reason, retry_in } = next(&mut events).await else {
            panic!("{behaviour} is up")
        };
        assert!(reason.contains(why), "{reason}");
        assert_eq!(retry_in.is_none(), behaviour == "old");
        assert!(probe(&options(behaviour, &home)).unwrap_err().contains(why));
    }
    let (sender, mut events) = unbounded_channel();
    let _worker = Worker::spawn(WorkerOptions::new("/nonexistent/percept-llama".into()), sender);
    let WorkerEvent::Down { reason, retry_in: None } = next(&mut events).await else { panic!("it is up") };
    assert!(reason.contains("is not there"), "{reason}");
}

#[tokio::test]
async fn killed_by_a_signal_it_says_so() {
    let home = common::Home::new();
    let script = home.write("dies.sh", "#!/bin/sh\nkill -SEGV $$\n");
    std::process::Command::new("chmod").arg("+x").arg(&script).status().unwrap();
    let (sender, mut events) = unbounded_channel();
    let _worker = Worker::spawn(WorkerOptions::new(script), sender);
    let WorkerEvent::Down { reason, .. } = next(&mut events).await else { panic!("it is up") };
    assert!(reason.contains("SIGSEGV"), "{reason}");
}

#[tokio::test]
async fn restarted_on_demand_it_is_no_death() {
    let home = common::Home::new();
    let mut options = options("slow long", &home);
    options.most_deaths = 1;
    let (sender, mut events) = unbounded_channel();
    let worker = Worker::spawn(options, sender);
    for _ in 0..3 {
        assert!(matches!(next(&mut events).await, WorkerEvent::Up(_)));
        worker.send(1, generate());
        next(&mut events).await;
        worker.restart();
        let retry_in = loop {
            if let WorkerEvent::Down { retry_in, .. } = next(&mut events).await {
                break retry_in;
            }
        };
        assert!(retry_in.is_some(), "it would be given up after one death");
    }
}

#[tokio::test]
async fn a_request_that_is_no_line_of_the_protocol_fails() {
    let home = common::Home::new();
    let (sender, mut events) = unbounded_channel();
    let worker = Worker::spawn(options("", &home), sender);
    assert!(matches!(next(&mut events).await, WorkerEvent::Up(_)));
    let text = "x".repeat(percept::wire::MAX_LINE_BYTES);
    let messages = vec![ChatMessage::text(percept::message::Role::User, text)];
    worker.send(5, Request::prefill(messages));
    let WorkerEvent::Said(Envelope { id: 5, body: Event::Failed(failure) }) = next(&mut events).await else {
        panic!("it was lost")
    };
    assert!(failure.message.contains("too long"), "{failure}");
    worker.send(6, load());
    assert!(matches!(next(&mut events).await, WorkerEvent::Said(Envelope { id: 6, .. })));
}

#[tokio::test]
async fn one_that_lived_long_and_never_finished_anything_is_given_up_too() {
    let home = common::Home::new();
    let mut options = options("", &home);
    options.program = "/bin/false".into();
    options.most_deaths = 3;
    options.healthy_after = Duration::ZERO;
    let (sender, mut events) = unbounded_channel();
    let _worker = Worker::spawn(options, sender);
    for death in 1..=3 {
        let WorkerEvent::Down { retry_in, .. } = next(&mut events).await else { panic!("no death") };
        assert_eq!(retry_in.is_some(), death < 3);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn dropping_it_ends_the_process() {
    let home = common::Home::new();
    let (sender, mut events) = unbounded_channel();
    let worker = Worker::spawn(options("slow long", &home), sender);
    assert!(matches!(next(&mut events).await, WorkerEvent::Up(_)));
    worker.send(1, generate());
    next(&mut events).await;
    let marker = format!("PERCEPT_FAKE_ONCE={}", home.path("died").display());
    let runs = || {
        std::fs::read_dir("/proc").unwrap().any(|entry| {
            let environ = entry.unwrap().path().join("environ");
            std::fs::read(environ).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(&marker))
        })
    };
    assert!(runs());
    drop(worker);
    assert!(!runs());
}
