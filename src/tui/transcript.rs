//! The conversation as lines, and which of them are in sight.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use super::growing::Growing;
use super::ledger::{self, Costs};
use super::log::{Names, mark};
use super::markdown;
use super::step;
use super::theme::Theme;
use super::wrap::wrap;
use crate::agent::{Agent, NoticeLevel, Step, Turn, window};
use crate::attachment::{Attachment, Medium};
use crate::message::{Message, MessageId, Part, Role, Span as Unsure, Status, Summary};
use crate::text;
use crate::wire::Stage;

/// Columns in front of what someone says.
const INDENT: usize = 2;

/// Columns of a recording's waveform.
const WAVE_COLUMNS: usize = 16;

type Lines = Arc<Vec<Line<'static>>>;

/// Lines, and the columns to put in front of each.
type Block = (Lines, usize);

/// The lines of the conversation, kept from one frame to the next.
#[derive(Default)]
pub(super) struct Transcript {
    cache: HashMap<MessageId, (Key, Lines)>,
    /// The answer that is being streamed, at a width.
    growing: Option<(MessageId, usize, Growing)>,
    /// The first line in sight; `None`: the end is.
    top: Option<usize>,
    total: usize,
    /// The outputs of tools are shown whole.
    unfolded: bool,
    /// What can be cited.
    names: Names,
    /// Lines in sight at the last frame.
    pub(super) height: usize,
}

/// What stands behind the name of who speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Mark {
    /// Which of how many versions it is.
    version: Option<(usize, usize)>,
    /// It is being edited.
    edited: bool,
}

/// What a message's lines depend on.
#[derive(PartialEq)]
struct Key {
    mark: Mark,
    width: usize,
    unfolded: bool,
    bytes: usize,
    status: Status,
    removed: usize,
    stats: bool,
    /// Tokens of the attachments, and whether they are in the cache.
    costs: Vec<Option<(u64, bool)>>,
}

impl Transcript {
    pub(super) fn follow(&mut self) {
        self.top = None;
    }

    pub(super) fn up(&mut self, lines: usize) {
        let last = self.total.saturating_sub(self.height);
        let top = self.top.unwrap_or(last).saturating_sub(lines);
        self.top = (last > 0).then_some(top);
    }

    pub(super) fn down(&mut self, lines: usize) {
        let last = self.total.saturating_sub(self.height);
        let top = self.top.map(|top| top.saturating_add(lines));
        self.top = top.filter(|top| *top < last);
    }

    /// What can be cited changes: it is underlined in the answers.
    pub(super) fn name(&mut self, change: impl FnOnce(&mut Names)) {
        change(&mut self.names);
        self.cache.clear();
    }

    /// Shows the outputs of tools whole, or folds them again.
    pub(super) fn unfold(&mut self) {
        self.unfolded = !self.unfolded;
    }

    /// Whether there is more below what is in sight.
    pub(super) fn more_below(&self) -> bool {
        self.top.is_some()
    }

