//! The chat: one transcript, one composer, one status line; panels only when asked for.
//!
//! [`run`] is the one place that waits. What a key means is decided in `app`, what is
//! drawn in `view`, and the conversation in [`crate::agent`]; nothing here decides about
//! it.
//!
//! | module | what it is |
//! | --- | --- |
//! | `app` | the state of the screen, and what keys mean |
//! | `command`, `complete`, `history` | what is typed |
//! | `view`, `transcript`, `panel`, `preview` | what is drawn |
//! | `markdown`, `wrap`, `theme` | text to styled lines |
//! | `terminal`, `copy` | the terminal and the clipboard |

mod app;
mod command;
mod complete;
mod copy;
mod history;
mod markdown;
mod panel;
mod preview;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;
mod transcript;
mod view;
mod wrap;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::EventStream;
use futures_util::StreamExt;
use ratatui_image::picker::Picker;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use crate::agent::driver::Driver;
use crate::attachment::AttachmentId;
use app::{Action, App};
use copy::Copier;
use terminal::{Screen, Signals};

pub use terminal::restore;

/// The least time between two frames while an answer streams: more than a screen can show.
const FRAME: Duration = Duration::from_millis(16);

/// How long after the last key the draft is written.
const DRAFT_AFTER: Duration = Duration::from_millis(500);

/// How the chat looks and what it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Colours; without them, modifiers alone.
    pub colors: bool,
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
}

/// How the chat ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The signal that ended it; `None`: the person did.
    pub signal: Option<u8>,
}

/// What was done on another thread.
enum Job {
    Files(Vec<String>),
    Preview(AttachmentId, preview::Read),
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
    let mut chat =
        Chat { app: App::new(options, driver.model_names()), copier: Copier::default(), jobs, picker };
    // The first frame, before anything is waited for.
    screen.draw(|frame| view::draw(frame, &mut chat.app, driver.agent()))?;
    let ended = chat.run(driver, &mut screen, &mut signals, &mut done).await;
    chat.app.history.keep_draft(&chat.app.text());
    ended
}

struct Chat {
    app: App,
    copier: Copier,
    jobs: UnboundedSender<Job>,
    picker: Option<Picker>,
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
        let mut changed = false;
        loop {
            if changed && Instant::now() >= next_frame {
                screen.draw(|frame| view::draw(frame, &mut self.app, driver.agent()))?;
                next_frame = Instant::now() + FRAME;
                changed = false;
            }
            tokio::select! {
                biased;
                signal = signals.next() => return Ok(Ended { signal: Some(signal) }),
                key = keys.next() => {
                    let Some(event) = key.transpose()? else { return Ok(Ended { signal: None }) };
                    if self.key(event, driver, screen)? {
                        return Ok(Ended { signal: None });
                    }
                    if std::mem::take(&mut self.app.unsaved) {
                        draft_due = Some(Instant::now() + DRAFT_AFTER);
                    }
                    // What is typed is shown at once.
                    next_frame = Instant::now();
                    changed = true;
                }
                Some(job) = done.recv() => {
                    self.done(job);
                    changed = true;
                }
                () = tokio::time::sleep_until(next_frame), if changed => {}
                () = at(draft_due) => {
                    self.app.history.keep_draft(&self.app.text());
                    draft_due = None;
                }
                () = driver.next() => changed = true,
            }
        }
    }

    /// Does what an event of the terminal asks for; true to leave.
    fn key(
        &mut self,
        event: crossterm::event::Event,
        driver: &mut Driver,
        screen: &mut Screen,
    ) -> io::Result<bool> {
        for action in self.app.handle(event, driver.agent()) {
            match action {
                Action::Tell(event) => driver.send(event),
                Action::Copy(text) => {
                    let copied = self.copier.copy(&text, screen.writer());
                    self.app.said = Some(copied.map_or_else(|why| why, str::to_owned));
                }
                Action::ListFiles => self
                    .job(|| Job::Files(complete::files_below(&std::env::current_dir().unwrap_or_default()))),
                Action::Preview(id) => {
                    let path = driver.blob(&id);
                    self.job(move || Job::Preview(id, preview::read(&path)));
                }
                Action::Suspend => screen.suspend()?,
                Action::Redraw => screen.redraw()?,
                Action::Quit => return Ok(true),
            }
        }
        Ok(false)
    }

    fn job(&self, work: impl FnOnce() -> Job + Send + 'static) {
        let jobs = self.jobs.clone();
        tokio::task::spawn_blocking(move || drop(jobs.send(work())));
    }

    fn done(&mut self, job: Job) {
        match (job, &mut self.app.preview) {
            (Job::Files(files), _) => self.app.files_found(files),
            (Job::Preview(id, read), Some(preview)) if preview.id == id => match (&self.picker, read) {
                (None, preview::Read::Picture(_)) => {
                    let off =
                        preview::Read::Failed("Pictures are switched off ([chat] pictures).".to_owned());
                    preview.loaded(off, &Picker::halfblocks());
                }
                (picker, read) => preview.loaded(read, picker.as_ref().unwrap_or(&Picker::halfblocks())),
            },
            (Job::Preview(..), _) => {}
        }
    }
}

/// Waits until a time; forever without one.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
