//! Colours code line by line, going on where it stopped when the code has grown.

use std::sync::OnceLock;

use ratatui::style::Style;
use ratatui::text::Span;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};
use syntect::util::LinesWithEndings;

use super::theme::Theme;

/// The lines of a piece of code that are whole and coloured, and the state behind them.
#[derive(Default)]
pub(super) struct Highlighter {
    language: String,
    done: String,
    lines: Vec<Vec<Span<'static>>>,
    state: Option<(ParseState, ScopeStack)>,
}

impl Highlighter {
    /// The lines of a piece of code, coloured; a language that isn't known stays plain.
    pub(super) fn lines(&mut self, language: &str, code: &str, theme: Theme) -> Vec<Vec<Span<'static>>> {
        let colored = syntax_of(language).and_then(|syntax| self.colored(language, syntax, code, theme));
        colored.unwrap_or_else(|| {
            code.lines().map(|line| vec![Span::styled(line.to_owned(), theme.code())]).collect()
        })
    }

    fn colored(
        &mut self,
        language: &str,
        syntax: &SyntaxReference,
        code: &str,
        theme: Theme,
    ) -> Option<Vec<Vec<Span<'static>>>> {
        if self.language != language || !code.starts_with(&self.done) {
            *self = Self { language: language.to_owned(), ..Self::default() };
        }
        let fresh = || (ParseState::new(syntax), ScopeStack::new());
        let (mut parser, mut stack) = self.state.clone().unwrap_or_else(fresh);
        let mut last = None;
        let rest = code.get(self.done.len()..).unwrap_or_default();
        for line in LinesWithEndings::from(rest) {
            let spans = color(line, &mut parser, &mut stack, theme)?;
            if line.ends_with('\n') {
                self.lines.push(spans);
                self.done.push_str(line);
                self.state = Some((parser.clone(), stack.clone()));
            } else {
                last = Some(spans);
            }
        }
        Some(self.lines.iter().cloned().chain(last).collect())
    }
}

fn syntaxes() -> &'static SyntaxSet {
    static SYNTAXES: OnceLock<SyntaxSet> = OnceLock::new();
    SYNTAXES.get_or_init(SyntaxSet::load_defaults_newlines)
}

fn syntax_of(language: &str) -> Option<&'static SyntaxReference> {
    if language.is_empty() {
        return None;
    }
    syntaxes().find_syntax_by_token(language)
}

/// One line; `None` where the grammar fails on it.
fn color(
    line: &str,
    parser: &mut ParseState,
    stack: &mut ScopeStack,
    theme: Theme,
) -> Option<Vec<Span<'static>>> {
    let mut spans = Vec::new();
    let mut from = 0;
    let mut span = |piece: &str, stack: &ScopeStack| {
        spans.push(Span::styled(piece.trim_end_matches('\n').to_owned(), style_of(stack, theme)));
    };
    for (at, operation) in parser.parse_line(line, syntaxes()).ok()? {
        span(line.get(from..at)?, stack);
        from = at;
        stack.apply(&operation).ok()?;
    }
    span(line.get(from..)?, stack);
    Some(spans)
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
