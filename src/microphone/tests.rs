//! The pure parts, and the whole microphone on a sound file.

use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::clock::Clock;
use super::recording::{BLOCK, Recording, Step};
use super::{Microphone, MicrophoneError, Options, Sound};

/// What happens to a microphone.
#[derive(Debug, Clone)]
enum Act {
    Hear(usize),
    /// So many samples ago, or ahead.
    Start(i64),
    Stop(i64),
    Cancel,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0..4000_usize).prop_map(Act::Hear),
        2 => (-300..300_i64).prop_map(Act::Start),
        2 => (-300..300_i64).prop_map(Act::Stop),
        1 => Just(Act::Cancel),
    ];
    prop::collection::vec(act, 0..60)
}

/// What a recording must have, told from the acts alone.
#[derive(Debug, Clone, PartialEq)]
struct Expected {
    samples: std::ops::Range<u64>,
    ended: bool,
}

/// Follows the rules in the plainest way.
#[derive(Default)]
struct Rules {
    heard: u64,
    /// What some recording had, or was given up.
    had: u64,
    /// The recording that runs, and where it ends.
    running: Option<(u64, Option<u64>)>,
    expected: Vec<Expected>,
}

impl Rules {
    fn close(&mut self, at: u64, ended: bool) {
        if let Some((from, _)) = self.running.take() {
            self.had = at;
            self.expected.push(Expected { samples: from.min(at)..at, ended });
        }
    }

    fn end(&mut self) {
        if let Some((_, Some(until))) = self.running
            && self.heard >= until
        {
            self.close(until, true);
        }
    }

    fn at(&self, offset: i64) -> u64 {
        self.heard.saturating_add_signed(offset)
    }
}

proptest! {
    #[test]
    fn a_recording_has_each_sample_of_its_time_once(
        before in 0..3000_usize, after in 0..3000_usize, acts in acts(),
    ) {
        // A stop that is heard of late may come after what was to be its end.
        let after = after.max(300);
        let mut recording = Recording::new(before, after, 300);
        let mut rules = Rules::default();
        let mut given: Vec<(Vec<f32>, bool)> = Vec::new();
        let note = |steps: Vec<Step>, given: &mut Vec<(Vec<f32>, bool)>| {
            for step in steps {
                let (samples, ended) = given.last_mut().unwrap();
                assert!(!*ended, "something comes after the end");
                match step {
                    Step::Samples(mut new) => samples.append(&mut new),
                    Step::Ended => *ended = true,
                }
            }
        };
        for act in acts {
            match act {
                Act::Hear(many) => {
                    let samples: Vec<f32> = (0..many as u64).map(|at| (rules.heard + at) as f32).collect();
                    note(recording.push(&samples), &mut given);
                    rules.heard += many as u64;
                    rules.end();
                }
                Act::Start(offset) => {
                    let at = rules.at(offset).min(rules.heard + before as u64);
                    rules.close(rules.heard, true);
                    note(recording.finish(), &mut given);
                    given.push((Vec::new(), false));
                    note(recording.start(at), &mut given);
                    let kept = rules.heard.saturating_sub(before as u64 + 300);
                    let from = at.saturating_sub(before as u64).max(rules.had).max(kept);
                    rules.running = Some((from, None));
                }
                Act::Stop(offset) => {
                    let at = rules.at(offset);
                    note(recording.stop(at), &mut given);
                    if let Some((_, until @ None)) = &mut rules.running {
                        *until = Some(at + after as u64);
                    }
                    rules.end();
                }
                Act::Cancel => {
                    recording.cancel();
                    if rules.running.is_some() {
                        // What was not yet a block isn't given.
                        let whole = given.last().unwrap().0.len() as u64;
                        let from = rules.running.unwrap().0;
                        rules.close(from + whole, false);
                        rules.had = rules.heard;
                    }
                }
            }
        }
        if rules.running.is_some() {
            note(recording.rest(), &mut given);
            rules.close(rules.heard, false);
        }
        let expected: Vec<(Vec<f32>, bool)> = rules
            .expected
            .iter()
            .map(|one| (one.samples.clone().map(|at| at as f32).collect(), one.ended))
            .collect();
        prop_assert_eq!(given, expected);
    }

    #[test]
    fn the_clock_is_as_right_as_its_best_arrival(
        late in prop::collection::vec(0..300_u64, 20..200), best in 0..20_u64,
    ) {
        let began = Instant::now();
        let mut clock = Clock::new(48_000, began);
        for (at, late) in late.iter().enumerate() {
            let ms = 100 * (at as u64 + 1);
            // Each second one comes with no more delay than the device always has.
            let late = best + if at % 10 == 0 { 0 } else { *late };
            clock.heard(ms * 48, began + Duration::from_millis(ms + late));
        }
        let now = began + Duration::from_millis(100 * late.len() as u64 + 400);
        let position = clock.position(now).unwrap();
        let right = (now - began).as_secs_f64() - best as f64 / 1000.0;
        prop_assert!((position - right).abs() < 0.001, "{position} for {right}");
    }
}

