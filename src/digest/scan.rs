//! Reads sources once from end to end: one thread reads blocks of whole lines, others count
//! them, and the caller's merges what they counted in the order of reading.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::block::{Block, Counted, Heads, count, lines};
use super::fill::Filler;
use super::input::{Gathered, InputError, Reader, Tee};
use super::layout::Layout;
use super::learn::Patience;
use super::model::reference_ms;
use super::stamp::Reference;
use super::totals::{SourceTotals, Totals};
use crate::text;

/// Lines of a log's start that its layout is learnt from.
const SAMPLE_LINES: usize = 400;

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Shapes that are few enough to say at any time how many templates they are.
const FEW_SHAPES: usize = 3000;

/// Blocks that wait on each side of those who count.
const WAITING: usize = 2;

/// How to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Threads that count; the outcome is the same with any number.
    pub threads: usize,
    /// What times that leave something out are read against, where a source has no date.
    pub now_ms: i64,
}

impl Options {
    /// As many threads as there are cores.
    pub fn at(now_ms: i64) -> Self {
        Self { threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get), now_ms }
    }
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes on disk that were read, of all there are (0: nobody knows, a stream).
    pub bytes: u64,
    /// All bytes on disk.
    pub of: u64,
    /// Lines that were counted; of a stream, those that came.
    pub lines: u64,
    /// Entries that say that they are errors.
    pub errors: u64,
    /// Templates, as far as is known.
    pub templates: usize,
}

impl std::fmt::Display for Progress {
    /// `34% · 1,204,233 lines → 312 templates`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let part = match self.of {
            0 => text::size(self.bytes),
            of => format!("{}%", (self.bytes.saturating_mul(100) / of).min(100)),
        };
        let (lines, templates) = (text::thousands(self.lines), text::thousands(self.templates as u64));
        write!(f, "{part} · {lines} lines → {templates} templates")
    }
}

/// A stream of lines that says how far it is.
pub trait Stream: Read + Send {
    /// Bytes on disk, or of a pipe, that were read.
    fn consumed(&self) -> u64;
    /// What there is to say about how it was read.
    fn remarks(&self) -> Vec<String>;
}

impl Stream for Reader<'_> {
    fn consumed(&self) -> u64 {
        Reader::consumed(self)
    }

    fn remarks(&self) -> Vec<String> {
        self.notes().iter().map(ToString::to_string).collect()
    }
}

impl<S: Stream> Stream for Tee<S> {
    fn consumed(&self) -> u64 {
        self.get_ref().consumed()
    }

    fn remarks(&self) -> Vec<String> {
        self.get_ref().remarks()
    }
}

/// What is to be read.
pub(super) enum Feed<'a> {
    /// Files and archives.
    Gathered(&'a Gathered),
    /// A stream that may still be written.
    Live(&'a mut dyn Stream),
}

/// Blocks that may be under way for each who counts, from reading to merging.
const UNDER_WAY: usize = 4;

/// Bounds the blocks that are under way: where one is slow, those behind it wait for it to
/// be merged, and must not fill the memory.
struct Gate {
    /// How many more may set out; `None`: a thread failed, and nothing will be merged.
    room: Mutex<Option<usize>>,
    freed: Condvar,
}

impl Gate {
    fn of(room: usize) -> Arc<Self> {
        Arc::new(Self { room: Mutex::new(Some(room)), freed: Condvar::new() })
    }

    /// Waits for room; `None`: there will be none.
    fn enter(self: &Arc<Self>) -> Option<Pass> {
        let room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |room: &mut Option<usize>| *room == Some(0);
        let mut room = self.freed.wait_while(room, full).unwrap_or_else(PoisonError::into_inner);
        let left = room.as_mut()?;
        *left -= 1;
        Some(Pass(Arc::clone(self)))
    }
}

/// What a block that is under way holds, until it is merged.
struct Pass(Arc<Gate>);

impl Drop for Pass {
    fn drop(&mut self) {
        let mut room = self.0.room.lock().unwrap_or_else(PoisonError::into_inner);
        *room = room.filter(|_| !std::thread::panicking()).map(|left| left + 1);
        self.0.freed.notify_one();
    }
}

/// What is under way, with its number.
struct Numbered<T> {
    number: u64,
    what: T,
    pass: Pass,
}

/// What has come so far, for whoever waits.
#[derive(Default)]
struct Arrived {
    bytes: AtomicU64,
    /// Lines of a live stream: they come long before their block is full.
    lines: AtomicU64,
}

/// A stream that tells what has come.
struct Told<'a> {
    stream: &'a mut dyn Stream,
    arrived: &'a Arrived,
    /// Bytes of the files on disk before this one.
    before: u64,
    live: bool,
}

