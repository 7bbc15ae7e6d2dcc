//! Servers in place of models on this machine: how long their vectors are, and the words for what
//! leaves this machine.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::open::Setup;
use crate::catalogue::{ReadyEmbedding, RemoteEmbedding};
use crate::engines::try_load;
use crate::wire::{Failure, LoadOptions, ModelInfo, PROTOCOL_VERSION, Request, ServerOptions};

/// Tokens of an input, where neither the server nor the person says it.
const INPUT_TOKENS: u32 = 512;

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
        let info = self.try_server(server.clone(), &self.config.embedding.model, true);
        let info = info.map_err(|failure| failure.in_words())?;
        let known = Known {
            name: info.name,
            dimensions: info.dimensions.unwrap_or(0),
            context: if info.context > 0 { info.context } else { INPUT_TOKENS },
        };
        // What can't be kept is asked for again.
        if let (Some(folder), Ok(bytes)) = (file.parent(), serde_json::to_vec(&known)) {
            let _ = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&file, bytes));
        }
        Ok(known)
    }

    fn known_file(&self, server: &ServerOptions) -> PathBuf {
        let asked = format!("{:?}", (&server.url, &self.config.embedding.model));
        let name = blake3::hash(asked.as_bytes()).to_hex();
        self.paths.cache.join("embedding").join(format!("{name}.json"))
    }

    /// Asks a server whether it has a model, and not for long.
    pub(super) fn try_server(
        &self,
        server: ServerOptions,
        model: &str,
        embed: bool,
    ) -> Result<ModelInfo, Failure> {
        let server = ServerOptions {
            first_ms: server.first_ms.min(PATIENCE_MS),
            connect_ms: server.connect_ms.min(PATIENCE_MS),
            retries: 0,
            ..server
        };
        let load = Request::Load {
            protocol: PROTOCOL_VERSION,
            model: model.into(),
            mmproj: None,
            options: LoadOptions { server: Some(Box::new(server)), embed, ..LoadOptions::default() },
        };
        try_load(&self.openai(), load)
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
