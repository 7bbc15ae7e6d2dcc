//! A summary in place of what was said: asked for, looked at, taken or not, taken back.
//!
//! ```text
//! /compact ─▶ Compacting ─┬─ done ─▶ ready ─┬─ accept ─▶ a message of the path ─▶ undo
//!                ▲        │                 └─ drop
//!                └ does ──┴─ esc, failed ─▶ nothing has changed
//!             not fit: less of it
//! ```
//!
//! Until it is accepted nothing is stored and the conversation is as it was.

use super::person::STOP_FIRST;
use super::{Agent, EngineState, NoticeLevel, Turn};
use crate::agent::compaction::{self, Compaction};
use crate::agent::{Ask, Effect, Stamp};
use crate::message::{Message, MessageId, Part, Role, Status, Summary};
use crate::text;
use crate::wire::{DoneReport, Event, Failure, FailureKind, StopReason};

/// From this part of the context on, in tenths, it is said how full it is.
const FULL_TENTHS: u64 = 8;

/// Why a summary is none any more.
const TAKEN_BACK: &str = "taken back";

/// What can be done about a full window.
const COMPACT: &str = "/compact has the model sum up what was said before; nothing is cut by itself.";

impl Agent {
    /// Has what was said summed up, if that is any use.
    pub(super) fn compact(&mut self, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        let Some(model) = self.model.as_ref().filter(|_| matches!(self.engine, EngineState::Ready(_))) else {
            return self.say(NoticeLevel::Error, "/compact needs a model: /model loads one.");
        };
        if !compaction::is_needed(model.turns) {
            let said = "/compact isn't needed with this model: it gets the last question and picture alone.";
            return self.say(NoticeLevel::Info, said);
        }
        self.notices.clear();
        self.summarise(0, effects);
    }

    fn summarise(&mut self, shortened: usize, effects: &mut Vec<Effect>) {
        let Some(mut compaction) = Compaction::of(&self.transcript, shortened) else {
            self.compaction = None;
            self.turn = Turn::Idle;
            let said = match shortened {
                0 => "There is nothing to sum up yet: the last question and its answer always stay.",
                _ => {
                    "Not even the first question fits: take an attachment out (Tab, d), or load the model with a bigger context."
                }
            };
            return self.say(NoticeLevel::Error, said);
        };
        let (Some(model), senses) = (self.model.clone(), self.senses()) else { return };
        self.stop_prefill(effects);
        compaction.count(&self.ledger, &self.transcript, &model, senses);
        let ask = Ask::Compact { keep: compaction.keep.clone(), pictures: compaction.pictures() };
        let source = compaction.source(&self.transcript);
        let request = self.next_request();
        self.ask(request, ask, source, effects);
        self.turn = Turn::Compacting { request, progress: None, stopping: false };
        self.compaction = Some(compaction);
    }

    /// What the worker says of the summary that it writes.
    pub(super) fn summary_said(&mut self, event: Event, effects: &mut Vec<Effect>) {
        match event {
            Event::Progress { stage, done, total } => self.progress(stage, done, total),
            Event::Ledger(ledger) => {
                let (Some(model), senses) = (self.model.clone(), self.senses()) else { return };
                let path = &self.transcript;
                if let Some(compaction) = &mut self.compaction {
                    let source = compaction.source(path);
                    compaction.count(&ledger, &source, &model, senses);
                }
            }
            Event::Redacted(found) => self.say_redacted(found),
            Event::Token { text, .. } => {
                if let Turn::Compacting { progress, .. } = &mut self.turn {
                    *progress = None;
                }
                if let Some(compaction) = &mut self.compaction {
                    compaction.text.push_str(&text);
                    compaction.tokens += 1;
                }
            }
            Event::Done(report) => self.summary_done(&report, effects),
            Event::Failed(failure) => self.summary_failed(&failure, effects),
            _ => {}
        }
    }

