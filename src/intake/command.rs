//! Runs a tool of the desktop (clipboard, screen capture) with a time limit.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A tool that takes longer waits for something that will not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often its end is looked for.
const POLL: Duration = Duration::from_millis(10);

/// Runs a command to its end and returns its standard output.
///
/// # Errors
///
/// What happened, in words that go into a sentence.
pub(super) fn output_of(command: &[&str]) -> Result<Vec<u8>, String> {
    let [program, arguments @ ..] = command else { return Err("no command is given".to_owned()) };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program} can't be started ({error})"))?;
    let out = read_aside(child.stdout.take());
    let err = read_aside(child.stderr.take());
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < PATIENCE => std::thread::sleep(POLL),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{program} did not finish within {} s", PATIENCE.as_secs()));
            }
            Err(error) => return Err(format!("{program} can't be waited for ({error})")),
        }
    };
    let said = err.join().unwrap_or_default();
    match status.success() {
        true => Ok(out.join().unwrap_or_default()),
        false => {
            let said = String::from_utf8_lossy(&said);
            let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given");
            Err(format!("{program} failed: {}", crate::text::printable(line)))
        }
    }
}

fn read_aside(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before a failure is used; the exit status tells of the failure.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// Finds a program in `PATH`.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
}

/// Whether there is a Wayland or X display.
pub(super) fn display() -> (bool, bool) {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    (set("WAYLAND_DISPLAY"), set("DISPLAY"))
}
