//! The panels of a summary and of a part of a picture, in the chat.

use crossterm::event::KeyEvent;

use super::{Action, App};
use crate::agent::{Agent, Event};
use crate::attachment::AttachmentId;
use crate::intake::Given;
use crate::tui::crop::{CropPanel, Reply};
use crate::tui::panel::{self, Panel};
use crate::tui::preview::Read;
use crate::tui::summary::{CompactPanel, Does};

impl App {
    /// Asks for a summary, shows the one that waits, or takes the last one back.
    pub(super) fn compact_command(&mut self, argument: &str, agent: &Agent) -> Vec<Action> {
        match argument {
            "undo" => vec![Action::Tell(Event::UndoSummary)],
            "" if agent.compaction.is_some() => {
                self.panel = Some(Panel::Compact);
                Vec::new()
            }
            "" => vec![Action::Tell(Event::Compact)],
            other => {
                self.said = Some(format!("/compact takes `undo` or nothing, not `{other}`."));
                Vec::new()
            }
        }
    }

    /// Opens the panel when there is a summary to be seen, and closes it when there is none.
    pub(super) fn compact_wanted(&mut self, agent: &Agent) {
        let there = agent.compaction.is_some();
        if there && !self.compact.open {
            self.compact = CompactPanel::default();
            self.compact.open = true;
            self.panel = Some(Panel::Compact);
        } else if !there && std::mem::take(&mut self.compact.open) && self.panel == Some(Panel::Compact) {
            self.panel = None;
            self.transcript.follow();
        }
    }

    pub(super) fn compact_key(&mut self, key: KeyEvent, agent: &Agent) -> Vec<Action> {
        let Some(compaction) = &agent.compaction else { return Vec::new() };
        match self.compact.key(key, compaction) {
            Does::Nothing => Vec::new(),
            Does::Accept(text) => vec![Action::Tell(Event::AcceptSummary(text))],
            Does::Drop => vec![Action::Tell(Event::DropSummary)],
        }
    }

    /// Pins the chosen attachment, or lets it go.
    pub(super) fn pin_chosen(&mut self, agent: &Agent) -> Vec<Action> {
        let Some(Panel::Attachments { selected }) = self.panel else { return Vec::new() };
        match panel::items(agent).get(selected).map(|item| item.pin()) {
            Some(Some(event)) => vec![Action::Tell(event)],
            Some(None) => {
                self.said = Some("Send it first: what isn't sent yet stays anyway.".to_owned());
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Opens the panel in which a part of the chosen picture is taken.
    pub(super) fn crop_chosen(&mut self, agent: &Agent) {
        let Some(Panel::Attachments { selected }) = self.panel else { return };
        let Some(item) = panel::items(agent).into_iter().nth(selected) else { return };
        let (instead, sent) = (item.taken_out(), item.is_sent());
        match item.attachment.and_then(|picture| CropPanel::of(picture, instead, sent)) {
            Some(crop) => {
                self.crop = Some(crop);
                self.panel = Some(Panel::Crop);
            }
            None => self.said = Some("A part can be taken of a picture.".to_owned()),
        }
    }

    /// The picture that is to be drawn; a panel that was left is dropped.
    pub(super) fn crop_wanted(&mut self) -> Option<Action> {
        if self.panel != Some(Panel::Crop) {
            self.crop = None;
        }
        self.crop.as_mut().and_then(CropPanel::wanted).map(Action::ToCrop)
    }

    pub(in crate::tui) fn crop_read(&mut self, id: &AttachmentId, read: Read) {
        if let Some(crop) = &mut self.crop {
            crop.loaded(id, read);
        }
    }

    pub(super) fn crop_key(&mut self, key: KeyEvent) -> Vec<Action> {
        let Some(crop) = &mut self.crop else { return Vec::new() };
        match crop.key(key) {
            Reply::Stay => Vec::new(),
            Reply::Close => {
                self.panel = None;
                Vec::new()
            }
            Reply::Cut(cut, replaces) => {
                self.panel = None;
                vec![Action::Crop(cut, replaces)]
            }
        }
    }

    /// A part was cut out: it is attached, and what it replaces goes.
    pub(in crate::tui) fn cropped(
        &mut self,
        cropped: Result<Given, String>,
        replaces: Option<Event>,
    ) -> Vec<Action> {
        match cropped {
            Ok(given) => {
                let attach = Event::Attach(given);
                [Some(attach), replaces].into_iter().flatten().map(Action::Tell).collect()
            }
            Err(why) => vec![Action::Tell(Event::Failed(why))],
        }
    }
}
