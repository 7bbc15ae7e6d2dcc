//! `read_text`: the words in a picture with their places, by Tesseract where it is installed.
//!
//! It runs in the sandbox, without network, and gets a PNG that percept made of the decoded
//! picture: never the bytes that came from outside.

mod tsv;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::super::arguments::Arguments;
use super::super::sandbox::{self, Ended, Output, Policy, Run, Support};
use super::super::scene::{Found, Scene};
use super::{open, picture};
use crate::attachment::Attachment;
use crate::intake::{Region, crop};
use crate::text::thousands;
use crate::tools::lookup;
use crate::tools::plain::{Page, line};

/// How long Tesseract may take: a large screenshot takes some seconds.
const TIME: Duration = Duration::from_secs(90);

/// The most bytes that it may write: a full page of small print has some hundred kilobytes.
const MOST_TSV: usize = 8 * 1024 * 1024;

/// How often it is looked whether the call was stopped.
const POLL: Duration = Duration::from_millis(20);

/// The most of an error of Tesseract's that the model gets, in characters.
const MOST_ERROR: usize = 300;

/// Its page segmentation "sparse text": a screenshot has words here and there.
const SPARSE: &str = "11";

/// Where Tesseract is installed. Looked up in `PATH` once.
pub fn tesseract() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| lookup::program("tesseract")).clone()
}

/// Runs it.
pub(super) fn run(arguments: &Arguments, scene: &Scene<'_>) -> Result<Found, String> {
    let picture = picture::named(arguments, scene)?;
    let program = tesseract().ok_or(
        "Tesseract, which reads text, is not installed here. Look at the picture with zoom instead.",
    )?;
    if let Support::None(why) = &scene.commands.by {
        return Err(format!("Text is only read in a sandbox, and here {why}. Use zoom instead."));
    }
    let name = line(&picture.name);
    let bytes = picture::original(picture, scene)?;
    let page = crop(&name, &bytes, Region::WHOLE, scene.intake).map_err(|error| line(&error.to_string()))?;
    let failed = |error: std::io::Error| format!("{name}: its text can't be read: {error}.");
    let folder = tempfile::tempdir().map_err(failed)?;
    std::fs::write(folder.path().join("page.png"), &page.png).map_err(failed)?;
    let output = recognise(&program, folder.path(), scene).map_err(failed)?;
    let tsv = finished(&name, &output)?;
    let lines = tsv::lines(&tsv, page.width, page.height);
    Ok(Found::text(told(picture, &lines, scene.most_output)))
}

fn recognise(program: &Path, folder: &Path, scene: &Scene<'_>) -> std::io::Result<Output> {
    let command: Vec<OsString> = [program.as_os_str()]
        .into_iter()
        .map(OsString::from)
        .chain(["page.png", "stdout", "--psm", SPARSE, "tsv"].map(OsString::from))
        .collect();
    let mut policy = Policy::read_only(folder, scene.home, scene.private);
    // It has no business in a home at all, unless it is installed there.
    let home = scene.home.and_then(|home| home.canonicalize().ok());
    policy.hidden.extend(home.filter(|home| !policy.folder.starts_with(home) && !program.starts_with(home)));
    let options =
        sandbox::Options { spool: folder.join("output"), most_output: MOST_TSV, ..scene.commands.clone() };
    let (stop, done) = (Arc::new(AtomicBool::new(false)), AtomicBool::new(false));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                stop.store(scene.stopped(), Ordering::Relaxed);
                std::thread::sleep(POLL);
            }
        });
        let run = Run {
            command: &command,
            policy: &policy,
            proven: true,
            time: TIME,
            stop: Arc::clone(&stop),
            says: Arc::default(),
        };
        let output = sandbox::run(&run, &options);
        done.store(true, Ordering::Relaxed);
        output
    })
}

/// What it wrote, if it came to an end.
fn finished(name: &str, output: &Output) -> Result<String, String> {
    let text = String::from_utf8_lossy(&output.bytes);
    match &output.ended {
        Ended::Code(0) if output.whole.is_none() => Ok(text.into_owned()),
        Ended::Code(0) => Err(format!("{name} holds too much text. Zoom into a part and read that.")),
        Ended::Stopped => Err(open::STOPPED.to_owned()),
        Ended::TimedOut => Err(format!(
            "{name}: Tesseract took more than {} seconds. Zoom into a part and read that.",
            TIME.as_secs()
        )),
        Ended::NotRun | Ended::TooManyProcesses | Ended::Code(_) => {
            let said: String = line(text.trim()).chars().take(MOST_ERROR).collect();
            Err(format!("{name}: Tesseract failed: {said}"))
        }
    }
}

fn told(picture: &Attachment, lines: &[tsv::Line], most: usize) -> String {
    let name = line(&picture.name);
    if lines.is_empty() {
        return format!("OCR (Tesseract) found no text in {name}. There may be some all the same: use zoom.");
    }
    let mut page = Page::new(most);
    let shown = lines.iter().take_while(|text| page.line(&text.to_string())).count();
    let heading = format!(
        "{name}, read by OCR (Tesseract); it may be wrong, (?) marks what is unsure. Each line: [left,top,right,bottom] in thousandths of the picture, confidence, text."
    );
    let left_out = lines.len() - shown;
    let note =
        format!("{} more lines are left out; zoom into a part and read that", thousands(left_out as u64));
    page.under(&heading, if left_out > 0 { std::slice::from_ref(&note) } else { &[] })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Stage;
    use super::*;

    #[test]
    fn without_a_picture_nothing_runs() {
        let mut stage = Stage::new();
        assert!(stage.error("read_text", "{}").starts_with("No picture is attached."));
        stage.attach("notes.txt", b"text");
        assert!(stage.error("read_text", r#"{"picture": "notes.txt"}"#).contains("none is"));
    }

    #[test]
    fn how_it_ended_is_said() {
        let output = |ended, text: &str| Output {
            ended,
            bytes: text.as_bytes().to_vec(),
            total: text.len() as u64,
            whole: None,
            unkept: None,
            took: Duration::ZERO,
        };
        assert_eq!(finished("a.png", &output(Ended::Code(0), "tsv")), Ok("tsv".to_owned()));
        assert_eq!(
            finished("a.png", &output(Ended::Code(1), "Error opening\ndata file\n")),
            Err("a.png: Tesseract failed: Error opening␊data file".to_owned())
        );
        assert!(finished("a.png", &output(Ended::TimedOut, "")).unwrap_err().contains("90 seconds"));
        let too_long = Output { whole: Some(PathBuf::from("x")), ..output(Ended::Code(0), "") };
        assert!(finished("a.png", &too_long).unwrap_err().contains("too much text"));
    }

    #[cfg(unix)]
    #[test]
    fn only_programs_in_absolute_folders_are_found() {
        use std::os::unix::fs::PermissionsExt;
        let stage = Stage::new();
        stage.write("bin/tesseract", "");
        let path = std::env::join_paths([Path::new("bin"), &stage.path("none"), &stage.path("bin")]).unwrap();
        assert_eq!(lookup::program_in(&path, "tesseract"), None, "it is not executable");
        let program = stage.path("bin/tesseract");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(lookup::program_in(&path, "tesseract"), Some(program));
        assert_eq!(lookup::program_in(std::ffi::OsStr::new("bin:."), "tesseract"), None);
    }
}
