//! The thread that keeps the index while the chat runs.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::watch::Watch;
use super::{Done, Hands, Lock, Progress, Work, refresh};
use crate::retrieval::{IndexError, Opened, Store};

/// After a change it is waited until no other one came for so long: programs write in pieces.
const CALM: Duration = Duration::from_millis(400);

/// How often it is looked whether another percept added something, or went on.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// How often what is not watched is walked.
const WALK_AGAIN: Duration = Duration::from_secs(300);

/// A walk is repeated after so many times what it took, at the earliest: a big tree that never
/// rests would keep a core busy.
const REST: u32 = 10;

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Call {
    /// Something changed at these paths.
    Changed(Vec<PathBuf>),
    /// Sources were added or taken out, or it goes on.
    Again,
}

/// Keeps the index in the background. Dropping it ends the thread after the file in hand.
pub struct Keeper {
    calls: Sender<Call>,
    stop: Arc<AtomicBool>,
    progress: Arc<Mutex<Progress>>,
    folder: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts it. Nothing is opened before something was added; `watch`: whether changes are
    /// looked for after the first pass.
    pub fn start(hands: Hands, watch: bool) -> Self {
        let (calls, called) = channel();
        let (stop, progress) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::default()));
        let folder = hands.folder.clone();
        let round = Round {
            hands,
            stop: Arc::clone(&stop),
            progress: Arc::clone(&progress),
            watch: watch.then(|| Watch::new(calls.clone())),
        };
        let thread = std::thread::Builder::new().name("index".to_owned()).spawn(move || round.run(&called));
        if let Err(error) = &thread {
            lock(&progress).trouble = Some(format!("The index can't be kept up to date: {error}."));
        }
        Self { calls, stop, progress, folder, thread: thread.ok() }
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        lock(&self.progress).clone()
    }

    /// Adds a folder or a file and begins with it.
    ///
    /// # Errors
    ///
    /// A sentence for the person: it isn't there, the index can't be written.
    pub fn add(&self, path: &Path) -> Result<(), String> {
        let path = absolute(path)?;
        self.change(|store| store.add_source(&path))
    }

    /// Takes a source out with all that came of it.
    ///
    /// # Errors
    ///
    /// A sentence for the person: it is no source, the index can't be written.
    pub fn remove(&self, path: &Path) -> Result<(), String> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        match self.change(|store| store.remove_source(&path))? {
            Some(_) => Ok(()),
            None => Err(format!("{} was not added; /index shows what was.", path.display())),
        }
    }

    /// Pauses it, or lets it go on.
    ///
    /// # Errors
    ///
    /// A sentence for the person: the index can't be written.
    pub fn set_paused(&self, paused: bool) -> Result<(), String> {
        self.change(|store| store.set_paused(paused))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Store) -> Result<T, IndexError>) -> Result<T, String> {
        let sentence = |error: IndexError| format!("{error}.");
        let mut store = Store::open(&self.folder).map_err(sentence)?.store;
        let changed = change(&mut store).map_err(sentence)?;
        let _ = self.calls.send(Call::Again);
        Ok(changed)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.calls.send(Call::Again);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The path of something to add.
///
/// # Errors
///
/// A sentence: it isn't there, or can't be read.
pub fn absolute(path: &Path) -> Result<PathBuf, String> {
    // Links are resolved once, so that a folder is one source by whichever name.
    path.canonicalize().map_err(|error| format!("{} can't be added: {error}.", path.display()))
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the thread works with.
struct Round {
    hands: Hands,
    stop: Arc<AtomicBool>,
    progress: Arc<Mutex<Progress>>,
    watch: Option<Watch>,
}

/// What it waits for.
enum Next {
    /// Everything is walked.
    Walk,
    /// It ends.
    End,
}

impl Round {
    fn run(mut self, calls: &Receiver<Call>) {
        while !self.stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            let sources = self.round();
            if matches!(self.wait(calls, &sources, begun.elapsed()), Next::End) {
                return;
            }
        }
    }

    /// One pass, if there is anything to do and nobody else does it; what was added.
    fn round(&mut self) -> Vec<PathBuf> {
        if !Store::file(&self.hands.folder).exists() {
            return Vec::new();
        }
        let done = self.pass();
        match done {
            Ok(sources) => sources,
            Err(error) => {
                tracing::warn!(%error, "indexing");
                self.tell(Progress { trouble: Some(format!("{error}.")), ..Progress::default() });
                // Tried again when something changes, not every other second.
                Store::open(&self.hands.folder)
                    .and_then(|opened| opened.store.source_paths())
                    .unwrap_or_default()
            }
        }
    }

    fn pass(&mut self) -> Result<Vec<PathBuf>, IndexError> {
        let Opened { mut store, moved_aside } = Store::open(&self.hands.folder)?;
        let folder = &self.hands.folder;
        let held = Lock::wait(folder)
            .map_err(|error| IndexError::Disk { path: folder.join("index.lock"), error })?;
        if held.is_none() {
            self.tell(Progress { work: Work::Elsewhere, ..Progress::default() });
            return store.source_paths();
        }
        if store.is_paused()? {
            self.tell(Progress { work: Work::Paused, ..Progress::default() });
            return store.source_paths();
        }
        let progress = Arc::clone(&self.progress);
        let mut tell = |now: Progress| *lock(&progress) = now;
        let done = refresh(&mut store, &self.hands, None, &self.stop, &mut tell)?;
        if let Some(watch) = &mut self.watch {
            watch.set(&done.folders);
        }
        let work = if store.is_paused()? { Work::Paused } else { Work::Idle };
        let mut at_rest = at_rest(work, &done);
        if let Some(aside) = moved_aside {
            let said = format!("The index was damaged, moved to {}, and made anew.", aside.display());
            at_rest.trouble = Some(said);
        }
        self.tell(at_rest);
        store.source_paths()
    }

    fn tell(&self, progress: Progress) {
        *lock(&self.progress) = progress;
    }

    /// Waits until there is something to do.
    fn wait(&self, calls: &Receiver<Call>, sources: &[PathBuf], took: Duration) -> Next {
        let since = Instant::now();
        let rest = took.saturating_mul(REST);
        let mut changed: Option<Instant> = None;
        let work = lock(&self.progress).work;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Next::End;
            }
            let patience = if changed.is_some() { CALM } else { LOOK_AGAIN };
            match calls.recv_timeout(patience) {
                Ok(Call::Again) => return self.next(),
                Ok(Call::Changed(paths)) if self.concerns(&paths) => changed = Some(Instant::now()),
                Ok(Call::Changed(_)) => {}
                Err(RecvTimeoutError::Disconnected) => return Next::End,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let calm = changed.is_some_and(|at| at.elapsed() >= CALM);
            let unwatched = self.watch.as_ref().is_some_and(|watch| watch.is_partial);
            let late = unwatched && since.elapsed() >= WALK_AGAIN;
            if (calm && since.elapsed() >= rest) || late {
                return self.next();
            }
            // Another percept may have added something, ended, or let it go on.
            if changed.is_none() && self.differs(sources, work) {
                return self.next();
            }
        }
    }

    fn next(&self) -> Next {
        if self.stop.load(Ordering::Relaxed) { Next::End } else { Next::Walk }
    }

    /// Whether a change is of the person's files, and not of percept's own.
    fn concerns(&self, paths: &[PathBuf]) -> bool {
        let own = |path: &PathBuf| self.hands.private.iter().any(|folder| path.starts_with(folder));
        !paths.iter().all(own)
    }

    fn differs(&self, sources_then: &[PathBuf], work: Work) -> bool {
        if !Store::file(&self.hands.folder).exists() {
            return false;
        }
        let Ok(opened) = Store::open(&self.hands.folder) else { return false };
        if opened.moved_aside.is_some() {
            return true;
        }
        let paused = opened.store.is_paused().unwrap_or(false);
        match work {
            Work::Paused => !paused,
            Work::Elsewhere => matches!(Lock::take(&self.hands.folder), Ok(Some(_))),
            _ => opened.store.source_paths().is_ok_and(|now| now != sources_then),
        }
    }
}

/// What is said when a pass is over.
fn at_rest(work: Work, done: &Done) -> Progress {
    Progress { work, skipped: done.skipped, trouble: done.notes.last().cloned(), ..Progress::default() }
}
