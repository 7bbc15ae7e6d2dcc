//! The panels of the tree: the messages to edit or to go on from, the branches, and answers
//! side by side.
//!
//! They keep what is chosen; what there is to choose from is read from the agent each time.

mod compare;
mod draw;
#[cfg(test)]
mod tests;

use crossterm::event::{KeyCode, KeyEvent};

use super::panel::PAGE_ROWS;
use crate::agent::Agent;
use crate::message::{Message, MessageId, Role, Status};
use crate::session::Branch;

pub(super) use compare::{Compare, answers};
pub(super) use draw::draw;

/// Which panel is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TreePanel {
    /// The messages that are shown, newest first.
    Messages(Picker),
    /// The ends of all branches.
    Branches(Picker),
    /// The answers to a question.
    Compare(Compare),
}

/// A list that is filtered by words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Picker {
    pub(super) selected: usize,
    pub(super) words: String,
    /// The words are being typed.
    pub(super) typing: bool,
}

/// What a key comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Stay,
    Close,
    Help,
    /// The panel closes, and the conversation goes on from this message.
    GoTo(MessageId),
    /// The panel closes, and the answer that begins with this message is kept.
    Choose(MessageId),
    /// The panel closes, and the answer that was there before is kept.
    KeepOld,
    /// The panel closes, and this message is edited.
    Edit(MessageId),
}

impl TreePanel {
    /// The messages in which these words stand, the newest of the person's chosen.
    pub(super) fn messages(agent: &Agent, words: &str) -> Self {
        let selected = messages(agent, words).iter().position(|one| one.role == Role::User);
        let selected = selected.unwrap_or(0);
        Self::Messages(Picker { selected, words: words.to_owned(), typing: false })
    }

    /// The branches, the one that is shown chosen.
    pub(super) fn branches(agent: &Agent) -> Self {
        let selected = branches(agent, "").iter().position(|branch| branch.shown).unwrap_or(0);
        Self::Branches(Picker { selected, ..Picker::default() })
    }

    /// Takes a key.
    pub(super) fn key(&mut self, key: KeyEvent, agent: &Agent) -> Reply {
        match self {
            Self::Compare(compare) => compare.key(key, agent),
            Self::Messages(picker) => {
                let rows = messages(agent, &picker.words);
                match picker.key(key, rows.len()) {
                    Picked::Enter => match rows.get(picker.selected) {
                        Some(one) if one.role == Role::User => Reply::Edit(one.id),
                        Some(one) => Reply::GoTo(one.id),
                        None => Reply::Stay,
                    },
                    Picked::Other(KeyCode::Char('g')) => {
                        rows.get(picker.selected).map_or(Reply::Stay, |one| Reply::GoTo(one.id))
                    }
                    picked => picked.reply(),
                }
            }
            Self::Branches(picker) => {
                let rows = branches(agent, &picker.words);
                match picker.key(key, rows.len()) {
                    Picked::Enter => match rows.get(picker.selected) {
                        Some(branch) if branch.shown => Reply::Close,
                        Some(branch) => Reply::GoTo(branch.end),
                        None => Reply::Stay,
                    },
                    picked => picked.reply(),
                }
            }
        }
    }

    /// Moves the choice, or scrolls.
    pub(super) fn step(&mut self, by: isize, agent: &Agent) {
        match self {
            Self::Messages(picker) => picker.step(by, messages(agent, &picker.words).len()),
            Self::Branches(picker) => picker.step(by, branches(agent, &picker.words).len()),
            Self::Compare(compare) => compare.scroll(by),
        }
    }

    /// Text that was pasted.
    pub(super) fn paste(&mut self, text: &str) {
        if let Self::Messages(picker) | Self::Branches(picker) = self
            && picker.typing
        {
            picker.words.extend(text.chars().filter(|c| !c.is_control()));
        }
    }
}

/// What a key is in a list.
enum Picked {
    Done,
    Enter,
    Close,
    Help,
    Other(KeyCode),
}

impl Picked {
    fn reply(&self) -> Reply {
        match self {
            Self::Close => Reply::Close,
            Self::Help => Reply::Help,
            Self::Done | Self::Enter | Self::Other(_) => Reply::Stay,
        }
    }
}

impl Picker {
    fn step(&mut self, by: isize, rows: usize) {
        self.selected = self.selected.saturating_add_signed(by).min(rows.saturating_sub(1));
    }

    fn key(&mut self, key: KeyEvent, rows: usize) -> Picked {
        match key.code {
            KeyCode::Esc if self.typing || !self.words.is_empty() => {
                (self.typing, self.selected) = (false, 0);
                self.words.clear();
            }
            KeyCode::Up => self.step(-1, rows),
            KeyCode::Down => self.step(1, rows),
            KeyCode::PageUp => self.step(-PAGE_ROWS, rows),
            KeyCode::PageDown => self.step(PAGE_ROWS, rows),
            KeyCode::Enter => return Picked::Enter,
            KeyCode::Char(c) if self.typing => {
                self.words.push(c);
                self.selected = 0;
            }
            KeyCode::Backspace if self.typing => {
                self.words.pop();
                self.selected = 0;
            }
            KeyCode::Char('/') => self.typing = true,
            KeyCode::Char('k') => self.step(-1, rows),
            KeyCode::Char('j') => self.step(1, rows),
            KeyCode::Char('?') => return Picked::Help,
            KeyCode::Esc | KeyCode::Char('q') | KeyCode::Tab => return Picked::Close,
            other => return Picked::Other(other),
        }
        Picked::Done
    }
}

/// Whether all the words stand in a text.
fn holds(text: &str, words: &str) -> bool {
    let text = text.to_lowercase();
    words.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// The questions and answers that are shown and hold these words, newest first.
fn messages<'a>(agent: &'a Agent, words: &str) -> Vec<&'a Message> {
    let whole = |message: &&Message| match message.role {
        Role::User => true,
        Role::Assistant => message.call().is_none() && message.status != Status::Streaming,
        Role::System | Role::Tool => false,
    };
    let held = |message: &&Message| {
        let names: Vec<&str> = message.attachments().map(|attachment| attachment.name.as_str()).collect();
        holds(&format!("{} {}", message.text(), names.join(" ")), words)
    };
    agent.transcript.iter().rev().filter(whole).filter(held).collect()
}

/// The branches that begin with these words.
fn branches(agent: &Agent, words: &str) -> Vec<Branch> {
    let head = agent.transcript.last().map(|message| message.id);
    let all = agent.tree().branches(head);
    all.into_iter().filter(|branch| holds(&branch.begins, words)).collect()
}

/// The message to go to for the version `by` places from the one that is shown: of the last
/// message that has several. `None`: none has.
pub(super) fn flip(agent: &Agent, by: isize) -> Option<MessageId> {
    let tree = agent.tree();
    let message = agent.transcript.iter().rev().find(|one| tree.version(one.id).is_some())?;
    let versions = tree.versions(message.id);
    let place = versions.iter().position(|version| *version == message.id)?;
    let to = place.saturating_add_signed(by).min(versions.len() - 1);
    (to != place).then(|| tree.newest_end(versions[to]))
}
