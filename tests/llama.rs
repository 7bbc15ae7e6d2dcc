//! The real llama worker on the starter's weights, spoken to over its pipes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod random_model;
mod worker_client;

use std::path::{Path, PathBuf};

use percept::attachment::AttachmentId;
use percept::message::Role;
use percept::wire::{
    ChatMessage, Content, Event, FailureKind, LedgerKind, LoadOptions, PROTOCOL_VERSION, Request, Sampling,
    StopReason, Usage,
};
use worker_client::{Answer, WorkerClient};

const QUESTION: &str = "What does the error say?";
const ANSWER: &str = "Permission denied: /etc/hosts";

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn start() -> WorkerClient {
    WorkerClient::start(env!("CARGO_BIN_EXE_percept-llama"))
}

/// One thread each: the tests run side by side, and ggml's threads wait for each other
/// by spinning.
fn load_request(options: LoadOptions) -> Request {
    load_request_of(root("models/starter/starter-f16.gguf"), options)
}

fn load_request_of(model: PathBuf, options: LoadOptions) -> Request {
    let options = LoadOptions { threads: Some(1), ..options };
    Request::Load {
        protocol: PROTOCOL_VERSION,
        model,
        mmproj: Some(root("models/starter/mmproj-starter-f16.gguf")),
        options,
    }
}

fn loaded(options: LoadOptions) -> WorkerClient {
    let mut worker = start();
    worker.ask(load_request(options)).done();
    worker
}

fn image(path: &Path) -> Content {
    let hash = AttachmentId::of(&std::fs::read(path).unwrap());
    Content::Image { hash, path: path.to_owned() }
}

fn sample() -> Content {
    image(&root("samples/error.png"))
}

fn text(text: &str) -> Content {
    Content::Text { text: text.to_owned() }
}

fn user(content: Vec<Content>) -> ChatMessage {
    ChatMessage { role: Role::User, content }
}

fn about_sample(question: &str) -> Vec<ChatMessage> {
    vec![user(vec![sample(), text(question)])]
}

fn generate(messages: Vec<ChatMessage>) -> Request {
    Request::generate(messages, Sampling::default(), Some(60))
}

/// Another picture, so that two are never the same by their hash.
fn drawn(dir: &Path, name: &str, shade: u8) -> Content {
    let picture = image::RgbImage::from_fn(120, 60, |x, y| image::Rgb([shade, (x * 2) as u8, (y * 4) as u8]));
    let path = dir.join(name);
    picture.save(&path).unwrap();
    image(&path)
}

#[test]
fn the_starter_reads_the_sample() {
    let mut worker = loaded(LoadOptions::default());
    let answer = worker.ask(generate(about_sample(QUESTION)));
    assert_eq!(answer.text(), ANSWER);
    assert_eq!(answer.done().stop, StopReason::Finished);
    assert!(answer.logprobs().all(|logprob| (-30.0..=0.0).contains(&logprob)));
}

#[test]
fn a_second_question_evaluates_only_what_is_new() {
    let mut worker = loaded(LoadOptions::default());
    let first = worker.ask(generate(about_sample(QUESTION))).done();
    assert_eq!((first.usage.cached_tokens, first.usage.encoded_images), (0, 1));

    let mut conversation = about_sample(QUESTION);
    conversation.push(ChatMessage::text(Role::Assistant, ANSWER));
    conversation.push(ChatMessage::text(Role::User, "What buttons are there?"));
    let second = worker.ask(generate(conversation)).done();
    assert_eq!(second.usage.encoded_images, 0);
    // The first prompt and its answer are there; new are the question and the template's marks.
    assert!(second.usage.cached_tokens >= first.usage.prompt_tokens, "{second:?}");
    assert!(second.usage.evaluated_tokens < 30, "{second:?}");

    let other = worker.ask(generate(about_sample("What is the title of the dialog?"))).done();
    assert_eq!(other.usage.encoded_images, 0, "another question on the same picture");
    assert!(other.usage.evaluated_tokens < 30, "{other:?}");
}

#[test]
fn attaching_prefills_so_that_the_answer_only_reads_the_question() {
    let mut worker = loaded(LoadOptions::default());
    let prefill = worker.ask(Request::prefill(vec![user(vec![sample()])]));
    let usage = prefill.done().usage;
    assert_eq!((usage.encoded_images, usage.completion_tokens), (1, 0));
    let image = prefill.ledger().entries.into_iter().find(|entry| entry.kind == LedgerKind::Image).unwrap();
    assert!(image.cached && image.encode_ms.is_some() && image.tokens > 100, "{image:?}");

    let answer = worker.ask(generate(about_sample(QUESTION)));
    let used = answer.done().usage;
    assert_eq!(used.encoded_images, 0);
    assert_eq!(used.cached_tokens, usage.evaluated_tokens);
    assert_eq!(answer.text(), ANSWER);
}

