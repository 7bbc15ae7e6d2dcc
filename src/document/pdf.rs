//! PDF (ISO 32000): the text of each page, and a picture of each that has none.
//!
//! hayro interprets a page and calls for every glyph; where they stand makes the order, and
//! what is larger than the rest is a heading.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flate2::read::ZlibDecoder;
use hayro::hayro_interpret::font::GlyphRun;
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, TransformExt, interpret_page,
};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::kurbo::{BezPath, Point, Rect};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use memchr::memmem;

use super::decode::short;
use super::outline::{MOST_HEADING, Outline};
use super::reading_order::{Glyph, Paragraph, paragraphs};
use super::{BlockKind, Document, Options, PagePicture, Place, Unreadable};
use crate::text::counted;

/// The longest that a page is interpreted: a page of a map takes some seconds.
const MOST_TIME: Duration = Duration::from_secs(20);

/// The most glyphs of a page: a page of a telephone directory has some ten thousand.
const MOST_GLYPHS: usize = 200_000;

/// Letters and digits that a page must have to be one of text: a stamp or a page number on a
/// scan makes none.
const LEAST_LETTERS: usize = 10;

/// A paragraph is a heading if it is larger than most of the text by so much, …
const HEADING: f64 = 1.15;

/// … and has at most so many lines.
const MOST_HEADING_LINES: usize = 3;

/// The most sizes of headings that make levels of their own.
const MOST_LEVELS: usize = 4;

/// The most sizes that are told apart: what is drawn in a thousand of them has no headings.
const MOST_SIZES: usize = 100;

/// The most bytes of a stream when it is unpacked, and of all of them: hayro bounds neither.
const MOST_STREAM: u64 = 256 << 20;
const MOST_UNPACKED: u64 = 2 << 30;

/// How often a stream may be packed.
const MOST_PACKED: usize = 4;

/// The most pixels of a picture on a page that is drawn: what it says is made room for.
const MOST_PIXELS: u64 = 150_000_000;

/// What a page came to.
enum Read {
    Text(Vec<Paragraph>),
    /// Something is drawn on it, but hardly a letter.
    Drawn,
    Blank,
    /// It took too long, or its reader failed.
    Failed,
}

/// Reads the pages; text goes into the outline, pictures and notes into the document.
pub(super) fn read(
    bytes: &[u8],
    options: &Options,
    outline: &mut Outline,
    document: &mut Document,
    stop: &AtomicBool,
) -> Result<(), Unreadable> {
    measure(bytes, stop)?;
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Unreadable::Encrypted,
        LoadPdfError::Decryption(_) => Unreadable::Damaged("its encryption is not known".to_owned()),
        LoadPdfError::Invalid => Unreadable::Damaged("there is no page in it".to_owned()),
    })?;
    let said = pdf.metadata().title.as_deref().map(metadata).filter(|title| !title.is_empty());
    let mut pages = Vec::new();
    let mut failed = 0u64;
    for (number, page) in (1u32..).zip(pdf.pages().iter()).take(options.most_pages) {
        if stop.load(Ordering::Relaxed) {
            return Err(Unreadable::Stopped);
        }
        match page_text(page, &pdf, stop) {
            Read::Text(paragraphs) => pages.push((number, paragraphs)),
            Read::Drawn if document.pictures.len() < options.most_pictures => match picture(page, options) {
                Some(png) => document.pictures.push(PagePicture { place: Place::Page(number), png }),
                None => failed += 1,
            },
            Read::Drawn => failed += 1,
            Read::Failed => failed += 1,
            Read::Blank => {}
        }
    }
    if failed > 0 {
        document.notes.push(format!("{} could not be read", counted(failed, "page", "pages")));
    }
    if pdf.pages().len() > options.most_pages {
        document.notes.push(format!("only the first {} pages were read", options.most_pages));
    }
    let largest = put(pages, outline);
    document.title = said.or(largest);
    Ok(())
}

