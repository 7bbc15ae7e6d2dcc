//! The clipboard: by `arboard`, and by the desktop's own tools where that can't reach it
//! or doesn't read what is in it (it knows PNG alone).

use std::io::Cursor;
use std::path::PathBuf;

use image::{ImageFormat, RgbaImage};

use super::command::{display, find, is_set, output_of};
use super::paths_in_paste;

/// What the clipboard holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clipping {
    /// A picture.
    Picture {
        /// What to call it.
        name: String,
        /// Its file.
        bytes: Vec<u8>,
    },
    /// Files that were copied in a file manager, or the path of one.
    Files(Vec<PathBuf>),
    /// Text; never empty.
    Text(String),
}

/// The kinds of picture that are read, the best first, with their extensions.
const PICTURES: [(&str, &str); 8] = [
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("image/jpg", "jpg"),
    ("image/webp", "webp"),
    ("image/tiff", "tiff"),
    ("image/bmp", "bmp"),
    ("image/x-bmp", "bmp"),
    ("image/gif", "gif"),
];

const FILES: &str = "text/uri-list";

const TEXTS: [&str; 4] = ["text/plain;charset=utf-8", "UTF8_STRING", "text/plain", "STRING"];

/// How many kinds an error names.
const MOST_NAMED: usize = 3;

/// Reads it; the error is the reason, to stand within a sentence.
pub(super) fn read() -> Result<Clipping, String> {
    let mut library = arboard::Clipboard::new();
    let tool = tool();
    let kinds = tool.map(Tool::kinds);
    let offered: &[String] = kinds.as_ref().and_then(|kinds| kinds.as_deref().ok()).unwrap_or_default();
    let by_library = library.as_mut().ok();
    let by_tool = tool.map(|tool| (tool, offered));
    if let Some(found) = look(by_library, by_tool) {
        return found;
    }
    Err(why(Desk::here(), library.map(drop).map_err(|error| refusal(&error)), kinds))
}

/// Pictures first, then files, then text: a picture copied in a browser comes with its
/// address as text.
fn look(
    mut library: Option<&mut arboard::Clipboard>,
    tool: Option<(Tool, &[String])>,
) -> Option<Result<Clipping, String>> {
    if let Some(picture) = library.as_mut().and_then(|library| library.get_image().ok()) {
        return Some(png_of(picture));
    }
    if let Some(picture) = tool.and_then(|(tool, kinds)| tool.picture(kinds)) {
        return Some(Ok(picture));
    }
    let listed = library.as_mut().and_then(|library| library.get().file_list().ok()).unwrap_or_default();
    if !listed.is_empty() {
        return Some(Ok(Clipping::Files(listed)));
    }
    let listed = tool.and_then(|(tool, kinds)| tool.text(kinds, &[FILES]));
    let text = library.and_then(|library| library.get_text().ok()).filter(|text| !text.is_empty());
    let text = text.or_else(|| tool.and_then(|(tool, kinds)| tool.text(kinds, &TEXTS)));
    let paths =
        [&listed, &text].into_iter().flatten().map(|text| files_of(text)).find(|paths| !paths.is_empty());
    paths.map(Clipping::Files).or(text.map(Clipping::Text)).map(Ok)
}

/// The files that a list of addresses (RFC 2483: `#` begins a comment) or a path names.
fn files_of(text: &str) -> Vec<PathBuf> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    paths_in_paste(&lines.join("\n"))
}

fn png_of(picture: arboard::ImageData<'_>) -> Result<Clipping, String> {
    let (width, height) = (picture.width as u32, picture.height as u32);
    let image = RgbaImage::from_raw(width, height, picture.bytes.into_owned())
        .ok_or("the picture in it has a wrong size")?;
    let mut png = Vec::new();
    image.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).map_err(|error| error.to_string())?;
    Ok(Clipping::Picture { name: "clipboard.png".to_owned(), bytes: png })
}

/// A program of the desktop that reads the clipboard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tool {
    WlPaste,
    Xclip,
}

/// The one that can be used here.
fn tool() -> Option<Tool> {
    let (wayland, x11) = display();
    match () {
        () if wayland && find("wl-paste").is_some() => Some(Tool::WlPaste),
        () if x11 && find("xclip").is_some() => Some(Tool::Xclip),
        () => None,
    }
}

