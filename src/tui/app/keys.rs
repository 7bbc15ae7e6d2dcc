//! What the keys mean.

use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{Action, App};
use crate::agent::{Agent, EngineState, Event, Turn};
use crate::intake::Given;
use crate::tools::Plan;
use crate::tui::approval::Answer;
use crate::tui::command::{self, Parsed};
use crate::tui::complete::{Kind, expand};
use crate::tui::panel::{self, PAGE_ROWS, Panel};

impl App {
    pub(super) fn key(&mut self, key: KeyEvent, agent: &Agent) -> Vec<Action> {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let leaving = std::mem::take(&mut self.leaving);
        if let Some(actions) = self.dictate_key(key, leaving, Instant::now()) {
            return actions;
        }
        match key.code {
            KeyCode::Char('c') if ctrl => return self.interrupt(agent, leaving),
            KeyCode::Char('z') if ctrl => return vec![Action::Suspend],
            KeyCode::Char('l') if ctrl => return vec![Action::Redraw],
            KeyCode::F(1) => {
                self.show_help();
                return Vec::new();
            }
            // Once more puts it away again.
            KeyCode::F(2 | 3) if self.panel == Some(Panel::Log) => {
                self.close_log();
                return Vec::new();
            }
            KeyCode::F(4) if self.panel == Some(Panel::Find) => {
                self.close_find();
                return Vec::new();
            }
            KeyCode::F(4) => return self.open_find(""),
            KeyCode::F(2) => {
                self.open_log("", agent);
                return Vec::new();
            }
            KeyCode::F(3) => {
                self.open_cites(agent);
                return Vec::new();
            }
            _ => {}
        }
        if self.panel == Some(Panel::Compact) {
            return self.compact_key(key, agent);
        }
        if self.panel == Some(Panel::Crop) {
            return self.crop_key(key);
        }
        if self.panel == Some(Panel::Log) {
            return self.log_key(key);
        }
        if self.panel == Some(Panel::Find) {
            return self.find_key(key, agent);
        }
        if self.panel == Some(Panel::Tree) {
            return self.tree_key(key, agent);
        }
        if self.panel.is_some() {
            return self.panel_key(key, agent);
        }
        if ctrl && key.code == KeyCode::Char('o') {
            self.transcript.unfold();
            return Vec::new();
        }
        if let Some((_, plan)) = agent.asking() {
            return self.approval_key(key, plan, agent);
        }
        if self.completion.is_some()
            && let Some(actions) = self.completion_key(key)
        {
            return actions;
        }
        match self.chat_key(key, ctrl, agent) {
            Some(actions) => actions,
            None => {
                if self.composer.input(key) {
                    self.unsaved = true;
                }
                self.recomplete();
                Vec::new()
            }
        }
    }

    /// Keys while a call asks.
    fn approval_key(&mut self, key: KeyEvent, plan: &Plan, agent: &Agent) -> Vec<Action> {
        let page = self.page();
        let Some(approval) = self.asks(agent) else { return Vec::new() };
        match key.code {
            KeyCode::Char('?') if !approval.types() => self.panel = Some(Panel::Help { top: 0 }),
            KeyCode::PageUp if !approval.scrolls() => self.transcript.up(page),
            KeyCode::PageDown if !approval.scrolls() => self.transcript.down(page),
            _ => match approval.key(key, plan, Instant::now()) {
                Answer::Decided(choice) => return vec![Action::Tell(Event::Decide(choice))],
                Answer::Stop => return vec![Action::Tell(Event::Cancel)],
                Answer::Open => {}
            },
        }
        Vec::new()
    }

