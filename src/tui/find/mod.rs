//! The find panel: what was found in the index last, by the person or by the model, as cards.
//!
//! ```text
//! /find WORDS, or the model's find_documents ─▶ cards ─ enter ─▶ $EDITOR, $PAGER, the picture
//!                                                 └ a, x, y ─▶ into the question, out, right
//! ```
//!
//! It is state alone: what is searched or read is asked for ([`Reply`]) and done on another
//! thread (`work`); which program opens what is in `opening`, what citations stand for in
//! `resolve`, what is drawn in `card` and `draw`.

mod card;
mod draw;
mod opening;
mod resolve;
#[cfg(test)]
mod tests;
mod work;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};

use super::asked::Stop;
use super::preview::Preview;
use super::scroll::Choice;
use crate::attachment::AttachmentId;
use crate::document::Place;
use crate::message::Finding;
use crate::retrieval::{Mode, PassageId, Query, Wanted};

pub(super) use card::{Card, name};
pub(super) use draw::draw;
pub(super) use opening::{Errand, Opening, errand};
pub(super) use resolve::{Shelf, resolve};
pub(super) use work::{Ask, Looked, Lookup, confirm, look, sentence};

/// Results of a search: more are better asked for more narrowly.
const MOST: usize = 20;

/// What a key meant, for whoever owns the panel.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    /// Nothing more.
    Stay,
    /// The panel is left; what was found stays.
    Close,
    /// The help is wanted; the panel stays behind it.
    Help,
    /// This is to be looked up, for [`FindPanel::looked`].
    Look(Lookup),
    /// This is to be opened in another program.
    Open(Opening),
    /// This is to be added to the question.
    Add(Card),
    /// This is to be taken out of the conversation, if it is in it.
    Out(Finding),
    /// That this is right for that is to be kept, or forgotten.
    Confirm(Confirm),
    /// This is to be said.
    Say(String),
}

/// A passage that is right for a query, or is not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Confirm {
    pub(super) query: Query,
    pub(super) passage: PassageId,
    pub(super) right: bool,
}

/// How far a search is.
#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Waiting {
        ticket: u64,
        words: &'static str,
        _stop: Stop,
    },
    Failed(String),
}

/// The panel; what was found last stays in it while it is closed.
#[derive(Default)]
pub(super) struct FindPanel {
    wanted: Option<Wanted>,
    mode: Mode,
    pictures_only: bool,
    /// The model looked for it.
    by_model: bool,
    /// What is being typed to look for.
    typed: Option<String>,
    state: State,
    cards: Vec<Card>,
    notes: Vec<String>,
    choice: Choice,
    /// The first card in sight.
    top: usize,
    /// The picture that is looked at.
    looked_at: Option<PathBuf>,
    pictures: HashMap<PathBuf, Preview>,
    /// The picture that is being read: one at a time.
    reading: Option<PathBuf>,
    /// Citations of what is attached.
    added: HashSet<String>,
    tickets: u64,
}

impl FindPanel {
    /// What the model found for these words. Their texts are read when they are looked at.
    pub(super) fn of_model(words: String, pictures_only: bool, findings: &[Finding]) -> Self {
        Self {
            wanted: Some(Wanted::Words(words)),
            pictures_only,
            by_model: true,
            cards: findings.iter().cloned().map(Card::unread).collect(),
            ..Self::default()
        }
    }

    /// Shows other results; what is still found for these is nobody's.
    pub(super) fn replace(&mut self, other: Self) {
        let tickets = self.tickets;
        *self = Self { tickets, ..other };
    }

    /// Whether something was looked for.
    pub(super) fn is_empty(&self) -> bool {
        self.wanted.is_none()
    }

    /// Looks for words, or for what goes with a picture.
    pub(super) fn search(&mut self, wanted: Wanted) -> Lookup {
        self.wanted = Some(wanted);
        self.by_model = false;
        self.again()
    }

    /// Searches anew: in another way, or only for pictures.
    fn again(&mut self) -> Lookup {
        let query = self.query();
        self.lookup(Ask::Search(query), "searching")
    }

    /// What is to be read before the cards can be shown, if something is.
    pub(super) fn opened(&mut self) -> Option<Lookup> {
        let unread = self.cards.iter().any(|card| card.text.is_none());
        let waits = matches!(self.state, State::Waiting { .. });
        let findings = || self.cards.iter().map(|card| card.finding.clone()).collect();
        let ask = (unread && !waits).then(|| Ask::Read(findings()))?;
        Some(self.lookup(ask, "reading"))
    }

    /// Shows a picture that was cited, large.
    pub(super) fn show_picture(&mut self, path: PathBuf) {
        self.looked_at = Some(path);
    }

    fn lookup(&mut self, ask: Ask, words: &'static str) -> Lookup {
        self.tickets += 1;
        let stop = Stop::default();
        let lookup = Lookup { ticket: self.tickets, ask, stop: Arc::clone(&stop.0) };
        // What was asked before is stopped by this, and no longer waited for.
        self.state = State::Waiting { ticket: self.tickets, words, _stop: stop };
        lookup
    }

    /// Something was looked up; what is of an older search is nobody's.
    pub(super) fn looked(&mut self, ticket: u64, looked: Result<Looked, String>) {
        if !matches!(self.state, State::Waiting { ticket: waited, .. } if waited == ticket) {
            return;
        }
        self.state = State::Idle;
        match looked {
            Ok(Looked { cards, notes, searched }) => {
                if searched {
                    self.choice = Choice::default();
                    self.top = 0;
                    self.pictures.clear();
                    self.looked_at = None;
                }
                (self.cards, self.notes) = (cards, notes);
            }
            Err(why) => self.state = State::Failed(why),
        }
    }

