//! Rows of cells, as text in aligned columns or as a table of Markdown.

use unicode_width::UnicodeWidthStr;

use crate::text::end;

/// What stands between two columns.
const GAP: usize = 2;

/// The least room of the first column before another is left out.
const LEAST_NAME: usize = 12;

/// Rows of cells under their heads: first columns of words, then columns of numbers, at the right.
pub(super) struct Grid {
    rows: Vec<Vec<String>>,
    /// How many columns are words.
    words: usize,
}

impl Grid {
    pub(super) fn new(words: &[&str], numbers: &[&str]) -> Self {
        let heads = words.iter().chain(numbers).map(|head| (*head).to_owned());
        Self { rows: vec![heads.collect()], words: words.len() }
    }

    pub(super) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// The columns that have a cell under their heads, each with its widest cell.
    fn columns(&self) -> Vec<(usize, usize)> {
        let cells = |column: usize| self.rows.iter().filter_map(move |row| row.get(column));
        let heads = self.rows.first().map_or(0, Vec::len);
        let filled = |column: &usize| cells(*column).skip(1).any(|cell| !cell.is_empty());
        let widest = |column| cells(column).map(|cell| cell.width()).max().unwrap_or_default();
        (0..heads).filter(filled).map(|column| (column, widest(column))).collect()
    }

    /// In columns, no line wider than so many. The first column gets narrower, then the last columns
    /// are left out, then lines are cut.
    pub(super) fn text(&self, width: usize) -> String {
        let mut columns = self.columns();
        let total = |columns: &[(usize, usize)]| {
            columns.iter().map(|(_, wide)| wide + GAP).sum::<usize>().saturating_sub(GAP)
        };
        let least = |columns: &[(usize, usize)]| match columns {
            [(_, first), ..] => total(columns) - first + (*first).min(LEAST_NAME),
            [] => 0,
        };
        while columns.len() > 2 && least(&columns) > width {
            columns.pop();
        }
        let over = total(&columns).saturating_sub(width);
        if let Some((_, first)) = columns.first_mut() {
            *first = first.saturating_sub(over).max((*first).min(LEAST_NAME));
        }
        let line = |row: &Vec<String>| {
            let cells = columns.iter().map(|(column, wide)| self.cell(row, *column, *wide));
            end(cells.collect::<Vec<_>>().join("  ").trim_end(), width) + "\n"
        };
        self.rows.iter().map(line).collect()
    }

    fn cell(&self, row: &[String], column: usize, wide: usize) -> String {
        let cell = row.get(column).map(|cell| end(cell, wide)).unwrap_or_default();
        let blank = " ".repeat(wide.saturating_sub(cell.width()));
        if column < self.words { cell + &blank } else { blank + &cell }
    }

    /// As a table of Markdown.
    pub(super) fn markdown(&self) -> String {
        let columns = self.columns();
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut out = String::new();
        for (at, row) in self.rows.iter().enumerate() {
            let cell = |(column, _): &(usize, usize)| {
                let cell = row.get(*column).map(String::as_str).unwrap_or_default();
                // A part's blanks in front would be lost.
                let inside = if cell.starts_with("  ") { "– " } else { "" };
                format!("{inside}{}", escaped(cell.trim_start()))
            };
            out += &line(columns.iter().map(cell).collect());
            if at == 0 {
                let rule = |(column, _): &(usize, usize)| if *column < self.words { "---" } else { "---:" };
                out += &line(columns.iter().map(|column| rule(column).to_owned()).collect());
            }
        }
        out
    }
}

/// Text that means itself in a table of Markdown.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}
