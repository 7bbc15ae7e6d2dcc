//! Draws the find panel.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

use super::card::{ROWS, rows, words_of};
use super::{Card, FindPanel, State};
use crate::retrieval::{Mode, Wanted};
use crate::text;
use crate::tui::panel::{bordered, keys_in};
use crate::tui::theme::Theme;
use crate::tui::wrap::wrap;

/// Rows of a picture on its card.
const PICTURE_ROWS: u16 = 6;

/// Columns of a picture on its card.
const PICTURE_COLUMNS: u16 = 20;

/// From so many rows on there is a blank one between cards.
const AIRY: u16 = 14;

/// Columns in front of a card.
const MARGIN: u16 = 2;

/// Draws it over an area.
pub(in crate::tui) fn draw(frame: &mut Frame<'_>, area: Rect, panel: &mut FindPanel, theme: Theme) {
    let keys: &[&str] = match (&panel.typed, &panel.looked_at, panel.cards.is_empty()) {
        (Some(_), ..) => &["type what to look for", "enter search", "esc not now"],
        (None, Some(_), _) => &["esc back"],
        (None, None, true) => &["/ look for", "m mode", "p pictures only", "esc close", "? help"],
        (None, None, false) => &[
            "enter open",
            "a add",
            "x out",
            "y right",
            "esc close",
            "/ words",
            "m mode",
            "p pictures",
            "? help",
        ],
    };
    let inner = bordered(frame, area, "found", &keys_in(keys, area.width), theme);
    if let Some(path) = &panel.looked_at {
        let name = Line::styled(
            text::middle(&text::one_line(&path.to_string_lossy()), inner.width.into()),
            theme.strong(),
        );
        frame.render_widget(Paragraph::new(name), row(inner, 0, 1));
        if let Some(preview) = panel.pictures.get_mut(path) {
            preview.draw(below(inner, 1), frame.buffer_mut(), theme.dim());
        }
        return;
    }
    let head = head(panel, usize::from(inner.width), theme);
    let notes = notes(panel, usize::from(inner.width), theme);
    let (top, foot) = (head.len() as u16, notes.len() as u16);
    frame.render_widget(Paragraph::new(head), row(inner, 0, top));
    let room = inner.height.saturating_sub(top + foot);
    cards(frame, row(inner, top, room), panel, theme);
    frame.render_widget(Paragraph::new(notes), row(inner, top + room, foot));
}

/// So many rows of an area, from one on; fewer where it ends before.
fn row(area: Rect, from: u16, rows: u16) -> Rect {
    let from = from.min(area.height);
    Rect { y: area.y + from, height: rows.min(area.height - from), ..area }
}

fn below(area: Rect, from: u16) -> Rect {
    row(area, from, area.height)
}

/// What is looked for, and how far that is.
fn head(panel: &FindPanel, width: usize, theme: Theme) -> Vec<Line<'static>> {
    if let Some(typed) = &panel.typed {
        let shown = text::suffix(typed, width.saturating_sub(3));
        return vec![Line::styled(format!("/ {}▏", text::one_line(shown)), theme.plain())];
    }
    let wanted = match &panel.wanted {
        None => String::new(),
        Some(Wanted::Words(words)) => text::one_line(words),
        Some(Wanted::Picture { path, .. }) => {
            format!(
                "what goes with {}",
                text::one_line(&path.file_name().unwrap_or_default().to_string_lossy())
            )
        }
    };
    let mode = match panel.mode {
        Mode::Hybrid => "words and meaning",
        Mode::Lexical => "words alone",
        Mode::Semantic => "meaning alone",
    };
    let count = match &panel.state {
        State::Waiting { words, .. } => format!("{words}… esc stops"),
        State::Failed(_) | State::Idle if panel.wanted.is_none() => "nothing was looked for yet".to_owned(),
        State::Failed(_) | State::Idle => text::counted(panel.cards.len() as u64, "result", "results"),
    };
    let pictures = if panel.pictures_only { " · pictures only" } else { "" };
    let by = if panel.by_model { " · found by the model" } else { "" };
    let behind = format!("{count} · {mode}{pictures}{by}");
    let room = width.saturating_sub(behind.width() + 2).max(width / 3);
    let wanted = text::end(&wanted, room);
    let gap = if wanted.is_empty() { "" } else { "  " };
    let behind = text::end(&behind, width.saturating_sub(wanted.width() + gap.len()));
    vec![Line::from(vec![
        Span::styled(wanted, theme.strong()),
        Span::raw(gap),
        Span::styled(behind, theme.dim()),
    ])]
}

/// What whoever relies on the results should know.
fn notes(panel: &FindPanel, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let failed = match &panel.state {
        State::Failed(why) => Some(why),
        State::Idle | State::Waiting { .. } => None,
    };
    let line = |words: &String, style| wrap(&[Span::styled(text::one_line(words), style)], width, 0);
    let failed = failed.into_iter().flat_map(|why| line(why, theme.error()));
    failed.chain(panel.notes.iter().flat_map(|note| line(note, theme.dim()))).collect()
}

