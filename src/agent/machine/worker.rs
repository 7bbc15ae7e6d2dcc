//! What the worker says, and its deaths.

use super::{Agent, ChipState, EngineState, Leaving, NoticeLevel, Turn};
use crate::agent::{Effect, Stamp};
use crate::engines::WorkerEvent;
use crate::message::{AnswerStats, Message, Part, Status, ToolCall};
use crate::redact::Found;
use crate::wire::{DoneReport, Envelope, Event, Failure, FailureKind, Ledger, LedgerKind, Stage, StopReason};

impl Agent {
    pub(super) fn worker(&mut self, event: WorkerEvent, at: Stamp, effects: &mut Vec<Effect>) {
        match event {
            WorkerEvent::Up(_) => {
                self.engine = EngineState::Empty;
                self.load(effects);
                self.stop_waiting();
            }
            WorkerEvent::Said(Envelope { id, body }) => self.said(id, body, at, effects),
            WorkerEvent::Down { reason, retry_in } => self.worker_died(reason, retry_in.is_some(), effects),
        }
    }

    fn said(&mut self, id: u64, event: Event, at: Stamp, effects: &mut Vec<Effect>) {
        match (&self.engine, &self.turn) {
            (EngineState::Loading { request, .. }, _) if *request == id => self.load_said(event, at, effects),
            (_, Turn::Answering { request, .. }) if *request == id => self.answer_said(event, at, effects),
            (_, Turn::Compacting { request, .. }) if *request == id => self.summary_said(event, effects),
            _ if self.prefilling == Some(id) => self.prefill_said(event),
            _ if self.titling.as_ref().is_some_and(|titling| titling.request == id) => {
                self.title_said(event, effects);
            }
            _ if self.leaving == Leaving::Saving(id)
                && matches!(event, Event::Done(_) | Event::Failed(_)) =>
            {
                self.leaving = Leaving::Done;
            }
            // A request that was cancelled, a state that was saved or restored: nobody waits for those.
            _ => {}
        }
    }

    fn load_said(&mut self, event: Event, at: Stamp, effects: &mut Vec<Effect>) {
        match event {
            Event::Progress { stage: Stage::Loading, done: now, .. } => {
                if let EngineState::Loading { done, .. } = &mut self.engine {
                    *done = now;
                }
            }
            Event::Loaded(info) => {
                // Which model a server chose is known only now.
                if let Some(model) = self.model.as_mut().filter(|_| info.server.is_some()) {
                    model.name.clone_from(&info.name);
                }
                self.loaded = Some(info);
            }
            Event::Done(DoneReport { stop: StopReason::Finished, .. }) => {
                let info = self.loaded.take().unwrap_or_default();
                info.notes.iter().for_each(|note| self.say(NoticeLevel::Info, note));
                self.engine = EngineState::Ready(info);
                self.engine_is_ready(at, effects);
            }
            Event::Done(_) => {
                self.engine = EngineState::Empty;
                self.model = None;
                self.say(NoticeLevel::Info, "Loading was stopped. /model NAME loads a model.");
                self.stop_waiting();
            }
            Event::Failed(failure) => {
                self.engine = EngineState::Empty;
                // A server may be up a minute later; a file that can't be loaded stays one.
                let at_server = self.model.as_ref().is_some_and(|model| model.load.server.is_some());
                self.unreached = at_server;
                self.model = self.model.take().filter(|_| at_server);
                self.say(NoticeLevel::Error, failure.in_words());
                self.failure = Some(failure);
                self.stop_waiting();
            }
            _ => {}
        }
    }

    fn engine_is_ready(&mut self, at: Stamp, effects: &mut Vec<Effect>) {
        match self.turn {
            // The message is stored (or failed to be) when nothing of it waits any more.
            Turn::Sending { message } if self.outbox.is_none() && self.was_stored(message) => {
                self.restore_state(effects);
                self.answer(at, effects)
            }
            Turn::Sending { .. } => self.restore_state(effects),
            Turn::Answering { .. } | Turn::Acting { .. } | Turn::Compacting { .. } => {}
            Turn::Idle | Turn::Prefilling { .. } => self.restore(effects),
        }
    }

    fn was_stored(&self, message: crate::message::MessageId) -> bool {
        !self.unstored.contains(&message) || self.unsaved.is_some()
    }

    fn prefill_said(&mut self, event: Event) {
        match event {
            Event::Progress { stage, done, total } => self.progress(stage, done, total),
            Event::Ledger(ledger) => self.take_ledger(ledger),
            Event::Done(report) => {
                self.prefill_ended();
                // Sent meanwhile, what is attached now was not in it.
                if report.stop == StopReason::Finished && !self.busy() && !self.is_at_server() {
                    self.chips_are_cached();
                }
            }
            Event::Failed(failure) => {
                self.prefill_ended();
                // Sent, the same failure comes again from `Generate` and is said there. With nothing
                // attached or asked there is nothing yet that failed for the person: some templates
                // want a question.
                let nothing = self.transcript.is_empty() && self.chips.is_empty();
                if !self.busy() && !nothing {
                    self.say(NoticeLevel::Error, failure.in_words());
                }
            }
            _ => {}
        }
    }

