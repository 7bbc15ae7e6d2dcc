//! The driver's tools: calls are judged and run on other threads.

use std::sync::atomic::Ordering;

use super::Driver;
use crate::agent::{Event, Step, Turn};
use crate::message::{Message, ToolCall};
use crate::tools::output;
use crate::tools::{Allowed, Grant, Leash, Plan, Ran, Remembered, Toolbox, ToolsReport};

impl Driver {
    /// The last line of the command that runs.
    pub(super) fn running_says(&self) -> String {
        let runs = matches!(self.agent.turn, Turn::Acting { step: Step::Running { .. }, .. });
        let leash = self.running.as_ref().filter(|_| runs);
        leash.map_or(String::new(), |(_, leash)| output::last_line(&leash.says))
    }

    pub(super) fn stop_tool(&self, id: &str) {
        if let Some((_, leash)) = self.running.as_ref().filter(|(running, _)| running == id) {
            leash.stop.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn remember(&self, remembered: Remembered, for_good: bool) {
        self.with_tools(move |tools| match tools.allow(remembered, for_good) {
            Ok(()) => Event::ToolsListed(Box::new(tools.report())),
            Err(why) => Event::Failed(format!("That is not remembered: {why}.")),
        });
    }

    pub(super) fn revoke(&self, allowed: Allowed) {
        self.with_tools(move |tools| match tools.revoke(&allowed) {
            Ok(()) => Event::ToolsListed(Box::new(tools.report())),
            Err(why) => Event::Failed(format!("That is still allowed: {why}.")),
        });
    }

    pub(super) fn restart_server(&self, name: String) {
        self.with_tools(move |tools| match tools.restart_server(&name) {
            true => Event::ToolsListed(Box::new(tools.report())),
            false => Event::Failed(format!("There is no MCP server `{name}`; /tools shows them.")),
        });
    }

    /// Asks the tools something on another thread; what it returns happens.
    pub(super) fn with_tools(&self, work: impl FnOnce(&Toolbox) -> Event + Send + 'static) {
        match self.hands.tools.clone() {
            Some(tools) => self.blocking(move || work(&tools)),
            None => drop(self.events.send(Event::ToolsListed(Box::new(ToolsReport::off())))),
        }
    }

    pub(super) fn judge(&self, call: ToolCall, conversation: Vec<Message>) {
        let id = call.id.clone();
        let Some(tools) = self.hands.tools.clone() else {
            let plan = Box::new(Err("There are no tools in this conversation.".to_owned()));
            return drop(self.events.send(Event::Judged { id, plan }));
        };
        self.blocking(move || {
            let judge = std::panic::AssertUnwindSafe(|| tools.plan(&call, &conversation));
            let bug = |_| Err("This call can't be judged: a bug in percept.".to_owned());
            let plan = std::panic::catch_unwind(judge).unwrap_or_else(bug);
            Event::Judged { id, plan: Box::new(plan) }
        });
    }

    pub(super) fn run_tool(&mut self, call: ToolCall, plan: Plan, grant: Grant, conversation: Vec<Message>) {
        let Some(tools) = self.hands.tools.clone() else { return };
        let leash = Leash::default();
        self.running = Some((call.id.clone(), leash.clone()));
        self.blocking(move || {
            let run = std::panic::AssertUnwindSafe(|| tools.run(&call, &plan, grant, &conversation, &leash));
            let bug = |_| Ran::failed("The tool failed: a bug in percept, which is in its log.");
            let ran = std::panic::catch_unwind(run).unwrap_or_else(bug);
            Event::ToolEnded { id: call.id, ran }
        });
    }
}
