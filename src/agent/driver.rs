//! Runs effects, feeds events back, decides nothing.

use std::path::PathBuf;

use super::{Agent, Event};
use crate::attachment::AttachmentId;

/// The machine and its hands: what a face talks to.
#[derive(Debug, Default)]
pub struct Driver {
    agent: Agent,
}

impl Driver {
    /// The conversation as it is now, to draw.
    pub fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Hands an event of the person to the machine and starts what it wants done.
    pub fn send(&mut self, event: Event) {
        let _ = event;
    }

    /// Waits until something happens outside (a worker's event, a finished effect, a
    /// tick) and hands it to the machine. Cancel-safe: made for a `select!`.
    pub async fn next(&mut self) {}

    /// Where a blob lies on disk (an attachment's picture, to draw it).
    pub fn blob(&self, id: &AttachmentId) -> PathBuf {
        PathBuf::from(id.as_str())
    }

    /// The names of the models that can be used now, for completion.
    pub fn model_names(&self) -> Vec<String> {
        Vec::new()
    }
}
