//! Bringing the bytes: the server is asked what it has, and then for pieces of it, several at a
//! time. One task owns the part; the others only hand it bytes.

use std::collections::VecDeque;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;

use super::part::{Identity, Part};
use super::web::{Failure, Wanted, Web, answer, content_range, length, shown, validator};
use super::{FetchError, Options, Place, Progress, Source, disk};

/// How often a file may change while it is brought.
const MOST_CHANGES: usize = 2;

/// Smaller pieces cost more in requests than they gain.
const LEAST_PIECE: u64 = 4 * 1024 * 1024;

/// Between two looks at the flag that stops, and two words of progress.
const TICK: Duration = Duration::from_millis(100);

/// The longest pause between two tries that percept chooses.
const MOST_PAUSE: Duration = Duration::from_secs(30);

/// Chunks that wait to be written: the network waits for a slow disk.
const MOST_WAITING: usize = 64;

/// The rate is that of the last so many ticks.
const RATE_TICKS: usize = 50;

/// Who listens, and who may stop it.
pub(super) struct Listener<'a> {
    stop: &'a AtomicBool,
    tell: &'a mut dyn FnMut(Progress),
}

impl Listener<'_> {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Does something, unless it is stopped meanwhile.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, FetchError> {
        let mut work = pin!(work);
        loop {
            if self.stopped() {
                return Err(FetchError::Stopped { kept: 0 });
            }
            if let Ok(done) = tokio::time::timeout(TICK, &mut work).await {
                return Ok(done);
            }
        }
    }
}

/// Counts what went wrong in a row.
struct Patience<'a> {
    options: &'a Options,
    failed: u32,
}

impl Patience<'_> {
    /// How long to wait before the next try.
    fn after(
        &mut self,
        source: &Source,
        why: &str,
        wait: Option<Duration>,
        kept: u64,
    ) -> Result<Duration, FetchError> {
        let url = || shown(&source.url);
        self.failed += 1;
        if let Some(wait) = wait.filter(|wait| *wait > self.options.most_wait) {
            return Err(FetchError::Later { url: url(), why: why.to_owned(), seconds: wait.as_secs() });
        }
        if self.failed >= self.options.tries {
            return Err(FetchError::GaveUp { url: url(), why: why.to_owned(), tries: self.failed, kept });
        }
        let doubled = self.options.pause.saturating_mul(1 << (self.failed - 1).min(16)).min(MOST_PAUSE);
        Ok(wait.unwrap_or(doubled))
    }
}

/// What a server has.
struct Whole {
    bytes: u64,
    validator: Option<String>,
    ranges: bool,
}

/// Brings all bytes of a file into its part.
pub(super) async fn bring(
    source: &Source,
    place: &Place,
    options: &Options,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Progress),
) -> Result<Part, FetchError> {
    let web = Web::new(options)?;
    let mut listener = Listener { stop, tell };
    for _ in 0..=MOST_CHANGES {
        let whole = probe(&web, source, options, &mut listener).await?;
        let identity = Identity {
            bytes: whole.bytes,
            validator: whole.validator.clone(),
            sha256: source.sha256.clone(),
        };
        let least = LEAST_PIECE.min(options.piece_bytes);
        let piece = whole.bytes.div_ceil(options.streams.max(1) as u64).clamp(least, options.piece_bytes);
        let mut part = Part::open(place, &identity, piece)?;
        if !whole.ranges && !part.unfinished().is_empty() {
            part.restart(whole.bytes)?;
        }
        let folder = place.part.parent().unwrap_or(Path::new("."));
        disk::room(folder, part.bytes().saturating_sub(part.done()))?;
        match Transfer::new(&web, source, options, &mut part, whole).run(&mut listener).await? {
            Ended::Whole => return Ok(part),
            Ended::Changed => part.discard()?,
        }
    }
    Err(FetchError::Changed { url: shown(&source.url) })
}

