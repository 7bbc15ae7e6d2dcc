//! Logs: read where they are, from end to end, and attached as a digest.

use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::{IntakeError, Options, Taken, Watch};
use crate::attachment::{Attachment, AttachmentId, Medium, Source};
use crate::digest::input::{Bounds, Gathered, InputError, Reader, Source as LogSource, gather};
use crate::digest::{self, Focus, LogDigest, LogRecord, is_log, is_named_log};

/// A file up to this size is kept with the conversation: it can be looked up when it is gone.
const KEPT_BYTES: u64 = 8 * 1024 * 1024;

/// Files that are tables or pictures by their names are no logs, whatever their lines have.
fn is_named_otherwise(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|own| own.to_str()).unwrap_or_default();
    ["csv", "tsv", "psv", "md", "rst", "html", "json"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

/// Whether bytes of this name are a log; `whole` is how many there are in all.
pub(super) fn recognises(name: &str, head: &[u8], whole: u64, options: &Options) -> bool {
    let head = &head[..head.len().min(digest::HEAD_BYTES)];
    if super::image::format_of(head).is_some() {
        return false;
    }
    let is_text = super::text::is_text(head);
    let large = whole > options.max_text_bytes as u64;
    match is_text {
        true if is_named_otherwise(name) => false,
        true => is_log(head) || (large && is_named_log(name)) || whole > options.max_file_bytes,
        false => is_log(head) && !is_named_otherwise(name),
    }
}

/// Whether a file is a log. What can't be read is not: that is said by who reads it.
pub(super) fn recognises_file(path: &Path, options: &Options) -> bool {
    let Ok(metadata) = std::fs::metadata(path) else { return false };
    if metadata.is_dir() {
        return true;
    }
    let read = || -> std::io::Result<Vec<u8>> {
        let mut head = Vec::new();
        File::open(path)?.take(digest::HEAD_BYTES as u64).read_to_end(&mut head)?;
        Ok(head)
    };
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    metadata.is_file() && read().is_ok_and(|head| recognises(&name, &head, metadata.len(), options))
}

fn now() -> digest::Options {
    digest::Options::at(jiff::Timestamp::now().as_millisecond())
}

/// Reads a file, a folder or an archive.
pub(super) fn take_path(path: &Path, options: &Options, watch: &mut Watch<'_>) -> Result<Taken, IntakeError> {
    let shown = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy());
    let folder = path.is_dir();
    let name = if folder { format!("{shown}/") } else { shown.into_owned() };
    let mut gathered = match gather(&[path.to_owned()], &Bounds::default(), watch.stop) {
        Err(InputError::Nothing(_)) if folder => return Err(IntakeError::Folder(path.display().to_string())),
        gathered => gathered.map_err(failed)?,
    };
    if folder {
        only_logs(&mut gathered, options, watch.stop);
        if gathered.sources.is_empty() {
            return Err(IntakeError::Folder(path.display().to_string()));
        }
    }
    let digest = LogDigest::read(&gathered, &now(), watch.stop, &mut |progress| (watch.tell)(progress));
    if digest.stopped {
        return Err(IntakeError::Log(InputError::Stopped.to_string()));
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let kept = match gathered.sources.as_slice() {
        [one] if one.member.is_none() && one.bytes <= KEPT_BYTES => one.raw(KEPT_BYTES),
        _ => None,
    };
    let bytes = gathered.bytes_on_disk();
    Ok(taken(&name, digest, bytes, kept, Source::File { path: absolute }, options))
}

/// Of a folder only what is a log is taken: it may hold anything.
fn only_logs(gathered: &mut Gathered, options: &Options, stop: &AtomicBool) {
    let is_one = |source: &LogSource| {
        let file = source.name.rsplit(['/', '\\']).next().unwrap_or_default();
        if source.member.is_some() || is_named_log(file) {
            return true;
        }
        let mut head = Vec::new();
        let read = source
            .open_until(stop)
            .map(|reader| reader.take(digest::HEAD_BYTES as u64).read_to_end(&mut head));
        matches!(read, Ok(Ok(_))) && recognises(file, &head, source.bytes, options)
    };
    let (logs, others): (Vec<_>, Vec<_>) =
        std::mem::take(&mut gathered.sources).into_iter().partition(is_one);
    gathered.sources = logs;
    gathered.passed_over.extend(others.into_iter().map(|other| (other.name, "is no log".to_owned())));
}

/// Reads bytes that are here already.
pub(super) fn take_bytes(
    name: &str,
    bytes: &[u8],
    source: Source,
    options: &Options,
    watch: &mut Watch<'_>,
) -> Result<Taken, IntakeError> {
    // Unpacked and decoded first: what is kept is what the line numbers are of.
    let mut reader = Reader::stream(name, Cursor::new(bytes.to_vec()), watch.stop).map_err(failed)?;
    let mut plain = Vec::new();
    let read = (&mut reader).take(options.max_file_bytes + 1).read_to_end(&mut plain);
    read.map_err(|error| failed(InputError::io(name, error)))?;
    super::check_size(name, plain.len() as u64, options)?;
    // Read like a file, so that the same bytes give the same digest.
    let failed_io = |error| failed(InputError::io(name, error));
    let mut file = tempfile::NamedTempFile::new().map_err(failed_io)?;
    file.write_all(&plain).and_then(|()| file.flush()).map_err(failed_io)?;
    let origin = LogSource::plain(name, file.path()).map_err(failed)?;
    let gathered = Gathered { sources: vec![origin], ..Gathered::default() };
    let mut digest = LogDigest::read(&gathered, &now(), watch.stop, &mut |progress| (watch.tell)(progress));
    if digest.stopped {
        return Err(IntakeError::Log(InputError::Stopped.to_string()));
    }
    // Its lines are where what is kept lies.
    for facts in &mut digest.sources {
        (facts.source.path, facts.source.identity) = (PathBuf::new(), None);
    }
    let size = plain.len() as u64;
    Ok(taken(name, digest, size, Some(plain), source, options))
}

fn failed(error: InputError) -> IntakeError {
    IntakeError::Log(error.to_string())
}

fn taken(
    name: &str,
    digest: LogDigest,
    bytes: u64,
    kept: Option<Vec<u8>>,
    source: Source,
    options: &Options,
) -> Taken {
    let view = digest::render(&digest, &Focus::of(&options.question), options.log_tokens).into_bytes();
    let medium = Medium::Log {
        lines: digest.lines,
        templates: digest.templates.len() as u64,
        files: digest.sources.len() as u64,
        note: first_error(&digest),
        view: Some(AttachmentId::of(&view)),
    };
    let record = LogRecord { digest, kept: kept.as_deref().map(AttachmentId::of) }.to_bytes();
    let attachment = Attachment {
        id: AttachmentId::of(&record),
        name: crate::text::printable(name),
        bytes,
        medium,
        source,
    };
    Taken { attachment, original: record, view: Some(view), kept: kept.into_iter().collect() }
}

/// `errors from 02:14`
fn first_error(digest: &LogDigest) -> Option<String> {
    let time = digest.time(digest.first_error()?);
    // Of a day and a time the time, to the minute.
    let clock = time.split_once(' ').and_then(|(_, clock)| clock.get(..5)).unwrap_or(&time);
    Some(format!("errors from {clock}"))
}
