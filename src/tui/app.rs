//! What the person sees and types: the composer, the panels, the scroll position.
//!
//! It decides what a key means and returns it as [`Action`]s; it draws nothing, waits
//! for nothing and knows no terminal.

use std::path::{Path, PathBuf};

use crossterm::event::{Event as TermEvent, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEventKind};
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use super::command::{self, Command, Parsed};
use super::complete::{Completion, complete, expand};
use super::history::History;
use super::panel::{self, Panel};
use super::preview::Preview;
use super::theme::Theme;
use super::transcript::Transcript;
use super::{Options, markdown};
use crate::agent::{Agent, EngineState, Event, Turn};
use crate::attachment::{AttachmentId, Source};
use crate::intake::{Given, paths_in_paste};
use crate::message::{Message, Role};
use crate::text;

/// Lines that a turn of the wheel scrolls.
const WHEEL_LINES: usize = 3;

/// Characters of a title in the name of an exported file.
const EXPORT_NAME: usize = 40;

/// What a key asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// For the agent.
    Tell(Event),
    /// Copy this.
    Copy(String),
    /// Find the files for `@`.
    ListFiles,
    /// Read this attachment's content, to show it.
    Preview(AttachmentId),
    /// Back to the shell until `fg`.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Leave.
    Quit,
}

/// The state of the screen.
pub(super) struct App {
    pub(super) theme: Theme,
    pub(super) composer: TextArea<'static>,
    pub(super) history: History,
    pub(super) completion: Option<Completion>,
    pub(super) panel: Option<Panel>,
    pub(super) transcript: Transcript,
    pub(super) preview: Option<Preview>,
    /// A word on what was just done; the next key takes it away.
    pub(super) said: Option<String>,
    pub(super) models: Vec<String>,
    pub(super) options: Options,
    files: Option<Vec<String>>,
    /// Ctrl+C was pressed with nothing to stop: once more leaves.
    leaving: bool,
    /// Something was typed that the draft on disk doesn't have.
    pub(super) unsaved: bool,
}

impl App {
    pub(super) fn new(options: Options, models: Vec<String>) -> Self {
        let history = History::load(options.history.clone());
        let mut app = Self {
            theme: Theme::new(options.colors),
            composer: TextArea::default(),
            completion: None,
            panel: None,
            transcript: Transcript::default(),
            preview: None,
            said: None,
            models,
            files: None,
            leaving: false,
            unsaved: false,
            options,
            history,
        };
        let draft = app.history.draft();
        app.set_text(&draft);
        app
    }

    /// What the composer holds.
    pub(super) fn text(&self) -> String {
        self.composer.lines().join("\n")
    }

    fn set_text(&mut self, text: &str) {
        let mut composer = TextArea::new(text.split('\n').map(str::to_owned).collect());
        composer.set_wrap_mode(WrapMode::WordOrGlyph);
        composer.set_cursor_line_style(self.theme.plain());
        composer.set_placeholder_text("Type a message; @ attaches a file, / shows the commands, ? helps");
        composer.set_placeholder_style(self.theme.dim());
        composer.move_cursor(CursorMove::Bottom);
        composer.move_cursor(CursorMove::End);
        self.composer = composer;
        self.completion = None;
    }

    /// The files below the current folder were found.
    pub(super) fn files_found(&mut self, files: Vec<String>) {
        self.files = Some(files);
        self.recomplete();
    }

    /// Takes an event of the terminal.
    pub(super) fn handle(&mut self, event: TermEvent, agent: &Agent) -> Vec<Action> {
        let actions = match event {
            TermEvent::Key(key) if key.kind != KeyEventKind::Release => {
                self.said = None;
                self.key(key, agent)
            }
            TermEvent::Paste(paste) => self.paste(&paste),
            TermEvent::Mouse(mouse) => {
                match mouse.kind {
                    MouseEventKind::ScrollUp => self.scroll_up(WHEEL_LINES),
                    MouseEventKind::ScrollDown => self.scroll_down(WHEEL_LINES),
                    _ => {}
                }
                Vec::new()
            }
            _ => Vec::new(),
        };
        self.wanting(agent, actions)
    }

