//! Pictures of a film, and the sound of one that percept can't read itself, by `ffmpeg` where
//! that is installed.
//!
//! A film is from anywhere. `ffmpeg` is told what it is, so that no playlist is taken for one,
//! and may open files only, of which its formats name none but the film.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use image::{ImageFormat, ImageReader};
use tempfile::NamedTempFile;

use super::command::find;
use crate::audio::{self, Container};

/// How different a picture must be from the one before it, 0 to 1, to begin a scene. A cut is
/// above 0.3; a new slide or window often isn't.
const SCENE: f64 = 0.1;
/// Scenes begin so much apart: a fade is many small changes.
const APART_MS: u64 = 1000;
/// The scenes that are kept until some are chosen.
const MOST_SCENES: usize = 10_000;
/// The largest picture, in bytes.
const MOST_PICTURE: usize = 16 * 1024 * 1024;
/// The longest sound that is extracted, in seconds: a day is 2.8 GB.
const MOST_SOUND_S: u32 = 24 * 3600;
/// A program that says nothing for so long stands still. How long it may take in all is up to
/// the film.
const STANDS_STILL: Duration = Duration::from_secs(60);
/// How often the stop flag is looked at.
const POLL: Duration = Duration::from_millis(50);
/// What is kept of what it complains about, in bytes.
const MOST_SAID: usize = 4096;
/// How it says that a file has nothing of the kind that is asked for.
const NO_STREAM: &str = "does not contain any stream";

/// A picture of a film.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    /// When it is shown, in milliseconds from the start.
    pub(super) at_ms: u64,
    /// Its width in pixels.
    pub(super) width: u32,
    /// Its height in pixels.
    pub(super) height: u32,
    /// A JPEG.
    pub(super) bytes: Vec<u8>,
}

/// Whether a file is a film, by its content.
pub(super) fn has_pictures(path: &Path) -> bool {
    match container(path) {
        Some(Container::Mp4 | Container::Matroska) => audio::has_video(path),
        Some(Container::Avi | Container::Flv | Container::MpegProgram | Container::MpegTransport) => true,
        // Sound and films alike; which it is turns out when pictures are looked for.
        Some(Container::Asf) => true,
        _ => false,
    }
}

/// The first picture and those at which scenes begin, `most` evenly chosen ones where there are
/// more; no edge longer than `max_edge` pixels. None of a file that is sound alone. `name` is
/// what the file is called.
///
/// # Errors
///
/// What is missing or went wrong, and what to do: a sentence or two.
pub(super) fn pictures(
    (path, name): (&Path, &Path),
    most: usize,
    max_edge: u32,
    stop: &AtomicBool,
) -> Result<Vec<Picture>, String> {
    let (what, consolation) = ("The pictures of a film", "Its sound is heard all the same.");
    let ffmpeg = Ffmpeg::new((path, name), stop, what, consolation)?;
    let by_key = ffmpeg.scenes(Scan::KeyFrames)?;
    // Encoders begin scenes with a key frame, but programs that record a screen make few.
    let scenes = if by_key.seen < most { ffmpeg.scenes(Scan::AllFrames)? } else { by_key };
    readable(evenly(&scenes.starts, most).into_iter().map(|at_ms| ffmpeg.picture(at_ms, max_edge)), stop)
}

/// The pictures of a film that can be decoded; why not, where none can or it was stopped.
fn readable(
    pictures: impl Iterator<Item = Result<Option<Picture>, String>>,
    stop: &AtomicBool,
) -> Result<Vec<Picture>, String> {
    let mut read = Vec::new();
    let mut failure = None;
    for picture in pictures {
        match picture {
            Ok(picture) => read.extend(picture),
            Err(why) if stop.load(Ordering::Relaxed) => return Err(why),
            Err(why) => failure = Some(why),
        }
    }
    match failure {
        Some(why) if read.is_empty() => Err(why),
        _ => Ok(read),
    }
}

/// The sound of a film or recording that percept can't read itself, as a wav file. `name` is
/// what the file is called.
///
/// # Errors
///
/// What is missing or went wrong, and what to do: a sentence or two.
pub(super) fn sound((path, name): (&Path, &Path), stop: &AtomicBool) -> Result<NamedTempFile, String> {
    let ffmpeg = Ffmpeg::new((path, name), stop, &format!("The sound of {}", name.display()), "")?;
    let file = tempfile::Builder::new().prefix("percept-").suffix(".wav").tempfile();
    let mut file =
        file.map_err(|error| format!("There is no room for the sound of {}: {error}.", name.display()))?;
    let (length, rate) = (MOST_SOUND_S.to_string(), crate::wire::SAMPLE_RATE.to_string());
    let output =
        ["-vn", "-sn", "-dn", "-t", &length, "-ar", &rate, "-ac", "1", "-c:a", "pcm_s16le", "-f", "wav"];
    let mut arguments: Vec<OsString> = output.iter().map(OsString::from).collect();
    // By a pipe, whose end is its own where percept is killed.
    arguments.push(OsString::from("pipe:1"));
    ffmpeg.run(&[], &arguments, &mut |piece| {
        file.write_all(piece).map_err(|error| format!("its sound can't be kept: {error}"))
    })?;
    Ok(file)
}

