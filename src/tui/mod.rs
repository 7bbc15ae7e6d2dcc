//! The chat: one transcript, one composer, one status line; panels only when asked for.
//!
//! [`run`] is the one place that waits. What a key means is decided in `app`, what is
//! drawn in `view`, and the conversation in [`crate::agent`]; nothing here decides about
//! it.
//!
//! | module | what it is |
//! | --- | --- |
//! | `app` | the state of the screen, and what keys mean |
//! | `dictate` | what is said: its keys, its text in the composer, its look |
//! | `command`, `complete`, `files`, `history` | what is typed |
//! | `view`, `transcript`, `step`, `panel`, `help`, `preview` | what is drawn |
//! | `log` | the panel of an attached log, and what answers cite |
//! | `find`, `index`, `library` | what was found in the index, how that stands, and what is done for both |
//! | `approval` | the dialog that asks before a call runs |
//! | `attached`, `crop`, `summary` | the panels of what is attached, a part of a picture, a summary |
//! | `ledger`, `speed`, `pick` | what is known of the conversation beside its text |
//! | `markdown`, `table`, `growing`, `highlight`, `wrap`, `restyle`, `theme` | text to styled lines |
//! | `scroll`, `asked` | the choice in a list, and what was asked of another thread |
//! | `terminal`, `copy` | the terminal and the clipboard |

mod app;
mod approval;
mod asked;
mod attached;
mod command;
mod complete;
mod copy;
mod crop;
mod dictate;
mod files;
mod find;
mod growing;
mod help;
mod highlight;
mod history;
mod index;
mod ledger;
mod library;
mod log;
mod markdown;
mod panel;
mod pick;
mod preview;
mod restyle;
mod scroll;
mod speed;
mod step;
mod summary;
mod table;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod transcript;
mod tree;
mod view;
#[cfg(test)]
mod window_tests;
mod wrap;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::EventStream;
use futures_util::StreamExt;
use ratatui_image::picker::Picker;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use crate::agent::Event;
use crate::agent::driver::Driver;
use crate::attachment::AttachmentId;
use crate::dictation::{self, Told};
use crate::digest::LogRecord;
use crate::intake::{self, Clipping, Given};
use crate::retrieval::Status;
use app::{Action, App};
use copy::Copier;
use files::{Files, files_below};
use find::{Confirm, Errand};
use log::{Claim, Standing};
use terminal::{Screen, Signals};

pub use terminal::restore;
pub use theme::Palette;

/// The least time between two frames while an answer streams: more than a screen can show.
const FRAME: Duration = Duration::from_millis(16);

/// How long after the last key the draft is written.
const DRAFT_AFTER: Duration = Duration::from_millis(500);

/// How often it is looked how far indexing is.
const INDEX_EVERY: Duration = Duration::from_secs(1);

/// How the chat looks and what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Colours; without them, modifiers alone.
    pub palette: Palette,
    /// Draw pictures.
    pub pictures: bool,
    /// Take the mouse.
    pub mouse: bool,
    /// A paste of more lines becomes an attachment.
    pub paste_lines: usize,
    /// A paste of more bytes becomes an attachment.
    pub paste_bytes: usize,
    /// Where what was typed is kept; the draft lies beside it.
    pub history: Option<PathBuf>,
    /// How dictation is done; or why it can't be, and what to do: sentences for the screen.
    pub dictation: Result<dictation::Options, String>,
    /// The hosts that get what isn't answered: what is looked for, recordings. Empty: none does.
    pub helpers: Vec<String>,
}

/// How the chat ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The signal that ended it; `None`: the person did.
    pub signal: Option<u8>,
}

