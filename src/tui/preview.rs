//! The content of an attachment, to show it in its panel: the picture drawn, the text's
//! beginning.

use std::path::Path;

use image::DynamicImage;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, StatefulWidget, Widget};
use ratatui::{buffer::Buffer, style::Style};
use ratatui_image::picker::{Picker, ProtocolType};
use ratatui_image::protocol::StatefulProtocol;
use ratatui_image::{FontSize, Resize, StatefulImage};

use super::wrap::untabbed;
use crate::attachment::AttachmentId;
use crate::text;

/// Lines of a text that are read: more than any screen has.
const MOST_LINES: usize = 400;

/// Bytes of a text that are read for that.
const MOST_BYTES: usize = 64 * 1024;

/// The largest file of a picture that is drawn, in bytes; decoded it may take 8 times that.
const MOST_PICTURE_BYTES: u64 = 64 * 1024 * 1024;

/// The longest edge of a picture that is kept to be drawn, in pixels: more than its cells have.
const PICTURE_EDGE: u32 = 1024;

/// What is shown.
pub(super) struct Preview {
    pub(super) id: AttachmentId,
    content: Content,
}

enum Content {
    Loading,
    Picture(Box<StatefulProtocol>),
    Text(Beginning),
    Failed(String),
}

/// The first lines of a text, and how many it has.
pub(super) struct Beginning {
    lines: Vec<String>,
    total: usize,
}

/// What was read, on another thread.
pub(super) enum Read {
    Picture(Box<DynamicImage>),
    Text(Beginning),
    Failed(String),
}

/// Reads a blob.
pub(super) fn read(path: &Path) -> Read {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return Read::Failed(format!("It can't be read: {error}.")),
    };
    match image::load_from_memory(&bytes) {
        Ok(picture) => Read::Picture(Box::new(picture)),
        Err(_) => {
            let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_BYTES)]);
            let lines = beginning.lines().take(MOST_LINES).map(text::printable).collect();
            let ends = bytes.iter().filter(|byte| **byte == b'\n').count();
            Read::Text(Beginning { lines, total: ends + usize::from(bytes.last() != Some(&b'\n')) })
        }
    }
}

/// Reads a picture of the person's, small enough to be drawn and no larger than can be kept.
pub(super) fn read_picture(path: &Path) -> Read {
    let read = || -> Result<DynamicImage, String> {
        let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
        if !metadata.is_file() || metadata.len() > MOST_PICTURE_BYTES {
            return Err("it is no file that can be drawn".to_owned());
        }
        let reader = image::ImageReader::open(path).and_then(image::ImageReader::with_guessed_format);
        let mut reader = reader.map_err(|error| error.to_string())?;
        let mut limits = image::Limits::default();
        limits.max_alloc = Some(MOST_PICTURE_BYTES * 8);
        reader.limits(limits);
        let picture = reader.decode().map_err(|error| error.to_string())?;
        Ok(picture.thumbnail(PICTURE_EDGE, PICTURE_EDGE))
    };
    match read() {
        Ok(picture) => Read::Picture(Box::new(picture)),
        Err(why) => Read::Failed(format!("It can't be drawn: {}.", text::one_line(&why))),
    }
}

impl Preview {
    pub(super) fn loading(id: AttachmentId) -> Self {
        Self { id, content: Content::Loading }
    }

    pub(super) fn loaded(&mut self, read: Read, picker: &Picker) {
        self.content = match read {
            Read::Picture(picture) => Content::Picture(Box::new(picker.new_resize_protocol(*picture))),
            Read::Text(text) => Content::Text(text),
            Read::Failed(why) => Content::Failed(why),
        };
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, dim: Style) {
        let note = |text: &str| Paragraph::new(Line::styled(text.to_owned(), dim));
        match &mut self.content {
            Content::Loading => note("reading…").render(area, buffer),
            Content::Failed(why) => note(why).render(area, buffer),
            Content::Text(text) => Paragraph::new(text.rows(area.height as usize, dim)).render(area, buffer),
            Content::Picture(protocol) => {
                // Small pictures are enlarged: half blocks show little of them otherwise.
                StatefulImage::new().resize(Resize::Scale(None)).render(area, buffer, protocol.as_mut());
            }
        }
    }
}

