//! The panels: shown only when asked for, one at a time, over the transcript.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};
use unicode_width::UnicodeWidthStr;

use super::app::{Action, App};
use super::attached;
use super::help::{HELP_ROWS, help};
use super::index;
use super::ledger::DRAFT;
use super::pick::{copyables, is_code};
use super::theme::Theme;
use super::wrap::wrap;
use crate::agent::{Agent, ChipState, Event, window};
use crate::attachment::Attachment;
use crate::message::{MessageId, Part};
use crate::text;
use crate::tools::mcp::ServerState;

/// A panel and the row that is chosen in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Panel {
    Help {
        top: usize,
    },
    Sessions {
        selected: usize,
    },
    Models {
        selected: usize,
    },
    Attachments {
        selected: usize,
    },
    Copy {
        selected: usize,
    },
    Tools {
        top: usize,
    },
    Permissions {
        selected: usize,
    },
    /// Kept in [`App`], drawn and led by [`super::log`].
    Log,
    /// Kept in [`App`], drawn and led by [`super::find`].
    Find,
    /// Kept in [`App`], drawn and led by [`super::tree`].
    Tree,
    Index {
        top: usize,
    },
    /// Kept in [`App`], drawn and led by [`super::summary`].
    Compact,
    /// Kept in [`App`], drawn and led by [`super::crop`].
    Crop,
}

/// More rows than the panel of the index has: it is cut where it is drawn.
const MOST_INDEX_ROWS: usize = 10_000;

/// Rows that a page up or down moves.
pub(super) const PAGE_ROWS: isize = 10;

/// Something that is attached: to a message that was sent, or to the next one.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) attachment: Option<Attachment>,
    place: Place,
    /// Where the ledger knows it.
    pub(super) part: Option<(MessageId, usize)>,
}

impl Item {
    /// What takes it out of what the model gets.
    pub(super) fn taken_out(&self) -> Option<Event> {
        match self.place {
            Place::Sent { removed: true, .. } => None,
            Place::Sent { message, part, .. } => Some(Event::Remove { message, part }),
            Place::Chip { ticket } => Some(Event::Detach(ticket)),
        }
    }

    /// What pins it, or lets it go; `None`: it isn't sent yet.
    pub(super) fn pin(&self) -> Option<Event> {
        match self.place {
            Place::Sent { message, part, .. } => Some(Event::Pin { message, part }),
            Place::Chip { .. } => None,
        }
    }

    pub(super) fn is_sent(&self) -> bool {
        matches!(self.place, Place::Sent { .. })
    }

    pub(super) fn is_pinned(&self) -> bool {
        matches!(self.place, Place::Sent { pinned: true, .. })
    }

    /// Whether a summary stands for its message.
    pub(super) fn has_left(&self, agent: &Agent) -> bool {
        let Place::Sent { message, .. } = self.place else { return false };
        let covered = window::summary_of(&agent.transcript).map_or(0, |(_, covered)| covered);
        agent.transcript[..covered].iter().any(|one| one.id == message)
    }

    /// Whether it was taken out of what the model gets.
    pub(super) fn is_removed(&self) -> bool {
        matches!(self.place, Place::Sent { removed: true, .. })
    }
}

enum Place {
    Sent { message: MessageId, part: usize, removed: bool, pinned: bool },
    Chip { ticket: u64 },
}

/// All attachments, the oldest first.
pub(super) fn items(agent: &Agent) -> Vec<Item> {
    let sent = agent.transcript.iter().flat_map(|message| {
        message.parts.iter().enumerate().filter_map(|(part, what)| match what {
            Part::Attachment { attachment, removed, pinned } => Some(Item {
                name: attachment.name.clone(),
                attachment: Some(attachment.clone()),
                place: Place::Sent { message: message.id, part, removed: *removed, pinned: *pinned },
                part: Some((message.id, part)),
            }),
            Part::Text { .. } | Part::Summary(_) | Part::ToolCall(_) | Part::ToolResult(_) => None,
        })
    });
    let mut read = 0..;
    let chips = agent.chips.iter().map(move |chip| {
        let attachment = match &chip.state {
            ChipState::Taken { attachment, .. } => Some((**attachment).clone()),
            ChipState::Taking | ChipState::Reading { .. } | ChipState::Failed { .. } => None,
        };
        let part = attachment.as_ref().and_then(|_| Some((DRAFT, read.next()?)));
        Item { name: chip.name.clone(), attachment, place: Place::Chip { ticket: chip.ticket }, part }
    });
    sent.chain(chips).collect()
}