fn container(path: &Path) -> Option<Container> {
    let mut head = Vec::new();
    let file = File::open(path).ok()?;
    file.take(audio::HEAD_BYTES as u64).read_to_end(&mut head).ok()?;
    Container::of(&head)
}

/// The name by which `ffmpeg` reads a format.
fn demuxer(container: Container) -> &'static str {
    match container {
        Container::Wave => "wav",
        Container::Mpeg => "mp3",
        Container::Adts => "aac",
        Container::Flac => "flac",
        Container::Ogg => "ogg",
        Container::Mp4 => "mov",
        Container::Matroska => "matroska",
        Container::Caf => "caf",
        Container::Aiff => "aiff",
        Container::Avi => "avi",
        Container::Asf => "asf",
        Container::Flv => "flv",
        Container::MpegProgram => "mpeg",
        Container::MpegTransport => "mpegts",
        Container::Amr => "amr",
    }
}

/// A path that is one whatever it looks like: an option, an address.
fn protocol_path(path: &Path) -> OsString {
    let mut argument = OsString::from("file:");
    argument.push(path);
    argument
}

/// Which pictures are looked at to find scenes.
#[derive(Clone, Copy)]
enum Scan {
    /// Those that are whole in themselves: some hundred times as fast.
    KeyFrames,
    AllFrames,
}

/// The program, on one file.
struct Ffmpeg<'a> {
    path: &'a Path,
    /// What it is called.
    name: &'a Path,
    demuxer: &'static str,
    stop: &'a AtomicBool,
}

impl<'a> Ffmpeg<'a> {
    fn new(
        (path, name): (&'a Path, &'a Path),
        stop: &'a AtomicBool,
        what: &str,
        consolation: &str,
    ) -> Result<Self, String> {
        let Some(container) = container(path) else { return Err(format!("{} is no film.", name.display())) };
        match find("ffmpeg") {
            Some(_) => Ok(Self { path, name, demuxer: demuxer(container), stop }),
            None => {
                let how = "ffmpeg isn't installed. Get it with your system's packages (apt install ffmpeg, dnf \
                           install ffmpeg, brew install ffmpeg, winget install ffmpeg)";
                Err(format!("{what} can't be had: {how}. {consolation}").trim_end().to_owned())
            }
        }
    }

    fn scenes(&self, scan: Scan) -> Result<Scenes, String> {
        let before: &[&str] = match scan {
            Scan::KeyFrames => &["-skip_frame", "nokey"],
            Scan::AllFrames => &[],
        };
        // All pictures pass the filter, which works their scores out; printing them is a sign of
        // life. Their checksums are written so that it ends where nobody reads them any more.
        let filter = "scale=320:-2,select='gte(scene,0)',metadata=mode=print:file=-:direct=1";
        let arguments = ["-an", "-sn", "-dn", "-vf", filter, "-f", "framecrc", "pipe:1"].map(OsString::from);
        let mut scenes = Scenes::default();
        let done = self.run(before, &arguments, &mut |printed| {
            scenes.take(printed);
            Ok(())
        });
        match done {
            Err(why) if !why.contains(NO_STREAM) => Err(why),
            _ => Ok(scenes),
        }
    }

    /// The picture at a time; `None` where the film ends before it.
    fn picture(&self, at_ms: u64, max_edge: u32) -> Result<Option<Picture>, String> {
        let seek = format!("{}.{:03}", at_ms / 1000, at_ms % 1000);
        let filter = format!(
            "scale=w='min({max_edge},iw)':h='min({max_edge},ih)':force_original_aspect_ratio=decrease"
        );
        let output = ["-an", "-sn", "-dn", "-frames:v", "1", "-vf", &filter, "-c:v", "mjpeg", "-q:v", "3"];
        let mut arguments: Vec<OsString> = output.iter().map(OsString::from).collect();
        arguments.extend(["-f", "image2pipe", "pipe:1"].map(OsString::from));
        let mut bytes = Vec::new();
        self.run(&["-ss", &seek], &arguments, &mut |piece| {
            bytes.extend_from_slice(piece);
            if bytes.len() > MOST_PICTURE { Err("a picture of it is too large".to_owned()) } else { Ok(()) }
        })?;
        let size = ImageReader::with_format(Cursor::new(&bytes), ImageFormat::Jpeg).into_dimensions();
        Ok(size.ok().map(|(width, height)| Picture { at_ms, width, height, bytes }))
    }

