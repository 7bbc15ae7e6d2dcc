//! Rows of a table as text: each says the names of its columns, so that it can be found and
//! understood without the row that they stand in.

use super::decode::short;
use super::outline::Outline;
use super::{BlockKind, Place};

/// The longest name of a column, in bytes.
const MOST_NAME: usize = 60;

/// The longest cell, in bytes; a longer one is cut, and it is said.
pub(super) const MOST_CELL: usize = 32 * 1024;

/// The most columns.
pub(super) const MOST_COLUMNS: usize = 500;

/// Takes the rows of one sheet, one after the other.
#[derive(Default)]
pub(super) struct Rows {
    names: Vec<String>,
    /// Whether the row with the names came, or what can't be one.
    begun: bool,
    cut: bool,
}

impl Rows {
    /// Takes a row by its number from 1, as a spreadsheet shows it. The first with several
    /// cells, none of them a number, has the names; what stands above it is a title.
    pub(super) fn take(&mut self, number: u32, cells: &[String], outline: &mut Outline) {
        let filled = cells.iter().filter(|cell| !cell.trim().is_empty()).count();
        if filled == 0 {
            return;
        }
        let place = Place::Rows(number, number);
        let is_names = !self.begun && filled > 1 && !cells.iter().any(|cell| is_number(cell));
        self.begun |= filled > 1;
        if is_names {
            self.names = cells.iter().map(|cell| short(cell, MOST_NAME)).collect();
        }
        let text = if is_names { self.plain(cells) } else { self.named(cells) };
        outline.block(text, place, BlockKind::Rows);
    }

    fn plain(&mut self, cells: &[String]) -> String {
        let cells: Vec<String> = cells.iter().map(|cell| self.cell(cell)).collect();
        cells.iter().filter(|cell| !cell.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" | ")
    }

    fn named(&mut self, cells: &[String]) -> String {
        if self.names.is_empty() {
            return self.plain(cells);
        }
        let mut parts = Vec::new();
        for (at, cell) in cells.iter().enumerate() {
            let text = self.cell(cell);
            match self.names.get(at) {
                _ if text.is_empty() => {}
                Some(name) if !name.is_empty() => parts.push(format!("{name}: {text}")),
                _ => parts.push(text),
            }
        }
        parts.join("; ")
    }

    fn cell(&mut self, cell: &str) -> String {
        self.cut |= cell.len() > MOST_CELL;
        short(cell, MOST_CELL)
    }

    /// What is to be said of the rows.
    pub(super) fn note(&self) -> Option<String> {
        self.cut.then(|| "cells that are very long are cut".to_owned())
    }
}

/// Whether a cell is a number, a price, a share or a date.
fn is_number(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    digits > 0 && digits > letters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<(Place, String)> {
        let (mut taker, mut outline) = (Rows::default(), Outline::new(10_000));
        for (at, cells) in (1..).zip(rows) {
            let cells: Vec<String> = cells.iter().map(|cell| (*cell).to_owned()).collect();
            taker.take(at, &cells, &mut outline);
        }
        outline.finish(&mut Vec::new()).into_iter().map(|block| (block.place, block.text)).collect()
    }

    #[test]
    fn each_row_says_the_names_of_its_columns() {
        let found =
            rows(&[&["Prices 2024"], &[], &["Name", "Price", ""], &["Nut", "0.10", "few"], &["", "7", ""]]);
        let expected = [
            (Place::Rows(1, 1), "Prices 2024"),
            (Place::Rows(3, 3), "Name | Price"),
            (Place::Rows(4, 4), "Name: Nut; Price: 0.10; few"),
            (Place::Rows(5, 5), "Price: 7"),
        ];
        assert_eq!(found, expected.map(|(place, text)| (place, text.to_owned())));
    }

    #[test]
    fn a_table_may_have_no_names() {
        let found = rows(&[&["nut", "1"], &["bolt", "2"]]);
        assert_eq!(found[1], (Place::Rows(2, 2), "bolt | 2".to_owned()));
    }
}
