//! The index as it is configured: what searches it, and what fills it.

use std::path::PathBuf;
use std::sync::Arc;

use super::open::{Setup, set};
use crate::catalogue::CatalogueError;
use crate::document;
use crate::engines::{Captioner, Embedder, Reranker};
use crate::indexing::{self, Hands, Keeper, Sight};
use crate::prompts::Prompt;
use crate::retrieval::vectors::{Address, Local, Qdrant, Vectors};
use crate::retrieval::{self, Library, Space};
use crate::text;
use crate::tokenizer::Tokenizer;
use crate::tools::sandbox;

/// Tokens of a passage where nothing says otherwise: about a paragraph, and what small
/// embedding models read.
const PASSAGE_TOKENS: usize = 240;

/// The most, whatever the model reads: a longer passage says too many things for one vector.
const MOST_PASSAGE_TOKENS: usize = 400;

/// The fewest that a passage makes sense with.
const LEAST_PASSAGE_TOKENS: usize = 32;

/// Tokens of a passage that are left for a model's own marks and its prefix.
const MARKS: usize = 16;

const MIB: u64 = 1024 * 1024;

impl Setup {
    /// What finds vectors, or why nothing does: a sentence. One worker for all that ask.
    pub(super) fn embedder(&self) -> Result<Arc<dyn retrieval::Embedder>, String> {
        let made = self.embedder.get_or_init(|| {
            if let Some(remote) = self.remote_embedding() {
                return Ok(Arc::new(Embedder::new(self.openai(), remote?, None)));
            }
            let ready = self
                .catalogue
                .embedding(set(&self.config.find.model), &self.paths.cache)
                .map_err(sentence)?;
            Ok(Arc::new(Embedder::new(self.llama(), ready, Some(self.embedding_threads()))))
        });
        made.clone()
    }

    /// Half of the cores, unless it is set: ggml's threads spin while they wait, and the chat's
    /// model goes on beside them.
    fn embedding_threads(&self) -> u32 {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let half = u32::try_from(cores / 2).unwrap_or(1).max(1);
        self.config.find.threads.set().unwrap_or(half)
    }

    /// What finds the nearest vectors: on this machine, or on the server that is configured.
    ///
    /// # Errors
    ///
    /// The server's address, or the name of the collection, can't be used: a sentence.
    fn vectors(&self, space: &Space) -> Result<Arc<dyn Vectors>, String> {
        let find = &self.config.find;
        let Some(url) = set(&find.qdrant_url) else {
            return Ok(Arc::new(Local::new(&self.paths.index(), space)));
        };
        let key = match set(&find.qdrant_key_variable) {
            None => None,
            Some(name) => Some(std::env::var(name).map_err(|_| {
                format!("[find] qdrant_key_variable names {name}, which is not set in the environment.")
            })?),
        };
        let address = Address { url: url.to_owned(), key };
        let server =
            Qdrant::new(&address, &find.qdrant_collection, space).map_err(|error| format!("{error}."))?;
        Ok(Arc::new(server))
    }

    /// What searches.
    pub(super) fn library(&self) -> Library {
        let reranker = set(&self.config.find.reranker).and_then(|name| {
            let ready = self.catalogue.reranker(Some(name), &self.paths.cache);
            let ready = ready.inspect_err(|error| super::exit::warn(sentence_of(error))).ok()?;
            let reranker = Reranker::new(self.llama(), &ready, Some(self.embedding_threads()));
            Some(Arc::new(reranker) as Arc<dyn retrieval::Reranker>)
        });
        let embedder = self.embedder();
        let elsewhere = set(&self.config.find.qdrant_url).and(embedder.as_ref().ok()).and_then(|embedder| {
            self.vectors(embedder.space()).inspect_err(|why| super::exit::warn(why)).ok()
        });
        let library = Library::new(&self.paths.index(), retrieval::Options::default(), embedder, reranker);
        match elsewhere {
            Some(vectors) => library.with_vectors(vectors),
            None => library,
        }
    }