fn cards(frame: &mut Frame<'_>, area: Rect, panel: &mut FindPanel, theme: Theme) {
    let query = match &panel.wanted {
        Some(Wanted::Words(words)) => words_of(words),
        Some(Wanted::Picture { .. }) | None => Vec::new(),
    };
    let gap = u16::from(area.height >= AIRY);
    let width = usize::from(area.width.saturating_sub(MARGIN));
    let drawn: Vec<Vec<Line<'static>>> =
        panel.cards.iter().map(|card| card_lines(panel, card, &query, width, theme)).collect();
    let heights: Vec<u16> =
        drawn.iter().zip(&panel.cards).map(|(lines, card)| height(lines, card) + gap).collect();
    panel.top = first_in_sight(panel.top, panel.choice.at, &heights, area.height);
    let mut y = 0;
    for (at, lines) in drawn.into_iter().enumerate().skip(panel.top) {
        if y >= area.height {
            break;
        }
        let place = row(area, y, heights[at] - gap);
        let chosen = at == panel.choice.at;
        draw_card(frame, place, lines, chosen, theme);
        let card = &panel.cards[at];
        if let Some(preview) = panel.pictures.get_mut(&card.finding.path).filter(|_| card.is_picture_file()) {
            let picture = below(place, heights[at] - gap - PICTURE_ROWS);
            let picture = Rect {
                x: picture.x + MARGIN,
                width: PICTURE_COLUMNS.min(picture.width.saturating_sub(MARGIN)),
                ..picture
            };
            if picture.height == PICTURE_ROWS {
                preview.draw(picture, frame.buffer_mut(), theme.dim());
            }
        }
        y += heights[at];
    }
}

fn height(lines: &[Line<'_>], card: &Card) -> u16 {
    let picture = if card.is_picture_file() { PICTURE_ROWS } else { 0 };
    lines.len() as u16 + picture
}

/// The first card in sight, so that all of the chosen one is.
fn first_in_sight(top: usize, chosen: usize, heights: &[u16], room: u16) -> usize {
    let mut top = top.min(chosen);
    let used = |top: usize| {
        heights.get(top..=chosen).unwrap_or_default().iter().map(|h| usize::from(*h)).sum::<usize>()
    };
    while top < chosen && used(top) > usize::from(room) {
        top += 1;
    }
    top
}

fn draw_card(frame: &mut Frame<'_>, area: Rect, mut lines: Vec<Line<'static>>, chosen: bool, theme: Theme) {
    if let Some(first) = lines.first_mut().filter(|_| chosen) {
        *first = std::mem::take(first).patch_style(theme.selected());
    }
    let inner = Rect { x: area.x + MARGIN.min(area.width), width: area.width.saturating_sub(MARGIN), ..area };
    frame.render_widget(Paragraph::new(lines), inner);
    if chosen {
        let bar = vec![Line::styled("▌", theme.accent()); area.height.into()];
        frame.render_widget(Paragraph::new(bar), Rect { width: 1.min(area.width), ..area });
    }
}

/// `docs/setup.md:40-52   ✓ right · attached   words · 0.031`, its headings, the rows of text.
fn card_lines(
    panel: &FindPanel,
    card: &Card,
    query: &[String],
    width: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let mut marks = String::new();
    if card.right {
        marks.push_str("✓ right · ");
    }
    if panel.added.contains(&card.name()) {
        marks.push_str("attached · ");
    }
    let behind = format!("{marks}{}", text::one_line(&card.finding.why));
    let behind = text::end(&behind, width / 2);
    let cite = text::middle(&text::one_line(&card.finding.cite()), width.saturating_sub(behind.width() + 2));
    let gap = " ".repeat(width.saturating_sub(cite.width() + behind.width()));
    let mut lines = vec![Line::from(vec![
        Span::styled(cite, theme.accent()),
        Span::raw(gap),
        Span::styled(behind, theme.dim()),
    ])];
    let heading = card.heading();
    if !heading.is_empty() {
        lines.push(Line::styled(text::end(&heading, width), theme.dim()));
    }
    match card.text.as_deref() {
        None => {}
        Some("") if card.finding.picture => {}
        Some("") => lines.push(Line::styled("It is not in the index any more.", theme.dim())),
        Some(passage) => lines.extend(rows(passage, query, width, theme.found()).into_iter().take(ROWS)),
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::first_in_sight;

    #[test]
    fn the_chosen_card_is_in_sight_and_the_others_move_no_more_than_they_must() {
        let heights = [4, 9, 4, 4];
        for (top, chosen, room, expected) in
            [(0, 0, 10, 0), (0, 1, 10, 1), (0, 1, 13, 0), (1, 3, 10, 2), (3, 1, 10, 1), (0, 2, 2, 2)]
        {
            assert_eq!(first_in_sight(top, chosen, &heights, room), expected, "{top} {chosen} {room}");
        }
        assert_eq!(first_in_sight(5, 0, &[], 10), 0);
    }
}
