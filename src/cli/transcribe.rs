//! `percept transcribe`: the sound of a file as text.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Trouble;
use super::exit::{print_text, warn};
use super::open::{Setup, runtime};
use super::watch::{Shown, stop_on_interrupt};
use crate::audio::Transcript;
use crate::engines::Hearing;
use crate::intake;
use crate::wire::{Failure, FailureKind};

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
  percept transcribe meeting.mp3 --json --words | jq '.segments[].words'";

pub(super) fn run(args: TranscribeArgs) -> Result<(), Trouble> {
    let mut setup = Setup::load()?;
    if let Some(model) = &args.model {
        setup.config.speech.model.clone_from(model);
    }
    let mut listener = setup.listener();
    let speech = &mut listener.speech;
    speech.language = args.language.clone().or(speech.language.take());
    speech.translate |= args.translate;
    speech.words = args.words || args.format.srt || args.format.vtt;
    speech.vocabulary.splice(0..0, args.vocabulary.iter().cloned());
    speech.vad = !args.no_vad;
    speech.beam = args.beam.unwrap_or(speech.beam);

    let runtime = runtime()?;
    let stop = stop_on_interrupt(&runtime);
    let piped = (args.file == Path::new("-")).then(standard_input).transpose()?;
    let path = piped.as_ref().map_or(args.file.as_path(), tempfile::NamedTempFile::path);
    readable(path)?;
    let extracted = intake::extracted(path, &stop);
    let path = extracted.as_ref().map_or(path, tempfile::NamedTempFile::path);
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
    match stop.load(std::sync::atomic::Ordering::Relaxed) {
        true => Err(Trouble::Stopped),
        false => Err(trouble(failure)),
    }
}

/// What can be said of a file before a model is loaded for it.
fn readable(path: &Path) -> Result<(), Trouble> {
    let io = |error| Trouble::User(anyhow::anyhow!("{} can't be read: {error}", path.display()));
    let metadata = std::fs::metadata(path).map_err(io)?;
    if metadata.is_file() && metadata.len() == 0 {
        return Err(Trouble::User(anyhow::anyhow!("{} is empty", path.display())));
    }
    if metadata.is_dir() {
        let what = "is a folder; give the recordings in it one by one";
        return Err(Trouble::User(anyhow::anyhow!("{} {what}", path.display())));
    }
    std::fs::File::open(path).map(drop).map_err(io)
}

/// Formats are read back and forth: what is piped in becomes a file first.
fn standard_input() -> Result<tempfile::NamedTempFile, Trouble> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(Trouble::User(anyhow::anyhow!("pipe a recording in, or give a file")));
    }
    let mut file = tempfile::NamedTempFile::new()?;
    io::copy(&mut stdin.lock(), &mut file)?;
    Ok(file)
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
    let said = match &failure.hint {
        Some(hint) => anyhow::anyhow!("{} {hint}", failure.message),
        None => anyhow::anyhow!("{}", failure.message),
    };
    match failure.kind {
        FailureKind::Media | FailureKind::BadRequest | FailureKind::NotLoaded => Trouble::User(said),
        _ => Trouble::Engine(said),
    }
}
