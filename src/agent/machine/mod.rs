//! The state machine of a conversation: what the person does is in `person`, what
//! comes back from the store and the readers in `world`, what the worker says in
//! `worker`; branches are in `tree`, other answers in `compare`, titles in `title`.

mod act;
mod answer;
mod compact;
mod compare;
mod person;
mod shelf;
mod state;
#[cfg(test)]
mod tests;
mod title;
mod tree;
mod worker;
mod world;

pub use compare::Comparison;
use state::Leaving;
pub use state::{Agent, Chip, ChipState, EngineState, Notice, NoticeLevel, Step, Turn};

use super::{Ask, Effect, Event, Shelving, Stamp};
use crate::attachment::Senses;
use crate::message::{Message, MessageId, Part, Role, Status};
use person::title_of;

/// The number of the message that is still being written; no stored one has it.
const DRAFT: MessageId = MessageId(0);

/// The width of a session's title in terminal columns.
const TITLE_COLUMNS: usize = 60;

/// What an agent goes by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// The probability under which a word is marked in an answer.
    pub unsure_below: f32,
    /// The most calls of tools in a turn.
    pub most_steps: usize,
    /// A model that hears gets recordings themselves, besides their transcripts.
    pub send_sound: bool,
    /// The model gives a conversation its title.
    pub titles: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { unsure_below: 0.5, most_steps: 12, send_sound: false, titles: false }
    }
}

impl Agent {
    /// A new, empty conversation.
    pub fn new(rules: Rules) -> Self {
        let Rules { unsure_below, most_steps, send_sound, titles } = rules;
        Self { unsure_below, most_steps, send_sound, titles, ..Self::default() }
    }

    /// Takes what happened and says what is to be done.
    pub fn handle(&mut self, event: Event, at: Stamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.give_way(&event, &mut effects);
        match event {
            Event::Attach(given) => self.attach(given, &mut effects),
            Event::Detach(ticket) => self.detach(ticket, at, &mut effects),
            Event::Remove { message, part } => self.remove(message, part, &mut effects),
            Event::Pin { message, part } => self.pin(message, part, &mut effects),
            Event::Compact => self.compact(&mut effects),
            Event::AcceptSummary(text) => self.accept_summary(&text, at, &mut effects),
            Event::DropSummary => self.drop_summary(&mut effects),
            Event::UndoSummary => self.undo_summary(&mut effects),
            Event::Submit(text) => self.submit(text, at, &mut effects),
            Event::Cancel => self.cancel(&mut effects),
            Event::Retry => self.retry(at, &mut effects),
            Event::Edit(message) => self.edit(message, &mut effects),
            Event::StopEditing => self.stop_editing(&mut effects),
            Event::GoTo(message) => self.go_to(message, &mut effects),
            Event::Compare(name) => self.compare(name, at, &mut effects),
            Event::Choose(version) => self.choose(version, &mut effects),
            Event::EndComparison => self.end_comparison(&mut effects),
            Event::NewSession => self.new_session(&mut effects),
            Event::OpenSession(id) => self.open_session(id, &mut effects),
            Event::ListSessions(words) => {
                self.sought = words;
                self.shelve(Shelving::List, &mut effects);
            }
            Event::RemoveSession(id) => self.remove_session(id, &mut effects),
            Event::RestoreSession => self.restore_session(&mut effects),
            Event::RenameSession(title) => self.rename_session(title, &mut effects),
            Event::TagSession(tags) => self.tag_session(tags, &mut effects),
            Event::UseModel(name) => self.use_model(name, &mut effects),
            Event::Export(path) => self.export(path, &mut effects),
            Event::Bundle(path) => self.show_bundle(path, &mut effects),
            Event::WriteBundle => self.write_bundle(&mut effects),
            Event::DismissNotices => self.notices.clear(),
            Event::Decide(choice) => self.decide(choice, at, &mut effects),
            Event::ListTools => effects.push(Effect::ListTools),
            Event::RestartServer(name) => effects.push(Effect::RestartServer(name)),
            Event::Revoke(allowed) => effects.push(Effect::Revoke(allowed)),
            Event::Leave => self.leave_percept(&mut effects),

            Event::Taking { ticket, says } => self.taking(ticket, says),
            Event::Taken { ticket, result } => self.taken(ticket, result, at, &mut effects),
            Event::Stored { session, message } => self.stored(session, message, at, &mut effects),
            Event::StoreFailed { message, why } => self.store_failed(message, why, at, &mut effects),
            Event::Opened(session) => self.opened(*session, &mut effects),
            Event::Listed(sessions) => self.sessions = sessions,
            Event::Entitled { session, title } => self.entitled(session, title),
            Event::ModelFound(model) => self.model_found(*model, &mut effects),
            Event::ModelMissing(why) => self.model_missing(why),
            Event::Failed(why) => self.say(NoticeLevel::Error, why),
            Event::Done(what) => self.say(NoticeLevel::Info, what),
            Event::Worker(event) => self.worker(event, at, &mut effects),
            Event::Judged { id, plan } => self.judged(&id, *plan, at, &mut effects),
            Event::ToolEnded { id, ran } => self.tool_ended(&id, ran, at, &mut effects),
            Event::ToolsListed(tools) => self.tools_listed(*tools),
            Event::Tick { says } => {
                self.store_answer_so_far(&mut effects);
                self.step_goes_on(says, at);
            }
        }
        self.settle(&mut effects);
        effects
    }

