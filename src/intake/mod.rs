//! What was given becomes an attachment.

use std::path::PathBuf;

use crate::attachment::{Attachment, Source};

/// Something to attach, before it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// A file on disk.
    Path(PathBuf),
    /// Bytes that are here already: standard input, a big paste.
    Bytes {
        /// What to call them.
        name: String,
        /// The bytes.
        bytes: Vec<u8>,
        /// Where they came from.
        source: Source,
    },
    /// Whatever picture (or else text) the clipboard holds.
    Clipboard,
    /// A capture of the screen, made now.
    Screenshot,
}

/// What intake made of it: the attachment, and the bytes for the blob store.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The attachment; its id is the hash of `original`.
    pub attachment: Attachment,
    /// The content as it was given.
    pub original: Vec<u8>,
    /// The content that the model gets, where it differs ([`crate::attachment::Medium`]'s `view` is its hash).
    pub view: Option<Vec<u8>>,
}

/// Bounds on what is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The largest file, in bytes.
    pub max_file_bytes: u64,
    /// The most pixels (width × height) that a picture may say it has: checked before decoding.
    pub max_pixels: u64,
    /// The longest edge of the picture that the model gets, in pixels; larger ones are scaled down.
    pub max_edge: u32,
    /// The most text that the model gets of one file, in bytes; the rest is left out, and it is said.
    pub max_text_bytes: usize,
    /// A command that writes a PNG of the screen to the path given as its last argument;
    /// empty: the desktop's own tool is looked for.
    pub screenshot_command: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_file_bytes: 256 * 1024 * 1024,
            max_pixels: 100_000_000,
            max_edge: 4096,
            max_text_bytes: 64 * 1024,
            screenshot_command: Vec::new(),
        }
    }
}