    /// A server evaluates nothing ahead.
    fn is_at_server(&self) -> bool {
        matches!(&self.engine, EngineState::Ready(info) if info.server.is_some())
    }

    fn prefill_ended(&mut self) {
        self.prefilling = None;
        if matches!(self.turn, Turn::Prefilling { .. }) {
            self.turn = Turn::Idle;
        }
    }

    fn chips_are_cached(&mut self) {
        // Those behind one that is still being read were not in it.
        for chip in self.chips.iter_mut().take_while(|chip| !chip.is_taking()) {
            if let ChipState::Taken { cached, .. } = &mut chip.state {
                *cached = true;
            }
        }
    }

    /// Says of nothing that it is in the KV cache.
    pub(super) fn nothing_is_cached(&mut self) {
        for chip in &mut self.chips {
            if let ChipState::Taken { cached, .. } = &mut chip.state {
                *cached = false;
            }
        }
        for row in &mut self.ledger.entries {
            row.cached = false;
        }
    }

    pub(super) fn progress(&mut self, stage: Stage, done: u64, total: u64) {
        if let Turn::Prefilling { progress, .. }
        | Turn::Answering { progress, .. }
        | Turn::Compacting { progress, .. } = &mut self.turn
        {
            *progress = Some((stage, done, total));
        }
    }

    /// Keeps what the prompt is made of, and gives the chips of the unsent message their
    /// tokens: its attachments are the last contents of the prompt.
    fn take_ledger(&mut self, ledger: Ledger) {
        let mut rows = ledger.entries.iter().rev().filter(|row| row.kind != LedgerKind::Template);
        if !self.busy() {
            let senses = self.senses();
            for chip in self.chips.iter_mut().rev() {
                if let ChipState::Taken { attachment, tokens, .. } = &mut chip.state {
                    let own: Option<Vec<u64>> =
                        (0..attachment.contents(senses)).map(|_| rows.next().map(|row| row.tokens)).collect();
                    *tokens = own.map(|own| own.iter().sum());
                }
            }
        }
        self.ledger = ledger;
        self.say_how_full();
    }

    fn answer_said(&mut self, event: Event, at: Stamp, effects: &mut Vec<Effect>) {
        match event {
            Event::Progress { stage, done, total } => self.progress(stage, done, total),
            Event::Ledger(ledger) => self.take_ledger(ledger),
            Event::Redacted(found) => self.say_redacted(found),
            Event::Token { text, logprob } => self.token(&text, logprob, effects),
            Event::ToolCall { name, arguments, leaked_bytes } => {
                self.answer.cut(leaked_bytes);
                let (id, leaked) = (format!("call-{}", at.id), leaked_bytes > 0);
                self.called = Some(ToolCall { id, name, arguments, leaked });
                self.show_answer();
            }
            Event::Done(report) => self.answer_done(&report, at, effects),
            Event::Failed(failure) => {
                let said = failure.in_words();
                let why = match failure.kind {
                    FailureKind::ContextOverflow => "it does not fit the context".to_owned(),
                    _ => failure.message.clone(),
                };
                self.failure = Some(failure);
                let overflow = matches!(&self.failure, Some(one) if one.kind == FailureKind::ContextOverflow);
                self.end_answer(Status::Interrupted { why }, None, effects);
                self.say(NoticeLevel::Error, said);
                if overflow {
                    self.say_compact();
                }
            }
            _ => {}
        }
    }

    /// The whole conversation is sent each time: it is said only when something else was found.
    pub(super) fn say_redacted(&mut self, found: Found) {
        if std::mem::replace(&mut self.redacted, found) != found {
            let to = self.leaves_to().unwrap_or("the server");
            let said = format!("Replaced by placeholders before it was sent to {to}: {found}.");
            self.say(NoticeLevel::Info, said);
        }
    }

    fn token(&mut self, text: &str, logprob: f32, effects: &mut Vec<Effect>) {
        let first = self.answer.is_empty();
        self.answer.push(text, logprob);
        self.streamed += 1;
        if let Turn::Answering { progress, .. } = &mut self.turn {
            *progress = None;
        }
        self.show_answer();
        if first {
            self.store_answer_so_far(effects);
        }
    }

    fn show_answer(&mut self) {
        let part = self.answer.part();
        if let Some(message) = self.answering() {
            message.parts = vec![part];
        }
    }

    /// The message that is being streamed.
    fn answering(&mut self) -> Option<&mut Message> {
        let Turn::Answering { message, .. } = self.turn else { return None };
        self.transcript.last_mut().filter(|last| last.id == message)
    }

