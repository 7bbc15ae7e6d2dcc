//! A server that answers in place of a model on this machine: where it is, and how long it is
//! waited for. Its key is in neither of these: a worker reads it from its environment.

use serde::{Deserialize, Serialize};

/// A server with the OpenAI chat completions API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerOptions {
    /// Its URL up to the paths of the API: `http://localhost:8000/v1`.
    pub url: String,
    /// The variable of the worker's environment that holds its key; empty: it has none.
    pub key_variable: String,
    /// Whether the model is given pictures.
    pub images: bool,
    /// Whether secrets are replaced in what is sent to another machine.
    pub redact: bool,
    /// Until a connection stands, in milliseconds.
    pub connect_ms: u64,
    /// From the request to the first byte of the answer, in milliseconds: the server reads the
    /// prompt meanwhile.
    pub first_ms: u64,
    /// The longest silence within an answer, in milliseconds.
    pub silence_ms: u64,
    /// How often it is asked again where it is busy or can't be reached.
    pub retries: u32,
    /// The wait before it is asked again the first time, in milliseconds; it doubles.
    pub wait_ms: u64,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            key_variable: String::new(),
            images: true,
            redact: true,
            connect_ms: 10_000,
            first_ms: 300_000,
            silence_ms: 60_000,
            retries: 4,
            wait_ms: 500,
        }
    }
}

/// The server that a loaded model is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInfo {
    /// Its host and port, as a person knows it: `server.example:8000`.
    pub address: String,
    /// Whether that is another machine, so that what is sent there leaves this one.
    pub elsewhere: bool,
}
