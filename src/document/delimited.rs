//! CSV and the like: rows by their number, the first being 1.

use std::sync::atomic::{AtomicBool, Ordering};

use super::outline::Outline;
use super::rows::{MOST_COLUMNS, Rows};

/// What may separate cells.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// Lines from the start that are looked at for what separates cells.
const SAMPLE_LINES: usize = 20;

/// Puts the rows into the outline.
pub(super) fn read(text: &str, outline: &mut Outline, notes: &mut Vec<String>, stop: &AtomicBool) {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let (mut rows, mut number) = (Rows::default(), 0u32);
    // From memory and in UTF-8: nothing fails.
    while let Ok(true) = reader.read_record(&mut record) {
        number = number.saturating_add(1);
        if outline.is_full() || stop.load(Ordering::Relaxed) {
            break;
        }
        let cells: Vec<String> = record.iter().take(MOST_COLUMNS).map(str::to_owned).collect();
        rows.take(number, &cells, outline);
    }
    notes.extend(rows.note());
}

/// What separates the cells: what is there in most of the first lines, equally often.
fn delimiter(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE_LINES).collect();
    let count = |line: &str, wanted: u8| line.bytes().filter(|byte| *byte == wanted).count();
    let score = |wanted: u8| {
        let first = lines.first().map_or(0, |line| count(line, wanted));
        let even = lines.iter().filter(|line| first > 0 && count(line, wanted) == first).count();
        (even, first)
    };
    // Of equals the last is taken: the comma is the one that is expected.
    DELIMITERS.into_iter().rev().max_by_key(|wanted| score(*wanted)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Place;

    fn rows(text: &str) -> Vec<(Place, String)> {
        let mut outline = Outline::new(10_000);
        read(text, &mut outline, &mut Vec::new(), &AtomicBool::new(false));
        outline.finish(&mut Vec::new()).into_iter().map(|block| (block.place, block.text)).collect()
    }

    #[test]
    fn rows_are_read_with_any_delimiter() {
        for text in
            ["name,price\nnut,1\n", "name;price\nnut;1\n", "name\tprice\nnut\t1\n", "name|price\nnut|1\n"]
        {
            assert_eq!(rows(text)[1], (Place::Rows(2, 2), "name: nut; price: 1".to_owned()), "{text}");
        }
    }

    #[test]
    fn a_quoted_cell_may_have_several_lines() {
        let found = rows("a,b\n\"x\ny\",z\nu,v\n");
        assert_eq!(found[1], (Place::Rows(2, 2), "a: x y; b: z".to_owned()));
        assert_eq!(found[2].0, Place::Rows(3, 3));
    }
}
