//! The words in a picture, by Tesseract where it is installed.
//!
//! It runs in the sandbox, without network, and gets a PNG that percept made of the decoded
//! picture: never the bytes that came from outside.

mod tsv;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::lookup;
use super::plain::line;
use super::sandbox::{self, Ended, Output, Policy, Run, Support};
use crate::intake::{self, Region, crop};

pub use tsv::Line;

/// How long Tesseract may take: a large screenshot takes some seconds.
const TIME: Duration = Duration::from_secs(90);

/// The most bytes that it may write: a full page of small print has some hundred kilobytes.
const MOST_TSV: usize = 8 * 1024 * 1024;

/// How often it is looked whether it was stopped.
const POLL: Duration = Duration::from_millis(20);

/// The most of an error of Tesseract's that is told, in characters.
const MOST_ERROR: usize = 300;

/// Its page segmentation "sparse text": a screenshot has words here and there.
const SPARSE: &str = "11";

/// What is said of what was stopped.
const STOPPED: &str = "The person stopped it.";

/// Where Tesseract is installed. Looked up in `PATH` once.
pub fn tesseract() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| lookup::program("tesseract")).clone()
}

/// What it runs in.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The home of the person, which stays unread.
    pub home: Option<&'a Path>,
    /// Folders whose content stays unread: percept's own.
    pub private: &'a [PathBuf],
    /// How commands are run.
    pub commands: &'a sandbox::Options,
    /// Bounds on pictures.
    pub intake: &'a intake::Options,
}

/// Reads the words in a picture, from top to bottom; `name` is what it is called in errors.
///
/// # Errors
///
/// A sentence: Tesseract isn't there or failed, there is no sandbox, it is no picture.
pub fn read(
    name: &str,
    picture: &[u8],
    around: &Surroundings<'_>,
    stop: &AtomicBool,
) -> Result<Vec<Line>, String> {
    let program = tesseract().ok_or(
        "Tesseract, which reads text, is not installed here. Look at the picture with zoom instead.",
    )?;
    if let Support::None(why) = &around.commands.by {
        return Err(format!("Text is only read in a sandbox, and here {why}. Use zoom instead."));
    }
    let page = crop(name, picture, Region::WHOLE, around.intake).map_err(|error| line(&error.to_string()))?;
    let failed = |error: std::io::Error| format!("{name}: its text can't be read: {error}.");
    let folder = tempfile::tempdir().map_err(failed)?;
    std::fs::write(folder.path().join("page.png"), &page.png).map_err(failed)?;
    let output = recognise(&program, folder.path(), around, stop).map_err(failed)?;
    let tsv = finished(name, &output)?;
    Ok(tsv::lines(&tsv, page.width, page.height))
}

fn recognise(
    program: &Path,
    folder: &Path,
    around: &Surroundings<'_>,
    stop: &AtomicBool,
) -> std::io::Result<Output> {
    let command: Vec<OsString> = [program.as_os_str()]
        .into_iter()
        .map(OsString::from)
        .chain(["page.png", "stdout", "--psm", SPARSE, "tsv"].map(OsString::from))
        .collect();
    let mut policy = Policy::read_only(folder, around.home, around.private);
    // It has no business in a home at all, unless it is installed there.
    let home = around.home.and_then(|home| home.canonicalize().ok());
    policy.hidden.extend(home.filter(|home| !policy.folder.starts_with(home) && !program.starts_with(home)));
    let options =
        sandbox::Options { spool: folder.join("output"), most_output: MOST_TSV, ..around.commands.clone() };
    let (ends, done) = (Arc::new(AtomicBool::new(false)), AtomicBool::new(false));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                ends.store(stop.load(Ordering::Relaxed), Ordering::Relaxed);
                std::thread::sleep(POLL);
            }
        });
        let run = Run {
            command: &command,
            policy: &policy,
            proven: true,
            time: TIME,
            stop: Arc::clone(&ends),
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
        Ended::Stopped => Err(STOPPED.to_owned()),
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("bin")).unwrap();
        std::fs::write(at("bin/tesseract"), "").unwrap();
        let path = std::env::join_paths([Path::new("bin"), &at("none"), &at("bin")]).unwrap();
        assert_eq!(lookup::program_in(&path, "tesseract"), None, "it is not executable");
        let program = at("bin/tesseract");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(lookup::program_in(&path, "tesseract"), Some(program));
        assert_eq!(lookup::program_in(std::ffi::OsStr::new("bin:."), "tesseract"), None);
    }
}
