//! Files: of models that are broken, and of sound.

use super::*;

/// Loads a file that is no model, and gives what is said of it.
fn refused(worker: &mut WorkerClient, bytes: &[u8], what: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.bin");
    std::fs::write(&path, bytes).unwrap();
    let failure = worker.ask(load_request(&path, None)).failed();
    assert_eq!(failure.kind, FailureKind::ModelFile, "{what}: {failure}");
    failure.message
}

#[test]
fn a_broken_model_is_told_by_what_is_broken() {
    let Some(random) = random() else { return };
    let mut worker = start();
    let missing = worker.ask(load_request(Path::new("/none/model.bin"), None)).failed();
    assert!(missing.message.contains("/none/model.bin can't be opened"), "{missing}");
    assert!(refused(&mut worker, b"", "empty").contains("is empty"));
    assert!(refused(&mut worker, b"GGUF\x03\0\0\0", "gguf").contains("GGUF"));
    assert!(refused(&mut worker, b"<!doctype html>", "page").contains("web page"));
    let whole = std::fs::read(&random).unwrap();
    for cut in [3, 20, 48, 60_000, 100_000, 600_000, whole.len() / 2, whole.len() - 1] {
        let said = refused(&mut worker, &whole[..cut], "cut");
        assert!(said.contains("cut off"), "{cut}: {said}");
    }
    for (at, what) in [(4, "vocabulary"), (12, "width"), (16, "heads"), (20, "layers"), (40, "mel")] {
        let mut broken = whole.clone();
        broken[at..at + 4].copy_from_slice(&77_777_777_u32.to_le_bytes());
        let said = refused(&mut worker, &broken, what);
        assert!(said.contains(what), "{said}");
    }
    worker.ask(load_request(&random, None)).done();
}

#[test]
fn any_byte_may_be_wrong() {
    let Some(base) = base() else { return };
    let whole = std::fs::read(base).unwrap();
    let mut worker = start();
    for at in (0..60).chain((64_000..70_000).step_by(997)) {
        let mut broken = whole.clone();
        broken[at] ^= 0xff;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.bin");
        std::fs::write(&path, broken).unwrap();
        // It ends one way or the other, and the worker lives.
        worker.ask(load_request(&path, None));
    }
}

#[test]
fn a_voice_model_is_checked_too() {
    let (Some(base), Some(silero)) = (base(), silero()) else { return };
    let mut worker = start();
    let failure = worker.ask(load_request(&base, Some(base.clone()))).failed();
    assert!(failure.message.contains("no voice activity model"), "{failure}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("silero.bin");
    let whole = std::fs::read(silero).unwrap();
    for cut in [0, 9, 40, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let failure = worker.ask(load_request(&base, Some(path.clone()))).failed();
        assert_eq!(failure.kind, FailureKind::ModelFile, "{failure}");
    }
}

#[test]
fn languages_that_are_not_known_are_told() {
    let Some(english) = shared("models/for-tests-ggml-tiny.en.bin") else { return };
    let Some(path) = jfk() else { return };
    let mut worker = loaded(&english, None);
    let mut asked = |speech| worker.ask(Request::Transcribe { path: path.clone(), speech }).failed();
    let german = SpeechOptions { language: Some("de".to_owned()), ..SpeechOptions::default() };
    assert!(asked(german).message.contains("English only"));
    let odd = SpeechOptions { language: Some("klingon".to_owned()), ..SpeechOptions::default() };
    assert_eq!(asked(odd).kind, FailureKind::BadRequest);
    let translate = SpeechOptions { translate: true, ..SpeechOptions::default() };
    assert!(asked(translate).message.contains("translate"));
}

#[test]
fn a_file_is_read_to_its_end_and_says_how_long_it_is() {
    let (Some(random), Some(path)) = (random(), jfk()) else { return };
    let mut worker = loaded(&random, silero());
    let answer = worker.ask(Request::Transcribe { path, speech: SpeechOptions::default() });
    let languages = answer.events.iter().filter(|event| matches!(event, Event::Language { .. })).count();
    assert_eq!(languages, 1);
    let last = &answer.events[answer.events.len() - 2..];
    assert!(
        matches!(&last[0], Event::Sound { duration_ms: 11_000..=11_001, notes } if notes.is_empty()),
        "{last:?}"
    );
    let mut before = 0;
    for segment in segments(&answer) {
        assert!(before <= segment.start_ms && segment.start_ms <= segment.end_ms, "{segment:?}");
        assert!(segment.end_ms <= 11_100, "{segment:?}");
        before = segment.start_ms;
    }
}

#[test]
fn silence_and_noise_say_nothing_even_where_the_model_would() {
    let Some(random) = random() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("noise.wav");
    let noise: Vec<f32> = (0..160_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32 - 0.5)
        .enumerate()
        .map(|(at, noise)| if at < 80_000 { 0.0 } else { noise * 0.1 })
        .collect();
    // The noise begins at once: neither takes it for speech for good.
    wav(&path, &noise[80_000..]);
    for vad in [None, silero()] {
        let mut worker = loaded(&random, vad);
        let speech = SpeechOptions { vocabulary: vec!["mmproj".to_owned()], ..english() };
        let answer = worker.ask(Request::Transcribe { path: path.clone(), speech });
        assert_eq!(segments(&answer), []);
        answer.done();
    }
}

#[test]
fn what_is_no_sound_is_said() {
    let Some(base) = base() else { return };
    let mut worker = loaded(&base, None);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("empty.wav");
    for (bytes, name) in [(&b""[..], "empty"), (b"hello", "text")] {
        std::fs::write(&path, bytes).unwrap();
        let failure = worker.ask(Request::Transcribe { path: path.clone(), speech: english() }).failed();
        assert_eq!(failure.kind, FailureKind::Media, "{name}: {failure}");
    }
    wav(&path, &[]);
    let answer = worker.ask(Request::Transcribe { path, speech: english() });
    assert!(segments(&answer).is_empty());
}

#[test]
fn a_long_file_is_cancelled_in_its_middle() {
    let (Some(random), Some(jfk)) = (random(), jfk()) else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.wav");
    wav(&path, &samples(&jfk).repeat(30));
    for vad in [true, false] {
        let mut worker = loaded(&random, None);
        let id = worker
            .send(Request::Transcribe { path: path.clone(), speech: SpeechOptions { vad, ..english() } });
        worker.until(id, |event| matches!(event, Event::Language { .. }));
        worker.send(Request::Cancel { target: id });
        let answer = worker.finish(id);
        assert_eq!(answer.done().stop, percept::wire::StopReason::Cancelled);
        assert!(!answer.events.iter().any(|event| matches!(event, Event::Sound { .. })));
    }
}