    /// Keys of the chat itself; `None`: the composer's.
    fn chat_key(&mut self, key: KeyEvent, ctrl: bool, agent: &Agent) -> Option<Vec<Action>> {
        let newline = key.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SHIFT);
        let empty = self.composer.is_empty();
        let last = self.composer.lines().len() - 1;
        let row = self.composer.cursor().0;
        match key.code {
            KeyCode::Enter if newline => self.insert("\n"),
            KeyCode::Char('j') if ctrl => self.insert("\n"),
            KeyCode::Enter => return Some(self.submit(agent)),
            KeyCode::Esc => return Some(self.escape(agent)),
            KeyCode::Tab => {
                let items = panel::items(agent).len();
                match items {
                    0 => {
                        self.said =
                            Some("Nothing is attached yet: type @, /attach or drag a file here.".to_owned())
                    }
                    _ => self.panel = Some(Panel::Attachments { selected: items - 1 }),
                }
            }
            KeyCode::Char('?') if empty => self.panel = Some(Panel::Help { top: 0 }),
            KeyCode::Char('d') if ctrl && empty => return Some(vec![Action::Quit]),
            KeyCode::Char('v') if ctrl => return Some(self.read_clipboard(true)),
            KeyCode::Char('y') if ctrl => return Some(self.copy("", agent)),
            KeyCode::Char('e') if key.modifiers == KeyModifiers::ALT => return Some(self.edit_last(agent)),
            KeyCode::Left if key.modifiers == KeyModifiers::ALT => return Some(self.flip(-1, agent)),
            KeyCode::Right if key.modifiers == KeyModifiers::ALT => return Some(self.flip(1, agent)),
            KeyCode::Char('u') if key.modifiers == KeyModifiers::ALT => {
                self.unsaved |= self.composer.redo();
                self.recomplete();
            }
            KeyCode::PageUp => self.transcript.up(self.page()),
            KeyCode::PageDown => self.transcript.down(self.page()),
            KeyCode::Home if ctrl => self.transcript.up(usize::MAX),
            KeyCode::End if ctrl => self.transcript.follow(),
            KeyCode::Up if row == 0 => {
                if let Some(text) = self.history.back(&self.text()) {
                    self.set_text(&text);
                }
            }
            KeyCode::Down if row == last => {
                if let Some(text) = self.history.forward() {
                    self.set_text(&text);
                }
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Ctrl+C: stops what goes on, else empties the composer, else leaves.
    fn interrupt(&mut self, agent: &Agent, leaving: bool) -> Vec<Action> {
        if self.panel == Some(Panel::Tree) {
            return self.leave_tree(agent);
        }
        if self.panel == Some(Panel::Compact) {
            return vec![Action::Tell(Event::DropSummary)];
        }
        if self.panel.take().is_some() {
            return Vec::new();
        }
        // It was said that once more leaves.
        if leaving {
            return vec![Action::Quit];
        }
        if agent.busy() {
            return vec![Action::Tell(Event::Cancel)];
        }
        if agent.editing().is_some() {
            return self.stop_editing();
        }
        if !self.composer.is_empty() {
            self.clear_composer();
            self.said = Some("Cleared; Up brings it back.".to_owned());
            return Vec::new();
        }
        self.leaving = true;
        self.said = Some("Ctrl+C once more leaves; everything is kept.".to_owned());
        Vec::new()
    }

    /// Esc: discards what is said, else leaves a message as it was, else stops what goes on, else puts the notices away.
    fn escape(&mut self, agent: &Agent) -> Vec<Action> {
        if let Some(actions) = self.dictate_escape() {
            return actions;
        }
        if agent.editing().is_some() && !agent.busy() {
            return self.stop_editing();
        }
        let loading = matches!(agent.engine, EngineState::Loading { .. });
        match agent.turn {
            Turn::Idle if !agent.notices.is_empty() => vec![Action::Tell(Event::DismissNotices)],
            Turn::Idle if !loading => Vec::new(),
            _ => vec![Action::Tell(Event::Cancel)],
        }
    }

    /// A page of the transcript, with two lines of it in sight as before.
    fn page(&self) -> usize {
        self.transcript.height.saturating_sub(2).max(1)
    }

    fn panel_key(&mut self, key: KeyEvent, agent: &Agent) -> Vec<Action> {
        if key.code == KeyCode::Enter && self.open_chosen_log(agent) {
            return Vec::new();
        }
        let Some(panel) = &mut self.panel else { return Vec::new() };
        let rows = panel.rows(agent, &self.models);
        // Something may have gone since the choice was moved.
        panel.step(0, rows);
        match key.code {
            KeyCode::Esc | KeyCode::Char('q' | '?') | KeyCode::Tab => self.close_panel(),
            KeyCode::Up | KeyCode::Char('k') => panel.step(-1, rows),
            KeyCode::Down | KeyCode::Char('j') => panel.step(1, rows),
            KeyCode::PageUp => panel.step(-PAGE_ROWS, rows),
            KeyCode::PageDown | KeyCode::Char(' ') => panel.step(PAGE_ROWS, rows),
            KeyCode::Enter => {
                let chosen = panel.choose(agent, &self.models);
                self.close_panel();
                self.transcript.follow();
                return chosen.into_iter().collect();
            }
            KeyCode::Char('p') if matches!(panel, Panel::Attachments { .. }) => {
                return self.pin_chosen(agent);
            }
            KeyCode::Char('c') if matches!(panel, Panel::Attachments { .. }) => {
                self.crop_chosen(agent);
            }
            KeyCode::Char('u') if matches!(panel, Panel::Sessions { .. }) => {
                return vec![Action::Tell(Event::RestoreSession)];
            }
            KeyCode::Delete | KeyCode::Backspace | KeyCode::Char('d') => {
                let selected = panel.remove(agent);
                return selected.map(Action::Tell).into_iter().collect();
            }
            _ => {}
        }
        Vec::new()
    }

    /// Keys while candidates are shown; `None`: the key is not one of them.
    fn completion_key(&mut self, key: KeyEvent) -> Option<Vec<Action>> {
        let completion = self.completion.as_mut()?;
        match key.code {
            KeyCode::Up => completion.step(-1),
            KeyCode::Down => completion.step(1),
            KeyCode::Esc => self.completion = None,
            KeyCode::Tab => return Some(self.accept()),
            KeyCode::Enter if key.modifiers.is_empty() && self.enter_completes() => {
                return Some(self.accept());
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Whether Enter takes the chosen candidate. Where the person didn't move to it, it
    /// does so only if that is surely meant: prose is sent, what is typed out is run.
    fn enter_completes(&self) -> bool {
        let Some(completion) = &self.completion else { return false };
        if completion.moved {
            return true;
        }
        match completion.kind {
            Kind::Command => !matches!(command::parse(&self.text()), Parsed::Command(..)),
            Kind::Model => {
                let typed = completion.query.trim();
                let file = typed.contains(['/', '\\']) || typed.ends_with(".gguf");
                !typed.is_empty() && !file && !self.models.iter().any(|name| name == typed)
            }
            Kind::File => self.at_end() && completion.is_close(),
        }
    }

    fn at_end(&self) -> bool {
        let (row, column) = self.cursor();
        let lines = self.composer.lines();
        row + 1 == lines.len() && lines.last().is_some_and(|line| line.chars().count() == column)
    }

    /// Puts the chosen candidate in place of the word; a file is attached instead.
    fn accept(&mut self) -> Vec<Action> {
        let Some(completion) = self.completion.take() else { return Vec::new() };
        let Some((chosen, _)) = completion.candidates.get(completion.selected) else { return Vec::new() };
        let column = self.composer.cursor().1;
        let (start, files) = (completion.start, completion.kind == Kind::File);
        for _ in start..column {
            self.composer.delete_char();
        }
        self.unsaved = true;
        if files && !chosen.ends_with('/') {
            return vec![Action::Tell(Event::Attach(Given::Path(expand(chosen))))];
        }
        let text = if files { format!("@{chosen}") } else { format!("{chosen} ") };
        self.composer.insert_str(&text);
        if files {
            self.recomplete();
        }
        Vec::new()
    }
}
