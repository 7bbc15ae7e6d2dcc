//! What can be wrong with what was given, in sentences for the screen.

use std::io;

use crate::text;

/// Why something can't be attached. Each is a whole sentence with what to do next.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// There is no such file.
    #[error("{0} is not there. Check the path.")]
    Missing(String),
    /// A folder.
    #[error("{0} is a folder, and holds no logs. Attach the files in it that matter.")]
    Folder(String),
    /// A device, a socket, a pipe.
    #[error("{0} is not a regular file. Pipe its content instead: cat {0} | percept ask …")]
    Special(String),
    /// It may not be read.
    #[error("{0} may not be read: permission denied. Change its permissions or copy it.")]
    Permission(String),
    /// It can't be read for another reason.
    #[error("{name} can't be read: {error}.")]
    Unreadable {
        /// What.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// A recording can't be heard: why, and what to do.
    #[error("{0}")]
    Recording(String),
    /// Nothing in it.
    #[error("{0} is empty: there is nothing to attach.")]
    Empty(String),
    /// More bytes than allowed.
    #[error("{name} has {} and at most {} are taken ([attach] max_file_mib).", text::size(*bytes), text::size(*most))]
    TooBig {
        /// What.
        name: String,
        /// Its size.
        bytes: u64,
        /// The bound.
        most: u64,
    },
    /// A picture that would take too much memory.
    #[error(
        "{name} says that it has {width} x {height} pixels, more than the {most_millions} million that are taken ([attach] max_megapixels). Scale it down first."
    )]
    TooManyPixels {
        /// What.
        name: String,
        /// Width in its header.
        width: u32,
        /// Height in its header.
        height: u32,
        /// The bound in millions of pixels.
        most_millions: u64,
    },
    /// The picture can't be decoded.
    #[error("{name} is a {format} picture that is damaged or cut off ({error}). Save or copy it again.")]
    BrokenPicture {
        /// What.
        name: String,
        /// What it was recognised as.
        format: String,
        /// What the decoder says.
        error: image::ImageError,
    },
    /// Its name says picture, its content doesn't.
    #[error("{name} is named like a picture, but holds {holds}. If it is what you meant, rename it first.")]
    NotAPicture {
        /// What.
        name: String,
        /// What was found instead.
        holds: &'static str,
    },
    /// Neither a picture nor text.
    #[error("{0} is neither a picture that is known here (png, jpeg, webp, gif, bmp, tiff) nor text.")]
    Binary(String),
    /// The clipboard can't be had or holds nothing of use.
    /// A log can't be read: a whole sentence.
    #[error("{0}")]
    Log(String),
    /// No content.
    #[error("Nothing comes from the clipboard: {0}.")]
    Clipboard(String),
    /// The screen can't be captured.
    #[error("The screen can't be captured: {0}.")]
    Capture(String),
}

impl IntakeError {
    pub(super) fn io(name: &str, error: io::Error) -> Self {
        let name = name.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(name),
            io::ErrorKind::PermissionDenied => Self::Permission(name),
            io::ErrorKind::IsADirectory => Self::Folder(name),
            _ => Self::Unreadable { name, error },
        }
    }
}