/// Asks for the first byte: what comes with it says how long the file is, which version, and
/// whether ranges are served. Signed addresses of storage often answer no HEAD.
async fn probe(
    web: &Web,
    source: &Source,
    options: &Options,
    listener: &mut Listener<'_>,
) -> Result<Whole, FetchError> {
    (listener.tell)(Progress::Asking);
    let first = Wanted { from: 0, last: 0, validator: None };
    let response = patiently(source, options, listener, || web.ask(source, Some(&first))).await?;
    let range = content_range(response.headers());
    let ranges = response.status() == StatusCode::PARTIAL_CONTENT && range.is_some();
    let told = if ranges { range.map(|(_, _, total)| total) } else { length(response.headers()) };
    let no_length = || FetchError::NoLength { url: shown(&source.url) };
    let bytes = told.or(source.bytes).ok_or_else(no_length)?;
    match source.bytes {
        Some(wanted) if wanted != bytes => {
            Err(FetchError::Length { url: shown(&source.url), wanted, has: bytes })
        }
        _ if bytes == 0 => Err(answer(source, "it is empty".to_owned())),
        _ => Ok(Whole { bytes, validator: validator(response.headers()), ranges }),
    }
}

/// Reads a short text.
pub(super) async fn read(
    source: &Source,
    most: usize,
    options: &Options,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Progress),
) -> Result<Vec<u8>, FetchError> {
    let web = Web::new(options)?;
    let mut listener = Listener { stop, tell };
    let once = || async {
        let mut response = web.ask(source, None).await?;
        let mut body = Vec::new();
        while let Some(bytes) = web.chunk(&mut response).await? {
            if body.len().saturating_add(bytes.len()) > most {
                return Err(answer(source, format!("its answer has more than {most} bytes")).into());
            }
            body.extend(bytes);
        }
        Ok(body)
    };
    patiently(source, options, &mut listener, once).await
}

/// Tries until it goes well, or patience ends.
async fn patiently<T, F: Future<Output = Result<T, Failure>>>(
    source: &Source,
    options: &Options,
    listener: &mut Listener<'_>,
    once: impl Fn() -> F,
) -> Result<T, FetchError> {
    let mut patience = Patience { options, failed: 0 };
    loop {
        let (why, wait) = match listener.unless_stopped(once()).await? {
            Ok(done) => return Ok(done),
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Changed | Failure::NoRanges) => {
                return Err(answer(source, "it is empty".to_owned()));
            }
            Err(Failure::Passing { why, wait, .. }) => (why, wait),
        };
        let time = patience.after(source, &why, wait, 0)?;
        (listener.tell)(Progress::Waiting { why, time });
        listener.unless_stopped(tokio::time::sleep(time)).await?;
    }
}

/// How a transfer ends.
enum Ended {
    Whole,
    Changed,
}

/// What the tasks hand to the owner of the part.
enum Event {
    Bytes(usize, Vec<u8>),
    Ended(usize, Result<(), Failure>),
}

struct Transfer<'a> {
    web: &'a Web,
    source: Arc<Source>,
    options: &'a Options,
    part: &'a mut Part,
    whole: Whole,
    /// Pieces that nobody brings now.
    waiting: VecDeque<usize>,
    /// Ended when this is dropped.
    running: JoinSet<()>,
    active: usize,
    streams: usize,
    sender: Sender<Event>,
    events: Receiver<Event>,
    patience: Patience<'a>,
    not_before: Instant,
    rate: Rate,
    kept_at: Instant,
}

impl<'a> Transfer<'a> {
    fn new(web: &'a Web, source: &Source, options: &'a Options, part: &'a mut Part, whole: Whole) -> Self {
        let (sender, events) = channel(MOST_WAITING);
        Self {
            web,
            source: Arc::new(source.clone()),
            options,
            waiting: part.unfinished().into(),
            rate: Rate::new(part.done()),
            part,
            whole,
            running: JoinSet::new(),
            active: 0,
            streams: options.streams.max(1),
            sender,
            events,
            patience: Patience { options, failed: 0 },
            not_before: Instant::now(),
            kept_at: Instant::now(),
        }
    }

