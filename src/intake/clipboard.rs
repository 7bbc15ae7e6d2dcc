//! The clipboard: by `arboard`, else by the desktop's own tools.

use std::io::Cursor;

use image::{ImageFormat, RgbaImage};

use super::IntakeError;
use super::command::{display, find, output_of};

/// What the clipboard holds.
pub(super) enum Content {
    /// A picture, as a PNG.
    Picture(Vec<u8>),
    /// Text.
    Text(String),
}

pub(super) fn read() -> Result<Content, IntakeError> {
    let by_library = by_library();
    by_library.or_else(|why| by_tool().ok_or(IntakeError::Clipboard(why)))
}

fn by_library() -> Result<Content, String> {
    let mut clipboard = arboard::Clipboard::new().map_err(|error| no_clipboard(&error.to_string()))?;
    if let Ok(picture) = clipboard.get_image() {
        return png_of(picture).map(Content::Picture);
    }
    match clipboard.get_text() {
        Ok(text) if !text.is_empty() => Ok(Content::Text(text)),
        Ok(_) | Err(arboard::Error::ContentNotAvailable) => {
            Err("it holds neither a picture nor text".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn no_clipboard(error: &str) -> String {
    match display() {
        (false, false) if cfg!(all(unix, not(target_os = "macos"))) => {
            "there is no display here (neither WAYLAND_DISPLAY nor DISPLAY is set); over SSH it stays on \
             the other machine. Save the picture as a file and attach that"
                .to_owned()
        }
        _ => error.to_owned(),
    }
}

fn png_of(picture: arboard::ImageData<'_>) -> Result<Vec<u8>, String> {
    let (width, height) = (picture.width as u32, picture.height as u32);
    let image = RgbaImage::from_raw(width, height, picture.bytes.into_owned())
        .ok_or("the picture in it has a wrong size")?;
    let mut png = Vec::new();
    image.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).map_err(|error| error.to_string())?;
    Ok(png)
}

/// `wl-paste` and `xclip` reach clipboards that the library can't (another compositor's
/// protocol).
fn by_tool() -> Option<Content> {
    let (wayland, x11) = display();
    let tools: [(bool, &str, &[&str], &[&str]); 2] = [
        (wayland, "wl-paste", &["wl-paste", "-t", "image/png"], &["wl-paste", "--no-newline"]),
        (
            x11,
            "xclip",
            &["xclip", "-selection", "clipboard", "-t", "image/png", "-o"],
            &["xclip", "-selection", "clipboard", "-o"],
        ),
    ];
    for (usable, tool, picture, text) in tools {
        if !usable || find(tool).is_none() {
            continue;
        }
        if let Some(png) = output_of(picture).ok().filter(|png| !png.is_empty()) {
            return Some(Content::Picture(png));
        }
        if let Some(text) =
            output_of(text).ok().and_then(|text| String::from_utf8(text).ok()).filter(|t| !t.is_empty())
        {
            return Some(Content::Text(text));
        }
    }
    None
}
