//! Recordings: heard where they are, and attached as what was said in them, with pictures
//! where they are films.

use std::fmt::Display;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{IntakeError, Options, Taken, Watch, film, text};
use crate::attachment::{Attachment, AttachmentId, Frame, Medium, Source};
use crate::audio::{self, AudioError, Transcript};
use crate::text::{clock, printable};

/// A recording up to this size is kept with the conversation, for models that hear.
const KEPT_BYTES: u64 = 8 * 1024 * 1024;
/// And so long, in milliseconds: the worker gives a model no more than half an hour.
const KEPT_MS: u64 = 30 * 60 * 1000;

/// Turns the sound of a file into text.
pub trait Ears: Send + Sync {
    /// Whether anything can be heard at all; asked before a file is decoded.
    ///
    /// # Errors
    ///
    /// Why nothing can, and what to do: a sentence or two for the screen.
    fn check(&self) -> Result<(), String>;

    /// Hears a file from end to end. `tell` is told how far it is.
    ///
    /// # Errors
    ///
    /// Why it can't be heard, and what to do: a sentence or two for the screen.
    fn hear(
        &self,
        path: &Path,
        stop: &AtomicBool,
        tell: &mut dyn FnMut(&dyn Display),
    ) -> Result<Transcript, String>;
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub struct Deaf;

impl Ears for Deaf {
    fn check(&self) -> Result<(), String> {
        Err("Recordings can't be heard here; attach it with /attach.".to_owned())
    }

    fn hear(&self, _: &Path, _: &AtomicBool, _: &mut dyn FnMut(&dyn Display)) -> Result<Transcript, String> {
        self.check().map(|()| Transcript::default())
    }
}

/// Whether a file is a recording. What can't be read is not: that is said by who reads it.
pub(super) fn recognises_file(path: &Path) -> bool {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut head = Vec::new();
        File::open(path)?.take(audio::HEAD_BYTES as u64).read_to_end(&mut head)?;
        Ok(head)
    };
    path.is_file() && read().is_ok_and(|head| recognises(&head))
}

/// Whether bytes are a recording.
pub(super) fn recognises(bytes: &[u8]) -> bool {
    audio::is_recording(&bytes[..bytes.len().min(audio::HEAD_BYTES)])
}

/// Hears bytes that are here already. They are not kept.
pub(super) fn take_bytes(
    name: &str,
    bytes: &[u8],
    source: Source,
    options: &Options,
    watch: &mut Watch<'_>,
) -> Result<Taken, IntakeError> {
    let failed = |error| IntakeError::io(name, error);
    let mut file = tempfile::NamedTempFile::new().map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.flush()).map_err(failed)?;
    take(name, file.path(), source, options, watch)
}

/// Hears a file.
pub(super) fn take_path(path: &Path, options: &Options, watch: &mut Watch<'_>) -> Result<Taken, IntakeError> {
    let name = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    take(&name, path, Source::File { path: absolute }, options, watch)
}

fn take(
    name: &str,
    path: &Path,
    source: Source,
    options: &Options,
    watch: &mut Watch<'_>,
) -> Result<Taken, IntakeError> {
    let failed = |why: String| match watch_stopped(watch.stop) {
        true => IntakeError::Recording("It was stopped.".to_owned()),
        false => IntakeError::Recording(format!("{name}: {why}")),
    };
    let shown = match &source {
        Source::File { path } => path.clone(),
        _ => PathBuf::from(name),
    };
    let mut notes = Vec::new();
    let pictures = seen((path, &shown), options, watch).unwrap_or_else(|why| {
        notes.push(why);
        Vec::new()
    });
    let heard = hear(path, &shown, watch);
    let Heard { look, transcript, as_it_is } = match heard {
        Ok(heard) => heard,
        // A film that can't be heard can be seen.
        Err(why) if !pictures.is_empty() && !watch_stopped(watch.stop) => {
            notes.push(why);
            Default::default()
        }
        Err(why) => return Err(failed(why)),
    };
    if transcript.segments.is_empty() && notes.is_empty() {
        notes.push("nothing is said in it".to_owned());
    }
    notes.extend(transcript.notes.iter().cloned());
    let duration_ms = look.duration_ms.max(transcript.duration_ms);
    let whole = written(name, duration_ms, &transcript, &pictures);
    let view = text::cut(&whole, options.max_text_bytes).map(|(cut, note)| {
        notes.push(note);
        cut.into_bytes()
    });
    let frames = pictures.iter().map(|picture| Frame {
        at_ms: picture.at_ms,
        picture: AttachmentId::of(&picture.bytes),
        width: picture.width,
        height: picture.height,
    });
    let bytes = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let sound = (as_it_is && is_kept(bytes, look.duration_ms)).then(|| std::fs::read(path).ok()).flatten();
    let medium = Medium::Recording {
        duration_ms,
        waveform: look.waveform,
        language: transcript.language.clone(),
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        sound: sound.as_deref().map(AttachmentId::of),
        frames: frames.collect(),
        view: view.as_deref().map(AttachmentId::of),
    };
    let attachment =
        Attachment { id: AttachmentId::of(whole.as_bytes()), name: printable(name), bytes, medium, source };
    let kept = pictures.into_iter().map(|picture| picture.bytes).chain(sound).collect();
    Ok(Taken { attachment, original: whole.into_bytes(), view, kept })
}

