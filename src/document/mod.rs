//! What is in a document: its text in order, with headings and the places where it stands.
//!
//! ```text
//! bytes ─▶ sniff: what is it? ─▶ a reader for its kind ─▶ Document: Blocks ─▶ chunk: Chunks
//! ```
//!
//! Text of a document stays as it was written, so that it can be quoted; a place names where
//! to open it. Nothing here writes, stores, or knows of an index.

mod chunk;
mod code;
mod decode;
mod delimited;
mod html;
mod mail;
mod markdown;
mod notebook;
mod odf;
mod ooxml;
mod outline;
mod package;
mod pdf;
mod place;
mod plain;
mod read;
mod reading_order;
mod rows;
mod secret;
mod sniff;
#[cfg(test)]
mod tests;
mod workbook;
mod xml;

pub use chunk::{Limits, chunk, in_context};
pub use place::Place;
pub use read::{Options, Unreadable, read};
pub use secret::secret;
pub use sniff::{HEAD_BYTES, Kind, Language, kind_of};

/// A document as text. The texts of blocks whose places are lines are those lines of the file,
/// as far as the format is one of lines (Markdown, plain text, code): all of them, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// Its title, where it says one: a first heading, a subject, metadata.
    pub title: Option<String>,
    /// Its text, in order.
    pub blocks: Vec<Block>,
    /// Its pages that are pictures (no text on them): each is to be looked at.
    pub pictures: Vec<PagePicture>,
    /// What is to be said of it: where it is damaged, cut or only partly read.
    pub notes: Vec<String>,
}

/// A piece of a document that isn't cut unless it must be: a paragraph, a function, a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// The text, as it was written.
    pub text: String,
    /// The headings that it stands under, the outermost first.
    pub heading: Vec<String>,
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub kind: BlockKind,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// A paragraph, a list, a heading.
    Prose,
    /// A function, a code block, a file of configuration.
    Code,
    /// A row, or some, of a table.
    Rows,
}

/// A page that is a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct PagePicture {
    /// Where it stands.
    pub place: Place,
    /// The page, drawn: a PNG.
    pub png: Vec<u8>,
}

/// A piece that is searched for and cited as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Chunk {
    /// The text, as it was written.
    pub text: String,
    /// The headings that it stands under, the outermost first.
    pub heading: Vec<String>,
    /// Where it stands.
    pub place: Place,
}
