//! A file becomes a document: by the reader for its kind, on a thread of its own.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::decode::decoded;
use super::outline::Outline;
use super::{
    Document, Kind, code, delimited, html, mail, markdown, notebook, odf, ooxml, pdf, plain, workbook,
};

/// The stack of the thread that reads, in bytes. Forms within forms of a PDF are interpreted by
/// recursion, fifty deep at most.
const STACK: usize = 16 << 20;

/// How much of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The most text, in bytes; what comes behind it is left out, and a note says so.
    pub most_text: usize,
    /// The most pages of a PDF.
    pub most_pages: usize,
    /// The most pages that are drawn because they have no text.
    pub most_pictures: usize,
    /// The longer edge of a page that is drawn, in pixels.
    pub page_pixels: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { most_text: 64 << 20, most_pages: 5000, most_pictures: 100, page_pixels: 1600 }
    }
}

/// Why a file could not be read; a sentence about it, which doesn't name it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Its content is not what it should be.
    #[error("it is damaged, or not what its name says ({0}); open it where it was made and save it again")]
    Damaged(String),
    /// It needs a password.
    #[error("it is protected by a password; save a copy without one to have it read")]
    Encrypted,
    /// It is of a format from before 2007.
    #[error("it is of an old format; save it as docx, xlsx or pptx to have it read")]
    Old,
    /// It would need too much memory.
    #[error("it is too big when it is unpacked; split it to have it read")]
    TooBig,
    /// There is no text in its kind of file.
    #[error("it is no document with text in it")]
    NoText,
    /// Its reader failed: a bug.
    #[error("its reader failed, which is a bug in percept; the log says more")]
    Bug,
    /// The person stopped it.
    #[error("it was stopped")]
    Stopped,
}

/// Reads a file's content. It may take seconds for a long PDF, and minutes for a bad one: a
/// page is given up after some time, and all of it soon after `stop` is set.
///
/// # Errors
///
/// Why it can't be read: a sentence that goes behind the file's name.
pub fn read(
    kind: Kind,
    path: &Path,
    bytes: &[u8],
    options: &Options,
    stop: &AtomicBool,
) -> Result<Document, Unreadable> {
    if !kind.is_document() {
        return Err(Unreadable::NoText);
    }
    // A panic in a parser ends its thread, and nothing else.
    let reading = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("document".to_owned()).stack_size(STACK);
        let started = thread.spawn_scoped(scope, || whole(kind, bytes, options, stop));
        started.map(std::thread::ScopedJoinHandle::join)
    });
    match reading {
        Ok(Ok(Ok(_))) if stop.load(Ordering::Relaxed) => Err(Unreadable::Stopped),
        Ok(Ok(read)) => read,
        Ok(Err(_)) => {
            tracing::error!("the reader of {kind:?} failed on {}", path.display());
            Err(Unreadable::Bug)
        }
        Err(error) => {
            tracing::error!("no thread for {}: {error}", path.display());
            Err(Unreadable::Bug)
        }
    }
}

fn whole(kind: Kind, bytes: &[u8], options: &Options, stop: &AtomicBool) -> Result<Document, Unreadable> {
    let mut document = Document::default();
    let mut outline = Outline::new(options.most_text);
    let (notes, out) = (&mut document.notes, &mut outline);
    let text = |notes: &mut Vec<String>| decoded(bytes, options.most_text, notes);
    document.title = match kind {
        Kind::Markdown => markdown::read(&text(notes), out),
        Kind::Plain => plain::read(&text(notes), out),
        Kind::Html => html::read(&text(notes), out, stop),
        Kind::Code(language) => {
            code::read(&text(notes), language, out);
            None
        }
        Kind::Csv => {
            let text = text(notes);
            delimited::read(&text, out, notes, stop);
            None
        }
        Kind::Docx => ooxml::docx(bytes, out, stop)?,
        Kind::Pptx => ooxml::pptx(bytes, out, stop)?,
        Kind::Odt | Kind::Odp | Kind::Ods => odf::read(bytes, out, notes, stop)?,
        Kind::Workbook => {
            workbook::read(bytes, out, notes, stop)?;
            None
        }
        Kind::Mail => mail::message(bytes, out, stop)?,
        Kind::Mailbox => {
            mail::mailbox(bytes, out, notes, stop);
            None
        }
        Kind::Notebook => notebook::read(bytes, out, stop)?,
        Kind::Pdf => {
            pdf::read(bytes, options, out, &mut document, stop)?;
            document.title.take()
        }
        Kind::Picture | Kind::Sound | Kind::Binary => return Err(Unreadable::NoText),
    };
    document.blocks = outline.finish(&mut document.notes);
    Ok(document)
}
