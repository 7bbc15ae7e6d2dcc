//! The panels of the tree, drawn.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr;

use super::{Picker, TreePanel, branches, messages};
use crate::agent::Agent;
use crate::message::Role;
use crate::session::begins;
use crate::text;
use crate::tui::panel::{bordered, keys_in, list};
use crate::tui::theme::Theme;

/// Draws the panel over the transcript.
pub(in crate::tui) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    panel: &mut TreePanel,
    agent: &Agent,
    theme: Theme,
) {
    let (title, keys): (&str, Vec<&str>) = match panel {
        TreePanel::Messages(_) => (
            "messages",
            vec!["↑↓ choose", "enter edit, or go on", "g go on from it", "/ filter", "esc close"],
        ),
        TreePanel::Branches(_) => ("branches", vec!["↑↓ choose", "enter show it", "/ filter", "esc close"]),
        TreePanel::Compare(compare) => ("answers", compare.keys().to_vec()),
    };
    let inner = bordered(frame, area, title, &keys_in(&keys, area.width), theme);
    let width = usize::from(inner.width);
    match panel {
        TreePanel::Messages(picker) => {
            picker.step(0, messages(agent, &picker.words).len());
            let rows = message_rows(agent, picker, width, theme);
            picked(frame, inner, picker, rows, theme);
        }
        TreePanel::Branches(picker) => {
            picker.step(0, branches(agent, &picker.words).len());
            let rows = branch_rows(agent, picker, width, theme);
            picked(frame, inner, picker, rows, theme);
        }
        TreePanel::Compare(compare) => compare.draw(frame, inner, agent, theme),
    }
}

/// A list, with the words that it is filtered by above it.
fn picked(frame: &mut Frame<'_>, area: Rect, picker: &Picker, rows: Vec<Line<'static>>, theme: Theme) {
    if !picker.typing && picker.words.is_empty() {
        return list(frame, area, picker.selected, rows, theme);
    }
    let [top, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let cursor = if picker.typing { "▏" } else { "" };
    let words = text::one_line(&picker.words);
    let line = Line::from(vec![Span::styled("/ ", theme.accent()), Span::raw(format!("{words}{cursor}"))]);
    frame.render_widget(Paragraph::new(line), top);
    list(frame, rest, picker.selected, rows, theme);
}

fn who(role: Role) -> &'static str {
    match role {
        Role::User => "you",
        Role::Tool => "tool",
        Role::Assistant | Role::System => "percept",
    }
}

fn message_rows(agent: &Agent, picker: &Picker, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let tree = agent.tree();
    let row = |message: &&crate::message::Message| {
        let version = tree.version(message.id).map_or(String::new(), |(one, of)| format!("‹{one}/{of}›"));
        let names: Vec<String> =
            message.attachments().map(|one| format!("[{}] ", text::one_line(&one.name))).collect();
        let head = format!(" {:7} {version:5} ", who(message.role));
        let room = width.saturating_sub(head.width());
        let said = text::end(&format!("{}{}", names.concat(), text::one_line(&begins(message))), room);
        let style = if message.role == Role::User { theme.plain() } else { theme.dim() };
        Line::from(vec![Span::styled(head, theme.dim()), Span::styled(said, style)])
    };
    messages(agent, &picker.words).iter().map(row).collect()
}

fn branch_rows(agent: &Agent, picker: &Picker, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let row = |branch: &crate::session::Branch| {
        let mark = if branch.shown { "●" } else { " " };
        let head = format!("{mark} {:>2}  {:7} ", branch.number, who(branch.role));
        let model =
            branch.model.as_ref().map_or(String::new(), |model| format!("  {}", text::one_line(model)));
        let count = text::counted(branch.messages as u64, "message", "messages");
        // The end of a narrow line gives way, not what tells the branches apart.
        let tail = format!("  {count}  {}{model} ", text::when(branch.last_ms));
        let room = width.saturating_sub(head.width());
        let begins = text::one_line(&branch.begins);
        let said = text::end(&begins, room.saturating_sub(tail.width()).max(room.min(24)));
        let gap = " ".repeat(room.saturating_sub(said.width() + tail.width()));
        Line::from(vec![Span::raw(head), Span::raw(said), Span::styled(format!("{gap}{tail}"), theme.dim())])
    };
    branches(agent, &picker.words).iter().map(row).collect()
}
