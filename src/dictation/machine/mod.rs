//! The state machine: what happens goes in, what is to be done comes out.
//!
//! The microphone and the worker start side by side. Sound is kept from the first sample
//! on, whether or not a worker can hear it yet, until a segment says that it is text for
//! good: so neither a slow load nor a worker that dies loses what was said.

#[cfg(test)]
mod tests;
mod worker;

use std::collections::VecDeque;

use super::Options;
use super::take::Take;
use crate::engines::WorkerEvent;
use crate::microphone::Sound;
use crate::wire::{Request, SAMPLE_RATE, floats};

/// Samples of a line to the worker where much is said again.
const MOST_A_LINE: usize = 10 * SAMPLE_RATE as usize;

/// What happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The person begins to talk. The words that are likely come as [`Self::Vocabulary`].
    Start,
    /// The person is done.
    Stop,
    /// The person wants none of it: the newest recording, and all its text.
    Discard,
    /// The person wants the microphone closed.
    Close,
    /// Words that are likely in the newest recording, the most useful first.
    Vocabulary(Vec<String>),
    /// The microphone is open.
    Opened,
    /// It can't be opened: why.
    NotOpened(String),
    /// Sound of a recording.
    Sound(u64, Sound),
    /// Something happened to the worker.
    Worker(WorkerEvent),
    /// Nothing was recorded for so long that the microphone is to be closed.
    Idle,
    /// The device is gone, as is noticed while nothing is recorded: why.
    Gone(String),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Open the microphone: [`Event::Opened`] or [`Event::NotOpened`] comes.
    Open,
    /// Close it, or no longer open it.
    Close,
    /// Give its sound to this recording.
    Record(u64),
    /// The recording is over: its last sound comes, then [`Sound::Ended`].
    StopRecording,
    /// The recording is over: nothing more of it is wanted.
    CancelRecording,
    /// Start the worker.
    StartWorker,
    /// End it.
    EndWorker,
    /// Ask the worker.
    Ask(u64, Request),
    /// Tell the face.
    Tell(Told),
}

/// What the face is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A recording begins: its text goes where the cursor is now.
    Began {
        /// Its number.
        take: u64,
    },
    /// The next words of a recording, for good. Line breaks alone were spoken as a command.
    Settled {
        /// The recording.
        take: u64,
        /// An utterance.
        text: String,
    },
    /// The last utterance of a recording is to be taken out again.
    Scratched {
        /// The recording.
        take: u64,
    },
    /// All its text is to be taken out.
    Discarded {
        /// The recording.
        take: u64,
    },
    /// All of a recording is said.
    Ended {
        /// The recording.
        take: u64,
    },
    /// Something to know, in words for the screen.
    Said(String),
    /// Something failed: a sentence or two, with what to do.
    Failed(String),
}