/// Sees to it that no stream is a bomb: small, and billions of bytes when it is unpacked.
fn measure(bytes: &[u8], stop: &AtomicBool) -> Result<(), Unreadable> {
    let mut unpacked = 0u64;
    for at in memmem::find_iter(bytes, b"stream") {
        if stop.load(Ordering::Relaxed) {
            return Err(Unreadable::Stopped);
        }
        let data = bytes[at + "stream".len()..].trim_ascii_start();
        for times in 1..=MOST_PACKED {
            let (length, packed_again) = length_unpacked(data, times);
            unpacked = unpacked.saturating_add(length);
            if length > MOST_STREAM || unpacked > MOST_UNPACKED {
                return Err(Unreadable::TooBig);
            }
            if !packed_again {
                break;
            }
        }
    }
    Ok(())
}

/// How long data is that is unpacked so many times, counted up to [`MOST_STREAM`] and a step
/// more, and whether it looks like it is packed once more.
fn length_unpacked(data: &[u8], times: usize) -> (u64, bool) {
    let mut reader: Box<dyn io::Read + '_> = Box::new(data);
    for _ in 0..times {
        reader = Box::new(ZlibDecoder::new(reader));
    }
    let mut step = vec![0; 64 * 1024];
    let (mut length, mut packed_again) = (0u64, false);
    while let Ok(read @ 1..) = reader.read(&mut step) {
        packed_again |= length == 0 && is_zlib(&step[..read]);
        length += read as u64;
        if length > MOST_STREAM {
            break;
        }
    }
    (length, packed_again)
}

/// Whether data begins as zlib (RFC 1950) does.
fn is_zlib(data: &[u8]) -> bool {
    matches!(data, [method, flags, ..] if method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0)
}

/// A title of the metadata: UTF-16 with a byte order mark, UTF-8, or near enough to Latin-1.
fn metadata(bytes: &[u8]) -> String {
    let text = crate::text::utf16(bytes).unwrap_or_else(|| match std::str::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    });
    short(text.trim_matches('\0'), MOST_HEADING)
}

/// Puts the pages into the outline; the largest heading of the first one that has any.
fn put(pages: Vec<(u32, Vec<Paragraph>)>, outline: &mut Outline) -> Option<String> {
    let sizes = heading_sizes(&pages);
    let mut title: Option<(usize, String)> = None;
    for (number, paragraphs) in pages {
        let place = Place::Page(number);
        for Paragraph { text, size } in paragraphs {
            let lines = text.lines().count();
            let level = sizes.iter().position(|known| near(*known, size));
            let words = text.chars().filter(|c| c.is_alphanumeric()).count() > 1;
            match level.filter(|_| words && lines <= MOST_HEADING_LINES && text.len() <= MOST_HEADING) {
                Some(level) => {
                    if title.as_ref().is_none_or(|(best, _)| level < *best) {
                        title = Some((level, short(&text, MOST_HEADING)));
                    }
                    outline.heading(u8::try_from(level + 1).unwrap_or(u8::MAX), &text, text.clone(), place);
                }
                None => outline.block(text, place, BlockKind::Prose),
            }
        }
    }
    title.map(|(_, title)| title)
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.25
}

/// The sizes of headings, the largest first: those that are larger than what most is written in.
fn heading_sizes(pages: &[(u32, Vec<Paragraph>)]) -> Vec<f64> {
    let mut sizes: Vec<(f64, usize)> = Vec::new();
    for Paragraph { text, size } in pages.iter().flat_map(|(_, paragraphs)| paragraphs) {
        match sizes.iter().position(|(known, _)| near(*known, *size)) {
            Some(at) => sizes[at].1 += text.len(),
            None if sizes.len() < MOST_SIZES => sizes.push((*size, text.len())),
            None => {}
        }
    }
    let body = sizes.iter().max_by_key(|(_, letters)| *letters).map_or(f64::MAX, |(size, _)| *size);
    let mut larger: Vec<f64> =
        sizes.iter().map(|(size, _)| *size).filter(|size| *size >= HEADING * body).collect();
    larger.sort_by(|a, b| b.total_cmp(a));
    larger.truncate(MOST_LEVELS);
    larger
}

