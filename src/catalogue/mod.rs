//! The models that percept knows: `models/*.toml`, built in, and the user's own beside
//! them. It finds and checks files on this machine, in the stores of other programs too; what
//! is not here comes by [`hub`].

mod embedding;
mod fingerprint;
pub mod hub;
mod register;
mod room;
mod spec;
mod speech;
mod starter;
mod stores;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use embedding::{ReadyEmbedding, RemoteEmbedding};
pub use fingerprint::Fingerprint;
pub use room::{Fit, Room};
pub use spec::{ModelFiles, ModelSource, ModelSpec, Task, Turns};
pub use speech::ReadySpeech;
pub use stores::{Found, Places};

use crate::gguf::{self, GgufError, Header};
use crate::text;
use crate::wire::{LoadOptions, Sampling, ServerOptions};

/// The entries that come with percept.
const BUILT_IN: [(&str, &str); 25] = [
    ("starter.toml", include_str!("../../models/starter.toml")),
    ("starter-pictures.toml", include_str!("../../models/starter-pictures.toml")),
    ("smolvlm2-500m.toml", include_str!("../../models/smolvlm2-500m.toml")),
    ("smolvlm2-2.2b.toml", include_str!("../../models/smolvlm2-2.2b.toml")),
    ("qwen3-vl-4b.toml", include_str!("../../models/qwen3-vl-4b.toml")),
    ("qwen3-vl-8b.toml", include_str!("../../models/qwen3-vl-8b.toml")),
    ("qwen3.5-4b.toml", include_str!("../../models/qwen3.5-4b.toml")),
    ("gemma-3-4b.toml", include_str!("../../models/gemma-3-4b.toml")),
    ("gemma-4-e4b.toml", include_str!("../../models/gemma-4-e4b.toml")),
    ("lfm2-vl-1.6b.toml", include_str!("../../models/lfm2-vl-1.6b.toml")),
    ("internvl3-2b.toml", include_str!("../../models/internvl3-2b.toml")),
    ("whisper-tiny.toml", include_str!("../../models/whisper-tiny.toml")),
    ("whisper-base.toml", include_str!("../../models/whisper-base.toml")),
    ("whisper-small.toml", include_str!("../../models/whisper-small.toml")),
    ("whisper-large-v3-turbo.toml", include_str!("../../models/whisper-large-v3-turbo.toml")),
    ("silero-vad.toml", include_str!("../../models/silero-vad.toml")),
    ("all-minilm-l6-v2.toml", include_str!("../../models/all-minilm-l6-v2.toml")),
    ("bge-small-en-v1.5.toml", include_str!("../../models/bge-small-en-v1.5.toml")),
    ("nomic-embed-text-v1.5.toml", include_str!("../../models/nomic-embed-text-v1.5.toml")),
    ("embeddinggemma-300m.toml", include_str!("../../models/embeddinggemma-300m.toml")),
    ("bge-m3.toml", include_str!("../../models/bge-m3.toml")),
    ("qwen3-embedding-0.6b.toml", include_str!("../../models/qwen3-embedding-0.6b.toml")),
    ("qwen3-vl-embedding-2b.toml", include_str!("../../models/qwen3-vl-embedding-2b.toml")),
    ("bge-reranker-v2-m3.toml", include_str!("../../models/bge-reranker-v2-m3.toml")),
    ("qwen3-reranker-0.6b.toml", include_str!("../../models/qwen3-reranker-0.6b.toml")),
];

/// A model that can be loaded now: its files are on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadyModel {
    /// Its name in the catalogue.
    pub name: String,
    /// The language model's file.
    pub model: PathBuf,
    /// The projector's file, where it has one.
    pub mmproj: Option<PathBuf>,
    /// How to load it: context, picture budget, template.
    pub load: LoadOptions,
    /// How to sample from it.
    pub sampling: Sampling,
    /// Whether it follows a system prompt (the starter was not trained with one).
    pub system_prompt: bool,
    /// Whether it can call tools.
    pub tools: bool,
    /// How much of the conversation it is given.
    pub turns: Turns,
    /// Whether it is the starter, of which the chat says plainly what it is.
    pub starter: bool,
    /// The probability under which its words are marked as unsure, where it was measured.
    pub unsure_below: Option<f32>,
}

