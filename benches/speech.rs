//! What dictation and transcribing cost, over the protocol.
//!
//! ```sh
//! cargo bench --bench speech                                  # random weights, tiny and base
//! PERCEPT_SPEECH_MODEL=ggml-base.bin cargo bench --bench speech
//! ```
//!
//! It needs `../shared` for a recording, the vocabulary and the voice activity model.
//! `PERCEPT_SPEECH_PACE=4` plays clips four times as fast as time; `PERCEPT_SPEECH_ONLY`
//! names one of `clips`, `factor`, `memory`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

#[path = "../tests/random_whisper/mod.rs"]
mod random_whisper;
#[path = "../tests/worker_client/mod.rs"]
mod worker_client;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use percept::wire::{LoadOptions, PROTOCOL_VERSION, Request, SAMPLE_RATE, SpeechOptions, floats};
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters};
use worker_client::WorkerClient;

const RATE: usize = SAMPLE_RATE as usize;
/// Samples that the microphone gives at once: 100 ms.
const BLOCK: usize = RATE / 10;
const ROUNDS: usize = 3;
const HOURS: usize = 3;

fn shared(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(file)
}

fn speech() -> SpeechOptions {
    SpeechOptions { language: Some("en".to_owned()), ..SpeechOptions::default() }
}

fn threads() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u32)
}

fn start(model: &Path) -> WorkerClient {
    let vad = Some(shared("models/for-tests-silero-v6.2.0-ggml.bin"));
    let options = LoadOptions { vad, threads: Some(threads()), ..LoadOptions::default() };
    let model = model.to_owned();
    let mut worker = WorkerClient::start(env!("CARGO_BIN_EXE_percept-whisper"));
    worker.ask(Request::Load { protocol: PROTOCOL_VERSION, model, mmproj: None, options }).done();
    worker
}

fn jfk() -> Vec<f32> {
    let bytes = std::fs::read(shared("data/speech/jfk.wav")).unwrap();
    let (samples, _) = bytes[44..].as_chunks::<2>();
    samples.iter().map(|bytes| f32::from(i16::from_le_bytes(*bytes)) / 32_768.0).collect()
}

/// Plays a clip as a microphone would; from its end to the end of the answer.
fn dictate(worker: &mut WorkerClient, clip: &[f32], pace: f64) -> Duration {
    let target = worker.send(Request::Listen { speech: speech() });
    let start = Instant::now();
    for (at, block) in clip.chunks(BLOCK).enumerate() {
        worker.send(Request::Frames { target, pcm: floats::encode(block) });
        let due = Duration::from_secs_f64(((at + 1) * BLOCK) as f64 / RATE as f64 / pace);
        std::thread::sleep(due.saturating_sub(start.elapsed()));
    }
    let end = Instant::now();
    worker.send(Request::Finish { target });
    worker.finish(target).done();
    end.elapsed()
}

/// Decodes a clip in one plain call; `positions` of the encoder, 0 for all.
fn plain(context: &WhisperContext, clip: &[f32], positions: i32) -> Duration {
    let mut params = FullParams::new(SamplingStrategy::Greedy { best_of: 5 });
    params.set_n_threads(threads() as i32);
    params.set_language(Some("en"));
    params.set_print_progress(false);
    params.set_audio_ctx(positions);
    let mut state = context.create_state().unwrap();
    let start = Instant::now();
    state.full(params, clip).unwrap();
    start.elapsed()
}

fn median(mut measured: Vec<Duration>) -> f64 {
    measured.sort();
    measured[measured.len() / 2].as_secs_f64()
}

fn rounds(mut measure: impl FnMut() -> Duration) -> f64 {
    median((0..ROUNDS).map(|_| measure()).collect())
}

/// End of speech to final text, against decoding the whole clip then.
fn clips(worker: &mut WorkerClient, context: &WhisperContext, pace: f64) {
    println!("clip | dictated: end to text | whole clip, full context | ratio | sized context | ratio");
    let sound = jfk().repeat(3);
    for seconds in [1, 5, 10, 30] {
        let clip = &sound[..seconds * RATE];
        let ours = rounds(|| dictate(worker, clip, pace));
        let full = rounds(|| plain(context, clip, 0));
        let sized = rounds(|| plain(context, clip, ((seconds * 50 + 96) as i32).clamp(256, 1500)));
        println!(
            "{seconds:>2} s | {ours:.2} s | {full:.2} s | {:.2} x | {sized:.2} s | {:.2} x",
            ours / full,
            ours / sized
        );
    }
}

