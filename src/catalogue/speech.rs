//! Models that hear, and the one that tells speech from noise: files in whisper.cpp's own
//! ggml form, which the worker checks whole before it loads them.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Catalogue, CatalogueError, ModelSpec, Task, Verified};
use crate::wire::ServerOptions;

/// What a file of whisper.cpp's begins with: `GGML_FILE_MAGIC` in ggml.h, little-endian.
const MAGIC: [u8; 4] = *b"lmgg";

/// The sizes of Whisper's vocabularies: English only, multilingual, and that of large v3.
const VOCABULARIES: std::ops::RangeInclusive<u32> = 51_864..=51_866;

/// A model that hears, with its files on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadySpeech {
    /// Its name in the catalogue.
    pub name: String,
    /// The model.
    pub model: PathBuf,
    /// The voice activity model, where there is one.
    pub vad: Option<PathBuf>,
    /// The server that has it; `model` is then its name there, and nothing is on this machine.
    pub server: Option<Box<ServerOptions>>,
}

impl ReadySpeech {
    /// A model that a server has; an empty name is the only one there.
    pub fn at_server(name: &str, server: ServerOptions) -> Self {
        let shown = server.info().map(|info| info.address).filter(|_| name.is_empty());
        Self {
            name: shown.unwrap_or_else(|| name.to_owned()),
            model: PathBuf::from(name),
            vad: None,
            server: Some(Box::new(server)),
        }
    }
}

impl Catalogue {
    /// Finds the files of a model that hears, by its name or its path, and of the voice
    /// activity model; `None`: the largest and the first that are here.
    ///
    /// # Errors
    ///
    /// There is none, it is not here, or it is for something else.
    pub fn speech(&self, model: Option<&str>, vad: Option<&str>) -> Result<ReadySpeech, CatalogueError> {
        let (name, model) = match model {
            Some(name) => self.file_for(name, Task::Speech)?,
            None => self.here(Task::Speech).last().ok_or(CatalogueError::NoSpeech)?,
        };
        let vad = match vad {
            Some(name) => Some(self.file_for(name, Task::Vad)?.1),
            None => self.here(Task::Vad).next().map(|(_, path)| path),
        };
        Ok(ReadySpeech { name, model, vad, server: None })
    }

    /// The models for this that are on this machine, in the catalogue's order.
    pub(super) fn here(&self, task: Task) -> impl Iterator<Item = (String, PathBuf)> {
        let specs = self.specs.iter().filter(move |spec| spec.task == task && self.is_here(spec));
        specs.filter_map(|spec| Some((spec.name.clone(), spec.files.model.clone()?)))
    }

    fn file_for(&self, name: &str, task: Task) -> Result<(String, PathBuf), CatalogueError> {
        let Some(spec) = self.find(name) else {
            let path = PathBuf::from(name);
            if !path.exists() {
                let specs = self.specs.iter().filter(|spec| spec.task == task);
                let near = crate::text::nearest(name, specs.map(|spec| spec.name.as_str()));
                return Err(CatalogueError::Unknown { name: name.to_owned(), near: near.map(str::to_owned) });
            }
            check(&path, task)?;
            let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            return Ok((stem.unwrap_or_else(|| name.to_owned()), path));
        };
        if spec.task != task {
            return Err(for_something_else(spec, task));
        }
        let path = file(spec)?;
        check(&path, task)?;
        Ok((spec.name.clone(), path))
    }
}

/// A model is asked for what it isn't for.
pub(super) fn for_something_else(spec: &ModelSpec, wanted: Task) -> CatalogueError {
    let is = match spec.task {
        Task::Chat => "answers",
        Task::Speech => "hears",
        Task::Vad => "tells speech from noise",
        Task::Embed => "finds vectors",
        Task::Rerank => "scores passages",
    };
    let not = match wanted {
        Task::Chat => "it can't answer. Name another one; `percept models list` shows them",
        Task::Speech => "it can't hear. Set [speech] model to one that does, or leave it empty",
        Task::Vad => "it can't tell speech from noise. Set [speech] vad to silero-vad, or leave it empty",
        Task::Embed => "it can't find vectors. `percept models list` shows those that do",
        Task::Rerank => "it can't score passages. `percept models list` shows those that do",
    };
    CatalogueError::Task { name: spec.name.clone(), is, not }
}

/// The file of a model that is one file.
pub(super) fn file(spec: &ModelSpec) -> Result<PathBuf, CatalogueError> {
    spec.files.model.clone().ok_or_else(|| CatalogueError::Absent {
        name: spec.name.clone(),
        repository: spec.source.as_ref().map_or("models", |source| &source.repository).to_owned(),
        file: spec.source.as_ref().and_then(|source| source.model.clone()),
    })
}

/// What a file of whisper.cpp's is for, by its first bytes; `None`: it is none.
pub(super) fn task_of(path: &Path) -> Option<Task> {
    let mut head = [0; 8];
    std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut head)).ok()?;
    let (magic, number) = head.split_first_chunk::<4>()?;
    let number = u32::from_le_bytes(number.try_into().ok()?);
    match *magic == MAGIC {
        true if VOCABULARIES.contains(&number) => Some(Task::Speech),
        // The length of the name of its kind comes first: `silero-16k`.
        true if number < 64 => Some(Task::Vad),
        _ => None,
    }
}

fn check(path: &Path, task: Task) -> Result<(), CatalogueError> {
    if task_of(path) == Some(task) {
        return Ok(());
    }
    let wanted = match task {
        Task::Vad => "it is no voice activity model in ggml form",
        _ => "it is no Whisper model in ggml form (ggml-*.bin)",
    };
    let why = match std::fs::File::open(path) {
        Ok(_) => wanted.to_owned(),
        Err(error) => error.to_string(),
    };
    Err(CatalogueError::Speech { path: path.to_owned(), why })
}

/// The entry for a file that is being registered.
pub(super) fn described(
    name: &str,
    task: Task,
    known: Option<ModelSpec>,
) -> Result<ModelSpec, CatalogueError> {
    match known {
        Some(known) if known.task != task => Err(for_something_else(&known, task)),
        Some(known) => Ok(known),
        None => Ok(ModelSpec { about: "added by you".to_owned(), ..ModelSpec::named(name, task) }),
    }
}

/// Looks at the file of a model that hears.
pub(super) fn verify(spec: &ModelSpec) -> Result<Verified, CatalogueError> {
    let path = file(spec)?;
    check(&path, spec.task)?;
    Ok(Verified {
        bytes: std::fs::metadata(&path).map_or(0, |metadata| metadata.len()),
        path,
        name: Some(spec.title.clone()),
        architecture: if spec.task == Task::Vad { "silero-vad" } else { "whisper" }.to_owned(),
        parameters: 0,
    })
}