    /// What fills the index.
    pub(super) fn indexing(&self) -> Result<Hands, super::Trouble> {
        let embedder = self.embedder();
        let vectors = embedder.as_ref().ok().map(|embedder| self.vectors(embedder.space())).transpose();
        let vectors = vectors.map_err(|why| super::Trouble::User(anyhow::anyhow!(why)))?;
        let (config, private) = (&self.config.index, self.private());
        let ears = self.listener();
        let ears_named = ears.model.as_ref().ok().map(|model| model.name.clone()).filter(|_| config.hear);
        Ok(Hands {
            folder: self.paths.index(),
            options: indexing::Options {
                most_bytes: config.max_file_mib.saturating_mul(MIB),
                most_streamed_bytes: config.max_log_mib.saturating_mul(MIB),
                most_templates: 2000,
                most_tokens: self.passage_tokens(embedder.as_deref().ok()),
                threads: std::thread::available_parallelism().map_or(1, usize::from).min(4),
                document: document::Options::default(),
            },
            count: self.counter(),
            embedder,
            vectors,
            ears_named,
            ears: Arc::new(ears),
            eyes: Arc::new(self.sight(private.clone())?),
            private,
        })
    }

    /// Keeps the index while a chat runs.
    pub(super) fn keeper(&self) -> Result<Keeper, super::Trouble> {
        Ok(Keeper::start(self.indexing()?, self.config.index.watch))
    }

    /// Folders that percept keeps for itself.
    pub(super) fn private(&self) -> Vec<PathBuf> {
        vec![self.paths.config.clone(), self.paths.data.clone(), self.paths.cache.clone()]
    }

    fn passage_tokens(&self, embedder: Option<&dyn retrieval::Embedder>) -> usize {
        let room = |embedder: &dyn retrieval::Embedder| embedder.space().most_tokens.saturating_sub(MARKS);
        let chosen = self.config.index.passage_tokens.set();
        let reads = embedder.filter(|embedder| embedder.space().texts);
        let own = chosen.unwrap_or_else(|| reads.map_or(PASSAGE_TOKENS, room).min(MOST_PASSAGE_TOKENS));
        own.max(LEAST_PASSAGE_TOKENS)
    }

    /// Counts tokens as the embedding model does, where its vocabulary is known.
    fn counter(&self) -> Arc<dyn Fn(&str) -> usize + Send + Sync> {
        let local = self.config.embedding.server().is_none();
        let ready = local
            .then(|| self.catalogue.embedding(set(&self.config.find.model), &self.paths.cache).ok())
            .flatten();
        let tokenizer = ready.filter(|ready| ready.texts).and_then(|ready| {
            let built = Tokenizer::from_gguf(&ready.model);
            built.inspect_err(|error| tracing::info!(%error, "tokens are estimated")).ok()
        });
        match tokenizer {
            Some(tokenizer) => Arc::new(move |text| tokenizer.count(text)),
            None => Arc::new(text::tokens),
        }
    }

    fn sight(&self, private: Vec<PathBuf>) -> Result<Sight, super::Trouble> {
        let config = &self.config.index;
        let captions = match set(&config.caption_model) {
            Some(name) => {
                let mut model =
                    self.catalogue.ready(name, &self.paths.cache).map_err(super::Trouble::user)?;
                self.config.tune(&mut model);
                let question = self.prompts()?.render(Prompt::Caption, ()).map_err(super::Trouble::user)?;
                Captioner::new(self.llama(), &model, question)
            }
            None => None,
        };
        Ok(Sight {
            home: directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_path_buf()),
            private,
            commands: config.read_pictures.then(|| self.commands()).transpose()?,
            intake: self.config.intake(),
            captions,
        })
    }

    /// How commands are run.
    pub(super) fn commands(&self) -> Result<sandbox::Options, super::Trouble> {
        // Under this name it is there also when its file was replaced meanwhile.
        let percept = match cfg!(target_os = "linux") {
            true => PathBuf::from("/proc/self/exe"),
            false => std::env::current_exe().map_err(super::Trouble::user)?,
        };
        Ok(sandbox::Options {
            percept,
            by: sandbox::support(),
            spool: self.paths.outputs(),
            most_spool: self.config.keep.outputs_mib.saturating_mul(MIB),
            most_output: self.config.tools.output_kib.saturating_mul(1024).max(super::open::LEAST_OUTPUT),
        })
    }
}

fn sentence(error: CatalogueError) -> String {
    sentence_of(&error)
}

/// An error of the catalogue as a sentence for the screen.
pub(super) fn sentence_of(error: &CatalogueError) -> String {
    let said = error.to_string();
    let mut letters = said.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), letters.as_str().trim_end_matches('.'))
    })
}
