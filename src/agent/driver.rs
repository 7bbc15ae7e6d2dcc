//! Runs effects, feeds events back, decides nothing.
//!
//! Whatever takes time runs on another thread or in the worker's process and comes back
//! as an [`Event`]; [`Driver::next`] is the one place that waits for them.

mod tools;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use super::bundle;
use super::request::{begun, request};
use super::shelve::shelve;
use super::takings::Takings;
use super::window::{self, Blobs};
use super::{Agent, Ask, Effect, Event, Rules, Stamp, Turn};
use crate::attachment::{AttachmentId, Senses};
use crate::catalogue::{Catalogue, ReadyModel, Task};
use crate::engines::{Worker, WorkerEvent, WorkerOptions};
use crate::indexing::Keeper;
use crate::intake::{self, Ears, Given};
use crate::message::Message;
use crate::prompts::PromptSet;
use crate::retrieval::Library;
use crate::session::{self, BlobStore, SessionId, SessionStore, StoreWriter};
use crate::tools::{Leash, Toolbox};
use crate::wire::{self, Envelope, Failure, FailureKind, Request, ServerOptions};

/// How often a streamed answer is written to the store: what a crash can lose of it.
const STORE_EVERY: Duration = Duration::from_millis(250);

/// How long leaving waits for an answer to stop and for the worker to save the evaluated
/// prompt: hundreds of megabytes for a long one. Ctrl+C doesn't wait.
const LEAVE_PATIENCE: Duration = Duration::from_secs(15);

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
    /// Who listens to recordings that are attached.
    pub ears: Arc<dyn Ears>,
    /// How the worker that answers is started.
    pub worker: WorkerOptions,
    /// The server that has the models; `None`: they are files on this machine.
    pub server: Option<ServerOptions>,
    /// Where the starter is unpacked.
    pub cache: PathBuf,
    /// Where evaluated prompts are saved, and the most bytes that they may take.
    pub states: (PathBuf, u64),
    /// Where whole outputs of commands are kept, and the most bytes that they may take.
    pub outputs: (PathBuf, u64),
    /// Puts what the person configured in place of a model's own settings.
    pub tune: Arc<dyn Fn(&mut ReadyModel) + Send + Sync>,
    /// The most tokens of an answer.
    pub max_tokens: Option<u32>,
    /// What the machine goes by.
    pub rules: Rules,
    /// The tools that models may call; `None`: none.
    pub tools: Option<Arc<Toolbox>>,
    /// The index; `None`: there is none, and none can be made.
    pub library: Option<Arc<Library>>,
    /// Who keeps the index meanwhile; `None`: nobody.
    pub keeper: Option<Arc<Keeper>>,
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
    takings: Takings,
    /// The call that runs, and what ends it.
    running: Option<(String, Leash)>,
}

