//! The dialog that asks before a call runs: exactly what, why it asks, what will hold it, and
//! which texts from outside may be behind it.
//!
//! Nothing is chosen beforehand, Enter allows nothing, and what was typed before the dialog
//! could be seen is no answer to it.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use unicode_width::UnicodeWidthStr;

use super::theme::Theme;
use super::wrap::wrap;
use crate::agent::{Agent, Choice};
use crate::text;
use crate::tools::{Grant, Plan, Quote};

/// Keys that come sooner were meant for the composer.
const UNSEEN: Duration = Duration::from_millis(400);

/// How many sources are quoted; the nearest come first.
const MOST_QUOTES: usize = 4;

/// The longest name of a source.
const NAME_COLUMNS: usize = 60;

/// Rows of what is typed, with their title.
const INPUT_ROWS: u16 = 4;

/// Rows that a page scrolls.
const PAGE: usize = 6;

/// The dialog's state for one call.
pub(super) struct Approval {
    id: String,
    shown: String,
    grant: Grant,
    input: Option<(Input, TextArea<'static>)>,
    opened: Instant,
    top: usize,
    /// How far it can be scrolled, as of the last frame.
    last: usize,
    /// The command, why it asks and what it may do were in sight to their end.
    seen: bool,
}

/// What is being typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Command,
    Reason,
}

/// What a key asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The call is decided.
    Decided(Choice),
    /// The turn ends.
    Stop,
    /// Nothing yet.
    Open,
}

impl Approval {
    /// The dialog for the call that asks, kept from `known` where that is the same.
    pub(super) fn of(agent: &Agent, known: Option<Self>, now: Instant) -> Option<Self> {
        let (call, plan) = agent.asking()?;
        let edited = known.as_ref().filter(|known| known.id == call.id).map(|known| known.grant);
        let same = known.filter(|known| known.id == call.id && known.shown == plan.shown);
        Some(same.unwrap_or_else(|| Self {
            id: call.id.clone(),
            shown: plan.shown.clone(),
            // What was granted to a command stays while it is changed.
            grant: edited.unwrap_or(plan.grant),
            input: None,
            opened: now,
            top: 0,
            last: 0,
            seen: false,
        }))
    }

    /// Whether something is being typed into it.
    pub(super) fn types(&self) -> bool {
        self.input.is_some()
    }

    /// Whether the pages are for it: something is typed into it, or it is longer than its room.
    pub(super) fn scrolls(&self) -> bool {
        self.types() || self.last > 0
    }

    /// Puts text where something is being typed.
    pub(super) fn paste(&mut self, text: &str) {
        if let Some((_, input)) = &mut self.input {
            let text = text.replace("\r\n", "\n").replace('\r', "\n");
            input.insert_str(text.chars().filter(|c| !c.is_control() || *c == '\n').collect::<String>());
        }
    }

    pub(super) fn key(&mut self, key: KeyEvent, plan: &Plan, now: Instant) -> Answer {
        if self.input.is_some() {
            return self.typed(key);
        }
        if key.code == KeyCode::Esc {
            return Answer::Stop;
        }
        if now.duration_since(self.opened) < UNSEEN {
            // Somebody types: what follows is no answer either, until there is a pause.
            self.opened = now;
            return Answer::Open;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return Answer::Open;
        }
        // What can't be seen whole isn't allowed.
        let seen = self.seen;
        let lasts = plan.scope.is_some();
        match key.code {
            KeyCode::Char('y') if seen => return Answer::Decided(Choice::Once(self.grant)),
            KeyCode::Char('s') if seen && lasts => return Answer::Decided(Choice::Session(self.grant)),
            KeyCode::Char('a') if seen && lasts => return Answer::Decided(Choice::Always(self.grant)),
            KeyCode::Char('n') => return Answer::Decided(Choice::Deny(None)),
            KeyCode::Char('r') => self.type_in(Input::Reason, ""),
            KeyCode::Char('e') => {
                if let Some(command) = &plan.editable {
                    self.type_in(Input::Command, command);
                }
            }
            KeyCode::Char('w') if plan.walls.take_grants() => self.grant.write = !self.grant.write,
            KeyCode::Char('i') if plan.walls.take_grants() => self.grant.network = !self.grant.network,
            KeyCode::Up | KeyCode::Char('k') => self.top = self.top.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j' | ' ') => self.top = (self.top + 1).min(self.last),
            KeyCode::PageUp => self.top = self.top.saturating_sub(PAGE),
            KeyCode::PageDown => self.top = (self.top + PAGE).min(self.last),
            KeyCode::Home => self.top = 0,
            KeyCode::End => self.top = self.last,
            _ => {}
        }
        Answer::Open
    }

