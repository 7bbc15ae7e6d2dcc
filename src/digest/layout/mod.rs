//! How the lines of a log are built, learnt from a sample of it and then applied to every
//! line: where the time stands, the level, the component, and where the message begins.
//!
//! A line that the layout doesn't fit is no error: it goes on with the entry before it, or
//! stands for itself.

mod access;
mod export;
mod fields;
mod syslog;
mod text;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::level::Level;
use super::stamp::{Reference, Stamp, StampKind};
pub(super) use export::Record;
use text::TextLayout;

/// What a line says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) stamp: Option<Stamp>,
    pub(super) level: Option<Level>,
    pub(super) component: &'a [u8],
    pub(super) message: Cow<'a, [u8]>,
}

impl<'a> Entry<'a> {
    fn plain(line: &'a [u8]) -> Self {
        Self { stamp: None, level: None, component: b"", message: Cow::Borrowed(line) }
    }
}

/// How the lines of a log are built.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Layout {
    /// No form is known: the line is the message.
    #[default]
    Plain,
    /// A JSON object a line.
    Json,
    /// `key=value` pairs.
    Logfmt,
    /// The common and the combined log format of web servers.
    Access,
    /// Fields of the journal a line, records parted by empty lines (`journalctl -o export`).
    Export,
    /// Time, level and component in columns.
    Text(TextLayout),
    /// Lines that another program wrapped: Docker's JSON, Kubernetes' CRI.
    Wrapped(Wrapper, Box<Layout>),
}

/// What wraps the lines of another program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Wrapper {
    /// `{"log":"…\n","stream":"stderr","time":"…"}`
    Docker,
    /// `2016-10-06T00:17:09.669794202Z stderr F …`
    Cri,
}

/// The part of a sample's lines that must fit for a layout to be taken.
const MOST: usize = 60;

/// The part of a sample's lines in which a column must be for it to be one.
const NEARLY_ALL: usize = 80;

fn is_most(part: usize, of: usize, percent: usize) -> bool {
    part > 0 && part * 100 >= of * percent
}

impl Layout {
    /// Learns the layout from lines of a log, none of them empty.
    pub(super) fn learn(sample: &[&[u8]], reference: Reference) -> Self {
        let fits = |test: &dyn Fn(&[u8]) -> bool| {
            is_most(sample.iter().filter(|line| test(line)).count(), sample.len(), MOST)
        };
        if fits(&|line| fields::docker(line, reference).is_some()) {
            return Self::wrapped(Wrapper::Docker, sample, reference);
        }
        let first = |line: &&[u8]| line.starts_with(b"__REALTIME_TIMESTAMP=");
        if sample.iter().any(first) && fits(&export::is_field) {
            return Self::Export;
        }
        if fits(&|line| cri(line, reference).is_some()) {
            return Self::wrapped(Wrapper::Cri, sample, reference);
        }
        if fits(&|line| fields::json(line, reference).is_some()) {
            return Self::Json;
        }
        if fits(&|line| access::read(line, reference).is_some()) {
            return Self::Access;
        }
        if fits(&|line| fields::logfmt(line, reference).is_some()) {
            return Self::Logfmt;
        }
        TextLayout::learn(sample, reference).map_or(Self::Plain, Self::Text)
    }

    fn wrapped(wrapper: Wrapper, sample: &[&[u8]], reference: Reference) -> Self {
        let inner: Vec<Vec<u8>> = sample
            .iter()
            .filter_map(|line| unwrap(wrapper, line, reference))
            .map(|entry| entry.message.into_owned())
            .filter(|line| !line.is_empty())
            .collect();
        let lines: Vec<&[u8]> = inner.iter().map(Vec::as_slice).collect();
        Self::Wrapped(wrapper, Box::new(Self::learn(&lines, reference)))
    }

    /// Reads a line; `None`: it has no header of its own.
    pub(super) fn read<'a>(&self, line: &'a [u8], reference: Reference) -> Option<Entry<'a>> {
        match self {
            Self::Plain => text::bare(line),
            Self::Json => fields::json(line, reference),
            Self::Logfmt => fields::logfmt(line, reference),
            Self::Access => access::read(line, reference),
            Self::Export => export::Record::default().read(line),
            Self::Text(layout) => layout.read(line, reference),
            Self::Wrapped(wrapper, inner) => {
                let outer = unwrap(*wrapper, line, reference)?;
                Some(match inner.read(&outer.message, reference) {
                    Some(within) => Entry {
                        stamp: within.stamp.or(outer.stamp),
                        level: within.level.or(outer.level),
                        component: outer.component,
                        message: Cow::Owned(within.message.into_owned()),
                    },
                    None => outer,
                })
            }
        }
    }

    /// Whether a line must have a header to begin an entry.
    pub(super) fn has_heads(&self) -> bool {
        match self {
            Self::Plain => false,
            Self::Text(layout) => layout.has_heads(),
            _ => true,
        }
    }

    /// What it is called on the screen.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Plain => "plain lines".to_owned(),
            Self::Json => "JSON lines".to_owned(),
            Self::Logfmt => "logfmt".to_owned(),
            Self::Access => "web server access log".to_owned(),
            Self::Export => "journal export".to_owned(),
            Self::Text(layout) => layout.name(),
            Self::Wrapped(Wrapper::Docker, inner) => format!("Docker JSON of {}", inner.name()),
            Self::Wrapped(Wrapper::Cri, inner) => format!("Kubernetes (CRI) of {}", inner.name()),
        }
    }

    /// How its times are written, if it has any.
    pub(super) fn stamps(&self) -> Option<StampKind> {
        match self {
            Self::Plain => None,
            Self::Text(layout) => layout.stamps(),
            _ => Some(StampKind::Iso),
        }
    }
}

fn unwrap<'a>(wrapper: Wrapper, line: &'a [u8], reference: Reference) -> Option<Entry<'a>> {
    match wrapper {
        Wrapper::Docker => fields::docker(line, reference),
        Wrapper::Cri => cri(line, reference),
    }
}

/// A line of a container's log as Kubernetes keeps it.
fn cri(line: &[u8], reference: Reference) -> Option<Entry<'_>> {
    let stamp = super::stamp::read(StampKind::Iso, line, reference)?;
    let rest = line.get(stamp.len..)?;
    let rest = rest.strip_prefix(b" stdout ").or_else(|| rest.strip_prefix(b" stderr "))?;
    let message = rest.strip_prefix(b"F ").or_else(|| rest.strip_prefix(b"P "))?;
    Some(Entry { stamp: Some(stamp), level: None, component: b"", message: Cow::Borrowed(message) })
}

#[cfg(test)]
mod tests;