    /// What the person does comes before a title, and ends a choice that was not made.
    fn give_way(&mut self, event: &Event, effects: &mut Vec<Effect>) {
        if !event.comes_first() {
            return;
        }
        self.stop_titling(effects);
        let leaves_open = matches!(
            event,
            Event::Choose(_) | Event::Leave | Event::Attach(_) | Event::Detach(_) | Event::Cancel
        );
        if !leaves_open && self.comparison.as_ref().is_some_and(|comparison| comparison.ready) {
            self.comparison = None;
        }
    }

    /// Whether a message can't be sent now because another one is being answered.
    pub fn busy(&self) -> bool {
        match self.turn {
            Turn::Idle | Turn::Prefilling { .. } => false,
            Turn::Sending { .. } | Turn::Answering { .. } | Turn::Acting { .. } | Turn::Compacting { .. } => {
                true
            }
        }
    }

    /// Whether the model reads what came of its calls: one of single questions doesn't.
    pub fn reads_results(&self) -> bool {
        self.model.as_ref().is_none_or(|model| model.turns == crate::catalogue::Turns::All)
    }

    /// The words of the newest answer, each with the least probability of its tokens.
    pub fn words(&self) -> impl Iterator<Item = (crate::message::Span, f32)> {
        self.answer.words()
    }

    /// What the model that is loaded is given besides text.
    pub fn senses(&self) -> Senses {
        match &self.engine {
            EngineState::Ready(info) => Senses { eyes: info.vision, ears: info.hearing && self.send_sound },
            _ => Senses::default(),
        }
    }

    /// Where what is sent leaves this machine to: the host and port of a server elsewhere.
    pub fn leaves_to(&self) -> Option<&str> {
        let EngineState::Ready(info) = &self.engine else { return None };
        info.server.as_ref().filter(|server| server.elsewhere).map(|server| server.address.as_str())
    }

