use proptest::prelude::*;

use super::*;

/// A tone of so many Hz and samples.
fn tone(hertz: f64, rate: u32, samples: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU * hertz / f64::from(rate);
    (0..samples).map(|at| (0.5 * (step * at as f64).sin()) as f32).collect()
}

fn all(rate: u32, channels: usize, sound: &[f32], sizes: &[usize]) -> Vec<f32> {
    let mut resampler = Resampler::new(rate, channels).unwrap();
    let mut out = Vec::new();
    let mut rest = sound;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (now, later) = rest.split_at((*size).min(rest.len()));
        out.extend(resampler.push(now));
        rest = later;
    }
    out.extend(resampler.finish());
    out
}

/// The level of a tone in a sound, in decibels against one of 0.5.
fn level(sound: &[f32], hertz: f64) -> f64 {
    let step = std::f64::consts::TAU * hertz / f64::from(SAMPLE_RATE);
    let part = |wave: fn(f64) -> f64| -> f64 {
        sound.iter().enumerate().map(|(at, sample)| f64::from(*sample) * wave(step * at as f64)).sum()
    };
    let amplitude = 2.0 * part(f64::sin).hypot(part(f64::cos)) / sound.len() as f64;
    20.0 * (amplitude / 0.5).log10()
}

fn loudest(sound: &[f32]) -> f64 {
    20.0 * (f64::from(sound.iter().fold(0.0f32, |peak, sample| peak.max(sample.abs()))) / 0.5).log10()
}

/// What is left when the edges, where a tone begins and ends, are cut off.
fn middle(sound: &[f32]) -> &[f32] {
    &sound[1600..sound.len() - 1600]
}

const RATES: [u32; 12] =
    [8000, 11_025, 12_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 176_400, 192_000];

#[test]
fn a_tone_stays_where_it_is_as_loud_as_it_was_and_in_time() {
    for rate in RATES.into_iter().chain([8001, 44_056, 191_999]) {
        let sound = all(rate, 1, &tone(440.0, rate, rate as usize), &[rate as usize]);
        assert_eq!(sound.len(), 16_000, "{rate}");
        let level = level(middle(&sound), 440.0);
        assert!(level.abs() < 0.05, "{rate}: {level} dB");
        // Nothing but the tone, and none of it later than half a sample: the middle of an odd block.
        let error = sound.iter().zip(tone(440.0, SAMPLE_RATE, 16_000)).map(|(own, wanted)| own - wanted);
        let error: Vec<f32> = error.collect();
        let half_a_sample = 20.0 * (std::f64::consts::PI * 440.0 / f64::from(rate)).log10();
        assert!(loudest(middle(&error)) < half_a_sample + 0.1, "{rate}: {} dB", loudest(middle(&error)));
    }
}

#[test]
fn what_whisper_cannot_hear_is_gone_and_what_it_can_is_there() {
    for rate in RATES.into_iter().filter(|rate| *rate > SAMPLE_RATE) {
        let highest = f64::from(rate) / 2.0;
        for hertz in [8100.0, 9000.0, 12_000.0, 15_000.0, 20_000.0, 40_000.0] {
            if hertz < highest - 100.0 {
                let left = loudest(middle(&all(rate, 1, &tone(hertz, rate, rate as usize), &[4096])));
                assert!(left < -80.0, "{hertz} Hz at {rate}: {left} dB");
            }
        }
        let kept = level(middle(&all(rate, 1, &tone(7000.0, rate, rate as usize), &[4096])), 7000.0);
        assert!(kept.abs() < 0.5, "7 kHz at {rate}: {kept} dB");
    }
}

#[test]
fn the_right_rate_passes_through_and_what_is_no_number_is_silence() {
    let sound = tone(440.0, SAMPLE_RATE, 1000);
    assert_eq!(all(SAMPLE_RATE, 1, &sound, &[7]), sound);
    let broken = [f32::NAN, 0.5, f32::INFINITY, -3.0];
    assert_eq!(all(SAMPLE_RATE, 1, &broken, &[9]), [0.0, 0.5, 0.0, -1.0]);
    assert_eq!(all(SAMPLE_RATE, 2, &broken, &[1]), [0.25, -0.5]);
    let heard = all(48_000, 2, &[f32::NAN; 9600], &[100]);
    assert!(heard.len() == 1600 && heard.iter().all(|sample| *sample == 0.0));
}

#[test]
fn what_no_sound_has_is_refused() {
    for (rate, channels) in [(0, 1), (999, 1), (384_001, 2), (u32::MAX, 1), (48_000, 0), (48_000, 65_535)] {
        assert!(Resampler::new(rate, channels).is_err(), "{rate} {channels}");
    }
}

#[test]
fn it_starts_anew_after_the_end_and_holds_little_back() {
    let sound = tone(440.0, 48_000, 4801);
    let mut resampler = Resampler::new(48_000, 1).unwrap();
    let mut twice = Vec::new();
    for _ in 0..2 {
        let early = resampler.push(&sound);
        // 100 ms went in: 20 for a block and 10 of the filter may be held back.
        assert!(early.len() >= 1120, "{}", early.len());
        twice.push([early, resampler.finish()].concat());
    }
    assert_eq!(twice[0], twice[1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_rate_in_any_pieces_is_as_long_as_it_was_and_the_same(
        rate in prop_oneof![3 => proptest::sample::select(RATES.to_vec()), 1 => 8000u32..=192_000],
        channels in 1usize..4,
        frames in 0usize..20_000,
        sizes in proptest::collection::vec(1usize..5000, 1..8),
    ) {
        let sound = tone(300.0, rate, frames * channels);
        let whole = all(rate, channels, &sound, &[sound.len().max(1)]);
        let wanted = frames as f64 * f64::from(SAMPLE_RATE) / f64::from(rate);
        prop_assert!((whole.len() as f64 - wanted).abs() <= 1.0, "{} for {wanted}", whole.len());
        prop_assert_eq!(whole, all(rate, channels, &sound, &sizes));
    }
}
