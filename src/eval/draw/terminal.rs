//! Terminal windows: a title perhaps, prompts, commands and what they wrote.

use super::artist::{Artist, Drawing, Question, Thing};
use super::theme::ink_on;

/// More lines are not drawn.
const MOST_LINES: usize = 48;

/// A line, and what it is.
struct Row {
    text: String,
    sort: Sort,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Output,
    Command,
    Error,
}

/// A terminal that fills the picture; with `full`, down to its bottom.
pub(super) fn terminal(mut artist: Artist<'_>, full: bool) -> Drawing {
    let (width, height) = (artist.canvas.width, artist.canvas.height);
    let face = artist.mono_face(12.0, 16.0);
    let (mut top, mut title) = (artist.between(2.0, 6.0), None);
    if artist.rng.chance(0.45) {
        let bar = artist.window_face(11.0, 14.0);
        let window = [0.0, 0.0, width, height];
        let text = artist.words().title();
        let text = bar.fit(&text, artist.title_room(window)).to_owned();
        top = artist.title_bar(window, &text, &bar) + artist.between(1.0, 5.0);
        title = Some(text).filter(|text| !text.is_empty());
    }
    let left = artist.between(2.0, 8.0);
    let gap = artist.rng.below(3) as f32;
    let room = (((height - top) / (face.height + gap)) as usize).clamp(1, MOST_LINES);
    let many = if full { room } else { artist.rng.range(1..=room as u32) as usize };
    let columns = ((width - left - 4.0) / face.advance('m')) as usize;
    let rows = rows(&mut artist, many, columns);
    let mut y = top;
    for row in &rows {
        let colour = match row.sort {
            Sort::Error if artist.rng.chance(0.5) => error_ink(&artist),
            Sort::Command if artist.rng.chance(0.3) => artist.theme.accent,
            _ => artist.theme.ink,
        };
        artist.canvas.text(left, y, &row.text, &face, colour);
        y += face.height + gap;
    }
    let things = rows.iter().filter(|row| row.sort == Sort::Error).map(|_| Thing::Error).take(1).collect();
    let questions = questions(&rows, title.as_deref());
    let caption = caption(&rows, title.as_deref());
    let about = rows.iter().max_by_key(|row| row.text.len()).map(|row| row.text.clone());
    artist.finish(questions, Some(caption), about.unwrap_or_default(), things)
}

fn error_ink(artist: &Artist<'_>) -> super::canvas::Colour {
    match ink_on(artist.theme.back)[0] {
        0..128 => [190, 20, 20],
        _ => [255, 110, 110],
    }
}

/// Lines of at most so many columns: at most one error, commands behind one prompt.
fn rows(artist: &mut Artist<'_>, many: usize, columns: usize) -> Vec<Row> {
    let prompt = {
        let user = artist.words().word();
        match artist.rng.below(4) {
            0 => "$ ".to_owned(),
            1 => "> ".to_owned(),
            2 => format!("{user}@host:~$ "),
            _ => format!("[{user}]$ "),
        }
    };
    let prompt = if prompt.len() * 3 > columns { "$ ".to_owned() } else { prompt };
    let error_at = if artist.rng.chance(0.55) { artist.rng.below(many as u32) as usize } else { usize::MAX };
    let mut rows = Vec::with_capacity(many);
    for at in 0..many {
        let sort = match () {
            () if at == error_at => Sort::Error,
            () if artist.rng.chance(0.25) => Sort::Command,
            () => Sort::Output,
        };
        let noise = artist.rng.chance(0.2);
        let text = match sort {
            Sort::Error => artist.words().error(),
            Sort::Command => format!("{prompt}{}", artist.words().command()),
            Sort::Output if noise => artist.words().line(columns.min(24), 1.0),
            Sort::Output if artist.rng.chance(0.3) => artist.words().log_line(),
            Sort::Output => artist.words().line(columns.min(60), 0.0),
        };
        let text = text.get(..columns.min(text.len())).unwrap_or_default().trim_end().to_owned();
        if !text.is_empty() && rows.iter().all(|row: &Row| row.text != text) {
            rows.push(Row { text, sort });
        }
    }
    if rows.is_empty() {
        rows.push(Row { text: "ok".to_owned(), sort: Sort::Output });
    }
    rows
}

fn questions(rows: &[Row], title: Option<&str>) -> Vec<Question> {
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).chain(title).collect();
    let mut questions = Vec::new();
    if let Some(error) = rows.iter().find(|row| row.sort == Sort::Error) {
        let error = Question::text("What does the error say?", &error.text, &texts);
        questions.extend([error.clone(), error]);
    }
    if let Some(title) = title {
        questions.push(Question::text("What is the title of the window?", title, &texts));
    }
    match rows {
        [only] => questions.push(Question::text("Read the text.", &only.text, &texts)),
        [first, .., last] => {
            questions.push(Question::text("What is the first line?", &first.text, &texts));
            questions.push(Question::text("What is the last line?", &last.text, &texts));
            if rows.len() <= 9 {
                questions.push(Question::number("How many lines of text are there?", rows.len(), Some(8)));
            }
        }
        [] => {}
    }
    questions
}

fn caption(rows: &[Row], title: Option<&str>) -> Question {
    let title = title.map_or_else(String::new, |title| format!(" with the title \"{title}\""));
    let (what, text) = match (rows.iter().find(|row| row.sort == Sort::Error), rows.last()) {
        (Some(error), _) => ("an error", error.text.as_str()),
        (None, last) => ("a last line", last.map_or("", |row| &row.text)),
    };
    let invented = match what {
        "an error" => Vec::new(),
        _ => vec!["error".to_owned()],
    };
    let says = format!("A terminal{title} that shows {what}: \"{text}\".");
    Question::caption(says, vec!["terminal".to_owned(), text.to_owned()], invented)
}