fn page_text(page: &Page<'_>, pdf: &Pdf, stop: &AtomicBool) -> Read {
    let mut taken = Taken {
        glyphs: Vec::new(),
        drawn: false,
        too_large: false,
        stroked: None,
        until: Instant::now() + MOST_TIME,
        stop,
    };
    let interpreted = catch_unwind(AssertUnwindSafe(|| {
        let transform = page.initial_transform(true).to_kurbo();
        let (width, height) = page.render_dimensions();
        let area = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
        // A cache that a page failed in is in no state to be used again: each has its own.
        let cache = InterpreterCache::new();
        let mut context = Context::new(transform, area, &cache, pdf.xref(), InterpreterSettings::default());
        interpret_page(page, &mut context, &mut taken);
    }));
    let letters = taken.glyphs.iter().filter(|glyph| glyph.text.chars().any(char::is_alphanumeric)).count();
    match interpreted {
        _ if letters >= LEAST_LETTERS => Read::Text(paragraphs(taken.glyphs)),
        Err(_) => Read::Failed,
        Ok(()) if taken.too_large => Read::Failed,
        Ok(()) if taken.drawn => Read::Drawn,
        Ok(()) if letters > 0 => Read::Text(paragraphs(taken.glyphs)),
        Ok(()) => Read::Blank,
    }
}

/// A page as a PNG, its longer edge as long as is asked for.
fn picture(page: &Page<'_>, options: &Options) -> Option<Vec<u8>> {
    let (width, height) = page.render_dimensions();
    let scale = f32::from(options.page_pixels) / width.max(height);
    let fits = |length: f32| (1.0..=f32::from(u16::MAX)).contains(&(length * scale));
    if !(scale.is_finite() && scale > 0.0 && fits(width) && fits(height)) {
        return None;
    }
    let settings = PixmapSettings { x_scale: scale, y_scale: scale, bg_color: WHITE };
    let drawn = catch_unwind(AssertUnwindSafe(|| {
        let cache = RenderCache::new();
        render(page, &cache, &InterpreterSettings::default(), &RenderSettings::default(), &settings)
    }));
    drawn.ok()?.into_png().ok()
}

/// Takes up what is drawn on a page.
struct Taken<'s> {
    glyphs: Vec<Glyph>,
    /// A picture or a path is drawn.
    drawn: bool,
    /// One is too large to be drawn.
    too_large: bool,
    /// Where the last run began: letters that are filled and stroked come twice.
    stroked: Option<Point>,
    until: Instant,
    stop: &'s AtomicBool,
}

impl Taken<'_> {
    /// Ends the page where it takes too long: there is no other way out of the interpreter.
    fn check(&self) {
        if self.stop.load(Ordering::Relaxed) || Instant::now() > self.until {
            resume_unwind(Box::new("a page takes too long"));
        }
    }
}

impl<'a> Device<'a> for Taken<'_> {
    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {
        self.check();
        self.drawn = true;
    }

    fn push_clip_path(&mut self, _: &ClipPath) {
        self.check();
    }

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {
        self.check();
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        self.check();
        let first = run.glyphs().first().map(|glyph| props.transform * glyph.transform() * Point::ZERO);
        if matches!(mode, DrawMode::Stroke(_)) && first == self.stroked {
            return;
        }
        self.stroked = first;
        for glyph in run.glyphs().iter().take(MOST_GLYPHS.saturating_sub(self.glyphs.len())) {
            let transform = props.transform * glyph.transform();
            let text = match glyph.as_unicode() {
                Some(BfString::Char(c)) => c.to_string(),
                Some(BfString::String(text)) => text,
                None => '\u{fffd}'.to_string(),
            };
            let advance = match &**glyph {
                hayro::hayro_interpret::font::Glyph::Outline(glyph) => glyph.advance_width(),
                hayro::hayro_interpret::font::Glyph::Type3(glyph) => glyph.advance_width(),
            };
            let start = transform * Point::ZERO;
            let end = transform * Point::new(f64::from(advance.unwrap_or(500.0)), 0.0);
            let size = (transform * Point::new(0.0, 1000.0) - start).hypot();
            let known = [start.x, start.y, end.x, size].iter().all(|number| number.is_finite());
            if known && size > 0.0 {
                let (left, right) = (start.x.min(end.x), start.x.max(end.x));
                self.glyphs.push(Glyph { text, left, right, baseline: start.y, size });
            }
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, _: ImageDrawProps<'a>) {
        self.check();
        self.drawn = true;
        self.too_large |= u64::from(image.width()) * u64::from(image.height()) > MOST_PIXELS;
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}
