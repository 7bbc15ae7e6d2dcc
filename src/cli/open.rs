//! What every command that talks to a model needs: folders, configuration, stores, and a
//! driver made of them.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::{ModelArgs, Trouble};
use crate::agent::Rules;
use crate::agent::driver::{Driver, Hands};
use crate::catalogue::{Catalogue, ReadyModel, ReadySpeech};
use crate::config::{Config, ConfigError};
use crate::engines::{Listener, WorkerOptions, find_program};
use crate::intake;
use crate::microphone;
use crate::paths::Paths;
use crate::prompts::PromptSet;
use crate::retrieval::Embedder;
use crate::session::{BlobStore, SessionStore, StoreError, StoreWriter, make_private};
use crate::tools::{Mode, Permissions, Toolbox, toolbox};
use crate::wire::SpeechOptions;

/// What is logged unless `PERCEPT_LOG` says otherwise: nothing of what MCP servers say.
const LOGGED: &str = "info,rmcp=off";

/// The log starts anew when it is longer than this.
const MAX_LOG_BYTES: u64 = 4 * 1024 * 1024;

/// After so long it is said that the MCP servers are waited for.
const SERVERS_SOON: Duration = Duration::from_secs(1);

/// How long a one-shot command waits for the MCP servers to be ready.
pub(super) const SERVERS_TIME: Duration = Duration::from_secs(30);

/// Less of an output than this tells a model nothing.
pub(super) const LEAST_OUTPUT: usize = 512;

/// Words of a model that was not measured are marked as unsure below this probability.
const UNSURE_BELOW: f32 = 0.5;

/// What was found before anything is opened.
pub(super) struct Setup {
    pub(super) paths: Paths,
    pub(super) config: Config,
    pub(super) catalogue: Catalogue,
    pub(super) embedder: OnceLock<Result<Arc<dyn Embedder>, String>>,
}

/// What a command line may set over the configuration.
#[derive(Debug, Clone, Default)]
pub(super) struct Overrides {
    pub(super) seed: Option<u32>,
    pub(super) temperature: Option<f32>,
    pub(super) max_tokens: Option<u32>,
    /// The model may call no tools.
    pub(super) no_tools: bool,
    /// What would ask is refused.
    pub(super) nobody_to_ask: bool,
    /// What is asked, where that is known before anything is attached.
    pub(super) question: String,
    /// The index is kept up to date meanwhile.
    pub(super) keeps_index: bool,
    /// The model gives conversations their titles.
    pub(super) gives_titles: bool,
    /// A model is measured: no command runs, and conversations lie in this folder, which goes.
    pub(super) measured: Option<PathBuf>,
}

impl Setup {
    /// Reads the configuration and the catalogue, and starts the log.
    pub(super) fn load() -> Result<Self, Trouble> {
        match Self::tolerant()? {
            (setup, None) => Ok(setup),
            (_, Some(problem)) => Err(Trouble::user(problem)),
        }
    }

    /// The same without the project's configuration where that can't be used, or else with
    /// the built-in one, and why: for what must work all the same.
    pub(super) fn tolerant() -> Result<(Self, Option<ConfigError>), Trouble> {
        let paths = Paths::find().map_err(Trouble::user)?;
        start_log(&paths);
        let folder = std::env::current_dir().ok();
        let (config, problem) = match Config::load(&paths.config_file(), folder.as_deref()) {
            Ok(config) => (config, None),
            Err(problem) => {
                let own = Config::load(&paths.config_file(), None);
                (own.or_else(|_| Config::built_in()).map_err(Trouble::user)?, Some(problem))
            }
        };
        let (catalogue, errors) = Catalogue::load(&paths.models());
        for error in errors {
            super::exit::warn(&error);
        }
        let catalogue = catalogue.with_places(super::places::stores());
        Ok((Self { paths, config, catalogue, embedder: OnceLock::new() }, problem))
    }

    /// The model to use: the one named on the command line, else the configured one. Where a
    /// server answers, its name there.
    pub(super) fn model(&self, args: &ModelArgs) -> String {
        let configured = match self.config.engine.server() {
            Some(_) => &self.config.engine.model,
            None => &self.config.model.name,
        };
        args.model.clone().unwrap_or_else(|| configured.clone())
    }

    /// The worker that answers.
    fn answering(&self) -> WorkerOptions {
        match self.config.engine.server() {
            Some(_) => self.openai(),
            None => self.llama(),
        }
    }

