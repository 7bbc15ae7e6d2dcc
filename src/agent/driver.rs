//! Runs effects, feeds events back, decides nothing.
//!
//! Whatever takes time runs on another thread or in the worker's process and comes back
//! as an [`Event`]; [`Driver::next`] is the one place that waits for them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use super::window::{self, Blobs};
use super::{Agent, Ask, Effect, EngineState, Event, Stamp, Turn};
use crate::attachment::{Attachment, AttachmentId};
use crate::catalogue::{Catalogue, ReadyModel};
use crate::engines::{Worker, WorkerEvent, WorkerOptions};
use crate::intake::{self, Given};
use crate::message::Message;
use crate::prompts::PromptSet;
use crate::session::{self, BlobStore, SessionId, SessionStore, StoreError, StoreWriter};
use crate::wire::{self, Envelope, Failure, FailureKind, Request};

/// How often a streamed answer is written to the store: what a crash can lose of it.
const STORE_EVERY: Duration = Duration::from_millis(250);

/// How long leaving waits for the worker to save the evaluated prompt.
const SAVE_PATIENCE: Duration = Duration::from_secs(3);

/// How many sessions a list shows.
const LIST_LIMIT: usize = 200;

/// How many waiting events are handled before the face may draw again.
const DRAIN_LIMIT: usize = 256;

/// What the driver works with.
pub struct Hands {
    /// The conversations.
    pub store: StoreWriter,
    /// The contents of attachments.
    pub blobs: Arc<BlobStore>,
    /// The models.
    pub catalogue: Arc<Catalogue>,
    /// The prompt texts.
    pub prompts: PromptSet,
    /// Bounds on what is attached.
    pub intake: intake::Options,
    /// How the llama worker is started.
    pub worker: WorkerOptions,
    /// Where the starter is unpacked.
    pub cache: PathBuf,
    /// Where evaluated prompts are saved, and the most bytes that they may take.
    pub states: (PathBuf, u64),
    /// Puts what the person configured in place of a model's own settings.
    pub tune: Arc<dyn Fn(&mut ReadyModel) + Send + Sync>,
    /// The most tokens of an answer.
    pub max_tokens: Option<u32>,
    /// The probability under which a word is marked.
    pub unsure_below: f32,
}

/// The machine and its hands: what a face talks to.
pub struct Driver {
    agent: Agent,
    hands: Hands,
    worker: Worker,
    events: UnboundedSender<Event>,
    inbox: UnboundedReceiver<Event>,
    worker_events: UnboundedReceiver<WorkerEvent>,
    last_id: i64,
    next_tick: Instant,
}

impl Driver {
    /// Starts the worker and returns at once. Must be called within a tokio runtime.
    pub fn start(hands: Hands) -> Self {
        let (events, inbox) = mpsc::unbounded_channel();
        let (worker_sender, worker_events) = mpsc::unbounded_channel();
        Self {
            agent: Agent::new(hands.unsure_below),
            worker: Worker::spawn(hands.worker.clone(), worker_sender),
            hands,
            events,
            inbox,
            worker_events,
            last_id: 0,
            next_tick: Instant::now(),
        }
    }

    /// The conversation as it is now, to draw.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Hands an event to the machine and starts what it wants done.
    pub fn send(&mut self, event: Event) {
        let at = self.stamp();
        for effect in self.agent.handle(event, at) {
            self.run(effect);
        }
    }

    /// Waits until something happens outside (a worker's event, a finished effect, a
    /// tick), hands it to the machine with all that waits behind it, and returns.
    /// Cancel-safe: made for a `select!`.
    pub async fn next(&mut self) {
        let answering = matches!(self.agent.turn, Turn::Answering { .. });
        let event = tokio::select! {
            biased;
            Some(event) = self.inbox.recv() => event,
            Some(event) = self.worker_events.recv() => Event::Worker(event),
            () = tokio::time::sleep_until(self.next_tick), if answering => {
                self.next_tick = Instant::now() + STORE_EVERY;
                Event::Tick
            }
        };
        self.send(event);
        for _ in 0..DRAIN_LIMIT {
            let Some(event) = self.waiting() else { break };
            self.send(event);
        }
    }

    fn waiting(&mut self) -> Option<Event> {
        let worker = |driver: &mut Self| driver.worker_events.try_recv().ok().map(Event::Worker);
        self.inbox.try_recv().ok().or_else(|| worker(self))
    }

    /// Where a blob lies on disk (an attachment's picture, to draw it).
    pub fn blob(&self, id: &AttachmentId) -> PathBuf {
        self.hands.blobs.path(id)
    }

