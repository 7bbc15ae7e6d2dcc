//! Citations in lines that are rendered already: they are underlined, those that aren't
//! there as errors. One that was broken over two lines stays as it is.

use ratatui::style::Modifier;
use ratatui::text::Line;

use super::cites::Names;
use crate::tui::restyle::restyle;
use crate::tui::theme::Theme;

/// Marks the citations in the lines of a text.
pub(in crate::tui) fn mark(lines: &mut [Line<'static>], text: &str, names: &Names, theme: Theme) {
    if names.is_empty() {
        return;
    }
    let claims = names.claims(text);
    for line in lines {
        for found in names.find_in(&line.to_string(), &claims) {
            let color = if found.missing().is_some() { theme.error() } else { theme.cite() };
            restyle(line, &found.range, color.add_modifier(Modifier::UNDERLINED));
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::text::Span;

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
        mark(&mut lines, &before, &names, theme);
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
