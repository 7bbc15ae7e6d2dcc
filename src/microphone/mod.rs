//! The microphone: a device that is kept open while dictation is armed, and its sound at the
//! rate that the worker takes ([`crate::wire::SAMPLE_RATE`], mono).
//!
//! | file | what it does |
//! | --- | --- |
//! | `recording` | decides which samples belong to a recording; pure |
//! | `clock` | which sample belongs to a moment; pure |
//! | `device` | the devices there are, and the one that is meant |
//! | `stream`, `file` | a device, or a sound file in its place, into a ring |
//! | `capture` | the thread that reads the ring |
//!
//! Of what is heard while nothing is recorded, the last [`Options::before`] and a quarter of a
//! second are in memory; it is written nowhere.

mod capture;
mod check;
mod clock;
mod device;
mod error;
mod file;
mod level;
mod recording;
mod stream;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

pub use check::{Check, check};
pub use device::{Device, devices};
pub use error::MicrophoneError;

use capture::{Capture, Command, Shared};
use device::{PATIENCE, find, none, quietly, within};

/// A device that doesn't close is left behind after this.
const CLOSING: Duration = Duration::from_secs(1);

/// How a microphone is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The device, by its name or the beginning of it; empty: the system's default. `file:PATH`
    /// plays a sound file at the speed of time in place of a device.
    pub device: String,
    /// How much of what was heard before the start belongs to the recording.
    pub before: Duration,
    /// How much is heard on after the stop.
    pub after: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { device: String::new(), before: Duration::from_millis(500), after: Duration::from_millis(300) }
    }
}

/// What comes of a recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Sound {
    /// The next samples.
    Samples(Vec<f32>),
    /// It was stopped, and all of it has come.
    Ended,
    /// The device is gone or failed: no more comes. In words for the screen.
    Lost(String),
}

/// A device that is open and warm. Dropped, it is closed; a recording that runs is given up.
#[derive(Debug)]
pub struct Microphone {
    name: String,
    rate: u32,
    commands: Sender<Command>,
    shared: Arc<Shared>,
    /// How many recordings were started.
    started: AtomicU64,
}

impl Microphone {
    /// Opens the device and keeps it warm.
    ///
    /// # Errors
    ///
    /// When there is no such device, it can't be opened, or it or the audio server doesn't
    /// answer within 3 s each.
    pub fn arm(options: &Options) -> Result<Self, MicrophoneError> {
        let (commands, inbox) = mpsc::channel();
        let source = match options.device.strip_prefix("file:") {
            Some(path) => file::open(Path::new(path))?,
            None => open(&options.device, commands.clone())?,
        };
        let (name, rate) = (source.name.clone(), source.rate);
        let shared = Arc::new(Shared::default());
        let capture = Capture::new(source, options, Arc::clone(&shared))?;
        std::thread::spawn(move || capture.run(&inbox));
        Ok(Self { name, rate, commands, shared, started: AtomicU64::new(0) })
    }

    /// Starts a recording: `sink` is given what was heard before and what comes, in blocks of
    /// about 100 ms, on a thread of the microphone's. It should return soon.
    ///
    /// A recording that runs, its tail counted, ends here: no sample is given out twice. On a
    /// microphone that is [lost](Self::lost) the sink gets [`Sound::Lost`] at once.
    pub fn start(&self, sink: impl FnMut(Sound) + Send + 'static) {
        let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        self.tell(Command::Start(Instant::now(), number, Box::new(sink)));
    }

    /// Stops the recording: what is said for [`Options::after`] still comes, then
    /// [`Sound::Ended`]. Without a recording it does nothing.
    pub fn stop(&self) {
        self.tell(Command::Stop(Instant::now()));
    }

    /// Gives the recording up: nothing more comes of it, but for a call that is under way. What
    /// was heard until now is in no later recording either.
    pub fn cancel(&self) {
        self.shared.cancelled.store(self.started.load(Ordering::Relaxed), Ordering::Release);
        self.tell(Command::Cancel);
    }

    /// How loud it is, for a meter: the peak of the last 50 ms, 0 at -60 dBFS and below, 1 at
    /// full scale.
    pub fn level(&self) -> f32 {
        f32::from_bits(self.shared.level.load(Ordering::Relaxed))
    }

    /// The device's name.
    pub fn device(&self) -> String {
        self.name.clone()
    }

    /// Why the device is gone, if it is: arm another one then.
    pub fn lost(&self) -> Option<String> {
        self.shared.lost.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How much sound was lost because this machine was too busy to take it.
    pub fn dropped(&self) -> Duration {
        let dropped = self.shared.dropped.load(Ordering::Relaxed);
        Duration::from_millis(dropped * 1000 / u64::from(self.rate))
    }

    /// The thread lives as long as this does.
    fn tell(&self, command: Command) {
        if self.commands.send(command).is_err() {
            tracing::error!("the microphone's thread is gone");
        }
    }
}

impl Drop for Microphone {
    fn drop(&mut self) {
        self.shared.cancelled.store(u64::MAX, Ordering::Release);
        let (done, closed) = mpsc::channel();
        self.tell(Command::Close(done));
        // Either it is closed then, or it hangs.
        let _ = closed.recv_timeout(CLOSING);
    }
}

/// Opens a device. Systems hang: neither step is waited for longer than [`PATIENCE`].
fn open(wanted: &str, commands: Sender<Command>) -> Result<stream::Source, MicrophoneError> {
    let silent = |what: String| MicrophoneError::Silent(what);
    let name = wanted.to_owned();
    let found = within(PATIENCE, move || quietly(|| find(&name)))
        .unwrap_or_else(|| Err(silent("the audio server".to_owned())))?;
    let name = format!("the microphone {:?}", found.name);
    // Whoever armed it may be gone by then.
    let failed = move |error| drop(commands.send(Command::Failed(error)));
    let opened = within(PATIENCE, move || quietly(|| stream::open(&found, failed)));
    match opened.unwrap_or_else(|| Err(silent(name))) {
        // ALSA has a default device where there is none.
        Err(MicrophoneError::Failed { .. }) if wanted.is_empty() && device::is_missing() => Err(none()),
        opened => opened,
    }
}
