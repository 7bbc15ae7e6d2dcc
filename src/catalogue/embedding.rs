//! Models that find vectors, and rerankers: GGUF files, as those that answer.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::speech::for_something_else;
use super::{
    Catalogue, CatalogueError, ModelFiles, ModelSpec, Task, Verified, check_model, check_projector, describe,
    described_by, mmproj_beside,
};
use crate::gguf::{Header, Pooling};
use crate::wire::{LoadOptions, ServerOptions};

/// Pieces of a file that are hashed, spread evenly: models of one kind differ in all of their
/// weights, and a file of gigabytes takes seconds to read.
const SAMPLES: u64 = 64;

/// Bytes of each.
const SAMPLE_BYTES: u64 = 64 * 1024;

/// A model that finds vectors or scores pairs, with its files on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadyEmbedding {
    /// Its name in the catalogue.
    pub name: String,
    /// The model's file.
    pub model: PathBuf,
    /// The projector's file, where it has one.
    pub mmproj: Option<PathBuf>,
    /// How to load it.
    pub load: LoadOptions,
    /// What stands before a query.
    pub query_prefix: String,
    /// What stands before a passage or a picture that may be found.
    pub passage_prefix: String,
    /// What stands behind either.
    pub suffix: String,
    /// Numbers of a vector; 1 for a reranker.
    pub dimensions: usize,
    /// Tokens of an input that it reads.
    pub most_tokens: usize,
    /// Whether it finds vectors of pictures.
    pub pictures: bool,
    /// Whether passages of text are found by its vectors.
    pub texts: bool,
    /// What tells its vectors from others': the files and all that they are used with, hashed.
    /// The same wherever the files lie.
    pub space: String,
}

/// A server's model that finds vectors, and how it is used.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteEmbedding {
    /// Its name there.
    pub name: String,
    /// Where it is.
    pub server: ServerOptions,
    /// What stands before a query.
    pub query_prefix: String,
    /// What stands before a passage.
    pub passage_prefix: String,
    /// Numbers of a vector.
    pub dimensions: usize,
    /// Tokens of an input that it reads.
    pub most_tokens: usize,
}

impl ReadyEmbedding {
    /// A model that a server has. Its space is that of the name at that address: what else the
    /// server may put behind the name can't be seen from here.
    pub fn at_server(remote: RemoteEmbedding) -> Self {
        let RemoteEmbedding { name, server, query_prefix, passage_prefix, dimensions, most_tokens } = remote;
        let used = (&server.url, &name, &query_prefix, &passage_prefix, dimensions);
        Self {
            space: blake3::hash(format!("server {used:?}").as_bytes()).to_hex().to_string(),
            model: PathBuf::from(&name),
            mmproj: None,
            load: LoadOptions { server: Some(Box::new(server)), ..LoadOptions::default() },
            suffix: String::new(),
            pictures: false,
            texts: true,
            name,
            query_prefix,
            passage_prefix,
            dimensions,
            most_tokens,
        }
    }
}

impl Catalogue {
    /// Finds the files of a model that finds vectors, by its name or its path; `None`: the last
    /// in the catalogue's order that was put here, so not the starter. That is unpacked into the
    /// cache where it is named.
    ///
    /// # Errors
    ///
    /// There is none, it is not here, its file can't be used, or it is for something else.
    pub fn embedding(&self, name: Option<&str>, cache: &Path) -> Result<ReadyEmbedding, CatalogueError> {
        self.vectors(name, Task::Embed, CatalogueError::NoEmbedding, cache)
    }

    /// The same for a reranker.
    ///
    /// # Errors
    ///
    /// Those of [`Self::embedding`].
    pub fn reranker(&self, name: Option<&str>, cache: &Path) -> Result<ReadyEmbedding, CatalogueError> {
        self.vectors(name, Task::Rerank, CatalogueError::NoReranker, cache)
    }

    fn vectors(
        &self,
        name: Option<&str>,
        task: Task,
        none: CatalogueError,
        cache: &Path,
    ) -> Result<ReadyEmbedding, CatalogueError> {
        let spec = match name {
            None => self.here(task).last().and_then(|(name, _)| self.find(&name)).ok_or(none)?.clone(),
            Some(name) => match self.find(name) {
                Some(spec) => spec.clone(),
                None => self.of_file(name, task)?,
            },
        };
        match spec.task == task {
            true => ready(&spec, cache),
            false => Err(for_something_else(&spec, task)),
        }
    }

    /// An entry for a file that is named by its path.
    fn of_file(&self, name: &str, task: Task) -> Result<ModelSpec, CatalogueError> {
        let path = PathBuf::from(name);
        if !path.exists() {
            let specs = self.specs.iter().filter(|spec| spec.task == task);
            let near = crate::text::nearest(name, specs.map(|spec| spec.name.as_str()));
            return Err(CatalogueError::Unknown { name: name.to_owned(), near: near.map(str::to_owned) });
        }
        let path = std::path::absolute(&path).unwrap_or(path);
        let header = check_model(&path)?;
        let stem =
            path.file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
        let mmproj = projector_beside(&path, &header);
        let files = ModelFiles { starter: false, model: Some(path), mmproj };
        Ok(ModelSpec { files, ..described_by(&stem, &header) })
    }
}

