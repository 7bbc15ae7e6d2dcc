//! The journal's export format: a field a line, the message among them. An entry is quoted
//! by the line of its message; what its time and level are was said by lines before it.
//!
//! Fields with binary content (a name alone, a length, bytes) are passed over.

use std::borrow::Cow;

use super::Entry;
use crate::digest::level::Level;
use crate::digest::stamp::{Reference, Stamp, StampKind, read as read_stamp};

/// Whether a line is a field: `_PID=1`, `MESSAGE=…`.
pub(super) fn is_field(line: &[u8]) -> bool {
    let name = line.iter().position(|&byte| byte == b'=').map(|end| &line[..end]);
    let inner = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    name.is_some_and(|name| !name.is_empty() && name.iter().all(inner))
}

/// What the lines of a record said so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::digest) struct Record {
    stamp: Option<Stamp>,
    level: Option<Level>,
}

impl Record {
    /// Reads the next line; the one with the message is the entry.
    pub(in crate::digest) fn read<'a>(&mut self, line: &'a [u8]) -> Option<Entry<'a>> {
        if line.is_empty() {
            *self = Self::default();
        } else if let Some(time) = line.strip_prefix(b"__REALTIME_TIMESTAMP=") {
            self.stamp = read_stamp(StampKind::Epoch, time, Reference::at(0));
        } else if let Some(priority) = line.strip_prefix(b"PRIORITY=") {
            self.level = Level::of(priority);
        } else if let Some(message) = line.strip_prefix(b"MESSAGE=") {
            let Self { stamp, level } = *self;
            return Some(Entry { stamp, level, component: b"", message: Cow::Borrowed(message) });
        }
        None
    }
}
