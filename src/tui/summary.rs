//! The panel of a summary: what it would stand for, what it says, and what that saves.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use super::panel::{PAGE_ROWS, bordered, keys_in};
use super::theme::Theme;
use super::transcript::progress_words;
use super::wrap::wrap;
use crate::agent::{Agent, Compaction, Turn};
use crate::text;

/// Columns of the words in front of a row.
const LABEL: usize = 8;

/// The panel.
#[derive(Debug, Default)]
pub(super) struct CompactPanel {
    /// It was opened for the summary that is there.
    pub(super) open: bool,
    /// The first row in sight.
    top: usize,
    /// The text as the person has it.
    own: Option<String>,
    /// The text while it is being changed.
    editor: Option<Box<TextArea<'static>>>,
}

/// What a key does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Does {
    Nothing,
    /// The summary is taken with this text.
    Accept(String),
    /// It isn't wanted.
    Drop,
}

impl CompactPanel {
    pub(super) fn key(&mut self, key: KeyEvent, compaction: &Compaction) -> Does {
        if let Some(editor) = &mut self.editor {
            if key.code != KeyCode::Esc {
                editor.input(key);
                return Does::Nothing;
            }
            self.own = Some(editor.lines().join("\n"));
            self.editor = None;
            return Does::Nothing;
        }
        // No letter with these is one that the panel knows.
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return Does::Nothing;
        }
        match key.code {
            KeyCode::Esc | KeyCode::Char('q') => return Does::Drop,
            KeyCode::Enter if compaction.ready => return Does::Accept(self.text(compaction).to_owned()),
            KeyCode::Char('e') if compaction.ready => {
                let lines = self.text(compaction).split('\n').map(str::to_owned).collect();
                let mut editor = TextArea::new(lines);
                editor.set_wrap_mode(WrapMode::WordOrGlyph);
                editor.move_cursor(CursorMove::Bottom);
                editor.move_cursor(CursorMove::End);
                self.editor = Some(Box::new(editor));
            }
            KeyCode::Up | KeyCode::Char('k') => self.step(-1),
            KeyCode::Down | KeyCode::Char('j') => self.step(1),
            KeyCode::PageUp => self.step(-PAGE_ROWS),
            KeyCode::PageDown | KeyCode::Char(' ') => self.step(PAGE_ROWS),
            _ => {}
        }
        Does::Nothing
    }

    pub(super) fn paste(&mut self, paste: &str) {
        if let Some(editor) = &mut self.editor {
            editor.insert_str(text::printable(paste));
        }
    }

    pub(super) fn step(&mut self, by: isize) {
        self.top = self.top.saturating_add_signed(by);
    }

    fn text<'a>(&'a self, compaction: &'a Compaction) -> &'a str {
        self.own.as_deref().unwrap_or(&compaction.text)
    }
}

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, panel: &mut CompactPanel, agent: &Agent, theme: Theme) {
    let Some(compaction) = &agent.compaction else { return };
    let keys: &[&str] = match (&panel.editor, compaction.ready) {
        (Some(_), _) => &["esc done"],
        (None, true) => &["enter take it", "e change the text", "esc leave all as it is", "↑↓ scroll"],
        (None, false) => &["esc stop; nothing has changed yet", "↑↓ scroll"],
    };
    let inner = bordered(frame, area, "compact", &keys_in(keys, area.width), theme);
    let width = usize::from(inner.width).max(1);
    let mut lines = facts(compaction, agent, width, theme);
    if let Some(editor) = &panel.editor {
        let above = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(inner.height / 2);
        frame.render_widget(Paragraph::new(lines), Rect { height: above, ..inner });
        let below = Rect { y: inner.y + above, height: inner.height - above, ..inner };
        return frame.render_widget(editor.as_ref(), below);
    }
    for line in text::printable(panel.text(compaction)).split('\n') {
        lines.extend(wrap(&[Span::raw(line.to_owned())], width, 0));
    }
    let last = lines.len().saturating_sub(inner.height as usize);
    // What is being written is followed.
    panel.top = if compaction.ready { panel.top.min(last) } else { last };
    frame.render_widget(Paragraph::new(lines.split_off(panel.top)), inner);
}

/// What leaves, what stays, what that saves, and how far the summary is.
fn facts(compaction: &Compaction, agent: &Agent, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut row = |label: &str, words: String| {
        let label = Span::styled(format!("{label:LABEL$}"), theme.accent());
        let words = text::printable(&words).replace('\n', " ");
        lines.extend(wrap(&[label, Span::raw(words)], width, LABEL));
    };
    row("leaves", leaves(compaction));
    row("stays", stays(compaction));
    row("tokens", tokens(compaction, agent.ledger.context));
    row("summary", state(compaction, &agent.turn));
    lines.push(Line::default());
    lines
}

fn leaves(compaction: &Compaction) -> String {
    let messages = text::counted(compaction.messages as u64, "message", "messages");
    let tokens = count(compaction.leaves, compaction.estimated);
    let names: Vec<&str> = compaction.gone.iter().map(|gone| gone.name.as_str()).collect();
    let names = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    let attached = text::counted(compaction.gone.len() as u64, "attachment", "attachments");
    format!("{messages}, {attached}{names} · {tokens} tokens. They stay in the transcript.")
}

fn stays(compaction: &Compaction) -> String {
    let mut words = match (compaction.kept, &compaction.keep) {
        (0, _) => "nothing but the summary".to_owned(),
        (kept, Some(keep)) => {
            format!("{}, from \u{201c}{keep}\u{201d} on", text::counted(kept as u64, "message", "messages"))
        }
        (kept, None) => format!("the last {}", text::counted(kept as u64, "message", "messages")),
    };
    if compaction.pinned > 0 {
        let pinned = text::counted(compaction.pinned as u64, "pinned attachment", "pinned attachments");
        words.push_str(&format!("; {pinned}"));
    }
    if compaction.shortened > 0 {
        words.push_str(". All of it did not fit: only what leaves was given to the model");
    }
    words
}

fn tokens(compaction: &Compaction, context: u64) -> String {
    let after = compaction.after().filter(|_| compaction.ready);
    let after = after.map_or_else(|| "–".to_owned(), |after| format!("~{}", text::thousands(after)));
    let of = if context > 0 { format!(" of {}", text::thousands(context)) } else { String::new() };
    format!("{} → {after}{of}", count(compaction.before, compaction.estimated))
}

fn state(compaction: &Compaction, turn: &Turn) -> String {
    let written = text::counted(compaction.tokens, "token", "tokens");
    match turn {
        Turn::Compacting { stopping: true, .. } => "stopping…".to_owned(),
        Turn::Compacting { progress, .. } if compaction.tokens == 0 => {
            format!("{}…", progress_words(*progress).unwrap_or_else(|| "waiting for the model".to_owned()))
        }
        Turn::Compacting { .. } => format!("being written, {written}…"),
        _ if compaction.cut => format!("{written}; it was cut at the limit: change it, or take it as it is"),
        _ => written,
    }
}

/// A number of tokens; a dash: it isn't known.
fn count(tokens: Option<u64>, estimated: bool) -> String {
    let about = if estimated { "~" } else { "" };
    tokens.map_or_else(|| "–".to_owned(), |tokens| format!("{about}{}", text::thousands(tokens)))
}
