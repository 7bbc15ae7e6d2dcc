//! Dictation in the chat: what its keys mean, where its text goes, and how it looks.
//!
//! Nothing that is said is ever sent by itself.

mod draw;
mod hold;
mod likely;
#[cfg(test)]
mod tests;
mod text;

use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::app::{Action, App};
use crate::agent;
use crate::dictation::{Event, Look, State, Told};
use hold::Hold;
use text::Dictated;

pub(super) use draw::{mark, rule, shown};
pub(super) use likely::{gather, read};

/// The key, with Ctrl.
const KEY: char = 'r';

/// Dictation as the screen has it.
#[derive(Default)]
pub(super) struct Dictate {
    /// What it does.
    pub(super) look: Look,
    text: Dictated,
    hold: Hold,
}

impl Dictate {
    /// Whether Esc is for it: something is said, or still to come.
    fn goes_on(&self) -> bool {
        self.look.records || self.look.state == State::Settling
    }

    /// Whether an event is the release of its key.
    pub(super) fn is_release(key: &KeyEvent) -> bool {
        // Ctrl may have been released before it.
        key.kind == KeyEventKind::Release && key.code == KeyCode::Char(KEY)
    }

    /// What its keys do, while it goes on.
    pub(super) fn keys(&self) -> Option<&'static str> {
        match self.look.state {
            _ if self.look.records => Some("ctrl+r stop · esc discard · ? help"),
            State::Settling => Some("esc discard · ? help"),
            _ => None,
        }
    }
}

impl App {
    /// Keys of dictation that come before anything else; `None`: not one of them.
    pub(super) fn dictate_key(&mut self, key: KeyEvent, left: bool, at: Instant) -> Option<Vec<Action>> {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let records = self.dictate.look.records;
        match key.code {
            KeyCode::Char(KEY) if ctrl => match self.dictate.hold.press(key.kind, records, at) {
                true => Some(self.dictate_toggle()),
                false => Some(Vec::new()),
            },
            KeyCode::Char(KEY) if key.modifiers.is_empty() && self.dictate.hold.holds_on(key.kind, at) => {
                Some(Vec::new())
            }
            KeyCode::Char('c') if ctrl && self.dictate.goes_on() => Some(self.dictate_leave(left)),
            _ => None,
        }
    }

    /// Esc, where nothing is open that it closes; `None`: not for it.
    pub(super) fn dictate_escape(&self) -> Option<Vec<Action>> {
        self.dictate.goes_on().then(|| vec![Action::Dictate(Event::Discard)])
    }

    /// The key was released.
    pub(super) fn dictate_released(&mut self, at: Instant) -> Vec<Action> {
        match self.dictate.hold.is_down() && self.dictate.hold.release(at) && self.dictate.look.records {
            true => vec![Action::Dictate(Event::Stop)],
            false => Vec::new(),
        }
    }

    /// Starts or stops; says why where that can't be.
    pub(super) fn dictate_toggle(&mut self) -> Vec<Action> {
        match (&self.options.dictation, self.dictate.look.records) {
            (Err(why), _) => vec![Action::Tell(agent::Event::Failed(why.clone()))],
            (Ok(_), true) => vec![Action::Dictate(Event::Stop)],
            (Ok(_), false) => vec![Action::Dictate(Event::Start)],
        }
    }

    /// `/dictate`
    pub(super) fn dictate_command(&mut self, argument: &str) -> Vec<Action> {
        match argument {
            "" => self.dictate_toggle(),
            "off" => vec![Action::Dictate(Event::Close)],
            _ => {
                self.said = Some("/dictate starts and stops; /dictate off closes the microphone.".to_owned());
                Vec::new()
            }
        }
    }

    /// Enter while something is said: it is never sent before one could read it.
    pub(super) fn dictate_enter(&mut self) -> Option<Vec<Action>> {
        match self.dictate.look.state {
            _ if self.dictate.look.records => Some(vec![Action::Dictate(Event::Stop)]),
            State::Settling => {
                self.said = Some("The last words are still to come; Esc discards them.".to_owned());
                Some(Vec::new())
            }
            _ => None,
        }
    }

    /// Ctrl+C while something is said: it stops, and once more leaves.
    fn dictate_leave(&mut self, left: bool) -> Vec<Action> {
        if left {
            return vec![Action::Quit];
        }
        self.leaving = true;
        let said = match self.dictate.look.loading {
            Some(_) => "Stopped; the model is still loading. Ctrl+C once more leaves without your words.",
            None => "Stopped; the last words are still to come. Ctrl+C once more leaves as it is.",
        };
        self.said = Some(said.to_owned());
        vec![Action::Dictate(Event::Stop)]
    }

    /// The text for the draft: with what is being said, which nobody will settle any more.
    pub(super) fn draft(&self) -> String {
        let partial = &self.dictate.look.partial;
        match self.dictate.text.place(&self.composer) {
            Some(place) if !partial.is_empty() => {
                text::with_partial(&self.composer, place, partial).0.lines().join("\n")
            }
            _ => self.text(),
        }
    }

    /// Something was typed: the place of what is said moves with it.
    pub(super) fn dictate_follow(&mut self) {
        self.dictate.text.follow(&self.composer);
    }

    /// Takes what dictation tells.
    pub(super) fn dictated(&mut self, told: Told) -> Vec<Action> {
        let text = &mut self.dictate.text;
        match told {
            Told::Began { take } => text.begin(&self.composer, take),
            Told::Ended { take } => text.end(take),
            Told::Settled { take, text: words } => text.settle(&mut self.composer, take, &words),
            Told::Scratched { take } => drop(text.scratch(&mut self.composer, take)),
            Told::Discarded { take } => {
                let said = match text.discard(&mut self.composer, take) {
                    true => "Discarded; ctrl+u brings it back.",
                    false => "Discarded.",
                };
                self.said = Some(said.to_owned());
            }
            Told::Said(words) => self.said = Some(words),
            Told::Failed(why) => return vec![Action::Tell(agent::Event::Failed(why))],
        }
        self.unsaved = true;
        // What was completed may stand elsewhere now.
        if self.completion.is_some() {
            self.recomplete();
        }
        Vec::new()
    }
}
