//! Markdown to lines: headings, lists, tables, quotes, highlighted code.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::highlight::Highlighter;
use super::table;
use super::theme::Theme;
use super::wrap::{untabbed, wrap};
use crate::message;
use crate::text;

/// Below this many columns text is not made narrower: the indentation is.
const LEAST_ROOM: usize = 4;

/// Renders a text to lines of at most `width` columns (of at least twice [`LEAST_ROOM`]).
/// `unsure` are byte offsets in it.
pub(super) fn render(
    source: &str,
    unsure: &[message::Span],
    width: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let mut lines = render_after(Vec::new(), source, unsure, width, theme, &mut Highlighter::default());
    drop_blanks(&mut lines);
    lines
}

/// The same behind lines that are there already, which come back in front; blank lines
/// at the end are kept.
pub(super) fn render_after(
    before: Vec<Line<'static>>,
    source: &str,
    unsure: &[message::Span],
    width: usize,
    theme: Theme,
    highlighter: &mut Highlighter,
) -> Vec<Line<'static>> {
    let mut renderer = Renderer::new(before, source, unsure, width.max(2 * LEAST_ROOM), theme, highlighter);
    for (event, range) in parser(source).into_offset_iter() {
        renderer.event(event, range);
    }
    renderer.end_block();
    renderer.lines
}