/// A file in one plain call, against `Transcribe` with and without looking for speech.
fn factor(worker: &mut WorkerClient, context: &WhisperContext) {
    let sound = jfk().repeat(5);
    let file = tempfile::NamedTempFile::with_suffix(".wav").unwrap();
    write_wav(file.path(), sound.len(), std::iter::repeat_n(&sound[..], 1));
    let seconds = sound.len() as f64 / RATE as f64;
    let mut transcribe = |vad| {
        rounds(|| {
            let start = Instant::now();
            let path = file.path().to_owned();
            worker.ask(Request::Transcribe { path, speech: SpeechOptions { vad, ..speech() } }).done();
            start.elapsed()
        })
    };
    let (by_speech, by_windows) = (transcribe(true), transcribe(false));
    let bare = rounds(|| plain(context, &sound, 0));
    println!("{seconds:.0} s of sound: plain call {bare:.2} s ({:.2} x real time)", seconds / bare);
    for (name, took) in [("by windows", by_windows), ("by speech", by_speech)] {
        println!(
            "  {name}: {took:.2} s ({:.2} x real time), {:.2} x the plain call",
            seconds / took,
            bare / took
        );
    }
}

/// The most memory that a long file took.
fn memory(model: &Path) {
    let mut block = jfk();
    block.resize(block.len() + 4 * RATE, 0.0);
    let times = HOURS * 3600 * RATE / block.len();
    let file = tempfile::NamedTempFile::with_suffix(".wav").unwrap();
    for hours in [0, HOURS] {
        let times = if hours == 0 { 4 } else { times };
        write_wav(file.path(), block.len() * times, std::iter::repeat_n(&block[..], times));
        let mut worker = start(model);
        let begun = Instant::now();
        worker.ask(Request::Transcribe { path: file.path().to_owned(), speech: speech() }).done();
        let minutes = block.len() * times / RATE / 60;
        println!("{minutes} min of sound: {} at most, {:.0?}", peak(worker.id()), begun.elapsed());
    }
}

/// `VmHWM` of a process.
fn peak(process: u32) -> String {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}

fn write_wav<'a>(path: &Path, samples: usize, blocks: impl Iterator<Item = &'a [f32]>) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let bytes = samples as u32 * 2;
    file.write_all(b"RIFF").unwrap();
    file.write_all(&(36 + bytes).to_le_bytes()).unwrap();
    file.write_all(b"WAVEfmt \x10\0\0\0\x01\0\x01\0").unwrap();
    file.write_all(&[SAMPLE_RATE.to_le_bytes(), (SAMPLE_RATE * 2).to_le_bytes()].concat()).unwrap();
    file.write_all(b"\x02\0\x10\0data").unwrap();
    file.write_all(&bytes.to_le_bytes()).unwrap();
    for sample in blocks.flatten() {
        file.write_all(&((sample * 32_767.0) as i16).to_le_bytes()).unwrap();
    }
    file.flush().unwrap();
}

fn main() {
    whisper_rs::install_logging_hooks();
    let like = shared("models/for-tests-ggml-base.bin");
    if !like.exists() {
        println!("left out: there is no {}", like.display());
        return;
    }
    let only = std::env::var("PERCEPT_SPEECH_ONLY").unwrap_or_default();
    let wanted = |name: &str| only.is_empty() || only == name;
    let pace = std::env::var("PERCEPT_SPEECH_PACE").ok().and_then(|pace| pace.parse().ok()).unwrap_or(1.0);
    let dir = tempfile::tempdir().unwrap();
    let models = match std::env::var_os("PERCEPT_SPEECH_MODEL") {
        Some(path) => vec![(PathBuf::from(&path).display().to_string(), PathBuf::from(path))],
        None => [("tiny", random_whisper::TINY), ("base", random_whisper::BASE)]
            .map(|(name, shape)| {
                let path = dir.path().join(name);
                random_whisper::write(&path, &like, shape, 7);
                (format!("{name} shape, random weights"), path)
            })
            .to_vec(),
    };
    for (name, model) in models {
        println!("{name}, {} threads", threads());
        let mut worker = start(&model);
        let context = WhisperContext::new_with_params(&model, WhisperContextParameters::default()).unwrap();
        if wanted("clips") {
            clips(&mut worker, &context, pace);
        }
        if wanted("factor") {
            factor(&mut worker, &context);
        }
    }
    if wanted("memory") {
        let small = dir.path().join("small");
        random_whisper::write(&small, &like, random_whisper::SMALL, 7);
        memory(&small);
    }
}
