//! An answer while it is streamed. Its blocks that can't change any more are rendered
//! once; only the last one is rendered anew with each word.

use std::sync::Arc;

use ratatui::text::Line;

use super::highlight::Highlighter;
use super::markdown::{drop_blanks, render_after, settled};
use super::theme::Theme;
use crate::message::Span;

/// What is rendered of an answer that grows.
#[derive(Default)]
pub(super) struct Growing {
    /// The bytes of the text that are rendered for good.
    bytes: usize,
    lines: Arc<Vec<Line<'static>>>,
    /// What the next block is put behind: the last line, and the blank ones after it,
    /// which are shown only if something follows.
    edge: Vec<Line<'static>>,
    highlighter: Highlighter,
}

impl Growing {
    /// Renders a text that begins with the one before: the lines that stay, and the rest.
    pub(super) fn render(
        &mut self,
        source: &str,
        unsure: &[Span],
        width: usize,
        theme: Theme,
    ) -> (Arc<Vec<Line<'static>>>, Vec<Line<'static>>) {
        // A link's definition changes what stands before it: such a text is rendered whole.
        let settles = !source.contains("]:");
        if source.get(self.bytes..).is_none() || (!settles && self.bytes > 0) {
            *self = Self::default();
        }
        let next = if settles { self.bytes + settled(&source[self.bytes..]) } else { self.bytes };
        if next > self.bytes {
            let mut lines = self.after_edge(&source[self.bytes..next], unsure, width, theme);
            let blanks = drop_blanks(&mut lines);
            let all = Arc::make_mut(&mut self.lines);
            all.extend(lines);
            self.edge = all.last().cloned().into_iter().chain(blanks).collect();
            self.bytes = next;
        }
        let mut rest = self.after_edge(&source[self.bytes..], unsure, width, theme);
        drop_blanks(&mut rest);
        (Arc::clone(&self.lines), rest)
    }

    /// Renders what comes next; without the line of the edge that is there already.
    fn after_edge(
        &mut self,
        source: &str,
        unsure: &[Span],
        width: usize,
        theme: Theme,
    ) -> Vec<Line<'static>> {
        let from = self.bytes;
        let unsure: Vec<Span> = unsure
            .iter()
            .filter(|span| span.end > from)
            .map(|span| Span { start: span.start.saturating_sub(from), end: span.end - from })
            .collect();
        let mut lines = render_after(self.edge.clone(), source, &unsure, width, theme, &mut self.highlighter);
        lines.drain(..self.edge.len().min(1));
        lines
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::markdown::{self, tests::markdown};
    use super::super::theme::Palette;
    use super::*;

    fn theme() -> Theme {
        Theme::new(Palette::Dark, None)
    }

    fn grown(growing: &mut Growing, source: &str, unsure: &[Span], width: usize) -> Vec<Line<'static>> {
        let (settled, rest) = growing.render(source, unsure, width, theme());
        settled.iter().cloned().chain(rest).collect()
    }

    #[test]
    fn whole_blocks_are_rendered_once() {
        let mut growing = Growing::default();
        grown(&mut growing, "# One\n\ntwo\n\n```rs\nlet x", &[], 40);
        assert_eq!(growing.bytes, "# One\n\ntwo\n\n".len());
        // `#` may become a word yet.
        let mut growing = Growing::default();
        grown(&mut growing, "two\n#", &[], 40);
        assert_eq!(growing.bytes, 0);
        // And `|-|` a second column, with which it is no table.
        let mut growing = Growing::default();
        grown(&mut growing, "two\n|b\n|-|", &[], 40);
        assert_eq!(growing.bytes, 0);
        // Nor is a block settled that may yet be a part of the one before.
        let mut growing = Growing::default();
        let text = "- ||-|-|\n|-|-|\n    --|-|-|\n";
        for end in 0..=text.len() {
            let whole = markdown::render(&text[..end], &[], 8, theme());
            assert_eq!(grown(&mut growing, &text[..end], &[], 8), whole, "{:?}", &text[..end]);
        }
    }

    proptest! {
        #[test]
        fn it_is_the_same_as_rendering_the_whole(source in markdown(), width in 8_usize..40) {
            let unsure = [Span { start: 2, end: 7 }, Span { start: 20, end: 24 }];
            let mut growing = Growing::default();
            for (end, _) in source.char_indices().chain([(source.len(), ' ')]) {
                let text = &source[..end];
                // What is marked is a word: it goes over no end of a line.
                let word = |span: &Span| text.get(span.start..span.end).is_none_or(|word| !word.contains('\n'));
                let marked: Vec<Span> =
                    unsure.iter().copied().filter(|span| span.end <= end && word(span)).collect();
                let whole = markdown::render(text, &marked, width, theme());
                prop_assert_eq!(grown(&mut growing, text, &marked, width), whole, "{:?}", text);
            }
        }
    }
}
