//! Another answer to the last question: with the same model, or with another one to compare.
//!
//! The model goes with the answer: who goes on with the old one has the old model again.
//! Where no new answer comes, all is as it was.

use super::person::STOP_FIRST;
use super::{Agent, Leaving, NoticeLevel, Turn};
use crate::agent::{Effect, Stamp};
use crate::catalogue::ReadyModel;
use crate::message::{MessageId, Role};

/// An answer beside another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The question that is answered again.
    pub question: MessageId,
    /// The new answer is there: the person chooses.
    pub ready: bool,
    /// The last message that was shown before.
    pub(super) before: MessageId,
    /// What the new answer follows: the question, or a summary behind it.
    pub(super) end: MessageId,
    /// The model before; `None`: it is not changed, and nobody is asked to choose.
    pub(super) model: Option<Box<ReadyModel>>,
}

impl Comparison {
    /// Two answers to a question that wait for a choice; `before` is what was shown.
    pub fn ready(question: MessageId, before: MessageId) -> Self {
        Self { question, ready: true, before, end: question, model: None }
    }
}

impl Agent {
    /// Answers the last question again.
    pub(super) fn retry(&mut self, at: Stamp, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        let started = self.start_again(effects) || self.unreached;
        self.take_draft_back(effects);
        let Some((_, at)) = self.ask_again(None, at, effects) else {
            self.reach_again(effects);
            let said = match started {
                true => (NoticeLevel::Info, "It is being tried again."),
                false => (NoticeLevel::Error, "There is no question to ask again."),
            };
            return self.say(said.0, said.1);
        };
        self.answer(at, effects);
    }

    /// Answers the last question again with another model, to choose between the answers.
    pub(super) fn compare(&mut self, name: String, at: Stamp, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        let last = self.transcript.iter().rfind(|message| message.summary().is_none());
        if last.is_none_or(|last| last.role == Role::User) {
            return self.say(NoticeLevel::Error, "There is no answer yet that another could stand beside.");
        }
        let Some(model) = self.model.clone() else {
            return self.say(NoticeLevel::Error, "No model is loaded. Choose one with /model first.");
        };
        self.take_draft_back(effects);
        let same = model.name == name;
        let Some((message, at)) = self.ask_again(Some(Box::new(model)), at, effects) else {
            return self.say(NoticeLevel::Error, "There is no question to ask again.");
        };
        if same {
            return self.answer(at, effects);
        }
        self.turn = Turn::Sending { message };
        self.finding = true;
        effects.push(Effect::FindModel(name));
    }

    /// Makes the last question the end of the path, or a summary that was taken behind it: what
    /// the new answer follows.
    fn ask_again(
        &mut self,
        model: Option<Box<ReadyModel>>,
        at: Stamp,
        effects: &mut Vec<Effect>,
    ) -> Option<(MessageId, Stamp)> {
        let place = self.transcript.iter().rposition(|message| message.role == Role::User)?;
        let before = self.transcript.last()?.id;
        let asked = self.transcript.get(place)?.id;
        let next = self.transcript.get(place + 1).map(|next| next.id);
        self.notices.clear();
        self.wary = false;
        self.steps = 0;
        self.compaction = None;
        self.stop_prefill(effects);
        let at = self.keep(place + 1, at);
        let end = self.transcript.last()?.id;
        if self.unstored.contains(&end) {
            self.store_rest(effects);
        }
        // Where the summary stood there before, the answer before follows it too.
        let question = if next == Some(end) { end } else { asked };
        self.comparison = Some(Comparison { question, ready: false, before, end, model });
        Some((end, at))
    }

    /// Looks whether the answer that was asked for again is there, or won't come.
    pub(super) fn settle(&mut self, effects: &mut Vec<Effect>) {
        let Some(comparison) = self.comparison.as_mut().filter(|one| !one.ready) else { return };
        if matches!(self.turn, Turn::Sending { .. } | Turn::Answering { .. } | Turn::Acting { .. }) {
            return;
        }
        let answered = self.transcript.last().is_some_and(|last| last.id != comparison.end);
        match (answered, &comparison.model) {
            (true, Some(_)) if self.leaving == Leaving::No => comparison.ready = true,
            (true, None) => self.comparison = None,
            _ => self.go_back(effects),
        }
    }

    /// Goes on with the answer that begins with this message.
    pub(super) fn choose(&mut self, version: MessageId, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        let end = self.tree().newest_end(version);
        if self.transcript.last().is_none_or(|last| last.id != end) {
            let old = self.comparison.take().and_then(|comparison| comparison.model);
            self.go_to(end, effects);
            return self.use_again(old, effects);
        }
        if self.comparison.take().is_some()
            && let Some(model) = &self.model
        {
            let said = format!("It goes on with this answer, and with {}.", model.name);
            self.say(NoticeLevel::Info, said);
        }
    }

    /// Goes on with what was shown before.
    pub(super) fn end_comparison(&mut self, effects: &mut Vec<Effect>) {
        if self.comparison.as_ref().is_some_and(|comparison| comparison.ready) {
            self.go_back(effects);
        }
    }

    /// Shows what was shown before, and loads the model that was loaded.
    pub(super) fn go_back(&mut self, effects: &mut Vec<Effect>) {
        let Some(comparison) = self.comparison.take() else { return };
        if comparison.before != comparison.end {
            self.head_to(comparison.before, effects);
        }
        // What is still being looked for is not wanted any more.
        if comparison.model.is_some() && std::mem::take(&mut self.finding) {
            self.unwanted = true;
        }
        if self.leaving == Leaving::No {
            self.use_again(comparison.model, effects);
        }
    }

    fn use_again(&mut self, model: Option<Box<ReadyModel>>, effects: &mut Vec<Effect>) {
        let Some(model) = model.filter(|model| self.model.as_ref() != Some(model)) else { return };
        self.say(NoticeLevel::Info, format!("{} is loaded again.", model.name));
        self.stop_prefill(effects);
        self.model = Some(*model);
        self.load(effects);
    }
}
