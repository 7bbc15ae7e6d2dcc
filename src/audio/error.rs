//! What goes wrong with a file of sound, as whole sentences.

use std::path::{Path, PathBuf};

use crate::wire::SAMPLE_RATE;

use super::resample::{HIGHEST_RATE, LOWEST_RATE};

/// Why a recording can't be read.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// The system refuses it.
    #[error("{} can't be read: {error}.", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is a folder, a device, a pipe.
    #[error("{} is no file. Give the path of a recording.", .0.display())]
    NotAFile(PathBuf),
    /// There is nothing in it.
    #[error("{} is empty.", .0.display())]
    Empty(PathBuf),
    /// It is none of the formats that are read here.
    #[error("{} is {what}, which percept can't read. Convert it first: {}", path.display(), conversion(path))]
    Format {
        /// The file.
        path: PathBuf,
        /// What it is, with its article.
        what: String,
    },
    /// It is no recording, as far as is known here.
    #[error("{} is no recording that percept knows. If other programs play it, convert it first: {}", .0.display(), conversion(.0))]
    Unknown(PathBuf),
    /// It holds pictures or text only.
    #[error("There is no sound in {}.", .0.display())]
    Silent(PathBuf),
    /// Its sound is in a codec that can't be decoded here.
    #[error(
        "The sound of {} is {codec}, which percept can't decode. Convert it first: {}",
        path.display(),
        conversion(path)
    )]
    Codec {
        /// The file.
        path: PathBuf,
        /// The name of the codec.
        codec: String,
    },
    /// Nothing of it can be read.
    #[error("{} is damaged: {why}. If other programs play it, convert it first: {}", path.display(), conversion(path))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A rate of samples that no recording has.
    #[error("Sound of {0} Hz can't be read; percept takes {LOWEST_RATE} to {HIGHEST_RATE} Hz.")]
    Rate(u32),
    /// A number of channels that no recording has.
    #[error("Sound of {0} channels can't be read; percept takes 1 to {most}.", most = super::resample::MOST_CHANNELS)]
    Channels(usize),
    /// It was ended from outside.
    #[error("Reading the recording was stopped.")]
    Stopped,
}

impl AudioError {
    /// The same of a file that is called otherwise than its path, as one that was piped in.
    #[must_use]
    pub fn named(mut self, name: &Path) -> Self {
        match &mut self {
            Self::Io { path, .. }
            | Self::NotAFile(path)
            | Self::Empty(path)
            | Self::Unknown(path)
            | Self::Format { path, .. }
            | Self::Silent(path)
            | Self::Codec { path, .. }
            | Self::Damaged { path, .. } => name.clone_into(path),
            Self::Rate(_) | Self::Channels(_) | Self::Stopped => {}
        }
        self
    }
}

/// The command that makes a file percept reads of one that it doesn't.
fn conversion(path: &Path) -> String {
    let name = path.to_string_lossy();
    let quoted = shlex::try_quote(&name).unwrap_or(std::borrow::Cow::Borrowed("FILE"));
    format!("ffmpeg -i {quoted} -ar {SAMPLE_RATE} -ac 1 out.wav")
}
