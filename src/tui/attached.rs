//! The panel of what is attached: what each thing costs, and what all of it comes to.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

use super::app::App;
use super::ledger::Costs;
use super::panel::{Item, items, list};
use super::theme::Theme;
use super::transcript::about;
use crate::agent::Agent;
use crate::text;
use crate::wire::LedgerEntry;

/// Widths of the columns behind the names: tokens, size, encoding, cache.
const COLUMNS: [usize; 4] = [9, 10, 9, 7];

/// Columns that names have at least; the last ones give way before.
const LEAST_NAME: usize = 24;

/// Stands for what isn't known.
const UNKNOWN: &str = "–";

/// Draws it, with the beginning of what is chosen below.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, selected: usize, app: &mut App, agent: &Agent) {
    let items = items(agent);
    let theme = app.theme;
    let rows = u16::try_from(items.len()).unwrap_or(u16::MAX).clamp(1, area.height / 3 + 1);
    let [head, middle, sum, below] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(rows),
        Constraint::Length(1),
        Constraint::Min(0),
    ])
    .areas(area);
    let (costs, width) = (Costs::of(agent), usize::from(area.width));
    let titles = ["tokens", "bytes", "encoded", "cached"].map(str::to_owned);
    frame.render_widget(Paragraph::new(Line::styled(columns("", titles, width), theme.dim())), head);
    let lines = items.iter().map(|item| row(item, &costs, agent, width, theme)).collect();
    list(frame, middle, selected, lines, theme);
    let all = text::end(&sums(&items, &costs, agent), width);
    frame.render_widget(Paragraph::new(Line::styled(all, theme.dim())), sum);
    if let Some(preview) = &mut app.preview {
        preview.draw(below, frame.buffer_mut(), theme.dim());
    }
}

fn row(item: &Item, costs: &Costs, agent: &Agent, width: usize, theme: Theme) -> Line<'static> {
    let (note, style) = match () {
        () if item.is_removed() => (" · taken out", theme.dim()),
        () if !item.is_sent() => (" · not sent yet", theme.plain()),
        () if item.is_pinned() => (" · pinned", theme.plain()),
        () if item.has_left(agent) => (" · summed up", theme.dim()),
        () => ("", theme.plain()),
    };
    let what = item.attachment.as_ref().map_or_else(|| item.name.clone(), about);
    let entry = item.part.and_then(|(message, part)| costs.get(message, part));
    let bytes = item.attachment.as_ref().map(|attachment| text::size(attachment.bytes));
    let cells = [
        tokens(entry, costs.estimated()),
        bytes.unwrap_or_else(|| UNKNOWN.to_owned()),
        entry
            .and_then(|entry| entry.encode_ms)
            .map_or_else(|| UNKNOWN.to_owned(), |ms| format!("{:.2} s", ms / 1000.0)),
        entry.map_or(UNKNOWN, |entry| if entry.cached { "yes" } else { "no" }).to_owned(),
    ];
    let what = text::printable(&format!("{what}{note}")).replace('\n', " ");
    Line::from(Span::styled(columns(&what, cells, width), style))
}

/// A name and as many columns as there is room for, those aligned to the right.
fn columns(name: &str, cells: [String; 4], width: usize) -> String {
    let mut room = width.saturating_sub(LEAST_NAME);
    let shown = COLUMNS.iter().take_while(|column| {
        let fits = **column <= room;
        room = room.saturating_sub(**column);
        fits
    });
    let shown: Vec<usize> = shown.copied().collect();
    let left = width - shown.iter().sum::<usize>().min(width);
    let name = text::end(name, left);
    let mut line = format!("{name}{}", " ".repeat(left.saturating_sub(name.width())));
    for (cell, column) in cells.iter().zip(shown) {
        line.push_str(&format!("{}{cell}", " ".repeat(column.saturating_sub(cell.width()))));
    }
    line
}

fn tokens(entry: Option<&LedgerEntry>, estimated: bool) -> String {
    let about = if estimated { "~" } else { "" };
    entry.map_or_else(|| UNKNOWN.to_owned(), |entry| format!("{about}{}", text::thousands(entry.tokens)))
}

/// What all that is attached comes to, and the whole prompt, against the context.
fn sums(items: &[Item], costs: &Costs, agent: &Agent) -> String {
    let ledger = &agent.ledger;
    if ledger.context == 0 {
        return format!("attached {UNKNOWN} · the prompt {UNKNOWN} tokens: nothing was counted yet");
    }
    let known: Vec<u64> = items
        .iter()
        .filter_map(|item| item.part.and_then(|(message, part)| costs.get(message, part)))
        .map(|entry| entry.tokens)
        .collect();
    let about = if ledger.estimated { "~" } else { "" };
    let attached = match known.is_empty() {
        true => UNKNOWN.to_owned(),
        false => format!("{about}{}", text::thousands(known.iter().sum())),
    };
    format!(
        "attached {attached} · the whole prompt {about}{} of {} tokens, {} %",
        text::thousands(ledger.total_tokens),
        text::thousands(ledger.context),
        ledger.total_tokens * 100 / ledger.context
    )
}
