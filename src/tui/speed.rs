//! How quickly an answer comes: tokens a second.

use std::time::{Duration, Instant};

use crate::agent::{Agent, Turn};
use crate::message::Role;

/// Measured over less, the number would jump about.
const LEAST: Duration = Duration::from_millis(300);

/// Counts what came of an answer against the clock.
#[derive(Debug, Default)]
pub(super) struct Speed {
    /// The request, and when its first piece came.
    since: Option<(u64, Instant, u64)>,
    now: Option<f64>,
}

impl Speed {
    /// Looks at how far the answer is. The first piece is when the count begins: what came
    /// before was reading, not writing.
    pub(super) fn watch(&mut self, agent: &Agent, at: Instant) {
        let Turn::Answering { request, .. } = agent.turn else {
            *self = Self::default();
            return;
        };
        match self.since {
            Some((of, start, first)) if of == request => {
                let time = at.saturating_duration_since(start);
                if time >= LEAST {
                    self.now = Some(agent.streamed.saturating_sub(first) as f64 / time.as_secs_f64());
                }
            }
            _ => {
                self.now = None;
                self.since = (agent.streamed > 0).then_some((request, at, agent.streamed));
            }
        }
    }

    /// Of the answer that comes; while none does, of the last one, as the worker measured it.
    pub(super) fn words(&self, agent: &Agent) -> Option<String> {
        let measured = || {
            let answer = agent.transcript.iter().rev().find(|message| message.role == Role::Assistant)?;
            answer.stats.as_ref().map(|stats| stats.tokens_per_second)
        };
        let speed = match agent.turn {
            Turn::Answering { .. } => self.now,
            Turn::Idle | Turn::Acting { .. } => measured(),
            Turn::Prefilling { .. } | Turn::Sending { .. } | Turn::Compacting { .. } => None,
        };
        speed.filter(|speed| *speed > 0.0).map(|speed| format!("{speed:.0} tok/s"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::conversation;
    use super::*;
    use crate::message::MessageId;

    #[test]
    fn it_counts_from_the_first_token_and_stays_that_of_the_last_answer() {
        let mut agent = conversation();
        let mut speed = Speed::default();
        assert_eq!(speed.words(&agent).as_deref(), Some("53 tok/s"));
        agent.turn = Turn::Answering { request: 1, message: MessageId(2), progress: None, stopping: false };
        let start = Instant::now();
        let mut after = |ms: u64, tokens: u64| {
            agent.streamed = tokens;
            speed.watch(&agent, start + Duration::from_millis(ms));
            speed.words(&agent)
        };
        assert_eq!(after(0, 0), None);
        assert_eq!(after(5_000, 1), None);
        assert_eq!(after(5_100, 9), None);
        assert_eq!(after(7_000, 41).as_deref(), Some("20 tok/s"));
    }
}
