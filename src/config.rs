//! The configuration: `config.toml` at the root of the repository is the default, built
//! in; the user's file, the project's, the environment and flags go over it.
//!
//! The default file is also the schema: it has every key, and a key that it doesn't have
//! is an error that names the nearest one. Nothing below this floor knows [`Config`].

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use toml::{Table, Value};

use crate::catalogue::ReadyModel;
use crate::intake;

/// The default configuration, with its comments.
pub const DEFAULT: &str = include_str!("../config.toml");

/// The name of a project's configuration.
const PROJECT_FILE: &str = ".percept.toml";

/// What a project's configuration may set. A repository that someone cloned must not be
/// able to run a command, to read other files, or to raise a bound.
const PROJECT_SECTIONS: [&str; 3] = ["model", "sampling", "chat"];

/// How alike two names must be (Jaro-Winkler) for one to be offered for the other.
const ALIKE: f64 = 0.7;

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
    /// How to choose tokens.
    pub sampling: SamplingConfig,
    /// The chat.
    pub chat: Chat,
    /// Bounds on what is attached.
    pub attach: Attach,
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
    pub image_max_tokens: Auto<u32>,
    pub gpu_layers: Auto<u32>,
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
    pub unsure_below: f32,
    pub pictures: bool,
    pub mouse: bool,
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
    pub screenshot_command: Vec<String>,
}

/// `[worker]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct WorkerConfig {
    pub llama: PathBuf,
    pub whisper: PathBuf,
}

/// `[keep]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Keep {
    pub states_mib: u64,
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
    /// A section or key that there isn't.
    #[error("{origin}: there is no {what} `{name}`{}", near.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?")))]
    Unknown {
        /// The file or variable.
        origin: String,
        /// `section` or `key`.
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
        "{origin}: a project may not set `{key}` (only [model], [sampling] and [chat], and no file paths); put it into your own config.toml"
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
        let variable = |name: &str| std::env::var(name).ok();
        Self::from_layers(read(user_file)?, project, &variable)
    }

    /// The same from texts, each with the name of its file.
    fn from_layers(
        user: Option<(String, String)>,
        project: Option<(String, String)>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let default = "the built-in config.toml".to_owned();
        let mut config = parse(&default, DEFAULT)?;
        let schema = config.clone();
        for (layer, of_project) in [(user, false), (project, true)] {
            let Some((origin, text)) = layer else { continue };
            for (section, key, value) in entries(&origin, parse(&origin, &text)?)? {
                check(&origin, &schema, &section, &key, &value)?;
                if of_project && !project_may(&section, &key, &value) {
                    return Err(ConfigError::Project { origin, key: format!("{section}.{key}") });
                }
                put(&mut config, &section, &key, value);
            }
        }
        for (section, key, origin, value) in environment(&schema, variable) {
            check(&origin, &schema, &section, &key, &value)?;
            put(&mut config, &section, &key, value);
        }
        // What is left now is a number out of its range: its error names the key.
        Self::deserialize(Value::Table(config)).map_err(|error| ConfigError::Value {
            origin: "the configuration".to_owned(),
            key: error.message().to_owned(),
            wrong: "can't be used".to_owned(),
        })
    }

    /// Puts what is set here in place of a model's own settings.
    pub fn tune(&self, model: &mut ReadyModel) {
        let load = &mut model.load;
        load.context = self.model.context.set().or(load.context);
        load.threads = self.model.threads.set().or(load.threads);
        load.image_max_tokens = self.model.image_max_tokens.set().or(load.image_max_tokens);
        load.gpu_layers = self.model.gpu_layers.set().or(load.gpu_layers);
        let (set, own) = (&self.sampling, &mut model.sampling);
        own.temperature = set.temperature.set().unwrap_or(own.temperature);
        own.top_k = set.top_k.set().unwrap_or(own.top_k);
        own.top_p = set.top_p.set().unwrap_or(own.top_p);
        own.min_p = set.min_p.set().unwrap_or(own.min_p);
        own.repeat_penalty = set.repeat_penalty.set().unwrap_or(own.repeat_penalty);
        own.presence_penalty = set.presence_penalty.set().unwrap_or(own.presence_penalty);
        own.seed = set.seed.set().or(own.seed);
    }

    /// The bounds for [`crate::intake`].
    pub fn intake(&self) -> intake::Options {
        const MIB: u64 = 1024 * 1024;
        intake::Options {
            max_file_bytes: self.attach.max_file_mib.saturating_mul(MIB),
            max_pixels: self.attach.max_megapixels.saturating_mul(1_000_000),
            max_edge: self.attach.max_edge.max(16),
            max_text_bytes: self.attach.max_text_kib.saturating_mul(1024),
            screenshot_command: self.attach.screenshot_command.clone(),
        }
    }
}

