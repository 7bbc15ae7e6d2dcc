//! Dictation in a pseudo-terminal: a sound file in place of a microphone, and a fake worker
//! that hears a word in each 100 ms of it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;
mod pty;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Home, fake_worker};
use percept::dictation::{Driver, Event, Options, Source, State, Told};
use percept::engines::WorkerOptions;
use percept::microphone::Sound;
use pty::Terminal;

const CTRL_C: &str = "\x03";
const CTRL_R: &str = "\x12";
const CTRL_U: &str = "\x15";
const ESC: &str = "\x1b";

/// A minute of a quiet tone: 16-bit mono at 16 kHz, as a wav file (RIFF).
fn tone() -> Vec<u8> {
    const RATE: u32 = 16_000;
    let samples = 60 * RATE;
    let bytes = samples * 2;
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    wav.extend(1u16.to_le_bytes());
    wav.extend(1u16.to_le_bytes());
    wav.extend(RATE.to_le_bytes());
    wav.extend((RATE * 2).to_le_bytes());
    wav.extend(2u16.to_le_bytes());
    wav.extend(16u16.to_le_bytes());
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    let wave = |n: u32| (f64::from(n) * 0.17).sin() * 3000.0;
    wav.extend((0..samples).flat_map(|n| (wave(n) as i16).to_le_bytes()));
    wav
}

/// The beginning of a speech model in ggml form, its magic and the size of its vocabulary: the
/// fake worker reads none of it, percept no more.
fn speech_model() -> Vec<u8> {
    [*b"lmgg", 51_864_u32.to_le_bytes()].concat()
}

/// A chat that can dictate.
fn chat(home: &Home, fake: &str, size: (u16, u16)) -> Terminal {
    let model = home.write("speech.bin", speech_model()).to_str().unwrap().to_owned();
    let tone = format!("file:{}", home.write("tone.wav", tone()).display());
    let worker = fake_worker().to_str().unwrap().to_owned();
    let environment = [
        ("PERCEPT_WORKER_WHISPER", worker.as_str()),
        ("PERCEPT_SPEECH_MODEL", model.as_str()),
        ("PERCEPT_SPEECH_DEVICE", tone.as_str()),
    ];
    let chat = Terminal::with(home, fake, &[], &environment, size);
    chat.shows("ready");
    chat
}

#[test]
fn words_appear_while_talking_and_stay_when_it_is_stopped() {
    for size in [(60, 16), (80, 24), (200, 60)] {
        let home = Home::new();
        let mut chat = chat(&home, "", size);
        chat.press("Please:");
        chat.press(CTRL_R);
        chat.shows("● rec 0:0");
        chat.shows("› Please: Look at the log and tell");
        // Enter stops, and sends nothing.
        chat.press("\r");
        chat.shows("mic open");
        assert!(!chat.text().contains("You asked"), "{}", chat.text());
        chat.press("\r");
        chat.shows("You asked \"Please: Look at the log and");
    }
}

#[test]
fn one_undo_takes_it_out_and_escape_discards() {
    let home = Home::new();
    let mut chat = chat(&home, "", (80, 24));
    chat.press("Keep");
    chat.press(CTRL_R);
    chat.shows("Keep Look at the log and tell me what");
    chat.press(CTRL_R);
    chat.shows("mic open");
    chat.press(CTRL_U);
    chat.hides("Look");
    chat.shows("› Keep");
    chat.press(CTRL_R);
    chat.shows("Keep Look at the log");
    chat.press(ESC);
    chat.hides("Look");
    chat.shows("Discarded; ctrl+u brings it back.");
    chat.shows("› Keep");
}

#[test]
fn the_microphone_is_closed_by_a_command() {
    let home = Home::new();
    let mut chat = chat(&home, "", (80, 24));
    chat.press("/dictate\r");
    chat.shows("› Look at the log");
    chat.press(CTRL_R);
    chat.shows("mic open");
    chat.press(CTRL_C);
    chat.hides("Look");
    chat.press("/dictate off\r");
    chat.hides("mic open");
}

