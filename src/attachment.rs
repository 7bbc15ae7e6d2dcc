//! What was given to look at: a value that names its bytes by their hash.
//!
//! No bytes live here and nothing is read here: [`crate::intake`] makes attachments,
//! the blob store of [`crate::session`] keeps their content.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The blake3 hash of a content, as 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AttachmentId(String);

impl AttachmentId {
    /// Hashes a content.
    pub fn of(content: &[u8]) -> Self {
        Self(blake3::hash(content).to_hex().to_string())
    }

    /// The hash that a text is; `None`: it is none. It becomes a name of a file.
    pub fn from_hex(hex: &str) -> Option<Self> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (hex.len() == 64 && hex.bytes().all(digit)).then(|| Self(hex.to_owned()))
    }

    /// The 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AttachmentId {
    type Error = String;

    fn try_from(hex: String) -> Result<Self, String> {
        Self::from_hex(&hex).ok_or_else(|| format!("`{hex}` is no hash of a content"))
    }
}

impl From<AttachmentId> for String {
    fn from(id: AttachmentId) -> Self {
        id.0
    }
}

impl fmt::Display for AttachmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of data an attachment is, with what is known of it without a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "medium", rename_all = "snake_case")]
pub enum Medium {
    /// A picture.
    Image {
        /// Width in pixels, after the EXIF orientation was applied.
        width: u32,
        /// Height in pixels, after the EXIF orientation was applied.
        height: u32,
        /// The format that the content was recognised as: `png`, `jpeg`, `webp`, `gif`, `bmp` or `tiff`.
        format: String,
        /// The picture that the model gets where the original can't go as it is (turned,
        /// scaled, first frame): a PNG in the blob store. `None`: the original itself.
        view: Option<AttachmentId>,
    },
    /// Text, in UTF-8 after decoding.
    Text {
        /// How many lines it has.
        lines: u64,
        /// Said when the text was cut, or its bytes were not all valid UTF-8.
        note: Option<String>,
        /// The text that the model gets where it differs from the original's bytes.
        view: Option<AttachmentId>,
    },
    /// A table, which the model can ask about in SQL.
    Table {
        /// How many rows it has below its names.
        rows: u64,
        /// How many columns.
        columns: u32,
        /// Said when rows are uneven, or its bytes were not all valid UTF-8.
        note: Option<String>,
        /// The text that the model gets: its columns and first rows, or all of a small one.
        view: Option<AttachmentId>,
    },
    /// A log, or several. The attachment's content is what was found in it
    /// ([`crate::digest::LogRecord`]); the log itself stays where it is.
    Log {
        /// How many lines.
        lines: u64,
        /// How many kinds of messages.
        templates: u64,
        /// How many files.
        files: u64,
        /// What is worth knowing at once: since when there are errors.
        note: Option<String>,
        /// The digest that the model gets.
        view: Option<AttachmentId>,
    },
    /// A recording: sound, or a film's sound with pictures of it. The attachment's content is
    /// what was heard in it ([`crate::audio::Transcript`]); the recording itself stays where
    /// it is.
    Recording {
        /// How long it is, as far as it could be read.
        duration_ms: u64,
        /// The peak of each of as many equal stretches as there are values, 0 to 255; empty
        /// where there is no sound.
        waveform: Vec<u8>,
        /// The language that was heard, a code of ISO 639.
        language: Option<String>,
        /// Said when it is damaged, or nothing was said in it.
        note: Option<String>,
        /// The recording itself in the blob store, where it is small enough to be kept.
        sound: Option<AttachmentId>,
        /// Pictures of a film, by their times.
        frames: Vec<Frame>,
        /// The transcript that the model gets, with a line where each picture stands.
        view: Option<AttachmentId>,
    },
}

/// What a model is given besides text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Senses {
    /// It sees pictures.
    pub eyes: bool,
    /// It hears sound, and is to.
    pub ears: bool,
}

/// A picture of a film.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// When it is shown, in milliseconds from the start.
    pub at_ms: u64,
    /// The picture: a JPEG or PNG in the blob store.
    pub picture: AttachmentId,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
}

/// Where an attachment came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum Source {
    /// A file on disk, as an absolute path.
    File {
        /// The path at the time of attaching.
        path: PathBuf,
    },
    /// A picture or text from the clipboard.
    Clipboard,
    /// A capture of the screen.
    Screenshot,
    /// Standard input that was not a terminal.
    Stdin,
    /// A paste too big for the composer.
    Paste,
    /// Made or fetched by a tool.
    Tool,
}

/// Something attached to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The hash of the original content, its name in the blob store.
    pub id: AttachmentId,
    /// What to call it on the screen: a file name, `clipboard`, `pasted text`.
    pub name: String,
    /// Size of the original content in bytes.
    pub bytes: u64,
    /// What it is.
    #[serde(flatten)]
    pub medium: Medium,
    /// Where it came from.
    #[serde(flatten)]
    pub source: Source,
}

impl Attachment {
    /// The blob that the model is shown: the view where there is one, else the original.
    pub fn view(&self) -> &AttachmentId {
        match &self.medium {
            Medium::Image { view, .. }
            | Medium::Text { view, .. }
            | Medium::Table { view, .. }
            | Medium::Log { view, .. }
            | Medium::Recording { view, .. } => view.as_ref().unwrap_or(&self.id),
        }
    }

    /// How many contents of a prompt it becomes for a model with these senses: a recording's
    /// transcript, its sound, and each picture of a film with the words in front of it.
    pub fn contents(&self, senses: Senses) -> usize {
        match &self.medium {
            Medium::Recording { frames, sound, .. } => {
                let pictures = if senses.eyes { 2 * frames.len() } else { 0 };
                1 + usize::from(senses.ears && sound.is_some()) + pictures
            }
            _ => 1,
        }
    }

    /// Whether it is a table.
    pub fn is_table(&self) -> bool {
        matches!(self.medium, Medium::Table { .. })
    }

    /// Whether its content is a log's record.
    pub fn is_log(&self) -> bool {
        matches!(self.medium, Medium::Log { .. })
    }

    /// Whether it is sound, or a film.
    pub fn is_recording(&self) -> bool {
        matches!(self.medium, Medium::Recording { .. })
    }

    /// Whether the model needs eyes for it.
    pub fn is_image(&self) -> bool {
        matches!(self.medium, Medium::Image { .. })
    }
}
