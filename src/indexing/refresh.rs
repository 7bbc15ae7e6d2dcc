//! One pass: what was added is looked through, and the index made to say what is there.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::progress::Pace;
use super::read::{self, Came, Prepared};
use super::walk::{Found, walk};
use super::{Hands, Progress, Work, look};
use crate::document::Place;
use crate::retrieval::{
    Analyser, EmbedRole, FileState, IndexError, Input, Known, PassageId, PassageKind, Skip, Space, Store,
    Unembedded, Words,
};

/// Files that are read and wait to be written: what memory they take is bounded by it.
const QUEUE: usize = 4;

/// How often it is looked whether it should stop.
const POLL: Duration = Duration::from_millis(50);

/// Passages that are asked for at once; a query waits for a batch at most.
const BATCH: usize = 16;

/// Passages without a vector that are looked up at once.
const LOOKED_UP: usize = 512;

/// Files to look at that are looked up at once.
const LOOKED_AT: usize = 16;

/// What is said of a file whose reader panicked.
const BUG: &str = "percept failed on it: a bug in percept, which is in its log";

/// What a pass came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Files that were put into the index or left out anew.
    pub files: u64,
    /// Of these, left out.
    pub skipped: u64,
    /// Files that were taken out, since they are gone.
    pub gone: u64,
    /// Vectors that were found.
    pub vectors: u64,
    /// Files that were looked at or heard.
    pub looked: u64,
    /// It ended before its end: stopped or paused.
    pub unfinished: bool,
    /// What is to be said, a sentence each.
    pub notes: Vec<String>,
    /// The folders that were looked through, to watch.
    pub folders: Vec<PathBuf>,
}

/// Brings the index up to date: all sources, or only these.
///
/// # Errors
///
/// The index can't be written: a full disk, a damaged file. What was done is kept.
pub fn refresh(
    store: &mut Store,
    hands: &Hands,
    only: Option<&[PathBuf]>,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(Progress),
) -> Result<Done, IndexError> {
    let sources: Vec<PathBuf> = store.source_paths()?;
    let mut pass = Pass { store, hands, stop, tell, done: Done::default(), sources };
    let wanted: Vec<PathBuf> = match only {
        None => pass.sources.clone(),
        Some(only) => pass.sources.iter().filter(|source| only.contains(source)).cloned().collect(),
    };
    for source in wanted {
        pass.source(&source)?;
    }
    if pass.done.files > 0 {
        pass.store.merge_words(stop)?;
    }
    // What is written can be found by meaning first; pictures and recordings take long.
    pass.embed()?;
    if pass.look()? {
        pass.embed()?;
    }
    pass.sync();
    Ok(pass.done)
}

struct Pass<'a> {
    store: &'a mut Store,
    hands: &'a Hands,
    stop: &'a AtomicBool,
    tell: &'a mut dyn FnMut(Progress),
    done: Done,
    sources: Vec<PathBuf>,
}

