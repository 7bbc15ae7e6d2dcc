//! Markdown to lines: headings, lists, tables, quotes, highlighted code.

use std::ops::Range;
use std::sync::OnceLock;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};
use syntect::util::LinesWithEndings;
use unicode_width::UnicodeWidthStr;

use super::theme::Theme;
use super::wrap::wrap;
use crate::message;
use crate::text;

/// Renders a text to lines of at most `width` columns. `unsure` are byte offsets in it.
pub(super) fn render(
    source: &str,
    unsure: &[message::Span],
    width: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let mut renderer = Renderer::new(source, unsure, width.max(8), theme);
    for (event, range) in
        Parser::new_ext(source, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).into_offset_iter()
    {
        renderer.event(event, range);
    }
    renderer.end_block();
    while renderer.lines.last().is_some_and(|line| line.width() == 0) {
        renderer.lines.pop();
    }
    renderer.lines
}

/// The code blocks of a text, in order.
pub(super) fn code_blocks(source: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for event in Parser::new(source) {
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
    fn new(source: &'a str, unsure: &'a [message::Span], width: usize, theme: Theme) -> Self {
        Self {
            source,
            unsure,
            width,
            theme,
            lines: Vec::new(),
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
            Event::Html(html) | Event::InlineHtml(html) => self.text(html.trim_end(), range),
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
            return table.cell.push_str(&text);
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
            Some(table) => table.cell.push_str(&code),
            None => self.spans.push(Span::styled(code, self.style().patch(self.theme.code()))),
        }
    }

    /// Wraps what was read of a paragraph.
    fn end_block(&mut self) {
        if self.spans.is_empty() && self.marker.is_none() {
            return;
        }
        let spans = std::mem::take(&mut self.spans);
        let depth = self.lists.len().saturating_sub(1) * 2;
        let marker = self.marker.take();
        let quote = "│ ".repeat(self.quotes);
        let own = marker.as_ref().map_or(if self.lists.is_empty() { 0 } else { 2 }, |marker| marker.width());
        let indent = depth + own;
        let first = format!("{}{}", " ".repeat(depth), marker.unwrap_or_else(|| " ".repeat(own)));
        let room = self.width.saturating_sub(indent + quote.width()).max(4);
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
        for spans in highlight(&language, &code, self.theme) {
            let mut all = vec![Span::styled("  ", self.theme.dim())];
            all.extend(spans);
            // Code is wrapped hard: a cut line would hide what is to be copied.
            self.lines.extend(wrap(&all, self.width, 4));
        }
        self.blank();
    }

    fn end_table(&mut self) {
        let Some(table) = self.table.take() else { return };
        let columns = table.rows.iter().map(Vec::len).max().unwrap_or(0);
        if columns == 0 {
            return;
        }
        let widest = |column: usize| {
            table.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..columns).map(widest).collect();
        let room = self.width.saturating_sub(3 * (columns - 1));
        while widths.iter().sum::<usize>() > room.max(columns * 3) {
            let Some(widest) = widths.iter_mut().max() else { break };
            *widest -= 1;
        }
        for (number, row) in table.rows.iter().enumerate() {
            let style = if number == 0 { self.theme.strong() } else { self.theme.plain() };
            let mut spans = Vec::new();
            for (column, width) in widths.iter().enumerate() {
                if column > 0 {
                    spans.push(Span::styled(" │ ", self.theme.dim()));
                }
                let cell = text::end(row.get(column).map_or("", String::as_str), *width);
                let padding = " ".repeat(width.saturating_sub(cell.width()));
                spans.push(Span::styled(format!("{cell}{padding}"), style));
            }
            self.lines.push(Line::from(spans));
            if number == 0 {
                let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
                self.lines.push(Line::styled(rule.join("─┼─"), self.theme.dim()));
            }
        }
        self.blank();
    }
}

/// Colours a piece of code line by line; a language that isn't known stays plain.
fn highlight(language: &str, code: &str, theme: Theme) -> Vec<Vec<Span<'static>>> {
    static SYNTAXES: OnceLock<SyntaxSet> = OnceLock::new();
    let plain =
        |code: &str| code.lines().map(|line| vec![Span::styled(line.to_owned(), theme.code())]).collect();
    if language.is_empty() {
        return plain(code);
    }
    let syntaxes = SYNTAXES.get_or_init(SyntaxSet::load_defaults_newlines);
    let Some(syntax) = syntaxes.find_syntax_by_token(language) else { return plain(code) };
    let mut state = ParseState::new(syntax);
    let mut stack = ScopeStack::new();
    let mut lines = Vec::new();
    for line in LinesWithEndings::from(code) {
        let Ok(operations) = state.parse_line(line, syntaxes) else { return plain(code) };
        let mut spans = Vec::new();
        let mut from = 0;
        for (at, operation) in operations {
            spans.push(Span::styled(
                line[from..at].trim_end_matches('\n').to_owned(),
                style_of(&stack, theme),
            ));
            from = at;
            if stack.apply(&operation).is_err() {
                return plain(code);
            }
        }
        spans.push(Span::styled(line[from..].trim_end_matches('\n').to_owned(), style_of(&stack, theme)));
        lines.push(spans);
    }
    lines
}

fn style_of(stack: &ScopeStack, theme: Theme) -> Style {
    static SCOPES: OnceLock<[Option<Scope>; 6]> = OnceLock::new();
    let [comment, string, number, keyword, storage, function] = SCOPES.get_or_init(|| {
        ["comment", "string", "constant", "keyword", "storage", "entity.name"]
            .map(|name| Scope::new(name).ok())
    });
    let within = |scope: &Option<Scope>, of: &Scope| scope.is_some_and(|scope| scope.is_prefix_of(*of));
    for scope in stack.as_slice().iter().rev() {
        match () {
            () if within(comment, scope) => return theme.dim(),
            () if within(string, scope) => return theme.string(),
            () if within(number, scope) => return theme.number(),
            () if within(keyword, scope) || within(storage, scope) => return theme.keyword(),
            () if within(function, scope) => return theme.function(),
            () => {}
        }
    }
    theme.plain()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAMPLE: &str = "# Fix\n\nThe linker can't find `-lasound`. **Install** it:\n\n```sh\nsudo apt install libasound2-dev # headers\n```\n\n1. one\n2. two, which is long enough to be wrapped\n   - nested\n\n| a | b |\n|---|---|\n| 1 | two |\n\n> quoted\n\nSee [docs](https://example.org).";

    fn show(width: usize) -> String {
        let lines = render(SAMPLE, &[], width, Theme::new(true));
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
        let lines = render(source, &unsure, 40, Theme::new(true));
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

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_too_wide(source in "[-a-z0-9 #*`|>_\\[\\]()\n漢~+.]{0,120}", width in 8_usize..50) {
            for line in render(&source, &[message::Span { start: 1, end: 9 }], width, Theme::new(false)) {
                // A table keeps three columns for each of its own, however narrow the screen.
                prop_assert!(line.width() <= width || source.contains('|') || source.contains('>') || source.contains(['-', '+', '*', '.', ')']), "{line:?}");
            }
        }
    }
}
