//! Sound that comes while it is said.

use percept::wire::{StopReason, floats};

use super::*;

fn listen(worker: &mut WorkerClient, sound: &[f32], speech: SpeechOptions) -> Answer {
    let target = worker.send(Request::Listen { speech });
    for block in sound.chunks(1600) {
        worker.send(Request::Frames { target, pcm: floats::encode(block) });
    }
    worker.send(Request::Finish { target });
    worker.finish(target)
}

#[test]
fn what_is_heard_is_said_in_order_twice_the_same() {
    let (Some(random), Some(jfk)) = (random(), jfk()) else { return };
    let sound = samples(&jfk);
    let mut worker = loaded(&random, silero());
    let first = listen(&mut worker, &sound, SpeechOptions { words: true, ..english() });
    assert_eq!(first.done().stop, StopReason::Finished);
    let mut before = 0;
    for segment in segments(&first) {
        assert!(before <= segment.start_ms && segment.start_ms < segment.end_ms, "{segment:?}");
        assert!(segment.end_ms <= 11_100, "{segment:?}");
        for word in &segment.words {
            assert!(segment.start_ms <= word.start_ms && word.start_ms <= word.end_ms, "{segment:?}");
            assert!(word.end_ms <= segment.end_ms, "{segment:?}");
        }
        before = segment.end_ms;
    }
    let second = listen(&mut worker, &sound, SpeechOptions { words: true, ..english() });
    // Where a pause starts may differ by a frame: it is judged in windows, as the sound comes.
    let texts = |answer| segments(answer).into_iter().map(|segment| segment.text).collect::<Vec<_>>();
    assert_eq!(texts(&second), texts(&first));
}

#[test]
fn silence_says_nothing() {
    let Some(random) = random() else { return };
    for vad in [None, silero()] {
        let mut worker = loaded(&random, vad);
        let answer = listen(&mut worker, &[0.0; 48_000], english());
        let said =
            answer.events.iter().any(|event| matches!(event, Event::Segment(_) | Event::Partial { .. }));
        assert!(!said, "{:?}", answer.events);
    }
}

#[test]
fn nothing_may_come_at_all() {
    let Some(base) = base() else { return };
    let mut worker = loaded(&base, None);
    let target = worker.send(Request::Listen { speech: english() });
    worker.send(Request::Finish { target });
    assert_eq!(worker.finish(target).done().stop, StopReason::Finished);
    // For what has ended, and for what never was.
    worker.send(Request::Frames { target, pcm: floats::encode(&[0.5; 160]) });
    worker.send(Request::Frames { target: 999, pcm: "no base64 at all".to_owned() });
    worker.send(Request::Finish { target });
    let again = listen(&mut worker, &[0.0; 1600], english());
    assert_eq!(again.done().stop, StopReason::Finished);
}

#[test]
fn what_is_no_sound_ends_it_with_a_word_and_the_worker_lives() {
    let Some(base) = base() else { return };
    let mut worker = loaded(&base, None);
    let target = worker.send(Request::Listen { speech: english() });
    worker.send(Request::Frames { target, pcm: "%%%".to_owned() });
    assert_eq!(worker.finish(target).failed().kind, FailureKind::BadRequest);
    let answer = listen(&mut worker, &[0.1; 160], english());
    assert_eq!(answer.done().stop, StopReason::Finished);
}

#[test]
fn it_is_cancelled_while_it_waits_and_while_it_decodes() {
    let (Some(random), Some(jfk)) = (random(), jfk()) else { return };
    let mut worker = loaded(&random, None);
    for sound in [vec![], samples(&jfk)] {
        let target = worker.send(Request::Listen { speech: english() });
        worker.send(Request::Frames { target, pcm: floats::encode(&sound) });
        worker.until(target, |event| matches!(event, Event::Language { .. }));
        worker.send(Request::Cancel { target });
        assert_eq!(worker.finish(target).done().stop, StopReason::Cancelled);
    }
}