impl Read for Told<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.arrived.bytes.store(self.before + self.stream.consumed(), Ordering::Relaxed);
        if self.live {
            let lines = memchr::memchr_iter(b'\n', &buffer[..read]).count() as u64;
            self.arrived.lines.fetch_add(lines, Ordering::Relaxed);
        }
        Ok(read)
    }
}

/// The thread that reads.
struct Feeder<'a> {
    work: SyncSender<Numbered<Block>>,
    gate: Arc<Gate>,
    next: u64,
    options: &'a Options,
    stop: &'a AtomicBool,
    arrived: &'a Arrived,
    /// Bytes of the files on disk that are done.
    before: u64,
    /// What was read of each source, but for what is counted.
    done: Vec<(usize, SourceTotals)>,
}

impl Feeder<'_> {
    fn run(&mut self, feed: Feed<'_>) {
        match feed {
            Feed::Live(stream) => self.source(0, stream, None, true),
            Feed::Gathered(gathered) => {
                let stop = self.stop;
                for file in gathered.on_disk() {
                    let each = |source: usize, reader: Result<&mut Reader<'_>, InputError>| {
                        let modified_ms = gathered.sources[source].modified_ms;
                        match reader {
                            Ok(reader) => self.source(source, reader, modified_ms, false),
                            Err(error) => self.finish(source, Arc::default(), 0, vec![error.to_string()]),
                        }
                        if stop.load(Ordering::Relaxed) { Err(()) } else { Ok(()) }
                    };
                    if file.for_each_source(&gathered.sources, stop, each).is_err() {
                        return;
                    }
                    self.before += file.bytes;
                }
            }
        }
    }

    /// Reads a source to its end; what goes wrong on the way is one of its notes.
    fn source(&mut self, source: usize, reader: &mut dyn Stream, modified_ms: Option<i64>, live: bool) {
        let reference = Reference::at(reference_ms(modified_ms, self.options.now_ms));
        let mut filler = Filler::new(live);
        let mut told = Told { stream: reader, arrived: self.arrived, before: self.before, live };
        let mut layout: Option<Arc<Layout>> = None;
        let mut notes = Vec::new();
        loop {
            let mut bytes = match filler.fill(&mut told) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => break,
                Err(error) => {
                    notes.push(InputError::io("the rest of it", error).to_string());
                    break;
                }
            };
            let layout = layout.get_or_insert_with(|| Arc::new(learn_layout(&bytes, reference)));
            filler.keep_back(&mut bytes, |line| Heads::begins(layout, reference, line));
            let block = Block { source, layout: Arc::clone(layout), reference, bytes, raw: filler.raw };
            if (!live && self.stop.load(Ordering::Relaxed)) || !self.send(block) {
                break;
            }
        }
        notes.extend(told.stream.remarks());
        self.finish(source, layout.unwrap_or_default(), filler.long_lines, notes);
    }

    /// Whether there is still someone who counts it.
    fn send(&mut self, block: Block) -> bool {
        let Some(pass) = self.gate.enter() else { return false };
        let number = self.next;
        self.next += 1;
        self.work.send(Numbered { number, what: block, pass }).is_ok()
    }

    fn finish(&mut self, source: usize, layout: Arc<Layout>, long_lines: u64, notes: Vec<String>) {
        self.done.push((source, SourceTotals { layout, long_lines, notes, ..SourceTotals::default() }));
    }
}

pub(super) fn learn_layout(bytes: &[u8], reference: Reference) -> Layout {
    let all: Vec<&[u8]> = lines(bytes).map(|place| &bytes[place]).filter(|line| !line.is_empty()).collect();
    let step = (all.len() / SAMPLE_LINES).max(1);
    let sample: Vec<&[u8]> = all.into_iter().step_by(step).collect();
    Layout::learn(&sample, reference)
}

