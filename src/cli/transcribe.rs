//! `percept transcribe`: the sound of a file as text.

use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use clap::Args;
use tempfile::NamedTempFile;

use super::Trouble;
use super::exit::{print_text, warn};
use super::open::{Setup, runtime};
use super::watch::{Shown, set_on_interrupt, stop_on_interrupt, stop_on_terminate};
use crate::audio::Transcript;
use crate::engines::{Hearing, Listener};
use crate::intake::{self, Ears};
use crate::wire::{Failure, FailureKind};

/// How often it is looked whether reading standard input is to end.
const POLL: Duration = Duration::from_millis(100);
/// How long more is waited for after Ctrl+C, which ends the program that writes it too.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Print what is said in a recording
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(super) struct TranscribeArgs {
    /// The recording or film; `-`: standard input
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: PathBuf,
    #[command(flatten)]
    format: FormatArgs,
    /// The language that is spoken: en, de, …; without it, it is heard
    #[arg(short, long, value_name = "CODE")]
    language: Option<String>,
    /// Write in English whatever is said
    #[arg(long)]
    translate: bool,
    /// The times of words too, in JSON; subtitles break by them
    #[arg(long)]
    words: bool,
    /// A word that may be said; can be given several times
    #[arg(long, value_name = "WORD")]
    vocabulary: Vec<String>,
    /// Hypotheses of the beam search; 1 is greedy and fastest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8))]
    beam: Option<u32>,
    /// Decode silence and noise too, in whole windows of 30 s, as whisper.cpp does by itself
    #[arg(long)]
    no_vad: bool,
    /// The model: a name from `percept models list`, or a ggml file
    #[arg(short, long, value_name = "NAME|FILE")]
    model: Option<String>,
}

/// How it is written. Without one of them, as text.
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
struct FormatArgs {
    /// Plain text, a paragraph where a pause is (the default)
    #[arg(long)]
    text: bool,
    /// A line for each thing said, with its time
    #[arg(long)]
    lines: bool,
    /// Subtitles as SubRip (.srt)
    #[arg(long)]
    srt: bool,
    /// Subtitles as WebVTT (.vtt)
    #[arg(long)]
    vtt: bool,
    /// JSON (docs/json.md)
    #[arg(long)]
    json: bool,
}

const HELP: &str = "Examples:
  percept transcribe voicemail.m4a              what is said in it
  percept transcribe talk.mp4 --srt > talk.srt  subtitles that a player takes
  percept transcribe call.ogg --language de --translate
  percept transcribe meeting.mp3 --json --words | jq '.segments[].words'
  arecord -f S16_LE -r 16000 | percept transcribe -    until Ctrl+C";

/// What hears, as the configuration and the command line want it.
fn listener(args: &TranscribeArgs) -> Result<Listener, Trouble> {
    let mut setup = Setup::load()?;
    if let Some(model) = &args.model {
        setup.config.speech.model.clone_from(model);
        setup.config.transcription.model.clone_from(model);
    }
    if let Some(to) = setup.config.transcription.leaves_to() {
        warn(format!("the recording is sent to {to}"));
    }
    let mut listener = setup.listener();
    let speech = &mut listener.speech;
    speech.language = args.language.clone().or(speech.language.take());
    speech.translate |= args.translate;
    speech.words = args.words || args.format.srt || args.format.vtt;
    speech.vocabulary.splice(0..0, args.vocabulary.iter().cloned());
    speech.vad = !args.no_vad;
    speech.beam = args.beam.unwrap_or(speech.beam);

    listener.check().map_err(|why| Trouble::User(anyhow::anyhow!(why)))?;
    Ok(listener)
}