impl Pass<'_> {
    /// Whether it should end here: stopped, or paused by whichever percept.
    fn ends(&mut self) -> Result<bool, IndexError> {
        let ends = self.stop.load(Ordering::Relaxed) || self.store.is_paused()?;
        self.done.unfinished |= ends;
        Ok(ends)
    }

    fn tell(&mut self, work: Work, (done, total): (u64, u64), left_s: Option<u64>, at: Option<&Path>) {
        let (skipped, trouble) = (self.done.skipped, self.done.notes.last().cloned());
        let at = at.map(Path::to_owned);
        (self.tell)(Progress { work, done, total, left_s, at, skipped, trouble });
    }

    fn source(&mut self, source: &Path) -> Result<(), IndexError> {
        if self.ends()? {
            return Ok(());
        }
        let known = self.store.known(source)?;
        let tell = &mut *self.tell;
        let mut each = |done| {
            if done % 256 == 1 {
                tell(Progress { work: Work::Walking, done, ..Progress::default() });
            }
        };
        let walked =
            walk(source, (&self.hands.private, self.hands.options.most_bytes), &known, self.stop, &mut each);
        if walked.missing {
            let said = format!("{} is not there; what is known of it stays.", source.display());
            self.done.notes.push(said);
            return Ok(());
        }
        self.done.notes.extend(walked.unreadable);
        self.done.folders.extend(walked.folders);
        for gone in &walked.gone {
            self.done.gone += self.store.forget(gone)?;
        }
        self.read(source, &walked.changed, &known)
    }

    /// Reads what changed on threads of its own; this one writes.
    fn read(
        &mut self,
        source: &Path,
        changed: &[Found],
        known: &HashMap<PathBuf, Known>,
    ) -> Result<(), IndexError> {
        let (next, halt) = (AtomicUsize::new(0), AtomicBool::new(false));
        let hands = self.hands;
        let hash =
            |path: &Path| known.get(path).map(|known| known.hash.as_str()).filter(|hash| !hash.is_empty());
        std::thread::scope(|threads| {
            let (sender, receiver) = sync_channel(QUEUE);
            for _ in 0..hands.options.threads.clamp(1, changed.len().max(1)) {
                let (sender, next, halt) = (sender.clone(), &next, &halt);
                threads.spawn(move || read_some((source, changed), next, halt, &sender, &hash, hands));
            }
            drop(sender);
            let written = self.write(source, changed, &receiver, &halt);
            // A reader that waits to hand on ends when nobody takes.
            halt.store(true, Ordering::Relaxed);
            drop(receiver);
            written
        })
    }

    fn write(
        &mut self,
        source: &Path,
        changed: &[Found],
        receiver: &Receiver<Read>,
        halt: &AtomicBool,
    ) -> Result<(), IndexError> {
        let pace = Pace::of(changed.iter().map(weight).sum());
        let (mut count, mut weighed) = (0, 0);
        loop {
            let Read { at, came, words } = match receiver.recv_timeout(POLL) {
                Ok(read) => read,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {
                    halt.store(self.stop.load(Ordering::Relaxed), Ordering::Relaxed);
                    continue;
                }
            };
            if let Some(came) = came {
                self.put(source, came, words, &changed[at].path)?;
            }
            (count, weighed) = (count + 1, weighed + weight(&changed[at]));
            let total = changed.len() as u64;
            self.tell(Work::Reading, (count, total), pace.left_s(weighed), Some(&changed[at].path));
            if self.ends()? {
                return Ok(());
            }
        }
    }

    fn put(
        &mut self,
        source: &Path,
        came: Came,
        words: Option<Words>,
        path: &Path,
    ) -> Result<(), IndexError> {
        match came {
            Came::Gone => self.done.gone += self.store.forget(path)?,
            Came::Same(found) => self.store.touch(&found.path, found.bytes, found.modified_ns)?,
            Came::New(prepared) => {
                self.done.files += 1;
                self.done.skipped += u64::from(matches!(prepared.file.state, FileState::Skipped(_)));
                let Prepared { file, passages } = &*prepared;
                match &words {
                    Some(words) => self.store.put_analysed(source, file, passages, words)?,
                    None => self.store.put(source, file, passages)?,
                };
            }
        }
        Ok(())
    }

    /// Finds vectors for what has none.
    fn embed(&mut self) -> Result<(), IndexError> {
        let Ok(embedder) = self.hands.embedder.clone() else { return Ok(()) };
        let space = embedder.space().clone();
        let total = self.store.count_unembedded(&space)?;
        let (pace, mut done) = (Pace::of(total), 0);
        loop {
            let waiting = self.store.unembedded(&space, LOOKED_UP)?;
            if waiting.is_empty() {
                return Ok(());
            }
            for batch in waiting.chunks(BATCH) {
                if self.ends()? {
                    return Ok(());
                }
                let inputs: Vec<Input<'_>> = batch.iter().map(|one| input(one, &space)).collect();
                let vectors = match embedder.embed(EmbedRole::Passage, &inputs, self.stop) {
                    Ok(vectors) if vectors.len() == batch.len() => vectors,
                    Ok(_) => {
                        self.done.notes.push(format!("{} gave too few vectors.", space.name));
                        self.done.unfinished = true;
                        return Ok(());
                    }
                    Err(_) if self.stop.load(Ordering::Relaxed) => continue,
                    Err(why) => {
                        self.done.notes.push(format!("Not all can be found by meaning: {why}"));
                        self.done.unfinished = true;
                        return Ok(());
                    }
                };
                let found: Vec<(PassageId, Vec<f32>)> = batch.iter().map(|one| one.id).zip(vectors).collect();
                self.store.put_vectors(&space, &found)?;
                done += batch.len() as u64;
                self.done.vectors += batch.len() as u64;
                self.tell(Work::Embedding, (done.min(total), total), pace.left_s(done), Some(&batch[0].path));
            }
        }
    }

    /// Brings what finds the nearest vectors in step. What goes wrong is no loss: it is searched
    /// in what is there, and tried again next time.
    fn sync(&mut self) {
        let Some(vectors) = self.hands.vectors.clone().filter(|_| !self.done.unfinished) else { return };
        let tell = &mut *self.tell;
        let mut told = |done, total| {
            tell(Progress { work: Work::Embedding, done, total, ..Progress::default() });
        };
        match self.store.sync(&*vectors, self.stop, &mut told) {
            Ok(()) | Err(IndexError::Stopped) => {}
            Err(error) => self.done.notes.push(format!("{error}.")),
        }
    }

    /// Looks at pictures and hears recordings; whether there were any.
    fn look(&mut self) -> Result<bool, IndexError> {
        let before = self.done.looked;
        if let Some(by) = self.hands.eyes.name() {
            self.look_by(PassageKind::Picture, &by)?;
        }
        if let Some(by) = self.hands.ears_named.clone() {
            self.look_by(PassageKind::Transcript, &by)?;
        }
        Ok(self.done.looked > before)
    }

    fn look_by(&mut self, kind: PassageKind, by: &str) -> Result<(), IndexError> {
        let total = self.store.unseen(kind, by, usize::MAX)?.len() as u64;
        let (pace, mut done) = (Pace::of(total), 0);
        loop {
            let waiting = self.store.unseen(kind, by, LOOKED_AT)?;
            if waiting.is_empty() {
                return Ok(());
            }
            for path in waiting {
                if self.ends()? {
                    return Ok(());
                }
                self.tell(Work::Looking, (done, total), pace.left_s(done), Some(&path));
                self.look_at(kind, by, &path)?;
                done += 1;
            }
        }
    }

    fn look_at(&mut self, kind: PassageKind, by: &str, path: &Path) -> Result<(), IndexError> {
        let source = self
            .sources
            .iter()
            .filter(|source| path.starts_with(source))
            .max_by_key(|one| one.as_os_str().len());
        let (Some(source), Some(found)) = (source.cloned(), look::as_it_is(path)) else {
            self.done.gone += self.store.forget(path)?;
            return Ok(());
        };
        let known = self.store.known(path)?.remove(path);
        let hash = known.map_or_else(String::new, |known| known.hash);
        let (hands, stop) = (self.hands, self.stop);
        let looked = catch_unwind(AssertUnwindSafe(|| match kind {
            PassageKind::Picture => look::picture(&found, by, hands, stop),
            _ => look::recording(&found, hash.clone(), by, hands, stop),
        }));
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let looked = looked.unwrap_or_else(|_| Err(format!("{BUG}.")));
        let prepared = looked.unwrap_or_else(|why| look::in_vain(&found, hash, kind, by, why));
        self.store.put(&source, &prepared.file, &prepared.passages)?;
        self.done.looked += 1;
        Ok(())
    }
}