impl ReadyModel {
    /// A model that a server has, by its name there; an empty one is the server's only model.
    pub fn at_server(name: &str, server: ServerOptions) -> Self {
        Self {
            name: name.to_owned(),
            model: PathBuf::from(name),
            mmproj: None,
            load: LoadOptions { server: Some(Box::new(server)), ..LoadOptions::default() },
            sampling: Sampling::default(),
            system_prompt: true,
            tools: true,
            turns: Turns::All,
            starter: false,
            unsure_below: None,
        }
    }
}

/// What is wrong with a model or its entry.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// No such name, no such file.
    #[error("there is no model `{name}`{}. `percept models list` shows those that there are; a GGUF file is given by its path", near.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?")))]
    Unknown {
        /// As it was written.
        name: String,
        /// The nearest known one.
        near: Option<String>,
    },
    /// It is known, but its files are not on this machine.
    #[error(
        "{name} is not on this machine. Get it from https://huggingface.co/{repository}: percept models pull {name}"
    )]
    Absent {
        /// Its name.
        name: String,
        /// Where it can be had.
        repository: String,
        /// The one file that it is, where it is one.
        file: Option<String>,
    },
    /// A file is no usable GGUF.
    #[error("{path} can't be used: {error}.")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: GgufError,
    },
    /// Model and projector don't belong together.
    #[error(
        "{mmproj} belongs to another model than {model}: it makes embeddings of {made} values, and the model takes {wanted}. Use the projector from the same repository"
    )]
    Pair {
        /// The language model.
        model: PathBuf,
        /// The projector.
        mmproj: PathBuf,
        /// Width of what the projector makes.
        made: u64,
        /// Width of what the model takes.
        wanted: u64,
    },
    /// It is for something else.
    #[error("{name} {is}, {not}")]
    Task {
        /// Its name.
        name: String,
        /// What it does.
        is: &'static str,
        /// What it doesn't, and what to do.
        not: &'static str,
    },
    /// No model that hears is on this machine.
    #[error("no speech model is on this machine. Get one (142 MiB): percept models pull whisper-base")]
    NoSpeech,
    /// No model that finds vectors is on this machine.
    #[error("no embedding model is on this machine. Get one (25 MB): percept models pull all-minilm-l6-v2")]
    NoEmbedding,
    /// No model that scores pairs is on this machine.
    #[error("no reranker is on this machine. Get one: percept models pull bge-reranker-v2-m3")]
    NoReranker,
    /// A file can't be used to find vectors or to score pairs.
    #[error("{path} can't be used: {why}.")]
    Vectors {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A file is no usable model that hears.
    #[error("{path} can't be used: {why}.")]
    Speech {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// An entry can't be read or is not right.
    #[error("the catalogue entry {path}: {why}")]
    Entry {
        /// The file.
        path: PathBuf,
        /// What and where.
        why: String,
    },
    /// It comes with percept.
    #[error("{0} is not registered: it is one that percept knows, and has no files here")]
    BuiltIn(String),
    /// The name can't be a file's name.
    #[error("`{0}` can't be a model's name: letters, digits, `.`, `-` and `_` only")]
    Name(String),
    /// Something can't be written.
    #[error("{path} can't be written: {error}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// What `verify` found of one file.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Verified {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// `general.name` of the GGUF.
    pub name: Option<String>,
    /// `general.architecture`.
    pub architecture: String,
    /// Number of parameters.
    pub parameters: u64,
}

/// The models that percept knows.
#[derive(Debug, Clone)]
pub struct Catalogue {
    specs: Vec<ModelSpec>,
    places: Places,
}

impl Catalogue {
    /// The built-in entries, with the user's over them: an entry of the same name gives a
    /// known model its files. Entries that can't be read are left out and returned.
    pub fn load(user_folder: &Path) -> (Self, Vec<CatalogueError>) {
        let mut errors = Vec::new();
        let mut specs: Vec<ModelSpec> = Vec::new();
        for (name, text) in BUILT_IN {
            match parse(Path::new(name), text) {
                Ok(spec) => specs.push(spec),
                Err(error) => errors.push(error),
            }
        }
        let mut own: Vec<PathBuf> = std::fs::read_dir(user_folder)
            .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
            .unwrap_or_default();
        own.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        own.sort();
        for path in own {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| CatalogueError::Entry { path: path.clone(), why: error.to_string() });
            match text.and_then(|text| parse(&path, &text)) {
                Ok(spec) => match specs.iter_mut().find(|known| known.name == spec.name) {
                    Some(known) => *known = spec,
                    None => specs.push(spec),
                },
                Err(error) => errors.push(error),
            }
        }
        (Self { specs, places: Places::default() }, errors)
    }

    /// The same with the stores of other programs, whose models can be used by name.
    pub fn with_places(self, places: Places) -> Self {
        Self { places, ..self }
    }

    /// The models in the stores of other programs that have no entry here.
    pub fn found(&self) -> Vec<Found> {
        let mut found = stores::found(&self.places);
        let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        let own: Vec<PathBuf> =
            self.specs.iter().filter_map(|spec| spec.files.model.as_ref().map(real)).collect();
        found.retain(|found| !own.contains(&real(&found.model)));
        found
    }

    /// One of them by its name.
    pub fn find_found(&self, name: &str) -> Option<Found> {
        stores::named(&self.places, name)
    }

    /// All models, the starter's entries first.
    pub fn list(&self) -> &[ModelSpec] {
        &self.specs
    }

    /// A model by its name.
    pub fn find(&self, name: &str) -> Option<&ModelSpec> {
        self.specs.iter().find(|spec| spec.name == name)
    }

    /// Whether a model's files are on this machine.
    pub fn is_here(&self, spec: &ModelSpec) -> bool {
        spec.files.starter || spec.files.model.as_ref().is_some_and(|path| path.exists())
    }

    /// Finds the files of a model, by its name or by a GGUF's path. The starter is
    /// unpacked into the cache.
    ///
    /// # Errors
    ///
    /// Neither a name nor a file; a name whose files are not here; a file that is cut off,
    /// of another kind, or of another model.
    pub fn ready(&self, name: &str, cache: &Path) -> Result<ReadyModel, CatalogueError> {
        let Some(spec) = self.find(name) else { return self.ready_file(name) };
        if spec.task != Task::Chat {
            return Err(speech::for_something_else(spec, Task::Chat));
        }
        let (model, mmproj) = match &spec.files {
            ModelFiles { starter: true, .. } => {
                let [model, mmproj] = starter::unpack(cache)?;
                (model, Some(mmproj))
            }
            ModelFiles { model: Some(model), mmproj, .. } => {
                let header = check_model(model)?;
                if let Some(mmproj) = mmproj {
                    check_projector(mmproj, model, &header)?;
                }
                (model.clone(), mmproj.clone())
            }
            ModelFiles { .. } => {
                let repository =
                    spec.source.as_ref().map_or("models", |source| &source.repository).to_owned();
                return Err(CatalogueError::Absent { name: name.to_owned(), repository, file: None });
            }
        };
        Ok(ReadyModel {
            name: spec.name.clone(),
            model,
            mmproj,
            load: spec.load.clone(),
            sampling: spec.sampling.clone(),
            system_prompt: spec.system_prompt,
            tools: spec.tools,
            turns: spec.turns,
            starter: spec.files.starter,
            unsure_below: None,
        })
    }

    fn ready_file(&self, name: &str) -> Result<ReadyModel, CatalogueError> {
        let path = Path::new(name);
        if let Some(found) = stores::named(&self.places, name) {
            return self.ready_found(&found);
        }
        let looks_like_a_file =
            name.contains(std::path::MAIN_SEPARATOR) || name.ends_with(".gguf") || path.exists();
        if !looks_like_a_file {
            return Err(self.unknown(name));
        }
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let mmproj = mmproj_beside(&path);
        self.ready_found(&Found {
            name: stem.unwrap_or_else(|| name.to_owned()),
            model: path,
            mmproj,
            bytes: 0,
        })
    }

    /// That there is no such model, with the name that is nearest.
    pub(crate) fn unknown(&self, name: &str) -> CatalogueError {
        let near = text::nearest(name, self.specs.iter().map(|spec| spec.name.as_str()));
        CatalogueError::Unknown { name: name.to_owned(), near: near.map(str::to_owned) }
    }

    /// A model of which nothing is known but its files.
    fn ready_found(&self, found: &Found) -> Result<ReadyModel, CatalogueError> {
        let header = check_model(&found.model)?;
        let spec = described_by(&found.name, &header);
        if spec.task != Task::Chat {
            return Err(speech::for_something_else(&spec, Task::Chat));
        }
        if let Some(mmproj) = &found.mmproj {
            check_projector(mmproj, &found.model, &header)?;
        }
        Ok(ReadyModel {
            name: found.name.clone(),
            mmproj: found.mmproj.clone(),
            model: found.model.clone(),
            load: LoadOptions::default(),
            sampling: Sampling::default(),
            system_prompt: true,
            tools: true,
            turns: Turns::All,
            starter: false,
            unsure_below: None,
        })
    }

    /// Checks a model's files: that they are there, whole in form, and of the right kind. Whether
    /// their bytes are those that were downloaded, [`hub::checksum_in_name`] helps to tell.
    pub fn verify(&self, name: &str, cache: &Path) -> Result<Vec<Verified>, CatalogueError> {
        if let Some(spec) = self.find(name) {
            match spec.task {
                Task::Chat => {}
                Task::Embed | Task::Rerank => return embedding::verify(spec, cache),
                Task::Speech | Task::Vad => return speech::verify(spec).map(|verified| vec![verified]),
            }
        }
        let ready = self.ready(name, cache)?;
        let header = check_model(&ready.model)?;
        let mut verified = vec![describe(&ready.model, &header)];
        if let Some(mmproj) = &ready.mmproj {
            verified.push(describe(mmproj, &check_projector(mmproj, &ready.model, &header)?));
        }
        if ready.starter {
            for (file, (_, bytes)) in verified.iter().zip(starter::FILES) {
                let same = std::fs::read(&file.path).is_ok_and(|there| there == bytes);
                if !same {
                    let error =
                        GgufError::Damaged("it differs from what percept carries; delete it".to_owned());
                    return Err(CatalogueError::File { path: file.path.clone(), error });
                }
            }
        }
        Ok(verified)
    }
}

