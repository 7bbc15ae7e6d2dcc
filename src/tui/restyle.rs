//! A part of a line that is rendered already in another style.

use std::ops::Range;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

/// Patches the style of a part of a line, in bytes of its text.
pub(super) fn restyle(line: &mut Line<'static>, part: &Range<usize>, style: Style) {
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