#[test]
fn blocks_are_100_ms_but_for_the_first_and_the_last() {
    let mut recording = Recording::new(800, 0, 0);
    assert_eq!(recording.push(&[0.0; 5000]), []);
    let lengths = |steps: Vec<Step>| -> Vec<usize> {
        steps.iter().map(|step| if let Step::Samples(samples) = step { samples.len() } else { 0 }).collect()
    };
    assert_eq!(lengths(recording.start(5000)), [800]);
    assert_eq!(lengths(recording.push(&[0.0; 4000])), [BLOCK, BLOCK]);
    assert_eq!(lengths(recording.stop(9000)), [800, 0]);
}

#[test]
fn what_never_started_never_ends() {
    let mut recording = Recording::new(800, 0, 0);
    assert_eq!(recording.stop(0), []);
    assert_eq!(recording.finish(), []);
    assert_eq!(recording.rest(), []);
}

/// A clock that dropped samples is followed after two spans.
#[test]
fn a_gap_is_forgotten() {
    let began = Instant::now();
    let mut clock = Clock::new(1000, began);
    assert_eq!(clock.position(began), None);
    for ms in 1..20_000_u64 {
        // From 5 s on, half a second is missing.
        let heard = if ms > 5000 { ms - 500 } else { ms };
        clock.heard(heard, began + Duration::from_millis(ms));
    }
    let position = clock.position(began + Duration::from_secs(20)).unwrap();
    assert!((position - 19.5).abs() < 0.002, "{position}");
}

/// A ramp of so many samples, as a file of 16 kHz.
fn ramp(samples: i16) -> tempfile::NamedTempFile {
    let mut bytes = Vec::new();
    let length = u32::from(samples.unsigned_abs()) * 2;
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(length + 36).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend_from_slice(&16_000_u32.to_le_bytes());
    bytes.extend_from_slice(&32_000_u32.to_le_bytes());
    bytes.extend_from_slice(b"\x02\0\x10\0data");
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend((1..=samples).flat_map(i16::to_le_bytes));
    let file = tempfile::Builder::new().suffix(".wav").tempfile().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn played(file: &tempfile::NamedTempFile, before: u64) -> Microphone {
    let device = format!("file:{}", file.path().display());
    let before = Duration::from_millis(before);
    Microphone::arm(&Options { device, before, ..Options::default() }).unwrap()
}

fn started(microphone: &Microphone) -> Receiver<Sound> {
    let (sender, sounds) = mpsc::channel();
    microphone.start(move |sound| drop(sender.send(sound)));
    sounds
}

/// The samples as they are in the file, and what came last. The sender is gone by then.
fn all(sounds: &Receiver<Sound>) -> (Vec<i32>, Option<Sound>) {
    let (mut samples, mut last) = (Vec::new(), None);
    for sound in sounds {
        match sound {
            Sound::Samples(new) => samples.extend(new.iter().map(|sample| (sample * 32768.0).round() as i32)),
            other => last = Some(other),
        }
    }
    (samples, last)
}

/// Consecutive samples of a ramp, then silence.
fn is_whole(samples: &[i32]) -> bool {
    samples.windows(2).all(|pair| pair[1] == pair[0] + 1 || pair[1] == 0)
}

#[test]
fn a_file_is_heard_from_its_first_sample_then_silence() {
    let file = ramp(8000);
    let microphone = played(&file, 60_000);
    let sounds = started(&microphone);
    std::thread::sleep(Duration::from_millis(600));
    microphone.stop();
    let (samples, last) = all(&sounds);
    assert_eq!(last, Some(Sound::Ended));
    assert_eq!(samples[..8000], (1..=8000).collect::<Vec<_>>());
    assert!(samples.len() > 8000 && samples[8000..].iter().all(|sample| *sample == 0));
}

#[test]
fn a_start_ends_what_runs_and_goes_on_where_that_ended() {
    let file = ramp(32_000);
    let microphone = played(&file, 60_000);
    let first = started(&microphone);
    std::thread::sleep(Duration::from_millis(100));
    let second = started(&microphone);
    std::thread::sleep(Duration::from_millis(100));
    microphone.stop();
    // In the tail of the second.
    let third = started(&microphone);
    std::thread::sleep(Duration::from_millis(100));
    microphone.stop();
    microphone.stop();
    let parts = [first, second, third].map(|sounds| all(&sounds));
    assert!(parts.iter().all(|(_, last)| *last == Some(Sound::Ended)), "{parts:?}");
    let samples: Vec<i32> = parts.into_iter().flat_map(|(samples, _)| samples).collect();
    assert_eq!(samples[0], 1);
    assert!(is_whole(&samples));
}

#[test]
fn what_is_given_up_or_dropped_ends_without_a_word() {
    let file = ramp(32_000);
    let microphone = played(&file, 0);
    microphone.stop();
    let given_up = started(&microphone);
    microphone.cancel();
    assert_eq!(all(&given_up).1, None);
    let dropped = started(&microphone);
    drop(microphone);
    assert_eq!(all(&dropped).1, None);
}

#[test]
fn a_file_that_cant_be_played_says_so() {
    let device = "file:/nowhere/to.wav".to_owned();
    let error = Microphone::arm(&Options { device, ..Options::default() }).unwrap_err();
    assert!(matches!(error, MicrophoneError::File(_)), "{error}");
}
