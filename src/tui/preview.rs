//! The content of an attachment, to show it in its panel: the picture drawn, the text's
//! beginning.

use std::path::Path;

use image::DynamicImage;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, StatefulWidget, Widget};
use ratatui::{buffer::Buffer, style::Style};
use ratatui_image::picker::{Picker, ProtocolType};
use ratatui_image::protocol::StatefulProtocol;
use ratatui_image::{FontSize, Resize, StatefulImage};

use crate::attachment::AttachmentId;
use crate::text;

/// Lines of a text that are shown.
const MOST_LINES: usize = 200;

/// Bytes of a text that are read for that.
const MOST_BYTES: usize = 64 * 1024;

/// What is shown.
pub(super) struct Preview {
    pub(super) id: AttachmentId,
    content: Content,
}

enum Content {
    Loading,
    Picture(Box<StatefulProtocol>),
    Text(Vec<String>),
    Failed(String),
}

/// What was read, on another thread.
pub(super) enum Read {
    Picture(Box<DynamicImage>),
    Text(Vec<String>),
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
            Read::Text(beginning.lines().take(MOST_LINES).map(text::printable).collect())
        }
    }
}

impl Preview {
    pub(super) fn loading(id: AttachmentId) -> Self {
        Self { id, content: Content::Loading }
    }

    pub(super) fn loaded(&mut self, read: Read, picker: &Picker) {
        self.content = match read {
            Read::Picture(picture) => Content::Picture(Box::new(picker.new_resize_protocol(*picture))),
            Read::Text(lines) => Content::Text(lines),
            Read::Failed(why) => Content::Failed(why),
        };
    }

    pub(super) fn draw(&mut self, area: Rect, buffer: &mut Buffer, dim: Style) {
        let note = |text: &str| Paragraph::new(Line::styled(text.to_owned(), dim));
        match &mut self.content {
            Content::Loading => note("reading…").render(area, buffer),
            Content::Failed(why) => note(why).render(area, buffer),
            Content::Text(lines) => {
                let lines: Vec<Line<'_>> = lines.iter().map(|line| Line::raw(line.as_str())).collect();
                Paragraph::new(lines).render(area, buffer);
            }
            Content::Picture(protocol) => {
                // Small pictures are enlarged: half blocks show little of them otherwise.
                StatefulImage::new().resize(Resize::Scale(None)).render(area, buffer, protocol.as_mut());
            }
        }
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
