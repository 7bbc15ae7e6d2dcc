//! Talking to a Qdrant server: requests, patience, and errors in words.

use std::fmt;
use std::sync::mpsc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use url::Url;

use super::wire::{Answer, Trouble};
use crate::retrieval::IndexError;

/// Until a connection stands.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// Until an answer is whole: a batch that is written to a slow disk takes its time.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// The waits before it is tried again, where the server is busy or was not reached.
const WAITS: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];

/// The most bytes of an answer that are read; a page of numbers has less than one megabyte.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The most characters of what a server says that are shown.
const MOST_SAID: usize = 200;

/// Where a server is.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Its URL: `https://qdrant.example:6333`.
    pub url: String,
    /// The key that it asks for.
    pub key: Option<String>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.as_ref().map(|_| "…");
        f.debug_struct("Address").field("url", &self.url).field("key", &key).finish()
    }
}

/// A server. Its connection is kept by a thread that ends with it: the index is searched from
/// threads that wait, with and without a runtime around them.
pub(super) struct Server {
    url: String,
    key: Option<HeaderValue>,
    jobs: UnboundedSender<Job>,
}

/// A request and where its answer goes.
struct Job {
    request: Request,
    answer: mpsc::Sender<Result<Reply, Failure>>,
}

#[derive(Clone)]
struct Request {
    method: Method,
    url: String,
    key: Option<HeaderValue>,
    body: Option<String>,
}

struct Reply {
    status: StatusCode,
    body: Vec<u8>,
}

/// Why there is no answer.
enum Failure {
    /// It can't be reached, or went away: what the system said.
    Unreachable(String),
    /// It took too long.
    Slow,
    /// The answer has no end.
    TooLong,
}

impl Server {
    pub(super) fn new(address: &Address) -> Result<Self, IndexError> {
        let wrong = |why: &str| IndexError::Vectors(format!("the address of Qdrant ({}) {why}", address.url));
        let url = Url::parse(&address.url).map_err(|error| wrong(&format!("is no URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(wrong("must begin with http:// or https://"));
        }
        if !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some()
        {
            let said = "the address of Qdrant must be a plain URL; a key is configured beside it";
            return Err(IndexError::Vectors(said.to_owned()));
        }
        let key = address.key.as_ref().map(|key| {
            let mut key = HeaderValue::try_from(key)
                .map_err(|_| wrong("has a key with characters that can't be sent"))?;
            key.set_sensitive(true);
            Ok(key)
        });
        let (jobs, received) = unbounded_channel();
        let work = move || work(received);
        std::thread::Builder::new()
            .name("qdrant".to_owned())
            .spawn(work)
            .map_err(|error| IndexError::Vectors(format!("no thread can be started for Qdrant: {error}")))?;
        Ok(Self { url: url.as_str().trim_end_matches('/').to_owned(), key: key.transpose()?, jobs })
    }

    /// Its address, for the person.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Reads what is at a path; `None`: nothing is.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, IndexError> {
        self.ask(Method::GET, path, None)
    }

    /// Puts something at a path.
    pub(super) fn put(&self, path: &str, body: &Value) -> Result<(), IndexError> {
        self.ask::<Value>(Method::PUT, path, Some(body))?.map(|_| ()).ok_or_else(|| self.missing(path))
    }

    /// Asks something; `None`: the collection isn't there.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<Option<T>, IndexError> {
        self.ask(Method::POST, path, Some(body))
    }

    /// Asks something of a collection that is there.
    pub(super) fn must_post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, IndexError> {
        self.post(path, body)?.ok_or_else(|| self.missing(path))
    }

    fn missing(&self, path: &str) -> IndexError {
        self.said(&format!("knows nothing of {path}; was the collection deleted meanwhile?"))
    }

    fn said(&self, what: &str) -> IndexError {
        IndexError::Vectors(format!("Qdrant at {} {what}", self.url))
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Option<T>, IndexError> {
        let url = format!("{}{path}", self.url);
        let request = Request { method, url, key: self.key.clone(), body: body.map(Value::to_string) };
        let reply = self.patiently(&request)?;
        match reply.status {
            status if status.is_success() => {
                let answer: Answer<T> = serde_json::from_slice(&reply.body).map_err(|error| {
                    self.said(&format!("answered what can't be read ({error}); is it a Qdrant?"))
                })?;
                Ok(Some(answer.result))
            }
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.said(match self.key {
                Some(_) => "refuses the key that is configured",
                None => "wants a key; configure one",
            })),
            status if status.is_redirection() => {
                Err(self
                    .said("sends elsewhere, which isn't followed; configure the address that it sends to"))
            }
            status => Err(self.said(&format!("answered {}: {}", status.as_u16(), said(&reply.body)))),
        }
    }

