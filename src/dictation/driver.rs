//! Owns the microphone and the worker, runs effects, feeds events back, decides nothing.
//!
//! What may take its time (opening a device, closing it, ending a process) is done on
//! other threads; [`Driver::next`] is the one place that waits.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use super::meter::Meter;
use super::{Dictation, Effect, Event, Options, State, Told};
use crate::engines::{Worker, WorkerEvent};
use crate::microphone::{self, Microphone, Sound};

/// How often a look is new at most: fifteen times a second.
const LOOK_EVERY: Duration = Duration::from_millis(67);

/// How long the likely words are waited for: without them it is heard too.
const WORDS_WITHIN: Duration = Duration::from_secs(1);

/// How often the open microphone is asked how it is.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Where sound comes from.
pub trait Source: Send {
    /// Gives the sound of a recording to `sink`.
    fn start(&self, sink: Box<dyn FnMut(Sound) + Send>);
    /// Ends the recording: the last sound comes, then [`Sound::Ended`].
    fn stop(&self);
    /// Ends the recording: nothing more comes.
    fn cancel(&self);
    /// How loud it is now, 0 to 1.
    fn level(&self) -> f32;
    /// Why it is gone, if it is.
    fn lost(&self) -> Option<String>;
    /// How much of its sound was lost because this machine was too busy to take it.
    fn dropped(&self) -> Duration;
}

impl Source for Microphone {
    fn start(&self, sink: Box<dyn FnMut(Sound) + Send>) {
        Self::start(self, sink);
    }

    fn stop(&self) {
        Self::stop(self);
    }

    fn cancel(&self) {
        Self::cancel(self);
    }

    fn level(&self) -> f32 {
        Self::level(self)
    }

    fn lost(&self) -> Option<String> {
        Self::lost(self)
    }

    fn dropped(&self) -> Duration {
        Self::dropped(self)
    }
}

/// Opens a source of sound, on a thread where that may take its time. An error is a
/// sentence for the screen.
pub type Open = Arc<dyn Fn(&microphone::Options) -> Result<Box<dyn Source>, String> + Send + Sync>;

/// What a screen shows of dictation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// What it does.
    pub state: State,
    /// Whether a recording runs, or will as soon as the microphone is open.
    pub records: bool,
    /// What is being said and is not for good.
    pub partial: String,
    /// The length of the recording, in whole seconds.
    pub seconds: u64,
    /// How loud the last moments were, 0 to 255, oldest first.
    pub levels: Vec<u8>,
    /// How far the model is that the recording waits for, in thousandths.
    pub loading: Option<u64>,
}

/// The machine and its hands: what a face talks to. Dropped, it closes the microphone and
/// ends the worker.
pub struct Driver {
    machine: Dictation,
    options: Options,
    open: Open,
    microphone: Option<Box<dyn Source>>,
    /// Counts the times that it was opened or closed, so that a late one is known.
    opening: u64,
    worker: Option<(Worker, UnboundedReceiver<WorkerEvent>)>,
    mail: UnboundedSender<Mail>,
    inbox: UnboundedReceiver<Mail>,
    told: VecDeque<Told>,
    meter: Meter,
    look: Look,
    next_look: Instant,
    /// When the microphone is closed, while nothing is recorded.
    armed_until: Option<Instant>,
    /// When the likely words are no longer waited for.
    words_until: Option<Instant>,
    /// When the open microphone is asked how it is.
    ask_at: Option<Instant>,
    /// What it had dropped then.
    dropped: Duration,
}

enum Mail {
    Opened(u64, Result<Box<dyn Source>, String>),
    Sound(u64, Sound),
}

impl Driver {
    /// With the microphone. Nothing is opened or started yet.
    pub fn new(options: Options) -> Self {
        let open: Open = Arc::new(|options| match Microphone::arm(options) {
            Ok(microphone) => Ok(Box::new(microphone)),
            Err(error) => Err(error.to_string()),
        });
        Self::with(options, open)
    }

    /// With another source of sound.
    pub fn with(options: Options, open: Open) -> Self {
        let (mail, inbox) = mpsc::unbounded_channel();
        Self {
            machine: Dictation::new(options.clone()),
            options,
            open,
            microphone: None,
            opening: 0,
            worker: None,
            mail,
            inbox,
            told: VecDeque::new(),
            meter: Meter::default(),
            look: Look::default(),
            next_look: Instant::now(),
            armed_until: None,
            words_until: None,
            ask_at: None,
            dropped: Duration::ZERO,
        }
    }

    /// How it is done.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// What to show now. It changes with [`Self::send`] and when [`Self::next`] returns.
    pub fn look(&self) -> &Look {
        &self.look
    }

    /// Hands an event of the person's to the machine; returns what came of it at once. Must be
    /// called within a tokio runtime.
    pub fn send(&mut self, event: Event) -> Vec<Told> {
        self.handle(event);
        self.look = self.looks();
        self.told.drain(..).collect()
    }

    /// Closes the microphone before it returns, which takes a second at most: for a process that
    /// is about to be stopped. What was heard is still said.
    pub fn close(&mut self) -> Vec<Told> {
        while let Ok(mail) = self.inbox.try_recv() {
            self.take(mail);
        }
        drop(self.microphone.take());
        self.send(Event::Close)
    }

