//! Suites from a seed: the pictures, questions and right answers of a kind.

use std::io;
use std::path::{Path, PathBuf};

use super::album;
use super::draw::{self, Drawing, Question, Scene, Text};
use super::item::{Item, Kind};
use super::rng::Rng;
use super::text;

/// Pictures of this share went through JPEG.
const LOSSY: f32 = 0.15;

/// The sizes of windows: alone, and on a screen.
pub(super) const SIZES: [(u16, u16); 4] = [(320, 140), (400, 200), (640, 400), (1280, 800)];

/// Heights of small text, in pixels.
const HEIGHTS: [u16; 9] = [8, 10, 12, 14, 16, 18, 20, 22, 24];

/// Scenes that can be told apart by what stands in them.
pub(super) const TOLD_APART: [Scene; 3] = [Scene::Dialog, Scene::Terminal, Scene::Chart];

/// Whether a kind can be made from a seed.
pub fn is_drawn(kind: Kind) -> bool {
    kind != Kind::Speech
}

/// Makes items of a kind, their files in the folder. The same seed gives the same items.
///
/// # Errors
///
/// A file can't be written; the kind can't be made.
pub fn generate(kind: Kind, seed: u64, count: usize, folder: &Path) -> io::Result<Vec<Item>> {
    std::fs::create_dir_all(folder)?;
    if matches!(kind, Kind::ToolCall | Kind::LogCause | Kind::Retrieval) {
        return text::generate(kind, seed, count, folder);
    }
    if kind == Kind::PictureSearch {
        return album::searches(seed, count, folder);
    }
    let base = Rng::new(seed).fork(kind.name());
    let mut items = Vec::with_capacity(count);
    for number in 0..count {
        let mut maker = Maker {
            rng: base.fork(&number.to_string()),
            id: format!("{}-{seed}-{number:04}", kind.name()),
            folder,
            files: Vec::new(),
        };
        let (group, question) = maker.make(kind, number)?;
        let Question { ask, answer, guess, .. } = question;
        items.push(Item { id: maker.id, kind, group, attach: maker.files, question: ask, answer, guess });
    }
    Ok(items)
}

fn undrawn(kind: Kind) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("no {} is drawn", kind.name()))
}

/// Makes one item.
struct Maker<'a> {
    rng: Rng,
    id: String,
    folder: &'a Path,
    files: Vec<PathBuf>,
}

