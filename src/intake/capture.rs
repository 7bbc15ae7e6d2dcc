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
    match options.screenshot_command.as_slice() {
        [] => by_first(&installed()?),
        own => by(&own.iter().map(String::as_str).collect::<Vec<_>>()),
    }
    .map_err(IntakeError::Capture)
}

/// The picture of the first tool that makes one: one may be installed and not fit the
/// desktop (`grim` on a compositor without wlr protocols). All reasons, if none does.
fn by_first(tools: &[&[&str]]) -> Result<Vec<u8>, String> {
    let mut reasons = Vec::new();
    for tool in tools {
        match by(tool) {
            Ok(png) => return Ok(png),
            Err(why) => reasons.push(why),
        }
    }
    Err(reasons.join("; "))
}

fn by(tool: &[&str]) -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("screenshot.png");
    let target = path.to_str().ok_or("the temporary folder's name is not UTF-8")?;
    let command: Vec<&str> = tool.iter().copied().chain([target]).collect();
    output_of(&command)?;
    std::fs::read(&path).map_err(|_| format!("{} wrote no file; was it cancelled?", command[0]))
}

/// The tools that fit the desktop and are there.
fn installed() -> Result<Vec<&'static [&'static str]>, IntakeError> {
    const WINDOWS: &str = "percept has no capture of its own on Windows. Press Win+Shift+S and then Ctrl+V \
                           here, or set [attach] screenshot_command";
    let candidates: &[&'static [&'static str]] = match display() {
        _ if cfg!(windows) => return Err(IntakeError::Capture(WINDOWS.to_owned())),
        _ if cfg!(target_os = "macos") => &MACOS,
        (true, _) => &WAYLAND,
        (_, true) => &X11,
        _ => {
            let why = "there is no display here (neither WAYLAND_DISPLAY nor DISPLAY is set)";
            return Err(IntakeError::Capture(why.to_owned()));
        }
    };
    let found: Vec<_> = candidates.iter().filter(|command| find(command[0]).is_some()).copied().collect();
    if found.is_empty() {
        let names: Vec<&str> = candidates.iter().map(|command| command[0]).collect();
        return Err(IntakeError::Capture(format!(
            "none of {} is installed; install one, or set [attach] screenshot_command",
            names.join(", ")
        )));
    }
    Ok(found)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_next_tool_is_tried_and_all_reasons_are_named() {
        let fails: &[&str] = &["sh", "-c", "echo no protocol >&2; exit 1"];
        let writes: &[&str] = &["sh", "-c", "echo png > $0"];
        assert_eq!(by_first(&[fails, &["true"], writes]).as_deref(), Ok(&b"png\n"[..]));
        let said = by_first(&[fails, &["true"]]).unwrap_err();
        assert_eq!(said, "sh failed: no protocol; true wrote no file; was it cancelled?");
    }
}
