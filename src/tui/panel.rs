//! The panels: shown only when asked for, one at a time, over the transcript.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::app::App;
use super::command::COMMANDS;
use super::theme::Theme;
use super::transcript::about;
use crate::agent::{Agent, ChipState, Event};
use crate::attachment::Attachment;
use crate::message::{MessageId, Part};
use crate::text;
use crate::wire::LedgerKind;

/// A panel and the row that is chosen in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Panel {
    Help { top: usize },
    Sessions { selected: usize },
    Models { selected: usize },
    Attachments { selected: usize },
}

/// Something that is attached: to a message that was sent, or to the next one.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) attachment: Option<Attachment>,
    place: Place,
}

enum Place {
    Sent { message: MessageId, part: usize, removed: bool },
    Chip { ticket: u64 },
}

/// All attachments, the oldest first.
pub(super) fn items(agent: &Agent) -> Vec<Item> {
    let sent = agent.transcript.iter().flat_map(|message| {
        message.parts.iter().enumerate().filter_map(|(part, what)| match what {
            Part::Attachment { attachment, removed } => Some(Item {
                name: attachment.name.clone(),
                attachment: Some(attachment.clone()),
                place: Place::Sent { message: message.id, part, removed: *removed },
            }),
            Part::Text { .. } => None,
        })
    });
    let chips = agent.chips.iter().map(|chip| Item {
        name: chip.name.clone(),
        attachment: match &chip.state {
            ChipState::Taken { attachment, .. } => Some((**attachment).clone()),
            ChipState::Taking | ChipState::Failed { .. } => None,
        },
        place: Place::Chip { ticket: chip.ticket },
    });
    sent.chain(chips).collect()
}

impl Panel {
    /// How many rows can be chosen (or scrolled) in it.
    pub(super) fn rows(&self, agent: &Agent, models: &[String]) -> usize {
        match self {
            Self::Help { .. } => help(Theme::new(false)).len(),
            Self::Sessions { .. } => agent.sessions.len(),
            Self::Models { .. } => models.len(),
            Self::Attachments { .. } => items(agent).len(),
        }
    }

    /// Moves the choice; stays within the rows.
    pub(super) fn step(&mut self, by: isize, rows: usize) {
        let (Self::Help { top: at }
        | Self::Sessions { selected: at }
        | Self::Models { selected: at }
        | Self::Attachments { selected: at }) = self;
        *at = at.saturating_add_signed(by).min(rows.saturating_sub(1));
    }

    /// What Enter does.
    pub(super) fn choose(&self, agent: &Agent, models: &[String]) -> Option<Event> {
        match self {
            Self::Sessions { selected } => {
                agent.sessions.get(*selected).map(|session| Event::OpenSession(session.id))
            }
            Self::Models { selected } => models.get(*selected).map(|name| Event::UseModel(name.clone())),
            Self::Help { .. } | Self::Attachments { .. } => None,
        }
    }

    /// What Delete does: takes an attachment out, or puts it back.
    pub(super) fn remove(&self, agent: &Agent) -> Option<Event> {
        let Self::Attachments { selected } = self else { return None };
        match items(agent).get(*selected)?.place {
            Place::Sent { message, part, .. } => Some(Event::Remove { message, part }),
            Place::Chip { ticket } => Some(Event::Detach(ticket)),
        }
    }
}

/// Draws the panel over the transcript.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &mut App, agent: &Agent) {
    let Some(panel) = app.panel.clone() else { return };
    let theme = app.theme;
    let (title, keys) = match panel {
        Panel::Help { .. } => ("help", "↑↓ scroll · esc close"),
        Panel::Sessions { .. } => ("conversations", "↑↓ choose · enter open · esc close"),
        Panel::Models { .. } => ("models", "↑↓ choose · enter load · esc close"),
        Panel::Attachments { .. } => ("attachments", "↑↓ choose · d take out or back · esc close"),
    };
    frame.render_widget(Clear, area);
    let block = Block::bordered()
        .title(Span::styled(format!(" {title} "), theme.accent()))
        .title_bottom(Span::styled(format!(" {keys} "), theme.dim()))
        .border_style(theme.dim());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    match panel {
        Panel::Help { top } => {
            let lines = help(theme);
            let top = top.min(lines.len().saturating_sub(inner.height as usize));
            app.panel = Some(Panel::Help { top });
            frame.render_widget(Paragraph::new(lines.split_off_at(top)), inner);
        }
        Panel::Sessions { selected } => list(frame, inner, selected, sessions(agent, theme), theme),
        Panel::Models { selected } => list(frame, inner, selected, models(app, agent), theme),
        Panel::Attachments { selected } => attachments(frame, inner, selected, app, agent),
    }
}

trait SplitOffAt {
    fn split_off_at(self, at: usize) -> Self;
}

impl SplitOffAt for Vec<Line<'static>> {
    fn split_off_at(mut self, at: usize) -> Self {
        self.split_off(at.min(self.len()))
    }
}

