//! The real whisper worker, spoken to over its pipes: who it is, and that it says what it
//! can't do.

mod worker_client;

use percept::wire::{FailureKind, Request};
use worker_client::WorkerClient;

#[test]
fn it_says_who_it_is_and_that_it_can_not_transcribe_yet() {
    // Starting waits for `Ready`.
    let mut worker = WorkerClient::start(env!("CARGO_BIN_EXE_percept-whisper"));
    let failure = worker
        .ask(Request::Transcribe {
            path: "/none.wav".into(),
            speech: percept::wire::SpeechOptions::default(),
        })
        .failed();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.message.contains("transcribe"), "{}", failure.message);
}
