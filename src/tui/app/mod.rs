//! What the person sees and types: the composer, the panels, the scroll position.
//!
//! It decides what a key means (`keys`), what is sent or pasted (`send`), what the log panel
//! asks for (`look`), what the find panel does (`find`, `index`), what is edited and shown of the
//! tree (`tree`) and what the panels of a summary and a crop do (`compact`), and returns it as
//! [`Action`]s; it draws nothing, waits for nothing and knows no terminal.

mod compact;
mod find;
mod index;
mod keys;
mod look;
mod send;
mod tree;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use crossterm::event::{Event as TermEvent, KeyEventKind, MouseEventKind};
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use super::Options;
use super::approval::Approval;
use super::complete::{Completion, complete, mention};
use super::crop::{CropPanel, Cut};
use super::dictate::Dictate;
use super::files::Files;
use super::find::{Confirm, FindPanel, Lookup, Opening};
use super::history::History;
use super::index::Wish;
use super::log::{Claim, LogPanel, Look};
use super::panel::{self, Panel};
use super::preview::Preview;
use super::speed::Speed;
use super::summary::CompactPanel;
use super::theme::Theme;
use super::transcript::Transcript;
use super::tree::TreePanel;
use crate::agent::{Agent, Event};
use crate::attachment::AttachmentId;
use crate::dictation;

/// Lines that a turn of the wheel scrolls.
const WHEEL_LINES: usize = 3;

/// What a key asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    /// For the agent.
    Tell(Event),
    /// Copy this.
    Copy(String),
    /// Find the files for `@`.
    ListFiles,
    /// Read the clipboard, for [`App::clipboard_came`].
    ReadClipboard {
        /// Short text is typed; without this, attached as everything else is.
        typed: bool,
    },
    /// Read this attachment's content, to show it.
    Preview(AttachmentId),
    /// Read this picture, for [`App::crop_read`].
    ToCrop(AttachmentId),
    /// Cut a part out, for [`App::cropped`] with what it replaces.
    Crop(Box<Cut>, Option<Box<Event>>),
    /// Read the record of this log, for [`App::log_read`].
    ReadLog(AttachmentId),
    /// Look something up, for [`App::looked`].
    Look(Look),
    /// Look something up in the index, for [`App::found`].
    Find(Lookup),
    /// Read the picture in this file, to show it.
    Picture(PathBuf),
    /// Open something in another program.
    Open(Opening),
    /// Keep that a result is right, or forget it.
    Confirm(Confirm),
    /// Look into citations, for [`App::resolved`].
    Resolve(Vec<Claim>),
    /// Find the files of the index with these letters, for [`App::indexed_files`].
    FilesLike(String),
    /// Something is wanted of the index.
    Index(Wish),
    /// For dictation.
    Dictate(dictation::Event),
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
    /// The log panel, while it is open.
    pub(super) log: Option<LogPanel>,
    /// The summary that is looked at.
    pub(super) compact: CompactPanel,
    /// The picture that a part is taken of.
    pub(super) crop: Option<CropPanel>,
    /// What was found last; shown while its panel is open.
    pub(super) find: FindPanel,
    /// The panel of the tree, while it is open.
    pub(super) tree: Option<TreePanel>,
    /// The draft, while an earlier message is edited.
    waiting: Option<tree::Waiting>,
    /// What the help lies above.
    behind: Option<Panel>,
    /// What the model found while the panel was open.
    find_next: Option<FindPanel>,
    cited: find::Cited,
    /// Something is indexed.
    pub(super) indexed: bool,
    pub(super) index: index::Index,
    /// What is attached and has names that can be cited.
    named: HashSet<AttachmentId>,
    /// The dialog, while a call asks.
    pub(super) approval: Option<Approval>,
    /// A word on what was just done; the next key takes it away.
    pub(super) said: Option<String>,
    pub(super) models: Vec<String>,
    pub(super) options: Options,
    pub(super) speed: Speed,
    pub(super) dictate: Dictate,
    files: Files,
    /// The files are being listed.
    listing: bool,
    /// The cursor stands behind a mention.
    mentions: bool,
    /// Ctrl+C was pressed with nothing to stop: once more leaves.
    pub(super) leaving: bool,
    /// Something was typed that the draft on disk doesn't have.
    pub(super) unsaved: bool,
}

