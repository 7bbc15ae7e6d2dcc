//! The same model and settings say the same as whisper.cpp.

use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters};

use super::*;

/// Text and times as whisper.cpp gives them, from a plain call.
fn plain(model: &Path, sound: &[f32], beam: u32) -> Vec<(u64, u64, String)> {
    // Its log would drown what a test says.
    whisper_rs::install_logging_hooks();
    let context = WhisperContext::new_with_params(model, WhisperContextParameters::default()).unwrap();
    let mut state = context.create_state().unwrap();
    let strategy = match beam {
        1 => SamplingStrategy::Greedy { best_of: 5 },
        _ => SamplingStrategy::BeamSearch { beam_size: beam as i32, patience: -1.0 },
    };
    let mut params = FullParams::new(strategy);
    params.set_n_threads(1);
    params.set_language(Some("en"));
    params.set_print_progress(false);
    state.full(params, sound).unwrap();
    let segments = state.as_iter().map(|segment| {
        let ms = |hundredths: i64| hundredths as u64 * 10;
        let text = segment.to_str_lossy().unwrap().trim().to_owned();
        (ms(segment.start_timestamp()), ms(segment.end_timestamp()), text)
    });
    segments.collect()
}

fn ours(worker: &mut WorkerClient, path: &Path, beam: u32) -> Vec<(u64, u64, String)> {
    let speech = SpeechOptions { vad: false, beam, ..english() };
    let answer = worker.ask(Request::Transcribe { path: path.to_owned(), speech });
    let segments = segments(&answer).into_iter();
    segments.map(|segment| (segment.start_ms, segment.end_ms, segment.text)).collect()
}

#[test]
fn a_file_says_what_a_plain_call_says() {
    let (Some(random), Some(jfk)) = (random(), jfk()) else { return };
    let mut worker = loaded(&random, None);
    let sound = samples(&jfk);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("slice.wav");
    let mut said = 0;
    for (from, to) in [(0, 176_000), (16_000, 64_000), (80_000, 112_000)] {
        wav(&path, &sound[from..to]);
        for beam in [1, 5] {
            let wanted = plain(&random, &samples(&path), beam);
            said += wanted.len();
            assert_eq!(ours(&mut worker, &path, beam), wanted, "{from}..{to}, beam {beam}");
        }
    }
    assert!(said > 0, "the model says nothing at all");
}
