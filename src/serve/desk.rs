//! Who is answered next: the worker has one model and one request at a time, the others wait
//! in their order.
//!
//! It decides purely: what happens comes in as a [`Matter`], what is to be done goes out as
//! [`Act`]s. `queue` does them.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::catalogue::ReadyModel;
use crate::wire::{Envelope, Event, ModelInfo, PROTOCOL_VERSION, Request};

/// A request that wants to be answered.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// Its number; unique, and that of its request to the worker.
    pub(super) id: u64,
    /// The model that it is for.
    pub(super) model: Arc<ReadyModel>,
    /// What the worker is asked.
    pub(super) request: Request,
}

/// What happens.
#[derive(Debug, Clone)]
pub(super) enum Matter {
    /// The worker runs; nothing is loaded in it.
    Up,
    /// The worker is gone, and why; `again`: it is started again by itself.
    Down { reason: String, again: bool },
    /// The worker said something.
    Said(Envelope<Event>),
    /// Somebody asks.
    Asked(Job),
    /// Nobody wants the whole answer any more.
    Enough(u64),
    /// Nobody waits for the job.
    Left(u64),
    /// What is being answered is the last.
    Close,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Act {
    /// Send this to the worker.
    Send(u64, Request),
    /// Tell this to who waits for the job.
    Tell(u64, Heard),
    /// A model is loaded.
    Loaded(Arc<ReadyModel>, Box<ModelInfo>),
}

/// What somebody who waits hears.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    /// An event of the worker's.
    Event(Event),
    /// There is no answer: why, in words.
    Gone(String),
}

impl Heard {
    /// Whether nothing comes after it.
    pub(super) fn is_last(&self) -> bool {
        matches!(self, Self::Gone(_) | Self::Event(Event::Done(_) | Event::Failed(_)))
    }
}

/// What the worker does.
#[derive(Debug)]
enum Busy {
    Loading { id: u64, model: Arc<ReadyModel> },
    Answering { id: u64, stopping: bool },
}

/// The state of it all.
#[derive(Debug)]
pub(super) struct Desk {
    waiting: VecDeque<Job>,
    busy: Option<Busy>,
    /// Whether a process runs.
    up: bool,
    /// Whether it is started again by itself.
    comes: bool,
    loaded: Option<Arc<ReadyModel>>,
    /// The model to load while nobody asks; `None`: it could not be.
    wanted: Option<Arc<ReadyModel>>,
    /// Why nobody is answered any more.
    closed: bool,
    last_id: u64,
}

impl Desk {
    /// Loads this model as soon as a worker is there.
    pub(super) fn new(first: Arc<ReadyModel>) -> Self {
        Self {
            waiting: VecDeque::new(),
            busy: None,
            up: false,
            comes: true,
            loaded: None,
            wanted: Some(first),
            closed: false,
            last_id: 0,
        }
    }

    /// The next number for what nobody asked for.
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The job that the worker was told to stop and hasn't yet.
    pub(super) fn stopping(&self) -> Option<u64> {
        match self.busy {
            Some(Busy::Answering { id, stopping: true }) => Some(id),
            _ => None,
        }
    }

    /// The worker is ended, and another one comes: until it is there nothing is sent.
    pub(super) fn ending(&mut self) {
        (self.up, self.comes) = (false, true);
    }

    /// Takes what happened; returns what is to be done.
    pub(super) fn handle(&mut self, matter: Matter) -> Vec<Act> {
        let mut acts = match matter {
            Matter::Up => {
                (self.up, self.comes) = (true, true);
                Vec::new()
            }
            Matter::Down { reason, again } => self.down(&reason, again),
            Matter::Said(line) => self.said(line),
            Matter::Asked(job) if self.closed => vec![ending(job.id)],
            Matter::Asked(job) => self.asked(job),
            Matter::Enough(id) => self.stop(id),
            Matter::Left(id) => {
                self.waiting.retain(|job| job.id != id);
                self.stop(id)
            }
            Matter::Close => {
                self.closed = true;
                self.waiting.drain(..).map(|job| ending(job.id)).collect()
            }
        };
        acts.extend(self.advance());
        acts
    }

