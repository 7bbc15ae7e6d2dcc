//! A digest as it is kept with a conversation: what was found, and where the lines are.

use std::path::PathBuf;

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
    pub fn load(bytes: &[u8], kept_at: impl Fn(&AttachmentId) -> PathBuf) -> Result<Self, String> {
        let mut record: Self = serde_json::from_slice(bytes)
            .map_err(|error| format!("what is kept of the log is damaged: {error}"))?;
        if let (Some(kept), [facts]) = (&record.kept, record.digest.sources.as_mut_slice())
            && !facts.source.is_unchanged()
        {
            facts.source.path = kept_at(kept);
            // It is the store's by now, wherever that lies.
            facts.source.identity = None;
        }
        Ok(record)
    }

    /// Takes out where its files lie: what a record from elsewhere names may be any file here. What
    /// is kept of it is still found. Empty where the bytes are no record.
    pub fn without_files(bytes: &[u8]) -> Vec<u8> {
        let Ok(mut record) = serde_json::from_slice::<Self>(bytes) else { return Vec::new() };
        for facts in &mut record.digest.sources {
            (facts.source.path, facts.source.identity) = (PathBuf::new(), None);
        }
        record.to_bytes()
    }
}

impl LogDigest {
    /// When the first error is, in milliseconds: of the templates that are errors.
    pub fn first_error(&self) -> Option<i64> {
        let loud = self.templates.iter().filter(|template| template.severity() >= Level::Error);
        loud.filter_map(|template| Some(template.span?.0)).min()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::super::input::{Bounds, gather};
    use super::super::scan::Options;
    use super::*;

    #[test]
    fn what_is_kept_stands_in_for_a_file_that_was_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, kept) = (folder.path().join("a.log"), folder.path().join("kept"));
        let text = "2024-01-31T10:00:00Z INFO started\n";
        std::fs::write(&file, text).unwrap();
        std::fs::write(&kept, text).unwrap();
        let stop = AtomicBool::new(false);
        let gathered = gather(std::slice::from_ref(&file), &Bounds::default(), &stop).unwrap();
        let digest = LogDigest::read(&gathered, &Options::at(0), &stop, &mut |_| {});
        let bytes = LogRecord { digest, kept: Some(AttachmentId::of(text.as_bytes())) }.to_bytes();
        let anywhere = LogRecord::without_files(&bytes);
        let mut record = LogRecord::load(&anywhere, |_| kept.clone()).unwrap();
        assert_eq!(record.digest.sources.remove(0).source.path, kept);
        assert_eq!(LogRecord::without_files(b"no record"), b"");
        let source = || {
            let mut record = LogRecord::load(&bytes, |_| kept.clone()).unwrap();
            record.digest.sources.remove(0).source
        };
        assert_eq!(source(), gathered.sources[0]);
        // The same size, the same time, another file.
        let modified = std::fs::metadata(&file).unwrap().modified().unwrap();
        let other = folder.path().join("other");
        std::fs::write(&other, text.replace("started", "skipped")).unwrap();
        let handle = std::fs::OpenOptions::new().write(true).open(&other).unwrap();
        handle.set_modified(modified).unwrap();
        std::fs::rename(&other, &file).unwrap();
        assert_eq!(source().path, kept);
        assert_eq!(source().raw(1000).unwrap(), text.as_bytes());
    }
}