impl Panel {
    /// How many rows can be chosen (or scrolled) in it.
    pub(super) fn rows(&self, agent: &Agent, models: &[String]) -> usize {
        match self {
            Self::Help { .. } => HELP_ROWS,
            Self::Sessions { .. } => agent.sessions.len(),
            Self::Models { .. } => models.len(),
            Self::Attachments { .. } => items(agent).len(),
            Self::Copy { .. } => copyables(agent).len(),
            Self::Tools { .. } => tool_rows(agent),
            Self::Permissions { .. } => agent.tools.allowed.len(),
            Self::Index { .. } => MOST_INDEX_ROWS,
            Self::Log | Self::Find | Self::Tree | Self::Compact | Self::Crop => 0,
        }
    }

    /// Moves the choice; stays within the rows.
    pub(super) fn step(&mut self, by: isize, rows: usize) {
        let (Self::Help { top: at }
        | Self::Sessions { selected: at }
        | Self::Models { selected: at }
        | Self::Attachments { selected: at }
        | Self::Copy { selected: at }
        | Self::Tools { top: at }
        | Self::Index { top: at }
        | Self::Permissions { selected: at }) = self
        else {
            return;
        };
        *at = at.saturating_add_signed(by).min(rows.saturating_sub(1));
    }

    /// What Enter does.
    pub(super) fn choose(&self, agent: &Agent, models: &[String]) -> Option<Action> {
        match self {
            Self::Sessions { selected } => {
                agent.sessions.get(*selected).map(|session| Action::Tell(Event::OpenSession(session.id)))
            }
            Self::Models { selected } => {
                models.get(*selected).map(|name| Action::Tell(Event::UseModel(name.clone())))
            }
            Self::Copy { selected } => {
                copyables(agent).get(*selected).map(|one| Action::Copy(one.text.clone()))
            }
            Self::Help { .. }
            | Self::Attachments { .. }
            | Self::Tools { .. }
            | Self::Permissions { .. }
            | Self::Index { .. }
            | Self::Log
            | Self::Find
            | Self::Tree
            | Self::Compact
            | Self::Crop => None,
        }
    }

    /// What Delete does: takes an attachment out, or puts it back; takes a permission away; puts a
    /// conversation into the bin.
    pub(super) fn remove(&self, agent: &Agent) -> Option<Event> {
        if let Self::Permissions { selected } = self {
            return agent.tools.allowed.get(*selected).map(|one| Event::Revoke(one.allowed.clone()));
        }
        if let Self::Sessions { selected } = self {
            return agent.sessions.get(*selected).map(|session| Event::RemoveSession(session.id));
        }
        let Self::Attachments { selected } = self else { return None };
        match items(agent).get(*selected)?.place {
            Place::Sent { message, part, .. } => Some(Event::Remove { message, part }),
            Place::Chip { ticket } => Some(Event::Detach(ticket)),
        }
    }
}

