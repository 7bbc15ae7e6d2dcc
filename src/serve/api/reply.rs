//! What a worker says becomes parts of an answer.

use super::answer::Call;
use super::{ApiError, Piece, Stops};
use crate::wire::{DoneReport, Event, StopReason, Usage};

/// A part of an answer, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Out {
    /// Text.
    Text(Vec<Piece>),
    /// A call of a tool.
    Call(Call),
    /// A stop string was met: the worker may stop, and its last word is still awaited.
    Enough,
    /// The answer is whole.
    End(End),
    /// There is no (whole) answer.
    Failed(ApiError),
}

/// The end of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// OpenAI's `finish_reason`.
    pub finish: &'static str,
    /// What was used.
    pub usage: Usage,
    /// So many bytes at the end of the text are the call, written as text.
    pub leaked_bytes: usize,
}

/// The state of an answer.
#[derive(Debug)]
pub struct Reply {
    stops: Stops,
    /// The id that the answer's call gets.
    call_id: String,
    leaked_bytes: usize,
}

impl Reply {
    /// An answer that ends before these strings.
    pub fn new(stops: Vec<String>, call_id: String) -> Self {
        Self { stops: Stops::new(stops), call_id, leaked_bytes: 0 }
    }

    /// Hears one event of the worker's.
    pub fn hear(&mut self, event: Event) -> Vec<Out> {
        match event {
            Event::Token { text, logprob } => {
                let before = self.stops.stopped();
                let mut outs = said(self.stops.push(Piece { text, logprob }));
                if self.stops.stopped() && !before {
                    outs.push(Out::Enough);
                }
                outs
            }
            // What the model wrote behind a stop string isn't its answer.
            Event::ToolCall { .. } if self.stops.stopped() => Vec::new(),
            Event::ToolCall { name, arguments, leaked_bytes } => {
                self.leaked_bytes = leaked_bytes;
                let mut outs = said(self.stops.finish());
                let id = self.call_id.clone();
                outs.push(Out::Call(Call { id, name, arguments: arguments.to_string() }));
                outs
            }
            Event::Done(report) => self.done(report),
            Event::Failed(failure) => vec![Out::Failed(ApiError::from(&failure))],
            _ => Vec::new(),
        }
    }

    /// Hears that the worker is gone. An answer that a stop string ended is whole all the same.
    pub fn gone(&mut self, why: &str) -> Vec<Out> {
        match self.stops.stopped() {
            true => vec![Out::End(End { finish: "stop", usage: Usage::default(), leaked_bytes: 0 })],
            false => vec![Out::Failed(ApiError::unavailable(why))],
        }
    }

    fn done(&mut self, report: DoneReport) -> Vec<Out> {
        let mut outs = said(self.stops.finish());
        let finish = match report.stop {
            _ if self.stops.stopped() => "stop",
            StopReason::Finished => "stop",
            StopReason::MaxTokens | StopReason::ContextFull => "length",
            StopReason::ToolCall => "tool_calls",
            StopReason::Cancelled => {
                outs.push(Out::Failed(ApiError::unavailable("The answer was stopped.")));
                return outs;
            }
        };
        outs.push(Out::End(End { finish, usage: report.usage, leaked_bytes: self.leaked_bytes }));
        outs
    }
}

fn said(pieces: Vec<Piece>) -> Vec<Out> {
    if pieces.is_empty() { Vec::new() } else { vec![Out::Text(pieces)] }
}