impl Maker<'_> {
    fn make(&mut self, kind: Kind, number: usize) -> io::Result<(Option<String>, Question)> {
        let size = SIZES[number % SIZES.len()];
        let sized = |(width, height): (u16, u16)| Some(format!("{width}x{height}"));
        let question = match kind {
            Kind::SmallText => {
                let height = HEIGHTS[number % HEIGHTS.len()];
                let text = Text { characters: 16, sizes: (height.into(), height.into()), noise: 0.45 };
                let size = (20 * (height * 12 / 20).max(8), 20 * (height * 13 / 200 + 1));
                return Ok((Some(format!("{height} px")), self.scene(Scene::Lines, size, text)?));
            }
            Kind::LongLines => {
                let text = Text { characters: 90, sizes: (12.0, 16.0), noise: 0.3 };
                self.scene(Scene::Lines, (640, 40), text)?
            }
            Kind::Dialog => return Ok((sized(size), self.scene(Scene::Dialog, size, Text::default())?)),
            Kind::Terminal => return Ok((sized(size), self.scene(Scene::Terminal, size, Text::default())?)),
            Kind::Code => self.scene(Scene::Code, (400, 200), Text::default())?,
            Kind::Table => self.scene(Scene::Table, (400, 200), Text::default())?,
            Kind::Chart => {
                return Ok((
                    sized(SIZES[number % 3]),
                    self.scene(Scene::Chart, SIZES[number % 3], Text::default())?,
                ));
            }
            Kind::Count => self.scene(Scene::Count, (320, 200), Text::default())?,
            Kind::Spatial => self.scene(Scene::Spatial, (320, 200), Text::default())?,
            Kind::State => self.scene(Scene::State, (320, 200), Text::default())?,
            Kind::Absent => {
                let scene = *self.rng.pick(&TOLD_APART);
                let (drawing, question) = draw::absent(scene, SIZES[number % 2], &mut self.rng);
                self.keep(&drawing)?;
                let group = if question.is_absent() { "it isn't there" } else { "it is there" };
                return Ok((Some(group.to_owned()), question));
            }
            Kind::Caption => {
                let scene = *self.rng.pick(&TOLD_APART);
                let drawing = draw::draw(scene, SIZES[number % 2], Text::default(), &mut self.rng);
                self.keep(&drawing)?;
                drawing.caption.ok_or_else(|| undrawn(kind))?
            }
            Kind::ToolAside => {
                let scene = *self.rng.pick(&TOLD_APART);
                let drawing = draw::draw(scene, size, Text::default(), &mut self.rng);
                self.keep(&drawing)?;
                let call = text::tool_call(String::new(), &mut self.rng);
                let (ask, answer) = (call.question, call.answer);
                let question = Question { ask, says: String::new(), answer, guess: None };
                return Ok((sized(size), question));
            }
            Kind::SeveralPictures | Kind::TextToPicture => self.one_of_four(kind)?,
            Kind::PictureToText => self.text_of_four()?,
            Kind::ToolCall | Kind::Retrieval | Kind::PictureSearch | Kind::LogCause | Kind::Speech => {
                return Err(undrawn(kind));
            }
        };
        Ok((None, question))
    }

    fn scene(&mut self, scene: Scene, size: (u16, u16), text: Text) -> io::Result<Question> {
        let drawing = draw::draw(scene, size, text, &mut self.rng);
        self.keep(&drawing)?;
        let at = self.rng.index(drawing.questions.len());
        drawing.questions.into_iter().nth(at).ok_or_else(|| io::Error::other("nothing to ask"))
    }

    /// Four pictures, and a text or a question that is about one of them.
    fn one_of_four(&mut self, kind: Kind) -> io::Result<Question> {
        const NUMBERS: [&str; 4] = ["first|1st|1", "second|2nd|2", "third|3rd|3", "fourth|4th|4"];
        let drawings = self.four();
        for drawing in &drawings {
            self.keep(drawing)?;
        }
        let right = self.rng.below(4) as usize;
        let about = &drawings[right].about;
        let ask = match kind {
            Kind::TextToPicture => {
                format!(
                    "Which of the four pictures is this text about: \"{about}\"? Answer with first, second, third or fourth."
                )
            }
            _ => format!(
                "In which of the four pictures does \"{about}\" stand? Answer with first, second, third or fourth."
            ),
        };
        Ok(Question::choice(&ask, NUMBERS[right], &NUMBERS))
    }

    /// One picture, and four texts of which one is about it.
    fn text_of_four(&mut self) -> io::Result<Question> {
        const LETTERS: [&str; 4] = ["A", "B", "C", "D"];
        let drawings = self.four();
        let right = self.rng.below(4) as usize;
        self.keep(&drawings[right])?;
        let options: Vec<String> = LETTERS
            .iter()
            .zip(&drawings)
            .map(|(letter, drawing)| format!("{letter}: {}", drawing.about))
            .collect();
        let ask = format!("Which text is about the picture? Answer with its letter.\n{}", options.join("\n"));
        Ok(Question::choice(&ask, LETTERS[right], &LETTERS))
    }

    /// Four drawings of which no two are about the same.
    fn four(&mut self) -> Vec<Drawing> {
        let mut drawings: Vec<Drawing> = Vec::with_capacity(4);
        while drawings.len() < 4 {
            let scene = *self.rng.pick(&TOLD_APART);
            let drawing = draw::draw(scene, SIZES[0], Text::default(), &mut self.rng);
            let same = |other: &Drawing| album::same(&other.about, &drawing);
            if drawing.about.len() > 3 && !drawings.iter().any(same) {
                drawings.push(drawing);
            }
        }
        drawings
    }

    fn keep(&mut self, drawing: &Drawing) -> io::Result<()> {
        let name = format!("{}{}", self.id, ["", "-b", "-c", "-d"][self.files.len().min(3)]);
        self.files.push(keep(drawing, &mut self.rng, self.folder, &name)?);
        Ok(())
    }
}

/// Writes a picture as PNG, or as JPEG with its traces; gives the file's name.
pub(super) fn keep(drawing: &Drawing, rng: &mut Rng, folder: &Path, name: &str) -> io::Result<PathBuf> {
    let lossy = rng.chance(LOSSY);
    let quality = u8::try_from(rng.range(60..=95)).unwrap_or(90);
    let bytes = match lossy {
        true => draw::jpeg(&drawing.image, quality),
        false => draw::png(&drawing.image),
    };
    let file = PathBuf::from(format!("{name}.{}", if lossy { "jpg" } else { "png" }));
    std::fs::write(folder.join(&file), bytes.map_err(io::Error::other)?)?;
    Ok(file)
}
