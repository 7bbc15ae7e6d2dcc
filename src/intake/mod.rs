//! What was given becomes an attachment: recognised by its content, checked before it is
//! decoded, and given a view for the model where the original can't go as it is.
//!
//! It stores nothing: who asks gets the bytes, for the blob store.

mod capture;
mod clipboard;
mod command;
mod crop;
mod error;
mod film;
mod image;
mod log;
mod paste;
mod recording;
mod text;
mod watch;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::attachment::{Attachment, AttachmentId, Medium, Source};

pub use clipboard::Clipping;
pub use crop::{Crop, CropError, LEAST_EDGE, Region, WHOLE, crop};
pub use error::IntakeError;
pub use paste::paths_in_paste;
pub use recording::{Deaf, Ears, extracted};
pub use watch::Watch;

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
    /// What is kept besides: the raw content of a log, the pictures of a film.
    pub kept: Vec<Vec<u8>>,
}

impl Taken {
    /// What is to be kept of it: the original, the view where it differs, a log's lines.
    pub fn contents(&self) -> impl Iterator<Item = &Vec<u8>> {
        std::iter::once(&self.original).chain(&self.view).chain(&self.kept)
    }
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
    /// The tokens that the digest of a log may take, by an estimate.
    pub log_tokens: usize,
    /// What is asked, where that is known: it decides what of a log comes first.
    pub question: String,
    /// The most pictures that are taken of a film.
    pub film_pictures: usize,
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
            max_text_bytes: 16 * 1024,
            log_tokens: 2000,
            question: String::new(),
            film_pictures: 8,
            screenshot_command: Vec::new(),
        }
    }
}

/// Looks at what was given, in one go.
///
/// # Errors
///
/// [`IntakeError`], a whole sentence for the screen.
pub fn take(given: &Given, options: &Options) -> Result<Taken, IntakeError> {
    let stop = AtomicBool::new(false);
    take_watched(given, options, &mut Watch { stop: &stop, tell: &mut |_| {}, ears: &Deaf })
}

/// Looks at bytes that can only be a picture: nothing else in them is looked for.
///
/// # Errors
///
/// [`IntakeError`]: they are none, or one that is broken or too large.
pub fn take_picture(
    name: &str,
    bytes: Vec<u8>,
    source: Source,
    options: &Options,
) -> Result<Taken, IntakeError> {
    check_size(name, bytes.len() as u64, options)?;
    match bytes.is_empty() || image::format_of(&bytes).is_some() {
        true => taken(name, bytes, source, options),
        false => Err(IntakeError::Binary(name.to_owned())),
    }
}

/// Looks at what was given; how far that is can be followed, and it can be ended.
///
/// # Errors
///
/// [`IntakeError`], a whole sentence for the screen.
pub fn take_watched(given: &Given, options: &Options, watch: &mut Watch<'_>) -> Result<Taken, IntakeError> {
    match given {
        Given::Path(path) if recording::recognises_file(path) => recording::take_path(path, options, watch),
        Given::Path(path) if log::recognises_file(path, options) => log::take_path(path, options, watch),
        Given::Path(path) => {
            let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
            let bytes = read_file(path, options)?;
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            taken(&name, bytes, Source::File { path }, options)
        }
        Given::Bytes { name, bytes, source } => {
            check_size(name, bytes.len() as u64, options)?;
            if recording::recognises(bytes) {
                return recording::take_bytes(name, bytes, source.clone(), options, watch);
            }
            if log::recognises(name, bytes, bytes.len() as u64, options) {
                return log::take_bytes(name, bytes, source.clone(), options, watch);
            }
            taken(name, bytes.clone(), source.clone(), options)
        }
        Given::Clipboard => match clipboard()? {
            Clipping::Picture { name, bytes } => taken(&name, bytes, Source::Clipboard, options),
            Clipping::Text(text) => taken("clipboard", text.into_bytes(), Source::Clipboard, options),
            Clipping::Files(paths) => match paths.as_slice() {
                [path] => take_watched(&Given::Path(path.clone()), options, watch),
                several => {
                    let why = format!("it holds {} files. Attach them by their paths", several.len());
                    Err(IntakeError::Clipboard(why))
                }
            },
        },
        Given::Screenshot => taken("screenshot.png", capture::screen(options)?, Source::Screenshot, options),
    }
}