#[test]
fn a_worker_that_dies_while_one_talks_loses_nothing() {
    let home = Home::new();
    let mut chat = chat(&home, "diespeech", (80, 24));
    chat.press(CTRL_R);
    chat.shows("The speech worker died (it ended with exit code 7");
    chat.shows("› Look at the log");
    // The next one hears the rest: as the fake has it, from the first utterance on.
    chat.shows("› Look at the log Look at the log and");
    chat.press(CTRL_R);
    chat.shows("mic open");
    chat.shows("› Look at the log Look at the log and");
}

#[test]
fn a_signal_or_ctrl_c_twice_keeps_what_was_said_in_the_draft() {
    let home = Home::new();
    let mut talking = chat(&home, "", (80, 24));
    talking.press(CTRL_R);
    talking.shows("› Look at the log");
    talking.signal(rustix::process::Signal::TERM);
    assert_eq!(talking.wait(), 143);
    assert!(talking.was_restored());
    let mut again = chat(&home, "", (80, 24));
    again.shows("› Look at the log");
    again.press(CTRL_U);
    again.press(CTRL_R);
    again.shows("● rec");
    again.press(CTRL_C);
    again.shows("Ctrl+C once more leaves");
    again.press(CTRL_C);
    assert_eq!(again.wait(), 0);
    let last = chat(&home, "", (80, 24));
    last.shows("› Look at the log");
}

#[test]
fn what_was_said_before_the_model_is_loaded_is_heard_when_it_is() {
    let home = Home::new();
    let mut chat = chat(&home, "slowspeech", (80, 24));
    chat.press(CTRL_R);
    chat.shows("● rec");
    chat.shows("loading the model");
    chat.press("\r");
    chat.shows("settling");
    chat.shows("mic open");
    chat.shows("› Look at");
}

#[test]
fn the_words_of_the_conversation_are_told_to_the_worker() {
    let home = Home::new();
    let mut chat = chat(&home, "spell", (80, 24));
    chat.press("why does load_model miss the mmproj\r");
    chat.shows("You asked");
    chat.shows("ready");
    chat.press(CTRL_R);
    chat.shows("› load_model");
    chat.press(ESC);
    chat.hides("› load_model");
}

#[test]
fn what_can_not_be_is_said_with_what_to_do() {
    let home = Home::new();
    let mut without = Terminal::start(&home, "", &[], 80, 24);
    without.shows("ready");
    without.press(CTRL_R);
    without.shows("No speech model is on this machine");

    let mut chat = chat(&home, "nospeech", (200, 60));
    chat.press(CTRL_R);
    chat.shows("The speech model can't be loaded. The speech model is cut off. Copy it again.");
    chat.hides("mic open");
}

#[test]
fn held_the_key_records_until_it_is_let_go() {
    let home = Home::new();
    let mut chat = chat(&home, "", (80, 24));
    // As a terminal with the kitty protocol reports it: pressed, repeated, released.
    chat.press("\x1b[114;5u");
    chat.shows("● rec");
    chat.press("\x1b[114;5:2u\x1b[114;5:2u");
    chat.shows("› Look at the log and");
    chat.press("\x1b[114;5:3u");
    chat.shows("mic open");
    assert_eq!(chat.wrote("\x1b[>3u"), 1);
}

type Sink = Box<dyn FnMut(Sound) + Send>;

/// Gives a second of sound at once, and the end when it is stopped.
struct Second {
    lost: Option<String>,
    sink: Mutex<Option<Sink>>,
    closed: Arc<AtomicBool>,
}

impl Source for Second {
    fn start(&self, mut sink: Sink) {
        (0..10).for_each(|_| sink(Sound::Samples(vec![0.1; 1600])));
        *self.sink.lock().unwrap() = Some(sink);
    }

