//! What was said, with times.

use serde::{Deserialize, Serialize};

use crate::wire::Segment;

/// What was heard in a recording.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// How long the recording is, as far as it could be read.
    pub duration_ms: u64,
    /// The language, a code of ISO 639.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What was said, by time.
    pub segments: Vec<Segment>,
    /// What is wrong with the recording, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}