/// Draws the panel over the transcript.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, app: &mut App, agent: &Agent) {
    if let (Some(Panel::Log), Some(log)) = (&app.panel, &mut app.log) {
        return super::log::draw(frame, area, log, app.theme);
    }
    if app.panel == Some(Panel::Find) {
        return super::find::draw(frame, area, &mut app.find, app.theme);
    }
    if let (Some(Panel::Tree), Some(tree)) = (&app.panel, &mut app.tree) {
        return super::tree::draw(frame, area, tree, agent, app.theme);
    }
    if app.panel == Some(Panel::Compact) {
        return super::summary::draw(frame, area, &mut app.compact, agent, app.theme);
    }
    if let (Some(Panel::Crop), Some(crop)) = (&app.panel, &app.crop) {
        return super::crop::draw(frame, area, crop, app.theme);
    }
    let Some(panel) = &mut app.panel else { return };
    // Something may have gone since the choice was moved.
    panel.step(0, panel.rows(agent, &app.models));
    let panel = panel.clone();
    let theme = app.theme;
    let (title, keys) = match panel {
        Panel::Help { .. } => ("help", "↑↓ scroll · esc close"),
        Panel::Sessions { .. } => ("conversations", "↑↓ choose · enter open · d remove · u undo · esc close"),
        Panel::Models { .. } => ("models", "↑↓ choose · enter load · esc close"),
        Panel::Attachments { .. } => {
            ("attachments", "d take out or back · p pin · c a part of a picture · enter open a log · esc")
        }
        Panel::Copy { .. } => ("copy", "↑↓ choose · enter copy · esc close"),
        Panel::Tools { .. } => ("tools", "↑↓ scroll · esc close"),
        Panel::Permissions { .. } => ("what you allowed", "↑↓ choose · d take back · esc close"),
        Panel::Index { .. } => ("index", "↑↓ scroll · esc close"),
        Panel::Log | Panel::Find | Panel::Tree | Panel::Compact | Panel::Crop => return,
    };
    let inner = bordered(frame, area, title, keys, theme);
    match panel {
        Panel::Help { top } => {
            let lines = help(theme);
            let top = top.min(lines.len().saturating_sub(inner.height as usize));
            app.panel = Some(Panel::Help { top });
            frame.render_widget(Paragraph::new(lines.into_iter().skip(top).collect::<Vec<_>>()), inner);
        }
        Panel::Sessions { selected } => list(frame, inner, selected, sessions(agent, theme), theme),
        Panel::Models { selected } => list(frame, inner, selected, models(app, agent), theme),
        Panel::Attachments { selected } => attached::draw(frame, inner, selected, app, agent),
        Panel::Copy { selected } => list(frame, inner, selected, answers(agent, inner.width, theme), theme),
        Panel::Tools { top } => {
            let lines = tools(agent, inner.width, theme);
            let top = top.min(lines.len().saturating_sub(inner.height as usize));
            app.panel = Some(Panel::Tools { top });
            frame.render_widget(Paragraph::new(lines.into_iter().skip(top).collect::<Vec<_>>()), inner);
        }
        Panel::Index { top } => {
            let (status, progress) = (app.index.status.as_ref(), app.index.progress.as_ref());
            let lines = index::lines(status, progress, usize::from(inner.width), theme);
            let top = top.min(lines.len().saturating_sub(inner.height as usize));
            app.panel = Some(Panel::Index { top });
            frame.render_widget(Paragraph::new(lines.into_iter().skip(top).collect::<Vec<_>>()), inner);
        }
        Panel::Permissions { selected } => {
            list(frame, inner, selected, permissions(agent, inner.width), theme)
        }
        Panel::Log | Panel::Find | Panel::Tree | Panel::Compact | Panel::Crop => {}
    }
}

/// Clears an area and draws a border with a title and keys around what is to be drawn there.
pub(super) fn bordered(frame: &mut Frame<'_>, area: Rect, title: &str, keys: &str, theme: Theme) -> Rect {
    frame.render_widget(Clear, area);
    let block = Block::bordered()
        .title(Span::styled(format!(" {title} "), theme.accent()))
        .title_bottom(Span::styled(format!(" {keys} "), theme.dim()))
        .border_style(theme.dim());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    inner
}

/// As many of the keys as there is room for.
pub(super) fn keys_in(keys: &[&str], width: u16) -> String {
    let mut shown = String::new();
    for key in keys {
        let dot = if shown.is_empty() { "" } else { " · " };
        if shown.width() + dot.len() + key.width() + 4 > usize::from(width) {
            break;
        }
        shown.push_str(dot);
        shown.push_str(key);
    }
    shown
}