    fn stop(&self) {
        let sink = self.sink.lock().unwrap().take();
        sink.into_iter().for_each(|mut sink| sink(Sound::Ended));
    }

    fn cancel(&self) {
        self.sink.lock().unwrap().take();
    }

    fn level(&self) -> f32 {
        0.5
    }

    fn lost(&self) -> Option<String> {
        self.lost.clone()
    }

    fn dropped(&self) -> Duration {
        Duration::ZERO
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
    }
}

/// What is told until something is.
async fn until(driver: &mut Driver, mut done: impl FnMut(&Driver, &[Told]) -> bool) -> Vec<Told> {
    let mut told = Vec::new();
    let wait = async {
        while !done(driver, &told) {
            told.extend(driver.next().await);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap();
    told
}

/// A driver of a fake worker and a [`Second`]; true when that is closed.
fn driver(armed_for: Duration, lost: Option<&str>) -> (Driver, Arc<AtomicBool>) {
    let options = Options { armed_for, ..Options::new(WorkerOptions::new(fake_worker()), "m.bin".into()) };
    let closed = Arc::new(AtomicBool::new(false));
    let (seen, lost) = (Arc::clone(&closed), lost.map(str::to_owned));
    let open = move |_: &_| -> Result<Box<dyn Source>, String> {
        Ok(Box::new(Second { lost: lost.clone(), sink: Mutex::default(), closed: Arc::clone(&seen) }))
    };
    (Driver::with(options, Arc::new(open)), closed)
}

/// Longer than any clock goes.
const NEVER: Duration = Duration::MAX;

#[tokio::test]
async fn without_likely_words_it_is_heard_too_and_it_can_be_armed_for_ever() {
    let (mut driver, closed) = driver(NEVER, None);
    driver.send(Event::Start);
    until(&mut driver, |driver, _| driver.look().partial == "it says").await;
    driver.send(Event::Stop);
    until(&mut driver, |driver, _| driver.look().state == State::Armed).await;
    assert!(!closed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn closed_before_a_stop_the_microphone_is_closed_at_once_and_the_rest_is_said() {
    let (mut driver, closed) = driver(NEVER, None);
    driver.send(Event::Start);
    driver.send(Event::Vocabulary(Vec::new()));
    until(&mut driver, |driver, _| driver.look().partial == "it says").await;
    assert!(driver.close().is_empty());
    assert!(closed.load(Ordering::SeqCst));
    let told = until(&mut driver, |driver, _| driver.look().state == State::Off).await;
    assert!(told.contains(&Told::Settled { take: 1, text: "it says".into() }), "{told:?}");
}

#[tokio::test]
async fn a_microphone_that_goes_while_it_is_armed_is_told() {
    let (mut driver, _) = driver(NEVER, Some("It was unplugged."));
    driver.send(Event::Start);
    until(&mut driver, |driver, _| driver.look().state == State::Recording).await;
    driver.send(Event::Discard);
    let gone = Told::Failed("It was unplugged.".into());
    until(&mut driver, |_, told| told.contains(&gone)).await;
    assert_eq!(driver.look().state, State::Off);
}

#[tokio::test]
async fn sound_becomes_text_and_the_microphone_is_closed_after_its_time() {
    let (mut driver, closed) = driver(Duration::ZERO, None);
    assert_eq!(driver.send(Event::Start), [Told::Began { take: 1 }]);
    assert_eq!(driver.look().state, State::Arming);
    driver.send(Event::Vocabulary(Vec::new()));
    // Ten words: two utterances and the beginning of a third.
    until(&mut driver, |driver, _| driver.look().partial == "it says").await;
    assert_eq!((driver.look().state, driver.look().seconds), (State::Recording, 1));
    assert!(driver.send(Event::Stop).is_empty());
    let told = until(&mut driver, |driver, _| driver.look().state == State::Off).await;
    let last = Told::Settled { take: 1, text: "it says".into() };
    assert_eq!(told, [last, Told::Ended { take: 1 }]);
    while !closed.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
