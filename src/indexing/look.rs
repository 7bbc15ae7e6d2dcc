//! Pictures are looked at and recordings heard, one file after the other, when all else is read.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::Hands;
use super::read::{self, Prepared};
use super::walk::Found;
use crate::audio::Transcript;
use crate::document::{self, Kind, Place};
use crate::retrieval::{FileState, NewFile, NewPassage, PassageKind};

/// Seconds of a recording that are cited as one, at most.
const MOST_SECONDS: u64 = 90;

/// A file with pictures, with the words that were read and seen in them.
///
/// # Errors
///
/// A sentence: it can't be read, whoever looks failed, it was stopped.
pub(super) fn picture(found: &Found, by: &str, hands: &Hands, stop: &AtomicBool) -> Result<Prepared, String> {
    let content = std::fs::read(&found.path).map_err(|error| error.to_string())?;
    let hash = blake3::hash(&content).to_hex().to_string();
    let kind = document::kind_of(&found.path, &content[..content.len().min(document::HEAD_BYTES)]);
    let name = read::shown(&found.path).display().to_string();
    let mut prepared = match kind {
        Kind::Picture => {
            let text = hands.eyes.look(&name, &content, stop)?;
            whole(found, hash, passage(PassageKind::Picture, text, Place::Whole))
        }
        kind => {
            let document = document::read(kind, &found.path, &content, &hands.options.document, stop)
                .map_err(|why| why.to_string())?;
            let mut prepared = read::of_document(found, hash, kind, &document, hands);
            for page in &document.pictures {
                let text = hands.eyes.look(&name, &page.png, stop)?;
                let at = prepared
                    .passages
                    .iter_mut()
                    .find(|one| one.kind == PassageKind::Picture && one.place == page.place);
                if let Some(passage) = at {
                    passage.text = text;
                }
            }
            prepared
        }
    };
    prepared.file.seen_by = Some(by.to_owned());
    Ok(prepared)
}

/// A recording, with what is said in it.
///
/// # Errors
///
/// A sentence: there is no sound in it, the worker failed, it was stopped.
pub(super) fn recording(
    found: &Found,
    hash: String,
    by: &str,
    hands: &Hands,
    stop: &AtomicBool,
) -> Result<Prepared, String> {
    let transcript = hands.ears.hear(&found.path, stop, &mut |_| {})?;
    let mut passages = said(&transcript, hands);
    if passages.is_empty() {
        passages.push(passage(PassageKind::Transcript, String::new(), Place::Whole));
    }
    let state = FileState::Indexed { note: transcript.notes.join(" ") };
    let mut prepared = whole(found, hash, passages.remove(0));
    prepared.passages.append(&mut passages);
    prepared.file.state = state;
    prepared.file.seen_by = Some(by.to_owned());
    Ok(prepared)
}

/// What was said, in stretches that fit the embedding model.
fn said(transcript: &Transcript, hands: &Hands) -> Vec<NewPassage> {
    let mut passages: Vec<(NewPassage, u64)> = Vec::new();
    for segment in transcript.segments.iter().filter(|segment| !segment.text.is_empty()) {
        let tokens = (hands.count)(&segment.text);
        let seconds = |ms: u64| u32::try_from(ms / 1000).unwrap_or(u32::MAX);
        let end = seconds(segment.end_ms.saturating_add(999));
        let room = passages.last().is_some_and(|(last, used)| {
            let Place::Seconds(from, _) = last.place else { return false };
            *used + tokens as u64 <= hands.options.most_tokens as u64
                && u64::from(end.saturating_sub(from)) <= MOST_SECONDS
        });
        match passages.last_mut().filter(|_| room) {
            Some((last, used)) => {
                last.text.push(' ');
                last.text.push_str(&segment.text);
                *used += tokens as u64;
                if let Place::Seconds(_, to) = &mut last.place {
                    *to = end.max(*to);
                }
            }
            None => {
                let from = seconds(segment.start_ms);
                let place = Place::Seconds(from, end.max(from));
                passages.push((passage(PassageKind::Transcript, segment.text.clone(), place), tokens as u64));
            }
        }
    }
    passages.into_iter().map(|(passage, _)| passage).collect()
}

fn passage(kind: PassageKind, text: String, place: Place) -> NewPassage {
    NewPassage { kind, text, heading: Vec::new(), place }
}

fn whole(found: &Found, hash: String, passage: NewPassage) -> Prepared {
    let Found { path, bytes, modified_ns } = found.clone();
    let state = FileState::Indexed { note: String::new() };
    let file = NewFile { path, bytes, modified_ns, hash, title: None, seen_by: None, state };
    Prepared { file, passages: vec![passage] }
}

/// A file that could not be looked at or heard: it is found by its name, and not tried again
/// before it changes.
pub(super) fn in_vain(found: &Found, hash: String, kind: PassageKind, by: &str, why: String) -> Prepared {
    let mut prepared = whole(found, hash, passage(kind, String::new(), Place::Whole));
    prepared.file.state = FileState::Indexed { note: why };
    prepared.file.seen_by = Some(by.to_owned());
    prepared
}

/// A file as it is now.
pub(super) fn as_it_is(path: &Path) -> Option<Found> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some(Found::new(path.to_owned(), &metadata))
}
