//! The tree's place in the chat: what is edited, which branch is shown, which answer is kept.

use crossterm::event::{KeyEvent, KeyModifiers};

use super::{Action, App};
use crate::agent::{Agent, Event};
use crate::message::{MessageId, Role};
use crate::tui::panel::Panel;
use crate::tui::tree::{Compare, Reply, TreePanel, answers, flip};

/// The draft that waits while an earlier message is edited.
#[derive(Debug, Clone, Default)]
pub(super) struct Waiting {
    text: String,
    /// The agent edits: when it no longer does, the draft comes back.
    begun: bool,
}

impl App {
    pub(super) fn open_messages(&mut self, words: &str, agent: &Agent) {
        if !agent.transcript.iter().any(|message| message.role == Role::User) {
            self.said = Some("There is no message yet to edit or to go on from.".to_owned());
            return;
        }
        self.tree = Some(TreePanel::messages(agent, words));
        self.panel = Some(Panel::Tree);
    }

    pub(super) fn open_branches(&mut self, agent: &Agent) {
        if agent.transcript.is_empty() {
            self.said = Some("There is no conversation yet that could have branches.".to_owned());
            return;
        }
        self.tree = Some(TreePanel::branches(agent));
        self.panel = Some(Panel::Tree);
    }

    /// Opens the answers to the last question, where there are several.
    pub(super) fn open_answers(&mut self, agent: &Agent) {
        let question = agent.transcript.iter().rfind(|message| message.role == Role::User);
        match question.filter(|question| answers(agent, question.id).len() > 1) {
            Some(question) => self.show_answers(question.id, false, agent),
            None => {
                let said = "The last question has one answer; /compare MODEL has it answered by another.";
                self.said = Some(said.to_owned());
            }
        }
    }

    fn show_answers(&mut self, question: MessageId, asks: bool, agent: &Agent) {
        self.tree = Some(TreePanel::Compare(Compare::of(agent, question, asks)));
        self.panel = Some(Panel::Tree);
    }

    pub(super) fn tree_key(&mut self, key: KeyEvent, agent: &Agent) -> Vec<Action> {
        // No letter with these is one that the panels know.
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return Vec::new();
        }
        let Some(tree) = &mut self.tree else {
            self.panel = None;
            return Vec::new();
        };
        match tree.key(key, agent) {
            Reply::Stay => {}
            Reply::Help => self.show_help(),
            reply => return self.close_tree(reply, agent),
        }
        Vec::new()
    }

    /// Closes the panel as it is: an answer that was asked for and not chosen is not kept.
    pub(super) fn leave_tree(&mut self, agent: &Agent) -> Vec<Action> {
        let reply = match &self.tree {
            Some(TreePanel::Compare(compare)) => compare.left(),
            _ => Reply::Close,
        };
        self.close_tree(reply, agent)
    }

    fn close_tree(&mut self, reply: Reply, agent: &Agent) -> Vec<Action> {
        self.tree = None;
        self.panel = None;
        let event = match reply {
            Reply::GoTo(message) => Event::GoTo(message),
            Reply::Choose(version) => Event::Choose(version),
            Reply::KeepOld => Event::EndComparison,
            Reply::Edit(message) => return self.edit(message, agent),
            Reply::Stay | Reply::Close | Reply::Help => return Vec::new(),
        };
        self.transcript.follow();
        vec![Action::Tell(event)]
    }

    /// Edits the last message of the person's.
    pub(super) fn edit_last(&mut self, agent: &Agent) -> Vec<Action> {
        let last = agent.base().iter().rfind(|message| message.role == Role::User);
        match last.map(|message| message.id) {
            Some(message) => self.edit(message, agent),
            None => {
                self.said = Some("There is no message before that could be edited.".to_owned());
                Vec::new()
            }
        }
    }

    fn edit(&mut self, message: MessageId, agent: &Agent) -> Vec<Action> {
        let Some(found) = agent.transcript.iter().find(|one| one.id == message) else { return Vec::new() };
        if agent.busy() {
            self.said = Some("An answer is being written: Esc stops it.".to_owned());
            return Vec::new();
        }
        if self.waiting.is_none() {
            let text = self.text();
            // It is found there too, should percept die meanwhile.
            self.history.add(&text);
            self.waiting = Some(Waiting { text, begun: false });
        } else {
            self.history.add(&self.text());
        }
        self.set_text(&found.text());
        self.unsaved = true;
        self.transcript.follow();
        vec![Action::Tell(Event::Edit(message))]
    }

    /// Leaves the message as it is; what was changed is in the history.
    pub(super) fn stop_editing(&mut self) -> Vec<Action> {
        self.clear_composer();
        self.said = Some("All is as it was; Up brings back what you changed.".to_owned());
        vec![Action::Tell(Event::StopEditing)]
    }

    /// Shows the version before or after, of the last message that has several.
    pub(super) fn flip(&mut self, by: isize, agent: &Agent) -> Vec<Action> {
        if agent.busy() {
            self.said = Some("An answer is being written: Esc stops it.".to_owned());
            return Vec::new();
        }
        match flip(agent, by) {
            Some(end) => vec![Action::Tell(Event::GoTo(end))],
            None => {
                let several = !agent.beside.is_empty();
                let said =
                    if several { "There is no other version that way." } else { "There is one version." };
                self.said = Some(format!("{said} /branches lists all."));
                Vec::new()
            }
        }
    }

    /// What the agent's state asks for: two answers are there to choose from, or an edit ended
    /// and the draft comes back.
    pub(in crate::tui) fn follow_tree(&mut self, agent: &Agent) {
        match agent.comparison.as_ref().filter(|comparison| comparison.ready) {
            Some(comparison) if self.panel.is_none() => {
                self.show_answers(comparison.question, true, agent);
            }
            None if matches!(&self.tree, Some(TreePanel::Compare(compare)) if compare.asks) => {
                self.tree = None;
                self.panel.take_if(|panel| *panel == Panel::Tree);
            }
            _ => {}
        }
        match (&mut self.waiting, agent.editing()) {
            (Some(waiting), Some(_)) => waiting.begun = true,
            (Some(waiting), None) if waiting.begun => {
                let text = std::mem::take(&mut waiting.text);
                self.waiting = None;
                if self.composer.is_empty() && !text.is_empty() {
                    self.set_text(&text);
                    self.unsaved = true;
                }
            }
            _ => {}
        }
    }
}