    /// The lines in sight.
    pub(super) fn lines(
        &mut self,
        agent: &Agent,
        width: usize,
        height: usize,
        theme: Theme,
    ) -> Vec<Line<'static>> {
        let costs = Costs::of(agent);
        let mut blocks: Vec<Block> = Vec::new();
        let tree = (!agent.beside.is_empty()).then(|| agent.tree());
        let begins = window::summary_of(&agent.transcript);
        for (place, message) in agent.transcript.iter().enumerate() {
            if let Some((_, covered)) = begins.filter(|(_, covered)| *covered == place) {
                blocks.push((Arc::new(window_begins(covered, width, theme)), 0));
            }
            let version = tree.as_ref().and_then(|tree| tree.version(message.id));
            let mark = Mark { version, edited: agent.editing() == Some(message.id) };
            match streamed(message) {
                Some((text, unsure)) => {
                    let header = header(message, mark, theme);
                    blocks.push((Arc::new(vec![header]), 0));
                    blocks.extend(self.grow(message, text, unsure, width, theme));
                }
                None => blocks.push((self.message(message, &costs, mark, width, theme), 0)),
            }
        }
        self.forget(agent);
        blocks.push((Arc::new(tail(agent, width, theme)), 0));
        self.total = blocks.iter().map(|(lines, _)| lines.len()).sum();
        self.height = height;
        let last = self.total.saturating_sub(height);
        let top = self.top.filter(|top| *top < last).unwrap_or(last);
        if top == last {
            self.top = None;
        }
        in_sight(&blocks, top, height)
    }

    /// Drops what is kept of messages that are no longer shown.
    fn forget(&mut self, agent: &Agent) {
        if self.cache.len() > agent.transcript.len() {
            let shown: HashSet<MessageId> = agent.transcript.iter().map(|message| message.id).collect();
            self.cache.retain(|id, _| shown.contains(id));
        }
        if !agent.transcript.last().is_some_and(|last| last.status == Status::Streaming) {
            self.growing = None;
        }
    }

    fn message(&mut self, message: &Message, costs: &Costs, at: Mark, width: usize, theme: Theme) -> Lines {
        let key = Key { mark: at, ..key_of(message, costs, self.unfolded, width) };
        match self.cache.get(&message.id) {
            Some((known, lines)) if *known == key => Arc::clone(lines),
            _ => {
                let mut lines = message_lines(message, costs, !self.unfolded, width, theme);
                if let Some(first) = lines.first_mut() {
                    *first = header(message, at, theme);
                }
                if message.role == Role::Assistant {
                    mark(&mut lines, &message.text(), &self.names, theme);
                }
                let lines = Arc::new(lines);
                self.cache.insert(message.id, (key, Arc::clone(&lines)));
                lines
            }
        }
    }

    /// An answer that is being streamed: its settled lines are not touched again.
    fn grow(
        &mut self,
        message: &Message,
        text: &str,
        unsure: &[Unsure],
        width: usize,
        theme: Theme,
    ) -> [Block; 2] {
        let known = self.growing.take().filter(|(id, at, _)| (*id, *at) == (message.id, width));
        let (_, _, growing) =
            self.growing.insert(known.unwrap_or_else(|| (message.id, width, Growing::default())));
        let (settled, mut rest) = growing.render(text, unsure, width.saturating_sub(INDENT), theme);
        rest.push(Line::default());
        [(settled, INDENT), (Arc::new(rest), INDENT)]
    }
}

/// The lines from `top` on.
fn in_sight(blocks: &[Block], top: usize, height: usize) -> Vec<Line<'static>> {
    let mut skipped = 0;
    let mut lines = Vec::with_capacity(height);
    for (block, indent) in blocks {
        let from = top.saturating_sub(skipped).min(block.len());
        let room = height - lines.len();
        lines.extend(block[from..].iter().take(room).cloned().map(|line| indented_line(line, *indent)));
        skipped += block.len();
    }
    lines
}

/// The text of an answer that is being streamed.
fn streamed(message: &Message) -> Option<(&str, &[Unsure])> {
    match message.parts.as_slice() {
        [Part::Text { text, unsure }]
            if message.status == Status::Streaming && message.role == Role::Assistant =>
        {
            Some((text, unsure))
        }
        _ => None,
    }
}

fn key_of(message: &Message, costs: &Costs, unfolded: bool, width: usize) -> Key {
    let removed = |part: &&Part| matches!(part, Part::Attachment { removed: true, .. });
    let cost = |(number, part): (usize, &Part)| match part {
        Part::Attachment { .. } => Some(costs.get(message.id, number).map(|row| (row.tokens, row.cached))),
        Part::Text { .. } | Part::Summary(_) | Part::ToolCall(_) | Part::ToolResult(_) => None,
    };
    Key {
        mark: Mark::default(),
        width,
        unfolded,
        bytes: message
            .parts
            .iter()
            .map(|part| match part {
                Part::Text { text, .. } => text.len(),
                Part::Summary(summary) => summary.text.len(),
                Part::ToolResult(result) => result.text.len() + result.shown.len() + result.leave.len(),
                Part::Attachment { .. } | Part::ToolCall(_) => 1,
            })
            .sum(),
        status: message.status.clone(),
        removed: message.parts.iter().filter(removed).count(),
        stats: message.stats.is_some(),
        costs: message.parts.iter().enumerate().filter_map(cost).collect(),
    }
}