/// A list with the chosen row in sight.
pub(super) fn list(
    frame: &mut Frame<'_>,
    area: Rect,
    selected: usize,
    rows: Vec<Line<'static>>,
    theme: Theme,
) {
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
            Span::styled(session.tags.iter().map(|tag| format!("  #{tag}")).collect::<String>(), theme.dim()),
        ])
    };
    agent.sessions.iter().map(row).collect()
}

fn models(app: &App, agent: &Agent) -> Vec<Line<'static>> {
    let current = agent.model.as_ref().map(|model| model.name.as_str());
    let mark = |name: &String| if Some(name.as_str()) == current { "●" } else { " " };
    app.models.iter().map(|name| Line::raw(format!("{} {name}", mark(name)))).collect()
}

/// The answers and code blocks with the numbers that `/copy` takes, and how each begins.
fn answers(agent: &Agent, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let row = |one: &super::pick::Copyable| {
        let begin = one.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let begin = text::printable(begin).replace('\t', " ");
        let style = if is_code(one) { theme.code() } else { theme.plain() };
        let name = format!(" {:>8}  ", one.name);
        let room = usize::from(width).saturating_sub(name.len());
        Line::from(vec![Span::styled(name, theme.dim()), Span::styled(text::end(&begin, room), style)])
    };
    copyables(agent).iter().map(row).collect()
}

/// More rows than the lines of the tools' panel can be: it is cut where it is drawn.
fn tool_rows(agent: &Agent) -> usize {
    const LINES_OF_ONE: usize = 8;
    (agent.tools.tools.len() + agent.tools.problems.len() + agent.tools.servers.len()) * LINES_OF_ONE
}

/// The tools, each with what it may do and whether it is offered.
fn tools(agent: &Agent, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let width = usize::from(width).max(1);
    let mut lines = Vec::new();
    for problem in &agent.tools.problems {
        lines.extend(wrap(
            &[Span::styled(format!("! {}", text::printable(problem)), theme.error())],
            width,
            2,
        ));
    }
    for server in &agent.tools.servers {
        let state = match &server.state {
            ServerState::Off => "off".to_owned(),
            ServerState::Starting => "starting".to_owned(),
            ServerState::Ready => format!("{} tools, {} resources", server.tools, server.resources),
            ServerState::Failed { why, retry_in: Some(_) } => format!("{why}. It is being started again."),
            ServerState::Failed { why, retry_in: None } => {
                format!("{why}. /restart {} tries again.", server.name)
            }
        };
        // What failed names its server.
        let failed = matches!(server.state, ServerState::Failed { .. });
        let name = if failed { "! ".to_owned() } else { format!("MCP server {}: ", server.name) };
        let words = format!("{name}{}", text::printable(&state));
        let style = if failed { theme.error() } else { theme.plain() };
        lines.extend(wrap(&[Span::styled(words, style)], width, 4));
    }
    for tool in &agent.tools.tools {
        let (mark, style) = if tool.off.is_some() { ("○", theme.dim()) } else { ("●", theme.strong()) };
        let leave = tool.off.as_ref().unwrap_or(&tool.leave);
        let head = [
            Span::styled(format!("{mark} {}", text::printable(&tool.name)), style),
            Span::styled(format!("  {} · {leave}", text::printable(&tool.from)), theme.dim()),
        ];
        lines.extend(wrap(&head, width, 4));
        let about = text::printable(&tool.description).replace('\n', " ");
        lines.push(Line::raw(format!("  {}", text::end(&about, width.saturating_sub(2).max(1)))));
    }
    if lines.is_empty() {
        lines.push(Line::styled("There are no tools ([tools] enabled).", theme.dim()));
    }
    lines
}

fn permissions(agent: &Agent, width: u16) -> Vec<Line<'static>> {
    let row = |(number, one): (usize, &crate::tools::Remembered)| {
        let lasts = if number < agent.tools.for_good { "" } else { "this session: " };
        let shown = text::printable(&format!("{lasts}{one}")).replace('\n', " ");
        Line::raw(text::end(&shown, usize::from(width).max(1)))
    };
    agent.tools.allowed.iter().enumerate().map(row).collect()
}