pub(super) fn run(args: TranscribeArgs) -> Result<(), Trouble> {
    let listener = listener(&args)?;
    let runtime = runtime()?;
    let stop = stop_on_terminate(&runtime);
    let piped = match args.file == Path::new("-") {
        true => Some(standard_input(&stop_on_interrupt(&runtime), &stop)?),
        false => None,
    };
    set_on_interrupt(&runtime, &stop);
    let (path, name) = match &piped {
        Some(file) => (file.path(), Path::new("standard input")),
        None => (args.file.as_path(), args.file.as_path()),
    };
    readable(path, name)?;
    let extracted =
        intake::extracted(path, name, &stop).map_err(|why| match stop.load(Ordering::Relaxed) {
            true => Trouble::Stopped,
            false => Trouble::User(anyhow::anyhow!(why)),
        })?;
    let path = extracted.as_ref().map_or(path, NamedTempFile::path);
    let mut shown = Shown::new();
    let mut heard = Transcript::default();
    let done = listener.transcribe(path, &stop, &mut |hearing| match hearing {
        Hearing::Segment(segment) => {
            heard.duration_ms = segment.end_ms;
            heard.segments.push(segment);
        }
        hearing => shown.tell(hearing),
    });
    shown.clear();
    runtime.shutdown_background();
    let failure = match done {
        Ok(transcript) => return print(&transcript, args.format),
        Err(failure) => failure,
    };
    // What was heard before it ended is not lost.
    if !heard.segments.is_empty() {
        warn("what was heard until then is printed");
        print(&heard, args.format)?;
    }
    match stop.load(Ordering::Relaxed) {
        true => Err(Trouble::Stopped),
        false => Err(trouble(failure)),
    }
}

/// What can be said of a file before a model is loaded for it.
fn readable(path: &Path, name: &Path) -> Result<(), Trouble> {
    let refused = |why: String| Err(Trouble::User(anyhow::anyhow!("{} {why}", name.display())));
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return refused(format!("can't be read: {error}")),
    };
    if metadata.is_dir() {
        return refused("is a folder; give the recordings in it one by one".to_owned());
    }
    if !metadata.is_file() {
        let how = format!("cat {} | percept transcribe -", name.display());
        return refused(format!("is a pipe or a device; give what comes from it by: {how}"));
    }
    if metadata.len() == 0 {
        return refused("is empty".to_owned());
    }
    match std::fs::File::open(path) {
        Ok(_) => Ok(()),
        Err(error) => refused(format!("can't be read: {error}")),
    }
}

/// Formats are read back and forth: what is piped in becomes a file first. Ctrl+C ends a recorder
/// that writes into the pipe, and what came until then is what is given.
fn standard_input(interrupted: &AtomicBool, stop: &AtomicBool) -> Result<NamedTempFile, Trouble> {
    if io::stdin().is_terminal() {
        return Err(Trouble::User(anyhow::anyhow!("pipe a recording in, or give a file")));
    }
    let mut file = NamedTempFile::new()?;
    let pieces = pieces_of_input();
    let mut ending: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) && ending.is_none_or(|since| since.elapsed() < LAST_WORDS) {
        if ending.is_none() && interrupted.load(Ordering::Relaxed) {
            ending = Some(Instant::now());
        }
        match pieces.recv_timeout(POLL) {
            Ok(piece) => file.write_all(&piece?)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                // The Ctrl+C that ended the recorder may be told a moment later than its end.
                std::thread::sleep(POLL);
                break;
            }
        }
    }
    match stop.load(Ordering::Relaxed) {
        true => Err(Trouble::Stopped),
        false => Ok(file),
    }
}

/// Standard input, read on a thread of its own, since nothing ends a read that waits.
fn pieces_of_input() -> Receiver<io::Result<Vec<u8>>> {
    let (sender, pieces) = sync_channel(16);
    std::thread::spawn(move || {
        let mut piece = vec![0; 64 * 1024];
        loop {
            let read = io::stdin().read(&mut piece).map(|count| piece[..count].to_vec());
            let ended = !matches!(&read, Ok(bytes) if !bytes.is_empty());
            if sender.send(read).is_err() || ended {
                return;
            }
        }
    });
    pieces
}

fn print(transcript: &Transcript, format: FormatArgs) -> Result<(), Trouble> {
    for note in &transcript.notes {
        warn(note);
    }
    if transcript.segments.is_empty() {
        warn("nothing was said in it");
    }
    match format {
        FormatArgs { json: true, .. } => super::exit::print_json(transcript),
        FormatArgs { srt: true, .. } => print_text(&transcript.to_srt()),
        FormatArgs { vtt: true, .. } => print_text(&transcript.to_vtt()),
        FormatArgs { lines: true, .. } => print_text(&transcript.to_lines()),
        _ => print_text(&transcript.to_text()),
    }
}

fn trouble(failure: Failure) -> Trouble {
    let said = anyhow::anyhow!(failure.in_words());
    match failure.kind {
        FailureKind::Media | FailureKind::BadRequest | FailureKind::NotLoaded => Trouble::User(said),
        _ => Trouble::Engine(said),
    }
}