/// The pictures of a film; none of what is sound alone.
fn seen(
    (path, shown): (&Path, &Path),
    options: &Options,
    watch: &mut Watch<'_>,
) -> Result<Vec<film::Picture>, String> {
    if options.film_pictures == 0 || !film::has_pictures(path) {
        return Ok(Vec::new());
    }
    (watch.tell)(&"looking for pictures");
    film::pictures((path, shown), options.film_pictures, options.max_edge, watch.stop)
}

fn watch_stopped(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed)
}

/// Whether a model that hears can be given the sound of a recording, which is kept for it then.
fn is_kept(bytes: u64, duration_ms: u64) -> bool {
    bytes <= KEPT_BYTES && (1..KEPT_MS).contains(&duration_ms)
}

/// The sound of a file that can't be read here, as ffmpeg gives it where it is installed; it is
/// deleted when it is dropped. `None`: the file itself is to be read. `name` is what it is called.
///
/// # Errors
///
/// Why neither can read it, and what to do: a sentence or two for the screen.
pub fn extracted(
    path: &Path,
    name: &Path,
    stop: &AtomicBool,
) -> Result<Option<tempfile::NamedTempFile>, String> {
    let Err(error) = audio::Reader::open(path) else { return Ok(None) };
    match (film::sound((path, name), stop), error) {
        (Ok(sound), _) => Ok(Some(sound)),
        (Err(why), AudioError::Format { .. } | AudioError::Codec { .. } | AudioError::Damaged { .. })
            if recognises_file(path) =>
        {
            Err(why)
        }
        (_, error) => Err(error.named(name).to_string()),
    }
}

/// What is known of its sound.
#[derive(Default)]
struct Heard {
    look: audio::Look,
    transcript: Transcript,
    /// Whether the file itself could be read, without ffmpeg.
    as_it_is: bool,
}

fn hear(path: &Path, name: &Path, watch: &mut Watch<'_>) -> Result<Heard, String> {
    watch.ears.check()?;
    let extracted = extracted(path, name, watch.stop)?;
    let path = extracted.as_ref().map_or(path, tempfile::NamedTempFile::path);
    let mut tell = |read_ms: u64| (watch.tell)(&format_args!("{} long so far", clock(read_ms)));
    let look = audio::look(path, watch.stop, &mut tell).map_err(|error| error.named(name).to_string())?;
    let transcript = watch.ears.hear(path, watch.stop, watch.tell)?;
    Ok(Heard { look, transcript, as_it_is: extracted.is_none() })
}

/// The transcript with its times, and a line where each picture stands.
fn written(name: &str, duration_ms: u64, transcript: &Transcript, pictures: &[film::Picture]) -> String {
    let mut lines: Vec<(u64, String)> = Vec::new();
    for segment in &transcript.segments {
        lines.push((segment.start_ms, segment.text.clone()));
    }
    for (index, picture) in pictures.iter().enumerate() {
        lines.push((picture.at_ms, format!("(picture {})", index + 1)));
    }
    // A stable order: what was said comes before what is shown at the same moment.
    lines.sort_by_key(|(at_ms, _)| *at_ms);
    let mut whole = format!("{name}, {} long\n", clock(duration_ms));
    for (at_ms, line) in lines {
        whole.push_str(&format!("[{}] {line}\n", clock(at_ms)));
    }
    whole
}

#[cfg(test)]
#[path = "recording_tests.rs"]
mod tests;