    pub(super) fn openai(&self) -> WorkerOptions {
        WorkerOptions::new(find_program("percept-openai", &self.config.worker.openai))
    }

    pub(super) fn prompts(&self) -> Result<PromptSet, Trouble> {
        PromptSet::load(Some(&self.paths.prompts())).map_err(Trouble::user)
    }

    pub(super) fn store(&self) -> Result<SessionStore, Trouble> {
        SessionStore::open(&self.paths.data).map_err(Trouble::user)
    }

    /// What the driver keeps things in. On a disk that can't be written to nothing is kept:
    /// the conversation goes on, and the first write says that it is not saved.
    fn stores(&self) -> Result<(SessionStore, BlobStore), Trouble> {
        let open = || -> Result<_, StoreError> {
            Ok((SessionStore::open(&self.paths.data)?, BlobStore::open(&self.paths.blobs())?))
        };
        match open() {
            Err(error) if error.is_of_the_disk() => {
                let blobs = BlobStore::temporary().map_err(Trouble::user)?;
                Ok((SessionStore::unsaved(error.to_string()), blobs))
            }
            opened => opened.map_err(Trouble::user),
        }
    }

    fn stores_in(folder: &Path) -> Result<(SessionStore, BlobStore), StoreError> {
        Ok((SessionStore::open(folder)?, BlobStore::open(&folder.join("blobs"))?))
    }

    pub(super) fn llama(&self) -> WorkerOptions {
        WorkerOptions::new(find_program("percept-llama", &self.config.worker.llama))
    }

    pub(super) fn whisper(&self) -> WorkerOptions {
        WorkerOptions::new(find_program("percept-whisper", &self.config.worker.whisper))
    }

    /// What hears recordings.
    pub(super) fn listener(&self) -> Listener {
        let speech = &self.config.speech;
        let remote = &self.config.transcription;
        let (worker, model) = match remote.server() {
            Some(server) => (self.openai(), Ok(ReadySpeech::at_server(&remote.model, server))),
            None => (self.whisper(), self.speech_model()),
        };
        Listener {
            worker,
            model,
            threads: speech.threads.set(),
            speech: SpeechOptions {
                language: set(&speech.language).map(str::to_owned),
                translate: speech.translate,
                vocabulary: speech.vocabulary.clone(),
                beam: speech.beam,
                ..SpeechOptions::default()
            },
        }
    }

    /// The model that hears, or why there is none: a sentence for the screen.
    pub(super) fn speech_model(&self) -> Result<ReadySpeech, String> {
        let speech = &self.config.speech;
        self.catalogue
            .speech(set(&speech.model), set(&speech.vad))
            .map_err(|error| super::library::sentence_of(&error))
    }

    /// The microphone that is dictated into.
    pub(super) fn microphone(&self) -> microphone::Options {
        microphone::Options { device: self.config.speech.device.clone(), ..microphone::Options::default() }
    }

