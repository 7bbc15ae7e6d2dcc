//! Who does the work of a section: this machine, or a server. `[engine]`, `[embedding]` and
//! `[transcription]` have the same keys, so far as they make sense there.

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use super::Auto;
use crate::wire::ServerOptions;

/// `[engine]`, `[embedding]` or `[transcription]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "config.toml documents the keys")]
pub struct Engine {
    /// Which of them it is.
    #[serde(skip)]
    pub section: String,
    pub kind: EngineKind,
    pub base_url: String,
    pub model: String,
    pub key_variable: String,
    pub key_command: CommandLine,
    #[serde(default = "auto")]
    pub context: Auto<u32>,
    #[serde(default = "yes")]
    pub images: bool,
    #[serde(default)]
    pub query_prefix: String,
    #[serde(default)]
    pub passage_prefix: String,
    pub redact: bool,
    pub connect_s: u64,
    pub first_s: u64,
    pub silence_s: u64,
    pub retries: u32,
}

fn auto() -> Auto<u32> {
    Auto::Auto
}

fn yes() -> bool {
    true
}

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// This machine.
    Local,
    /// A server with the OpenAI API.
    Openai,
}

/// A program and its arguments: a list, or a line that is split as a shell would and run without
/// one. Empty: there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CommandLine(pub Vec<String>);

impl<'de> Deserialize<'de> for CommandLine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Line(String),
            List(Vec<String>),
        }
        let wrong = || D::Error::custom("key_command: a quotation mark in it has no end");
        match Written::deserialize(deserializer)? {
            Written::List(words) => Ok(Self(words)),
            Written::Line(line) => shlex::split(&line).map(Self).ok_or_else(wrong),
        }
    }
}

impl Engine {
    /// The server that does it; `None`: this machine does.
    pub fn server(&self) -> Option<ServerOptions> {
        const MS: u64 = 1000;
        (self.kind == EngineKind::Openai).then(|| ServerOptions {
            url: self.base_url.clone(),
            key_variable: self.key_variable(),
            key_command: self.key_command.0.clone(),
            section: self.section.clone(),
            images: self.images,
            redact: self.redact,
            connect_ms: self.connect_s.saturating_mul(MS),
            first_ms: self.first_s.saturating_mul(MS),
            silence_ms: self.silence_s.saturating_mul(MS),
            retries: self.retries,
            ..ServerOptions::default()
        })
    }

    /// The host and port that text or sound is sent to; `None`: nothing leaves this machine.
    pub fn leaves_to(&self) -> Option<String> {
        let info = self.server()?.info()?;
        info.elsewhere.then_some(info.address)
    }

    /// A key that was meant for one server is not sent to another; where a program prints the
    /// key, what lies in the environment for others is not meant.
    fn key_variable(&self) -> String {
        let url = url::Url::parse(&self.base_url).ok();
        let of_openai =
            url.is_some_and(|url| url.scheme() == "https" && url.host_str() == Some("api.openai.com"));
        match self.key_variable.is_empty() && of_openai && self.key_command.0.is_empty() {
            true => "OPENAI_API_KEY".to_owned(),
            false => self.key_variable.clone(),
        }
    }
}