    async fn run(mut self, listener: &mut Listener<'_>) -> Result<Ended, FetchError> {
        let ended = self.until_ended(listener).await;
        // Whatever happened, what came is worth keeping; an error of the disk was said already.
        let kept = self.part.keep();
        match ended {
            Ok(ended) => kept.map(|()| ended),
            Err(FetchError::Stopped { .. }) => Err(FetchError::Stopped { kept: self.part.done() }),
            Err(error) => Err(error),
        }
    }

    async fn until_ended(&mut self, listener: &mut Listener<'_>) -> Result<Ended, FetchError> {
        loop {
            if listener.stopped() {
                return Err(FetchError::Stopped { kept: 0 });
            }
            self.begin_pieces();
            if self.active == 0 && self.waiting.is_empty() {
                return Ok(Ended::Whole);
            }
            self.tell(listener)?;
            let Ok(Some(event)) = tokio::time::timeout(TICK, self.events.recv()).await else { continue };
            match event {
                Event::Bytes(piece, bytes) => self.take(piece, &bytes)?,
                Event::Ended(_, Ok(())) => self.active -= 1,
                Event::Ended(piece, Err(failure)) => {
                    self.active -= 1;
                    if let Some(ended) = self.failed(piece, failure, listener)? {
                        return Ok(ended);
                    }
                }
            }
        }
    }

    fn begin_pieces(&mut self) {
        while self.active < self.streams && Instant::now() >= self.not_before {
            let Some(piece) = self.waiting.pop_front() else { return };
            let missing = self.part.missing(piece);
            let job = Job {
                web: self.web.clone(),
                source: Arc::clone(&self.source),
                piece,
                missing: missing.clone(),
                wanted: self.whole.ranges.then(|| Wanted {
                    from: missing.start,
                    last: missing.end.saturating_sub(1),
                    validator: self.whole.validator.clone(),
                }),
                validator: self.whole.validator.clone(),
                total: self.whole.bytes,
            };
            let events = self.sender.clone();
            self.running.spawn(async move {
                let ended = job.bring(&events).await;
                // Nobody listens any more where it was stopped.
                let _ = events.send(Event::Ended(job.piece, ended)).await;
            });
            self.active += 1;
        }
    }

    fn take(&mut self, piece: usize, bytes: &[u8]) -> Result<(), FetchError> {
        self.part.write(piece, bytes)?;
        // Without ranges, what comes is lost with the next break.
        if self.whole.ranges {
            self.patience.failed = 0;
        }
        Ok(())
    }

    /// What is done about a failure; `Some`: the transfer ends.
    fn failed(
        &mut self,
        piece: usize,
        failure: Failure,
        listener: &mut Listener<'_>,
    ) -> Result<Option<Ended>, FetchError> {
        match failure {
            Failure::Final(error) => return Err(error),
            Failure::Changed => return Ok(Some(Ended::Changed)),
            Failure::NoRanges => {
                self.begin_anew();
                self.whole.ranges = false;
                self.part.restart(self.whole.bytes)?;
                self.waiting = self.part.unfinished().into();
                return Ok(None);
            }
            Failure::Passing { why, wait, busy } => {
                if busy {
                    self.streams = 1;
                }
                if !self.whole.ranges {
                    self.part.restart(self.whole.bytes)?;
                }
                self.waiting.push_front(piece);
                if self.waiting_was_said() {
                    return Ok(None);
                }
                let kept = if self.whole.ranges { self.part.done() } else { 0 };
                let time = self.patience.after(&self.source, &why, wait, kept)?;
                self.not_before = Instant::now() + time;
                (listener.tell)(Progress::Waiting { why, time });
            }
        }
        Ok(None)
    }

    /// All streams break off together: that is one failure.
    fn waiting_was_said(&self) -> bool {
        Instant::now() < self.not_before
    }

