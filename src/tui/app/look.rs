//! The log panel's place in the chat: what opens it, and what comes of it.

use std::sync::Arc;

use crossterm::event::{KeyEvent, KeyModifiers};
use ratatui_textarea::CursorMove;

use super::{Action, App};
use crate::agent::{Agent, ChipState};
use crate::attachment::{Attachment, AttachmentId, Medium};
use crate::digest::LogRecord;
use crate::message::{Role, Status};
use crate::text;
use crate::tui::log::{LogPanel, Looked, MOST_ANSWERS, Names, Reply};
use crate::tui::panel::{self, Panel};

/// Lines that are added to a question at once: more are better asked for.
const MOST_QUOTED: usize = 50;

/// Columns of one of them.
const MOST_QUOTED_COLUMNS: usize = 500;

/// Stands in front of a line that was added to a question.
pub(super) const QUOTE: &str = "> ";

/// What is attached and not taken out again.
fn attached(agent: &Agent) -> Vec<Attachment> {
    let items = panel::items(agent).into_iter().filter(|item| !item.is_removed());
    items.filter_map(|item| item.attachment).collect()
}

impl App {
    /// Opens the panel with the newest log, or the one of this name.
    pub(super) fn open_log(&mut self, name: &str, agent: &Agent) {
        let attached = attached(agent);
        let logs = || attached.iter().rev().filter(|one| one.is_log());
        let wanted = logs().find(|log| name.is_empty() || log.name == name);
        if let Some(log) = wanted {
            return self.show_log(&attached, &log.id);
        }
        let names: Vec<&str> = logs().map(|log| log.name.as_str()).collect();
        let taking = agent.chips.iter().any(|chip| matches!(chip.state, ChipState::Taking));
        self.said = Some(match names.is_empty() {
            false => format!("{name} is no attached log; there are: {}.", names.join(", ")),
            true if taking => "What is attached is still being read; try again when it is.".to_owned(),
            true => "No log is attached: type @ or /attach with a log or a folder of logs.".to_owned(),
        });
    }

    fn show_log(&mut self, attached: &[Attachment], id: &AttachmentId) {
        self.log = Some(LogPanel::templates(attached, id));
        self.panel = Some(Panel::Log);
    }

    /// Opens the panel with the log that is chosen among the attachments; false: it is none.
    pub(super) fn open_chosen_log(&mut self, agent: &Agent) -> bool {
        let Some(Panel::Attachments { selected }) = self.panel else { return false };
        let chosen = panel::items(agent).into_iter().nth(selected).and_then(|item| item.attachment);
        let Some(log) = chosen.filter(Attachment::is_log) else { return false };
        let mut all = attached(agent);
        if !all.iter().any(|one| one.id == log.id) {
            all.push(log.clone());
        }
        self.show_log(&all, &log.id);
        true
    }

    /// Opens the list of what the answers cite.
    pub(super) fn open_cites(&mut self, agent: &Agent) {
        let attached = attached(agent);
        let citable = attached.iter().any(|one| one.is_log() || one.is_table());
        // Where something was found, what the answers cite of it may still be looked up: the list
        // is filled when it is known.
        let documents = self.documents();
        if !citable && documents.standings.is_empty() && documents.found.is_empty() {
            self.said =
                Some("Nothing is attached whose lines could be cited, and no document was found.".to_owned());
            return;
        }
        let answers = agent.transcript.iter().rev().filter(|message| message.role == Role::Assistant);
        let answers = answers.filter(|message| message.status != Status::Streaming);
        let answers: Vec<String> = answers
            .map(|message| message.text())
            .filter(|text| !text.is_empty())
            .take(MOST_ANSWERS)
            .collect();
        if answers.is_empty() {
            self.said = Some("There is no answer yet that could cite something.".to_owned());
            return;
        }
        self.log = Some(LogPanel::cites(&attached, self.documents().clone(), answers));
        self.panel = Some(Panel::Log);
    }

    pub(super) fn close_log(&mut self) {
        self.panel = None;
        self.log = None;
    }