fn parse(origin: &str, text: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|error| ConfigError::Syntax { origin: origin.to_owned(), error })
}

/// The entries of a layer as section, key and value.
fn entries(origin: &str, table: Table) -> Result<Vec<(String, String, Value)>, ConfigError> {
    let mut entries = Vec::new();
    for (section, value) in table {
        let Value::Table(keys) = value else {
            return Err(ConfigError::Value {
                origin: origin.to_owned(),
                key: section,
                wrong: "stands in no section; sections are written like [model]".to_owned(),
            });
        };
        match keys.is_empty() {
            true => entries.push((section, String::new(), Value::Boolean(true))),
            false => entries.extend(keys.into_iter().map(|(key, value)| (section.clone(), key, value))),
        }
    }
    Ok(entries)
}

fn check(origin: &str, schema: &Table, section: &str, key: &str, value: &Value) -> Result<(), ConfigError> {
    let unknown = |what, name: &str, near| {
        Err(ConfigError::Unknown { origin: origin.to_owned(), what, name: name.to_owned(), near })
    };
    let Some(known) = schema.get(section).and_then(Value::as_table) else {
        return unknown("section", section, nearest(section, schema.keys()));
    };
    if key.is_empty() {
        return Ok(());
    }
    let Some(default) = known.get(key) else {
        return unknown(
            "key",
            &format!("{section}.{key}"),
            nearest(key, known.keys()).map(|near| format!("{section}.{near}")),
        );
    };
    let wanted = match (default, value) {
        (Value::String(auto), Value::Integer(_) | Value::Float(_)) if auto == "auto" => None,
        (Value::String(auto), Value::String(word)) if auto == "auto" && word != "auto" => {
            Some("\"auto\" or a number")
        }
        (Value::String(auto), _) if auto == "auto" && !value.is_str() => Some("\"auto\" or a number"),
        (Value::Integer(_), Value::Integer(number)) if *number < 0 => Some("0 or more"),
        (Value::Float(_), Value::Integer(_)) => None,
        (default, value) if default.same_type(value) => None,
        (Value::Integer(_), _) => Some("a whole number"),
        (Value::Float(_), _) => Some("a number"),
        (Value::Boolean(_), _) => Some("true or false"),
        (Value::Array(_), _) => Some("a list of strings"),
        _ => Some("a string"),
    };
    match wanted {
        None => Ok(()),
        Some(wanted) => Err(ConfigError::Value {
            origin: origin.to_owned(),
            key: format!("{section}.{key}"),
            wrong: format!("must be {wanted}, not {value}"),
        }),
    }
}

fn put(config: &mut Table, section: &str, key: &str, value: Value) {
    if let Some(table) = config.get_mut(section).and_then(Value::as_table_mut)
        && !key.is_empty()
    {
        table.insert(key.to_owned(), value);
    }
}

/// A project may name a model of the catalogue, never a file.
fn project_may(section: &str, key: &str, value: &Value) -> bool {
    let file = |name: &str| name.contains(['/', '\\']) || name.to_ascii_lowercase().ends_with(".gguf");
    PROJECT_SECTIONS.contains(&section)
        && !((section, key) == ("model", "name") && value.as_str().is_some_and(file))
}