impl Driver {
    /// Starts the worker and returns at once. Must be called within a tokio runtime.
    pub fn start(hands: Hands) -> Self {
        let (events, inbox) = mpsc::unbounded_channel();
        let (worker_sender, worker_events) = mpsc::unbounded_channel();
        if let Some(tools) = &hands.tools {
            let events = events.clone();
            tools.start_servers(move || drop(events.send(Event::ListTools)));
        }
        Self {
            agent: Agent::new(hands.rules),
            worker: Worker::spawn(hands.worker.clone(), worker_sender),
            hands,
            events,
            inbox,
            worker_events,
            last_id: 0,
            next_tick: Instant::now(),
            takings: Takings::default(),
            running: None,
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
        let answering = matches!(self.agent.turn, Turn::Answering { .. } | Turn::Acting { .. });
        let event = tokio::select! {
            biased;
            Some(event) = self.inbox.recv() => event,
            Some(event) = self.worker_events.recv() => Event::Worker(event),
            () = tokio::time::sleep_until(self.next_tick), if answering => {
                self.next_tick = Instant::now() + STORE_EVERY;
                Event::Tick { says: self.running_says() }
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

    /// Where the contents of attachments are kept.
    pub fn blobs(&self) -> Arc<BlobStore> {
        Arc::clone(&self.hands.blobs)
    }

    /// Bounds on what is attached.
    pub fn intake(&self) -> &intake::Options {
        &self.hands.intake
    }

    /// The index, to search in.
    pub fn library(&self) -> Option<Arc<Library>> {
        self.hands.library.clone()
    }

    /// Who keeps the index.
    pub fn keeper(&self) -> Option<Arc<Keeper>> {
        self.hands.keeper.clone()
    }

    /// The names of the models that the catalogue knows, for completion; none of a server's.
    pub fn model_names(&self) -> Vec<String> {
        let here = self.hands.catalogue.list().iter().filter(|_| self.hands.server.is_none());
        here.filter(|spec| spec.task == Task::Chat).map(|spec| spec.name.clone()).collect()
    }

    /// Leaves: what goes on is stopped, and the evaluated prompt saved for the next time.
    /// Returns the conversation as it was at last.
    pub async fn close(mut self) -> Agent {
        self.takings = Takings::default();
        self.send(Event::Leave);
        let left = async {
            while !self.agent.left() {
                self.next().await;
            }
        };
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => {}
            done = tokio::time::timeout(LEAVE_PATIENCE, left) => {
                if done.is_err() {
                    tracing::info!("the evaluated prompt was not saved in time");
                }
            }
        }
        for (folder, most_bytes) in [&self.hands.states, &self.hands.outputs] {
            session::prune(folder, *most_bytes);
        }
        self.agent
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
            Effect::StopTaking(ticket) => self.takings.stop(ticket),
            Effect::Store { session, title, messages, head } => self.store(session, title, messages, head),
            Effect::Ask { id, ask, conversation, model, senses } => {
                self.ask(id, ask, &conversation, &model, senses);
            }
            Effect::Judge { call, conversation } => self.judge(call, conversation),
            Effect::RunTool { call, plan, grant, conversation } => {
                self.run_tool(call, *plan, grant, conversation)
            }
            Effect::StopTool { id } => self.stop_tool(&id),
            Effect::Remember { remembered, for_good } => self.remember(remembered, for_good),
            Effect::Revoke(allowed) => self.revoke(allowed),
            Effect::RestartServer(name) => self.restart_server(name),
            Effect::ListTools => self.with_tools(|tools| Event::ToolsListed(Box::new(tools.report()))),
            Effect::RestartWorker => self.worker.restart(),
            Effect::Cancel { id } => self.worker.send(id, Request::Cancel { target: id }),
            Effect::FindModel(name) => self.find_model(name),
            Effect::Load { id, model } => self.load(id, *model),
            Effect::SaveState { id, session } => self.save_state(id, session),
            Effect::RestoreState { id, session } => self.restore_state(id, session),
            Effect::Open(session) => self.query(
                move |store| match store.load(session) {
                    Ok(session) => Event::Opened(Box::new(session)),
                    Err(error) => Event::Failed(error.to_string()),
                },
                Event::Failed,
            ),
            Effect::Shelve { work, words } => {
                let blobs = Arc::clone(&self.hands.blobs);
                self.query(
                    move |store| match shelve(store, &work, &words, &blobs) {
                        Ok(sessions) => Event::Listed(sessions),
                        Err(error) => Event::Failed(error.to_string()),
                    },
                    Event::Failed,
                );
            }
            Effect::Entitle { session, from, to } => self.query(
                move |store| match store.entitle(session, &from, &to) {
                    Ok(title) => Event::Entitled { session, title },
                    Err(error) => Event::Failed(error.to_string()),
                },
                Event::Failed,
            ),
            Effect::Bundle { session, path, write } => self.bundle(session, path, write),
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

    /// Asks the thread that owns the store; what it returns happens, or `stopped` of the
    /// reason if that thread is gone.
    fn query(
        &self,
        job: impl FnOnce(&mut SessionStore) -> Event + Send + 'static,
        stopped: impl FnOnce(String) -> Event + Send + 'static,
    ) {
        let answer = self.hands.store.run(job);
        let events = self.events.clone();
        tokio::spawn(async move {
            let event = answer.await.unwrap_or_else(|_| stopped("the session store has stopped".to_owned()));
            events.send(event)
        });
    }

    fn bundle(&self, session: SessionId, path: PathBuf, write: bool) {
        let loaded = self.hands.store.run(move |store| store.load(session));
        let (catalogue, blobs) = (Arc::clone(&self.hands.catalogue), Arc::clone(&self.hands.blobs));
        let (events, cache) = (self.events.clone(), self.hands.cache.clone());
        tokio::spawn(async move {
            let event = match loaded.await {
                // Files of gigabytes are hashed: not on the thread that owns the store.
                Ok(Ok(session)) => {
                    let work = move || {
                        let versions = bundle::versions(&session, &catalogue, &cache);
                        bundle::bundle(&session, &versions, &blobs, &path, write)
                    };
                    let done = tokio::task::spawn_blocking(work).await;
                    done.unwrap_or_else(|error| Event::Failed(error.to_string()))
                }
                Ok(Err(error)) => Event::Failed(error.to_string()),
                Err(_) => Event::Failed("the session store has stopped".to_owned()),
            };
            events.send(event)
        });
    }

    fn take(&mut self, ticket: u64, given: Given) {
        let context = self.agent.model.as_ref().and_then(|model| model.load.context);
        let (options, blobs) = (self.hands.intake.clone(), Arc::clone(&self.hands.blobs));
        let reading = (options, Arc::clone(&self.hands.ears));
        self.takings.start((ticket, given), reading, context, blobs, self.events.clone());
    }

    fn store(
        &self,
        session: Option<SessionId>,
        title: String,
        messages: Vec<Message>,
        head: Option<crate::message::MessageId>,
    ) {
        let Some(last) = messages.last().map(|message| message.id) else { return };
        self.query(
            move |store| match store.write(session, &title, &messages, head) {
                Ok(session) => Event::Stored { session, message: last },
                Err(error) => Event::StoreFailed { message: last, why: error.to_string() },
            },
            move |why| Event::StoreFailed { message: last, why },
        );
    }

    fn ask(&self, id: u64, ask: Ask, conversation: &[Message], model: &ReadyModel, senses: Senses) {
        let begun = begun(conversation);
        let tools = match &self.hands.tools {
            Some(tools) if model.tools => tools.offered(senses.eyes, model.load.knows_tools),
            _ => Vec::new(),
        };
        let view = window::View { model, senses, tools: !tools.is_empty(), begun: &begun };
        let prompts = &self.hands.prompts;
        let request = window::render(conversation, &view, prompts, self.hands.blobs.as_ref())
            .and_then(|messages| Ok(request(messages, ask, tools, (model, self.hands.max_tokens), prompts)?));
        let request = match request {
            Ok(request) => request,
            Err(error) => return self.bad_request(id, &error),
        };
        self.worker.send(id, request);
    }

    /// The same way as if the worker had refused it: the machine has one path for that.
    fn bad_request(&self, id: u64, error: &dyn std::fmt::Display) {
        self.said(id, wire::Event::Failed(Failure::new(FailureKind::BadRequest, error.to_string())));
    }

    /// Answers a request in the worker's place.
    fn said(&self, id: u64, body: wire::Event) {
        let _ = self.events.send(Event::Worker(WorkerEvent::Said(Envelope { id, body })));
    }

    fn find_model(&self, name: String) {
        let (catalogue, cache) = (Arc::clone(&self.hands.catalogue), self.hands.cache.clone());
        let tune = Arc::clone(&self.hands.tune);
        if let Some(server) = self.hands.server.clone() {
            let mut model = ReadyModel::at_server(&name, server);
            tune(&mut model);
            return drop(self.events.send(Event::ModelFound(Box::new(model))));
        }
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
        let (folder, most_bytes) = &self.hands.states;
        match std::fs::create_dir_all(folder) {
            Ok(()) => {
                let (path, most_bytes) = (self.state_path(session), Some(*most_bytes));
                self.worker.send(id, Request::SaveState { path, most_bytes });
            }
            Err(error) => {
                let failure = Failure::new(FailureKind::Internal, error.to_string());
                self.said(id, wire::Event::Failed(failure));
            }
        }
    }

    fn restore_state(&self, id: u64, session: SessionId) {
        let path = self.state_path(session);
        if path.exists() {
            self.worker.send(id, Request::RestoreState { path });
        }
    }
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

impl Blobs for BlobStore {
    fn path(&self, id: &AttachmentId) -> PathBuf {
        Self::path(self, id)
    }

    fn read(&self, id: &AttachmentId) -> Result<Vec<u8>, String> {
        Self::read(self, id).map_err(|error| error.to_string())
    }
}
