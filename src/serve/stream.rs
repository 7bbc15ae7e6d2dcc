//! An answer as it comes: server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream;
use serde_json::Value;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::api::{ApiError, Form, Out, Reply};
use super::desk::Heard;
use super::http::Entry;
use super::pictures::Batch;
use super::queue::Ticket;

/// Chunks that wait for the client. The model doesn't: what it says meanwhile is kept, which is
/// at most what its context holds.
const CHUNKS: usize = 64;

/// An answer that is on its way.
pub(super) struct Answering {
    pub(super) ticket: Ticket,
    pub(super) reply: Reply,
    pub(super) form: Form,
    /// Kept until the answer is whole.
    pub(super) _pictures: Option<Batch>,
}

impl Answering {
    /// The next parts, at least one.
    pub(super) async fn next(&mut self) -> Vec<Out> {
        loop {
            let outs = match self.ticket.next().await {
                Some(Heard::Event(event)) => self.reply.hear(event),
                Some(Heard::Gone(why)) => self.reply.gone(&why),
                None => self.reply.gone("percept serve is ending."),
            };
            if outs.contains(&Out::Enough) {
                self.ticket.enough();
            }
            if !outs.is_empty() {
                return outs;
            }
        }
    }

    /// The answer in one.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(super) async fn whole(mut self, entry: &mut Entry) -> Result<Value, ApiError> {
        let (mut pieces, mut call) = (Vec::new(), None);
        loop {
            for out in self.next().await {
                match out {
                    Out::Text(more) => pieces.extend(more),
                    Out::Call(made) => call = Some(made),
                    Out::Enough => {}
                    Out::Failed(error) => return Err(error),
                    Out::End(end) => {
                        entry.used(&end.usage);
                        return Ok(self.form.whole(&pieces, call.as_ref(), &end));
                    }
                }
            }
        }
    }

    /// The answer as a stream, which begins when it is certain that there is one.
    ///
    /// # Errors
    ///
    /// There is none; `entry` is then the caller's again.
    pub(super) async fn streamed(
        mut self,
        stalled: Duration,
        mut entry: Entry,
    ) -> Result<Response, (ApiError, Entry)> {
        let first = self.next().await;
        if let [Out::Failed(error), ..] = first.as_slice() {
            return Err((error.clone(), entry));
        }
        let (chunks, taken) = channel(CHUNKS);
        let whole = Arc::new(AtomicBool::new(false));
        let pump = Pump { chunks, stalled, whole: Arc::clone(&whole) };
        // Until it is whole, a stream that ends is one that the client left.
        entry.ended(LEFT);
        tokio::spawn(async move {
            if let Ok(status) = pump.run(self, first, &mut entry).await {
                entry.ended(status);
            }
        });
        let mut response = Response::new(body(taken, whole));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Ok(response)
    }
}

/// The status in the log of a request whose client went away, as nginx has it.
pub(super) const LEFT: u16 = 499;

/// The body of a stream. One that breaks off ends with an error, so that no client takes the
/// part for the whole.
fn body(taken: Receiver<Bytes>, whole: Arc<AtomicBool>) -> Body {
    let chunks = stream::unfold(Some((taken, whole)), |state| async {
        let (mut taken, whole) = state?;
        match taken.recv().await {
            Some(chunk) => Some((Ok(chunk), Some((taken, whole)))),
            None if whole.load(Ordering::Acquire) => None,
            None => Some((Err(io::Error::other("the stream broke off")), None)),
        }
    });
    Body::from_stream(chunks)
}

/// What moves an answer into a body.
struct Pump {
    chunks: Sender<Bytes>,
    stalled: Duration,
    whole: Arc<AtomicBool>,
}

/// Nobody takes the stream any more.
struct Left;

impl Pump {
    /// Sends an answer to its end; returns the status for the log.
    async fn run(&self, mut answer: Answering, first: Vec<Out>, entry: &mut Entry) -> Result<u16, Left> {
        self.send(&answer.form.opening()).await?;
        let mut outs = first;
        loop {
            for out in outs {
                match out {
                    Out::Text(pieces) => self.send(&answer.form.text(&pieces)).await?,
                    Out::Call(call) => self.send(&answer.form.call(&call)).await?,
                    Out::Enough => {}
                    Out::Failed(error) => {
                        self.send(&error.body()).await?;
                        self.whole.store(true, Ordering::Release);
                        return Ok(error.status);
                    }
                    Out::End(end) => {
                        entry.used(&end.usage);
                        for chunk in answer.form.ending(&end) {
                            self.send(&chunk).await?;
                        }
                        self.put("[DONE]").await?;
                        self.whole.store(true, Ordering::Release);
                        return Ok(200);
                    }
                }
            }
            outs = tokio::select! {
                biased;
                () = self.chunks.closed() => return Err(Left),
                outs = answer.next() => outs,
            };
        }
    }

    async fn send(&self, chunk: &Value) -> Result<(), Left> {
        self.put(&chunk.to_string()).await
    }

    /// Sends an event. JSON has no line breaks outside of its strings, and none in them.
    async fn put(&self, data: &str) -> Result<(), Left> {
        let event = Bytes::from(format!("data: {data}\n\n"));
        match tokio::time::timeout(self.stalled, self.chunks.send(event)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Left),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    fn pump(stalled: Duration) -> (Pump, Receiver<Bytes>, Arc<AtomicBool>) {
        let (chunks, taken) = channel(CHUNKS);
        let whole = Arc::new(AtomicBool::new(false));
        (Pump { chunks, stalled, whole: Arc::clone(&whole) }, taken, whole)
    }

    #[tokio::test]
    async fn a_reader_that_stalls_is_given_up() {
        let (pump, taken, _) = pump(Duration::from_millis(30));
        for _ in 0..CHUNKS {
            assert!(pump.put("x").await.is_ok());
        }
        let start = tokio::time::Instant::now();
        assert!(pump.put("x").await.is_err());
        assert!(start.elapsed() >= Duration::from_millis(30));
        drop(taken);
        assert!(pump.put("x").await.is_err(), "it is gone");
    }

    #[tokio::test]
    async fn a_stream_that_breaks_off_is_not_whole() {
        for finished in [true, false] {
            let (pump, taken, whole) = pump(Duration::from_secs(1));
            assert!(pump.put("x").await.is_ok());
            whole.store(finished, Ordering::Release);
            drop(pump);
            let all: Vec<_> = body(taken, whole).into_data_stream().collect().await;
            assert_eq!(all[0].as_ref().unwrap(), &Bytes::from("data: x\n\n"));
            assert_eq!(
                (all.len(), all.iter().any(Result::is_err)),
                if finished { (1, false) } else { (2, true) }
            );
        }
    }
}