    fn query(&self) -> Query {
        let wanted = self.wanted.clone().unwrap_or_else(|| Wanted::Words(String::new()));
        Query { wanted, mode: self.mode, most: MOST, pictures_only: self.pictures_only, within: None }
    }

    fn chosen(&self) -> Option<&Card> {
        self.cards.get(self.choice.at)
    }

    /// Moves the choice, for the wheel.
    pub(super) fn step(&mut self, by: isize) {
        self.choice.step(by, self.cards.len());
    }

    /// Something is typed that is not a key of the panel.
    pub(super) fn types(&self) -> bool {
        self.typed.is_some()
    }

    /// Text was pasted: it belongs to what is typed, if something is.
    pub(super) fn paste(&mut self, text: &str) {
        if let Some(typed) = &mut self.typed {
            typed.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
        }
    }

    /// What is attached by now, by its names.
    pub(super) fn attached(&mut self, names: HashSet<String>) {
        self.added = names;
    }

    /// That a passage is right was kept, or forgotten.
    pub(super) fn confirmed(&mut self, passage: PassageId, right: bool) {
        for card in self.cards.iter_mut().filter(|card| card.finding.passage == passage.0) {
            card.right = right;
        }
    }

    /// The picture that is to be read next, for [`Self::picture_read`].
    pub(super) fn wanted_picture(&mut self) -> Option<PathBuf> {
        if self.reading.is_some() {
            return None;
        }
        let files = self.cards.iter().filter(|card| card.is_picture_file()).map(|card| &card.finding.path);
        let next =
            self.looked_at.iter().chain(files).find(|path| !self.pictures.contains_key(*path))?.clone();
        self.pictures
            .insert(next.clone(), Preview::loading(AttachmentId::of(next.as_os_str().as_encoded_bytes())));
        self.reading = Some(next.clone());
        Some(next)
    }

    /// A picture was read: what it is shown in, where that is still wanted.
    pub(super) fn picture_read(&mut self, path: &Path) -> Option<&mut Preview> {
        if self.reading.as_deref() == Some(path) {
            self.reading = None;
        }
        self.pictures.get_mut(path)
    }

    /// What a key means.
    pub(super) fn key(&mut self, key: KeyEvent) -> Reply {
        if self.typed.is_some() {
            return self.typing_key(key);
        }
        if self.looked_at.is_some() {
            if matches!(key.code, KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q')) {
                self.looked_at = None;
                return if self.is_empty() { Reply::Close } else { Reply::Stay };
            }
            return Reply::Stay;
        }
        if self.choice.key(key, self.cards.len(), false) {
            return Reply::Stay;
        }
        match key.code {
            KeyCode::Esc if matches!(self.state, State::Waiting { .. }) => {
                self.state = State::Failed("It was stopped.".to_owned());
                Reply::Stay
            }
            KeyCode::Esc | KeyCode::Char('q') => Reply::Close,
            KeyCode::Char('?') => Reply::Help,
            KeyCode::Char('/') => {
                self.typed = Some(String::new());
                Reply::Stay
            }
            KeyCode::Char('m') => {
                self.mode = match self.mode {
                    Mode::Hybrid => Mode::Lexical,
                    Mode::Lexical => Mode::Semantic,
                    Mode::Semantic => Mode::Hybrid,
                };
                self.search_again()
            }
            KeyCode::Char('p') => {
                self.pictures_only = !self.pictures_only;
                self.search_again()
            }
            _ => self.card_key(key),
        }
    }

    fn search_again(&mut self) -> Reply {
        match self.is_empty() {
            true => Reply::Stay,
            false => Reply::Look(self.again()),
        }
    }

    fn typing_key(&mut self, key: KeyEvent) -> Reply {
        let Some(typed) = &mut self.typed else { return Reply::Stay };
        match key.code {
            KeyCode::Char(c) => typed.push(c),
            KeyCode::Backspace => drop(typed.pop()),
            KeyCode::Esc => self.typed = None,
            KeyCode::Enter => {
                let words = self.typed.take().unwrap_or_default();
                if !words.trim().is_empty() {
                    return Reply::Look(self.search(Wanted::Words(words.trim().to_owned())));
                }
            }
            _ => {}
        }
        Reply::Stay
    }

    /// Keys that are about the chosen card.
    fn card_key(&mut self, key: KeyEvent) -> Reply {
        let Some(card) = self.chosen().cloned() else { return Reply::Stay };
        match key.code {
            KeyCode::Enter if card.is_picture_file() => {
                self.looked_at = Some(card.finding.path);
                Reply::Stay
            }
            KeyCode::Enter => Reply::Open(card.opening()),
            KeyCode::Char('a') if self.added.contains(&card.name()) => {
                Reply::Say(format!("{} is attached already; x takes it out.", card.name()))
            }
            KeyCode::Char('a') => Reply::Add(card),
            KeyCode::Char('x') | KeyCode::Delete => {
                self.cards.remove(self.choice.at);
                self.choice.step(0, self.cards.len());
                Reply::Out(card.finding)
            }
            KeyCode::Char('y') => Reply::Confirm(Confirm {
                query: self.query(),
                passage: PassageId(card.finding.passage),
                right: !card.right,
            }),
            _ => Reply::Stay,
        }
    }
}

/// Where a finding stands; one that can't be read stands for all of its file.
pub(super) fn place(finding: &Finding) -> Place {
    finding.place.parse().unwrap_or(Place::Whole)
}
