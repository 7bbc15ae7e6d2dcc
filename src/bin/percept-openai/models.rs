//! Which models a server has, and what it says of them.

use percept::wire::{Failure, FailureKind};
use serde::Deserialize;

use crate::server::Server;

/// The most names that an error lists.
const MOST_NAMES: usize = 8;

/// What `GET /models` answers.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed {
    #[serde(default)]
    data: Vec<Model>,
}

/// A model of the server's.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(crate) struct Model {
    pub(crate) id: String,
    /// vLLM: tokens of context that it was started with.
    max_model_len: Option<u32>,
    /// llama-server.
    meta: Option<Meta>,
    #[serde(default)]
    owned_by: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
struct Meta {
    n_ctx: Option<u32>,
    n_ctx_train: Option<u32>,
    n_params: Option<u64>,
}

/// What llama-server's `GET /props` says of how it was started.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Props {
    #[serde(default)]
    default_generation_settings: Settings,
    modalities: Option<Modalities>,
}

#[derive(Debug, Default, Deserialize)]
struct Settings {
    n_ctx: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Modalities {
    vision: Option<bool>,
}

impl Listed {
    /// The model of that name; without one, the only one that there is.
    ///
    /// # Errors
    ///
    /// There is none, or it isn't clear which.
    pub(crate) fn choose(self, name: &str, server: &Server) -> Result<Model, Failure> {
        let names: Vec<&str> = self.data.iter().take(MOST_NAMES).map(|model| model.id.as_str()).collect();
        let more = self.data.len().saturating_sub(names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let has = format!("It has {}{more}.", percept::text::printable(&names.join(", ")));
        let failure = |said: String| Failure::new(FailureKind::ModelFile, said);
        let found = match name {
            "" => None,
            // Ollama leaves the tag `latest` out where it is meant.
            name => self.data.iter().find(|model| model.id == name || model.id == format!("{name}:latest")),
        };
        match (found, self.data.as_slice()) {
            (Some(model), _) => Ok(model.clone()),
            (None, []) => Err(failure(format!("{} has no model.", server.address()))
                .hint("Load one there, or pull it: ollama pull NAME.")),
            (None, [only]) if name.is_empty() => Ok(only.clone()),
            (None, _) if name.is_empty() => {
                Err(failure(format!("{} has several models, and none is chosen.", server.address()))
                    .hint(format!("Set {} model, or give one with -m. {has}", server.section())))
            }
            (None, _) => Err(failure(format!("{} has no model `{name}`.", server.address())).hint(has)),
        }
    }
}

impl Model {
    /// Whether it is llama-server's, which says more at another address.
    pub(crate) fn has_props(&self) -> bool {
        self.owned_by.as_deref() == Some("llamacpp")
    }

    /// Tokens of context that a prompt may have, as far as the server says it.
    pub(crate) fn context(&self, props: Option<&Props>) -> Option<u32> {
        let meta = self.meta.as_ref();
        let said = [
            self.max_model_len,
            props.and_then(|props| props.default_generation_settings.n_ctx),
            meta.and_then(|meta| meta.n_ctx),
            meta.and_then(|meta| meta.n_ctx_train),
        ];
        said.into_iter().flatten().find(|tokens| *tokens > 0)
    }

    pub(crate) fn trained(&self) -> u32 {
        self.meta.as_ref().and_then(|meta| meta.n_ctx_train).unwrap_or(0)
    }

    pub(crate) fn parameters(&self) -> u64 {
        self.meta.as_ref().and_then(|meta| meta.n_params).unwrap_or(0)
    }
}

impl Props {
    /// Whether the model sees, where that is said.
    pub(crate) fn vision(&self) -> Option<bool> {
        self.modalities.as_ref()?.vision
    }
}

#[cfg(test)]
mod tests {
    use percept::wire::ServerOptions;

    use super::*;

    fn choose(list: &str, name: &str) -> Result<Model, String> {
        let options = ServerOptions { url: "http://a.example/v1".into(), ..ServerOptions::default() };
        let server = Server::new(options, None).unwrap();
        let listed: Listed = serde_json::from_str(list).unwrap();
        listed.choose(name, &server).map_err(|failure| failure.in_words())
    }

    #[test]
    fn the_only_model_needs_no_name_and_an_unknown_one_is_answered_with_those_there_are() {
        let one = r#"{"object":"list","data":[{"id":"qwen","object":"model"}]}"#;
        let two = r#"{"data":[{"id":"qwen"},{"id":"llava:latest"}]}"#;
        assert_eq!(choose(one, "").unwrap().id, "qwen");
        assert_eq!(choose(two, "llava").unwrap().id, "llava:latest");
        let said = [choose(two, ""), choose(two, "gpt"), choose(r#"{"data":[]}"#, "x")];
        insta::assert_snapshot!(said.map(Result::unwrap_err).join("\n"), @r"
        a.example has several models, and none is chosen. Set [engine] model, or give one with -m. It has qwen, llava:latest.
        a.example has no model `gpt`. It has qwen, llava:latest.
        a.example has no model. Load one there, or pull it: ollama pull NAME.
        ");
    }

    #[test]
    fn the_context_is_what_each_server_calls_it() {
        let context = |model: &str, props: Option<&str>| {
            let model = choose(&format!(r#"{{"data":[{model}]}}"#), "").unwrap();
            let props: Option<Props> = props.map(|props| serde_json::from_str(props).unwrap());
            model.context(props.as_ref())
        };
        assert_eq!(context(r#"{"id":"a","max_model_len":32768}"#, None), Some(32768));
        let llama = r#"{"id":"a","owned_by":"llamacpp","meta":{"n_ctx_train":131072,"n_params":4}}"#;
        assert_eq!(context(llama, None), Some(131_072));
        let props =
            r#"{"default_generation_settings":{"n_ctx":4096},"modalities":{"vision":true,"audio":false}}"#;
        assert_eq!(context(llama, Some(props)), Some(4096));
        assert_eq!(serde_json::from_str::<Props>(props).unwrap().vision(), Some(true));
        assert_eq!(context(r#"{"id":"a","owned_by":"library"}"#, None), None);
    }
}
