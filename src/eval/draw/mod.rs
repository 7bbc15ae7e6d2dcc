//! Pictures from a seed: windows as people meet them, with questions and right answers.
//!
//! | file | what it draws |
//! | --- | --- |
//! | `lines` | a line of text, or pieces all over |
//! | `terminal`, `dialog`, `code` | windows |
//! | `chart`, `table` | figures |
//! | `shapes` | shapes to count and to tell the places of, switches and buttons |
//! | `artist`, `canvas`, `face`, `theme` | with what: chance and words, pixels, fonts, colours |
//! | `noise` | pictures as files: PNG, and JPEG with its traces |
//!
//! The fonts are open ones (fonts/README.md), cut down to printable ASCII. No window system is
//! asked: these are windows as drawn here, not those of any real program.

mod artist;
mod canvas;
mod chart;
mod code;
mod dialog;
mod face;
mod lines;
mod noise;
mod shapes;
mod table;
mod terminal;
#[cfg(test)]
mod tests;
mod theme;

pub use artist::{Drawing, Question};
pub use canvas::Glyph;
pub use noise::{jpeg, png};

use artist::{Artist, Thing};
use canvas::Canvas;
use theme::Theme;

use super::item::Answer;
use super::rng::Rng;
use super::words::Words;

/// What can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Scene {
    /// Pieces of text all over, nothing asked.
    Crops,
    /// One line of text.
    Lines,
    /// A terminal window.
    Terminal,
    /// A dialog.
    Dialog,
    /// A bar chart.
    Chart,
    /// A table.
    Table,
    /// Source code.
    Code,
    /// Shapes to count.
    Count,
    /// Shapes to tell the places of.
    Spatial,
    /// Switches and buttons.
    State,
}

/// How a line of text is drawn.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// The most characters.
    pub characters: usize,
    /// The least and the most height of its font in pixels.
    pub sizes: (f32, f32),
    /// The share that is random characters, which can't be guessed.
    pub noise: f32,
}

impl Default for Text {
    fn default() -> Self {
        Self { characters: 60, sizes: (11.0, 22.0), noise: 0.45 }
    }
}

/// How many pixels of a screen are one of a window's, as desktops scale.
const SCALES: [f32; 6] = [1.0, 1.0, 1.0, 1.25, 1.5, 2.0];

/// Draws a scene of a size in pixels.
pub fn draw(scene: Scene, (width, height): (u16, u16), text: Text, rng: &mut Rng) -> Drawing {
    let theme = match scene {
        Scene::Terminal => Theme::terminal(rng),
        _ => Theme::any(rng),
    };
    let back = match scene {
        Scene::Dialog => theme::any_colour(rng, 0, 255),
        _ => theme.back,
    };
    // A small picture has no room for large windows.
    let scale = if width >= 600 { *rng.pick(&SCALES) } else { 1.0 };
    let artist = Artist { canvas: Canvas::new(width, height, back), theme, scale, rng };
    match scene {
        Scene::Crops => crops(artist),
        Scene::Lines => lines::line(artist, text.characters, text.sizes, text.noise),
        Scene::Terminal => terminal::terminal(artist, false),
        Scene::Dialog => dialog::dialog(artist),
        Scene::Chart => chart::chart(artist),
        Scene::Table => table::table(artist),
        Scene::Code => code::code(artist),
        Scene::Count => shapes::count(artist),
        Scene::Spatial => shapes::spatial(artist),
        Scene::State => shapes::states(artist),
    }
}

fn crops(artist: Artist<'_>) -> Drawing {
    if artist.rng.chance(0.6) { terminal::terminal(artist, true) } else { lines::scattered(artist) }
}

/// What is asked of a picture to see whether a model says what isn't there: in half of the cases
/// it is there.
pub fn absent(scene: Scene, size: (u16, u16), rng: &mut Rng) -> (Drawing, Question) {
    let wanted = rng.chance(0.5);
    loop {
        let drawing = draw(scene, size, Text::default(), rng);
        let asks_for =
            |question: &&Question| Thing::ALL.iter().any(|thing| thing.question().0 == question.ask);
        let present = drawing.questions.iter().find(asks_for).cloned();
        let missing: Vec<Thing> =
            Thing::ALL.into_iter().filter(|thing| !drawing.things.contains(thing)).collect();
        let question = match (wanted, present) {
            (true, Some(question)) => question,
            (true, None) => continue,
            (false, _) => {
                let (ask, what) = missing[rng.index(missing.len())].question();
                Question::absent(ask, what)
            }
        };
        return (drawing, question);
    }
}

impl Question {
    /// Whether it asks for something that isn't there.
    pub fn is_absent(&self) -> bool {
        self.answer == Answer::Absent
    }
}

impl Artist<'_> {
    fn words(&mut self) -> Words<'_> {
        Words::new(self.rng)
    }

    fn finish(
        self,
        questions: Vec<Question>,
        caption: Option<Question>,
        about: String,
        things: Vec<Thing>,
    ) -> Drawing {
        let (image, glyphs) = self.canvas.finish();
        Drawing { image, glyphs, questions, caption, about, things }
    }
}
