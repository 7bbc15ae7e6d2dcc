//! The configuration: `config.toml` at the root of the repository is the default, built
//! in; the user's file, the project's, the environment and flags go over it.
//!
//! The default file is also the schema: it has every key, and a key that it doesn't have
//! is an error that names the nearest one. Nothing below this floor knows [`Config`].

mod engine;
mod layers;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use toml::Value;

use crate::catalogue::ReadyModel;
use crate::tools::mcp::ServerConfig;
use crate::wire::LoadOptions;
use crate::{intake, tools, tui};
pub use engine::{Engine, EngineKind};
use layers::{TOOLS, check, entries, environment, narrow, parse, project_may, put};

/// The default configuration, with its comments.
pub const DEFAULT: &str = include_str!("../../config.toml");

/// The name of a project's configuration.
const PROJECT_FILE: &str = ".percept.toml";

/// More threads than ggml takes (`GGML_MAX_N_THREADS` in ggml.h); it aborts on more.
const MAX_THREADS: u32 = 512;

/// A value, or percept's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auto<T> {
    /// `"auto"` in the file.
    Auto,
    /// Set by a person.
    Set(T),
}

impl<T> Auto<T> {
    /// The value, if one is set.
    pub fn set(self) -> Option<T> {
        match self {
            Self::Auto => None,
            Self::Set(value) => Some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Auto<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(word) if word == "auto" => Ok(Self::Auto),
            value => T::deserialize(value).map(Self::Set).map_err(|error| D::Error::custom(error.message())),
        }
    }
}

/// All of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Which model, and how to load it.
    pub model: Model,
    /// Who answers.
    pub engine: Engine,
    /// Who finds vectors.
    pub embedding: Engine,
    /// Who hears recordings.
    pub transcription: Engine,
    /// Where models come from.
    pub models: Models,
    /// How to choose tokens.
    pub sampling: SamplingConfig,
    /// The chat.
    pub chat: Chat,
    /// Bounds on what is attached.
    pub attach: Attach,
    /// What is said.
    pub speech: Speech,
    /// How it is searched.
    pub find: Find,
    /// What is kept to be found.
    pub index: Index,
    /// What models may call.
    pub tools: Tools,
    /// Servers of tools.
    pub mcp: Mcp,
    /// Answers for editors and scripts.
    pub serve: Serve,
    /// The worker programs.
    pub worker: WorkerConfig,
    /// What is kept.
    pub keep: Keep,
}

/// `[model]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Model {
    pub name: String,
    pub context: Auto<u32>,
    pub threads: Auto<u32>,
    pub image_min_tokens: Auto<u32>,
    pub image_max_tokens: Auto<u32>,
    pub gpu_layers: Auto<u32>,
    pub memory_check: bool,
    pub lookup: bool,
}

/// `[models]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Models {
    pub endpoint: String,
    pub offline: bool,
}

/// `[sampling]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct SamplingConfig {
    pub temperature: Auto<f32>,
    pub top_k: Auto<u32>,
    pub top_p: Auto<f32>,
    pub min_p: Auto<f32>,
    pub repeat_penalty: Auto<f32>,
    pub presence_penalty: Auto<f32>,
    pub seed: Auto<u32>,
}

/// `[chat]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Chat {
    pub max_tokens: Auto<u32>,
    pub unsure_below: Auto<f32>,
    pub pictures: bool,
    pub mouse: bool,
    pub theme: tui::Palette,
    pub titles: bool,
    pub paste_lines: usize,
    pub paste_bytes: usize,
}

/// `[attach]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Attach {
    pub max_file_mib: u64,
    pub max_megapixels: u64,
    pub max_edge: u32,
    pub max_text_kib: usize,
    pub log_tokens: usize,
    pub screenshot_command: Vec<String>,
}

/// `[speech]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Speech {
    pub model: String,
    pub vad: String,
    pub language: String,
    pub translate: bool,
    pub vocabulary: Vec<String>,
    pub device: String,
    pub armed_minutes: u64,
    pub commands: bool,
    pub threads: Auto<u32>,
    pub beam: u32,
    pub film_pictures: usize,
    pub send_sound: bool,
}

