//! Lines that were looked up: the choice among them, and the marks.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::work::{Looked, Shown};
use crate::digest::LogRecord;
use crate::tui::asked::Stop;
use crate::tui::scroll::Choice;

/// Columns that a key scrolls sideways.
const SIDEWAYS: usize = 20;

/// How far it is.
#[derive(Debug)]
pub(super) enum State {
    Waiting { ticket: u64, _stop: Stop },
    Shown(Looked),
    Failed(String),
}

/// The view of lines.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) title: String,
    /// The log that they are of; `None`: a table.
    pub(super) log: Option<Arc<LogRecord>>,
    pub(super) state: State,
    pub(super) choice: Choice,
    pub(super) marked: BTreeSet<usize>,
    /// Columns that are scrolled off to the left.
    pub(super) shift: usize,
    /// The lines that it is about: source and numbers.
    pub(super) about: Option<(usize, RangeInclusive<u64>)>,
}

impl Lines {
    /// What was found; the line that it is about is chosen.
    pub(super) fn came(&mut self, looked: Result<Looked, String>) {
        self.state = match looked {
            Ok(looked) => {
                let about = |line: &Shown| self.is_about(line);
                self.choice = Choice::at(looked.lines.iter().position(about).unwrap_or(0));
                State::Shown(looked)
            }
            Err(why) => State::Failed(why),
        };
    }

    /// Whether it waits for this ticket.
    pub(super) fn waits_for(&self, wanted: u64) -> bool {
        matches!(self.state, State::Waiting { ticket, .. } if ticket == wanted)
    }

    pub(super) fn shown(&self) -> &[Shown] {
        match &self.state {
            State::Shown(looked) => &looked.lines,
            State::Waiting { .. } | State::Failed(_) => &[],
        }
    }

    /// Whether a line is one that this is about.
    pub(super) fn is_about(&self, line: &Shown) -> bool {
        let at = self.about.as_ref().zip(line.at);
        at.is_some_and(|((source, lines), (own, line))| *source == own && lines.contains(&line))
    }

    /// Marks the chosen line or takes its mark away, and goes on to the next.
    pub(super) fn mark(&mut self) {
        let rows = self.shown().len();
        let is_line = self.shown().get(self.choice.at).is_some_and(|line| !line.place.is_empty());
        if is_line && !self.marked.remove(&self.choice.at) {
            self.marked.insert(self.choice.at);
        }
        self.choice.step(1, rows);
    }

    /// Scrolls sideways.
    pub(super) fn shift(&mut self, right: bool) {
        self.shift = match right {
            true => self.shift + SIDEWAYS,
            false => self.shift.saturating_sub(SIDEWAYS),
        };
    }

    /// The marked lines, or else the chosen one, as they are quoted.
    pub(super) fn picked(&self) -> Vec<String> {
        let all = self.shown();
        let picked: Vec<&Shown> = match self.marked.is_empty() {
            true => all.get(self.choice.at).into_iter().collect(),
            false => self.marked.iter().filter_map(|at| all.get(*at)).collect(),
        };
        let picked = picked.into_iter().filter(|line| !line.place.is_empty());
        picked.map(|line| format!("{}: {}", line.place, line.text)).collect()
    }
}
