//! Jupyter notebooks (nbformat 3 and 4): cells by their number from 1, with what they put out
//! as far as it is text. Headings of Markdown cells carry on over the cells below.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;

use super::outline::Outline;
use super::{BlockKind, Place, Unreadable, markdown};
use crate::text::boundary_before;

/// Bytes of an output that are read: the rest of a long one is more of the same.
const MOST_OUTPUT: usize = 2000;

#[derive(Deserialize)]
struct Notebook {
    #[serde(default)]
    cells: Vec<Cell>,
    /// Format 3 has sheets of cells.
    #[serde(default)]
    worksheets: Vec<Sheet>,
}

#[derive(Deserialize)]
struct Sheet {
    #[serde(default)]
    cells: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    cell_type: String,
    #[serde(default, alias = "input")]
    source: Text,
    #[serde(default)]
    outputs: Vec<Output>,
}

/// What a cell put out; pictures and the like are not read.
#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    text: Text,
    #[serde(default)]
    data: Data,
    #[serde(default)]
    ename: String,
    #[serde(default)]
    evalue: String,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default, rename = "text/plain")]
    plain: Text,
}

/// A text as one, or by lines.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Whole(String),
    Lines(Vec<String>),
    /// Of a kind that doesn't matter here.
    Other(serde::de::IgnoredAny),
}

impl Default for Text {
    fn default() -> Self {
        Self::Whole(String::new())
    }
}

impl Text {
    fn joined(&self) -> String {
        match self {
            Self::Whole(text) => text.clone(),
            Self::Lines(lines) => lines.concat(),
            Self::Other(_) => String::new(),
        }
    }
}

/// Puts the cells into the outline; the title, where there is one.
pub(super) fn read(
    bytes: &[u8],
    outline: &mut Outline,
    stop: &AtomicBool,
) -> Result<Option<String>, Unreadable> {
    let notebook: Notebook =
        serde_json::from_slice(bytes).map_err(|error| Unreadable::Damaged(error.to_string()))?;
    let sheets = notebook.worksheets.into_iter().flat_map(|sheet| sheet.cells);
    let mut title = None;
    for (number, cell) in (1..).zip(notebook.cells.into_iter().chain(sheets)) {
        if outline.is_full() || stop.load(Ordering::Relaxed) {
            break;
        }
        let (place, source) = (Place::Cell(number), cell.source.joined());
        match cell.cell_type.as_str() {
            "markdown" | "heading" => {
                let found = markdown::read_at(&source, place, outline);
                title = title.or(found);
            }
            kind => {
                let block = if kind == "code" { BlockKind::Code } else { BlockKind::Prose };
                outline.block(source.trim_end().to_owned(), place, block);
                cell.outputs.iter().for_each(|output| outline.block(output.text(), place, BlockKind::Prose));
            }
        }
    }
    Ok(title)
}

impl Output {
    fn text(&self) -> String {
        let mut text = self.text.joined() + &self.data.plain.joined();
        if !self.ename.is_empty() {
            text = format!("{}: {}", self.ename, self.evalue);
        }
        if text.len() > MOST_OUTPUT {
            text.truncate(boundary_before(&text, MOST_OUTPUT));
            text.push_str(crate::text::ELLIPSIS);
        }
        text.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_the_headings_of_cells_above() {
        let notebook = r##"{"nbformat": 4, "cells": [
            {"cell_type": "markdown", "source": ["# Study\n", "of it"]},
            {"cell_type": "code", "source": "1 + 1", "outputs": [
                {"output_type": "execute_result", "data": {"text/plain": ["2"], "image/png": "iVBOR"}},
                {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["x"]}]},
            {"cell_type": "raw", "source": "raw"}]}"##;
        let mut outline = Outline::new(1000);
        let title = read(notebook.as_bytes(), &mut outline, &AtomicBool::new(false)).unwrap();
        assert_eq!(title.as_deref(), Some("Study"));
        let blocks = outline.finish(&mut Vec::new());
        let found: Vec<_> = blocks.iter().map(|block| (block.text.as_str(), block.place)).collect();
        let expected = [
            ("# Study\nof it", Place::Cell(1)),
            ("1 + 1", Place::Cell(2)),
            ("2", Place::Cell(2)),
            ("ValueError: no", Place::Cell(2)),
            ("raw", Place::Cell(3)),
        ];
        assert_eq!(found, expected);
        assert!(blocks.iter().all(|block| block.heading == ["Study"]));
    }

    #[test]
    fn what_is_no_notebook_is_said() {
        assert!(read(b"[[[[", &mut Outline::new(10), &AtomicBool::new(false)).is_err());
        let deep = "[".repeat(1_000_000);
        assert!(read(deep.as_bytes(), &mut Outline::new(10), &AtomicBool::new(false)).is_err());
    }
}
