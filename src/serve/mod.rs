//! percept's model for editors and scripts: a server of this machine alone that speaks a part
//! of OpenAI's API (docs/serve.md).
//!
//! | file | what it is |
//! | --- | --- |
//! | [`api`] | OpenAI's JSON and percept's values, purely |
//! | `desk` | who is answered next, purely |
//! | `queue` | the one task that owns the worker |
//! | `guard`, `token` | who may ask |
//! | `pictures` | what came with a request, in files that go with it |
//! | `http`, `stream`, `embed` | a request becomes a response |
//! | `listen`, `patient` | connections |
//!
//! It listens on loopback and nowhere else, fetches nothing, reads no file that a client names,
//! calls no tool, keeps nothing of what is asked, and logs nothing of it.

pub mod api;
mod desk;
mod embed;
mod guard;
mod http;
mod listen;
mod patient;
mod pictures;
mod queue;
mod stream;
mod token;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::catalogue::ReadyModel;
use crate::engines::WorkerOptions;
use crate::intake;
use crate::retrieval::Embedder;

pub use listen::{Bound, bind};
pub use token::{Token, TokenError};

/// Finds a model's files by a name of [`Models::names`]; the error is a sentence.
pub type Find = Arc<dyn Fn(&str) -> Result<ReadyModel, String> + Send + Sync>;

/// Takes a line for standard error.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// The models that can be asked.
#[derive(Clone)]
pub struct Models {
    /// The one that is loaded at the start, and meant where none is named.
    pub first: Arc<ReadyModel>,
    /// All that may be named, the first one first.
    pub names: Vec<String>,
    /// Finds one of them.
    pub find: Find,
}

/// How it serves.
#[derive(Clone)]
pub struct Options {
    /// The worker that answers.
    pub worker: WorkerOptions,
    /// The models.
    pub models: Models,
    /// What finds vectors, or why nothing does, a sentence.
    pub embedder: Result<Arc<dyn Embedder>, String>,
    /// What a request must show.
    pub token: Token,
    /// The folder for pictures; what lies in it is deleted.
    pub pictures: PathBuf,
    /// Bounds on pictures.
    pub intake: intake::Options,
    /// The most requests that wait for the one that is answered.
    pub waiting: usize,
    /// Times.
    pub times: Times,
    /// Where a line for each request goes.
    pub log: Log,
}

/// How long anything may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Until the head of a request is there.
    pub head: Duration,
    /// Until its body is there.
    pub body: Duration,
    /// Until a client takes some of what it is sent; then it is given up.
    pub stalled: Duration,
    /// Until a worker stops when it is told to; then it is ended.
    pub stop: Duration,
    /// Until what is being answered is whole, when the server is to end.
    pub end: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(15),
            body: Duration::from_secs(60),
            stalled: Duration::from_secs(30),
            stop: Duration::from_secs(5),
            end: Duration::from_secs(5),
        }
    }
}

/// Why it doesn't serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No address of this machine can be listened on.
    #[error("port {port} of this machine can't be used: {error}; another one: percept serve --port N")]
    Port {
        /// The port.
        port: u16,
        /// Why.
        error: std::io::Error,
    },
    /// The folder for pictures can't be made.
    #[error("{} can't be written to: {error}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The model can't be loaded.
    #[error("{0}")]
    Model(String),
}

/// Loads the first model, calls `ready`, and answers until `end` comes; then what is being
/// answered gets [`Times::end`].
///
/// # Errors
///
/// The model can't be loaded, or pictures can't be kept. Later troubles are answers.
pub async fn run(
    bound: Bound,
    options: Options,
    ready: impl FnOnce(),
    end: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let mut end = std::pin::pin!(end);
    let pictures = pictures::Pictures::at(&options.pictures)
        .map_err(|error| ServeError::Folder { path: options.pictures.clone(), error })?;
    let started = queue::Queue::start(&options);
    let queue = tokio::select! {
        () = &mut end => return Ok(()),
        started = started => started.map_err(ServeError::Model)?,
    };
    ready();
    let times = options.times;
    let shared = Arc::new(http::Shared { queue, pictures, options });
    let listeners: Vec<TcpListener> = bound.listeners;
    listen::serve(listeners, shared, times, end).await;
    Ok(())
}
