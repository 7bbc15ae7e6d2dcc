//! Keeps conversations: SQLite for the messages, a folder of blobs for what was attached.

mod blob;
mod bundle;
mod collect;
mod export;
mod html;
mod portable;
mod prune;
mod redacted;
mod store;
mod tree;
mod writer;

pub use blob::BlobStore;
pub use bundle::{
    Bundle, BundleError, BundleOptions, FileVersion, LeftOut, Manifest, Member, ModelVersion, Versions,
};
pub use collect::{Collected, collect};
pub use export::to_markdown;
pub use html::to_html;
pub use portable::{ImportError, Imported, Portable};
pub use prune::prune;
pub use redacted::{redacted_json, redacted_markdown};
pub use store::{FoundSession, SessionStore, StoreError, make_private};
pub use tree::{Branch, Tree, begins};
pub use writer::StoreWriter;

use serde::{Deserialize, Serialize};

use crate::message::{Message, MessageId};

/// Numbers a session within its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub i64);

/// What a list of sessions shows of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionSummary {
    /// Its number.
    pub id: SessionId,
    /// What it is called: the start of its first question, until someone names it.
    pub title: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it was last written to.
    pub updated_ms: i64,
    /// Messages on all branches.
    pub messages: u64,
    /// Its branches.
    #[serde(default = "one")]
    pub branches: u64,
    /// What it was tagged with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// When it was put into the bin, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_ms: Option<i64>,
}

fn one() -> u64 {
    1
}

/// A conversation: a tree of messages, one path of which is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// What the list shows of it.
    #[serde(flatten)]
    pub summary: SessionSummary,
    /// All messages, by id.
    pub tree: Vec<Message>,
    /// The last message of the path that is shown.
    pub head: Option<MessageId>,
}

impl Session {
    /// The messages from the first to the head.
    pub fn path(&self) -> Vec<Message> {
        let path = self.head.map(|head| self.as_tree().path(head)).unwrap_or_default();
        path.into_iter().cloned().collect()
    }
}
