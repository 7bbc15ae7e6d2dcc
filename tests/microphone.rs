//! The microphone through a real audio server: a `PulseAudio` of each test's own, whose sink's
//! monitor is the microphone. Contents and order are asserted, never times.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod pulse;

use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use percept::microphone::{Device, Microphone, MicrophoneError, Options, Sound, check, devices};
use pulse::{Client, with_server};

const RATE: usize = 16_000;

/// What must come in the end comes within this.
const PATIENCE: Duration = Duration::from_secs(30);

/// A burst: so many samples of a tone whose frequency is its number.
const BURST: usize = RATE * 60 / 1000;

/// A tone's frequency and the next one's are so far apart: two turns in a burst.
const STEP: f32 = 50.0;

/// The first number's frequency.
const FIRST: f32 = 500.0;

/// How many numbers there are; the later ones begin again.
const NUMBERS: usize = 100;

/// A burst and the silence after it.
const CLICK: usize = RATE * 120 / 1000;

fn tone(number: usize, samples: usize) -> impl Iterator<Item = f32> {
    let turn = std::f32::consts::TAU * (FIRST + STEP * (number % NUMBERS) as f32) / RATE as f32;
    (0..samples).map(move |at| {
        // Soft edges, or a burst is heard in all frequencies.
        let edge = at.min(samples - at) as f32 / 80.0;
        0.5 * edge.min(1.0) * (turn * at as f32).sin()
    })
}

/// Numbered bursts with silence between them.
fn clicks(many: usize) -> Vec<f32> {
    let silence = || std::iter::repeat_n(0.0, CLICK - BURST);
    (0..many).flat_map(|number| tone(number, BURST).chain(silence())).collect()
}

/// The power of a frequency in samples (Goertzel).
fn power(samples: &[f32], number: usize) -> f32 {
    let turn = std::f32::consts::TAU * (FIRST + STEP * number as f32) / RATE as f32;
    let (mut one, mut two) = (0.0, 0.0);
    for sample in samples {
        (one, two) = (sample + 2.0 * turn.cos() * one - two, one);
    }
    one * one + two * two - 2.0 * turn.cos() * one * two
}

/// A burst that was heard.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Heard {
    number: usize,
    from: usize,
    to: usize,
}

impl Heard {
    fn is_whole(&self) -> bool {
        self.to - self.from >= BURST * 9 / 10
    }
}

/// The bursts in samples, in order; those at the edges may be cut.
fn heard(samples: &[f32]) -> Vec<Heard> {
    let quiet = RATE / 100;
    let mut bursts: Vec<(usize, usize)> = Vec::new();
    for at in (0..samples.len()).filter(|&at| samples[at].abs() > 0.05) {
        match bursts.last_mut() {
            Some((_, to)) if at < *to + quiet => *to = at + 1,
            _ => bursts.push((at, at + 1)),
        }
    }
    let number = |from, to| {
        let of = |number: &usize| power(&samples[from..to], *number);
        (0..NUMBERS).max_by(|a, b| of(a).total_cmp(&of(b))).unwrap()
    };
    bursts.into_iter().map(|(from, to)| Heard { number: number(from, to), from, to }).collect()
}

fn started(microphone: &Microphone) -> Receiver<Sound> {
    let (sender, sounds) = mpsc::channel();
    microphone.start(move |sound| drop(sender.send(sound)));
    sounds
}

/// Takes samples until it is enough, or the recording is over: what came last then.
fn take(sounds: &Receiver<Sound>, samples: &mut Vec<f32>, enough: impl Fn(&[f32]) -> bool) -> Option<Sound> {
    while !enough(samples) {
        match sounds.recv_timeout(PATIENCE).unwrap() {
            Sound::Samples(mut new) => samples.append(&mut new),
            last => return Some(last),
        }
    }
    None
}

fn rest(sounds: &Receiver<Sound>, samples: &mut Vec<f32>) -> Sound {
    take(sounds, samples, |_| false).unwrap()
}

