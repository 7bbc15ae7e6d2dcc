//! What the index holds.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::document::Place;

/// The number of a passage in the index; never given again to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PassageId(pub i64);

/// What a passage is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassageKind {
    /// Text of a document, as it was written.
    Text,
    /// Code.
    Code,
    /// A picture, found by what was read or seen in it: its text is percept's, not the file's.
    Picture,
    /// What was said in a recording, by a model that heard it.
    Transcript,
    /// A template of a log.
    Log,
}

impl PassageKind {
    /// How it is kept: as serde writes it.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Code => "code",
            Self::Picture => "picture",
            Self::Transcript => "transcript",
            Self::Log => "log",
        }
    }

    /// What is kept as this; what isn't known is text.
    pub(super) fn of_code(code: &str) -> Self {
        match code {
            "code" => Self::Code,
            "picture" => Self::Picture,
            "transcript" => Self::Transcript,
            "log" => Self::Log,
            _ => Self::Text,
        }
    }
}

/// A passage that is being added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewPassage {
    /// What it is made of.
    pub kind: PassageKind,
    /// Its text. For a picture: the words read in it and a caption; may be empty.
    pub text: String,
    /// The headings that it stands under, the outermost first.
    pub heading: Vec<String>,
    /// Where it stands in its file.
    pub place: Place,
}

/// A file that is being added, in place of what was known of its path.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFile {
    /// Its absolute path.
    pub path: PathBuf,
    /// Its size in bytes, when it was read.
    pub bytes: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// The blake3 hash of its content, as hex digits.
    pub hash: String,
    /// Its title, where it says one.
    pub title: Option<String>,
    /// Who looked at its pictures or heard it, by name; `None`: nobody needs to, or nobody did yet.
    pub seen_by: Option<String>,
    /// What came of it.
    pub state: FileState,
}

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// It is in the index; with what is to be said of it.
    Indexed {
        /// Where it is damaged or only partly read; empty: nothing.
        note: String,
    },
    /// It is left out.
    Skipped(Skip),
}

/// Why a file is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", content = "why", rename_all = "snake_case")]
pub enum Skip {
    /// It is no text and no kind that can be read.
    Binary,
    /// It looks like it holds secrets: by its name or by what stands in it.
    Secret(String),
    /// It is larger than files may be.
    TooBig,
    /// It can't be read: no permission, damaged, changed while it was read.
    Unreadable(String),
    /// There is nothing in it to find.
    Empty,
}

/// A passage that is in the index.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// Its number.
    pub id: PassageId,
    /// The absolute path of its file.
    pub path: PathBuf,
    /// The folder (or file) that was added, which the path is in.
    pub source: PathBuf,
    /// What it is made of.
    pub kind: PassageKind,
    /// The title of its file, where it has one.
    pub title: Option<String>,
    /// Its text.
    pub text: String,
    /// The headings that it stands under, the outermost first.
    pub heading: Vec<String>,
    /// Where it stands in its file.
    pub place: Place,
}

impl Passage {
    /// What it stands under, the outermost first: the title of its file, where that isn't its
    /// first heading anyway, and its headings.
    pub fn above(&self) -> impl Iterator<Item = &str> {
        let title = self.title.as_ref().filter(|title| self.heading.first() != Some(title));
        title.into_iter().chain(&self.heading).map(String::as_str)
    }

    /// The file as it is cited: its path below the folder that holds the source, so
    /// `docs/setup.md` for a source `/home/me/docs`.
    pub fn cited_file(&self) -> String {
        let below = self.source.parent().and_then(|above| self.path.strip_prefix(above).ok());
        below.unwrap_or(&self.path).to_string_lossy().into_owned()
    }

    /// How it is cited: `docs/setup.md:40-52`; a picture by its path alone.
    pub fn cite(&self) -> String {
        match self.place {
            Place::Whole => self.cited_file(),
            place => format!("{}:{place}", self.cited_file()),
        }
    }
}