    fn type_in(&mut self, what: Input, text: &str) {
        let mut input = TextArea::new(text.split('\n').map(str::to_owned).collect());
        input.set_wrap_mode(WrapMode::WordOrGlyph);
        input.set_cursor_line_style(ratatui::style::Style::new());
        input.move_cursor(CursorMove::Bottom);
        input.move_cursor(CursorMove::End);
        self.input = Some((what, input));
    }

    fn typed(&mut self, key: KeyEvent) -> Answer {
        let Some((what, input)) = &mut self.input else { return Answer::Open };
        match key.code {
            KeyCode::Esc => self.input = None,
            KeyCode::Enter if key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SHIFT) => {
                input.insert_newline();
            }
            KeyCode::Enter => {
                let (what, text) = (*what, input.lines().join("\n"));
                self.input = None;
                let text = text.trim();
                return match what {
                    Input::Command if text.is_empty() => Answer::Open,
                    Input::Command => Answer::Decided(Choice::Edit(text.to_owned())),
                    Input::Reason => {
                        Answer::Decided(Choice::Deny((!text.is_empty()).then(|| text.to_owned())))
                    }
                };
            }
            _ => drop(input.input(key)),
        }
        Answer::Open
    }

    /// Draws it at the foot of an area, as high as it needs to be.
    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, plan: &Plan, theme: Theme) {
        let room = usize::from(area.width.saturating_sub(4)).max(1);
        let keys = self.keys(plan, room, theme);
        let (lines, needed) = self.about(plan, room, theme);
        let foot = match self.input {
            Some(_) => INPUT_ROWS,
            None => u16::try_from(keys.len()).unwrap_or(u16::MAX),
        };
        let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(foot).saturating_add(3);
        let height = rows.min(area.height);
        let area = Rect { y: area.y + area.height - height, height, ..area };
        let title = " the assistant asks to run this ";
        let block = Block::bordered()
            .title(Span::styled(title, theme.accent()))
            .border_style(theme.accent())
            .padding(ratatui::widgets::Padding::horizontal(1));
        let inner = block.inner(area);
        frame.render_widget(Clear, area);
        frame.render_widget(block, area);
        let body = Rect { height: inner.height.saturating_sub(foot + 1), ..inner };
        let height = usize::from(body.height);
        self.last = if height == 0 { 0 } else { lines.len().saturating_sub(height) };
        self.top = self.top.min(self.last);
        self.seen |= height > 0 && self.top + height >= needed;
        let shown: Vec<Line<'_>> = lines.into_iter().skip(self.top).take(body.height.into()).collect();
        frame.render_widget(Paragraph::new(shown), body);
        let rule = Rect { y: body.y + body.height, height: 1.min(inner.height), ..inner };
        let more = match () {
            () if height == 0 => "enlarge the window to read it",
            () if self.top < self.last && !self.seen => "── more to read before it can be allowed: ↓ ──",
            () if self.top < self.last => "── more below: ↓ ──",
            () => "",
        };
        frame.render_widget(Paragraph::new(Line::styled(more, theme.error())), rule);
        let below =
            Rect { y: rule.y + rule.height, height: foot.min(inner.height.saturating_sub(1)), ..inner };
        match &self.input {
            Some((what, input)) => draw_input(frame, below, *what, input, theme),
            None => frame.render_widget(Paragraph::new(keys), below),
        }
    }

    /// What is asked, and all that there is to know about it; and how many lines of it must be
    /// seen before it can be allowed.
    fn about(&self, plan: &Plan, room: usize, theme: Theme) -> (Vec<Line<'static>>, usize) {
        let mut lines = Vec::new();
        for line in text::printable(&plan.shown).split('\n') {
            lines.extend(wrap(&[Span::styled(line.to_owned(), theme.strong())], room, 2));
        }
        lines.push(Line::default());
        let said = |label: &'static str, words: String, style: ratatui::style::Style| {
            let spans = [Span::styled(format!("{label:<9}"), theme.dim()), Span::styled(words, style)];
            wrap(&spans, room, 9)
        };
        lines.extend(said("asks", text::printable(&plan.reason), theme.plain()));
        let walls = plan.walls.words(self.grant);
        let unheld = matches!(plan.walls, crate::tools::Walls::Nothing(_));
        lines.extend(said("may", walls, if unheld { theme.error() } else { theme.plain() }));
        let needed = lines.len();
        let name =
            |source: &Quote| text::end(&text::printable(&source.source).replace('\n', " "), NAME_COLUMNS);
        let quoted = plan.sources.iter().filter_map(|source| Some((source, source.words.as_ref()?)));
        for (number, (source, words)) in quoted.take(MOST_QUOTES).enumerate() {
            let label = if number == 0 { "outside" } else { "" };
            lines.extend(said(label, format!("{}: “{words}”", name(source)), theme.error()));
        }
        // All are named: the one that is behind it may be one that no words of it resemble.
        let mut names: Vec<String> = Vec::new();
        for name in plan.sources.iter().map(name) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if !names.is_empty() {
            lines.extend(said("sources", names.join(" · "), theme.plain()));
        }
        if let Some(scope) = &plan.scope {
            let always = format!("would allow {scope}; it asks again while text from outside is here");
            lines.extend(said("always", always, theme.plain()));
        }
        (lines, needed)
    }

    fn keys(&self, plan: &Plan, room: usize, theme: Theme) -> Vec<Line<'static>> {
        let mut words: Vec<(&str, String)> = vec![("y", "once".to_owned())];
        if plan.scope.is_some() {
            words.push(("s", "this session".to_owned()));
            words.push(("a", "always".to_owned()));
        }
        if plan.editable.is_some() {
            words.push(("e", "edit".to_owned()));
        }
        words.push(("n", "no".to_owned()));
        words.push(("r", "no, because…".to_owned()));
        words.push(("esc", "stop".to_owned()));
        if plan.walls.take_grants() {
            let mark = |on: bool| if on { "[x]" } else { "[ ]" };
            words.push(("w", format!("{} write here", mark(self.grant.write))));
            words.push(("i", format!("{} network", mark(self.grant.network))));
        }
        let mut lines = vec![Line::default()];
        for (key, words) in words {
            let wide = key.width() + 1 + words.width();
            let full = |line: &Line<'_>| line.width() > 0 && line.width() + wide > room;
            if lines.last().is_some_and(full) {
                lines.push(Line::default());
            }
            if let Some(line) = lines.last_mut() {
                line.push_span(Span::styled(key, theme.accent()));
                line.push_span(Span::raw(format!(" {words}   ")));
            }
        }
        lines
    }
}

fn draw_input(frame: &mut Frame<'_>, area: Rect, what: Input, input: &TextArea<'_>, theme: Theme) {
    let title = match what {
        Input::Command => "instead (enter: judge it, esc: back)",
        Input::Reason => "why not (enter: say no, esc: back)",
    };
    let head = Rect { height: 1.min(area.height), ..area };
    let rest = Rect { y: area.y + head.height, height: area.height.saturating_sub(1), ..area };
    frame.render_widget(Paragraph::new(Line::styled(title, theme.dim())), head);
    frame.render_widget(input, rest);
}
