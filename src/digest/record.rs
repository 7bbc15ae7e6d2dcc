//! A digest as it is kept with a conversation: what was found, and where the lines are.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::level::Level;
use super::model::LogDigest;
use crate::attachment::AttachmentId;

/// What is kept of an attached log. The log itself stays where it is; what has no file, and
/// a small one, is kept too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    /// What was found.
    pub digest: LogDigest,
    /// The content of its only source, where that is kept.
    pub kept: Option<AttachmentId>,
}

impl LogRecord {
    /// As bytes for the store.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what [`Self::to_bytes`] made. `kept_at` says where a kept content lies: it
    /// stands in for a file that is gone or has changed.
    ///
    /// # Errors
    ///
    /// The bytes are no record.
    pub fn load(bytes: &[u8], kept_at: impl Fn(&AttachmentId) -> std::path::PathBuf) -> Result<Self, String> {
        let mut record: Self = serde_json::from_slice(bytes)
            .map_err(|error| format!("what is kept of the log is damaged: {error}"))?;
        if let (Some(kept), [facts]) = (&record.kept, record.digest.sources.as_mut_slice()) {
            let same = is_unchanged(&facts.source.path, facts.source.bytes, facts.source.modified_ms);
            if !same {
                facts.source.path = kept_at(kept);
            }
        }
        Ok(record)
    }
}

fn is_unchanged(path: &Path, bytes: u64, modified_ms: Option<i64>) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else { return false };
    let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let modified = since.and_then(|since| i64::try_from(since.as_millis()).ok());
    metadata.is_file() && metadata.len() == bytes && modified == modified_ms
}

impl LogDigest {
    /// When the first error is, in milliseconds: of the templates that are errors.
    pub fn first_error(&self) -> Option<i64> {
        let loud = self.templates.iter().filter(|template| template.severity() >= Level::Error);
        loud.filter_map(|template| Some(template.span?.0)).min()
    }
}
