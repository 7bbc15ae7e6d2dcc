//! The panel in which a part of a picture is chosen, to be attached at its own resolution.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use image::{DynamicImage, RgbImage, imageops};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::panel::{bordered, keys_in};
use super::preview::Read;
use super::theme::Theme;
use crate::agent::Event;
use crate::attachment::{Attachment, AttachmentId, Medium};
use crate::intake::{self, Given, Region, WHOLE};
use crate::session::BlobStore;
use crate::text;

/// How far a key moves an edge, in thousandths.
const STEP: u32 = 25;

/// What is outside the part is drawn this much darker.
const DARKER: u8 = 4;

/// The panel.
#[derive(Debug)]
pub(super) struct CropPanel {
    attachment: Attachment,
    region: Region,
    picture: Picture,
    /// What takes the whole picture out of the window.
    instead: Option<Event>,
    /// It belongs to a message that was sent.
    sent: bool,
}

#[derive(Debug)]
enum Picture {
    Unread,
    Reading,
    Drawn(Box<DynamicImage>),
    Failed(String),
}

/// A part that is to be cut out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cut {
    attachment: Attachment,
    region: Region,
}

/// What a key does.
#[derive(Debug, PartialEq)]
pub(super) enum Reply {
    Stay,
    Close,
    /// It is cut out, and this happens besides.
    Cut(Box<Cut>, Option<Box<Event>>),
}

impl CropPanel {
    /// For a picture; `None`: it is none.
    pub(super) fn of(attachment: Attachment, instead: Option<Event>, sent: bool) -> Option<Self> {
        let region = Region { left: 250, top: 250, right: 750, bottom: 750 };
        attachment.is_image().then_some(Self { attachment, region, picture: Picture::Unread, instead, sent })
    }

    /// The picture that is to be read to be drawn.
    pub(super) fn wanted(&mut self) -> Option<AttachmentId> {
        if !matches!(self.picture, Picture::Unread) {
            return None;
        }
        self.picture = Picture::Reading;
        Some(self.attachment.view().clone())
    }

