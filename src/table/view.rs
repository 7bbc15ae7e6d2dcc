//! What a model is shown of a table: all of a small one, else what its columns hold and its
//! first rows. The same table gives the same text.

use super::profile::{Column, Profile, line_name};
use super::sniff::Shape;
use super::value::{Kind, is_other_date};
use crate::text::{boundary_before, printable, thousands};

/// How many first rows are shown of a table that is not shown whole.
const FIRST_ROWS: usize = 5;

/// The longest cell of those, in bytes.
const MOST_CELL: usize = 200;

/// So many different values are few.
const FEW: usize = 20;

/// A value that is there so many times as often as others is told.
const UNEVEN: u64 = 3;

/// Of the room, what the descriptions of the columns may take, in percent.
const COLUMNS_PERCENT: usize = 75;

/// What is left for the heading and for what is said of what was left out, in bytes.
const NOTES: usize = 400;

/// Renders a table within a number of bytes.
pub(super) fn render(sql_name: &str, shape: &Shape, profile: &Profile, room: usize) -> String {
    let heading = heading(sql_name, shape, profile);
    let room = room.saturating_sub(heading.len());
    if let Some(whole) = whole(profile, room) {
        return format!("{heading}{whole}");
    }
    let mut text = heading;
    let room = room.saturating_sub(NOTES);
    text.push_str(&columns(profile, room * COLUMNS_PERCENT / 100));
    text.push_str(&first_rows(profile, room - room * COLUMNS_PERCENT / 100));
    text
}

fn heading(sql_name: &str, shape: &Shape, profile: &Profile) -> String {
    let line = match profile.lines_differ {
        true => format!("; column {} holds the row's line in the file", line_name(&profile.columns)),
        false => String::new(),
    };
    format!(
        "table {sql_name}: {} rows, {} columns; {}{line}\n",
        thousands(profile.rows),
        profile.columns.len(),
        shape.words()
    )
}

/// A name as it must be written in SQL.
pub(super) fn quoted(name: &str) -> String {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !super::query::is_keyword(name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Cells as a line: no tab or line break in a cell is left.
pub(super) fn tabbed<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let plain = |cell: &str| printable(cell).replace('\t', "␉").replace('\n', "␊");
    cells.into_iter().map(plain).collect::<Vec<_>>().join("\t")
}

/// All of the rows, where they fit.
fn whole(profile: &Profile, room: usize) -> Option<String> {
    if profile.head.len() as u64 != profile.rows {
        return None;
    }
    let kinds: Vec<String> =
        profile.columns.iter().map(|column| format!("{} {}", quoted(&column.name), kind(column))).collect();
    let mut text = format!("columns: {}\nall rows:\n{}", kinds.join(", "), names(profile));
    for (at, cells) in profile.head.iter().enumerate() {
        text.push_str(&format!("{}\t{}\n", at + 1, tabbed(cells.iter().map(String::as_str))));
        if text.len() > room {
            return None;
        }
    }
    Some(text)
}

fn names(profile: &Profile) -> String {
    let names = profile.columns.iter().map(|column| column.name.as_str());
    format!("{}\n", tabbed(std::iter::once("row").chain(names)))
}

fn columns(profile: &Profile, room: usize) -> String {
    let told = |describe: fn(&Column) -> String| {
        let lines: Vec<String> = profile.columns.iter().map(describe).collect();
        (lines.iter().map(|line| line.len() + 1).sum::<usize>(), lines)
    };
    let (bytes, full) = told(described);
    let lines = if bytes <= room { full } else { told(briefly).1 };
    let mut text = "columns:\n".to_owned();
    for (at, line) in lines.iter().enumerate() {
        if text.len() + line.len() > room {
            text.push_str(&format!("[percept: {} more columns are not shown]\n", lines.len() - at));
            break;
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn briefly(column: &Column) -> String {
    format!("- {}: {}", quoted(&column.name), kind(column))
}

/// What a column is, with how its values are compared where that is not what one would think.
fn kind(column: &Column) -> String {
    let word = column.kind.word();
    match column.samples.first() {
        Some(sample) if column.kind == Kind::Boolean => format!("{word} kept as text ('{sample}')"),
        Some(_) if column.samples.iter().all(|sample| is_other_date(sample)) => {
            format!("{word}, days that are not written year first and don't sort")
        }
        _ => word.to_owned(),
    }
}

fn described(column: &Column) -> String {
    let mut words = briefly(column);
    if let (Some(least), Some(greatest)) = (&column.least, &column.greatest) {
        words.push_str(&format!(", {least} to {greatest}"));
    }
    if let (Some(mean), Some((median, exact))) = (column.mean, column.median) {
        let about = if exact { "" } else { "about " };
        words.push_str(&format!(", mean {}, median {about}{}", number(mean), number(median)));
    }
    words.push_str(&match column.distinct {
        None => "; very many different values".to_owned(),
        Some(distinct) => format!("; {} different", thousands(distinct as u64)),
    });
    let values = match () {
        () if is_uneven(column) => {
            let told = column.frequent.iter();
            told.map(|(value, count)| format!("{} ({})", apart(value), thousands(*count))).collect()
        }
        () if column.least.is_none() => column.samples.iter().map(|value| apart(value)).collect(),
        () => Vec::new(),
    };
    if !values.is_empty() {
        words.push_str(&format!(": {}", values.join(", ")));
        words.push_str(if column.distinct == Some(values.len()) { "" } else { ", …" });
    }
    if column.empty > 0 {
        words.push_str(&format!("; {} empty", thousands(column.empty)));
    }
    if column.missing > 0 {
        words.push_str(&format!("; {} such as N/A are NULL", thousands(column.missing)));
    }
    if column.numbers > 0 {
        words.push_str(&format!("; {} of the values are numbers, kept as text", thousands(column.numbers)));
    }
    printable(&words).replace('\n', "␊").replace('\t', "␉")
}

/// A value that is told from those beside it.
fn apart(value: &str) -> String {
    if value.contains([',', '"']) { format!("{value:?}") } else { value.to_owned() }
}

/// Whether it says something which of the values are the most frequent: there are few, or the
/// first is there more often than others.
fn is_uneven(column: &Column) -> bool {
    let (Some(distinct), Some((_, times))) = (column.distinct, column.frequent.first()) else { return false };
    distinct <= FEW || *times >= UNEVEN * column.filled / distinct as u64
}

/// A number with as many digits as tell something.
fn number(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e15).contains(&value.abs()) {
        return format!("{value:.3e}");
    }
    let digits = format!("{value:.3}");
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn first_rows(profile: &Profile, room: usize) -> String {
    let heading = format!("first rows:\n{}", names(profile));
    let mut text = String::new();
    for (at, cells) in profile.head.iter().take(FIRST_ROWS).enumerate() {
        let short = |cell: &String| match cell.len() > MOST_CELL {
            true => format!("{}…", &cell[..boundary_before(cell, MOST_CELL)]),
            false => cell.clone(),
        };
        let cells: Vec<String> = cells.iter().map(short).collect();
        let line = format!("{}\t{}\n", at + 1, tabbed(cells.iter().map(String::as_str)));
        if heading.len() + text.len() + line.len() > room {
            break;
        }
        text.push_str(&line);
    }
    if text.is_empty() { text } else { heading + &text }
}
