//! What comes back from the store, the readers and the catalogue.

use super::{Agent, ChipState, EngineState, NoticeLevel, Turn};
use crate::agent::{Effect, Stamp};
use crate::attachment::Attachment;
use crate::catalogue::ReadyModel;
use crate::message::MessageId;
use crate::session::{Session, SessionId};

impl Agent {
    pub(super) fn taken(
        &mut self,
        ticket: u64,
        result: Result<Attachment, String>,
        at: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        let Some(chip) = self.chips.iter_mut().find(|chip| chip.ticket == ticket) else {
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
        if !self.transcript.iter().any(|candidate| candidate.id == message) {
            return; // Of a conversation that was left in the meantime.
        }
        self.session = Some(session);
        self.unsaved = None;
        // What is streamed is stored again and again; only its last version ends that.
        self.unstored.retain(|id| *id > message);
        self.unstored.remove(&message);
        if self.turn == (Turn::Sending { message }) {
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
        if self.unsaved.is_none() {
            self.say(NoticeLevel::Error, format!("This conversation is not being saved: {why}"));
        }
        self.unsaved = Some(why);
        if self.turn == (Turn::Sending { message }) {
            self.answer(at, effects);
        }
    }

    pub(super) fn opened(&mut self, session: Session, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self
                .say(NoticeLevel::Error, "A conversation can't be opened while an answer is being written.");
        }
        self.leave(effects);
        self.transcript = session.path();
        self.session = Some(session.summary.id);
        self.title = session.summary.title;
        self.restore(effects);
    }

    /// Brings the conversation's evaluated prompt back, or evaluates it again.
    pub(super) fn restore(&mut self, effects: &mut Vec<Effect>) {
        if !matches!(self.engine, EngineState::Ready(_)) {
            return;
        }
        if let Some(session) = self.session {
            let id = self.next_request();
            effects.push(Effect::RestoreState { id, session });
        }
        self.prefill(effects);
    }

    pub(super) fn model_found(&mut self, model: ReadyModel, effects: &mut Vec<Effect>) {
        self.finding = false;
        if matches!(self.turn, Turn::Answering { .. }) {
            return self
                .say(NoticeLevel::Error, "The model can't be changed while an answer is being written.");
        }
        self.model = Some(model);
        match &mut self.engine {
            EngineState::Empty | EngineState::Ready(_) | EngineState::Loading { .. } => self.load(effects),
            EngineState::Down { restarting, .. } if !*restarting => {
                *restarting = true;
                self.load(effects);
            }
            EngineState::Starting | EngineState::Down { .. } => {} // Loaded when it is up.
        }
    }

    pub(super) fn model_missing(&mut self, why: String) {
        self.finding = false;
        self.say(NoticeLevel::Error, why);
        if let (Turn::Sending { message }, EngineState::Empty, None) = (&self.turn, &self.engine, &self.model)
        {
            self.wait_for_engine(*message);
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
        self.loaded = None;
        effects.push(Effect::Load { id: request, model: Box::new(model) });
    }
}