    /// The names of the models that the catalogue knows, for completion.
    pub fn model_names(&self) -> Vec<String> {
        self.hands.catalogue.list().iter().map(|spec| spec.name.clone()).collect()
    }

    /// Leaves: saves the evaluated prompt for the next time, for as long as that is quick.
    /// What was said is stored already.
    pub async fn close(mut self) {
        self.send(Event::Cancel);
        if let (Some(session), EngineState::Ready(_)) = (self.agent.session, &self.agent.engine) {
            // Greater than any of the machine's, and nothing comes after it.
            let id = u64::MAX;
            self.run(Effect::SaveState { id, session });
            let saved = async {
                while let Some(event) = self.worker_events.recv().await {
                    match event {
                        WorkerEvent::Said(Envelope {
                            id: said,
                            body: wire::Event::Done(_) | wire::Event::Failed(_),
                        }) if said == id => {
                            break;
                        }
                        WorkerEvent::Down { .. } => break,
                        event => {
                            let at = self.stamp();
                            let effects = self.agent.handle(Event::Worker(event), at);
                            // Only what came of the stopped answer is still written.
                            effects
                                .into_iter()
                                .filter(|e| matches!(e, Effect::Store { .. }))
                                .for_each(|e| self.run(e));
                        }
                    }
                }
            };
            if tokio::time::timeout(SAVE_PATIENCE, saved).await.is_err() {
                tracing::info!("the evaluated prompt was not saved in time");
            }
        }
        prune(&self.hands.states.0, self.hands.states.1);
    }

    fn stamp(&mut self) -> Stamp {
        let now = jiff::Timestamp::now();
        // Two numbers for each event, and never one twice, however the clock moves.
        self.last_id = now.as_microsecond().max(self.last_id + 2);
        Stamp { ms: now.as_millisecond(), id: self.last_id }
    }

    fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Take { ticket, given } => self.take(ticket, given),
            Effect::Store { session, title, messages, head } => self.store(session, title, messages, head),
            Effect::Ask { id, ask, conversation, model } => self.ask(id, ask, &conversation, &model),
            Effect::Cancel { id } => self.worker.send(id, Request::Cancel { target: id }),
            Effect::FindModel(name) => self.find_model(name),
            Effect::Load { id, model } => self.load(id, *model),
            Effect::SaveState { id, session } => self.save_state(id, session),
            Effect::RestoreState { id, session } => self.restore_state(id, session),
            Effect::Open(session) => self.query(move |store| match store.load(session) {
                Ok(session) => Event::Opened(Box::new(session)),
                Err(error) => Event::Failed(error.to_string()),
            }),
            Effect::List => self.query(|store| match store.list(LIST_LIMIT) {
                Ok(sessions) => Event::Listed(sessions),
                Err(error) => Event::Failed(error.to_string()),
            }),
            Effect::Export { path, title, conversation } => {
                self.blocking(move || export(&path, &title, &conversation));
            }
        }
    }

    /// Runs something slow on another thread; what it returns happens.
    fn blocking(&self, work: impl FnOnce() -> Event + Send + 'static) {
        let events = self.events.clone();
        tokio::task::spawn_blocking(move || drop(events.send(work())));
    }

    /// Asks the thread that owns the store; what it returns happens.
    fn query(&self, job: impl FnOnce(&mut SessionStore) -> Event + Send + 'static) {
        let answer = self.hands.store.run(job);
        let events = self.events.clone();
        tokio::spawn(async move {
            let event =
                answer.await.unwrap_or_else(|_| Event::Failed("The session store has stopped.".to_owned()));
            events.send(event)
        });
    }

    fn take(&self, ticket: u64, given: Given) {
        let (options, blobs) = (self.hands.intake.clone(), Arc::clone(&self.hands.blobs));
        self.blocking(move || {
            // A decoder that panics on a hostile file must not leave the chip waiting.
            let caught =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| take(&given, &options, &blobs)));
            let bug = || Err("That can't be read: a bug in percept, which is in its log.".to_owned());
            Event::Taken { ticket, result: caught.unwrap_or_else(|_| bug()) }
        });
    }

    fn store(
        &self,
        session: Option<SessionId>,
        title: String,
        messages: Vec<Message>,
        head: Option<crate::message::MessageId>,
    ) {
        let Some(last) = messages.last().map(|message| message.id) else { return };
        self.query(move |store| match write(store, session, &title, &messages, head) {
            Ok(session) => Event::Stored { session, message: last },
            Err(error) => Event::StoreFailed { message: last, why: error.to_string() },
        });
    }

    fn ask(&self, id: u64, ask: Ask, conversation: &[Message], model: &ReadyModel) {
        let today = jiff::ZonedDateTime::now().strftime("%A, %-d %B %Y").to_string();
        let rendered =
            window::render(conversation, model, &self.hands.prompts, self.hands.blobs.as_ref(), &today);
        let request = match (rendered, ask) {
            (Ok(messages), Ask::Prefill) => Request::Prefill { messages },
            (Ok(messages), Ask::Generate) => Request::Generate {
                messages,
                sampling: model.sampling.clone(),
                max_tokens: self.hands.max_tokens,
            },
            (Err(error), _) => {
                // The same way as if the worker had refused it: the machine has one path for that.
                let failure = Failure::new(FailureKind::BadRequest, error.to_string());
                let said = Envelope { id, body: wire::Event::Failed(failure) };
                let _ = self.events.send(Event::Worker(WorkerEvent::Said(said)));
                return;
            }
        };
        self.worker.send(id, request);
    }

    fn find_model(&self, name: String) {
        let (catalogue, cache) = (Arc::clone(&self.hands.catalogue), self.hands.cache.clone());
        let tune = Arc::clone(&self.hands.tune);
        self.blocking(move || match catalogue.ready(&name, &cache) {
            Ok(mut model) => {
                tune(&mut model);
                Event::ModelFound(Box::new(model))
            }
            Err(error) => Event::ModelMissing(error.to_string()),
        });
    }

    fn load(&self, id: u64, model: ReadyModel) {
        let request = Request::Load {
            protocol: wire::PROTOCOL_VERSION,
            model: model.model,
            mmproj: model.mmproj,
            options: model.load,
        };
        self.worker.send(id, request);
    }

    fn state_path(&self, session: SessionId) -> PathBuf {
        self.hands.states.0.join(format!("{}.state", session.0))
    }

    fn save_state(&self, id: u64, session: SessionId) {
        match std::fs::create_dir_all(&self.hands.states.0) {
            Ok(()) => self.worker.send(id, Request::SaveState { path: self.state_path(session) }),
            Err(error) => tracing::warn!(%error, "the evaluated prompt is not saved"),
        }
    }

    fn restore_state(&self, id: u64, session: SessionId) {
        let path = self.state_path(session);
        if path.exists() {
            self.worker.send(id, Request::RestoreState { path });
        }
    }
}