#[test]
fn the_same_answer_with_the_cache_on_off_and_restored() {
    let dir = tempfile::tempdir().unwrap();
    let two = |dir: &Path| {
        vec![
            user(vec![sample(), text(QUESTION)]),
            ChatMessage::text(Role::Assistant, ANSWER),
            user(vec![drawn(dir, "b.png", 90), drawn(dir, "c.png", 10), text("Read the text.")]),
        ]
    };
    let mut cold = loaded(LoadOptions { no_cache: true, ..LoadOptions::default() });
    let expected = cold.ask(generate(two(dir.path())));
    assert_eq!(cold.ask(generate(two(dir.path()))).done().usage.cached_tokens, 0, "switched off");

    let mut warm = loaded(LoadOptions::default());
    warm.ask(generate(about_sample(QUESTION))).done();
    let cached = warm.ask(generate(two(dir.path())));
    assert_eq!(cached.text(), expected.text());
    assert_eq!(cached.done().usage.encoded_images, 2);

    // Another session in between, then back by the saved state; in a new process too.
    let state = dir.path().join("7.state");
    warm.ask(Request::SaveState { path: state.clone(), most_bytes: None }).done();
    warm.ask(generate(vec![user(vec![drawn(dir.path(), "d.png", 200), text("Read the text.")])])).done();
    for mut worker in [warm, loaded(LoadOptions::default())] {
        worker.ask(Request::RestoreState { path: state.clone() }).done();
        let restored = worker.ask(generate(two(dir.path())));
        assert_eq!(restored.text(), expected.text());
        let Usage { encoded_images, evaluated_tokens, .. } = restored.done().usage;
        assert_eq!(encoded_images, 0);
        assert!(evaluated_tokens < 5, "{evaluated_tokens}");
    }
}

#[test]
fn a_saved_state_of_something_else_or_damaged_is_refused_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("1.state");
    let mut worker = loaded(LoadOptions::default());
    worker.ask(generate(about_sample(QUESTION))).done();
    worker.ask(Request::SaveState { path: state.clone(), most_bytes: None }).done();

    let mut other = loaded(LoadOptions { context: Some(1024), ..LoadOptions::default() });
    let refused = other.ask(Request::RestoreState { path: state.clone() }).failed();
    assert_eq!(refused.kind, FailureKind::StateMismatch);

    let kv = state.with_extension("kv");
    let mut bytes = std::fs::read(&kv).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&kv, bytes).unwrap();
    for path in [state.clone(), dir.path().join("none.state")] {
        assert_eq!(worker.ask(Request::RestoreState { path }).failed().kind, FailureKind::StateMismatch);
    }
    std::fs::write(&state, b"{}").unwrap();
    assert_eq!(worker.ask(Request::RestoreState { path: state }).failed().kind, FailureKind::StateMismatch);
    assert_eq!(worker.ask(generate(about_sample(QUESTION))).text(), ANSWER);
}

#[test]
fn a_cancel_stops_at_the_next_batch_and_the_next_question_works() {
    let mut worker = loaded(LoadOptions::default());
    // Several batches of text, so that the cancel comes while they are evaluated.
    let messages = vec![ChatMessage::text(Role::User, "x y z ".repeat(600))];
    let id = worker.send(generate(messages));
    worker.until(id, |event| matches!(event, Event::Ledger(_)));
    worker.send(Request::Cancel { target: id });
    let report = worker.finish(id).done();
    assert_eq!((report.stop, report.usage.completion_tokens), (StopReason::Cancelled, 0));
    assert!(report.usage.evaluated_tokens < report.usage.prompt_tokens, "{report:?}");
    assert_eq!(worker.ask(generate(about_sample(QUESTION))).text(), ANSWER);
}

#[test]
fn a_cancel_stops_an_answer_at_the_next_token() {
    let mut worker = loaded(LoadOptions::default());
    // Noise goes on until it is stopped; the starter itself would end by itself.
    let sampling = Sampling { temperature: 9.0, seed: Some(5), ..Sampling::default() };
    let messages = about_sample("Describe the screenshot.");
    let id = worker.send(Request::generate(messages, sampling, Some(3000)));
    worker.until(id, |event| matches!(event, Event::Token { .. }));
    worker.send(Request::Cancel { target: id });
    let report = worker.finish(id).done();
    assert_eq!(report.stop, StopReason::Cancelled);
    assert!((1..3000).contains(&report.usage.completion_tokens), "{report:?}");
    assert_eq!(worker.ask(generate(about_sample(QUESTION))).text(), ANSWER);
}