    /// Adds what the state asks for by itself: files for `@`, the content of what is shown.
    fn wanting(&mut self, agent: &Agent, mut actions: Vec<Action>) -> Vec<Action> {
        if self.files.is_none() && self.text().contains('@') {
            self.files = Some(Vec::new());
            actions.push(Action::ListFiles);
        }
        let shown = match &self.panel {
            Some(Panel::Attachments { selected }) => panel::items(agent)
                .get(*selected)
                .and_then(|item| item.attachment.as_ref().map(|a| a.view().clone())),
            _ => None,
        };
        if shown.as_ref() != self.preview.as_ref().map(|preview| &preview.id) {
            self.preview = None;
            if let Some(id) = shown {
                self.preview = Some(Preview::loading(id.clone()));
                actions.push(Action::Preview(id));
            }
        }
        actions
    }

    fn key(&mut self, key: KeyEvent, agent: &Agent) -> Vec<Action> {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let leaving = std::mem::take(&mut self.leaving);
        match key.code {
            KeyCode::Char('c') if ctrl => return self.interrupt(agent, leaving),
            KeyCode::Char('z') if ctrl => return vec![Action::Suspend],
            KeyCode::Char('l') if ctrl => return vec![Action::Redraw],
            KeyCode::F(1) => {
                self.panel = Some(Panel::Help { top: 0 });
                return Vec::new();
            }
            _ => {}
        }
        if self.panel.is_some() {
            return self.panel_key(key, agent);
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
            KeyCode::Char('v') if ctrl => return Some(vec![Action::Tell(Event::Attach(Given::Clipboard))]),
            KeyCode::Char('y') if ctrl => return Some(self.copy("", agent)),
            KeyCode::PageUp => self.scroll_up(self.transcript.height.saturating_sub(2).max(1)),
            KeyCode::PageDown => self.scroll_down(self.transcript.height.saturating_sub(2).max(1)),
            KeyCode::Home if ctrl => self.scroll_up(usize::MAX),
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

    fn insert(&mut self, text: &str) {
        self.composer.insert_str(text);
        self.unsaved = true;
        self.recomplete();
    }

    fn scroll_up(&mut self, lines: usize) {
        match &mut self.panel {
            Some(panel) => panel.step(-1, usize::MAX),
            None => self.transcript.up(lines),
        }
    }

    fn scroll_down(&mut self, lines: usize) {
        match &mut self.panel {
            Some(panel) => panel.step(1, usize::MAX),
            None => self.transcript.down(lines),
        }
    }

    /// Ctrl+C: stops what goes on, else empties the composer, else leaves.
    fn interrupt(&mut self, agent: &Agent, leaving: bool) -> Vec<Action> {
        if self.panel.take().is_some() {
            return Vec::new();
        }
        if agent.busy() {
            return vec![Action::Tell(Event::Cancel)];
        }
        if !self.composer.is_empty() {
            self.clear_composer();
            self.said = Some("Cleared; Up brings it back.".to_owned());
            return Vec::new();
        }
        if leaving {
            return vec![Action::Quit];
        }
        self.leaving = true;
        self.said = Some("Ctrl+C once more leaves; everything is kept.".to_owned());
        Vec::new()
    }

    /// Esc: stops what goes on, else puts the notices away.
    fn escape(&mut self, agent: &Agent) -> Vec<Action> {
        let loading = matches!(agent.engine, EngineState::Loading { .. });
        match agent.turn {
            Turn::Idle if !agent.notices.is_empty() => vec![Action::Tell(Event::DismissNotices)],
            Turn::Idle if !loading => Vec::new(),
            _ => vec![Action::Tell(Event::Cancel)],
        }
    }

    fn clear_composer(&mut self) {
        let text = self.text();
        self.history.add(&text);
        self.set_text("");
        self.unsaved = true;
    }

    fn submit(&mut self, agent: &Agent) -> Vec<Action> {
        let text = self.text();
        match command::parse(&text) {
            Parsed::Command(command, argument) => {
                let actions = self.command(command, argument, agent);
                // A command that can't be done stays, to be mended.
                if self.said.is_none() || !actions.is_empty() {
                    self.clear_composer();
                }
                actions
            }
            Parsed::Unknown(name, near) => {
                let near = near.map_or(String::new(), |near| format!("; did you mean /{near}?"));
                self.said = Some(format!("There is no /{name}{near} ? shows the commands."));
                Vec::new()
            }
            Parsed::Message => self.send(&text, agent),
        }
    }

    fn send(&mut self, text: &str, agent: &Agent) -> Vec<Action> {
        if agent.busy() {
            self.said = Some("An answer is being written: Esc stops it. Your text stays here.".to_owned());
            return Vec::new();
        }
        if text.trim().is_empty() && agent.chips.is_empty() {
            return Vec::new();
        }
        let (message, files) = take_mentions(text);
        self.clear_composer();
        self.transcript.follow();
        let attach = files.into_iter().map(|path| Action::Tell(Event::Attach(Given::Path(path))));
        attach.chain([Action::Tell(Event::Submit(message))]).collect()
    }

    fn command(&mut self, command: Command, argument: &str, agent: &Agent) -> Vec<Action> {
        let tell = |event| vec![Action::Tell(event)];
        match command {
            Command::Attach => self.attach(argument),
            Command::Paste => tell(Event::Attach(Given::Clipboard)),
            Command::Screenshot => tell(Event::Attach(Given::Screenshot)),
            Command::Attachments => {
                self.panel = Some(Panel::Attachments { selected: 0 });
                Vec::new()
            }
            Command::Model if argument.is_empty() => {
                let now = agent.model.as_ref().map(|model| model.name.as_str());
                let selected = self.models.iter().position(|name| Some(name.as_str()) == now).unwrap_or(0);
                self.panel = Some(Panel::Models { selected });
                Vec::new()
            }
            Command::Model => tell(Event::UseModel(argument.to_owned())),
            Command::New => {
                self.transcript.follow();
                tell(Event::NewSession)
            }
            Command::Sessions => {
                self.panel = Some(Panel::Sessions { selected: 0 });
                tell(Event::ListSessions)
            }
            Command::Retry => tell(Event::Retry),
            Command::Copy => self.copy(argument, agent),
            Command::Export => tell(Event::Export(export_path(argument, &agent.title))),
            Command::Clear => {
                let chips = agent.chips.iter().map(|chip| Action::Tell(Event::Detach(chip.ticket)));
                chips.collect()
            }
            Command::Help => {
                self.panel = Some(Panel::Help { top: 0 });
                Vec::new()
            }
            Command::Quit => vec![Action::Quit],
        }
    }

    fn attach(&mut self, argument: &str) -> Vec<Action> {
        let whole = expand(argument);
        let paths = match (argument.is_empty(), whole.exists()) {
            (true, _) => {
                self.said =
                    Some("/attach takes one or more paths; or type @ and a part of the name.".to_owned());
                return Vec::new();
            }
            (false, true) => vec![whole],
            (false, false) => {
                shlex::split(argument).unwrap_or_default().iter().map(|word| expand(word)).collect()
            }
        };
        paths.into_iter().map(|path| Action::Tell(Event::Attach(Given::Path(path)))).collect()
    }

    fn copy(&mut self, what: &str, agent: &Agent) -> Vec<Action> {
        let answer =
            agent.transcript.iter().rev().find(|message| message.role == Role::Assistant).map(Message::text);
        let Some(answer) = answer else {
            self.said = Some("There is no answer to copy yet.".to_owned());
            return Vec::new();
        };
        match what {
            "code" => match markdown::code_blocks(&answer).pop() {
                Some(block) => vec![Action::Copy(block)],
                None => {
                    self.said = Some("The last answer has no code block; /copy takes all of it.".to_owned());
                    Vec::new()
                }
            },
            _ => vec![Action::Copy(answer)],
        }
    }

    /// Paths are attached, a lot of text too, the rest is typed.
    fn paste(&mut self, paste: &str) -> Vec<Action> {
        let paste = paste.replace("\r\n", "\n").replace('\r', "\n");
        let attach = |given| Action::Tell(Event::Attach(given));
        let paths = paths_in_paste(&paste);
        if !paths.is_empty() {
            return paths.into_iter().map(|path| attach(Given::Path(path))).collect();
        }
        if paste.lines().count() > self.options.paste_lines || paste.len() > self.options.paste_bytes {
            let name = "pasted text".to_owned();
            return vec![attach(Given::Bytes { name, bytes: paste.into_bytes(), source: Source::Paste })];
        }
        // Control characters would be invisible in the composer, and in the message.
        let clean: String = paste.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
        self.insert(&clean.replace('\t', "    "));
        Vec::new()
    }

    fn panel_key(&mut self, key: KeyEvent, agent: &Agent) -> Vec<Action> {
        let Some(panel) = &mut self.panel else { return Vec::new() };
        let rows = panel.rows(agent, &self.models);
        match key.code {
            KeyCode::Esc | KeyCode::Char('q' | '?') | KeyCode::Tab => self.panel = None,
            KeyCode::Up | KeyCode::Char('k') => panel.step(-1, rows),
            KeyCode::Down | KeyCode::Char('j') => panel.step(1, rows),
            KeyCode::PageUp => panel.step(-10, rows),
            KeyCode::PageDown | KeyCode::Char(' ') => panel.step(10, rows),
            KeyCode::Enter => {
                let chosen = panel.choose(agent, &self.models);
                self.panel = None;
                self.transcript.follow();
                return chosen.map(Action::Tell).into_iter().collect();
            }
            KeyCode::Delete | KeyCode::Backspace | KeyCode::Char('d') => {
                return panel.remove(agent).map(Action::Tell).into_iter().collect();
            }
            _ => {}
        }
        Vec::new()
    }

    /// Keys while candidates are shown; `None`: the key is not one of them.
    fn completion_key(&mut self, key: KeyEvent) -> Option<Vec<Action>> {
        let completion = self.completion.as_mut()?;
        let count = completion.candidates.len();
        match key.code {
            KeyCode::Up => completion.selected = (completion.selected + count - 1) % count,
            KeyCode::Down => completion.selected = (completion.selected + 1) % count,
            KeyCode::Esc => self.completion = None,
            KeyCode::Tab => return Some(self.accept()),
            // A command that is typed out is run, not completed.
            KeyCode::Enter if key.modifiers.is_empty() => {
                let whole = !completion.files && matches!(command::parse(&self.text()), Parsed::Command(..));
                return if whole { None } else { Some(self.accept()) };
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Puts the chosen candidate in place of the word; a file is attached instead.
    fn accept(&mut self) -> Vec<Action> {
        let Some(completion) = self.completion.take() else { return Vec::new() };
        let Some((chosen, _)) = completion.candidates.get(completion.selected) else { return Vec::new() };
        let column = self.composer.cursor().1;
        let (start, files) = (completion.start, completion.files);
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

    fn recomplete(&mut self) {
        let cursor = self.composer.cursor();
        let line = self.composer.lines().get(cursor.0).map_or("", String::as_str);
        let files = self.files.as_deref().unwrap_or_default();
        self.completion = complete(line, cursor.1, files, &self.models);
    }
}

/// Takes the `@path`s out of a message whose files are there; their names stay.
fn take_mentions(text: &str) -> (String, Vec<PathBuf>) {
    let mut files = Vec::new();
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            let words = line.split(' ').map(|word| {
                let path = word.strip_prefix('@').map(expand).filter(|path| path.is_file());
                match path {
                    Some(path) => {
                        let name = path
                            .file_name()
                            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                        files.push(path);
                        name
                    }
                    None => word.to_owned(),
                }
            });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect();
    (lines.join("\n"), files)
}

fn export_path(argument: &str, title: &str) -> PathBuf {
    if !argument.is_empty() {
        return expand(argument);
    }
    let slug: String =
        title.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let words: Vec<&str> = slug.split('-').filter(|word| !word.is_empty()).collect();
    let name = text::prefix(&words.join("-"), EXPORT_NAME).to_owned();
    Path::new(&format!("percept-{}.md", if name.is_empty() { "conversation" } else { &name })).to_owned()
}