    /// Ends what runs: what it still hands over is not heard.
    fn begin_anew(&mut self) {
        self.running = JoinSet::new();
        (self.sender, self.events) = channel(MOST_WAITING);
        self.active = 0;
        self.streams = 1;
    }

    /// Says how far it is and writes down what came, now and then.
    fn tell(&mut self, listener: &mut Listener<'_>) -> Result<(), FetchError> {
        let done = self.part.done();
        if self.kept_at.elapsed() >= self.options.journal_every {
            if self.whole.ranges {
                self.part.keep()?;
            }
            self.kept_at = Instant::now();
        }
        if self.rate.tick(done) && !self.waiting_was_said() {
            let rate = self.rate.bytes_a_second();
            (listener.tell)(Progress::Bringing { done, total: self.whole.bytes, rate });
        }
        Ok(())
    }
}

/// A piece that is brought.
struct Job {
    web: Web,
    source: Arc<Source>,
    piece: usize,
    missing: std::ops::Range<u64>,
    wanted: Option<Wanted>,
    validator: Option<String>,
    total: u64,
}

impl Job {
    async fn bring(&self, events: &Sender<Event>) -> Result<(), Failure> {
        let mut response = self.web.ask(&self.source, self.wanted.as_ref()).await?;
        self.check(&response)?;
        let mut left = self.missing.end.saturating_sub(self.missing.start);
        while left > 0 {
            let Some(bytes) = self.web.chunk(&mut response).await? else {
                return Err(Failure::passing("the server sent less than it said"));
            };
            let some = bytes.len() as u64;
            if some > left {
                return Err(Failure::passing("the server sent more than it said"));
            }
            left -= some;
            if events.send(Event::Bytes(self.piece, bytes)).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether an answer has what was asked for, of the same version.
    fn check(&self, response: &reqwest::Response) -> Result<(), Failure> {
        let headers = response.headers();
        let other = |told: Option<u64>| told.is_some_and(|told| told != self.total);
        let newer = self.validator.is_some() && validator(headers) != self.validator;
        match (&self.wanted, response.status()) {
            (Some(wanted), StatusCode::PARTIAL_CONTENT) => match content_range(headers) {
                Some((_, _, total)) if newer || other(Some(total)) => Err(Failure::Changed),
                Some((from, last, _)) if (from, last) == (wanted.from, wanted.last) => Ok(()),
                _ => {
                    Err(answer(&self.source, "the server sends other bytes than it was asked for".to_owned())
                        .into())
                }
            },
            (_, StatusCode::OK) if newer || other(length(headers)) => Err(Failure::Changed),
            (Some(_), StatusCode::OK) => Err(Failure::NoRanges),
            (None, StatusCode::OK) => Ok(()),
            (_, status) => {
                Err(answer(&self.source, format!("the server answered {}", status.as_u16())).into())
            }
        }
    }
}

/// How fast it is, lately.
struct Rate {
    samples: VecDeque<(Instant, u64)>,
}

impl Rate {
    fn new(done: u64) -> Self {
        Self { samples: VecDeque::from([(Instant::now(), done)]) }
    }

    /// Takes a sample, if it is time for one.
    fn tick(&mut self, done: u64) -> bool {
        let due = self.samples.back().is_none_or(|(at, _)| at.elapsed() >= TICK);
        if due {
            self.samples.push_back((Instant::now(), done));
            if self.samples.len() > RATE_TICKS {
                self.samples.pop_front();
            }
        }
        due
    }

    fn bytes_a_second(&self) -> u64 {
        let (Some((from, before)), Some((to, done))) = (self.samples.front(), self.samples.back()) else {
            return 0;
        };
        let ms = u64::try_from(to.duration_since(*from).as_millis()).unwrap_or(u64::MAX);
        done.saturating_sub(*before).saturating_mul(1000).checked_div(ms).unwrap_or_default()
    }
}