impl Tool {
    /// What kinds of content are offered.
    fn kinds(self) -> Result<Vec<String>, String> {
        let output = match self {
            Self::WlPaste => output_of(&["wl-paste", "--list-types"]),
            Self::Xclip => output_of(&["xclip", "-selection", "clipboard", "-t", "TARGETS", "-o"]),
        };
        let text = String::from_utf8_lossy(&output?).into_owned();
        Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    fn fetch(self, kind: &str) -> Option<Vec<u8>> {
        let output = match self {
            Self::WlPaste => output_of(&["wl-paste", "--no-newline", "-t", kind]),
            Self::Xclip => output_of(&["xclip", "-selection", "clipboard", "-t", kind, "-o"]),
        };
        output.ok().filter(|bytes| !bytes.is_empty())
    }

    fn picture(self, kinds: &[String]) -> Option<Clipping> {
        let (kind, extension) = PICTURES.iter().find(|(kind, _)| kinds.iter().any(|own| own == kind))?;
        let bytes = self.fetch(kind)?;
        Some(Clipping::Picture { name: format!("clipboard.{extension}"), bytes })
    }

    fn text(self, kinds: &[String], wanted: &[&str]) -> Option<String> {
        let kind = wanted.iter().find(|kind| kinds.iter().any(|own| own == *kind))?;
        String::from_utf8(self.fetch(kind)?).ok()
    }
}

/// Where percept runs, as far as the clipboard is concerned.
#[derive(Clone, Copy, Default)]
struct Desk {
    wayland: bool,
    x11: bool,
    /// Linux inside Windows, whose clipboard is another one.
    wsl: bool,
    /// A system where a clipboard needs one of the above.
    needs_display: bool,
}

impl Desk {
    fn here() -> Self {
        let (wayland, x11) = display();
        let wsl = is_set("WSL_DISTRO_NAME") || is_set("WSL_INTEROP");
        Self { wayland, x11, wsl, needs_display: cfg!(all(unix, not(target_os = "macos"))) }
    }
}

/// Why nothing was found. `library` is the reason why it has no access, `kinds` what the
/// desktop's tool says is there; `None`: there is no such tool.
fn why(desk: Desk, library: Result<(), String>, kinds: Option<Result<Vec<String>, String>>) -> String {
    const WSL: &str = "this is Linux in Windows (WSL), which keeps its own. Save the picture as a file \
                       and attach its path (/mnt/c/…); text can be pasted with the terminal's own key";
    const NO_DISPLAY: &str = "there is no display here (neither WAYLAND_DISPLAY nor DISPLAY is set); over \
                              SSH it stays on the other machine. Save the picture as a file and attach that";
    let no_display = desk.needs_display && !desk.wayland && !desk.x11;
    match (library, kinds) {
        (_, Some(Ok(kinds))) if kinds.iter().any(|kind| kind.contains('/')) => unreadable(&kinds),
        (_, Some(Ok(_))) => "it is empty".to_owned(),
        (_, Some(Err(said))) if says_empty(&said) => "it is empty".to_owned(),
        (Ok(()), None) if desk.wayland || desk.x11 => {
            let package = if desk.wayland { "wl-clipboard" } else { "xclip" };
            format!(
                "it holds no png picture, file or text. With {package} installed, other pictures are read too"
            )
        }
        (Ok(()), _) => "it is empty, or holds neither a picture nor a file nor text".to_owned(),
        (Err(_), _) if desk.wsl => WSL.to_owned(),
        (Err(_), _) if no_display => NO_DISPLAY.to_owned(),
        (Err(error), None) if desk.wayland => {
            format!("{error}. Install wl-clipboard: its wl-paste reads it where percept can't")
        }
        (Err(error), None) if desk.x11 => {
            format!("{error}. Install xclip: it may read it where percept can't")
        }
        (Err(error), Some(Err(said))) => format!("{error}; {said}"),
        (Err(error), _) => error,
    }
}

fn unreadable(kinds: &[String]) -> String {
    let named: Vec<&str> = kinds.iter().map(String::as_str).filter(|kind| kind.contains('/')).collect();
    let more = if named.len() > MOST_NAMED { ", …" } else { "" };
    let named = crate::text::printable(&named[..named.len().min(MOST_NAMED)].join(", "));
    format!(
        "it holds {named}{more}, which can't be read here; pictures (png, jpeg, webp, tiff, bmp, gif), files and text can"
    )
}

/// What `wl-paste` and `xclip` say of an empty clipboard.
fn says_empty(said: &str) -> bool {
    ["Nothing is copied", "No selection", "TARGETS not available"].iter().any(|empty| said.contains(empty))
}

fn refusal(error: &arboard::Error) -> String {
    match error {
        arboard::Error::ClipboardOccupied => "another program holds it; try again".to_owned(),
        error => {
            let said = error.to_string();
            let lower = said.to_lowercase();
            let denied =
                ["denied", "refused", "authori", "not permitted"].iter().any(|word| lower.contains(word));
            let what = if denied { "access to it was denied" } else { "it can't be reached" };
            format!("{what} ({})", crate::text::printable(said.trim()).replace('\n', " "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAYLAND: Desk = Desk { wayland: true, x11: false, wsl: false, needs_display: true };
    const NONE: Desk = Desk { wayland: false, ..WAYLAND };

    #[test]
    fn each_reason_has_its_own_words() {
        let kinds = |kinds: &[&str]| Some(Ok(kinds.iter().map(|kind| (*kind).to_owned()).collect()));
        let refused = || Err("it can't be reached (x)".to_owned());
        assert_eq!(why(WAYLAND, Ok(()), kinds(&[])), "it is empty");
        assert_eq!(
            why(WAYLAND, refused(), Some(Err("wl-paste failed: Nothing is copied".into()))),
            "it is empty"
        );
        let said = why(WAYLAND, Ok(()), kinds(&["TARGETS", "audio/wav", "a/b", "c/d", "e/f"]));
        assert!(said.contains("it holds audio/wav, a/b, c/d, …, which can't be read"), "{said}");
        assert!(why(WAYLAND, refused(), None).contains("Install wl-clipboard"));
        assert!(why(WAYLAND, Ok(()), None).contains("With wl-clipboard installed"));
        assert!(why(Desk { x11: true, ..NONE }, refused(), None).contains("Install xclip"));
        assert!(why(NONE, refused(), None).contains("no display"));
        assert!(why(Desk { wsl: true, ..NONE }, refused(), None).contains("WSL"));
        assert!(
            why(WAYLAND, refused(), Some(Err("wl-paste failed: no".into()))).contains("(x); wl-paste failed")
        );
        let denied = arboard::Error::Unknown { description: "Authorization required".into() };
        assert!(refusal(&denied).contains("access to it was denied"));
    }

    #[test]
    fn a_list_of_addresses_names_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let list = format!("# copied\r\nfile://{}\r\n", file.path().display());
        assert_eq!(files_of(&list), [file.path()]);
        assert!(files_of("https://example.org/a.png").is_empty());
    }
}