/// What a language model's file is for, by its header.
pub(super) fn task_of(header: &Header) -> Task {
    let architecture = header.architecture();
    let encoder = architecture.contains("bert") || architecture.contains("embedding");
    match header.pooling() {
        Some(Pooling::Rank) => Task::Rerank,
        Some(_) => Task::Embed,
        // Some that answer see all at once too (diffusion).
        None if encoder && !header.is_causal() => Task::Embed,
        None => Task::Chat,
    }
}

/// The projector in the same folder, if it goes with the model.
pub(super) fn projector_beside(model: &Path, header: &Header) -> Option<PathBuf> {
    mmproj_beside(model).filter(|mmproj| check_projector(mmproj, model, header).is_ok())
}

/// Looks at the files of a model that finds vectors.
pub(super) fn verify(spec: &ModelSpec, cache: &Path) -> Result<Vec<Verified>, CatalogueError> {
    let ready = ready(spec, cache)?;
    let header = check_model(&ready.model)?;
    let mut verified = vec![describe(&ready.model, &header)];
    if let Some(mmproj) = &ready.mmproj {
        verified.push(describe(mmproj, &check_projector(mmproj, &ready.model, &header)?));
    }
    Ok(verified)
}

fn ready(spec: &ModelSpec, cache: &Path) -> Result<ReadyEmbedding, CatalogueError> {
    let (model, mmproj) = match spec.files.starter {
        true => super::starter::unpack(cache).map(|[model, mmproj]| (model, Some(mmproj)))?,
        false => (super::speech::file(spec)?, spec.files.mmproj.clone()),
    };
    let header = check_model(&model)?;
    if let Some(mmproj) = &mmproj {
        check_projector(mmproj, &model, &header)?;
    }
    let unusable = |why: &str| CatalogueError::Vectors { path: model.clone(), why: why.to_owned() };
    let dimensions =
        header.vector_length().ok_or_else(|| unusable("it doesn't say how long its vectors are"))?;
    let scores = header.pooling() == Some(Pooling::Rank);
    match (spec.task, scores) {
        (Task::Rerank, false) => return Err(unusable("it is no reranker: it scores no pairs")),
        (Task::Embed, true) => {
            return Err(unusable("it is a reranker: it scores pairs, and finds no vectors"));
        }
        _ => {}
    }
    let space = space(spec, &model, mmproj.as_deref()).map_err(|error| unusable(&error.to_string()))?;
    Ok(ReadyEmbedding {
        name: spec.name.clone(),
        load: spec.load.clone(),
        query_prefix: spec.query_prefix.clone(),
        passage_prefix: spec.passage_prefix.clone(),
        suffix: spec.suffix.clone(),
        dimensions,
        most_tokens: usize::try_from(header.input_tokens(spec.load.context)).unwrap_or(usize::MAX),
        // The worker evaluates a picture in parts: only the last token has seen all of them.
        pictures: mmproj.is_some() && header.pooling_or_usual() == Pooling::Last,
        texts: !spec.pictures_only,
        space,
        model,
        mmproj,
    })
}

/// What tells a model's vectors from others'.
fn space(spec: &ModelSpec, model: &Path, mmproj: Option<&Path>) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    sample(model, &mut hasher)?;
    if let Some(mmproj) = mmproj {
        sample(mmproj, &mut hasher)?;
    }
    let load = &spec.load;
    let used = (
        [&spec.query_prefix, &spec.passage_prefix, &spec.suffix],
        (load.context, load.image_min_tokens, load.image_max_tokens),
    );
    hasher.update(format!("{used:?}").as_bytes());
    Ok(hasher.finalize().to_hex().to_string())
}

/// Hashes a file's length and pieces of it, its first bytes among them: the header.
fn sample(path: &Path, hasher: &mut blake3::Hasher) -> std::io::Result<()> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    hasher.update(&length.to_le_bytes());
    let last = length.saturating_sub(SAMPLE_BYTES);
    for piece in 0..SAMPLES {
        file.seek(SeekFrom::Start(last / (SAMPLES - 1) * piece))?;
        hasher.update_reader((&mut file).take(SAMPLE_BYTES))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_another_model_server_or_prefix_are_of_another_space() {
        let remote = |url: &str, name: &str, prefix: &str, dimensions| {
            let server = ServerOptions { url: url.to_owned(), ..ServerOptions::default() };
            ReadyEmbedding::at_server(RemoteEmbedding {
                name: name.to_owned(),
                server,
                query_prefix: prefix.to_owned(),
                passage_prefix: String::new(),
                dimensions,
                most_tokens: 512,
            })
        };
        let one = remote("http://a/v1", "m", "", 8);
        assert_eq!(one.space, remote("http://a/v1", "m", "", 8).space);
        let others = [
            remote("http://b/v1", "m", "", 8),
            remote("http://a/v1", "n", "", 8),
            remote("http://a/v1", "m", "query: ", 8),
            remote("http://a/v1", "m", "", 9),
        ];
        assert!(others.iter().all(|other| other.space != one.space));
    }
}