    pub(super) fn store_answer_so_far(&mut self, effects: &mut Vec<Effect>) {
        if let Turn::Answering { message, .. } = self.turn
            && self.answer.dirty
            && !self.answer.is_empty()
        {
            self.answer.dirty = false;
            self.store(message, effects);
        }
    }

    fn answer_done(&mut self, report: &DoneReport, at: Stamp, effects: &mut Vec<Effect>) {
        let called = self.called.take();
        let status = match report.stop {
            StopReason::Finished => Status::Complete,
            StopReason::MaxTokens => {
                Status::Interrupted { why: "the limit of tokens was reached".to_owned() }
            }
            StopReason::Cancelled => stopped(),
            // Esc came too late for the worker, not for the call.
            StopReason::ToolCall if self.stopping() => stopped(),
            StopReason::ToolCall => Status::Complete,
            StopReason::ContextFull => {
                self.say(NoticeLevel::Error, CONTEXT_FULL);
                Status::Interrupted { why: "the context is full".to_owned() }
            }
        };
        let stats = AnswerStats {
            model: self.model.as_ref().map(|model| model.name.clone()).unwrap_or_default(),
            prompt_tokens: report.usage.prompt_tokens,
            cached_tokens: report.usage.cached_tokens,
            completion_tokens: report.usage.completion_tokens,
            first_token_ms: report.timings.first_token_ms,
            encode_ms: report.timings.encode_ms,
            tokens_per_second: report.timings.tokens_per_second(report.usage.completion_tokens),
        };
        if let Some(call) = called.filter(|_| status == Status::Complete) {
            return self.answer_called(call, stats, at, effects);
        }
        self.end_answer(status, Some(stats), effects);
        // Evaluated already but for the template's closing tokens: cheap, and a picture
        // attached while the answer was written is encoded now.
        if !self.ask_title(effects) {
            self.prefill(effects);
        }
    }

    fn stopping(&self) -> bool {
        matches!(self.turn, Turn::Answering { stopping: true, .. })
    }

    /// The answer ended with a call.
    fn answer_called(&mut self, call: ToolCall, stats: AnswerStats, at: Stamp, effects: &mut Vec<Effect>) {
        let said = (!self.answer.is_empty()).then(|| self.answer.part());
        let Some(message) = self.answering() else { return };
        message.parts = said.into_iter().chain([Part::ToolCall(call.clone())]).collect();
        message.status = Status::Complete;
        message.stats = Some(stats);
        let id = message.id;
        self.store(id, effects);
        self.call(call, at, effects);
    }

    /// Ends the answer; one without a word is taken off the screen again.
    fn end_answer(&mut self, status: Status, stats: Option<AnswerStats>, effects: &mut Vec<Effect>) {
        let finished = status == Status::Complete;
        let empty = self.answer.is_empty();
        self.show_answer();
        let Some(message) = self.answering() else { return };
        message.status = status;
        message.stats = stats;
        let id = message.id;
        self.turn = Turn::Idle;
        if !empty {
            self.store(id, effects);
        } else {
            self.transcript.pop();
            if finished {
                self.say(NoticeLevel::Info, "The model answered nothing. /retry asks again.");
            }
        }
    }

    fn worker_died(&mut self, reason: String, restarting: bool, effects: &mut Vec<Effect>) {
        self.engine = EngineState::Down { reason: reason.clone(), restarting };
        self.prefill_ended();
        self.titling = None;
        self.nothing_is_cached();
        self.wary = true;
        if let Leaving::Saving(_) = self.leaving {
            self.leaving = Leaving::Done;
        }
        if std::mem::take(&mut self.killing) {
            self.say(NoticeLevel::Info, "The model's worker was ended and is being started again.");
            self.end_summary();
            return self.end_answer(stopped(), None, effects);
        }
        let next = match restarting {
            true => "It is being started again.",
            false => "It is not started again by itself; /retry tries once more.",
        };
        self.say(NoticeLevel::Error, format!("The model's worker died: {reason}. {next}"));
        self.failure =
            Some(Failure::new(FailureKind::Internal, format!("The model's worker died: {reason}.")));
        match self.turn {
            Turn::Answering { .. } => {
                self.end_answer(Status::Interrupted { why: "the worker died".to_owned() }, None, effects);
            }
            _ => {
                self.end_summary();
                self.stop_waiting();
            }
        }
    }
}

fn stopped() -> Status {
    Status::Interrupted { why: "stopped by you".to_owned() }
}

/// Said when an answer fills the context.
const CONTEXT_FULL: &str = "The context is full: the answer stopped there. /compact has the model sum up what \
     was said before; or take an attachment out (Tab), start anew with /new, or load the model with a bigger context (`[model] context`).";