/// What was done on another thread.
enum Job {
    Files(Files),
    Preview(AttachmentId, preview::Read),
    /// The picture that is to be cropped.
    ToCrop(AttachmentId, preview::Read),
    /// What came of a crop: it, and what it replaces.
    Cropped(Result<Given, String>, Option<Event>),
    LogRead(AttachmentId, Result<Arc<LogRecord>, String>),
    /// What was looked up in a log, by the question's ticket.
    Looked(u64, Result<log::Looked, String>),
    /// What was looked up in the index, by the question's ticket.
    Found(u64, Result<find::Looked, String>),
    /// A picture of the person's.
    Picture(PathBuf, preview::Read),
    /// What opens something, or why nothing can.
    Errand(Result<Errand, String>),
    /// Whether it was kept that a result is right.
    Confirmed(Confirm, Result<(), String>),
    /// What citations stand for.
    Resolved(Vec<(Claim, Standing)>),
    /// Files of the index for `@`.
    FilesLike(Vec<String>),
    /// What came of a wish about the index, and how it stands then.
    Index(Result<String, String>, Result<Status, String>),
    /// The clipboard, and whether short text of it is typed.
    Clipboard(Result<Clipping, String>, bool),
    /// Words that are likely to be said.
    Likely(Vec<String>),
    /// What was to be copied, and whether it was.
    Copied(String, bool),
}

/// Runs the chat in the terminal until the person leaves.
///
/// # Errors
///
/// The terminal can't be read or written. It is given back in any case.
pub async fn run(driver: &mut Driver, options: Options) -> io::Result<Ended> {
    let mut screen = Screen::take(options.mouse)?;
    let mut signals = Signals::new()?;
    let (jobs, mut done) = mpsc::unbounded_channel();
    let picker = preview::picker(options.pictures);
    let mut chat = Chat {
        app: App::new(options, driver.model_names()),
        copier: Copier::default(),
        jobs,
        picker,
        dictation: None,
        errand: None,
    };
    // The first frame, before anything is waited for.
    screen.draw(|frame| view::draw(frame, &mut chat.app, driver.agent()))?;
    let ended = chat.run(driver, &mut screen, &mut signals, &mut done).await;
    chat.app.history.keep_draft(&chat.app.draft());
    ended
}

struct Chat {
    app: App,
    copier: Copier,
    jobs: UnboundedSender<Job>,
    picker: Option<Picker>,
    /// From the first recording on.
    dictation: Option<dictation::Driver>,
    /// A program that is to get the terminal.
    errand: Option<Errand>,
}

impl Chat {
    async fn run(
        &mut self,
        driver: &mut Driver,
        screen: &mut Screen,
        signals: &mut Signals,
        done: &mut UnboundedReceiver<Job>,
    ) -> io::Result<Ended> {
        let mut keys = EventStream::new();
        let mut next_frame = Instant::now();
        let mut draft_due = None;
        let mut index_due = driver.keeper().map(|_| Instant::now());
        let mut changed = false;
        loop {
            if std::mem::take(&mut self.app.unsaved) {
                draft_due = Some(Instant::now() + DRAFT_AFTER);
            }
            if let Some(errand) = self.errand.take() {
                // It would take what is typed for the other program.
                drop(keys);
                let signal = self.run_errand(errand, driver, screen, signals).await?;
                if signal.is_some() {
                    return Ok(Ended { signal });
                }
                keys = EventStream::new();
                changed = true;
            }
            if changed && Instant::now() >= next_frame {
                self.app.indexed = driver.library().is_some_and(|library| !library.is_empty());
                self.app.follow_tree(driver.agent());
                let wanted = self.app.wanted(driver.agent());
                self.act(wanted, driver, screen)?;
                screen.draw(|frame| view::draw(frame, &mut self.app, driver.agent()))?;
                next_frame = Instant::now() + FRAME;
                changed = false;
            }
            tokio::select! {
                biased;
                signal = signals.next() => return Ok(Ended { signal: Some(signal) }),
                key = keys.next() => {
                    let Some(event) = key.transpose()? else { return Ok(Ended { signal: None }) };
                    if !App::heeds(&event) {
                        continue;
                    }
                    let actions = self.app.handle(event, driver.agent());
                    if self.act(actions, driver, screen)? {
                        return Ok(Ended { signal: None });
                    }
                    // What is typed is shown at once.
                    next_frame = Instant::now();
                    changed = true;
                }
                Some(job) = done.recv() => {
                    let actions = self.done(job, screen);
                    self.act(actions, driver, screen)?;
                    changed = true;
                }
                told = dictated(&mut self.dictation) => {
                    let actions = self.told(told);
                    self.act(actions, driver, screen)?;
                    changed = true;
                }
                () = tokio::time::sleep_until(next_frame), if changed => {}
                () = at(index_due) => {
                    changed |= self.index_goes_on(driver);
                    index_due = Some(Instant::now() + INDEX_EVERY);
                }
                () = at(draft_due) => {
                    self.app.history.keep_draft(&self.app.text());
                    draft_due = None;
                }
                () = driver.next() => {
                    self.app.speed.watch(driver.agent(), std::time::Instant::now());
                    changed = true;
                }
            }
        }
    }