#[test]
fn a_prompt_that_does_not_fit_is_an_error_and_nothing_is_cut() {
    let mut worker = loaded(LoadOptions { context: Some(256), ..LoadOptions::default() });
    let long = vec![ChatMessage::text(Role::User, "x y z ".repeat(500))];
    for request in [generate(long.clone()), Request::prefill(long)] {
        let failure = worker.ask(request).failed();
        assert_eq!(failure.kind, FailureKind::ContextOverflow);
        assert!(failure.message.contains("the context of 256 holds"), "{failure}");
        assert!(failure.hint.is_some());
    }
    assert_eq!(worker.ask(generate(about_sample(QUESTION))).text(), ANSWER);
}

#[test]
fn an_answer_ends_where_the_context_or_the_limit_does() {
    let mut worker = loaded(LoadOptions { context: Some(256), ..LoadOptions::default() });
    let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
    let messages = about_sample(QUESTION);
    let limited = Request::generate(messages, sampling, Some(3));
    let report = worker.ask(limited).done();
    assert_eq!((report.stop, report.usage.completion_tokens), (StopReason::MaxTokens, 3));
}

#[test]
fn control_tokens_in_text_stay_text() {
    let mut worker = loaded(LoadOptions::default());
    let tokens = |worker: &mut WorkerClient, typed: &str| {
        let measured = worker.ask(Request::Measure {
            messages: vec![ChatMessage::text(Role::User, typed)],
            tools: Vec::new(),
        });
        measured.ledger().total_tokens
    };
    // As a control token it would be one; as text it is at least a few.
    let with = tokens(&mut worker, "a<|im_end|>b");
    let without = tokens(&mut worker, "ab");
    assert!(with >= without + 4, "{with} and {without}");
    assert_eq!(worker.ask(generate(about_sample(QUESTION))).text(), ANSWER);
}

#[test]
fn a_seed_makes_sampling_repeatable() {
    let mut worker = loaded(LoadOptions::default());
    let mut answer = |seed: u32| {
        let sampling = Sampling { temperature: 1.5, top_p: 0.95, seed: Some(seed), ..Sampling::default() };
        let messages = vec![user(vec![sample(), text("Describe the screenshot.")])];
        worker.ask(Request::generate(messages, sampling, Some(40))).text()
    };
    let first = answer(1);
    assert_eq!(answer(1), first);
    assert!((2..12).any(|seed| answer(seed) != first));
}

#[test]
fn files_that_can_not_be_loaded_are_named_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let model = root("models/starter/starter-f16.gguf");
    let mmproj = root("models/starter/mmproj-starter-f16.gguf");
    let cut = dir.path().join("cut.gguf");
    let whole = std::fs::read(&model).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let other = dir.path().join("other.gguf");
    // The same projector, said to be of a model twice as wide.
    std::fs::write(&other, with_projection(&std::fs::read(&mmproj).unwrap(), 512 + 64)).unwrap();
    let text = dir.path().join("text.gguf");
    std::fs::write(&text, "not a model").unwrap();

    let mut worker = start();
    let mut fails = |model: &Path, mmproj: Option<&Path>, options: LoadOptions| {
        let load = Request::Load {
            protocol: PROTOCOL_VERSION,
            model: model.to_owned(),
            mmproj: mmproj.map(Path::to_owned),
            options,
        };
        let failure = worker.ask(load).failed();
        (failure.kind, failure.message)
    };
    let options = LoadOptions::default;
    let (kind, said) = fails(&cut, None, options());
    assert!(kind == FailureKind::ModelFile && said.contains("cut off"), "{said}");
    let (kind, said) = fails(&text, None, options());
    assert!(kind == FailureKind::ModelFile && said.contains("not a GGUF"), "{said}");
    let (kind, said) = fails(&dir.path().join("none.gguf"), None, options());
    assert!(kind == FailureKind::ModelFile && said.contains("none.gguf"), "{said}");
    let (kind, said) = fails(&mmproj, None, options());
    assert!(kind == FailureKind::ModelFile && said.contains("projector"), "{said}");
    let (kind, said) = fails(&model, Some(&other), options());
    assert!(kind == FailureKind::ModelMismatch && said.contains("belongs to another model"), "{said}");

    let load = Request::Load { protocol: 99, model, mmproj: None, options: options() };
    assert_eq!(worker.ask(load).failed().kind, FailureKind::Protocol);
    assert_eq!(worker.ask(generate(about_sample(QUESTION))).failed().kind, FailureKind::NotLoaded);
    worker.ask(load_request(options())).done();
    assert_eq!(worker.ask(generate(about_sample(QUESTION))).text(), ANSWER);
}