/// Scans all of it; `progress` is told how far it is, at the caller's own thread. Where
/// the flag is raised it ends with what was read so far.
pub(super) fn scan(
    feed: Feed<'_>,
    options: &Options,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&Progress),
) -> Totals {
    let of = match &feed {
        Feed::Gathered(gathered) => gathered.bytes_on_disk(),
        Feed::Live(_) => 0,
    };
    let arrived = Arrived::default();
    let mut totals = Totals::default();
    std::thread::scope(|scope| {
        let (work, blocks) = sync_channel::<Numbered<Block>>(WAITING);
        let (results, counted) = sync_channel::<Numbered<Counted>>(WAITING);
        let blocks = Arc::new(Mutex::new(blocks));
        for _ in 0..options.threads.max(1) {
            let (blocks, results) = (Arc::clone(&blocks), results.clone());
            scope.spawn(move || work_on(&blocks, &results));
        }
        drop((results, blocks));
        let mut feeder = Feeder {
            work,
            gate: Gate::of(UNDER_WAY * options.threads.max(1)),
            next: 0,
            options,
            stop,
            arrived: &arrived,
            before: 0,
            done: Vec::new(),
        };
        let reading = scope.spawn(move || {
            feeder.run(feed);
            feeder.done
        });
        merge(&counted, &mut totals, &Patience::new(stop), |totals, templates| {
            let bytes = arrived.bytes.load(Ordering::Relaxed);
            let lines = totals.lines().max(arrived.lines.load(Ordering::Relaxed));
            let errors = totals.loud();
            progress(&Progress { bytes, of, lines, errors, templates });
        });
        for (source, read) in reading.join().unwrap_or_default() {
            let SourceTotals { layout, long_lines, notes, .. } = read;
            let own = totals.source(source);
            (own.layout, own.long_lines, own.notes) = (layout, long_lines, notes);
        }
    });
    totals
}

fn work_on(blocks: &Mutex<Receiver<Numbered<Block>>>, results: &SyncSender<Numbered<Counted>>) {
    loop {
        let next = blocks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Numbered { number, what, pass }) = next else { return };
        if results.send(Numbered { number, what: count(what), pass }).is_err() {
            return;
        }
    }
}

/// Merges blocks in their order as they come.
fn merge(
    counted: &Receiver<Numbered<Counted>>,
    totals: &mut Totals,
    patience: &Patience<'_>,
    mut tell: impl FnMut(&Totals, usize),
) {
    let mut waiting: BTreeMap<u64, Numbered<Counted>> = BTreeMap::new();
    let mut next = 0;
    let mut told: Option<Instant> = None;
    let mut templates = (0, 0);
    loop {
        match counted.recv_timeout(PROGRESS_EVERY) {
            Ok(block) => drop(waiting.insert(block.number, block)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        while let Some(block) = waiting.remove(&next) {
            totals.take(block.what, patience);
            next += 1;
        }
        if told.is_none_or(|told| told.elapsed() >= PROGRESS_EVERY) {
            let held = totals.miner.held();
            if held != templates.0 && held <= FEW_SHAPES {
                templates = (held, totals.miner.count(patience));
            }
            tell(totals, if held <= FEW_SHAPES { templates.1 } else { held });
            told = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_under_way_than_there_is_room_for() {
        let gate = Gate::of(2);
        let (first, second) = (gate.enter().unwrap(), gate.enter().unwrap());
        let entered = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let third = scope.spawn(|| {
                let pass = gate.enter();
                entered.store(true, Ordering::Relaxed);
                pass.is_some()
            });
            std::thread::sleep(Duration::from_millis(50));
            assert!(!entered.load(Ordering::Relaxed));
            drop(first);
            assert!(third.join().unwrap());
        });
        drop(second);
        assert_eq!(*gate.room.lock().unwrap(), Some(2));
    }

    #[test]
    fn who_waits_for_a_thread_that_failed_waits_no_more() {
        let gate = Gate::of(1);
        let pass = gate.enter().unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| gate.enter().is_none());
            let failing = scope.spawn(move || {
                let _pass = pass;
                std::panic::resume_unwind(Box::new("a test"));
            });
            assert!(failing.join().is_err() && waiting.join().unwrap());
        });
    }
}
