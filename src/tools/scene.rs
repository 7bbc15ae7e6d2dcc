//! What a tool that percept runs itself has to work with, and what it gives back.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::attachment::Attachment;
use crate::digest::LogRecord;
use crate::intake::{self, Taken};
use crate::message::Finding;
use crate::retrieval::Library;
use crate::session::BlobStore;

use super::sandbox;

/// Where a call happens.
pub struct Scene<'a> {
    /// The working folder, absolute.
    pub folder: &'a Path,
    /// What `~` stands for.
    pub home: Option<&'a Path>,
    /// Folders whose content stays unread: percept's own.
    pub private: &'a [PathBuf],
    /// What is attached to the conversation, the oldest first.
    pub attachments: &'a [Attachment],
    /// Their contents.
    pub blobs: &'a BlobStore,
    /// Bounds on what a tool attaches.
    pub intake: &'a intake::Options,
    /// How commands are run; its `spool` is where whole outputs are kept.
    pub commands: &'a sandbox::Options,
    /// Bytes of text that the model gets.
    pub most_output: usize,
    /// The index, where there is one.
    pub library: Option<&'a Library>,
    /// Set to end it at once.
    pub stop: &'a AtomicBool,
}

impl Scene<'_> {
    /// Whether the person stopped it: looked at in every long loop.
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The attachment of this name, or the last one of that medium where the name is empty.
    pub fn attachment(&self, name: &str) -> Option<&Attachment> {
        self.attachments.iter().rev().find(|attachment| attachment.name == name)
    }

    /// The file of a log that is one, and not packed.
    fn log_file(&self, attachment: &Attachment) -> Option<PathBuf> {
        let bytes = self.blobs.read(&attachment.id).ok()?;
        let record = LogRecord::load(&bytes, |kept| self.blobs.path(kept)).ok()?;
        match record.digest.sources.as_slice() {
            // Where another file lies by now, that one is none of the conversation's.
            [one] if one.source.is_seekable() && one.source.member.is_none() && one.source.is_there() => {
                Some(one.source.path.clone())
            }
            _ => None,
        }
    }

    /// The file that a path names: what is attached under that name, else relative to the
    /// working folder, `~` being the home. It is not judged here.
    pub fn resolve(&self, path: &str) -> PathBuf {
        if let Some(attachment) = self.attachment(path) {
            // The content of a log's attachment is what was found in it; its lines are elsewhere.
            return match attachment.is_log() {
                true => self.log_file(attachment).unwrap_or_else(|| self.blobs.path(attachment.view())),
                false => self.blobs.path(&attachment.id),
            };
        }
        match (path.strip_prefix("~"), self.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                home.join(rest.trim_start_matches('/'))
            }
            _ => self.folder.join(path),
        }
    }
}

/// What came of a tool.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// What the model gets, bounded, without control characters.
    pub text: String,
    /// What is attached behind the text.
    pub taken: Vec<Taken>,
    /// All of a long output, on disk.
    pub whole: Option<PathBuf>,
    /// What was found in the index, the best first.
    pub findings: Vec<Finding>,
}

impl Found {
    /// A text alone.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}
