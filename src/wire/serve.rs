//! The loop of a worker: a reader thread that takes cancels at once, and the engine on
//! the calling thread. The real engines and the fake one of the tests run in it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{
    DoneReport, Envelope, Event, Failure, FailureKind, LineError, LineReader, NO_REQUEST, Ready, Request,
    SAMPLE_RATE, StopReason, floats, write_line,
};

/// How long a worker may go on after its input ended (percept died) before it is ended
/// in the middle of a computation.
const EXIT_GRACE: Duration = Duration::from_millis(1500);

/// The most sound that waits for an engine that is slower than speech: half an hour.
const MOST_WAITING: usize = 30 * 60 * SAMPLE_RATE as usize;

/// What a worker does.
pub trait Engine {
    /// Who it is; the first line that is written.
    fn ready(&self) -> Ready;

    /// Answers one request: events to `output`, the report or the failure as the result.
    /// Long work asks [`Output::cancelled`] again and again and returns a report of
    /// [`StopReason::Cancelled`] when it is true.
    fn handle(&mut self, request: Request, output: &Output<'_>) -> Result<DoneReport, Failure>;
}

/// Where an engine says what it has to say about one request.
pub struct Output<'a> {
    id: u64,
    shared: &'a Arc<Shared>,
    writer: &'a Mutex<Box<dyn Write + Send>>,
}

impl Output<'_> {
    /// Writes an event. A percept that is gone is no error here: the end of the input
    /// says the same, and cancels.
    pub fn event(&self, event: Event) {
        let written = write_line(&mut *lock(self.writer), &Envelope { id: self.id, body: event });
        if let Err(error) = written {
            tracing::warn!(%error, "an event could not be written");
            lock(&self.shared.inbox).ended = true;
        }
    }

    /// Whether this request should stop: it was cancelled, or the input ended.
    pub fn cancelled(&self) -> bool {
        self.shared.cancelled(self.id)
    }

    /// The same for a callback that must own what it asks.
    pub fn watch(&self) -> Watch {
        Watch { id: self.id, shared: Arc::clone(self.shared) }
    }

    /// Takes the sound that came for this request ([`Request::Frames`]), and waits for some
    /// where none did: not longer than `patience`, nor when it is cancelled or no more comes.
    ///
    /// # Errors
    ///
    /// What came is no sound, or more waits than is kept.
    pub fn sound(&self, patience: Duration) -> Result<Heard, Failure> {
        let until = Instant::now() + patience;
        let mut inbox = lock(&self.shared.inbox);
        loop {
            let over = inbox.ended || inbox.cancelled.contains(&self.id);
            let Some(stream) = inbox.streams.get_mut(&self.id) else {
                return Ok(Heard { samples: Vec::new(), finished: true });
            };
            if let Some(why) = stream.broken.take() {
                return Err(Failure::new(FailureKind::BadRequest, why));
            }
            let left = until.saturating_duration_since(Instant::now());
            if over || stream.finished || !stream.samples.is_empty() || left.is_zero() {
                let samples = std::mem::take(&mut stream.samples);
                return Ok(Heard { samples, finished: stream.finished });
            }
            let waited = self.shared.arrived.wait_timeout(inbox, left);
            inbox = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Says of one request whether it should go on, for as long as anyone asks.
pub struct Watch {
    id: u64,
    shared: Arc<Shared>,
}

impl Watch {
    /// As [`Output::cancelled`].
    pub fn cancelled(&self) -> bool {
        self.shared.cancelled(self.id)
    }

    /// Whether no more sound comes for it ([`Request::Finish`]).
    pub fn finished(&self) -> bool {
        lock(&self.shared.inbox).streams.get(&self.id).is_none_or(|stream| stream.finished)
    }
}

/// Sound that came for a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heard {
    /// Mono samples at [`SAMPLE_RATE`].
    pub samples: Vec<f32>,
    /// No more comes.
    pub finished: bool,
}

/// Runs an engine until `Shutdown` or the end of the input.
///
/// Requests are answered one after the other in their order; a `Cancel` is taken at
/// once, while the engine works, and also stops a request that still waits. A line that
/// is no request is answered with `Failed` and the loop goes on.
pub fn serve(
    engine: &mut dyn Engine,
    reader: impl Read + Send + 'static,
    writer: impl Write + Send + 'static,
) {
    let shared = Arc::new(Shared::default());
    let writer: Mutex<Box<dyn Write + Send>> = Mutex::new(Box::new(writer));
    let output = |id| Output { id, shared: &shared, writer: &writer };
    output(NO_REQUEST).event(Event::Ready(engine.ready()));

    let inbox = Arc::clone(&shared);
    std::thread::spawn(move || read_requests(reader, &inbox));

    while let Some(item) = shared.next() {
        match item {
            Item::Broken(error) => {
                let (id, failure) = describe(&error);
                output(id).event(Event::Failed(failure));
            }
            Item::Request(Envelope { id, body: Request::Shutdown }) => {
                output(id).event(Event::Done(DoneReport::default()));
                break;
            }
            Item::Request(Envelope { id, body }) => {
                let output = output(id);
                let result = match output.cancelled() {
                    true => Ok(DoneReport { stop: StopReason::Cancelled, ..DoneReport::default() }),
                    false => engine.handle(body, &output),
                };
                output.event(match result {
                    Ok(report) => Event::Done(report),
                    Err(failure) => Event::Failed(failure),
                });
                let mut inbox = lock(&shared.inbox);
                inbox.cancelled.remove(&id);
                inbox.streams.remove(&id);
            }
        }
    }
}

/// Standard input of a worker. When it ends, percept is gone: the process is ended after
/// a moment, whatever the engine is doing then.
#[derive(Debug)]
pub struct ExitOnEnd<R>(pub R);

impl<R: Read> Read for ExitOnEnd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.0.read(buffer);
        if matches!(read, Ok(0)) && !buffer.is_empty() {
            std::thread::spawn(|| {
                std::thread::sleep(EXIT_GRACE);
                std::process::exit(0);
            });
        }
        read
    }
}

