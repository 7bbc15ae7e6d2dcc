//! Vectors from the real llama worker: MiniLM where it is there (`../shared/models`), the starter
//! for pictures, a reranker of noise.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

mod random_model;
mod worker_client;

use std::path::{Path, PathBuf};

use percept::text::tokens as estimate;
use percept::tokenizer::Tokenizer;
use percept::wire::{
    ChatMessage, EmbedInput, Event, FailureKind, LedgerKind, LoadOptions, PROTOCOL_VERSION, Request,
    Sampling, StopReason, floats,
};
use worker_client::{Answer, WorkerClient};

/// Texts that a tokenizer can stumble over.
const VARIED: [&str; 16] = [
    "The linker can't find `-lasound`: install libasound2-dev and run cargo build again.",
    "Größe, Maße und Straßen: »Änderungen« an über 1.234,56 € — täglich.",
    "파일을 찾을 수 없습니다. 설치한 다음 다시 시도하세요.",
    "日本語のテキストと漢字、ひらがな。中文也在这里。",
    "fn main() -> Result<(), Box<dyn Error>> {\n    let x = vec![0u8; 1 << 20];\n\tprintln!(\"{x:?}\");\n}\n",
    "👩‍👩‍👧‍👦 🇩🇪 🥲🫠 ✅ a😀b",
    "https://example.org/a/b_c?q=1&r=%20x#frag mailto:some.one@example.com",
    "",
    " ",
    "   two  spaces\t\ttabs \r\n\r\n  lines \n",
    "naïve café résumé ÅNGSTRÖM İstanbul ﬁne ½ ① ™",
    "Zażółć gęślą jaźń; съешь ещё этих мягких булок",
    "[CLS] is text [SEP] <|im_start|> too </s>",
    "0x7fffdeadbeef 3.14159 1e-9 2026-11-27T15:30:45.123Z",
    "supercalifragilisticexpialidocious antidisestablishmentarianism xzqjkvwpt",
    "a\u{0}b\u{200b}c\u{feff}d\u{ad}e\u{fffd}f\u{1b}[31m",
];

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models").join(name);
    let path = if path.exists() { path } else { Path::new("/work/shared/models").join(name) };
    path.exists().then_some(path)
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn load(model: &Path, mmproj: Option<PathBuf>, options: LoadOptions) -> WorkerClient {
    let mut worker = WorkerClient::start(env!("CARGO_BIN_EXE_percept-llama"));
    let options = LoadOptions { threads: Some(1), embed: true, ..options };
    let request = Request::Load { protocol: PROTOCOL_VERSION, model: model.to_owned(), mmproj, options };
    worker.ask(request).done();
    worker
}

/// A worker with MiniLM.
fn minilm() -> Option<(WorkerClient, PathBuf)> {
    let Some(path) = shared("all-MiniLM-L6-v2-q8_0.gguf") else {
        eprintln!("skipped: ../shared/models has no MiniLM");
        return None;
    };
    Some((load(&path, None, LoadOptions::default()), path))
}

fn text(text: &str) -> EmbedInput {
    EmbedInput::Text { before: String::new(), text: text.to_owned(), after: String::new() }
}

fn picture(path: &Path) -> EmbedInput {
    EmbedInput::Image { path: path.to_owned(), before: String::new(), after: String::new() }
}

fn vectors(answer: &Answer) -> Vec<Vec<f32>> {
    let of = |event: &Event| match event {
        Event::Vectors { dimensions, data } => {
            floats::decode(data).unwrap().chunks(*dimensions).map(<[f32]>::to_vec).collect()
        }
        _ => Vec::new(),
    };
    answer.events.iter().flat_map(of).collect()
}

fn embed(worker: &mut WorkerClient, inputs: Vec<EmbedInput>) -> Vec<Vec<f32>> {
    let count = inputs.len();
    let answer = worker.ask(Request::Embed { inputs });
    answer.done();
    let vectors = vectors(&answer);
    assert_eq!(vectors.len(), count);
    vectors
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn texts(texts: &[&str]) -> Vec<EmbedInput> {
    texts.iter().copied().map(text).collect()
}

#[test]
fn what_means_the_same_is_near_and_its_length_is_one() {
    let Some((mut worker, _)) = minilm() else { return };
    let pairs = [
        ("How do I install the sound library?", "Installing the audio package"),
        ("The build failed because a file is missing.", "Compilation stopped: no such file."),
        ("A cat sleeps on the sofa.", "A kitten is napping on the couch."),
    ];
    let inputs: Vec<&str> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    let found = embed(&mut worker, texts(&inputs));
    for vector in &found {
        assert_eq!(vector.len(), 384);
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-5);
    }
    for (own, other) in [(0, 3), (0, 5), (2, 1), (2, 5), (4, 1), (4, 3)] {
        let (near, far) = (cosine(&found[own], &found[own + 1]), cosine(&found[own], &found[other]));
        assert!(near > far + 0.2, "{near} {far}: {} / {}", inputs[own], inputs[other]);
    }
}

