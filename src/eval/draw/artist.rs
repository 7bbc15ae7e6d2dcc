//! Who draws: chance, words, and a canvas of a size.

use super::canvas::{Canvas, Colour, Glyph};
use super::face::{Face, MONOSPACED, PROPORTIONAL};
use super::theme::{Theme, ink_on, shifted};
use crate::eval::item::Answer;
use crate::eval::rng::Rng;

/// A question about a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What is asked.
    pub ask: String,
    /// A right answer in words.
    pub says: String,
    /// What is right.
    pub answer: Answer,
    /// The probability of getting it right without looking, where the answer's form doesn't tell.
    pub guess: Option<f64>,
}

impl Question {
    /// A text that stands in the picture, and those that stand there too.
    pub(super) fn text(ask: &str, says: &str, others: &[&str]) -> Self {
        let apart = |other: &&&str| !says.contains(**other) && !other.contains(says) && other.len() > 2;
        let not = others.iter().filter(apart).map(|other| (*other).to_owned()).collect();
        let answer = Answer::Text { is: says.to_owned(), not };
        Self { ask: ask.to_owned(), says: says.to_owned(), answer, guess: None }
    }

    /// A number, of so many that it can be; `None` where it can be any.
    pub(super) fn number(ask: &str, number: usize, of: Option<u32>) -> Self {
        let answer = Answer::Number(i64::try_from(number).unwrap_or(i64::MAX));
        let guess = of.map(|of| 1.0 / f64::from(of.max(1)));
        Self { ask: ask.to_owned(), says: number.to_string(), answer, guess }
    }

    pub(crate) fn choice(ask: &str, is: &str, among: &[&str]) -> Self {
        let among = among.iter().map(|one| (*one).to_owned()).collect();
        let says = is.split('|').next().unwrap_or(is).to_owned();
        Self { ask: ask.to_owned(), says, answer: Answer::Choice { is: is.to_owned(), among }, guess: None }
    }

    pub(super) fn absent(ask: &str, what: &str) -> Self {
        Self {
            ask: ask.to_owned(),
            says: format!("There is no {what} in the picture."),
            answer: Answer::Absent,
            // Who says no to everything is right each time that it isn't there.
            guess: Some(1.0),
        }
    }

    /// A caption, the facts that it must name, and what would be made up unless it stands in the
    /// picture by chance.
    pub(super) fn caption(says: String, named: Vec<String>, mut invented: Vec<String>) -> Self {
        let said = says.to_lowercase();
        invented.retain(|fact| !said.contains(&fact.to_lowercase()));
        let ask = "Describe the screenshot.".to_owned();
        Self { ask, says, answer: Answer::Facts { named, invented }, guess: None }
    }
}

/// What can be in a picture or be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Thing {
    Error,
    Dialog,
    Chart,
    Table,
}

impl Thing {
    pub(super) const ALL: [Self; 4] = [Self::Error, Self::Dialog, Self::Chart, Self::Table];

    /// A question that only a picture with it has an answer to.
    pub(super) const fn question(self) -> (&'static str, &'static str) {
        match self {
            Self::Error => ("What does the error say?", "error"),
            Self::Dialog => ("What is the title of the dialog?", "dialog"),
            Self::Chart => ("What is the title of the chart?", "chart"),
            Self::Table => ("How many rows does the table have?", "table"),
        }
    }
}

/// A finished picture, with what can be asked about it.
pub struct Drawing {
    /// The pixels.
    pub image: image::RgbImage,
    /// Where each character stands, in the order drawn.
    pub glyphs: Vec<Glyph>,
    /// Questions, never none but of scenes that are not asked about.
    pub questions: Vec<Question>,
    /// Its caption.
    pub caption: Option<Question>,
    /// A text that only this picture is about: for telling pictures apart.
    pub about: String,
    pub(super) things: Vec<Thing>,
}

/// A picture in the making, and chance.
pub(super) struct Artist<'a> {
    pub(super) rng: &'a mut Rng,
    pub(super) canvas: Canvas,
    pub(super) theme: Theme,
    /// 1.0: a pixel is a pixel; more on screens of more pixels.
    pub(super) scale: f32,
}

impl Artist<'_> {
    /// A font of windows.
    pub(super) fn window_face(&mut self, least: f32, most: f32) -> Face {
        let size = self.size(least, most);
        self.rng.pick(&PROPORTIONAL).at(size)
    }

    /// A font of terminals.
    pub(super) fn mono_face(&mut self, least: f32, most: f32) -> Face {
        let size = self.size(least, most);
        self.rng.pick(&MONOSPACED).at(size)
    }

    fn size(&mut self, least: f32, most: f32) -> f32 {
        (self.rng.between(least, most) * self.scale).round()
    }

    pub(super) fn between(&mut self, least: f32, most: f32) -> f32 {
        (self.rng.between(least, most) * self.scale).round()
    }

    /// A title bar across the window's top, with buttons at one end as systems have them; returns
    /// where it ends.
    pub(super) fn title_bar(&mut self, [left, top, right, _]: [f32; 4], title: &str, face: &Face) -> f32 {
        let back = self.bar_colour();
        let bottom = top + face.height + 8.0 * self.scale;
        self.canvas.rect(left, top, right, bottom, back);
        let (middle, radius) = (f32::midpoint(top, bottom), 4.5 * self.scale);
        let text = match self.rng.below(4) {
            0 => {
                for (at, colour) in [[255, 95, 87], [254, 188, 46], [40, 200, 64]].into_iter().enumerate() {
                    self.canvas.circle(left + (9.0 + 14.0 * at as f32) * self.scale, middle, radius, colour);
                }
                left + 50.0 * self.scale
            }
            1 => {
                self.canvas.circle(right - 11.0 * self.scale, middle, radius, shifted(back, 50));
                left + 8.0 * self.scale
            }
            _ => left + 8.0 * self.scale,
        };
        self.canvas.text(text, top + 4.0 * self.scale, title, face, ink_on(back));
        bottom
    }

    /// The most characters' width that a title may have in a window.
    pub(super) fn title_room(&self, [left, _, right, _]: [f32; 4]) -> f32 {
        right - left - 72.0 * self.scale
    }

    fn bar_colour(&mut self) -> Colour {
        const BARS: [Colour; 6] =
            [[0, 90, 180], [60, 60, 60], [200, 200, 200], [120, 20, 20], [80, 80, 160], [235, 235, 235]];
        if self.rng.chance(0.4) { self.theme.panel } else { *self.rng.pick(&BARS) }
    }
}