    pub(super) fn log_key(&mut self, key: KeyEvent) -> Vec<Action> {
        let Some(log) = self.log.as_mut() else {
            self.panel = None;
            return Vec::new();
        };
        // No letter with these is one that the panel knows.
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return Vec::new();
        }
        match log.key(key) {
            Reply::Stay => {}
            Reply::Close => self.close_log(),
            Reply::Help => self.show_help(),
            Reply::Look(look) => return vec![Action::Look(look)],
            Reply::Quote(lines) => self.quote(&lines),
            Reply::Open(opening) => return self.open_cited(opening),
            Reply::Say(words) => self.said = Some(words),
        }
        Vec::new()
    }

    /// Shows the help above a log, what was found, or the tree.
    pub(super) fn show_help(&mut self) {
        let behind =
            self.panel.take().filter(|panel| matches!(panel, Panel::Log | Panel::Find | Panel::Tree));
        self.behind = behind;
        self.panel = Some(Panel::Help { top: 0 });
    }

    /// Closes a panel; what the help lies above is there again.
    pub(super) fn close_panel(&mut self) {
        let help = matches!(self.panel, Some(Panel::Help { .. }));
        self.panel = self.behind.take().filter(|_| help);
    }

    /// What the open panel needs; a panel that was left is dropped, and with it what was
    /// looked up for it.
    pub(super) fn log_wanted(&mut self, agent: &Agent) -> Vec<Action> {
        if !matches!(self.panel, Some(Panel::Log | Panel::Help { .. })) {
            self.log = None;
        }
        let attached = attached(agent);
        let mut wanted = self.name(&attached);
        if let Some(log) = self.log.as_mut() {
            log.attached(&attached);
            wanted.extend(log.wanted().into_iter().filter(|id| !wanted.contains(id)).collect::<Vec<_>>());
        }
        wanted.into_iter().map(Action::ReadLog).collect()
    }

    /// Lets what is attached be recognised in answers. The names of several files are in the
    /// log's record: those that are to be read for that.
    fn name(&mut self, attached: &[Attachment]) -> Vec<AttachmentId> {
        if self.named.iter().any(|id| !attached.iter().any(|one| one.id == *id)) {
            self.named.clear();
            self.transcript.name(|names| *names = Names::default());
        }
        let mut wanted = Vec::new();
        for one in attached.iter().filter(|one| one.is_log() || one.is_table()) {
            if !self.named.insert(one.id.clone()) {
                continue;
            }
            match one.medium {
                Medium::Log { files: 2.., .. } => wanted.push(one.id.clone()),
                Medium::Log { .. } => self.transcript.name(|names| names.only_source(one)),
                _ => self.transcript.name(|names| names.table(one)),
            }
        }
        wanted
    }

    /// A log's record was read.
    pub(in crate::tui) fn log_read(&mut self, id: AttachmentId, read: Result<Arc<LogRecord>, String>) {
        if let (Ok(record), true) = (&read, self.named.contains(&id)) {
            self.transcript.name(|names| names.log(&id, None, &record.digest));
        }
        if let Some(log) = &mut self.log {
            log.record(id, read);
        }
    }

    /// Something was looked up.
    pub(in crate::tui) fn looked(&mut self, ticket: u64, looked: Result<Looked, String>) {
        if let Some(log) = &mut self.log {
            log.looked(ticket, looked);
        }
    }

    /// Adds lines to what is typed, each marked as a quote.
    fn quote(&mut self, lines: &[String]) {
        let quoted = lines
            .iter()
            .take(MOST_QUOTED)
            .map(|line| format!("{QUOTE}{}\n", text::end(line, MOST_QUOTED_COLUMNS)));
        let quoted: String = quoted.collect();
        self.composer.move_cursor(CursorMove::Bottom);
        self.composer.move_cursor(CursorMove::End);
        let fresh = self.composer.lines().last().is_none_or(String::is_empty);
        self.insert(&if fresh { quoted } else { format!("\n{quoted}") });
        self.said = Some(match lines.len() {
            1 => "1 line was added to the question.".to_owned(),
            count if count > MOST_QUOTED => {
                format!("The first {MOST_QUOTED} of {count} lines were added to the question.")
            }
            count => format!("{count} lines were added to the question."),
        });
    }
}