/// Takes the blank lines off the end, and returns them.
pub(super) fn drop_blanks(lines: &mut Vec<Line<'static>>) -> Vec<Line<'static>> {
    let end = lines.iter().rposition(|line| line.width() > 0).map_or(0, |last| last + 1);
    lines.split_off(end)
}

/// Where the last block of a text begins that stands behind a blank line and whose first line is
/// whole: however the text goes on, what stands before that stays as it is. (Without the blank
/// line it could turn out to be the end of what stands before. Link definitions are the exception:
/// they change what comes before them.)
pub(super) fn settled(source: &str) -> usize {
    let (mut depth, mut settled) = (0_usize, 0);
    for (event, range) in parser(source).into_offset_iter() {
        if depth == 0 {
            let line = source[..range.start].rfind('\n').map_or(0, |at| at + 1);
            let blank = source[..line].lines().next_back().is_some_and(|before| before.trim().is_empty());
            if blank && source[line..].contains('\n') {
                settled = line;
            }
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    settled
}

fn parser(source: &str) -> Parser<'_> {
    Parser::new_ext(source, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH)
}

/// The code blocks of a text, in order.
pub(super) fn code_blocks(source: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for event in parser(source) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => open = Some(String::new()),
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

struct Renderer<'a> {
    source: &'a str,
    unsure: &'a [message::Span],
    width: usize,
    theme: Theme,
    highlighter: &'a mut Highlighter,
    lines: Vec<Line<'static>>,
    /// The paragraph, heading or item that is being read.
    spans: Vec<Span<'static>>,
    styles: Vec<Style>,
    lists: Vec<Option<u64>>,
    quotes: usize,
    /// The marker of the item that begins here.
    marker: Option<String>,
    code: Option<(String, String)>,
    table: Option<Table>,
    link: Option<String>,
}

#[derive(Default)]
struct Table {
    rows: Vec<Vec<String>>,
    cell: String,
}

impl<'a> Renderer<'a> {
    fn new(
        before: Vec<Line<'static>>,
        source: &'a str,
        unsure: &'a [message::Span],
        width: usize,
        theme: Theme,
        highlighter: &'a mut Highlighter,
    ) -> Self {
        Self {
            source,
            unsure,
            width,
            theme,
            highlighter,
            lines: before,
            spans: Vec::new(),
            styles: vec![theme.plain()],
            lists: Vec::new(),
            quotes: 0,
            marker: None,
            code: None,
            table: None,
            link: None,
        }
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or_default()
    }

    fn push_style(&mut self, with: impl Fn(Style) -> Style) {
        let style = with(self.style());
        self.styles.push(style);
    }

    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text, range),
            Event::Code(code) => self.inline_code(&code),
            Event::SoftBreak if self.table.is_none() => self.spans.push(Span::raw(" ")),
            Event::HardBreak => self.end_block(),
            Event::Rule => {
                self.end_block();
                self.lines.push(Line::styled("─".repeat(self.width), self.theme.dim()));
                self.blank();
            }
            Event::InlineHtml(html) => self.text(&html, range),
            // It comes line by line.
            Event::Html(html) => {
                self.text(html.trim_end(), range);
                self.end_block();
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.end_block();
                let theme = self.theme;
                let style = if level <= HeadingLevel::H2 { theme.accent() } else { theme.strong() };
                self.styles.push(style);
            }
            Tag::BlockQuote(_) => {
                self.end_block();
                self.quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.end_block();
                let language = match kind {
                    CodeBlockKind::Fenced(language) => {
                        language.split_whitespace().next().unwrap_or("").to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(first) => {
                self.end_block();
                self.lists.push(first);
            }
            Tag::Item => {
                self.end_block();
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "• ".to_owned(),
                });
            }
            Tag::Table(_) => {
                self.end_block();
                self.table = Some(Table::default());
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::Emphasis => self.push_style(|style| style.add_modifier(Modifier::ITALIC)),
            Tag::Strong => self.push_style(|style| style.add_modifier(Modifier::BOLD)),
            Tag::Strikethrough => self.push_style(|style| style.add_modifier(Modifier::CROSSED_OUT)),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.link = Some(dest_url.into_string());
                self.push_style(|style| style.add_modifier(Modifier::UNDERLINED));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => {
                self.end_block();
                if self.lists.is_empty() {
                    self.blank();
                }
            }
            TagEnd::HtmlBlock => self.blank(),
            TagEnd::Heading(_) => {
                self.end_block();
                self.styles.pop();
                self.blank();
            }
            TagEnd::BlockQuote(_) => {
                self.end_block();
                self.quotes = self.quotes.saturating_sub(1);
                self.blank();
            }
            TagEnd::CodeBlock => self.end_code(),
            TagEnd::List(_) => {
                self.end_block();
                self.lists.pop();
                if self.lists.is_empty() {
                    self.blank();
                }
            }
            TagEnd::Item => self.end_block(),
            TagEnd::Table => self.end_table(),
            TagEnd::TableCell => {
                if let Some(table) = &mut self.table {
                    let cell = std::mem::take(&mut table.cell);
                    if let Some(row) = table.rows.last_mut() {
                        row.push(cell);
                    }
                }
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Link | TagEnd::Image => {
                self.styles.pop();
                // The address is shown where it says something else than the text.
                let shown = self.spans.last().map(|span| span.content.to_string());
                if let Some(link) = self.link.take().filter(|link| shown.as_ref() != Some(link)) {
                    self.spans.push(Span::styled(format!(" ({link})"), self.theme.dim()));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, range: Range<usize>) {
        let text = text::printable(text);
        if let Some((_, code)) = &mut self.code {
            return code.push_str(&text);
        }
        if let Some(table) = &mut self.table {
            return table.cell.push_str(&text.replace(['\t', '\n'], " "));
        }
        let style = self.style();
        // Escapes make the text differ from its source; then nothing can be marked in it.
        let same = self.source.get(range.clone()) == Some(text.as_str());
        let mut from = 0;
        for span in self.unsure.iter().filter(|_| same) {
            let start = span.start.clamp(range.start, range.end) - range.start;
            let end = span.end.clamp(range.start, range.end) - range.start;
            if let (Some(before), Some(word)) = (text.get(from..start), text.get(start..end))
                && !word.is_empty()
            {
                self.spans.push(Span::styled(before.to_owned(), style));
                self.spans.push(Span::styled(word.to_owned(), style.patch(self.theme.unsure())));
                from = end;
            }
        }
        self.spans.push(Span::styled(text.get(from..).unwrap_or_default().to_owned(), style));
    }

    fn inline_code(&mut self, code: &str) {
        let code = text::printable(code);
        match &mut self.table {
            Some(table) => table.cell.push_str(&code.replace(['\t', '\n'], " ")),
            None => self.spans.push(Span::styled(code, self.style().patch(self.theme.code()))),
        }
    }

    /// Wraps what was read of a paragraph.
    fn end_block(&mut self) {
        if self.spans.is_empty() && self.marker.is_none() {
            return;
        }
        let spans = std::mem::take(&mut self.spans);
        let marker = self.marker.take();
        // On a narrow screen the text keeps its room, and what leads it gives way.
        let spare = self.width.saturating_sub(LEAST_ROOM);
        let marker = marker.map(|marker| text::suffix(&marker, spare).to_owned());
        let own = marker.as_ref().map_or(if self.lists.is_empty() { 0 } else { 2 }, |marker| marker.width());
        let quote = text::prefix(&"│ ".repeat(self.quotes), spare.saturating_sub(own)).to_owned();
        let depth = (self.lists.len().saturating_sub(1) * 2).min(spare.saturating_sub(own + quote.width()));
        let indent = depth + own;
        let first = format!("{}{}", " ".repeat(depth), marker.unwrap_or_else(|| " ".repeat(own)));
        let room = self.width.saturating_sub(indent + quote.width());
        for (number, line) in wrap(&spans, room, 0).into_iter().enumerate() {
            let lead = if number == 0 { first.clone() } else { " ".repeat(indent) };
            let mut all = vec![Span::styled(quote.clone(), self.theme.dim()), Span::raw(lead)];
            all.retain(|span| !span.content.is_empty());
            all.extend(line.spans);
            self.lines.push(Line::from(all));
        }
    }

    fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| line.width() > 0) {
            self.lines.push(Line::default());
        }
    }

    fn end_code(&mut self) {
        let Some((language, code)) = self.code.take() else { return };
        for spans in self.highlighter.lines(&language, &code, self.theme) {
            let mut all = vec![Span::styled("  ", self.theme.dim())];
            // Its own stops, counted from where the code begins.
            all.extend(untabbed(&spans));
            // Code is wrapped hard: a cut line would hide what is to be copied.
            self.lines.extend(wrap(&all, self.width, 4));
        }
        self.blank();
    }

    fn end_table(&mut self) {
        let Some(table) = self.table.take() else { return };
        self.lines.extend(table::lines(&table.rows, self.width, self.theme));
        self.blank();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::theme::Palette;
    use super::*;

    const SAMPLE: &str = "# Fix\n\nThe linker can't find `-lasound`. **Install** it:\n\n```sh\nsudo apt install libasound2-dev # headers\n```\n\n1. one\n2. two, which is long enough to be wrapped\n   - nested\n\n| a | b |\n|---|---|\n| 1 | two |\n\n> quoted\n\nSee [docs](https://example.org).";

    fn theme() -> Theme {
        Theme::new(Palette::Dark, None)
    }

    fn show(width: usize) -> String {
        let lines = render(SAMPLE, &[], width, theme());
        lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn everything_is_rendered_at_two_widths() {
        insta::assert_snapshot!("wide", show(60));
        insta::assert_snapshot!("narrow", show(24));
    }

    #[test]
    fn unsure_words_are_marked_in_their_place() {
        let source = "It is **red** now";
        let unsure = [message::Span { start: 8, end: 11 }, message::Span { start: 14, end: 17 }];
        let lines = render(source, &unsure, 40, theme());
        let marked: Vec<&str> = lines[0]
            .spans
            .iter()
            .filter(|span| span.style.add_modifier.contains(Modifier::UNDERLINED))
            .map(|span| span.content.as_ref())
            .collect();
        assert_eq!(marked, ["red", "now"]);
    }

    #[test]
    fn code_blocks_are_found() {
        assert_eq!(code_blocks(SAMPLE), ["sudo apt install libasound2-dev # headers\n"]);
        assert_eq!(code_blocks("```\nunfinished"), ["unfinished"]);
    }

    #[test]
    fn tabs_keep_the_shape_of_code() {
        let shown = |source: &str| {
            let lines = render(source, &[], 40, theme());
            lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(shown("```make\nall:\n\tcc -o\tx\n```"), "  all:\n      cc -o   x");
        assert_eq!(shown("```\n\ta\n```\n\n|a|\n|-|\n|b\tc|"), "      a\n\na  \n───\nb c");
    }

    #[test]
    fn a_table_with_no_room_for_its_columns_is_wrapped() {
        let lines = render("|a|b|c|d|\n|-|-|-|-|\n|one|two|three|four|", &[], 12, theme());
        let shown: Vec<String> = lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect();
        assert_eq!(shown, ["a │ b │ c │", "  d", "one │ two │", "  three │", "  four"]);
    }

    /// Pieces that meet in every way make more of Markdown than characters do.
    pub(in crate::tui) fn markdown() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "word ",
            "\n",
            "\n\n",
            "- ",
            "* ",
            "1. ",
            "12. ",
            "> ",
            "#",
            "# ",
            "```",
            "```rs\n",
            "let x = \"1\";\n",
            "    ",
            "\t",
            "|",
            "|-|-|\n",
            "| a | b |\n",
            "**",
            "`",
            "***",
            "---\n",
            "--",
            "=",
            "<b>",
            "<div>\n",
            "漢字",
            "[a]",
            "(b)",
            "[a]: c\n",
            "~~",
            "\\",
            "&amp;",
            "  \n",
            "é",
            ":",
            "_",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_screen(source in markdown(), width in 8_usize..50) {
            for line in render(&source, &[message::Span { start: 1, end: 9 }], width, theme()) {
                prop_assert!(line.width() <= width, "{:?} is {} wide", line.to_string(), line.width());
            }
        }
    }
}