/// `[find]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Find {
    pub model: String,
    pub reranker: String,
    pub threads: Auto<u32>,
    pub qdrant_url: String,
    pub qdrant_collection: String,
    pub qdrant_key_variable: String,
}

/// `[index]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Index {
    pub watch: bool,
    pub max_file_mib: u64,
    pub max_log_mib: u64,
    pub passage_tokens: Auto<usize>,
    pub read_pictures: bool,
    pub caption_model: String,
    pub hear: bool,
}

/// `[tools]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Tools {
    pub enabled: bool,
    pub approval: tools::Mode,
    pub off: BTreeSet<String>,
    pub max_steps: usize,
    pub timeout_s: u64,
    pub output_kib: usize,
}

/// `[mcp]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Mcp {
    pub servers: Vec<ServerConfig>,
}

/// `[serve]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Serve {
    pub port: u16,
    pub waiting: usize,
}

/// `[worker]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct WorkerConfig {
    pub llama: PathBuf,
    pub whisper: PathBuf,
    pub openai: PathBuf,
}

/// `[keep]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Keep {
    pub states_mib: u64,
    pub outputs_mib: u64,
}

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file can't be read.
    #[error("{path} can't be read: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file is not TOML.
    #[error("{origin}: {error}")]
    Syntax {
        /// The file.
        origin: String,
        /// What and where.
        error: toml::de::Error,
    },
    /// A section, key or variable that there isn't.
    #[error("{origin}: there is no {what} `{name}`{}", near.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?")))]
    Unknown {
        /// The file or variable.
        origin: String,
        /// `section`, `key` or `variable`.
        what: &'static str,
        /// As it was written.
        name: String,
        /// The nearest known one.
        near: Option<String>,
    },
    /// A value of the wrong type or out of range.
    #[error("{origin}: `{key}` {wrong}")]
    Value {
        /// The file or variable.
        origin: String,
        /// The key with its section.
        key: String,
        /// What is wrong with it.
        wrong: String,
    },
    /// A project's file sets what only the user may set.
    #[error(
        "{origin}: a project may not set `{key}` (only [model] without memory_check, [sampling] and [chat], no file paths, and of [tools] what narrows them); put it into your own config.toml"
    )]
    Project {
        /// The file.
        origin: String,
        /// The key with its section.
        key: String,
    },
}