fn environment(
    schema: &Table,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Vec<(String, String, String, Value)> {
    let mut set = Vec::new();
    for (section, keys) in schema {
        for (key, default) in keys.as_table().into_iter().flatten() {
            let name = format!("PERCEPT_{section}_{key}").to_uppercase();
            let Some(text) = variable(&name).filter(|text| !text.is_empty()) else { continue };
            // A string needs no quotes here; everything else is written as in the file.
            let parsed =
                format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
            let plain = default.as_str().is_some_and(|word| word != "auto");
            let value = match parsed {
                Some(value) if !plain || value.is_str() => value,
                _ => Value::String(text),
            };
            set.push((section.clone(), key.clone(), name, value));
        }
    }
    set
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    let scored = known.map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    scored
        .filter(|(score, _)| *score >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, near)| near.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load(user: &str, project: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let layer =
            |name: &str, text: &str| Some((name.to_owned(), text.to_owned())).filter(|l| !l.1.is_empty());
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Config::from_layers(layer("config.toml", user), layer(".percept.toml", project), &variable)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_default_is_whole_and_says_what_the_code_does() {
        let config = load("", "", &[]).unwrap();
        assert_eq!(config.model.name, "starter");
        assert_eq!(config.intake(), intake::Options::default());
    }

    #[test]
    fn later_layers_win() {
        let user = "[model]\nname = 'a'\ncontext = 1\n[chat]\nmouse = false";
        let project = "[model]\ncontext = 2\n[sampling]\ntemperature = 1";
        let variables = [("PERCEPT_SAMPLING_TEMPERATURE", "0.5"), ("PERCEPT_WORKER_LLAMA", "/x y")];
        let config = load(user, project, &variables).unwrap();
        assert_eq!((config.model.name.as_str(), config.model.context), ("a", Auto::Set(2)));
        assert_eq!(config.sampling.temperature, Auto::Set(0.5));
        assert_eq!(config.worker.llama, PathBuf::from("/x y"));
        assert!(!config.chat.mouse);
    }

    #[test]
    fn mistakes_are_named_with_the_nearest_key() {
        let wrong = |user: &str| load(user, "", &[]).unwrap_err();
        insta::assert_snapshot!(
            [
                wrong("[model]\ncontxt = 3"),
                wrong("[modle]\ncontext = 3"),
                wrong("[model]\nzzz = 3"),
                wrong("[modle]"),
                wrong("name = 'x'"),
                wrong("[model]\ncontext = 'big'"),
                wrong("[chat]\nmouse = 'no'"),
                wrong("[attach]\nmax_edge = -1"),
                load("", "", &[("PERCEPT_CHAT_MOUSE", "maybe")]).unwrap_err(),
            ]
            .join("\n")
        );
        assert!(wrong("[model").contains("config.toml"));
        assert!(load("[model]\ncontext = -1", "", &[]).is_err());
    }

    #[test]
    fn a_project_can_not_weaken_safety() {
        for project in [
            "[worker]\nllama = '/tmp/evil'",
            "[attach]\nscreenshot_command = ['rm']",
            "[attach]\nmax_megapixels = 100000",
            "[model]\nname = './evil.gguf'",
            "[model]\nname = 'evil.GGUF'",
        ] {
            assert!(load("", project, &[]).unwrap_err().contains("a project may not set"), "{project}");
        }
        assert_eq!(load("", "[model]\nname = 'b'", &[]).unwrap().model.name, "b");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}", section in "model|chat|attach", key in "[a-z_]{1,12}", value in "[-a-z0-9.\"\\[\\]{}]{1,12}") {
            let _ = load(&text, "", &[]);
            let _ = load(&format!("[{section}]\n{key} = {value}"), &text, &[]);
        }
    }
}
