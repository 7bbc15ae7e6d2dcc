//! The one task that owns the worker: it does what the desk decides.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Options;
use super::desk::{Act, Desk, Heard, Job, Matter};
use crate::catalogue::ReadyModel;
use crate::engines::{Worker, WorkerEvent};
use crate::wire::{Event, ModelInfo, Request};

/// Where requests wait. Dropped, with all its tickets, it ends the worker.
pub(super) struct Queue {
    mail: UnboundedSender<Mail>,
    places: Arc<Semaphore>,
    loaded: Arc<Mutex<Loaded>>,
    last_id: AtomicU64,
}

/// The model that is loaded, or was last.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub(super) model: Arc<ReadyModel>,
    pub(super) info: ModelInfo,
}

/// A place in the line; who has none is not even read.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// A request in the line. Dropped, it is taken out, or what the worker does for it is stopped.
pub(super) struct Ticket {
    id: u64,
    mail: UnboundedSender<Mail>,
    heard: UnboundedReceiver<Heard>,
}

/// Who waits for an answer. The place is kept until the worker has said all of it, not until the
/// client has taken it.
struct Waiter {
    tell: UnboundedSender<Heard>,
    _place: Place,
}

enum Mail {
    Matter(Matter),
    Ask(Job, Waiter),
}

impl Queue {
    /// Starts the worker and loads the first model.
    ///
    /// # Errors
    ///
    /// Why it can't be loaded, a sentence.
    pub(super) async fn start(options: &Options) -> Result<Self, String> {
        let (mail, inbox) = unbounded_channel();
        let (sender, events) = unbounded_channel();
        let first = Arc::clone(&options.models.first);
        let mut clerk = Clerk {
            desk: Desk::new(Arc::clone(&first)),
            worker: Worker::spawn(options.worker.clone(), sender),
            events,
            inbox,
            waiters: HashMap::new(),
            loaded: Arc::new(Mutex::new(Loaded { model: first, info: ModelInfo::default() })),
            patience: options.times.stop,
            deadline: None,
        };
        clerk.load_first().await?;
        let loaded = Arc::clone(&clerk.loaded);
        tokio::spawn(clerk.run());
        // One is answered, the others wait.
        let places = Arc::new(Semaphore::new(options.waiting.saturating_add(1).min(Semaphore::MAX_PERMITS)));
        Ok(Self { mail, places, loaded, last_id: AtomicU64::new(FIRST_JOB) })
    }

    /// A place in the line; `None`: it is full.
    pub(super) fn place(&self) -> Option<Place> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(|permit| Place { _permit: permit })
    }

    /// Asks, in that place.
    pub(super) fn ask(&self, place: Place, model: Arc<ReadyModel>, request: Request) -> Ticket {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed);
        let (tell, heard) = unbounded_channel();
        // The task ends only when this value is dropped.
        let _ = self.mail.send(Mail::Ask(Job { id, model, request }, Waiter { tell, _place: place }));
        Ticket { id, mail: self.mail.clone(), heard }
    }

    /// The model that is loaded, or was last.
    pub(super) fn loaded(&self) -> Loaded {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is being answered now is the last.
    pub(super) fn close(&self) {
        let _ = self.mail.send(Mail::Matter(Matter::Close));
    }
}

/// Jobs are numbered from here; what the desk sends by itself has smaller numbers.
const FIRST_JOB: u64 = 1 << 32;

impl Ticket {
    /// The next thing that is said; `None`: nothing more comes.
    pub(super) async fn next(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }

    /// Nothing more of the answer is wanted but its end.
    pub(super) fn enough(&self) {
        let _ = self.mail.send(Mail::Matter(Matter::Enough(self.id)));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let _ = self.mail.send(Mail::Matter(Matter::Left(self.id)));
    }
}

struct Clerk {
    desk: Desk,
    worker: Worker,
    events: UnboundedReceiver<WorkerEvent>,
    inbox: UnboundedReceiver<Mail>,
    waiters: HashMap<u64, Waiter>,
    loaded: Arc<Mutex<Loaded>>,
    /// How long a worker may take to stop.
    patience: Duration,
    /// When a worker that was told to stop is ended, and the job that it was told to stop.
    deadline: Option<(u64, Instant)>,
}

impl Clerk {
    /// Waits until the first model is loaded. A worker that dies of it, or isn't there, is not
    /// waited for.
    async fn load_first(&mut self) -> Result<(), String> {
        while let Some(event) = self.events.recv().await {
            let loaded = match &event {
                WorkerEvent::Down { reason, .. } => {
                    return Err(format!("The model's worker doesn't work: {reason}."));
                }
                WorkerEvent::Said(line) => match &line.body {
                    Event::Failed(failure) => return Err(failure.in_words()),
                    event => matches!(event, Event::Done(_)),
                },
                WorkerEvent::Up(_) => false,
            };
            self.hear(event);
            if loaded {
                return Ok(());
            }
        }
        Err("The model's worker can't be started.".to_owned())
    }

    async fn run(mut self) {
        loop {
            let deadline = self.deadline;
            let patience = async move {
                match deadline {
                    Some((_, deadline)) => tokio::time::sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                mail = self.inbox.recv() => match mail {
                    Some(mail) => self.take(mail),
                    None => return,
                },
                event = self.events.recv() => match event {
                    Some(event) => self.hear(event),
                    None => return,
                },
                () = patience => {
                    self.deadline = None;
                    self.desk.ending();
                    self.worker.restart();
                    continue;
                }
            }
            self.watch();
        }
    }

    /// Notes since when a worker is told to stop.
    fn watch(&mut self) {
        self.deadline = match (self.desk.stopping(), self.deadline) {
            (None, _) => None,
            (Some(id), Some((known, deadline))) if id == known => Some((id, deadline)),
            (Some(id), _) => Some((id, Instant::now() + self.patience)),
        };
    }

    fn take(&mut self, mail: Mail) {
        match mail {
            Mail::Ask(job, waiter) => {
                self.waiters.insert(job.id, waiter);
                self.act(Matter::Asked(job));
            }
            Mail::Matter(matter) => {
                if let Matter::Left(id) = &matter {
                    self.waiters.remove(id);
                }
                self.act(matter);
            }
        }
    }

    fn hear(&mut self, event: WorkerEvent) {
        self.act(match event {
            WorkerEvent::Up(_) => Matter::Up,
            WorkerEvent::Down { reason, retry_in } => Matter::Down { reason, again: retry_in.is_some() },
            WorkerEvent::Said(line) => Matter::Said(line),
        });
    }

    fn act(&mut self, matter: Matter) {
        for act in self.desk.handle(matter) {
            match act {
                Act::Send(id, request) => self.worker.send(id, request),
                Act::Tell(id, heard) => {
                    let last = heard.is_last();
                    // Who has left hears nothing.
                    if let Some(waiter) = self.waiters.get(&id) {
                        let _ = waiter.tell.send(heard);
                    }
                    if last {
                        self.waiters.remove(&id);
                    }
                }
                Act::Loaded(model, info) => {
                    let loaded = Loaded { model, info: *info };
                    *self.loaded.lock().unwrap_or_else(PoisonError::into_inner) = loaded;
                }
            }
        }
    }
}