    /// Asks again where the server is busy or can't be reached: every request here may be done twice.
    fn patiently(&self, request: &Request) -> Result<Reply, IndexError> {
        let mut waits = WAITS.into_iter();
        loop {
            let answered = self.exchange(request);
            let again = match &answered {
                Ok(reply) => reply.status.is_server_error() || reply.status == StatusCode::TOO_MANY_REQUESTS,
                Err(Failure::Unreachable(_)) => true,
                Err(Failure::Slow | Failure::TooLong) => false,
            };
            match waits.next() {
                Some(wait) if again => std::thread::sleep(wait),
                _ => return answered.map_err(|failure| self.failed(&failure)),
            }
        }
    }

    fn failed(&self, failure: &Failure) -> IndexError {
        match failure {
            Failure::Unreachable(why) => self.said(&format!("can't be reached: {why}")),
            Failure::Slow => self.said(&format!("took longer than {} s", ANSWER_TIME.as_secs())),
            Failure::TooLong => self.said(&format!("answered more than {MOST_BYTES} bytes; is it a Qdrant?")),
        }
    }

    fn exchange(&self, request: &Request) -> Result<Reply, Failure> {
        let ended = || Failure::Unreachable("its thread ended".to_owned());
        let (answer, answered) = mpsc::channel();
        self.jobs.send(Job { request: request.clone(), answer }).map_err(|_| ended())?;
        answered.recv().map_err(|_| ended())?
    }
}

/// Does one request after another, until the server is dropped.
fn work(mut jobs: UnboundedReceiver<Job>) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async move {
        let mut client = None;
        while let Some(job) = jobs.recv().await {
            let answer = match &client {
                Some(client) => exchange(client, job.request).await,
                None => match connect(&job.request.url) {
                    Ok(made) => exchange(client.insert(made), job.request).await,
                    Err(error) => Err(Failure::Unreachable(innermost(&error))),
                },
            };
            // Whoever asked may have gone.
            let _ = job.answer.send(answer);
        }
    });
}

/// A client that goes nowhere else than where it is sent.
fn connect(url: &str) -> reqwest::Result<Client> {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(concat!("percept/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIME)
        .timeout(ANSWER_TIME)
        .redirect(Policy::none());
    let host = Url::parse(url).ok().and_then(|url| url.host().map(|host| host.to_owned()));
    let is_here = match host {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match is_here {
        // What is for this machine must not go by way of another.
        true => builder.no_proxy().build(),
        false => builder.build(),
    }
}

async fn exchange(client: &Client, request: Request) -> Result<Reply, Failure> {
    let mut builder = client.request(request.method, request.url);
    if let Some(key) = request.key {
        builder = builder.header("api-key", key);
    }
    if let Some(body) = request.body {
        builder = builder.header(CONTENT_TYPE, "application/json").body(body);
    }
    let mut response = builder.send().await.map_err(|error| failure(&error))?;
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| failure(&error))? {
        if body.len().saturating_add(part.len()) > MOST_BYTES {
            return Err(Failure::TooLong);
        }
        body.extend_from_slice(&part);
    }
    Ok(Reply { status: response.status(), body })
}

fn failure(error: &reqwest::Error) -> Failure {
    match error.is_timeout() && !error.is_connect() {
        true => Failure::Slow,
        false => Failure::Unreachable(innermost(error)),
    }
}

/// What the system said: the words of the layers above repeat the address.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    shown(&cause.to_string())
}

/// What a server says went wrong, as it can be shown.
fn said(body: &[u8]) -> String {
    match serde_json::from_slice::<Trouble>(body) {
        Ok(trouble) => shown(&trouble.status.error),
        Err(_) => shown(&String::from_utf8_lossy(body)),
    }
}

fn shown(text: &str) -> String {
    let shown: String = crate::text::printable(text).chars().take(MOST_SAID).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}