    fn summary_done(&mut self, report: &DoneReport, effects: &mut Vec<Effect>) {
        let stopping = matches!(self.turn, Turn::Compacting { stopping: true, .. });
        match report.stop {
            _ if stopping => return self.no_summary("Nothing was summed up.", effects),
            StopReason::Cancelled => return self.no_summary("Nothing was summed up.", effects),
            // There was no room for all of it.
            StopReason::ContextFull => return self.summarise_less(effects),
            StopReason::Finished | StopReason::MaxTokens | StopReason::ToolCall => {}
        }
        self.turn = Turn::Idle;
        let empty = self.compaction.as_ref().is_none_or(|compaction| compaction.text.trim().is_empty());
        if empty {
            return self.no_summary("The model wrote no summary. /compact asks again.", effects);
        }
        if let Some(compaction) = &mut self.compaction {
            compaction.ready = true;
            compaction.cut = report.stop == StopReason::MaxTokens;
            compaction.text.truncate(compaction.text.trim_end().len());
        }
    }

    fn summary_failed(&mut self, failure: &Failure, effects: &mut Vec<Effect>) {
        let stopping = matches!(self.turn, Turn::Compacting { stopping: true, .. });
        match failure.kind {
            _ if stopping => self.no_summary("Nothing was summed up.", effects),
            FailureKind::ContextOverflow => self.summarise_less(effects),
            _ => {
                self.no_summary("", effects);
                self.say(NoticeLevel::Error, failure.in_words());
            }
        }
    }

    fn summarise_less(&mut self, effects: &mut Vec<Effect>) {
        let shortened = self.compaction.as_ref().map_or(0, |compaction| compaction.shortened);
        self.summarise(shortened + 1, effects);
    }

    /// The conversation stays as it is.
    pub(super) fn no_summary(&mut self, said: &str, effects: &mut Vec<Effect>) {
        self.compaction = None;
        self.turn = Turn::Idle;
        if !said.is_empty() {
            self.say(NoticeLevel::Info, said);
        }
        self.prefill(effects);
    }

    /// Stops the summary, or puts away the one that is there.
    pub(super) fn drop_summary(&mut self, effects: &mut Vec<Effect>) {
        match self.turn {
            Turn::Compacting { .. } => self.cancel(effects),
            _ if self.compaction.is_some() => self.no_summary("Nothing was changed.", effects),
            _ => {}
        }
    }

    /// Takes the summary: from here on it is given instead of what it stands for.
    pub(super) fn accept_summary(&mut self, text: &str, at: Stamp, effects: &mut Vec<Effect>) {
        if self.busy() || text.trim().is_empty() {
            return;
        }
        let Some(compaction) = self.compaction.take_if(|compaction| compaction.ready) else { return };
        let Some(part) = compaction.part(text, &self.transcript) else {
            return self.say(NoticeLevel::Error, "The conversation is another one by now: /compact again.");
        };
        let id = MessageId(at.id);
        self.transcript.push(summary_message(id, self.transcript.last(), part, at.ms));
        self.full_said = 0;
        self.ledger = crate::wire::Ledger::default();
        let said = format!(
            "{} left the window; they stay here. /compact undo takes that back as long as nothing is said behind it.",
            text::counted(compaction.messages as u64, "message", "messages")
        );
        self.say(NoticeLevel::Info, said);
        self.store(id, effects);
        self.prefill(effects);
    }

    /// Takes the last summary back.
    pub(super) fn undo_summary(&mut self, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        let last = self.transcript.last().filter(|last| last.summary().is_some());
        let Some(last) = last.filter(|last| self.tree().after(last.id).is_empty()).map(|last| last.id) else {
            let some = self.transcript.iter().any(|message| message.summary().is_some());
            let said = match some {
                true => "Something was said behind the summary: it can't be taken back any more.",
                false => "There is no summary to take back.",
            };
            return self.say(NoticeLevel::Error, said);
        };
        // It stays among the messages, as one that is no part of the tree any more.
        if let Some(summary) = self.transcript.last_mut() {
            summary.status = Status::Interrupted { why: TAKEN_BACK.to_owned() };
        }
        self.unstored.insert(last);
        self.cut(self.transcript.len() - 1);
        self.notices.clear();
        self.full_said = 0;
        self.ledger = crate::wire::Ledger::default();
        // The store learns by this where the path ends now.
        if let Some(last) = self.transcript.last().map(|message| message.id) {
            self.store(last, effects);
        }
        self.prefill(effects);
    }

