//! A server in place of a model on this machine: where it is, and how long it is waited for. Its
//! key is in neither of these: a worker reads it from its environment, or has a program print it.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The section of the server that answers.
const ENGINE: &str = "engine";

/// A server with the OpenAI API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerOptions {
    /// Its URL up to the paths of the API: `http://localhost:8000/v1`.
    pub url: String,
    /// The variable of the worker's environment that holds its key; empty: it has none.
    pub key_variable: String,
    /// The program that prints the key, with its arguments, for where the variable is not set;
    /// empty: there is none. It is run without a shell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_command: Vec<String>,
    /// The section of the configuration that it stands in: what errors point at.
    #[serde(skip_serializing_if = "is_engine")]
    pub section: String,
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
            key_command: Vec::new(),
            section: ENGINE.to_owned(),
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

fn is_engine(section: &String) -> bool {
    section == ENGINE
}

impl ServerOptions {
    /// Where it is; `None`: its URL is none.
    pub fn info(&self) -> Option<ServerInfo> {
        Url::parse(&self.url).ok().map(|url| ServerInfo::of(&url))
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

impl ServerInfo {
    /// Where a URL leads.
    pub fn of(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        let address = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Self { address, elsewhere: !is_loopback(url) }
    }
}

/// Whether what is sent there stays on this machine. A name that only a file of the system's, or
/// a name server, leads here counts as elsewhere, `a.localhost` too: it may lead to another
/// machine tomorrow.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        None => false,
    }
}
