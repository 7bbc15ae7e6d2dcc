//! Examples without end for training: `percept eval generate --stream`.
//!
//! For each one line of JSON, then the pixels (RGB, 8 bits each, row by row from the top):
//!
//! ```text
//! {"width":320,"height":140,"question":"…","answer":"…","glyphs":[[12.5,33.0,"P"],…]}\n
//! width * height * 3 bytes
//! ```
//!
//! `glyphs` are the middles of the characters in pixels, in the order drawn. An example without a
//! picture has the width and height 0 and no bytes.

use std::io::{self, Write};

use serde::Serialize;

use super::draw::{self, Drawing, Question, Scene, Text};
use super::item::Answer;
use super::rng::Rng;
use super::text;

/// Examples of this share went through JPEG.
const LOSSY: f32 = 0.15;

/// Of requests, this share asks for no tool and can't be answered.
const TALK: f32 = 0.2;

/// Of texts that are searched for, this share is whole.
const WHOLE: f32 = 0.5;

/// What an example is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Lesson {
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
    /// What may not be in the picture.
    Absent,
    /// A caption.
    Caption,
    /// A request for a call of a tool, without a picture; or talk, which asks for none.
    Tool,
    /// The same beside a picture that it isn't about.
    ToolAside,
    /// A text that is about the picture, as a search has it: the question; there is no answer.
    Match,
}

#[derive(Serialize)]
struct Head<'a> {
    width: u32,
    height: u32,
    question: &'a str,
    answer: &'a str,
    glyphs: Vec<(f32, f32, char)>,
}

/// Writes examples until the reader goes or there were so many.
///
/// # Errors
///
/// Writing fails; that nobody reads any more is no error.
pub fn stream(
    lesson: Lesson,
    size: (u16, u16),
    seed: u64,
    count: Option<u64>,
    to: &mut impl Write,
) -> io::Result<()> {
    let base = Rng::new(seed).fork("stream");
    for number in 0..count.unwrap_or(u64::MAX) {
        let mut rng = base.fork(&number.to_string());
        match example(lesson, size, &mut rng, to) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
    }
    to.flush()
}

fn example(lesson: Lesson, size: (u16, u16), rng: &mut Rng, to: &mut impl Write) -> io::Result<()> {
    const FIGURES: [Scene; 3] = [Scene::Dialog, Scene::Terminal, Scene::Chart];
    let asked = |scene: Scene, rng: &mut Rng| {
        // As many characters as the picture's width has room for.
        let text = Text { characters: (size.0 / 8).into(), ..Text::default() };
        let drawing = draw::draw(scene, size, text, rng);
        let question = rng.one_of(&drawing.questions).cloned();
        (drawing, question)
    };
    let (drawing, question) = match lesson {
        Lesson::Crops => asked(Scene::Crops, rng),
        Lesson::Lines => asked(Scene::Lines, rng),
        Lesson::Terminal => asked(Scene::Terminal, rng),
        Lesson::Dialog => asked(Scene::Dialog, rng),
        Lesson::Chart => asked(Scene::Chart, rng),
        Lesson::Table => asked(Scene::Table, rng),
        Lesson::Code => asked(Scene::Code, rng),
        Lesson::Absent => {
            let scene = *rng.pick(&FIGURES);
            let (drawing, question) = draw::absent(scene, size, rng);
            (drawing, Some(question))
        }
        Lesson::Caption => {
            let scene = *rng.pick(&FIGURES);
            let (drawing, _) = asked(scene, rng);
            let caption = drawing.caption.clone();
            (drawing, caption)
        }
        Lesson::Tool => {
            let (said, answer) = request(rng, text::talk);
            return write(None, &said, &answer, to);
        }
        Lesson::ToolAside => {
            let (drawing, _) = asked(*rng.pick(&FIGURES), rng);
            let (said, answer) = request(rng, text::small_talk);
            return write(Some(&with_traces(drawing, rng)), &said, &answer, to);
        }
        Lesson::Match => {
            let (drawing, _) = asked(*rng.pick(&FIGURES), rng);
            let searched = searched(&drawing.about, rng);
            return write(Some(&with_traces(drawing, rng)), &searched, "", to);
        }
    };
    let (ask, says) = question.map_or_else(Default::default, |Question { ask, says, .. }| (ask, says));
    write(Some(&with_traces(drawing, rng)), &ask, &says, to)
}

/// Some pictures went through JPEG.
fn with_traces(mut drawing: Drawing, rng: &mut Rng) -> Drawing {
    let lossy = rng.chance(LOSSY).then(|| u8::try_from(rng.range(60..=95)).unwrap_or(90));
    let image = lossy.and_then(|quality| draw::jpeg(&drawing.image, quality).ok());
    if let Some(Ok(image)) = image.map(|bytes| image::load_from_memory(&bytes)) {
        drawing.image = image.into_rgb8();
    }
    drawing
}

/// A request with the call that is right; or talk, which asks for none.
fn request(rng: &mut Rng, talk: fn(&mut Rng) -> (String, &'static str)) -> (String, String) {
    if rng.chance(TALK) {
        let (said, answer) = talk(rng);
        return (said, answer.to_owned());
    }
    let item = text::tool_call(String::new(), rng);
    let answer = said(&item.answer);
    (item.question, answer)
}

/// What somebody remembers of a text: all of it, or some words in a row.
fn searched(about: &str, rng: &mut Rng) -> String {
    let words: Vec<&str> = about.split_whitespace().collect();
    if words.len() < 2 || rng.chance(WHOLE) {
        return about.to_owned();
    }
    let length = 1 + rng.index(words.len());
    let first = rng.index(words.len() - length + 1);
    words[first..first + length].join(" ")
}

/// How a model says a call: in the form of Hermes, which percept reads of any model.
fn said(answer: &Answer) -> String {
    match answer {
        Answer::Call { tool, arguments } => {
            // The name first: a model that writes it can go by it when it writes the rest.
            let arguments = serde_json::Value::Object(arguments.clone());
            format!("<tool_call>\n{{\"name\": \"{tool}\", \"arguments\": {arguments}}}\n</tool_call>")
        }
        _ => String::new(),
    }
}

fn write(drawing: Option<&Drawing>, question: &str, answer: &str, to: &mut impl Write) -> io::Result<()> {
    let (width, height) = drawing.map_or((0, 0), |drawing| drawing.image.dimensions());
    let tenth = |number: f32| (number * 10.0).round() / 10.0;
    let glyph = |glyph: &draw::Glyph| (tenth(glyph.x), tenth(glyph.y), glyph.character);
    let glyphs = drawing.map(|drawing| drawing.glyphs.iter().map(glyph).collect()).unwrap_or_default();
    serde_json::to_writer(&mut *to, &Head { width, height, question, answer, glyphs })?;
    to.write_all(b"\n")?;
    drawing.map_or(Ok(()), |drawing| to.write_all(drawing.image.as_raw()))
}
