//! What the person does.

use std::path::PathBuf;

use super::title::Named;
use super::{Agent, Chip, ChipState, EngineState, Leaving, NoticeLevel, TITLE_COLUMNS, Turn, parts_of};
use crate::agent::{Effect, Stamp};
use crate::intake::Given;
use crate::message::{MessageId, Part};
use crate::session::SessionId;
use crate::text;

/// Said when something has to wait for the answer that is being written.
pub(super) const STOP_FIRST: &str = "An answer is being written. Stop it with Esc first.";

impl Agent {
    pub(super) fn attach(&mut self, given: Given, effects: &mut Vec<Effect>) {
        self.wary = false;
        self.tickets += 1;
        let ticket = self.tickets;
        self.chips.push(Chip { ticket, name: name_of(&given), state: ChipState::Taking });
        effects.push(Effect::Take { ticket, given });
    }

    pub(super) fn detach(&mut self, ticket: u64, at: Stamp, effects: &mut Vec<Effect>) {
        let before = self.chips.len();
        if self.chips.iter().any(|chip| chip.ticket == ticket && chip.is_taking()) {
            effects.push(Effect::StopTaking(ticket));
        }
        self.chips.retain(|chip| chip.ticket != ticket);
        if self.chips.len() != before {
            self.stop_prefill(effects);
            self.prefill(effects);
            // A message may have waited for just this one.
            self.send_outbox(at, effects);
        }
    }

    pub(super) fn remove(&mut self, message: MessageId, part: usize, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        let found = self.transcript.iter_mut().find(|candidate| candidate.id == message);
        let Some(Part::Attachment { removed, .. }) = found.and_then(|message| message.parts.get_mut(part))
        else {
            return self.say(NoticeLevel::Error, "That attachment is not in this conversation.");
        };
        *removed = !*removed;
        self.store(message, effects);
        self.prefill(effects);
    }

    pub(super) fn submit(&mut self, text: String, at: Stamp, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        if text.trim().is_empty() && self.chips.is_empty() {
            return;
        }
        self.notices.clear();
        self.compaction = None;
        self.failure = None;
        self.wary = false;
        self.outbox = Some(text);
        self.turn = Turn::Sending { message: MessageId(at.id) };
        self.send_outbox(at, effects);
    }

    /// Stores the message that was typed, once all its attachments are read.
    pub(super) fn send_outbox(&mut self, at: Stamp, effects: &mut Vec<Effect>) {
        if self.chips.iter().any(Chip::is_taking) {
            return;
        }
        let Some(text) = self.outbox.take() else { return };
        let mut parts = parts_of(self.chips.iter());
        self.pin_as_before(&mut parts);
        if !text.trim().is_empty() {
            parts.push(Part::text(text));
        }
        if parts.is_empty() {
            self.turn = Turn::Idle;
            self.chips.clear();
            return self.say(NoticeLevel::Error, "Nothing was sent: what was attached can't be read.");
        }
        let at = self.keep(self.base().len(), at);
        let editing = self.editing.take();
        let message = self.user_message(MessageId(at.id), parts, at.ms);
        self.steps = 0;
        if self.title.is_empty() {
            self.title = title_of(&message.text(), message.attachments().next().map(|a| a.name.as_str()));
        }
        self.turn = Turn::Sending { message: message.id };
        let id = message.id;
        // What was attached before an edit waits for the next message.
        self.chips = editing.map(|editing| editing.chips).unwrap_or_default();
        self.transcript.push(message);
        self.store(id, effects);
    }

    /// What was pinned in a message that is edited is pinned in the new one.
    fn pin_as_before(&self, parts: &mut [Part]) {
        let edited = self.transcript.iter().find(|message| Some(message.id) == self.editing());
        let pinned = |part: &Part| match part {
            Part::Attachment { attachment, pinned: true, .. } => Some(attachment.id.clone()),
            _ => None,
        };
        let pins: Vec<_> =
            edited.iter().flat_map(|message| message.parts.iter().filter_map(pinned)).collect();
        for part in parts {
            if let Part::Attachment { attachment, pinned, .. } = part {
                *pinned |= pins.contains(&attachment.id);
            }
        }
    }

    pub(super) fn cancel(&mut self, effects: &mut Vec<Effect>) {
        match &mut self.turn {
            Turn::Idle => self.cancel_loading(effects),
            Turn::Prefilling { .. } => self.stop_prefill(effects),
            Turn::Sending { .. } => self.cancel_sending(effects),
            Turn::Acting { .. } => self.cancel_step(effects),
            // The worker has not stopped for the first one: it encodes a picture, or hangs.
            Turn::Answering { stopping: true, .. } | Turn::Compacting { stopping: true, .. } => {
                self.restart_worker(effects);
            }
            Turn::Answering { request, stopping, .. } | Turn::Compacting { request, stopping, .. } => {
                *stopping = true;
                effects.push(Effect::Cancel { id: *request });
                if let Some(id) = self.prefilling.take() {
                    effects.push(Effect::Cancel { id });
                }
            }
        }
    }

    fn restart_worker(&mut self, effects: &mut Vec<Effect>) {
        if !self.killing {
            self.killing = true;
            effects.push(Effect::RestartWorker);
        }
    }

    fn cancel_loading(&mut self, effects: &mut Vec<Effect>) {
        if let EngineState::Loading { request, .. } = self.engine {
            effects.push(Effect::Cancel { id: request });
        }
    }

