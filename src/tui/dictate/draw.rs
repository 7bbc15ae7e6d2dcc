//! The line above the composer with what dictation does, and the words that are not for good.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui_textarea::TextArea;
use unicode_width::UnicodeWidthStr;

use super::text;
use crate::dictation::{Look, State};
use crate::text::{ELLIPSIS, bars, clock};
use crate::tui::app::App;
use crate::tui::theme::Theme;

/// Columns of the level meter.
const METER: usize = 8;

/// The composer with what is being said, and where that stands; `None`: nothing is.
pub(in crate::tui) fn shown(app: &App) -> Option<(TextArea<'static>, Range<usize>)> {
    let partial = &app.dictate.look.partial;
    if partial.is_empty() {
        return None;
    }
    let place = app.dictate.text.place(&app.composer)?;
    // Also where neither dim nor italic can be seen, it can be told from what is for good.
    let words = format!("{}{ELLIPSIS}", partial.trim_end_matches(['.', '…']));
    Some(text::with_partial(&app.composer, place, &words))
}

/// Draws what stands there in the composer as what is not for good.
pub(in crate::tui) fn mark(
    buffer: &mut Buffer,
    area: Rect,
    composer: &TextArea<'_>,
    stands: &Range<usize>,
    style: Style,
) {
    let (top, left) = composer.scroll_offset();
    for (row, column) in (0..area.height).flat_map(|row| (0..area.width).map(move |column| (row, column))) {
        let place = composer.screen_to_data(usize::from(top + row), usize::from(left + column));
        if stands.contains(&text::place_of(composer, place.0, place.1))
            && let Some(cell) = buffer.cell_mut((area.x + column, area.y + row))
        {
            cell.set_style(style);
        }
    }
}

/// The line above the composer: what dictation does, and at its end `more`.
pub(in crate::tui) fn rule(look: &Look, width: usize, more: &str, theme: Theme) -> Line<'static> {
    let mut spans = Vec::new();
    // One column of the line in front, a space on both sides, two columns behind.
    let beside = |more: &str| words(look, width.saturating_sub(more.width() + 5), theme);
    // That the microphone is open is never hidden.
    let (words, more) = match (beside(more), beside("")) {
        (None, Some(words)) => (Some(words), ""),
        (words, _) => (words, more),
    };
    if let Some((words, style)) = words {
        let said = Span::styled(format!(" {words} "), style);
        spans.extend([Span::styled("─", theme.dim()), said]);
    }
    let taken: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::styled(format!("{more:─>fill$}", fill = width.saturating_sub(taken)), theme.dim()));
    Line::from(spans)
}

/// What it does, in as many words as there is room for.
fn words(look: &Look, room: usize, theme: Theme) -> Option<(String, Style)> {
    let (time, meter) = (clock(look.seconds * 1000), bars(&look.levels, METER));
    let loading = look.loading.map_or(String::new(), |done| format!(" · loading the model {}%", done / 10));
    let (choices, style) = match look.state {
        State::Off => return None,
        State::Arming => {
            (vec!["◌ starting the microphone…".to_owned(), "◌ starting…".to_owned()], theme.dim())
        }
        State::Recording => {
            let rec = format!("● rec {time}");
            let metered = format!("{rec} {meter}").trim_end().to_owned();
            (vec![format!("{metered}{loading}"), metered, rec, "● rec".to_owned()], theme.error())
        }
        State::Settling => (vec![format!("… settling{loading}"), "… settling".to_owned()], theme.plain()),
        State::Armed => (vec!["mic open".to_owned(), "mic".to_owned()], theme.dim()),
    };
    choices.into_iter().find(|words| words.width() <= room).map(|words| (words, style))
}