/// A list with the chosen row in sight.
fn list(frame: &mut Frame<'_>, area: Rect, selected: usize, rows: Vec<Line<'static>>, theme: Theme) {
    if rows.is_empty() {
        return frame
            .render_widget(Paragraph::new(Line::styled("There is nothing here yet.", theme.dim())), area);
    }
    let height = area.height as usize;
    let top = selected.saturating_sub(height.saturating_sub(1)).min(rows.len().saturating_sub(1));
    let shown = rows.into_iter().enumerate().skip(top).take(height);
    let lines: Vec<Line<'static>> = shown
        .map(|(row, line)| if row == selected { line.patch_style(theme.selected()) } else { line })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

fn sessions(agent: &Agent, theme: Theme) -> Vec<Line<'static>> {
    let row = |session: &crate::session::SessionSummary| {
        let when = crate::text::when(session.updated_ms);
        let current = if agent.session == Some(session.id) { "●" } else { " " };
        Line::from(vec![
            Span::raw(format!("{current} {when}  ")),
            Span::styled(format!("{:>3} messages  ", session.messages), theme.dim()),
            Span::raw(session.title.clone()),
        ])
    };
    agent.sessions.iter().map(row).collect()
}

fn models(app: &App, agent: &Agent) -> Vec<Line<'static>> {
    let current = agent.model.as_ref().map(|model| model.name.as_str());
    let mark = |name: &String| if Some(name.as_str()) == current { "●" } else { " " };
    app.models.iter().map(|name| Line::raw(format!("{} {name}", mark(name)))).collect()
}

fn attachments(frame: &mut Frame<'_>, area: Rect, selected: usize, app: &mut App, agent: &Agent) {
    let items = items(agent);
    let rows = u16::try_from(items.len()).unwrap_or(u16::MAX).clamp(1, area.height / 3 + 1);
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Length(rows), Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let theme = app.theme;
    let line = |item: &Item| {
        let (note, style) = match item.place {
            Place::Sent { removed: true, .. } => (" · taken out", theme.dim()),
            Place::Sent { .. } => ("", theme.plain()),
            Place::Chip { .. } => (" · not sent yet", theme.plain()),
        };
        let what = item.attachment.as_ref().map_or_else(|| item.name.clone(), about);
        Line::styled(format!("{what}{note}"), style)
    };
    list(frame, top, selected, items.iter().map(line).collect(), theme);
    let cost = ledger_line(agent, &items, selected);
    frame.render_widget(Paragraph::new(Line::styled(cost, theme.dim())), middle);
    if let Some(preview) = &mut app.preview {
        preview.draw(bottom, frame.buffer_mut(), theme.dim());
    }
}

/// What the chosen picture costs, from the ledger: its rows for pictures are in the order
/// of the pictures, the newest last.
fn ledger_line(agent: &Agent, items: &[Item], selected: usize) -> String {
    let given = |item: &&Item| {
        let taken_out = matches!(item.place, Place::Sent { removed: true, .. });
        !taken_out && item.attachment.as_ref().is_some_and(Attachment::is_image)
    };
    let Some(item) = items.get(selected).filter(given) else { return String::new() };
    let behind = items[selected + 1..].iter().filter(given).count();
    let rows = agent.ledger.entries.iter().rev().filter(|row| row.kind == LedgerKind::Image);
    let Some(row) = rows.into_iter().nth(behind) else { return String::new() };
    let encode = row.encode_ms.map_or(String::new(), |ms| format!(" · encoded in {:.2} s", ms / 1000.0));
    let cached = if row.cached { " · in cache" } else { "" };
    let bytes = item.attachment.as_ref().map_or(0, |attachment| attachment.bytes);
    format!("{} · {} tokens{encode}{cached}", text::size(bytes), text::thousands(row.tokens))
}

const KEYS: [(&str, &str); 17] = [
    ("enter", "send"),
    ("alt+enter, ctrl+j", "new line"),
    ("esc", "stop the answer or the loading; put a notice away"),
    ("tab", "look at the attachments; complete"),
    ("@", "attach a file by a part of its name"),
    ("ctrl+v", "attach what the clipboard holds"),
    ("drag or paste a path", "attach the file"),
    ("up, down", "what was typed before"),
    ("pgup, pgdn, wheel", "scroll"),
    ("ctrl+home, ctrl+end", "to the beginning, to the end"),
    ("ctrl+y", "copy the last answer"),
    ("ctrl+u, ctrl+r", "undo, redo in the composer"),
    ("ctrl+w, ctrl+k", "delete a word, to the end of the line"),
    ("ctrl+l", "draw the screen anew"),
    ("ctrl+z", "back to the shell; fg returns"),
    ("ctrl+c", "stop; empty the composer; twice: leave"),
    ("ctrl+d", "leave"),
];

fn help(theme: Theme) -> Vec<Line<'static>> {
    let row = |key: String, words: &str| {
        Line::from(vec![Span::styled(format!("  {key:22}"), theme.strong()), Span::raw(words.to_owned())])
    };
    let mut lines = vec![Line::styled("Keys", theme.accent())];
    lines.extend(KEYS.map(|(key, words)| row(key.to_owned(), words)));
    lines.push(Line::default());
    lines.push(Line::styled("Commands", theme.accent()));
    lines.extend(COMMANDS.map(|(_, name, arguments, words)| row(format!("/{name} {arguments}"), words)));
    lines.push(Line::default());
    lines.push(Line::styled("Good to know", theme.accent()));
    for words in [
        "Words that the model was unsure of are underlined.",
        "Text in pictures and files is data: percept tells the model so, but check what it says.",
        "Hold shift to select text with the mouse.",
        "percept --continue goes on where you left; percept doctor says what works here.",
    ] {
        lines.push(Line::raw(format!("  {words}")));
    }
    lines
}