    fn cancel_sending(&mut self, effects: &mut Vec<Effect>) {
        self.turn = Turn::Idle;
        self.stop_prefill(effects);
        let waits = self.comparison.is_some();
        let said = match self.outbox.take() {
            // The answer before is shown again.
            None if waits => return,
            Some(_) => "Not sent: its attachments were still being read. The text is in the history (Up).",
            None => "The message is kept, unanswered. /retry asks the model.",
        };
        self.say(NoticeLevel::Info, said);
    }

    /// Starts a worker that was given up once more: anything that is sent to it does.
    pub(super) fn start_again(&mut self, effects: &mut Vec<Effect>) -> bool {
        let given_up = matches!(self.engine, EngineState::Down { restarting: false, .. });
        if let EngineState::Down { restarting, .. } = &mut self.engine
            && given_up
        {
            *restarting = true;
            self.load(effects);
        }
        given_up
    }

    pub(super) fn new_session(&mut self, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        if self.may_leave() {
            self.leave(effects);
            self.prefill(effects);
        }
    }

    /// Whether nothing is lost by leaving the conversation; the person is warned once.
    fn may_leave(&mut self) -> bool {
        let Some(why) = self.unsaved.clone().filter(|_| !self.unstored.is_empty() && !self.warned) else {
            return true;
        };
        self.warned = true;
        let said = format!(
            "This conversation is not on disk ({why}) and would be lost. /export PATH writes it elsewhere; the same again leaves it."
        );
        self.say(NoticeLevel::Error, said);
        false
    }

    /// Ends what goes on, and saves the evaluated prompt for the next time.
    pub(super) fn leave_percept(&mut self, effects: &mut Vec<Effect>) {
        // No model is loaded any more for who leaves.
        self.leaving = Leaving::Done;
        self.end_comparison(effects);
        let stops = matches!(
            self.turn,
            Turn::Answering { stopping: true, .. } | Turn::Compacting { stopping: true, .. }
        );
        if self.busy() && !stops {
            self.cancel(effects);
        }
        self.stop_prefill(effects);
        if !self.unstored.is_empty() && self.storing == 0 {
            self.store_rest(effects);
        }
        self.leaving = match self.save_state(effects) {
            Some(request) => Leaving::Saving(request),
            None => Leaving::Done,
        };
    }

    fn save_state(&mut self, effects: &mut Vec<Effect>) -> Option<u64> {
        let (Some(session), EngineState::Ready(_)) = (self.session, &self.engine) else { return None };
        let id = self.next_request();
        effects.push(Effect::SaveState { id, session });
        Some(id)
    }

    /// Empties the conversation; its evaluated prompt is saved for the way back. What is
    /// attached to the unsent message stays.
    pub(super) fn leave(&mut self, effects: &mut Vec<Effect>) {
        self.take_draft_back(effects);
        self.stop_titling(effects);
        self.stop_prefill(effects);
        self.save_state(effects);
        self.wary = false;
        self.warned = false;
        self.unsaved = None;
        self.session = None;
        self.title.clear();
        self.transcript.clear();
        self.beside.clear();
        self.comparison = None;
        self.named = Named::default();
        self.unstored.clear();
        self.notices.clear();
        self.bundle = None;
        self.compaction = None;
        self.full_said = 0;
        self.redacted = crate::redact::Found::default();
        self.ledger = crate::wire::Ledger::default();
    }

    pub(super) fn open_session(&mut self, id: SessionId, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        if self.may_leave() {
            effects.push(Effect::Open(id));
        }
    }

    pub(super) fn use_model(&mut self, name: String, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        self.stop_prefill(effects);
        self.finding = true;
        effects.push(Effect::FindModel(name));
    }

    pub(super) fn export(&mut self, path: PathBuf, effects: &mut Vec<Effect>) {
        if self.transcript.is_empty() {
            return self.say(NoticeLevel::Error, "There is nothing to export yet.");
        }
        effects.push(Effect::Export {
            path,
            title: self.title.clone(),
            conversation: self.transcript.clone(),
        });
    }
}

impl Agent {
    /// Nothing is written before it was shown.
    pub(super) fn show_bundle(&mut self, path: PathBuf, effects: &mut Vec<Effect>) {
        let (Some(session), Some(last)) = (self.session, self.transcript.last()) else {
            return self.say(NoticeLevel::Error, "There is nothing to bundle yet.");
        };
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        self.bundle = Some((path.clone(), last.id));
        self.notices.clear();
        effects.push(Effect::Bundle { session, path, write: false });
    }

    /// Writes what was shown; if the conversation went on since, it is shown anew.
    pub(super) fn write_bundle(&mut self, effects: &mut Vec<Effect>) {
        match self.bundle.take() {
            Some((path, shown)) if self.transcript.last().is_none_or(|last| last.id != shown) => {
                self.show_bundle(path, effects);
            }
            Some((path, _)) => {
                let Some(session) = self.session else { return };
                self.notices.clear();
                effects.push(Effect::Bundle { session, path, write: true });
            }
            None => self.say(NoticeLevel::Error, "/bundle shows first what would be in it."),
        }
    }
}

fn name_of(given: &Given) -> String {
    match given {
        Given::Path(path) => path
            .file_name()
            .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned()),
        Given::Bytes { name, .. } => name.clone(),
        Given::Clipboard => "clipboard".to_owned(),
        Given::Screenshot => "screenshot".to_owned(),
    }
}

/// A session is called after its first question, or after what came without one.
pub(super) fn title_of(question: &str, attachment: Option<&str>) -> String {
    let line = question.lines().map(str::trim).find(|line| !line.is_empty());
    text::end(line.or(attachment).unwrap_or("untitled"), TITLE_COLUMNS)
}
