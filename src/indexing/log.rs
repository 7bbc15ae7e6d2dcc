//! A log in the index: its templates, each with the line that tells the most.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::digest::input::{Bounds, gather};
use crate::digest::{self, Focus, LogDigest, Template};
use crate::document::Place;
use crate::retrieval::{NewPassage, PassageKind};
use crate::text::counted;

/// A file called like a log is one from this size on, whatever its lines look like.
const NAMED_BYTES: u64 = 64 * 1024;

/// Whether a file is a log, by its first bytes.
pub(super) fn is_one(path: &Path, head: &[u8], bytes: u64) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    digest::is_log(&head[..head.len().min(digest::HEAD_BYTES)])
        || (bytes > NAMED_BYTES && digest::is_named_log(&name))
}

/// The templates of a log, those first that matter most, and what is to be said of it.
///
/// # Errors
///
/// A sentence: it can't be read, it was stopped.
pub(super) fn templates(
    path: &Path,
    most: usize,
    stop: &AtomicBool,
) -> Result<(Vec<NewPassage>, String), String> {
    let gathered = gather(&[path.to_owned()], &Bounds::default(), stop).map_err(|error| error.to_string())?;
    let options = digest::Options::at(jiff::Timestamp::now().as_millisecond());
    let digest = LogDigest::read(&gathered, &options, stop, &mut |_| {});
    let ranked = digest::rank(&digest, &Focus::default());
    let passages: Vec<NewPassage> =
        ranked.iter().take(most).filter_map(|&at| digest.templates.get(at)).map(passage).collect();
    let left = digest.templates.len().saturating_sub(passages.len()) as u64;
    let note = match left {
        0 => String::new(),
        left => format!("{} that matter least are left out.", counted(left, "template", "templates")),
    };
    Ok((passages, note))
}

fn passage(template: &Template) -> NewPassage {
    let example = &template.example;
    let line = u32::try_from(example.line).unwrap_or(u32::MAX);
    let mut text = example.text.clone();
    for quote in &template.trace {
        text.push('\n');
        text.push_str(&quote.text);
    }
    let heading = vec![format!("{} × {}", crate::text::thousands(template.count), template.text)];
    NewPassage { kind: PassageKind::Log, text, heading, place: Place::Lines(line, line) }
}