#[test]
fn many_at_once_are_as_one_by_one_and_stay_in_order() {
    let Some((mut worker, _)) = minilm() else { return };
    let together = embed(&mut worker, texts(&VARIED));
    for (input, together) in VARIED.iter().zip(together) {
        let alone = embed(&mut worker, texts(&[input])).remove(0);
        let apart = alone.iter().zip(&together).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-4, "{apart} for {input}");
    }
    let hangul = embed(&mut worker, texts(&["파일을 찾을 수 없습니다", "설치한 다음 다시 시도하세요"]));
    assert!(cosine(&hangul[0], &hangul[1]) < 0.95, "its syllables are unknown to it");
}

#[test]
fn what_is_too_long_is_cut_at_a_token() {
    let Some((mut worker, path)) = minilm() else { return };
    let tokenizer = Tokenizer::from_gguf(&path).unwrap();
    let long: Vec<String> = (0..3000).map(|n| format!("word{n} and")).collect();
    let answer = worker.ask(Request::Embed { inputs: vec![text(&long.join(" "))] });
    assert_eq!(answer.done().usage.prompt_tokens, 512);
    // The same as its beginning, which just fits.
    let fits = (1..long.len()).take_while(|n| tokenizer.with_special(&long[..*n].join(" ")) <= 512).last();
    let fits = &long[..fits.unwrap()].join(" ");
    let short = embed(&mut worker, texts(&[fits])).remove(0);
    assert!(cosine(&vectors(&answer)[0], &short) > 0.99);
}

#[test]
fn a_thousand_come_in_bounded_events_with_progress_and_can_be_stopped() {
    let Some((mut worker, _)) = minilm() else { return };
    let inputs: Vec<EmbedInput> = (0..1000).map(|n| text(&format!("passage {n} of the index"))).collect();
    let answer = worker.ask(Request::Embed { inputs: inputs.clone() });
    assert_eq!(answer.done().stop, StopReason::Finished);
    let found = vectors(&answer);
    assert_eq!(found.len(), 1000);
    let last = answer.events.iter().rev().find_map(|event| match event {
        Event::Progress { done, total, .. } => Some((*done, *total)),
        _ => None,
    });
    assert_eq!(last, Some((1000, 1000)));
    let alone = embed(&mut worker, vec![inputs[777].clone()]).remove(0);
    assert!(cosine(&alone, &found[777]) > 0.9999, "they are out of order");

    let id = worker.send(Request::Embed { inputs });
    worker.until(id, |event| matches!(event, Event::Vectors { .. }));
    worker.send(Request::Cancel { target: id });
    let rest = worker.finish(id);
    assert_eq!(rest.done().stop, StopReason::Cancelled);
    assert!(vectors(&rest).len() < 900);
    assert_eq!(embed(&mut worker, texts(&["still here"])).len(), 1);
}

#[test]
fn a_prefix_is_one_text_with_what_follows() {
    let Some((mut worker, _)) = minilm() else { return };
    let with = EmbedInput::Text { before: "query: ".into(), text: "the sound".into(), after: String::new() };
    let found = embed(&mut worker, vec![with, text("query: the sound"), text("the sound")]);
    assert!(cosine(&found[0], &found[1]) > 0.9999);
    assert!(cosine(&found[0], &found[2]) < 0.9999);
}

#[test]
fn what_it_was_not_loaded_for_is_refused_in_words() {
    let Some((mut worker, path)) = minilm() else { return };
    let messages = vec![ChatMessage::text(percept::message::Role::User, "q")];
    let failure = worker.ask(Request::generate(messages, Sampling::default(), None)).failed();
    assert_eq!((failure.kind, failure.message.contains("can't answer")), (FailureKind::NotLoaded, true));
    let pair = EmbedInput::Pair { query: "q".into(), passage: "p".into() };
    let failure = worker.ask(Request::Embed { inputs: vec![pair] }).failed();
    assert!(failure.message.contains("scores no pairs"), "{failure}");
    let failure = worker.ask(Request::Embed { inputs: vec![picture(&root("samples/error.png"))] }).failed();
    assert!(failure.message.contains("no projector"), "{failure}");

    let chat = Request::Load {
        protocol: PROTOCOL_VERSION,
        model: root("models/starter/starter-f16.gguf"),
        mmproj: None,
        options: LoadOptions { threads: Some(1), ..LoadOptions::default() },
    };
    worker.ask(chat).done();
    let failure = worker.ask(Request::Embed { inputs: texts(&["q"]) }).failed();
    assert!(failure.message.contains("can't find vectors"), "{failure}");
    drop((worker, path));
}