#[derive(Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    arrived: Condvar,
}

#[derive(Default)]
struct Inbox {
    waiting: VecDeque<Item>,
    cancelled: HashSet<u64>,
    /// The sound of each `Listen` that waits or runs.
    streams: HashMap<u64, Stream>,
    ended: bool,
}

#[derive(Default)]
struct Stream {
    samples: Vec<f32>,
    finished: bool,
    broken: Option<String>,
}

impl Stream {
    fn take(&mut self, encoded: &str) {
        match floats::decode(encoded) {
            Ok(more) if self.samples.len() + more.len() <= MOST_WAITING => self.samples.extend(more),
            Ok(_) => self.broken = Some("More than half an hour of sound waits to be heard.".to_owned()),
            Err(why) => self.broken = Some(why),
        }
    }
}

enum Item {
    Request(Envelope<Request>),
    Broken(LineError),
}

impl Shared {
    fn cancelled(&self, id: u64) -> bool {
        let inbox = lock(&self.inbox);
        inbox.ended || inbox.cancelled.contains(&id)
    }

    /// Waits for the next item; `None` at the end of the input.
    fn next(&self) -> Option<Item> {
        let mut inbox = lock(&self.inbox);
        loop {
            if let Some(item) = inbox.waiting.pop_front() {
                return Some(item);
            }
            if inbox.ended {
                return None;
            }
            inbox = self.arrived.wait(inbox).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn push(&self, item: Item) {
        lock(&self.inbox).waiting.push_back(item);
        self.arrived.notify_one();
    }
}

fn read_requests(reader: impl Read, shared: &Shared) {
    let mut lines = LineReader::new(std::io::BufReader::new(reader));
    loop {
        match lines.next_message::<Envelope<Request>>() {
            Ok(Some(Envelope { body: Request::Cancel { target }, .. })) => {
                lock(&shared.inbox).cancelled.insert(target);
                shared.arrived.notify_one();
            }
            // Sound for what has ended already is nobody's.
            Ok(Some(Envelope { body: Request::Frames { target, pcm }, .. })) => {
                if let Some(stream) = lock(&shared.inbox).streams.get_mut(&target) {
                    stream.take(&pcm);
                }
                shared.arrived.notify_one();
            }
            Ok(Some(Envelope { body: Request::Finish { target }, .. })) => {
                if let Some(stream) = lock(&shared.inbox).streams.get_mut(&target) {
                    stream.finished = true;
                }
                shared.arrived.notify_one();
            }
            Ok(Some(request)) => {
                if matches!(request.body, Request::Listen { .. }) {
                    lock(&shared.inbox).streams.insert(request.id, Stream::default());
                }
                shared.push(Item::Request(request));
            }
            Ok(None) => break,
            Err(error) => {
                let recoverable = error.recoverable();
                shared.push(Item::Broken(error));
                if !recoverable {
                    break;
                }
            }
        }
    }
    lock(&shared.inbox).ended = true;
    shared.arrived.notify_one();
}

fn describe(error: &LineError) -> (u64, Failure) {
    let id = match error {
        LineError::Json { id, .. } => id.unwrap_or(NO_REQUEST),
        _ => NO_REQUEST,
    };
    (id, Failure::new(FailureKind::BadRequest, error.to_string()))
}

/// A panic elsewhere doesn't make the data behind a lock unusable here.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
