//! A capture of the screen, made by the desktop's own tool: it knows the compositor's
//! permissions, and building percept needs no display library.

use super::command::{display, find, output_of};
use super::{IntakeError, Options};

/// Tools that write a PNG to the path added as their last argument.
const WAYLAND: [&[&str]; 3] = [&["grim"], &["gnome-screenshot", "-f"], &["spectacle", "-b", "-n", "-o"]];
const X11: [&[&str]; 5] = [
    &["maim"],
    &["scrot"],
    &["gnome-screenshot", "-f"],
    &["spectacle", "-b", "-n", "-o"],
    &["import", "-window", "root"],
];
const MACOS: [&[&str]; 1] = [&["screencapture", "-x"]];

pub(super) fn screen(options: &Options) -> Result<Vec<u8>, IntakeError> {
    let folder = tempfile::tempdir().map_err(|error| IntakeError::Capture(error.to_string()))?;
    let path = folder.path().join("screenshot.png");
    let Some(target) = path.to_str() else {
        return Err(IntakeError::Capture("the temporary folder's name is not UTF-8".to_owned()));
    };
    let mut command: Vec<&str> = match options.screenshot_command.as_slice() {
        [] => tool()?.to_vec(),
        own => own.iter().map(String::as_str).collect(),
    };
    command.push(target);
    output_of(&command).map_err(IntakeError::Capture)?;
    std::fs::read(&path)
        .map_err(|_| IntakeError::Capture(format!("{} wrote no file; was it cancelled?", command[0])))
}

fn tool() -> Result<&'static [&'static str], IntakeError> {
    let candidates: &[&'static [&'static str]] = match display() {
        _ if cfg!(target_os = "macos") => &MACOS,
        (true, _) => &WAYLAND,
        (_, true) => &X11,
        _ => {
            let why = "there is no display here (neither WAYLAND_DISPLAY nor DISPLAY is set)";
            return Err(IntakeError::Capture(why.to_owned()));
        }
    };
    candidates.iter().find(|command| find(command[0]).is_some()).copied().ok_or_else(|| {
        let names: Vec<&str> = candidates.iter().map(|command| command[0]).collect();
        IntakeError::Capture(format!(
            "none of {} is installed; install one, or set [attach] screenshot_command",
            names.join(", ")
        ))
    })
}