    fn asked(&mut self, job: Job) -> Vec<Act> {
        self.waiting.push_back(job);
        if self.up || self.comes {
            return Vec::new();
        }
        // A worker that was given up is started once more by whatever is sent.
        self.comes = true;
        vec![Act::Send(self.next_id(), Request::Cancel { target: 0 })]
    }

    fn stop(&mut self, wanted: u64) -> Vec<Act> {
        match &mut self.busy {
            Some(Busy::Answering { id, stopping }) if *id == wanted && !*stopping => *stopping = true,
            _ => return Vec::new(),
        }
        vec![Act::Send(self.next_id(), Request::Cancel { target: wanted })]
    }

    /// What was being answered is lost; the others wait for the next process, if one comes.
    fn down(&mut self, reason: &str, again: bool) -> Vec<Act> {
        (self.up, self.comes) = (false, again);
        self.loaded = None;
        let gone = |id: u64| Act::Tell(id, Heard::Gone(format!("The model's worker died: {reason}.")));
        let mut acts = match self.busy.take() {
            Some(Busy::Answering { id, .. }) => vec![gone(id)],
            // Loading it may be what it dies of.
            Some(Busy::Loading { model, .. }) => self.fail_first(&model, gone),
            None => Vec::new(),
        };
        if !again {
            acts.extend(self.waiting.drain(..).map(|job| gone(job.id)));
        }
        acts
    }

    fn said(&mut self, line: Envelope<Event>) -> Vec<Act> {
        let ends = matches!(line.body, Event::Done(_) | Event::Failed(_));
        match &self.busy {
            Some(Busy::Answering { id, .. }) if *id == line.id => {
                let id = *id;
                if ends {
                    self.busy = None;
                }
                vec![Act::Tell(id, Heard::Event(line.body))]
            }
            Some(Busy::Loading { id, model }) if *id == line.id => {
                let model = Arc::clone(model);
                if ends {
                    self.busy = None;
                }
                self.loading(model, line.body)
            }
            _ => Vec::new(),
        }
    }

    fn loading(&mut self, model: Arc<ReadyModel>, event: Event) -> Vec<Act> {
        match event {
            Event::Loaded(info) => vec![Act::Loaded(model, Box::new(info))],
            Event::Done(_) => {
                self.wanted = Some(Arc::clone(&model));
                self.loaded = Some(model);
                Vec::new()
            }
            Event::Failed(failure) => {
                self.loaded = None;
                self.wanted = None;
                let why = failure.in_words();
                self.fail_first(&model, |id| Act::Tell(id, Heard::Gone(why.clone())))
            }
            _ => Vec::new(),
        }
    }

    /// Fails the first in the line, for whom that model was loaded.
    fn fail_first(&mut self, model: &ReadyModel, gone: impl Fn(u64) -> Act) -> Vec<Act> {
        match self.waiting.front() {
            Some(job) if job.model.name == model.name => {
                self.waiting.pop_front().map(|job| gone(job.id)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Gives the worker the next thing to do.
    fn advance(&mut self) -> Vec<Act> {
        if self.busy.is_some() || !self.up {
            return Vec::new();
        }
        let model = match self.waiting.front() {
            Some(job) => Arc::clone(&job.model),
            None if self.loaded.is_some() || self.closed => return Vec::new(),
            None => match &self.wanted {
                Some(model) => Arc::clone(model),
                None => return Vec::new(),
            },
        };
        if self.loaded.as_ref().is_none_or(|loaded| loaded.name != model.name) {
            let id = self.next_id();
            self.loaded = None;
            let load = load(&model);
            self.busy = Some(Busy::Loading { id, model });
            return vec![Act::Send(id, load)];
        }
        let Some(job) = self.waiting.pop_front() else { return Vec::new() };
        self.busy = Some(Busy::Answering { id: job.id, stopping: false });
        vec![Act::Send(job.id, job.request)]
    }
}

fn load(model: &ReadyModel) -> Request {
    Request::Load {
        protocol: PROTOCOL_VERSION,
        model: model.model.clone(),
        mmproj: model.mmproj.clone(),
        options: model.load.clone(),
    }
}

fn ending(id: u64) -> Act {
    Act::Tell(id, Heard::Gone("percept serve is ending.".to_owned()))
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
