//! The real whisper worker, spoken to over its pipes.
//!
//! Models and sound are in `../shared`; without them the tests that need them say so and
//! pass. What a model of random weights says means nothing, but must be what whisper.cpp
//! says; real words are tried by hand (docs/audio.md).

mod random_whisper;
mod worker_client;

#[path = "whisper/files.rs"]
mod files;
#[path = "whisper/same.rs"]
mod same;
#[path = "whisper/streams.rs"]
mod streams;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use percept::wire::{
    Event, FailureKind, LoadOptions, ModelInfo, PROTOCOL_VERSION, Request, Segment, SpeechOptions,
};
use worker_client::{Answer, WorkerClient};

/// A file of `../shared`, if it is there.
fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(file);
    if !path.exists() {
        println!("left out: there is no {}", path.display());
    }
    path.exists().then_some(path)
}

fn base() -> Option<PathBuf> {
    shared("models/for-tests-ggml-base.bin")
}

fn silero() -> Option<PathBuf> {
    shared("models/for-tests-silero-v6.2.0-ggml.bin")
}

fn jfk() -> Option<PathBuf> {
    shared("data/speech/jfk.wav")
}

/// A small model of random weights, written once.
fn random() -> Option<PathBuf> {
    static WRITTEN: OnceLock<PathBuf> = OnceLock::new();
    let like = base()?;
    let written = WRITTEN.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("whisper-small.bin");
        random_whisper::write(&path, &like, random_whisper::SMALL, 7);
        path
    });
    Some(written.clone())
}

fn start() -> WorkerClient {
    WorkerClient::start(env!("CARGO_BIN_EXE_percept-whisper"))
}

fn load_request(model: &Path, vad: Option<PathBuf>) -> Request {
    let options = LoadOptions { vad, threads: Some(1), ..LoadOptions::default() };
    Request::Load { protocol: PROTOCOL_VERSION, model: model.to_owned(), mmproj: None, options }
}

fn loaded(model: &Path, vad: Option<PathBuf>) -> WorkerClient {
    let mut worker = start();
    worker.ask(load_request(model, vad)).done();
    worker
}

fn english() -> SpeechOptions {
    SpeechOptions { language: Some("en".to_owned()), ..SpeechOptions::default() }
}

fn segments(answer: &Answer) -> Vec<Segment> {
    let segments = answer.events.iter().filter_map(|event| match event {
        Event::Segment(segment) => Some(segment.clone()),
        _ => None,
    });
    segments.collect()
}

/// The samples of a plain wav file of 16 bits.
fn samples(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let (samples, _) = bytes[44..].as_chunks::<2>();
    samples.iter().map(|bytes| f32::from(i16::from_le_bytes(*bytes)) / 32_768.0).collect()
}

/// Writes one.
fn wav(path: &Path, samples: &[f32]) {
    let bytes = samples.len() as u32 * 2;
    let mut file = b"RIFF".to_vec();
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(16_000_u32.to_le_bytes());
    file.extend(32_000_u32.to_le_bytes());
    file.extend(b"\x02\0\x10\0data");
    file.extend(bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| ((sample * 32_768.0) as i16).to_le_bytes()));
    std::fs::write(path, file).unwrap();
}

#[test]
fn nothing_is_heard_without_a_model_and_other_work_is_not_its_own() {
    let mut worker = start();
    let failure = worker.ask(Request::Listen { speech: english() }).failed();
    assert_eq!(failure.kind, FailureKind::NotLoaded);
    let failure = worker.ask(Request::prefill(Vec::new())).failed();
    assert_eq!(failure.kind, FailureKind::Unsupported);
}

#[test]
fn a_model_says_what_it_is() {
    let (Some(base), Some(english)) = (base(), shared("models/for-tests-ggml-tiny.en.bin")) else { return };
    let mut worker = start();
    let mut info = |model: &Path, vad| -> ModelInfo {
        let events = worker.ask(load_request(model, vad)).events;
        events
            .into_iter()
            .find_map(|event| match event {
                Event::Loaded(info) => Some(info),
                _ => None,
            })
            .unwrap()
    };
    let loaded = info(&base, silero());
    assert_eq!(
        (loaded.name.as_str(), loaded.architecture.as_str()),
        ("base without weights, for tests", "whisper")
    );
    assert_eq!((loaded.threads, loaded.context), (1, 448));
    assert_eq!(info(&english, None).name, "tiny.en without weights, for tests");
    let random = info(&random().unwrap(), None);
    assert_eq!(random.name, "tiny");
    assert!((3_000_000..5_000_000).contains(&random.parameters), "{random:?}");
}