/// Reads the clipboard, for a face that decides what becomes of text and of several files.
/// May take as long as the program that has the content does.
///
/// # Errors
///
/// [`IntakeError::Clipboard`]: it is empty, holds something else, or can't be had.
pub fn clipboard() -> Result<Clipping, IntakeError> {
    clipboard::read().map_err(IntakeError::Clipboard)
}

fn read_file(path: &Path, options: &Options) -> Result<Vec<u8>, IntakeError> {
    let name = path.display().to_string();
    let metadata = fs::metadata(path).map_err(|error| IntakeError::io(&name, error))?;
    if metadata.is_dir() {
        return Err(IntakeError::Folder(name));
    }
    if !metadata.is_file() {
        return Err(IntakeError::Special(name));
    }
    check_size(&name, metadata.len(), options)?;
    let file = File::open(path).map_err(|error| IntakeError::io(&name, error))?;
    // One byte more than allowed, so that a file that grew in the meantime is noticed.
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    let read = file.take(options.max_file_bytes + 1).read_to_end(&mut bytes);
    read.map_err(|error| IntakeError::io(&name, error))?;
    check_size(&name, bytes.len() as u64, options)?;
    Ok(bytes)
}

fn check_size(name: &str, bytes: u64, options: &Options) -> Result<(), IntakeError> {
    match bytes > options.max_file_bytes {
        true => Err(IntakeError::TooBig { name: name.to_owned(), bytes, most: options.max_file_bytes }),
        false => Ok(()),
    }
}

/// Extensions of pictures: a file that has one and holds something else is refused with
/// a word, since something went wrong with it.
const PICTURE_EXTENSIONS: [&str; 9] = ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "jfif"];

fn taken(name: &str, bytes: Vec<u8>, source: Source, options: &Options) -> Result<Taken, IntakeError> {
    if bytes.is_empty() {
        return Err(IntakeError::Empty(name.to_owned()));
    }
    let picture = image::format_of(&bytes);
    let named_picture = Path::new(name)
        .extension()
        .is_some_and(|own| PICTURE_EXTENSIONS.iter().any(|known| own.eq_ignore_ascii_case(known)));
    let (medium, view) = match (picture, named_picture, text::is_text(&bytes)) {
        (Some(format), ..) => image::look_at(name, &bytes, format, options)?,
        (None, true, is_text) => {
            let holds = if is_text { "text" } else { "something else" };
            return Err(IntakeError::NotAPicture { name: name.to_owned(), holds });
        }
        (None, false, true) => table(name, &bytes, options).unwrap_or_else(|| text::read(&bytes, options)),
        (None, false, false) => return Err(IntakeError::Binary(name.to_owned())),
    };
    let attachment = Attachment {
        id: AttachmentId::of(&bytes),
        name: crate::text::printable(name),
        bytes: bytes.len() as u64,
        medium: with_view(medium, view.as_deref()),
        source,
    };
    Ok(Taken { attachment, original: bytes, view, kept: Vec::new() })
}

/// A table, with what the model is shown of it.
fn table(name: &str, bytes: &[u8], options: &Options) -> Option<(Medium, Option<Vec<u8>>)> {
    let look = crate::table::look(name, bytes, options.max_text_bytes)?;
    let medium = Medium::Table { rows: look.rows, columns: look.columns, note: look.note, view: None };
    Some((medium, Some(look.view.into_bytes())))
}

fn with_view(mut medium: Medium, bytes: Option<&[u8]>) -> Medium {
    match &mut medium {
        Medium::Image { view, .. }
        | Medium::Text { view, .. }
        | Medium::Table { view, .. }
        | Medium::Log { view, .. }
        | Medium::Recording { view, .. } => {
            *view = bytes.map(AttachmentId::of);
        }
    }
    medium
}

#[cfg(test)]
mod tests;