/// What dictation does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing; the microphone is closed.
    #[default]
    Off,
    /// The microphone is being opened.
    Arming,
    /// It is open, and nothing is recorded.
    Armed,
    /// It records.
    Recording,
    /// The recording is over, and its last words are still to come.
    Settling,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Device {
    #[default]
    Closed,
    Opening,
    Open,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Engine {
    #[default]
    Off,
    Starting,
    /// The request that loads, and how far it is, in thousandths.
    Loading(u64, u64),
    Ready,
}

/// Dictation as a state machine. It never waits and knows no clock.
#[derive(Debug)]
pub struct Dictation {
    options: Options,
    device: Device,
    engine: Engine,
    /// The recordings whose text is not complete, oldest first; the last one may be running.
    takes: VecDeque<Take>,
    last_take: u64,
    last_request: u64,
    effects: Vec<Effect>,
}

impl Dictation {
    /// Nothing is open yet.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            device: Device::default(),
            engine: Engine::default(),
            takes: VecDeque::new(),
            last_take: 0,
            last_request: 0,
            effects: Vec::new(),
        }
    }

    /// Takes what happened; returns what is to be done, in that order.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Start => self.start(),
            Event::Stop => self.stop(),
            Event::Discard => self.discard(),
            Event::Close => self.close(),
            Event::Vocabulary(words) => self.likely(words),
            Event::Opened => self.opened(),
            Event::NotOpened(why) => self.not_opened(why),
            Event::Sound(take, sound) => self.sound(take, sound),
            Event::Worker(event) => self.worker(event),
            Event::Idle if self.is_idle() => self.close(),
            Event::Gone(why) if self.is_idle() => {
                self.close();
                self.tell(Told::Failed(why));
            }
            Event::Idle | Event::Gone(_) => {}
        }
        self.rest();
        std::mem::take(&mut self.effects)
    }

    /// What it does now.
    pub fn state(&self) -> State {
        match (self.takes.back(), self.device) {
            (Some(Take { stopped: false, .. }), Device::Open) => State::Recording,
            (Some(Take { stopped: false, .. }) | None, Device::Opening) => State::Arming,
            (Some(_), _) => State::Settling,
            (None, Device::Open) => State::Armed,
            (None, Device::Closed) => State::Off,
        }
    }

    /// Whether a recording runs, or will as soon as the microphone is open.
    pub fn records(&self) -> bool {
        self.takes.back().is_some_and(|take| !take.stopped)
    }

    /// Whether the microphone is open and no sound of it is wanted.
    pub fn is_idle(&self) -> bool {
        self.device == Device::Open && self.takes.iter().all(|take| take.ended)
    }

    /// What is being said and is not for good.
    pub fn partial(&self) -> String {
        let partials = self.takes.iter().map(|take| take.partial.trim()).filter(|text| !text.is_empty());
        partials.collect::<Vec<_>>().join(" ")
    }

    /// The length of the newest recording, in milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        self.takes.back().map_or(0, Take::elapsed_ms)
    }

    /// How far the model is that the recordings wait for, in thousandths; `None`: they don't.
    pub fn loading(&self) -> Option<u64> {
        match self.engine {
            Engine::Off | Engine::Ready => None,
            Engine::Starting => Some(0),
            Engine::Loading(_, done) => Some(done),
        }
    }

    fn start(&mut self) {
        if self.records() {
            return;
        }
        // The last sound of one that was just stopped still comes, and its end.
        self.last_take += 1;
        self.takes.push_back(Take::new(self.last_take));
        self.tell(Told::Began { take: self.last_take });
        match self.device {
            Device::Closed => self.open(),
            Device::Opening => {}
            Device::Open => self.effects.push(Effect::Record(self.last_take)),
        }
        if self.engine == Engine::Off {
            self.engine = Engine::Starting;
            self.effects.push(Effect::StartWorker);
        }
    }

    fn stop(&mut self) {
        let Some(take) = self.takes.back_mut().filter(|take| !take.stopped) else { return };
        take.stopped = true;
        match self.device {
            Device::Open => self.effects.push(Effect::StopRecording),
            // Nothing was recorded.
            Device::Opening | Device::Closed => self.drop_newest(),
        }
    }

    fn discard(&mut self) {
        let Some(take) = self.takes.back() else { return };
        let id = take.id;
        self.tell(Told::Discarded { take: id });
        self.drop_newest();
    }

    /// Ends the newest recording with all that is still to come of it.
    fn drop_newest(&mut self) {
        let Some(take) = self.takes.pop_back() else { return };
        if !take.ended {
            self.cancel(take.id);
        }
        if let Some(target) = take.listen {
            self.ask(Request::Cancel { target });
        }
        self.tell(Told::Ended { take: take.id });
    }

    /// Nothing more of the newest recording is wanted, and nothing more comes of those before.
    fn cancel(&mut self, newest: u64) {
        if self.device == Device::Open {
            self.effects.push(Effect::CancelRecording);
            self.end_before(newest);
        }
    }

    /// Closes the microphone; what was heard is still said.
    fn close(&mut self) {
        match std::mem::take(&mut self.device) {
            Device::Closed => return,
            Device::Opening => self.drop_soundless(),
            Device::Open => {}
        }
        self.effects.push(Effect::Close);
        self.end_before(u64::MAX);
    }

    fn open(&mut self) {
        self.device = Device::Opening;
        self.effects.push(Effect::Open);
    }

    fn opened(&mut self) {
        match self.device {
            Device::Opening => self.device = Device::Open,
            Device::Closed => return self.effects.push(Effect::Close),
            Device::Open => return,
        }
        if let Some(take) = self.takes.back().filter(|take| !take.stopped) {
            self.effects.push(Effect::Record(take.id));
        }
    }

    fn not_opened(&mut self, why: String) {
        self.device = Device::Closed;
        self.drop_soundless();
        self.tell(Told::Failed(why));
    }

    /// Drops the recording that waits for a microphone which doesn't come.
    fn drop_soundless(&mut self) {
        if self.takes.back().is_some_and(|take| !take.ended && take.is_silent()) {
            self.drop_newest();
        }
    }

    fn likely(&mut self, words: Vec<String>) {
        for take in self.takes.iter_mut().filter(|take| take.vocabulary.is_none()) {
            take.vocabulary = Some(words.clone());
        }
        self.listen();
    }

    fn sound(&mut self, id: u64, sound: Sound) {
        let newest = self.last_take == id;
        let Some(take) = self.takes.iter_mut().find(|take| take.id == id && !take.ended) else { return };
        match sound {
            Sound::Samples(samples) => {
                take.keep(&samples);
                if let Some(target) = take.listen {
                    self.ask(Request::Frames { target, pcm: floats::encode(&samples) });
                }
            }
            Sound::Ended => {
                take.stopped = true;
                self.end(id);
            }
            // The newest hears of it too.
            Sound::Lost(_) if !newest => self.end(id),
            // It may have been unplugged long before: it, or another one, is tried once more.
            Sound::Lost(_) if take.is_silent() && !take.stopped && !take.reopened => {
                take.reopened = true;
                self.effects.push(Effect::Close);
                self.end_before(id);
                self.open();
            }
            Sound::Lost(why) => {
                take.stopped = true;
                self.device = Device::Closed;
                self.effects.push(Effect::Close);
                self.tell(Told::Failed(why));
                self.end_before(u64::MAX);
            }
        }
    }

    /// No more sound comes of the recordings before this one.
    fn end_before(&mut self, id: u64) {
        let open = self.takes.iter().filter(|take| take.id < id && !take.ended);
        for id in open.map(|take| take.id).collect::<Vec<_>>() {
            self.end(id);
        }
    }

    /// All sound of a recording has come.
    fn end(&mut self, id: u64) {
        let Some(take) = self.takes.iter_mut().find(|take| take.id == id) else { return };
        (take.stopped, take.ended) = (true, true);
        match take.listen {
            Some(target) => self.ask(Request::Finish { target }),
            None if take.is_silent() => self.finished(id),
            None => {}
        }
    }

    /// All of a recording is said.
    fn finished(&mut self, id: u64) {
        self.takes.retain(|take| take.id != id);
        self.tell(Told::Ended { take: id });
    }

    /// Has the worker hear what it doesn't yet.
    fn listen(&mut self) {
        if self.engine != Engine::Ready {
            return;
        }
        for take in &mut self.takes {
            let (None, Some(vocabulary)) = (take.listen, take.vocabulary.clone()) else { continue };
            self.last_request += 1;
            let target = self.last_request;
            let mut ask = |id, request| self.effects.push(Effect::Ask(id, request));
            ask(target, Request::Listen { speech: self.options.speech(vocabulary) });
            let ended = take.ended;
            let mut requests: Vec<Request> = take
                .listen(target)
                .chunks(MOST_A_LINE)
                .map(|samples| Request::Frames { target, pcm: floats::encode(samples) })
                .collect();
            requests.extend(ended.then_some(Request::Finish { target }));
            for request in requests {
                self.last_request += 1;
                ask(self.last_request, request);
            }
        }
    }

    fn ask(&mut self, request: Request) {
        self.last_request += 1;
        self.effects.push(Effect::Ask(self.last_request, request));
    }

    fn tell(&mut self, told: Told) {
        self.effects.push(Effect::Tell(told));
    }

    /// Without a microphone and with nothing to say, a worker is only memory.
    fn rest(&mut self) {
        if self.takes.is_empty() && self.device == Device::Closed && self.engine != Engine::Off {
            self.engine = Engine::Off;
            self.effects.push(Effect::EndWorker);
        }
    }
}