fn arm(device: &str) -> Microphone {
    Microphone::arm(&Options { device: device.to_owned(), ..Options::default() }).unwrap()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How like two sounds are at the best of offsets: 1 is the same. A server that resamples starts
/// anywhere between two samples, so offsets are tried by the quarter of a sample.
fn likeness(played: &[f32], heard: &[f32]) -> f32 {
    let norm = |samples: &[f32]| samples.iter().map(|sample| sample * sample).sum::<f32>().sqrt();
    let first = heard.iter().position(|sample| sample.abs() > 0.01).unwrap();
    let at = |offset: usize, part: f32| {
        let heard = heard.get(offset..=offset + played.len())?;
        let between = |pair: &[f32]| pair[0] + part * (pair[1] - pair[0]);
        let heard: Vec<f32> = heard.windows(2).map(between).collect();
        let sum: f32 = played.iter().zip(&heard).map(|(a, b)| a * b).sum();
        Some(sum / norm(played) / norm(&heard))
    };
    let offsets = first.saturating_sub(400)..=first + 400;
    let parts = [0.0, 0.25, 0.5, 0.75];
    offsets.flat_map(|offset| parts.map(|part| at(offset, part))).flatten().fold(0.0, f32::max)
}

/// What is played into a device of some rate and channels comes out as it was.
fn hears(client: &Client, rate: u32, channels: u8) {
    let name = format!("at{rate}x{channels}");
    client.device(&name, rate, channels);
    let microphone = arm("");
    let sounds = started(&microphone);
    let sound: Vec<f32> = [3, 11, 7, 30].into_iter().flat_map(|number| tone(number, RATE / 10)).collect();
    let mut player = client.play(&name, &sound);
    let mut samples = Vec::new();
    take(&sounds, &mut samples, |samples| {
        let first = samples.iter().position(|sample| sample.abs() > 0.01);
        first.is_some_and(|first| samples.len() > first + sound.len() + 800)
    });
    assert!(player.wait().unwrap().success());
    let like = likeness(&sound, &samples);
    assert!(like > 0.98, "{name}: {like}");
    microphone.stop();
    assert_eq!(rest(&sounds, &mut samples), Sound::Ended);
}

#[test]
fn what_is_played_is_heard_at_any_rate_and_channels() {
    with_server("what_is_played_is_heard_at_any_rate_and_channels", |client| {
        hears(client, 8000, 1);
        hears(client, 44_100, 2);
        hears(client, 48_000, 6);
    });
}

#[test]
fn devices_are_listed_and_chosen_by_name() {
    with_server("devices_are_listed_and_chosen_by_name", |client| {
        client.device("kitchen", 16_000, 1);
        client.device("studio", 48_000, 2);
        let listed = devices().unwrap();
        let named = |name: &str, default| Device { name: name.to_owned(), default };
        assert_eq!(listed, [named("Monitor of studio", true), named("Monitor of kitchen", false)]);
        assert_eq!(arm("").device(), "Monitor of studio");
        assert_eq!(arm("KITCHEN").device(), "Monitor of kitchen");
        let choose =
            |device: &str| Microphone::arm(&Options { device: device.to_owned(), ..Options::default() });
        assert!(matches!(choose("monitor"), Err(MicrophoneError::Ambiguous { .. })));
        let unknown = choose("Monitor of kitten").unwrap_err();
        assert!(unknown.to_string().contains("Did you mean \"Monitor of kitchen\"?"), "{unknown}");
        let quiet = check(&Options::default(), Duration::from_millis(300)).unwrap();
        assert_eq!((&*quiet.device, quiet.sounds), ("Monitor of studio", "silence: is it muted?"));
    });
}

#[test]
fn unplugged_while_recording_all_until_then_is_there_and_it_can_be_armed_again() {
    let test = "unplugged_while_recording_all_until_then_is_there_and_it_can_be_armed_again";
    with_server(test, |client| {
        let module = client.device("usb", 44_100, 2);
        let microphone = arm("");
        let sounds = started(&microphone);
        let mut player = client.play("usb", &clicks(40));
        let mut samples = Vec::new();
        take(&sounds, &mut samples, |samples| heard(samples).len() >= 6);
        client.pactl(&["unload-module", &module]);
        let lost = rest(&sounds, &mut samples);
        let _ = player.kill();
        let _ = player.wait();
        let Sound::Lost(why) = lost else { panic!("{lost:?}") };
        assert!(why.contains("Monitor of usb"), "{why}");
        let numbers: Vec<_> =
            heard(&samples).iter().filter(|burst| burst.is_whole()).map(|burst| burst.number).collect();
        assert!(numbers.len() >= 5);
        assert_eq!(numbers, (0..numbers.len()).collect::<Vec<_>>());
        // It doesn't look armed.
        assert_eq!(microphone.lost(), Some(why.clone()));
        assert_eq!(rest(&started(&microphone), &mut Vec::new()), Sound::Lost(why));
        client.device("usb", 44_100, 2);
        let again = arm("");
        assert_eq!(again.lost(), None);
        let mut samples = Vec::new();
        take(&started(&again), &mut samples, |samples| samples.len() > 1600);
    });
}

#[test]
fn a_server_that_dies_while_armed_is_noticed() {
    with_server("a_server_that_dies_while_armed_is_noticed", |client| {
        client.device("desk", 48_000, 2);
        let microphone = arm("");
        client.signal("KILL");
        until("the loss is not noticed", || microphone.lost().is_some());
        let error = Microphone::arm(&Options::default()).unwrap_err();
        assert!(matches!(error, MicrophoneError::None(_)), "{error}");
    });
}

#[test]
fn a_server_that_hangs_is_noticed_and_hangs_nothing() {
    with_server("a_server_that_hangs_is_noticed_and_hangs_nothing", |client| {
        client.device("desk", 48_000, 2);
        let microphone = arm("");
        let sounds = started(&microphone);
        client.signal("STOP");
        let lost = rest(&sounds, &mut Vec::new());
        assert!(matches!(lost, Sound::Lost(_)), "{lost:?}");
        // None and not a hang; without a server ALSA's devices are looked for.
        assert!(Microphone::arm(&Options::default()).is_err());
        drop(microphone);
        client.signal("CONT");
    });
}

/// 100 starts and stops while numbered clicks are played: each recording has its clicks in
/// order with none missing, from what was said before its start to what was said after its
/// stop, and no recording has what another one had.
#[test]
fn no_click_is_lost_at_the_start_or_the_end_of_100_recordings() {
    with_server("no_click_is_lost_at_the_start_or_the_end_of_100_recordings", |client| {
        client.device("track", 48_000, 2);
        let microphone = arm("");
        let mut player = client.play("track", &clicks(350));
        // It plays when a click is heard.
        let first = started(&microphone);
        take(&first, &mut Vec::new(), |samples| samples.iter().any(|sample| sample.abs() > 0.1));
        microphone.cancel();
        let mut all = Vec::new();
        let mut ends = Vec::new();
        let mut recordings = 0;
        while recordings < 100 {
            // Starts in the tail of the one before, after it, or long after it.
            let sounds = started(&microphone);
            std::thread::sleep(Duration::from_millis([20, 90, 40, 130][recordings % 4]));
            microphone.stop();
            std::thread::sleep(Duration::from_millis([0, 350, 10, 500, 150][recordings % 5]));
            ends.push(sounds);
            recordings += 1;
        }
        for sounds in &ends {
            assert_eq!(rest(sounds, &mut all), Sound::Ended);
        }
        let _ = player.kill();
        let _ = player.wait();
        assert_eq!(microphone.dropped(), Duration::ZERO);
        let bursts = heard(&all);
        let numbers: Vec<_> =
            bursts.iter().filter(|burst| burst.is_whole()).map(|burst| burst.number).collect();
        // One cut at the very start, and as many as were never played.
        assert!(numbers.len() > 100, "{numbers:?}");
        for pair in numbers.windows(2) {
            assert_eq!(pair[1], (pair[0] + 1) % NUMBERS, "{numbers:?}");
        }
        assert!(bursts.len() - numbers.len() <= 2, "cut clicks: {bursts:?}");
    });
}