    /// Waits until there is something to tell, or another look to show. Cancel-safe: made for
    /// a `select!`.
    pub async fn next(&mut self) -> Vec<Told> {
        loop {
            let look = self.looks();
            let (other, now) = (look != self.look, Instant::now());
            if !self.told.is_empty() || (other && now >= self.next_look) {
                if other {
                    self.next_look = now + LOOK_EVERY;
                }
                self.look = look;
                return self.told.drain(..).collect();
            }
            let moves = other || look.state == State::Recording;
            tokio::select! {
                biased;
                Some(mail) = self.inbox.recv() => self.take(mail),
                event = said(&mut self.worker) => self.handle(Event::Worker(event)),
                () = tokio::time::sleep_until(self.next_look), if moves => self.measure(),
                () = at(self.armed_until) => self.handle(Event::Idle),
                () = at(self.words_until) => self.handle(Event::Vocabulary(Vec::new())),
                () = at(self.ask_at) => self.ask(),
            }
        }
    }

    /// Takes the level of this moment. Between two looks there is one.
    fn measure(&mut self) {
        let recording = self.machine.state() == State::Recording;
        if let Some(microphone) = self.microphone.as_ref().filter(|_| recording) {
            self.meter.push(microphone.level());
        }
        if self.looks() == self.look {
            self.next_look = Instant::now() + LOOK_EVERY;
        }
    }

    /// Asks the microphone how it is. A recording is told by its sound that the device is gone.
    fn ask(&mut self) {
        self.ask_at = None;
        let Some(microphone) = &self.microphone else { return };
        let (lost, dropped) = (microphone.lost(), microphone.dropped());
        let missed = dropped.saturating_sub(std::mem::replace(&mut self.dropped, dropped));
        if !missed.is_zero() && self.machine.records() {
            let words = "of sound were lost: this machine is too busy.";
            self.told.push_back(Told::Said(format!("{} ms {words}", missed.as_millis())));
        }
        self.ask_at = Some(Instant::now() + ASK_EVERY);
        lost.into_iter().for_each(|why| self.handle(Event::Gone(why)));
    }

    fn take(&mut self, mail: Mail) {
        match mail {
            // It was closed before it was open: dropped.
            Mail::Opened(number, opened) if number != self.opening => {
                opened.into_iter().for_each(drop_elsewhere);
            }
            Mail::Opened(_, Ok(microphone)) => {
                self.microphone = Some(microphone);
                (self.dropped, self.ask_at) = (Duration::ZERO, Some(Instant::now() + ASK_EVERY));
                self.handle(Event::Opened);
            }
            Mail::Opened(_, Err(why)) => self.handle(Event::NotOpened(why)),
            Mail::Sound(take, sound) => self.handle(Event::Sound(take, sound)),
        }
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Start => self.words_until = Some(Instant::now() + WORDS_WITHIN),
            Event::Vocabulary(_) => self.words_until = None,
            _ => {}
        }
        for effect in self.machine.handle(event) {
            self.run(effect);
        }
        // A time that no clock reaches is never.
        self.armed_until = match self.machine.is_idle() {
            true => self.armed_until.or_else(|| Instant::now().checked_add(self.options.armed_for)),
            false => None,
        };
    }

    fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Open => self.open(),
            Effect::Close => {
                self.opening += 1;
                self.microphone.take().into_iter().for_each(drop_elsewhere);
            }
            Effect::Record(take) => {
                self.meter.clear();
                let mail = self.mail.clone();
                if let Some(microphone) = &self.microphone {
                    microphone.start(Box::new(move |sound| drop(mail.send(Mail::Sound(take, sound)))));
                }
            }
            Effect::StopRecording => self.microphone.iter().for_each(|microphone| microphone.stop()),
            Effect::CancelRecording => self.microphone.iter().for_each(|microphone| microphone.cancel()),
            Effect::StartWorker => {
                let (sender, events) = mpsc::unbounded_channel();
                self.worker = Some((Worker::spawn(self.options.worker.clone(), sender), events));
            }
            Effect::EndWorker => self.worker.take().into_iter().for_each(drop_elsewhere),
            Effect::Ask(id, request) => {
                if let Some((worker, _)) = &self.worker {
                    worker.send(id, request);
                }
            }
            Effect::Tell(told) => self.told.push_back(told),
        }
    }

    fn open(&mut self) {
        self.opening += 1;
        let (number, mail) = (self.opening, self.mail.clone());
        let (open, options) = (Arc::clone(&self.open), self.options.microphone.clone());
        std::thread::spawn(move || drop(mail.send(Mail::Opened(number, open(&options)))));
    }

    fn looks(&self) -> Look {
        let machine = &self.machine;
        let recording = machine.state() == State::Recording;
        Look {
            state: machine.state(),
            records: machine.records(),
            partial: machine.partial(),
            seconds: machine.elapsed_ms() / 1000,
            levels: if recording { self.meter.levels() } else { Vec::new() },
            loading: machine.loading(),
        }
    }
}

/// A device or a process may take its time to close, and nobody waits for it.
fn drop_elsewhere<T: Send + 'static>(value: T) {
    std::thread::spawn(move || drop(value));
}

/// Waits for the worker to say something; forever without one.
async fn said(worker: &mut Option<(Worker, UnboundedReceiver<WorkerEvent>)>) -> WorkerEvent {
    match worker {
        Some((_, events)) => match events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// Waits until a time; forever without one.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