    /// Does what was asked for; true to leave.
    fn act(&mut self, actions: Vec<Action>, driver: &mut Driver, screen: &mut Screen) -> io::Result<bool> {
        for action in actions {
            match action {
                Action::Tell(event) => driver.send(event),
                Action::Copy(text) => self.copy(text),
                Action::ListFiles => {
                    self.job(|| Job::Files(files_below(&std::env::current_dir().unwrap_or_default())));
                }
                Action::ReadClipboard { typed } => self.job(move || {
                    Job::Clipboard(intake::clipboard().map_err(|error| error.to_string()), typed)
                }),
                Action::Preview(id) => {
                    let path = driver.blob(&id);
                    self.job(move || Job::Preview(id, preview::read(&path)));
                }
                Action::ToCrop(id) => {
                    let path = driver.blob(&id);
                    self.job(move || Job::ToCrop(id, preview::read_picture(&path)));
                }
                Action::Crop(cut, replaces) => {
                    let (blobs, options) = (driver.blobs(), driver.intake().clone());
                    self.job(move || {
                        Job::Cropped(crop::cut(&cut, &blobs, &options), replaces.map(|event| *event))
                    });
                }
                Action::ReadLog(id) => {
                    let blobs = driver.blobs();
                    self.job(move || {
                        let read = log::read(&id, &blobs);
                        Job::LogRead(id, read)
                    });
                }
                Action::Look(look) => {
                    let blobs = driver.blobs();
                    self.job(move || Job::Looked(look.ticket, log::look(&look, &blobs)));
                }
                Action::Find(_)
                | Action::Picture(_)
                | Action::Open(_)
                | Action::Confirm(_)
                | Action::Resolve(_)
                | Action::FilesLike(_)
                | Action::Index(_) => self.look_in_index(action, driver),
                Action::Dictate(event) => {
                    let actions = self.dictate(event, driver);
                    if self.act(actions, driver, screen)? {
                        return Ok(true);
                    }
                }
                Action::Suspend => {
                    self.close_microphone(driver, screen)?;
                    screen.suspend()?;
                }
                Action::Redraw => {
                    // For the test of what a panic does to the terminal: no other key leads to one.
                    assert!(std::env::var_os("PERCEPT_TEST_PANIC").is_none(), "PERCEPT_TEST_PANIC is set");
                    screen.redraw()?;
                }
                Action::Quit => return Ok(true),
            }
        }
        Ok(false)
    }

    fn job(&self, work: impl FnOnce() -> Job + Send + 'static) {
        let jobs = self.jobs.clone();
        tokio::task::spawn_blocking(move || drop(jobs.send(work())));
    }

    /// Tries the clipboards that may take their time; the terminal's own comes after.
    fn copy(&mut self, text: String) {
        let copied = self.copier.begin(text.clone());
        let jobs = self.jobs.clone();
        tokio::spawn(async move {
            let copied = tokio::time::timeout(copy::PATIENCE, copied).await;
            jobs.send(Job::Copied(text, matches!(copied, Ok(Ok(true)))))
        });
    }

    /// Closes the microphone while the chat is not to be seen: nobody would see that it is open.
    fn close_microphone(&mut self, driver: &mut Driver, screen: &mut Screen) -> io::Result<()> {
        let told = self.dictation.as_mut().map(dictation::Driver::close).unwrap_or_default();
        let actions = self.told(told);
        self.act(actions, driver, screen).map(drop)
    }