    pub(super) fn loaded(&mut self, id: &AttachmentId, read: Read) {
        if id != self.attachment.view() {
            return;
        }
        self.picture = match read {
            Read::Picture(picture) => Picture::Drawn(picture),
            Read::Failed(why) => Picture::Failed(why),
            Read::Text(_) => Picture::Failed("It is no picture.".to_owned()),
        };
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Reply {
        let size = key.modifiers.contains(KeyModifiers::SHIFT);
        match key.code {
            KeyCode::Esc | KeyCode::Char('q') | KeyCode::Tab => return Reply::Close,
            // A picture that isn't sent yet has no other use.
            KeyCode::Enter => return self.cut(!self.sent),
            KeyCode::Char('x') => return self.cut(true),
            KeyCode::Char('0') => self.region = Region::WHOLE,
            KeyCode::Char('+') => self.grow(true),
            KeyCode::Char('-') => self.grow(false),
            KeyCode::Left if size => shorten(self.region.left, &mut self.region.right),
            KeyCode::Up if size => shorten(self.region.top, &mut self.region.bottom),
            KeyCode::Right if size => lengthen(&mut self.region.right),
            KeyCode::Down if size => lengthen(&mut self.region.bottom),
            KeyCode::Char('H') => shorten(self.region.left, &mut self.region.right),
            KeyCode::Char('K') => shorten(self.region.top, &mut self.region.bottom),
            KeyCode::Char('L') => lengthen(&mut self.region.right),
            KeyCode::Char('J') => lengthen(&mut self.region.bottom),
            KeyCode::Left | KeyCode::Char('h') => back(&mut self.region.left, &mut self.region.right),
            KeyCode::Up | KeyCode::Char('k') => back(&mut self.region.top, &mut self.region.bottom),
            KeyCode::Right | KeyCode::Char('l') => on(&mut self.region.left, &mut self.region.right),
            KeyCode::Down | KeyCode::Char('j') => on(&mut self.region.top, &mut self.region.bottom),
            _ => {}
        }
        Reply::Stay
    }

    fn cut(&self, instead: bool) -> Reply {
        let cut = Cut { attachment: self.attachment.clone(), region: self.region };
        Reply::Cut(Box::new(cut), self.instead.clone().filter(|_| instead).map(Box::new))
    }

    /// Makes it larger or smaller on all sides.
    fn grow(&mut self, larger: bool) {
        let Region { left, top, right, bottom } = &mut self.region;
        for (from, to) in [(left, right), (top, bottom)] {
            if larger {
                *from = from.saturating_sub(STEP);
                lengthen(to);
            } else if *to - *from > 2 * STEP {
                *from += STEP;
                *to -= STEP;
            }
        }
    }

    /// The part in pixels of the picture: from the left, from the top, width, height.
    fn pixels(&self) -> Option<[u64; 4]> {
        let Medium::Image { width, height, .. } = self.attachment.medium else { return None };
        let Region { left, top, right, bottom } = self.region;
        let of = |thousandths: u32, edge: u32| u64::from(thousandths) * u64::from(edge) / u64::from(WHOLE);
        Some([of(left, width), of(top, height), of(right - left, width), of(bottom - top, height)])
    }
}

fn shorten(from: u32, to: &mut u32) {
    *to = (*to - STEP.min(*to)).max(from + STEP);
}

fn lengthen(to: &mut u32) {
    *to = (*to + STEP).min(WHOLE);
}

fn back(from: &mut u32, to: &mut u32) {
    let by = STEP.min(*from);
    (*from, *to) = (*from - by, *to - by);
}

fn on(from: &mut u32, to: &mut u32) {
    let by = STEP.min(WHOLE - *to);
    (*from, *to) = (*from + by, *to + by);
}

/// Cuts a part out of what was kept of a picture; its name says which part it is.
pub(super) fn cut(cut: &Cut, blobs: &BlobStore, options: &intake::Options) -> Result<Given, String> {
    let Cut { attachment, region } = cut;
    let bytes =
        blobs.read(&attachment.id).map_err(|error| format!("{} is gone: {error}.", attachment.name))?;
    let part = intake::crop(&attachment.name, &bytes, *region, options).map_err(|error| error.to_string())?;
    let Region { left, top, right, bottom } = region;
    Ok(Given::Bytes {
        name: format!("{} [{left},{top}-{right},{bottom}]", attachment.name),
        bytes: part.png,
        source: attachment.source.clone(),
    })
}

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, panel: &CropPanel, theme: Theme) {
    let take = if panel.sent { "enter attach, keep the whole" } else { "enter take the part" };
    let keys = [take, "x part instead of the whole", "arrows move", "shift size", "+ -", "esc back"];
    let keys: Vec<&str> = keys.into_iter().filter(|key| panel.sent || !key.starts_with('x')).collect();
    let inner = bordered(frame, area, "a part of a picture", &keys_in(&keys, area.width), theme);
    let [top, below] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(inner);
    let part = panel.pixels().map_or(String::new(), |[left, top, width, height]| {
        format!(" · {width}×{height} pixels, {left} from the left, {top} from the top")
    });
    let name = text::printable(&panel.attachment.name);
    let line = text::end(&format!("{name}{part}"), usize::from(top.width));
    frame.render_widget(Paragraph::new(Line::raw(line)), top);
    let note = |words: &str| Paragraph::new(Line::styled(words.to_owned(), theme.dim()));
    match &panel.picture {
        Picture::Unread | Picture::Reading => frame.render_widget(note("reading…"), below),
        Picture::Failed(why) => frame.render_widget(note(why), below),
        Picture::Drawn(picture) => blocks(picture, panel.region, below, frame.buffer_mut()),
    }
}

/// Draws a picture in half blocks, darker outside a part of it.
fn blocks(picture: &DynamicImage, region: Region, area: Rect, buffer: &mut Buffer) {
    let (wide, high) = (u32::from(area.width), 2 * u32::from(area.height));
    let (width, height) = (picture.width().max(1), picture.height().max(1));
    if wide == 0 || high == 0 {
        return;
    }
    // As large as there is room for, in its own shape: half a cell is about a square.
    let (wide, high) = match u64::from(wide) * u64::from(height) <= u64::from(high) * u64::from(width) {
        true => (wide, (wide * height / width).max(1)),
        false => ((high * width / height).max(1), high),
    };
    let small = imageops::thumbnail(&picture.to_rgb8(), wide, high);
    for y in (0..high).step_by(2) {
        for x in 0..wide {
            let upper = color(&small, x, y, region);
            let mut style = Style::new().fg(upper.unwrap_or(Color::Reset));
            if let Some(lower) = color(&small, x, y + 1, region) {
                style = style.bg(lower);
            }
            // Both are within the area, whose edges are 16 bits wide.
            let at = (area.x + x as u16, area.y + (y / 2) as u16);
            if let Some(cell) = buffer.cell_mut(at) {
                cell.set_symbol("▀").set_style(style);
            }
        }
    }
}

