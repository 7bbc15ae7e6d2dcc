//! The fonts of drawn pictures: those in `fonts/`, printable ASCII alone.

use std::sync::{Arc, LazyLock};

use skrifa::MetadataProvider;
use skrifa::instance::{LocationRef, Size};
use skrifa::raw::FontRef;
use vello_cpu::peniko::{Blob, FontData};

macro_rules! font {
    ($name:literal) => {
        Font::new(include_bytes!(concat!("fonts/", $name, ".ttf")))
    };
}

/// The fonts of terminals and code.
pub(super) static MONOSPACED: LazyLock<[Font; 3]> =
    LazyLock::new(|| [font!("DejaVuSansMono"), font!("Hack-Regular"), font!("JetBrainsMono-Regular")]);

/// The fonts of windows.
pub(super) static PROPORTIONAL: LazyLock<[Font; 4]> = LazyLock::new(|| {
    [font!("DejaVuSans"), font!("DejaVuSans-Bold"), font!("Roboto-Regular"), font!("Roboto-Medium")]
});

/// Printable ASCII: from the space to the tilde.
const CHARACTERS: usize = 95;

/// A font, in units of its em.
pub(super) struct Font {
    data: FontData,
    glyphs: [u32; CHARACTERS],
    advances: [f32; CHARACTERS],
    ascent: f32,
    height: f32,
}

impl Font {
    fn new(bytes: &'static [u8]) -> Self {
        let (mut glyphs, mut advances) = ([0; CHARACTERS], [0.5; CHARACTERS]);
        let (mut ascent, mut height) = (0.9, 1.2);
        // A font that is no font draws nothing; a test looks at each.
        if let Ok(font) = FontRef::new(bytes) {
            let charmap = font.charmap();
            let metrics = font.metrics(Size::new(1.0), LocationRef::default());
            let widths = font.glyph_metrics(Size::new(1.0), LocationRef::default());
            for (at, code) in (' '..='~').enumerate() {
                let id = charmap.map(code).unwrap_or_default();
                glyphs[at] = id.to_u32();
                advances[at] = widths.advance_width(id).unwrap_or(0.5);
            }
            ascent = metrics.ascent;
            height = metrics.ascent - metrics.descent + metrics.leading;
        }
        let data = FontData::new(Blob::new(Arc::new(bytes)), 0);
        Self { data, glyphs, advances, ascent, height }
    }

    /// The font at a size in pixels.
    pub(super) fn at(&'static self, size: f32) -> Face {
        Face { font: self, size, ascent: self.ascent * size, height: (self.height * size).round() }
    }
}

/// A font at a size. All lengths are pixels.
#[derive(Clone, Copy)]
pub(super) struct Face {
    font: &'static Font,
    pub(super) size: f32,
    /// From the top of a line to the base of its letters.
    pub(super) ascent: f32,
    /// Of a line.
    pub(super) height: f32,
}

impl Face {
    pub(super) fn font(&self) -> &'static FontData {
        &self.font.data
    }

    pub(super) fn glyph(&self, character: char) -> u32 {
        place(character).map_or(0, |at| self.font.glyphs[at])
    }

    /// Monospaced characters stand on whole pixels, as in a terminal.
    pub(super) fn advance(&self, character: char) -> f32 {
        let advance = self.size * place(character).map_or(0.5, |at| self.font.advances[at]);
        if self.is_monospaced() { advance.round().max(1.0) } else { advance }
    }

    fn is_monospaced(&self) -> bool {
        let [i, m] = ['i', 'm'].map(|c| place(c).map_or(0.0, |at| self.font.advances[at]));
        (i - m).abs() < f32::EPSILON
    }

    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars().map(|character| self.advance(character)).sum()
    }

    /// As much of the text as is no wider than this, without a space at its end.
    pub(super) fn fit<'a>(&self, text: &'a str, width: f32) -> &'a str {
        let (mut end, mut wide) = (text.len(), 0.0);
        for (at, character) in text.char_indices() {
            wide += self.advance(character);
            if wide > width {
                end = at;
                break;
            }
        }
        text[..end].trim_end()
    }

    /// Breaks a text between words into lines of a width.
    pub(super) fn wrap(&self, text: &str, width: f32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split(' ') {
            let word = self.fit(word, width);
            match lines.last_mut() {
                Some(line) if self.width(line) + self.width(" ") + self.width(word) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        lines
    }
}

fn place(character: char) -> Option<usize> {
    (u32::from(character) as usize).checked_sub(0x20).filter(|at| *at < CHARACTERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_font_has_all_of_printable_ascii() {
        for font in MONOSPACED.iter().chain(PROPORTIONAL.iter()) {
            assert!(font.glyphs.iter().all(|id| *id > 0), "a character has no glyph");
            assert!(font.advances.iter().all(|advance| (0.1..1.5).contains(advance)));
            assert!((0.7..1.3).contains(&font.ascent) && (1.0..1.6).contains(&font.height));
        }
        assert!(MONOSPACED.iter().all(|font| font.at(13.0).is_monospaced()));
        assert!(PROPORTIONAL.iter().all(|font| !font.at(13.0).is_monospaced()));
    }

    #[test]
    fn a_text_is_broken_and_cut_to_a_width() {
        let face = MONOSPACED[0].at(10.0);
        assert_eq!(face.advance('x'), 6.0);
        assert_eq!(face.wrap("one two three", 48.0), ["one two", "three"]);
        assert_eq!(face.fit("a word", 17.0), "a");
        assert_eq!(face.fit("abc", 0.0), "");
    }
}
