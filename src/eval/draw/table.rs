//! Tables: names above, rows below, as spreadsheets and lists have them.

use super::artist::{Artist, Drawing, Question, Thing};

/// A column: its name, and what its cells are.
type Column = (&'static str, fn(&mut Artist<'_>) -> String);

/// Columns beside that of the names.
const COLUMNS: [Column; 6] = [
    ("Size", |artist| format!("{} kB", artist.rng.range(1..=999))),
    ("Status", |artist| (*artist.rng.pick(&["running", "stopped", "failed", "queued", "done"])).to_owned()),
    ("Owner", |artist| artist.words().word().to_owned()),
    ("Port", |artist| artist.rng.range(20..=9999).to_string()),
    ("Load", |artist| format!("{}%", artist.rng.range(0..=100))),
    ("Time", |artist| format!("{:02}:{:02}", artist.rng.range(0..=23), artist.rng.range(0..=59))),
];

/// A table of two to eight rows and two to four columns, the first of which has the names.
pub(super) fn table(mut artist: Artist<'_>) -> Drawing {
    let (width, height) = (artist.canvas.width, artist.canvas.height);
    let face = artist.window_face(12.0, 15.0);
    let pitch = face.height + artist.between(3.0, 8.0);
    let fits = (((height - 6.0) / pitch) as u32).saturating_sub(1);
    let rows = artist.rng.range(2..=fits.clamp(2, 8)) as usize;
    let columns = artist.rng.range(1..=if width < 380.0 { 2 } else { 3 }) as usize;
    let mut all = COLUMNS;
    artist.rng.shuffle(&mut all);
    let heads: Vec<&str> = ["Name"].into_iter().chain(all[..columns].iter().map(|(head, _)| *head)).collect();
    let cells = cells(&mut artist, rows, &all[..columns]);
    let step = (width - 8.0) / (columns + 1) as f32;
    let (theme, mut y) = (artist.theme, 3.0);
    artist.canvas.rect(2.0, y, width - 2.0, y + pitch, theme.panel);
    for (at, line) in [heads.iter().map(|head| (*head).to_owned()).collect()].iter().chain(&cells).enumerate()
    {
        if at > 0 {
            artist.canvas.rect(2.0, y, width - 2.0, y + 1.0, theme.line);
        }
        let ink = if at == 0 { theme.accent } else { theme.ink };
        for (column, cell) in line.iter().enumerate() {
            let x = step.mul_add(column as f32, 6.0).round();
            artist.canvas.text(x, y + 2.0, face.fit(cell, step - 6.0), &face, ink);
        }
        y += pitch;
    }
    let questions = questions(&mut artist, &heads, &cells);
    let about = cells.first().map(|row| row.join(" ")).unwrap_or_default();
    artist.finish(questions, None, about, vec![Thing::Table])
}

fn cells(artist: &mut Artist<'_>, rows: usize, columns: &[Column]) -> Vec<Vec<String>> {
    let mut cells: Vec<Vec<String>> = Vec::with_capacity(rows);
    while cells.len() < rows {
        let name = artist.words().word().to_owned();
        if cells.iter().all(|row| !row[0].contains(&name) && !name.contains(&row[0])) {
            let rest = columns.iter().map(|(_, cell)| cell(artist));
            cells.push([name].into_iter().chain(rest).collect());
        }
    }
    cells
}

fn questions(artist: &mut Artist<'_>, heads: &[&str], cells: &[Vec<String>]) -> Vec<Question> {
    let (row, column) = (&cells[artist.rng.index(cells.len())], 1 + artist.rng.index(heads.len() - 1));
    let others: Vec<&str> =
        cells.iter().map(|row| row[column].as_str()).filter(|cell| *cell != row[column]).collect();
    let ask = format!("What is the {} of {}?", heads[column].to_lowercase(), row[0]);
    let cell = Question::text(&ask, &row[column], &others);
    vec![cell.clone(), cell, Question::number("How many rows does the table have?", cells.len(), Some(7))]
}