    /// Keeps an attachment in the window when its message leaves it, or no longer.
    pub(super) fn pin(&mut self, message: MessageId, part: usize, effects: &mut Vec<Effect>) {
        if self.busy() {
            return self.say(NoticeLevel::Error, STOP_FIRST);
        }
        let found = self.transcript.iter_mut().find(|candidate| candidate.id == message);
        let Some(Part::Attachment { pinned, .. }) = found.and_then(|message| message.parts.get_mut(part))
        else {
            return self.say(NoticeLevel::Error, "That attachment is not in this conversation.");
        };
        *pinned = !*pinned;
        self.store(message, effects);
        // It comes back into the window, or leaves it, where its message has left.
        let left = crate::agent::window::summary_of(&self.transcript)
            .is_some_and(|(_, covered)| self.transcript[..covered].iter().any(|one| one.id == message));
        if left {
            self.prefill(effects);
        }
    }

    /// Keeps so many messages of the path. The last summary behind them that stands for some of
    /// them goes on to stand behind them.
    pub(super) fn keep(&mut self, messages: usize, at: Stamp) -> Stamp {
        let (kept, behind) = self.transcript.split_at(messages.min(self.transcript.len()));
        let holds = |summary: &Summary| kept.iter().any(|message| message.id == summary.last);
        let summary = behind.iter().rfind(|message| message.summary().is_some_and(holds)).cloned();
        self.cut(messages);
        let Some(summary) = summary else { return at };
        let parent = self.transcript.last().map(|message| message.id);
        // It stood there before: with a question that was not answered, or an answer that was not given.
        let same = |one: &Message| one.parent == parent && one.parts == summary.parts && !one.is_taken_back();
        if let Some(place) = self.beside.iter().position(same) {
            let there = self.beside.remove(place);
            self.transcript.push(there);
            return at;
        }
        let id = MessageId(at.id);
        self.transcript.push(Message { id, parent, created_ms: at.ms, ..summary });
        self.unstored.insert(id);
        // The event's other number is free.
        Stamp { id: at.id + 1, ..at }
    }

    /// Names the way out of a window that is too small, where there is something to sum up.
    pub(super) fn say_compact(&mut self) {
        let spared = self.model.as_ref().is_none_or(|model| !compaction::is_needed(model.turns));
        if !spared && Compaction::of(&self.transcript, 0).is_some() {
            self.say(NoticeLevel::Info, format!("{COMPACT} Then /retry."));
        }
    }

    /// The worker that wrote the summary is gone.
    pub(super) fn end_summary(&mut self) {
        if matches!(self.turn, Turn::Compacting { .. }) {
            self.turn = Turn::Idle;
            self.compaction = None;
        }
    }

    /// Says once for each tenth that the window is nearly full.
    pub(super) fn say_how_full(&mut self) {
        let (total, context) = (self.ledger.total_tokens, self.ledger.context);
        let spared = self.model.as_ref().is_none_or(|model| !compaction::is_needed(model.turns));
        if context == 0 || spared {
            return;
        }
        let tenths = (total * 10 / context).min(10);
        if tenths < FULL_TENTHS {
            self.full_said = 0;
        } else if tenths > self.full_said && Compaction::of(&self.transcript, 0).is_some() {
            self.full_said = tenths;
            let about = if self.ledger.estimated { "~" } else { "" };
            let said = format!(
                "The context is {} % full: {about}{} of {} tokens. {COMPACT}",
                total * 100 / context,
                text::thousands(total),
                text::thousands(context)
            );
            self.say(NoticeLevel::Info, said);
        }
    }
}

fn summary_message(id: MessageId, behind: Option<&Message>, part: Part, ms: i64) -> Message {
    Message {
        id,
        parent: behind.map(|message| message.id),
        role: Role::System,
        parts: vec![part],
        status: Status::Complete,
        created_ms: ms,
        stats: None,
    }
}
