//! Servers in place of models on this machine: how long their vectors are, and the words for what
//! leaves this machine.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::open::{Overrides, Setup};
use crate::catalogue::{ReadyEmbedding, RemoteEmbedding};
use crate::config::Engine;
use crate::engines::try_load;
use crate::retrieval::Store;
use crate::wire::{Failure, LoadOptions, ModelInfo, PROTOCOL_VERSION, Request, ServerOptions};

/// So long a server may take to say what it has; a command waits for it.
const PATIENCE_MS: u64 = 10_000;

/// What a server said of its model once: it is not asked again at each start.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    /// The model's name there.
    name: String,
    dimensions: usize,
    context: u32,
}

impl Setup {
    /// The server's model that finds vectors; `None`: this machine finds them.
    pub(super) fn remote_embedding(&self) -> Option<Result<ReadyEmbedding, String>> {
        let server = self.config.embedding.server()?;
        Some(self.known_embedding(&server).map(|known| {
            let section = &self.config.embedding;
            ReadyEmbedding::at_server(RemoteEmbedding {
                name: known.name,
                server,
                query_prefix: section.query_prefix.clone(),
                passage_prefix: section.passage_prefix.clone(),
                dimensions: known.dimensions,
                most_tokens: section.context.set().unwrap_or(known.context) as usize,
            })
        }))
    }

    /// What is known of that model: from the last time, else from the server.
    fn known_embedding(&self, server: &ServerOptions) -> Result<Known, String> {
        let file = self.known_file(server);
        let kept = std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Known>(&bytes).ok());
        if let Some(known) = kept {
            return Ok(known);
        }
        let info = self.try_server(&self.config.embedding, true);
        let info = info.map_err(|failure| failure.in_words())?;
        let dimensions = info.dimensions.unwrap_or(0);
        let known = Known { name: info.name, dimensions, context: info.context };
        // What can't be kept is asked for again.
        if let (Some(folder), Ok(bytes)) = (file.parent(), serde_json::to_vec(&known)) {
            let _ = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, bytes));
        }
        Ok(known)
    }

    /// Forgets what servers said of their models: it is asked for anew.
    pub(super) fn forget_embeddings(&self) {
        // What is not there needs no forgetting.
        let _ = std::fs::remove_dir_all(self.embeddings());
    }

    fn embeddings(&self) -> PathBuf {
        self.paths.cache.join("embedding")
    }

    fn known_file(&self, server: &ServerOptions) -> PathBuf {
        let asked = format!("{:?}", (&server.url, &self.config.embedding.model));
        let name = blake3::hash(asked.as_bytes()).to_hex();
        self.embeddings().join(format!("{name}.json"))
    }

    /// Asks the server of a section whether it has its model, and not for long.
    pub(super) fn try_server(&self, section: &Engine, embed: bool) -> Result<ModelInfo, Failure> {
        let server = section.server().unwrap_or_default();
        let server = ServerOptions {
            first_ms: server.first_ms.min(PATIENCE_MS),
            connect_ms: server.connect_ms.min(PATIENCE_MS),
            retries: 0,
            ..server
        };
        let options = LoadOptions {
            context: section.context.set(),
            server: Some(Box::new(server)),
            embed,
            ..LoadOptions::default()
        };
        let (protocol, model) = (PROTOCOL_VERSION, section.model.clone().into());
        try_load(&self.openai(), Request::Load { protocol, model, mmproj: None, options })
    }

    /// What leaves this machine when an index is filled, a sentence each.
    pub(super) fn leaves_when_indexing(&self) -> Vec<String> {
        let vectors = self.config.embedding.leaves_to().map(|to| {
            let secrets = if self.config.embedding.redact { "secrets replaced" } else { "as it is" };
            format!("the text of what is indexed and what is looked for goes to {to} for vectors, {secrets}")
        });
        let hears = self.config.index.hear;
        let sound = self.config.transcription.leaves_to().filter(|_| hears);
        let sound = sound.map(|to| format!("recordings that are indexed go to {to} to be heard"));
        vectors.into_iter().chain(sound).collect()
    }

    /// Where goes what the model looks for with `find_documents`, if it is offered that.
    pub(super) fn lookups_leave_to(&self, overrides: &Overrides) -> Option<String> {
        let tools = &self.config.tools;
        let offered = tools.enabled
            && !overrides.no_tools
            && !tools.off.iter().any(|name| name == "find_documents")
            && Store::file(&self.paths.index()).exists();
        self.config.embedding.leaves_to().filter(|_| offered)
    }

    /// The hosts elsewhere that get what isn't answered, each once.
    pub(super) fn helpers(&self) -> Vec<String> {
        let sections = [&self.config.embedding, &self.config.transcription];
        let mut hosts: Vec<String> = sections.into_iter().filter_map(Engine::leaves_to).collect();
        hosts.dedup();
        hosts
    }

    /// The same for a chat: what goes elsewhere besides what is answered there.
    pub(super) fn leaves_in_chat(&self) -> Option<String> {
        let vectors = self.config.embedding.leaves_to();
        let sound = self.config.transcription.leaves_to();
        let vectors = vectors.map(|to| format!("what is indexed and looked for goes to {to} for vectors"));
        let sound = sound.map(|to| format!("recordings go to {to} to be heard, dictation stays here"));
        let all: Vec<String> = vectors.into_iter().chain(sound).collect();
        let said = format!("Leaves this machine: {}.", all.join("; "));
        (!all.is_empty()).then_some(said)
    }
}
