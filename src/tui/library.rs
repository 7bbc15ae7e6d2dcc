//! What the chat has done with the index, on other threads, and the programs that get the
//! terminal to open what was found.

use std::io;

use super::app::Action;
use super::find::{self, Errand, Shelf};
use super::index::{self, Wish};
use super::terminal::{Screen, Signals};
use super::{Chat, Job, files, preview};
use crate::agent::driver::Driver;

/// The most files of the index that `@` looks through.
const MOST_FILES_LIKE: usize = 50;

/// The number of the signal that Ctrl+C sends.
const INTERRUPT: u8 = 2;

impl Chat {
    /// What has to do with the index, on another thread.
    pub(super) fn look_in_index(&self, action: Action, driver: &Driver) {
        let library = driver.library();
        match action {
            Action::Find(lookup) => {
                self.job(move || Job::Found(lookup.ticket, find::look(&lookup, library.as_deref())));
            }
            Action::Picture(path) => self.job(move || {
                let read = preview::read_picture(&path);
                Job::Picture(path, read)
            }),
            Action::Open(opening) => self.job(move || {
                let variable = |name: &str| std::env::var(name).ok();
                Job::Errand(find::errand(&opening, library.as_deref(), &variable))
            }),
            Action::Confirm(confirm) => self.job(move || {
                let kept = find::confirm(&confirm, library.as_deref());
                Job::Confirmed(confirm, kept)
            }),
            Action::Resolve(claims) => {
                let found = self.app.found_files();
                self.job(move || {
                    let folder = std::env::current_dir().unwrap_or_default();
                    let (library, strict) = (library.as_deref(), !found.is_empty());
                    let shelf = Shelf { found: &found, library, folder: &folder, strict };
                    Job::Resolved(find::resolve(&claims, &shelf))
                });
            }
            Action::FilesLike(letters) => self.job(move || {
                let library = library.filter(|library| !library.is_empty());
                let paths = library.and_then(|library| library.files_like(&letters, MOST_FILES_LIKE).ok());
                let folder = std::env::current_dir().unwrap_or_default();
                let home = std::env::home_dir();
                Job::FilesLike(files::elsewhere(&paths.unwrap_or_default(), &folder, home.as_deref()))
            }),
            Action::Index(wish) => {
                let keeper = driver.keeper();
                self.job(move || {
                    let done = index::grant(&wish, keeper.as_deref());
                    Job::Index(done, index::status(library.as_deref()))
                });
            }
            _ => {}
        }
    }

    /// Looks how far indexing is; whether that is to be drawn.
    pub(super) fn index_goes_on(&mut self, driver: &Driver) -> bool {
        let Some(keeper) = driver.keeper() else { return false };
        let changed = self.app.index_goes_on(keeper.progress());
        if changed && self.app.shows_index() {
            self.look_in_index(Action::Index(Wish::Status), driver);
        }
        changed
    }

    /// Gives the terminal to a program until it ends; the conversation goes on meanwhile. The
    /// signal that ends percept, if one came.
    ///
    /// # Errors
    ///
    /// The terminal can't be written.
    pub(super) async fn run_errand(
        &mut self,
        errand: Errand,
        driver: &mut Driver,
        screen: &mut Screen,
        signals: &mut Signals,
    ) -> io::Result<Option<u8>> {
        let Some((program, arguments)) = errand.words.split_first() else { return Ok(None) };
        self.close_microphone(driver, screen)?;
        screen.lend();
        let mut signal = None;
        match tokio::process::Command::new(program).args(arguments).spawn() {
            Err(error) => {
                let name = program.to_string_lossy();
                self.app.said = Some(format!("{name} can't be run ({error}): set VISUAL, EDITOR or PAGER."));
            }
            Ok(mut child) => loop {
                tokio::select! {
                    biased;
                    // Ctrl+C goes to all that run in the terminal, and is the program's.
                    came = signals.next() => if came != INTERRUPT {
                        signal = Some(came);
                        break;
                    },
                    _ = child.wait() => break,
                    () = driver.next() => {}
                }
            },
        }
        match signal {
            Some(signal) => Ok(Some(signal)),
            None => screen.take_back().map(|()| None),
        }
    }
}
