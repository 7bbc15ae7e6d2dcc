//! Branches: an earlier message is edited, a branch is gone on with.
//!
//! The transcript is one path of the conversation's tree; what is on no way to its last
//! message lies beside it. Nothing is ever deleted: an edited message is a new one with the
//! same parent.

use std::collections::HashMap;

use super::person::STOP_FIRST;
use super::{Agent, Chip, ChipState, NoticeLevel};
use crate::agent::Effect;
use crate::message::{Message, MessageId, Role};
use crate::session::Tree;

/// A message that is being edited.
#[derive(Debug, Clone)]
pub(super) struct Editing {
    /// The message.
    pub(super) message: MessageId,
    /// What was attached to the next message before.
    pub(super) chips: Vec<Chip>,
}

impl Agent {
    /// All messages, those of other branches too.
    pub fn tree(&self) -> Tree<'_> {
        Tree::of(self.transcript.iter().chain(&self.beside))
    }

    /// The message that is being edited: what is sent takes its place on a new branch.
    pub fn editing(&self) -> Option<MessageId> {
        self.editing.as_ref().map(|editing| editing.message)
    }

    /// The messages that the next one follows.
    pub fn base(&self) -> &[Message] {
        let edited = self.editing();
        let end = self.transcript.iter().position(|message| Some(message.id) == edited);
        &self.transcript[..end.unwrap_or(self.transcript.len())]
    }

    /// Takes the messages from this place on out of the path.
    pub(super) fn cut(&mut self, from: usize) {
        self.beside.extend(self.transcript.drain(from..));
    }

    /// Shows the path to a message.
    pub(super) fn show_path(&mut self, end: MessageId) {
        let path: Vec<MessageId> = self.tree().path(end).iter().map(|message| message.id).collect();
        let all = self.transcript.drain(..).chain(self.beside.drain(..));
        let mut all: HashMap<MessageId, Message> = all.map(|message| (message.id, message)).collect();
        self.transcript = path.iter().filter_map(|id| all.remove(id)).collect();
        self.beside = all.into_values().collect();
        self.beside.sort_by_key(|message| message.id);
        self.compaction = None;
        self.nothing_is_cached();
    }

    /// Goes on from a message: it is the last one shown, and is so in the store.
    pub(super) fn go_to(&mut self, message: MessageId, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        let tree = self.tree();
        let Some(found) = tree.get(message) else {
            return self.say(NoticeLevel::Error, "That message is not in this conversation.");
        };
        let (goes_on, asks) = (!tree.after(message).is_empty(), found.role == Role::User);
        if goes_on && (found.call().is_some() || found.role == Role::Tool) {
            let said = "That is in the middle of a turn. Go on from its question or from its answer.";
            return self.say(NoticeLevel::Error, said);
        }
        self.notices.clear();
        self.take_draft_back(effects);
        self.head_to(message, effects);
        match (goes_on, asks) {
            (true, true) => self.say(NoticeLevel::Info, FROM_QUESTION),
            (true, false) => self.say(NoticeLevel::Info, FROM_ANSWER),
            (false, _) => {}
        }
    }

    /// Shows the path to a message and keeps that it is shown.
    pub(super) fn head_to(&mut self, message: MessageId, effects: &mut Vec<Effect>) {
        self.stop_prefill(effects);
        self.show_path(message);
        self.store(message, effects);
        self.prefill(effects);
    }

    /// Edits a message: its attachments are those of the next one.
    pub(super) fn edit(&mut self, message: MessageId, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        let found = self.transcript.iter().find(|one| one.id == message && one.role == Role::User);
        let Some(found) = found else {
            return self.say(NoticeLevel::Error, "Only a message of yours that is shown can be edited.");
        };
        let attachments: Vec<_> = found.attachments().cloned().collect();
        self.take_draft_back(effects);
        let chips = attachments.into_iter().map(|attachment| {
            self.tickets += 1;
            let name = attachment.name.clone();
            let state = ChipState::Taken { attachment: Box::new(attachment), cached: false, tokens: None };
            Chip { ticket: self.tickets, name, state }
        });
        let chips = chips.collect();
        let before = std::mem::replace(&mut self.chips, chips);
        self.editing = Some(Editing { message, chips: before });
        self.stop_prefill(effects);
        self.prefill(effects);
    }

    /// Leaves the message as it is.
    pub(super) fn stop_editing(&mut self, effects: &mut Vec<Effect>) {
        if self.editing.is_some() && !self.busy() {
            self.take_draft_back(effects);
            self.prefill(effects);
        }
    }

    /// Puts away what is edited; what was attached before is there again.
    pub(super) fn take_draft_back(&mut self, effects: &mut Vec<Effect>) {
        let Some(editing) = self.editing.take() else { return };
        self.stop_prefill(effects);
        let dropped = std::mem::replace(&mut self.chips, editing.chips);
        let taking = dropped.iter().filter(|chip| chip.is_taking());
        effects.extend(taking.map(|chip| Effect::StopTaking(chip.ticket)));
    }

    /// A chip of the next message, or of the one that waits for an edit to end.
    pub(super) fn chip(&mut self, ticket: u64) -> Option<&mut Chip> {
        let waiting = self.editing.iter_mut().flat_map(|editing| &mut editing.chips);
        self.chips.iter_mut().chain(waiting).find(|chip| chip.ticket == ticket)
    }
}

/// Said where a branch begins at an answer.
const FROM_ANSWER: &str = "It goes on from here: what you send makes a branch. What came after is kept \
     (/branches).";

/// Said where a branch begins at a question.
const FROM_QUESTION: &str = "It goes on from here: /retry answers this question again, what you send makes a \
     branch. What came after is kept (/branches).";
