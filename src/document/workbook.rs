//! Sheets of Excel (xlsx). Cells are read one by one: a sheet that has only its first and its
//! last cell must not become a table of billions, as it does for whoever asks calamine for all
//! of it. It offers nothing else for sheets from before 2007 (xls), so those are not read.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::atomic::{AtomicBool, Ordering};

use calamine::{Data, DataRef, Reader, SheetVisible, Xlsx};

use super::Unreadable;
use super::outline::Outline;
use super::package;
use super::rows::{MOST_CELL, MOST_COLUMNS, Rows};
use crate::text::boundary_before;

/// Puts the sheets' rows into the outline, each sheet's under its name.
pub(super) fn read(
    bytes: &[u8],
    outline: &mut Outline,
    notes: &mut Vec<String>,
    stop: &AtomicBool,
) -> Result<(), Unreadable> {
    // calamine unpacks some parts whole.
    package::measure(bytes, stop)?;
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(damaged)?;
    for sheet in visible(&book) {
        outline.unwritten(1, &sheet);
        let mut rows = Rows::default();
        let mut row = (0, BTreeMap::new());
        // A sheet of charts has no cells.
        let Ok(mut cells) = book.worksheet_cells_reader(&sheet) else { continue };
        while let Some(cell) = cells.next_cell().map_err(damaged)? {
            if outline.is_full() || stop.load(Ordering::Relaxed) {
                break;
            }
            let (number, column) = cell.get_position();
            if number != row.0 {
                rows.take(row.0.saturating_add(1), &dense(&row.1), outline);
                row = (number, BTreeMap::new());
            }
            if (column as usize) < MOST_COLUMNS {
                row.1.insert(column, written(cell.get_value()));
            }
        }
        rows.take(row.0.saturating_add(1), &dense(&row.1), outline);
        notes.extend(rows.note());
    }
    Ok(())
}

/// The sheets that a person sees.
fn visible<'b, B: Reader<Cursor<&'b [u8]>>>(book: &B) -> Vec<String> {
    let sheets = book.sheets_metadata().iter();
    sheets.filter(|sheet| sheet.visible == SheetVisible::Visible).map(|sheet| sheet.name.clone()).collect()
}

fn damaged(error: impl std::fmt::Display) -> Unreadable {
    Unreadable::Damaged(error.to_string())
}

fn dense(cells: &BTreeMap<u32, String>) -> Vec<String> {
    let last = cells.last_key_value().map_or(0, |(last, _)| last + 1);
    (0..last).map(|column| cells.get(&column).cloned().unwrap_or_default()).collect()
}

/// A cell as it is shown, as far as its format doesn't matter; days as `2024-03-01`. A text that
/// is too long (many cells may have the same one) is cut, but not so far that it isn't noticed.
fn written(cell: &DataRef<'_>) -> String {
    let cut = |text: &str| text[..boundary_before(text, 2 * MOST_CELL)].to_owned();
    match cell {
        DataRef::String(text) => cut(text),
        DataRef::SharedString(text) => cut(text),
        DataRef::DateTime(time) if time.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            match (hour, minute, second) {
                (0, 0, 0) => format!("{year}-{month:02}-{day:02}"),
                _ => format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
            }
        }
        cell => Data::from(cell.clone()).to_string(),
    }
}