fn color(picture: &RgbImage, x: u32, y: u32, region: Region) -> Option<Color> {
    let [red, green, blue] = picture.get_pixel_checked(x, y)?.0;
    let place = |at: u32, of: u32| (at * WHOLE + WHOLE / 2) / of;
    let (across, down) = (place(x, picture.width()), place(y, picture.height()));
    let inside = (region.left..region.right).contains(&across) && (region.top..region.bottom).contains(&down);
    let by = if inside { 1 } else { DARKER };
    Some(Color::Rgb(red / by, green / by, blue / by))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, Rgb};

    use super::super::tests::picture;
    use super::*;

    fn press(panel: &mut CropPanel, code: KeyCode, modifiers: KeyModifiers) -> Reply {
        panel.key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn the_part_stays_within_the_picture_and_is_never_empty() {
        let mut panel = CropPanel::of(picture(), None, true).unwrap();
        let keys = [
            (KeyCode::Left, KeyModifiers::NONE),
            (KeyCode::Down, KeyModifiers::NONE),
            (KeyCode::Right, KeyModifiers::SHIFT),
            (KeyCode::Char('+'), KeyModifiers::NONE),
            (KeyCode::Up, KeyModifiers::SHIFT),
            (KeyCode::Char('-'), KeyModifiers::NONE),
            (KeyCode::Right, KeyModifiers::NONE),
            (KeyCode::Left, KeyModifiers::SHIFT),
        ];
        for (code, modifiers) in keys {
            for _ in 0..60 {
                assert_eq!(press(&mut panel, code, modifiers), Reply::Stay);
                let Region { left, top, right, bottom } = panel.region;
                assert!(left < right && right <= WHOLE && top < bottom && bottom <= WHOLE, "{code:?}");
            }
        }
    }

    #[test]
    fn the_whole_is_taken_out_only_when_that_is_wanted_or_it_was_not_sent() {
        let out = Event::Detach(4);
        for (sent, key, expected) in [
            (true, KeyCode::Enter, None),
            (true, KeyCode::Char('x'), Some(out.clone())),
            (false, KeyCode::Enter, Some(out.clone())),
        ] {
            let mut panel = CropPanel::of(picture(), Some(out.clone()), sent).unwrap();
            let Reply::Cut(_, instead) = press(&mut panel, key, KeyModifiers::NONE) else { panic!() };
            assert_eq!(instead.map(|event| *event), expected);
        }
        assert!(CropPanel::of(super::super::tests::log(), None, true).is_none());
    }

    #[test]
    fn the_part_has_its_own_pixels_and_the_source_of_the_whole() {
        let whole = RgbImage::from_fn(80, 40, |x, y| Rgb([x as u8, y as u8, 7]));
        let mut png = Cursor::new(Vec::new());
        whole.write_to(&mut png, ImageFormat::Png).unwrap();
        let blobs = BlobStore::temporary().unwrap();
        let mut attachment = picture();
        attachment.id = blobs.put(png.get_ref()).unwrap();
        let region = Region { left: 500, top: 0, right: 1000, bottom: 500 };
        let part = Cut { attachment: attachment.clone(), region };
        let Given::Bytes { name, bytes, source } = cut(&part, &blobs, &intake::Options::default()).unwrap()
        else {
            panic!("no bytes")
        };
        let cropped = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert_eq!((cropped.dimensions(), cropped.get_pixel(0, 0).0), ((40, 20), [40, 0, 7]));
        assert_eq!((name.as_str(), source), ("error.png [500,0-1000,500]", attachment.source.clone()));
        attachment.id = AttachmentId::of(b"gone");
        let why = cut(&Cut { attachment, region }, &blobs, &intake::Options::default()).unwrap_err();
        assert!(why.starts_with("error.png is gone"), "{why}");
    }

    #[test]
    fn what_is_outside_the_part_is_darker() {
        let white = DynamicImage::ImageRgb8(RgbImage::from_pixel(8, 8, Rgb([200, 200, 200])));
        let mut buffer = Buffer::empty(Rect::new(0, 0, 8, 4));
        let region = Region { left: 500, top: 0, right: 1000, bottom: 500 };
        blocks(&white, region, buffer.area, &mut buffer);
        let colors = |x: u16, y: u16| (buffer[(x, y)].fg, buffer[(x, y)].bg);
        let (light, dark) = (Color::Rgb(200, 200, 200), Color::Rgb(50, 50, 50));
        assert_eq!([colors(6, 0), colors(1, 0), colors(6, 3)], [(light, light), (dark, dark), (dark, dark)]);
    }
}
