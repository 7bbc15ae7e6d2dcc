//! What comes back from the store, the readers and the catalogue.

use super::{Agent, ChipState, EngineState, NoticeLevel, Turn};
use crate::agent::{Effect, Stamp};
use crate::attachment::Attachment;
use crate::catalogue::ReadyModel;
use crate::message::MessageId;
use crate::session::{Session, SessionId};

impl Agent {
    /// How far the reading of an attachment is.
    pub(super) fn taking(&mut self, ticket: u64, says: String) {
        if let Some(chip) = self.chip(ticket).filter(|chip| chip.is_taking()) {
            chip.state = ChipState::Reading { says };
        }
    }

    pub(super) fn taken(
        &mut self,
        ticket: u64,
        result: Result<Attachment, String>,
        at: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        let Some(chip) = self.chip(ticket) else {
            return; // It was taken off again in the meantime.
        };
        match result {
            Ok(attachment) => {
                chip.name.clone_from(&attachment.name);
                chip.state =
                    ChipState::Taken { attachment: Box::new(attachment), cached: false, tokens: None };
                self.prefill(effects);
            }
            Err(why) => {
                chip.state = ChipState::Failed { why: why.clone() };
                self.say(NoticeLevel::Error, why);
            }
        }
        self.send_outbox(at, effects);
    }

    pub(super) fn stored(
        &mut self,
        session: SessionId,
        message: MessageId,
        at: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        self.storing = self.storing.saturating_sub(1);
        if !self.shows(message) {
            return; // Of a conversation that was left in the meantime.
        }
        self.session = Some(session);
        self.unsaved = None;
        self.warned = false;
        // What is streamed is stored again and again; only its last version ends that.
        self.unstored.retain(|id| *id > message);
        self.unstored.remove(&message);
        // What is answered again waits for its model, not for the store.
        if self.turn == (Turn::Sending { message }) && !self.waits_for_model() {
            self.answer(at, effects);
        }
    }

    /// The conversation goes on in memory: what was typed stays on the screen, is
    /// answered, and is written with the next message that can be.
    pub(super) fn store_failed(
        &mut self,
        message: MessageId,
        why: String,
        at: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        self.storing = self.storing.saturating_sub(1);
        if !self.shows(message) {
            return self.say(NoticeLevel::Error, format!("The conversation before was not saved: {why}"));
        }
        // An earlier version of it may have been written meanwhile.
        self.unstored.insert(message);
        if self.unsaved.is_none() {
            self.say(NoticeLevel::Error, format!("This conversation is not being saved: {why}"));
        }
        self.unsaved = Some(why);
        if self.turn == (Turn::Sending { message }) && !self.waits_for_model() {
            self.answer(at, effects);
        }
    }

    /// Whether an answer waits for another model that is being looked for.
    fn waits_for_model(&self) -> bool {
        self.comparison.is_some() && self.finding
    }

    fn shows(&self, message: MessageId) -> bool {
        self.transcript.iter().chain(&self.beside).any(|candidate| candidate.id == message)
    }

    pub(super) fn opened(&mut self, session: Session, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self
                .say(NoticeLevel::Error, "A conversation can't be opened while an answer is being written.");
        }
        self.leave(effects);
        self.session = Some(session.summary.id);
        self.title = session.summary.title;
        self.beside = session.tree;
        if let Some(head) = session.head {
            self.show_path(head);
        }
        self.restore(effects);
    }

    /// Brings the conversation's evaluated prompt back, or evaluates it again.
    pub(super) fn restore(&mut self, effects: &mut Vec<Effect>) {
        if !matches!(self.engine, EngineState::Ready(_)) {
            return;
        }
        self.restore_state(effects);
        self.prefill(effects);
    }

    pub(super) fn restore_state(&mut self, effects: &mut Vec<Effect>) {
        if let Some(session) = self.session.filter(|_| !self.wary) {
            let id = self.next_request();
            effects.push(Effect::RestoreState { id, session });
        }
    }

    pub(super) fn model_found(&mut self, model: ReadyModel, effects: &mut Vec<Effect>) {
        self.finding = false;
        if std::mem::take(&mut self.unwanted) {
            return;
        }
        if matches!(self.turn, Turn::Answering { .. } | Turn::Acting { .. } | Turn::Compacting { .. }) {
            return self
                .say(NoticeLevel::Error, "The model can't be changed while an answer is being written.");
        }
        self.model = Some(model);
        self.wary = false;
        match &self.engine {
            EngineState::Empty | EngineState::Ready(_) | EngineState::Loading { .. } => self.load(effects),
            EngineState::Down { .. } => drop(self.start_again(effects)),
            EngineState::Starting => {} // Loaded when it is up.
        }
    }

    pub(super) fn model_missing(&mut self, why: String) {
        self.finding = false;
        if std::mem::take(&mut self.unwanted) {
            return;
        }
        self.say(NoticeLevel::Error, why);
        let compares = self.comparison.as_ref().is_some_and(|comparison| comparison.model.is_some());
        if compares && matches!(self.turn, Turn::Sending { .. }) {
            self.turn = Turn::Idle;
        }
        self.stop_waiting();
    }

    /// A message that is stored and waits for a model that will not come waits no longer.
    pub(super) fn stop_waiting(&mut self) {
        let waits = matches!(self.turn, Turn::Sending { .. }) && self.outbox.is_none();
        if waits && let Some(why) = self.hopeless() {
            self.turn = Turn::Idle;
            if self.unreached {
                self.say(NoticeLevel::Info, why);
            }
        }
    }

    /// Tries a server again that could not be used.
    pub(super) fn reach_again(&mut self, effects: &mut Vec<Effect>) {
        if self.unreached && self.engine == EngineState::Empty {
            self.load(effects);
        }
    }

    /// Loads the chosen model into the worker.
    pub(super) fn load(&mut self, effects: &mut Vec<Effect>) {
        let Some(model) = self.model.clone() else { return };
        if let EngineState::Loading { request, .. } = self.engine {
            effects.push(Effect::Cancel { id: request });
        }
        let request = self.next_request();
        let waiting = matches!(self.engine, EngineState::Down { .. } | EngineState::Starting);
        if !waiting {
            self.engine = EngineState::Loading { request, name: model.name.clone(), done: 0 };
        }
        self.unreached = false;
        self.loaded = None;
        self.nothing_is_cached();
        effects.push(Effect::Load { id: request, model: Box::new(model) });
    }
}
