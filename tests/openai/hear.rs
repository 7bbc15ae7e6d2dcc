//! Recordings by a server.

use std::path::{Path, PathBuf};

use percept::wire::{Event, Request, Segment, SpeechOptions};
use serde_json::json;

use crate::common::Home;
use crate::run_with;
use crate::server::{Reply, Server};
use crate::worker::{load, options, worker};
use crate::worker_client::Answer;

fn speech() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audio/speech.mp3")
}

fn heard() -> Reply {
    let said = json!({ "text": "And so.", "language": "english", "duration": 11.0, "segments": [
        { "start": 0.0, "end": 1.5, "text": " And so" }, { "start": 1.5, "end": 2.0, "text": " my" },
    ], "words": [{ "word": "And", "start": 0.0, "end": 0.5 }, { "word": "my", "start": 1.6, "end": 2.0 }] });
    Reply::Plain(200, "", said.to_string())
}

fn transcribe(server: &Server, speech: SpeechOptions) -> Answer {
    let mut worker = worker();
    worker.ask(load(options(server), "")).done();
    worker.ask(Request::Transcribe { path: self::speech(), speech })
}

fn segments(answer: &Answer) -> Vec<Segment> {
    let segment = |event: &Event| match event {
        Event::Segment(segment) => Some(segment.clone()),
        _ => None,
    };
    answer.events.iter().filter_map(segment).collect()
}

#[test]
fn a_recording_is_sent_as_wav_and_what_is_said_comes_with_its_times() {
    let server = Server::start([heard()]);
    let vocabulary = vec!["percept".to_owned(), "ggml".to_owned()];
    let speech =
        SpeechOptions { language: Some("en".into()), vocabulary, words: true, ..SpeechOptions::default() };
    let answer = transcribe(&server, speech);
    answer.done();
    let said = segments(&answer);
    let times: Vec<_> = said.iter().map(|s| (s.start_ms, s.end_ms, s.text.as_str(), s.words.len())).collect();
    assert_eq!(times, [(0, 1500, "And so", 1), (1500, 2000, "my", 1)]);
    assert!(answer.events.iter().any(|e| matches!(e, Event::Language { code, .. } if code == "en")));
    assert!(
        answer.events.iter().any(|e| matches!(e, Event::Sound { duration_ms, .. } if *duration_ms > 1000))
    );

    let sent = &server.asked("/audio/transcriptions")[0];
    assert!(sent.head.contains("multipart/form-data; boundary="), "{}", sent.head);
    for field in [
        "name=\"model\"\r\n\r\nqwen\r\n",
        "name=\"response_format\"\r\n\r\nverbose_json\r\n",
        "name=\"language\"\r\n\r\nen\r\n",
        "name=\"prompt\"\r\n\r\npercept, ggml\r\n",
        "name=\"timestamp_granularities[]\"\r\n\r\nword\r\n",
        "filename=\"sound.wav\"\r\nContent-Type: audio/wav\r\n\r\nRIFF",
    ] {
        assert!(sent.body.contains(field), "{field}");
    }
}

#[test]
fn a_server_that_says_less_is_asked_for_less_and_one_that_fails_is_said() {
    let refused = json!({ "error": { "message": "response_format 'verbose_json' is not compatible" } });
    let refused = Reply::Plain(400, "", refused.to_string());
    let server = Server::start([refused, Reply::Plain(200, "", r#"{"text":"All of it."}"#.into())]);
    let answer = transcribe(&server, SpeechOptions { translate: true, ..SpeechOptions::default() });
    assert_eq!(segments(&answer)[0].text, "All of it.");
    assert!(server.asked("/audio/translations")[1].body.contains("\r\njson\r\n"));

    let server = Server::start([Reply::Plain(200, "", "<html>".into())]);
    let failed = transcribe(&server, SpeechOptions::default()).failed();
    assert!(failed.message.contains("no transcript at /audio/transcriptions"), "{failed}");
}

#[test]
fn a_recording_is_transcribed_by_a_server_elsewhere_and_that_is_said() {
    let (home, server) = (Home::new(), Server::start([heard()]));
    let proxy = format!("http://127.0.0.1:{}", server.port);
    let settings = [
        ("PERCEPT_TRANSCRIPTION_KIND", "openai"),
        ("PERCEPT_TRANSCRIPTION_BASE_URL", "http://ears.example:8000/v1"),
        ("http_proxy", proxy.as_str()),
    ];
    let ran = run_with(&home, &settings, &["transcribe", speech().to_str().unwrap()]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "And so my\n"), "{}", ran.err);
    assert!(ran.err.contains("the recording is sent to ears.example:8000"), "{}", ran.err);
}

#[test]
fn a_recording_that_is_looked_for_is_sent_and_that_is_said_first() {
    let (home, server) = (Home::new(), Server::start([heard()]));
    let proxy = format!("http://127.0.0.1:{}", server.port);
    let settings = [
        ("PERCEPT_TRANSCRIPTION_KIND", "openai"),
        ("PERCEPT_TRANSCRIPTION_BASE_URL", "http://ears.example:8000/v1"),
        ("http_proxy", proxy.as_str()),
    ];
    let note = home.write("notes.md", "And so my fellow Americans.");
    let added = run_with(&home, &[], &["index", "add", note.to_str().unwrap()]);
    assert_eq!(added.code, Some(0), "{added:?}");
    let ran = run_with(&home, &settings, &["find", speech().to_str().unwrap()]);
    assert!(ran.out.contains("notes.md"), "{ran:?}");
    assert!(ran.err.contains("the recording is sent to ears.example:8000"), "{}", ran.err);
}