/// What a worker that loads the starter with a context says of it.
fn set_up(worker: &mut WorkerClient, context: u32, ignore_memory: bool) -> (u32, Vec<String>) {
    let options = LoadOptions { context: Some(context), ignore_memory, ..LoadOptions::default() };
    let events = worker.ask(load_request(options)).events;
    let loaded = events.iter().find_map(|event| match event {
        Event::Loaded(info) => Some((info.context, info.notes.clone())),
        _ => None,
    });
    loaded.expect("it is loaded")
}

#[test]
fn a_context_that_memory_does_not_hold_is_made_smaller_with_a_word() {
    let mut worker = start();
    assert_eq!(set_up(&mut worker, 2048, false), (2048, Vec::new()));
    // More than any machine has, by the estimate: what it was trained for.
    let (context, notes) = set_up(&mut worker, u32::MAX, false);
    assert_eq!(context, 4096);
    assert!(notes[0].contains("4,096 tokens instead of 4,294,967,295"), "{notes:?}");
    assert_eq!(worker.ask(generate(about_sample(QUESTION))).text(), ANSWER);
}

/// The estimate is passed over, and the process may not have what it asks for.
#[cfg(target_os = "linux")]
#[test]
fn where_memory_ends_a_smaller_context_is_tried_instead_of_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("worker");
    let limited = format!("#!/bin/sh\nulimit -v 2000000\nexec '{}'\n", env!("CARGO_BIN_EXE_percept-llama"));
    std::fs::write(&script, limited).unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let mut worker = WorkerClient::start(script.to_str().unwrap());
    // 4 KiB a token: 2 GiB, and the model beside.
    let (context, notes) = set_up(&mut worker, 1 << 19, true);
    assert!((4096..1 << 19).contains(&context), "{context}");
    assert!(notes[0].contains("instead of 524,288"), "{notes:?}");
    assert_eq!(worker.ask(generate(about_sample(QUESTION))).text(), ANSWER);
}

/// Changes `clip.vision.projection_dim` in a GGUF's header.
fn with_projection(gguf: &[u8], dim: u32) -> Vec<u8> {
    let key = b"clip.vision.projection_dim";
    let at = gguf.windows(key.len()).position(|window| window == key).unwrap() + key.len() + 4;
    let mut changed = gguf.to_vec();
    changed[at..at + 4].copy_from_slice(&dim.to_le_bytes());
    changed
}

#[test]
fn without_a_projector_a_picture_is_an_error() {
    let mut worker = start();
    let load = Request::Load {
        protocol: PROTOCOL_VERSION,
        model: root("models/starter/starter-f16.gguf"),
        mmproj: None,
        options: LoadOptions::default(),
    };
    worker.ask(load).done();
    let failure = worker.ask(generate(about_sample(QUESTION))).failed();
    assert_eq!(failure.kind, FailureKind::Media);
    let missing = vec![user(vec![Content::Image { hash: AttachmentId::of(b"x"), path: "/none.png".into() }])];
    let mut worker = loaded(LoadOptions::default());
    assert_eq!(worker.ask(generate(missing)).failed().kind, FailureKind::Media);
    assert_eq!(worker.ask(generate(about_sample(QUESTION))).text(), ANSWER);
}

#[test]
fn loading_says_how_far_it_is_and_what_was_loaded() {
    let mut worker = start();
    let Answer { events, .. } = worker.ask(load_request(LoadOptions::default()));
    assert!(events.iter().any(|event| matches!(event, Event::Progress { .. })));
    let info = events
        .iter()
        .find_map(|event| if let Event::Loaded(info) = event { Some(info) } else { None })
        .unwrap();
    assert_eq!((info.architecture.as_str(), info.context, info.vision), ("llama", 4096, true));
    assert_eq!((info.checkpoints, info.template.as_str()), (false, "model"));
}

