//! The thread of a microphone: it takes what the device gives, resamples it, and does what it
//! is told. It wakes every [`BEAT`], or when it is told something.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::error::{is_passing, loss};
use super::level::{self, dbfs, meter};
use super::recording::{Recording, Step};
use super::stream::{Source, samples_in};
use super::{MicrophoneError, Options, Sound};
use crate::audio::Resampler;
use crate::wire::SAMPLE_RATE;

/// How long what has come may lie in the ring.
const BEAT: Duration = Duration::from_millis(20);

/// A device that gives nothing for so many beats, 2 s, is lost: not all say that they are gone.
/// Beats and not time, so that a program that was held up itself doesn't blame the device.
const PATIENCE: u32 = 100;

/// A start may be heard of so much late without losing what was said before it.
const SLACK: Duration = Duration::from_millis(250);

/// Who is given what is recorded.
pub(super) type Sink = Box<dyn FnMut(Sound) + Send>;

/// What the thread is told. Moments are those at which it was said.
pub(super) enum Command {
    /// The recording's number, and who gets it.
    Start(Instant, u64, Sink),
    Stop(Instant),
    Cancel,
    /// The system says that the device failed.
    Failed(cpal::Error),
    /// Closes the device. The sender is dropped when that is done.
    Close(Sender<()>),
}

/// What the thread tells.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// The bits of an `f32` from 0 to 1.
    pub(super) level: AtomicU32,
    /// How many frames were lost because this machine was too slow.
    pub(super) dropped: AtomicU64,
    /// Recordings up to this number are given up.
    pub(super) cancelled: AtomicU64,
    /// Why the device is gone.
    pub(super) lost: Mutex<Option<String>>,
}

/// The thread's own.
pub(super) struct Capture {
    /// `None` when it is lost.
    source: Option<Source>,
    name: String,
    resampler: Resampler,
    clock: Clock,
    recording: Recording,
    before: u64,
    sink: Option<(u64, Sink)>,
    shared: Arc<Shared>,
    /// How many frames came.
    frames: u64,
    /// For how many beats nothing came.
    quiet: u32,
    /// The last samples, for the level.
    recent: VecDeque<f32>,
}

impl Capture {
    /// What takes from a source from now on.
    pub(super) fn new(
        source: Source,
        options: &Options,
        shared: Arc<Shared>,
    ) -> Result<Self, MicrophoneError> {
        let resampler = Resampler::new(source.rate, source.channels).map_err(|error| {
            MicrophoneError::Failed { device: source.name.clone(), why: error.to_string() }
        })?;
        let samples = |span| samples_in(span, SAMPLE_RATE, 1);
        Ok(Self {
            name: source.name.clone(),
            resampler,
            clock: Clock::new(source.rate, Instant::now()),
            recording: Recording::new(samples(options.before), samples(options.after), samples(SLACK)),
            before: samples(options.before) as u64,
            source: Some(source),
            sink: None,
            shared,
            frames: 0,
            quiet: 0,
            recent: VecDeque::new(),
        })
    }

