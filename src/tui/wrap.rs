//! Wraps styled text to a width in columns, between words where it can.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns from one tab stop to the next.
const TAB_STOP: usize = 4;

/// Spans of one line with spaces up to the next stop in place of each tab: a tab is a
/// control character, which the screen drops. A line break within a span (raw HTML can
/// have one) becomes a space for the same reason.
pub(super) fn untabbed(spans: &[Span<'_>]) -> Vec<Span<'static>> {
    let mut column = 0;
    let expand = |span: &Span<'_>| {
        let mut shown = String::with_capacity(span.content.len());
        for grapheme in span.content.graphemes(true) {
            let columns = match grapheme {
                "\t" => TAB_STOP - column % TAB_STOP,
                "\n" | "\r\n" | "\r" => 1,
                visible => {
                    shown.push_str(visible);
                    column += visible.width();
                    continue;
                }
            };
            shown.extend(std::iter::repeat_n(' ', columns));
            column += columns;
        }
        Span::styled(shown, span.style)
    };
    spans.iter().map(expand).collect()
}

/// Wraps spans; each line after the first begins with `hanging` spaces. Never returns
/// no line at all, and no line is wider than `width` (of at least one column).
pub(super) fn wrap(spans: &[Span<'_>], width: usize, hanging: usize) -> Vec<Line<'static>> {
    // The widest character takes two columns.
    let hanging = if hanging + 2 <= width { hanging } else { 0 };
    let mut wrapper =
        Wrapper { width: width.max(1), hanging, lines: Vec::new(), line: Vec::new(), used: 0, fresh: true };
    for span in &untabbed(spans) {
        for word in words(&span.content) {
            wrapper.word(word, span.style);
        }
    }
    wrapper.end_line();
    wrapper.lines
}

/// Words and the spaces between them. A no-break space is a part of its word.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let space = rest.starts_with(' ');
        let end = rest.find(|c| (c == ' ') != space).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end)?;
        rest = after;
        (!word.is_empty()).then_some(word)
    })
}

struct Wrapper {
    width: usize,
    hanging: usize,
    lines: Vec<Line<'static>>,
    line: Vec<Span<'static>>,
    used: usize,
    /// Nothing but the indentation is on the line yet.
    fresh: bool,
}

impl Wrapper {
    fn word(&mut self, word: &str, style: Style) {
        let columns = word.width();
        if self.used + columns <= self.width {
            return self.push(word, style, columns);
        }
        // White space at the break is left out.
        if word.trim().is_empty() {
            return;
        }
        if !self.fresh {
            self.break_line();
        }
        if self.used + columns <= self.width {
            return self.push(word, style, columns);
        }
        for grapheme in word.graphemes(true) {
            let columns = grapheme.width();
            if self.used + columns > self.width && !self.fresh {
                self.break_line();
            }
            self.push(grapheme, style, columns);
        }
    }

    fn push(&mut self, text: &str, style: Style, columns: usize) {
        match self.line.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(text),
            _ => self.line.push(Span::styled(text.to_owned(), style)),
        }
        self.used += columns;
        self.fresh = false;
    }

    fn break_line(&mut self) {
        self.end_line();
        if self.hanging > 0 {
            self.line.push(Span::raw(" ".repeat(self.hanging)));
        }
        self.used = self.hanging;
        self.fresh = true;
    }

    fn end_line(&mut self) {
        self.lines.push(Line::from(std::mem::take(&mut self.line)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &str, width: usize, hanging: usize) -> Vec<String> {
        wrap(&[Span::raw(text.to_owned())], width, hanging).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn breaks_between_words_and_inside_long_ones() {
        assert_eq!(lines("one two three", 8, 0), ["one two ", "three"]);
        assert_eq!(lines("- one two", 6, 2), ["- one ", "  two"]);
        assert_eq!(lines("abcdefgh", 3, 0), ["abc", "def", "gh"]);
        assert_eq!(lines("", 3, 0), [""]);
    }

    #[test]
    fn a_tab_goes_to_the_next_stop_also_across_spans() {
        assert_eq!(lines("\tgo\tx", 20, 0), ["    go  x"]);
        let spans = [Span::raw("ab"), Span::raw("\tc\nd")];
        assert_eq!(untabbed(&spans).iter().map(|span| &*span.content).collect::<String>(), "ab  c d");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_word_is_lost(text in "[a-z漢é \\t]{0,60}", width in 2_usize..20, hanging in 0_usize..4) {
            let lines = lines(&text, width, hanging);
            prop_assert!(lines.iter().all(|line| line.width() <= width), "{lines:?}");
            let kept: String = lines.concat().split_whitespace().collect();
            let given: String = text.split_whitespace().collect();
            prop_assert_eq!(kept, given);
        }
    }
}