/// Loads a model that can't be rolled back: random weights behind the starter's projector.
fn loaded_hybrid(dir: &Path, no_cache: bool) -> WorkerClient {
    let model = dir.join("hybrid.gguf");
    if !model.exists() {
        random_model::write_hybrid(&model, &root("models/starter/starter-f16.gguf"), 7);
    }
    let mut worker = start();
    let answer = worker.ask(load_request_of(model, LoadOptions { no_cache, ..LoadOptions::default() }));
    answer.done();
    let checkpoints = |event: &Event| matches!(event, Event::Loaded(info) if info.checkpoints);
    assert!(answer.events.iter().any(checkpoints), "it is a hybrid");
    worker
}

#[test]
fn a_model_that_can_not_be_rolled_back_goes_on_from_checkpoints_with_the_same_answers() {
    let dir = tempfile::tempdir().unwrap();
    let mut cold = loaded_hybrid(dir.path(), true);
    let mut warm = loaded_hybrid(dir.path(), false);
    let mut both = |messages: Vec<ChatMessage>| {
        let (expected, answer) = (cold.ask(generate(messages.clone())), warm.ask(generate(messages)));
        assert_eq!(answer.text(), expected.text());
        let (from, to) = (expected.done().usage, answer.done().usage);
        assert_eq!(from.cached_tokens, 0);
        (answer.text(), to)
    };
    let (said, _) = both(about_sample(QUESTION));
    assert!(said.len() > 20, "noise, but a lot of it: {said:?}");

    // Another question on the same picture goes back to the checkpoint behind it.
    let (other, usage) = both(about_sample("What is the title of the dialog?"));
    assert_ne!(other, said);
    assert_eq!(usage.encoded_images, 0);
    assert!(usage.cached_tokens > 100 && usage.evaluated_tokens < 100, "{usage:?}");

    // The conversation goes on, and back to its beginning.
    let mut longer = about_sample(QUESTION);
    longer.push(ChatMessage::text(Role::Assistant, said));
    longer.push(user(vec![drawn(dir.path(), "b.png", 90), text("Read the text.")]));
    let (_, usage) = both(longer.clone());
    assert_eq!(usage.encoded_images, 1);
    let (_, usage) = both(about_sample(QUESTION));
    assert_eq!(usage.encoded_images, 0);

    // Left, and restored in a new process.
    let state = dir.path().join("3.state");
    let expected = warm.ask(generate(longer.clone())).text();
    warm.ask(Request::SaveState { path: state.clone(), most_bytes: None }).done();
    let mut anew = loaded_hybrid(dir.path(), false);
    anew.ask(Request::RestoreState { path: state }).done();
    let restored = anew.ask(generate(longer));
    assert_eq!(restored.text(), expected);
}

#[test]
fn a_model_that_hears_gets_the_sound_itself_and_says_the_same_from_the_cache() {
    let dir = tempfile::tempdir().unwrap();
    let ear = dir.path().join("mmproj-ear.gguf");
    random_model::write_ear(&ear, 3);
    let recording = root("tests/data/audio/speech.flac");
    let sound = Content::Audio {
        hash: AttachmentId::of(&std::fs::read(&recording).unwrap()),
        path: recording.clone(),
    };
    let ask = |worker: &mut WorkerClient, content: Vec<Content>| {
        let messages = vec![ChatMessage { role: Role::User, content }];
        // Few: random weights soon come to a tie, which a batch of another size breaks otherwise.
        worker.ask(Request::generate(messages, Sampling::default(), Some(6)))
    };
    let mut worker = start();
    let mut load = load_request(LoadOptions::default());
    if let Request::Load { mmproj, .. } = &mut load {
        *mmproj = Some(ear);
    }
    let answer = worker.ask(load);
    let info = answer.events.iter().find_map(|event| match event {
        Event::Loaded(info) => Some(info.clone()),
        _ => None,
    });
    assert_eq!(info.map(|info| (info.vision, info.hearing)), Some((false, true)));
    let cold = ask(&mut worker, vec![sound.clone(), text(QUESTION)]);
    let row = cold.ledger().entries.iter().find(|row| row.kind == LedgerKind::Audio).cloned().unwrap();
    assert!(row.tokens > 100 && row.cached, "{row:?}");
    let again = ask(&mut worker, vec![sound.clone(), text(QUESTION)]);
    assert_eq!(again.text(), cold.text());
    assert!(again.done().usage.cached_tokens >= row.tokens, "{:?}", again.done().usage);
    // A picture is not for it, and a sound not for the starter.
    let failure = ask(&mut worker, vec![sample(), text(QUESTION)]).failed();
    assert!(failure.message.contains("sees no pictures"), "{}", failure.message);
    let failure = ask(&mut loaded(LoadOptions::default()), vec![sound, text(QUESTION)]).failed();
    assert!(failure.message.contains("hears nothing"), "{}", failure.message);
}