fn parse(path: &Path, text: &str) -> Result<ModelSpec, CatalogueError> {
    toml::from_str(text)
        .map_err(|error| CatalogueError::Entry { path: path.to_owned(), why: error.to_string() })
}

fn check_model(path: &Path) -> Result<Header, CatalogueError> {
    gguf::read_model(path).map_err(|error| CatalogueError::File { path: path.to_owned(), error })
}

/// Checks a projector, and that it goes with the model.
fn check_projector(path: &Path, model: &Path, model_header: &Header) -> Result<Header, CatalogueError> {
    let header =
        gguf::read_projector(path).map_err(|error| CatalogueError::File { path: path.to_owned(), error })?;
    match header.mismatch(model_header) {
        None => Ok(header),
        Some((made, wanted)) => {
            let (model, mmproj) = (model.to_owned(), path.to_owned());
            Err(CatalogueError::Pair { model, mmproj, made, wanted })
        }
    }
}

/// The projector in the same folder, if there is exactly one.
fn mmproj_beside(model: &Path) -> Option<PathBuf> {
    let is_mmproj = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        name.contains("mmproj") && name.ends_with(".gguf")
    };
    let entries = std::fs::read_dir(model.parent()?).ok()?;
    let mut found = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_mmproj);
    found.next().filter(|_| found.next().is_none())
}

fn described_by(name: &str, header: &Header) -> ModelSpec {
    ModelSpec {
        title: header.text("general.name").unwrap_or(name).to_owned(),
        about: "added by you".to_owned(),
        licence: header.text("general.license").map(str::to_owned),
        parameters: Some(crate::text::thousands(header.parameters)),
        context: header.own("context_length"),
        ..ModelSpec::named(name, embedding::task_of(header))
    }
}

fn describe(path: &Path, header: &Header) -> Verified {
    Verified {
        path: path.to_owned(),
        bytes: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
        name: header.text("general.name").map(str::to_owned),
        architecture: header.architecture().to_owned(),
        parameters: header.parameters,
    }
}
