//! The steps of a turn: calls that the model made, from the judgement to the result.
//!
//! ```text
//! ToolCall ─▶ Judging ─┬─ auto ───────────▶ Running ─▶ result ─▶ the model goes on
//!                      ├─ ask ─▶ Asking ─┬─▶ Running
//!                      │                 └─▶ denied ─▶ result ─▶ the model goes on
//!                      └─ deny, wrong ──────────────▶ result ─▶ the model goes on
//! ```
//!
//! Each call has its result in the transcript, whatever happens: templates want it so.

use super::{Agent, NoticeLevel, Step, Turn};
use crate::agent::event::Choice;
use crate::agent::{Effect, Stamp};
use crate::attachment::Attachment;
use crate::message::{Message, MessageId, Outcome, Part, Role, Status, ToolCall, ToolResult};
use crate::tools::mcp::ServerState;
use crate::tools::{Allowed, Grant, Plan, Ran, Remembered, ToolsReport, Verdict};

/// Said of a call behind the last that a turn may have.
const TOO_MANY: &str = "No more calls in this turn: answer with what you have.";

/// Why a turn ended that went on calling all the same.
const CALLS_ON: &str = "it made too many calls; ask it to go on if that is right";

/// The key of the shell's arguments that a person may change.
const COMMAND: &str = "command";

impl Agent {
    /// A call was made, and the message that ends with it is complete.
    pub(super) fn call(&mut self, call: ToolCall, at: Stamp, effects: &mut Vec<Effect>) {
        self.steps += 1;
        let message = MessageId(at.id);
        let result = ToolResult {
            id: call.id.clone(),
            name: call.name.clone(),
            shown: format!("{} {}", call.name, call.arguments),
            leave: String::new(),
            outcome: Outcome::Pending,
            text: String::new(),
            outside: true,
            whole: None,
            findings: Vec::new(),
            took_ms: 0,
        };
        self.transcript.push(Message {
            id: message,
            parent: self.transcript.last().map(|message| message.id),
            role: Role::Tool,
            parts: vec![Part::ToolResult(result)],
            status: Status::Streaming,
            created_ms: at.ms,
            stats: None,
        });
        self.store(message, effects);
        self.turn = Turn::Acting { message, call, step: Step::Judging, stopping: false };
        // The event's other number is free.
        let next = Stamp { id: at.id + 1, ..at };
        match self.steps {
            steps if steps <= self.most_steps => self.judge(effects),
            steps if steps == self.most_steps + 1 => {
                self.refuse("too many calls", Ran::denied(TOO_MANY), next, effects)
            }
            _ => {
                self.end_step(Ran::denied(TOO_MANY), "too many calls", effects);
                self.stop_turn(CALLS_ON, effects);
            }
        }
    }

    fn judge(&mut self, effects: &mut Vec<Effect>) {
        let Turn::Acting { call, step, .. } = &mut self.turn else { return };
        *step = Step::Judging;
        effects.push(Effect::Judge { call: call.clone(), conversation: self.transcript.clone() });
    }

    /// A call was judged.
    pub(super) fn judged(
        &mut self,
        id: &str,
        plan: Result<Plan, String>,
        at: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        if !matches!(&self.turn, Turn::Acting { call, step: Step::Judging, .. } if call.id == id) {
            return;
        }
        if let Ok(plan) = &plan {
            self.show_step(&plan.shown);
        }
        let Turn::Acting { step, .. } = &mut self.turn else { return };
        match plan {
            Err(why) => self.refuse("the call is wrong", Ran::denied(&why), at, effects),
            Ok(plan) if plan.verdict == Verdict::Ask => {
                *step = Step::Asking(Box::new(plan));
                // What it asks for is on disk before somebody decides.
                if let Turn::Acting { message, .. } = self.turn {
                    self.store(message, effects);
                }
            }
            Ok(plan) if plan.verdict == Verdict::Auto => {
                self.run_step(&plan, plan.grant, &plan.reason, at, effects);
            }
            Ok(plan) => {
                let text = format!("This was not run: {}.", plan.reason);
                let refused = Ran { outcome: Outcome::Refused, ..Ran::denied(&text) };
                self.refuse(&format!("refused: {}", plan.reason), refused, at, effects);
            }
        }
    }

    /// The person decided about the call that asks.
    pub(super) fn decide(&mut self, choice: Choice, at: Stamp, effects: &mut Vec<Effect>) {
        let Turn::Acting { call, step: Step::Asking(plan), .. } = &mut self.turn else { return };
        let plan = (**plan).clone();
        match choice {
            Choice::Once(grant) => self.run_step(&plan, grant, "allowed by you, once", at, effects),
            Choice::Session(grant) => {
                self.remember(plan.scope.clone(), grant, false, at, effects);
                self.run_step(&plan, grant, "allowed by you for this session", at, effects);
            }
            Choice::Always(grant) => {
                self.remember(plan.scope.clone(), grant, true, at, effects);
                self.run_step(&plan, grant, "allowed by you for good", at, effects);
            }
            Choice::Edit(command) if plan.editable.is_some() => {
                if let Some(arguments) = call.arguments.as_object_mut() {
                    arguments.insert(COMMAND.to_owned(), command.into());
                }
                self.edited = true;
                self.judge(effects);
            }
            Choice::Edit(_) => {}
            Choice::Deny(reason) => {
                let why = reason.map_or(String::new(), |reason| format!(": {reason}"));
                let text = format!("The person did not allow this{why}.");
                self.refuse("denied by you", Ran::denied(&text), at, effects);
            }
        }
    }

    fn remember(
        &self,
        scope: Option<Allowed>,
        grant: Grant,
        for_good: bool,
        at: Stamp,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(allowed) = scope {
            let remembered = Remembered { allowed, grant, since_ms: at.ms };
            effects.push(Effect::Remember { remembered, for_good });
        }
    }