/// Text and pictures of the starter: noise as meaning, but the path is whole.
#[test]
fn pictures_and_texts_are_in_one_space() {
    let projector = root("models/starter/mmproj-starter-f16.gguf");
    let mut worker = load(&root("models/starter/starter-f16.gguf"), Some(projector), LoadOptions::default());
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.png");
    image::RgbImage::from_fn(120, 60, |x, y| image::Rgb([200, (x * 2) as u8, (y * 4) as u8]))
        .save(&other)
        .unwrap();
    let sample = root("samples/error.png");
    let marked = EmbedInput::Image {
        path: sample.clone(),
        before: "<|im_start|>user\n".into(),
        after: "<|im_end|>\n".into(),
    };
    let inputs =
        vec![picture(&sample), text("an error"), picture(&other), picture(&sample), text("an error"), marked];
    let found = embed(&mut worker, inputs);
    assert!(cosine(&found[0], &found[3]) > 0.9999, "the same picture");
    assert!(cosine(&found[1], &found[4]) > 0.9999, "the same text");
    assert!(cosine(&found[0], &found[2]) < 0.999, "another picture");
    assert!(cosine(&found[0], &found[5]) < 0.999, "other marks around it");
    let failure = worker.ask(Request::Embed { inputs: vec![picture(&folder.path().join("none.png"))] });
    assert_eq!(failure.failed().kind, FailureKind::Media);
    assert_eq!(embed(&mut worker, texts(&["", "still here"])).len(), 2);
}

#[test]
fn a_reranker_scores_pairs() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("reranker.gguf");
    random_model::write_reranker(&model, &root("models/starter/starter-f16.gguf"), 3);
    let mut worker = load(&model, None, LoadOptions::default());
    let pair = |passage: &str| EmbedInput::Pair { query: "which".into(), passage: passage.into() };
    let passages = ["this", "that", "", &"long ".repeat(100)];
    let scores = embed(&mut worker, passages.iter().map(|passage| pair(passage)).collect());
    for (passage, score) in passages.iter().zip(&scores) {
        assert_eq!(score.len(), 1);
        let alone = embed(&mut worker, vec![pair(passage)]);
        assert!((alone[0][0] - score[0]).abs() < 1e-4);
    }
    assert_ne!(scores[0], scores[1]);
    let failure = worker.ask(Request::Embed { inputs: texts(&["q"]) }).failed();
    assert!(failure.message.contains("finds no vectors"), "{failure}");
}

/// What the worker counts of a text, its marks included.
fn counted(worker: &mut WorkerClient, input: &str) -> u64 {
    worker.ask(Request::Embed { inputs: vec![text(input)] }).done().usage.prompt_tokens
}

#[test]
fn tokens_are_counted_as_the_worker_does() {
    let Some((mut worker, path)) = minilm() else { return };
    let tokenizer = Tokenizer::from_gguf(&path).unwrap();
    for input in VARIED {
        assert_eq!(tokenizer.with_special(input) as u64, counted(&mut worker, input), "{input:?}");
        assert!(tokenizer.count(input) <= estimate(input) * 2 + 8, "{input:?}");
    }
}

#[test]
fn tokens_of_the_starter_are_counted_as_the_worker_does() {
    let model = root("models/starter/starter-f16.gguf");
    let tokenizer = Tokenizer::from_gguf(&model).unwrap();
    let mut worker = WorkerClient::start(env!("CARGO_BIN_EXE_percept-llama"));
    let options = LoadOptions { threads: Some(1), ..LoadOptions::default() };
    worker.ask(Request::Load { protocol: PROTOCOL_VERSION, model, mmproj: None, options }).done();
    for input in VARIED {
        let messages = vec![ChatMessage::text(percept::message::Role::User, input)];
        let ledger = worker.ask(Request::Measure { messages, tools: Vec::new() }).ledger();
        let rows = ledger.entries.iter().filter(|entry| entry.kind == LedgerKind::Text);
        let counted: u64 = rows.map(|entry| entry.tokens).sum();
        assert_eq!(tokenizer.count(input) as u64, counted, "{input:?}");
    }
}