    /// Runs until it is told to close.
    pub(super) fn run(mut self, inbox: &Receiver<Command>) {
        loop {
            // One that is lost only waits to say so.
            let patience = if self.source.is_some() { BEAT } else { Duration::MAX };
            match inbox.recv_timeout(patience) {
                Ok(Command::Close(done)) => {
                    drop(self);
                    return drop(done);
                }
                Ok(command) => self.obey(command),
                Err(RecvTimeoutError::Timeout) => self.quiet += 1,
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.listen();
            if self.quiet > PATIENCE {
                self.lose(format!(
                    "the microphone {:?} gives no sound any more: was it unplugged?",
                    self.name
                ));
            }
        }
    }

    /// A command is about its own moment: what has come since is not looked at before it.
    fn obey(&mut self, command: Command) {
        match command {
            Command::Start(moment, number, sink) => self.start(moment, number, sink),
            Command::Stop(moment) => {
                let late = self.source.as_ref().map_or(0, |source| source.tally.late.load(Ordering::Relaxed));
                let at = self.position(moment + Duration::from_micros(late.into()));
                let steps = self.recording.stop(at);
                self.give(steps);
            }
            Command::Cancel => {
                self.recording.cancel();
                self.sink = None;
            }
            Command::Failed(error) if is_passing(&error) => {
                tracing::warn!("microphone {:?}: {error}", self.name)
            }
            Command::Failed(error) => self.lose(loss(&self.name, &error)),
            Command::Close(_) => {}
        }
    }

    fn start(&mut self, moment: Instant, number: u64, mut sink: Sink) {
        let lost = self.shared.lost.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(why) = lost {
            return sink(Sound::Lost(why));
        }
        let steps = self.recording.finish();
        self.give(steps);
        self.sink = Some((number, sink));
        // After a gap the clock is ahead for a while. Nothing that is yet to come is skipped.
        let at = self.position(moment).min(self.recording.position() + self.before);
        let steps = self.recording.start(at);
        self.give(steps);
    }

    /// Which sample belongs to a moment.
    fn position(&self, moment: Instant) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds since the arming, never below 0"
        )]
        let at = |seconds: f64| (seconds * f64::from(SAMPLE_RATE)) as u64;
        self.clock.position(moment).map_or(self.recording.position(), at)
    }

    /// Takes what has come.
    fn listen(&mut self) {
        let Some(source) = &mut self.source else { return };
        let there = source.ring.slots();
        if there > 0
            && let Ok(chunk) = source.ring.read_chunk(there)
        {
            let (first, second) = chunk.as_slices();
            let mut samples = self.resampler.push(first);
            samples.append(&mut self.resampler.push(second));
            chunk.commit_all();
            self.frames += (there / source.channels) as u64;
            self.clock.heard(self.frames, Instant::now());
            self.quiet = 0;
            self.take(&samples);
        }
        self.tally();
    }

    fn take(&mut self, samples: &[f32]) {
        self.recent.extend(samples);
        let over = self.recent.len().saturating_sub(samples_in(level::WINDOW, SAMPLE_RATE, 1));
        self.recent.drain(..over);
        let meter = meter(dbfs(self.recent.make_contiguous()));
        self.shared.level.store(meter.to_bits(), Ordering::Relaxed);
        let steps = self.recording.push(samples);
        self.give(steps);
    }

    /// Says what the ring had no room for.
    fn tally(&self) {
        let Some(source) = &self.source else { return };
        let dropped = source.tally.dropped.load(Ordering::Relaxed);
        let before = self.shared.dropped.swap(dropped, Ordering::Relaxed);
        if dropped > before {
            let ms = (dropped - before) * 1000 / u64::from(source.rate);
            tracing::warn!(
                "microphone {:?}: {ms} ms of sound were lost, this machine is too busy",
                self.name
            );
        }
    }

    /// The device is gone: what has come is given out, then why no more comes.
    fn lose(&mut self, why: String) {
        self.listen();
        let Some(source) = self.source.take() else { return };
        // Closing may hang where the server does.
        std::thread::spawn(move || drop(source));
        let rest = self.resampler.finish();
        self.take(&rest);
        let steps = self.recording.rest();
        self.give(steps);
        self.recording.cancel();
        self.shared.level.store(0, Ordering::Relaxed);
        tracing::warn!("{why}");
        *self.shared.lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.clone());
        self.say(Sound::Lost(why));
        self.sink = None;
    }

    fn give(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Samples(samples) => self.say(Sound::Samples(samples)),
                Step::Ended => {
                    self.say(Sound::Ended);
                    self.sink = None;
                }
            }
        }
    }

    fn say(&mut self, sound: Sound) {
        if let Some((number, sink)) = &mut self.sink
            && *number > self.shared.cancelled.load(Ordering::Acquire)
        {
            sink(sound);
        }
    }
}