impl Config {
    /// Reads all layers but the flags: the default, the user's file, the nearest
    /// `.percept.toml` at or above `folder`, and the environment.
    pub fn load(user_file: &Path, folder: Option<&Path>) -> Result<Self, ConfigError> {
        let project = folder.and_then(|folder| {
            folder.ancestors().map(|folder| folder.join(PROJECT_FILE)).find(|file| file.is_file())
        });
        let read = |path: &Path| match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some((path.display().to_string(), text))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(ConfigError::Unreadable { path: path.to_owned(), error }),
        };
        let project = project.as_deref().map(read).transpose()?.flatten();
        let text = |text: OsString| text.to_string_lossy().into_owned();
        let variables: Vec<_> = std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect();
        Self::from_layers(read(user_file)?, project, &variables)
    }

    /// The default alone.
    pub fn built_in() -> Result<Self, ConfigError> {
        Self::from_layers(None, None, &[])
    }

    /// The same from texts, each with the name of its file.
    fn from_layers(
        user: Option<(String, String)>,
        project: Option<(String, String)>,
        variables: &[(String, String)],
    ) -> Result<Self, ConfigError> {
        let default = "the built-in config.toml".to_owned();
        let mut config = parse(&default, DEFAULT)?;
        let schema = config.clone();
        for (layer, of_project) in [(user, false), (project, true)] {
            let Some((origin, text)) = layer else { continue };
            for (section, key, value) in entries(&origin, parse(&origin, &text)?)? {
                check(&origin, &schema, &section, &key, &value)?;
                if of_project && section == TOOLS {
                    match narrow(&mut config, &key, value) {
                        true => continue,
                        false => {
                            return Err(ConfigError::Project { origin, key: format!("{section}.{key}") });
                        }
                    }
                }
                if of_project && !project_may(&section, &key, &value) {
                    return Err(ConfigError::Project { origin, key: format!("{section}.{key}") });
                }
                put(&mut config, &section, &key, value);
            }
        }
        for (section, key, origin, value) in environment(&schema, variables)? {
            check(&origin, &schema, &section, &key, &value)?;
            put(&mut config, &section, &key, value);
        }
        // What is left now is a number out of its range: its error names the key.
        let wrong = |key: String, wrong: &str| ConfigError::Value {
            origin: "the configuration".to_owned(),
            key,
            wrong: wrong.to_owned(),
        };
        let mut config = Self::deserialize(Value::Table(config))
            .map_err(|error| wrong(error.message().to_owned(), "can't be used"))?;
        let sections = [
            ("engine", &mut config.engine),
            ("embedding", &mut config.embedding),
            ("transcription", &mut config.transcription),
        ];
        for (section, engine) in sections {
            section.clone_into(&mut engine.section);
            if engine.kind == EngineKind::Openai && engine.base_url.is_empty() {
                let why = format!("is empty, and {section}.kind is \"openai\"");
                return Err(wrong(format!("{section}.base_url"), &why));
            }
        }
        match (config.model.image_min_tokens, config.model.image_max_tokens) {
            (Auto::Set(min), Auto::Set(max)) if min > max => {
                Err(wrong("model.image_min_tokens".to_owned(), "is more than model.image_max_tokens"))
            }
            _ => Ok(config),
        }
    }

    /// Puts what is set here in place of a model's own settings.
    pub fn tune(&self, model: &mut ReadyModel) {
        let load = &mut model.load;
        let context = if load.server.is_some() { self.engine.context } else { self.model.context };
        load.context = context.set().or(load.context);
        load.threads = self.model.threads.set().or(load.threads).map(|threads| threads.min(MAX_THREADS));
        (load.image_min_tokens, load.image_max_tokens) = self.picture_budget(load);
        load.gpu_layers = self.model.gpu_layers.set().or(load.gpu_layers);
        load.ignore_memory |= !self.model.memory_check;
        load.no_lookup |= !self.model.lookup;
        let (set, own) = (&self.sampling, &mut model.sampling);
        own.temperature = set.temperature.set().unwrap_or(own.temperature);
        own.top_k = set.top_k.set().unwrap_or(own.top_k);
        own.top_p = set.top_p.set().unwrap_or(own.top_p);
        own.min_p = set.min_p.set().unwrap_or(own.min_p);
        own.repeat_penalty = set.repeat_penalty.set().unwrap_or(own.repeat_penalty);
        own.presence_penalty = set.presence_penalty.set().unwrap_or(own.presence_penalty);
        own.seed = set.seed.set().or(own.seed);
    }

    /// The fewest and the most tokens of a picture. Where a person set one side and the
    /// model's entry has the other, the person's side moves it.
    fn picture_budget(&self, load: &LoadOptions) -> (Option<u32>, Option<u32>) {
        let (min, max) = (self.model.image_min_tokens.set(), self.model.image_max_tokens.set());
        let own_min = load.image_min_tokens.map(|own| own.min(max.unwrap_or(own)));
        let own_max = load.image_max_tokens.map(|own| own.max(min.unwrap_or(own)));
        (min.or(own_min), max.or(own_max))
    }

    /// The bounds for [`crate::intake`].
    pub fn intake(&self) -> intake::Options {
        const MIB: u64 = 1024 * 1024;
        intake::Options {
            max_file_bytes: self.attach.max_file_mib.saturating_mul(MIB),
            max_pixels: self.attach.max_megapixels.saturating_mul(1_000_000),
            max_edge: self.attach.max_edge.max(16),
            max_text_bytes: self.attach.max_text_kib.saturating_mul(1024),
            log_tokens: self.attach.log_tokens,
            question: String::new(),
            film_pictures: self.speech.film_pictures,
            screenshot_command: self.attach.screenshot_command.clone(),
        }
    }
}
