//! A table of Markdown as lines.

use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::theme::Theme;
use super::wrap::wrap;
use crate::text;

/// The least columns of a cell; with less for each, the rows are wrapped instead.
const LEAST_CELL: usize = 3;

/// What stands between the cells of a row.
const BETWEEN_CELLS: &str = " │ ";

/// The lines of a table, the first row being its head; none wider than `width`.
pub(super) fn lines(rows: &[Vec<String>], width: usize, theme: Theme) -> Vec<Line<'static>> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    if columns == 0 {
        return Vec::new();
    }
    let Some(widths) = column_widths(rows, columns, width) else {
        let wrapped = rows.iter().map(|row| wrap(&[Span::raw(row.join(BETWEEN_CELLS))], width, 2));
        return wrapped.flatten().collect();
    };
    let mut lines = Vec::with_capacity(rows.len() + 1);
    for (number, row) in rows.iter().enumerate() {
        let style = if number == 0 { theme.strong() } else { theme.plain() };
        let mut spans = Vec::new();
        for (column, width) in widths.iter().enumerate() {
            if column > 0 {
                spans.push(Span::styled(BETWEEN_CELLS, theme.dim()));
            }
            let cell = text::end(row.get(column).map_or("", String::as_str), *width);
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            spans.push(Span::styled(format!("{cell}{padding}"), style));
        }
        lines.push(Line::from(spans));
        if number == 0 {
            let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            lines.push(Line::styled(rule.join("─┼─"), theme.dim()));
        }
    }
    lines
}

/// How wide each column is; `None` where they don't fit beside each other.
fn column_widths(rows: &[Vec<String>], columns: usize, width: usize) -> Option<Vec<usize>> {
    let widest = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..columns).map(widest).collect();
    let room = width.saturating_sub(BETWEEN_CELLS.width() * (columns - 1));
    while widths.iter().sum::<usize>() > room {
        let widest = widths.iter_mut().max().filter(|widest| **widest > LEAST_CELL)?;
        *widest -= 1;
    }
    Some(widths)
}
