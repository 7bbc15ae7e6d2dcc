use proptest::prelude::*;

use super::*;

const SETTINGS: Settings = Settings { least: 3, padding: 6, pause: 15, longest: 250 };
const SECOND: usize = percept::wire::SAMPLE_RATE as usize;

/// Noise that is the same each time: numbers of -1 to 1 (xorshift).
fn white(seed: u32) -> impl Iterator<Item = f32> {
    let mut state = seed | 1;
    std::iter::from_fn(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        Some(state as f32 / u32::MAX as f32 * 2.0 - 1.0)
    })
}

fn hum(at: usize) -> f32 {
    let turn = at as f32 / SECOND as f32 * std::f32::consts::TAU;
    (turn * 50.0).sin() + 0.4 * (turn * 150.0).sin() + 0.2 * (turn * 250.0).sin()
}

/// Ten seconds of each noise that a room may have, at full scale.
fn noises() -> Vec<(&'static str, Vec<f32>)> {
    let length = 10 * SECOND;
    let mut low = 0.0;
    let pink = white(7).map(|sample| {
        low += 0.05 * (sample - low);
        low * 4.0 + sample * 0.1
    });
    let clicks = (0..length).map(|at| if at % 9_000 < 40 { 1.0 } else { 0.0 });
    vec![
        ("silence", vec![0.0; length]),
        ("white", white(3).take(length).collect()),
        ("pink", pink.take(length).collect()),
        ("hum", (0..length).map(hum).collect()),
        ("clicks", clicks.collect()),
    ]
}

/// What an ear finds, fed in blocks.
fn found(voice: Voice<'_>, sound: &[f32], block: usize) -> Vec<Stretch> {
    let mut ear = Ear::new(voice, SETTINGS, 3);
    let mut stretches: Vec<_> = sound.chunks(block).flat_map(|block| ear.push(block).unwrap()).collect();
    stretches.extend(ear.finish().unwrap());
    stretches
}

fn shared(file: &str) -> String {
    format!("{}/../shared/{file}", env!("CARGO_MANIFEST_DIR"))
}

fn silero() -> Option<WhisperVadContext> {
    let path = shared("models/for-tests-silero-v6.2.0-ggml.bin");
    if !std::path::Path::new(&path).exists() {
        eprintln!("left out: no Silero model at {path}");
        return None;
    }
    Some(crate::load::open_vad(path.as_ref()).unwrap())
}

fn speech() -> Option<Vec<f32>> {
    let bytes = std::fs::read(shared("data/speech/jfk.wav")).ok()?;
    let (samples, _) = bytes[44..].as_chunks::<2>();
    Some(samples.iter().map(|bytes| f32::from(i16::from_le_bytes(*bytes)) / 32_768.0).collect())
}

#[test]
fn no_noise_is_speech_at_any_level() {
    let mut silero = silero();
    for (name, noise) in noises() {
        for level in [0.003, 0.03, 0.3] {
            let sound: Vec<f32> = noise.iter().map(|sample| sample * level).collect();
            assert_eq!(found(Voice::Energy(Gate::default()), &sound, 1600), [], "{name} at {level}");
            if let Some(silero) = &mut silero {
                assert_eq!(found(Voice::Silero(silero), &sound, 1600), [], "{name} at {level}, Silero");
            }
        }
    }
}

#[test]
fn speech_is_found_in_silence_and_in_noise_by_both() {
    let (Some(speech), Some(mut silero)) = (speech(), silero()) else { return };
    for noise in [0.0, 0.003, 0.01] {
        let mut sound: Vec<f32> =
            white(5).map(|sample| sample * noise).take(speech.len() + 4 * SECOND).collect();
        for (sample, said) in sound[2 * SECOND..].iter_mut().zip(&speech) {
            *sample += said;
        }
        for voice in [Voice::Energy(Gate::default()), Voice::Silero(&mut silero)] {
            let stretches = found(voice, &sound, 1600);
            let (first, last) = (stretches.first().unwrap(), stretches.last().unwrap());
            let seconds = |frame: usize| frame * FRAME / SECOND;
            assert!((1..=2).contains(&seconds(first.frames.start)), "{noise}: {stretches:?}");
            assert!((12..=13).contains(&seconds(last.frames.end)), "{noise}: {stretches:?}");
            let frames: usize = stretches.iter().map(|stretch| stretch.frames.len()).sum();
            assert!((7..=11).contains(&seconds(frames)), "{noise}: {stretches:?}");
        }
    }
}

#[test]
fn a_window_judges_as_the_whole_does() {
    let (Some(speech), Some(mut silero)) = (speech(), silero()) else { return };
    silero.detect_speech(&speech).unwrap();
    let whole = silero.probabilities().to_vec();
    let mut ear = Ear::new(Voice::Silero(&mut silero), SETTINGS, 3);
    ear.tape.push(&speech);
    let frames = speech.len() / FRAME;
    let windows = (0..frames).step_by(3).map(|start| start..(start + 3).min(frames));
    let parts: Vec<f32> = windows.flat_map(|window| ear.speech(&window).unwrap()).collect();
    let differs =
        whole.iter().zip(&parts).filter(|(whole, part)| (**whole >= 0.5) != (**part >= 0.5)).count();
    assert!(differs * 50 <= frames, "{differs} of {frames}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn blocks_of_any_size_find_the_same(block in 1..9000_usize) {
        let mut sound: Vec<f32> = white(1).map(|sample| sample * 0.2).take(4 * SECOND).collect();
        sound[..SECOND].fill(0.0);
        sound[2 * SECOND..3 * SECOND].fill(0.0);
        let whole = found(Voice::Energy(Gate::default()), &sound, sound.len());
        prop_assert_eq!(whole.len(), 2);
        prop_assert_eq!(found(Voice::Energy(Gate::default()), &sound, block), whole);
    }
}