    /// Runs it to its end, and hands on what it writes.
    fn run(
        &self,
        before: &[&str],
        after: &[OsString],
        take: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut command = Command::new("ffmpeg");
        command
            .args(["-nostdin", "-hide_banner", "-nostats", "-v", "error", "-protocol_whitelist", "file"])
            .args(["-f", self.demuxer])
            .args(before)
            .arg("-i")
            .arg(protocol_path(self.path))
            .args(after)
            // It would write a report of everything where this says so.
            .env_remove("FFREPORT");
        let outcome = Running::start(command).and_then(|running| running.follow(self.stop, take));
        outcome.map_err(|why| {
            // It may begin with the path, which may be a temporary one.
            let path = format!("{}: ", protocol_path(self.path).to_string_lossy());
            format!("ffmpeg can't read {}: {}.", self.name.display(), why.replace(&path, ""))
        })
    }
}

/// A process that ends with its owner.
struct Running {
    child: Child,
    written: Receiver<Vec<u8>>,
    said: JoinHandle<Vec<u8>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(mut command: Command) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (pieces, written) = sync_channel(16);
        std::thread::spawn(move || {
            let Some(mut out) = out else { return };
            each_piece(&mut out, &mut |piece| pieces.send(piece.to_vec()).is_ok());
        });
        let said = std::thread::spawn(move || {
            let mut said = Vec::new();
            let Some(mut err) = err else { return said };
            each_piece(&mut err, &mut |piece| {
                let room = MOST_SAID - said.len();
                said.extend_from_slice(&piece[..piece.len().min(room)]);
                true
            });
            said
        });
        Ok(Self { child, written, said })
    }

    fn follow(
        mut self,
        stop: &AtomicBool,
        take: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut heard = Instant::now();
        let mut open = true;
        let status = loop {
            if stop.load(Ordering::Relaxed) {
                return Err("it was stopped".to_owned());
            }
            if heard.elapsed() > STANDS_STILL {
                return Err(format!("it stood still for {} s", STANDS_STILL.as_secs()));
            }
            if !open {
                std::thread::sleep(POLL / 10);
                match self.child.try_wait() {
                    Ok(Some(status)) => break status,
                    Ok(None) => continue,
                    Err(error) => return Err(error.to_string()),
                }
            }
            match self.written.recv_timeout(POLL) {
                Ok(piece) => {
                    heard = Instant::now();
                    take(&piece)?;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => open = false,
            }
        };
        match status.success() {
            true => Ok(()),
            false => Err(self.last_words()),
        }
    }

    fn last_words(&mut self) -> String {
        let said = std::mem::replace(&mut self.said, std::thread::spawn(Vec::new));
        let said = said.join().unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
        let line = lines.clone().find(|line| line.contains(NO_STREAM)).or(lines.next_back());
        let line = line.unwrap_or("it doesn't say why");
        crate::text::printable(line).trim_end_matches('.').to_owned()
    }
}

fn each_piece(from: &mut impl Read, take: &mut dyn FnMut(&[u8]) -> bool) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        if !take(&piece[..read]) {
            return;
        }
    }
}

/// What the filter prints: two lines a picture, its time and its score.
#[derive(Debug, Default)]
struct Scenes {
    /// The pictures that were looked at.
    seen: usize,
    /// When scenes begin, in milliseconds; the first is the first picture.
    starts: Vec<u64>,
    line: Vec<u8>,
    at_ms: u64,
}

impl Scenes {
    fn take(&mut self, printed: &[u8]) {
        for byte in printed {
            match byte {
                b'\n' => {
                    let line = std::mem::take(&mut self.line);
                    self.line(&String::from_utf8_lossy(&line));
                }
                _ if self.line.len() < MOST_SAID => self.line.push(*byte),
                _ => {}
            }
        }
    }

    fn line(&mut self, line: &str) {
        if let Some((_, time)) = line.split_once("pts_time:") {
            let seconds: f64 = time.trim().parse().unwrap_or(0.0);
            // Rounded down, so that seeking there doesn't miss it.
            self.at_ms = (seconds.max(0.0) * 1000.0) as u64;
        } else if let Some((_, score)) = line.split_once("scene_score=") {
            let score: f64 = score.trim().parse().unwrap_or(0.0);
            let begins = match self.starts.last() {
                None => true,
                Some(last) => {
                    score >= SCENE
                        && self.at_ms >= last.saturating_add(APART_MS)
                        && self.starts.len() < MOST_SCENES
                }
            };
            self.seen += 1;
            if begins {
                self.starts.push(self.at_ms);
            }
        }
    }
}

/// So many of them, evenly spread; the first always.
fn evenly(all: &[u64], most: usize) -> Vec<u64> {
    match (all.len(), most) {
        (_, 0) => Vec::new(),
        (_, 1) => all.iter().copied().take(1).collect(),
        (count, most) if count <= most => all.to_vec(),
        (count, most) => (0..most).map(|number| all[number * (count - 1) / (most - 1)]).collect(),
    }
}

#[cfg(test)]
#[path = "film_tests.rs"]
mod tests;
