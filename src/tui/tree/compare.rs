//! The answers to a question, beside each other.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph};

use super::Reply;
use crate::agent::Agent;
use crate::message::{AnswerStats, Message, MessageId, Part, Role, Status};
use crate::text;
use crate::tui::markdown;
use crate::tui::panel::PAGE_ROWS;
use crate::tui::theme::Theme;
use crate::tui::wrap::wrap;

/// From so many columns on two answers stand side by side, else below each other.
const SIDE_BY_SIDE: u16 = 110;

/// Answers in sight at once.
const IN_SIGHT: usize = 2;

/// The panel: what it is of, and what is chosen in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tui) struct Compare {
    question: MessageId,
    chosen: usize,
    /// Lines above what is in sight, of each answer.
    top: usize,
    /// A new answer was asked for: Esc takes the old one back.
    pub(in crate::tui) asks: bool,
}

/// One of the answers.
pub(in crate::tui) struct Answer<'a> {
    pub(in crate::tui) begins: MessageId,
    messages: Vec<&'a Message>,
}

/// The answers to a question, the oldest first.
pub(in crate::tui) fn answers(agent: &Agent, question: MessageId) -> Vec<Answer<'_>> {
    let tree = agent.tree();
    let answers = tree.after(question).iter().filter_map(|begins| {
        let path = tree.path(tree.newest_end(*begins));
        let from = path.iter().position(|message| message.id == *begins)?;
        let turn = path.into_iter().skip(from).take_while(|message| message.role != Role::User);
        Some(Answer { begins: *begins, messages: turn.collect() })
    });
    answers.filter(|answer| !answer.messages.is_empty()).collect()
}

impl Answer<'_> {
    fn stats(&self) -> Option<&AnswerStats> {
        self.messages.iter().rev().find_map(|message| message.stats.as_ref())
    }

    /// The model, its speed, and how long it took: `qwen · 31 tok/s · 4.2 s`.
    fn about(&self) -> String {
        let Some(stats) = self.stats() else { return "stopped".to_owned() };
        let decoded = match stats.tokens_per_second {
            speed if speed > 0.0 => stats.completion_tokens as f64 / speed,
            _ => 0.0,
        };
        let speed = match stats.tokens_per_second {
            speed if speed > 0.0 => format!(" · {speed:.0} tok/s"),
            _ => String::new(),
        };
        let took = stats.first_token_ms / 1000.0 + decoded;
        format!("{}{speed} · {took:.1} s", text::one_line(&stats.model))
    }

    fn lines(&self, width: usize, theme: Theme) -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for message in &self.messages {
            for part in &message.parts {
                match part {
                    Part::Text { text, unsure } => lines.extend(markdown::render(text, unsure, width, theme)),
                    Part::ToolCall(call) => {
                        lines.push(Line::styled(format!("▸ {}", text::one_line(&call.name)), theme.dim()));
                    }
                    Part::Attachment { .. } | Part::Summary(_) | Part::ToolResult(_) => {}
                }
            }
            if let Status::Interrupted { why } = &message.status {
                let why = ratatui::text::Span::styled(format!("({})", text::one_line(why)), theme.error());
                lines.extend(wrap(&[why], width.max(1), 1));
            }
        }
        lines
    }
}

impl Compare {
    /// The answers to a question, the one that is shown chosen.
    pub(in crate::tui) fn of(agent: &Agent, question: MessageId, asks: bool) -> Self {
        let shown = |answer: &Answer<'_>| agent.transcript.iter().any(|one| one.id == answer.begins);
        let chosen = answers(agent, question).iter().position(shown).unwrap_or(0);
        Self { question, chosen, top: 0, asks }
    }

    pub(super) fn key(&mut self, key: KeyEvent, agent: &Agent) -> Reply {
        let all = answers(agent, self.question);
        let last = all.len().saturating_sub(1);
        match key.code {
            KeyCode::Left | KeyCode::Char('h') => self.chosen = self.chosen.min(last).saturating_sub(1),
            KeyCode::Right | KeyCode::Char('l') => self.chosen = (self.chosen + 1).min(last),
            KeyCode::Up | KeyCode::Char('k') => self.scroll(-1),
            KeyCode::Down | KeyCode::Char('j') => self.scroll(1),
            KeyCode::PageUp => self.scroll(-PAGE_ROWS),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll(PAGE_ROWS),
            KeyCode::Enter => {
                let chosen = all.get(self.chosen.min(last));
                return chosen.map_or(Reply::Close, |answer| Reply::Choose(answer.begins));
            }
            KeyCode::Char('?') => return Reply::Help,
            KeyCode::Esc | KeyCode::Char('q') => return self.left(),
            _ => {}
        }
        Reply::Stay
    }

    /// What leaving without a choice comes to.
    pub(in crate::tui) fn left(&self) -> Reply {
        if self.asks { Reply::KeepOld } else { Reply::Close }
    }

    pub(super) fn scroll(&mut self, by: isize) {
        self.top = self.top.saturating_add_signed(by);
    }

    pub(super) fn keys(&self) -> [&'static str; 4] {
        let esc = if self.asks { "esc keep the old one" } else { "esc close" };
        ["←→ choose", "enter go on with it", esc, "↑↓ scroll"]
    }

    /// Draws two answers, the chosen one among them.
    pub(super) fn draw(&mut self, frame: &mut Frame<'_>, area: Rect, agent: &Agent, theme: Theme) {
        let all = answers(agent, self.question);
        self.chosen = self.chosen.min(all.len().saturating_sub(1));
        let from = self.chosen.saturating_sub(IN_SIGHT - 1);
        let halves = [Constraint::Fill(1), Constraint::Fill(1)];
        let beside = area.width + 2 >= SIDE_BY_SIDE;
        let places: [Rect; IN_SIGHT] = match beside {
            true => Layout::horizontal(halves).areas(area),
            false => Layout::vertical(halves).areas(area),
        };
        let inside = |place: Rect| usize::from(place.width.saturating_sub(2)).max(1);
        let shown: Vec<Vec<Line<'_>>> = all
            .iter()
            .skip(from)
            .zip(places)
            .map(|(answer, place)| answer.lines(inside(place), theme))
            .collect();
        let height = usize::from(places[0].height.saturating_sub(1));
        let longest = shown.iter().map(Vec::len).max().unwrap_or(0);
        self.top = self.top.min(longest.saturating_sub(height));
        for (number, (lines, place)) in shown.into_iter().zip(places).enumerate() {
            let number = from + number;
            let mark = if number == self.chosen { "▸" } else { " " };
            let about = all.get(number).map(Answer::about).unwrap_or_default();
            let title = format!("{mark} {}/{}  {about} ", number + 1, all.len());
            let style = if number == self.chosen { theme.selected() } else { theme.strong() };
            let block = Block::new()
                .borders(Borders::TOP)
                .border_style(theme.dim())
                .title(Line::styled(text::end(&title, inside(place)), style));
            let lines: Vec<Line<'_>> = lines.into_iter().skip(self.top).collect();
            let inner = block.inner(place);
            frame.render_widget(block, place);
            let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
            frame.render_widget(Paragraph::new(lines), inner);
        }
    }
}