impl Beginning {
    /// As many lines as there is room for, and a word on those that are not shown.
    fn rows(&self, room: usize, dim: Style) -> Vec<Line<'static>> {
        let whole = self.total <= self.lines.len().min(room);
        let shown = if whole { self.total } else { self.lines.len().min(room.saturating_sub(1)) };
        let mut rows: Vec<Line<'static>> = self
            .lines
            .iter()
            .take(shown)
            .map(|line| Line::from(untabbed(&[Span::raw(line.as_str())])))
            .collect();
        if !whole {
            let more = text::thousands((self.total - shown) as u64);
            rows.push(Line::styled(format!("… {more} more lines"), dim));
        }
        rows
    }
}

/// Chooses how pictures are drawn from what the terminal says of itself in its
/// environment.
///
/// A query would have to wait for the terminal's answer on standard input, and would
/// swallow what is typed meanwhile; inside tmux and over SSH it can take seconds.
pub(super) fn picker(pictures: bool) -> Option<Picker> {
    if !pictures {
        return None;
    }
    let has = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is = |name: &str, part: &str| std::env::var(name).is_ok_and(|value| value.contains(part));
    let protocol = match () {
        () if has("TMUX") || is("TERM", "screen") => ProtocolType::Halfblocks,
        () if has("KITTY_WINDOW_ID") || is("TERM", "kitty") || is("TERM", "ghostty") => ProtocolType::Kitty,
        () if is("TERM_PROGRAM", "iTerm") || is("TERM_PROGRAM", "WezTerm") || has("KONSOLE_VERSION") => {
            ProtocolType::Iterm2
        }
        () if is("TERM", "foot") || is("TERM", "mlterm") || is("TERM", "sixel") => ProtocolType::Sixel,
        () => ProtocolType::Halfblocks,
    };
    let cell = crossterm::terminal::window_size()
        .ok()
        .filter(|size| size.width > 0 && size.columns > 0 && size.rows > 0);
    let (Some(size), false) = (cell, protocol == ProtocolType::Halfblocks) else {
        return Some(Picker::halfblocks());
    };
    #[allow(deprecated, reason = "the size comes from the terminal's own ioctl, without a query")]
    let mut picker =
        Picker::from_fontsize(FontSize { width: size.width / size.columns, height: size.height / size.rows });
    picker.set_protocol_type(protocol);
    Some(picker)
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn drawn(bytes: &[u8], picker: &Picker, width: u16, height: u16) -> Buffer {
        let mut preview = Preview::loading(AttachmentId::of(bytes));
        preview.loaded(read(file(bytes).path()), picker);
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        preview.draw(buffer.area, &mut buffer, Style::new());
        buffer
    }

    fn rows(buffer: &Buffer) -> Vec<String> {
        let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..buffer.area.height).map(|y| row(y).trim_end().to_owned()).collect()
    }

    /// Red above, blue below.
    fn picture() -> Vec<u8> {
        let picture = RgbImage::from_fn(8, 8, |_, y| if y < 4 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) });
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        png.into_inner()
    }

    #[test]
    fn a_picture_is_drawn_in_half_blocks() {
        let buffer = drawn(&picture(), &Picker::halfblocks(), 8, 4);
        let colors = |x: u16, y: u16| (buffer[(x, y)].fg, buffer[(x, y)].bg);
        let (red, blue) = (ratatui::style::Color::Rgb(255, 0, 0), ratatui::style::Color::Rgb(0, 0, 255));
        assert_eq!((colors(0, 0), colors(7, 3)), ((red, red), (blue, blue)), "{buffer:?}");
    }

    #[test]
    fn a_terminal_that_draws_pictures_gets_the_pixels() {
        #[allow(deprecated, reason = "no terminal is asked")]
        let mut picker = Picker::from_fontsize(FontSize { width: 8, height: 16 });
        picker.set_protocol_type(ProtocolType::Kitty);
        let sent = rows(&drawn(&picture(), &picker, 8, 4)).concat();
        assert!(sent.contains("\x1b_G") && sent.contains("f=32"), "{sent:?}");
    }

    #[test]
    fn a_text_says_how_much_of_it_is_not_shown() {
        let picker = Picker::halfblocks();
        assert_eq!(rows(&drawn(b"a\tb\nc\n", &picker, 20, 3)), ["a   b", "c", ""]);
        assert_eq!(rows(&drawn(b"1\n2\n3\n4", &picker, 20, 3)), ["1", "2", "… 2 more lines"]);
        let long = "x\n".repeat(5_000);
        assert_eq!(rows(&drawn(long.as_bytes(), &picker, 20, 2)), ["x", "… 4,999 more lines"]);
    }
}