impl App {
    pub(super) fn new(options: Options, models: Vec<String>) -> Self {
        let history = History::load(options.history.clone());
        let mut app = Self {
            theme: Theme::new(options.palette, std::env::var("COLORFGBG").ok().as_deref()),
            composer: TextArea::default(),
            completion: None,
            panel: None,
            transcript: Transcript::default(),
            preview: None,
            log: None,
            compact: CompactPanel::default(),
            crop: None,
            find: FindPanel::default(),
            tree: None,
            waiting: None,
            behind: None,
            find_next: None,
            cited: find::Cited::default(),
            indexed: false,
            index: index::Index::default(),
            named: HashSet::new(),
            approval: None,
            said: None,
            models,
            speed: Speed::default(),
            dictate: Dictate::default(),
            files: Files::default(),
            listing: false,
            mentions: false,
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
    pub(super) fn files_found(&mut self, files: Files) {
        let indexed = std::mem::take(&mut self.files.indexed);
        self.files = Files { indexed, ..files };
        self.listing = false;
        self.recomplete();
    }

    /// Whether an event can change anything: what can't is no reason to draw.
    pub(super) fn heeds(event: &TermEvent) -> bool {
        match event {
            TermEvent::Key(key) => key.kind != KeyEventKind::Release || Dictate::is_release(key),
            TermEvent::Mouse(mouse) => {
                matches!(mouse.kind, MouseEventKind::ScrollUp | MouseEventKind::ScrollDown)
            }
            TermEvent::Paste(_) | TermEvent::Resize(..) => true,
            TermEvent::FocusGained | TermEvent::FocusLost => false,
        }
    }

    /// Takes an event of the terminal.
    pub(super) fn handle(&mut self, event: TermEvent, agent: &Agent) -> Vec<Action> {
        self.follow_tree(agent);
        let mut actions = match event {
            TermEvent::Key(key) if key.kind != KeyEventKind::Release => {
                self.said = None;
                self.key(key, agent)
            }
            TermEvent::Key(key) if Dictate::is_release(&key) => self.dictate_released(Instant::now()),
            TermEvent::Paste(paste) if self.panel == Some(Panel::Find) && self.find.types() => {
                self.find.paste(&paste);
                Vec::new()
            }
            TermEvent::Paste(paste) if self.panel == Some(Panel::Tree) => {
                self.tree.iter_mut().for_each(|tree| tree.paste(&paste));
                Vec::new()
            }
            TermEvent::Paste(paste) if self.panel == Some(Panel::Compact) => {
                self.compact.paste(&paste);
                Vec::new()
            }
            TermEvent::Paste(paste) => match self.asks(agent) {
                Some(approval) => {
                    approval.paste(&paste);
                    Vec::new()
                }
                None => self.paste(&paste),
            },
            TermEvent::Mouse(mouse) => {
                match mouse.kind {
                    MouseEventKind::ScrollUp => self.scroll_up(WHEEL_LINES, agent),
                    MouseEventKind::ScrollDown => self.scroll_down(WHEEL_LINES, agent),
                    _ => {}
                }
                Vec::new()
            }
            _ => Vec::new(),
        };
        self.dictate_follow();
        actions.extend(self.wanted(agent));
        actions
    }

    /// What the state asks for by itself: the files for a mention that was begun, the
    /// content of the attachment that is shown.
    pub(super) fn wanted(&mut self, agent: &Agent) -> Vec<Action> {
        let mut actions = Vec::new();
        let (row, column) = self.cursor();
        let mentioned = self.composer.lines().get(row).and_then(|line| mention(line, column));
        let mentions = mentioned.is_some();
        actions.extend(self.files_wanted(mentioned));
        // Anew for each mention: files come and go. The old list stands meanwhile.
        if mentions && !std::mem::replace(&mut self.mentions, mentions) && !self.listing {
            self.listing = true;
            actions.push(Action::ListFiles);
        }
        self.mentions = mentions;
        self.compact_wanted(agent);
        actions.extend(self.crop_wanted());
        actions.extend(self.log_wanted(agent));
        actions.extend(self.find_wanted(agent));
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

    /// The dialog, if a call asks.
    pub(super) fn asks(&mut self, agent: &Agent) -> Option<&mut Approval> {
        self.approval = Approval::of(agent, self.approval.take(), Instant::now());
        self.approval.as_mut()
    }

    fn cursor(&self) -> (usize, usize) {
        let cursor = self.composer.cursor();
        (cursor.0, cursor.1)
    }

    fn scroll_up(&mut self, lines: usize, agent: &Agent) {
        if let (Some(Panel::Log), Some(log)) = (&self.panel, &mut self.log) {
            return log.step(-(WHEEL_LINES as isize));
        }
        if self.panel == Some(Panel::Compact) {
            return self.compact.step(-(WHEEL_LINES as isize));
        }
        if self.panel == Some(Panel::Find) {
            return self.find.step(-1);
        }
        if let (Some(Panel::Tree), Some(tree)) = (&self.panel, &mut self.tree) {
            return tree.step(-1, agent);
        }
        match &mut self.panel {
            Some(panel) => panel.step(-1, panel.rows(agent, &self.models)),
            None => self.transcript.up(lines),
        }
    }

    fn scroll_down(&mut self, lines: usize, agent: &Agent) {
        if let (Some(Panel::Log), Some(log)) = (&self.panel, &mut self.log) {
            return log.step(WHEEL_LINES as isize);
        }
        if self.panel == Some(Panel::Compact) {
            return self.compact.step(WHEEL_LINES as isize);
        }
        if self.panel == Some(Panel::Find) {
            return self.find.step(1);
        }
        if let (Some(Panel::Tree), Some(tree)) = (&self.panel, &mut self.tree) {
            return tree.step(1, agent);
        }
        match &mut self.panel {
            Some(panel) => panel.step(1, panel.rows(agent, &self.models)),
            None => self.transcript.down(lines),
        }
    }

    /// The completion of what the cursor stands behind.
    pub(super) fn recomplete(&mut self) {
        let cursor = self.composer.cursor();
        let line = self.composer.lines().get(cursor.0).map_or("", String::as_str);
        // A command is a whole message.
        let command = line.starts_with('/') && self.composer.lines().len() > 1;
        self.completion = match command {
            true => None,
            false => complete(line, cursor.1, &self.files, &self.models),
        };
        let mentions = mention(line, cursor.1).is_some();
        if mentions
            && self.completion.is_none()
            && !self.listing
            && let Some(cut) = self.files.cut_words()
        {
            self.said = Some(cut);
        }
    }
}
