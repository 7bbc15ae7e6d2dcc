//! Source code in an editor, with line numbers.

use super::artist::{Artist, Drawing, Question};
use crate::eval::words::Language;

/// A keyword before a name in code.
const KEYWORDS: [&str; 3] = ["fn", "def", "function"];

/// The languages that go with them.
const LANGUAGES: [Language; 3] = [Language::Rust, Language::Python, Language::TypeScript];

/// In fewer columns lines would be alike.
const LEAST_COLUMNS: usize = 12;

/// An editor window with a function in it.
pub(super) fn code(mut artist: Artist<'_>) -> Drawing {
    let (width, height) = (artist.canvas.width, artist.canvas.height);
    let face = artist.mono_face(12.0, 15.0);
    let pitch = face.height + 1.0;
    let rows = (((height - 4.0) / pitch) as usize).clamp(2, 40);
    let first = artist.rng.range(1..=90) as usize;
    let (gutter, ink) = (face.width("000 "), artist.theme.ink);
    let columns = ((width - gutter - 6.0) / face.advance('m')) as usize;
    let language = artist.rng.below(3) as usize;
    let name = artist.words().word();
    let lines = lines(&mut artist, (rows, columns), language, name);
    let panel = artist.theme.panel;
    artist.canvas.rect(0.0, 0.0, gutter, height, panel);
    for (at, line) in lines.iter().enumerate() {
        let y = pitch.mul_add(at as f32, 2.0);
        let number = format!("{:>3}", first + at);
        let line_ink = artist.theme.line;
        artist.canvas.text(2.0, y, &number, &face, line_ink);
        let indent = line.len() - line.trim_start().len();
        let x = gutter + 4.0 + face.width(" ") * indent as f32;
        artist.canvas.text(x, y, line.trim_start(), &face, ink);
    }
    let at = artist.rng.below(lines.len() as u32) as usize;
    let texts: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    let ask = format!("What is on line {}?", first + at);
    let questions = vec![
        Question::text(&ask, texts[at], &texts),
        Question::text("What is the name of the function?", name, &[]),
    ];
    let about = texts.iter().max_by_key(|line| line.len()).map_or(String::new(), |line| (*line).to_owned());
    artist.finish(questions, None, about, Vec::new())
}

/// A function of so many lines; no two lines are the same.
fn lines(
    artist: &mut Artist<'_>,
    (rows, columns): (usize, usize),
    language: usize,
    name: &str,
) -> Vec<String> {
    let argument = artist.words().word();
    let end = [" {", ":", " {"][language];
    let mut lines = vec![format!("{} {name}({argument}){end}", KEYWORDS[language])];
    let columns = columns.max(LEAST_COLUMNS);
    while lines.len() < rows {
        let line = artist.words().code_line(LANGUAGES[language]);
        let line = format!("    {}", line.trim());
        let line = line.get(..columns.min(line.len())).unwrap_or_default().trim_end().to_owned();
        if line.trim().len() > 2 && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}