fn take(given: &Given, options: &intake::Options, blobs: &BlobStore) -> Result<Attachment, String> {
    let taken = intake::take(given, options).map_err(|error| error.to_string())?;
    let stored = [Some(&taken.original), taken.view.as_ref()]
        .into_iter()
        .flatten()
        .try_for_each(|bytes| blobs.put(bytes).map(drop));
    match stored {
        Ok(()) => Ok(taken.attachment),
        Err(error) => Err(format!("{} can't be kept: {error}", taken.attachment.name)),
    }
}

fn write(
    store: &mut SessionStore,
    session: Option<SessionId>,
    title: &str,
    messages: &[Message],
    head: Option<crate::message::MessageId>,
) -> Result<SessionId, StoreError> {
    let session = match session {
        Some(session) => session,
        None => {
            let now = messages.first().map_or(0, |message| message.created_ms);
            store.create(title, now)?.id
        }
    };
    for message in messages {
        store.put(session, message, Some(message.id) == head)?;
    }
    Ok(session)
}

fn export(path: &Path, title: &str, conversation: &[Message]) -> Event {
    let markdown = session::to_markdown(title, conversation);
    // Never over a file that is there.
    let written = std::fs::File::create_new(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, markdown.as_bytes()));
    match written {
        Ok(()) => Event::Done(format!("Written to {}.", path.display())),
        Err(error) => Event::Failed(format!("{} can't be written: {error}.", path.display())),
    }
}

/// Deletes the oldest saved states until the rest fit.
fn prune(folder: &Path, most_bytes: u64) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            Some((metadata.modified().ok()?, metadata.len(), entry.path()))
        })
        .collect();
    files.sort();
    let mut total: u64 = files.iter().map(|file| file.1).sum();
    for (_, bytes, path) in files {
        if total <= most_bytes {
            break;
        }
        if std::fs::remove_file(&path).is_ok() {
            total -= bytes;
        }
    }
}

impl Blobs for BlobStore {
    fn path(&self, id: &AttachmentId) -> PathBuf {
        Self::path(self, id)
    }

    fn read(&self, id: &AttachmentId) -> Result<Vec<u8>, String> {
        Self::read(self, id).map_err(|error| error.to_string())
    }
}