fn message_lines(
    message: &Message,
    costs: &Costs,
    folded: bool,
    width: usize,
    theme: Theme,
) -> Vec<Line<'static>> {
    let room = width.saturating_sub(INDENT);
    let mut lines = vec![Line::default()];
    for (number, part) in message.parts.iter().enumerate() {
        match part {
            Part::Attachment { attachment, removed, .. } => {
                let style =
                    if *removed { theme.dim().add_modifier(Modifier::CROSSED_OUT) } else { theme.dim() };
                let cost = ledger::words(costs.get(message.id, number), costs.estimated());
                let about = format!("{}{cost}", about(attachment));
                lines.extend(indented(wrap(&[Span::styled(about, style)], room, 2)));
            }
            Part::Text { text, .. } if message.role == Role::User => {
                for line in text::printable(text).split('\n') {
                    lines.extend(indented(wrap(&[Span::raw(line.to_owned())], room, 0)));
                }
            }
            Part::Text { text, unsure } => {
                lines.extend(indented(markdown::render(text, unsure, room, theme)))
            }
            Part::Summary(summary) => lines.extend(indented(summarised(summary, room, theme))),
            Part::ToolCall(call) => {
                let said =
                    if call.leaked { "the call came as plain text, and was taken out of it" } else { "" };
                if !said.is_empty() {
                    lines.extend(indented(wrap(&[Span::styled(said, theme.dim())], room, 0)));
                }
            }
            Part::ToolResult(result) if step::finds(result) => {
                lines.extend(indented(step::found(result, folded, room, theme)));
            }
            Part::ToolResult(result) => {
                lines.extend(indented(step::lines(result, folded, room, theme)));
            }
        }
    }
    if let Status::Interrupted { why } = &message.status {
        lines.extend(indented(wrap(&[Span::styled(format!("({why})"), theme.error())], room, 1)));
    }
    lines.push(Line::default());
    lines
}

/// A summary, and what was attached to the messages that it stands for.
fn summarised(summary: &Summary, room: usize, theme: Theme) -> Vec<Line<'static>> {
    let mut lines = markdown::render(&summary.text, &[], room, theme);
    for gone in &summary.gone {
        let mark = if gone.picture { "▣" } else { "≡" };
        let about = gone.about.as_ref().map_or(String::new(), |about| format!(": {about}"));
        let words = text::printable(&format!("{mark} {}{about}", gone.name)).replace('\n', " ");
        lines.extend(wrap(&[Span::styled(words, theme.dim())], room, 2));
    }
    lines
}

/// The line above the first message that the model gets as it is.
fn window_begins(messages: usize, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let above = text::counted(messages as u64, "message", "messages");
    let said = format!("── the window begins here; the model has the {above} above as a summary ");
    let fill = "─".repeat(width.saturating_sub(said.width()));
    vec![Line::styled(text::end(&format!("{said}{fill}"), width), theme.dim()), Line::default()]
}

/// Who speaks, what it cost, and which version it is.
fn header(message: &Message, mark: Mark, theme: Theme) -> Line<'static> {
    let mut line = speaker(message, theme);
    let version = mark.version.map(|(one, of)| Span::styled(format!(" ‹{one}/{of}›"), theme.dim()));
    let edited = mark.edited.then(|| Span::styled(" editing", theme.strong()));
    let marks: Vec<Span<'_>> = version.into_iter().chain(edited).collect();
    // Behind the name: what is behind that may be cut.
    let at = line.spans.len().min(1);
    line.spans.splice(at..at, marks);
    line
}

fn speaker(message: &Message, theme: Theme) -> Line<'static> {
    match message.role {
        Role::User => Line::from(Span::styled("you", theme.accent())),
        Role::System if message.summary().is_some() => Line::from(Span::styled("summary", theme.strong())),
        Role::Tool if message.result().is_some_and(step::finds) => {
            message.result().map(|result| step::found_header(result, theme)).unwrap_or_default()
        }
        Role::Tool => {
            Line::styled(message.result().map_or("tool", |result| &result.name).to_owned(), theme.strong())
        }
        _ => {
            let cost = message.stats.as_ref().map_or(String::new(), |stats| {
                let speed = match stats.tokens_per_second {
                    speed if speed > 0.0 => format!(" · {speed:.0} tok/s"),
                    _ => String::new(),
                };
                let seconds = |ms: f64| format!("{:.2} s", ms / 1000.0);
                let looked = match stats.encode_ms {
                    ms if ms > 0.0 => format!(" (looked for {})", seconds(ms)),
                    _ => String::new(),
                };
                format!(
                    "  {} · first word after {}{looked}{speed}",
                    stats.model,
                    seconds(stats.first_token_ms)
                )
            });
            Line::from(vec![Span::styled("percept", theme.accent()), Span::styled(cost, theme.dim())])
        }
    }
}