    /// Opens the stores and starts the worker. Must be called within a tokio runtime.
    pub(super) fn driver(&self, overrides: &Overrides) -> Result<Driver, Trouble> {
        const MIB: u64 = 1024 * 1024;
        let config = self.config.clone();
        let Overrides { seed, temperature, max_tokens, .. } = overrides.clone();
        let evals = self.paths.evals();
        let tune = move |model: &mut ReadyModel| {
            config.tune(model);
            model.unsure_below = match config.chat.unsure_below.set() {
                None => super::eval::scores(&evals, model).and_then(|scores| scores.unsure_below),
                set => set,
            };
            model.sampling.seed = seed.or(model.sampling.seed);
            model.sampling.temperature = temperature.unwrap_or(model.sampling.temperature);
        };
        let (store, blobs) = match &overrides.measured {
            Some(folder) => Self::stores_in(folder).map_err(Trouble::user)?,
            None => self.stores()?,
        };
        let states = match &overrides.measured {
            // Another one's numbers would be those of the person's conversations.
            Some(folder) => (folder.join("states"), 0),
            None => (self.paths.states(), self.config.keep.states_mib.saturating_mul(MIB)),
        };
        let blobs = Arc::new(blobs);
        let library = Arc::new(self.library());
        let tools = self.toolbox(overrides, &blobs)?;
        let tools = tools.map(|tools| Arc::new(tools.with_library(Some(Arc::clone(&library)))));
        let keeper = overrides.keeps_index.then(|| self.keeper()).transpose()?.map(Arc::new);
        let driver = Driver::start(Hands {
            store: StoreWriter::spawn(store),
            catalogue: Arc::new(self.catalogue.clone()),
            prompts: self.prompts()?,
            intake: intake::Options { question: overrides.question.clone(), ..self.config.intake() },
            ears: Arc::new(self.listener()),
            worker: self.answering(),
            server: self.config.engine.server(),
            cache: self.paths.cache.clone(),
            states,
            outputs: (self.paths.outputs(), self.config.keep.outputs_mib.saturating_mul(MIB)),
            tune: Arc::new(tune),
            max_tokens: max_tokens.or(self.config.chat.max_tokens.set()),
            rules: Rules {
                unsure_below: self.config.chat.unsure_below.set().unwrap_or(UNSURE_BELOW),
                most_steps: self.config.tools.max_steps,
                send_sound: self.config.speech.send_sound,
                titles: overrides.gives_titles && self.config.chat.titles,
            },
            tools: tools.clone(),
            library: Some(library),
            keeper,
            blobs,
        });
        if let Some(tools) = tools.filter(|_| overrides.nobody_to_ask && !self.config.mcp.servers.is_empty())
        {
            tools.wait_for_servers(SERVERS_SOON);
            if tools.servers_start() {
                super::exit::warn("waiting for the MCP servers");
                tools.wait_for_servers(SERVERS_TIME);
            }
        }
        Ok(driver)
    }

    /// The tools, unless they are switched off.
    fn toolbox(&self, overrides: &Overrides, blobs: &Arc<BlobStore>) -> Result<Option<Toolbox>, Trouble> {
        if !self.config.tools.enabled || overrides.no_tools {
            return Ok(None);
        }
        let mode = match (overrides.nobody_to_ask, self.config.tools.approval) {
            _ if overrides.measured.is_some() => Mode::Never,
            (true, Mode::Ask) => Mode::Auto,
            (_, mode) => mode,
        };
        let tools = self.tools(mode, Arc::clone(blobs))?;
        Ok(Some(if overrides.measured.is_some() { tools.for_measuring() } else { tools }))
    }

    /// The tools as they are configured.
    pub(super) fn tools(&self, mode: Mode, blobs: Arc<BlobStore>) -> Result<Toolbox, Trouble> {
        let folder = std::env::current_dir().map_err(|error| {
            Trouble::User(anyhow::anyhow!("the current folder can't be read: {error}; go to another"))
        })?;
        let tools = &self.config.tools;
        let options = toolbox::Options {
            folder,
            home: directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_path_buf()),
            private: self.private(),
            enabled: tools.enabled,
            mode,
            off: tools.off.clone(),
            time: Duration::from_secs(tools.timeout_s),
            commands: self.commands()?,
            intake: self.config.intake(),
            servers: self.config.mcp.servers.clone(),
            servers_stand: self.paths.servers(),
        };
        let kept = Permissions::at(self.paths.permissions());
        Ok(Toolbox::new(options, Some(&self.paths.tools()), blobs, kept))
    }
}

/// A text of the configuration, where one is set.
pub(super) fn set(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A runtime for the driver: one thread for it and one for what it spawns.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(Trouble::user)
}

/// Ends it. What is being read gets some time to end the programs that it runs and to delete its
/// files; a capture or a clipboard tool that hangs must not hold the exit.
pub(super) fn shut_down(runtime: tokio::runtime::Runtime) {
    runtime.shutdown_timeout(Duration::from_millis(500));
}

/// Logs to a file: standard error belongs to the person. Without a log percept still works.
fn start_log(paths: &Paths) {
    let path = paths.log();
    let long = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MAX_LOG_BYTES);
    // Before anything else makes them for everybody to read; what fails is said where it is used.
    for folder in [&paths.data, &paths.cache] {
        let _ = make_private(folder);
    }
    let mut options = OpenOptions::new();
    match long {
        true => options.write(true).create(true).truncate(true),
        false => options.append(true).create(true),
    };
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let Ok(file) = options.open(&path) else { return };
    let filter = std::env::var("PERCEPT_LOG").unwrap_or_else(|_| LOGGED.to_owned());
    let filter = tracing_subscriber::EnvFilter::try_new(filter).unwrap_or_default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::sync::Mutex::new(file));
    let _ = subscriber.try_init();
}
