//! What pictures are drawn with: a canvas that remembers where each character stands.
//!
//! vello's CPU renderer at the processor's least level, so that a seed gives the same pixels on
//! every machine of a sort.

use image::RgbImage;
use vello_cpu::kurbo::{BezPath, Circle, Rect, RoundedRect, Shape};
use vello_cpu::peniko::color::{AlphaColor, Srgb};
use vello_cpu::{Level, Pixmap, RenderContext, RenderSettings, Resources};

use super::face::Face;

/// How exactly curves are followed, in pixels.
const TOLERANCE: f64 = 0.1;

/// A colour: red, green, blue.
pub(super) type Colour = [u8; 3];

/// A character that was drawn, and the middle of it, in pixels from the upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glyph {
    /// The middle of its advance.
    pub x: f32,
    /// The middle of a small letter's height.
    pub y: f32,
    /// The character; never a space.
    pub character: char,
}

/// A picture in the making. All lengths are pixels, from the upper left corner.
pub(super) struct Canvas {
    pub(super) width: f32,
    pub(super) height: f32,
    context: RenderContext,
    resources: Resources,
    glyphs: Vec<Glyph>,
}

impl Canvas {
    pub(super) fn new(width: u16, height: u16, back: Colour) -> Self {
        let settings = RenderSettings { level: Level::baseline(), num_threads: 0 };
        let mut canvas = Self {
            width: f32::from(width),
            height: f32::from(height),
            context: RenderContext::new_with(width, height, settings),
            resources: Resources::new(),
            glyphs: Vec::new(),
        };
        canvas.rect(0.0, 0.0, canvas.width, canvas.height, back);
        canvas
    }

    /// Draws a text whose upper left corner is (x, y); returns where it ends.
    pub(super) fn text(&mut self, x: f32, y: f32, text: &str, face: &Face, colour: Colour) -> f32 {
        self.paint(colour);
        let base = (y + face.ascent).round();
        let (mut pen, mut run) = (x, Vec::with_capacity(text.len()));
        for character in text.chars() {
            let advance = face.advance(character);
            run.push(vello_cpu::Glyph { id: face.glyph(character), x: pen, y: base });
            if character != ' ' {
                let middle = 0.36_f32.mul_add(-face.size, base);
                self.glyphs.push(Glyph { x: pen + advance / 2.0, y: middle, character });
            }
            pen += advance;
        }
        let builder = self.context.glyph_run(&mut self.resources, face.font());
        // What a font can't draw is left out; the fonts here have all of ASCII.
        let _ = builder.font_size(face.size).hint(true).fill_glyphs(run.into_iter());
        pen
    }

    pub(super) fn rect(&mut self, left: f32, top: f32, right: f32, bottom: f32, colour: Colour) {
        self.paint(colour);
        self.context.fill_rect(&area(left, top, right, bottom));
    }

    /// A rectangle with round corners.
    pub(super) fn round(&mut self, corners: [f32; 4], radius: f32, colour: Colour) {
        let [left, top, right, bottom] = corners;
        let shape = RoundedRect::from_rect(area(left, top, right, bottom), f64::from(radius));
        self.fill(&shape.to_path(TOLERANCE), colour);
    }

    /// The outline of a rectangle, a pixel wide, inside of it.
    pub(super) fn outline(&mut self, corners: [f32; 4], radius: f32, colour: Colour, inside: Colour) {
        let [left, top, right, bottom] = corners;
        self.round(corners, radius, colour);
        self.round([left + 1.0, top + 1.0, right - 1.0, bottom - 1.0], (radius - 1.0).max(0.0), inside);
    }

    pub(super) fn circle(&mut self, x: f32, y: f32, radius: f32, colour: Colour) {
        let circle = Circle::new((f64::from(x), f64::from(y)), f64::from(radius));
        self.fill(&circle.to_path(TOLERANCE), colour);
    }

    /// The shape between corners.
    pub(super) fn polygon(&mut self, corners: &[(f32, f32)], colour: Colour) {
        let mut path = BezPath::new();
        for (at, &(x, y)) in corners.iter().enumerate() {
            let point = (f64::from(x), f64::from(y));
            match at {
                0 => path.move_to(point),
                _ => path.line_to(point),
            }
        }
        path.close_path();
        self.fill(&path, colour);
    }

    /// The shadow that a window throws.
    pub(super) fn shadow(&mut self, corners: [f32; 4], blur: f32) {
        let [left, top, right, bottom] = corners;
        self.context.set_paint(AlphaColor::<Srgb>::from_rgba8(0, 0, 0, 110));
        let below = area(left, top + blur / 2.0, right, bottom + blur / 2.0);
        self.context.fill_blurred_rounded_rect(&below, 6.0, blur, false);
    }

    /// The picture, and its characters in the order in which they were drawn.
    pub(super) fn finish(mut self) -> (RgbImage, Vec<Glyph>) {
        let (width, height) = (self.context.width(), self.context.height());
        let mut pixels = Pixmap::new(width, height);
        self.context.flush();
        self.context.render(&mut pixels, &mut self.resources);
        let mut image = RgbImage::new(u32::from(width), u32::from(height));
        for (to, from) in image.pixels_mut().zip(pixels.data()) {
            to.0 = [from.r, from.g, from.b];
        }
        (image, self.glyphs)
    }

    fn fill(&mut self, path: &BezPath, colour: Colour) {
        self.paint(colour);
        self.context.fill_path(path);
    }

    fn paint(&mut self, [red, green, blue]: Colour) {
        self.context.set_paint(AlphaColor::<Srgb>::from_rgb8(red, green, blue));
    }
}

fn area(left: f32, top: f32, right: f32, bottom: f32) -> Rect {
    Rect::new(f64::from(left), f64::from(top), f64::from(right), f64::from(bottom))
}