fn indented(lines: Vec<Line<'static>>) -> impl Iterator<Item = Line<'static>> {
    lines.into_iter().map(|line| indented_line(line, INDENT))
}

fn indented_line(mut line: Line<'static>, columns: usize) -> Line<'static> {
    if columns > 0 {
        line.spans.insert(0, Span::raw(" ".repeat(columns)));
    }
    line
}

/// An attachment in a line.
pub(super) fn about(attachment: &Attachment) -> String {
    let name = &attachment.name;
    match &attachment.medium {
        Medium::Image { width, height, .. } => format!("▣ {name} {width}×{height}"),
        Medium::Text { lines, note, .. } => {
            let note = note.as_ref().map_or(String::new(), |note| format!(" · {note}"));
            format!("≡ {name} {} lines{note}", text::thousands(*lines))
        }
        Medium::Log { lines, templates, files, note, .. } => {
            let files =
                if *files > 1 { format!("{} files ", text::thousands(*files)) } else { String::new() };
            let note = note.as_ref().map_or(String::new(), |note| format!(" · {note}"));
            let (lines, templates) = (text::thousands(*lines), text::thousands(*templates));
            format!("≡ {name} {files}{lines} lines → {templates} templates{note}")
        }
        Medium::Table { rows, columns, note, .. } => {
            let note = note.as_ref().map_or(String::new(), |note| format!(" · {note}"));
            format!("⊞ {name} {} rows × {columns}{note}", text::thousands(*rows))
        }
        Medium::Recording { duration_ms, waveform, frames, note, .. } => {
            let note = note.as_ref().map_or(String::new(), |note| format!(" · {note}"));
            let pictures = match frames.len() as u64 {
                0 => String::new(),
                count => format!(" · {}", text::counted(count, "picture", "pictures")),
            };
            let wave = text::bars(waveform, WAVE_COLUMNS);
            format!("♪ {name} {} {wave}{pictures}{note}", text::clock(*duration_ms))
        }
    }
}

/// What is going on, in words; `None` if nothing is.
pub(super) fn progress_words(progress: Option<(Stage, u64, u64)>) -> Option<String> {
    let (stage, done, total) = progress?;
    Some(match stage {
        Stage::Encoding => format!("looking at picture {} of {}", (done + 1).min(total.max(1)), total.max(1)),
        Stage::Prefill => format!("reading {} of {} tokens", text::thousands(done), text::thousands(total)),
        Stage::Loading => format!("loading {}%", done / 10),
        Stage::Transcribing => "listening".to_owned(),
        Stage::Embedding => "finding vectors".to_owned(),
    })
}

/// What stands below the last message: what is waited for, and the notices.
fn tail(agent: &Agent, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let room = width.saturating_sub(INDENT);
    let mut lines = Vec::new();
    let waiting = match &agent.turn {
        Turn::Sending { .. } => Some(match agent.chips.iter().find(|chip| chip.is_taking()) {
            Some(chip) => format!("waiting for {} to be read", text::printable(&chip.name)),
            None => "waiting for the model".to_owned(),
        }),
        Turn::Answering { progress, .. } => progress_words(*progress),
        Turn::Compacting { progress, .. } => {
            Some(progress_words(*progress).unwrap_or_else(|| "summing up".to_owned()))
        }
        Turn::Acting { step: Step::Asking(_), .. } | Turn::Idle | Turn::Prefilling { .. } => None,
        Turn::Acting { step, stopping, .. } => Some(step::words(step, *stopping)),
    };
    if let Turn::Acting { step: Step::Running { says, .. }, .. } = &agent.turn
        && !says.is_empty()
    {
        let line = format!("  │ {}", text::end(says, room.saturating_sub(2).max(1)));
        lines.push(Line::styled(line, theme.dim()));
    }
    if let Some(waiting) = waiting {
        lines.push(Line::styled(format!("  {waiting}…"), theme.dim()));
        lines.push(Line::default());
    }
    for notice in &agent.notices {
        let (mark, style) = match notice.level {
            NoticeLevel::Info => ("· ", theme.dim()),
            NoticeLevel::Error => ("! ", theme.error()),
        };
        lines.extend(wrap(
            &[Span::styled(format!("{mark}{}", text::printable(&notice.text)), style)],
            room,
            2,
        ));
    }
    lines
}
