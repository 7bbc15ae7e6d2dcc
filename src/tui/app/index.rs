//! The index in the chat: `/index`, the files that `@` offers from it.

use super::{Action, App};
use crate::indexing::Progress;
use crate::retrieval::Status;
use crate::tui::index::{Wish, wish, words};
use crate::tui::panel::Panel;

/// What is known of the index.
#[derive(Debug, Default)]
pub(in crate::tui) struct Index {
    /// How much there is, once it was read.
    pub(in crate::tui) status: Option<Result<Status, String>>,
    /// How far it is, where somebody keeps it.
    pub(in crate::tui) progress: Option<Progress>,
    /// The letters that were looked for last, for `@`.
    letters: String,
    /// Files with some letters are being looked for.
    looking: bool,
}

impl Index {
    /// How far indexing is, for the status line.
    pub(in crate::tui) fn words(&self) -> Option<String> {
        words(self.progress.as_ref()?)
    }
}

impl App {
    /// `/index …`
    pub(super) fn index_command(&mut self, argument: &str) -> Vec<Action> {
        match wish(argument) {
            Ok(wish) => {
                if wish == Wish::Status {
                    self.panel = Some(Panel::Index { top: 0 });
                }
                vec![Action::Index(wish)]
            }
            Err(how) => {
                self.said = Some(how);
                Vec::new()
            }
        }
    }

    /// Something was done with the index; and how it stands now.
    pub(in crate::tui) fn index_done(
        &mut self,
        done: Result<String, String>,
        status: Result<Status, String>,
    ) {
        self.index.status = Some(status);
        let words = done.unwrap_or_else(|why| why);
        if !words.is_empty() {
            self.said = Some(words);
        }
    }

    /// Whether its panel is open.
    pub(in crate::tui) fn shows_index(&self) -> bool {
        matches!(self.panel, Some(Panel::Index { .. }))
    }

    /// How far indexing is now; whether that is to be drawn.
    pub(in crate::tui) fn index_goes_on(&mut self, progress: Progress) -> bool {
        let shows = self.shows_index();
        let before = self.index.words();
        let changed = self.index.progress.as_ref() != Some(&progress);
        self.index.progress = Some(progress);
        (shows && changed) || self.index.words() != before
    }

    /// The files of the index that are to be looked for: those with the letters of a mention.
    /// One search at a time, so that none is behind what is typed for long.
    pub(super) fn files_wanted(&mut self, mentioned: Option<String>) -> Option<Action> {
        let letters = mentioned.filter(|letters| self.indexed && is_part_of_name(letters))?;
        if self.index.looking || letters == self.index.letters {
            return None;
        }
        self.index.looking = true;
        self.index.letters.clone_from(&letters);
        Some(Action::FilesLike(letters))
    }

    /// Files of the index were found, as `@` offers them.
    pub(in crate::tui) fn indexed_files(&mut self, files: Vec<String>) {
        self.index.looking = false;
        self.files.indexed = files;
        self.recomplete();
    }
}

/// Whether something typed behind `@` is a part of a name, and no path.
fn is_part_of_name(letters: &str) -> bool {
    !letters.is_empty() && !letters.starts_with(['/', '~', '.'])
}
