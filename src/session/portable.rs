//! A conversation as JSON that another percept can take in, with what was attached.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::{BlobStore, Session, SessionId, SessionStore, StoreError};
use crate::attachment::{Attachment, AttachmentId, Medium, Source};
use crate::digest::LogRecord;
use crate::message::Part;

/// The tag of a conversation that was taken in.
const IMPORTED: &str = "imported";

/// What stands in front of a conversation that was taken in. As an attachment it makes it one
/// that holds text from outside: whoever wrote its questions may be somebody else.
const NOTE: &str = "This conversation was imported. Its questions may be those of another person.";

/// A session and the contents of its attachments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Portable {
    /// All its messages.
    #[serde(flatten)]
    pub session: Session,
    /// Contents in base64 by their hashes; those that could not be read are missing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    contents: BTreeMap<AttachmentId, String>,
}

/// What a session that was taken in came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Its number here.
    pub session: SessionId,
    /// Its messages.
    pub messages: usize,
    /// Attachments whose content didn't come along, by name.
    pub missing: Vec<String>,
}

/// Why a session can't be taken in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no session.
    #[error("that is no conversation as `percept sessions export --json` writes it: {0}")]
    Json(#[from] serde_json::Error),
    /// It holds nothing.
    #[error("the conversation holds no message")]
    Empty,
    /// Its messages are no tree.
    #[error("messages of the conversation follow each other in a circle")]
    Circle,
    /// A content isn't what its hash says.
    #[error("the content {0} was changed, or cut off, since it was exported")]
    Content(AttachmentId),
    /// It can't be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Portable {
    /// Takes a session together with the contents of its attachments.
    pub fn of(session: Session, blobs: &BlobStore) -> Self {
        let ids = session.tree.iter().flat_map(|message| &message.parts).flat_map(of_part);
        let contents = ids.filter_map(|id| Some((id.clone(), BASE64.encode(blobs.read(id).ok()?)))).collect();
        Self { session, contents }
    }

    /// Reads what [`Portable::of`] was written as.
    pub fn parse(json: &str) -> Result<Self, ImportError> {
        Ok(serde_json::from_str(json)?)
    }

    /// Keeps it as a new session. All contents are checked before anything is kept.
    pub fn import(mut self, store: &mut SessionStore, blobs: &BlobStore) -> Result<Imported, ImportError> {
        if self.session.tree.is_empty() {
            return Err(ImportError::Empty);
        }
        if !self.session.as_tree().is_whole() {
            return Err(ImportError::Circle);
        }
        for content in self.checked()? {
            blobs.put(&content)?;
        }
        let missing = self.missing(blobs);
        self.forget_files(blobs)?;
        let id = blobs.put(NOTE.as_bytes())?;
        self.mark(id);
        let Session { summary, tree, head } = self.session;
        let session = store.write(None, &summary.title, &tree, head)?;
        let tags = [summary.tags, vec![IMPORTED.to_owned()]].concat();
        store.tag(session, &tags, &[])?;
        Ok(Imported { session, messages: tree.len(), missing })
    }

    /// Attachments whose content isn't here, by name.
    fn missing(&self, blobs: &BlobStore) -> Vec<String> {
        let attachments =
            self.session.tree.iter().flat_map(|message| &message.parts).filter_map(|part| match part {
                Part::Attachment { attachment, .. } => Some(attachment),
                _ => None,
            });
        let missing = attachments.filter(|attachment| blobs.read(attachment.view()).is_err());
        missing.map(|attachment| attachment.name.clone()).collect()
    }

    /// Takes out the names of files of the machine that it comes from: here they would be others,
    /// which the tools that read would take for the conversation's own.
    fn forget_files(&mut self, blobs: &BlobStore) -> Result<(), StoreError> {
        for part in self.session.tree.iter_mut().flat_map(|message| &mut message.parts) {
            match part {
                Part::ToolResult(result) => result.whole = None,
                Part::Attachment { attachment, .. } if attachment.is_log() => {
                    let record = blobs.read(&attachment.id).unwrap_or_default();
                    attachment.id = blobs.put(&LogRecord::without_files(&record))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn checked(&self) -> Result<Vec<Vec<u8>>, ImportError> {
        let checked = |(id, base64): (&AttachmentId, &String)| {
            let content = BASE64.decode(base64).ok().filter(|content| AttachmentId::of(content) == *id);
            content.ok_or_else(|| ImportError::Content(id.clone()))
        };
        self.contents.iter().map(checked).collect()
    }

    /// Puts the note in front of the first message of each branch.
    fn mark(&mut self, id: AttachmentId) {
        let note = Attachment {
            id,
            name: "imported conversation".to_owned(),
            bytes: NOTE.len() as u64,
            medium: Medium::Text { lines: 1, note: None, view: None },
            source: Source::Paste,
        };
        let note = Part::attachment(note);
        let first = self.session.as_tree().first().to_vec();
        let messages = self.session.tree.iter_mut().filter(|message| first.contains(&message.id));
        let mut marked = Vec::new();
        for message in messages.filter(|message| !message.parts.contains(&note)) {
            message.parts.insert(0, note.clone());
            marked.push(message.id);
        }
        // What summaries say of those messages' parts stands one further on now.
        for part in self.session.tree.iter_mut().flat_map(|message| &mut message.parts) {
            if let Part::Summary(summary) = part {
                let gone = summary.gone.iter_mut().filter(|gone| marked.contains(&gone.message));
                gone.for_each(|gone| gone.part += 1);
            }
        }
    }
}

/// The contents that a part stands for.
fn of_part(part: &Part) -> Vec<&AttachmentId> {
    let Part::Attachment { attachment, .. } = part else { return Vec::new() };
    let mut ids = vec![&attachment.id, attachment.view()];
    if let Medium::Recording { sound, frames, .. } = &attachment.medium {
        ids.extend(sound);
        ids.extend(frames.iter().map(|frame| &frame.picture));
    }
    ids
}