/// What a file takes to be read, about: its bytes, and something for being a file.
fn weight(found: &Found) -> u64 {
    found.bytes.saturating_add(4096)
}

/// What a reader hands on of a file: what it came to, and its words, if it is new.
struct Read {
    at: usize,
    came: Option<Came>,
    words: Option<Words>,
}

fn read_some<'a>(
    (source, changed): (&Path, &[Found]),
    next: &AtomicUsize,
    halt: &AtomicBool,
    sender: &SyncSender<Read>,
    hash: &(impl Fn(&Path) -> Option<&'a str> + Sync),
    hands: &Hands,
) {
    let mut analyser = Analyser::default();
    while !halt.load(Ordering::Relaxed) {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(found) = changed.get(at) else { return };
        let read = catch_unwind(AssertUnwindSafe(|| {
            let came = read::read(found, hash(&found.path), hands, halt);
            let words = match &came {
                Some(Came::New(new)) => Some(analyser.words(source, &new.file, &new.passages)),
                _ => None,
            };
            Read { at, came, words }
        }));
        let bug = |_| {
            let why = Skip::Unreadable(BUG.to_owned());
            let came = Some(Came::New(Box::new(Prepared::skipped(found, String::new(), why))));
            Read { at, came, words: None }
        };
        if sender.send(read.unwrap_or_else(bug)).is_err() {
            return;
        }
    }
}

fn input<'a>(one: &'a Unembedded, space: &Space) -> Input<'a> {
    // A page of a document is found by the words on it: it is no file of its own.
    match one.kind == PassageKind::Picture && one.place == Place::Whole && space.pictures {
        true => Input::Picture(&one.path),
        false => Input::Text(&one.text),
    }
}
