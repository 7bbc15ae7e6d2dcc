//! What was said, with times, and the formats it is written in.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::text::clock;
use crate::wire::Segment;

use super::subtitles;

/// A pause of so much begins a paragraph.
const PARAGRAPH_PAUSE_MS: u64 = 2000;

/// What was heard in a recording. As JSON it is these fields, times in milliseconds from the
/// start; fields without content are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// How long the recording is, as far as it could be read.
    pub duration_ms: u64,
    /// The language, a code of ISO 639.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// What was said, by time: `start_ms`, `end_ms`, `text`, and `words` where they were asked
    /// for (each `start_ms`, `end_ms`, `text`, `probability`).
    pub segments: Vec<Segment>,
    /// What is wrong with the recording, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Transcript {
    /// The text alone: a line a paragraph, an empty line between them. A pause of two seconds
    /// begins a paragraph.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let mut end_ms = None;
        for (segment, said) in self.said() {
            let paused = end_ms.map(|end: u64| segment.start_ms.saturating_sub(end) >= PARAGRAPH_PAUSE_MS);
            text.push_str(match paused {
                None => "",
                Some(true) => "\n\n",
                Some(false) => " ",
            });
            text.push_str(&said);
            end_ms = Some(segment.end_ms);
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }

    /// A line a segment with the time it begins, for a model: `[0:07] And so, my fellow`.
    pub fn to_lines(&self) -> String {
        self.said().fold(String::new(), |mut lines, (segment, said)| {
            let _ = writeln!(lines, "[{}] {said}", clock(segment.start_ms));
            lines
        })
    }

    /// SubRip subtitles, at most two lines of about 42 columns at a time.
    pub fn to_srt(&self) -> String {
        subtitles::srt(&self.segments)
    }

    /// WebVTT subtitles (w3.org/TR/webvtt1), as wide.
    pub fn to_vtt(&self) -> String {
        subtitles::vtt(&self.segments)
    }

    /// All of it as JSON, for programs.
    pub fn to_json(&self) -> String {
        // Plain values with names for keys: there is nothing in it that JSON can't hold.
        let mut json = serde_json::to_string_pretty(self).unwrap_or_default();
        json.push('\n');
        json
    }

    /// The segments in which something is said, each on one line.
    fn said(&self) -> impl Iterator<Item = (&Segment, String)> {
        self.segments
            .iter()
            .map(|segment| (segment, subtitles::tokens(&segment.text).collect::<Vec<_>>().join(" ")))
            .filter(|(_, said)| !said.is_empty())
    }
}

#[cfg(test)]
#[path = "transcript_tests.rs"]
mod tests;