    /// Hands an event to dictation, and has the likely words found where a recording begins.
    fn dictate(&mut self, event: dictation::Event, driver: &Driver) -> Vec<Action> {
        let Ok(options) = &self.app.options.dictation else { return Vec::new() };
        let starts = event == dictation::Event::Start;
        let dictation = self.dictation.get_or_insert_with(|| dictation::Driver::new(options.clone()));
        let told = dictation.send(event);
        if starts {
            let (own, blobs) = (options.vocabulary.clone(), driver.blobs());
            let pieces = dictate::gather(driver.agent());
            self.job(move || Job::Likely(dictate::read(pieces, &own, &blobs)));
        }
        self.told(told)
    }

    /// Takes what dictation tells, and how it looks now.
    fn told(&mut self, told: Vec<Told>) -> Vec<Action> {
        if let Some(dictation) = &self.dictation {
            self.app.dictate.look = dictation.look().clone();
        }
        told.into_iter().flat_map(|told| self.app.dictated(told)).collect()
    }

    /// Takes what was done on another thread.
    fn done(&mut self, job: Job, screen: &mut Screen) -> Vec<Action> {
        match job {
            Job::Files(files) => self.app.files_found(files),
            Job::Clipboard(read, typed) => return self.app.clipboard_came(read, typed),
            Job::Likely(words) => {
                let told = self.dictation.as_mut().map(|one| one.send(dictation::Event::Vocabulary(words)));
                return self.told(told.unwrap_or_default());
            }
            Job::Copied(_, true) => self.app.said = Some("Copied.".to_owned()),
            Job::Copied(text, false) => {
                let copied = copy::by_terminal(&text, screen.writer());
                self.app.said = Some(copied.map_or_else(|why| why, str::to_owned));
            }
            Job::Preview(id, read) => self.preview(&id, read),
            Job::ToCrop(id, read) => {
                let read = drawable(read, self.picker.as_ref());
                self.app.crop_read(&id, read);
            }
            Job::Cropped(cropped, replaces) => return self.app.cropped(cropped, replaces),
            Job::Found(ticket, looked) => self.app.found(ticket, looked),
            Job::Picture(path, read) => {
                let read = drawable(read, self.picker.as_ref());
                if let Some(preview) = self.app.find.picture_read(&path) {
                    preview.loaded(read, self.picker.as_ref().unwrap_or(&Picker::halfblocks()));
                }
            }
            Job::Errand(Ok(errand)) => self.errand = Some(errand),
            Job::Errand(Err(why)) => self.app.said = Some(why),
            Job::Confirmed(confirm, kept) => self.app.confirmed(&confirm, kept),
            Job::Resolved(standings) => self.app.resolved(standings),
            Job::FilesLike(files) => self.app.indexed_files(files),
            Job::Index(done, status) => self.app.index_done(done, status),
            Job::LogRead(id, read) => self.app.log_read(id, read),
            Job::Looked(ticket, looked) => self.app.looked(ticket, looked),
        }
        Vec::new()
    }

    fn preview(&mut self, id: &AttachmentId, read: preview::Read) {
        let Some(preview) = self.app.preview.as_mut().filter(|preview| preview.id == *id) else { return };
        let read = drawable(read, self.picker.as_ref());
        preview.loaded(read, self.picker.as_ref().unwrap_or(&Picker::halfblocks()));
    }
}

/// What was read, where pictures may be drawn.
fn drawable(read: preview::Read, picker: Option<&Picker>) -> preview::Read {
    match (picker, read) {
        (None, preview::Read::Picture(_)) => {
            preview::Read::Failed("Pictures are switched off ([chat] pictures).".to_owned())
        }
        (_, read) => read,
    }
}

/// Waits until dictation has something to tell or to show; forever without it.
async fn dictated(dictation: &mut Option<dictation::Driver>) -> Vec<Told> {
    match dictation {
        Some(dictation) => dictation.next().await,
        None => std::future::pending().await,
    }
}

/// Waits until a time; forever without one.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
