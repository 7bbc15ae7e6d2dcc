//! Sends requests, waits for what comes, and stops at once when it should: to drop a request
//! closes its connection.

use std::time::Duration;

use percept::fetch;
use percept::wire::{Failure, Output};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response};
use tokio::runtime::Runtime;

use crate::again;
use crate::answer::{Answer, Trouble, Word};
use crate::failure;
use crate::server::Server;
use crate::sse;

/// How often it is looked whether a request was cancelled.
const POLL: Duration = Duration::from_millis(10);

/// The longest wait for what needs no model: a list of them.
const LIST_MS: u64 = 30_000;

/// The most bytes of an answer that isn't streamed, and of an error.
const MOST_BODY: usize = 8 * 1024 * 1024;

/// Why there is no answer, or none any more.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The person doesn't want it.
    Cancelled,
    /// It failed.
    Failed(Failure),
    /// The server refuses: the status, and what it said.
    Refused(u16, Vec<u8>),
    /// It may be answered in a while; the server may say when.
    Later {
        failure: Failure,
        after: Option<Duration>,
        /// Somebody answered.
        reached: bool,
    },
}

/// Talks to a server. Its own thread notices at once when a connection is dropped.
pub(crate) struct Exchange<'a> {
    pub(crate) runtime: &'a Runtime,
    pub(crate) server: &'a Server,
    pub(crate) output: &'a Output<'a>,
}