    fn run_step(&mut self, plan: &Plan, grant: Grant, leave: &str, at: Stamp, effects: &mut Vec<Effect>) {
        if let Some(result) = self.step_result() {
            leave.clone_into(&mut result.leave);
        }
        let Turn::Acting { message, call, step, .. } = &mut self.turn else { return };
        *step = Step::Running {
            since_ms: at.ms,
            for_ms: 0,
            says: String::new(),
            outward: plan.walls.let_out(grant),
        };
        let (message, call) = (*message, call.clone());
        // Stored before it runs: what it did is never without its record.
        self.store(message, effects);
        let plan = Box::new(plan.clone());
        effects.push(Effect::RunTool { call, plan, grant, conversation: self.transcript.clone() });
    }

    /// Notes how long the call has been running.
    pub(super) fn step_goes_on(&mut self, now: String, at: Stamp) {
        if let Turn::Acting { step: Step::Running { since_ms, for_ms, says, .. }, .. } = &mut self.turn {
            *says = now;
            *for_ms = u64::try_from(at.ms - *since_ms).unwrap_or(0);
        }
    }

    /// A call ended.
    pub(super) fn tool_ended(&mut self, id: &str, ran: Ran, at: Stamp, effects: &mut Vec<Effect>) {
        let Turn::Acting { call, step: Step::Running { .. }, stopping, .. } = &self.turn else { return };
        if call.id != id {
            return;
        }
        let stopping = *stopping;
        let leave = self.step_result().map(|result| result.leave.clone()).unwrap_or_default();
        self.end_step(ran, &leave, effects);
        match stopping {
            true => self.stop_turn("stopped by you", effects),
            false => self.go_on(at, effects),
        }
    }

    /// The model reads what came of its call; one that reads single questions is done.
    fn go_on(&mut self, at: Stamp, effects: &mut Vec<Effect>) {
        if self.reads_results() {
            return self.answer(at, effects);
        }
        self.turn = Turn::Idle;
        self.prefill(effects);
    }

    /// The call is not run, and the model goes on.
    fn refuse(&mut self, leave: &str, ran: Ran, at: Stamp, effects: &mut Vec<Effect>) {
        self.end_step(ran, leave, effects);
        self.go_on(at, effects);
    }

    /// Completes the result of the call.
    fn end_step(&mut self, ran: Ran, leave: &str, effects: &mut Vec<Effect>) {
        let edited = std::mem::take(&mut self.edited);
        let Turn::Acting { message: id, .. } = self.turn else { return };
        let Some(message) = self.transcript.last_mut().filter(|last| last.id == id) else { return };
        if let Some(Part::ToolResult(result)) = message.parts.first_mut() {
            leave.clone_into(&mut result.leave);
            result.outcome = ran.outcome;
            result.text = match edited && !matches!(ran.outcome, Outcome::Refused | Outcome::Denied) {
                true => format!("[the person changed the command to: {}]\n{}", result.shown, ran.text),
                false => ran.text,
            };
            result.outside = ran.outside;
            result.whole = ran.whole;
            result.findings = ran.findings;
            result.took_ms = u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX);
        }
        message.parts.extend(ran.attachments.into_iter().map(Part::attachment));
        message.status = Status::Complete;
        self.turn = Turn::Idle;
        self.store(id, effects);
    }

    /// Ends the turn behind a step: the model is not asked to go on.
    fn stop_turn(&mut self, why: &str, effects: &mut Vec<Effect>) {
        self.turn = Turn::Idle;
        self.say(NoticeLevel::Info, format!("The turn ended here: {why}."));
        self.prefill(effects);
    }

    /// Stops the step that goes on.
    pub(super) fn cancel_step(&mut self, effects: &mut Vec<Effect>) {
        let Turn::Acting { call, step, stopping, .. } = &mut self.turn else { return };
        match step {
            Step::Running { .. } => {
                if !std::mem::replace(stopping, true) {
                    effects.push(Effect::StopTool { id: call.id.clone() });
                }
            }
            Step::Judging | Step::Asking(_) => {
                self.end_step(
                    Ran::denied("The person stopped this before it ran."),
                    "stopped by you",
                    effects,
                );
                self.stop_turn("stopped by you", effects);
            }
        }
    }

    fn show_step(&mut self, shown: &str) {
        if let Some(result) = self.step_result() {
            shown.clone_into(&mut result.shown);
        }
    }

    /// The result of the call that goes on.
    fn step_result(&mut self) -> Option<&mut ToolResult> {
        let Turn::Acting { message, .. } = self.turn else { return None };
        match self.transcript.last_mut().filter(|last| last.id == message)?.parts.first_mut() {
            Some(Part::ToolResult(result)) => Some(result),
            _ => None,
        }
    }

    /// The tools, or the servers' state, changed: a server that has failed for good is said.
    pub(super) fn tools_listed(&mut self, tools: ToolsReport) {
        for server in &tools.servers {
            if let ServerState::Failed { why, retry_in: None } = &server.state
                && !self.tools.servers.contains(server)
            {
                self.say(NoticeLevel::Error, format!("{why}. /restart {} tries again.", server.name));
            }
        }
        self.tools = tools;
    }

    /// The call that asks, and its plan.
    pub fn asking(&self) -> Option<(&ToolCall, &Plan)> {
        match &self.turn {
            Turn::Acting { call, step: Step::Asking(plan), .. } => Some((call, plan)),
            _ => None,
        }
    }
}

impl Ran {
    /// It was not run; the text is the person's and percept's own.
    fn denied(text: &str) -> Self {
        Self { outcome: Outcome::Denied, attachments: Vec::<Attachment>::new(), ..Self::failed(text) }
    }
}
