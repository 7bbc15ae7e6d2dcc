//! What a reader has to say about how it read.

use std::fmt;

use crate::text::{size, thousands};

/// Something that whoever relies on what was read should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The text was UTF-16 and is handed on as UTF-8.
    Transcoded,
    /// The packed stream or the archive ends before its end: the rest is missing.
    Truncated {
        /// How many bytes came out of it.
        unpacked: u64,
    },
    /// The packed stream is damaged: what follows is not read.
    Damaged {
        /// How many bytes came out of it.
        unpacked: u64,
        /// What the decoder says.
        why: String,
    },
    /// Unpacking needs more memory than is given to it.
    TooMuchMemory,
    /// Bytes after the packed stream's end that belong to none.
    Trailing,
    /// The file ended before the size that it had when it was opened.
    Shrank {
        /// Bytes read.
        read: u64,
        /// Its size at opening.
        expected: u64,
    },
    /// The file grew meanwhile: it was read up to its size at opening.
    Grew {
        /// Bytes read.
        read: u64,
    },
    /// The archive is not what it was when its members were listed.
    Changed,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transcoded => write!(f, "converted from UTF-16"),
            Self::Truncated { unpacked } => {
                write!(f, "cut off: it ends early, after {} bytes of text", thousands(*unpacked))
            }
            Self::Damaged { unpacked, why } => {
                write!(
                    f,
                    "damaged after {} bytes of text ({why}): the rest is not read",
                    thousands(*unpacked)
                )
            }
            Self::TooMuchMemory => {
                write!(f, "unpacking it needs more than {}: unpack it first", size(super::UNPACK_MEMORY))
            }
            Self::Trailing => write!(f, "bytes after the end of the packed data were left out"),
            Self::Shrank { read, expected } => {
                let (read, expected) = (thousands(*read), thousands(*expected));
                write!(f, "became shorter while it was read: {read} bytes of {expected}")
            }
            Self::Grew { read } => {
                write!(f, "grew while it was read: the first {} bytes were read", thousands(*read))
            }
            Self::Changed => write!(f, "the archive changed since its members were listed: read it again"),
        }
    }
}