impl Exchange<'_> {
    /// Reads what is at a path. A server that isn't there is not waited for.
    pub(crate) fn get(&self, path: &str) -> Result<Vec<u8>, Stop> {
        self.read(|| self.server.request(Method::GET, path))
    }

    /// The same for an address of the server's beside its API.
    pub(crate) fn read(&self, request: impl Fn() -> RequestBuilder) -> Result<Vec<u8>, Stop> {
        let attempt = async || {
            let ms = self.server.options().first_ms.min(LIST_MS);
            let response = self.open(request(), ms).await?;
            self.body(response).await
        };
        self.runtime.block_on(self.patiently(false, attempt))
    }

    /// Posts a body to a path, again where that may help, and reads what is answered.
    pub(crate) fn post(&self, path: &str, kind: &str, body: &[u8]) -> Result<Vec<u8>, Stop> {
        let attempt = async || {
            let request = self.server.request(Method::POST, path).header(CONTENT_TYPE, kind);
            let response = self.open(request.body(body.to_vec()), self.server.options().first_ms).await?;
            self.body(response).await
        };
        self.runtime.block_on(self.patiently(true, attempt))
    }

    /// Asks for an answer and hands on its words while they come.
    pub(crate) fn chat(&self, body: &str, mut each: impl FnMut(Vec<Word>)) -> Result<Answer, Stop> {
        self.runtime.block_on(async {
            let open = async || {
                let request = self.server.request(Method::POST, "/chat/completions");
                let request = request.header(CONTENT_TYPE, "application/json").body(body.to_owned());
                self.open(request, self.server.options().first_ms).await
            };
            let response = self.patiently(true, open).await?;
            let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            let kind = kind.unwrap_or("text/event-stream").to_ascii_lowercase();
            match () {
                () if kind.starts_with("text/event-stream") => self.stream(response, &mut each).await,
                // It doesn't stream: all of it comes at once.
                () if kind.contains("json") => {
                    let body = self.body(response).await?;
                    let mut answer = Answer::default();
                    each(self.take(&mut answer, &String::from_utf8_lossy(&body))?);
                    Ok(answer)
                }
                () => {
                    let what = format!("answered with {kind} in place of an answer");
                    Err(Stop::Failed(failure::strange(self.server, &what)))
                }
            }
        })
    }

    async fn stream(&self, mut response: Response, each: &mut impl FnMut(Vec<Word>)) -> Result<Answer, Stop> {
        let (mut parser, mut answer) = (sse::Parser::default(), Answer::default());
        let silence_ms = self.server.options().silence_ms;
        while !answer.is_done() {
            let chunk = self.within(silence_ms, true, response.chunk()).await?;
            // What ended well before the connection broke is an answer all the same.
            let Ok(Some(bytes)) = chunk else { break };
            let events = parser.take(&bytes).map_err(|sse::TooLong| {
                let what = format!("answered an event of more than {} bytes", sse::MOST_EVENT);
                Stop::Failed(failure::strange(self.server, &what))
            })?;
            for event in events.iter().filter(|event| !event.trim().is_empty()) {
                each(self.take(&mut answer, event)?);
            }
        }
        Ok(answer)
    }

    fn take(&self, answer: &mut Answer, data: &str) -> Result<Vec<Word>, Stop> {
        answer.take(data).map_err(|trouble| {
            Stop::Failed(match trouble {
                Trouble::Strange(what) => failure::strange(self.server, &what),
                Trouble::Error(error) => failure::in_stream(self.server, &error),
            })
        })
    }

    /// Sends a request and waits until the answer begins.
    async fn open(&self, request: RequestBuilder, ms: u64) -> Result<Response, Stop> {
        let sent = self.within(ms, false, request.send()).await?;
        let response = sent.map_err(|error| {
            let failure = failure::of_transport(self.server, &error);
            match error.is_connect() && failure.message.contains("refused") {
                true => Stop::Later { failure, after: None, reached: false },
                false => Stop::Failed(failure),
            }
        })?;
        let status = response.status().as_u16();
        if response.status().is_success() {
            return Ok(response);
        }
        let after = response.headers().get(RETRY_AFTER).and_then(|header| header.to_str().ok());
        let after = after.and_then(|header| fetch::retry_after(header, jiff::Timestamp::now()));
        let body = self.body(response).await.or_else(|stop| match stop {
            Stop::Cancelled => Err(stop),
            // The status says enough.
            _ => Ok(Vec::new()),
        })?;
        // llama-server answers 500 where an input is too long: it will be the next time too.
        let too_long = failure::is_overflow(&failure::said(self.server, &body));
        match again::may_pass(status) && !too_long {
            true => {
                let failure = failure::of_status(self.server, status, &body);
                Err(Stop::Later { failure, after, reached: true })
            }
            false => Err(Stop::Refused(status, body)),
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Stop> {
        let mut body = Vec::new();
        loop {
            let chunk = self.within(self.server.options().silence_ms, true, response.chunk()).await?;
            match chunk.map_err(|error| Stop::Failed(failure::of_transport(self.server, &error)))? {
                None => return Ok(body),
                Some(bytes) if body.len().saturating_add(bytes.len()) > MOST_BODY => {
                    let what = format!("answered more than {MOST_BODY} bytes");
                    return Err(Stop::Failed(failure::strange(self.server, &what)));
                }
                Some(bytes) => body.extend_from_slice(&bytes),
            }
        }
    }

    /// Tries again where that may help, with waits between.
    async fn patiently<T>(
        &self,
        unreached_too: bool,
        mut attempt: impl AsyncFnMut() -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let options = self.server.options();
        for number in 0.. {
            let (failure, after) = match attempt().await {
                Err(Stop::Later { failure, after, reached })
                    if number < options.retries && (reached || unreached_too) =>
                {
                    (failure, after)
                }
                Err(Stop::Later { failure, .. }) => return Err(Stop::Failed(failure)),
                other => return other,
            };
            let own = again::wait(Duration::from_millis(options.wait_ms), number, again::chance());
            let wait = after.unwrap_or_default().max(own);
            if wait > again::MOST_PATIENCE {
                let hint = format!("It asks for a wait of {} s.", wait.as_secs());
                return Err(Stop::Failed(failure.hint(hint)));
            }
            tracing::warn!("{}; asked again in {} ms", failure.message, wait.as_millis());
            tokio::select! {
                biased;
                () = self.cancelled() => return Err(Stop::Cancelled),
                () = tokio::time::sleep(wait) => {}
            }
        }
        Err(Stop::Cancelled)
    }

    /// Waits for something, not longer than that and not when it is cancelled.
    async fn within<T>(&self, ms: u64, began: bool, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            () = self.cancelled() => Err(Stop::Cancelled),
            done = work => Ok(done),
            () = tokio::time::sleep(Duration::from_millis(ms)) => {
                Err(Stop::Failed(failure::silent(self.server, ms, began)))
            }
        }
    }

    async fn cancelled(&self) {
        while !self.output.cancelled() {
            tokio::time::sleep(POLL).await;
        }
    }
}