    /// Why no model will come that could answer, in words for the screen; `None` while
    /// there is hope.
    pub fn hopeless(&self) -> Option<String> {
        match &self.engine {
            EngineState::Down { reason, restarting: false } => Some(format!(
                "The model's worker is not running ({reason}). Your message is kept; /retry starts it again."
            )),
            EngineState::Empty if self.unreached && !self.finding => Some(
                "The server can't be used. Your message is kept; /retry and the next message try it again."
                    .to_owned(),
            ),
            _ if self.model.is_none() && !self.finding => Some(
                "No model is loaded. Choose one with /model; your message is kept, /retry asks it."
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// Whether percept may end: nothing is waited for after [`Event::Leave`].
    pub fn left(&self) -> bool {
        let runs = matches!(self.turn, Turn::Acting { step: Step::Running { .. }, .. });
        self.leaving == Leaving::Done && self.storing == 0 && !runs
    }

    fn say(&mut self, level: NoticeLevel, text: impl Into<String>) {
        let notice = Notice { level, text: text.into() };
        if self.notices.last() != Some(&notice) {
            self.notices.push(notice);
        }
    }

    /// A request's number; unique for as long as the program runs, so that what a dead
    /// worker said is never taken for an answer of the next one.
    fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Writes messages of the transcript, with those that could not be written before.
    fn store(&mut self, id: MessageId, effects: &mut Vec<Effect>) {
        self.unstored.insert(id);
        self.store_rest(effects);
    }

    /// Writes what is not known to be on disk, the last message at last: it is the one that is
    /// waited for.
    fn store_rest(&mut self, effects: &mut Vec<Effect>) {
        let all = self.transcript.iter().chain(&self.beside);
        let mut messages: Vec<Message> =
            all.filter(|message| self.unstored.contains(&message.id)).cloned().collect();
        if !messages.is_empty() {
            self.storing += 1;
            let head = self.transcript.last().map(|message| message.id);
            messages.sort_by_key(|message| (Some(message.id) == head, message.id));
            effects.push(Effect::Store { session: self.session, title: self.title.clone(), messages, head });
        }
    }

    /// Evaluates what is certain of the next prompt while the person types.
    fn prefill(&mut self, effects: &mut Vec<Effect>) {
        let ready = matches!(self.engine, EngineState::Ready(_));
        if self.busy() || self.wary || self.leaving != Leaving::No || !ready {
            return;
        }
        self.stop_prefill(effects);
        let mut conversation = self.base().to_vec();
        let parts = parts_of(self.chips.iter().take_while(|chip| !chip.is_taking()));
        if !parts.is_empty() {
            conversation.push(self.user_message(DRAFT, parts, 0));
        }
        // Before the first question it is certain what the model is told of its task and tools.
        if conversation.is_empty() && !self.model.as_ref().is_some_and(|model| model.system_prompt) {
            return;
        }
        let request = self.next_request();
        if self.ask(request, Ask::Prefill, conversation, effects) {
            self.prefilling = Some(request);
            self.turn = Turn::Prefilling { request, progress: None };
        }
    }

    fn stop_prefill(&mut self, effects: &mut Vec<Effect>) {
        if let Some(id) = self.prefilling.take() {
            effects.push(Effect::Cancel { id });
        }
        if matches!(self.turn, Turn::Prefilling { .. }) {
            self.turn = Turn::Idle;
        }
    }

    /// Answers the last message of the transcript, now or as soon as a model is loaded.
    fn answer(&mut self, at: Stamp, effects: &mut Vec<Effect>) {
        let Some(parent) = self.transcript.last().map(|message| message.id) else {
            self.turn = Turn::Idle;
            return;
        };
        if !matches!(self.engine, EngineState::Ready(_)) {
            self.reach_again(effects);
            self.wait_for_engine(parent);
            return;
        }
        let request = self.next_request();
        if !self.ask(request, Ask::Generate, self.transcript.clone(), effects) {
            self.turn = Turn::Idle;
            return;
        }
        let message = MessageId(at.id);
        self.transcript.push(Message {
            id: message,
            parent: Some(parent),
            role: Role::Assistant,
            parts: vec![Part::text("")],
            status: Status::Streaming,
            created_ms: at.ms,
            stats: None,
        });
        // A call of an answer that failed before its end is nobody's.
        self.called = None;
        let measured = self.model.as_ref().and_then(|model| model.unsure_below);
        self.answer = answer::Answer::new(measured.unwrap_or(self.unsure_below));
        self.failure = None;
        self.streamed = 0;
        self.turn = Turn::Answering { request, message, progress: None, stopping: false };
    }

    fn wait_for_engine(&mut self, message: MessageId) {
        self.turn = Turn::Sending { message };
        if let Some(why) = self.hopeless() {
            self.turn = Turn::Idle;
            self.say(NoticeLevel::Error, why);
        }
    }

    fn ask(&mut self, id: u64, ask: Ask, conversation: Vec<Message>, effects: &mut Vec<Effect>) -> bool {
        let Some(model) = self.model.clone() else { return false };
        let senses = self.senses();
        effects.push(Effect::Ask { id, ask, conversation, model: Box::new(model), senses });
        true
    }

    fn user_message(&self, id: MessageId, parts: Vec<Part>, ms: i64) -> Message {
        Message {
            id,
            parent: self.base().last().map(|message| message.id),
            role: Role::User,
            parts,
            status: Status::Complete,
            created_ms: ms,
            stats: None,
        }
    }
}

/// The attachments that could be read, in their order.
fn parts_of<'a>(chips: impl Iterator<Item = &'a Chip>) -> Vec<Part> {
    chips
        .filter_map(|chip| match &chip.state {
            ChipState::Taken { attachment, .. } => Some(Part::attachment((**attachment).clone())),
            ChipState::Taking | ChipState::Reading { .. } | ChipState::Failed { .. } => None,
        })
        .collect()
}
