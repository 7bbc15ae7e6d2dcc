//! Citations in lines that are rendered already: they are underlined, those that aren't
//! there as errors. One that was broken over two lines stays as it is.

use std::ops::Range;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::cites::Names;
use crate::tui::theme::Theme;

/// Marks the citations in lines.
pub(in crate::tui) fn mark(lines: &mut [Line<'static>], names: &Names, theme: Theme) {
    if names.is_empty() {
        return;
    }
    for line in lines {
        for found in names.find(&line.to_string()) {
            let color = if found.missing().is_some() { theme.error() } else { theme.cite() };
            restyle(line, &found.range, color.add_modifier(Modifier::UNDERLINED));
        }
    }
}

/// Patches the style of a part of a line, in bytes of its text.
fn restyle(line: &mut Line<'static>, part: &Range<usize>, style: Style) {
    let mut begins = 0;
    let mut spans = Vec::with_capacity(line.spans.len() + 2);
    for span in line.spans.drain(..) {
        let (text, own) = (span.content.as_ref(), span.style);
        let within = |at: usize| at.clamp(begins, begins + text.len()) - begins;
        let (from, to) = (within(part.start), within(part.end));
        begins += text.len();
        let pieces = [(&text[..from], own), (&text[from..to], own.patch(style)), (&text[to..], own)];
        let pieces = pieces.into_iter().filter(|(text, _)| !text.is_empty());
        spans.extend(pieces.map(|(text, style)| Span::styled(text.to_owned(), style)));
    }
    line.spans = spans;
}

#[cfg(test)]
mod tests {
    use super::super::tests::{record, table_attachment};
    use super::*;
    use crate::attachment::AttachmentId;
    use crate::tui::theme::Palette;

    #[test]
    fn citations_are_underlined_across_spans_and_nothing_else_changes() {
        let theme = Theme::new(Palette::Dark, None);
        let mut names = Names::default();
        names.log(&AttachmentId::of(b"log"), Some("app.log"), &record().digest);
        names.table(&table_attachment());
        let spans = ["  See ", "app.log", ":12", "-15, orders.csv row 2, app.log:900", "0 – 02:14"];
        let mut lines = [Line::from(spans.map(Span::raw).to_vec())];
        let before = lines[0].to_string();
        mark(&mut lines, &names, theme);
        assert_eq!(lines[0].to_string(), before);
        let is_marked = |span: &&Span<'_>| span.style.add_modifier.contains(Modifier::UNDERLINED);
        let marked: Vec<(&str, bool)> = lines[0]
            .spans
            .iter()
            .filter(is_marked)
            .map(|span| (span.content.as_ref(), span.style.fg == theme.error().fg))
            .collect();
        let expected = [
            ("app.log", false),
            (":12", false),
            ("-15", false),
            ("orders.csv row 2", false),
            ("app.log:900", true),
            ("0", true),
        ];
        assert_eq!(marked, expected);
    }
}
